/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/layout-private.h"

#define SECTOR_GAP 0.6     /* places */
#define PLATE_END 0.44     /* places beyond the first and last token */
#define PLATE_END_MAX 0.45 /* rad: a plate around one node of few isn't half the ring, unless it is the only one */
#define MAX_RADIUS 320.0
#define MIN_RADIUS 150.0   /* while there is room for it */
#define TIGHT_RADIUS 118.0 /* the spokes are still there */
#define TEXT_TIGHTENS 64.0 /* the radius that large words take away from the least one */
/* Beyond the tokens' middle, per size of text: two lines above and below, a name and its state beside. */
#define LINES_ROOM 38.0
#define BESIDE_ROOM 172.0
#define ALONG_ROOM 85.0  /* compact: a line along the spoke */
#define NAME_HEIGHT 16.0 /* of a sector's name, per size of text */
#define LINES_MARGIN 16.0
#define NAME_IN 43.0 /* sector names: inside the plate's inner edge, and half of their height more */

EwPoint
ew_polar (EwPoint centre, gdouble radius, gdouble angle)
{
  return (EwPoint){ centre.x + radius * cos (angle), centre.y + radius * sin (angle) };
}

EwBox
ew_box_new (gdouble left, gdouble top, gdouble width, gdouble height)
{
  return (EwBox){ left + width / 2, top + height / 2, width, height, 0 };
}

/* Half of the box's shadow on an axis. */
static gdouble
reach (const EwBox *box, gdouble ax, gdouble ay)
{
  gdouble c = cos (box->angle), s = sin (box->angle);

  return fabs (ax * c + ay * s) * box->width / 2 + fabs (-ax * s + ay * c) * box->height / 2;
}

gboolean
ew_box_overlaps (const EwBox *a, const EwBox *b)
{
  const gdouble angles[4] = { a->angle, a->angle + G_PI_2, b->angle, b->angle + G_PI_2 };

  for (guint i = 0; i < G_N_ELEMENTS (angles); i++)
    {
      gdouble ax = cos (angles[i]), ay = sin (angles[i]);
      gdouble distance = fabs ((a->x - b->x) * ax + (a->y - b->y) * ay);

      if (distance >= reach (a, ax, ay) + reach (b, ax, ay))
        return FALSE;
    }
  return TRUE;
}

gdouble
ew_layout_text (const EwLayoutInput *input)
{
  return MAX (input->text, 1);
}

gdouble
ew_spoke_width (gdouble bytes_a_second, gdouble previous)
{
  gdouble megabits = MAX (bytes_a_second, 0) * 8 / 1e6;
  gdouble width = MIN (1.6 + 1.75 * log10 (1 + 2 * megabits), 9.0);

  return previous > 0 && fabs (width - previous) < 0.4 ? previous : width;
}

static guint
count_sectors (EwSlots *slots)
{
  guint n = 0;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    n += ew_slots_length (slots, s) > 0;
  return n;
}

/* The ring's length in places, and where each sector begins. One alone has no gap: few nodes are spread evenly. */
static gdouble
measure_ring (EwSlots *slots, gdouble starts[EW_N_SECTORS])
{
  gdouble x = 0, gap = count_sectors (slots) > 1 ? SECTOR_GAP : 0;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      guint length = ew_slots_length (slots, s);

      starts[s] = x;
      x += length > 0 ? length + gap : 0;
    }
  return MAX (x, 1);
}

/* The place that is turned to 6 o'clock: this computer's, or the first one while that is unknown. */
static gdouble
find_origin (const EwLayoutInput *input, EwSlots *slots, const gdouble starts[EW_N_SECTORS])
{
  for (guint i = 0; i < input->n_nodes; i++)
    if (input->nodes[i].self)
      return starts[input->nodes[i].sector] + ew_slots_index (slots, input->nodes[i].id);
  return 0;
}

/* The ring's radius, and the scale at which it fits a size that is too small for it. */
static void
choose_radius (EwLayout *self, const EwLayoutInput *input)
{
  gboolean full = self->mode == EW_LAYOUT_FULL;
  gdouble half = MIN (input->width, input->height) / 2, text = ew_layout_text (input);
  gdouble above
    = full ? EW_LABEL_DISTANCE + LINES_MARGIN + LINES_ROOM * text : EW_LABEL_DISTANCE_COMPACT + ALONG_ROOM * text;
  gdouble beside = EW_LABEL_DISTANCE + BESIDE_ROOM * text;
  gdouble wanted = MIN (input->height / 2 - above, input->width / 2 - beside);
  gdouble beyond = (full ? EW_PLATE_HALF : EW_PLATE_HALF_COMPACT) + 6;
  gdouble token = full ? EW_TOKEN_SIZE + 8 : EW_TOKEN_SIZE_COMPACT + 2;
  gdouble least = MAX (TIGHT_RADIUS, token / 2 / sin (MIN (self->slot, G_PI) / 2));
  gdouble usual = MAX (MIN_RADIUS - TEXT_TIGHTENS * (text - 1), TIGHT_RADIUS);
  gdouble floor_radius = MAX (MIN (usual, half - beyond), least);

  self->radius = MAX (CLAMP (wanted, floor_radius, MAX_RADIUS), least);
  self->scale = CLAMP ((half - 2) / (self->radius + beyond), 0.05, 1);
  self->radius *= self->scale * self->zoom;
  self->scale = MIN (self->scale * self->zoom, 1);
  token = full ? EW_TOKEN_SIZE : EW_TOKEN_SIZE_COMPACT;
  self->edge_radius
    = MIN (EW_EDGE_RADIUS * text, self->radius / self->scale - token / 2 - EW_SPOKE_LEAST) * self->scale;
  self->reach = self->radius + (beyond - 6) * self->scale;
}

