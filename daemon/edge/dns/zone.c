/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/zone-private.h"

#include <string.h>

/* Names. */

guint
ew_dns_name_split (const guint8 *name, gsize len, guint8 offsets[EW_DNS_LABELS_MAX])
{
  guint n = 0;

  for (gsize pos = 0; pos < len && name[pos] != 0 && n < EW_DNS_LABELS_MAX; pos += 1u + name[pos])
    offsets[n++] = (guint8)pos;
  return n;
}

gsize
ew_dns_name_reverse (const guint8 *name, gsize len, guint8 *out)
{
  guint8 offsets[EW_DNS_LABELS_MAX];
  gsize used = 0;

  for (guint i = ew_dns_name_split (name, len, offsets); i > 0; i--)
    {
      gsize label = 1u + name[offsets[i - 1]];

      memcpy (out + used, name + offsets[i - 1], label);
      used += label;
    }
  return used;
}

static guint
hash_bytes (const guint8 *bytes, gsize len)
{
  guint32 hash = 5381;

  for (gsize i = 0; i < len; i++)
    hash = hash * 33 + bytes[i];
  return hash;
}

static guint
hash_key (gconstpointer data)
{
  const EwDnsKey *key = data;
  return hash_bytes (key->bytes, key->len);
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  const EwDnsKey *x = a, *y = b;
  return x->len == y->len && memcmp (x->bytes, y->bytes, x->len) == 0;
}

static gint
compare_keys (gconstpointer a, gconstpointer b, gpointer data)
{
  const EwDnsKey *x = a, *y = b;
  gint order = memcmp (x->bytes, y->bytes, MIN (x->len, y->len));
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static guint
hash_ip (gconstpointer data)
{
  const EwIp *ip = data;
  return hash_bytes (ip->bytes, sizeof ip->bytes);
}

static gboolean
equal_ips (gconstpointer a, gconstpointer b)
{
  return ew_ip_equal (a, b);
}

/* Entries. */

static void
forget_pieces (Entry *entry)
{
  for (guint i = 0; i < PIECES; i++)
    g_clear_pointer (&entry->pieces[i].bytes, g_free);
}

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  forget_pieces (entry);
  g_slist_free (entry->claims);
  g_free (entry);
}

Entry *
ew_dns_zone_find_entry (EwDnsZone *self, const guint8 *name, gsize len)
{
  const EwDnsKey key = { name, len };
  return g_hash_table_lookup (self->names, &key);
}

static Entry *
obtain_entry (EwDnsZone *self, ldns_rdf *name)
{
  gsize len = ldns_rdf_size (name);

  ldns_dname2canonical (name);
  Entry *entry = ew_dns_zone_find_entry (self, ldns_rdf_data (name), len);
  if (entry != NULL)
    return entry;
  entry = g_malloc0 (sizeof *entry + 2 * len);
  memcpy (entry->bytes, ldns_rdf_data (name), len);
  entry->name = (EwDnsKey){ entry->bytes, len };
  entry->order = (EwDnsKey){ entry->bytes + len, ew_dns_name_reverse (entry->bytes, len, entry->bytes + len) };
  g_hash_table_insert (self->names, &entry->name, entry);
  g_tree_insert (self->order, &entry->order, entry);
  return entry;
}

static void
drop_entry (EwDnsZone *self, Entry *entry)
{
  g_tree_remove (self->order, &entry->order);
  g_hash_table_remove (self->names, &entry->name);
}

static void
claim_entry (EwDnsZone *self, EwDnsHost *host, ldns_rdf *name, gboolean is_reverse)
{
  if (name == NULL || ldns_rdf_size (name) > EW_DNS_NAME_MAX)
    return;
  Entry *entry = obtain_entry (self, name);
  const EwDnsHost *first = entry->claims != NULL ? entry->claims->data : NULL;

  /* No node can have one of the edge's names. */
  if (first != NULL && *first->id == '\0' && *host->id != '\0')
    entry->claims = g_slist_insert (entry->claims, host, 1);
  else
    entry->claims = g_slist_prepend (entry->claims, host);
  entry->is_reverse = is_reverse;
  forget_pieces (entry);
  g_ptr_array_add (host->entries, entry);
}

