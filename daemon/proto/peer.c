/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A peer: its configuration, its sessions' life, and what it does when its time has come. */
#include "proto/peer.h"

#include <stdlib.h>

EwPeer *
ew_peer_new (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  EwPeer *peer = calloc (1, sizeof *peer);
  if (peer == NULL)
    return NULL;
  peer->device = device;
  peer->lane = device->n_lanes == 0 ? 0 : 1 + device->next_lane++ % device->n_lanes;
  atomic_init (&peer->scheduled_ns, EW_TIME_OFF);
  ew_noise_remote_init (&peer->remote, public_key);
  ew_timers_init (&peer->timers);
  ew_cookie_maker_init (&peer->cookie);
  if (ew_heap_add (&device->due, &peer->due))
    return peer;
  free (peer);
  return NULL;
}

void
ew_peer_get_public_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE])
{
  memcpy (out, peer->remote.public_key, EW_KEY_SIZE);
}

void
ew_peer_set_preshared_key (EwPeer *peer, const uint8_t key[EW_KEY_SIZE])
{
  memcpy (peer->remote.preshared_key, key, EW_KEY_SIZE);
}

void
ew_peer_get_preshared_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE])
{
  memcpy (out, peer->remote.preshared_key, EW_KEY_SIZE);
}

/* What is known of bursts is known of a path. The local address is often learned with the first answer; a port may be
   another one at any time (NAT). */
static bool
is_other_path (const EwEndpoint *a, const EwEndpoint *b)
{
  return !ew_endpoint_same_host (a, b) || (a->local.family != EW_FAMILY_NONE && !ew_ip_equal (&a->local, &b->local));
}

void
ew_peer_set_endpoint (EwPeer *peer, const EwEndpoint *endpoint)
{
  EwSharedEndpoint *shared = &peer->shared_endpoint;
  uint64_t words[sizeof shared->words / sizeof shared->words[0]] = { 0 };
  uint32_t version = atomic_load_explicit (&shared->version, memory_order_relaxed);
  if (is_other_path (&peer->endpoint, endpoint))
    ew_bursts_reset (&peer->bursts);
  peer->endpoint = *endpoint;
  memcpy (words, endpoint, sizeof *endpoint);
  atomic_store_explicit (&shared->version, version + 1, memory_order_relaxed);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    atomic_store_explicit (&shared->words[i], words[i], memory_order_release);
  atomic_store_explicit (&shared->version, version + 2, memory_order_release);
}

void
ew_peer_read_endpoint (const EwPeer *peer, EwEndpoint *out)
{
  const EwSharedEndpoint *shared = &peer->shared_endpoint;
  uint64_t words[sizeof shared->words / sizeof shared->words[0]];
  uint32_t before, after;
  do
    {
      before = atomic_load_explicit (&shared->version, memory_order_acquire);
      for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = atomic_load_explicit (&shared->words[i], memory_order_acquire);
      after = atomic_load_explicit (&shared->version, memory_order_relaxed);
    }
  while (before != after || (before & 1) != 0);
  memcpy (out, words, sizeof *out);
}

bool
ew_peer_has_endpoint (const EwPeer *peer)
{
  _Static_assert(offsetof (EwEndpoint, kind) == 0, "the kind is in the first word");
  uint64_t word = atomic_load_explicit (&peer->shared_endpoint.words[0], memory_order_relaxed);
  EwEndpointKind kind;
  memcpy (&kind, &word, sizeof kind);
  return kind != EW_ENDPOINT_NONE;
}

static void
forget_local (EwPeer *peer)
{
  EwEndpoint endpoint = peer->endpoint;
  endpoint.local = (EwIp){ 0 };
  ew_peer_set_endpoint (peer, &endpoint);
}

void
ew_peer_forget_local (EwPeer *peer, EwLane *lane)
{
  if (!ew_lane_lock_peer (lane, peer))
    return;
  forget_local (peer);
  ew_lane_unlock (lane);
}

