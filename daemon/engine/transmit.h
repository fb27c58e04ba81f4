/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams that the device emits during a batch, sent together at its end (or when EW_BATCH_MAX wait).
 */
#pragma once

#include <glib.h>
#include "engine/buffers.h"
#include "engine/udp.h"

G_BEGIN_DECLS

typedef struct
{
  EwBuffers buffers;
  EwDatagram queue[EW_BATCH_MAX];
  gsize n;
  EwUdpSendStats stats;
  /* Peers whose local address was refused by the kernel; told to the device when no hook of it runs. Holds no peer
     across a call: only calls remove peers. */
  EwPeer *stale[EW_BATCH_MAX];
  gsize n_stale;
} EwTransmit;

void ew_transmit_init (EwTransmit *transmit);
void ew_transmit_clear (EwTransmit *transmit);
/* Copies the datagram: its bytes are the device's again. Flushes first when the queue is full. */
void ew_transmit_add (EwTransmit *transmit, EwUdp *udp, EwPeer *peer, const EwEndpoint *to, const guint8 *data,
                      gsize len, guint8 traffic_class);
void ew_transmit_flush (EwTransmit *transmit, EwUdp *udp);
/* Not from a hook of the device: the peers whose local address left this host forget it and send from whatever the
   kernel chooses, until they are heard from again. */
void ew_transmit_settle_stale (EwTransmit *transmit);

G_END_DECLS
