/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh as a dial: the edge in the center, every node on the ring around it with one spoke, this computer at 6
 * o'clock. Where things go is layout.h's; the pictures are in the UI notes.
 *
 * A token is a widget of its own, so that it has a role, a name and the focus. The map is one Tab stop: ← → walk the
 * ring, ↑ goes to the edge, ↓ and Home to this computer, letters find a name, Space shows the path, Enter activates,
 * Menu opens the actions, + − 0 zoom.
 *
 * Beyond 32 nodes there are seats: a sector is one widget; zoomed in, the seats in sight become tokens.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Properties: selected (GObject, read-write): an EwNode, whose path is drawn, the EwEdge, or NULL;
               search (string, read-write): "" or what to look for: those that match (model/search.h) stay, the rest
               is dimmed, and a line says how many there are.
   Signal: "activated" (GObject): Enter or a double click on a node or the edge. */
#define EW_TYPE_MAP_VIEW (ew_map_view_get_type ())
G_DECLARE_FINAL_TYPE (EwMapView, ew_map_view, EW, MAP_VIEW, GtkWidget)

GtkWidget *ew_map_view_new (EwDaemon *daemon, EwTopology *topology);
void ew_map_view_set_selected (EwMapView *self, GObject *selected);
void ew_map_view_set_search (EwMapView *self, const gchar *search);
/* Selects an EwNode or the EwEdge, brings it into sight and gives it the focus. */
void ew_map_view_go_to (EwMapView *self, GObject *object);

void ew_map_view_zoom_in (EwMapView *self);
void ew_map_view_zoom_out (EwMapView *self);
void ew_map_view_zoom_fit (EwMapView *self); /* all of it, in the middle */

G_END_DECLS
