/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The clock of relative times: it ticks for all followers, and not at all without any.
 */
#include "model/ticker.h"

static guint first_ticks, second_ticks, first, second;

static void
on_first (gpointer user_data)
{
  first_ticks++;
  ew_ticker_leave (&second); /* in the middle of a tick */
}

static void
on_second (gpointer user_data)
{
  second_ticks++;
}

static void
test_ticks (void)
{
  g_assert_false (ew_ticker_is_running ());
  first = ew_ticker_follow (on_first, NULL);
  second = ew_ticker_follow (on_second, NULL);
  g_assert_true (ew_ticker_is_running ());
  while (first_ticks < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (second_ticks, ==, 0);
  g_assert_cmpuint (second, ==, 0);
  ew_ticker_leave (&first);
  ew_ticker_leave (&first);
  g_assert_false (ew_ticker_is_running ());
  for (guint i = 0; i < 100 && g_main_context_pending (NULL); i++)
    g_main_context_iteration (NULL, FALSE);
  second = ew_ticker_follow (on_second, NULL);
  while (second_ticks < 1)
    g_main_context_iteration (NULL, TRUE);
  ew_ticker_leave (&second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/ticker/ticks", test_ticks);
  return g_test_run ();
}
