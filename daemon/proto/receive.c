/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In: datagrams are told apart, data messages opened in a batch, then each checked, trimmed and delivered in the order
 * it came. */
#include "proto/inner.h"
#include "proto/peer.h"

static void
invalid (EwDevice *device)
{
  device->stats.rx_invalid++;
}

/* Trims and checks an inner packet in place. False: it must not be delivered. */
static bool
admit (EwPeer *peer, EwPacket *packet)
{
  EwDevice *device = peer->device;
  size_t len = ew_inner_length (packet->data, packet->len);
  if (len == 0)
    {
      invalid (device);
      return false;
    }
  packet->len = len;
  if (ew_allowed_ips_lookup (&device->allowed_ips, ew_inner_family (packet->data), ew_inner_source (packet->data))
      != peer)
    {
      peer->stats.dropped_source++;
      return false;
    }
  return ew_inner_ecn_decapsulate (packet->data, packet->ecn);
}

static void
deliver (EwPeer *peer, EwPacket *packet)
{
  EwDevice *device = peer->device;
  peer->stats.rx_packets++;
  device->delivering_start = packet->data;
  device->delivering_end = packet->data + packet->len + packet->room;
  device->hooks.deliver (device->user, peer, packet);
  device->delivering_start = device->delivering_end = NULL;
}

static void
renew_if_old (EwPeer *peer, const EwTime *time)
{
  const EwKeypair *current = peer->keypairs.current;
  if (current != NULL && ew_timers_session_valid (current->created_ns, current->send_counter, time->now_ns)
      && ew_timers_should_renew_receiving (&peer->timers, current->created_ns, current->is_initiator, time->now_ns))
    ew_peer_initiate (peer, time, false);
}

/* One authentic data message. */
static void
receive_opened (EwDevice *device, EwKeypair *keypair, const EwAeadItem *item, EwPacket *datagram, const EwTime *time)
{
  EwPeer *peer = keypair->index.peer;
  if (!ew_replay_accept (&keypair->replay, item->counter))
    {
      peer->stats.dropped_replay++;
      return;
    }
  ew_peer_heard_from (peer, &datagram->endpoint, datagram->len, time);
  if (ew_keypairs_received_on (&peer->keypairs, &device->indices, keypair))
    {
      ew_peer_session_complete (peer, time);
      if (peer->staging.count > 0)
        ew_send_staged_or_keepalive (peer, time);
    }
  renew_if_old (peer, time);
  size_t len = item->len - EW_TAG_SIZE;
  if (len > 0)
    {
      EwPacket inner = { .data = item->data, .len = len, .endpoint = datagram->endpoint, .ecn = datagram->ecn };
      ew_timers_data_received (&peer->timers, time->now_ns);
      if (admit (peer, &inner))
        {
          inner.room = item->len - inner.len;
          deliver (peer, &inner);
        }
    }
  ew_peer_reschedule (peer);
}

/* Opens what was gathered. */
static void
flush_inbound (EwDevice *device, const EwTime *time)
{
  size_t n = device->n_inbound;
  ew_aead_open_n (device->opening, n);
  for (size_t i = 0; i < n; i++)
    {
      EwInbound *in = &device->inbound[i];
      if (device->opening[i].ok)
        receive_opened (device, in->keypair, &device->opening[i], in->datagram, time);
      else
        invalid (device);
      ew_keypair_unref (in->keypair);
    }
  device->n_inbound = 0;
}

static void
gather_data (EwDevice *device, EwPacket *datagram, const EwTime *time)
{
  const EwMessageData *header = (const EwMessageData *)datagram->data;
  EwIndexEntry *entry = datagram->len >= EW_DATA_OVERHEAD
                          ? ew_index_find (&device->indices, ew_load_le32 (header->receiver_index))
                          : NULL;
  if (entry == NULL || entry->kind != EW_INDEX_KEYPAIR)
    {
      invalid (device);
      return;
    }
  EwKeypair *keypair = (EwKeypair *)entry;
  uint64_t counter = ew_load_le64 (header->counter);
  if (!ew_timers_session_valid (keypair->created_ns, counter, time->now_ns))
    {
      invalid (device);
      return;
    }
  size_t i = device->n_inbound++;
  device->inbound[i] = (EwInbound){ .keypair = ew_keypair_ref (keypair), .datagram = datagram };
  device->opening[i] = (EwAeadItem){ .key = keypair->receive,
                                     .data = datagram->data + sizeof *header,
                                     .len = datagram->len - sizeof *header,
                                     .counter = counter };
}

static bool
rate_allowed (EwDevice *device, const EwEndpoint *from, uint64_t now_ns)
{
  if (device->rate_limiter == NULL)
    device->rate_limiter = ew_rate_limiter_new (device->seed);
  return device->rate_limiter != NULL && ew_rate_limiter_allow (device->rate_limiter, from, now_ns);
}

