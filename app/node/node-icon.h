/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which icon stands for a node, an edge or a state; the shape shows the kind: round for a person's device, square for a
 * server or a gateway.
 */
#pragma once

#include "model/node.h"

G_BEGIN_DECLS

#define EW_ICON_EDGE "edgeway-edge-symbolic"

const gchar *ew_node_icon_name (EwNode *node);
gboolean ew_node_icon_is_round (EwNode *node);
const gchar *ew_node_state_icon_name (EwNodeState state); /* shown with the state's words, never alone */

G_END_DECLS
