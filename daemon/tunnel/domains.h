/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search domains that gateways of the mesh offer, and this computer's choice among them. As with routes, nothing is
 * taken that its own administrator hasn't accepted: an edge that turned hostile could otherwise answer for any name.
 * What was accepted is held against the document again each time: the mesh's own names, and the names by which the edge
 * is reached, are never a gateway's to answer.
 */
#pragma once

#include "tunnel/tunnel.h"

G_BEGIN_DECLS

/* The domains whose names are the edge's to answer now: offered by another node, accepted here, and safe.
 * (transfer full) */
GStrv ew_tunnel_get_domains (EwTunnel *self);
/* Adds to each {"domain", "node", …} what this computer makes of it: "state": "offered" (not taken here), "accepted",
 * "refused", "own" (this node offers it), "blocked" (never to be taken), and "reason" with "reason_phrase" where there
 * is one. */
void ew_tunnel_describe_domains (EwTunnel *self, JsonArray *domains);
/* Accepts a domain, offered or not, or refuses it; or accepts the mesh's own suffix. NAME_INVALID: it isn't a domain,
   or may never be accepted. */
gboolean ew_tunnel_accept_domain (EwTunnel *self, const gchar *domain, gboolean accept, GError **error);

G_END_DECLS
