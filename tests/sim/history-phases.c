/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A history: chaos; then fine weather, in which everybody reaches everybody; sometimes also one that only talks and one
 * that only listens, a long silence, and a lone packet after it. */
#include "history.h"
#include "proto-testing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile uint64_t history_current_seed;

/* After the network healed: 15 s (and 1/3) until unanswered data asks for a new handshake; a rest of 5 s (and 1/3)
   after each of these: the last try before it healed, a cookie, two that met on the way and parted by their jitter,
   twice; and the packets themselves. */
#define HEAL_MAX (EW_NEW_HANDSHAKE_TIMEOUT + EW_JITTER_MAX + 4 * (EW_REKEY_TIMEOUT + EW_JITTER_MAX) + 2 * SECOND)

void
history_note (History *history, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  printf ("# %12.6f %s\n", (double)history->now_ns / (double)SECOND, text);
}

void
history_fail (History *history, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  printf ("Bail out! seed %" G_GUINT64_FORMAT ", at %.6f s: %s\n# again: test-histories --seed %" G_GUINT64_FORMAT
          " --trace\n",
          history->seed, (double)history->now_ns / (double)SECOND, text, history->seed);
  fflush (stdout);
  _Exit (EXIT_FAILURE);
}

/* Half of the networks that drop UDP go on doing so. */
static void
choose_transport (Node *node)
{
  History *history = node->history;
  node->udp_blocked = node->udp_blocked && history_happens (history, 500);
  if (node->udp_blocked || (node->stream != 0 && history_happens (history, 500)))
    stream_use (node);
  else
    stream_cut (node);
}

/* The network is perfect, every node is awake and configured, and knows the edge's address. Those whose timestamps were
   lost have the right date: without either, the protocol refuses them. */
static void
heal (History *history)
{
  Node *edge = &history->nodes[1];
  history_clear_wires (history);
  history->weather = (Weather){ .latency_ns = (1 + history_below (history, 20)) * MILLISECOND };
  for (unsigned i = 1; i <= history->n_nodes; i++)
    {
      Node *node = &history->nodes[i];
      node->wakes_ns = 0;
      if (node->floor_lost && node_time (node).realtime_ns <= node->latest_timestamp_ns + SECOND)
        node_set_clock (node, node->latest_timestamp_ns + SECOND);
      node->floor_lost = FALSE;
    }
  for (unsigned i = 2; i <= history->n_nodes; i++)
    {
      Node *node = &history->nodes[i];
      const EwEndpoint there = { .kind = EW_ENDPOINT_MEMORY, .id = edge->address };
      if (node_peer (edge, node) == NULL)
        node_join (edge, node);
      if (node_peer (node, edge) == NULL)
        node_join (node, edge);
      memcpy (edge->peers[i].preshared_key, node->peers[1].preshared_key, EW_KEY_SIZE);
      edge->peers[i].preshared = node->peers[1].preshared;
      ew_peer_set_preshared_key (node_peer (edge, node), node->peers[1].preshared_key);
      ew_peer_set_endpoint (node_peer (node, edge), &there);
      choose_transport (node);
    }
}

/* Nodes that have not reached each other yet send once a second. TRUE: all have. */
static gboolean
everybody_reached (History *history, unsigned last[NODES_MAX + 1][NODES_MAX + 1])
{
  gboolean all = TRUE;
  for (unsigned from = 1; from <= history->n_nodes; from++)
    for (unsigned to = 1; to <= history->n_nodes; to++)
      {
        if (from == to || (last[from][to] != 0 && payload_arrived (history, last[from][to])))
          continue;
        all = FALSE;
        last[from][to]
          = node_send (&history->nodes[from], &history->nodes[to], history_happens (history, 500), 0, NULL);
      }
  return all;
}

static void
progress (History *history)
{
  unsigned last[NODES_MAX + 1][NODES_MAX + 1] = { 0 };
  uint64_t start = history->now_ns;
  NOTE (history, "the weather is fine");
  while (!everybody_reached (history, last))
    {
      if (history->now_ns - start > HEAL_MAX)
        history_fail (history, "%.1f s of fine weather, and not everybody reaches everybody",
                      (double)HEAL_MAX / (double)SECOND);
      history_wait (history, SECOND);
    }
  history->healed_ns = MAX (history->healed_ns, history->now_ns - start);
}

