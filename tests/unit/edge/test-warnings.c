/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an owner is told of an edge that runs: packages of another version, and a public name that leads elsewhere.
 */
#include "edge/warnings.h"

#include <string.h>
#include "common/util.h"

/* What is said of a package; NULL: nothing. (transfer full) */
static gchar *
judge (const gchar *build, const gchar *version)
{
  g_autofree gchar *text = g_strdup_printf ("{\"systems\":[{\"system\":\"debian-12\",\"version\":\"%s\"}]}", version);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  return ew_edge_judge_packages (build, json_node_get_object (node));
}

static void
test_packages (void)
{
  static const struct
  {
    const gchar *build, *version, *said;
  } cases[] = {
    { "0.2.0 (bb3b4d3)", "0.2.0+git20261130.210000.bb3b4d3", NULL },
    { "0.2.0 (bb3b4d3+)", "0.2.0+git20261130.210000.bb3b4d3.modified", NULL },
    { "0.2.0 (bb3b4d3)", "0.2.0", NULL }, /* a release */
    { "0.2.0", "0.2.0+git20261130.210000.bb3b4d3", NULL },
    { "0.2.0 (bb3b4d3)", "0.2.0+git1", NULL },
    { "0.2.0 (bb3b4d3)", "0.2.0-1", NULL },
    { "0.2.0 (bb3b4d3)", "0.2.0+git20261101.210000.0123abc", "aren't of this edge's build (0.2.0 (bb3b4d3)). Make" },
    { "0.2.0 (bb3b4d3)", "0.1.9", "are older than this edge" },
    { "0.10.0 (bb3b4d3)", "0.9.0+git20261130.210000.bb3b4d3", "are older than this edge" },
    { "0.2.0 (bb3b4d3)", "0.2.1", "are newer than this edge" },
    { "0.2 (bb3b4d3)", "99.0", "are newer than this edge" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *said = judge (cases[i].build, cases[i].version);
      if (cases[i].said == NULL)
        g_assert_cmpstr (said, ==, NULL);
      else
        g_assert_true (said && strstr (said, cases[i].said) && strstr (said, "debian-12"));
    }
  g_assert_null (ew_edge_judge_packages ("0.2.0", NULL));
  g_assert_null (judge (NULL, "0.1.0"));
}

static void
test_public (void)
{
  static const struct
  {
    const gchar *endpoint, *failure, *led, *own, *said;
    gboolean online;
  } cases[] = {
    { "edge.example.org:443", NULL, "9.9.9.9", "10.0.0.1 9.9.9.9", NULL, FALSE },
    { "edge.example.org:443", NULL, "2620:fe::fe", "9.9.9.9 2620:fe::fe", NULL, FALSE },
    { "edge.example.org:443", NULL, "127.0.1.1", "9.9.9.9", NULL, FALSE }, /* Debian's /etc/hosts */
    { "9.9.9.9:443", NULL, "9.9.9.9", "9.9.9.9", NULL, FALSE },
    { "edge.example.org:443", "Name or service not known", "", "9.9.9.9", "can't be looked up here: Name or service",
      TRUE },
    { "edge.example.org:8443", NULL, "9.9.9.10", "9.9.9.9",
      "at edge.example.org, which leads to 9.9.9.10. That isn't an address of this server (9.9.9.9)", TRUE },
    { "9.9.9.10:8443", NULL, "9.9.9.10", "9.9.9.9", "at 9.9.9.10. That isn't", FALSE },
    { "edge.example.org:8443", NULL, "9.9.9.10", "10.0.0.4 192.168.1.2",
      "only private addresses (10.0.0.4, 192.168.1.2). The router or provider in front of it has to forward TCP and "
      "UDP "
      "port 8443",
      FALSE },
    { "edge.example.org:8443", NULL, "9.9.9.10", "10.0.0.4", NULL, TRUE }, /* nodes come through the router */
    { "edge.example.org:443", NULL, "9.9.9.10", "", NULL, FALSE },
    /* Nobody's router has an address next to this host's. */
    { "192.168.1.222:443", NULL, "192.168.1.222", "192.168.1.2/24", "at 192.168.1.222. That isn't an address of this",
      TRUE },
    { "192.168.9.222:443", NULL, "192.168.9.222", "192.168.1.2/24", NULL, TRUE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EwIp led[2], own[2];
      EwPrefix subnets[2];
      EwEdgePublic public = { cases[i].endpoint, cases[i].failure, led, 0, own, 0, subnets, cases[i].online };
      g_auto (GStrv) led_texts = g_strsplit (cases[i].led, " ", -1), own_texts = g_strsplit (cases[i].own, " ", -1);
      for (guint j = 0; led_texts[j]; j++)
        g_assert_true (ew_ip_parse (led_texts[j], &led[public.n_led++]));
      for (guint j = 0; own_texts[j]; j++)
        {
          g_auto (GStrv) parts = g_strsplit (own_texts[j], "/", 2);
          bool host_bits;
          g_assert_true (ew_ip_parse (parts[0], &own[j]));
          subnets[j] = ew_prefix_from_ip (&own[j]);
          g_assert_true (!parts[1] || ew_prefix_parse (own_texts[j], &subnets[j], &host_bits));
          public.n_own++;
        }
      g_autofree gchar *said = ew_edge_judge_public (&public);
      if (cases[i].said == NULL)
        g_assert_cmpstr (said, ==, NULL);
      else
        g_assert_true (said && strstr (said, cases[i].said));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edge/warnings/packages", test_packages);
  g_test_add_func ("/edge/warnings/public", test_public);
  return g_test_run ();
}