static void
place_sector (EwLayout *self, const EwLayoutInput *input, EwSlots *slots, EwSector sector, gdouble start)
{
  EwLayoutSector *out = &self->sectors[sector];
  guint length = ew_slots_length (slots, sector);
  gdouble end = MIN (PLATE_END * self->slot, count_sectors (slots) > 1 ? PLATE_END_MAX : G_PI);
  gdouble half = (self->mode == EW_LAYOUT_FULL ? EW_PLATE_HALF : EW_PLATE_HALF_COMPACT) * self->scale;
  gdouble name_half = input->sector_width[sector] / 2 + 7, name_height = NAME_HEIGHT * ew_layout_text (input);
  gdouble last = start + (MAX (length, 1) - 1) * self->slot;
  EwPoint at;

  out->n_live = ew_slots_n_live (slots, sector);
  out->present = out->n_live > 0;
  out->from = start - end;
  out->to = last + end;
  out->inner = self->radius - half;
  out->outer = self->radius + half;
  out->port_angle = (start + last) / 2;
  out->name_radius = self->radius - NAME_IN * self->scale - name_height / 2;
  /* Between two spokes in the middle; beside the only one. */
  guint before = length > 1 ? (length - 1) / 2 : 0; /* whole slots before the middle's left spoke */
  out->name_angle = length > 1 ? start + (before + 0.5) * self->slot : start + name_half / out->name_radius;
  out->name_shown = self->mode == EW_LAYOUT_FULL && out->present && self->scale > 0.85
                    && out->name_radius - name_height / 2 > self->edge_radius + 8
                    && 2 * name_half < self->slot * (length > 1 ? 1 : 1.3) * out->name_radius;
  at = ew_polar (self->centre, out->name_radius, out->name_angle);
  out->name = (EwBox){ at.x, at.y, input->sector_width[sector], name_height, out->name_angle + G_PI_2 };
}

static void
place_token (EwLayout *self, EwLayoutPlace *place, gdouble angle)
{
  place->angle = angle;
  place->leads = TRUE;
  place->centre = ew_polar (self->centre, self->radius, angle);
  place->size = (self->mode == EW_LAYOUT_FULL ? EW_TOKEN_SIZE : EW_TOKEN_SIZE_COMPACT) * self->scale;
  place->port_angle = angle;
  place->port = ew_polar (self->centre, self->edge_radius, angle);
}

static void
place_tokens (EwLayout *self, const EwLayoutInput *input, EwSlots *slots)
{
  gdouble starts[EW_N_SECTORS];
  gdouble length = measure_ring (slots, starts);
  gdouble origin = find_origin (input, slots, starts);

  self->slot = 2 * G_PI / length;
  choose_radius (self, input);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    place_sector (self, input, slots, s, EW_SIX_OCLOCK + (starts[s] - origin) * self->slot);
  for (guint i = 0; i < input->n_nodes; i++)
    {
      const EwLayoutNode *node = &input->nodes[i];
      gdouble x = starts[node->sector] + ew_slots_index (slots, node->id);

      place_token (self, &self->places[i], EW_SIX_OCLOCK + (x - origin) * self->slot);
    }
}

static void
update_slots (const EwLayoutInput *input, EwSlots *slots)
{
  g_autofree const gchar **ids = g_new (const gchar *, input->n_nodes + 1);
  g_autofree EwSector *sectors = g_new (EwSector, input->n_nodes + 1);

  for (guint i = 0; i < input->n_nodes; i++)
    {
      ids[i] = input->nodes[i].id;
      sectors[i] = input->nodes[i].sector;
    }
  ew_slots_update (slots, ids, sectors, input->n_nodes);
}

EwLayout *
ew_layout_new (const EwLayoutInput *input, EwSlots *slots)
{
  EwLayout *self = g_new0 (EwLayout, 1);
  EwLayoutInput zoomed = *input;
  guint total;

  update_slots (input, slots);
  total = ew_slots_total (slots);
  self->mode = total <= EW_LAYOUT_MAX_FULL      ? EW_LAYOUT_FULL
               : total <= EW_LAYOUT_MAX_COMPACT ? EW_LAYOUT_COMPACT
                                                : EW_LAYOUT_SEATS;
  self->zoom = MAX (input->zoom, 1);
  zoomed.width *= self->zoom;
  zoomed.height *= self->zoom;
  self->centre = (EwPoint){ zoomed.width / 2, zoomed.height / 2 };
  self->nodes_per_seat = 1;
  self->n_places = input->n_nodes;
  self->places = g_new0 (EwLayoutPlace, MAX (input->n_nodes, 1));
  if (self->mode == EW_LAYOUT_SEATS)
    {
      ew_layout_seats (self, input, slots);
      ew_layout_sector_labels (self, &zoomed);
      return self;
    }
  place_tokens (self, input, slots);
  ew_layout_leaves (self, &zoomed);
  if (!input->tokens_only)
    ew_layout_labels (self, &zoomed);
  return self;
}

void
ew_layout_free (EwLayout *self)
{
  g_free (self->places);
  g_free (self);
}
