/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The https transport: a node may have a stream to the edge, and a network that lets nothing else through. What is
 * written into a stream arrives in order and unchanged, but late where the wires lose; what would come too late isn't
 * written at all. A stream ends without a word, and what is under way in it is lost. Strangers have streams as well.
 *
 *   UDP ── use_stream ──→ https ── call_by_udp, answered ──→ UDP, the stream is closed
 *                         ↑   │ cut
 *                         └───┘ another stream: the session goes on
 */
#include "history.h"

#define AGE_MAX (100 * MILLISECOND) /* daemon/stream/queue.h */
#define STRANGERS (UINT64_C (1) << 32)

static Node *
owner_of (History *history, uint64_t stream)
{
  for (unsigned i = 2; i <= history->n_nodes; i++)
    if (history->nodes[i].stream == stream && stream != 0)
      return &history->nodes[i];
  return NULL;
}

EwEndpoint
stream_endpoint (uint64_t stream)
{
  EwEndpoint endpoint = { .kind = EW_ENDPOINT_STREAM, .id = stream };
  endpoint.remote = ew_ip_from_v4 (0x0a000000u + (uint32_t)stream % 251); /* some share one: they come from one proxy */
  return endpoint;
}

void
stream_cut (Node *node)
{
  if (node->stream != 0)
    NOTE (node->history, "the stream of %u is cut", node->number);
  node->stream = 0;
}

static void
stream_open (Node *node)
{
  node->stream = ++node->history->next_stream;
  node->stream_clear_ns[0] = node->stream_clear_ns[1] = node->history->now_ns;
}

/* As the tunnel does once it has a stream: the session goes on, and a handshake proves the way. */
void
stream_use (Node *node)
{
  EwTime time = node_time (node);
  EwPeer *edge = node_peer (node, &node->history->nodes[1]);
  if (node->stream == 0)
    stream_open (node);
  NOTE (node->history, "%u uses its stream", node->number);
  const EwEndpoint endpoint = stream_endpoint (node->stream);
  if (edge == NULL || !node_is_awake (node))
    return;
  ew_peer_set_endpoint (edge, &endpoint);
  ew_peer_initiate (edge, &time, TRUE);
}

/* Where the edge has answered by UDP, that's the way from then on. */
void
stream_settle (Node *node)
{
  const EwPeer *edge = node_peer (node, &node->history->nodes[1]);
  if (edge != NULL && ew_peer_get_endpoint (edge)->kind == EW_ENDPOINT_MEMORY)
    stream_cut (node);
}

void
stream_write (Node *from, uint64_t stream, const uint8_t *data, size_t len)
{
  History *history = from->history;
  const Weather *weather = &history->weather;
  Node *owner = owner_of (history, stream);
  if (owner == NULL)
    return; /* it has ended */
  if (from != owner && from->number != 1)
    history_fail (history, "%u writes into the stream of %u", from->number, owner->number);
  if (history_happens (history, weather->corruption / 10)) /* TLS ends with the first byte that was changed */
    {
      stream_cut (owner);
      return;
    }
  uint64_t *clear_ns = &owner->stream_clear_ns[from == owner];
  uint64_t again = history_happens (history, weather->loss) ? 3 * weather->latency_ns : 0;
  uint64_t arrives = MAX (*clear_ns, history->now_ns + weather->latency_ns + again);
  if (arrives > history->now_ns + 4 * weather->latency_ns + AGE_MAX)
    return;
  *clear_ns = arrives;
  history->n_streamed++;
  history_stream (history, stream, from == owner ? 1 : owner->number, data, len, arrives);
}

Node *
stream_receiver (History *history, const Datagram *d)
{
  if (d->stream >= STRANGERS)
    return &history->nodes[1];
  return owner_of (history, d->stream) != NULL ? &history->nodes[d->to] : NULL;
}

/* Whoever replays may do so through a stream: of their own, or, as a node of this mesh, through that one's. */
uint64_t
stream_of_attacker (History *history)
{
  const Node *node = &history->nodes[1 + history_below (history, history->n_nodes)];
  return node->stream != 0 ? node->stream : STRANGERS + history_below (history, 5);
}
