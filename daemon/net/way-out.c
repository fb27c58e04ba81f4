/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way out to a captive portal's page: a table of its own, "inet edgeway_portal". What it lets pass gets
 * EW_HOST_FWMARK, as the tunnel's own packets have it, so that VPN mode's routes and rules and lockdown's leave it
 * alone:
 *
 *   TCP of one user's programs, to the page's addresses and ports
 *   questions for the page's names to the network's name servers, recognized by their content: other names that the
 *   same programs or a local name server ask for stay where they are
 *
 * In VPN mode such a packet was given the mesh IP as its source, because the route was chosen first: it's translated.
 * Two elements of a set time out in the kernel: without them nothing passes, whatever has become of edgewayd.
 */
#include "net/host-private.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

#define UPPER "0xffff0000"
#define SET_MARK "meta mark set meta mark & 0x0000ffff | %#x"
/* Bits from the start of the UDP header: that one, and a DNS header (RFC 1035 section 4.1.1). */
#define NAME_AT ((8 + 12) * 8)
#define CHUNK 16 /* bytes that one expression compares */
#define WIRE_MAX 253

/* ---- the rules */

static void
add_address_set (GString *script, const gchar *name, const EwIp *addresses, gsize n, guint8 family)
{
  g_autoptr (GArray) prefixes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));

  for (gsize i = 0; i < n; i++)
    {
      EwPrefix prefix = ew_prefix_from_ip (&addresses[i]);
      g_array_append_val (prefixes, prefix);
    }
  ew_seal_add_prefix_set (script, name, (const EwPrefix *)(const void *)prefixes->data, prefixes->len, family);
}

/* The name as a question has it: each label after its length, and an empty one (RFC 1035 section 3.1). NULL: it
   can't be one. (transfer full) */
static GByteArray *
encode_name (const gchar *name)
{
  g_auto (GStrv) labels = g_strsplit (name, ".", -1);
  g_autoptr (GByteArray) wire = g_byte_array_new ();
  guint8 end = 0;

  for (gchar **label = labels; *label != NULL; label++)
    {
      guint8 length = (guint8)MIN (strlen (*label), 64);
      if (length == 0 || length > 63)
        return NULL;
      g_byte_array_append (wire, &length, 1);
      g_byte_array_append (wire, (const guint8 *)*label, length);
    }
  g_byte_array_append (wire, &end, 1);
  return wire->len <= WIRE_MAX + 2 ? g_steal_pointer (&wire) : NULL;
}

/* "    udp dport 53 @th,160,128 0x… …": a rule that marks a question for this name. */
static void
add_name_rule (GString *script, const gchar *name)
{
  g_autoptr (GByteArray) wire = encode_name (name);

  if (wire == NULL)
    return;
  g_string_append (script, "    udp dport 53");
  for (guint at = 0; at < wire->len; at += CHUNK)
    {
      guint n = MIN (CHUNK, wire->len - at);
      g_string_append_printf (script, " @th,%u,%u 0x", NAME_AT + at * 8, n * 8);
      for (guint i = 0; i < n; i++)
        g_string_append_printf (script, "%02x", wire->data[at + i]);
    }
  g_string_append_printf (script, " " SET_MARK " return\n", EW_HOST_FWMARK);
}

static void
add_leaving_chain (GString *script, const EwHostWayOut *way)
{
  g_autoptr (GString) ports = g_string_new (NULL);

  for (gsize i = 0; i < way->n_ports; i++)
    g_string_append_printf (ports, "%s%u", i > 0 ? ", " : "", way->ports[i]);
  g_string_append_printf (script,
                          "  chain leaving {\n    type route hook output priority mangle - 5; policy accept;\n"
                          "    meta nfproto != @open return\n    meta mark & " UPPER " != 0 return\n"
                          "    oifname \"lo\" return\n"
                          "    meta skuid %u ip daddr @page4 tcp dport { %s } " SET_MARK " return\n"
                          "    meta skuid %u ip6 daddr @page6 tcp dport { %s } " SET_MARK " return\n"
                          "    ip daddr @servers4 jump asked\n    ip6 daddr @servers6 jump asked\n  }\n",
                          way->uid, ports->str, EW_HOST_FWMARK, way->uid, ports->str, EW_HOST_FWMARK);
}

