/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A machine whose clock or state went back is refused for the age of its initiations; the other side then calls it
 * (ew_peer_call()). Anyone can replay old initiations, so a call must move nothing and be worth nothing to them.
 */
#include <string.h>

#include "pair.h"
#include "proto/noise.h"

#define S WORLD_SECOND

/* From here on a is a machine of the same key that knows nothing of the last minute. */
static void
restore (Pair *p, uint64_t back_ns)
{
  WorldNode *restored = world_add (p->world, FALSE);
  memcpy (restored->private_key, p->a->private_key, EW_KEY_SIZE);
  memcpy (restored->public_key, p->a->public_key, EW_KEY_SIZE);
  ew_device_set_private_key (restored->device, restored->private_key);
  world_join (restored, p->b, NULL, NULL);
  pair_time (p)->realtime_ns -= back_ns;
  p->a->unreachable = TRUE;
  p->a = restored;
  p->b_of_a = world_peer (p->a, p->b);
}

static uint64_t
known_address (Pair *p)
{
  return ew_peer_get_endpoint (p->a_of_b)->id;
}

static void
test_restored (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, EW_CALL_SILENCE + 10 * S);
  const uint64_t before = known_address (p);
  restore (p, 120 * S);
  const uint64_t stated = pair_time (p)->realtime_ns;
  pair_say (p, p->a);
  for (unsigned tries = 1; pair_count (p, p->a, EW_MESSAGE_INITIATION) < EW_REFUSALS_MAX; tries++)
    {
      g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 0);
      g_assert_cmpuint (known_address (p), ==, before);
      world_run (p->world, S);
      g_assert_cmpuint (tries, <, 20);
    }
  world_run (p->world, 4 * LATENCY);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 1);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_RESPONSE), ==, 1);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
  pair_say (p, p->a);
  pair_say (p, p->b);
  world_run (p->world, S);
  g_assert_cmpuint (p->a->delivered, ==, 1);
  g_assert_cmpuint (p->b->delivered, >=, 1);
  const EwPeerStats stats = world_stats (p->b, p->a);
  g_assert_cmpuint (stats.refused_old, ==, EW_REFUSALS_MAX);
  g_assert_cmpuint (stats.behind_ns, !=, 0);
  g_assert_cmpuint (stats.behind_stated_ns, >, stated);
  g_assert_cmpuint (stats.behind_stated_ns, <, stated + 15 * S);
  pair_time (p)->realtime_ns += 120 * S; /* its clock is set */
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  world_run (p->world, S);
  g_assert_cmpuint (world_stats (p->b, p->a).behind_ns, ==, 0);
}

/* Initiations of a's that an attacker on the path has captured and held back (b recognises for a while what it has
   seen); the last one arrives. */
static GPtrArray *
keep_initiations (Pair *p, unsigned n)
{
  GPtrArray *kept = g_ptr_array_new_with_free_func (g_free);
  pair_establish (p);
  for (unsigned i = 0; i <= n; i++)
    {
      pair_forget (p);
      p->swallow = i < n;
      ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
      if (i < n)
        g_ptr_array_add (kept, pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0)));
      world_run (p->world, i < n ? S / 10 : 20 * S);
    }
  pair_forget (p);
  p->a->delivered = p->b->delivered = 0;
  return kept;
}

static void
replay (Pair *p, GPtrArray *kept, unsigned first, unsigned n, const WorldNode *from)
{
  for (unsigned i = first; i < first + n; i++)
    {
      const Sent *sent = kept->pdata[i];
      world_inject (p->b, sent->data, sent->len, from->address, 0);
    }
}

/* The replayer gets at most one initiation, which is useless to it; a notices nothing. */
static void
test_replayed (Pair *p, gconstpointer data)
{
  WorldNode *stranger = world_add (p->world, FALSE);
  g_autoptr (GPtrArray) kept = keep_initiations (p, 40);
  const uint64_t address = known_address (p);
  world_run (p->world, EW_CALL_SILENCE);
  replay (p, kept, 0, EW_REFUSALS_MAX, stranger);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 1);
  for (unsigned i = EW_REFUSALS_MAX; i < kept->len; i++)
    {
      replay (p, kept, i, 1, stranger);
      world_run (p->world, S / 10);
    }
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 1); /* … in 10 s */
  g_assert_cmpuint (pair_nth (p, p->b, EW_MESSAGE_INITIATION, 0)->len, <,
                    EW_REFUSALS_MAX * sizeof (EwMessageInitiation));
  g_assert_cmpuint (pair_invalid (stranger), ==, 1); /* it went there */
  g_assert_cmpuint (known_address (p), ==, address);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 0);
  pair_say (p, p->a);
  pair_say (p, p->b);
  world_run (p->world, S);
  g_assert_cmpuint (p->a->delivered, ==, 1);
  g_assert_cmpuint (p->b->delivered, ==, 1);
  g_assert_cmpuint (world_stats (p->b, p->a).behind_ns, ==, 0); /* no clock is blamed */
}

