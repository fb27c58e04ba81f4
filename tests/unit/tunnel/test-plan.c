/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a computer accepts from an edge: routes accepted, refused and forbidden, forwards, VPN mode, no
 * IPv6.
 */
#include "tunnel/plan.h"
#include "common/error.h"
#include <glib/gstdio.h>

typedef struct
{
  EwDocument document;
  EwKeystore *keystore;
  EwHostFacts facts;
  gchar *dir;
} World;

static EwPrefix
prefix (const gchar *text)
{
  EwPrefix out;
  if (!ew_prefix_parse (text, &out, NULL))
    g_error ("%s is no prefix", text);
  return out;
}

static EwIp
ip (const gchar *text)
{
  EwIp out;
  if (!ew_ip_parse (text, &out))
    g_error ("%s is no address", text);
  return out;
}

static void
add_prefix (GArray *array, const gchar *text)
{
  EwPrefix value = prefix (text);
  g_array_append_val (array, value);
}

static void
add_ip (GArray *array, const gchar *text)
{
  EwIp value = ip (text);
  g_array_append_val (array, value);
}

static void
offer (World *world, const gchar *cidr)
{
  EwDocumentRoute *route = g_new0 (EwDocumentRoute, 1);
  route->prefix = prefix (cidr);
  route->node = g_strdup ("gw");
  g_ptr_array_add (world->document.routes, route);
}

static void
free_route (gpointer data)
{
  g_free (((EwDocumentRoute *)data)->node);
  g_free (data);
}

static void
setup (World *world, gconstpointer data)
{
  world->dir = g_dir_make_tmp ("ew-plan-XXXXXX", NULL);
  world->keystore = ew_keystore_load (world->dir, NULL);
  world->document.name = (gchar *)"me";
  world->document.addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  world->document.ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  world->document.service = g_array_new (FALSE, FALSE, sizeof (EwIp));
  world->document.offers = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  world->document.routes = g_ptr_array_new_with_free_func (free_route);
  add_ip (world->document.addresses, "100.96.1.1");
  add_ip (world->document.addresses, "fd12::1:1");
  add_prefix (world->document.ranges, "100.96.0.0/12");
  add_prefix (world->document.ranges, "fd12::/48");
  world->facts.on_link = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  world->facts.addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  world->facts.gateways = g_array_new (FALSE, FALSE, sizeof (EwIp));
  world->facts.resolvers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  world->facts.ipv6 = TRUE;
  add_prefix (world->facts.on_link, "192.168.1.0/24");
  add_ip (world->facts.gateways, "192.168.1.1");
}

static void
teardown (World *world, gconstpointer data)
{
  g_array_unref (world->document.addresses);
  g_array_unref (world->document.ranges);
  g_array_unref (world->document.service);
  g_array_unref (world->document.offers);
  g_ptr_array_unref (world->document.routes);
  g_array_unref (world->facts.on_link);
  g_array_unref (world->facts.addresses);
  g_array_unref (world->facts.gateways);
  g_array_unref (world->facts.resolvers);
  ew_keystore_unref (world->keystore);
  g_rmdir (world->dir);
  g_free (world->dir);
}

static EwPlan *
make (World *world, gboolean vpn)
{
  g_autoptr (GError) error = NULL;
  EwIp edge = ip ("203.0.113.5");
  EwPlan *plan = ew_plan_new (&world->document, world->keystore, &world->facts, &edge, 1, vpn, &error);
  g_assert_no_error (error);
  return plan;
}

static gboolean
has (const GArray *prefixes, const gchar *text)
{
  EwPrefix wanted = prefix (text);
  return ew_prefixes_contain ((GArray *)prefixes, &wanted);
}

