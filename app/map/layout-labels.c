/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Labels: the important ones first, each at the first of a few positions where nothing is in its way. What finds none
 * is hidden; who focuses its token or points at it reads it there.
 */
#include "map/layout-private.h"

#define SLIDE 12.0
#define UPRIGHT_WITHIN 0.3142 /* rad, 18° from 12 or 6 o'clock: centred */
#define NEIGHBOUR_NEAR 0.5236 /* rad, 30° */
#define LEAF_SHIFT 0.2618     /* rad, 15°: a gateway's label makes way for its capsule */
#define LEAF_BEYOND 40.0
#define MARGIN 3.0

typedef struct
{
  GArray *taken; /* EwBox */
  EwBox bounds;
} Room;

static gboolean
inside (const EwBox *bounds, const EwBox *box)
{
  gdouble c = fabs (cos (box->angle)), s = fabs (sin (box->angle));
  gdouble half_x = (c * box->width + s * box->height) / 2, half_y = (s * box->width + c * box->height) / 2;

  return fabs (box->x - bounds->x) + half_x <= bounds->width / 2
         && fabs (box->y - bounds->y) + half_y <= bounds->height / 2;
}

static gboolean
is_free (const Room *room, const EwBox *box)
{
  if (!inside (&room->bounds, box))
    return FALSE;
  for (guint i = 0; i < room->taken->len; i++)
    if (ew_box_overlaps (&g_array_index (room->taken, EwBox, i), box))
      return FALSE;
  return TRUE;
}

static void
room_init (Room *room, const EwLayoutInput *input)
{
  room->taken = g_array_new (FALSE, FALSE, sizeof (EwBox));
  room->bounds = ew_box_new (MARGIN, MARGIN, MAX (input->width - 2 * MARGIN, 0), MAX (input->height - 2 * MARGIN, 0));
}

static void
take_tokens (Room *room, const EwLayout *self, const EwLayoutInput *input)
{
  for (guint i = 0; i < self->n_places; i++)
    {
      const EwLayoutPlace *place = &self->places[i];
      EwBox box = { place->centre.x, place->centre.y, place->size + 2, place->size + 2, 0 };

      g_array_append_val (room->taken, box);
    }
  for (guint i = 0; i < input->n_reserved; i++)
    g_array_append_val (room->taken, input->reserved[i]);
}

/* A label outside the ring at angle: its box is next to the point there, its lines away from the centre. */
static EwBox
outward_box (EwPoint at, gdouble angle, EwAnchor anchor, gdouble width, gdouble height)
{
  gdouble c = sin (angle);
  gdouble left = anchor == EW_ANCHOR_START ? at.x : anchor == EW_ANCHOR_END ? at.x - width : at.x - width / 2;
  gdouble middle = at.y + c * (anchor == EW_ANCHOR_MIDDLE ? height / 2 : height / 4);

  return ew_box_new (left, middle - height / 2, width, height);
}

static EwAnchor
side_of (gdouble angle)
{
  return cos (angle) >= 0 ? EW_ANCHOR_START : EW_ANCHOR_END;
}

static gboolean
is_upright (gdouble angle)
{
  return fabs (cos (angle)) < sin (UPRIGHT_WITHIN);
}

typedef struct
{
  gdouble angle, distance; /* from the centre of the map to the label's near point */
  gdouble widths[3];       /* of the label with 1 and with 2 lines */
  gdouble heights[3];
  EwAnchor anchor;
} Wish;

