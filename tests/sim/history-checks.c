/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What must be true, whatever happens:
 *
 *   on the wires   no plaintext; no counter of a session twice or backwards, none after 180 s; no initiation answered
 *                  twice; sizes exact; handshakes AF41, data DSCP 0
 *   delivered      to whom it was sent, from whom it says, as it was sent, once
 *   any time       nothing staged, indexed or batched beyond its bound; keys gone after 540 s without a new session
 *   the clockwork  a tick leaves no deadline in the past; no device wakes up or sends without end
 */
#include "history.h"
#include "proto/packet-private.h"
#include "proto-testing.h"

#include <string.h>

#define MARK "edgeway-plaintext" /* in every payload */
#define STORM 3000               /* datagrams of one node in a second; a node's staged packets and then some */
#define TICKS_MAX 200            /* in a second, of one device */

typedef struct
{
  char mark[sizeof MARK];
  uint32_t serial, from, to, size;
} Payload;

size_t
payload_size (void)
{
  return sizeof (Payload);
}

static uint8_t
filling (unsigned serial, size_t at)
{
  return (uint8_t)(serial * 31 + at * 7);
}

void
payload_write (uint8_t *out, size_t size, unsigned serial, unsigned from, unsigned to)
{
  Payload payload = { .mark = MARK, .serial = serial, .from = from, .to = to, .size = (uint32_t)size };
  memcpy (out, &payload, sizeof payload);
  for (size_t i = sizeof payload; i < size; i++)
    out[i] = filling (serial, i);
}

gboolean
payload_arrived (const History *history, unsigned serial)
{
  return history->delivered->data[serial] != 0;
}

void
check_delivered (Node *node, EwPeer *from, const EwPacket *packet)
{
  History *history = node->history;
  Payload payload;
  EwIpHeader header;
  uint8_t key[EW_KEY_SIZE];
  if (!ew_packet_parse (packet->data, packet->len, &header) || header.total_length != packet->len
      || packet->len < header.header_length + sizeof payload)
    history_fail (history, "%u is given a packet that nobody sent", node->number);
  const uint8_t *body = packet->data + header.header_length;
  size_t size = packet->len - header.header_length;
  memcpy (&payload, body, sizeof payload);
  if (memcmp (payload.mark, MARK, sizeof MARK) != 0 || payload.size != size
      || payload.serial >= history->delivered->len)
    history_fail (history, "%u is given a packet that nobody sent", node->number);
  for (size_t i = sizeof payload; i < size; i++)
    if (body[i] != filling (payload.serial, i))
      history_fail (history, "packet %u was changed at byte %zu", payload.serial, i);
  if (payload.to != node->number)
    history_fail (history, "packet %u was for %u, %u has it", payload.serial, payload.to, node->number);
  if (header.source.bytes[ew_ip_size (&header.source) - 1] != payload.from)
    history_fail (history, "packet %u of %u has another's source address", payload.serial, payload.from);
  ew_peer_get_public_key (from, key);
  if (memcmp (key, history->nodes[node->number == 1 ? payload.from : 1].public_key, sizeof key) != 0)
    history_fail (history, "packet %u of %u came from another peer", payload.serial, payload.from);
  if (history->delivered->data[payload.serial]++ != 0)
    history_fail (history, "packet %u was delivered twice", payload.serial);
  history->n_delivered++;
  NOTE (history, "%u gets packet %u", node->number, payload.serial);
}

/* The counters of a session only ever rise. */
static void
check_counter (Node *node, const uint8_t *data)
{
  History *history = node->history;
  uint32_t index = ew_load_le32 (data + 4);
  uint64_t counter = ew_load_le64 (data + 8);
  Session *session = g_hash_table_lookup (history->sessions, GUINT_TO_POINTER (index));
  if (session == NULL)
    {
      session = g_new (Session, 1);
      *session = (Session){ .receiver_index = index, .sender = node->number, .first_ns = history->now_ns };
      g_hash_table_insert (history->sessions, GUINT_TO_POINTER (index), session);
    }
  if (session->sender != node->number)
    history_fail (history, "%u and %u send to the same session", session->sender, node->number);
  if (counter < session->next_counter)
    history_fail (history, "%u uses nonce %" G_GUINT64_FORMAT " of session %08x again", node->number, counter, index);
  if (counter >= EW_REJECT_AFTER_MESSAGES)
    history_fail (history, "%u uses a nonce behind the last one", node->number);
  if (history->now_ns - session->first_ns >= EW_REJECT_AFTER_TIME)
    history_fail (history, "%u sends on a session of more than 180 s", node->number);
  session->next_counter = counter + 1;
}

