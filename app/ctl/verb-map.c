/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include "map-view.h"
#include "topology.h"

#define SNAPSHOT_MS 10000
#define SETTLE_MS 3500 /* the edge pings a node every 2 s while a client watches, and counters come once a second */

/* As wide as the map. */
static void
print_wrapped (const gchar *text, glong width)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  glong column = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      glong length = g_utf8_strlen (words[i], -1);
      if (column > 0 && column + 1 + length > width)
        {
          ew_ctl_print ("\n");
          column = 0;
        }
      ew_ctl_print ("%s%s", column > 0 ? " " : "", words[i]);
      column += (column > 0 ? 1 : 0) + length;
    }
  ew_ctl_print ("\n");
}

static void
print_problems (EwCtl *ctl)
{
  const gchar *const *problems = ew_daemon1_get_problems (ew_link_get_proxy (ctl->link));
  glong width = CLAMP (ctl->terminal.width, EW_MAP_WIDTH_MIN, EW_MAP_WIDTH_MAX);

  for (; problems != NULL && *problems != NULL; problems++)
    {
      g_autofree gchar *clean = ew_terminal_clean (&ctl->terminal, *problems);
      g_autofree gchar *line = g_strconcat ("This computer: ", clean, NULL);
      print_wrapped (line, width);
    }
}

gint
ew_verb_map (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) map = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;
  gint exit_code, fd;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (ew_ctl_open (ctl, &error) == NULL || (fd = ew_link_call_fd (ctl->link, "OpenTopology", &error)) < 0
      || (map = ew_topology_read (fd, SNAPSHOT_MS, SETTLE_MS, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  /* What the daemon still knows of a mesh that it isn't connected to. */
  if (g_strcmp0 (ew_daemon1_get_state (ew_link_get_proxy (ctl->link)), "connected") != 0)
    json_object_set_boolean_member (map, "as_last_seen", TRUE);
  if (json)
    {
      ew_ctl_print_json (map);
      return EW_EXIT_DONE;
    }
  lines = ew_map_view (map, &ctl->terminal, g_get_real_time (), ew_daemon1_get_trial (ew_link_get_proxy (ctl->link)));
  for (guint i = 0; lines[i] != NULL; i++)
    ew_ctl_print ("%s\n", lines[i]);
  print_problems (ctl);
  return EW_EXIT_DONE;
}
