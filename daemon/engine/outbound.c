/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From this host: TUN → router → device. Neighbouring packets that go the same way stay together, so that the device
 * seals them in one batch and their order is kept.
 */
#include "engine/worker.h"

#include <string.h>

#include "proto/inner.h"
#include "proto/packet.h"

/* ICMP errors to this computer itself: 1000 a second, 64 at once (RFC 4443 section 2.4 f asks for a limit). */
#define UNREACHABLE_INTERVAL_NS (G_GUINT64_CONSTANT (1000000))
#define UNREACHABLE_BURST 64

typedef struct
{
  EwRoute route;
  EwPeer *to;
} Way;

static gboolean
may_send_unreachable (EwWorker *worker)
{
  const guint64 burst = UNREACHABLE_BURST * UNREACHABLE_INTERVAL_NS;
  guint64 from = MAX (worker->unreachable_from_ns, worker->time.now_ns - MIN (burst, worker->time.now_ns));

  if (from + UNREACHABLE_INTERVAL_NS > worker->time.now_ns)
    return FALSE;
  worker->unreachable_from_ns = from + UNREACHABLE_INTERVAL_NS;
  return TRUE;
}

/* No peer takes it. The answer comes from the destination: the host would discard one from an address of its own, and
   the engine has no address. */
static void
answer_unreachable (EwWorker *worker, const EwPacket *packet)
{
  guint8 room[EW_HEADROOM + 1280 + EW_TAILROOM];
  EwPacket answer = { .data = room + EW_HEADROOM };
  EwIpHeader header;

  worker->stats.unreachable++;
  if (!ew_packet_parse (packet->data, packet->len, &header) || !may_send_unreachable (worker))
    return;
  answer.len = ew_packet_build_error (answer.data, packet->data, packet->len, &header.destination, EW_ICMP_NO_ROUTE, 0);
  if (answer.len > 0)
    ew_worker_write_tun (worker, &answer);
}

static void
send_run (EwWorker *worker, Way way, EwPacket *packets, gsize n)
{
  switch (way.route)
    {
    case EW_ROUTE_DROP:
      break;
    case EW_ROUTE_TUN:
    case EW_ROUTE_REPLY:
      for (gsize i = 0; i < n; i++)
        ew_worker_write_tun (worker, &packets[i]);
      break;
    case EW_ROUTE_PEER:
      if (way.to != NULL)
        ew_lane_send_to (worker->lane, way.to, packets, n, &worker->time);
      else
        worker->stats.dropped += n;
      break;
    case EW_ROUTE_LOOKUP:
      {
        gsize refused = ew_lane_send (worker->lane, packets, n, &worker->time);
        for (gsize i = 0; i < refused; i++)
          answer_unreachable (worker, &packets[i]);
        break;
      }
    }
}

static Way
ask_router (EwWorker *worker, EwPacket *packet)
{
  Way way = { EW_ROUTE_LOOKUP, NULL };

  if (worker->router != NULL)
    way.route = worker->router (worker->router_user, worker->lane, NULL, packet, &worker->time, &way.to);
  if (way.route != EW_ROUTE_PEER)
    way.to = NULL;
  return way;
}

static void
send_all (EwWorker *worker, EwPacket *packets, gsize n)
{
  const Way nothing = { EW_ROUTE_DROP, NULL };
  Way run = nothing;
  gsize first = 0;

  worker->stats.tun_read += n;
  for (gsize i = 0; i < n; i++)
    {
      Way way = ask_router (worker, &packets[i]);
      ew_worker_look_at_flow (worker, &packets[i]);
      if (way.route != EW_ROUTE_REPLY && way.route == run.route && way.to == run.to)
        continue;
      send_run (worker, run, packets + first, i - first);
      run = way;
      first = i;
      if (way.route == EW_ROUTE_REPLY) /* the router's answer stays until it is asked again */
        {
          send_run (worker, run, packets + first, 1);
          run = nothing;
          first = i + 1;
        }
    }
  send_run (worker, run, packets + first, n - first);
  ew_worker_settle (worker); /* what came out lies in the buffers that are filled next */
}

/* The kernel doesn't say how long a packet waited in the TUN; on average it's half as long as readings haven't emptied
   it. Where that queue is to say that it holds much (backlog.h), one of the packets is marked or left out. Returns how
   many remain. */
static gsize
signal_queue (EwWorker *worker, EwPacket *packets, gsize n)
{
  const guint64 now_ns = worker->time.now_ns;
  gsize bytes = 0;

  if (worker->tun_filled_ns == 0)
    worker->tun_filled_ns = now_ns;
  for (gsize i = 0; i < n; i++)
    bytes += packets[i].len;
  if (ew_backlog_signals (&worker->tun_backlog, bytes, (now_ns - worker->tun_filled_ns) / 2, now_ns))
    worker->tun_signals = TRUE;
  if (n < EW_BATCH_MAX && !worker->tun->more)
    worker->tun_filled_ns = 0;
  for (gsize i = 0; i < n && worker->tun_signals; i++)
    if (packets[i].len >= EW_WORKER_BULK)
      {
        worker->tun_signals = FALSE;
        if (ew_inner_ecn_decapsulate (packets[i].data, EW_ECN_CONGESTION_EXPERIENCED))
          break;
        worker->stats.dropped++;
        n--;
        memmove (packets + i, packets + i + 1, (n - i) * sizeof packets[0]);
      }
  return n;
}

gboolean
ew_outbound_run (EwWorker *worker)
{
  EwPacket packets[EW_BATCH_MAX];

  do
    {
      memset (packets, 0, sizeof packets);
      gssize n = worker->tun->class->read (worker->tun, &worker->inbound, packets, EW_BATCH_MAX);
      if (n < 0)
        return FALSE;
      send_all (worker, packets, signal_queue (worker, packets, (gsize)n));
    }
  while (worker->tun->more);
  return TRUE;
}
