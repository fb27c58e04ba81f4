/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Labels: the important ones first, each at the first of a few positions where nothing is in its way. A label without a
 * position is hidden; focusing its token or pointing at it shows the text.
 */
#include "map/layout-private.h"

#define SLIDE 12.0
#define UPRIGHT_WITHIN 0.3142 /* rad, 18° from 12 or 6 o'clock: centered */
#define NEIGHBOUR_NEAR 0.5236 /* rad, 30° */
#define LEAF_SHIFT 0.2618     /* rad, 15°: a gateway's label makes way for its capsule */
#define LEAF_BEYOND 40.0
#define LEAF_NEAR 12.0 /* at least, where there is little room */
#define BESIDE 9.0     /* px between a token and a label at its side */
#define SPOKE_WIDTH 10.0
#define MARGIN 3.0
#define CAPSULE_INSET 12.0
#define STEPS 4 /* in which a name is shortened */

typedef struct
{
  GArray *taken; /* EwBox */
  EwBox bounds;
  gdouble slide;
  /* Labels that are placed: those of places but own, or those of sectors. */
  const EwLayoutPlace *places;
  guint n_places, own;
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
  for (guint i = 0; i < room->n_places; i++)
    if (i != room->own && room->places[i].label.lines > 0 && ew_box_overlaps (&room->places[i].label.box, box))
      return FALSE;
  return TRUE;
}

static void
room_init (Room *room, const EwLayoutInput *input)
{
  *room = (Room){ .taken = g_array_new (FALSE, FALSE, sizeof (EwBox)), .own = G_MAXUINT };
  room->bounds = ew_box_new (MARGIN, MARGIN, MAX (input->width - 2 * MARGIN, 0), MAX (input->height - 2 * MARGIN, 0));
  room->slide = SLIDE * ew_layout_text (input);
}

static void
take (Room *room, EwBox box)
{
  g_array_append_val (room->taken, box);
}

static void
take_tokens (Room *room, const EwLayout *self, const EwLayoutInput *input)
{
  for (guint i = 0; i < self->n_places; i++)
    {
      const EwLayoutPlace *place = &self->places[i];

      take (room, (EwBox){ place->centre.x, place->centre.y, place->size + 2, place->size + 2, 0 });
    }
  for (guint i = 0; i < input->n_reserved; i++)
    take (room, input->reserved[i]);
}

/* The line from a token to a capsule. */
static void
take_line (Room *room, const EwLayoutPlace *place, EwPoint near)
{
  gdouble dx = near.x - place->centre.x, dy = near.y - place->centre.y;

  take (room,
        (EwBox){ place->centre.x + dx / 2, place->centre.y + dy / 2, hypot (dx, dy), SPOKE_WIDTH, atan2 (dy, dx) });
}

/* What else is drawn on a dial of tokens: its edge, spokes, capsules and the sectors' names. */
static void
take_dial (Room *room, const EwLayout *self)
{
  take (room, (EwBox){ self->centre.x, self->centre.y, 2 * self->edge_radius, 2 * self->edge_radius, 0 });
  for (guint i = 0; i < self->n_places; i++)
    {
      const EwLayoutPlace *place = &self->places[i];
      gdouble length = self->radius - self->edge_radius;
      EwPoint middle = ew_polar (self->centre, self->edge_radius + length / 2, place->angle);

      take (room, (EwBox){ middle.x, middle.y, length, SPOKE_WIDTH, place->angle });
      if (place->has_leaf)
        {
          take (room, place->leaf);
          take_line (room, place, place->leaf_near);
        }
      if (place->has_services)
        {
          take (room, place->services);
          take_line (room, place, place->services_near);
        }
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->sectors[s].name_shown)
      take (room, self->sectors[s].name);
}

/* A label outside the ring at angle: its box is next to the point there, its lines away from the center. */
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

/* What a label is to say, and where. */
typedef struct
{
  gdouble angle, distance; /* from the center of the map to the label's near point */
  guint lines;
  gboolean brief;
  gdouble width, height;
  EwAnchor anchor;
} Wish;

static gboolean
try_box (const Room *room, const Wish *wish, const EwBox *box, EwAnchor anchor, EwLayoutLabel *label)
{
  if (!is_free (room, box))
    return FALSE;
  *label = (EwLayoutLabel){ wish->lines, wish->brief, *box, anchor };
  return TRUE;
}

