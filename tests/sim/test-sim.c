/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two nodes and an edge in one process, under a fake clock:
 *
 *      laptop ──┐                 wires that lose, repeat and reorder; nodes that roam, vanish and restart;
 *               ├── edge          an edge that restarts and finds its nodes again; clocks that jump
 *      server ──┘
 *
 * Whatever happens: no node gets a packet that is not for it, or twice, or changed; no nonce is used twice; no
 * plaintext is on the wires; and when the network has recovered, packets flow again.
 *
 *   test-sim [--sim-seed N]   many seeds, or this one. A failure prints its seed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "proto/bytes.h"
#include "proto/messages.h"
#include "world.h"

#define MARK "edgeway-plaintext" /* in every payload */

typedef struct
{
  char mark[sizeof MARK];
  unsigned id, from, to;
} Payload;

typedef struct
{
  World *world;
  WorldNode *edge, *nodes[2];
  GArray *delivered; /* gboolean by payload id */
  GHashTable *nonces;
  unsigned sent, received;
  uint64_t known_address[2]; /* what the edge has stored of its nodes */
} Sim;

static uint64_t current_seed;
static unsigned n_seeds = 40;

/* Async-signal-safe: g_assert() has aborted. */
static void
print_seed (int signal_number)
{
  char line[80];
  int n = snprintf (line, sizeof line, "# failing seed: %llu (run with --sim-seed %llu)\n",
                    (unsigned long long)current_seed, (unsigned long long)current_seed);
  if (write (STDERR_FILENO, line, (size_t)n) < 0)
    _exit (2);
  signal (signal_number, SIG_DFL);
  raise (signal_number);
}

static gboolean
check_transmitted (WorldNode *node, EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Sim *sim = node->world->user;
  g_assert_null (memmem (data, len, MARK, strlen (MARK)));
  if (data[0] != EW_MESSAGE_DATA)
    return TRUE;
  /* A session is named by its sender and the index the receiver chose. */
  g_autofree char *nonce
    = g_strdup_printf ("%u %08x %" G_GUINT64_FORMAT, node->number, ew_load_le32 (data + 4), ew_load_le64 (data + 8));
  g_assert_true (g_hash_table_add (sim->nonces, g_steal_pointer (&nonce)));
  return TRUE;
}

static void
check_delivered (WorldNode *node, EwPeer *from, const EwPacket *packet)
{
  Sim *sim = node->world->user;
  Payload payload;
  uint8_t key[EW_KEY_SIZE];
  g_assert_cmpuint (packet->len, ==, 20 + sizeof payload);
  memcpy (&payload, packet->data + 20, sizeof payload);
  g_assert_cmpmem (payload.mark, sizeof MARK, MARK, sizeof MARK);
  g_assert_cmpuint (payload.to, ==, node->number);
  g_assert_cmpuint (packet->data[15], ==, payload.from);
  g_assert_cmpuint (payload.id, <, sim->delivered->len);
  g_assert_false (g_array_index (sim->delivered, gboolean, payload.id)); /* once */
  g_array_index (sim->delivered, gboolean, payload.id) = TRUE;
  ew_peer_get_public_key (from, key);
  g_assert_cmpmem (key, sizeof key,
                   node == sim->edge ? sim->nodes[payload.from - 2]->public_key : sim->edge->public_key, sizeof key);
  sim->received++;
}

static unsigned
send_payload (Sim *sim, WorldNode *from, WorldNode *to)
{
  Payload payload = { .mark = MARK, .id = sim->delivered->len, .from = from->number, .to = to->number };
  gboolean no = FALSE;
  g_array_append_val (sim->delivered, no);
  world_send (from, to, &payload, sizeof payload, 0);
  sim->sent++;
  return payload.id;
}

static void
join (Sim *sim, WorldNode *node)
{
  world_join (node, sim->edge, "all", NULL);
  ew_peer_set_keepalive (world_peer (node, sim->edge), 25, &sim->world->time);
}

