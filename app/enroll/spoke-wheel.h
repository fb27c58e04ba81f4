/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small picture of the mesh after a node was added: the edge, some of the nodes, and the new one's spoke and this
 * computer's in the accent color. It says nothing that the page's heading does not, so screen readers pass it over.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_SPOKE_WHEEL (ew_spoke_wheel_get_type ())
G_DECLARE_FINAL_TYPE (EwSpokeWheel, ew_spoke_wheel, EW, SPOKE_WHEEL, GtkWidget)

void ew_spoke_wheel_set_node (EwSpokeWheel *self, EwTopology *topology, EwNode *added);

G_END_DECLS
