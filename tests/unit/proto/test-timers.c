/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each timer of the whitepaper's section 6, by its name. */
#include <glib.h>
#include "proto/bytes.h"
#include "proto/timers.h"

#define S EW_NSEC_PER_SEC
#define START (1000 * S)

/* The next thing due is at `after` seconds past START, plus `extra` ns, and it is `actions`; nothing before. */
static void
expect (EwTimers *t, uint64_t after_ns, unsigned actions)
{
  g_assert_cmpuint (ew_timers_deadline (t), ==, START + after_ns);
  g_assert_cmpuint (ew_timers_tick (t, START + after_ns - 1), ==, 0);
  g_assert_cmpuint (ew_timers_tick (t, START + after_ns), ==, actions);
}

static void
expect_idle (EwTimers *t)
{
  g_assert_cmpuint (ew_timers_deadline (t), ==, EW_TIME_OFF);
  g_assert_cmpuint (ew_timers_tick (t, START + 10000 * S), ==, 0);
}

static void
test_passive_keepalive (void)
{
  EwTimers t;
  ew_timers_init (&t);
  expect_idle (&t);
  ew_timers_data_received (&t, START);
  ew_timers_data_received (&t, START + 9 * S); /* does not put it off */
  expect (&t, 10 * S, EW_ACTION_KEEPALIVE);
  expect_idle (&t);
  ew_timers_data_received (&t, START);
  ew_timers_authenticated_sent (&t, START + 9 * S);
  expect_idle (&t);
}

static void
test_new_handshake_after_silence (void)
{
  EwTimers t;
  ew_timers_init (&t);
  ew_timers_data_sent (&t, START, 7);
  ew_timers_data_sent (&t, START + 14 * S, 9); /* counted from the first unanswered one */
  expect (&t, 15 * S + 7, EW_ACTION_NEW_HANDSHAKE);
  expect_idle (&t);
  ew_timers_data_sent (&t, START, 7);
  ew_timers_authenticated_received (&t, START + 14 * S);
  expect_idle (&t);
}

static void
test_persistent_keepalive (void)
{
  EwTimers t;
  ew_timers_init (&t);
  ew_timers_set_persistent (&t, 25, START);
  expect (&t, 25 * S, EW_ACTION_KEEPALIVE);
  expect (&t, 50 * S, EW_ACTION_KEEPALIVE); /* again by itself */
  ew_timers_authenticated_sent (&t, START + 60 * S);
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + 85 * S);
  ew_timers_authenticated_received (&t, START + 61 * S);
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + 86 * S);
  ew_timers_forget (&t);
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + 86 * S);
  ew_timers_set_persistent (&t, 0, START);
  expect_idle (&t);
}

static void
test_retries_and_giving_up (void)
{
  EwTimers t;
  uint64_t at = 0, jitter = S / 4;
  ew_timers_init (&t);
  g_assert_true (ew_timers_may_initiate (&t, START));
  ew_timers_handshake_wanted (&t, FALSE);
  unsigned initiations = 0;
  for (unsigned actions = EW_ACTION_RETRY_HANDSHAKE; actions == EW_ACTION_RETRY_HANDSHAKE;)
    {
      initiations++;
      ew_timers_initiation_sent (&t, START + at, jitter);
      g_assert_false (ew_timers_may_initiate (&t, START + at + 5 * S - 1));
      g_assert_true (ew_timers_may_initiate (&t, START + at + 5 * S));
      at += 5 * S + jitter;
      g_assert_cmpuint (ew_timers_deadline (&t), ==, START + at);
      actions = ew_timers_tick (&t, START + at);
      if (actions != EW_ACTION_RETRY_HANDSHAKE)
        g_assert_cmpuint (actions, ==, EW_ACTION_GIVE_UP);
    }
  g_assert_cmpuint (initiations, ==, 18);
  g_assert_cmpuint (at, >=, 90 * S);
  g_assert_cmpuint (at, <=, 96 * S);
  expect (&t, at + 540 * S, EW_ACTION_ZERO_KEYS);
  expect_idle (&t);
}

static void
test_wanting_starts_the_90_seconds_again (void)
{
  EwTimers t;
  ew_timers_init (&t);
  for (unsigned i = 0; i < 60; i++)
    {
      uint64_t now = START + i * 5 * S;
      if (i % 15 == 0)
        ew_timers_handshake_wanted (&t, FALSE);
      ew_timers_initiation_sent (&t, now, 0);
      g_assert_cmpuint (ew_timers_tick (&t, now + 5 * S), ==, EW_ACTION_RETRY_HANDSHAKE);
    }
  ew_timers_initiation_sent (&t, START, 0);
  g_assert_false (ew_timers_may_initiate (&t, START + S));
  ew_timers_handshake_wanted (&t, TRUE);
  g_assert_true (ew_timers_may_initiate (&t, START + S));
}

/* Two requests at the same moment: the first initiation is the one that gets answered; if not, the second follows a
   little later. */
