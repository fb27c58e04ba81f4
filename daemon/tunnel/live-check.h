/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the edge answers at this moment: a new WireGuard handshake and a link probe, both sent now, each with its
 * round trip. What the tunnel knew before does not count.
 */
#pragma once

#include "tunnel/tunnel.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_LIVE_CHECK_SECONDS 4 /* for both together: two lost packets do not make an edge silent */

typedef struct
{
  gboolean tried;        /* FALSE: no tunnel, or no endpoint to send to */
  gboolean refused;      /* this computer's own firewall refuses to send UDP to the edge */
  int udp_error;         /* what ICMP said of a datagram to the edge: an errno; 0: nothing */
  EwEndpoint udp;        /* where those two were tried */
  gint64 handshake_us;   /* -1: no answer */
  gint64 probe_us;       /* -1: no answer */
  gint64 last_answer_us; /* before now: how long ago the edge last answered through the tunnel; -1: never */
  EwEndpoint endpoint;   /* where it was tried; where there was an answer, what the tunnel used then */
  gboolean moved;        /* the tunnel has changed its endpoint since, so what was tried beside may be from before */
} EwLiveCheck;

/* One for each caller; they share the packets. The result is written to out, which stays until the callback. */
void ew_live_check_async (EwTunnel *self, EwLiveCheck *out, GAsyncReadyCallback callback, gpointer user_data);
void ew_live_check_finish (EwTunnel *self, GAsyncResult *result);

/* For the files that hear of it: link.c and probe.c. */
void ew_live_check_handshaken (EwTunnel *self);
void ew_live_check_answered (EwTunnel *self, gint64 sent_us);

G_END_DECLS