static void
release_entries (EwDnsZone *self, EwDnsHost *host)
{
  for (guint i = 0; i < host->entries->len; i++)
    {
      Entry *entry = host->entries->pdata[i];

      entry->claims = g_slist_remove (entry->claims, host);
      forget_pieces (entry);
      if (entry->claims == NULL && !entry->is_apex)
        drop_entry (self, entry);
    }
  g_ptr_array_set_size (host->entries, 0);
}

/* Hosts. */

EwDnsHost *
ew_dns_host_ref (EwDnsHost *self)
{
  self->references++;
  return self;
}

void
ew_dns_host_unref (EwDnsHost *self)
{
  if (--self->references > 0)
    return;
  g_ptr_array_unref (self->entries);
  g_free (self->name);
  g_free (self->id);
  g_free (self);
}

const gchar *
ew_dns_host_get_id (EwDnsHost *self)
{
  return self->id;
}

gboolean
ew_dns_host_is_gone (EwDnsHost *self)
{
  return self->gone;
}

gboolean
ew_dns_host_take (EwDnsHost *self, gint64 now_us, gint64 interval_us, guint burst)
{
  gint64 next = MAX (self->next_us, now_us);

  if (next - now_us > (gint64)(burst - 1) * interval_us)
    return FALSE;
  self->next_us = next + interval_us;
  return TRUE;
}

guint
ew_dns_host_count (EwDnsHost *self, gint delta)
{
  self->count = (guint)((gint)self->count + delta);
  return self->count;
}

static void
release_addresses (EwDnsZone *self, EwDnsHost *host)
{
  for (gsize i = 0; i < G_N_ELEMENTS (host->addresses); i++)
    if (g_hash_table_lookup (self->addresses, &host->addresses[i]) == host)
      g_hash_table_remove (self->addresses, &host->addresses[i]);
}

static void
claim_names (EwDnsZone *self, EwDnsHost *host, const gchar *const *names)
{
  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autofree gchar *full = g_strdup_printf ("%s.%s", names[i], self->suffix);
      ldns_rdf *name = *names[i] != '\0' ? ldns_dname_new_frm_str (full) : NULL;

      claim_entry (self, host, name, FALSE);
      ldns_rdf_deep_free (name);
    }
}

static ldns_rdf *
make_reverse (const EwIp *address)
{
  const gboolean v4 = address->family == EW_FAMILY_V4;
  ldns_rdf *rdf = ldns_rdf_new_frm_data (v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, v4 ? 4 : 16, address->bytes);
  ldns_rdf *name = ldns_rdf_address_reverse (rdf);

  ldns_rdf_deep_free (rdf);
  return name;
}

static void
claim_addresses (EwDnsZone *self, EwDnsHost *host, const EwIp addresses[2])
{
  for (gsize i = 0; i < G_N_ELEMENTS (host->addresses); i++)
    {
      host->addresses[i] = addresses[i];
      if (addresses[i].family == EW_FAMILY_NONE)
        continue;
      ldns_rdf *name = make_reverse (&addresses[i]);
      g_hash_table_insert (self->addresses, g_memdup2 (&addresses[i], sizeof addresses[i]), host);
      if (host->name != NULL)
        claim_entry (self, host, name, TRUE);
      ldns_rdf_deep_free (name);
    }
}

/* Whose addresses change is another to the sockets: what came from the old ones is not its any more. Its account of
 * questions stays. */
static EwDnsHost *
obtain_host (EwDnsZone *self, const EwDnsHostSpec *spec)
{
  EwDnsHost *old = g_hash_table_lookup (self->hosts, spec->id);

  if (old != NULL)
    {
      release_entries (self, old);
      release_addresses (self, old);
      if (ew_ip_equal (&old->addresses[0], &spec->addresses[0])
          && ew_ip_equal (&old->addresses[1], &spec->addresses[1]))
        return old;
    }
  EwDnsHost *host = g_new0 (EwDnsHost, 1);
  host->references = 1;
  host->id = g_strdup (spec->id);
  host->entries = g_ptr_array_new ();
  host->next_us = old != NULL ? old->next_us : 0;
  if (old != NULL)
    old->gone = TRUE;
  g_hash_table_replace (self->hosts, host->id, host);
  return host;
}

void
ew_dns_zone_set_host (EwDnsZone *self, const EwDnsHostSpec *spec)
{
  EwDnsHost *host = obtain_host (self, spec);

  g_free (host->name);
  host->name = spec->names[0] != NULL && *spec->names[0] != '\0' ? g_strdup (spec->names[0]) : NULL;
  claim_names (self, host, spec->names);
  claim_addresses (self, host, spec->addresses);
  self->serial++;
}

