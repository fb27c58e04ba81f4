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

/* A burst that has left and is to be noted with its peer. */
typedef struct
{
  EwPeer *peer;
  EwBurstSample sample; /* n 0: of no use as one */
} EwNotedBurst;

#define EW_NOTED_MAX 8 /* the others are noted with a later burst */

typedef struct
{
  EwBurst *bursts; /* EW_BATCH_MAX */
  gsize n;
  EwBuffers copies; /* of datagrams that do not lie in memory that stays */
  gsize n_copies;
  const EwBuffers *stays;
  EwStreams *streams; /* NULL: none */
  gsize n_to_streams; /* of the bursts */
  gboolean streamed;  /* something was sent to a stream; whoever looks clears it */
  gboolean apart;     /* what is added now joins nothing: it must arrive where bursts are damaged */
  const EwTime *time; /* the batch's; NULL: bursts aren't watched */
  EwNotedBurst noted[EW_NOTED_MAX];
  gsize n_noted;
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
/* Likewise: peers that are due are asked how many datagrams of a burst arrived (proto/bursts.h). ask and user: as in
   EwEngineConfig. */
void ew_transmit_settle_bursts (EwTransmit *transmit, EwUdp *udp, EwLane *lane, EwEngineAsk ask, gpointer user);

G_END_DECLS
