/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A mesh that is not there, fed into a real EwTopology: for pictures and benchmarks of the map.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* From now on names have this many letters (0: unchanged), and addresses and networks are long. */
void ew_fake_lengthen (guint letters, gboolean addresses);
/* What a node of this name is called then. (transfer full) */
gchar *ew_fake_name (const gchar *name);
/* n nodes, the first one this computer; the first nine are those of the design's pictures. */
void ew_fake_fill (EwTopology *topology, guint n);
/* n services of the node with that index in ew_fake_fill(); state: of their targets. */
void ew_fake_serve (EwTopology *topology, guint node, guint n, const gchar *state);
/* Counters as if a second had passed since the last call: some nodes carry much, some nothing. */
void ew_fake_count (EwTopology *topology, guint n, guint second);

G_END_DECLS
