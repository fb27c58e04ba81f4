/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include <string.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

static const GOptionEntry no_entries[] = { { NULL } };

/* Where the route is still to be accepted: on the gateway, too, if that is another computer. */
static void
hint_at_accepting (EwCtl *ctl, const gchar *cidr, const gchar *gateway)
{
  g_autoptr (JsonObject) node = gateway != NULL ? ew_ctl_look_up_node (ctl, gateway) : NULL;
  const gboolean plain = node != NULL && ew_json_bool (node, "plain", FALSE);

  if (plain)
    ew_ctl_hint (
      "Its gateway has plain WireGuard, without Edgeway, so set up forwarding to that network there by hand. ");
  if (gateway == NULL || plain)
    ew_ctl_hint ("On each computer that is to use it: sudo edgewayctl route accept %s\n", cidr);
  else
    ew_ctl_hint ("On %s, which is to forward it, and on each computer that is to use it:\n"
                 "    sudo edgewayctl route accept %s\n",
                 gateway, cidr);
}

gint
ew_verb_route_add (EwCtl *ctl, gint argc, gchar **argv)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 2, &exit_code))
    return exit_code;
  exit_code
    = ew_ctl_do (ctl, "AddRoute", g_variant_new ("(ss)", argv[1], argc > 2 ? argv[2] : ""), "Offered to the mesh.");
  if (exit_code == EW_EXIT_DONE && strchr (argv[1], '/') == NULL)
    ew_ctl_hint ("This is a single address. For a network, run `sudo edgewayctl route remove %s`, then add it with its "
                 "prefix length, for example %s/24.\n",
                 argv[1], argv[1]);
  else if (exit_code == EW_EXIT_DONE)
    hint_at_accepting (ctl, argv[1], argc > 2 ? argv[2] : NULL);
  return exit_code;
}

/* An address alone is a route of its full length; IPv6 may be written in many ways. */
static gboolean
is_same_route (const gchar *offered, const gchar *cidr)
{
  g_auto (GStrv) a = g_strsplit (offered, "/", 2), b = g_strsplit (cidr, "/", 2);
  g_autoptr (GInetAddress) first = g_inet_address_new_from_string (a[0]),
                           second = b[0] != NULL ? g_inet_address_new_from_string (b[0]) : NULL;
  const gchar *full = first != NULL && g_inet_address_get_family (first) == G_SOCKET_FAMILY_IPV6 ? "128" : "32";

  return first != NULL && second != NULL && g_inet_address_equal (first, second)
         && g_strcmp0 (a[1] != NULL ? a[1] : full, b[1] != NULL ? b[1] : full) == 0;
}

/* What the daemon says about that route now. NULL: nothing. */
static JsonObject *
find_route (JsonObject *answer, const gchar *cidr)
{
  JsonArray *routes = answer != NULL ? ew_json_array (answer, "routes") : NULL;

  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *offered = route != NULL ? ew_json_string (route, "cidr") : NULL;
      if (offered != NULL && is_same_route (offered, cidr))
        return route;
    }
  return NULL;
}

/* FALSE: the route is another node's. The edge itself refuses a route that no node offers. */
static gboolean
check_gateway (EwCtl *ctl, const gchar *cidr, const gchar *gateway, gint *exit_code)
{
  g_autoptr (JsonObject) answer
    = ew_ctl_open (ctl, NULL) != NULL ? ew_link_call_json (ctl->link, "ListRoutes", NULL, NULL) : NULL;
  g_autoptr (JsonObject) node = ew_ctl_look_up_node (ctl, gateway);
  JsonObject *route = find_route (answer, cidr);
  const gchar *offers = route != NULL ? ew_json_string (route, "node") : NULL;
  const gchar *name = node != NULL ? ew_json_string (node, "name") : NULL;
  g_autoptr (GError) error = NULL;

  if (offers == NULL || g_strcmp0 (offers, name != NULL ? name : gateway) == 0)
    return TRUE;
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, offers);
  g_set_error (&error, EW_ERROR, EW_ERROR_ROUTE_INVALID, "%s is offered by %s, not by %s.", cidr, shown, gateway);
  *exit_code = ew_ctl_fail (ctl, error);
  return FALSE;
}