const EwEndpoint *
ew_peer_get_endpoint (const EwPeer *peer)
{
  return &peer->endpoint;
}

void
ew_peer_set_keepalive (EwPeer *peer, uint16_t seconds, const EwTime *time)
{
  bool switched_on = peer->timers.persistent_seconds == 0 && seconds > 0;
  ew_timers_set_persistent (&peer->timers, seconds, time->now_ns);
  if (switched_on)
    {
      ew_send_keepalive (peer, time);
      ew_send_flush (peer->device->acting, time);
    }
  ew_peer_reschedule (peer);
}

uint16_t
ew_peer_get_keepalive (const EwPeer *peer)
{
  return atomic_load_explicit (&peer->timers.persistent_seconds, memory_order_relaxed);
}

bool
ew_peer_add_allowed_ip (EwPeer *peer, const EwPrefix *prefix)
{
  return ew_allowed_ips_add (&peer->device->allowed_ips, prefix, peer, &peer->allowed_ips);
}

void
ew_peer_remove_allowed_ip (EwPeer *peer, const EwPrefix *prefix)
{
  ew_allowed_ips_remove (&peer->device->allowed_ips, prefix, peer);
}

bool
ew_peer_set_allowed_ips (EwPeer *peer, const EwPrefix *prefixes, size_t n)
{
  EwAllowedIps *ips = &peer->device->allowed_ips;
  EwAllowedIp *before = NULL;
  bool stored = true;
  ew_allowed_ips_move_list (&before, &peer->allowed_ips);
  for (size_t i = 0; i < n; i++) /* takes it from the list of those before, if it is there */
    stored = ew_allowed_ips_add (ips, &prefixes[i], peer, &peer->allowed_ips) && stored;
  ew_allowed_ips_remove_list (ips, &before);
  return stored;
}

void
ew_peer_foreach_allowed_ip (EwPeer *peer, void (*each) (const EwPrefix *prefix, void *data), void *data)
{
  for (EwAllowedIp *entry = peer->allowed_ips, *next; entry != NULL; entry = next)
    {
      next = entry->next;
      each (&entry->prefix, data);
    }
}

#define GET(field) atomic_load_explicit (&c->field, memory_order_relaxed)
void
ew_peer_get_stats (const EwPeer *peer, EwPeerStats *out)
{
  const EwPeerCounters *c = &peer->counters;
  *out = (EwPeerStats){
    .rx_bytes = GET (rx_bytes),
    .tx_bytes = GET (tx_bytes),
    .rx_packets = GET (rx_packets),
    .tx_packets = GET (tx_packets),
    .dropped_source = GET (dropped_source),
    .dropped_queue = GET (dropped_queue),
    .dropped_replay = GET (dropped_replay),
    .last_handshake_realtime_ns = GET (last_handshake_realtime_ns),
    .last_handshake_ns = GET (last_handshake_ns),
    .last_rx_ns = GET (last_rx_ns),
    .last_tx_ns = GET (last_tx_ns),
    .refused_old = GET (refused_old),
    .refused_ns = GET (refused_ns),
    .behind_ns = GET (behind_ns),
    .behind_stated_ns = GET (behind_stated_ns),
  };
}
#undef GET

EwBurstsLook
ew_peer_look_at_burst (EwPeer *peer, unsigned n, uint64_t now_ns)
{
  return ew_bursts_look (&peer->bursts, n, now_ns);
}

bool
ew_peer_note_burst (EwPeer *peer, EwLane *lane, const EwBurstSample *sample, const EwTime *time,
                    EwBurstSample *question)
{
  if (!ew_lane_lock_peer (lane, peer))
    return false;
  const bool ask = ew_bursts_note (&peer->bursts, sample, time->now_ns, question);
  ew_lane_unlock (lane);
  return ask;
}

