/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The actions of a node as a menu: the same one on the map and in the list. Its items are the window's actions
 * (win.NAME, the node's ID as target); what cannot be done with this node is left out.
 */
#pragma once

#include "model/daemon.h"
#include "model/node.h"
#include "model/service.h"

G_BEGIN_DECLS

/* Transfer full. show_path: where the menu opens there is a path to show (the map). */
GMenuModel *ew_node_menu_new (EwNode *node, EwDaemon *daemon, gboolean show_path);

/* Likewise of the edge. (transfer full) */
GMenuModel *ew_edge_menu_new (EwEdge *edge);

/* Likewise of a service. (transfer full) */
GMenuModel *ew_service_menu_new (EwService *service, EwDaemon *daemon);

G_END_DECLS
