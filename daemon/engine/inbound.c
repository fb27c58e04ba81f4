/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the network: datagrams → device → router → TUN, another peer (the hairpin), or back.
 */
#include "engine/worker.h"

#include "proto/packet.h"

void
ew_inbound_run (EwWorker *worker, guint which)
{
  EwPacket datagrams[EW_BATCH_MAX];

  for (gsize i = 0; i < EW_BATCH_MAX; i++)
    {
      datagrams[i].data = ew_buffers_at (&worker->inbound, i);
      datagrams[i].len = EW_BUFFER_CAPACITY;
    }
  gsize n = worker->udp->class->receive (worker->udp, which, datagrams, EW_BATCH_MAX);
  worker->stats.udp_received += n;
  if (n > 0)
    ew_device_receive (worker->device, datagrams, n, &worker->time);
}

static void
forward (EwWorker *worker, EwPeer *to, EwPacket *packet)
{
  if (to != NULL)
    ew_peer_send (to, packet, 1, &worker->time);
  else
    worker->stats.dropped++;
}

static void
forward_by_destination (EwWorker *worker, EwPacket *packet)
{
  EwIpHeader header;

  forward (worker,
           ew_packet_parse (packet->data, packet->len, &header) ? ew_device_lookup (worker->device, &header.destination)
                                                                : NULL,
           packet);
}

void
ew_inbound_deliver (void *user, EwPeer *from, EwPacket *packet)
{
  EwWorker *worker = user;
  EwPeer *to = NULL;
  EwRoute route = EW_ROUTE_TUN;

  if (worker->router != NULL)
    route = worker->router (worker->router_user, worker->device, from, packet, &worker->time, &to);
  switch (route)
    {
    case EW_ROUTE_DROP:
      break;
    case EW_ROUTE_TUN:
      ew_worker_write_tun (worker, packet);
      break;
    case EW_ROUTE_PEER:
      forward (worker, to, packet);
      break;
    case EW_ROUTE_LOOKUP:
      forward_by_destination (worker, packet);
      break;
    case EW_ROUTE_REPLY:
      forward (worker, from, packet);
      break;
    }
}

void
ew_worker_write_tun (EwWorker *worker, const EwPacket *packet)
{
  if (worker->tun != NULL && worker->tun->class->write (worker->tun, packet, 1) == 1)
    worker->stats.tun_written++;
  else
    worker->stats.dropped++;
}
