/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dial, drawn once and kept as a render node until something on it changes: plates, spokes, the edge's disc, the
 * selected path, ports, capsules, labels. Straight solid lines are turned color nodes; cairo draws what is round or
 * dashed. Tokens draw themselves on top.
 */
#include "map/map-view-private.h"

#include <glib/gi18n.h>
#include <math.h>

#include "map/map-services.h"
#include "map/map-words.h"
#include "model/words.h"

#define PORT_RADIUS 5.0
#define PORT_RADIUS_COMPACT 3.3
#define PATH_LEAST 4.5 /* px wide at least, whatever it carries */
#define HALO 5.0
#define PILL_ENDS 14.0 /* px beyond its text */
#define DIMMED 0.25
#define HTTPS_GAP 3.0   /* px between the two lines of a tunnel in a stream */
#define HTTPS_LEAST 1.4 /* px that each is wide at least */

cairo_t *
ew_map_append_cairo (EwMapView *self, GtkSnapshot *snapshot, gdouble x, gdouble y, gdouble width, gdouble height)
{
  graphene_rect_t bounds = GRAPHENE_RECT_INIT ((float)x, (float)y, (float)width, (float)height);
  graphene_rect_t area = ew_map_area (self);

  if (!graphene_rect_intersection (&bounds, &area, &bounds))
    graphene_rect_init (&bounds, (float)x, (float)y, 0, 0);
  return gtk_snapshot_append_cairo (snapshot, &bounds);
}

static cairo_t *
append_cairo (EwMapView *self, GtkSnapshot *snapshot, gdouble reach)
{
  return ew_map_append_cairo (self, snapshot, self->layout->centre.x - reach, self->layout->centre.y - reach, 2 * reach,
                              2 * reach);
}

void
ew_map_draw_line (GtkSnapshot *snapshot, EwPoint from, EwPoint to, gdouble width, const GdkRGBA *color)
{
  gdouble length = hypot (to.x - from.x, to.y - from.y);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)from.x, (float)from.y));
  gtk_snapshot_rotate (snapshot, (float)(atan2 (to.y - from.y, to.x - from.x) * 180 / G_PI));
  gtk_snapshot_append_color (snapshot, color,
                             &GRAPHENE_RECT_INIT (0, (float)(-width / 2), (float)length, (float)width));
  gtk_snapshot_restore (snapshot);
}

void
ew_map_draw_text (GtkSnapshot *snapshot, PangoLayout *text, gdouble x, gdouble y, const GdkRGBA *color)
{
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)x, (float)y));
  gtk_snapshot_append_layout (snapshot, text, color);
  gtk_snapshot_restore (snapshot);
}

static gdouble
outermost (EwMapView *self)
{
  gdouble most = self->layout->radius;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    most = MAX (most, self->layout->sectors[s].outer);
  return most;
}

static void
draw_plates (EwMapView *self, GtkSnapshot *snapshot)
{
  const EwLayout *layout = self->layout;
  cairo_t *cr = append_cairo (self, snapshot, outermost (self) + 10);

  cairo_set_line_width (cr, 1);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      const EwLayoutSector *sector = &layout->sectors[s];

      if (!sector->present)
        continue;
      ew_wedge_path (cr, layout->centre.x, layout->centre.y, sector->from, sector->to, sector->inner, sector->outer, 0);
      gdk_cairo_set_source_rgba (cr, &self->colors->plate);
      cairo_fill_preserve (cr);
      gdk_cairo_set_source_rgba (cr, &self->colors->plate_border);
      cairo_stroke (cr);
    }
  cairo_destroy (cr);
}

static GdkRGBA
dim (const GdkRGBA *color, gboolean dimmed)
{
  GdkRGBA out = *color;

  out.alpha *= dimmed ? DIMMED : 1;
  return out;
}

/* Along the ring, upright: the lower half is read the other way round. */
static void
draw_sector_name (EwMapView *self, GtkSnapshot *snapshot, EwSector s)
{
  const EwLayoutSector *sector = &self->layout->sectors[s];
  EwPoint at = ew_map_point (self, sector->name_radius, sector->name_angle);
  gboolean lower = sin (sector->name_angle) > 0;
  GdkRGBA color;
  gint width, height;

  if (!sector->name_shown || self->sector_names[s] == NULL)
    return;
  pango_layout_get_pixel_size (self->sector_names[s], &width, &height);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)at.x, (float)at.y));
  gtk_snapshot_rotate (snapshot, (float)((sector->name_angle + (lower ? -G_PI_2 : G_PI_2)) * 180 / G_PI));
  color = dim (&self->colors->secondary, self->sector_dimmed[s]);
  ew_map_draw_text (snapshot, self->sector_names[s], -width / 2.0, -height / 2.0, &color);
  gtk_snapshot_restore (snapshot);
}

