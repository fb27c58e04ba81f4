/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ping.h"

#include "console/format.h"

#define INTERVAL_S 1

void
ew_ping_count (EwPingTally *tally, gdouble ms)
{
  tally->came_back++;
  tally->least = tally->came_back == 1 ? ms : MIN (tally->least, ms);
  tally->most = MAX (tally->most, ms);
  tally->sum += ms;
}

static gboolean
on_second (gpointer over)
{
  *(gboolean *)over = TRUE;
  return G_SOURCE_REMOVE;
}

void
ew_ping_pause (EwPingTally *tally)
{
  gboolean over = FALSE;
  guint timer = g_timeout_add_seconds (INTERVAL_S, on_second, &over);

  while (!over && !tally->interrupted)
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timer);
}

gint
ew_ping_summarize (const EwPingTally *tally)
{
  ew_ctl_print ("%d sent, %d answered, %d %% lost", tally->sent, tally->came_back,
                tally->sent > 0 ? (tally->sent - tally->came_back) * 100 / tally->sent : 0);
  if (tally->came_back > 0)
    {
      g_autofree gchar *least = ew_format_ms (tally->least), *most = ew_format_ms (tally->most);
      g_autofree gchar *mean = ew_format_ms (tally->sum / tally->came_back);
      ew_ctl_print ("; min %s, mean %s, max %s", least, mean, most);
    }
  ew_ctl_print ("\n");
  return tally->came_back > 0 ? EW_EXIT_DONE : EW_EXIT_FAILED;
}
