/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which icon stands for a node, an edge, a service or a state; the shape shows the kind: round for a person's device, square for a
 * server or a gateway.
 */
#pragma once

#include "model/node.h"
#include "model/service.h"

G_BEGIN_DECLS

#define EW_ICON_EDGE "edgeway-edge-symbolic"
#define EW_ICON_SERVICE "edgeway-service-symbolic"

const gchar *ew_node_icon_name (EwNode *node);
gboolean ew_node_icon_is_round (EwNode *node);
const gchar *ew_node_state_icon_name (EwNodeState state);       /* shown with the state's words, never alone */
const gchar *ew_service_state_icon_name (EwServiceState state); /* likewise */

G_END_DECLS