static gdouble
spoke_end (EwMapView *self, guint index)
{
  return self->layout->radius - self->layout->places[index].size * 0.46;
}

/* One line for UDP; a stream around it makes two, of the same width together. */
static void
draw_tunnel (EwMapView *self, GtkSnapshot *snapshot, guint index, const GdkRGBA *color)
{
  const EwMapItem *item = g_ptr_array_index (self->items, index);
  gdouble angle = ew_map_angle (self, index), width = item->width, away = 0;
  EwPoint from = ew_map_point (self, self->layout->edge_radius, angle);
  EwPoint to = ew_map_point (self, spoke_end (self, index), angle);

  if (item->https)
    {
      width = MAX (width / 2, HTTPS_LEAST);
      away = (HTTPS_GAP + width) / 2;
    }
  for (gint side = -1; side <= (item->https ? 1 : -1); side += 2)
    {
      gdouble x = -sin (angle) * away * side, y = cos (angle) * away * side;

      ew_map_draw_line (snapshot, (EwPoint){ from.x + x, from.y + y }, (EwPoint){ to.x + x, to.y + y }, width, color);
    }
}

static void
draw_spokes (EwMapView *self, GtkSnapshot *snapshot)
{
  cairo_t *cr;
  const gdouble offline[2] = { 3, 6 }, waiting[2] = { 8, 6 }, was_online[2] = { 0, 5 };
  gboolean past = !ew_map_is_current (self);

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      GdkRGBA color = dim (&self->colors->spoke, item->dimmed);

      if (item->state == EW_NODE_ONLINE)
        draw_tunnel (self, snapshot, i, &color);
    }
  cr = append_cairo (self, snapshot, self->layout->radius);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_width (cr, 2);
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);
      gdouble angle = ew_map_angle (self, i);
      EwPoint from = ew_map_point (self, self->layout->edge_radius + 6, angle);
      EwPoint to = ew_map_point (self, spoke_end (self, i) - 3, angle);
      gboolean was = item->state == EW_NODE_WAS_ONLINE, gone = item->state == EW_NODE_OFFLINE || was;
      GdkRGBA color = dim (gone || past ? &self->colors->offline : &self->colors->waiting, item->dimmed);

      if (item->state == EW_NODE_ONLINE)
        continue;
      cairo_set_dash (cr, was ? was_online : gone ? offline : waiting, 2, 0);
      gdk_cairo_set_source_rgba (cr, &color);
      cairo_move_to (cr, from.x, from.y);
      cairo_line_to (cr, to.x, to.y);
      cairo_stroke (cr);
    }
  cairo_destroy (cr);
}

/* A gateway's networks: a double line to a capsule. */
static void
draw_leaf (EwMapView *self, GtkSnapshot *snapshot, guint index)
{
  EwMapItem *item = g_ptr_array_index (self->items, index);
  const EwLayoutPlace *place = &self->layout->places[index];
  const EwBox *box = &place->leaf;
  gdouble angle = ew_map_angle (self, index), r = MIN (box->height / 2, 21), left, top;
  gdouble nx = -sin (angle) * 2.2, ny = cos (angle) * 2.2;
  EwPoint from = ew_map_point (self, self->layout->radius + place->size * 0.42, angle);
  cairo_t *cr;

  if (!place->has_leaf || item->leaf == NULL)
    return;
  if (item->dimmed)
    gtk_snapshot_push_opacity (snapshot, DIMMED);
  for (gint side = -1; side <= 1; side += 2)
    ew_map_draw_line (
      snapshot, (EwPoint){ from.x + side * nx, from.y + side * ny },
      (EwPoint){ place->leaf_near.x + 6 * cos (angle) + side * nx, place->leaf_near.y + 6 * sin (angle) + side * ny },
      1.5, &self->colors->spoke);
  left = box->x - box->width / 2;
  top = box->y - box->height / 2;
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)(left - 1), (float)(top - 1),
                                                                 (float)(box->width + 2), (float)(box->height + 2)));
  cairo_arc (cr, left + r, top + r, r, G_PI, 3 * G_PI_2);
  cairo_arc (cr, left + box->width - r, top + r, r, 3 * G_PI_2, 0);
  cairo_arc (cr, left + box->width - r, top + box->height - r, r, 0, G_PI_2);
  cairo_arc (cr, left + r, top + box->height - r, r, G_PI_2, G_PI);
  cairo_close_path (cr);
  gdk_cairo_set_source_rgba (cr, &self->colors->token);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, 1.25);
  gdk_cairo_set_source_rgba (cr, &self->colors->token_border);
  cairo_stroke (cr);
  cairo_destroy (cr);
  ew_map_draw_text (snapshot, item->leaf, left + 16, top + 5,
                    item->state == EW_NODE_ONLINE ? &self->colors->text : &self->colors->secondary);
  if (item->dimmed)
    gtk_snapshot_pop (snapshot);
}

