/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The networks behind a server, in a wizard's form: a switch, an entry to add one, a row each. A network that overlaps
 * another is refused here, with the name of the other gateway.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Signal "changed" (). */
#define EW_TYPE_NETWORKS (ew_networks_get_type ())
G_DECLARE_FINAL_TYPE (EwNetworks, ew_networks, EW, NETWORKS, AdwBin)

void ew_networks_set_topology (EwNetworks *self, EwTopology *topology);
/* Also takes the text left in the entry as a network. FALSE: it isn't a network, and the entry says why and has the
   focus; or the switch is on without a network. */
gboolean ew_networks_commit (EwNetworks *self);
/* NULL-terminated; empty where the switch is off. (transfer full) */
GStrv ew_networks_get (EwNetworks *self);

G_END_DECLS
