/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the list view shows, in its order: the edges, then devices, servers and sites, this computer first and the rest
 * by name, then services, and of these only what matches the search. A GListModel of EwNodeRow. No GTK.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

typedef enum
{
  EW_GROUP_EDGE,
  EW_GROUP_DEVICES,
  EW_GROUP_SERVERS,
  EW_GROUP_SITES, /* gateways to networks, whatever their kind */
  EW_GROUP_SERVICES,
} EwGroup;

const gchar *ew_group_title (EwGroup group);

/* One line of the list. It stays the same object as long as its node is shown.
   Properties, read-only: object (EwNode, EwEdge or EwService); first, last b: of its group, notified. */
#define EW_TYPE_NODE_ROW (ew_node_row_get_type ())
G_DECLARE_FINAL_TYPE (EwNodeRow, ew_node_row, EW, NODE_ROW, GObject)

GObject *ew_node_row_get_object (EwNodeRow *self); /* borrowed */
EwNode *ew_node_row_get_node (EwNodeRow *self);    /* borrowed; NULL: it is an edge or a service */
EwGroup ew_node_row_get_group (EwNodeRow *self);
gboolean ew_node_row_is_first (EwNodeRow *self);
gboolean ew_node_row_is_last (EwNodeRow *self);

#define EW_TYPE_NODE_ROWS (ew_node_rows_get_type ())
G_DECLARE_FINAL_TYPE (EwNodeRows, ew_node_rows, EW, NODE_ROWS, GObject)

/* nodes: a GListModel of EwNode; edges: of EwEdge; services: of EwService. Follows them and the names and routes in them, coalesced in an idle
   of the main context. */
EwNodeRows *ew_node_rows_new (GListModel *nodes, GListModel *edges, GListModel *services);
/* Words that must all be found in a node's name, addresses, routes or system (ew_search_matches()), case-folded. "" or NULL: everything. At
   once. */
void ew_node_rows_set_search (EwNodeRows *self, const gchar *search);
/* The row of a node, an edge or a service; G_MAXUINT: not shown. */
guint ew_node_rows_find (EwNodeRows *self, GObject *object);
/* Whether object is in the mesh at all, shown or not. */
gboolean ew_node_rows_knows (EwNodeRows *self, GObject *object);

G_END_DECLS
