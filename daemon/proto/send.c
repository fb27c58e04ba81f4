/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Out: packets are given a session, headers and a nonce, gathered in a batch, sealed together, transmitted one at a
 * time.
 */
#include "proto/inner.h"
#include "proto/peer.h"

static void
count_sent (EwPeer *peer, uint64_t packets, uint64_t bytes, const EwTime *time)
{
  ew_add (&peer->counters.tx_packets, packets);
  ew_add (&peer->counters.tx_bytes, bytes);
  ew_put (&peer->counters.last_tx_ns, time->now_ns);
}

/* Adds the macs and sends. message has room around it. */
static void
transmit_handshake (EwPeer *peer, const EwEndpoint *to, uint8_t *message, size_t len, const EwTime *time)
{
  EwDevice *device = peer->device;
  ew_cookie_add_macs (&peer->cookie, peer->remote.public_key, message, len, time->now_ns);
  count_sent (peer, 0, len, time);
  device->hooks.transmit (device->acting->user, peer, to, message, len, EW_HANDSHAKE_DSCP);
}

/* Strictly later than any before it to this peer, whatever the clock does. */
static uint64_t
next_timestamp (EwPeer *peer, uint64_t realtime_ns)
{
  EwDevice *device = peer->device;
  uint64_t next = ew_timestamp_coarsen (realtime_ns);
  if (next < device->timestamp_base)
    next = device->timestamp_base;
  if (next <= peer->last_timestamp_ns)
    next = ew_timestamp_coarsen (peer->last_timestamp_ns + EW_TIMESTAMP_GRAIN);
  peer->last_timestamp_ns = next;
  if (next > device->timestamp_latest)
    device->timestamp_latest = next;
  return next;
}

static bool
can_initiate (const EwPeer *peer, const EwEndpoint *to)
{
  return to->kind != EW_ENDPOINT_NONE && peer->device->identity.present
         && !ew_secret_equal (peer->remote.public_key, peer->device->identity.public_key, EW_KEY_SIZE);
}

/* Writes the message, except its macs, in place of a handshake that may be under way. False: out of memory, or an
   invalid key. */
static bool
begin_handshake (EwPeer *peer, EwMessageInitiation *message, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t timestamp[EW_TIMESTAMP_SIZE], ephemeral[EW_KEY_SIZE];
  device->hooks.random (device->acting->user, ephemeral, sizeof ephemeral);
  ew_timestamp_write (timestamp, next_timestamp (peer, time->realtime_ns));
  ew_peer_clear_handshake (peer);
  peer->handshake_index
    = (EwIndexEntry){ .index = ew_peer_unused_index (peer), .kind = EW_INDEX_HANDSHAKE, .peer = peer };
  bool ok = ew_index_insert (&device->indices, &peer->handshake_index);
  if (!ok)
    peer->handshake_index.kind = EW_INDEX_NONE;
  ok = ok
       && ew_noise_create_initiation (&peer->handshake, &device->identity, &peer->remote, ephemeral,
                                      peer->handshake_index.index, timestamp, message);
  ew_secret_zero (ephemeral, sizeof ephemeral);
  if (!ok)
    ew_peer_clear_handshake (peer);
  return ok;
}

void
ew_send_initiation (EwPeer *peer, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageInitiation) + EW_TAILROOM];
  EwMessageInitiation *message = (EwMessageInitiation *)(buffer + EW_HEADROOM);
  if (!can_initiate (peer, &peer->endpoint) || !ew_timers_may_initiate (&peer->timers, time->now_ns))
    return;
  const bool ok = begin_handshake (peer, message, time);
  /* Even a failure waits its 5 s and is tried again: memory may be back, or the key changed. */
  ew_timers_initiation_sent (&peer->timers, time->now_ns, ew_lane_jitter (peer->device->acting));
  ew_peer_reschedule (peer);
  if (!ok)
    return;
  transmit_handshake (peer, &peer->endpoint, buffer + EW_HEADROOM, sizeof *message, time);
  peer->device->initiation = *message;
}

