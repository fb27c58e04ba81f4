/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/table.h"

#include <netinet/in.h>
#include <string.h>

#include "common/error.h"

#define PORT_MAX 65535
#define SLOTS_EACH 8 /* of the table of addresses, for each address: nearly every look-up ends at an empty one */

typedef struct
{
  EwNatTable *table;
  const EwNatService *services;
  const EwIp *own;
  GHashTable *targets; /* EwIp, owned → index of table->claims */
} Builder;

#define refuse(error, service, ...) refuse_service ((error), (service), g_strdup_printf (__VA_ARGS__))

/* why: a sentence's end; freed. */
static gboolean
refuse_service (GError **error, const EwNatService *service, gchar *why)
{
  g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "Service %s %s", service->id, why);
  g_free (why);
  return FALSE;
}

static guint
hash_ip (gconstpointer key)
{
  const EwIp *ip = key;
  guint hash = ip->family;

  for (gsize i = 0; i < sizeof ip->bytes; i++)
    hash = hash * 31 + ip->bytes[i];
  return hash;
}

static gboolean
equal_ip (gconstpointer a, gconstpointer b)
{
  return ew_ip_equal (a, b);
}

/* What is put into tables begins with zeroes behind an IPv4 address, as ew_ip_equal() wants. */
static EwIp
clean_ip (const EwIp *ip)
{
  return ew_ip_from_bytes ((EwFamily)ip->family, ip->bytes);
}

static const EwFamily families[2] = { EW_FAMILY_V4, EW_FAMILY_V6 };

static gboolean
is_of_host (const EwIp *ip)
{
  const EwPrefix prefix = ew_prefix_from_ip (ip);

  return !ew_ip_is_unspecified (ip) && !ew_ip_is_multicast (ip) && ew_prefix_never (&prefix) == NULL;
}

/* FALSE with error: it's neither missing nor an address that a service or a target can have. */
static gboolean
check_address (const Builder *self, const EwNatService *service, const EwIp *ip, guint family, const gchar *what,
               GError **error)
{
  gchar text[EW_IP_STRLEN] = "?";

  if (ip->family == EW_FAMILY_NONE)
    return TRUE;
  ew_ip_format (ip, text);
  if (ip->family != families[family])
    return refuse (error, service, "has the %s %s in the place of one of IPv%u.", what, text, (guint)families[family]);
  if (!is_of_host (ip))
    return refuse (error, service, "has the %s %s, which isn't a host's address. Choose another one.", what, text);
  if (ew_ip_equal (ip, &self->own[family]))
    return refuse (error, service, "has the %s %s, which is the edge's own. Choose another one.", what, text);
  return TRUE;
}

/* Slots. */

static void
put_slot (EwNatTable *table, const EwIp *ip, EwNatWho who, guint32 index)
{
  guint8 tag;
  gsize at = ew_nat_table_place (table, ip, &tag);

  while (table->tags[at] != 0)
    at = (at + 1) & table->mask;
  table->tags[at] = tag;
  table->hints[ew_nat_hint (ip) >> 3] |= (guint8)(1 << (ew_nat_hint (ip) & 7));
  table->slots[at] = (EwNatSlot){ .ip = *ip, .who = (guint8)who, .index = index };
}

static void
make_slots (EwNatTable *table, gsize addresses)
{
  gsize slots = SLOTS_EACH;

  while (slots < addresses * SLOTS_EACH)
    slots *= 2;
  table->mask = slots - 1;
  table->slots = g_new0 (EwNatSlot, slots);
  table->tags = g_new0 (guint8, slots);
}

/* Ports. */

static gint
compare_ranges (gconstpointer a, gconstpointer b)
{
  return (gint)((const EwNatRange *)a)->first - (gint)((const EwNatRange *)b)->first;
}

static gboolean
check_ports (const EwNatService *service, const EwNatPorts *ports, GError **error)
{
  const guint span = (guint)ports->last - ports->first, to = ports->to != 0 ? ports->to : ports->first;

  if (ports->protocols == 0 || (ports->protocols & ~(EW_NAT_TCP | EW_NAT_UDP)) != 0)
    return refuse (error, service, "has ports of no protocol. Use TCP, UDP or both.");
  if (ports->first == 0 || ports->last < ports->first)
    return refuse (error, service, "has the ports %u to %u. Use numbers from 1 to 65535, the smaller one first.",
                   ports->first, ports->last);
  if (to + span > PORT_MAX)
    return refuse (error, service, "leads the ports %u to %u beyond 65535. Begin at a smaller port of the target.",
                   ports->first, ports->last);
  for (gsize i = 0; i < service->n_targets; i++)
    if (service->targets[i].port + span > PORT_MAX)
      return refuse (error, service,
                     "leads the ports %u to %u to port %u and beyond 65535. Begin at a smaller port of the target.",
                     ports->first, ports->last, service->targets[i].port);
  return TRUE;
}