static gboolean
try_outward (const EwLayout *self, Room *room, const Wish *wish, EwAnchor anchor, guint lines, EwLayoutLabel *label)
{
  /* One above or below its token also moves towards that. */
  const EwPoint slides[3] = { { 0, 0 }, { 0, -SLIDE }, { 0, SLIDE } };
  const EwPoint slides_centred[4]
    = { { 0, 0 }, { -SLIDE, 0 }, { SLIDE, 0 }, { 0, sin (wish->angle) > 0 ? -SLIDE : SLIDE } };
  const EwPoint *tried = anchor == EW_ANCHOR_MIDDLE ? slides_centred : slides;
  guint n_tried = anchor == EW_ANCHOR_MIDDLE ? 4 : 3;
  EwPoint at = ew_polar (self->centre, wish->distance, wish->angle);
  EwBox box = outward_box (at, wish->angle, anchor, wish->widths[lines], wish->heights[lines]);

  for (guint i = 0; i < n_tried; i++)
    {
      EwBox slid = box;

      slid.x += tried[i].x;
      slid.y += tried[i].y;
      if (!is_free (room, &slid))
        continue;
      g_array_append_val (room->taken, slid);
      *label = (EwLayoutLabel){ lines, slid, anchor };
      return TRUE;
    }
  return FALSE;
}

/* Where there is no room outside: the name alone, below its token. */
static gboolean
try_below (const EwLayout *self, Room *room, const Wish *wish, const EwLayoutPlace *place, EwLayoutLabel *label)
{
  EwBox box = { place->centre.x, place->centre.y + place->size / 2 + wish->heights[1] / 2 + 3, wish->widths[1],
                wish->heights[1], 0 };

  /* Above the edge its own spoke is there. */
  if (sin (place->angle) < -0.45 || !is_free (room, &box))
    return FALSE;
  g_array_append_val (room->taken, box);
  *label = (EwLayoutLabel){ 1, box, EW_ANCHOR_MIDDLE };
  return TRUE;
}

static gboolean
place_outward (const EwLayout *self, Room *room, const Wish *wish, EwLayoutLabel *label)
{
  EwAnchor other = wish->anchor == EW_ANCHOR_MIDDLE ? side_of (wish->angle)
                   : is_upright (wish->angle)       ? EW_ANCHOR_MIDDLE
                                                    : wish->anchor;

  for (guint lines = 2; lines > 0; lines--)
    {
      if (try_outward (self, room, wish, wish->anchor, lines, label))
        return TRUE;
      if (other != wish->anchor && try_outward (self, room, wish, other, lines, label))
        return TRUE;
    }
  return FALSE;
}

static gdouble
nearest_neighbour (const EwLayout *self, guint index)
{
  gdouble nearest = 2 * G_PI;

  for (guint i = 0; i < self->n_places; i++)
    if (i != index)
      nearest = MIN (nearest, fabs (remainder (self->places[i].angle - self->places[index].angle, 2 * G_PI)));
  return nearest;
}

static void
label_full (EwLayout *self, const EwLayoutInput *input, Room *room, guint index)
{
  const EwLayoutNode *node = &input->nodes[index];
  EwLayoutPlace *place = &self->places[index];
  gdouble angle = place->angle, ring = self->radius;
  gboolean centred
    = is_upright (angle) && (fabs (cos (angle)) < 0.01 || nearest_neighbour (self, index) >= NEIGHBOUR_NEAR);
  Wish wish = { .distance = ring + EW_LABEL_DISTANCE * self->scale };

  wish.widths[1] = node->name_width;
  wish.widths[2] = MAX (node->name_width, node->detail_width);
  wish.heights[1] = input->name_height;
  wish.heights[2] = input->name_height + input->detail_height;
  wish.angle = angle;
  wish.anchor = centred ? EW_ANCHOR_MIDDLE : side_of (angle);
  if (place->has_leaf)
    {
      /* Towards 3 or 9 o'clock first: there is more room. */
      gdouble shift = sin (angle) * cos (angle) > 0 ? -LEAF_SHIFT : LEAF_SHIFT;

      for (guint i = 0; i < 2; i++)
        {
          wish.angle = angle + (i == 0 ? shift : -shift);
          wish.anchor = side_of (wish.angle);
          if (place_outward (self, room, &wish, &place->label))
            return;
        }
    }
  else if (place_outward (self, room, &wish, &place->label))
    return;
  try_below (self, room, &wish, place, &place->label);
}

