/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include "common/checks.h"
#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

typedef struct
{
  const gchar *sign, *ascii;
  EwStyle style;
} CheckLook;

static const CheckLook looks[] = {
  [EW_CHECK_BAD] = { "✗", "no", EW_STYLE_BAD },
  [EW_CHECK_GOOD] = { "✓", "ok", EW_STYLE_GOOD },
  [EW_CHECK_WARNING] = { "!", "!", EW_STYLE_WARN },
  [EW_CHECK_UNKNOWN] = { "?", "?", EW_STYLE_WARN },
};

static void
print_check (EwCtl *ctl, JsonObject *check)
{
  g_autofree gchar *name = ew_format_get_text (&ctl->terminal, check, "check", "?");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, check, "message", "");
  g_autofree gchar *fix = ew_format_get_text (&ctl->terminal, check, "fix", "");
  EwCheckResult result = ew_check_result (check);
  const CheckLook *look = &looks[result];
  g_autofree gchar *padded
    = g_strdup_printf ("%*s", ctl->terminal.utf8 ? 1 : 2, ew_terminal_sign (&ctl->terminal, look->sign, look->ascii));
  g_autofree gchar *styled = ew_terminal_styled (&ctl->terminal, look->style, padded);

  ew_ctl_print ("%s %-16s %s\n", styled, name, message);
  if (*fix != '\0' && result != EW_CHECK_GOOD)
    ew_ctl_print ("  %-16s %s %s\n", "", ew_terminal_sign (&ctl->terminal, "→", "->"), fix);
  if (ew_json_bool (check, "fixed", FALSE))
    ew_ctl_print ("  %-16s %s Fixed by Edgeway. To undo: `sudo edgewayctl diagnose --revert`.\n", "",
                  ew_terminal_sign (&ctl->terminal, "→", "->"));
}

/* The names of the checks that the call has fixed or reverted; said on stderr. FALSE: it failed. */
static gboolean
change_fixes (EwCtl *ctl, const gchar *method, const gchar *done, const gchar *nothing, GError **error)
{
  g_autoptr (GVariant) answer = ew_link_call (ctl->link, method, g_variant_new ("(s)", ""), error);
  g_autofree gchar **checks = NULL;

  if (answer == NULL)
    return FALSE;
  g_variant_get (answer, "(^a&s)", &checks);
  g_autofree gchar *list = g_strjoinv (", ", checks);
  g_autofree gchar *plain = ew_terminal_clean (&ctl->terminal, list);
  if (*plain != '\0')
    ew_ctl_hint ("%s: %s.\n", done, plain);
  else
    ew_ctl_hint ("%s\n", nothing);
  return TRUE;
}

gint
ew_verb_diagnose (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE, fix = FALSE, revert = FALSE, failed = FALSE;
  const GOptionEntry entries[] = {
    { "fix", 0, 0, G_OPTION_ARG_NONE, &fix, "Fix what Edgeway can fix on this computer, then check", NULL },
    { "revert", 0, 0, G_OPTION_ARG_NONE, &revert, "Undo all of Edgeway's fixes", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) report = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *checks;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (revert && (fix || json))
    return ew_ctl_usage (ctl, "--revert can't be combined with --fix or --json.");
  if ((fix || revert)
      && (ew_ctl_open (ctl, &error) == NULL
          || !(fix ? change_fixes (ctl, "Fix", "Fixed", "There is nothing that Edgeway can fix.", &error)
                   : change_fixes (ctl, "RevertFixes", "Reverted", "There is no fix to undo.", &error))))
    return ew_ctl_fail (ctl, error);
  if (revert)
    return EW_EXIT_DONE;
  if (ew_ctl_open (ctl, &error) == NULL || (report = ew_link_call_json (ctl->link, "Diagnose", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  checks = ew_json_array (report, "checks");
  for (guint i = 0; checks != NULL && i < json_array_get_length (checks); i++)
    {
      JsonNode *element = json_array_get_element (checks, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        continue;
      if (!json)
        print_check (ctl, json_node_get_object (element));
      failed |= ew_check_result (json_node_get_object (element)) == EW_CHECK_BAD;
    }
  if (json)
    ew_ctl_print_json (report);
  return failed ? EW_EXIT_FAILED : EW_EXIT_DONE;
}
