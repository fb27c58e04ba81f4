/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh as somebody looks at it: the edge's topology messages (daemon/edge/API.md), checked, "self" set, as JSON
 * lines into a pipe. Each reader has a stream of its own from the edge, so that the edge knows that somebody looks; it
 * ends when the reader closes its end.
 *
 *   edge ──WebSocket──→ check, mark self ──→ queue, at most 4 MiB ──→ pipe ──→ reader
 *
 * A reader too slow for its queue loses what stands in it and gets a new snapshot; so it does when the edge was lost
 * and is back, or when the stream fell silent: both sides send pings.
 */
#pragma once

#include "account/client.h"

G_BEGIN_DECLS

#define EW_TOPOLOGY_PING_SECONDS 10 /* twice that without a word: the stream is dead */

typedef struct EwTopology EwTopology;

/* Why a stream of ours ended for good: REMOVED, NOT_AUTHENTICATED; NULL: its reader closed it. The topology is freed
 * after the call. */
typedef void (*EwTopologyClosed) (EwTopology *topology, const GError *reason, gpointer user_data);

/* write_fd: the pipe's write end, non-blocking; taken. self_id: this node's. */
EwTopology *ew_topology_new (EwClient *client, const gchar *self_id, gint write_fd, EwTopologyClosed closed,
                             gpointer user_data);
/* Another interval than the default's, from the next connection on. */
void ew_topology_set_ping (EwTopology *topology, guint milliseconds);
void ew_topology_free (EwTopology *topology); /* closes both sides; no call */

/* One line made of the edge's message (pure): NULL where it is none that a reader should see.. */
gchar *ew_topology_line (const gchar *message, gsize length, const gchar *self_id);

G_END_DECLS