static void
add_translate_chain (GString *script)
{
  static const gchar *const to[]
    = { "ip daddr @page4", "ip6 daddr @page6", "ip daddr @servers4", "ip6 daddr @servers6" };

  g_string_append (script, "  chain translate {\n    type nat hook postrouting priority srcnat; policy accept;\n"
                           "    meta nfproto != @open return\n");
  for (gsize i = 0; i < G_N_ELEMENTS (to); i++)
    g_string_append_printf (script, "    meta mark & " UPPER " == %#x %s masquerade\n", EW_HOST_FWMARK, to[i]);
  g_string_append (script, "  }\n");
}

static gchar *
make_script (EwHost *host, const EwHostWayOut *way, const gchar *tag)
{
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (host, NULL);
  const GArray *servers = facts != NULL ? facts->resolvers : NULL;
  GString *script = g_string_new (NULL);

  g_string_append_printf (script,
                          "table %s\ndelete table %s\ntable %s {\n  comment \"edgewayd %s\"\n"
                          "  set open {\n    typeof meta nfproto\n    flags timeout\n"
                          "    elements = { ipv4 timeout %us, ipv6 timeout %us }\n  }\n",
                          EW_CHANGE_PORTAL_TABLE, EW_CHANGE_PORTAL_TABLE, EW_CHANGE_PORTAL_TABLE, tag, way->seconds,
                          way->seconds);
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      add_address_set (script, "page", way->addresses, way->n_addresses, family);
      add_address_set (script, "servers", servers != NULL ? (const EwIp *)(const void *)servers->data : NULL,
                       servers != NULL ? servers->len : 0, family);
    }
  g_string_append (script, "  chain asked {\n");
  for (const gchar *const *name = way->names; *name != NULL; name++)
    add_name_rule (script, *name);
  g_string_append (script, "  }\n");
  add_leaving_chain (script, way);
  add_translate_chain (script);
  g_string_append (script, "}\n");
  return g_string_free (script, FALSE);
}

/* ---- opened and closed */

static gboolean
undo_way (const EwChange *change, gpointer user_data, GError **error)
{
  gboolean ours;

  return !ew_nft_table_exists (change->name, change->value, &ours) || !ours
         || ew_nft_run ("delete table " EW_CHANGE_PORTAL_TABLE "\n", FALSE, NULL, error);
}

void
ew_host_prepare_way (EwHost *host)
{
  ew_host_set_undo (host, EW_CHANGE_WAY_OUT, (EwNoteUndo){ .undo = undo_way });
}

/* FALSE: a table of that name is another program's. */
static gboolean
check_table (EwHost *host, GError **error)
{
  gboolean ours;

  if (!ew_nft_table_exists (EW_CHANGE_PORTAL_TABLE, "edgewayd ", &ours) || ours)
    return TRUE;
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT,
                "Another program has an nftables table \"%s\". Remove it with `nft delete table %s`.",
                EW_CHANGE_PORTAL_TABLE, EW_CHANGE_PORTAL_TABLE);
  return FALSE;
}

gboolean
ew_host_open_way (EwHost *host, const EwHostWayOut *way, GError **error)
{
  g_autoptr (EwChange) change = ew_change_new (EW_CHANGE_WAY_OUT);
  g_autofree gchar *script = NULL;

  ew_host_close_way (host);
  change->name = g_strdup (EW_CHANGE_PORTAL_TABLE);
  change->value = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  if (!check_table (host, error) || !ew_host_note (host, change, error))
    return FALSE;
  script = make_script (host, way, change->value);
  if (ew_nft_run (script, FALSE, NULL, error))
    return TRUE;
  ew_host_forget (host, change);
  return FALSE;
}

void
ew_host_close_way (EwHost *host)
{
  const EwChange *note = ew_host_find_note (host, EW_CHANGE_WAY_OUT);
  g_autoptr (EwChange) change = note != NULL ? ew_change_copy (note) : NULL;
  g_autoptr (GError) error = NULL;

  if (change == NULL)
    return;
  if (undo_way (change, NULL, &error))
    ew_host_forget (host, change);
  else
    g_warning ("The way out to the network's login page can't be closed: %s", error->message);
}
