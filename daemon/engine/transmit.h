/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams that the device emits during a batch, sent together at its end (or when there is no more room), those of
 * one size to one endpoint as one burst. Their order is kept for each endpoint.
 */
#pragma once

#include <glib.h>
#include "engine/buffers.h"
#include "engine/streams.h"

G_BEGIN_DECLS

typedef struct
{
  EwBurst *bursts; /* EW_BATCH_MAX */
  gsize n;
  EwBuffers copies; /* of datagrams that do not lie in memory that stays */
  gsize n_copies;
  const EwBuffers *stays;
  EwStreams *streams; /* NULL: none */
  gsize n_to_streams; /* of the bursts */
  EwUdpSendStats stats, stream_stats;
  /* Peers whose local address was refused by the kernel; told to the device when no hook of it runs. */
  EwPeer *stale[EW_BATCH_MAX];
  gsize n_stale;
} EwTransmit;

/* Datagrams in buffers stay as they are until the flush; all others are copied. */
void ew_transmit_init (EwTransmit *transmit, const EwBuffers *buffers, EwStreams *streams);
void ew_transmit_clear (EwTransmit *transmit);
/* Flushes first when there is no more room. */
void ew_transmit_add (EwTransmit *transmit, EwUdp *udp, EwPeer *peer, const EwEndpoint *to, guint8 *data, gsize len,
                      guint8 traffic_class);
void ew_transmit_flush (EwTransmit *transmit, EwUdp *udp);
/* Not from a hook of the device, but in the batch that the datagrams were added in (ew_lane_enter()): the peers whose
   local address left this host forget it and send from whatever the kernel chooses, until they are heard from again.
   Those that the device no longer has are skipped. */
void ew_transmit_settle_stale (EwTransmit *transmit, EwLane *lane);

G_END_DECLS
