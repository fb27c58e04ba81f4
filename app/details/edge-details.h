/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The details panel's page of an edge.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_EDGE_DETAILS (ew_edge_details_get_type ())
G_DECLARE_FINAL_TYPE (EwEdgeDetails, ew_edge_details, EW, EDGE_DETAILS, AdwBin)

void ew_edge_details_set_model (EwEdgeDetails *self, EwDaemon *daemon, EwTopology *topology); /* once */
void ew_edge_details_set_edge (EwEdgeDetails *self, EwEdge *edge);                            /* NULL: none */
void ew_edge_details_refresh (EwEdgeDetails *self);                                           /* counters */

G_END_DECLS