/* Compact: one line along the spoke, read from the left. The detail goes first when there is no room. */
static void
label_compact (EwLayout *self, const EwLayoutInput *input, Room *room, guint index)
{
  const EwLayoutNode *node = &input->nodes[index];
  EwLayoutPlace *place = &self->places[index];
  gboolean flipped = cos (place->angle) < -1e-6;

  for (guint lines = 2; lines > 0; lines--)
    {
      gdouble width = lines == 2 ? node->detail_width : node->name_width;
      gdouble distance = self->radius + EW_LABEL_DISTANCE_COMPACT * self->scale + width / 2;
      EwPoint at = ew_polar (self->centre, distance, place->angle);
      EwBox box = { at.x, at.y, width, input->name_height, place->angle + (flipped ? G_PI : 0) };

      if (!is_free (room, &box))
        continue;
      g_array_append_val (room->taken, box);
      place->label = (EwLayoutLabel){ lines, box, flipped ? EW_ANCHOR_END : EW_ANCHOR_START };
      return;
    }
}

/* 0 first: selected, this computer, those that need attention, gateways, the rest. */
static guint
rank (const EwLayoutNode *node)
{
  return node->selected ? 0 : node->self ? 1 : node->trouble ? 2 : node->sector == EW_SECTOR_SITES ? 3 : 4;
}

void
ew_layout_labels (EwLayout *self, const EwLayoutInput *input)
{
  Room room;

  room_init (&room, input);
  take_tokens (&room, self, input);
  for (guint i = 0; i < self->n_places; i++)
    if (self->places[i].has_leaf)
      g_array_append_val (room.taken, self->places[i].leaf);
  for (guint r = 0; r <= 4; r++)
    for (guint i = 0; i < self->n_places; i++)
      if (rank (&input->nodes[i]) == r)
        {
          if (self->mode == EW_LAYOUT_FULL)
            label_full (self, input, &room, i);
          else
            label_compact (self, input, &room, i);
        }
  g_array_unref (room.taken);
}

void
ew_layout_leaves (EwLayout *self, const EwLayoutInput *input)
{
  Room room;

  room_init (&room, input);
  take_tokens (&room, self, input);
  for (guint i = 0; i < self->n_places && self->mode == EW_LAYOUT_FULL; i++)
    {
      const EwLayoutNode *node = &input->nodes[i];
      EwLayoutPlace *place = &self->places[i];
      gdouble distance = self->radius + (EW_PLATE_HALF + LEAF_BEYOND) * self->scale;
      EwAnchor anchor = is_upright (place->angle) ? EW_ANCHOR_MIDDLE : side_of (place->angle);
      EwPoint near = ew_polar (self->centre, distance, place->angle);
      gdouble half_x = node->leaf_width / 2 * (anchor == EW_ANCHOR_MIDDLE ? 0 : anchor == EW_ANCHOR_START ? 1 : -1);
      gdouble half_y = node->leaf_height / 2 * (anchor == EW_ANCHOR_MIDDLE ? (sin (place->angle) > 0 ? 1 : -1) : 0);
      EwBox box = { near.x + half_x, near.y + half_y, node->leaf_width, node->leaf_height, 0 };

      if (node->leaf_width <= 0 || !is_free (&room, &box))
        continue;
      g_array_append_val (room.taken, box);
      place->has_leaf = TRUE;
      place->leaf = box;
      place->leaf_near = near;
    }
  g_array_unref (room.taken);
}

void
ew_layout_sector_labels (EwLayout *self, const EwLayoutInput *input)
{
  Room room;

  room_init (&room, input);
  take_tokens (&room, self, input); /* a crowded map's outermost seats reach as far */
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      EwLayoutSector *sector = &self->sectors[s];
      Wish wish = { .angle = sector->name_angle, .distance = sector->outer + 12 * self->scale };

      if (!sector->present)
        continue;
      wish.widths[1] = wish.widths[2] = input->sector_width[s];
      wish.heights[1] = input->name_height;
      wish.heights[2] = input->name_height + input->detail_height;
      wish.anchor = is_upright (wish.angle) ? EW_ANCHOR_MIDDLE : side_of (wish.angle);
      place_outward (self, &room, &wish, &sector->label);
    }
  g_array_unref (room.taken);
}