gint
ew_verb_route_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *name = NULL, *done = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 2, &exit_code))
    return exit_code;
  if (argc > 2 && !check_gateway (ctl, argv[1], argv[2], &exit_code))
    return exit_code;
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s is no longer offered to the mesh.", name);
  return ew_ctl_do (ctl, "RemoveRoute", g_variant_new ("(s)", argv[1]), done);
}

/* Accepted is not yet in use. */
static void
hint_at_route (EwCtl *ctl, const gchar *cidr)
{
  g_autoptr (JsonObject) answer = ew_link_call_json (ctl->link, "ListRoutes", NULL, NULL);
  JsonObject *route = answer != NULL ? find_route (answer, cidr) : NULL;
  const gchar *reason = route != NULL ? ew_json_string (route, "reason") : NULL;

  if (answer != NULL && (route == NULL || g_strcmp0 (ew_json_string (route, "state"), "accepted-not-offered") == 0))
    ew_ctl_hint ("No node offers %s now, so nothing changes until one does. Until then, `edgewayctl route list` shows "
                 "it; `sudo edgewayctl route refuse %s` undoes this.\n",
                 cidr, cidr);
  else if (reason != NULL && *reason != '\0')
    ew_ctl_hint ("It isn't in use yet: %s. Look for what to do with `edgewayctl diagnose`.\n", reason);
}

gint
ew_verb_route_accept (EwCtl *ctl, gint argc, gchar **argv)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  exit_code = ew_ctl_do (ctl, "AcceptRoute", g_variant_new ("(s)", argv[1]), "Accepted.");
  if (exit_code == EW_EXIT_DONE)
    hint_at_route (ctl, argv[1]);
  return exit_code;
}

gint
ew_verb_route_refuse (EwCtl *ctl, gint argc, gchar **argv)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  return ew_ctl_do (ctl, "RefuseRoute", g_variant_new ("(s)", argv[1]), "Refused.");
}

/* The states of ListRoutes in words; one we do not know is shown as it is. */
static const gchar *
describe (const gchar *state)
{
  static const gchar *const words[][2] = {
    { "offered", "offered, not accepted here" },
    { "accepted", "accepted" },
    { "refused", "refused here" },
    { "forwarding", "forwarding: this computer is its gateway" },
    { "unaccepted-forward", "not forwarded until accepted here" },
    { "blocked", "not in use" },
    { "accepted-not-offered", "accepted, not offered now" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (words[i][0], state))
      return words[i][1];
  return state;
}

static void
print_routes (EwCtl *ctl, JsonObject *answer)
{
  static const gchar *const headings[] = { "CIDR", "NODE", "HERE", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  JsonArray *routes = ew_json_array (answer, "routes");
  g_autofree gchar *text = NULL;

  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      if (route == NULL)
        continue;
      g_autofree gchar *cidr = ew_format_get_text (&ctl->terminal, route, "cidr", "?");
      g_autofree gchar *node = ew_format_get_text (&ctl->terminal, route, "node", "-");
      g_autofree gchar *state = ew_format_get_text (&ctl->terminal, route, "state", "unknown");
      g_autofree gchar *reason = ew_format_get_text (&ctl->terminal, route, "reason", "");
      g_autofree gchar *here = g_strconcat (describe (state), *reason != '\0' ? ": " : "", reason, NULL);
      const gchar *cells[] = { cidr, node, here };
      ew_table_add (table, cells);
    }
  text = ew_table_to_string (table, &ctl->terminal);
  ew_ctl_print ("%s", text);
}

gint
ew_verb_route_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListRoutes", print_routes);
}
