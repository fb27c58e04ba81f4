/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Labels and seats of the dial: what is written, and the dots of a large mesh.
 */
#include "map/map-view-private.h"

#include <math.h>
#include <string.h>

#define DIMMED 0.25
#define BUNDLE_MOST 26 /* lines drawn for a sector's tunnels */
#define BUNDLE_SPREAD 0.12
#define LOOKS 4 /* of a seat: online, offline, not joined yet, online as last seen */

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

/* Compact: the name and the state on one line. */
static void
draw_one_line (GtkSnapshot *snapshot, const EwLayoutLabel *label, PangoLayout *name, PangoLayout *state,
               const GdkRGBA *color)
{
  const EwBox *box = &label->box;
  gint name_width, state_width = 0;
  gdouble left;

  pango_layout_get_pixel_size (name, &name_width, NULL);
  if (state != NULL)
    pango_layout_get_pixel_size (state, &state_width, NULL);
  left = label->anchor == EW_ANCHOR_START
           ? -box->width / 2
           : box->width / 2 - name_width - (state != NULL ? state_width + EW_LABEL_GAP : 0);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)box->x, (float)box->y));
  gtk_snapshot_rotate (snapshot, (float)(box->angle * 180 / G_PI));
  ew_map_draw_text (snapshot, name, left, -box->height / 2, color);
  if (state != NULL)
    ew_map_draw_text (snapshot, state, left + name_width + EW_LABEL_GAP, -box->height / 2, color);
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
    draw_one_line (snapshot, &label, item->name, label.lines == 2 ? item->state_text : NULL,
                   item->state == EW_NODE_ONLINE ? &colors->text : &colors->secondary);
  else
    draw_lines (snapshot, &label, item->name,
                label.lines < 2 ? NULL
                : label.brief   ? item->state_text
                                : item->detail,
                item->state == EW_NODE_ONLINE ? &colors->text : &colors->secondary, &colors->secondary);
  if (item->dimmed)
    gtk_snapshot_pop (snapshot);
}

/* Below its token, where the pitch of seats has room for it. */
static void
draw_seat_name (EwMapView *self, GtkSnapshot *snapshot, guint index)
{
  EwMapItem *item = g_ptr_array_index (self->items, index);
  EwPoint at = self->layout->places[index].centre;
  gint width;

  if (item->token == NULL || item->name == NULL)
    return;
  pango_layout_get_pixel_size (item->name, &width, NULL);
  if (item->dimmed)
    gtk_snapshot_push_opacity (snapshot, DIMMED);
  ew_map_draw_text (snapshot, item->name, round (at.x - width / 2.0), round (at.y + self->seat_size / 2 + 1),
                    item->state == EW_NODE_ONLINE ? &self->colors->text : &self->colors->secondary);
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
  for (guint i = 0; i < self->items->len; i++)
    draw_seat_name (self, snapshot, i);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      const EwLayoutLabel *label = &self->layout->sectors[s].label;

      if (label->lines == 0 || self->sector_names[s] == NULL)
        continue;
      if (self->sector_dimmed[s])
        gtk_snapshot_push_opacity (snapshot, DIMMED);
      draw_lines (snapshot, label, self->sector_names[s], label->lines == 2 ? self->sector_details[s] : NULL,
                  &self->colors->text, &self->colors->secondary);
      if (self->sector_dimmed[s])
        gtk_snapshot_pop (snapshot);
    }
}

/* Seats. */

static guint
look_of (EwNodeState state)
{
  return state == EW_NODE_ONLINE ? 0 : state == EW_NODE_OFFLINE ? 1 : state == EW_NODE_WAS_ONLINE ? 3 : 2;
}

/* All dots of one look at once. */
static void
draw_seats (EwMapView *self, cairo_t *cr, guint look, gboolean dimmed)
{
  const EwMapColors *colors = self->colors;
  const GdkRGBA *fills[LOOKS] = { &colors->spoke, &colors->background, &colors->waiting, &colors->plate_border };
  const GdkRGBA *rims[LOOKS] = { NULL, &colors->offline, &colors->text, &colors->offline };
  GdkRGBA fill = look == 2 && !ew_map_is_current (self) ? colors->offline : *fills[look];

  for (guint i = 0; i < self->items->len; i++)
    {
      const EwMapItem *item = g_ptr_array_index (self->items, i);
      const EwLayoutPlace *place = &self->layout->places[i];

      if (look_of (item->state) != look || item->dimmed != dimmed || !place->leads)
        continue;
      cairo_new_sub_path (cr);
      cairo_arc (cr, place->centre.x, place->centre.y, place->size / 2 - (look > 0 ? 0.6 : 0), 0, 2 * G_PI);
    }
  fill.alpha *= dimmed ? DIMMED : 1;
  gdk_cairo_set_source_rgba (cr, &fill);
  cairo_fill_preserve (cr);
  if (rims[look] != NULL)
    {
      GdkRGBA rim = *rims[look];

      rim.alpha *= dimmed ? DIMMED : 1;
      gdk_cairo_set_source_rgba (cr, &rim);
      cairo_set_line_width (cr, MIN (1.2, self->layout->pitch / 8));
      cairo_stroke (cr);
    }
  cairo_new_path (cr);
}

