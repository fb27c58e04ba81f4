/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers: `frame` every 33 ms while running; `unfocused` stops it 10 s after the window lost the focus.
 */
#include "map/map-dots.h"

#include <adwaita.h>
#include <math.h>

#define FRAME_MS 33
#define UNFOCUSED_S 10
#define QUIET 1000.0 /* bytes a second: less isn't worth showing */
#define DOT 8.4      /* px, with its rim */
#define DOT_PATH 10.4
#define ROOM 40.0  /* px of spoke a dot needs */
#define SPEED 26.0 /* px a second of a trickle; a torrent has three times that */

typedef struct
{
  EwDotTrack track;
  guint out, back; /* dots on their way */
} Run;

struct _EwMapDots
{
  GtkWidget parent;
  GArray *runs; /* Run */
  const EwMapColors *colors;
  GskTransform *transform;
  GskRenderNode *top;
  GtkWindow *window; /* whose focus counts; NULL while unmapped */
  guint frame, unfocused;
  gboolean resting; /* unfocused for long enough */
};

G_DEFINE_FINAL_TYPE (EwMapDots, ew_map_dots, GTK_TYPE_WIDGET)

void
ew_dot_append (GtkSnapshot *snapshot, gdouble x, gdouble y, gdouble size, const GdkRGBA *fill, const GdkRGBA *rim,
               gdouble rim_width)
{
  gdouble r = size / 2;
  GskRoundedRect dot;

  gsk_rounded_rect_init_from_rect (&dot, &GRAPHENE_RECT_INIT ((float)(x - r), (float)(y - r), (float)size, (float)size),
                                   (float)r);
  gtk_snapshot_push_rounded_clip (snapshot, &dot);
  gtk_snapshot_append_color (snapshot, rim_width > 0 ? rim : fill, &dot.bounds);
  gtk_snapshot_pop (snapshot);
  if (rim_width > 0)
    ew_dot_append (snapshot, x, y, size - 2 * rim_width, fill, NULL, 0);
}

/* 0 to 1: a trickle to a torrent. */
static gdouble
strength (gdouble rate)
{
  return CLAMP (log10 (MAX (rate, QUIET) / QUIET) / 5, 0, 1);
}

static void
draw_dots (GtkSnapshot *snapshot, const Run *run, const EwMapColors *colors, gdouble seconds, gboolean back)
{
  const EwDotTrack *track = &run->track;
  gdouble size = track->path ? DOT_PATH : DOT;
  guint n = back ? run->back : run->out;
  gdouble dx = track->x1 - track->x0, dy = track->y1 - track->y0, length = hypot (dx, dy);
  gdouble speed = SPEED * (1 + 2 * strength (back ? track->back : track->out));

  if (length < size)
    return;
  for (guint i = 0; i < n; i++)
    {
      gdouble at = fmod (seconds * speed / length + (i + (back ? 0.5 : 0)) / n, 1);
      gdouble x, y;

      at = back ? 1 - at : at;
      x = track->x0 + dx * at;
      y = track->y0 + dy * at;
      if (track->path)
        ew_dot_append (snapshot, x, y, size, &colors->on_accent, &colors->path, 2);
      else
        ew_dot_append (snapshot, x, y, size, &colors->packet, &colors->background, 1.2);
    }
}

static void
ew_map_dots_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwMapDots *self = EW_MAP_DOTS (widget);
  gdouble seconds = (gdouble)(g_get_monotonic_time () % (G_TIME_SPAN_HOUR)) / G_USEC_PER_SEC;

  gtk_snapshot_save (snapshot);
  gtk_snapshot_transform (snapshot, self->transform);
  for (guint i = 0; self->frame != 0 && self->colors != NULL && i < self->runs->len; i++)
    {
      const Run *run = &g_array_index (self->runs, Run, i);

      draw_dots (snapshot, run, self->colors, seconds, FALSE);
      draw_dots (snapshot, run, self->colors, seconds, TRUE);
    }
  if (self->top != NULL)
    gtk_snapshot_append_node (snapshot, self->top);
  gtk_snapshot_restore (snapshot);
}

static gboolean
on_frame (gpointer user_data)
{
  gtk_widget_queue_draw (user_data);
  return G_SOURCE_CONTINUE;
}

