/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Labels and seats of the dial: what is written, and the dots of a large mesh.
 */
#include "map/map-view-private.h"

#include <math.h>

#define DIMMED 0.25
#define BUNDLE_MOST 26 /* lines drawn for a sector's tunnels */
#define BUNDLE_SPREAD 0.12

static gdouble
line_left (const EwBox *box, EwAnchor anchor, PangoLayout *layout)
{
  gint width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  return anchor == EW_ANCHOR_START ? -box->width / 2
         : anchor == EW_ANCHOR_END ? box->width / 2 - width
                                   : floor (-width / 2.0);
}

static void
draw_lines (GtkSnapshot *snapshot, const EwLayoutLabel *label, PangoLayout *first, PangoLayout *second,
            const GdkRGBA *first_color, const GdkRGBA *second_color)
{
  const EwBox *box = &label->box;
  gint height;

  gtk_snapshot_save (snapshot);
  if (box->angle == 0)
    gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)round (box->x), (float)round (box->y)));
  else
    {
      gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)box->x, (float)box->y));
      gtk_snapshot_rotate (snapshot, (float)(box->angle * 180 / G_PI));
    }
  pango_layout_get_pixel_size (first, NULL, &height);
  ew_map_draw_text (snapshot, first, line_left (box, label->anchor, first), -box->height / 2, first_color);
  if (second != NULL)
    ew_map_draw_text (snapshot, second, line_left (box, label->anchor, second), -box->height / 2 + height - 1,
                      second_color);
  gtk_snapshot_restore (snapshot);
}

static void
draw_node_label (EwMapView *self, GtkSnapshot *snapshot, guint index)
{
  EwMapItem *item = g_ptr_array_index (self->items, index);
  const EwLayoutPlace *place = &self->layout->places[index];
  EwLayoutLabel label = place->label;
  const EwMapColors *colors = self->colors;
  gdouble turn = remainder (ew_map_angle (self, index) - place->angle, 2 * G_PI);
  EwPoint now = ew_map_point (self, ew_map_distance (self, index), ew_map_angle (self, index));

  if (label.lines == 0 || item->name == NULL)
    return;
  if (fabs (turn) > 1e-9) /* it slides with its token */
    {
      label.box.x += now.x - place->centre.x;
      label.box.y += now.y - place->centre.y;
    }
  if (item->dimmed)
    gtk_snapshot_push_opacity (snapshot, DIMMED);
  if (self->layout->mode == EW_LAYOUT_COMPACT)
    draw_lines (snapshot, &label, label.lines == 2 ? item->detail : item->name, NULL,
                item->state == EW_NODE_ONLINE ? &colors->text : &colors->secondary, NULL);
  else
    draw_lines (snapshot, &label, item->name, label.lines == 2 ? item->detail : NULL,
                item->state == EW_NODE_ONLINE ? &colors->text : &colors->secondary, &colors->secondary);
  if (item->dimmed)
    gtk_snapshot_pop (snapshot);
}

void
ew_map_draw_labels (EwMapView *self, GtkSnapshot *snapshot)
{
  if (self->layout->mode != EW_LAYOUT_SEATS)
    {
      for (guint i = 0; i < self->items->len; i++)
        draw_node_label (self, snapshot, i);
      return;
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      const EwLayoutLabel *label = &self->layout->sectors[s].label;

      if (label->lines > 0 && self->sector_names[s] != NULL)
        draw_lines (snapshot, label, self->sector_names[s], label->lines == 2 ? self->sector_details[s] : NULL,
                    &self->colors->text, &self->colors->secondary);
    }
}

/* Seats. */

static void
make_seats (EwMapView *self)
{
  gdouble size = self->layout->pitch * 0.64;
  const EwMapColors *colors = self->colors;

  if (self->seats[0] != NULL && self->seat_pitch == self->layout->pitch)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (self->seats); i++)
    g_clear_object (&self->seats[i]);
  self->seat_pitch = self->layout->pitch;
  self->seats[0] = ew_dot_texture (size, &colors->spoke, &colors->spoke, 0.5);
  self->seats[1] = ew_dot_texture (size, &colors->background, &colors->offline, MIN (1.3, size / 5));
  self->seats[2] = ew_dot_texture (size, &colors->waiting, &colors->text, MIN (1.2, size / 6));
}

static void
append_dot (GtkSnapshot *snapshot, GdkTexture *texture, EwPoint at, gdouble size)
{
  gtk_snapshot_append_texture (
    snapshot, texture,
    &GRAPHENE_RECT_INIT ((float)(at.x - size / 2), (float)(at.y - size / 2), (float)size, (float)size));
}

