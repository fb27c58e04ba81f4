/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which of the edge's addresses is the better one, under a fake clock: two paths with round trips of their own, or none.
 */
#include "tunnel/better.h"

#define MS ((gint64)1000)
#define S ((gint64)G_USEC_PER_SEC)
#define DEAD G_MAXINT64

typedef struct
{
  EwBetter better;
  gint64 now;
  gint64 mine, other; /* round trips; DEAD: no answer */
  guint calls, leaves, keeps;
  gboolean on_other; /* packets take the other path at this moment */
} Paths;

static void do_action (Paths *paths, EwBetterAction action);

/* A probe is sent now and answered after the round trip of the path that packets take. */
static void
exchange_probe (Paths *paths)
{
  gint64 sent = paths->now, rtt = paths->on_other ? paths->other : paths->mine;
  gint64 deadline = ew_better_deadline (&paths->better);
  if (rtt == DEAD || sent + rtt > deadline)
    {
      paths->now = deadline;
      do_action (paths, ew_better_tick (&paths->better, deadline));
      return;
    }
  paths->now += rtt;
  do_action (paths, ew_better_answered (&paths->better, sent, paths->now));
}

static void
do_action (Paths *paths, EwBetterAction action)
{
  gint64 deadline = ew_better_deadline (&paths->better);
  switch (action)
    {
    case EW_BETTER_CALL:
      paths->calls++;
      if (paths->other == DEAD || paths->now + paths->other > deadline)
        {
          g_assert_cmpint (ew_better_tick (&paths->better, deadline - 1), ==, EW_BETTER_NOTHING);
          paths->now = deadline;
          do_action (paths, ew_better_tick (&paths->better, deadline));
          break;
        }
      paths->now += paths->other;
      paths->on_other = TRUE;
      do_action (paths, ew_better_moved (&paths->better, paths->now));
      break;
    case EW_BETTER_PROBE:
      exchange_probe (paths);
      break;
    case EW_BETTER_LEAVE:
      paths->leaves++;
      paths->on_other = FALSE;
      break;
    case EW_BETTER_KEEP:
      paths->keeps++;
      paths->on_other = FALSE;
      gint64 mine = paths->mine;
      paths->mine = paths->other;
      paths->other = mine;
      break;
    case EW_BETTER_NOTHING:
    default:
      break;
    }
}

/* Probes every 3 s, as while traffic flows. */
static void
run_paths (Paths *paths, gint64 mine, gint64 other, gint64 duration)
{
  *paths = (Paths){ .now = S, .mine = mine, .other = other };
  ew_better_start (&paths->better, S);
  for (gint64 end = S + duration; paths->now < end; paths->now += 3 * S)
    exchange_probe (paths);
  g_assert_cmpint (paths->better.state, ==, EW_BETTER_RESTING);
  g_assert_cmpint (ew_better_deadline (&paths->better), ==, G_MAXINT64);
}

static void
test_better_is_kept (void)
{
  Paths paths;
  run_paths (&paths, 80 * MS, 20 * MS, 20 * S);
  g_assert_cmpuint (paths.keeps, ==, 1);
  g_assert_cmpint (paths.mine, ==, 20 * MS);
}

/* It isn't exchanged for one that is worse, as good, or hardly better; and never back and forth. */
static void
test_hysteresis (void)
{
  const gint64 pairs[][2] = { { 20, 80 }, { 20, 20 }, { 20, 17 }, { 3, 2 }, { 1, 1 } };
  Paths paths;
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      run_paths (&paths, pairs[i][0] * MS, pairs[i][1] * MS, 120 * S);
      g_assert_cmpuint (paths.keeps, ==, 0);
      g_assert_cmpuint (paths.calls, >, 0);
      g_assert_cmpuint (paths.leaves, ==, paths.calls);
    }
  run_paths (&paths, 80 * MS, 20 * MS, 600 * S);
  g_assert_cmpuint (paths.keeps, ==, 1);
}

/* What the edge sends in the meantime may be lost: no longer than a round trip or two. */
static void
test_dead_path (void)
{
  Paths paths;
  run_paths (&paths, 30 * MS, DEAD, 7 * S);
  g_assert_cmpuint (paths.calls, ==, 1);
  g_assert_cmpuint (paths.leaves, ==, 1);
  EwBetter better;
  ew_better_start (&better, S);
  for (gint64 at = S; ew_better_answered (&better, at, at + 30 * MS) != EW_BETTER_CALL; at += S)
    ;
  g_assert_cmpint (ew_better_deadline (&better) - better.since, ==, 160 * MS);
}

/* It answered the handshake, and then nothing. */
static void
test_falls_silent (void)
{
  EwBetter better;
  gint64 at = S;
  ew_better_start (&better, at);
  for (; ew_better_answered (&better, at, at + 30 * MS) != EW_BETTER_CALL; at += S)
    ;
  g_assert_cmpint (ew_better_moved (&better, at + 40 * MS), ==, EW_BETTER_PROBE);
  /* The answer to a probe that was sent by the other path. */
  g_assert_cmpint (ew_better_answered (&better, at, at + 41 * MS), ==, EW_BETTER_NOTHING);
  g_assert_cmpuint (better.rounds, ==, 0);
  g_assert_cmpint (ew_better_tick (&better, ew_better_deadline (&better)), ==, EW_BETTER_LEAVE);
}

/* An answer to the handshake that comes after it was given up moves the session all the same: it's moved back. */
static void
test_late_answer (void)
{
  EwBetter better;
  gint64 at = S;
  ew_better_start (&better, at);
  for (; ew_better_answered (&better, at, at + 10 * MS) != EW_BETTER_CALL; at += S)
    ;
  gint64 late = ew_better_deadline (&better);
  g_assert_cmpint (ew_better_tick (&better, late), ==, EW_BETTER_LEAVE);
  g_assert_cmpint (ew_better_moved (&better, late + 300 * MS), ==, EW_BETTER_LEAVE);
  g_assert_cmpint (ew_better_moved (&better, late + 20 * S), ==, EW_BETTER_NOTHING);
}

/* With nothing to compare it doesn't ask again before EW_BETTER_AGAIN; idle, each answer costs nothing more. */
static void
test_rests (void)
{
  EwBetter better;
  guint calls = 0;
  ew_better_start (&better, S);
  for (gint64 at = S; at < S + 1500 * S; at += 25 * S)
    if (ew_better_answered (&better, at, at + 30 * MS) == EW_BETTER_CALL)
      {
        calls++;
        ew_better_skip (&better, at);
      }
  g_assert_cmpuint (calls, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tunnel/better/better-is-kept", test_better_is_kept);
  g_test_add_func ("/tunnel/better/hysteresis", test_hysteresis);
  g_test_add_func ("/tunnel/better/dead-path", test_dead_path);
  g_test_add_func ("/tunnel/better/falls-silent", test_falls_silent);
  g_test_add_func ("/tunnel/better/late-answer", test_late_answer);
  g_test_add_func ("/tunnel/better/rests", test_rests);
  return g_test_run ();
}
