/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The liveness machine under a fake clock: rows of (time, event) → actions and state, and runs that count probes.
 */
#include "tunnel/liveness.h"

#define S EW_LIVENESS_SECOND

typedef struct
{
  gint64 at; /* ms */
  EwLivenessEvent event;
  guint actions;
  EwLinkState state;
} Row;

static void
play (const Row *rows, gsize n)
{
  EwLiveness liveness;
  g_assert_cmphex (ew_liveness_start (&liveness, S), ==, EW_DO_INITIATE | EW_DO_PROBE | EW_DO_SHOW);
  for (gsize i = 0; i < n; i++)
    {
      guint actions = ew_liveness_event (&liveness, rows[i].event, S + rows[i].at * 1000);
      if (actions != rows[i].actions || liveness.state != rows[i].state)
        g_error ("row %zu (at %" G_GINT64_FORMAT " ms): actions %#x, not %#x; state %d, not %d", i, rows[i].at, actions,
                 rows[i].actions, (int)liveness.state, (int)rows[i].state);
    }
}

static void
test_connects (void)
{
  const Row rows[] = {
    { 20, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 21, EW_LIVENESS_ANSWER, 0, EW_LINK_CONNECTED },
    { 1000, EW_LIVENESS_TICK, 0, EW_LINK_CONNECTED },
    { 25021, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 25030, EW_LIVENESS_ANSWER, 0, EW_LINK_CONNECTED },
  };
  play (rows, G_N_ELEMENTS (rows));
}

