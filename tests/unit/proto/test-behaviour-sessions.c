/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The protocol's behaviours by name, to the nanosecond: how sessions begin, are renewed and end. */
#include "pair.h"
#include "proto/bytes.h"
#include "proto/noise.h"
#include "proto-testing.h"

#include <string.h>

#define S WORLD_SECOND

static void
test_rekey_after_120s_initiator_sending (Pair *p, gconstpointer data)
{
  uint64_t made = pair_establish (p);
  pair_wait_until (p, made + 120 * S - 1);
  pair_say (p, p->a);
  pair_say (p, p->b);
  g_assert_cmpuint (pair_count (p, NULL, EW_MESSAGE_INITIATION), ==, 0);
  pair_wait_until (p, made + 120 * S);
  pair_say (p, p->b); /* the responder never renews */
  g_assert_cmpuint (pair_count (p, NULL, EW_MESSAGE_INITIATION), ==, 0);
  pair_say (p, p->a);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 1);
}

static void
test_rekey_after_165s_initiator_receiving_once (Pair *p, gconstpointer data)
{
  uint64_t made = pair_establish (p);
  pair_wait_until (p, made + 165 * S - LATENCY - 1);
  pair_say (p, p->b);
  world_run (p->world, LATENCY);
  g_assert_cmpuint (p->a->delivered, ==, 1);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 0);
  pair_say (p, p->b);
  world_run (p->world, LATENCY);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 1);
  pair_say (p, p->b); /* once */
  world_run (p->world, 2 * S);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 1);
  g_assert_cmpuint (p->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2);
}

static void
test_reject_after_180s (Pair *p, gconstpointer data)
{
  uint64_t made = pair_establish (p);
  p->swallow = TRUE;
  pair_wait_until (p, made + 180 * S - 1);
  pair_say (p, p->a);
  g_autofree Sent *late = pair_copy (pair_nth (p, p->a, EW_MESSAGE_DATA, 0));
  g_assert_true (ew_peer_has_session (p->b_of_a, pair_time (p)));
  pair_wait_until (p, made + 180 * S);
  pair_forget (p);
  pair_say (p, p->a);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_DATA), ==, 0); /* neither sent … */
  pair_deliver (p, late);
  g_assert_cmpuint (p->b->delivered, ==, 0); /* … nor taken */
}

static void
test_retry_every_5s_with_jitter (Pair *p, gconstpointer data)
{
  uint64_t shortest = UINT64_MAX, longest = 0;
  p->b->unreachable = TRUE;
  pair_say (p, p->a);
  world_run (p->world, 200 * S);
  for (unsigned i = 1; i < pair_count (p, p->a, EW_MESSAGE_INITIATION); i++)
    {
      uint64_t gap
        = pair_nth (p, p->a, EW_MESSAGE_INITIATION, i)->at_ns - pair_nth (p, p->a, EW_MESSAGE_INITIATION, i - 1)->at_ns;
      shortest = MIN (shortest, gap);
      longest = MAX (longest, gap);
    }
  g_assert_cmpuint (shortest, >=, 5 * S);
  g_assert_cmpuint (longest, <, 5 * S + S / 3);
  g_assert_cmpuint (longest - shortest, >, S / 100); /* 17 draws */
}

static void
test_give_up_after_90s (Pair *p, gconstpointer data)
{
  uint64_t start = p->world->time.now_ns;
  EwTestingPeer look;
  p->b->unreachable = TRUE;
  pair_say (p, p->a);
  pair_wait_until (p, start + 90 * S - 1);
  g_assert_cmpuint (p->a->events[EW_PEER_HANDSHAKE_GAVE_UP], ==, 0);
  pair_wait_until (p, start + 96 * S);
  g_assert_cmpuint (p->a->events[EW_PEER_HANDSHAKE_GAVE_UP], ==, 1);
  ew_testing_look_at_peer (p->b_of_a, &look);
  g_assert_cmpuint (look.staged_packets, ==, 0);
  pair_forget (p);
  world_run (p->world, 3600 * S);
  g_assert_cmpuint (p->sent->len, ==, 0);
}

static void
test_passive_keepalive_after_10s (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 30 * S);
  pair_forget (p);
  pair_say (p, p->a);
  uint64_t heard = p->world->time.now_ns + LATENCY;
  pair_wait_until (p, heard + 10 * S - 1);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_DATA), ==, 0);
  pair_wait_until (p, heard + 10 * S);
  g_assert_cmpuint (pair_nth (p, p->b, EW_MESSAGE_DATA, 0)->len, ==, 32);
  pair_wait_until (p, heard + 100 * S);
  g_assert_cmpuint (p->sent->len, ==, 2); /* a keepalive is not answered */
}