void
ew_peer_leave_unasked (EwPeer *peer, EwLane *lane, const EwTime *time)
{
  if (!ew_lane_lock_peer (lane, peer))
    return;
  ew_bursts_unasked (&peer->bursts, time->now_ns);
  ew_lane_unlock (lane);
}

void
ew_peer_hear_count (EwPeer *peer, EwLane *lane, uint32_t index, uint64_t first, unsigned seen, const EwTime *time)
{
  if (!ew_lane_lock_peer (lane, peer))
    return;
  const EwBurstsNews news = ew_bursts_counted (&peer->bursts, index, first, seen, time->now_ns);
  if (news != EW_BURSTS_SAME)
    ew_peer_emit (peer, news == EW_BURSTS_OFF ? EW_PEER_BURSTS_OFF : EW_PEER_BURSTS_ON);
  ew_lane_unlock (lane);
}

bool
ew_peer_damages_bursts (const EwPeer *peer)
{
  return atomic_load_explicit (&peer->bursts.told, memory_order_relaxed);
}

EwKeypair *
ew_peer_get_sending (const EwPeer *peer, const EwTime *time)
{
  EwKeypair *current = ew_keypairs_get_current (&peer->keypairs);
  if (current == NULL)
    return NULL;
  uint64_t counter = atomic_load_explicit (&current->send_counter, memory_order_relaxed);
  return ew_timers_session_valid (current->created_ns, counter, time->now_ns) ? current : NULL;
}

bool
ew_peer_has_session (const EwPeer *peer, const EwTime *time)
{
  return ew_peer_get_sending (peer, time) != NULL;
}

void
ew_peer_initiate (EwPeer *peer, const EwTime *time, bool force)
{
  ew_timers_handshake_wanted (&peer->timers, force);
  ew_send_initiation (peer, time);
  ew_peer_reschedule (peer);
}

void
ew_peer_hurry (EwPeer *peer, const EwTime *time)
{
  if (ew_timers_hurry (&peer->timers, time->now_ns))
    ew_send_initiation (peer, time);
  ew_peer_reschedule (peer);
}

bool
ew_peer_call (EwPeer *peer, const EwEndpoint *to, const EwTime *time)
{
  EwDevice *device = peer->device;
  const uint64_t now = time->now_ns;
  if ((peer->call.called_ns != 0 && !ew_time_passed (peer->call.called_ns, EW_CALL_INTERVAL, now))
      || (device->called_ns != 0 && !ew_time_passed (device->called_ns, EW_CALL_GAP, now))
      || ew_timers_is_initiating (&peer->timers, now) || !ew_send_call (peer, to, time))
    return false;
  device->called_ns = now;
  peer->call = (EwCall){ .called_ns = now, .index = peer->handshake_index.index, .out = true };
  return true;
}

/* An attacker that replays a peer's initiations from elsewhere and passes on what follows, both ways, would become its
   endpoint. */
static bool
may_be_elsewhere (const EwPeer *peer, const EwEndpoint *from, const EwTime *time)
{
  const uint64_t heard = atomic_load_explicit (&peer->counters.last_rx_ns, memory_order_relaxed);
  return heard == 0 || ew_time_passed (heard, EW_CALL_SILENCE, time->now_ns)
         || ew_endpoint_same_host (&peer->endpoint, from);
}

void
ew_peer_note_refusal (EwPeer *peer, const EwEndpoint *from, const EwTime *time)
{
  EwNoiseRemote *remote = &peer->remote;
  ew_add (&peer->counters.refused_old, 1);
  ew_put (&peer->counters.refused_ns, time->now_ns);
  if (remote->refused == 1
      || atomic_load_explicit (&peer->counters.last_rx_ns, memory_order_relaxed) >= peer->call.refused_since_ns)
    {
      remote->refused = 1;
      peer->call.refused_since_ns = time->now_ns;
    }
  if (remote->refused < EW_REFUSALS_MAX)
    return;
  remote->refused = EW_REFUSALS_MAX - 1; /* if there can't be a call now, the next one asks again */
  if (may_be_elsewhere (peer, from, time) && ew_peer_call (peer, from, time))
    {
      remote->refused = 0;
      const uint64_t stated = ew_timestamp_read (remote->refused_timestamp);
      peer->call.stated_ns = stated > 0 ? stated : 1;
    }
}

