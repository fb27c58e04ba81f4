/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the network: datagrams → device → router → TUN, another peer (the hairpin), or back.
 */
#include "engine/worker-private.h"

#include "proto/inner.h"
#include "proto/packet.h"

/* An arrival that holds many datagrams fills most of its buffer: so many of those are as much as the caches hold. */
#define GATHERED_BYTES (256 * 1024)
#define GATHERED_ARRIVALS 4
#define INBOX_BATCHES 16 /* then sockets, the TUN and timers get their turn */

/* The queue of a computer that is slower than what it's sent lies in its socket. TCP fills whatever there is, so a queue
   that stays (codel.h) or holds much (backlog.h) says so. The round trip of flows that are fast enough for that takes a
   few milliseconds. */
static const EwCodelLimits socket_limits = { .target_ns = 1000000, .interval_ns = 50000000 };
#define AGE_MAX_NS (G_GUINT64_CONSTANT (10000000000)) /* what is older shows that the clock was set */

/* Whether one of its datagrams is to say that the queue is long. */
static gboolean
is_to_signal (EwWorker *worker, guint which, const EwArrival *arrival)
{
  const guint64 now_ns = worker->time.realtime_ns;
  const gboolean waited
    = arrival->arrived_ns > 0 && now_ns > arrival->arrived_ns && now_ns - arrival->arrived_ns < AGE_MAX_NS;
  const guint64 age_ns = waited ? now_ns - arrival->arrived_ns : 0;

  /* What is read to its end isn't a queue that stays: a busy computer has only come late. */
  if (ew_codel_signals (&worker->codel[which], &socket_limits, arrival->behind ? age_ns : 0, worker->time.now_ns))
    worker->signals = TRUE;
  if (ew_backlog_signals (&worker->backlog[which], arrival->len, age_ns, worker->time.now_ns))
    worker->signals = TRUE;
  if (!worker->signals || (arrival->segment > 0 ? arrival->segment : arrival->len) < EW_WORKER_BULK)
    return FALSE;
  worker->signals = FALSE;
  return TRUE;
}

/* How many arrivals to ask for: as many as would have filled GATHERED_BYTES last time. */
static gsize
choose_batch (EwWorker *worker)
{
  if (!worker->udp->gathers || worker->arrival_bytes == 0)
    return EW_BATCH_MAX;
  return CLAMP (GATHERED_BYTES / worker->arrival_bytes, GATHERED_ARRIVALS, EW_BATCH_MAX);
}

/* Cuts arrivals into datagrams and hands them to the device, EW_BATCH_MAX a time. */
static void
receive_all (EwWorker *worker, guint which, const EwArrival *arrivals, gsize n)
{
  EwPacket datagrams[EW_BATCH_MAX];
  gsize count = 0;

  for (gsize i = 0; i < n; i++)
    {
      const EwArrival *arrival = &arrivals[i];
      const gsize segment = arrival->segment > 0 ? arrival->segment : arrival->len;
      gboolean signals = is_to_signal (worker, which, arrival);
      gsize offset = 0;
      do
        {
          datagrams[count].data = arrival->data + offset;
          datagrams[count].len = MIN (segment, arrival->len - offset);
          datagrams[count].endpoint = arrival->from;
          datagrams[count].ecn = signals ? EW_ECN_CONGESTION_EXPERIENCED : arrival->ecn;
          signals = FALSE;
          offset += segment;
          worker->stats.udp_received++;
          if (++count == EW_BATCH_MAX)
            {
              ew_lane_receive (worker->lane, datagrams, count, &worker->time);
              count = 0;
            }
        }
      while (offset < arrival->len);
    }
  if (count > 0)
    ew_lane_receive (worker->lane, datagrams, count, &worker->time);
}

void
ew_inbound_run (EwWorker *worker, guint which)
{
  EwArrival arrivals[EW_BATCH_MAX];
  const gsize wanted = choose_batch (worker);
  gsize bytes = 0;

  for (gsize i = 0; i < wanted; i++)
    {
      arrivals[i].data = ew_buffers_at (&worker->inbound, i);
      arrivals[i].len = EW_BUFFER_CAPACITY;
      arrivals[i].arrived_ns = 0;
    }
  gsize n = worker->udp->class->receive (worker->udp, which, arrivals, wanted);
  if (n == 0)
    return;
  for (gsize i = 0; i < n; i++)
    bytes += arrivals[i].len;
  worker->arrival_bytes = bytes / n;
  receive_all (worker, which, arrivals, n);
  ew_worker_settle (worker); /* what came out lies in the buffers that are filled next */
}

void
ew_inbound_take_inbox (EwWorker *worker)
{
  EwPacket datagrams[EW_BATCH_MAX];

  for (guint i = 0; i < INBOX_BATCHES; i++)
    {
      const gsize n = ew_inbox_take (&worker->inbox, &worker->inbound, datagrams, EW_BATCH_MAX);
      if (n == 0)
        return;
      worker->stats.stream_received += n;
      ew_lane_receive (worker->lane, datagrams, n, &worker->time);
      ew_worker_settle (worker);
    }
  ew_worker_wake (worker); /* it may hold more */
}

static void
forward (EwWorker *worker, EwPeer *to, EwPacket *packet)
{
  ew_worker_look_at_flow (worker, packet);
  if (to != NULL)
    ew_lane_send_to (worker->lane, to, packet, 1, &worker->time);
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
    route = worker->router (worker->router_user, worker->lane, from, packet, &worker->time, &to);
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
      worker->transmit.apart = TRUE;
      forward (worker, from, packet);
      worker->transmit.apart = FALSE;
      break;
    }
}

void
ew_worker_flush_tun (EwWorker *worker)
{
  const gsize n = worker->n_to_host;

  worker->n_to_host = 0;
  if (n == 0)
    return;
  gsize taken = worker->tun != NULL ? worker->tun->class->write (worker->tun, worker->to_host, n) : 0;
  worker->stats.tun_written += taken;
  worker->stats.dropped += n - taken;
}

void
ew_worker_write_tun (EwWorker *worker, const EwPacket *packet)
{
  if (worker->n_to_host == EW_TO_HOST_MAX)
    ew_worker_flush_tun (worker);
  worker->to_host[worker->n_to_host++] = *packet;
  if (!ew_buffers_hold (&worker->inbound, packet->data))
    ew_worker_flush_tun (worker);
}
