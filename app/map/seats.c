/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * More nodes than tokens have room for: every sector is a wedge of seats, in rows around the edge. The rows of a wedge
 * are filled evenly, so that no column is ragged; its seats are counted clockwise.
 */
#include "map/layout-private.h"

#define WEDGE_GAP 0.042  /* rad between wedges */
#define WEDGE_LEAST 0.14 /* rad, 8° */
#define BAND_INNER 130.0
#define BAND_OUTER 195.0 /* below this everything shrinks */
#define BAND_OUTER_MAX 365.0
#define PITCH_MAX 20.0
#define PITCH_LEAST 5.2
#define DOT_SHARE 0.64 /* a dot's diameter, of the pitch */
#define DOT_MOST 18.0
#define MAX_ROWS 96

typedef struct
{
  gdouble angle, radius;
} Seat;

typedef struct
{
  gdouble span[EW_N_SECTORS];
  guint seats[EW_N_SECTORS];
  gdouble inner, outer; /* of the band that may be used */
  gdouble pitch;
  gdouble first; /* radius of the first row */
  guint rows;
} Band;

/* Each sector's share of the circle, none thinner than can be hit. */
static void
share_circle (Band *band)
{
  guint parts = 0, total = 0, thin_parts = 0, rest = 0;
  gdouble circle;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      parts += band->seats[s] > 0;
      total += band->seats[s];
    }
  circle = 2 * G_PI - parts * WEDGE_GAP;
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (band->seats[s] > 0 && circle * band->seats[s] / total < WEDGE_LEAST)
      thin_parts++;
    else
      rest += band->seats[s];
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (band->seats[s] > 0)
      band->span[s] = circle * band->seats[s] / total < WEDGE_LEAST
                        ? WEDGE_LEAST
                        : (circle - thin_parts * WEDGE_LEAST) * band->seats[s] / rest;
}

static gboolean
holds (const Band *band, gdouble first, guint rows)
{
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      guint room = 0;

      for (guint row = 0; row < rows; row++)
        room += (guint)(band->span[s] * (first + row * band->pitch) / band->pitch);
      if (room < band->seats[s])
        return FALSE;
    }
  return TRUE;
}

/* The widest pitch at which all have a seat, then the fewest rows, in the middle of the band. */
static gboolean
choose_rows (Band *band)
{
  gdouble middle = (band->inner + band->outer) / 2;

  for (band->pitch = PITCH_MAX; band->pitch >= PITCH_LEAST; band->pitch -= 0.1)
    {
      guint most = MIN ((guint)((band->outer - band->inner) / band->pitch) + 1, MAX_ROWS);

      if (!holds (band, band->inner, most))
        continue;
      for (band->rows = MIN (2, most); band->rows < most; band->rows++)
        if (holds (band, middle - (band->rows - 1) * band->pitch / 2, band->rows))
          break;
      band->first = MAX (band->inner, middle - (band->rows - 1) * band->pitch / 2);
      return TRUE;
    }
  return FALSE;
}

static gint
compare_seats (gconstpointer a, gconstpointer b)
{
  const Seat *left = a, *right = b;

  if (fabs (left->angle - right->angle) > 1e-9)
    return left->angle < right->angle ? -1 : 1;
  return left->radius < right->radius ? -1 : left->radius > right->radius;
}

/* Rows get their share by their length; the first one has a seat exactly in the middle where that is needed. */
static void
share_rows (const Band *band, guint n, gboolean odd, guint counts[MAX_ROWS])
{
  gdouble length = 0, before = 0;
  guint given = 0;

  for (guint row = 0; row < band->rows; row++)
    length += band->first + row * band->pitch;
  for (guint row = 0; row < band->rows; row++)
    {
      before += band->first + row * band->pitch;
      counts[row] = (guint)floor (n * before / length + 0.5) - given;
      given += counts[row];
    }
  if (!odd || counts[0] % 2 == 1 || band->rows < 2)
    return;
  for (guint row = 1; row < band->rows; row++)
    if (counts[0] == 0 && counts[row] > 0)
      {
        counts[0]++;
        counts[row]--;
      }
  if (counts[0] % 2 == 0)
    {
      counts[0]--;
      counts[1]++;
    }
}

/* (transfer full): the wedge's seats, clockwise; *middle is the one in the middle of the first row. */
static Seat *
make_seats (const Band *band, EwSector sector, gdouble from, gboolean odd, guint *middle)
{
  guint n = band->seats[sector], k = 0, counts[MAX_ROWS] = { 0 };
  Seat *seats = g_new0 (Seat, n + 1);
  gdouble centre = from + band->span[sector] / 2;

  share_rows (band, n, odd, counts);
  for (guint row = 0; row < band->rows; row++)
    for (guint i = 0; i < counts[row] && k < n; i++)
      seats[k++] = (Seat){ from + band->span[sector] * (i + 0.5) / counts[row], band->first + row * band->pitch };
  qsort (seats, n, sizeof (Seat), (int (*) (const void *, const void *))compare_seats);
  *middle = 0;
  for (guint i = 0; i < n; i++)
    if (seats[i].radius < band->first + 0.5
        && fabs (seats[i].angle - centre)
             < fabs (seats[*middle].angle - centre) + (seats[*middle].radius < band->first + 0.5 ? 0 : 2 * G_PI))
      *middle = i;
  return seats;
}

static gint
compare_index (gconstpointer a, gconstpointer b, gpointer data)
{
  const guint *order = data;
  guint left = order[*(const guint *)a], right = order[*(const guint *)b];

  return left < right ? -1 : left > right;
}