static gboolean
try_outward (const EwLayout *self, const Room *room, const Wish *wish, EwAnchor anchor, EwLayoutLabel *label)
{
  gdouble slide = room->slide;
  /* One above or below its token also moves towards that. */
  const EwPoint slides[3] = { { 0, 0 }, { 0, -slide }, { 0, slide } };
  const EwPoint slides_centred[4]
    = { { 0, 0 }, { -slide, 0 }, { slide, 0 }, { 0, sin (wish->angle) > 0 ? -slide : slide } };
  const EwPoint *tried = anchor == EW_ANCHOR_MIDDLE ? slides_centred : slides;
  guint n_tried = anchor == EW_ANCHOR_MIDDLE ? 4 : 3;
  EwPoint at = ew_polar (self->centre, wish->distance, wish->angle);
  EwBox box = outward_box (at, wish->angle, anchor, wish->width, wish->height);

  for (guint i = 0; i < n_tried; i++)
    {
      EwBox slid = box;

      slid.x += tried[i].x;
      slid.y += tried[i].y;
      if (try_box (room, wish, &slid, anchor, label))
        return TRUE;
    }
  return FALSE;
}

/* Where there is no room outside: below its token, or at its side. */
static gboolean
try_near (const Room *room, const Wish *wish, const EwLayoutPlace *place, EwLayoutLabel *label)
{
  EwAnchor side = side_of (place->angle);
  EwBox box
    = { place->centre.x, place->centre.y + place->size / 2 + wish->height / 2 + 3, wish->width, wish->height, 0 };

  /* Above the edge its own spoke is there. */
  if (sin (place->angle) >= -0.45 && try_box (room, wish, &box, EW_ANCHOR_MIDDLE, label))
    return TRUE;
  for (guint i = 0; i < 2; i++, side = side == EW_ANCHOR_START ? EW_ANCHOR_END : EW_ANCHOR_START)
    {
      gdouble away = place->size / 2 + BESIDE + wish->width / 2;

      box = (EwBox){ place->centre.x + (side == EW_ANCHOR_START ? away : -away), place->centre.y, wish->width,
                     wish->height, 0 };
      if (try_box (room, wish, &box, side, label))
        return TRUE;
    }
  return FALSE;
}