static gboolean
copy_ports (EwNatEntry *entry, const EwNatService *service, GError **error)
{
  static const guint8 bits[2] = { EW_NAT_TCP, EW_NAT_UDP };

  if (service->n_ports == 0 || service->n_ports > EW_NAT_PORTS_MAX)
    return refuse (error, service, "has %" G_GSIZE_FORMAT " ranges of ports. Give it 1 to %d.", service->n_ports,
                   EW_NAT_PORTS_MAX);
  for (gsize i = 0; i < service->n_ports; i++)
    if (!check_ports (service, &service->ports[i], error))
      return FALSE;
  for (guint p = 0; p < 2; p++)
    {
      entry->ranges[p] = g_new0 (EwNatRange, service->n_ports);
      for (gsize i = 0; i < service->n_ports; i++)
        {
          const EwNatPorts *ports = &service->ports[i];

          if ((ports->protocols & bits[p]) != 0)
            entry->ranges[p][entry->n_ranges[p]++]
              = (EwNatRange){ ports->first, ports->last, ports->to != 0 ? ports->to : ports->first };
        }
      if (entry->n_ranges[p] > 0)
        qsort (entry->ranges[p], entry->n_ranges[p], sizeof (EwNatRange), compare_ranges);
      for (gsize i = 1; i < entry->n_ranges[p]; i++)
        if (entry->ranges[p][i].first <= entry->ranges[p][i - 1].last)
          return refuse (error, service, "has port %u twice. Give each port once.", entry->ranges[p][i].first);
    }
  return TRUE;
}

/* Services and their targets. */

static gboolean
add_addresses (Builder *self, EwNatEntry *entry, const EwNatService *service, GError **error)
{
  guint32 other;

  for (guint f = 0; f < 2; f++)
    {
      const EwIp ip = clean_ip (&service->addresses[f]);
      gchar text[EW_IP_STRLEN];

      if (!check_address (self, service, &ip, f, "address", error))
        return FALSE;
      if (ip.family == EW_FAMILY_NONE)
        continue;
      ew_ip_format (&ip, text);
      if (ew_nat_table_who (self->table, &ip, &other) != EW_NAT_NOBODY)
        return refuse (error, service, "has the address %s, which is also service %s's. Choose another one.", text,
                       self->table->entries[other].id);
      entry->addresses[f] = ip;
      put_slot (self->table, &ip, EW_NAT_A_SERVICE, (guint32)(entry - self->table->entries));
    }
  if (entry->addresses[0].family == EW_FAMILY_NONE && entry->addresses[1].family == EW_FAMILY_NONE)
    return refuse (error, service, "has no address. Give it one.");
  return TRUE;
}

/* After all services have been added: a target that is a service would be translated twice. */
static gboolean
add_target (Builder *self, EwNatTarget *target, const EwNatService *service, GError **error)
{
  guint32 index;

  if (target->ips[0].family == EW_FAMILY_NONE && target->ips[1].family == EW_FAMILY_NONE)
    return refuse (error, service, "has a target without an address.");
  for (guint f = 0; f < 2; f++)
    {
      const EwIp ip = target->ips[f] = clean_ip (&target->ips[f]);

      if (!check_address (self, service, &ip, f, "target", error))
        return FALSE;
      if (ip.family == EW_FAMILY_NONE)
        continue;
      const EwNatWho who = ew_nat_table_who (self->table, &ip, &index);
      if (who == EW_NAT_A_SERVICE)
        return refuse (error, service, "has service %s as its target. Use that one's targets.",
                       self->table->entries[index].id);
      if (who == EW_NAT_A_TARGET)
        continue;
      index = (guint32)self->table->n_claims++;
      put_slot (self->table, &ip, EW_NAT_A_TARGET, index);
      g_hash_table_insert (self->targets, g_memdup2 (&ip, sizeof ip), GUINT_TO_POINTER (index));
    }
  return TRUE;
}

