/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services of the topology: what comes, changes and goes; their states, words and pages.
 */
#include "fake-service.h"
#include "model/search.h"
#include "model/service-private.h"
#include "model/topology-private.h"
#include "model/words.h"

#define TARGET(label, node, state)                                                                                     \
  "{'node':'" node "','node_id':'id-" node "','label':'" label "','state':'" state "','offered':true}"
#define SERVICE(name, targets)                                                                                         \
  "{'id':'s-" name "','name':'" name "','fqdn':'" name ".home.internal','addresses':['100.111.0.1','fd00::1'],"        \
  "'ports':[{'protocol':'tcp','from':80,'to':80,'target':0,'text':'80'}],'targets':[" targets "]}"
#define SNAPSHOT(more, services, nodes)                                                                                \
  "{'type':'snapshot','more':" more ",'map':{'mesh':'home','edges':[],'services':[" services "],'nodes':[" nodes "]}}"
#define NODE(name) "{'id':'id-" name "','name':'" name "','state':'online','online':true}"

typedef struct
{
  EwDaemon *daemon;
  EwTopology *topology;
  guint told;
} World;

static void
on_services (World *world)
{
  world->told++;
}

static void
set_up (World *world, gconstpointer data)
{
  world->daemon = ew_daemon_new ("unix:path=/nonexistent/ewmodel");
  world->topology = ew_topology_new (world->daemon);
  world->told = 0;
  g_signal_connect_swapped (world->topology, "services-changed", G_CALLBACK (on_services), world);
}

static void
tear_down (World *world, gconstpointer data)
{
  g_object_unref (world->topology);
  g_object_unref (world->daemon);
}

static void
take (World *world, const gchar *text)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);

  g_assert_nonnull (root);
  ew_topology_take_message (world->topology, json_node_get_object (root));
}

static EwService *
find (World *world, const gchar *name)
{
  return ew_topology_find_service_by_name (world->topology, name);
}

/* One signal a message, whatever it holds; a snapshot in parts names all; one that was broken off counts for nothing. */
static void
test_messages (World *world, gconstpointer data)
{
  g_autoptr (GPtrArray) of_nas = NULL;

  take (world, SNAPSHOT ("true", SERVICE ("ha", TARGET ("nas:8123", "nas", "unknown")), ""));
  take (world,
        SNAPSHOT ("false", SERVICE ("wiki", TARGET ("web:80", "web", "answers")), NODE ("nas") "," NODE ("web")));
  g_assert_cmpuint (g_list_model_get_n_items (ew_topology_get_services (world->topology)), ==, 2);
  g_assert_cmpuint (world->told, ==, 2);
  of_nas = ew_topology_get_services_of (world->topology, ew_topology_find_by_name (world->topology, "nas"));
  g_assert_cmpuint (of_nas->len, ==, 1);
  g_assert_true (of_nas->pdata[0] == find (world, "ha"));
  g_assert_cmpint (ew_service_get_state (find (world, "ha")), ==, EW_SERVICE_UNKNOWN);
  take (world, "{'type':'service','service':" SERVICE ("ha", TARGET ("nas:8123", "nas", "answers")) "}");
  g_assert_cmpuint (world->told, ==, 3);
  g_assert_cmpint (ew_service_get_state (find (world, "ha")), ==, EW_SERVICE_WORKS);
  take (world, "{'type':'service-removed','id':'s-wiki'}");
  g_assert_null (find (world, "wiki"));
  take (world, SNAPSHOT ("true", SERVICE ("gone", TARGET ("nas:1", "nas", "unknown")), ""));
  take (world, SNAPSHOT ("true", SERVICE ("ha", TARGET ("nas:1", "nas", "unknown")), ""));
  take (world, SNAPSHOT ("false", "", NODE ("nas")));
  g_assert_nonnull (find (world, "ha"));
  take (world, "{'type':'snapshot','map':{'mesh':'home','nodes':[]}}"); /* an older edge */
  g_assert_null (find (world, "ha"));
  g_assert_cmpuint (world->told, >=, 6);
}

/* Nothing of it is trusted. */
static void
test_nonsense (World *world, gconstpointer data)
{
  take (world, SNAPSHOT ("false", "", ""));
  take (world, "{'type':'service','service':{'name':'x'}}");
  take (world, "{'type':'service','service':[]}");
  take (world, "{'type':'service-removed'}");
  g_assert_cmpuint (g_list_model_get_n_items (ew_topology_get_services (world->topology)), ==, 0);
  take (world, "{'type':'service','service':{'id':'s1','name':7,'addresses':['$(reboot)','100.111.0.9'],'ports':[1,{}],"
               "'targets':[null,{'state':'odd','since':'never','port':99999}]}}");
  g_assert_cmpstr (ew_service_get_name (ew_topology_find_service (world->topology, "s1")), ==, "s1");
  g_assert_cmpstr (ew_service_get_address (ew_topology_find_service (world->topology, "s1")), ==, "100.111.0.9");
  g_assert_null (ew_service_get_node_id (ew_topology_find_service (world->topology, "s1")));
}

