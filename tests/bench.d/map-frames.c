/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * map-frames NODES WIDTH HEIGHT: how long frames of the map take, from the frame clock's first word to its last, in
 * three phases: rest (nothing happens: there should be no frames), moving (dots; seats have none: ten selections a
 * second), zoom. One line each: nodes, size, phase, frames, median, 95th percentile, longest, and the 95th percentile
 * of the work alone.
 */
#include <adwaita.h>
#include <stdlib.h>
#include <time.h>

#include "lib/fake-topology.h"
#include "map/map-view.h"

#define PHASE_MS 2500

typedef struct
{
  GArray *frames; /* gdouble, ms */
  GArray *work;   /* of them, what this thread worked: the rest is other programs' */
  gint64 began;
  gdouble worked;
  gboolean counting;
} Meter;

static gboolean
on_over (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_over, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static gdouble
worked (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gdouble)time.tv_sec * 1e3 + (gdouble)time.tv_nsec / 1e6;
}

static void
on_begin (GdkFrameClock *clock, Meter *meter)
{
  meter->began = g_get_monotonic_time ();
  meter->worked = worked ();
}

static void
on_end (GdkFrameClock *clock, Meter *meter)
{
  gdouble ms = (gdouble)(g_get_monotonic_time () - meter->began) / 1000;

  gdouble work = worked () - meter->worked;

  if (!meter->counting)
    return;
  g_array_append_val (meter->frames, ms);
  g_array_append_val (meter->work, work);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return *(const gdouble *)a < *(const gdouble *)b ? -1 : *(const gdouble *)a > *(const gdouble *)b;
}

static gdouble
percentile (GArray *sorted, gdouble share)
{
  return sorted->len == 0 ? 0 : g_array_index (sorted, gdouble, (guint)(share * (sorted->len - 1)));
}

static void
report (Meter *meter, const gchar *phase, guint nodes, gint width, gint height)
{
  g_autofree gchar *size = g_strdup_printf ("%dx%d", width, height);

  g_array_sort (meter->frames, compare);
  g_array_sort (meter->work, compare);
  g_print ("%5u  %-9s  %-6s  %6u  %9.1f  %7.1f  %10.1f  %12.1f\n", nodes, size, phase, meter->frames->len,
           percentile (meter->frames, 0.5), percentile (meter->frames, 0.95), percentile (meter->frames, 1),
           percentile (meter->work, 0.95));
  g_array_set_size (meter->work, 0);
  g_array_set_size (meter->frames, 0);
}

static gboolean
on_select (gpointer user_data)
{
  static guint next;
  GtkWidget *map = user_data;
  EwTopology *topology = g_object_get_data (G_OBJECT (map), "topology");
  g_autoptr (EwNode) node
    = g_list_model_get_item (G_LIST_MODEL (topology), next++ % g_list_model_get_n_items (G_LIST_MODEL (topology)));

  ew_map_view_set_selected (EW_MAP_VIEW (map), G_OBJECT (node));
  return G_SOURCE_CONTINUE;
}

static gboolean
on_zoom (gpointer user_data)
{
  static guint step;

  (step++ % 10 < 5 ? ew_map_view_zoom_in : ew_map_view_zoom_out) (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_count (gpointer user_data)
{
  static guint second = 1;
  EwTopology *topology = user_data;

  ew_fake_count (topology, ew_topology_get_n_nodes (topology), second++);
  return G_SOURCE_CONTINUE;
}

static void
run_phase (Meter *meter, GtkWidget *map, GSourceFunc step, guint every_ms)
{
  guint source = step != NULL ? g_timeout_add (every_ms, step, map) : 0;

  meter->counting = TRUE;
  run_for (PHASE_MS);
  meter->counting = FALSE;
  if (source != 0)
    g_source_remove (source);
}

int
main (int argc, char **argv)
{
  guint nodes = argc == 4 ? (guint)atoi (argv[1]) : 0;
  gint width = argc == 4 ? atoi (argv[2]) : 0, height = argc == 4 ? atoi (argv[3]) : 0;
  g_autoptr (EwDaemon) daemon = NULL;
  g_autoptr (EwTopology) topology = NULL;
  Meter meter
    = { .frames = g_array_new (FALSE, FALSE, sizeof (gdouble)), .work = g_array_new (FALSE, FALSE, sizeof (gdouble)) };
  GtkWidget *window, *map;
  GdkFrameClock *clock;

  if (nodes == 0 || width <= 0 || height <= 0)
    {
      g_printerr ("map-frames NODES WIDTH HEIGHT\n");
      return EXIT_FAILURE;
    }
  adw_init ();
  gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (gdk_display_get_default ()),
                                    "/org/edgeway/Edgeway/icons");
  daemon = ew_daemon_new ("unix:path=/nonexistent");
  topology = ew_topology_new (daemon);
  run_for (200);
  ew_fake_fill (topology, nodes);
  map = ew_map_view_new (daemon, topology);
  g_object_set_data (G_OBJECT (map), "topology", topology);
  window = gtk_window_new ();
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_child (GTK_WINDOW (window), map);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_present (GTK_WINDOW (window));
  run_for (800);
  clock = gtk_widget_get_frame_clock (map);
  g_signal_connect (clock, "before-paint", G_CALLBACK (on_begin), &meter);
  g_signal_connect (clock, "after-paint", G_CALLBACK (on_end), &meter);
  run_phase (&meter, map, NULL, 0);
  report (&meter, "rest", nodes, width, height);
  g_timeout_add (1000, on_count, topology);
  run_for (2100);
  run_phase (&meter, map, nodes > 32 ? on_select : NULL, 100);
  report (&meter, nodes > 32 ? "select" : "moving", nodes, width, height);
  run_phase (&meter, map, on_zoom, 220);
  report (&meter, "zoom", nodes, width, height);
  gtk_window_destroy (GTK_WINDOW (window));
  g_array_unref (meter.frames);
  g_array_unref (meter.work);
  return EXIT_SUCCESS;
}