static void
test_new_handshake_15s_after_unanswered_data (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 30 * S);
  pair_forget (p);
  p->swallow = TRUE;
  uint64_t start = p->world->time.now_ns;
  pair_say (p, p->a);
  pair_wait_until (p, start + 14 * S);
  pair_say (p, p->a); /* counted from the first that was not answered */
  pair_wait_until (p, start + 15 * S - 1);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 0);
  pair_wait_until (p, start + 15 * S + S / 3);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 1);
}

static void
test_keys_zeroed_at_540s (Pair *p, gconstpointer data)
{
  uint64_t made = pair_establish (p);
  EwTestingPeer look;
  pair_wait_until (p, made + 540 * S - 1);
  ew_testing_look_at_peer (p->b_of_a, &look);
  g_assert_cmpuint (look.keypairs, ==, 1);
  pair_wait_until (p, made + 540 * S);
  ew_testing_look_at_peer (p->b_of_a, &look);
  g_assert_true (look.keypairs == 0 && !look.handshake);
  ew_testing_look_at_peer (p->a_of_b, &look);
  g_assert_true (look.keypairs == 0 && !look.handshake);
}

static void
test_rekey_after_2_60_messages (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 10 * S);
  for (unsigned i = 0; i < 2; i++) /* initiator and responder alike */
    {
      WorldNode *node = i == 0 ? p->a : p->b;
      pair_forget (p);
      g_assert_true (ew_testing_set_send_counter (i == 0 ? p->b_of_a : p->a_of_b, (UINT64_C (1) << 60) - 1));
      pair_say (p, node); /* the 2^60th */
      g_assert_cmpuint (pair_count (p, NULL, EW_MESSAGE_INITIATION), ==, 0);
      pair_say (p, node);
      g_assert_cmpuint (pair_count (p, node, EW_MESSAGE_INITIATION), ==, 1);
      world_run (p->world, 10 * S);
      g_assert_cmpuint (node->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2 + i);
    }
}

/* 2^64 − 2^13 − 1: the counters below it are used, this one and those after it never. */
static void
test_reject_after_2_64_messages (Pair *p, gconstpointer data)
{
  const uint64_t limit = UINT64_MAX - (UINT64_C (1) << 13);
  pair_establish (p);
  world_run (p->world, 10 * S);
  pair_forget (p);
  g_assert_true (ew_testing_set_send_counter (p->b_of_a, limit - 1));
  pair_say (p, p->a);
  g_assert_cmphex (ew_load_le64 (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->data + 8), ==, limit - 1);
  g_assert_false (ew_peer_has_session (p->b_of_a, pair_time (p)));
  pair_say (p, p->a); /* staged, and a handshake begins */
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_DATA), ==, 1);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_INITIATION), ==, 1);
  world_run (p->world, S);
  g_assert_cmpuint (p->b->delivered, ==, 2);
  g_assert_cmphex (ew_load_le64 (pair_nth (p, p->a, EW_MESSAGE_DATA, 1)->data + 8), ==, 0);
}

static void
test_persistent_keepalive (Pair *p, gconstpointer data)
{
  pair_establish (p);
  ew_peer_set_keepalive (p->b_of_a, 25, pair_time (p));
  world_run (p->world, 100 * S);
  unsigned n = pair_count (p, p->a, EW_MESSAGE_DATA);
  g_assert_cmpuint (n, >=, 4);
  for (unsigned i = n - 2; i < n; i++) /* the first may answer what pair_establish() said */
    {
      const Sent *sent = pair_nth (p, p->a, EW_MESSAGE_DATA, i), *before = pair_nth (p, p->a, EW_MESSAGE_DATA, i - 1);
      g_assert_cmpuint (sent->at_ns - before->at_ns, ==, 25 * S);
      g_assert_cmpuint (sent->len, ==, 32);
    }
  pair_forget (p);
  ew_peer_set_keepalive (p->b_of_a, 0, pair_time (p));
  world_run (p->world, 100 * S);
  g_assert_cmpuint (p->sent->len, ==, 0);
}

static void
test_responder_sends_on_new_keys_after_data_on_them (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 6 * S);
  pair_say (p, p->b);
  uint32_t old = ew_load_le32 (pair_nth (p, p->b, EW_MESSAGE_DATA, 0)->data + 4);
  world_run (p->world, S);
  pair_forget (p);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  world_run (p->world, LATENCY); /* b has answered */
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
  pair_say (p, p->b);
  g_assert_cmphex (ew_load_le32 (pair_nth (p, p->b, EW_MESSAGE_DATA, 0)->data + 4), ==, old);
  world_run (p->world, 2 * LATENCY); /* a's keepalive on the new keys has arrived */
  pair_say (p, p->b);
  g_assert_cmphex (ew_load_le32 (pair_nth (p, p->b, EW_MESSAGE_DATA, 1)->data + 4), !=, old);
  world_run (p->world, LATENCY);
  g_assert_cmpuint (p->a->delivered, ==, 3); /* the previous keys still open */
}