/* As the real edge does: it has stored its nodes' endpoints, and calls them. */
static void
restart_edge (Sim *sim)
{
  for (unsigned i = 0; i < 2; i++)
    sim->known_address[i] = ew_peer_get_endpoint (world_peer (sim->edge, sim->nodes[i]))->id;
  world_restart (sim->edge);
  for (unsigned i = 0; i < 2; i++)
    {
      EwEndpoint endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = sim->known_address[i] };
      world_join (sim->nodes[i], sim->edge, "all", NULL);
      if (endpoint.id == 0)
        continue;
      ew_peer_set_endpoint (world_peer (sim->edge, sim->nodes[i]), &endpoint);
      ew_peer_initiate (world_peer (sim->edge, sim->nodes[i]), &sim->world->time, FALSE);
    }
}

static void
restart_node (Sim *sim, unsigned i)
{
  world_restart (sim->nodes[i]);
  join (sim, sim->nodes[i]);
}

static WorldNode *
any_node (Sim *sim)
{
  return sim->nodes[world_random (sim->world) % 2];
}

/* One thing that happens, mostly traffic. */
static void
happen (Sim *sim)
{
  World *world = sim->world;
  WorldNode *node = any_node (sim);
  switch (world_random (world) % 40)
    {
    case 0:
      world_roam (node);
      break;
    case 1:
      restart_node (sim, node == sim->nodes[1]);
      break;
    case 2:
      restart_edge (sim);
      break;
    case 3:
      node->unreachable = !node->unreachable;
      break;
    case 4:
      world->weather = (WorldWeather){ .loss = (unsigned)(world_random (world) % 500),
                                       .duplication = (unsigned)(world_random (world) % 300),
                                       .reordering = (unsigned)(world_random (world) % 500) };
      break;
    case 5:
      world->time.realtime_ns -= world_random (world) % (3600 * WORLD_SECOND);
      break;
    case 6:
      ew_peer_initiate (world_peer (node, sim->edge), &world->time, world_random (world) % 2);
      break;
    case 7:
      world_run (world, world_random (world) % (200 * WORLD_SECOND));
      break;
    default:
      for (unsigned n = (unsigned)(world_random (world) % 20); n > 0; n--)
        send_payload (sim, any_node (sim), world_random (world) % 4 == 0 ? sim->edge : any_node (sim));
    }
  world_run (world, world_random (world) % (3 * WORLD_SECOND));
}

/* In a perfect network both try once a second: within 30 s everything they send arrives. */
static void
heal (Sim *sim)
{
  unsigned last[2] = { 0 };
  sim->world->weather = (WorldWeather){ 0 };
  sim->nodes[0]->unreachable = sim->nodes[1]->unreachable = FALSE;
  for (unsigned i = 0; i < 30; i++)
    {
      last[0] = send_payload (sim, sim->nodes[0], sim->nodes[1]);
      last[1] = send_payload (sim, sim->nodes[1], sim->nodes[0]);
      world_run (sim->world, WORLD_SECOND);
    }
  g_assert_true (g_array_index (sim->delivered, gboolean, last[0]));
  g_assert_true (g_array_index (sim->delivered, gboolean, last[1]));
}

static Sim *
sim_new (uint64_t seed)
{
  Sim *sim = g_new0 (Sim, 1);
  current_seed = seed;
  sim->world = world_new (seed);
  sim->world->user = sim;
  sim->world->on_deliver = check_delivered;
  sim->world->on_transmit = check_transmitted;
  sim->delivered = g_array_new (FALSE, TRUE, sizeof (gboolean));
  sim->nonces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sim->edge = world_add (sim->world, TRUE);
  for (unsigned i = 0; i < 2; i++)
    {
      sim->nodes[i] = world_add (sim->world, FALSE);
      join (sim, sim->nodes[i]);
    }
  world_run (sim->world, WORLD_SECOND);
  return sim;
}

