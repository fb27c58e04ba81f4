/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * split list, exclude, include, remove; lan.
 */
#include "ctl.h"

#include "common/util.h"
#include "console/format.h"

static const GOptionEntry no_entries[] = { { NULL } };

static void
print_prefixes (EwCtl *ctl, JsonObject *split, const gchar *member, const gchar *what)
{
  JsonArray *prefixes = split != NULL ? ew_json_array (split, member) : NULL;

  for (guint i = 0; prefixes != NULL && i < json_array_get_length (prefixes); i++)
    {
      const gchar *text = json_array_get_string_element (prefixes, i);
      g_autofree gchar *clean = ew_terminal_clean (&ctl->terminal, text != NULL ? text : "");
      ew_ctl_print ("%-9s %s\n", what, clean);
    }
}

static gboolean
is_empty (JsonObject *split, const gchar *member)
{
  JsonArray *prefixes = split != NULL ? ew_json_array (split, member) : NULL;

  return prefixes == NULL || json_array_get_length (prefixes) == 0;
}

static void
print_split (EwCtl *ctl, JsonObject *status)
{
  JsonObject *split = ew_json_object (status, "split");

  if (is_empty (split, "excluded") && is_empty (split, "included"))
    ew_ctl_print ("VPN mode takes everything but the local network.\n");
  print_prefixes (ctl, split, "excluded", "excluded");
  print_prefixes (ctl, split, "included", "included");
  if (!is_empty (split, "included"))
    ew_ctl_hint ("Only what is included goes through the edge in VPN mode.\n");
}

gint
ew_verb_split_list (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) status = NULL, shown = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  if (!json)
    return print_split (ctl, status), EW_EXIT_DONE;
  JsonObject *split = ew_json_object (status, "split");
  shown = split != NULL ? json_object_ref (split) : json_object_new ();
  json_object_set_int_member (shown, "schema", 1);
  ew_ctl_print_json (shown);
  return EW_EXIT_DONE;
}

static gint
change (EwCtl *ctl, gint argc, gchar **argv, const gchar *action, const gchar *done)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  return ew_ctl_do (ctl, "ChangeSplit", g_variant_new ("(ss)", action, argv[1]), done);
}

gint
ew_verb_split_exclude (EwCtl *ctl, gint argc, gchar **argv)
{
  return change (ctl, argc, argv, "exclude", "In VPN mode, this network stays outside the tunnel.");
}

gint
ew_verb_split_include (EwCtl *ctl, gint argc, gchar **argv)
{
  return change (ctl, argc, argv, "include",
                 "In VPN mode, this network goes through the edge, and nothing else but those included.");
}

gint
ew_verb_split_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  return change (ctl, argc, argv, "remove", "Removed.");
}

static gint
show_lan (EwCtl *ctl)
{
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) error = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  g_autofree gchar *lan = ew_format_get_text (&ctl->terminal, status, "lan", "allow");
  ew_ctl_print ("%s\n", lan);
  return EW_EXIT_DONE;
}

gint
ew_verb_lan (EwCtl *ctl, gint argc, gchar **argv)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 0, 1, &exit_code))
    return exit_code;
  if (argc < 2)
    return show_lan (ctl);
  if (g_str_equal (argv[1], "allow"))
    return ew_ctl_do (ctl, "SetLan", g_variant_new ("(b)", TRUE), "The local network can be reached.");
  if (g_str_equal (argv[1], "block"))
    return ew_ctl_do (ctl, "SetLan", g_variant_new ("(b)", FALSE),
                      "The local network can't be reached in VPN mode and lockdown, except to answer it.");
  return ew_ctl_usage (ctl, "Choose allow or block.");
}
