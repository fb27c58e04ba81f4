/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `edgeway-edge run`: makes or opens the mesh, starts everything in order, and ends on SIGTERM or SIGINT.
 */
#pragma once

#include "edge/options.h"

G_BEGIN_DECLS

/* Returns the exit code; a failure has been reported on stderr. */
gint ew_edge_run (const EwEdgeOptions *options);

G_END_DECLS
