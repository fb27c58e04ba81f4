/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include "map-view.h"
#include "topology.h"

#define SNAPSHOT_MS 10000
#define SETTLE_MS 3500 /* the edge pings a node every 2 s while somebody looks, and counters come once a second */

gint
ew_verb_map (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "For programs", NULL },
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
  if (json)
    {
      ew_ctl_print_json (map);
      return EW_EXIT_DONE;
    }
  lines = ew_map_view (map, &ctl->terminal, g_get_real_time (), ew_daemon1_get_trial (ew_link_get_proxy (ctl->link)));
  for (guint i = 0; lines[i] != NULL; i++)
    ew_ctl_print ("%s\n", lines[i]);
  return EW_EXIT_DONE;
}