void
ew_dns_zone_remove_host (EwDnsZone *self, const gchar *id)
{
  EwDnsHost *host = g_hash_table_lookup (self->hosts, id);

  if (host == NULL)
    return;
  release_entries (self, host);
  release_addresses (self, host);
  host->gone = TRUE;
  g_hash_table_remove (self->hosts, id);
  self->serial++;
}

EwDnsHost *
ew_dns_zone_find_host (EwDnsZone *self, const EwIp *address)
{
  return g_hash_table_lookup (self->addresses, address);
}

EwDnsHost *
ew_dns_zone_get_edge (EwDnsZone *self)
{
  return g_hash_table_lookup (self->hosts, "");
}

/* Zones. */

static gboolean
add_apex (EwDnsZone *self, const gchar *text, guint kind)
{
  guint8 offsets[EW_DNS_LABELS_MAX];
  ldns_rdf *name = ldns_dname_new_frm_str (text);

  if (name == NULL || ldns_rdf_size (name) < 2)
    {
      ldns_rdf_deep_free (name);
      return FALSE;
    }
  Entry *entry = obtain_entry (self, name);
  entry->is_apex = TRUE;
  self->apex_labels[kind] = ew_dns_name_split (entry->name.bytes, entry->name.len, offsets);
  ldns_rdf_deep_free (name);
  return TRUE;
}

/* in-addr.arpa is cut at whole octets: a /12 is 16 zones of two octets. */
static void
add_reverse4 (EwDnsZone *self, const EwPrefix *range)
{
  guint octets = MAX ((range->length + 7u) / 8, 1);
  guint zones = 1u << (8 * octets - range->length);

  for (guint i = 0; i < zones; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      for (guint o = octets; o > 0; o--)
        g_string_append_printf (text, "%u.", range->ip.bytes[o - 1] + (o == octets ? i : 0));
      g_string_append (text, "in-addr.arpa.");
      add_apex (self, text->str, 1);
    }
}

/* ip6.arpa at whole nibbles. */
static void
add_reverse6 (EwDnsZone *self, const EwPrefix *range)
{
  guint nibbles = MAX ((range->length + 3u) / 4, 1);
  guint zones = 1u << (4 * nibbles - range->length);

  for (guint i = 0; i < zones; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      for (guint n = nibbles; n > 0; n--)
        {
          guint nibble = range->ip.bytes[(n - 1) / 2] >> ((n - 1) % 2 ? 0 : 4) & 0xf;
          g_string_append_printf (text, "%x.", nibble + (n == nibbles ? i : 0));
        }
      g_string_append (text, "ip6.arpa.");
      add_apex (self, text->str, 2);
    }
}

EwDnsZone *
ew_dns_zone_new (const gchar *suffix, const EwPrefix ranges[2], guint32 serial)
{
  EwDnsZone *self = g_new0 (EwDnsZone, 1);

  self->suffix = g_strdup_printf ("%s.", suffix);
  self->serial = serial;
  self->names = g_hash_table_new_full (hash_key, equal_keys, NULL, free_entry);
  self->order = g_tree_new_full (compare_keys, NULL, NULL, NULL);
  self->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)ew_dns_host_unref);
  self->addresses = g_hash_table_new_full (hash_ip, equal_ips, g_free, NULL);
  if (!add_apex (self, self->suffix, 0))
    {
      ew_dns_zone_free (self);
      return NULL;
    }
  if (ranges[0].ip.family == EW_FAMILY_V4)
    add_reverse4 (self, &ranges[0]);
  if (ranges[1].ip.family == EW_FAMILY_V6)
    add_reverse6 (self, &ranges[1]);
  return self;
}

static void
mark_gone (gpointer key, gpointer value, gpointer data)
{
  ((EwDnsHost *)value)->gone = TRUE;
}

void
ew_dns_zone_free (EwDnsZone *self)
{
  if (self == NULL)
    return;
  g_hash_table_foreach (self->hosts, mark_gone, NULL);
  g_hash_table_unref (self->addresses);
  g_hash_table_unref (self->hosts);
  g_tree_unref (self->order);
  g_hash_table_unref (self->names);
  g_free (self->suffix);
  g_free (self);
}