static void
update_running (EwMapDots *self)
{
  gboolean run
    = self->runs->len > 0 && self->window != NULL && !self->resting && adw_get_enable_animations (GTK_WIDGET (self));

  if (run == (self->frame != 0))
    return;
  if (run)
    self->frame = g_timeout_add (FRAME_MS, on_frame, self);
  else
    g_clear_handle_id (&self->frame, g_source_remove);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
on_unfocused (gpointer user_data)
{
  EwMapDots *self = user_data;

  self->unfocused = 0;
  self->resting = TRUE;
  update_running (self);
  return G_SOURCE_REMOVE;
}

static void
on_active (EwMapDots *self)
{
  g_clear_handle_id (&self->unfocused, g_source_remove);
  if (self->window == NULL)
    return;
  if (gtk_window_is_active (self->window))
    self->resting = FALSE;
  else
    self->unfocused = g_timeout_add_seconds (UNFOCUSED_S, on_unfocused, self);
  update_running (self);
}

static void
ew_map_dots_map (GtkWidget *widget)
{
  EwMapDots *self = EW_MAP_DOTS (widget);
  GtkRoot *root = gtk_widget_get_root (widget);

  GTK_WIDGET_CLASS (ew_map_dots_parent_class)->map (widget);
  self->resting = FALSE;
  if (GTK_IS_WINDOW (root) && g_set_object (&self->window, GTK_WINDOW (root)))
    g_signal_connect_object (root, "notify::is-active", G_CALLBACK (on_active), self, G_CONNECT_SWAPPED);
  on_active (self);
  update_running (self);
}

static void
ew_map_dots_unmap (GtkWidget *widget)
{
  EwMapDots *self = EW_MAP_DOTS (widget);

  if (self->window != NULL)
    g_signal_handlers_disconnect_by_func (self->window, on_active, self);
  g_clear_object (&self->window);
  g_clear_handle_id (&self->unfocused, g_source_remove);
  update_running (self);
  GTK_WIDGET_CLASS (ew_map_dots_parent_class)->unmap (widget);
}

static gint
busier_first (gconstpointer a, gconstpointer b)
{
  const Run *left = a, *right = b;
  gdouble difference = right->track.out + right->track.back - left->track.out - left->track.back;

  return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static guint
dots_for (gdouble rate, gdouble length, guint *left)
{
  guint room = MAX ((guint)(length / ROOM), 1);
  guint n = rate < QUIET ? 0 : MIN (MIN (1 + (guint)(strength (rate) * 2), room), *left);

  *left -= n;
  return n;
}

void
ew_map_dots_set_tracks (EwMapDots *self, const EwDotTrack *tracks, guint n)
{
  guint left = EW_DOTS_MAX;

  g_array_set_size (self->runs, 0);
  for (guint i = 0; i < n; i++)
    if (tracks[i].out >= QUIET || tracks[i].back >= QUIET)
      {
        Run run = { .track = tracks[i] };

        g_array_append_val (self->runs, run);
      }
  g_array_sort (self->runs, busier_first);
  for (guint i = 0; i < self->runs->len; i++)
    {
      Run *run = &g_array_index (self->runs, Run, i);

      gdouble length = hypot (run->track.x1 - run->track.x0, run->track.y1 - run->track.y0);

      run->out = dots_for (run->track.out, length, &left);
      run->back = length < 2 * ROOM ? 0 : dots_for (run->track.back, length, &left);
    }
  update_running (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
ew_map_dots_set_colors (EwMapDots *self, const EwMapColors *colors)
{
  if (self->colors == colors)
    return;
  self->colors = colors;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
ew_map_dots_set_view (EwMapDots *self, GskTransform *transform, GskRenderNode *top)
{
  GskTransform *old = self->transform;
  GskRenderNode *old_top = self->top;

  self->transform = gsk_transform_ref (transform);
  self->top = top != NULL ? gsk_render_node_ref (top) : NULL;
  gsk_transform_unref (old);
  g_clear_pointer (&old_top, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
ew_map_dots_finalize (GObject *object)
{
  EwMapDots *self = EW_MAP_DOTS (object);

  g_clear_handle_id (&self->frame, g_source_remove);
  g_clear_handle_id (&self->unfocused, g_source_remove);
  g_clear_object (&self->window);
  gsk_transform_unref (self->transform);
  g_clear_pointer (&self->top, gsk_render_node_unref);
  g_array_unref (self->runs);
  G_OBJECT_CLASS (ew_map_dots_parent_class)->finalize (object);
}

static void
ew_map_dots_class_init (EwMapDotsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ew_map_dots_finalize;
  widget_class->snapshot = ew_map_dots_snapshot;
  widget_class->map = ew_map_dots_map;
  widget_class->unmap = ew_map_dots_unmap;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ew_map_dots_init (EwMapDots *self)
{
  self->runs = g_array_new (FALSE, FALSE, sizeof (Run));
  gtk_widget_set_can_target (GTK_WIDGET (self), FALSE);
  g_signal_connect_object (gtk_widget_get_settings (GTK_WIDGET (self)), "notify::gtk-enable-animations",
                           G_CALLBACK (update_running), self, G_CONNECT_SWAPPED);
}

EwMapDots *
ew_map_dots_new (void)
{
  return g_object_new (EW_TYPE_MAP_DOTS, NULL);
}
