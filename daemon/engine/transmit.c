/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/transmit.h"

#include <string.h>

void
ew_transmit_init (EwTransmit *transmit)
{
  memset (transmit, 0, sizeof *transmit);
  ew_buffers_init (&transmit->buffers);
}

void
ew_transmit_clear (EwTransmit *transmit)
{
  ew_buffers_clear (&transmit->buffers);
}

void
ew_transmit_add (EwTransmit *transmit, EwUdp *udp, EwPeer *peer, const EwEndpoint *to, const guint8 *data, gsize len,
                 guint8 traffic_class)
{
  if (len > EW_BUFFER_CAPACITY)
    {
      transmit->stats.failed++; /* no UDP datagram is that long */
      return;
    }
  if (transmit->n == EW_BATCH_MAX)
    ew_transmit_flush (transmit, udp);

  guint8 *copy = ew_buffers_at (&transmit->buffers, transmit->n);
  memcpy (copy, data, len);
  transmit->queue[transmit->n++]
    = (EwDatagram){ .to = *to, .data = copy, .len = len, .traffic_class = traffic_class, .peer = peer };
}

static void
note_stale (EwTransmit *transmit, EwPeer *peer)
{
  for (gsize i = 0; i < transmit->n_stale; i++)
    if (transmit->stale[i] == peer)
      return;
  if (transmit->n_stale < EW_BATCH_MAX) /* else it is found again with its next datagram */
    transmit->stale[transmit->n_stale++] = peer;
}

void
ew_transmit_flush (EwTransmit *transmit, EwUdp *udp)
{
  if (transmit->n == 0)
    return;
  udp->class->send (udp, transmit->queue, transmit->n, &transmit->stats);
  for (gsize i = 0; i < transmit->n; i++)
    if (transmit->queue[i].local_refused && transmit->queue[i].peer != NULL)
      note_stale (transmit, transmit->queue[i].peer);
  transmit->n = 0;
}

void
ew_transmit_settle_stale (EwTransmit *transmit)
{
  for (gsize i = 0; i < transmit->n_stale; i++)
    {
      EwEndpoint endpoint = *ew_peer_get_endpoint (transmit->stale[i]);
      memset (&endpoint.local, 0, sizeof endpoint.local);
      ew_peer_set_endpoint (transmit->stale[i], &endpoint);
    }
  transmit->n_stale = 0;
}