static void
test_never_answers (void)
{
  const Row rows[] = {
    { 999, EW_LIVENESS_TICK, 0, EW_LINK_CONNECTING },
    { 1000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTING },
    { 2000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INVESTIGATE, EW_LINK_CONNECTING },
    { 3000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_NEXT_ENDPOINT | EW_DO_INITIATE, EW_LINK_CONNECTING },
    { 4000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTING },
    { 6000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_NEXT_ENDPOINT | EW_DO_INITIATE, EW_LINK_CONNECTING },
    { 32000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_NEXT_ENDPOINT | EW_DO_INITIATE | EW_DO_INVESTIGATE,
      EW_LINK_CONNECTING },
    { 32100, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
  };
  play (rows, G_N_ELEMENTS (rows));
}

/* Quiet: 30 s after the last answer, and not before. */
static void
test_lost_quiet (void)
{
  const Row rows[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 25000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 26000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 29999, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 30000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
    { 30500, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
  };
  play (rows, G_N_ELEMENTS (rows));
}

/* Traffic: noticed within 5.5 s; quiet before does not make it lost at once. */
static void
test_lost_busy (void)
{
  const Row rows[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 20000, EW_LIVENESS_BUSY, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 21000, EW_LIVENESS_BUSY, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 22000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
  };
  play (rows, G_N_ELEMENTS (rows));
  const Row fresh[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 100, EW_LIVENESS_BUSY, 0, EW_LINK_CONNECTED },
    { 3000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 4000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 5500, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
  };
  play (fresh, G_N_ELEMENTS (fresh));
}

static void
test_network (void)
{
  const Row rows[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 10000, EW_LIVENESS_NETWORK, EW_DO_REBIND | EW_DO_INITIATE | EW_DO_PROBE, EW_LINK_CONNECTED },
    { 10100, EW_LIVENESS_ANSWER, 0, EW_LINK_CONNECTED },
    { 12000, EW_LIVENESS_NETWORK, EW_DO_REBIND | EW_DO_INITIATE | EW_DO_PROBE, EW_LINK_CONNECTED },
    { 13000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 15600, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
  };
  play (rows, G_N_ELEMENTS (rows));
}

/* Runs until `end`, answering after 20 ms where `answers`; returns probes sent and the greatest number of wakes without
 * one. */
static guint
run (EwLiveness *liveness, gint64 from, gint64 end, gboolean answers, guint *wakes)
{
  guint probes = 0;
  gint64 answer_at = G_MAXINT64;
  *wakes = 0;
  for (gint64 now = from; now < end;)
    {
      gint64 due = ew_liveness_deadline (liveness, now);
      gboolean answer = answer_at <= due;
      gint64 next = MIN (answer_at, due);
      now = MAX (now, next);
      if (now >= end)
        break;
      guint actions = ew_liveness_event (liveness, answer ? EW_LIVENESS_ANSWER : EW_LIVENESS_TICK, now);
      if (answer)
        answer_at = G_MAXINT64;
      ++*wakes;
      g_assert_cmpuint (*wakes, <, 100000); /* it does not spin */
      if (actions & EW_DO_PROBE)
        {
          probes++;
          if (answers)
            answer_at = now + 20 * 1000;
        }
    }
  return probes;
}

static void
test_idle_cost (void)
{
  EwLiveness liveness;
  guint wakes;
  ew_liveness_start (&liveness, S);
  ew_liveness_event (&liveness, EW_LIVENESS_ANSWER, S + 1000);
  /* An hour of quiet: one probe in 25 s, each wakes twice (it, and its answer). */
  guint probes = run (&liveness, S + 1000, 3601 * S, TRUE, &wakes);
  g_assert_cmpuint (probes, ==, 143);
  g_assert_cmpuint (wakes, <=, 2 * 143);
  g_assert_cmpint (liveness.state, ==, EW_LINK_CONNECTED);
}

static void
test_long_silence (void)
{
  EwLiveness liveness;
  guint wakes;
  ew_liveness_start (&liveness, S);
  guint probes = run (&liveness, S, 601 * S, FALSE, &wakes);
  g_assert_cmpuint (probes, <=, 16 + 600 / 5);
  g_assert_cmpuint (probes, >=, 600 / 5);
  g_assert_cmpuint (wakes, ==, probes);
}

/* Whoever waits for it isn't kept waiting longer because it has been away for long. */
static void
test_long_silence_busy (void)
{
  EwLiveness liveness;
  gint64 now = S;
  ew_liveness_start (&liveness, now);
  for (; now < 300 * S; now += S)
    {
      ew_liveness_event (&liveness, EW_LIVENESS_BUSY, now);
      ew_liveness_event (&liveness, EW_LIVENESS_TICK, now);
      g_assert_cmpint (ew_liveness_deadline (&liveness, now), <=, now + S);
    }
  now += EW_LIVENESS_BUSY_FOR; /* now nobody does */
  ew_liveness_event (&liveness, EW_LIVENESS_TICK, now);
  g_assert_cmpint (ew_liveness_deadline (&liveness, now), ==, now + 5 * S);
}

/* A wake that comes late, after busy has ended, does not make it spin. */
static void
test_late_wake (void)
{
  EwLiveness liveness;
  ew_liveness_start (&liveness, S);
  ew_liveness_event (&liveness, EW_LIVENESS_ANSWER, S);
  ew_liveness_event (&liveness, EW_LIVENESS_BUSY, S);
  gint64 late = liveness.busy_until + 10;
  guint actions = ew_liveness_event (&liveness, EW_LIVENESS_TICK, late);
  g_assert_true ((actions & EW_DO_PROBE) || ew_liveness_deadline (&liveness, late) > late);
}

/* The edge may be elsewhere: lost after 2 s, or 5.5 s after its latest answer, and quiet again where it isn't. */
static void
test_doubt (void)
{
  const Row lost[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 10000, EW_LIVENESS_DOUBT, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 11000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 12000, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
  };
  play (lost, G_N_ELEMENTS (lost));
  const Row fresh[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 1000, EW_LIVENESS_DOUBT, 0, EW_LINK_CONNECTED },
    { 3000, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 5500, EW_LIVENESS_TICK, EW_DO_PROBE | EW_DO_INITIATE | EW_DO_SHOW | EW_DO_INVESTIGATE, EW_LINK_RECONNECTING },
  };
  play (fresh, G_N_ELEMENTS (fresh));
  const Row answered[] = {
    { 0, EW_LIVENESS_ANSWER, EW_DO_SHOW, EW_LINK_CONNECTED },
    { 10000, EW_LIVENESS_DOUBT, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 10020, EW_LIVENESS_ANSWER, 0, EW_LINK_CONNECTED },
    { 13020, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
    { 13040, EW_LIVENESS_ANSWER, 0, EW_LINK_CONNECTED },
    { 16040, EW_LIVENESS_TICK, 0, EW_LINK_CONNECTED },
    { 38039, EW_LIVENESS_TICK, 0, EW_LINK_CONNECTED },
    { 38040, EW_LIVENESS_TICK, EW_DO_PROBE, EW_LINK_CONNECTED },
  };
  play (answered, G_N_ELEMENTS (answered));
}

/* So long until the next probe of a quiet node, whose last one has just been answered. */
static gint64
next_quiet_probe (EwLiveness *liveness, gint64 now, gboolean forgotten)
{
  if (forgotten)
    ew_liveness_event (liveness, EW_LIVENESS_MOVED, now);
  ew_liveness_event (liveness, EW_LIVENESS_ANSWER, now);
  return ew_liveness_deadline (liveness, now) - now;
}

static void
test_forgetful_nat (void)
{
  EwLiveness liveness;
  gint64 now = S;
  ew_liveness_start (&liveness, now);
  g_assert_cmpint (next_quiet_probe (&liveness, now, FALSE), ==, 25 * S);
  /* While traffic flows, it says nothing. */
  now += 3 * S;
  g_assert_cmpint (next_quiet_probe (&liveness, now, TRUE), ==, 25 * S);
  now += 25 * S;
  g_assert_cmpint (next_quiet_probe (&liveness, now, TRUE), ==, 25 * S / 2);
  now += 25 * S / 2;
  g_assert_cmpint (next_quiet_probe (&liveness, now, TRUE), ==, 25 * S / 4);
  /* Enough: so it stays for a while, and is tried less often then. */
  for (gint64 end = liveness.nat_until; now + 25 * S / 4 < end;)
    {
      now += 25 * S / 4;
      g_assert_cmpint (next_quiet_probe (&liveness, now, FALSE), ==, now < end ? 25 * S / 4 : 25 * S);
    }
  now = liveness.nat_until;
  g_assert_cmpint (next_quiet_probe (&liveness, now, FALSE), ==, 25 * S);
  const gint64 before = liveness.nat_for;
  now += 25 * S;
  g_assert_cmpint (next_quiet_probe (&liveness, now, TRUE), ==, 25 * S / 2);
  g_assert_cmpint (liveness.nat_for, ==, 2 * before);
  /* Another network, another NAT. */
  ew_liveness_event (&liveness, EW_LIVENESS_NETWORK, now);
  now = liveness.busy_until;
  g_assert_cmpint (next_quiet_probe (&liveness, now, FALSE), ==, 25 * S);
}

/* A NAT with several addresses gives out another one each time: probes are of no use against that. */
static void
test_changing_nat (void)
{
  EwLiveness liveness;
  gint64 now = S, pause = 0;
  guint often = 0;
  ew_liveness_start (&liveness, now);
  next_quiet_probe (&liveness, now, FALSE);
  now += 25 * S;
  for (guint i = 0; i < 100; i++, now += pause)
    {
      pause = next_quiet_probe (&liveness, now, TRUE);
      often += pause < 25 * S;
    }
  g_assert_cmpuint (often, <=, 6);
  g_assert_cmpint (pause, ==, 25 * S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tunnel/liveness/connects", test_connects);
  g_test_add_func ("/tunnel/liveness/never-answers", test_never_answers);
  g_test_add_func ("/tunnel/liveness/lost-quiet", test_lost_quiet);
  g_test_add_func ("/tunnel/liveness/lost-busy", test_lost_busy);
  g_test_add_func ("/tunnel/liveness/network", test_network);
  g_test_add_func ("/tunnel/liveness/idle-cost", test_idle_cost);
  g_test_add_func ("/tunnel/liveness/long-silence", test_long_silence);
  g_test_add_func ("/tunnel/liveness/long-silence-busy", test_long_silence_busy);
  g_test_add_func ("/tunnel/liveness/late-wake", test_late_wake);
  g_test_add_func ("/tunnel/liveness/doubt", test_doubt);
  g_test_add_func ("/tunnel/liveness/forgetful-nat", test_forgetful_nat);
  g_test_add_func ("/tunnel/liveness/changing-nat", test_changing_nat);
  return g_test_run ();
}