/* A device that remembers an initiation does not answer it again. */
static void
check_response (Node *node, const uint8_t *data)
{
  GHashTable *answered = node->history->answered;
  gpointer index = GUINT_TO_POINTER (ew_load_le32 (data + 8));
  gpointer now = GUINT_TO_POINTER (node->epoch * (NODES_MAX + 1) + node->number);
  if (g_hash_table_lookup (answered, index) == now)
    history_fail (node->history, "%u answers an initiation again", node->number);
  g_hash_table_insert (answered, index, now);
}

void
check_transmitted (Node *node, EwPeer *peer, const uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  static const size_t sizes[] = { 0, 148, 92, 64 };
  History *history = node->history;
  uint32_t type = ew_load_le32 (data);
  if (memmem (data, len, MARK, strlen (MARK)) != NULL)
    history_fail (history, "%u sends plaintext", node->number);
  if (type >= EW_MESSAGE_INITIATION && type <= EW_MESSAGE_COOKIE_REPLY)
    {
      if (len != sizes[type] || dscp_ecn != EW_HANDSHAKE_DSCP || (peer == NULL) != (type == EW_MESSAGE_COOKIE_REPLY))
        history_fail (history, "%u sends a handshake message of %zu bytes, class %02x", node->number, len, dscp_ecn);
      if (type == EW_MESSAGE_RESPONSE)
        check_response (node, data);
      return;
    }
  size_t inner = len - EW_DATA_OVERHEAD;
  if (type != EW_MESSAGE_DATA || len < EW_DATA_OVERHEAD || inner > MTU
      || (inner % EW_PADDING_MULTIPLE != 0 && inner != MTU))
    history_fail (history, "%u sends a message of type %u and %zu bytes", node->number, type, len);
  if (dscp_ecn & ~3)
    history_fail (history, "%u tells the inner DSCP", node->number);
  check_counter (node, data);
}

static void
check_keys (Node *node, EwPeer *peer, const EwTime *time)
{
  EwTestingPeer look;
  ew_testing_look_at_peer (peer, &look);
  if (look.unguarded)
    history_fail (node->history, "%u keeps secrets that no timer looks at", node->number);
  if (look.keypairs > 0 && time->now_ns - look.newest_session_ns > EW_ZERO_KEYS_TIME)
    history_fail (node->history, "%u keeps keys for more than 540 s", node->number);
  if (look.staged_packets > EW_STAGED_PACKETS_MAX)
    history_fail (node->history, "%u stages %u packets", node->number, look.staged_packets);
}

void
check_memory (Node *node)
{
  EwTestingDevice look;
  size_t peers = ew_device_count_peers (node->device);
  ew_testing_look_at_device (node->device, &look);
  if (look.indices > 4 * peers) /* three keypairs and a handshake */
    history_fail (node->history, "%u has %zu indices for %zu peers", node->number, look.indices, peers);
  if (look.timers != peers)
    history_fail (node->history, "%u has %zu timers for %zu peers", node->number, look.timers, peers);
  if (look.staged_bytes > peers * EW_STAGED_PACKETS_MAX * 2048)
    history_fail (node->history, "%u stages %zu bytes", node->number, look.staged_bytes);
  if (look.batched != 0)
    history_fail (node->history, "%u left %zu packets in its batches", node->number, look.batched);
}

static void
check_storm (Node *node)
{
  uint64_t now = node->history->now_ns;
  if (now - node->window_ns >= SECOND)
    {
      node->window_ns = now;
      node->ticks = node->datagrams = 0;
    }
  if (++node->ticks > TICKS_MAX)
    history_fail (node->history, "%u is woken without end", node->number);
  if (node->datagrams > STORM)
    history_fail (node->history, "%u sends without end", node->number);
}

void
check_tick (Node *node)
{
  EwTime time = node_time (node);
  if (ew_device_deadline (node->device) <= time.now_ns)
    history_fail (node->history, "%u was woken and still wants to be", node->number);
  for (unsigned i = 1; i <= node->history->n_nodes; i++)
    {
      EwPeer *peer = node_peer (node, &node->history->nodes[i]);
      if (peer != NULL)
        check_keys (node, peer, &time);
    }
  check_memory (node);
  check_storm (node);
}

void
check_silence (Node *node)
{
  check_memory (node);
  if (ew_device_deadline (node->device) != UINT64_MAX)
    history_fail (node->history, "%u wants to be woken for nothing", node->number);
  for (unsigned i = 1; i <= node->history->n_nodes; i++)
    {
      EwTestingPeer look = { 0 };
      EwPeer *peer = node_peer (node, &node->history->nodes[i]);
      if (peer != NULL)
        ew_testing_look_at_peer (peer, &look);
      if (look.keypairs > 0 || look.handshake || look.staged_packets > 0)
        history_fail (node->history, "%u has forgotten nothing of %u", node->number, i);
    }
}
