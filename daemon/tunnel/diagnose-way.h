/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a diagnosis says about the way to the edge: the HTTP proxy, and why UDP isn't used.
 */
#pragma once

#include "tunnel/live-check.h"

G_BEGIN_DECLS

/* away: the API wasn't reached beside the tunnel; error: why, NULL: no answer in time. works: it answers through the
   tunnel. Adds nothing where there is no proxy. */
void ew_tunnel_diagnose_proxy_add (EwTunnel *self, JsonArray *checks, gboolean away, const GError *error,
                                   gboolean works);
/* Adds nothing unless https is used. */
void ew_tunnel_diagnose_udp_add (const EwLiveCheck *live, JsonArray *checks);

G_END_DECLS
