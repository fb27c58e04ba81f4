/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * node add, list, show, rename, mtu, remove.
 */
#include "ctl.h"

#include "common/error.h"
#include "common/util.h"
#include "format.h"
#include "topology.h"

#define VALID_MIN_S 60
#define VALID_MAX_S 31536000
#define KEY_VALID_S 3600
#define EDGE_NAME_MS 2000

/* For people, on stderr: the key alone is on stdout. */
static void
print_ways_to_join (const gchar *name, const gchar *expires)
{
  g_autofree gchar *until = expires != NULL ? ew_format_local_time (ew_time_parse (expires)) : g_strdup ("?");

  ew_ctl_hint ("\nThat key lets one machine join as %s, until %s. Keep it out of command lines and chats.\n"
               "On that machine, where Edgeway is installed:\n"
               "    sudo edgewayctl enroll --name %s          then paste the key\n"
               "or, from a file or a pipe:\n"
               "    sudo edgewayctl enroll --name %s --key-file -\n"
               "In a copy of Edgeway's sources on Debian 12 (builds, installs, then asks for the key):\n"
               "    app/run --join\n"
               "A phone, or any machine with plain WireGuard, needs no key:\n"
               "    sudo edgewayctl node remove %s && sudo edgewayctl node config %s --qr\n",
               name, until, name, name, name, name);
}

static void
warn_of_trial (EwCtl *ctl)
{
  if (ew_daemon1_get_trial (ew_link_get_proxy (ctl->link)))
    ew_ctl_hint ("edgewayctl: warning: this is a trial edge: machines elsewhere cannot reach it, and this key is of no "
                 "use to them. For a mesh that stays, on a server: app/run --edge --public HOST:443\n");
}

gint
ew_verb_node_add (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *valid = NULL;
  gboolean device = FALSE;
  guint seconds = KEY_VALID_S;
  const GOptionEntry entries[] = {
    { "device", 0, 0, G_OPTION_ARG_NONE, &device, "A person's computer or phone (else a server)", NULL },
    { "valid", 0, 0, G_OPTION_ARG_STRING, &valid, "How long the key can be used (1h)", "DURATION" },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autofree gchar *key = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (!ew_name_check (argv[1], &error))
    return ew_ctl_usage (ctl, "%s", error->message);
  if (valid != NULL && !ew_duration_parse (valid, VALID_MIN_S, VALID_MAX_S, &seconds, &error))
    return ew_ctl_usage (ctl, "--valid: %s", error->message);
  if (ew_ctl_open (ctl, &error) == NULL
      || (result = ew_link_call_json (ctl->link, "AddNode",
                                      g_variant_new ("(ssu)", argv[1], device ? "device" : "server", seconds), &error))
           == NULL)
    return ew_ctl_fail (ctl, error);
  key = ew_format_get_text (&ctl->terminal, result, "key", "");
  ew_ctl_print ("%s\n", key);
  warn_of_trial (ctl);
  print_ways_to_join (argv[1], ew_json_string (result, "expires"));
  return EW_EXIT_DONE;
}

/* Lists. */

/* "5 min ago"; NULL where the member is no time. */
static gchar *
ago_text (JsonObject *node, const gchar *member)
{
  const gchar *time = ew_json_string (node, member);
  g_autofree gchar *span = NULL;

  if (time == NULL)
    return NULL;
  span = ew_format_span ((g_get_real_time () - ew_time_parse (time)) / G_USEC_PER_SEC);
  return g_str_equal (span, "now") ? g_steal_pointer (&span) : g_strconcat (span, " ago", NULL);
}

static gchar *
seen_text (JsonObject *node)
{
  gchar *ago = ew_json_bool (node, "online", FALSE) ? g_strdup ("now") : ago_text (node, "last_seen");
  return ago != NULL ? ago : g_strdup ("never");
}

static void
add_node_row (EwCtl *ctl, EwTable *table, JsonObject *node)
{
  g_autofree gchar *name = ew_format_get_text (&ctl->terminal, node, "name", "?");
  g_autofree gchar *kind = ew_format_get_text (&ctl->terminal, node, "kind", "");
  g_autofree gchar *state = ew_format_get_text (&ctl->terminal, node, "state", "unknown");
  g_autofree gchar *addresses = ew_format_get_list (&ctl->terminal, node, "addresses", " ");
  g_autofree gchar *routes = ew_format_get_list (&ctl->terminal, node, "routes", " ");
  g_autofree gchar *seen = seen_text (node);
  g_autofree gchar *marked = g_strconcat (name, ew_json_bool (node, "self", FALSE) ? " (this computer)" : "", NULL);
  const gchar *cells[] = { marked, kind, state, seen, addresses, routes };

  ew_table_add (table, cells);
}

static gint
compare_by_name (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_json_string (*(JsonObject *const *)a, "name"), ew_json_string (*(JsonObject *const *)b, "name"));
}

