/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh for viewers: one stream of the edge's topology messages (daemon/edge/API.md) for all programs on this
 * computer, each of which has a pipe of its own. It lasts while there are readers, so that the edge knows that it's
 * being viewed.
 *
 *   edge ──WebSocket──→ topology-mirror.h: what is known ──→ topology-reader.h: what this one is owed ──→ pipe
 *                                                      └───→ … another
 *
 * When the edge was lost and is back, every reader gets a new snapshot.
 */
#pragma once

#include "account/client.h"

G_BEGIN_DECLS

#define EW_TOPOLOGY_PING_SECONDS 10 /* twice that without a message: the stream is dead */

typedef struct EwTopology EwTopology;

/* Why it ended permanently: REMOVED, NOT_AUTHENTICATED; NULL: its last reader has left. It is freed after the call. */
typedef void (*EwTopologyClosed) (EwTopology *topology, const GError *reason, gpointer user_data);

/* self_id: this node's. */
EwTopology *ew_topology_new (EwClient *client, const gchar *self_id, EwTopologyClosed closed, gpointer user_data);
/* write_fd: the pipe's write end, non-blocking; taken. uid: whose. */
void ew_topology_add_reader (EwTopology *topology, gint write_fd, guint32 uid);
guint ew_topology_count_readers (EwTopology *topology, guint32 uid);
guint ew_topology_count_all_readers (EwTopology *topology);
/* Connects at once if it's waiting to; anew: replaces an open stream, too, because the network has changed. */
void ew_topology_hurry (EwTopology *topology, gboolean anew);
/* Another interval than the default's, from the next connection on. */
void ew_topology_set_ping (EwTopology *topology, guint milliseconds);
void ew_topology_free (EwTopology *topology); /* closes everything; no call */

G_END_DECLS
