/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list view, the map's full equivalent: the edge, then devices, servers and sites with state, latency and rate.
 * Fast with a thousand nodes: only rows near the visible ones exist, and only they follow counters.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Properties: selected, read-write: an EwNode or an EwEdge, NULL: none (one that the search hides stays selected);
               search s, read-write: what must be found in a node, "": everything is shown.
   Signals: "activated" (GObject): Enter or a double click on an EwNode or EwEdge.
   The menu of a node has the window's actions (node/node-menu.h). */
#define EW_TYPE_NODE_LIST (ew_node_list_get_type ())
G_DECLARE_FINAL_TYPE (EwNodeList, ew_node_list, EW, NODE_LIST, GtkWidget)

GtkWidget *ew_node_list_new (EwDaemon *daemon, EwTopology *topology);
/* The EwNode or EwEdge of the first row that matches the search. Borrowed; NULL: no match. */
GObject *ew_node_list_get_first (EwNodeList *self);

G_END_DECLS
