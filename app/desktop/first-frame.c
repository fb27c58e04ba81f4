/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/first-frame.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Since boot, ms; /proc/self/stat's field 22, in ticks (mostly 10 ms). Below 0: unknown. */
static gdouble
process_start (void)
{
  g_autofree gchar *stat = NULL;
  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL))
    return -1;
  /* The name may hold spaces; it ends with the last bracket, before field 3. */
  const gchar *after = strrchr (stat, ')');
  g_auto (GStrv) fields = after != NULL ? g_strsplit (after + 1, " ", 22) : NULL;
  if (fields == NULL || g_strv_length (fields) < 21)
    return -1;
  return g_ascii_strtod (fields[20], NULL) * 1000 / (gdouble)sysconf (_SC_CLK_TCK);
}

static void
painted (GdkFrameClock *clock, gpointer user_data)
{
  struct timespec now;
  gdouble start = process_start ();
  g_signal_handlers_disconnect_by_func (clock, painted, user_data);
  if (start < 0 || clock_gettime (CLOCK_BOOTTIME, &now) != 0)
    return;
  fprintf (stderr, "first frame after %.0f ms\n", (gdouble)now.tv_sec * 1e3 + (gdouble)now.tv_nsec / 1e6 - start);
}

static void
mapped (GtkWidget *window, gpointer user_data)
{
  g_signal_connect (gtk_widget_get_frame_clock (window), "after-paint", G_CALLBACK (painted), NULL);
}

void
ew_first_frame_watch (GtkWidget *window)
{
  if (g_strcmp0 (g_getenv ("EDGEWAY_TIMING"), "1") == 0)
    g_signal_connect (window, "map", G_CALLBACK (mapped), NULL);
}