bool
ew_peer_repeat_initiation (EwPeer *peer, const EwEndpoint *to, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageInitiation) + EW_TAILROOM];
  if (peer->handshake_index.kind != EW_INDEX_HANDSHAKE
      || ew_load_le32 (device->initiation.sender_index) != peer->handshake_index.index)
    return false;
  memcpy (buffer + EW_HEADROOM, &device->initiation, sizeof device->initiation);
  count_sent (peer, 0, sizeof device->initiation, time);
  device->hooks.transmit (device->acting->user, NULL, to, buffer + EW_HEADROOM, sizeof device->initiation,
                          EW_HANDSHAKE_DSCP);
  return true;
}

bool
ew_send_call (EwPeer *peer, const EwEndpoint *to, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageInitiation) + EW_TAILROOM];
  EwMessageInitiation *message = (EwMessageInitiation *)(buffer + EW_HEADROOM);
  if (!can_initiate (peer, to) || !begin_handshake (peer, message, time))
    return false;
  ew_timers_call_sent (&peer->timers, time->now_ns);
  ew_peer_reschedule (peer);
  transmit_handshake (peer, to, buffer + EW_HEADROOM, sizeof *message, time);
  return true;
}

void
ew_send_response (EwPeer *peer, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageResponse) + EW_TAILROOM], ephemeral[EW_KEY_SIZE];
  EwMessageResponse *message = (EwMessageResponse *)(buffer + EW_HEADROOM);
  device->hooks.random (device->acting->user, ephemeral, sizeof ephemeral);
  bool ok = ew_noise_create_response (&peer->handshake, &peer->remote, ephemeral, ew_peer_unused_index (peer), message)
            && ew_peer_begin_session (peer, time);
  ew_secret_zero (ephemeral, sizeof ephemeral);
  ew_timers_response_sent (&peer->timers, time->now_ns);
  ew_peer_reschedule (peer);
  if (ok)
    transmit_handshake (peer, &peer->endpoint, buffer + EW_HEADROOM, sizeof *message, time);
}

void
ew_send_cookie_reply (EwDevice *device, const EwEndpoint *to, const uint8_t *message, size_t len, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageCookieReply) + EW_TAILROOM];
  EwMessageCookieReply *reply = (EwMessageCookieReply *)(buffer + EW_HEADROOM);
  if (ew_cookie_make_reply (&device->cookies, message, len, to, time->now_ns, reply))
    device->hooks.transmit (device->acting->user, NULL, to, buffer + EW_HEADROOM, sizeof *reply, EW_HANDSHAKE_DSCP);
}

/* Section 5.4.6: to a multiple of 16, but no further than the MTU, nor than there is room beside the tag (a packet on
   its way through keeps the padding that it came with). */
static size_t
padding_of (size_t len, size_t room, uint16_t mtu)
{
  size_t padded = (len + EW_PADDING_MULTIPLE - 1) / EW_PADDING_MULTIPLE * EW_PADDING_MULTIPLE;
  if (padded > mtu)
    padded = mtu > len ? mtu : len;
  if (room > 0 && padded > len + room - EW_TAG_SIZE)
    padded = len + room - EW_TAG_SIZE;
  return padded - len;
}

/* Gathers one packet for sealing; data has room around it and stays where it is until the flush. */
static void
gather (EwLane *lane, EwPeer *peer, EwKeypair *keypair, uint8_t *data, size_t len, size_t room)
{
  uint16_t mtu = atomic_load_explicit (&lane->device->mtu, memory_order_relaxed);
  size_t i = lane->n_outbound++, padding = padding_of (len, room, mtu);
  EwMessageData *header = (EwMessageData *)(data - sizeof *header);
  uint8_t ecn = ew_inner_ecn_encapsulate (data, len);
  memset (data + len, 0, padding);
  ew_store_le32 (header->type, EW_MESSAGE_DATA);
  ew_store_le32 (header->receiver_index, keypair->remote_index);
  lane->outbound[i] = (EwOutbound){ .peer = peer, .keypair = keypair, .inner_len = len, .ecn = ecn };
  lane->sealing[i] = (EwAeadItem){ .key = keypair->send, .data = data, .len = len + padding };
}

/* Draws the nonces: for all packets of a session in a row at once. Drops what comes after the last nonce of a session.
 */
