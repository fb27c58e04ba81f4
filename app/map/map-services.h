/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The capsules of services: each hangs at the nodes that it leads to, beyond the ring. Many at one node are folded into
 * one capsule, "12 services". A larger mesh, with one line to a node, has none: there the node's words say it.
 */
#pragma once

#include "map/map-view-private.h"

G_BEGIN_DECLS

/* Which capsules each item has, after services or nodes have changed. */
void ew_map_services_update (EwMapView *self);
void ew_map_services_clear (EwMapItem *item); /* frees them, and their tokens */
/* Writes them for a scale of the map, and says how much room they need. */
void ew_map_services_describe (EwMapView *self, EwMapItem *item, EwLayoutMode mode, EwLayoutNode *out);
void ew_map_services_restyle (EwMapView *self); /* another font: they are written again */
/* After a layout: those that are shown have a token, with its face and words. */
void ew_map_services_retouch (EwMapView *self);
void ew_map_services_allocate (EwMapView *self, GskTransform *view);
void ew_map_services_draw_lines (EwMapView *self, GtkSnapshot *snapshot);
/* Puts the tokens that are shown of an item at the end of ring. */
void ew_map_services_add_to_ring (EwMapItem *item, GPtrArray *ring);
/* The token of a service, or the one it is folded into; NULL: none is shown. */
EwToken *ew_map_service_token (EwMapView *self, EwService *service);
/* "ha, nas-web", for a tooltip; NULL: the node has none. (transfer full) */
gchar *ew_map_service_names (EwMapItem *item);

G_END_DECLS