static void
draw_disc (EwMapView *self, GtkSnapshot *snapshot)
{
  EwPoint c = self->layout->centre;
  gdouble r = self->layout->edge_radius;
  cairo_t *cr = append_cairo (self, snapshot, r + 18);
  cairo_pattern_t *shadow = cairo_pattern_create_radial (c.x, c.y + 2, r - 8, c.x, c.y + 2, r + 12);
  const GdkRGBA *dark = &self->colors->shadow;

  cairo_pattern_add_color_stop_rgba (shadow, 0, dark->red, dark->green, dark->blue, dark->alpha);
  cairo_pattern_add_color_stop_rgba (shadow, 0.55, dark->red, dark->green, dark->blue, dark->alpha * 0.35);
  cairo_pattern_add_color_stop_rgba (shadow, 1, dark->red, dark->green, dark->blue, 0);
  cairo_set_source (cr, shadow);
  cairo_arc (cr, c.x, c.y + 2, r + 14, 0, 2 * G_PI);
  cairo_fill (cr);
  cairo_pattern_destroy (shadow);
  cairo_arc (cr, c.x, c.y, r, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, &self->colors->disc);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, 2);
  gdk_cairo_set_source_rgba (cr, ew_map_is_current (self) ? &self->colors->disc_border : &self->colors->offline);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

/* The selected path. */

typedef struct
{
  EwMapItem *near, *far; /* NULL: that leg isn't on it */
  gdouble near_angle, far_angle;
  gdouble near_end, far_end; /* distances from the center */
} Path;

static gdouble
path_end (EwMapView *self, guint index)
{
  return self->layout->mode == EW_LAYOUT_SEATS ? ew_map_distance (self, index) : spoke_end (self, index);
}

static gboolean
find_path (EwMapView *self, Path *path)
{
  EwMapItem *own = ew_map_self_item (self);
  EwMapItem *selected = ew_map_find_item (self, self->selected);
  guint index;

  *path = (Path){ 0 };
  if (self->selected == NULL || (own != NULL && own->state != EW_NODE_ONLINE))
    return FALSE;
  if (own != NULL && (index = ew_map_index (self, own)) != G_MAXUINT)
    {
      path->near = own;
      path->near_angle = ew_map_angle (self, index);
      path->near_end = path_end (self, index);
    }
  if (selected != NULL && selected != own && (index = ew_map_index (self, selected)) != G_MAXUINT)
    {
      path->far = selected;
      path->far_angle = ew_map_angle (self, index);
      path->far_end = path_end (self, index);
    }
  return path->near != NULL || path->far != NULL;
}

static EwPoint
far_point (EwMapView *self, const Path *path)
{
  return ew_map_point (self, path->far_end, path->far_angle);
}