static void
number (EwLane *lane)
{
  size_t n = lane->n_outbound, kept = 0;
  for (size_t first = 0, end; first < n; first = end)
    {
      EwKeypair *keypair = lane->outbound[first].keypair;
      for (end = first + 1; end < n && lane->outbound[end].keypair == keypair;)
        end++;
      uint64_t counter = atomic_fetch_add_explicit (&keypair->send_counter, end - first, memory_order_relaxed);
      for (size_t i = first; i < end && counter < EW_REJECT_AFTER_MESSAGES; i++, kept++, counter++)
        {
          if (kept != i)
            {
              lane->outbound[kept] = lane->outbound[i];
              lane->sealing[kept] = lane->sealing[i];
            }
          EwMessageData *header = (EwMessageData *)(lane->sealing[kept].data - sizeof *header);
          ew_store_le64 (header->counter, counter);
          lane->sealing[kept].counter = counter;
        }
    }
  lane->n_outbound = kept;
}

/* The sealed packets from first on that go to the same peer. Returns where they end. */
static size_t
transmit_run (EwLane *lane, size_t first, const EwTime *time)
{
  EwDevice *device = lane->device;
  EwPeer *peer = lane->outbound[first].peer;
  EwEndpoint to;
  uint64_t bytes = 0, packets = 0;
  bool any = false;
  size_t i = first;
  ew_peer_read_endpoint (peer, &to);
  for (; i < lane->n_outbound && lane->outbound[i].peer == peer; i++)
    {
      const EwAeadItem *item = &lane->sealing[i];
      size_t len = sizeof (EwMessageData) + item->len + EW_TAG_SIZE;
      if (!item->ok)
        continue;
      any = true;
      bytes += len;
      packets += lane->outbound[i].inner_len > 0;
      device->hooks.transmit (lane->user, peer, &to, item->data - sizeof (EwMessageData), len, lane->outbound[i].ecn);
    }
  if (any)
    ew_timers_authenticated_sent (&peer->timers, time->now_ns);
  if (packets > 0)
    ew_timers_data_sent (&peer->timers, time->now_ns, ew_lane_jitter (lane));
  if (any)
    count_sent (peer, packets, bytes, time);
  return i;
}

static void
renew_if_old (EwLane *lane, EwPeer *peer, const EwTime *time)
{
  const EwKeypair *current = ew_peer_get_sending (peer, time);
  if (current == NULL
      || !ew_timers_should_renew_sending (current->created_ns,
                                          atomic_load_explicit (&current->send_counter, memory_order_relaxed),
                                          current->is_initiator, time->now_ns)
      || !ew_timers_may_initiate (&peer->timers, time->now_ns) || !ew_lane_lock_peer (lane, peer))
    return;
  ew_peer_initiate (peer, time, false);
  ew_lane_unlock (lane);
}

void
ew_send_flush (EwLane *lane, const EwTime *time)
{
  if (lane->n_outbound == 0)
    return;
  number (lane);
  size_t n = lane->n_outbound;
  ew_aead_seal_n (lane->sealing, n);
  for (size_t i = 0; i < n;)
    i = transmit_run (lane, i, time);
  lane->n_outbound = 0;
  for (size_t i = 0; i < n; i++)
    {
      EwPeer *peer = lane->outbound[i].peer;
      if (i + 1 < n && lane->outbound[i + 1].peer == peer)
        continue; /* once a run */
      renew_if_old (lane, peer, time);
      ew_peer_reschedule_from (peer, lane);
    }
}

static void
gather_or_flush (EwLane *lane, EwPeer *peer, EwKeypair *keypair, const EwPacket *packet, const EwTime *time)
{
  if (lane->n_outbound == EW_BATCH_MAX)
    ew_send_flush (lane, time);
  gather (lane, peer, keypair, packet->data, packet->len, packet->room);
  if (packet->whole)
    lane->outbound[lane->n_outbound - 1].ecn |= EW_OUTER_WHOLE;
  if (packet->sparse)
    lane->outbound[lane->n_outbound - 1].ecn |= EW_OUTER_SPARSE;
}

void
ew_send_keepalive (EwPeer *peer, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + EW_TAILROOM];
  const EwPacket empty = { .data = buffer + EW_HEADROOM };
  EwKeypair *keypair = ew_peer_get_sending (peer, time);
  if (keypair == NULL)
    {
      ew_peer_initiate (peer, time, false);
      return;
    }
  gather_or_flush (peer->device->acting, peer, keypair, &empty, time);
  ew_send_flush (peer->device->acting, time);
}

