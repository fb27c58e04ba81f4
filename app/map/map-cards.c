/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is on the map beside the ring: the path card, the legend, the zoom buttons, what the search
 * has found.
 */
#include "map/map-view-private.h"

#include <math.h>

#define CARD_MARGIN 16
/* In a narrow map the cards move out into its corners, from where the labels above and below the ring are. */
#define CARD_MARGIN_NARROW 3
#define NARROW 480
#define ROOM_FOR_LABELS 118 /* px per size of text, between the ring and the legend */

static gint
card_margin (EwMapView *self)
{
  return gtk_widget_get_width (GTK_WIDGET (self)) < NARROW ? CARD_MARGIN_NARROW : CARD_MARGIN;
}

/* In a bottom corner, mirrored where text runs from right to left. */
static void
allocate_corner (EwMapView *self, GtkWidget *widget, gboolean end)
{
  gboolean right = end != (gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL);
  gint width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gint w, h, margin = card_margin (self);

  if (!gtk_widget_should_layout (widget))
    return;
  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &w, NULL, NULL);
  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, -1, NULL, &h, NULL, NULL);
  gtk_widget_size_allocate (widget, &(GtkAllocation){ right ? width - w - margin : margin, height - h - margin, w, h },
                            -1);
}

/* The first place of the best shape where the card hides no word that would be shown without it; else where it hides
   the fewest. Kept until something else is selected, or the map has another size. FALSE: no place. */
static gboolean
choose_card (EwMapView *self, const EwCardShape *shapes, guint n_shapes, const EwLayoutInput *input)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  gint most = -1, wanted = ew_map_count_words (self, NULL);
  EwBox box;

  for (guint between = 0; between < 2 && most < 0; between++)
    for (guint shape = between ? n_shapes - 1 : 0; shape < n_shapes; shape++)
      for (guint corner = 0; corner < EW_CARD_CORNERS; corner++)
        if (most < wanted
            && ew_layout_card (self->dial, input, &shapes[shape], card_margin (self), corner, rtl, between, &box))
          {
            gint n = ew_map_count_words (self, &box);

            if (n <= most)
              continue;
            most = n;
            self->card_place = (EwCardPlace){ TRUE, shape, corner, between };
          }
  return most >= 0;
}

static void
place_card (EwMapView *self)
{
  GtkWidget *card = GTK_WIDGET (self->card);
  EwCardShape shapes[EW_PATH_CARD_SHAPES];
  EwLayoutInput input
    = { .width = gtk_widget_get_width (GTK_WIDGET (self)), .height = gtk_widget_get_height (GTK_WIDGET (self)) };
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL, is_placed;
  EwCardPlace *place = &self->card_place;
  guint n;
  EwBox box;

  if (!gtk_widget_should_layout (card))
    return;
  ew_map_reserve (self, &input, self->zoom_box);
  ew_map_reserve (self, &input, GTK_WIDGET (self->legend));
  n = ew_path_card_get_shapes (self->card, self->measures.text,
                               input.width / 2 - self->dial->reach - 2 * card_margin (self), shapes);
  for (guint i = 0; i < 2; i++)
    {
      is_placed = place->known && place->shape < n
                  && ew_layout_card (self->dial, &input, &shapes[place->shape], card_margin (self), place->corner, rtl,
                                     place->between, &box);
      if (is_placed || !choose_card (self, shapes, n, &input))
        break;
    }
  gtk_widget_set_child_visible (card, is_placed);
  if (!is_placed)
    return;
  ew_path_card_set_shape (self->card, place->shape);
  gtk_widget_size_allocate (card,
                            &(GtkAllocation){ (gint)round (box.x - box.width / 2), (gint)round (box.y - box.height / 2),
                                              (gint)box.width, (gint)box.height },
                            -1);
}

/* What there is room for beside the ring. */
static void
choose_corners (EwMapView *self, gint width, gint height)
{
  gdouble ring = self->dial->reach, beside = width / 2.0 - ring;
  gint margin = card_margin (self), wide, high, legend; /* of the zoom buttons; of the legend */

  gtk_widget_measure (self->zoom_box, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &wide, NULL, NULL);
  gtk_widget_measure (self->zoom_box, GTK_ORIENTATION_VERTICAL, -1, NULL, &high, NULL, NULL);
  gtk_widget_measure (GTK_WIDGET (self->legend), GTK_ORIENTATION_HORIZONTAL, -1, NULL, &legend, NULL, NULL);
  /* It never covers the ring: in a map this small, zoom with the wheel, two fingers or the keys. */
  gtk_widget_set_child_visible (self->zoom_box,
                                hypot (MAX (width / 2.0 - margin - wide, 0), MAX (height / 2.0 - margin - high, 0))
                                  > MIN (ring, MIN (width, height) / 2.0));
  gtk_widget_set_child_visible (GTK_WIDGET (self->legend),
                                beside >= legend + ROOM_FOR_LABELS * self->measures.text && self->zoom < 1.1);
}

/* At the top in the middle, below the path's card where that reaches so far. */
static void
allocate_found (EwMapView *self, gint width)
{
  GtkWidget *found = GTK_WIDGET (self->found);
  graphene_rect_t card;
  gint margin = card_margin (self), x, y = margin, w, h;

  if (!gtk_widget_should_layout (found))
    return;
  gtk_widget_measure (found, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &w, NULL, NULL);
  w = MIN (w, width);
  gtk_widget_measure (found, GTK_ORIENTATION_VERTICAL, w, NULL, &h, NULL, NULL);
  x = (width - w) / 2;
  if (gtk_widget_should_layout (GTK_WIDGET (self->card))
      && gtk_widget_compute_bounds (GTK_WIDGET (self->card), GTK_WIDGET (self), &card) && card.origin.x < x + w
      && card.origin.x + card.size.width > x)
    y += (gint)(card.origin.y + card.size.height);
  gtk_widget_size_allocate (found, &(GtkAllocation){ x, y, w, h }, -1);
}

void
ew_map_cards_allocate (EwMapView *self, gint width, gint height)
{
  choose_corners (self, width, height);
  allocate_corner (self, self->zoom_box, TRUE);
  allocate_corner (self, GTK_WIDGET (self->legend), FALSE);
  place_card (self);
  allocate_found (self, width);
}

void
ew_map_cards_allocate_legend (EwMapView *self)
{
  allocate_corner (self, GTK_WIDGET (self->legend), FALSE);
}