/* Up this computer's spoke, around the rim the shorter way, out along the other: never straight across. */
static void
trace_path (EwMapView *self, cairo_t *cr, const Path *path)
{
  EwPoint c = self->layout->centre, end;
  gdouble rim = self->layout->edge_radius;
  gboolean whole = path->far != NULL && path->far->state == EW_NODE_ONLINE;

  if (path->near != NULL)
    {
      EwPoint start = ew_map_point (self, path->near_end, path->near_angle);
      EwPoint port = ew_map_point (self, rim, path->near_angle);

      cairo_move_to (cr, start.x, start.y);
      cairo_line_to (cr, port.x, port.y);
    }
  if (path->far == NULL)
    return;
  end = far_point (self, path);
  if (path->near != NULL)
    {
      gdouble turn = remainder (path->far_angle - path->near_angle, 2 * G_PI);

      (turn >= 0 ? cairo_arc : cairo_arc_negative) (cr, c.x, c.y, rim, path->near_angle, path->near_angle + turn);
    }
  else
    {
      EwPoint port = ew_map_point (self, rim, path->far_angle);

      cairo_move_to (cr, port.x, port.y);
    }
  if (whole)
    cairo_line_to (cr, end.x, end.y);
}

static gdouble
path_width (const Path *path)
{
  return MAX (PATH_LEAST, MAX (path->near != NULL ? path->near->width : 0, path->far != NULL ? path->far->width : 0));
}

static void
reach_point (graphene_rect_t *bounds, EwPoint at)
{
  graphene_rect_t point = GRAPHENE_RECT_INIT ((float)at.x, (float)at.y, 0, 0);

  graphene_rect_union (bounds, &point, bounds);
}

/* No larger than needed: cairo pays for each pixel of it, drawn on or not. */
static cairo_t *
append_path (EwMapView *self, GtkSnapshot *snapshot, const Path *path, gdouble width)
{
  EwPoint c = self->layout->centre;
  float rim = (float)self->layout->edge_radius, margin = (float)(width / 2 + 2);
  graphene_rect_t bounds = GRAPHENE_RECT_INIT ((float)c.x - rim, (float)c.y - rim, 2 * rim, 2 * rim);

  if (path->near != NULL)
    reach_point (&bounds, ew_map_point (self, path->near_end, path->near_angle));
  if (path->far != NULL)
    reach_point (&bounds, far_point (self, path));
  graphene_rect_inset (&bounds, -margin, -margin);
  return ew_map_append_cairo (self, snapshot, bounds.origin.x, bounds.origin.y, bounds.size.width, bounds.size.height);
}

static void
stroke_path (EwMapView *self, GtkSnapshot *snapshot, const Path *path, gdouble width, const GdkRGBA *color)
{
  cairo_t *cr = append_path (self, snapshot, path, width);
  const gdouble dashes[2] = { 3, 8 };

  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_width (cr, width);
  gdk_cairo_set_source_rgba (cr, color);
  trace_path (self, cr, path);
  cairo_stroke (cr);
  /* A leg that isn't up: where the path would go on. */
  if (path->far != NULL && path->far->state != EW_NODE_ONLINE && color != &self->colors->halo)
    {
      EwPoint from = ew_map_point (self, self->layout->edge_radius + 8, path->far_angle), to = far_point (self, path);

      cairo_set_dash (cr, dashes, 2, 0);
      cairo_set_line_width (cr, 3);
      cairo_move_to (cr, from.x, from.y);
      cairo_line_to (cr, to.x, to.y);
      cairo_stroke (cr);
    }
  cairo_destroy (cr);
}

static void
draw_port (EwMapView *self, cairo_t *cr, gdouble angle, gboolean on_path)
{
  gdouble r = self->layout->mode == EW_LAYOUT_FULL ? PORT_RADIUS : PORT_RADIUS_COMPACT;
  EwPoint at = ew_map_point (self, self->layout->edge_radius, angle);

  cairo_arc (cr, at.x, at.y, r * MAX (self->layout->scale, 0.7), 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, on_path ? &self->colors->path : &self->colors->disc);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, self->layout->mode == EW_LAYOUT_FULL ? 2 : 1.6);
  gdk_cairo_set_source_rgba (cr, on_path ? &self->colors->path : &self->colors->disc_border);
  cairo_stroke (cr);
}

/* The chosen path is one broad line; where it is in a stream its middle stays open. */
static void
draw_streams (EwMapView *self, GtkSnapshot *snapshot, const Path *path)
{
  const struct
  {
    const EwMapItem *item;
    gdouble angle, end;
  } legs[] = { { path->near, path->near_angle, path->near_end }, { path->far, path->far_angle, path->far_end } };

  for (guint i = 0; i < G_N_ELEMENTS (legs) && self->layout->mode != EW_LAYOUT_SEATS; i++)
    if (legs[i].item != NULL && legs[i].item->https)
      ew_map_draw_line (snapshot, ew_map_point (self, self->layout->edge_radius + PORT_RADIUS, legs[i].angle),
                        ew_map_point (self, legs[i].end, legs[i].angle), PATH_LEAST / 3, &self->colors->background);
}

