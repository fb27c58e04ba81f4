/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * connect, disconnect, mode.
 */
#include "ctl.h"

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

#define WAIT_S 30
#define NAMES_WAIT_S 3 /* programs find the names within two, as a rule; a resolver that hangs holds nobody up */
#define CONFIRM_WITHIN_MIN 1
#define CONFIRM_WITHIN_MAX 86400

/* The states that connecting passes through; every other one is its end. */
static gboolean
is_on_its_way (const gchar *state)
{
  return g_strcmp0 (state, "connecting") == 0 || g_strcmp0 (state, "reconnecting") == 0
         || g_strcmp0 (state, "awaiting-approval") == 0;
}

/* Connected, and the mesh's names aren't yet what they will be: the next `status` would show a passing state. */
static gboolean
awaits_names (JsonObject *status)
{
  const gchar *names = ew_json_string (status, "names");

  return g_strcmp0 (ew_json_string (status, "state"), "connected") == 0
         && (g_strcmp0 (names, "checking") == 0 || g_strcmp0 (names, "not-connected") == 0);
}

static JsonObject *
wait_for_connection (EwLink *link, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_S * G_TIME_SPAN_SECOND, names_deadline = 0;

  while (TRUE)
    {
      g_autoptr (JsonObject) status = ew_link_call_json (link, "GetStatus", NULL, error);
      if (status == NULL)
        return NULL;
      gboolean names = awaits_names (status);
      if (!names && !is_on_its_way (ew_json_string (status, "state")))
        return g_steal_pointer (&status);
      if (names && names_deadline == 0)
        names_deadline = g_get_monotonic_time () + NAMES_WAIT_S * G_TIME_SPAN_SECOND;
      gint64 until = names ? names_deadline : deadline;
      if (g_get_monotonic_time () >= until)
        return g_steal_pointer (&status);
      ew_link_wait_change (link, until);
    }
}

static gint
report_connection (EwCtl *ctl, JsonObject *status)
{
  const gchar *state = ew_json_string (status, "state"), *message = ew_json_string (status, "message");
  JsonObject *edge = ew_json_object (status, "edge");
  g_autofree gchar *mesh = ew_format_get_text (&ctl->terminal, status, "mesh", "the mesh");
  g_autofree gchar *name = ew_format_get_text (&ctl->terminal, edge, "name", "the edge");
  g_autofree gchar *cause = message != NULL && *message != '\0' ? ew_text_end_sentence (message) : NULL;
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (state, "connected") == 0)
    {
      ew_ctl_print ("Connected to the mesh %s via the edge %s.\n", mesh, name);
      if (awaits_names (status))
        ew_ctl_hint ("The mesh's names aren't ready yet. See `edgewayctl names`.\n");
      return EW_EXIT_DONE;
    }
  if (is_on_its_way (state))
    error = g_error_new (EW_ERROR, EW_ERROR_TIMED_OUT,
                         "Not connected after %d s%s%s edgewayd keeps trying. Look for the reason with `edgewayctl "
                         "diagnose`.",
                         WAIT_S, cause != NULL ? ": " : ".", cause != NULL ? cause : "");
  else
    error = g_error_new (EW_ERROR, EW_ERROR_NOT_CONNECTED, "Not connected (%s)%s%s", state != NULL ? state : "unknown",
                         cause != NULL ? ": " : ".", cause != NULL ? cause : "");
  return ew_ctl_fail (ctl, error);
}

gint
ew_verb_connect (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean no_wait = FALSE;
  const GOptionEntry entries[] = {
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait, "Return at once; see `edgewayctl status` for the result", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  exit_code = ew_ctl_do (ctl, "Connect", NULL, NULL);
  if (exit_code != EW_EXIT_DONE || no_wait)
    return exit_code;
  status = wait_for_connection (ctl->link, &error);
  return status != NULL ? report_connection (ctl, status) : ew_ctl_fail (ctl, error);
}

gint
ew_verb_disconnect (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean no_wait = FALSE;
  const GOptionEntry entries[] = {
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait, "Does nothing: disconnecting never waits", NULL },
    { NULL },
  };
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  return ew_ctl_do (ctl, "Disconnect", NULL, "Disconnected.");
}

/* Mode. */

gboolean
ew_ctl_came_over_ssh (void)
{
  return g_getenv ("SSH_CONNECTION") != NULL || g_getenv ("SSH_CLIENT") != NULL || g_getenv ("SSH_TTY") != NULL;
}

static void
print_guard (JsonObject *status)
{
  const gchar *until_text = ew_json_string (status, "guard_until");
  gint64 until = until_text != NULL ? ew_time_parse (until_text) : 0;
  gint64 left_s = (until - g_get_real_time () + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
  g_autofree gchar *at = NULL;

  if (until == 0)
    return;
  at = ew_format_local_time (until);
  ew_ctl_print (
    "The previous mode will be restored in %d s, at %s, unless you keep this one:\n    edgewayctl mode --confirm\n",
    (gint)CLAMP (left_s, 0, G_MAXINT), at);
}

static gint
show_mode (EwCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) status = NULL;
  g_autofree gchar *mode = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  mode = ew_format_get_text (&ctl->terminal, status, "mode", "unknown");
  ew_ctl_print ("%s\n", mode);
  print_guard (status);
  return EW_EXIT_DONE;
}

