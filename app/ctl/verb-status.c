/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include <stdio.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

static gchar *
describe_edge (EwCtl *ctl, JsonObject *edge)
{
  g_autofree gchar *name = ew_format_get_text (&ctl->terminal, edge, "name", "?");
  g_autofree gchar *endpoint = ew_format_get_text (&ctl->terminal, edge, "endpoint", "?");
  g_autofree gchar *transport = ew_format_get_text (&ctl->terminal, edge, "transport", "?");
  g_autofree gchar *rtt = NULL;
  gdouble rtt_ms;

  if (ew_format_get_number (edge, "rtt_ms", &rtt_ms))
    rtt = ew_format_ms (rtt_ms);
  return g_strdup_printf ("%s, %s by %s%s%s", name, endpoint, transport, rtt != NULL ? ", " : "",
                          rtt != NULL ? rtt : "");
}

static void
print_row (EwCtl *ctl, const gchar *label, const gchar *value)
{
  g_autofree gchar *padded = g_strdup_printf ("  %-10s", label);
  g_autofree gchar *styled = ew_terminal_styled (&ctl->terminal, EW_STYLE_DIM, padded);

  if (value != NULL && *value != '\0')
    ew_ctl_print ("%s %s\n", styled, value);
}

static EwStyle
style_of (const gchar *state)
{
  if (g_strcmp0 (state, "connected") == 0)
    return EW_STYLE_GOOD;
  return g_strcmp0 (state, "error") == 0 || g_strcmp0 (state, "removed") == 0 ? EW_STYLE_BAD : EW_STYLE_WARN;
}

/* An older daemon says nothing of names. */
static void
print_names (EwCtl *ctl, JsonObject *status)
{
  const gchar *code = ew_json_string (status, "names");
  g_autofree gchar *mesh = ew_format_get_text (&ctl->terminal, status, "mesh", NULL);
  g_autofree gchar *suffix = ew_format_get_text (&ctl->terminal, status, "suffix", NULL);
  g_autofree gchar *node = ew_format_get_text (&ctl->terminal, status, "name", NULL);
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, status, "names_message", "");
  g_autofree gchar *works = g_strdup_printf ("work, for example %s.%s", node, suffix);

  const gchar *state = ew_json_string (status, "state");

  /* Whoever disconnected knows; while the edge is unreachable, it is news. */
  if (code == NULL || mesh == NULL || (g_str_equal (code, "not-connected") && g_strcmp0 (state, "disconnected") == 0))
    return;
  print_row (ctl, "names", g_str_equal (code, "ok") ? works : message);
}

/* NULL: there is nothing to say. */
static const gchar *
describe_lockdown (JsonObject *status)
{
  const gchar *lockdown = ew_json_string (status, "lockdown");

  if (lockdown == NULL || g_str_equal (lockdown, "off"))
    return NULL;
  return g_str_equal (lockdown, "on") ? "on" : "on, switched off soon unless confirmed: edgewayctl lockdown --confirm";
}

/* What a captive portal names. NULL: there is none. (transfer full) */
static gchar *
describe_portal (EwCtl *ctl, JsonObject *status)
{
  g_autofree gchar *url = ew_format_get_text (&ctl->terminal, status, "portal_url", "");

  return *url != '\0' ? g_strdup_printf ("%s: edgewayctl portal open", url) : NULL;
}

static void
print_proxy (EwCtl *ctl, JsonObject *status)
{
  JsonObject *proxy = ew_json_object (status, "proxy");
  const gchar *place = proxy != NULL ? ew_json_string (proxy, "in_use") : NULL;

  if (place == NULL)
    return;
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, place);
  g_autofree gchar *asks = g_strconcat (shown, ", asks for a password: sudo edgewayctl proxy password", NULL);
  print_row (ctl, "proxy", ew_json_bool (proxy, "asks_password", FALSE) ? asks : shown);
}

static void
print_details (EwCtl *ctl, JsonObject *status)
{
  const EwTerminal *terminal = &ctl->terminal;
  JsonObject *edge = ew_json_object (status, "edge");
  g_autofree gchar *name = ew_format_get_text (terminal, status, "name", "");
  g_autofree gchar *kind = ew_format_get_text (terminal, status, "kind", "");
  g_autofree gchar *role = ew_format_get_text (terminal, status, "role", "");
  g_autofree gchar *node
    = *name != '\0' ? g_strdup_printf ("%s (%s, %s)", name, kind, g_str_equal (role, "admin") ? "administrator" : role)
                    : NULL;
  g_autofree gchar *mesh = ew_format_get_text (terminal, status, "mesh", "");
  g_autofree gchar *addresses = ew_format_get_list (terminal, status, "addresses", "  ");
  g_autofree gchar *edge_text
    = edge != NULL && ew_json_string (edge, "name") != NULL ? describe_edge (ctl, edge) : NULL;
  g_autofree gchar *mode = ew_format_get_text (terminal, status, "mode", "");
  const gchar *guard = ew_json_string (status, "guard_until");
  g_autofree gchar *until = guard != NULL ? ew_format_local_time (ew_time_parse (guard)) : NULL;
  g_autofree gchar *mode_text
    = until != NULL ? g_strdup_printf ("%s, reverts at %s unless confirmed: edgewayctl mode --confirm", mode, until)
                    : g_strdup (mode);
  g_autofree gchar *interface = ew_format_get_text (terminal, status, "interface", "");
  g_autofree gchar *rx = ew_format_bytes (ew_json_int (status, "rx_bytes", 0));
  g_autofree gchar *tx = ew_format_bytes (ew_json_int (status, "tx_bytes", 0));
  g_autofree gchar *traffic = g_strdup_printf ("%s received, %s sent", rx, tx);

  g_autofree gchar *portal = describe_portal (ctl, status);

  print_row (ctl, "login page", portal);
  print_row (ctl, "mesh", mesh);
  print_row (ctl, "node", node);
  print_row (ctl, "addresses", addresses);
  print_row (ctl, "edge", edge_text);
  print_row (ctl, "mode", mode_text);
  print_row (ctl, "lockdown", describe_lockdown (status));
  print_proxy (ctl, status);
  print_row (ctl, "traffic", edge_text != NULL ? traffic : NULL);
  print_row (ctl, "interface", edge_text != NULL ? interface : NULL);
  print_names (ctl, status);
}

