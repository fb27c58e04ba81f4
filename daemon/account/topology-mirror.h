/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the edge has said of its map so far (daemon/edge/API.md, "Topology messages"), checked, with "self" set, kept as
 * text: from it each reader on this computer is told what that one is owed, in the edge's own messages, a line each. No
 * I/O.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_TOPOLOGY_MIRROR_MAX (64 * 1024 * 1024) /* bytes of text; a node has about 500 */

typedef struct EwTopologyMirror EwTopologyMirror;

typedef enum
{
  EW_TOPOLOGY_NOTHING,  /* not a message that a reader should see, or a snapshot's part */
  EW_TOPOLOGY_SNAPSHOT, /* everything may have changed */
  EW_TOPOLOGY_NODES,
  EW_TOPOLOGY_EDGES,
  EW_TOPOLOGY_SERVICES,
  EW_TOPOLOGY_COUNTERS,
  EW_TOPOLOGY_TOO_LARGE /* beyond EW_TOPOLOGY_MIRROR_MAX: not to be believed */
} EwTopologyNews;

/* clock: microseconds that only grow, for example g_get_monotonic_time(): the edge's time is continued with it. */
EwTopologyMirror *ew_topology_mirror_new (const gchar *self_id, gint64 (*clock) (void));
void ew_topology_mirror_free (EwTopologyMirror *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwTopologyMirror, ew_topology_mirror_free)

/* ids: of what changed (owned strings), added to the array. */
EwTopologyNews ew_topology_mirror_take (EwTopologyMirror *self, const gchar *message, gsize length, GPtrArray *ids);
/* Another stream begins: what the last one left half said is forgotten. */
void ew_topology_mirror_restart (EwTopologyMirror *self);
/* A whole snapshot has come; it's kept while the edge is unreachable, until the next. */
gboolean ew_topology_mirror_is_complete (EwTopologyMirror *self);

/* Lines, with "\n", transfer full. */
/* The next part of a snapshot; *after: the ID where the last one ended, NULL at first. */
gchar *ew_topology_mirror_snapshot (EwTopologyMirror *self, gchar **after, gboolean *more);
gchar *ew_topology_mirror_node (EwTopologyMirror *self, const gchar *id);    /* "node", or "node-removed" */
gchar *ew_topology_mirror_edge (EwTopologyMirror *self, const gchar *id);    /* "edge", or "edge-removed" */
gchar *ew_topology_mirror_service (EwTopologyMirror *self, const gchar *id); /* "service", or "service-removed" */
/* Of as many of these IDs (a set) as fit a message; they are taken out of it. */
gchar *ew_topology_mirror_counters (EwTopologyMirror *self, GHashTable *ids);

G_END_DECLS