/* May this handshake message cost us a DH, as far as the load goes? Its mac1 is right. Sections 5.3 and 5.4.7. */
static bool
load_allows (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  EwLoad load = ew_load_count (&device->load, time->now_ns);
  if (load == EW_LOAD_NORMAL)
    return true;
  device->stats.rx_cookie_required++;
  if (load == EW_LOAD_FULL)
    return false;
  if (ew_cookie_check_mac2 (&device->cookies, datagram->data, datagram->len, &datagram->endpoint, time->now_ns))
    return rate_allowed (device, &datagram->endpoint, time->now_ns);
  ew_load_count_cookie (&device->load);
  ew_send_cookie_reply (device, &datagram->endpoint, datagram->data, datagram->len, time);
  return false;
}

/* May this handshake message cost us a DH? What comes here may come by the ten thousand a second from anybody, so the
   cheapest question is asked first, and the data that was gathered before it waits for nothing but a DH. */
static bool
handshake_admitted (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const uint8_t *message = datagram->data;
  size_t len = datagram->len;
  if (!device->identity.present || ew_repeats_has (&device->repeats, message, len)
      || !ew_cookie_check_mac1 (&device->cookies, message, len))
    {
      invalid (device);
      return false;
    }
  if (!load_allows (device, datagram, time))
    return false;
  ew_repeats_remember (&device->repeats, message, len);
  flush_inbound (device, time); /* in order: a handshake may replace the sessions before it */
  return true;
}

static bool
receive_initiation (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const EwMessageInitiation *message = (const EwMessageInitiation *)datagram->data;
  EwNoiseReading reading;
  EwNoiseHandshake handshake;
  if (!ew_noise_read_initiation (&reading, &device->identity, message))
    return false;
  EwPeer *peer = ew_device_find (device, reading.remote_public_key);
  bool ok
    = peer != NULL
      && ew_noise_consume_initiation (&handshake, &reading, &device->identity, &peer->remote, message, time->now_ns);
  ew_secret_zero (&reading, sizeof reading);
  if (!ok)
    return false;
  ew_peer_clear_handshake (peer); /* one of our own under way gives way */
  peer->handshake = handshake;
  ew_secret_zero (&handshake, sizeof handshake);
  ew_peer_heard_from (peer, &datagram->endpoint, datagram->len, time);
  ew_send_response (peer, time);
  return true;
}

/* The peer whose handshake of ours the response says to answer, or NULL. */
static EwPeer *
find_answered (const EwDevice *device, const EwPacket *datagram)
{
  const EwMessageResponse *message = (const EwMessageResponse *)datagram->data;
  EwIndexEntry *entry = ew_index_find (&device->indices, ew_load_le32 (message->receiver_index));
  return entry != NULL && entry->kind == EW_INDEX_HANDSHAKE ? entry->peer : NULL;
}

static bool
receive_response (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const EwMessageResponse *message = (const EwMessageResponse *)datagram->data;
  EwPeer *peer = find_answered (device, datagram);
  if (peer == NULL || !ew_noise_consume_response (&peer->handshake, &device->identity, &peer->remote, message))
    return false;
  ew_peer_heard_from (peer, &datagram->endpoint, datagram->len, time);
  if (ew_peer_begin_session (peer, time))
    {
      ew_peer_session_complete (peer, time);
      ew_send_staged_or_keepalive (peer, time); /* the responder may only send once it has heard us on the new keys */
    }
  ew_peer_reschedule (peer);
  return true;
}

static bool
receive_cookie_reply (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const EwMessageCookieReply *message = (const EwMessageCookieReply *)datagram->data;
  EwIndexEntry *entry = ew_index_find (&device->indices, ew_load_le32 (message->receiver_index));
  return entry != NULL
         && ew_cookie_consume_reply (&entry->peer->cookie, entry->peer->remote.public_key, message, time->now_ns);
}

static bool
receive_handshake (EwDevice *device, uint32_t type, const EwPacket *datagram, const EwTime *time)
{
  size_t len = datagram->len;
  if (type == EW_MESSAGE_COOKIE_REPLY && len == sizeof (EwMessageCookieReply))
    return receive_cookie_reply (device, datagram, time);
  if (type == EW_MESSAGE_INITIATION && len == sizeof (EwMessageInitiation))
    return !handshake_admitted (device, datagram, time) || receive_initiation (device, datagram, time);
  if (type == EW_MESSAGE_RESPONSE && len == sizeof (EwMessageResponse))
    return find_answered (device, datagram) != NULL
           && (!handshake_admitted (device, datagram, time) || receive_response (device, datagram, time));
  return false;
}

void
ew_device_receive (EwDevice *device, EwPacket *datagrams, size_t n, const EwTime *time)
{
  for (size_t i = 0; i < n; i++)
    {
      EwPacket *datagram = &datagrams[i];
      uint32_t type = datagram->len >= 4 ? ew_load_le32 (datagram->data) : 0;
      if (type == EW_MESSAGE_DATA)
        {
          if (device->n_inbound == EW_BATCH_MAX)
            flush_inbound (device, time);
          gather_data (device, datagram, time);
          continue;
        }
      if (!receive_handshake (device, type, datagram, time))
        invalid (device);
    }
  flush_inbound (device, time);
  ew_send_flush (device, time);
}
