/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/backlog.h"
#include "engine/codel.h"

#define MS G_GUINT64_CONSTANT (1000000)

static const EwCodelLimits limits = { .target_ns = 5 * MS, .interval_ns = 100 * MS };

/* A burst may be old for an interval; one packet that was quick shows that it is over. */
static void
test_burst (void)
{
  EwCodel codel = { 0 };

  for (guint64 now = MS; now < 1000 * MS; now += MS)
    g_assert_false (ew_codel_signals (&codel, &limits, now % (99 * MS) == 0 ? 0 : 50 * MS, now));
}

/* RFC 8289 section 4.1: after an interval, then after interval / √n. */
static void
test_law (void)
{
  static const guint64 expected[] = { 101, 201, 272, 330, 380 };
  EwCodel codel = { 0 };
  guint n = 0;

  for (guint64 now = MS; n < G_N_ELEMENTS (expected); now += MS)
    if (ew_codel_signals (&codel, &limits, 5 * MS, now))
      g_assert_cmpuint (now / MS, ==, expected[n++]);
}

/* Hands over bytes each millisecond, each of which waited age_ns, for some time. Returns how many signals there were. */
static guint
leave (EwBacklog *backlog, guint64 *now, gsize bytes, guint64 age_ns, guint milliseconds)
{
  guint n = 0;

  for (guint i = 0; i < milliseconds; i++, *now += MS)
    n += ew_backlog_signals (backlog, bytes, age_ns, *now);
  return n;
}

/* 400 MB/s that wait for a millisecond are 400 KB; so are ten times as many bytes, all in every tenth millisecond. */
static void
test_backlog (void)
{
  EwBacklog backlog = { 0 };
  guint64 now = 5000 * MS;

  g_assert_cmpuint (leave (&backlog, &now, 400000, MS / 2, 1000), ==, 0);
  g_assert_cmpuint (leave (&backlog, &now, 400000, MS, 21), ==, 1);
  g_assert_cmpuint (leave (&backlog, &now, 400000, MS, 15), ==, 1); /* 20 ms after the first */
  g_assert_cmpuint (leave (&backlog, &now, 400000, MS, 15), ==, 1); /* 20 / √2 */
  g_assert_cmpuint (leave (&backlog, &now, 400000, MS / 2, 20), <=, 1);
  g_assert_cmpuint (leave (&backlog, &now, 400000, MS / 2, 1000), ==, 0);
  guint n = 0;
  for (guint i = 0; i < 5; i++)
    n += leave (&backlog, &now, 4000000, MS, 1) + leave (&backlog, &now, 0, 0, 9);
  g_assert_cmpuint (n, >=, 1);
}

/* A slow flow that is read late, and one burst after a long rest, are none. */
static void
test_late (void)
{
  EwBacklog backlog = { 0 };
  guint64 now = 0;

  g_assert_cmpuint (leave (&backlog, &now, 12500, 20 * MS, 1000), ==, 0); /* 100 Mbit/s, 20 ms */
  for (guint i = 0; i < 20; i++)
    {
      g_assert_cmpuint (leave (&backlog, &now, 4000000, 50 * MS, 1), ==, 0);
      now += 500 * MS;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codel/burst", test_burst);
  g_test_add_func ("/codel/law", test_law);
  g_test_add_func ("/backlog/much", test_backlog);
  g_test_add_func ("/backlog/late", test_late);
  return g_test_run ();
}
