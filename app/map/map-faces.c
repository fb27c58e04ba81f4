/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What each token looks like and is called: the selection, the search, the names of seats.
 */
#include "map/map-view-private.h"

#include <math.h>

#include "map/map-services.h"
#include "map/map-words.h"
#include "model/search.h"
#include "node/node-icon.h"

#define SEAT_NAME_MOST 160.0
#define SEAT_NAME_GAP 4.0
#define SEAT_SIZE_MOST 36.0

/* What seats look like at this pitch. */
static void
measure_seats (EwMapView *self)
{
  gdouble line = self->measures.detail_height, pitch = self->layout->pitch;

  self->seats_named
    = self->layout->mode == EW_LAYOUT_SEATS && self->layout->nodes_per_seat == 1 && pitch >= ew_map_named_pitch (self);
  self->seat_line = line;
  self->seat_size = CLAMP (pitch * 0.8, 1, MIN (self->seats_named ? pitch - line - 8 : pitch, SEAT_SIZE_MOST));
}

/* How wide a seat's name may be: it lies on no other token, and on no name that is as wide. */
static gint
seat_name_room (EwMapView *self, guint index)
{
  const EwMapItem *item = g_ptr_array_index (self->items, index);
  gdouble size = self->seat_size, line = self->seat_line, half = SEAT_NAME_MOST / 2;
  EwPoint at = self->layout->places[index].centre;

  if (item->token == NULL || !self->seats_named)
    return 0;
  for (guint i = 0; i < self->items->len; i++)
    {
      EwPoint other = self->layout->places[i].centre;
      gdouble dx = fabs (other.x - at.x), dy = other.y - at.y;

      if (i == index || dx > SEAT_NAME_MOST || fabs (dy) > size + line)
        continue;
      if (fabs (dy) < line) /* two names side by side */
        half = MIN (half, (dx - SEAT_NAME_GAP) / 2);
      if (dy > 0 || fabs (dy) < line / 2) /* a token beside the name, or below it */
        half = MIN (half, dx - size / 2 - SEAT_NAME_GAP);
    }
  return half < line ? 0 : (gint)(2 * half);
}

static void
retouch_item (EwMapView *self, guint index, gchar **words)
{
  EwMapItem *item = g_ptr_array_index (self->items, index);
  const EwLayoutPlace *place = &self->layout->places[index];
  gboolean selected = self->selected == G_OBJECT (item->node);
  gboolean has_capsule = place->has_leaf || place->has_services;
  EwTokenFace face = { .icon_name = ew_node_icon_name (item->node),
                       .round = ew_node_icon_is_round (item->node),
                       .self = ew_node_is_self (item->node),
                       .selected = selected,
                       .on_path = ew_map_is_on_path (self, item),
                       .badge_up = has_capsule && sin (place->angle) > 0,
                       .past = !ew_map_is_current (self),
                       .state = item->state };

  if (self->layout->mode == EW_LAYOUT_SEATS)
    ew_map_write_seat (self, item, seat_name_room (self, index));
  item->dimmed = !ew_search_matches (words, G_OBJECT (item->node));
  face.dimmed = item->dimmed;
  if (item->token == NULL)
    return;
  ew_token_set_size (item->token, self->layout->mode == EW_LAYOUT_SEATS ? self->seat_size : place->size);
  ew_token_set_face (item->token, &face, self->colors);
  ew_map_say_node (self, item, place);
}

static void
retouch_hub (EwMapView *self, gchar **words)
{
  EwEdge *edge = ew_topology_get_edge (self->topology);
  EwTokenFace face = { .icon_name = EW_ICON_EDGE,
                       .round = TRUE,
                       .selected = self->selected != NULL && self->selected == (GObject *)edge,
                       .dimmed = edge != NULL && !ew_search_matches (words, G_OBJECT (edge)),
                       .state = ew_map_is_current (self)    ? EW_NODE_ONLINE
                                : ew_map_misses_edge (self) ? EW_NODE_OFFLINE
                                                            : EW_NODE_WAS_ONLINE };

  ew_token_set_size (self->hub, 2 * self->layout->edge_radius);
  ew_token_set_face (self->hub, &face, self->colors);
  ew_map_say_edge (self);
}

void
ew_map_items_retouch (EwMapView *self)
{
  g_auto (GStrv) words = ew_search_words (self->search);

  if (self->layout == NULL)
    return;
  measure_seats (self);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    self->sector_dimmed[s] = TRUE;
  for (guint i = 0; i < self->items->len; i++)
    {
      const EwMapItem *item = g_ptr_array_index (self->items, i);

      retouch_item (self, i, words);
      if (!item->dimmed)
        self->sector_dimmed[item->sector] = FALSE;
    }
  retouch_hub (self, words);
  ew_map_services_retouch (self);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (self->wedges[s] != NULL)
      {
        const EwLayoutSector *sector = &self->layout->sectors[s];
        EwTokenFace face = { 0 };

        ew_token_set_wedge (self->wedges[s], sector->from, sector->to, sector->inner, sector->outer);
        ew_token_set_face (self->wedges[s], &face, self->colors);
        ew_map_say_sector (self, s);
      }
  ew_map_redraw (self);
}

/* Outside the places given to all: its size may change. */
void
ew_map_update_found (EwMapView *self)
{
  g_auto (GStrv) words = ew_search_words (self->search);
  g_autofree gchar *found = ew_search_found (words, self->topology);

  gtk_label_set_label (self->found, found != NULL ? found : "");
  gtk_widget_set_visible (GTK_WIDGET (self->found), found != NULL);
}