void
ew_send_staged_or_keepalive (EwPeer *peer, const EwTime *time)
{
  EwStagedPacket *batch[EW_BATCH_MAX];
  EwLane *lane = peer->device->acting;
  EwKeypair *keypair = ew_peer_get_sending (peer, time);
  if (peer->staging.count == 0 || keypair == NULL)
    {
      ew_send_keepalive (peer, time);
      return;
    }
  ew_send_flush (lane, time);
  while (peer->staging.count > 0)
    {
      size_t n = 0;
      for (; n < EW_BATCH_MAX && peer->staging.count > 0; n++)
        {
          batch[n] = ew_staging_pop (&peer->staging);
          gather (lane, peer, keypair, batch[n]->bytes + EW_HEADROOM, batch[n]->len, 0);
        }
      ew_send_flush (lane, time);
      for (size_t i = 0; i < n; i++)
        ew_staging_free (batch[i], &peer->device->staged_bytes);
    }
}

/* No session: the packet waits for one. */
static void
stage (EwLane *lane, EwPeer *peer, const EwPacket *packet, const EwTime *time)
{
  if (!ew_lane_lock_peer (lane, peer))
    return;
  unsigned lost = ew_staging_push (&peer->staging, &peer->device->staged_bytes, packet->data, packet->len);
  ew_add (&peer->counters.dropped_queue, lost);
  if (ew_peer_has_session (peer, time)) /* it came just now, and what was staged before has been sent */
    ew_send_staged_or_keepalive (peer, time);
  else
    ew_peer_initiate (peer, time, false);
  ew_lane_unlock (lane);
}

/* Gathered if there is a session, staged if not. */
static void
send_one (EwLane *lane, EwPeer *peer, const EwPacket *packet, const EwTime *time)
{
  EwKeypair *keypair = ew_peer_get_sending (peer, time);
  if (packet->len == 0 || packet->len > EW_MTU_MAX)
    return;
  /* Nowhere to, and no telling when; or it asks about the path of this moment. */
  if (!ew_peer_has_endpoint (peer) || (keypair == NULL && packet->whole))
    ew_add (&peer->counters.dropped_queue, 1);
  else if (keypair != NULL)
    gather_or_flush (lane, peer, keypair, packet, time);
  else
    stage (lane, peer, packet, time);
}

static bool
is_being_delivered (const EwLane *lane, const EwPacket *packet)
{
  return lane->delivering_start != NULL && packet->data >= lane->delivering_start
         && packet->data + packet->len <= lane->delivering_end;
}

void
ew_lane_send_to (EwLane *lane, EwPeer *peer, EwPacket *packets, size_t n, const EwTime *time)
{
  bool may_wait = true; /* the hairpin: the buffer stays as long as the batch it came in */
  ew_lane_enter (lane);
  for (size_t i = 0; i < n; i++)
    {
      may_wait = may_wait && is_being_delivered (lane, &packets[i]);
      send_one (lane, peer, &packets[i], time);
    }
  if (!may_wait)
    ew_send_flush (lane, time);
  ew_lane_leave (lane);
}

void
ew_peer_send (EwPeer *peer, EwPacket *packets, size_t n, const EwTime *time)
{
  ew_lane_send_to (peer->device->acting, peer, packets, n, time);
}

size_t
ew_lane_send (EwLane *lane, EwPacket *packets, size_t n, const EwTime *time)
{
  size_t untaken = 0;
  ew_lane_enter (lane);
  for (size_t i = 0; i < n; i++)
    {
      EwPacket packet = packets[i];
      size_t len = ew_inner_length (packet.data, packet.len);
      EwPeer *peer = len == 0 ? NULL
                              : ew_allowed_ips_lookup (&lane->device->allowed_ips, ew_inner_family (packet.data),
                                                       ew_inner_destination (packet.data));
      if (peer != NULL && ew_peer_has_endpoint (peer))
        {
          send_one (lane, peer, &packet, time);
          continue;
        }
      ew_count (&lane->stats.no_peer, 1);
      packets[i] = packets[untaken];
      packets[untaken++] = packet;
    }
  ew_send_flush (lane, time);
  ew_lane_leave (lane);
  return untaken;
}
