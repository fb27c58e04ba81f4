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

#include "edge/services/services.h"

G_BEGIN_DECLS

#define EW_TOPOLOGY_VIEWERS_MAX 128
#define EW_TOPOLOGY_VIEWERS_OF_MEMBERS (EW_TOPOLOGY_VIEWERS_MAX - 32)
#define EW_TOPOLOGY_VIEWERS_PER_NODE 4

typedef struct EwApiViewers EwApiViewers;

EwApiViewers *ew_api_viewers_new (EwMesh *mesh, EwFeed *feed, EwServices *services);
void ew_api_viewers_free (EwApiViewers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwApiViewers, ew_api_viewers_free)
/* Whether there is a place for one more of this node's. */
gboolean ew_api_viewers_has_place (EwApiViewers *self, const gchar *node_id);
/* An upgraded connection; closed at once where there's no place. node_id: whose (its removal ends it); NULL: the edge's
 * owner's. */
void ew_api_viewers_add (EwApiViewers *self, GIOStream *stream, const gchar *node_id);
guint ew_api_viewers_count (EwApiViewers *self);

G_END_DECLS
