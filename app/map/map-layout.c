/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the layout is told about the map's nodes, words and cards.
 */
#include "map/map-view-private.h"

#include <math.h>

#include "map/map-services.h"
#include "map/map-words.h"

#define STATE_WORTH 4 /* a state is worth as many whole names */

static EwSector
sector_of (EwNode *node)
{
  return ew_node_is_gateway (node)                   ? EW_SECTOR_SITES
         : ew_node_get_kind (node) == EW_KIND_SERVER ? EW_SECTOR_SERVERS
                                                     : EW_SECTOR_DEVICES;
}

static gdouble
text_height (PangoLayout *layout)
{
  gint height = 0;

  if (layout != NULL)
    pango_layout_get_pixel_size (layout, NULL, &height);
  return height;
}

static void
describe_node (EwMapView *self, EwMapItem *item, EwLayoutNode *out)
{
  *out = (EwLayoutNode){ .id = ew_node_get_id (item->node),
                         .sector = sector_of (item->node),
                         .self = ew_node_is_self (item->node),
                         .selected = self->selected == G_OBJECT (item->node)
                                     || (item->token != NULL && gtk_widget_has_focus (GTK_WIDGET (item->token))),
                         .trouble = item->state != EW_NODE_ONLINE && item->state != EW_NODE_WAS_ONLINE,
                         .name_width = ceil (item->name_width / 6.0) * 6,
                         .name_least = self->measures.name_least,
                         .state_width = ew_map_text_width (item->state_text),
                         .detail_width = ew_map_text_width (item->detail) };
  if (item->leaf != NULL)
    {
      out->leaf_width = ew_map_text_width (item->leaf) + 32;
      out->leaf_height = text_height (item->leaf) + 10;
    }
}

void
ew_map_reserve (EwMapView *self, EwLayoutInput *input, GtkWidget *widget)
{
  graphene_rect_t rect;

  if (gtk_widget_get_visible (widget) && gtk_widget_get_child_visible (widget)
      && gtk_widget_compute_bounds (widget, GTK_WIDGET (self), &rect))
    input->reserved[input->n_reserved++]
      = ew_box_new (rect.origin.x - 4, rect.origin.y - 4, rect.size.width + 8, rect.size.height + 8);
}

EwLayoutMode
ew_map_coming_mode (EwMapView *self)
{
  /* Places that were left count too: only the layout knows them all. */
  guint n = MAX (self->items->len, self->layout != NULL ? ew_slots_total (self->slots) : 0);

  return n <= EW_LAYOUT_MAX_FULL ? EW_LAYOUT_FULL : n <= EW_LAYOUT_MAX_COMPACT ? EW_LAYOUT_COMPACT : EW_LAYOUT_SEATS;
}

/* input: its size, zoom and reserved places are there. */
static EwLayout *
make_layout (EwMapView *self, EwLayoutInput *input, EwLayoutMode mode)
{
  g_autofree EwLayoutNode *nodes = g_new0 (EwLayoutNode, self->items->len + 1);

  input->nodes = nodes;
  input->n_nodes = self->items->len;
  for (guint i = 0; i < self->items->len; i++)
    {
      EwMapItem *item = g_ptr_array_index (self->items, i);

      ew_map_write_item (self, item, mode);
      describe_node (self, item, &nodes[i]);
      ew_map_services_describe (self, item, mode, &nodes[i]);
    }
  ew_map_write_sectors (self, nodes, mode);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      input->sector_width[s] = ew_map_text_width (self->sector_names[s]);
      input->sector_detail_width[s] = ew_map_text_width (self->sector_details[s]);
    }
  input->text = self->measures.text;
  input->name_height = self->measures.name_height;
  input->detail_height = self->measures.detail_height;
  return ew_layout_new (input, self->slots);
}

static EwLayout *
make_dial (EwMapView *self, gint width, gint height, EwLayoutMode mode)
{
  EwLayoutInput input = { .width = width, .height = height, .tokens_only = TRUE };

  ew_map_reserve (self, &input, self->zoom_box);
  ew_map_reserve (self, &input, GTK_WIDGET (self->legend));
  return make_layout (self, &input, mode);
}

void
ew_map_measure_dial (EwMapView *self, gint width, gint height)
{
  EwLayoutMode mode = ew_map_coming_mode (self);
  EwLayout *dial = make_dial (self, width, height, mode);

  if (dial->mode != mode) /* places of those who left made it another one */
    {
      mode = dial->mode;
      ew_layout_free (dial);
      dial = make_dial (self, width, height, mode);
    }
  g_clear_pointer (&self->dial, ew_layout_free);
  self->dial = dial;
}

gint
ew_map_count_words (EwMapView *self, const EwBox *card)
{
  EwLayoutInput input = { .width = 2 * self->dial->centre.x, .height = 2 * self->dial->centre.y };
  g_autoptr (EwLayout) layout = NULL;
  gint n = 0;

  if (self->dial->mode == EW_LAYOUT_SEATS)
    return 0;
  if (card != NULL)
    input.reserved[input.n_reserved++] = *card;
  ew_map_reserve (self, &input, self->zoom_box);
  ew_map_reserve (self, &input, GTK_WIDGET (self->legend));
  layout = make_layout (self, &input, self->dial->mode);
  for (guint i = 0; i < layout->n_places; i++)
    {
      const EwLayoutLabel *label = &layout->places[i].label;

      n += label->lines == 2 ? STATE_WORTH : 0;
      n += label->lines > 0 && label->box.width >= ((EwMapItem *)g_ptr_array_index (self->items, i))->name_width;
    }
  return n;
}

EwLayout *
ew_map_make_layout (EwMapView *self, gint width, gint height)
{
  EwLayoutInput input = { .width = width, .height = height, .zoom = self->layout_zoom };

  if (self->layout_zoom <= 1) /* else labels move below them and out */
    {
      ew_map_reserve (self, &input, GTK_WIDGET (self->card));
      ew_map_reserve (self, &input, self->zoom_box);
      ew_map_reserve (self, &input, GTK_WIDGET (self->legend));
      ew_map_reserve (self, &input, GTK_WIDGET (self->found));
    }
  return make_layout (self, &input, self->dial->mode);
}
