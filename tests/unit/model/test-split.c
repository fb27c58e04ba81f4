/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is chosen for VPN mode, out of the daemon's status, and what a person types.
 */
#include "model/split.h"

static void
test_status (void)
{
  g_autoptr (EwSplit) split = ew_split_parse (
    "{\"lan\":\"block\",\"split\":{\"excluded\":[\"203.0.113.0/24\",7,null,\"<b>\",\"2001:db8::/32\"],"
    "\"included\":[]}}");
  g_autoptr (EwSplit) empty = ew_split_parse ("{\"lan\":\"allow\",\"split\":{}}");
  const gchar *const expected[] = { "203.0.113.0/24", "2001:db8::/32", NULL };

  g_assert_cmpstrv (split->excluded, expected);
  g_assert_cmpuint (g_strv_length (split->included), ==, 0);
  g_assert_true (split->lan_blocked);
  g_assert_cmpuint (g_strv_length (empty->excluded), ==, 0);
  g_assert_false (empty->lan_blocked);
}

static void
test_nonsense (void)
{
  const gchar *const texts[] = { "", "[]", "{}", "{\"split\":null}", "{\"split\":[]}", "{\"split\":", "7" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_null (ew_split_parse (texts[i]));
}

static void
test_typed (void)
{
  const gchar *const networks[] = { "203.0.113.0/24", "203.0.113.7", "2001:db8::/32", "2001:db8::1", "203.0.113.7/24" };
  const gchar *const others[] = { "",
                                  "nas",
                                  "203.0.113",
                                  "203.0.113.0/",
                                  "203.0.113.0/33",
                                  "203.0.113.0/24/1",
                                  "fe80::1%eth0",
                                  "2001:db8::/129",
                                  "203.0.113.0/-1",
                                  "203.0.113.0/ 8" };

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++)
    g_assert_true (ew_split_is_network (networks[i]));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (ew_split_is_network (others[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/split/status", test_status);
  g_test_add_func ("/model/split/nonsense", test_nonsense);
  g_test_add_func ("/model/split/typed", test_typed);
  return g_test_run ();
}
