/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A ping on demand: the button starts it and, while it runs, cancels it; the answer or the reason for none stays below.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"
#include "model/node.h"

G_BEGIN_DECLS

#define EW_TYPE_PING_ROW (ew_ping_row_get_type ())
G_DECLARE_FINAL_TYPE (EwPingRow, ew_ping_row, EW, PING_ROW, AdwActionRow)

/* target: NULL: the edge. Another target than before ends a ping that runs and clears its answer. */
void ew_ping_row_set_target (EwPingRow *self, EwDaemon *daemon, EwNode *target);

G_END_DECLS
