/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words of rows, pings, routes and names.
 */
#include "details/name-check.h"
#include "details/ping.h"
#include "details/route-state.h"
#include "details/row-words.h"
#include "details/service-check.h"
#include "model/node-private.h"
#include "model/topology-private.h"
#include "model/words.h"

static EwNode *
node_from (const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  EwNode *node;

  g_assert_nonnull (root);
  node = ew_node_new (ew_node_id_of (json_node_get_object (root)));
  ew_node_update (node, json_node_get_object (root), 0);
  return node;
}

#define SELF "{\"id\":\"n1\",\"name\":\"thinkpad\",\"kind\":\"device\",\"state\":\"online\",\"self\":true,\"rtt_ms\":5}"

static void
test_latency (void)
{
  static const gchar *const cases[][2] = {
    { "{\"id\":\"n2\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"online\",\"rtt_ms\":7}", "≈ 12 ms" },
    { "{\"id\":\"n2\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"online\",\"rtt_ms\":null}", "" },
    { "{\"id\":\"n2\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"offline\",\"rtt_ms\":7}", "" },
    { SELF, "5 ms to edge" },
  };
  g_autoptr (EwNode) self = node_from (SELF), nas = node_from (cases[0][0]);
  g_autofree gchar *alone = ew_row_words_latency (nas, NULL), *edge = ew_row_words_edge_latency (self),
                   *unknown = ew_row_words_edge_latency (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwNode) node = node_from (cases[i][0]);
      g_autofree gchar *words = ew_row_words_latency (node, self);
      g_assert_cmpstr (words, ==, cases[i][1]);
    }
  g_assert_cmpstr (alone, ==, "7 ms to edge"); /* one leg isn't a path */
  g_assert_cmpstr (edge, ==, "5 ms");
  g_assert_cmpstr (unknown, ==, "");
}

static void
test_note (void)
{
  static const gchar *const cases[][2] = {
    { SELF, "This computer" },
    { "{\"id\":\"n2\",\"name\":\"a\",\"kind\":\"server\",\"state\":\"online\"}", "" },
    { "{\"id\":\"n2\",\"name\":\"a\",\"kind\":\"device\",\"state\":\"online\",\"plain\":true}", "Plain WireGuard" },
    { "{\"id\":\"n2\",\"name\":\"a\",\"kind\":\"server\",\"state\":\"online\",\"routes\":[\"10.0.0.0/24\"]}",
      "Gateway to 10.0.0.0/24" },
    { "{\"id\":\"n2\",\"name\":\"a\",\"kind\":\"server\",\"state\":\"online\",\"routes\":[\"10.0.0.0/24\",\"10.0.1.0/"
      "24\"]}",
      "Gateway to 10.0.0.0/24, 10.0.1.0/24" },
    { "{\"id\":\"n2\",\"name\":\"a\",\"kind\":\"server\",\"state\":\"online\",\"self\":true,\"routes\":[\"10.0.0.0/"
      "24\","
      "\"10.0.1.0/24\",\"10.0.2.0/24\"]}",
      "This computer · Gateway to 10.0.0.0/24 and 2 more" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwNode) node = node_from (cases[i][0]);
      g_autofree gchar *words = ew_row_words_note (node);
      g_assert_cmpstr (words, ==, cases[i][1]);
    }
}

static void
test_ssh (void)
{
  g_autoptr (EwNode) node = node_from ("{\"id\":\"n2\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"online\","
                                       "\"addresses\":[\"100.96.0.21\",\"fd12::21\"]}");
  g_autoptr (EwNode) none = node_from ("{\"id\":\"n2\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"online\"}");
  g_autofree gchar *command = ew_row_words_ssh (ew_node_get_address (node));

  g_assert_cmpstr (command, ==, "ssh 100.96.0.21");
  g_assert_null (ew_row_words_ssh (ew_node_get_address (none)));
}

