/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checks a network that a person types, to be shared with a mesh: finds mistakes before the edge is asked.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* As ew_check_network(), and it overlaps neither the mesh's own addresses nor a network of its nodes. topology: NULL,
   or what is known of the mesh. NULL where the text is valid, *cidr is then the network; else a sentence. (transfer
   full) */
gchar *ew_check_new_network (EwTopology *topology, const gchar *text, gchar **cidr);

G_END_DECLS
