/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Viewers of the map (API.md, "Topology messages"): each gets a snapshot and then what changed. A viewer's debt is kept
 * as sets of IDs, not as messages: what it is sent is always the newest, memory is bounded by the mesh's size however
 * slowly it reads, and one that fell too far behind gets a fresh snapshot.
 *
 * A node has few viewers, the newest: one more ends its oldest, whose path may have forgotten it. Members leave places
 * for administrators.
 */
#pragma once

#include "edge/feed/feed.h"

G_BEGIN_DECLS

#define EW_TOPOLOGY_VIEWERS_MAX 128
#define EW_TOPOLOGY_VIEWERS_OF_MEMBERS (EW_TOPOLOGY_VIEWERS_MAX - 32)
#define EW_TOPOLOGY_VIEWERS_PER_NODE 4

typedef struct EwTopology EwTopology;

EwTopology *ew_topology_new (EwMesh *mesh, EwFeed *feed);
void ew_topology_free (EwTopology *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwTopology, ew_topology_free)
/* Whether there is a place for one more of this node's. */
gboolean ew_topology_has_place (EwTopology *self, const gchar *node_id);
/* An upgraded connection; closed at once where there's no place. node_id: whose (its removal ends it); NULL: the edge's
 * owner's. */
void ew_topology_add_viewer (EwTopology *self, GIOStream *stream, const gchar *node_id);
guint ew_topology_count_viewers (EwTopology *self);

G_END_DECLS
