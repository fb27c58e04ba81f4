/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's side of the https transport: `GET /.well-known/masque/udp/HOST/PORT/` on the API's port becomes a stream
 * of capsules whose other end is this edge's own WireGuard, and nothing else. No credential is asked for: what comes
 * through must be a node's WireGuard packets, or the stream ends.
 *
 *   101 ─── a node's packet ───────────────────── …
 *    └─ 10 s ─┘          └─ 3 min without one: closed
 *
 * Streams are bounded in number, in all and for each address (an IPv6 /64). Where there are as many, the oldest through
 * which nothing of a node's has come yet makes room.
 */
#pragma once

#include "edge/http/server.h"
#include "engine/streams.h"

G_BEGIN_DECLS

#define EW_MASQUE_STREAMS_MAX 4096
#define EW_MASQUE_UNPROVED_MAX 512 /* of those, that no node's packet has come through: each costs 100 KB at most */
#define EW_MASQUE_STREAMS_OF_ADDRESS_MAX 256 /* an office behind one address */

typedef struct EwMasque EwMasque;

EwMasque *ew_masque_new (EwServer *server);
void ew_masque_free (EwMasque *self); /* no engine uses its streams any more */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwMasque, ew_masque_free)

EwStreams *ew_masque_get_streams (EwMasque *self);
/* "HOST:PORT" of this edge: what a request may name as its target, besides the address that it came to. Replaces. */
void ew_masque_set_endpoints (EwMasque *self, const gchar *const *endpoints);
/* FALSE: the request is another room's. */
gboolean ew_masque_handle (EwMasque *self, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path,
                           EwServerFault fault);

G_END_DECLS
