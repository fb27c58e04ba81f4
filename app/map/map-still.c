/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What doesn't move is drawn once. While nothing moves, the dial is a picture of what is in sight, as fine as the
 * screen, and a frame with moving dots only copies a few of its pixels. While the map is zoomed or moved, one picture
 * of the whole dial with its tokens is scaled; it is drawn again, sharp, when the map has stopped moving.
 *
 * Timer: `moving` ends 150 ms after the last change of zoom or pan.
 */
#include "map/map-view-private.h"

#include <math.h>

#define REST_MS 150

static void
forget_pictures (EwMapView *self)
{
  g_clear_pointer (&self->still, gsk_render_node_unref);
  g_clear_pointer (&self->whole, gsk_render_node_unref);
}

/* A selection among many seats leaves them as they are. */
void
ew_map_redraw (EwMapView *self)
{
  gboolean seats = self->layout != NULL && self->layout->mode == EW_LAYOUT_SEATS;

  g_clear_pointer (&self->choice, gsk_render_node_unref);
  g_clear_pointer (&self->top, gsk_render_node_unref);
  g_clear_pointer (&self->whole, gsk_render_node_unref);
  if (!seats)
    g_clear_pointer (&self->seats_drawn, g_array_unref);
  if (!seats || ew_map_seats_changed (self))
    {
      g_clear_pointer (&self->scene, gsk_render_node_unref);
      forget_pictures (self);
    }
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
ew_map_redraw_top (EwMapView *self)
{
  g_clear_pointer (&self->top, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
on_rest (gpointer user_data)
{
  EwMapView *self = user_data;

  self->moving = 0;
  forget_pictures (self);
  ew_map_settle (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

void
ew_map_set_moving (EwMapView *self)
{
  g_clear_handle_id (&self->moving, g_source_remove);
  self->moving = g_timeout_add (REST_MS, on_rest, self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* cairo would copy a texture for every frame: it gets a surface of its own kind, in a node that draws it. */
static GskRenderNode *
paint_picture (GskRenderNode *node, const graphene_rect_t *bounds, gdouble scale)
{
  gdouble x = bounds->origin.x * scale, y = bounds->origin.y * scale;
  gint width = (gint)(bounds->size.width * scale), height = (gint)(bounds->size.height * scale);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  GskRenderNode *picture = gsk_cairo_node_new (bounds);
  cairo_t *cr = cairo_create (surface);

  cairo_translate (cr, -x, -y);
  cairo_scale (cr, scale, scale);
  gsk_render_node_draw (node, cr);
  cairo_destroy (cr);
  cr = gsk_cairo_node_get_draw_context (picture);
  cairo_scale (cr, 1 / scale, 1 / scale);
  cairo_set_source_surface (cr, surface, x, y);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_BILINEAR);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD); /* pixman is several times faster so */
  cairo_rectangle (cr, x, y, width, height);
  cairo_fill (cr);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  return picture;
}

static graphene_rect_t
view_bounds (EwMapView *self)
{
  return GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (GTK_WIDGET (self)), gtk_widget_get_height (GTK_WIDGET (self)));
}

/* What node shows within bounds (whole px), as one picture as fine as the screen. It covers all of them.
   (transfer full); NULL: no renderer. */
static GskRenderNode *
make_picture (EwMapView *self, GskRenderNode *node, const graphene_rect_t *bounds)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkNative *native = gtk_widget_get_native (widget);
  GskRenderer *renderer = native != NULL ? gtk_native_get_renderer (native) : NULL;
  gdouble scale = gtk_widget_get_scale_factor (widget);
  graphene_rect_t pixels;
  GskTransform *transform;
  g_autoptr (GskRenderNode) scaled = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  if (renderer == NULL || node == NULL || bounds->size.width < 1 || bounds->size.height < 1)
    return NULL;
  if (GSK_IS_CAIRO_RENDERER (renderer))
    return paint_picture (node, bounds, scale);
  transform = gsk_transform_scale (NULL, (float)scale, (float)scale); /* NULL: as it is */
  scaled = transform != NULL ? gsk_transform_node_new (node, transform) : gsk_render_node_ref (node);
  gsk_transform_unref (transform);
  graphene_rect_scale (bounds, (float)scale, (float)scale, &pixels);
  texture = gsk_renderer_render_texture (renderer, scaled, &pixels);
  return gsk_texture_node_new (texture, bounds);
}

static void
append_background (EwMapView *self, GtkSnapshot *snapshot)
{
  gint width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));

  gtk_snapshot_append_color (snapshot, &self->colors->background, &GRAPHENE_RECT_INIT (0, 0, width, height));
}

static void
append_scene (EwMapView *self, GtkSnapshot *snapshot, GskTransform *view)
{
  append_background (self, snapshot);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_transform (snapshot, view);
  if (self->scene != NULL)
    gtk_snapshot_append_node (snapshot, self->scene);
  gtk_snapshot_restore (snapshot);
}

static void
append_choice (EwMapView *self, GtkSnapshot *snapshot, GskTransform *view)
{
  if (self->choice == NULL)
    return;
  gtk_snapshot_save (snapshot);
  gtk_snapshot_transform (snapshot, view);
  gtk_snapshot_append_node (snapshot, self->choice);
  gtk_snapshot_restore (snapshot);
}

/* Draws what is missing. */
static void
need_node (EwMapView *self, GskRenderNode **node, void (*draw) (EwMapView *, GtkSnapshot *))
{
  GtkSnapshot *snapshot;

  if (*node != NULL)
    return;
  snapshot = gtk_snapshot_new ();
  draw (self, snapshot);
  *node = gtk_snapshot_free_to_node (snapshot);
}

static void
need_scene (EwMapView *self, GskTransform *view)
{
  need_node (self, &self->scene, ew_map_draw_scene);
  need_node (self, &self->choice, ew_map_draw_choice);
  need_node (self, &self->top, ew_map_draw_top);
  ew_map_dots_set_view (self->dots, view, self->top);
}

/* Tokens, in the order they lie in; not the cards. */
static void
append_tokens (EwMapView *self, GtkSnapshot *snapshot)
{
  GtkWidget *widget = GTK_WIDGET (self);

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (EW_IS_TOKEN (child))
      gtk_widget_snapshot_child (widget, child, snapshot);
}

/* The dial with its tokens, where they are allocated now, in dial coordinates. NULL: no picture. (transfer full) */
static GskRenderNode *
draw_dial (EwMapView *self)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  GskTransform *back = gsk_transform_invert (gsk_transform_ref (self->allocated));

  if (self->scene != NULL)
    gtk_snapshot_append_node (snapshot, self->scene);
  append_choice (self, snapshot, NULL);
  gtk_snapshot_transform (snapshot, back);
  append_tokens (self, snapshot);
  gsk_transform_unref (back);
  return gtk_snapshot_free_to_node (snapshot);
}