/* What does not work although the rest does, each with its fix. */
static void
print_problems (EwCtl *ctl, JsonObject *status)
{
  JsonArray *problems = ew_json_array (status, "problems");

  for (guint i = 0; problems != NULL && i < json_array_get_length (problems); i++)
    {
      JsonNode *node = json_array_get_element (problems, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      g_autofree gchar *message = ew_format_get_text (&ctl->terminal, json_node_get_object (node), "message", "");
      g_autofree gchar *fix = ew_format_get_text (&ctl->terminal, json_node_get_object (node), "fix", "");
      print_row (ctl, i == 0 ? "problems" : "", message);
      print_row (ctl, "", fix);
    }
}

static void
print_status (EwCtl *ctl, JsonObject *status)
{
  g_autofree gchar *state = ew_format_get_text (&ctl->terminal, status, "state", "unknown");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, status, "message", "");
  g_autofree gchar *styled = ew_terminal_styled (&ctl->terminal, style_of (state), state);
  const gchar *since_text = ew_json_string (status, "since");
  g_autofree gchar *since = since_text != NULL ? ew_format_local_time (ew_time_parse (since_text)) : NULL;

  ew_ctl_print ("%s%s%s%s%s\n", styled, since != NULL ? " since " : "", since != NULL ? since : "",
                *message != '\0' ? ": " : "", message);
  if (!g_str_equal (state, "not-enrolled"))
    {
      print_details (ctl, status);
      print_problems (ctl, status);
    }
  else
    {
      print_row (ctl, "lockdown", describe_lockdown (status));
      print_proxy (ctl, status);
      ew_ctl_print ("  To join a mesh: sudo edgewayctl enroll\n");
    }
}

/* A line a change: for people who watch, and for scripts that read. */
static void
print_line (EwCtl *ctl, JsonObject *status)
{
  g_autofree gchar *now = ew_time_format (g_get_real_time ());
  g_autofree gchar *state = ew_format_get_text (&ctl->terminal, status, "state", "unknown");
  g_autofree gchar *mode = ew_format_get_text (&ctl->terminal, status, "mode", "");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, status, "message", "");
  g_autofree gchar *styled = ew_terminal_styled (&ctl->terminal, style_of (state), state);
  JsonObject *edge = ew_json_object (status, "edge");
  g_autofree gchar *edge_name = edge != NULL ? ew_format_get_text (&ctl->terminal, edge, "name", "") : g_strdup ("");
  const gchar *guard = ew_json_string (status, "guard_until");

  ew_ctl_print ("%s  %s  %s%s%s%s%s%s%s\n", now, styled, mode, guard != NULL ? "  guard until " : "",
                guard != NULL ? guard : "", *edge_name != '\0' ? "  " : "", edge_name, *message != '\0' ? "  " : "",
                message);
}

static gint
watch (EwCtl *ctl, gboolean json)
{
  g_autoptr (GError) error = NULL;

  do
    {
      g_autoptr (JsonObject) status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error);
      if (status == NULL)
        return ew_ctl_fail (ctl, error);
      if (json)
        {
          g_autofree gchar *line = ew_json_to_string (status, FALSE);
          ew_ctl_print ("%s\n", line);
        }
      else
        print_line (ctl, status);
      if (fflush (stdout) != 0)
        return EW_EXIT_FAILED;
      ew_link_wait_change (ctl->link, 0);
    }
  while (ew_link_is_alive (ctl->link));
  error = g_error_new_literal (EW_LINK_ERROR, EW_LINK_ERROR_UNREACHABLE, "edgewayd has stopped.");
  return ew_ctl_fail (ctl, error);
}

/* Whether traffic passes: only in this state the edge has answered through the tunnel recently. */
static gboolean
is_connected (JsonObject *status)
{
  return g_strcmp0 (ew_json_string (status, "state"), "connected") == 0;
}

gint
ew_verb_status (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE, do_watch = FALSE, check = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { "watch", 0, 0, G_OPTION_ARG_NONE, &do_watch, "Keep running and print each change on a line", NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &check, "Exit with 1 unless this computer is connected", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (check && do_watch)
    return ew_ctl_usage (ctl, "--check and --watch can't be used together.");
  if (ew_ctl_open (ctl, &error) == NULL)
    return ew_ctl_fail (ctl, error);
  if (do_watch)
    return watch (ctl, json);
  status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error);
  if (status == NULL)
    return ew_ctl_fail (ctl, error);
  if (json)
    ew_ctl_print_json (status);
  else
    print_status (ctl, status);
  return !check || is_connected (status) ? EW_EXIT_DONE : EW_EXIT_FAILED;
}
