/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The services that lead to the details' node, each with how it is doing. Not there where none does.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Signal: "chosen" (GObject): the person wants to see that service. */
#define EW_TYPE_SERVICE_ROWS (ew_service_rows_get_type ())
G_DECLARE_FINAL_TYPE (EwServiceRows, ew_service_rows, EW, SERVICE_ROWS, AdwBin)

void ew_service_rows_set_node (EwServiceRows *self, EwTopology *topology, EwNode *node); /* NULL: none */

G_END_DECLS