/* Datagrams of from's since the last pair_forget(), as if they came from elsewhere: what a relay does. */
static void
relay (Pair *p, const WorldNode *from, uint32_t type, WorldNode *to, const WorldNode *by)
{
  for (unsigned i = 0; i < pair_count (p, from, type); i++)
    {
      const Sent *sent = pair_nth (p, from, type, i);
      world_inject (to, sent->data, sent->len, by->address, 0);
    }
}

/* A relay that passes the call to a, and a's answer back, would be both ends' endpoint from then on. */
static void
test_relayed (Pair *p, gconstpointer data)
{
  WorldNode *stranger = world_add (p->world, FALSE);
  g_autoptr (GPtrArray) kept = keep_initiations (p, 3);
  const uint64_t address = known_address (p);
  replay (p, kept, 0, 3, stranger);
  relay (p, p->b, EW_MESSAGE_INITIATION, p->a, stranger);
  relay (p, p->a, EW_MESSAGE_RESPONSE, p->b, stranger);
  world_run (p->world, S);
  g_assert_cmpuint (known_address (p), ==, address);
  g_assert_cmpuint (ew_peer_get_endpoint (p->b_of_a)->id, ==, p->b->address);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 0);
  g_assert_cmpuint (world_stats (p->b, p->a).behind_ns, ==, 0);
}

/* Fewer than three, the same ones, ones in the wrong order, or with something fresh from a in between. */
static void
test_no_call (Pair *p, gconstpointer data)
{
  WorldNode *stranger = world_add (p->world, FALSE);
  g_autoptr (GPtrArray) kept = keep_initiations (p, 6);
  for (unsigned i = 0; i < 5; i++)
    {
      replay (p, kept, 1, 1, stranger);
      replay (p, kept, 0, 2, stranger);
      world_run (p->world, S);
    }
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 0);
  for (unsigned i = 2; i < 6; i++)
    {
      pair_say (p, p->a);
      world_run (p->world, S);
      replay (p, kept, i, 1, stranger);
    }
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 0);
  g_assert_cmpuint (world_stats (p->b, p->a).refused_old, >=, 4);
}

/* A handshake of b's own that may be answered yet isn't given up for a call. */
static void
test_handshake_under_way (Pair *p, gconstpointer data)
{
  WorldNode *stranger = world_add (p->world, FALSE);
  g_autoptr (GPtrArray) kept = keep_initiations (p, 3);
  const uint64_t before = world_stats (p->b, p->a).last_handshake_ns;
  ew_peer_initiate (p->a_of_b, pair_time (p), TRUE);
  replay (p, kept, 0, 3, stranger);
  world_run (p->world, S);
  g_assert_cmpuint (pair_invalid (stranger), ==, 0);
  g_assert_cmpuint (world_stats (p->b, p->a).last_handshake_ns, >, before);
}

/* Two machines that have the same key: each can be called where it is, and only the one that answers is moved to. */
static void
test_called (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 30 * S);
  const EwEndpoint nowhere = { .kind = EW_ENDPOINT_MEMORY, .id = 9999 };
  const uint64_t before = known_address (p);
  g_assert_true (ew_peer_call (p->a_of_b, &nowhere, pair_time (p)));
  world_run (p->world, 11 * S);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_INITIATION), ==, 1); /* and no second try */
  g_assert_cmpuint (known_address (p), ==, before);
  world_roam (p->a);
  const EwEndpoint there = { .kind = EW_ENDPOINT_MEMORY, .id = p->a->address };
  g_assert_true (ew_peer_call (p->a_of_b, &there, pair_time (p)));
  g_assert_false (ew_peer_call (p->a_of_b, &there, pair_time (p)));
  world_run (p->world, S);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
  g_assert_cmpuint (world_stats (p->b, p->a).behind_ns, ==, 0);
}

static void
test_timestamps (void)
{
  static const uint64_t times[] = { 0, 1, 1700000000 * S, 1700000000 * S + 999999999, UINT64_MAX / 2 };
  uint8_t text[EW_TIMESTAMP_SIZE];
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      ew_timestamp_write (text, times[i]);
      g_assert_cmpuint (ew_timestamp_read (text), ==, ew_timestamp_coarsen (times[i]));
    }
  memset (text, 0, sizeof text);
  g_assert_cmpuint (ew_timestamp_read (text), ==, 0);
  memset (text, 0xff, sizeof text);
  g_assert_cmpuint (ew_timestamp_read (text), ==, UINT64_MAX);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/proto/call/" name, Pair, NULL, pair_set_up, func, pair_tear_down)
  ADD ("restored", test_restored);
  ADD ("replayed", test_replayed);
  ADD ("relayed", test_relayed);
  ADD ("no-call", test_no_call);
  ADD ("handshake-under-way", test_handshake_under_way);
  ADD ("called", test_called);
  g_test_add_func ("/proto/call/timestamps", test_timestamps);
  return g_test_run ();
}
