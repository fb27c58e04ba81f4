/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * portal: the login page of a network that lets nothing else through.
 */
#include "ctl.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/util.h"
#include "console/format.h"

#define FOR_MIN 60
#define FOR_MAX 3600

static gint
show_portal (EwCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) status = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  g_autofree gchar *url = ew_format_get_text (&ctl->terminal, status, "portal_url", "none");
  const gchar *until_text = ew_json_string (status, "portal_until");
  g_autofree gchar *until = until_text != NULL ? ew_format_local_time (ew_time_parse (until_text)) : NULL;
  ew_ctl_print ("%s\n", url);
  if (until != NULL)
    ew_ctl_print ("A browser can reach it until %s.\n", until);
  return EW_EXIT_DONE;
}

/* Under sudo: the browser isn't root's. */
static void
add_person (GVariantBuilder *options)
{
  const gchar *text = geteuid () == 0 ? getenv ("SUDO_UID") : NULL;
  guint64 uid;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &uid, NULL))
    g_variant_builder_add (options, "{sv}", "uid", g_variant_new_uint32 ((guint32)uid));
}

static gint
open_portal (EwCtl *ctl, guint seconds)
{
  GVariantBuilder options;
  g_autoptr (GVariant) parameters = NULL, answer = NULL;
  g_autoptr (GError) error = NULL;
  const gchar *url;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (seconds != 0)
    g_variant_builder_add (&options, "{sv}", "seconds", g_variant_new_uint32 (seconds));
  add_person (&options);
  parameters = g_variant_ref_sink (g_variant_new ("(a{sv})", &options));
  if (ew_ctl_open (ctl, &error) == NULL
      || (answer = ew_link_call (ctl->link, "OpenPortal", parameters, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  g_variant_get (answer, "(&s)", &url);
  g_autofree gchar *shown = ew_text_one_line (url, 4096);
  g_printerr ("Open this page in your browser. This computer connects by itself once you have logged in there.\n");
  ew_ctl_print ("%s\n", shown);
  return EW_EXIT_DONE;
}

gint
ew_verb_portal (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *text = NULL;
  guint seconds = 0;
  const GOptionEntry entries[] = {
    { "for", 0, 0, G_OPTION_ARG_STRING, &text, "How long the page can be reached (default: 10m)", "TIME" },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 1, &exit_code))
    return exit_code;
  const gchar *action = argc > 1 ? argv[1] : "";
  if (text != NULL && !ew_duration_parse (text, FOR_MIN, FOR_MAX, &seconds, &error))
    return ew_ctl_usage (ctl, "--for: %s", error->message);
  if (g_str_equal (action, "open"))
    return open_portal (ctl, seconds);
  if (text != NULL)
    return ew_ctl_usage (ctl, "--for belongs to open.");
  if (*action == '\0')
    return show_portal (ctl);
  if (g_str_equal (action, "close"))
    return ew_ctl_do (ctl, "ClosePortal", NULL, "The way out to the login page is closed.");
  return ew_ctl_usage (ctl, "Choose open or close.");
}
