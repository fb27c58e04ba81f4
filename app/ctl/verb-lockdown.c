/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lockdown: nothing leaves this computer except through the tunnel.
 */
#include "ctl.h"

#include <unistd.h>

#include "common/error.h"
#include "common/util.h"
#include "edgeway-config.h"

#define CONFIRM_WITHIN_MIN 1
#define CONFIRM_WITHIN_MAX 86400

/* Whoever is locked out must get out without edgewayd: it does this on its own, without a bus or a state that can be
   read. */
static gint
open_without_daemon (EwCtl *ctl, const GError *unreachable)
{
  const gchar *argv[] = { EW_DAEMON_PROGRAM, "--lockdown", "off", NULL };
  g_autoptr (GError) error = NULL;
  gint status;

  if (geteuid () != 0)
    {
      g_set_error (&error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                   "%s Only root can switch lockdown off without it: sudo edgewayctl lockdown off",
                   unreachable->message);
      return ew_ctl_fail (ctl, error);
    }
  if (!g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL, &status, &error))
    return ew_ctl_fail (ctl, error);
  return g_spawn_check_wait_status (status, NULL) ? EW_EXIT_DONE : EW_EXIT_FAILED;
}

static void
print_trial (JsonObject *status)
{
  const gchar *until_text = ew_json_string (status, "lockdown_until");
  gint64 until = until_text != NULL ? ew_time_parse (until_text) : 0;
  gint64 left_s = (until - g_get_real_time () + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;

  if (until != 0)
    ew_ctl_print ("Lockdown will be switched off in %d s, unless you keep it:\n    edgewayctl lockdown --confirm\n",
                  (gint)CLAMP (left_s, 0, G_MAXINT));
}

static gint
show_lockdown (EwCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) status = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  const gchar *lockdown = ew_json_string (status, "lockdown");
  ew_ctl_print ("%s\n", lockdown == NULL || g_str_equal (lockdown, "off") ? "off" : "on");
  print_trial (status);
  return EW_EXIT_DONE;
}

static gint
switch_off (EwCtl *ctl)
{
  GVariant *parameters = g_variant_ref_sink (g_variant_new ("(ba{sv})", FALSE, NULL));
  g_autoptr (GVariant) owned = parameters, answer = NULL;
  g_autoptr (GError) error = NULL;

  if (ew_ctl_open (ctl, &error) != NULL)
    answer = ew_link_call (ctl->link, "SetLockdown", owned, &error);
  if (answer == NULL && error->domain == EW_LINK_ERROR)
    return open_without_daemon (ctl, error);
  if (answer == NULL)
    return ew_ctl_fail (ctl, error);
  ew_ctl_print ("Lockdown is off.\n");
  return EW_EXIT_DONE;
}

static gint
switch_on (EwCtl *ctl, guint confirm_within)
{
  g_autoptr (JsonObject) status = NULL;
  GVariantBuilder options;
  gint exit_code;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (confirm_within != 0)
    g_variant_builder_add (&options, "{sv}", "confirm-within", g_variant_new_uint32 (confirm_within));
  if (ew_ctl_came_over_ssh ())
    g_variant_builder_add (&options, "{sv}", "ssh", g_variant_new_boolean (TRUE));
  exit_code = ew_ctl_do (ctl, "SetLockdown", g_variant_new ("(ba{sv})", TRUE, &options), NULL);
  if (exit_code != EW_EXIT_DONE)
    return exit_code;
  ew_ctl_print ("Lockdown is on: nothing leaves this computer except through the edge, also after a restart.\n"
                "To switch it off, also while edgewayd doesn't run: sudo edgewayctl lockdown off\n");
  status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  if (status != NULL)
    print_trial (status);
  return EW_EXIT_DONE;
}

gint
ew_verb_lockdown (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *within = NULL;
  gboolean confirm = FALSE, undo = FALSE;
  guint seconds = 0;
  const GOptionEntry entries[] = {
    { "confirm-within", 0, 0, G_OPTION_ARG_STRING, &within, "Switch it off again unless it is confirmed by then",
      "SECONDS" },
    { "confirm", 0, 0, G_OPTION_ARG_NONE, &confirm, "Keep the lockdown that would be switched off", NULL },
    { "undo", 0, 0, G_OPTION_ARG_NONE, &undo, "Switch it off now, if it isn't confirmed", NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 1, &exit_code))
    return exit_code;
  if ((confirm || undo) && (argc > 1 || within != NULL || (confirm && undo)))
    return ew_ctl_usage (ctl, "--confirm and --undo can't be combined with other arguments.");
  if (within != NULL && !ew_duration_parse (within, CONFIRM_WITHIN_MIN, CONFIRM_WITHIN_MAX, &seconds, &error))
    return ew_ctl_usage (ctl, "--confirm-within: %s", error->message);
  if (confirm)
    return ew_ctl_do (ctl, "ConfirmMode", NULL, "Kept.");
  if (undo)
    return ew_ctl_do (ctl, "UndoMode", NULL, "Undone.");
  if (argc < 2 && within == NULL)
    return show_lockdown (ctl);
  if (argc > 1 && g_str_equal (argv[1], "off") && within == NULL)
    return switch_off (ctl);
  if (argc > 1 && g_str_equal (argv[1], "on"))
    return switch_on (ctl, seconds);
  return ew_ctl_usage (ctl, "Lockdown must be on or off, and --confirm-within belongs to on.");
}
