/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words on the map: labels, tooltips, and what is said of a token.
 */
#pragma once

#include "map/map-view-private.h"

G_BEGIN_DECLS

/* Writes the item's label and capsule for a scale of the map. TRUE: they have changed. */
gboolean ew_map_write_item (EwMapView *self, EwMapItem *item, EwLayoutMode mode);
/* A seat's name, at most width px wide; 0: it has none. */
void ew_map_write_seat (EwMapView *self, EwMapItem *item, gint width);
/* The sectors' names; seats: their labels. nodes: as the items. */
void ew_map_write_sectors (EwMapView *self, const EwLayoutNode *nodes, EwLayoutMode mode);
/* As wide as the layout says. */
void ew_map_fit_label (EwMapView *self, EwMapItem *item, const EwLayoutLabel *label);
/* For the layout: a digit more or less moves no label. NULL: 0. */
gdouble ew_map_text_width (PangoLayout *layout);
/* (transfer full) bold: of what stands on a pill. */
PangoLayout *ew_map_text (EwMapView *self, gdouble scale, gboolean bold, const gchar *text);

PangoLayout *ew_map_markup (EwMapView *self, gdouble scale, const gchar *markup);

void ew_map_say_node (EwMapView *self, EwMapItem *item, const EwLayoutPlace *place);
void ew_map_say_edge (EwMapView *self);
void ew_map_say_sector (EwMapView *self, EwSector sector);

G_END_DECLS