/* A computer that is not connected stores the mode and applies it when the tunnel is up. */
static const gchar *
describe_switch (JsonObject *status, const gchar *mode)
{
  if (g_str_equal (mode, "connector"))
    return "Connector-only mode: only traffic for the mesh goes through the edge.";
  if (g_strcmp0 (ew_json_string (status, "state"), "disconnected") == 0)
    return "VPN mode will start when this computer connects: edgewayctl connect";
  if (g_strcmp0 (ew_json_string (status, "state"), "reconnecting") == 0)
    return "VPN mode is on, but the edge doesn't answer now, so there is no internet until it does. To leave VPN mode: "
           "edgewayctl mode connector";
  return "VPN mode is active: all of this computer's internet traffic goes through the edge.";
}

/* Every computer stores the setting; only one with systemd-resolved can apply it. */
static void
hint_lan_names (EwCtl *ctl, JsonObject *status)
{
  JsonArray *problems = ew_json_array (status, "problems");

  if (g_strcmp0 (ew_json_string (status, "state"), "connected") != 0)
    ew_ctl_hint ("In VPN mode, the local network's names are found only where programs ask systemd-resolved.\n");
  for (guint i = 0; problems != NULL && i < json_array_get_length (problems); i++)
    {
      JsonNode *node = json_array_get_element (problems, i);
      JsonObject *problem = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      if (problem == NULL || g_strcmp0 (ew_json_string (problem, "kind"), "names") != 0)
        continue;
      g_autofree gchar *message = ew_format_get_text (&ctl->terminal, problem, "message", "");
      g_autofree gchar *fix = ew_format_get_text (&ctl->terminal, problem, "fix", "");
      ew_ctl_hint ("%s %s\n", message, fix);
    }
}

static gint
set_mode (EwCtl *ctl, const gchar *mode, guint confirm_within, const gchar *lan_names, gboolean no_wait)
{
  GVariantBuilder options;
  g_autoptr (JsonObject) status = NULL;
  gint exit_code;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (confirm_within != 0)
    g_variant_builder_add (&options, "{sv}", "confirm-within", g_variant_new_uint32 (confirm_within));
  if (lan_names != NULL)
    g_variant_builder_add (&options, "{sv}", "lan-names", g_variant_new_boolean (g_str_equal (lan_names, "yes")));
  if (ew_ctl_came_over_ssh ())
    g_variant_builder_add (&options, "{sv}", "ssh", g_variant_new_boolean (TRUE));
  exit_code = ew_ctl_do (ctl, "SetMode", g_variant_new ("(sa{sv})", mode, &options), NULL);
  if (exit_code == EW_EXIT_DONE)
    status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  if (status != NULL)
    {
      ew_ctl_print ("%s\n", describe_switch (status, mode));
      if (!no_wait)
        print_guard (status);
      if (g_strcmp0 (lan_names, "yes") == 0 && g_str_equal (mode, "vpn"))
        hint_lan_names (ctl, status);
    }
  return exit_code;
}

gint
ew_verb_mode (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *within = NULL, *lan_names = NULL;
  gboolean confirm = FALSE, undo = FALSE, no_wait = FALSE;
  guint seconds = 0;
  const GOptionEntry entries[] = {
    { "confirm-within", 0, 0, G_OPTION_ARG_STRING, &within, "Undo the switch unless it is confirmed by then",
      "SECONDS" },
    { "lan-names", 0, 0, G_OPTION_ARG_STRING, &lan_names,
      "Whether VPN mode leaves the local network's own names to its name servers; remembered", "yes|no" },
    { "confirm", 0, 0, G_OPTION_ARG_NONE, &confirm, "Keep the mode that the guard would undo", NULL },
    { "undo", 0, 0, G_OPTION_ARG_NONE, &undo, "Restore the previous mode now", NULL },
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait, "Don't mention the guard", NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 1, &exit_code))
    return exit_code;
  if ((confirm || undo) && (argc > 1 || within != NULL || lan_names != NULL || (confirm && undo)))
    return ew_ctl_usage (ctl, "--confirm and --undo can't be combined with other arguments.");
  if (within != NULL && !ew_duration_parse (within, CONFIRM_WITHIN_MIN, CONFIRM_WITHIN_MAX, &seconds, &error))
    return ew_ctl_usage (ctl, "--confirm-within: %s", error->message);
  if (lan_names != NULL && !g_str_equal (lan_names, "yes") && !g_str_equal (lan_names, "no"))
    return ew_ctl_usage (ctl, "--lan-names must be yes or no.");
  if (confirm)
    return ew_ctl_do (ctl, "ConfirmMode", NULL, "Kept.");
  if (undo)
    return ew_ctl_do (ctl, "UndoMode", NULL, "Undone.");
  if (argc < 2 && within == NULL && lan_names == NULL)
    return show_mode (ctl);
  if (argc < 2 || (!g_str_equal (argv[1], "vpn") && !g_str_equal (argv[1], "connector")))
    return ew_ctl_usage (ctl, "The mode must be vpn or connector.");
  return set_mode (ctl, argv[1], seconds, lan_names, no_wait);
}