/* This computer's, and the selected one, above the others. */
void
ew_map_draw_chosen (EwMapView *self, GtkSnapshot *snapshot)
{
  EwMapItem *own = ew_map_self_item (self), *selected = ew_map_find_item (self, self->selected);
  const EwMapColors *colors = self->colors;

  if (own != NULL)
    {
      const EwLayoutPlace *place = &self->layout->places[ew_map_index (self, own)];

      ew_dot_append (snapshot, place->centre.x, place->centre.y, place->size * 1.35, &colors->path, NULL, 0);
    }
  if (selected != NULL && selected != own)
    {
      const EwLayoutPlace *place = &self->layout->places[ew_map_index (self, selected)];

      ew_dot_append (snapshot, place->centre.x, place->centre.y, place->size * 1.5 + 3, &colors->token, &colors->path,
                     2.5);
    }
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
  if (!ew_map_is_current (self)) /* no tunnel is known to be up */
    return;
  cairo_set_line_width (cr, 5);
  cairo_arc (cr, self->layout->centre.x, self->layout->centre.y, rim + 1, sector->port_angle - half,
             sector->port_angle + half);
  cairo_stroke (cr);
  cairo_set_line_width (cr, 1.1);
}

/* From the center: as far as anything is drawn. */
static gdouble
seats_reach (EwMapView *self)
{
  gdouble reach = self->layout->edge_radius;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->layout->sectors[s].present)
      reach = MAX (reach, self->layout->sectors[s].inner);
  for (guint i = 0; i < self->items->len; i++)
    reach = MAX (reach, ew_map_distance (self, i) + self->layout->places[i].size);
  return ceil (reach) + 4;
}

void
ew_map_draw_seats (EwMapView *self, GtkSnapshot *snapshot)
{
  const EwLayout *layout = self->layout;
  gdouble reach = seats_reach (self);
  cairo_t *cr
    = ew_map_append_cairo (self, snapshot, layout->centre.x - reach, layout->centre.y - reach, 2 * reach, 2 * reach);
  const gdouble was_online[2] = { 0, 4 };
  GdkRGBA line = self->colors->spoke;

  if (!ew_map_is_current (self))
    {
      line = self->colors->offline;
      cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
      cairo_set_dash (cr, was_online, 2, 0);
    }
  line.alpha *= 0.75f;
  cairo_set_line_width (cr, 1.1);
  gdk_cairo_set_source_rgba (cr, &line);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (layout->sectors[s].present)
      draw_bundle (self, cr, &layout->sectors[s]);
  cairo_set_dash (cr, NULL, 0, 0);
  for (guint look = 0; look < LOOKS; look++)
    for (gint dimmed = 1; dimmed >= 0; dimmed--)
      draw_seats (self, cr, look, dimmed);
  cairo_destroy (cr);
}

gboolean
ew_map_seats_changed (EwMapView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  const EwLayout *layout = self->layout;
  const gdouble view[] = { gtk_widget_get_width (widget),
                           gtk_widget_get_height (widget),
                           gtk_widget_get_scale_factor (widget),
                           self->zoom,
                           self->pan_x,
                           self->pan_y,
                           (gdouble)(guintptr)self->colors,
                           ew_map_is_current (self),
                           layout->edge_radius,
                           layout->pitch };
  g_autoptr (GArray) old = self->seats_drawn;
  GArray *now = self->seats_drawn = g_array_new (FALSE, FALSE, sizeof (gdouble));

  g_array_append_vals (now, view, G_N_ELEMENTS (view));
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      const EwLayoutSector *sector = &layout->sectors[s];
      const gdouble each[] = { sector->present, sector->from,   sector->to,        sector->inner,
                               sector->outer,   sector->n_live, sector->port_angle };

      g_array_append_vals (now, each, G_N_ELEMENTS (each));
    }
  for (guint i = 0; i < self->items->len; i++)
    {
      const EwMapItem *item = g_ptr_array_index (self->items, i);
      const EwLayoutPlace *place = &layout->places[i];
      const gdouble each[]
        = { place->centre.x, place->centre.y, place->size, place->leads, look_of (item->state), item->dimmed };

      g_array_append_vals (now, each, G_N_ELEMENTS (each));
    }
  return old == NULL || old->len != now->len || memcmp (old->data, now->data, now->len * sizeof (gdouble)) != 0;
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
