/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include <glib-unix.h>
#include <stdio.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"
#include "ping.h"

#define COUNT_DEFAULT 4
#define COUNT_MAX 1000000
#define TIMEOUT_MS 5000

static gchar *
leg_text (JsonObject *result, const gchar *member)
{
  gdouble ms;

  return ew_format_get_number (result, member, &ms) ? ew_format_ms (ms) : g_strdup ("?");
}

static void
print_echo (EwCtl *ctl, JsonObject *result, EwPingTally *tally)
{
  const gchar *line = ew_terminal_sign (&ctl->terminal, "──", "--");
  g_autofree gchar *near = leg_text (result, "near_ms"), *far = leg_text (result, "far_ms"),
                   *total = leg_text (result, "total_ms");
  g_autofree gchar *edge = ew_format_get_text (&ctl->terminal, result, "edge", "edge");
  g_autofree gchar *address = ew_format_get_text (&ctl->terminal, result, "address", "");
  g_autofree gchar *name = ew_format_get_text (&ctl->terminal, result, "name", address);
  g_autofree gchar *target /* a host of a routed network has no name */
    = g_str_equal (name, address) ? g_strdup (address) : g_strdup_printf ("%s (%s)", name, address);
  gdouble far_ms, ms = 0;

  if (ew_format_get_number (result, "far_ms", &far_ms))
    ew_ctl_print ("%d  this computer %s %s %s %s %s %s %s %s  %s\n", tally->sent, line, near, line, edge, line, far,
                  line, target, total);
  else
    ew_ctl_print ("%d  this computer %s %s %s %s  %s\n", tally->sent, line, near, line, target, total);
  ew_format_get_number (result, "total_ms", &ms);
  ew_ping_count (tally, ms);
}

static gboolean
on_interrupt (gpointer user_data)
{
  ((EwPingTally *)user_data)->interrupted = TRUE;
  return G_SOURCE_CONTINUE;
}

/* One echo. FALSE: further pings can't work; *error says why. A lost echo isn't an error. */
static gboolean
ping_once (EwCtl *ctl, const gchar *target, EwPingTally *tally, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (JsonObject) result = NULL;

  tally->sent++;
  result = ew_link_call_json (ctl->link, "Ping", g_variant_new ("(su)", target, TIMEOUT_MS), &failure);
  if (result != NULL)
    print_echo (ctl, result, tally);
  else if (g_error_matches (failure, EW_ERROR, EW_ERROR_TIMED_OUT))
    {
      g_autofree gchar *why = ew_terminal_clean (&ctl->terminal, failure->message);
      ew_ctl_print ("%d  no answer: %s\n", tally->sent, why);
    }
  else
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  fflush (stdout);
  return TRUE;
}

/* A plain WireGuard node has its address before it ever connects: one that never did can't answer, and the output says
   so. */
static void
hint_not_joined (EwCtl *ctl, const gchar *target)
{
  g_autoptr (JsonObject) node = ew_ctl_look_up_node (ctl, target);
  g_autofree gchar *name = node != NULL ? ew_format_get_text (&ctl->terminal, node, "name", "?") : NULL;

  if (node != NULL && g_strcmp0 (ew_json_string (node, "state"), "not-joined") == 0)
    ew_ctl_hint ("%s may not have joined yet: the edge hasn't heard from it so far.\n", name);
}

/* A route can be used here and not be forwarded there: what its gateway does, only the gateway knows. */
static void
hint_at_gateway (EwCtl *ctl, const gchar *target)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (target);
  g_autoptr (JsonObject) answer = address != NULL ? ew_link_look (ctl->link, "ListRoutes", NULL) : NULL;
  JsonArray *routes = answer != NULL ? ew_json_array (answer, "routes") : NULL;

  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *cidr = route != NULL ? ew_json_string (route, "cidr") : NULL;
      g_autoptr (GInetAddressMask) mask = cidr != NULL ? g_inet_address_mask_new_from_string (cidr, NULL) : NULL;
      if (mask == NULL || !g_inet_address_mask_matches (mask, address)
          || g_strcmp0 (ew_json_string (route, "state"), "accepted") != 0)
        continue;
      g_autofree gchar *gateway = ew_format_get_text (&ctl->terminal, route, "node", "?");
      ew_ctl_hint ("%s is behind %s. On %s, `sudo edgewayctl route list` says whether it forwards to that network.\n",
                   target, gateway, gateway);
      return;
    }
}

gint
ew_verb_ping (EwCtl *ctl, gint argc, gchar **argv)
{
  gint count = COUNT_DEFAULT, exit_code;
  const GOptionEntry entries[] = {
    { "count", 'c', 0, G_OPTION_ARG_INT, &count, "How many packets to send (default: 4)", "N" },
    { NULL },
  };
  EwPingTally tally = { 0 };
  g_autoptr (GError) error = NULL;
  guint interrupt;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (count < 1 || count > COUNT_MAX)
    return ew_ctl_usage (ctl, "-c must be between 1 and %d.", COUNT_MAX);
  if (ew_ctl_open (ctl, &error) == NULL || !ping_once (ctl, argv[1], &tally, &error))
    {
      g_autoptr (JsonObject) service = g_error_matches (error, EW_ERROR, EW_ERROR_NOT_FOUND)
                                         ? ew_link_look (ctl->link, "ShowService", g_variant_new ("(s)", argv[1]))
                                         : NULL;
      return service != NULL ? ew_ping_service (ctl, service, count) : ew_ctl_fail (ctl, error);
    }
  interrupt = g_unix_signal_add (SIGINT, on_interrupt, &tally); /* not before: a password prompt ends with Ctrl-C */
  while (tally.sent < count && !tally.interrupted)
    {
      ew_ping_pause (&tally);
      if (!tally.interrupted && !ping_once (ctl, argv[1], &tally, &error))
        break;
    }
  g_source_remove (interrupt);
  exit_code = ew_ping_summarize (&tally);
  if (tally.came_back == 0 && error == NULL)
    {
      hint_not_joined (ctl, argv[1]);
      hint_at_gateway (ctl, argv[1]);
    }
  return error != NULL ? ew_ctl_fail (ctl, error) : exit_code;
}