static gboolean
add_targets (Builder *self, EwNatEntry *entry, const EwNatService *service, GError **error)
{
  if (service->n_targets > EW_NAT_TARGETS_MAX)
    return refuse (error, service, "has %" G_GSIZE_FORMAT " targets. Give it at most %d.", service->n_targets,
                   EW_NAT_TARGETS_MAX);
  entry->n_targets = service->n_targets;
  entry->targets = g_memdup2 (service->targets, service->n_targets * sizeof (EwNatTarget));
  for (gsize i = 0; i < entry->n_targets; i++)
    if (!add_target (self, &entry->targets[i], service, error))
      return FALSE;
  return TRUE;
}

/* Claims: which ports of a target belong to whom. */

typedef struct
{
  guint32 at;   /* the port where a range begins, or the one after its end */
  gint32 range; /* its index and 1 more; negative: it ends */
} Edge;

typedef struct
{
  GArray *ranges[2]; /* EwNatClaim, as services have them: they may overlap */
} Raw;

static gint
compare_edges (gconstpointer a, gconstpointer b)
{
  return (gint)((const Edge *)a)->at - (gint)((const Edge *)b)->at;
}

/* Between two edges, where one range lies, the sum of those that began and didn't end is that range. Those of services
   whose callers are shown as the edge have no number, and stand in no other's way: no reply to a caller is theirs. */
static void
make_claims (GArray *ranges, EwNatClaim **claims, gsize *n)
{
  g_autoptr (GArray) edges = g_array_new (FALSE, FALSE, sizeof (Edge));
  gint64 sum = 0;
  gint open = 0, numbered = 0;

  for (guint i = 0; i < ranges->len; i++)
    {
      const EwNatClaim *range = &g_array_index (ranges, EwNatClaim, i);
      const Edge both[2] = { { range->first, (gint32)i + 1 }, { (guint32)range->last + 1, -(gint32)i - 1 } };

      g_array_append_vals (edges, both, 2);
    }
  g_array_sort (edges, compare_edges);
  *claims = g_new (EwNatClaim, edges->len + 1);
  for (guint i = 0; i + 1 < edges->len; i++)
    {
      const Edge *edge = &g_array_index (edges, Edge, i), *next = edge + 1;
      const gint step = edge->range > 0 ? 1 : -1;

      open += step;
      if (g_array_index (ranges, EwNatClaim, (guint)(edge->range * step - 1)).number != 0)
        {
          sum += edge->range;
          numbered += step;
        }
      if (open == 0 || next->at == edge->at)
        continue;
      EwNatClaim *claim = &(*claims)[(*n)++];
      *claim = (EwNatClaim){ .first = (guint16)edge->at, .last = (guint16)(next->at - 1) };
      if (numbered != 1)
        continue;
      const EwNatClaim *range = &g_array_index (ranges, EwNatClaim, (guint)sum - 1);
      claim->number = range->number;
      claim->called = (guint16)(range->called + (claim->first - range->first));
    }
}

static void
add_raw (const Builder *self, Raw *raw, const EwNatEntry *entry, const EwIp *ip, const EwNatTarget *target)
{
  Raw *mine = &raw[GPOINTER_TO_UINT (g_hash_table_lookup (self->targets, ip))];

  for (guint p = 0; p < 2; p++)
    for (gsize i = 0; i < entry->n_ranges[p]; i++)
      {
        const EwNatRange *range = &entry->ranges[p][i];
        const EwNatClaim claim = {
          .first = ew_nat_target_port (target, range, range->first),
          .last = ew_nat_target_port (target, range, range->last),
          .called = range->first,
          .number = entry->source == EW_NAT_SOURCE_CALLER ? entry->number : 0,
        };

        g_array_append_val (mine->ranges[p], claim);
      }
}

static void
claim_ports (Builder *self)
{
  EwNatTable *table = self->table;
  g_autofree Raw *raw = g_new0 (Raw, table->n_claims + 1);

  table->claims = g_new0 (EwNatClaims, table->n_claims + 1);
  for (gsize i = 0; i < table->n_claims; i++)
    for (guint p = 0; p < 2; p++)
      raw[i].ranges[p] = g_array_new (FALSE, FALSE, sizeof (EwNatClaim));
  for (gsize i = 0; i < table->n; i++)
    for (gsize t = 0; t < table->entries[i].n_targets; t++)
      for (guint f = 0; f < 2; f++)
        {
          const EwNatTarget *target = &table->entries[i].targets[t];

          if (target->ips[f].family != EW_FAMILY_NONE && table->entries[i].addresses[f].family != EW_FAMILY_NONE)
            add_raw (self, raw, &table->entries[i], &target->ips[f], target);
        }
  for (gsize i = 0; i < table->n_claims; i++)
    for (guint p = 0; p < 2; p++)
      {
        make_claims (raw[i].ranges[p], &table->claims[i].claims[p], &table->claims[i].n_claims[p]);
        g_array_unref (raw[i].ranges[p]);
      }
}

