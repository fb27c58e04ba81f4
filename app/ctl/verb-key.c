/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * key list, revoke.
 */
#include "ctl.h"

#include "console/listing.h"

gint
ew_verb_key_list (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, "ListKeys", NULL);
  if (ew_ctl_open (ctl, &error) == NULL || (answer = ew_link_call_json (ctl->link, "ListKeys", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  text = ew_listing_keys (&ctl->terminal, answer, NULL);
  if (text != NULL)
    ew_ctl_print ("%s", text);
  else
    ew_ctl_hint ("There are no open enrollment keys.\n");
  return EW_EXIT_DONE;
}

gint
ew_verb_key_revoke (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  return ew_ctl_do (ctl, "RevokeKey", g_variant_new ("(s)", argv[1]), "Revoked: nobody can join with that key.");
}