/* Before anything moves. The picture is no larger than the dial: each of its pixels is paid for in every frame. */
static void
need_whole (EwMapView *self)
{
  GtkSnapshot *snapshot;
  graphene_rect_t bounds, area = ew_map_area (self);
  g_autoptr (GskRenderNode) dial = NULL;
  g_autoptr (GskRenderNode) node = NULL;

  if (self->whole != NULL || (dial = draw_dial (self)) == NULL)
    return;
  gsk_render_node_get_bounds (dial, &bounds);
  graphene_rect_round_extents (&bounds, &bounds);
  if (!graphene_rect_intersection (&bounds, &area, &bounds))
    return;
  snapshot = gtk_snapshot_new ();
  gtk_snapshot_append_color (snapshot, &self->colors->background, &bounds);
  gtk_snapshot_append_node (snapshot, dial);
  node = gtk_snapshot_free_to_node (snapshot);
  self->whole = make_picture (self, node, &bounds);
}

static void
draw_moving (EwMapView *self, GtkSnapshot *snapshot, GskTransform *view)
{
  need_whole (self);
  if (self->whole == NULL)
    {
      append_scene (self, snapshot, view);
      append_choice (self, snapshot, view);
      return;
    }
  append_background (self, snapshot);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_transform (snapshot, view);
  gtk_snapshot_append_node (snapshot, self->whole);
  gtk_snapshot_restore (snapshot);
}

static void
draw_still (EwMapView *self, GtkSnapshot *snapshot, GskTransform *view)
{
  if (self->still == NULL)
    {
      GtkSnapshot *own = gtk_snapshot_new ();
      graphene_rect_t view_size = view_bounds (self);
      g_autoptr (GskRenderNode) node = NULL;

      append_scene (self, own, view);
      node = gtk_snapshot_free_to_node (own);
      self->still = make_picture (self, node, &view_size);
    }
  if (self->still != NULL)
    gtk_snapshot_append_node (snapshot, self->still);
  else
    append_scene (self, snapshot, view);
  append_choice (self, snapshot, view);
}

void
ew_map_snapshot (EwMapView *self, GtkSnapshot *snapshot)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GskTransform *view = ew_map_transform (self);
  gboolean moving = self->moving != 0;

  need_scene (self, view);
  if (moving)
    draw_moving (self, snapshot, view);
  else
    draw_still (self, snapshot, view);
  gsk_transform_unref (view);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (!moving || self->whole == NULL || !EW_IS_TOKEN (child))
      gtk_widget_snapshot_child (widget, child, snapshot);
}

void
ew_map_still_clear (EwMapView *self)
{
  g_clear_handle_id (&self->moving, g_source_remove);
  forget_pictures (self);
  g_clear_pointer (&self->scene, gsk_render_node_unref);
  g_clear_pointer (&self->choice, gsk_render_node_unref);
  g_clear_pointer (&self->top, gsk_render_node_unref);
  g_clear_pointer (&self->seats_drawn, g_array_unref);
  g_clear_pointer (&self->allocated, gsk_transform_unref);
}
