/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The nodes: what each is configured with, its clocks, and what survives its death. */
#include "history.h"
#include "proto/packet-private.h"

#include <string.h>

/* As the real programs do (tunnel/link.c, edge/feed/feed.c): timestamps are reserved on the disk ahead of the clock, so
   that a crash loses nothing. */
#define RESERVE (3600 * SECOND)
#define RESERVE_LEFT (RESERVE / 4)

EwTime
node_time (const Node *node)
{
  uint64_t now = node->history->now_ns;
  return (EwTime){ .now_ns = now + node->boot_offset_ns, .realtime_ns = node->realtime_ns + (now - node->set_ns) };
}

gboolean
node_is_awake (const Node *node)
{
  return node->wakes_ns <= node->history->now_ns;
}

void
node_set_clock (Node *node, uint64_t realtime_ns)
{
  node->realtime_ns = realtime_ns;
  node->set_ns = node->history->now_ns;
}

EwPeer *
node_peer (const Node *node, const Node *other)
{
  return ew_device_find_peer (node->device, other->public_key);
}

/* Numbers of four bytes are receiver indices: in a history each is given once, so that it names its session. */
static void
hook_random (void *user, uint8_t *out, size_t len)
{
  History *history = ((Node *)user)->history;
  if (len == 4)
    {
      ew_store_le32 (out, ++history->next_index * 0x9e3779b1u);
      return;
    }
  for (size_t i = 0; i < len; i += 8)
    {
      uint64_t x = history_random (history);
      memcpy (out + i, &x, MIN (len - i, 8));
    }
}

static void
reserve_timestamps (Node *node)
{
  uint64_t sent = ew_device_get_timestamp_floor (node->device);
  node->latest_timestamp_ns = MAX (node->latest_timestamp_ns, sent);
  uint64_t latest = MAX (sent, node_time (node).realtime_ns);
  if (node->floor_ns < latest + RESERVE_LEFT)
    node->floor_ns = latest + RESERVE;
}

static void
hook_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Node *node = user;
  History *history = node->history;
  history->n_datagrams++;
  node->datagrams++;
  if (data[0] == EW_MESSAGE_INITIATION)
    {
      history->initiations++;
      reserve_timestamps (node);
    }
  check_transmitted (node, peer, data, len, dscp_ecn);
  NOTE (history, "%u sends %zu bytes of type %u to %s%" G_GUINT64_FORMAT, node->number, len, data[0],
        to->kind == EW_ENDPOINT_STREAM ? "stream " : "", to->id);
  if (data[0] == EW_MESSAGE_INITIATION && history->drop_initiations > 0)
    history->drop_initiations--;
  else if (to->kind == EW_ENDPOINT_STREAM)
    stream_write (node, to->id, data, len);
  else
    history_fly (node, to->id, data, len, dscp_ecn & 3);
}

/* The edge forwards what is not for itself, in the buffer it came in. */
static void
hook_deliver (void *user, EwPeer *from, EwPacket *packet)
{
  Node *node = user;
  EwIpHeader header;
  if (!ew_packet_parse (packet->data, packet->len, &header))
    history_fail (node->history, "%u: what is delivered is no IP packet", node->number);
  unsigned to = header.destination.bytes[ew_ip_size (&header.destination) - 1];
  if (to == node->number || node->number != 1)
    {
      check_delivered (node, from, packet);
      return;
    }
  EwTime time = node_time (node);
  EwPeer *peer = ew_device_lookup (node->device, &header.destination);
  if (peer != NULL && ew_packet_decrement_ttl (packet->data, packet->len))
    ew_peer_send (peer, packet, 1, &time);
}

static void
hook_event (void *user, EwPeer *peer, EwPeerEvent event)
{
  static const char *const names[]
    = { "has a session with", "gave up on", "hears from elsewhere of", "forgot its keys with" };
  Node *node = user;
  uint8_t key[EW_KEY_SIZE];
  unsigned other = 1;
  ew_peer_get_public_key (peer, key);
  while (other < node->history->n_nodes && memcmp (node->history->nodes[other].public_key, key, sizeof key) != 0)
    other++;
  node->history->n_handshakes += event == EW_PEER_HANDSHAKE_COMPLETE;
  const EwEndpoint *endpoint = ew_peer_get_endpoint (peer);
  if (node->number == 1 && event == EW_PEER_ROAMED && endpoint->kind == EW_ENDPOINT_MEMORY)
    node->peers[other].endpoint = endpoint->id;
  NOTE (node->history, "%u %s %u", node->number, names[event], other);
}

static EwPrefix
address_of (unsigned number, gboolean v6)
{
  EwPrefix prefix = { .ip = { .family = v6 ? EW_FAMILY_V6 : EW_FAMILY_V4 }, .length = v6 ? 128 : 32 };
  prefix.ip.bytes[0] = v6 ? 0xfd : 10;
  prefix.ip.bytes[1] = 9;
  prefix.ip.bytes[v6 ? 15 : 3] = (uint8_t)number;
  return prefix;
}

/* The edge accepts from a node only the node's own addresses, a node accepts everything from the edge. */
void
node_join (Node *node, Node *other)
{
  EwTime time = node_time (node);
  EwPeer *peer = ew_device_add_peer (node->device, other->public_key);
  EwPrefix v4 = address_of (other->number, FALSE), v6 = address_of (other->number, TRUE);
  EwEndpoint endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = other->address };
  g_assert_nonnull (peer);
  node->peers[other->number].joined = TRUE;
  if (node->number != 1)
    v4.length = v6.length = 16;
  else
    endpoint.id = node->peers[other->number].endpoint;
  g_assert_true (ew_peer_add_allowed_ip (peer, &v4) && ew_peer_add_allowed_ip (peer, &v6));
  if (node->peers[other->number].preshared)
    ew_peer_set_preshared_key (peer, node->peers[other->number].preshared_key);
  if (endpoint.id != 0)
    ew_peer_set_endpoint (peer, &endpoint);
  ew_peer_set_keepalive (peer, node->peers[other->number].keepalive, &time);
}

