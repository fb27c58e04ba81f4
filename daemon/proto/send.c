/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Out: packets are given a session, headers and a nonce, gathered in a batch, sealed together, transmitted one by one.
 */
#include "proto/inner.h"
#include "proto/peer.h"

static void
transmit (EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn, const EwTime *time)
{
  peer->stats.tx_bytes += len;
  peer->stats.last_tx_ns = time->now_ns;
  peer->device->hooks.transmit (peer->device->user, peer, &peer->endpoint, data, len, dscp_ecn);
}

/* Adds the macs and sends. message has room around it. */
static void
transmit_handshake (EwPeer *peer, uint8_t *message, size_t len, const EwTime *time)
{
  ew_cookie_add_macs (&peer->cookie, peer->remote.public_key, message, len, time->now_ns);
  transmit (peer, message, len, EW_HANDSHAKE_DSCP, time);
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
can_initiate (const EwPeer *peer, const EwTime *time)
{
  return peer->endpoint.kind != EW_ENDPOINT_NONE && peer->device->identity.present
         && !ew_secret_equal (peer->remote.public_key, peer->device->identity.public_key, EW_KEY_SIZE)
         && ew_timers_may_initiate (&peer->timers, time->now_ns);
}

void
ew_send_initiation (EwPeer *peer, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageInitiation) + EW_TAILROOM], timestamp[EW_TIMESTAMP_SIZE];
  uint8_t ephemeral[EW_KEY_SIZE];
  EwMessageInitiation *message = (EwMessageInitiation *)(buffer + EW_HEADROOM);
  if (!can_initiate (peer, time))
    return;
  device->hooks.random (device->user, ephemeral, sizeof ephemeral);
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
  /* Even a failure waits its 5 s and is tried again: memory may be back, or the key changed. */
  ew_timers_initiation_sent (&peer->timers, time->now_ns, ew_device_jitter (device));
  ew_peer_reschedule (peer);
  if (ok)
    transmit_handshake (peer, buffer + EW_HEADROOM, sizeof *message, time);
  else
    ew_peer_clear_handshake (peer);
}

void
ew_send_response (EwPeer *peer, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageResponse) + EW_TAILROOM], ephemeral[EW_KEY_SIZE];
  EwMessageResponse *message = (EwMessageResponse *)(buffer + EW_HEADROOM);
  device->hooks.random (device->user, ephemeral, sizeof ephemeral);
  bool ok = ew_noise_create_response (&peer->handshake, &peer->remote, ephemeral, ew_peer_unused_index (peer), message)
            && ew_peer_begin_session (peer, time);
  ew_secret_zero (ephemeral, sizeof ephemeral);
  ew_timers_response_sent (&peer->timers, time->now_ns);
  ew_peer_reschedule (peer);
  if (ok)
    transmit_handshake (peer, buffer + EW_HEADROOM, sizeof *message, time);
}

void
ew_send_cookie_reply (EwDevice *device, const EwEndpoint *to, const uint8_t *message, size_t len, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + sizeof (EwMessageCookieReply) + EW_TAILROOM];
  EwMessageCookieReply *reply = (EwMessageCookieReply *)(buffer + EW_HEADROOM);
  if (ew_cookie_make_reply (&device->cookies, message, len, to, time->now_ns, reply))
    device->hooks.transmit (device->user, NULL, to, buffer + EW_HEADROOM, sizeof *reply, EW_HANDSHAKE_DSCP);
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
gather (EwPeer *peer, EwKeypair *keypair, uint8_t *data, size_t len, size_t room)
{
  EwDevice *device = peer->device;
  size_t i = device->n_outbound++, padding = padding_of (len, room, device->mtu);
  EwMessageData *header = (EwMessageData *)(data - sizeof *header);
  uint8_t ecn = ew_inner_ecn_encapsulate (data, len);
  memset (data + len, 0, padding);
  ew_store_le32 (header->type, EW_MESSAGE_DATA);
  ew_store_le32 (header->receiver_index, keypair->remote_index);
  ew_store_le64 (header->counter, keypair->send_counter);
  device->outbound[i] = (EwOutbound){ .peer = peer, .keypair = ew_keypair_ref (keypair), .inner_len = len, .ecn = ecn };
  device->sealing[i]
    = (EwAeadItem){ .key = keypair->send, .data = data, .len = len + padding, .counter = keypair->send_counter };
  keypair->send_counter++;
}

static void
transmit_sealed (EwDevice *device, size_t i, const EwTime *time)
{
  EwOutbound *out = &device->outbound[i];
  EwAeadItem *item = &device->sealing[i];
  EwPeer *peer = out->peer;
  if (!item->ok)
    return;
  ew_timers_authenticated_sent (&peer->timers, time->now_ns);
  if (out->inner_len > 0)
    {
      ew_timers_data_sent (&peer->timers, time->now_ns, ew_device_jitter (device));
      peer->stats.tx_packets++;
    }
  transmit (peer, item->data - sizeof (EwMessageData), sizeof (EwMessageData) + item->len + EW_TAG_SIZE, out->ecn,
            time);
}

