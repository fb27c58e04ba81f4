/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's switch with two nodes on loopback, for hub-bench and threads-bench.
 */
#pragma once

#include "edge/switch/switch-private.h"
#include "hub-node.h"

/* Makes the switch and both nodes, 10.99.0.1 and 10.99.0.2, and their sessions. threads: that carry data, 0: as the
   switch chooses. NULL: it could not be, and stderr says why. */
EwSwitch *hub_switch_new (guint threads, HubNode *a, HubNode *b);
/* Of n ≥ 1 values, which it sorts. */
double hub_median (double *values, guint n);
