/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/module.h"

/* Words that are removed now and then are restored each time; when removed again within a minute, they stay removed. */
static void
test_contest (void)
{
  EwNamesContest contest = { 0 };
  gint64 now = 5 * G_USEC_PER_SEC;

  for (guint i = 0; i < 3; i++, now += 61 * G_USEC_PER_SEC)
    {
      g_assert_true (ew_names_contest_judge (&contest, now));
      contest.restored = now;
    }
  now = contest.restored + 59 * G_USEC_PER_SEC;
  g_assert_false (ew_names_contest_judge (&contest, now));
  g_assert_false (ew_names_contest_judge (&contest, now + G_TIME_SPAN_HOUR));
}

/* Words that couldn't be restored, as the file was being written, don't count as removed again. */
static void
test_not_restored (void)
{
  EwNamesContest contest = { 0 };

  g_assert_true (ew_names_contest_judge (&contest, 1));
  g_assert_true (ew_names_contest_judge (&contest, 2));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/module/contest", test_contest);
  g_test_add_func ("/names/module/not-restored", test_not_restored);
  return g_test_run ();
}