static gboolean
place_outward (const EwLayout *self, const Room *room, const Wish *wish, EwLayoutLabel *label)
{
  EwAnchor other = wish->anchor == EW_ANCHOR_MIDDLE ? side_of (wish->angle)
                   : is_upright (wish->angle)       ? EW_ANCHOR_MIDDLE
                                                    : wish->anchor;

  return try_outward (self, room, wish, wish->anchor, label)
         || (other != wish->anchor && try_outward (self, room, wish, other, label));
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

/* Two lines or one beside a token of 54 px; wish has what they say. */
static gboolean
place_full (EwLayout *self, Room *room, guint index, Wish wish)
{
  EwLayoutPlace *place = &self->places[index];
  gdouble angle = place->angle;
  gboolean centred
    = is_upright (angle) && (fabs (cos (angle)) < 0.01 || nearest_neighbour (self, index) >= NEIGHBOUR_NEAR);
  /* Towards 3 or 9 o'clock first: there is more room. */
  gdouble shift = sin (angle) * cos (angle) > 0 ? -LEAF_SHIFT : LEAF_SHIFT;
  const gdouble shifts[2] = { shift, -shift }, none[1] = { 0 };
  const gboolean has_capsule = place->has_leaf || place->has_services;
  const gdouble *tried = has_capsule ? shifts : none;
  const guint n_tried = has_capsule ? 2 : 1;

  wish.distance = self->radius + EW_LABEL_DISTANCE * self->scale;
  for (guint i = 0; i < n_tried; i++)
    {
      wish.angle = angle + tried[i];
      wish.anchor = centred && !has_capsule ? EW_ANCHOR_MIDDLE : side_of (wish.angle);
      if (place_outward (self, room, &wish, &place->label))
        return TRUE;
    }
  return try_near (room, &wish, place, &place->label);
}

/* Compact: one line along the spoke, read from the left. */
static gboolean
place_compact (EwLayout *self, Room *room, guint index, Wish wish)
{
  EwLayoutPlace *place = &self->places[index];
  gboolean flipped = cos (place->angle) < -1e-6;
  gdouble distance = self->radius + EW_LABEL_DISTANCE_COMPACT * self->scale + wish.width / 2;
  EwPoint at = ew_polar (self->centre, distance, place->angle);
  EwBox box = { at.x, at.y, wish.width, wish.height, place->angle + (flipped ? G_PI : 0) };

  return try_box (room, &wish, &box, flipped ? EW_ANCHOR_END : EW_ANCHOR_START, &place->label);
}

static gboolean
place_label (EwLayout *self, const EwLayoutInput *input, Room *room, guint index, guint lines, gboolean brief,
             gdouble name)
{
  const EwLayoutNode *node = &input->nodes[index];
  gdouble second = lines == 1 ? 0 : brief ? node->state_width : node->detail_width;
  Wish wish = { .lines = lines, .brief = brief, .width = MAX (name, second), .height = input->name_height };

  room->own = index;
  if (self->mode == EW_LAYOUT_COMPACT)
    {
      wish.width = name + (second > 0 ? EW_LABEL_GAP + second : 0);
      return place_compact (self, room, index, wish);
    }
  wish.height += lines == 2 ? input->detail_height : 0;
  return place_full (self, room, index, wish);
}

static gdouble
name_least (const EwLayoutNode *node)
{
  return node->name_least > 0 ? MIN (node->name_least, node->name_width) : node->name_width;
}

/* The name and the state, then a shorter name, then the name alone. tight: a short name at once, so that there is room
   for the others. */
static void
place_words (EwLayout *self, const EwLayoutInput *input, Room *room, guint index, gboolean tight)
{
  const EwLayoutNode *node = &input->nodes[index];
  gdouble least = name_least (node);

  for (guint lines = node->state_width > 0 ? 2 : 1; lines > 0; lines--)
    for (guint step = tight ? STEPS : 0; step <= STEPS; step++)
      {
        gdouble name = node->name_width - (node->name_width - least) * step / STEPS;

        if (place_label (self, input, room, index, lines, TRUE, name))
          return;
        if (node->name_width - least < 1)
          break;
      }
}

/* As much more of the name as there is room for now. */
static void
lengthen_name (EwLayout *self, const EwLayoutInput *input, Room *room, guint index)
{
  const EwLayoutNode *node = &input->nodes[index];
  guint lines = self->places[index].label.lines;

  for (guint step = 0; step < STEPS && lines > 0; step++)
    if (place_label (self, input, room, index, lines, TRUE,
                     node->name_width - (node->name_width - name_least (node)) * step / STEPS))
      return;
}

/* Every label has a place: a label with more room says more. */
static void
add_address (EwLayout *self, const EwLayoutInput *input, Room *room, guint index)
{
  const EwLayoutNode *node = &input->nodes[index];

  if (self->mode == EW_LAYOUT_FULL && node->detail_width > 0 && self->places[index].label.lines > 0)
    place_label (self, input, room, index, 2, FALSE, node->name_width);
}

/* 0 first: selected, this computer, those that need attention, gateways, the rest. */
static guint
rank (const EwLayoutNode *node)
{
  return node->selected ? 0 : node->self ? 1 : node->trouble ? 2 : node->sector == EW_SECTOR_SITES ? 3 : 4;
}

/* Returns how many nodes have all that they must say. */
static guint
place_all (EwLayout *self, const EwLayoutInput *input, Room *room, gboolean tight)
{
  guint whole = 0;

  for (guint i = 0; i < self->n_places; i++)
    self->places[i].label.lines = 0;
  for (guint pass = 0; pass < 3; pass++)
    for (guint r = 0; r <= 4; r++)
      for (guint i = 0; i < self->n_places; i++)
        {
          if (rank (&input->nodes[i]) != r)
            continue;
          if (pass == 0)
            place_words (self, input, room, i, tight);
          else if (pass == 1 && tight)
            lengthen_name (self, input, room, i);
          else if (pass == 2)
            add_address (self, input, room, i);
        }
  for (guint i = 0; i < self->n_places; i++)
    whole += self->places[i].label.lines == (input->nodes[i].state_width > 0 ? 2 : 1);
  return whole;
}

void
ew_layout_labels (EwLayout *self, const EwLayoutInput *input)
{
  Room room;
  guint whole;

  room_init (&room, input);
  take_tokens (&room, self, input);
  take_dial (&room, self);
  room.places = self->places;
  room.n_places = self->n_places;
  whole = place_all (self, input, &room, FALSE);
  /* Long names may have taken the room of other nodes' states. */
  if (whole < self->n_places && place_all (self, input, &room, TRUE) <= whole)
    place_all (self, input, &room, FALSE);
  g_array_unref (room.taken);
}

/* Finds a place for a capsule of this size: outside the plate, at its node's angle; if that is taken, nearer or beside it. */
static gboolean
place_capsule (EwLayout *self, const Room *room, const EwLayoutPlace *place, gdouble width, gdouble height, EwBox *out,
               EwPoint *out_near)
{
  const gdouble shifts[5] = { 0, LEAF_SHIFT, -LEAF_SHIFT, 2 * LEAF_SHIFT, -2 * LEAF_SHIFT };
  const gdouble beyond[3] = { LEAF_BEYOND, 24, LEAF_NEAR };
  guint n = place->has_leaf ? 15 : 9; /* a second one needs to go further aside */

  for (guint i = 0; i < n; i++)
    {
      gdouble angle = place->angle + shifts[i / 3];
      gdouble distance = self->radius + (EW_PLATE_HALF + beyond[i % 3]) * self->scale;
      EwAnchor anchor = is_upright (angle) ? EW_ANCHOR_MIDDLE : side_of (angle);
      EwPoint near = ew_polar (self->centre, distance, angle);
      gdouble half_x = width / 2 * (anchor == EW_ANCHOR_MIDDLE ? 0 : anchor == EW_ANCHOR_START ? 1 : -1);
      gdouble half_y = height / 2 * (anchor == EW_ANCHOR_MIDDLE ? (sin (angle) > 0 ? 1 : -1) : 0);
      EwBox box = { near.x + half_x, near.y + half_y, width, height, 0 };

      if (!is_free (room, &box))
        continue;
      *out = box;
      *out_near = near;
      return TRUE;
    }
  return FALSE;
}

/* Where the line to them ends: inside the round ends of the nearest one. */
static EwPoint
nearest_point (const EwBox *box, EwPoint from)
{
  gdouble half_x = MAX (box->width / 2 - CAPSULE_INSET, 0), half_y = MAX (box->height / 2 - CAPSULE_INSET, 0);

  return (EwPoint){ CLAMP (from.x, box->x - half_x, box->x + half_x),
                    CLAMP (from.y, box->y - half_y, box->y + half_y) };
}

static void
place_services (EwLayout *self, const Room *room, const EwLayoutNode *node, EwLayoutPlace *place)
{
  EwPoint near;

  if (node->services_width <= 0)
    return;
  place->has_services
    = place_capsule (self, room, place, node->services_width, node->services_height, &place->services, &near);
  if (!place->has_services && node->folded_width > 0)
    place->has_services = place->services_folded
      = place_capsule (self, room, place, node->folded_width, node->folded_height, &place->services, &near);
  if (place->has_services)
    place->services_near = nearest_point (&place->services, place->centre);
}

/* Networks first: a route says where whole sites are. */
void
ew_layout_leaves (EwLayout *self, const EwLayoutInput *input)
{
  Room room;

  room_init (&room, input);
  take_tokens (&room, self, input);
  for (guint i = 0; i < self->n_places && self->mode == EW_LAYOUT_FULL; i++)
    {
      EwLayoutPlace *place = &self->places[i];

      place->has_leaf = input->nodes[i].leaf_width > 0
                        && place_capsule (self, &room, place, input->nodes[i].leaf_width, input->nodes[i].leaf_height,
                                          &place->leaf, &place->leaf_near);
      if (place->has_leaf)
        take (&room, place->leaf);
    }
  for (guint i = 0; i < self->n_places && self->mode == EW_LAYOUT_FULL; i++)
    {
      place_services (self, &room, &input->nodes[i], &self->places[i]);
      if (self->places[i].has_services)
        take (&room, self->places[i].services);
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

      wish.anchor = is_upright (wish.angle) ? EW_ANCHOR_MIDDLE : side_of (wish.angle);
      for (wish.lines = 2; sector->present && wish.lines > 0; wish.lines--)
        {
          wish.width = MAX (input->sector_width[s], wish.lines == 2 ? input->sector_detail_width[s] : 0);
          wish.height = input->name_height + (wish.lines == 2 ? input->detail_height : 0);
          if (!place_outward (self, &room, &wish, &sector->label))
            continue;
          take (&room, sector->label.box);
          break;
        }
    }
  g_array_unref (room.taken);
}