static EwService *
service_with (const gchar *first, const gchar *second)
{
  EwService *service = ew_service_new ("s1");
  g_autofree gchar *json = g_strdup_printf (
    "{'id':'s1','name':'ha','targets':[" TARGET ("nas:8123", "nas", "%s") "," TARGET ("web:1", "web", "%s") "]}", first,
    second);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);

  ew_service_update (service, json_node_get_object (root));
  return service;
}

static void
test_states (void)
{
  static const struct
  {
    const gchar *first, *second;
    EwServiceState state;
    const gchar *words; /* of the first target */
  } cases[] = {
    { "answers", "offline", EW_SERVICE_WORKS, "nas:8123 answers" },
    { "reachable", "refuses", EW_SERVICE_WORKS, "nas:8123 can be reached" },
    { "refuses", "offline", EW_SERVICE_FAILS, "Nothing listens on nas:8123" },
    { "silent", "silent", EW_SERVICE_FAILS, "nas:8123 doesn't answer" },
    { "unreachable", "no-route", EW_SERVICE_FAILS, "nas can't be reached" },
    { "offline", "not-joined", EW_SERVICE_OFFLINE, "nas is offline" },
    { "not-joined", "offline", EW_SERVICE_OFFLINE, "nas hasn't joined the mesh yet" },
    { "unknown", "refuses", EW_SERVICE_UNKNOWN, "Nothing is known of nas:8123 yet" },
    { "of a newer edge", "offline", EW_SERVICE_UNKNOWN, "Nothing is known of nas:8123 yet" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwService) service = service_with (cases[i].first, cases[i].second);
      g_autofree gchar *words = ew_words_target (ew_service_get_target (service, 0));

      g_assert_cmpint (ew_service_get_state (service), ==, cases[i].state);
      g_assert_cmpstr (words, ==, cases[i].words);
      g_assert_true (ew_service_leads_to (service, "id-web"));
      ew_service_set_as_of (service, 1);
      g_assert_cmpint (ew_service_get_state (service), !=, EW_SERVICE_WORKS);
    }
}

static void
test_pages (World *world, gconstpointer data)
{
  static const struct
  {
    guint port;
    const gchar *protocol, *url;
  } cases[] = { { 80, "tcp", "http://100.111.0.1/" },
                { 443, "tcp", "https://100.111.0.1/" },
                { 8123, "tcp", "http://100.111.0.1:8123/" },
                { 8443, "tcp", "https://100.111.0.1:8443/" },
                { 22, "tcp", NULL },
                { 80, "udp", NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwService) service = ew_service_new ("s1");
      g_autofree gchar *json
        = g_strdup_printf ("{'id':'s1','name':'ha','addresses':['100.111.0.1'],'ports':[{'protocol':'%s','from':%u,"
                           "'to':%u,'text':'x'}]}",
                           cases[i].protocol, cases[i].port, cases[i].port);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);
      g_autofree gchar *url = NULL;

      ew_service_update (service, json_node_get_object (root));
      url = ew_service_get_url (service, world->daemon); /* it knows no suffix: the address */
      g_assert_cmpstr (url, ==, cases[i].url);
    }
}

static void
test_search (World *world, gconstpointer data)
{
  static const gchar *const found[] = { "HA", "home.internal", "100.111.0.1", "nas:8123" };

  take (world, SNAPSHOT ("false", SERVICE ("ha", TARGET ("nas:8123", "nas", "unknown")), NODE ("web")));
  for (gsize i = 0; i < G_N_ELEMENTS (found); i++)
    {
      g_auto (GStrv) words = ew_search_words (found[i]);
      g_autofree gchar *said = ew_search_found (words, world->topology);

      g_assert_true (ew_search_matches (words, G_OBJECT (find (world, "ha"))));
      g_assert_cmpstr (said, ==, "1 match");
    }
}

#define add(path, test) g_test_add ("/model/service/" path, World, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("messages", test_messages);
  add ("nonsense", test_nonsense);
  add ("pages", test_pages);
  add ("search", test_search);
  g_test_add_func ("/model/service/states", test_states);
  return g_test_run ();
}
