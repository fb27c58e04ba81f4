/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In: datagrams are told apart, data messages opened in a batch, then each checked, trimmed and delivered in the order
 * it came. */
#include "proto/icmp-quote.h"
#include "proto/inner.h"
#include "proto/peer.h"

static void
invalid (EwLane *lane)
{
  ew_count (&lane->stats.rx_invalid, 1);
}

/* Reports, and IPv6 packets whose extension headers may hide one. */
static bool
may_be_report (const uint8_t *packet)
{
  const bool v4 = packet[0] >> 4 == 4;
  const uint8_t protocol = v4 ? packet[9] : packet[6];
  return v4 ? protocol == 1 : protocol == 58 || protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

/* Whether what came from peer may have this source: one of its own, or a router's behind it, which reports about a
   packet on its way to peer's prefixes. A source that is another peer's is never taken. A report from peer's own
   address must be about such a packet, too: kernels look at what it quotes, not at who sends it, and any member could
   narrow the path between two others. */
static bool
source_allowed (const EwLane *lane, const EwPeer *peer, const EwPacket *packet)
{
  const EwAllowedIps *ips = &lane->device->allowed_ips;
  const EwFamily family = ew_inner_family (packet->data);
  const EwPeer *owner = ew_allowed_ips_lookup (ips, family, ew_inner_source (packet->data));
  EwIp towards;

  if (owner == peer && (!may_be_report (packet->data) || !ew_icmp_is_report (packet->data, packet->len)))
    return true;
  return (owner == peer || owner == NULL) && ew_icmp_quotes (packet->data, packet->len, &towards)
         && ew_allowed_ips_lookup (ips, family, towards.bytes) == peer;
}

/* Trims and checks an inner packet in place. False: it must not be delivered. */
static bool
admit (EwLane *lane, EwPeer *peer, EwPacket *packet)
{
  size_t len = ew_inner_length (packet->data, packet->len);
  if (len == 0)
    {
      invalid (lane);
      return false;
    }
  packet->len = len;
  if (!source_allowed (lane, peer, packet))
    {
      ew_add (&peer->counters.dropped_source, 1);
      return false;
    }
  return ew_inner_ecn_decapsulate (packet->data, packet->ecn);
}

static void
deliver (EwLane *lane, EwPeer *peer, EwPacket *packet)
{
  EwDevice *device = lane->device;
  lane->heard.packets++;
  lane->delivering_start = packet->data;
  lane->delivering_end = packet->data + packet->len + packet->room;
  device->hooks.deliver (lane->user, peer, packet);
  lane->delivering_start = lane->delivering_end = NULL;
}

static void
renew_if_old (EwLane *lane, EwPeer *peer, const EwTime *time)
{
  const EwKeypair *current = ew_peer_get_sending (peer, time);
  if (current == NULL
      || !ew_timers_should_renew_receiving (&peer->timers, current->created_ns, current->is_initiator, time->now_ns)
      || !ew_lane_lock_peer (lane, peer))
    return;
  ew_peer_initiate (peer, time, false);
  ew_lane_unlock (lane);
}

/* The end of a run of packets of one peer. */
static void
count_heard (EwLane *lane)
{
  EwPeer *peer = lane->heard.peer;
  if (peer == NULL)
    return;
  ew_add (&peer->counters.rx_bytes, lane->heard.bytes);
  ew_add (&peer->counters.rx_packets, lane->heard.packets);
  ew_peer_reschedule_from (peer, lane);
  lane->heard.peer = NULL;
}

static void
heard (EwLane *lane, EwPeer *peer, const EwPacket *datagram, const EwTime *time)
{
  const EwEndpoint *from = &datagram->endpoint, *last = lane->heard.endpoint;
  if (lane->heard.peer != peer)
    {
      count_heard (lane);
      lane->heard.peer = peer;
      lane->heard.bytes = lane->heard.packets = 0;
      last = NULL;
    }
  lane->heard.endpoint = from;
  lane->heard.bytes += datagram->len;
  if (last == NULL || !ew_endpoint_same_remote (last, from) || !ew_ip_equal (&last->local, &from->local))
    ew_peer_heard_from_at (peer, lane, from, time);
}

/* Data came on the next keypair for the first time: the initiator has it. */
static void
begin_next (EwLane *lane, EwPeer *peer, const EwKeypair *keypair, const EwTime *time)
{
  if (!ew_lane_lock_peer (lane, peer))
    return;
  if (ew_keypairs_received_on (&peer->keypairs, &lane->device->indices, keypair))
    {
      ew_peer_session_complete (peer, time);
      if (peer->staging.count > 0)
        ew_send_staged_or_keepalive (peer, time);
    }
  ew_lane_unlock (lane);
}

/* One authentic data message. */
static void
receive_opened (EwLane *lane, EwKeypair *keypair, const EwAeadItem *item, EwPacket *datagram, const EwTime *time)
{
  EwPeer *peer = keypair->index.peer;
  if (!ew_replay_accept (&keypair->replay, item->counter))
    {
      ew_add (&peer->counters.dropped_replay, 1);
      return;
    }
  const bool first = lane->heard.peer != peer;
  heard (lane, peer, datagram, time);
  if (atomic_load_explicit (&peer->keypairs.next, memory_order_acquire) == keypair)
    begin_next (lane, peer, keypair, time);
  if (first)
    renew_if_old (lane, peer, time);
  size_t len = item->len - EW_TAG_SIZE;
  if (len == 0)
    return;
  EwPacket inner = { .data = item->data, .len = len, .endpoint = datagram->endpoint, .ecn = datagram->ecn };
  ew_timers_data_received (&peer->timers, time->now_ns);
  if (admit (lane, peer, &inner))
    {
      inner.room = item->len - inner.len;
      deliver (lane, peer, &inner);
    }
}

/* Opens what was gathered. */
static void
flush_inbound (EwLane *lane, const EwTime *time)
{
  size_t n = lane->n_inbound;
  if (n == 0)
    return;
  ew_aead_open_n (lane->opening, n);
  for (size_t i = 0; i < n; i++)
    if (lane->opening[i].ok)
      receive_opened (lane, lane->inbound[i].keypair, &lane->opening[i], lane->inbound[i].datagram, time);
    else
      invalid (lane);
  count_heard (lane);
  lane->n_inbound = 0;
}

/* NULL: of no session that is there, or too old. */
static EwKeypair *
find_session (EwLane *lane, const EwPacket *datagram, const EwTime *time)
{
  const EwMessageData *header = (const EwMessageData *)datagram->data;
  EwIndexEntry *entry = datagram->len >= EW_DATA_OVERHEAD
                          ? ew_index_find_session (&lane->device->indices, ew_load_le32 (header->receiver_index))
                          : NULL;
  if (entry == NULL)
    return NULL;
  EwKeypair *keypair = (EwKeypair *)entry;
  return ew_timers_session_valid (keypair->created_ns, ew_load_le64 (header->counter), time->now_ns) ? keypair : NULL;
}

static void
gather_data (EwLane *lane, EwPacket *datagram, const EwTime *time)
{
  const EwMessageData *header = (const EwMessageData *)datagram->data;
  EwKeypair *keypair = find_session (lane, datagram, time);
  if (keypair == NULL)
    {
      invalid (lane);
      return;
    }
  if (keypair->index.peer->lane != lane->number) /* whose replay window it is */
    {
      lane->device->hooks.misdirected (lane->user, keypair->index.peer->lane, datagram);
      return;
    }
  size_t i = lane->n_inbound++;
  lane->inbound[i] = (EwInbound){ .keypair = keypair, .datagram = datagram };
  lane->opening[i] = (EwAeadItem){ .key = keypair->receive,
                                   .data = datagram->data + sizeof *header,
                                   .len = datagram->len - sizeof *header,
                                   .counter = ew_load_le64 (header->counter) };
}

/* Handshakes: with the lock, the device's acting lane is the one at work. */

static bool
rate_allowed (EwDevice *device, const EwEndpoint *from, uint64_t now_ns)
{
  if (device->rate_limiter == NULL)
    device->rate_limiter = ew_rate_limiter_new (device->seed);
  return device->rate_limiter != NULL && ew_rate_limiter_allow (device->rate_limiter, from, now_ns);
}

/* May this handshake message cost a DH, as far as the load goes? Its mac1 is right. Sections 5.3 and 5.4.7. */
static bool
load_allows (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  EwLoad load = ew_load_count (&device->load, time->now_ns);
  if (load == EW_LOAD_NORMAL)
    return true;
  ew_count (&device->acting->stats.rx_cookie_required, 1);
  if (load == EW_LOAD_FULL)
    return false;
  if (ew_cookie_check_mac2 (&device->cookies, datagram->data, datagram->len, &datagram->endpoint, time->now_ns))
    return rate_allowed (device, &datagram->endpoint, time->now_ns);
  ew_load_count_cookie (&device->load);
  ew_send_cookie_reply (device, &datagram->endpoint, datagram->data, datagram->len, time);
  return false;
}

/* May this handshake message cost a DH? Anyone may send ten thousand a second of these, so the cheapest check comes
   first, and the data that was gathered before it waits for nothing but a DH. */
static bool
handshake_admitted (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const uint8_t *message = datagram->data;
  size_t len = datagram->len;
  if (!device->identity.present || ew_repeats_has (&device->repeats, message, len)
      || !ew_cookie_check_mac1 (&device->cookies, message, len))
    {
      invalid (device->acting);
      return false;
    }
  if (!load_allows (device, datagram, time))
    return false;
  ew_repeats_remember (&device->repeats, message, len);
  flush_inbound (device->acting, time); /* in order: a handshake may replace the sessions before it */
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
  const unsigned refused = peer != NULL ? peer->remote.refused : 0;
  bool ok
    = peer != NULL
      && ew_noise_consume_initiation (&handshake, &reading, &device->identity, &peer->remote, message, time->now_ns);
  ew_secret_zero (&reading, sizeof reading);
  if (!ok)
    {
      if (peer != NULL && peer->remote.refused > refused)
        ew_peer_note_refusal (peer, &datagram->endpoint, time);
      return false;
    }
  ew_put (&peer->counters.behind_ns, 0);
  ew_peer_clear_handshake (peer); /* one of this side's own under way is dropped */
  peer->handshake = handshake;
  ew_secret_zero (&handshake, sizeof handshake);
  ew_peer_heard_from (peer, &datagram->endpoint, datagram->len, time);
  ew_send_response (peer, time);
  return true;
}

/* The peer whose handshake the response claims to answer, or NULL. */
static EwPeer *
find_answered (const EwDevice *device, const EwPacket *datagram)
{
  const EwMessageResponse *message = (const EwMessageResponse *)datagram->data;
  EwIndexEntry *entry = ew_index_find_handshake (&device->indices, ew_load_le32 (message->receiver_index));
  return entry != NULL ? entry->peer : NULL;
}

static bool
receive_response (EwDevice *device, const EwPacket *datagram, const EwTime *time)
{
  const EwMessageResponse *message = (const EwMessageResponse *)datagram->data;
  EwPeer *peer = find_answered (device, datagram);
  if (peer == NULL || !ew_noise_consume_response (&peer->handshake, &device->identity, &peer->remote, message))
    return false;
  if (peer->call.out && peer->call.index == ew_load_le32 (message->receiver_index))
    ew_peer_note_call_answered (peer, time);
  ew_peer_heard_from (peer, &datagram->endpoint, datagram->len, time);
  if (ew_peer_begin_session (peer, time))
    {
      ew_peer_session_complete (peer, time);
      ew_send_staged_or_keepalive (peer, time); /* the responder may only send once it has heard the initiator on the
                                                   new keys */
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
ew_lane_receive (EwLane *lane, EwPacket *datagrams, size_t n, const EwTime *time)
{
  ew_lane_enter (lane);
  for (size_t i = 0; i < n; i++)
    {
      EwPacket *datagram = &datagrams[i];
      uint32_t type = datagram->len >= 4 ? ew_load_le32 (datagram->data) : 0;
      if (type == EW_MESSAGE_DATA)
        {
          if (lane->n_inbound == EW_BATCH_MAX)
            flush_inbound (lane, time);
          gather_data (lane, datagram, time);
          continue;
        }
      ew_lane_lock (lane);
      if (!receive_handshake (lane->device, type, datagram, time))
        invalid (lane);
      ew_lane_unlock (lane);
    }
  flush_inbound (lane, time);
  ew_send_flush (lane, time);
  ew_lane_leave (lane);
}

bool
ew_lane_count_arrived (const EwLane *lane, const EwPeer *from, uint32_t index, uint64_t first, unsigned n,
                       unsigned *seen)
{
  const EwIndexEntry *entry = ew_index_find_session (&lane->device->indices, index);
  if (entry == NULL || entry->peer != from || from->lane != lane->number || n > EW_BATCH_MAX)
    return false;
  return ew_replay_count (&((const EwKeypair *)entry)->replay, first, n, seen);
}
