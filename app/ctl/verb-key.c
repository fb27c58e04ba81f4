/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * key list, revoke.
 */
#include "ctl.h"

#include "console/listing.h"

static void
show_keys (EwCtl *ctl, JsonObject *answer)
{
  g_autofree gchar *text = ew_listing_keys (&ctl->terminal, answer, NULL);

  if (text != NULL)
    ew_ctl_print ("%s", text);
  else
    ew_ctl_hint ("There are no open enrollment keys.\n");
}

gint
ew_verb_key_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListKeys", show_keys);
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