static void
test_hurry (void)
{
  const uint64_t rest = EW_HURRIED_INTERVAL;
  EwTimers t;
  ew_timers_init (&t);
  g_assert_true (ew_timers_hurry (&t, START));
  ew_timers_initiation_sent (&t, START, S / 4);
  g_assert_false (ew_timers_hurry (&t, START + 300000));
  g_assert_false (ew_timers_may_initiate (&t, START + 300000));
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + rest);
  g_assert_cmpuint (ew_timers_tick (&t, START + rest - 1), ==, 0);
  g_assert_cmpuint (ew_timers_tick (&t, START + rest), ==, EW_ACTION_RETRY_HANDSHAKE);
  g_assert_true (ew_timers_may_initiate (&t, START + rest));
  ew_timers_initiation_sent (&t, START + rest, S / 4);
  g_assert_false (ew_timers_hurry (&t, START + rest + 1));
  ew_timers_handshake_complete (&t); /* answered: no other one */
  expect_idle (&t);
  g_assert_true (ew_timers_hurry (&t, START + 2 * rest));
  g_assert_cmpuint (rest, >, EW_INITIATION_INTERVAL);
}

static void
test_handshake_complete_ends_the_retries (void)
{
  EwTimers t;
  ew_timers_init (&t);
  ew_timers_initiation_sent (&t, START, 0);
  ew_timers_session_derived (&t, START + S);
  ew_timers_handshake_complete (&t);
  expect (&t, 541 * S, EW_ACTION_ZERO_KEYS);
  expect_idle (&t);
  ew_timers_response_sent (&t, START); /* a peer that has just answered need not initiate */
  g_assert_false (ew_timers_may_initiate (&t, START + 4 * S));
  expect_idle (&t);
}

static void
test_zero_keys (void)
{
  EwTimers t;
  ew_timers_init (&t);
  ew_timers_session_derived (&t, START);
  ew_timers_session_derived (&t, START + 120 * S); /* counted from the newest session */
  expect (&t, 660 * S, EW_ACTION_ZERO_KEYS);
  expect_idle (&t);
}

static void
test_renew_sending (void)
{
  const uint64_t many = UINT64_C (1) << 60;
  g_assert_false (ew_timers_should_renew_sending (START, 5, TRUE, START + 120 * S - 1));
  g_assert_true (ew_timers_should_renew_sending (START, 5, TRUE, START + 120 * S));
  g_assert_false (ew_timers_should_renew_sending (START, 5, FALSE, START + 179 * S));
  g_assert_false (ew_timers_should_renew_sending (START, many, FALSE, START));
  g_assert_true (ew_timers_should_renew_sending (START, many + 1, FALSE, START));
}

static void
test_renew_receiving (void)
{
  EwTimers t;
  ew_timers_init (&t);
  g_assert_false (ew_timers_should_renew_receiving (&t, START, TRUE, START + 165 * S - 1));
  g_assert_false (ew_timers_should_renew_receiving (&t, START, FALSE, START + 165 * S));
  g_assert_true (ew_timers_should_renew_receiving (&t, START, TRUE, START + 165 * S));
  g_assert_false (ew_timers_should_renew_receiving (&t, START, TRUE, START + 166 * S)); /* once a session */
  ew_timers_handshake_complete (&t);
  g_assert_true (ew_timers_should_renew_receiving (&t, START, TRUE, START + 166 * S));
}

static void
test_reject (void)
{
  g_assert_true (ew_timers_session_valid (START, 0, START + 180 * S - 1));
  g_assert_false (ew_timers_session_valid (START, 0, START + 180 * S));
  g_assert_true (ew_timers_session_valid (START, UINT64_MAX - 8193, START));
  g_assert_false (ew_timers_session_valid (START, UINT64_MAX - 8192, START)); /* 2^64 − 2^13 − 1 */
  g_assert_true (ew_timers_session_valid (START, 0, START - S));              /* a clock that went back ages nothing */
}

static void
test_several_at_once (void)
{
  EwTimers t;
  ew_timers_init (&t);
  ew_timers_set_persistent (&t, 10, START);
  ew_timers_data_received (&t, START);
  ew_timers_data_sent (&t, START, 0);
  ew_timers_session_derived (&t, START);
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + 10 * S);
  g_assert_cmpuint (ew_timers_tick (&t, START + 1000 * S), ==,
                    EW_ACTION_KEEPALIVE | EW_ACTION_NEW_HANDSHAKE | EW_ACTION_ZERO_KEYS);
  g_assert_cmpuint (ew_timers_deadline (&t), ==, START + 1010 * S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/timers/passive-keepalive", test_passive_keepalive);
  g_test_add_func ("/timers/new-handshake-after-silence", test_new_handshake_after_silence);
  g_test_add_func ("/timers/persistent-keepalive", test_persistent_keepalive);
  g_test_add_func ("/timers/retries-and-giving-up", test_retries_and_giving_up);
  g_test_add_func ("/timers/wanting-starts-the-90-seconds-again", test_wanting_starts_the_90_seconds_again);
  g_test_add_func ("/timers/hurry", test_hurry);
  g_test_add_func ("/timers/handshake-complete", test_handshake_complete_ends_the_retries);
  g_test_add_func ("/timers/zero-keys", test_zero_keys);
  g_test_add_func ("/timers/renew-sending", test_renew_sending);
  g_test_add_func ("/timers/renew-receiving", test_renew_receiving);
  g_test_add_func ("/timers/reject", test_reject);
  g_test_add_func ("/timers/several-at-once", test_several_at_once);
  return g_test_run ();
}