static void
sim_free (Sim *sim)
{
  world_free (sim->world);
  g_array_unref (sim->delivered);
  g_hash_table_unref (sim->nonces);
  g_free (sim);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

static void
run_seed (uint64_t seed)
{
  g_autoptr (Sim) sim = sim_new (seed);
  heal (sim);
  for (unsigned round = 0; round < 4; round++)
    {
      for (unsigned i = 0; i < 60; i++)
        happen (sim);
      heal (sim);
    }
  g_test_message ("seed %" G_GUINT64_FORMAT ": %u sent, %u received, %u datagrams", seed, sim->sent, sim->received,
                  (unsigned)sim->world->n_transmitted);
  g_assert_cmpuint (sim->received, >, sim->sent / 10);
}

static void
test_seeds (void)
{
  if (current_seed != 0)
    {
      run_seed (current_seed);
      return;
    }
  for (uint64_t seed = 1; seed <= n_seeds; seed++)
    run_seed (seed);
}

/* A perfect network for ten minutes, a packet a second each way: rekeys don't lose a single one. */
static void
test_rekey_loses_nothing (void)
{
  g_autoptr (Sim) sim = sim_new (7);
  send_payload (sim, sim->nodes[0], sim->nodes[1]);
  send_payload (sim, sim->nodes[1], sim->nodes[0]);
  for (unsigned i = 0; i < 6000; i++)
    {
      send_payload (sim, sim->nodes[0], sim->nodes[1]);
      send_payload (sim, sim->nodes[1], sim->nodes[0]);
      world_run (sim->world, WORLD_SECOND / 10);
    }
  world_run (sim->world, WORLD_SECOND);
  g_assert_cmpuint (sim->received, ==, sim->sent);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint (sim->nodes[i]->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 6); /* at 0, 120, … 600 s */
}

static void
test_roam_while_talking (void)
{
  g_autoptr (Sim) sim = sim_new (8);
  heal (sim);
  world_roam (sim->nodes[0]);
  unsigned id = send_payload (sim, sim->nodes[0], sim->nodes[1]);
  world_run (sim->world, WORLD_SECOND / 10);
  unsigned back = send_payload (sim, sim->nodes[1], sim->nodes[0]);
  world_run (sim->world, WORLD_SECOND / 10);
  g_assert_true (g_array_index (sim->delivered, gboolean, id));
  g_assert_true (g_array_index (sim->delivered, gboolean, back)); /* at the new address, at once */
}

/* Whichever side restarts, packets flow again: at once when the restarted one sends first. */
static void
test_restarts (void)
{
  g_autoptr (Sim) sim = sim_new (9);
  heal (sim);
  restart_edge (sim);
  world_run (sim->world, WORLD_SECOND);
  unsigned there = send_payload (sim, sim->nodes[0], sim->nodes[1]);
  unsigned back = send_payload (sim, sim->nodes[1], sim->nodes[0]);
  world_run (sim->world, WORLD_SECOND);
  g_assert_true (g_array_index (sim->delivered, gboolean, there) && g_array_index (sim->delivered, gboolean, back));
  restart_node (sim, 0);
  world_run (sim->world, WORLD_SECOND);
  there = send_payload (sim, sim->nodes[0], sim->nodes[1]);
  back = send_payload (sim, sim->nodes[1], sim->nodes[0]);
  world_run (sim->world, WORLD_SECOND);
  g_assert_true (g_array_index (sim->delivered, gboolean, there) && g_array_index (sim->delivered, gboolean, back));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGABRT, print_seed);
  if (argc == 3 && strcmp (argv[1], "--sim-seed") == 0)
    current_seed = g_ascii_strtoull (argv[2], NULL, 10);
  g_test_add_func ("/sim/seeds", test_seeds);
  g_test_add_func ("/sim/rekey-loses-nothing", test_rekey_loses_nothing);
  g_test_add_func ("/sim/roam-while-talking", test_roam_while_talking);
  g_test_add_func ("/sim/restarts", test_restarts);
  return g_test_run ();
}