static void
sit (EwLayout *self, EwLayoutPlace *place, const Seat *seat, EwSector sector, gboolean leads)
{
  place->angle = seat->angle;
  place->centre = ew_polar (self->centre, seat->radius, seat->angle);
  place->size = MIN (self->pitch * DOT_SHARE, DOT_MOST);
  place->leads = leads;
  place->port_angle = self->sectors[sector].port_angle;
  place->port = ew_polar (self->centre, self->edge_radius, place->port_angle);
}

/* Seats the sector's nodes: this computer in the middle of the first row, those that need attention from the clockwise
   end, the rest from the other end. */
static void
seat_nodes (EwLayout *self, const EwLayoutInput *input, EwSector sector, const GArray *members, const Band *band,
            gboolean has_self)
{
  guint n = band->seats[sector], middle, online = 0, trouble = 0, share = self->nodes_per_seat;
  g_autofree Seat *seats = make_seats (band, sector, self->sectors[sector].from, has_self, &middle);

  for (guint i = 0; i < members->len && n > 0; i++)
    {
      guint index = g_array_index (members, guint, i);
      const EwLayoutNode *node = &input->nodes[index];
      guint *counter = node->trouble ? &trouble : &online;
      guint seat = *counter / share;

      if (node->self)
        {
          Seat own = seats[middle];

          own.angle = EW_SIX_OCLOCK;
          sit (self, &self->places[index], &own, sector, TRUE);
          self->places[index].port_angle = EW_SIX_OCLOCK;
          self->places[index].port = ew_polar (self->centre, self->edge_radius, EW_SIX_OCLOCK);
          continue;
        }
      if (node->trouble)
        seat = n - 1 - MIN (seat, n - 1);
      /* This computer's seat is taken: a node that reaches it from either end gets the next one. */
      if (has_self && !node->trouble && seat >= middle)
        seat++;
      else if (has_self && node->trouble && seat <= middle)
        seat = MAX (seat, 1) - 1;
      sit (self, &self->places[index], &seats[MIN (seat, n - 1)], sector, *counter % share == 0);
      (*counter)++;
    }
}

static void
make_band (EwLayout *self, const EwLayoutInput *input, EwSlots *slots, Band *band)
{
  gdouble half = MIN (input->width, input->height) / 2;
  gdouble text = ew_layout_text (input);
  gdouble wanted = MIN (input->height / 2 - (25 + 38 * text), input->width / 2 - (9 + 172 * text));

  band->outer = MAX (CLAMP (wanted, MIN (BAND_OUTER, half - 14), BAND_OUTER_MAX), 8);
  self->scale = MIN (1, band->outer / BAND_OUTER);
  band->inner = BAND_INNER * self->scale;
  for (self->nodes_per_seat = ew_slots_total (slots) > EW_LAYOUT_MAX_SEATS ? 10 : 1;; self->nodes_per_seat *= 10)
    {
      for (guint s = 0; s < EW_N_SECTORS; s++)
        {
          guint length = ew_slots_length (slots, s), share = self->nodes_per_seat;

          /* Shared seats: this computer has one of its own, and both ends may have a seat that isn't full. */
          band->seats[s] = length == 0 || share == 1 ? length : length / share + 3;
        }
      share_circle (band);
      if (choose_rows (band))
        break;
      if (self->nodes_per_seat >= 100000)
        {
          band->pitch = 2;
          band->rows = 2;
          band->first = band->inner;
          break;
        }
    }
  band->first *= self->zoom;
  band->pitch *= self->zoom;
  self->scale = MIN (self->scale * self->zoom, 1);
  self->edge_radius
    = MIN (EW_EDGE_RADIUS * text * self->scale, band->inner * self->zoom - EW_SPOKE_LEAST * self->scale);
  self->pitch = band->pitch;
  self->radius = band->first + (band->rows - 1) * band->pitch / 2;
}

static void
place_wedges (EwLayout *self, const Band *band, EwSlots *slots, gint own)
{
  gdouble x = 0, origin = 0;
  gdouble margin = MAX (band->pitch * 0.8, 6 * self->scale * self->zoom);

  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      EwLayoutSector *sector = &self->sectors[s];

      sector->n_live = ew_slots_n_live (slots, s);
      sector->present = sector->n_live > 0;
      sector->from = x;
      sector->to = x + band->span[s];
      sector->inner = band->first - margin;
      sector->outer = band->first + (band->rows - 1) * band->pitch + margin;
      self->reach = sector->outer;
      if (own == (gint)s || (own < 0 && origin <= 0 && band->seats[s] > 0))
        origin = (sector->from + sector->to) / 2;
      x += band->seats[s] > 0 ? band->span[s] + WEDGE_GAP : 0;
    }
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      EwLayoutSector *sector = &self->sectors[s];

      sector->from += EW_SIX_OCLOCK - origin;
      sector->to += EW_SIX_OCLOCK - origin;
      sector->port_angle = sector->name_angle = (sector->from + sector->to) / 2;
    }
}

void
ew_layout_seats (EwLayout *self, const EwLayoutInput *input, EwSlots *slots)
{
  g_autofree guint *order = g_new0 (guint, input->n_nodes + 1);
  Band band = { 0 };
  gint own = -1;

  for (guint i = 0; i < input->n_nodes; i++)
    {
      order[i] = ew_slots_index (slots, input->nodes[i].id);
      if (input->nodes[i].self)
        own = input->nodes[i].sector;
    }
  make_band (self, input, slots, &band);
  place_wedges (self, &band, slots, own);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      g_autoptr (GArray) members = g_array_new (FALSE, FALSE, sizeof (guint));

      for (guint i = 0; i < input->n_nodes; i++)
        if (input->nodes[i].sector == s)
          g_array_append_val (members, i);
      g_array_sort_with_data (members, compare_index, order);
      seat_nodes (self, input, s, members, &band, own == (gint)s);
    }
}