static void
test_initiator_at_once_sends_staged_or_keepalive (Pair *p, gconstpointer data)
{
  pair_say (p, p->a);
  world_run (p->world, 2 * LATENCY);
  g_assert_cmpuint (pair_count (p, p->a, EW_MESSAGE_DATA), ==, 1); /* what was staged, no keepalive beside it */
  g_assert_cmpuint (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len, >, 32);
  world_run (p->world, 30 * S);
  pair_forget (p);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  world_run (p->world, 2 * LATENCY);
  g_assert_cmpuint (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len, ==, 32);
}

static void
test_staging_128_oldest_dropped (Pair *p, gconstpointer data)
{
  EwTestingPeer look;
  p->b->unreachable = TRUE;
  for (unsigned i = 0; i < 130; i++)
    pair_say (p, p->a);
  ew_testing_look_at_peer (p->b_of_a, &look);
  g_assert_cmpuint (look.staged_packets, ==, 128);
  g_assert_cmpuint (world_stats (p->a, p->b).dropped_queue, ==, 2); /* /device/staging sees that they are the oldest */
}

/* The clock goes back, twice within a grain: what is sent is later every time, and says the time no finer than 2^24 ns.
 */
static void
test_timestamps_strictly_increase_and_are_coarse (Pair *p, gconstpointer data)
{
  uint64_t latest = 0;
  for (unsigned i = 0; i < 6; i++)
    {
      ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
      uint64_t sent = ew_device_get_timestamp_floor (p->a->device);
      g_assert_cmpuint (sent, >, latest);
      g_assert_cmpuint (sent, ==, ew_timestamp_coarsen (sent));
      latest = sent;
      if (i == 2)
        p->world->time.realtime_ns -= 3600 * S;
      world_run (p->world, i % 2 == 0 ? 1000 : S);
    }
}

/* A restart with what was persisted, under a clock that is wrong by a year. */
static void
test_persisted_timestamps_are_never_undercut (Pair *p, gconstpointer data)
{
  pair_establish (p);
  uint64_t latest = ew_device_get_timestamp_floor (p->a->device);
  p->world->time.realtime_ns -= 365 * 86400 * S;
  world_restart (p->a);
  world_join (p->a, p->b, NULL, NULL);
  p->b_of_a = world_peer (p->a, p->b);
  ew_peer_initiate (p->b_of_a, pair_time (p), FALSE);
  g_assert_cmpuint (ew_device_get_timestamp_floor (p->a->device), >, latest);
  world_run (p->world, S);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
}

static void
test_initiations_20ms_apart (Pair *p, gconstpointer data)
{
  p->swallow = TRUE;
  for (unsigned i = 0; i < 3; i++)
    ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  g_autofree Sent *one = pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0));
  g_autofree Sent *two = pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 1));
  g_autofree Sent *three = pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 2));
  pair_deliver (p, one);
  world_run (p->world, S / 50 - 1);
  pair_deliver (p, two);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
  world_run (p->world, 1);
  pair_deliver (p, three);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 2);
  pair_deliver (p, three); /* nor is one taken twice, however late */
  world_run (p->world, S);
  pair_deliver (p, two);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 2);
}

#define ADD(path, function) g_test_add ("/behaviour/" path, Pair, NULL, pair_set_up, function, pair_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("rekey-after-120s-initiator-sending", test_rekey_after_120s_initiator_sending);
  ADD ("rekey-after-165s-initiator-receiving-once", test_rekey_after_165s_initiator_receiving_once);
  ADD ("reject-after-180s", test_reject_after_180s);
  ADD ("retry-every-5s-and-up-to-a-third-of-jitter", test_retry_every_5s_with_jitter);
  ADD ("give-up-after-90s", test_give_up_after_90s);
  ADD ("passive-keepalive-after-10s", test_passive_keepalive_after_10s);
  ADD ("new-handshake-15s-after-unanswered-data", test_new_handshake_15s_after_unanswered_data);
  ADD ("keys-zeroed-at-540s", test_keys_zeroed_at_540s);
  ADD ("rekey-after-2^60-messages", test_rekey_after_2_60_messages);
  ADD ("reject-after-2^64-2^13-1-messages", test_reject_after_2_64_messages);
  ADD ("persistent-keepalive", test_persistent_keepalive);
  ADD ("responder-sends-on-new-keys-after-data-on-them", test_responder_sends_on_new_keys_after_data_on_them);
  ADD ("initiator-at-once-sends-staged-or-keepalive", test_initiator_at_once_sends_staged_or_keepalive);
  ADD ("staging-128-oldest-dropped", test_staging_128_oldest_dropped);
  ADD ("timestamps-strictly-increase-in-steps-of-2^24-ns", test_timestamps_strictly_increase_and_are_coarse);
  ADD ("persisted-timestamps-are-never-undercut", test_persisted_timestamps_are_never_undercut);
  ADD ("initiations-20ms-apart", test_initiations_20ms_apart);
  return g_test_run ();
}