static void
test_ping (void)
{
  static const gchar *const cases[][2] = {
    { "{\"near_ms\":5.12,\"far_ms\":7.2,\"total_ms\":12.34}", "A ping came back in 12 ms" },
    { "{\"near_ms\":5,\"far_ms\":null,\"total_ms\":5}", "A ping came back in 5 ms" }, /* the edge itself */
    { "{\"near_ms\":5,\"far_ms\":7}", NULL },
    { "{\"near_ms\":5,\"far_ms\":7,\"total_ms\":\"12\"}", NULL },
    { "{\"near_ms\":5,\"far_ms\":7,\"total_ms\":-1}", NULL },
    { "[]", NULL },
    { "", NULL },
    { "{", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *sentence = ew_ping_sentence (cases[i][0]);
      g_assert_cmpstr (sentence, ==, cases[i][1]);
    }
}

static void
test_routes (void)
{
  static const gchar json[]
    = "{\"schema\":1,\"routes\":[7,{\"cidr\":5},{\"cidr\":\"10.1.0.0/"
      "24\",\"node\":\"a\",\"state\":\"offered\",\"reason\":\"\"},"
      "{\"cidr\":\"10.2.0.0/24\",\"state\":\"accepted\"},{\"cidr\":\"10.3.0.0/24\",\"state\":\"refused\"},"
      "{\"cidr\":\"10.4.0.0/24\",\"state\":\"forwarding\"},{\"cidr\":\"10.5.0.0/24\",\"state\":\"unaccepted-forward\"},"
      "{\"cidr\":\"10.6.0.0/24\",\"state\":\"blocked\",\"reason\":\"it is the local network\"},"
      "{\"cidr\":\"10.7.0.0/24\",\"state\":\"of a newer daemon\"}]}";
  static const struct
  {
    EwRouteState state;
    gboolean has_switch, on;
    const gchar *words;
  } expected[] = {
    { EW_ROUTE_UNKNOWN, FALSE, FALSE, "" },
    { EW_ROUTE_OFFERED, TRUE, FALSE, "Offered, not used on this computer" },
    { EW_ROUTE_ACCEPTED, TRUE, TRUE, "Used on this computer" },
    { EW_ROUTE_REFUSED, TRUE, FALSE, "Refused on this computer" },
    { EW_ROUTE_FORWARDING, TRUE, TRUE, "This computer forwards the mesh to this network" },
    { EW_ROUTE_UNACCEPTED_FORWARD, TRUE, FALSE, "Not forwarded until you allow it here" },
    { EW_ROUTE_BLOCKED, FALSE, FALSE, "Can't be used here: it is the local network" },
    { EW_ROUTE_UNKNOWN, FALSE, FALSE, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree gchar *cidr = g_strdup_printf ("10.%u.0.0/24", i), *reason = NULL, *words = NULL;
      EwRouteState state = ew_route_state_find (json, cidr, &reason);
      words = ew_route_state_words (state, reason);
      g_assert_cmpint (state, ==, expected[i].state);
      g_assert_cmpstr (words, ==, expected[i].words);
      g_assert_cmpint (ew_route_state_has_switch (state), ==, expected[i].has_switch);
      g_assert_cmpint (ew_route_state_is_on (state), ==, expected[i].on);
    }
}

static void
test_routes_unreadable (void)
{
  static const gchar *const cases[] = { NULL, "", "{", "[]", "{}", "{\"routes\":{}}", "{\"routes\":null}" };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *reason = NULL;
      g_assert_cmpint (ew_route_state_find (cases[i], "10.1.0.0/24", &reason), ==, EW_ROUTE_UNKNOWN);
      g_assert_null (reason);
    }
}

static void
test_names (void)
{
  static const struct
  {
    const gchar *name, *problem; /* problem: a word of it; NULL: none */
  } cases[] = {
    { "nas", NULL },
    { "n", NULL },
    { "build-01", NULL },
    { "1", NULL },
    { "", "empty" },
    { "Nas", "lowercase" },
    { "n as", "Use only" },
    { "näs", "Use only" },
    { "nas.home", "Use only" },
    { "-nas", "begin or end" },
    { "nas-", "begin or end" },
    { "a23456789b123456789c123456789d123456789e123456789f123456789g123", NULL },
    { "a23456789b123456789c123456789d123456789e123456789f123456789g1234", "63" },
    { "edge", "edge" },
  };
  g_autoptr (EwDaemon) daemon = ew_daemon_new ("unix:path=/nonexistent/edgeway-test");
  g_autoptr (EwTopology) topology = ew_topology_new (daemon);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *problem = ew_name_problem (cases[i].name, topology, NULL);
      if (cases[i].problem == NULL)
        g_assert_null (problem);
      else
        g_assert_nonnull (g_strstr_len (problem, -1, cases[i].problem));
    }
}

