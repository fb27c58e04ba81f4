/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/checks.h"

/* What is typed as a network, and what is said of it: words that are in the sentence; NULL: it is taken, as `network`.
 */
static void
test_networks (void)
{
  static const struct
  {
    const gchar *text, *network, *words;
  } cases[] = {
    { " 192.168.1.0/24 ", "192.168.1.0/24", NULL },
    { "10.0.0.0/8", "10.0.0.0/8", NULL },
    { "100.64.0.0/16", "100.64.0.0/16", NULL },
    { "192.168.1.7/32", "192.168.1.7/32", NULL },
    { "fd00:1::/64", "fd00:1::/64", NULL },
    { "192.168.1.7/24", NULL, "Did you mean 192.168.1.0/24?" },
    { "10.0.0.0/4", NULL, "10.0.0.0/4 is too wide. Use a network of /8 or smaller." },
    { "0.0.0.0/0", NULL, "0.0.0.0/0 is too wide." },
    { "fd00::/8", NULL, "fd00::/8 is too wide. Use a network of /16 or smaller." },
    { "100.96.1.0/24", NULL, "overlaps 100.96.0.0/12 (the mesh's own addresses)" },
    { "100.64.0.0/10", NULL, "overlaps 100.96.0.0/12 (the mesh's own addresses)" },
    { "127.0.0.0/8", NULL, "can't be shared" },
    { "224.1.0.0/16", NULL, "can't be shared" },
    { "192.168.1.0", NULL, "such as 192.168.1.0/24" },
    { "192.168.1.0/33", NULL, "such as 192.168.1.0/24" },
    { "lan", NULL, "such as 192.168.1.0/24" },
    { "", NULL, "such as 192.168.1.0/24" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *cidr = NULL, *problem = ew_check_network (cases[i].text, &cidr);
      g_assert_cmpstr (cidr, ==, cases[i].network);
      if (cases[i].words == NULL)
        g_assert_null (problem);
      else if (problem == NULL || g_strstr_len (problem, -1, cases[i].words) == NULL)
        g_error ("%s: “%s” instead of “%s”", cases[i].text, problem, cases[i].words);
    }
}

static void
test_around (void)
{
  g_autofree gchar *v6 = ew_network_around ("fd4d:5861:8e00:1::7", 48), *v4 = ew_network_around ("192.168.7.9", 20);
  g_assert_cmpstr (v6, ==, "fd4d:5861:8e00::/48");
  g_assert_cmpstr (v4, ==, "192.168.0.0/20");
  g_assert_null (ew_network_around ("attic", 48));
}

static void
test_names (void)
{
  static const struct
  {
    const gchar *name, *words; /* NULL: it is taken */
  } cases[] = {
    { "nas", NULL },
    { "node-10", NULL },
    { "", "Enter a name." },
    { "NAS", "lowercase" },
    { "-nas", "hyphen" },
    { "wpad", "Choose another" },
    { "localhost", "Choose another" },
    { "10", "Programs take the number" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *problem = ew_check_name (cases[i].name);
      if (cases[i].words == NULL)
        g_assert_null (problem);
      else
        g_assert_nonnull (g_strstr_len (problem, -1, cases[i].words));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/enroll/checks/names", test_names);
  g_test_add_func ("/enroll/checks/networks", test_networks);
  g_test_add_func ("/enroll/checks/around", test_around);
  return g_test_run ();
}