uint64_t
ew_peer_get_latest_timestamp (const EwPeer *peer)
{
  return ew_timestamp_read (peer->remote.latest_timestamp);
}

uint64_t
ew_peer_get_refused_timestamp (const EwPeer *peer)
{
  return ew_timestamp_read (peer->remote.refused_timestamp);
}

void
ew_peer_note_call_answered (EwPeer *peer, const EwTime *time)
{
  peer->call.out = false;
  if (peer->call.stated_ns == 0)
    return;
  ew_put (&peer->counters.behind_stated_ns, peer->call.stated_ns);
  ew_put (&peer->counters.behind_ns, time->now_ns);
}

void
ew_peer_forget_sessions (EwPeer *peer)
{
  ew_peer_clear_handshake (peer);
  ew_keypairs_clear (&peer->keypairs, &peer->device->indices);
  ew_add (&peer->counters.dropped_queue, ew_staging_clear (&peer->staging, &peer->device->staged_bytes));
  ew_timers_forget (&peer->timers);
}

void
ew_peer_set_user_data (EwPeer *peer, void *data)
{
  atomic_store_explicit (&peer->user_data, data, memory_order_release);
}

void *
ew_peer_get_user_data (const EwPeer *peer)
{
  return atomic_load_explicit (&peer->user_data, memory_order_acquire);
}

void
ew_peer_schedule (EwPeer *peer, uint64_t due_ns)
{
  ew_heap_set (&peer->device->due, &peer->due, due_ns);
  atomic_store (&peer->scheduled_ns, due_ns);
}

void
ew_peer_reschedule (EwPeer *peer)
{
  uint64_t due = ew_timers_deadline (&peer->timers);
  if (due < peer->due.due_ns)
    ew_peer_schedule (peer, due);
}

void
ew_peer_reschedule_from (EwPeer *peer, EwLane *lane)
{
  if (ew_timers_deadline (&peer->timers) >= atomic_load (&peer->scheduled_ns) || !ew_lane_lock_peer (lane, peer))
    return;
  ew_peer_reschedule (peer);
  ew_lane_unlock (lane);
}

void
ew_peer_emit (EwPeer *peer, EwPeerEvent event)
{
  if (peer->device->hooks.event != NULL)
    peer->device->hooks.event (peer->device->acting->user, peer, event);
}

void
ew_peer_clear_handshake (EwPeer *peer)
{
  if (peer->handshake_index.kind != EW_INDEX_NONE)
    ew_index_remove (&peer->device->indices, &peer->handshake_index);
  peer->handshake_index.kind = EW_INDEX_NONE;
  ew_noise_clear (&peer->handshake);
}

void
ew_peer_zero_keys (EwPeer *peer)
{
  ew_peer_clear_handshake (peer);
  if (ew_keypairs_clear (&peer->keypairs, &peer->device->indices))
    ew_peer_emit (peer, EW_PEER_SESSION_EXPIRED);
}

uint32_t
ew_peer_unused_index (EwPeer *peer)
{
  EwDevice *device = peer->device;
  uint8_t bytes[4];
  do
    device->hooks.random (device->acting->user, bytes, sizeof bytes);
  while (ew_device_lane_of (device, bytes[0]) != peer->lane
         || ew_index_find (&device->indices, ew_load_le32 (bytes)) != NULL);
  return ew_load_le32 (bytes);
}

/* The endpoint belongs to the local address that it was sent to: answers leave from there. */
static void
move (EwPeer *peer, const EwEndpoint *from)
{
  bool roamed = !ew_endpoint_same_remote (&peer->endpoint, from);
  ew_peer_set_endpoint (peer, from);
  if (roamed)
    ew_peer_emit (peer, EW_PEER_ROAMED);
}

