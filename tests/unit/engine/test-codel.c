/* SPDX-License-Identifier: GPL-3.0-or-later */
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codel/burst", test_burst);
  g_test_add_func ("/codel/law", test_law);
  return g_test_run ();
}
