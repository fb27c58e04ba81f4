/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is said in a locale that isn't UTF-8's.
 */
#include "common/plain.h"

#include <locale.h>

static void
test_spell (void)
{
  g_autofree gchar *spelled = ew_plain_spell ("Usage: x [OPTION…]  “a” → b – c’s");
  g_assert_cmpstr (spelled, ==, "Usage: x [OPTION...]  \"a\" -> b - c's");
  g_autofree gchar *others = ew_plain_spell ("▄ nas ü");
  g_assert_cmpstr (others, ==, "▄ nas ü");
}

static void
test_fit (void)
{
  g_autofree gchar *utf8 = setlocale (LC_ALL, "C.UTF-8") ? ew_plain_fit ("Joining …") : NULL;
  if (utf8)
    g_assert_cmpstr (utf8, ==, "Joining …");
  setlocale (LC_ALL, "C");
  g_autofree gchar *plain = ew_plain_fit ("Joining …");
  g_assert_cmpstr (plain, ==, "Joining ...");
}

static void
test_print (void)
{
  if (g_test_subprocess ())
    {
      setlocale (LC_ALL, "C");
      ew_plain_init ();
      g_print ("[OPTION…] ü\n");
      g_printerr ("Wait …\n");
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*OPTION...] ?\n*");
  g_test_trap_assert_stderr ("*Wait ...\n*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plain/spell", test_spell);
  g_test_add_func ("/plain/fit", test_fit);
  g_test_add_func ("/plain/print", test_print);
  return g_test_run ();
}
