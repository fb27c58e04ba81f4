/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens: one thing at a time, mostly traffic. */
#include "history.h"
#include "proto-testing.h"

#include <string.h>

static Node *
edge_of (History *history)
{
  return &history->nodes[1];
}

static Node *
any_node (History *history)
{
  return &history->nodes[2 + history_below (history, history->n_nodes - 1)];
}

static Node *
anybody (History *history)
{
  return &history->nodes[1 + history_below (history, history->n_nodes)];
}

/* A node and the edge, in either order. */
static void
any_pair (History *history, Node **one, Node **other)
{
  gboolean edge_first = history_happens (history, 500);
  *one = edge_first ? edge_of (history) : any_node (history);
  *other = edge_first ? any_node (history) : edge_of (history);
}

static void
traffic (History *history)
{
  for (uint64_t n = 1 + history_below (history, 10); n > 0; n--)
    {
      Node *from = anybody (history), *to = anybody (history);
      size_t size = history_happens (history, 100) ? history_below (history, MTU - 39) : history_below (history, 100);
      if (from != to && node_is_awake (from))
        node_send (from, to, history_happens (history, 500), size, NULL);
    }
}

/* More than can be staged, or a batch. */
static void
burst (History *history)
{
  Node *from = anybody (history), *to = anybody (history);
  if (from != to && node_is_awake (from))
    for (uint64_t n = 50 + history_below (history, 120); n > 0; n--)
      node_send (from, to, FALSE, 0, NULL);
}

/* A node that lies about its address. */
static void
spoof (History *history)
{
  Node *liar = any_node (history), *victim = anybody (history);
  if (liar != victim && node_is_awake (liar))
    node_send (liar, edge_of (history), history_happens (history, 500), 0, victim);
}

static void
change_weather (History *history)
{
  gboolean bad = history_happens (history, 700);
  history->weather = (Weather){ .latency_ns = (1 + history_below (history, 200)) * MILLISECOND };
  if (!bad)
    return;
  history->weather.loss = (unsigned)history_below (history, 500);
  history->weather.duplication = (unsigned)history_below (history, 300);
  history->weather.reordering = (unsigned)history_below (history, 500);
  history->weather.corruption = (unsigned)history_below (history, 200);
  history->weather.straying = (unsigned)history_below (history, 100);
}

static void
rebind (History *history)
{
  Node *node = history_happens (history, 100) ? edge_of (history) : any_node (history);
  node->address = history->next_address++;
  NOTE (history, "%u moves to %" G_GUINT64_FORMAT, node->number, node->address);
  for (unsigned i = 2; i <= history->n_nodes; i++)
    if (node->number == 1 || node->number == i)
      stream_cut (&history->nodes[i]);
}

static void
change_network (History *history)
{
  Node *node = any_node (history);
  node->udp_blocked = !node->udp_blocked;
  NOTE (history, "the network of %u %s UDP", node->number, node->udp_blocked ? "drops" : "passes");
}

/* To https, or a call by UDP, which is used once it's answered. */
static void
change_transport (History *history)
{
  Node *node = any_node (history);
  EwPeer *edge = node_peer (node, edge_of (history));
  const EwEndpoint there = { .kind = EW_ENDPOINT_MEMORY, .id = edge_of (history)->address };
  EwTime time = node_time (node);
  if (node->stream == 0 || history_happens (history, 300))
    stream_use (node);
  else if (edge != NULL && node_is_awake (node))
    {
      NOTE (history, "%u tries UDP", node->number);
      (void)ew_peer_call (edge, &there, &time);
      history_wait (history, history_below (history, SECOND));
      stream_settle (node);
    }
}

/* By whoever is on the way. The tunnel makes another one at once, mostly. */
static void
lose_stream (History *history)
{
  Node *node = any_node (history);
  const gboolean had = node->stream != 0;
  stream_cut (node);
  if (had && history_happens (history, 700))
    stream_use (node);
}

static void
restart (History *history)
{
  Node *node = history_happens (history, 400) ? edge_of (history) : any_node (history);
  Restart how = (Restart)history_below (history, 3);
  NOTE (history, "%u restarts: %u", node->number, how);
  node_restart (node, how);
}

static void
step_clock (History *history)
{
  static const uint64_t steps[]
    = { SECOND / 100, SECOND, 60 * SECOND, 86400 * SECOND, 3000 * UINT64_C (86400) * SECOND };
  Node *node = anybody (history);
  uint64_t date = node_time (node).realtime_ns, step = history_below (history, steps[history_below (history, 5)]);
  node_set_clock (node, history_happens (history, 500) ? date + step : date - MIN (date, step));
  NOTE (history, "%u has another date: %" G_GUINT64_FORMAT " → %" G_GUINT64_FORMAT, node->number, date,
        node->realtime_ns);
}

