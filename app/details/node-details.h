/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The details panel's page of a node.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Signals: "edge-chosen" (): the person wants to see the edge; "chosen" (GObject): … that service. */
#define EW_TYPE_NODE_DETAILS (ew_node_details_get_type ())
G_DECLARE_FINAL_TYPE (EwNodeDetails, ew_node_details, EW, NODE_DETAILS, AdwBin)

void ew_node_details_set_model (EwNodeDetails *self, EwDaemon *daemon, EwTopology *topology); /* once */
void ew_node_details_set_node (EwNodeDetails *self, EwNode *node);                            /* NULL: none */
void ew_node_details_refresh (EwNodeDetails *self);                                           /* counters, clock */

G_END_DECLS
