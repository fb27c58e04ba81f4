/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What covers the dial when a path is chosen: the latencies of its legs, and its card.
 */
#include "map/layout-private.h"

#define CLEAR 4.0  /* px around what may not be covered */
#define STEPS 8    /* in which a card becomes narrower */
#define PLACES 9   /* tried along a spoke */
#define APART 0.07 /* of the spoke, between them */

static gboolean
covers_token (const EwLayout *self, const EwBox *box)
{
  for (guint i = 0; i < self->n_places; i++)
    {
      const EwLayoutPlace *place = &self->places[i];
      EwBox token = { place->centre.x, place->centre.y, place->size + CLEAR, place->size + CLEAR, 0 };

      if (place->leads && ew_box_overlaps (&token, box))
        return TRUE;
      if ((place->has_leaf && ew_box_overlaps (&place->leaf, box))
          || (place->has_services && ew_box_overlaps (&place->services, box)))
        return TRUE;
    }
  return FALSE;
}

/* Of a circle around the dial's center. */
static gboolean
covers_circle (const EwLayout *self, const EwBox *box, gdouble radius)
{
  gdouble dx = MAX (fabs (box->x - self->centre.x) - box->width / 2, 0);
  gdouble dy = MAX (fabs (box->y - self->centre.y) - box->height / 2, 0);

  return hypot (dx, dy) < radius;
}

static gboolean
covers_reserved (const EwLayoutInput *input, const EwBox *box)
{
  for (guint i = 0; i < input->n_reserved; i++)
    if (ew_box_overlaps (&input->reserved[i], box))
      return TRUE;
  return FALSE;
}

gboolean
ew_layout_card (const EwLayout *self, const EwLayoutInput *input, const EwCardShape *shape, gdouble margin,
                guint corner, gboolean rtl, gboolean between, EwBox *box)
{
  gboolean right = (corner ^ (rtl ? 1 : 0)) & 1, bottom = corner & 2;
  gdouble most = MIN (shape->natural, input->width - 2 * margin);

  for (guint step = 0; step <= STEPS && most >= shape->least; step++)
    {
      gdouble width = floor (most - (most - shape->least) * step / STEPS);

      *box = ew_box_new (right ? input->width - margin - width : margin,
                         bottom ? input->height - margin - shape->height : margin, width, shape->height);
      if (box->y - box->height / 2 < 0 || box->y + box->height / 2 > input->height)
        return FALSE;
      if (!covers_circle (self, box, (between ? self->edge_radius : self->reach) + CLEAR) && !covers_token (self, box)
          && !covers_reserved (input, box))
        return TRUE;
    }
  return FALSE;
}

static gboolean
covers_words (const EwLayout *self, const EwBox *box)
{
  for (guint i = 0; i < self->n_places; i++)
    if (self->places[i].label.lines > 0 && ew_box_overlaps (&self->places[i].label.box, box))
      return TRUE;
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if ((self->sectors[s].name_shown && ew_box_overlaps (&self->sectors[s].name, box))
        || (self->sectors[s].label.lines > 0 && ew_box_overlaps (&self->sectors[s].label.box, box)))
      return TRUE;
  return FALSE;
}

gboolean
ew_layout_pill (const EwLayout *self, guint index, gdouble width, gdouble height, const EwBox *others, guint n_others,
                EwBox *box)
{
  const EwLayoutPlace *place = &self->places[index];
  gdouble inner = self->edge_radius, outer = hypot (place->centre.x - self->centre.x, place->centre.y - self->centre.y);

  outer -= place->size / 2;
  for (guint i = 0; i < PLACES; i++)
    {
      /* The middle first, then further out and in by turns. */
      guint turn = (i + 1) / 2;
      gdouble share = 0.5 + APART * turn * (i % 2 ? 1 : -1);
      EwPoint at = ew_polar (self->centre, inner + (outer - inner) * share, place->angle);
      gboolean is_free = TRUE;

      *box = (EwBox){ at.x, at.y, width, height, 0 };
      for (guint k = 0; k < n_others; k++)
        is_free = is_free && !ew_box_overlaps (&others[k], box);
      if (is_free && !covers_circle (self, box, self->edge_radius) && !covers_words (self, box)
          && (self->mode == EW_LAYOUT_SEATS || !covers_token (self, box)))
        return TRUE;
    }
  return FALSE;
}