static void
renew_if_old (EwPeer *peer, const EwTime *time)
{
  const EwKeypair *current = peer->keypairs.current;
  if (current != NULL && ew_timers_session_valid (current->created_ns, current->send_counter, time->now_ns)
      && ew_timers_should_renew_sending (current->created_ns, current->send_counter, current->is_initiator,
                                         time->now_ns))
    ew_peer_initiate (peer, time, false);
}

void
ew_send_flush (EwDevice *device, const EwTime *time)
{
  size_t n = device->n_outbound;
  ew_aead_seal_n (device->sealing, n);
  for (size_t i = 0; i < n; i++)
    transmit_sealed (device, i, time);
  device->n_outbound = 0;
  for (size_t i = 0; i < n; i++)
    {
      EwPeer *peer = device->outbound[i].peer;
      ew_keypair_unref (device->outbound[i].keypair);
      if (i + 1 < n && device->outbound[i + 1].peer == peer)
        continue; /* once a run */
      renew_if_old (peer, time);
      ew_peer_reschedule (peer);
    }
}

static void
gather_or_flush (EwPeer *peer, EwKeypair *keypair, uint8_t *data, size_t len, size_t room, const EwTime *time)
{
  if (peer->device->n_outbound == EW_BATCH_MAX)
    ew_send_flush (peer->device, time);
  gather (peer, keypair, data, len, room);
}

static EwKeypair *
sending_keypair (EwPeer *peer, const EwTime *time)
{
  return ew_peer_has_session (peer, time) ? peer->keypairs.current : NULL;
}

void
ew_send_keepalive (EwPeer *peer, const EwTime *time)
{
  uint8_t buffer[EW_HEADROOM + EW_TAILROOM];
  EwKeypair *keypair = sending_keypair (peer, time);
  if (keypair == NULL)
    {
      ew_peer_initiate (peer, time, false);
      return;
    }
  gather_or_flush (peer, keypair, buffer + EW_HEADROOM, 0, 0, time);
  ew_send_flush (peer->device, time);
}

void
ew_send_staged_or_keepalive (EwPeer *peer, const EwTime *time)
{
  EwStagedPacket *batch[EW_BATCH_MAX];
  EwKeypair *keypair = sending_keypair (peer, time);
  if (peer->staging.count == 0 || keypair == NULL)
    {
      ew_send_keepalive (peer, time);
      return;
    }
  ew_send_flush (peer->device, time);
  while (peer->staging.count > 0)
    {
      size_t n = 0;
      for (; n < EW_BATCH_MAX && peer->staging.count > 0; n++)
        {
          batch[n] = ew_staging_pop (&peer->staging);
          gather (peer, keypair, batch[n]->bytes + EW_HEADROOM, batch[n]->len, 0);
        }
      ew_send_flush (peer->device, time);
      for (size_t i = 0; i < n; i++)
        ew_staging_free (batch[i], &peer->device->staged_bytes);
    }
}

/* Gathered if there is a session, staged if not. */
static void
send_one (EwPeer *peer, const EwPacket *packet, const EwTime *time)
{
  size_t len = packet->len;
  EwKeypair *keypair = sending_keypair (peer, time);
  if (len == 0 || len > EW_MTU_MAX)
    return;
  if (peer->endpoint.kind == EW_ENDPOINT_NONE)
    peer->stats.dropped_queue++; /* nowhere to, and no telling when */
  else if (keypair != NULL)
    gather_or_flush (peer, keypair, packet->data, len, packet->room, time);
  else
    {
      peer->stats.dropped_queue += ew_staging_push (&peer->staging, &peer->device->staged_bytes, packet->data, len);
      ew_peer_initiate (peer, time, false);
    }
}

static bool
is_being_delivered (const EwDevice *device, const EwPacket *packet)
{
  return device->delivering_start != NULL && packet->data >= device->delivering_start
         && packet->data + packet->len <= device->delivering_end;
}

void
ew_peer_send (EwPeer *peer, EwPacket *packets, size_t n, const EwTime *time)
{
  bool may_wait = true; /* the hairpin: the buffer stays as long as the batch it came in */
  for (size_t i = 0; i < n; i++)
    {
      may_wait = may_wait && is_being_delivered (peer->device, &packets[i]);
      send_one (peer, &packets[i], time);
    }
  if (!may_wait)
    ew_send_flush (peer->device, time);
}

size_t
ew_device_send (EwDevice *device, EwPacket *packets, size_t n, const EwTime *time)
{
  size_t untaken = 0;
  for (size_t i = 0; i < n; i++)
    {
      EwPacket packet = packets[i];
      size_t len = ew_inner_length (packet.data, packet.len);
      EwPeer *peer = len == 0 ? NULL
                              : ew_allowed_ips_lookup (&device->allowed_ips, ew_inner_family (packet.data),
                                                       ew_inner_destination (packet.data));
      if (peer != NULL && peer->endpoint.kind != EW_ENDPOINT_NONE)
        {
          send_one (peer, &packet, time);
          continue;
        }
      device->stats.no_peer++;
      packets[i] = packets[untaken];
      packets[untaken++] = packet;
    }
  ew_send_flush (device, time);
  return untaken;
}