static void
suspend (History *history)
{
  Node *node = anybody (history);
  node->wakes_ns
    = history->now_ns + history_below (history, history_happens (history, 500) ? 10 * SECOND : 900 * SECOND);
  NOTE (history, "%u sleeps until %" G_GUINT64_FORMAT, node->number, node->wakes_ns / SECOND);
}

/* One side wants a handshake, or both at once. */
static void
shake_hands (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  gboolean both = history_happens (history, 500), force = history_happens (history, 500);
  for (unsigned i = 0; i < 1 + (unsigned)both; i++)
    {
      Node *node = i == 0 ? one : other;
      EwPeer *peer = node_peer (node, i == 0 ? other : one);
      EwTime time = node_time (node);
      if (peer != NULL && node_is_awake (node))
        ew_peer_initiate (peer, &time, force);
    }
}

static void
remove_or_add (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  NOTE (history, "%u %s %u", one->number, node_peer (one, other) != NULL ? "removes" : "adds", other->number);
  if (node_peer (one, other) != NULL)
    node_leave (one, other);
  else
    node_join (one, other);
  if (history_happens (history, 500) && node_peer (one, other) == NULL)
    node_join (one, other);
}

/* One side first: until the other follows, no handshake can succeed. */
static void
change_preshared_key (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  EwPeer *peer = node_peer (one, other);
  for (unsigned i = 0; i < EW_KEY_SIZE; i++)
    one->peers[other->number].preshared_key[i] = (uint8_t)history_random (history);
  one->peers[other->number].preshared = TRUE;
  if (peer != NULL)
    ew_peer_set_preshared_key (peer, one->peers[other->number].preshared_key);
}

static void
change_keepalive (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  EwPeer *peer = node_peer (one, other);
  EwTime time = node_time (one);
  one->peers[other->number].keepalive = (uint16_t)(history_happens (history, 500) ? 0 : history_below (history, 60));
  if (peer != NULL && node_is_awake (one))
    ew_peer_set_keepalive (peer, one->peers[other->number].keepalive, &time);
}

/* A session has sent nearly all it may. */
static void
age_nonce (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  EwPeer *peer = node_peer (one, other);
  uint64_t limit = history_happens (history, 500) ? EW_REKEY_AFTER_MESSAGES : EW_REJECT_AFTER_MESSAGES;
  uint64_t counter = limit - history_below (history, 6);
  if (history_happens (history, 100))
    counter = history_random (history);
  if (peer != NULL && ew_testing_set_send_counter (peer, counter))
    NOTE (history, "%u has sent %" G_GUINT64_FORMAT " messages to %u", one->number, counter, other->number);
}

static void
flood (History *history)
{
  Node *node = anybody (history);
  unsigned waiting = history_happens (history, 300) ? 4096 : 600 + (unsigned)history_below (history, 3000);
  NOTE (history, "%u has %u handshakes waiting", node->number, waiting);
  ew_testing_set_handshake_queue (node->device, waiting, node_time (node).now_ns);
}

static void
forget (History *history)
{
  Node *one, *other;
  any_pair (history, &one, &other);
  EwPeer *peer = node_peer (one, other);
  if (peer != NULL)
    ew_peer_forget_sessions (peer);
}

static void
replay_some (History *history)
{
  for (uint64_t n = 1 + history_below (history, 12); n > 0; n--)
    history_replay (history);
}

static void
wait_long (History *history)
{
  history_wait (history, history_below (history, history_happens (history, 850) ? 60 * SECOND : 600 * SECOND));
}

void
history_event (History *history)
{
  static const struct
  {
    unsigned weight;
    void (*happen) (History *history);
  } events[] = {
    { 300, traffic },
    { 20, burst },
    { 60, replay_some },
    { 30, spoof },
    { 60, change_weather },
    { 40, rebind },
    { 25, restart },
    { 30, step_clock },
    { 30, suspend },
    { 50, shake_hands },
    { 20, remove_or_add },
    { 15, change_preshared_key },
    { 15, change_keepalive },
    { 20, age_nonce },
    { 20, flood },
    { 10, forget },
    { 60, wait_long },
    { 30, change_network },
    { 60, change_transport },
    { 40, lose_stream },
  };
  uint64_t total = 0, choice;
  for (unsigned i = 0; i < G_N_ELEMENTS (events); i++)
    total += events[i].weight;
  choice = history_below (history, total);
  unsigned i = 0;
  for (; choice >= events[i].weight; i++)
    choice -= events[i].weight;
  events[i].happen (history);
  for (i = 1; i <= history->n_nodes; i++)
    check_memory (&history->nodes[i]);
  history_wait (history, history_below (history, 3 * SECOND));
}