/* Numbers. */

static gboolean
number_entries (Builder *self, gsize n, const EwNatTable *previous, GError **error)
{
  g_autoptr (GHashTable) before = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  EwNatTable *table = self->table;

  for (gsize i = 0; previous != NULL && i < previous->n; i++)
    g_hash_table_insert (before, previous->entries[i].id, &previous->entries[i]);
  for (gsize i = 0; i < n; i++)
    {
      EwNatEntry *entry = &table->entries[i];
      const EwNatEntry *old;

      if (self->services[i].id == NULL || self->services[i].id[0] == '\0')
        {
          g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "A service has no ID. Give it one.");
          return FALSE;
        }
      old = g_hash_table_lookup (before, self->services[i].id);
      entry->id = g_strdup (self->services[i].id);
      if (!g_hash_table_add (seen, entry->id))
        return refuse (error, &self->services[i], "is given twice.");
      entry->recovers = previous == NULL || (old != NULL && old->recovers);
      entry->number = old != NULL ? old->number : 0;
      table->by_number[entry->number] = (guint16)(i + 1);
    }
  /* There are more numbers than services: one is free. One that was given back is the last to be given again. */
  table->by_number[0] = 1;
  for (gsize i = 0; i < n; i++)
    {
      EwNatEntry *entry = &table->entries[i];

      while (entry->number == 0 && table->by_number[table->next_number] != 0)
        table->next_number = (guint16)((table->next_number + 1) & EW_NAT_NUMBER_MAX);
      if (entry->number != 0)
        continue;
      entry->number = table->next_number;
      table->by_number[entry->number] = (guint16)(i + 1);
      table->next_number = (guint16)((table->next_number + 1) & EW_NAT_NUMBER_MAX);
    }
  table->by_number[0] = 0;
  return TRUE;
}

static gboolean
add_services (Builder *self, gsize n, const EwNatTable *previous, GError **error)
{
  EwNatTable *table = self->table;
  gsize addresses = 0;

  for (gsize i = 0; i < n; i++)
    addresses += 2 + 2 * MIN (self->services[i].n_targets, EW_NAT_TARGETS_MAX);
  make_slots (table, addresses);
  if (!number_entries (self, n, previous, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      const EwNatService *service = &self->services[i];
      EwNatEntry *entry = &table->entries[i];

      entry->choice = service->choice;
      entry->source = service->source;
      if (!add_addresses (self, entry, service, error) || !copy_ports (entry, service, error))
        return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    if (!add_targets (self, &table->entries[i], &self->services[i], error))
      return FALSE;
  claim_ports (self);
  return TRUE;
}

EwNatTable *
ew_nat_table_new (const EwNatService *services, gsize n, const EwIp own[2], const EwNatTable *previous, GError **error)
{
  g_autoptr (EwNatTable) self = g_new0 (EwNatTable, 1);
  g_autoptr (GHashTable) targets = g_hash_table_new_full (hash_ip, equal_ip, g_free, NULL);
  Builder builder = { .table = self, .services = services, .own = own, .targets = targets };

  if (n > EW_NAT_SERVICES_MAX)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "%" G_GSIZE_FORMAT " services are more than the %d that a mesh can have. Remove some.", n,
                   EW_NAT_SERVICES_MAX);
      return NULL;
    }
  self->n = n;
  self->entries = g_new0 (EwNatEntry, n + 1);
  self->generation = previous != NULL ? previous->generation + 1 : 1;
  self->next_number = previous != NULL ? previous->next_number : 1;
  return add_services (&builder, n, previous, error) ? g_steal_pointer (&self) : NULL;
}

void
ew_nat_table_free (EwNatTable *self)
{
  if (self == NULL)
    return;
  for (gsize i = 0; i < self->n; i++)
    {
      g_free (self->entries[i].id);
      g_free (self->entries[i].targets);
      for (guint p = 0; p < 2; p++)
        g_free (self->entries[i].ranges[p]);
    }
  for (gsize i = 0; self->claims != NULL && i < self->n_claims; i++)
    for (guint p = 0; p < 2; p++)
      g_free (self->claims[i].claims[p]);
  g_free (self->claims);
  g_free (self->entries);
  g_free (self->slots);
  g_free (self->tags);
  g_free (self);
}
