/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * node add, list, show, rename, mtu, remove.
 */
#include "ctl.h"

#include "common/error.h"
#include "common/install-lines.h"
#include "common/util.h"
#include "console/format.h"
#include "console/listing.h"
#include "services.h"
#include "topology.h"

#define VALID_MIN_S 60
#define VALID_MAX_S 31536000
#define KEY_VALID_S 3600
#define EDGE_NAME_MS 2000

/* install: what the edge hands out to new computers, or NULL. */
static void
print_commands (const gchar *name, gboolean device, JsonObject *install)
{
  g_autofree gchar *lines = ew_install_lines (install), *systems = ew_install_systems (install);

  if (lines != NULL)
    ew_ctl_hint ("\nOn that computer (%s), paste these two lines. The first fetches the edge's script and compares its "
                 "SHA-256, so that nobody else's script is ever run. The second installs Edgeway and asks for the "
                 "key:\n%s\n",
                 systems, lines);
  if (lines != NULL && device && ew_install_has_app (install))
    ew_ctl_hint ("For the app and its tray icon too, add --app to the end of the second one:\n  sh ~/edgeway-install "
                 "--app\n");
  ew_ctl_hint ("\n%s if Edgeway is installed:\n"
               "    sudo edgewayctl enroll --name %s          then paste the key\n"
               "or, from a file or a pipe:\n"
               "    sudo edgewayctl enroll --name %s --key-file -\n"
               "or, in a clone of Edgeway on Debian 12 or 13 (builds, installs, then asks for the key):\n"
               "    app/run --join\n",
               lines != NULL ? "Or," : "On that computer,", name, name);
}

/* For people, on stderr: the key alone is on stdout. */
static void
print_ways_to_join (const gchar *name, gboolean device, const gchar *expires, gboolean renew, JsonObject *install)
{
  g_autofree gchar *until = expires != NULL ? ew_format_local_time (ew_time_parse (expires)) : g_strdup ("?");

  if (renew)
    ew_ctl_hint ("\nThe computer that joins with this key before %s replaces %s and takes over its name, addresses and "
                 "routes. The computer that is %s now then leaves the mesh.\n",
                 until, name, name);
  ew_ctl_hint ("\nWith this key, one computer can join as %s until %s. Keep it out of command lines and chats.\n", name,
               until);
  print_commands (name, device, install);
  if (!renew)
    ew_ctl_hint ("If %s is a phone, or has plain WireGuard, it needs a configuration instead of the key:\n    sudo "
                 "edgewayctl node remove %s && sudo edgewayctl node config %s --names --qr\n",
                 name, name, name);
}

static void
warn_of_trial (EwCtl *ctl)
{
  if (ew_daemon1_get_trial (ew_link_get_proxy (ctl->link)))
    ew_ctl_hint ("edgewayctl: warning: This is a trial edge: other computers can't reach it, so they can't use this "
                 "key. For a mesh that stays, on a server: app/run --edge --public HOST:443\n");
}

static JsonObject *
make_key (EwCtl *ctl, const gchar *name, gboolean device, gboolean renew, guint seconds, GError **error)
{
  if (renew)
    return ew_link_call_json (ctl->link, "RenewNode", g_variant_new ("(su)", name, seconds), error);
  return ew_link_call_json (ctl->link, "AddNode", g_variant_new ("(ssu)", name, device ? "device" : "server", seconds),
                            error);
}