void
node_leave (Node *node, Node *other)
{
  EwPeer *peer = node_peer (node, other);
  node->peers[other->number].joined = FALSE;
  node->peers[other->number].endpoint = 0;
  node->epoch++;
  if (peer != NULL)
    ew_peer_remove (peer);
}

void
node_start (Node *node)
{
  const EwDeviceHooks hooks
    = { .random = hook_random, .transmit = hook_transmit, .deliver = hook_deliver, .event = hook_event };
  node->device = ew_device_new (&hooks, node, MTU);
  ew_device_set_private_key (node->device, node->private_key);
  ew_device_set_timestamp_floor (node->device, node->floor_ns);
  ew_device_get_public_key (node->device, node->public_key);
  node->window_ns = node->ticks = node->datagrams = 0;
  node->epoch++;
  for (unsigned i = 1; i <= node->history->n_nodes; i++)
    if (node->peers[i].joined)
      node_join (node, &node->history->nodes[i]);
}

void
node_restart (Node *node, Restart how)
{
  History *history = node->history;
  reserve_timestamps (node);
  if (how == RESTART_PEACEFUL)
    node->floor_ns = ew_device_get_timestamp_floor (node->device);
  else if (how == RESTART_WITHOUT_FLOOR)
    {
      node->floor_ns = 0;
      node->floor_lost = TRUE;
    }
  ew_device_free (node->device);
  node->wakes_ns = 0;
  for (unsigned i = 2; i <= history->n_nodes; i++)
    if (node->number == 1 || node->number == i)
      stream_cut (&history->nodes[i]);
  if (history_happens (history, 500)) /* the whole machine, and its clock starts again */
    node->boot_offset_ns = history_below (history, 1000 * SECOND);
  node_start (node);
  if (node->number != 1)
    return;
  /* The edge calls the nodes whose last endpoint it knows. */
  for (unsigned i = 2; i <= history->n_nodes; i++)
    if (node->peers[i].joined && node->peers[i].endpoint != 0)
      {
        EwTime time = node_time (node);
        ew_peer_initiate (node_peer (node, &history->nodes[i]), &time, FALSE);
      }
}

unsigned
node_send (Node *from, Node *to, gboolean v6, size_t size, const Node *spoofed)
{
  History *history = from->history;
  EwIp source = address_of (spoofed != NULL ? spoofed->number : from->number, v6).ip;
  EwIp destination = address_of (to->number, v6).ip;
  size_t payload = MAX (size, payload_size ());
  unsigned serial = history->delivered->len;
  g_autofree uint8_t *buffer = g_malloc0 (EW_HEADROOM + 40 + payload + EW_TAILROOM);
  EwPacket packet = { .data = buffer + EW_HEADROOM };
  size_t header = ew_packet_write_header (packet.data, &source, &destination, 253 /* RFC 3692 */, 0, payload);
  EwTime time = node_time (from);
  packet.len = header + payload;
  payload_write (packet.data + header, payload, serial, from->number, to->number);
  g_byte_array_append (history->delivered, (const uint8_t[]){ 0 }, 1);
  history->n_sent++;
  NOTE (history, "%u sends packet %u to %u%s", from->number, serial, to->number, spoofed != NULL ? ", spoofed" : "");
  ew_lane_send (ew_device_get_lane (from->device), &packet, 1, &time);
  return serial;
}

void
history_build (History *history)
{
  history->now_ns = 1000 * SECOND;
  history->next_address = 100;
  /* Mostly few: a handshake is what costs, and everybody makes some. */
  history->n_nodes = 3 + (unsigned)MIN (history_below (history, 4), history_below (history, NODES_MAX - 2));
  history->weather = (Weather){ .latency_ns = 10 * MILLISECOND };
  for (unsigned i = 1; i <= history->n_nodes; i++)
    {
      Node *node = &history->nodes[i];
      *node = (Node){ .history = history, .number = i, .address = history->next_address++ };
      node->boot_offset_ns = history_below (history, 1000 * SECOND);
      node_set_clock (node, (1700000000 + history_below (history, 1000)) * SECOND);
      hook_random (node, node->private_key, sizeof node->private_key);
      node_start (node);
    }
  for (unsigned i = 2; i <= history->n_nodes; i++)
    {
      Node *edge = &history->nodes[1], *node = &history->nodes[i];
      if (history_happens (history, 300))
        {
          node->peers[1].preshared = edge->peers[i].preshared = TRUE;
          hook_random (node, node->peers[1].preshared_key, EW_KEY_SIZE);
          memcpy (edge->peers[i].preshared_key, node->peers[1].preshared_key, EW_KEY_SIZE);
        }
      node->peers[1].keepalive = history_happens (history, 600) ? 25 : 0;
      node_join (edge, node);
      node_join (node, edge);
    }
}

void
history_free (History *history)
{
  for (unsigned i = 1; i <= history->n_nodes; i++)
    ew_device_free (history->nodes[i].device);
  for (unsigned i = 0; i < RECORDED; i++)
    g_free (history->recorded[i]);
  history_clear_wires (history);
  g_ptr_array_unref (history->flying);
  g_byte_array_unref (history->delivered);
  g_hash_table_unref (history->sessions);
  g_hash_table_unref (history->answered);
  g_free (history);
}