static void
draw_dot (GtkSnapshot *snapshot, EwPoint at, gdouble size, const GdkRGBA *fill, const GdkRGBA *rim)
{
  cairo_t *cr = gtk_snapshot_append_cairo (
    snapshot, &GRAPHENE_RECT_INIT ((float)(at.x - size), (float)(at.y - size), (float)(2 * size), (float)(2 * size)));

  cairo_arc (cr, at.x, at.y, size / 2, 0, 2 * G_PI);
  gdk_cairo_set_source_rgba (cr, fill);
  cairo_fill_preserve (cr);
  cairo_set_line_width (cr, 2.5);
  gdk_cairo_set_source_rgba (cr, rim);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
draw_seat (EwMapView *self, GtkSnapshot *snapshot, guint index)
{
  EwMapItem *item = g_ptr_array_index (self->items, index);
  const EwLayoutPlace *place = &self->layout->places[index];
  GdkTexture *texture = self->seats[item->state == EW_NODE_ONLINE ? 0 : item->state == EW_NODE_OFFLINE ? 1 : 2];

  if (ew_node_is_self (item->node))
    draw_dot (snapshot, place->centre, place->size * 1.3, &self->colors->path, &self->colors->path);
  else if (self->selected == G_OBJECT (item->node))
    draw_dot (snapshot, place->centre, place->size * 1.4, &self->colors->token, &self->colors->path);
  else if (place->leads && item->dimmed)
    {
      gtk_snapshot_push_opacity (snapshot, DIMMED);
      append_dot (snapshot, texture, place->centre, place->size);
      gtk_snapshot_pop (snapshot);
    }
  else if (place->leads)
    append_dot (snapshot, texture, place->centre, place->size);
}

/* A sector's tunnels, bundled into one port. */
static void
draw_bundle (EwMapView *self, cairo_t *cr, const EwLayoutSector *sector)
{
  gdouble rim = self->layout->edge_radius, span = sector->to - sector->from;
  guint n = CLAMP ((guint)(span * sector->inner / 9), 1, MIN (MAX (sector->n_live, 1), BUNDLE_MOST));
  gdouble half = MIN (BUNDLE_SPREAD, span / 4);

  for (guint i = 0; i < n; i++)
    {
      gdouble share = (i + 0.5) / n;
      gdouble angle = sector->from + span * share, port = sector->port_angle + half * (2 * share - 1);
      gdouble middle = (rim + sector->inner) / 2;
      EwPoint from = ew_map_point (self, rim, port), to = ew_map_point (self, sector->inner, angle);
      EwPoint near = ew_map_point (self, middle, port), far = ew_map_point (self, middle, angle);

      cairo_move_to (cr, from.x, from.y);
      cairo_curve_to (cr, near.x, near.y, far.x, far.y, to.x, to.y);
    }
  cairo_stroke (cr);
  cairo_set_line_width (cr, 5);
  cairo_arc (cr, self->layout->centre.x, self->layout->centre.y, rim + 1, sector->port_angle - half,
             sector->port_angle + half);
  cairo_stroke (cr);
  cairo_set_line_width (cr, 1.1);
}

void
ew_map_draw_seats (EwMapView *self, GtkSnapshot *snapshot)
{
  const EwLayout *layout = self->layout;
  gdouble reach = layout->radius + 20;
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)(layout->centre.x - reach),
                                                                          (float)(layout->centre.y - reach),
                                                                          (float)(2 * reach), (float)(2 * reach)));
  GdkRGBA line = self->colors->spoke;

  line.alpha *= 0.75f;
  cairo_set_line_width (cr, 1.1);
  gdk_cairo_set_source_rgba (cr, &line);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (layout->sectors[s].present)
      draw_bundle (self, cr, &layout->sectors[s]);
  cairo_destroy (cr);
  make_seats (self);
  for (guint i = 0; i < self->items->len; i++)
    draw_seat (self, snapshot, i);
}

EwMapItem *
ew_map_seat_at (EwMapView *self, gdouble x, gdouble y)
{
  gdouble best = self->layout->pitch * 0.6;
  EwMapItem *found = NULL;

  for (guint i = 0; i < self->items->len; i++)
    {
      EwPoint at = self->layout->places[i].centre;
      gdouble distance = hypot (at.x - x, at.y - y);

      if (distance < best)
        {
          best = distance;
          found = g_ptr_array_index (self->items, i);
        }
    }
  return found;
}
