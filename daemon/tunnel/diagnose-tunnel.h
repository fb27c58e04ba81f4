/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a diagnosis says about the tunnel itself: the handshake, the edge's answer, the path's MTU, bursts.
 */
#pragma once

#include "tunnel/live-check.h"

G_BEGIN_DECLS

/* No network here leads to the edge, whose addresses are known. */
gboolean ew_tunnel_diagnose_no_network (EwTunnel *self, const EwLiveCheck *live);
/* After the checks "edge-tcp", "pin" and "identity", to which it refers. Where nothing could be sent: why. */
void ew_tunnel_diagnose_tunnel_add (EwTunnel *self, const EwLiveCheck *live, JsonArray *checks);
/* What the kernel or the network card at either end does to many packets sent as one (proto/bursts.h). */
void ew_tunnel_diagnose_bursts_add (EwTunnel *self, JsonArray *checks);

G_END_DECLS