static void
set_keepalives_off (History *history)
{
  for (unsigned i = 2; i <= history->n_nodes; i++)
    {
      Node *edge = &history->nodes[1], *node = &history->nodes[i];
      EwTime edge_time = node_time (edge), time = node_time (node);
      ew_peer_set_keepalive (node_peer (edge, node), 0, &edge_time);
      ew_peer_set_keepalive (node_peer (node, edge), 0, &time);
      edge->peers[i].keepalive = node->peers[1].keepalive = 0;
    }
}

/* One talks, the other listens: its keepalives show that, and neither considers the session lost. One renewal may fall
   due.
 */
static void
talk_one_way (History *history)
{
  Node *node = &history->nodes[2 + history_below (history, history->n_nodes - 1)], *edge = &history->nodes[1];
  gboolean up = history_happens (history, 500);
  NOTE (history, "only one talks");
  history_wait (history, 20 * SECOND);
  history->initiations = 0;
  for (unsigned i = 0; i < 50; i++)
    {
      node_send (up ? node : edge, up ? edge : node, FALSE, 0, NULL);
      history_wait (history, SECOND);
    }
  if (history->initiations > history->n_nodes - 1)
    history_fail (history, "%u handshakes for a session that was fine", history->initiations);
}

static void
be_silent (History *history)
{
  NOTE (history, "silence");
  history_wait (history, EW_ZERO_KEYS_TIME + EW_REKEY_ATTEMPT_TIME + 70 * SECOND);
  for (unsigned i = 1; i <= history->n_nodes; i++)
    check_silence (&history->nodes[i]);
}

/* The first initiation is lost, or answered with a cookie because the edge is under load: nothing but the timer sends
   another, which has the cookie. */
static void
send_lone_packet (History *history)
{
  Node *node = &history->nodes[2 + history_below (history, history->n_nodes - 1)], *edge = &history->nodes[1];
  gboolean under_load = history_happens (history, 500);
  NOTE (history, "a lone packet%s", under_load ? ", and the edge is under load" : "");
  history->drop_initiations = under_load ? 0 : 1;
  unsigned serial = 0;
  for (uint64_t waited = 0; waited < EW_REKEY_TIMEOUT + EW_JITTER_MAX + SECOND; waited += SECOND / 2)
    {
      if (under_load)
        ew_testing_set_handshake_queue (edge->device, 1000, node_time (edge).now_ns);
      if (waited == 0)
        serial = node_send (node, edge, FALSE, 0, NULL);
      history_wait (history, SECOND / 2);
    }
  if (!payload_arrived (history, serial))
    history_fail (history, "the handshake was not tried again, or in vain");
}

void
history_run (uint64_t seed, gboolean trace, HistoryTotals *totals)
{
  History *history = g_new0 (History, 1);
  history->seed = history->random_state = history_current_seed = seed;
  history->trace = trace;
  history->flying = g_ptr_array_new ();
  history->delivered = g_byte_array_new ();
  g_byte_array_append (history->delivered, (const uint8_t[]){ 0 }, 1); /* no packet has serial 0 */
  history->sessions = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  history->answered = g_hash_table_new (NULL, NULL);
  history_build (history);
  for (uint64_t n = 4 + history_below (history, 18); n > 0; n--)
    history_event (history);
  heal (history);
  progress (history);
  if (history_happens (history, 150))
    {
      set_keepalives_off (history);
      talk_one_way (history);
      be_silent (history);
      send_lone_packet (history);
    }
  totals->histories++;
  totals->datagrams += history->n_datagrams;
  totals->streamed += history->n_streamed;
  totals->sent += history->n_sent;
  totals->delivered += history->n_delivered;
  totals->handshakes += history->n_handshakes;
  totals->slowest_heal_ns = MAX (totals->slowest_heal_ns, history->healed_ns);
  history_free (history);
}