static void
test_routes (World *world, gconstpointer data)
{
  const struct
  {
    const gchar *cidr;
    gboolean accepted, refused;
    const gchar *state;
  } rows[] = {
    { "10.7.0.0/24", TRUE, FALSE, "accepted" },
    { "10.8.0.0/24", FALSE, FALSE, "offered" },
    { "10.9.0.0/24", FALSE, TRUE, "refused" },
    /* Accepted or not: never. */
    { "0.0.0.0/0", TRUE, FALSE, "blocked" },
    { "::/0", TRUE, FALSE, "blocked" },
    { "64.0.0.0/7", TRUE, FALSE, "blocked" },
    { "127.0.0.0/8", TRUE, FALSE, "blocked" },
    { "169.254.0.0/16", TRUE, FALSE, "blocked" },
    { "224.0.0.0/8", TRUE, FALSE, "blocked" },
    { "fe80::/16", TRUE, FALSE, "blocked" },
    { "192.168.0.0/16", TRUE, FALSE, "blocked" },
    { "192.168.1.128/25", TRUE, FALSE, "blocked" },
    { "203.0.113.0/24", TRUE, FALSE, "blocked" }, /* the edge itself */
    { "100.96.4.0/24", TRUE, FALSE, "blocked" },  /* another node's mesh IPs */
  };
  /* A subnet that this node forwards: an edge that now claims it is behind another node does not get its traffic. */
  EwPrefix ours = prefix ("10.8.0.0/24");
  ew_prefixes_set (world->keystore->forwarded, &ours, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      EwPrefix route = prefix (rows[i].cidr);
      offer (world, rows[i].cidr);
      if (rows[i].accepted)
        ew_prefixes_set (world->keystore->accepted, &route, TRUE);
      if (rows[i].refused)
        ew_prefixes_set (world->keystore->refused, &route, TRUE);
    }
  EwPlan *plan = make (world, FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const EwPlanRoute *route = plan->all->pdata[i];
      if (!g_str_equal (route->state, rows[i].state)
          || g_str_equal (rows[i].state, "blocked") != (route->reason != NULL))
        g_error ("%s is %s (%s), not %s", rows[i].cidr, route->state, route->reason, rows[i].state);
      gboolean taken = g_str_equal (rows[i].state, "accepted");
      g_assert_cmpint (has (plan->routes, rows[i].cidr), ==, taken);
      g_assert_cmpint (has (plan->allowed_ips, rows[i].cidr), ==, taken);
    }
  g_assert_cmpuint (plan->routes->len, ==, 3); /* both ranges and the one accepted */
  g_assert_cmpuint (plan->forwards->len, ==, 0);
  ew_plan_free (plan);
}

/* Not even from a document that was stored before: a mesh's range must be private as a whole. */
static void
test_public_range (World *world, gconstpointer data)
{
  static const gchar *const ranges[] = { "198.51.100.0/22", "192.168.0.0/13", "2001::/16", "fc00::/6" };
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_autoptr (GError) error = NULL;
      add_prefix (world->document.ranges, ranges[i]);
      g_assert_null (ew_plan_new (&world->document, world->keystore, &world->facts, NULL, 0, FALSE, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_HOST_CONFLICT);
      g_array_set_size (world->document.ranges, world->document.ranges->len - 1);
    }
}

/* A node forwards only what its own administrator accepted, its own LAN though it is. */
static void
test_gateway (World *world, gconstpointer data)
{
  EwPrefix lan = prefix ("192.168.1.0/24"), everything = prefix ("0.0.0.0/0");
  add_prefix (world->document.offers, "192.168.1.0/24");
  add_prefix (world->document.offers, "192.168.7.0/24");
  add_prefix (world->document.offers, "0.0.0.0/0");
  EwPrefix elsewhere = prefix ("192.168.7.0/24");
  ew_prefixes_set (world->keystore->forwarded, &lan, TRUE);
  ew_prefixes_set (world->keystore->forwarded, &everything, TRUE);
  /* A subnet reached through another node: an edge that now claims it is behind this node does not get it forwarded. */
  ew_prefixes_set (world->keystore->accepted, &elsewhere, TRUE);
  EwPlan *plan = make (world, FALSE);
  const gchar *const states[] = { "forwarding", "unaccepted-forward", "blocked" };
  for (guint i = 0; i < 3; i++)
    g_assert_cmpstr (((EwPlanRoute *)plan->all->pdata[i])->state, ==, states[i]);
  g_assert_cmpuint (plan->forwards->len, ==, 1);
  g_assert_true (has (plan->forwards, "192.168.1.0/24"));
  g_assert_false (has (plan->routes, "192.168.1.0/24"));
  ew_plan_free (plan);
}

/* A route that was accepted but isn't offered is listed once, and has no effect. */
static void
test_not_offered (World *world, gconstpointer data)
{
  EwPrefix through = prefix ("10.20.0.0/24"), behind = prefix ("10.21.0.0/24"), awaited = prefix ("10.22.0.0/24"),
           refused = prefix ("10.23.0.0/24"), offered = prefix ("10.24.0.0/24");
  EwKeystore *keystore = world->keystore;
  ew_prefixes_set (keystore->accepted, &through, TRUE);
  ew_prefixes_set (keystore->forwarded, &through, TRUE);
  ew_prefixes_set (keystore->forwarded, &behind, TRUE);
  ew_prefixes_set (keystore->awaited, &awaited, TRUE);
  ew_prefixes_set (keystore->refused, &refused, TRUE);
  offer (world, "10.24.0.0/24");
  ew_prefixes_set (keystore->accepted, &offered, TRUE);
  EwPlan *plan = make (world, FALSE);
  static const gchar *const rows[][2] = { { "10.24.0.0/24", "accepted" },
                                          { "10.20.0.0/24", "accepted-not-offered" },
                                          { "10.21.0.0/24", "accepted-not-offered" },
                                          { "10.22.0.0/24", "accepted-not-offered" } };
  g_assert_cmpuint (plan->all->len, ==, G_N_ELEMENTS (rows));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const EwPlanRoute *route = plan->all->pdata[i];
      EwPrefix expected = prefix (rows[i][0]);
      g_assert_true (ew_prefix_equal (&route->prefix, &expected));
      g_assert_cmpstr (route->state, ==, rows[i][1]);
      g_assert_cmpint (route->node == NULL, ==, i > 0);
      g_assert_null (route->reason);
    }
  g_assert_cmpuint (plan->routes->len, ==, 3);
  g_assert_cmpuint (plan->forwards->len, ==, 0);
  ew_plan_free (plan);
}

