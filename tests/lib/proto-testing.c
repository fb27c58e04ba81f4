/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto-testing.h"
#include "proto/peer.h"

bool
ew_testing_set_send_counter (EwPeer *peer, uint64_t counter)
{
  EwKeypair *current = ew_keypairs_get_current (&peer->keypairs);
  if (current == NULL || counter <= atomic_load (&current->send_counter))
    return false;
  atomic_store (&current->send_counter, counter);
  return true;
}

void
ew_testing_set_handshake_queue (EwDevice *device, unsigned handshakes, uint64_t now_ns)
{
  device->load.queued = handshakes * EW_NSEC_PER_SEC;
  device->load.updated_ns = now_ns;
}

void
ew_testing_get_device_stats (const EwDevice *device, EwDeviceStats *out)
{
  *out = (EwDeviceStats){ 0 };
  for (unsigned i = 0; i <= device->n_lanes; i++)
    {
      const EwLane *lane = i == 0 ? &device->own : device->lanes[i - 1];
      out->rx_invalid += atomic_load_explicit (&lane->stats.rx_invalid, memory_order_relaxed);
      out->rx_cookie_required += atomic_load_explicit (&lane->stats.rx_cookie_required, memory_order_relaxed);
      out->no_peer += atomic_load_explicit (&lane->stats.no_peer, memory_order_relaxed);
    }
}

void
ew_testing_look_at_peer (const EwPeer *peer, EwTestingPeer *out)
{
  const EwKeypair *all[] = { peer->keypairs.previous, peer->keypairs.current, peer->keypairs.next };
  *out
    = (EwTestingPeer){ .handshake = peer->handshake.state != EW_NOISE_NOTHING, .staged_packets = peer->staging.count };
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] != NULL)
      {
        out->keypairs++;
        if (all[i]->created_ns > out->newest_session_ns)
          out->newest_session_ns = all[i]->created_ns;
      }
  bool timers_run = peer->timers.zero_keys_ns != EW_TIME_OFF || peer->timers.retransmit_ns != EW_TIME_OFF;
  out->unguarded = (out->keypairs > 0 || out->handshake) && !timers_run;
}

void
ew_testing_look_at_device (const EwDevice *device, EwTestingDevice *out)
{
  *out = (EwTestingDevice){ .indices = device->indices.sessions.count + device->indices.handshakes.count,
                            .timers = device->due.count,
                            .staged_bytes = device->staged_bytes,
                            .batched = device->own.n_inbound + device->own.n_outbound };
}

void
ew_testing_clear_allowed_ips (EwPeer *peer)
{
  ew_allowed_ips_remove_list (&peer->device->allowed_ips, &peer->allowed_ips);
}