static GPtrArray *
sorted_nodes (JsonObject *answer)
{
  JsonArray *nodes = ew_json_array (answer, "nodes");
  GPtrArray *sorted = g_ptr_array_new ();

  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    {
      JsonNode *element = json_array_get_element (nodes, i);
      if (JSON_NODE_HOLDS_OBJECT (element))
        g_ptr_array_add (sorted, json_node_get_object (element));
    }
  g_ptr_array_sort (sorted, compare_by_name);
  return sorted;
}

gint
ew_verb_node_list (EwCtl *ctl, gint argc, gchar **argv)
{
  static const gchar *const headings[] = { "NAME", "KIND", "STATE", "SEEN", "ADDRESSES", "ROUTES", NULL };
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "For programs", NULL },
    { NULL },
  };
  g_autoptr (EwTable) table = ew_table_new (headings);
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, "ListNodes", NULL);
  if (ew_ctl_open (ctl, &error) == NULL || (answer = ew_link_call_json (ctl->link, "ListNodes", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  nodes = sorted_nodes (answer);
  for (guint i = 0; i < nodes->len; i++)
    add_node_row (ctl, table, g_ptr_array_index (nodes, i));
  text = ew_table_to_string (table, &ctl->terminal);
  ew_ctl_print ("%s", text);
  return EW_EXIT_DONE;
}

/* A node knows its edge's ID; what it is called stands on the map. Where that is not to be had the ID remains. */
static void
name_edge (EwCtl *ctl, JsonObject *node)
{
  const gchar *id = ew_json_string (node, "edge");
  gint fd = id != NULL ? ew_link_call_fd (ctl->link, "OpenTopology", NULL) : -1;
  g_autoptr (JsonObject) map = fd >= 0 ? ew_topology_read (fd, EDGE_NAME_MS, 0, NULL) : NULL;
  JsonArray *edges = map != NULL ? ew_json_array (map, "edges") : NULL;

  for (guint i = 0; edges != NULL && i < json_array_get_length (edges); i++)
    {
      JsonNode *element = json_array_get_element (edges, i);
      JsonObject *edge = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *name = edge != NULL ? ew_json_string (edge, "name") : NULL;
      if (name != NULL && g_strcmp0 (ew_json_string (edge, "id"), id) == 0)
        {
          json_object_set_string_member (node, "edge", name);
          return; /* id is gone */
        }
    }
}

static void
print_node (EwCtl *ctl, JsonObject *node)
{
  static const gchar *const texts[][2]
    = { { "name", "name" }, { "id", "id" },     { "kind", "kind" },      { "state", "state" },
        { "edge", "edge" }, { "system", "os" }, { "version", "version" } };
  static const gchar *const lists[] = { "addresses", "routes" };
  g_autofree gchar *rx = ew_format_bytes (ew_json_int (node, "rx_bytes", 0)),
                   *tx = ew_format_bytes (ew_json_int (node, "tx_bytes", 0)), *seen = seen_text (node),
                   *handshake = ago_text (node, "last_handshake");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree gchar *value = ew_format_get_text (&ctl->terminal, node, texts[i][1], "");
      if (*value != '\0')
        ew_ctl_print ("%-11s%s\n", texts[i][0], value);
    }
  ew_ctl_print ("%-11s%s\n", "seen", seen);
  if (handshake != NULL)
    ew_ctl_print ("%-11s%s\n", "handshake", handshake);
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree gchar *value = ew_format_get_list (&ctl->terminal, node, lists[i], "  ");
      if (*value != '\0')
        ew_ctl_print ("%-11s%s\n", lists[i], value);
    }
  if (ew_json_int (node, "mtu", 0) > 0)
    ew_ctl_print ("%-11s%d\n", "mtu", (gint)ew_json_int (node, "mtu", 0));
  ew_ctl_print ("%-11s%s received, %s sent\n", "traffic", rx, tx);
}