/* What the dialog proposes and refuses. */
static void
test_service (void)
{
  static const struct
  {
    const gchar *typed;
    guint port, proposed;
    const gchar *name;
  } cases[] = {
    { "8123", 8123, 80, "ha" },
    { " 80 ", 80, 80, "nas-web" },
    { "8443", 8443, 443, "nas-web" },
    { "5432", 5432, 5432, "postgres" },
    { "7777", 7777, 7777, "nas-7777" },
    { "9100", 9100, 9100, "nas-printer" },
    { "0", 0, 0, "" },
    { "65536", 0, 0, "" },
    { "-1", 0, 0, "" },
    { "80a", 0, 0, "" },
    { "", 0, 0, "" },
  };
  g_autoptr (EwDaemon) daemon = ew_daemon_new ("unix:path=/nonexistent/edgeway-test");
  g_autoptr (EwTopology) topology = ew_topology_new (daemon);
  g_autoptr (JsonNode) root = json_from_string (
    "{'type':'snapshot','map':{'edges':[],'services':[{'id':'s1','name':'printer'}],'nodes':[{'id':'n1','name':'nas'},"
    "{'id':'n2','name':'gw','routes':['10.77.0.0/24','fd00::/64']}]}}",
    NULL);

  ew_topology_take_message (topology, json_node_get_object (root));
  EwNode *nas = ew_topology_find (topology, "n1"), *gateway = ew_topology_find (topology, "n2");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint port = ew_service_read_port (cases[i].typed);
      g_autofree gchar *name = ew_service_propose_name (topology, nas, port);

      g_assert_cmpuint (port, ==, cases[i].port);
      g_assert_cmpstr (name, ==, cases[i].name);
      if (port > 0)
        g_assert_cmpuint (ew_service_propose_port (port), ==, cases[i].proposed);
    }
  g_autofree gchar *good = ew_service_host_problem ("10.77.0.9", gateway);
  g_autofree gchar *elsewhere = ew_service_host_problem ("10.78.0.9", gateway);
  g_autofree gchar *odd = ew_service_host_problem ("printer", gateway);
  g_autofree gchar *target = ew_service_target_text (gateway, "fd00::9", 631);
  g_assert_null (good);
  g_assert_nonnull (strstr (elsewhere, "gw shares no network"));
  g_assert_nonnull (strstr (odd, "isn't an address"));
  g_assert_cmpstr (target, ==, "gw/[fd00::9]:631");
  g_autofree gchar *taken = ew_service_name_problem ("gw", topology, NULL);
  g_autofree gchar *own = ew_service_name_problem ("printer", topology, ew_topology_find_service (topology, "s1"));
  g_autofree gchar *other = ew_name_problem ("printer", topology, NULL);
  g_assert_cmpstr (taken, ==, "A node is called gw.");
  g_assert_null (own);
  g_assert_cmpstr (other, ==, "A service is called printer.");
}

static void
test_problem (void)
{
  g_assert_null (ew_words_problem (NULL));
  g_assert_cmpstr (ew_words_problem ("two-machines"), ==, "Identity used twice");
  g_assert_cmpstr (ew_words_problem ("clock-behind"), ==, "Its clock is behind");
  g_assert_cmpstr (ew_words_problem ("restored"), ==, "Set back to an older state");
  g_assert_cmpstr (ew_words_problem ("of-next-year"), ==, "Unknown to this version");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/details/words/latency", test_latency);
  g_test_add_func ("/details/words/note", test_note);
  g_test_add_func ("/details/words/problem", test_problem);
  g_test_add_func ("/details/words/ssh", test_ssh);
  g_test_add_func ("/details/words/ping", test_ping);
  g_test_add_func ("/details/words/routes", test_routes);
  g_test_add_func ("/details/words/routes-unreadable", test_routes_unreadable);
  g_test_add_func ("/details/words/names", test_names);
  g_test_add_func ("/details/words/service", test_service);
  return g_test_run ();
}