void
ew_peer_heard_from (EwPeer *peer, const EwEndpoint *from, size_t len, const EwTime *time)
{
  ew_add (&peer->counters.rx_bytes, len);
  ew_put (&peer->counters.last_rx_ns, time->now_ns);
  ew_timers_authenticated_received (&peer->timers, time->now_ns);
  move (peer, from);
}

void
ew_peer_heard_from_at (EwPeer *peer, EwLane *lane, const EwEndpoint *from, const EwTime *time)
{
  EwEndpoint known;
  const uint64_t last_ns = atomic_load_explicit (&peer->counters.last_rx_ns, memory_order_relaxed);
  const bool returned = last_ns != 0 && time->now_ns > last_ns + EW_SILENCE;
  ew_put (&peer->counters.last_rx_ns, time->now_ns);
  ew_timers_authenticated_received (&peer->timers, time->now_ns);
  ew_peer_read_endpoint (peer, &known);
  if ((ew_endpoint_same_remote (&known, from) && ew_ip_equal (&known.local, &from->local) && !returned)
      || !ew_lane_lock_peer (lane, peer))
    return;
  move (peer, from);
  if (returned)
    ew_peer_emit (peer, EW_PEER_RETURNED);
  ew_lane_unlock (lane);
}

bool
ew_peer_begin_session (EwPeer *peer, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t send_key[EW_KEY_SIZE], receive_key[EW_KEY_SIZE];
  bool is_initiator;
  if (!ew_noise_derive_keys (&peer->handshake, send_key, receive_key, &is_initiator))
    return false;
  uint32_t local_index = peer->handshake.local_index, remote_index = peer->handshake.remote_index;
  ew_peer_clear_handshake (peer); /* its index becomes the keypair's */
  EwKeypair *keypair
    = ew_keypair_new (peer, local_index, remote_index, send_key, receive_key, is_initiator, time->now_ns);
  ew_secret_zero (send_key, sizeof send_key);
  ew_secret_zero (receive_key, sizeof receive_key);
  if (keypair == NULL || !ew_index_insert (&device->indices, &keypair->index))
    {
      ew_keypair_free (keypair);
      return false;
    }
  ew_keypairs_add (&peer->keypairs, &device->indices, keypair);
  ew_timers_session_derived (&peer->timers, time->now_ns);
  return true;
}

void
ew_peer_session_complete (EwPeer *peer, const EwTime *time)
{
  ew_timers_handshake_complete (&peer->timers);
  ew_put (&peer->counters.last_handshake_ns, time->now_ns);
  ew_put (&peer->counters.last_handshake_realtime_ns, time->realtime_ns);
  ew_peer_emit (peer, EW_PEER_HANDSHAKE_COMPLETE);
}

void
ew_peer_tick (EwPeer *peer, const EwTime *time)
{
  unsigned actions = ew_timers_tick (&peer->timers, time->now_ns);
  if (actions & EW_ACTION_ZERO_KEYS)
    ew_peer_zero_keys (peer);
  if (actions & EW_ACTION_GIVE_UP)
    {
      ew_add (&peer->counters.dropped_queue, ew_staging_clear (&peer->staging, &peer->device->staged_bytes));
      ew_peer_emit (peer, EW_PEER_HANDSHAKE_GAVE_UP);
    }
  if (actions & (EW_ACTION_RETRY_HANDSHAKE | EW_ACTION_NEW_HANDSHAKE))
    {
      /* Perhaps this computer's own address doesn't work any more: let the system choose again. */
      forget_local (peer);
      if (actions & EW_ACTION_NEW_HANDSHAKE)
        ew_timers_handshake_wanted (&peer->timers, false);
      ew_send_initiation (peer, time);
    }
  if (actions & EW_ACTION_KEEPALIVE)
    ew_send_keepalive (peer, time);
}
