/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine-testing.h"

#include "proto-testing.h"

EwEngine *
ew_testing_engine_new (const EwEngineConfig *config, EwTun *tun, EwUdp *udp, GError **error)
{
  EwWires wires = { .tun = { tun }, .udp = { udp }, .n = 1 };

  return ew_engine_new_with_all_wires (config, &wires, error);
}

guint
ew_testing_count_data_threads (EwEngine *engine)
{
  return ew_engine_get_crew (engine)->n - 1;
}

static void
add_stats (EwWorker *worker, void *data)
{
  const EwEngineStats *stats = &worker->stats;
  EwEngineStats *out = data;

  out->udp_received += stats->udp_received;
  out->tun_read += stats->tun_read;
  out->tun_written += stats->tun_written;
  out->dropped += stats->dropped;
  out->unreachable += stats->unreachable;
  out->handed_over += stats->handed_over;
  out->wakeups += stats->wakeups;
  out->udp_sent += worker->transmit.stats.sent;
  out->udp_failed += worker->transmit.stats.failed;
  out->udp_full += worker->transmit.stats.full;
  out->stream_received += stats->stream_received;
  out->stream_sent += worker->transmit.stream_stats.sent;
  out->stream_failed += worker->transmit.stream_stats.failed;
  out->stream_full += worker->transmit.stream_stats.full;
}

static void
get_device_stats (EwDevice *device, const EwTime *time, void *data)
{
  ew_testing_get_device_stats (device, data);
}

void
ew_testing_get_engine_stats (EwEngine *engine, EwEngineStats *out)
{
  const EwCrew *crew = ew_engine_get_crew (engine);

  *out = (EwEngineStats){ 0 };
  for (guint i = 0; i < crew->n; i++)
    ew_worker_call (crew->workers[i], add_stats, out);
  ew_engine_call (engine, get_device_stats, &out->device);
}

typedef struct
{
  GArray *peers;
  const EwTime *time;
} ListPeers;

static void
list_peer (EwPeer *peer, void *data)
{
  ListPeers *list = data;
  EwPeerStatus status;

  ew_engine_read_peer (peer, list->time, &status);
  g_array_append_val (list->peers, status);
}

static void
list_peers (EwDevice *device, const EwTime *time, void *data)
{
  ListPeers *list = data;

  list->time = time;
  list->peers = g_array_sized_new (FALSE, FALSE, sizeof (EwPeerStatus), (guint)ew_device_count_peers (device));
  ew_device_foreach_peer (device, list_peer, list);
}

GArray *
ew_testing_list_peers (EwEngine *engine)
{
  ListPeers list = { NULL, NULL };

  ew_engine_call (engine, list_peers, &list);
  return list.peers;
}