static void
test_vpn (World *world, gconstpointer data)
{
  EwPlan *plan = make (world, TRUE);
  g_assert_true (has (plan->allowed_ips, "0.0.0.0/0"));
  g_assert_true (has (plan->allowed_ips, "::/0"));
  g_assert_false (has (plan->routes, "0.0.0.0/0")); /* that is ew_host_apply()'s, by policy routing */
  ew_plan_free (plan);
  plan = make (world, FALSE);
  g_assert_false (has (plan->allowed_ips, "0.0.0.0/0"));
  ew_plan_free (plan);
}

static void
test_no_ipv6 (World *world, gconstpointer data)
{
  world->facts.ipv6 = FALSE;
  EwPlan *plan = make (world, TRUE);
  g_assert_cmpuint (plan->addresses->len, ==, 1);
  g_assert_cmpuint (plan->ranges->len, ==, 1);
  g_assert_cmpuint (plan->routes->len, ==, 1);
  g_assert_false (has (plan->allowed_ips, "::/0"));
  ew_plan_free (plan);
}

/* Whether exactly one of the plan's routes, or none, leads to address. */
static gboolean
leads_to (const EwPlan *plan, const gchar *address)
{
  EwIp wanted = ip (address);
  guint n = 0;
  for (guint i = 0; i < plan->routes->len; i++)
    n += ew_prefix_contains (&g_array_index (plan->routes, EwPrefix, i), &wanted) ? 1 : 0;
  g_assert_cmpuint (n, <=, 1);
  return n == 1;
}

