/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The networks behind a gateway, each with what this computer does with it and, where that can be chosen, a switch. The
 * switch moves when the daemon has done it.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"
#include "model/node.h"

G_BEGIN_DECLS

#define EW_TYPE_ROUTE_ROWS (ew_route_rows_get_type ())
G_DECLARE_FINAL_TYPE (EwRouteRows, ew_route_rows, EW, ROUTE_ROWS, AdwBin)

/* node: NULL: none. Hidden where the node has no routes. */
void ew_route_rows_set_node (EwRouteRows *self, EwDaemon *daemon, EwNode *node);

G_END_DECLS
