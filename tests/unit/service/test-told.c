/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sentence is remembered only for the caller that got it, and not forever.
 */
#include "common/phrase.h"
#include "service/told.h"

static void
test_callers (void)
{
  g_autoptr (EwTold) told = ew_told_new ();
  ew_told_add (told, ":1.7", "nas didn't answer.");
  g_assert_true (ew_told_has (told, ":1.7", "nas didn't answer."));
  g_assert_false (ew_told_has (told, ":1.71", "nas didn't answer."));
  g_assert_false (ew_told_has (told, ":1.", "7 nas didn't answer."));
  g_assert_false (ew_told_has (told, NULL, "nas didn't answer."));
  g_assert_false (ew_told_has (told, ":1.7", "tv didn't answer."));
  ew_told_add (told, NULL, "tv didn't answer.");
  g_assert_true (ew_told_has (told, NULL, "tv didn't answer."));
}

static void
test_bounds (void)
{
  g_autoptr (EwTold) told = ew_told_new ();
  g_autofree gchar *longest = g_strnfill (EW_PHRASE_TEXT_MAX, 'x'), *longer = g_strnfill (EW_PHRASE_TEXT_MAX + 1, 'x');
  ew_told_add (told, ":1.1", longest);
  ew_told_add (told, ":1.1", longer);
  g_assert_true (ew_told_has (told, ":1.1", longest));
  g_assert_false (ew_told_has (told, ":1.1", longer));
  for (guint i = 0; i < 2 * EW_TOLD; i++)
    ew_told_add (told, ":1.2", "the same again takes no place");
  g_assert_true (ew_told_has (told, ":1.1", longest));
  for (guint i = 0; i < EW_TOLD; i++)
    {
      g_autofree gchar *sender = g_strdup_printf (":2.%u", i);
      ew_told_add (told, sender, "x");
    }
  g_assert_false (ew_told_has (told, ":1.1", longest));
  g_assert_true (ew_told_has (told, ":2.0", "x"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/told/callers", test_callers);
  g_test_add_func ("/service/told/bounds", test_bounds);
  return g_test_run ();
}