gint
ew_verb_node_show (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "For programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) node = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, "ShowNode", g_variant_new ("(s)", argv[1]));
  if (ew_ctl_open (ctl, &error) == NULL
      || (node = ew_link_call_json (ctl->link, "ShowNode", g_variant_new ("(s)", argv[1]), &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  name_edge (ctl, node);
  print_node (ctl, node);
  return EW_EXIT_DONE;
}

gint
ew_verb_node_rename (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autofree gchar *name = NULL, *done = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 2, 2, &exit_code))
    return exit_code;
  if (!ew_name_check (argv[2], &error))
    return ew_ctl_usage (ctl, "%s", error->message);
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s is now called %s.", name, argv[2]);
  return ew_ctl_do (ctl, "RenameNode", g_variant_new ("(ss)", argv[1], argv[2]), done);
}

/* No document reaches a machine without Edgeway: whoever keeps its file sets its MTU. */
static void
hint_own_file (EwCtl *ctl, const gchar *target, const gchar *name, guint64 mtu)
{
  g_autoptr (JsonObject) node = ew_ctl_look_up_node (ctl, target);
  gint bytes = mtu != 0 ? (gint)mtu : node != NULL ? (gint)ew_json_int (node, "mtu", 0) : 0;

  if (node != NULL && ew_json_bool (node, "plain", FALSE) && bytes > 0)
    ew_ctl_hint (
      "%s has plain WireGuard and cannot be told: its own file needs `MTU = %d` under [Interface] as well.\n", name,
      bytes);
}

gint
ew_verb_node_mtu (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autofree gchar *name = NULL, *done = NULL;
  guint64 mtu = 0;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 2, 2, &exit_code))
    return exit_code;
  if (!g_str_equal (argv[2], "default")
      && !g_ascii_string_to_unsigned (argv[2], 10, EW_CTL_MTU_MIN, EW_CTL_MTU_MAX, &mtu, NULL))
    return ew_ctl_usage (ctl, "the MTU is a number of bytes from %d to %d, or default", EW_CTL_MTU_MIN, EW_CTL_MTU_MAX);
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = mtu != 0 ? g_strdup_printf ("%s is sent packets of %d bytes at most.", name, (gint)mtu)
                  : g_strdup_printf ("%s is sent packets as large as the mesh's MTU.", name);
  exit_code = ew_ctl_do (ctl, "SetNodeMtu", g_variant_new ("(su)", argv[1], (guint32)mtu), done);
  if (exit_code == EW_EXIT_DONE)
    hint_own_file (ctl, argv[1], name, mtu);
  return exit_code;
}

/* A slip would shut an administrator out: the way to take oneself out is `leave`. */
static gboolean
is_own_name (EwCtl *ctl, const gchar *name)
{
  g_autoptr (JsonObject) status = NULL;

  if (ew_ctl_open (ctl, NULL) != NULL)
    status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  return status != NULL && g_strcmp0 (ew_json_string (status, "name"), name) == 0;
}

gint
ew_verb_node_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autofree gchar *name = NULL, *done = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (is_own_name (ctl, argv[1]))
    {
      ew_ctl_hint ("edgewayctl: %s is this machine itself: it leaves the mesh with `edgewayctl leave`\n", argv[1]);
      return EW_EXIT_FAILED;
    }
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s is removed from the mesh.", name);
  return ew_ctl_do (ctl, "RemoveNode", g_variant_new ("(s)", argv[1]), done);
}
