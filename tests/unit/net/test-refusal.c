/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host.h"

/* A laptop at 192.168.7.2/24 and 2001:db8:7::2/64, Docker at 172.17.0.0/16. */
static EwHostFacts *
make_facts (void)
{
  static const gchar *const subnets[] = { "192.168.7.0/24", "172.17.0.0/16", "2001:db8:7::/64" };
  static const gchar *const gateways[] = { "10.77.0.1", "2001:db8:8::1" };
  static const gchar *const resolvers[] = { "9.9.9.9", "2620:fe::fe" };
  EwHostFacts *facts = g_new0 (EwHostFacts, 1);
  EwPrefix prefix;
  EwIp ip;

  facts->on_link = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  facts->addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  facts->gateways = g_array_new (FALSE, FALSE, sizeof (EwIp));
  facts->resolvers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  for (gsize i = 0; i < G_N_ELEMENTS (subnets); i++)
    {
      g_assert_true (ew_prefix_parse (subnets[i], &prefix, NULL));
      g_array_append_val (facts->on_link, prefix);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (gateways); i++)
    {
      g_assert_true (ew_ip_parse (gateways[i], &ip));
      g_array_append_val (facts->gateways, ip);
      g_assert_true (ew_ip_parse (resolvers[i], &ip));
      g_array_append_val (facts->resolvers, ip);
    }
  return facts;
}

typedef struct
{
  const gchar *route;
  const gchar *word; /* NULL: accepted; else the refusal says this */
} Row;

static const Row rows[] = {
  /* the mesh itself, ordinary subnets, the shortest prefix that is accepted */
  { "100.96.0.0/12", NULL },
  { "fd45::/48", NULL },
  { "10.1.0.0/16", NULL },
  { "11.0.0.0/8", NULL },
  { "2001:db9::/32", NULL },
  { "3fff::/16", NULL },
  { "203.0.113.7/32", NULL },
  /* too wide */
  { "0.0.0.0/0", "wide" },
  { "::/0", "wide" },
  { "128.0.0.0/1", "wide" },
  { "10.0.0.0/7", "wide" },
  { "2000::/3", "wide" },
  { "3ffe::/15", "wide" },
  /* ranges that must never be routed */
  { "127.0.0.0/8", "loopback" },
  { "127.0.0.53/32", "loopback" },
  { "::1/128", "loopback" },
  { "::/16", "loopback" },
  { "169.254.0.0/16", "link-local" },
  { "169.254.169.254/32", "link-local" },
  { "169.0.0.0/8", "link-local" },
  { "fe80::/64", "link-local" },
  { "fe80::/16", "link-local" },
  { "224.0.0.0/8", "multicast" },
  { "239.255.255.250/32", "multicast" },
  { "255.255.255.255/32", "broadcast" },
  { "ff02::/16", "multicast" },
  { "0.0.0.0/8", "this network" },
  { "::ffff:10.0.0.0/104", "IPv4" },
  /* this computer's own networks, from above, exactly, from below */
  { "192.168.0.0/16", "connected" },
  { "192.168.7.0/24", "connected" },
  { "192.168.7.128/25", "connected" },
  { "192.168.7.9/32", "connected" },
  { "172.16.0.0/12", "connected" },
  { "2001:db8::/32", "connected" },
  { "2001:db8:7::/65", "connected" },
  { "192.168.6.0/24", NULL },
  { "192.168.8.0/21", NULL },
  /* what it needs to get out at all */
  { "10.77.0.0/16", "gateway" },
  { "10.77.0.1/32", "gateway" },
  { "2001:db8:8::/64", "gateway" },
  { "10.78.0.0/16", NULL },
  { "9.9.9.0/24", "name server" },
  { "2620:fe::/48", "name server" },
  { "198.51.100.0/24", "edge" },
  { "198.51.100.5/32", "edge" },
  { "2001:db8:5::/64", "edge" },
  { "198.51.101.0/24", NULL },
};

static void
test_table (void)
{
  g_autoptr (EwHostFacts) facts = make_facts ();
  EwIp edges[2];

  g_assert_true (ew_ip_parse ("198.51.100.5", &edges[0]));
  g_assert_true (ew_ip_parse ("2001:db8:5::5", &edges[1]));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      EwPrefix route;
      g_assert_true (ew_prefix_parse (rows[i].route, &route, NULL));
      const gchar *reason = ew_route_refusal (&route, facts, edges, G_N_ELEMENTS (edges));
      g_test_message ("%s: %s", rows[i].route, reason != NULL ? reason : "taken");
      if (rows[i].word == NULL)
        g_assert_cmpstr (reason, ==, NULL);
      else
        g_assert_nonnull (g_strstr_len (reason != NULL ? reason : "", -1, rows[i].word));
    }
}

static void
test_without_facts (void)
{
  EwPrefix none = { 0 };
  EwPrefix route;

  g_assert_nonnull (ew_route_refusal (&none, NULL, NULL, 0));
  g_assert_true (ew_prefix_parse ("10.0.0.0/8", &route, NULL));
  g_assert_null (ew_route_refusal (&route, NULL, NULL, 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/refusal/table", test_table);
  g_test_add_func ("/net/refusal/without-facts", test_without_facts);
  return g_test_run ();
}