gint
ew_verb_node_add (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *valid = NULL;
  gboolean device = FALSE, renew = FALSE;
  guint seconds = KEY_VALID_S;
  const GOptionEntry entries[] = {
    { "renew", 0, 0, G_OPTION_ARG_NONE, &renew,
      "Replace an existing node: the computer that uses the key takes over its name, addresses and routes", NULL },
    { "device", 0, 0, G_OPTION_ARG_NONE, &device, "Add a person's computer or phone (default: a server)", NULL },
    { "valid", 0, 0, G_OPTION_ARG_STRING, &valid, "How long the key can be used (default: 1h)", "DURATION" },
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
  if (renew && device)
    return ew_ctl_usage (ctl, "A renewed node keeps its kind. Leave out --device.");
  if (valid != NULL && !ew_duration_parse (valid, VALID_MIN_S, VALID_MAX_S, &seconds, &error))
    return ew_ctl_usage (ctl, "--valid: %s", error->message);
  if (ew_ctl_open (ctl, &error) == NULL || (result = make_key (ctl, argv[1], device, renew, seconds, &error)) == NULL)
    return ew_ctl_fail_to_add (ctl, argv[1], error);
  key = ew_format_get_text (&ctl->terminal, result, "key", "");
  ew_ctl_print ("%s\n", key);
  warn_of_trial (ctl);
  print_ways_to_join (argv[1], device, ew_json_string (result, "expires"), renew, ew_json_object (result, "install"));
  return EW_EXIT_DONE;
}

/* Lists. */

static void
show_nodes (EwCtl *ctl, JsonObject *answer)
{
  g_autofree gchar *text = ew_listing_nodes (&ctl->terminal, answer);

  ew_ctl_print ("%s", text);
}

gint
ew_verb_node_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListNodes", show_nodes);
}

/* A node knows its edge's ID; what it is called is on the map. NULL where that isn't available. (transfer full) */
static gchar *
find_edge_name (EwCtl *ctl, JsonObject *node)
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
        return g_strdup (name);
    }
  return NULL;
}

gint
ew_verb_node_show (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) node = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *edge_name = NULL, *text = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, "ShowNode", g_variant_new ("(s)", argv[1]));
  if (ew_ctl_open (ctl, &error) == NULL
      || (node = ew_link_call_json (ctl->link, "ShowNode", g_variant_new ("(s)", argv[1]), &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  edge_name = find_edge_name (ctl, node);
  text = ew_listing_node (&ctl->terminal, node, edge_name);
  ew_ctl_print ("%s", text);
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
    ew_ctl_hint ("%s has plain WireGuard, so also write `MTU = %d` under [Interface] in its own configuration.\n", name,
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
    return ew_ctl_usage (ctl, "The MTU must be a number of bytes from %d to %d, or default.", EW_CTL_MTU_MIN,
                         EW_CTL_MTU_MAX);
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = mtu != 0 ? g_strdup_printf ("Packets to %s now have at most %d bytes.", name, (gint)mtu)
                  : g_strdup_printf ("Packets to %s can now be as large as the mesh's MTU.", name);
  exit_code = ew_ctl_do (ctl, "SetNodeMtu", g_variant_new ("(su)", argv[1], (guint32)mtu), done);
  if (exit_code == EW_EXIT_DONE)
    hint_own_file (ctl, argv[1], name, mtu);
  return exit_code;
}

/* A mistake would lock an administrator out: to remove this computer, use `leave`. */
static gboolean
is_own_name (EwCtl *ctl, const gchar *name)
{
  g_autoptr (JsonObject) status = NULL;

  if (ew_ctl_open (ctl, NULL) != NULL)
    status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  return status != NULL && g_strcmp0 (ew_json_string (status, "name"), name) == 0;
}

/* What becomes of services that lead to the node, before it is removed; NULL: nothing, or not to be known without a
   password. (transfer full) */
static gchar *
describe_services (EwCtl *ctl, const gchar *name)
{
  g_autoptr (JsonObject) node = ew_ctl_open (ctl, NULL) != NULL ? ew_ctl_look_up_node (ctl, name) : NULL;
  g_autoptr (JsonObject) services = node != NULL ? ew_link_look (ctl->link, "ListServices", NULL) : NULL;

  return services != NULL ? ew_services_describe_removal (&ctl->terminal, services, ew_json_string (node, "id")) : NULL;
}

gint
ew_verb_node_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autofree gchar *name = NULL, *done = NULL, *services = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (is_own_name (ctl, argv[1]))
    {
      ew_ctl_hint ("edgewayctl: %s is this computer itself. To leave the mesh, use `sudo edgewayctl leave`.\n",
                   argv[1]);
      return EW_EXIT_FAILED;
    }
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s has been removed from the mesh.", name);
  services = describe_services (ctl, argv[1]);
  exit_code = ew_ctl_do (ctl, "RemoveNode", g_variant_new ("(s)", argv[1]), done);
  if (exit_code == EW_EXIT_DONE && services != NULL)
    ew_ctl_print ("%s", services);
  return exit_code;
}
