/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers: `frame` every 33 ms while running; `unfocused` stops it 10 s after the window lost the focus.
 */
#include "map/map-dots.h"

#include <adwaita.h>
#include <math.h>

#define FRAME_MS 33
#define UNFOCUSED_S 10
#define QUIET 1000.0 /* bytes a second: less is no traffic to look at */
#define DOT 8.4      /* px, with its rim */
#define DOT_PATH 10.4
#define FINENESS 2 /* texture px a px: the map can be zoomed */
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
  GdkTexture *dot, *dot_path; /* NULL: colours changed */
  GskTransform *transform;
  GskRenderNode *top;
  GtkWindow *window; /* whose focus counts; NULL while unmapped */
  guint frame, unfocused;
  gboolean resting; /* unfocused for long enough */
};

G_DEFINE_FINAL_TYPE (EwMapDots, ew_map_dots, GTK_TYPE_WIDGET)

GdkTexture *
ew_dot_texture (gdouble size, const GdkRGBA *fill, const GdkRGBA *rim, gdouble rim_width)
{
  gint side = (gint)ceil (size * FINENESS);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, side, side);
  cairo_t *cr = cairo_create (surface);
  g_autoptr (GBytes) bytes = NULL;
  gsize stride = (gsize)cairo_image_surface_get_stride (surface);
  GdkTexture *texture;

  cairo_scale (cr, FINENESS, FINENESS);
  cairo_arc (cr, size / 2, size / 2, (size - rim_width) / 2 - 0.25, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, fill);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, rim_width);
  gdk_cairo_set_source_rgba (cr, rim);
  cairo_stroke (cr);
  cairo_destroy (cr);
  cairo_surface_flush (surface);
  bytes = g_bytes_new (cairo_image_surface_get_data (surface), stride * (gsize)side);
  texture = gdk_memory_texture_new (side, side, GDK_MEMORY_DEFAULT, bytes, stride);
  cairo_surface_destroy (surface);
  return texture;
}

static void
make_textures (EwMapDots *self)
{
  if (self->dot != NULL || self->colors == NULL)
    return;
  self->dot = ew_dot_texture (DOT, &self->colors->packet, &self->colors->background, 1.2);
  self->dot_path = ew_dot_texture (DOT_PATH, &self->colors->on_accent, &self->colors->path, 2);
}

/* 0 to 1: a trickle to a torrent. */
static gdouble
strength (gdouble rate)
{
  return CLAMP (log10 (MAX (rate, QUIET) / QUIET) / 5, 0, 1);
}

static void
draw_dots (GtkSnapshot *snapshot, const Run *run, GdkTexture *texture, gdouble size, gdouble seconds, gboolean back)
{
  const EwDotTrack *track = &run->track;
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
      gtk_snapshot_append_texture (
        snapshot, texture,
        &GRAPHENE_RECT_INIT ((float)(x - size / 2), (float)(y - size / 2), (float)size, (float)size));
    }
}

static void
ew_map_dots_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EwMapDots *self = EW_MAP_DOTS (widget);
  gdouble seconds = (gdouble)(g_get_monotonic_time () % (G_TIME_SPAN_HOUR)) / G_USEC_PER_SEC;

  make_textures (self);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_transform (snapshot, self->transform);
  for (guint i = 0; self->frame != 0 && self->dot != NULL && i < self->runs->len; i++)
    {
      const Run *run = &g_array_index (self->runs, Run, i);
      GdkTexture *texture = run->track.path ? self->dot_path : self->dot;
      gdouble size = run->track.path ? DOT_PATH : DOT;

      draw_dots (snapshot, run, texture, size, seconds, FALSE);
      draw_dots (snapshot, run, texture, size, seconds, TRUE);
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
dots_for (gdouble rate, guint *left)
{
  guint n = rate < QUIET ? 0 : MIN (1 + (guint)(strength (rate) * 2), *left);

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

      run->out = dots_for (run->track.out, &left);
      run->back = dots_for (run->track.back, &left);
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
  g_clear_object (&self->dot);
  g_clear_object (&self->dot_path);
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

gboolean
ew_map_dots_is_running (EwMapDots *self)
{
  return self->frame != 0;
}

static void
ew_map_dots_finalize (GObject *object)
{
  EwMapDots *self = EW_MAP_DOTS (object);

  g_clear_handle_id (&self->frame, g_source_remove);
  g_clear_handle_id (&self->unfocused, g_source_remove);
  g_clear_object (&self->window);
  g_clear_object (&self->dot);
  g_clear_object (&self->dot_path);
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