/* Networks of this computer inside the mesh's range keep their addresses, and the mesh has all the others. */
static void
test_collisions (World *world, gconstpointer data)
{
  add_prefix (world->facts.on_link, "100.100.5.0/24");
  add_ip (world->facts.gateways, "100.100.5.1");
  add_ip (world->facts.resolvers, "100.100.2.136");
  add_ip (world->facts.resolvers, "100.96.0.1"); /* the edge's own, set by hand */
  add_ip (world->document.service, "100.96.0.1");
  add_prefix (world->facts.on_link, "fd12:0:0:5::/64");
  EwPlan *plan = make (world, FALSE);
  const struct
  {
    const gchar *address;
    gboolean taken;
  } rows[] = {
    { "100.96.0.0", TRUE },      { "100.96.0.1", TRUE },    { "100.100.2.135", TRUE },   { "100.100.2.136", FALSE },
    { "100.100.2.137", TRUE },   { "100.100.4.255", TRUE }, { "100.100.5.0", FALSE },    { "100.100.5.1", FALSE },
    { "100.100.5.255", FALSE },  { "100.100.6.0", TRUE },   { "100.111.255.255", TRUE }, { "100.112.0.0", FALSE },
    { "100.95.255.255", FALSE }, { "fd12::1", TRUE },       { "fd12:0:0:5::1", FALSE },  { "fd12:0:0:ffff::1", TRUE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (leads_to (plan, rows[i].address) != rows[i].taken)
      g_error ("%s is %staken", rows[i].address, rows[i].taken ? "not " : "");
  g_assert_cmpuint (plan->problems->len, ==, 3);
  g_assert_true (has (plan->ranges, "100.96.0.0/12")); /* what may arrive through the tunnel is not cut */
  ew_plan_free (plan);
}

/* Where nodes have addresses, a rogue access point's network gets none of the mesh's traffic; it is still reported. */
static void
test_rogue_network (World *world, gconstpointer data)
{
  static const gchar *const networks[]
    = { "100.96.1.0/24", "100.96.0.0/24", "100.96.0.0/13", "100.96.1.128/25", "fd12::/64", "fd12::/56" };
  add_ip (world->document.service, "100.96.0.1");
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      add_prefix (world->facts.on_link, networks[i]);
      EwPlan *plan = make (world, FALSE);
      g_assert_true (has (plan->routes, "100.96.0.0/12"));
      g_assert_true (has (plan->routes, "fd12::/48"));
      g_assert_cmpuint (plan->problems->len, ==, 1);
      ew_plan_free (plan);
      g_array_set_size (world->facts.on_link, world->facts.on_link->len - 1);
    }
  add_ip (world->facts.gateways, "100.96.1.4");
  add_ip (world->facts.resolvers, "100.96.1.5");
  EwPlan *plan = make (world, FALSE);
  g_assert_true (leads_to (plan, "100.96.1.4"));
  g_assert_true (leads_to (plan, "100.96.1.5"));
  g_assert_cmpuint (plan->problems->len, ==, 2);
  ew_plan_free (plan);
}

/* A carrier's 100.64.0.0/10 contains the range: the mesh's prefix is longer. */
static void
test_network_around (World *world, gconstpointer data)
{
  add_prefix (world->facts.on_link, "100.64.0.0/10");
  add_ip (world->facts.gateways, "100.64.0.1");
  EwPlan *plan = make (world, FALSE);
  g_assert_true (has (plan->routes, "100.96.0.0/12"));
  g_assert_cmpuint (plan->problems->len, ==, 0);
  ew_plan_free (plan);
}

/* One range is entirely this computer's LAN: the mesh works with the other. With both it can't, and the sentence says
   so. */
static void
test_conflict (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add_prefix (world->facts.on_link, "100.96.0.0/12");
  EwPlan *plan = make (world, FALSE);
  g_assert_cmpuint (plan->ranges->len, ==, 1);
  g_assert_false (leads_to (plan, "100.96.1.1"));
  g_assert_true (leads_to (plan, "fd12::1"));
  g_assert_cmpuint (plan->problems->len, ==, 1);
  ew_plan_free (plan);
  world->facts.ipv6 = FALSE;
  g_assert_null (ew_plan_new (&world->document, world->keystore, &world->facts, NULL, 0, FALSE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_HOST_CONFLICT);
  g_assert_nonnull (strstr (error->message, "100.96.0.0/12"));
}

/* A failed change on this computer makes only the route concerned "blocked". */
static void
test_problems_are_noted (World *world, gconstpointer data)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_host_problem_free);
  EwPrefix taken = prefix ("10.7.0.0/24"), other = prefix ("10.8.0.0/24"), lan = prefix ("192.168.1.0/24");
  offer (world, "10.7.0.0/24");
  offer (world, "10.8.0.0/24");
  add_prefix (world->document.offers, "192.168.1.0/24");
  ew_prefixes_set (world->keystore->accepted, &taken, TRUE);
  ew_prefixes_set (world->keystore->accepted, &other, TRUE);
  ew_prefixes_set (world->keystore->forwarded, &lan, TRUE);
  g_ptr_array_add (problems, ew_host_problem_new (EW_HOST_PROBLEM_ROUTE, &taken, "fix", "somebody has it"));
  g_ptr_array_add (problems, ew_host_problem_new (EW_HOST_PROBLEM_ROUTE, &lan, "fix", "about another thing"));
  g_ptr_array_add (problems, ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, &lan, "fix", "forwarding is off"));
  EwPlan *plan = make (world, FALSE);
  ew_plan_note (plan, problems);
  const gchar *const states[] = { "blocked", "accepted", "blocked" };
  const gchar *const reasons[] = { "somebody has it", NULL, "forwarding is off" };
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpstr (((EwPlanRoute *)plan->all->pdata[i])->state, ==, states[i]);
      g_assert_cmpstr (((EwPlanRoute *)plan->all->pdata[i])->reason, ==, reasons[i]);
    }
  ew_plan_free (plan);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tunnel/plan/routes", World, NULL, setup, test_routes, teardown);
  g_test_add ("/tunnel/plan/public-range", World, NULL, setup, test_public_range, teardown);
  g_test_add ("/tunnel/plan/gateway", World, NULL, setup, test_gateway, teardown);
  g_test_add ("/tunnel/plan/not-offered", World, NULL, setup, test_not_offered, teardown);
  g_test_add ("/tunnel/plan/vpn", World, NULL, setup, test_vpn, teardown);
  g_test_add ("/tunnel/plan/no-ipv6", World, NULL, setup, test_no_ipv6, teardown);
  g_test_add ("/tunnel/plan/collisions", World, NULL, setup, test_collisions, teardown);
  g_test_add ("/tunnel/plan/rogue-network", World, NULL, setup, test_rogue_network, teardown);
  g_test_add ("/tunnel/plan/network-around", World, NULL, setup, test_network_around, teardown);
  g_test_add ("/tunnel/plan/problems-are-noted", World, NULL, setup, test_problems_are_noted, teardown);
  g_test_add ("/tunnel/plan/conflict", World, NULL, setup, test_conflict, teardown);
  return g_test_run ();
}