/* Only a tunnel that is up ends in a port. */
static void
draw_ports (EwMapView *self, GtkSnapshot *snapshot)
{
  cairo_t *cr = append_cairo (self, snapshot, self->layout->edge_radius + 10);

  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      if (item->state == EW_NODE_ONLINE && !item->dimmed)
        draw_port (self, cr, ew_map_angle (self, i), ew_map_is_on_path (self, item));
    }
  cairo_destroy (cr);
}

/* The path, and what lies on it. */
static void
draw_chosen_path (EwMapView *self, GtkSnapshot *snapshot)
{
  Path path;
  gboolean has_path = find_path (self, &path);

  if (has_path)
    stroke_path (self, snapshot, &path, path_width (&path) + 2 * HALO, &self->colors->halo);
  draw_disc (self, snapshot);
  if (has_path)
    {
      stroke_path (self, snapshot, &path, path_width (&path), &self->colors->path);
      draw_streams (self, snapshot, &path);
    }
}

void
ew_map_draw_scene (EwMapView *self, GtkSnapshot *snapshot)
{
  draw_plates (self, snapshot);
  if (self->layout->mode == EW_LAYOUT_SEATS)
    {
      ew_map_draw_seats (self, snapshot);
      return;
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    draw_sector_name (self, snapshot, s);
  for (guint i = 0; i < self->items->len; i++)
    draw_leaf (self, snapshot, i);
  ew_map_services_draw_lines (self, snapshot);
  draw_spokes (self, snapshot);
  draw_chosen_path (self, snapshot);
  draw_ports (self, snapshot);
  ew_map_draw_labels (self, snapshot);
}

void
ew_map_draw_choice (EwMapView *self, GtkSnapshot *snapshot)
{
  if (self->layout->mode != EW_LAYOUT_SEATS)
    return;
  draw_chosen_path (self, snapshot);
  ew_map_draw_chosen (self, snapshot);
  ew_map_draw_labels (self, snapshot);
}

/* Above the dots: the latency of each leg, where there is room for it on its spoke. */
static PangoLayout *
pill_text (EwMapView *self, EwMapItem *item)
{
  g_autofree gchar *text = NULL;

  if (item == NULL || ew_node_get_rtt_ms (item->node) < 0 || ew_node_get_state (item->node) != EW_NODE_ONLINE)
    return NULL;
  text = ew_words_latency (ew_node_get_rtt_ms (item->node));
  return ew_map_text (self, EW_TEXT_PILL, TRUE, text);
}

static void
draw_pill (EwMapView *self, GtkSnapshot *snapshot, PangoLayout *text, const EwBox *box)
{
  GskRoundedRect pill;
  gint width, height;

  gsk_rounded_rect_init_from_rect (&pill,
                                   &GRAPHENE_RECT_INIT ((float)(box->x - box->width / 2),
                                                        (float)(box->y - box->height / 2), (float)box->width,
                                                        (float)box->height),
                                   (float)(box->height / 2));
  gtk_snapshot_push_rounded_clip (snapshot, &pill);
  gtk_snapshot_append_color (snapshot, &self->colors->pill, &pill.bounds);
  gtk_snapshot_pop (snapshot);
  pango_layout_get_pixel_size (text, &width, &height);
  ew_map_draw_text (snapshot, text, round (box->x - width / 2.0), round (box->y - height / 2.0),
                    &self->colors->on_accent);
}

void
ew_map_draw_top (EwMapView *self, GtkSnapshot *snapshot)
{
  Path path;
  EwMapItem *items[2];
  EwBox boxes[2] = { 0 };
  guint n = 0;

  if (!find_path (self, &path))
    return;
  items[0] = path.near;
  items[1] = path.far;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PangoLayout) text = pill_text (self, items[i]);
      gint width;

      if (text == NULL)
        continue;
      pango_layout_get_pixel_size (text, &width, NULL);
      if (!ew_layout_pill (self->layout, ew_map_index (self, items[i]), width + PILL_ENDS, self->measures.pill_height,
                           boxes, n, &boxes[n]))
        continue;
      draw_pill (self, snapshot, text, &boxes[n++]);
    }
}
