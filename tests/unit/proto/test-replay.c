/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The replay window: a table of its edges, and a naive model that remembers everything. */
#include <glib.h>
#include "proto/replay.h"

#define W EW_REPLAY_WINDOW

typedef struct
{
  uint64_t counter;
  gboolean accepted;
} Step;

static void
run (const Step *steps, size_t n)
{
  EwReplayWindow window;
  ew_replay_init (&window);
  for (size_t i = 0; i < n; i++)
    if (ew_replay_accept (&window, steps[i].counter) != steps[i].accepted)
      g_error ("step %zu, counter %" G_GUINT64_FORMAT ": expected %d", i, steps[i].counter, steps[i].accepted);
}

#define RUN(...)                                                                                                       \
  do                                                                                                                   \
    {                                                                                                                  \
      const Step steps[] = { __VA_ARGS__ };                                                                            \
      run (steps, G_N_ELEMENTS (steps));                                                                               \
    }                                                                                                                  \
  while (0)

static void
test_edges (void)
{
  RUN ({ 0, TRUE }, { 1, TRUE }, { 1, FALSE }, { 9, TRUE }, { 8, TRUE }, { 7, TRUE }, { 7, FALSE }, { 0, FALSE });
  RUN ({ W, TRUE }, { W - 1, TRUE }, { W - 1, FALSE }, { 1, TRUE }, { 0, FALSE }, { 1, FALSE }, { 2, TRUE });
  RUN ({ W - 1, TRUE }, { 0, TRUE }, { 0, FALSE }, { 2 * W - 1, TRUE }, { W, TRUE }, { W - 1, FALSE }, { W, FALSE });
  /* Jumps of a window, of the whole ring, of more, of one word's edge. */
  RUN ({ 0, TRUE }, { W + 1, TRUE }, { 0, FALSE }, { 1, FALSE }, { 2, TRUE }, { W, TRUE });
  RUN ({ 5, TRUE }, { 5 + EW_REPLAY_BITS, TRUE }, { 5, FALSE }, { 6 + EW_REPLAY_BITS - W, TRUE },
       { 5 + EW_REPLAY_BITS - W, FALSE }, { 5 + EW_REPLAY_BITS, FALSE });
  RUN ({ 63, TRUE }, { 64, TRUE }, { 63, FALSE }, { 64, FALSE }, { 128, TRUE }, { 127, TRUE }, { 65, TRUE });
  RUN ({ UINT64_C (1) << 40, TRUE }, { (UINT64_C (1) << 40) - W + 1, TRUE }, { (UINT64_C (1) << 40) - W, FALSE },
       { 0, FALSE });
}

static void
test_last_counters (void)
{
  const uint64_t last = EW_REJECT_AFTER_MESSAGES - 1;
  RUN ({ last, TRUE }, { last, FALSE }, { last + 1, FALSE }, { UINT64_MAX, FALSE }, { last - 1, TRUE },
       { last - W + 1, TRUE }, { last - W, FALSE }, { 0, FALSE });
  g_assert_cmphex (EW_REJECT_AFTER_MESSAGES, ==, UINT64_MAX - 8192); /* 2^64 − 2^13 − 1 */
}

static void
test_every_in_order_and_backwards (void)
{
  EwReplayWindow window;
  ew_replay_init (&window);
  for (uint64_t i = 0; i < 3 * W; i++)
    g_assert_true (ew_replay_accept (&window, i));
  for (uint64_t i = 3 * W; i-- > 0;)
    g_assert_false (ew_replay_accept (&window, i));
  ew_replay_init (&window);
  for (uint64_t i = W; i-- > 0;)
    g_assert_true (ew_replay_accept (&window, i));
  for (uint64_t i = W; i-- > 0;)
    g_assert_false (ew_replay_accept (&window, i));
}

static void
test_against_model (void)
{
  enum
  {
    RANGE = 1 << 18
  };
  for (unsigned round = 0; round < 8; round++)
    {
      g_autofree gboolean *seen = g_new0 (gboolean, RANGE + 1);
      EwReplayWindow window;
      uint64_t highest = 0, base = 0;
      gboolean any = FALSE;
      ew_replay_init (&window);
      for (unsigned i = 0; i < 40000; i++)
        {
          unsigned kind = (unsigned)g_test_rand_int_range (0, 100);
          uint64_t spread = kind < 90 ? 300 : kind < 98 ? 2 * W : 200000;
          uint64_t counter = base + (uint64_t)g_test_rand_int_range (0, (gint32)spread);
          base = counter > W && kind < 97 ? MIN (counter - W * (uint64_t)(kind % 2), base + 10) : base;
          counter = MIN (counter, RANGE);
          gboolean expected = !seen[counter] && (!any || counter > highest || highest - counter < W);
          g_assert_cmpint (ew_replay_accept (&window, counter), ==, expected);
          seen[counter] |= expected;
          highest = MAX (highest, counter);
          any = TRUE;
        }
    }
}

/* What a peer is told about its datagrams: of those within the window, how many came. */
static void
test_count (void)
{
  EwReplayWindow window;
  unsigned seen;
  ew_replay_init (&window);
  g_assert_true (ew_replay_count (&window, 0, 5, &seen));
  g_assert_cmpuint (seen, ==, 0);
  for (uint64_t i = 0; i < 2 * W; i += 3)
    g_assert_true (ew_replay_accept (&window, i));
  const uint64_t highest = (2 * W - 1) / 3 * 3;
  g_assert_true (ew_replay_count (&window, highest - 63, 64, &seen));
  g_assert_cmpuint (seen, ==, 22);
  g_assert_true (ew_replay_count (&window, highest, 64, &seen)); /* most are still to come */
  g_assert_cmpuint (seen, ==, 1);
  g_assert_true (ew_replay_count (&window, highest + 1, 64, &seen));
  g_assert_cmpuint (seen, ==, 0);
  g_assert_true (ew_replay_count (&window, highest - W + 1, 2, &seen));
  g_assert_false (ew_replay_count (&window, highest - W, 2, &seen));
  g_assert_true (ew_replay_count (&window, G_MAXUINT64 - 1, 64, &seen)); /* what a peer may claim */
  g_assert_cmpuint (seen, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/replay/edges", test_edges);
  g_test_add_func ("/replay/last-counters", test_last_counters);
  g_test_add_func ("/replay/in-order-and-backwards", test_every_in_order_and_backwards);
  g_test_add_func ("/replay/count", test_count);
  g_test_add_func ("/replay/against-model", test_against_model);
  return g_test_run ();
}
