/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * EwTopology: the list of random sequences of messages; the stream over a daemon on a private bus.
 */
#include "fake-service.h"
#include "model/topology-private.h"

/* The list as seen by a client that only follows items-changed. */

typedef struct
{
  EwTopology *topology;
  GPtrArray *items; /* EwNode, a reference each */
  guint changes, counters;
  gchar *online; /* names of node-came-online */
} Mirror;

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, Mirror *mirror)
{
  mirror->changes++;
  g_assert_cmpuint (position + removed, <=, mirror->items->len);
  if (removed > 0)
    g_ptr_array_remove_range (mirror->items, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (mirror->items, (gint)(position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (mirror->items->len, ==, g_list_model_get_n_items (model));
}

static void
on_counters (EwTopology *topology, Mirror *mirror)
{
  mirror->counters++;
}

static void
on_online (EwTopology *topology, EwNode *node, Mirror *mirror)
{
  g_autofree gchar *before = mirror->online;

  g_assert_true (ew_topology_find (topology, ew_node_get_id (node)) == node);
  mirror->online = g_strconcat (before, ew_node_get_name (node), " ", NULL);
}

static void
mirror_start (Mirror *self, EwDaemon *daemon)
{
  self->topology = ew_topology_new (daemon);
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
  self->online = g_strdup ("");
  g_signal_connect (self->topology, "items-changed", G_CALLBACK (on_items_changed), self);
  g_signal_connect (self->topology, "counters", G_CALLBACK (on_counters), self);
  g_signal_connect (self->topology, "node-came-online", G_CALLBACK (on_online), self);
}

static void
mirror_stop (Mirror *self)
{
  g_clear_object (&self->topology);
  g_ptr_array_unref (self->items);
  g_free (self->online);
}

static gchar *
names_of (Mirror *self)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < self->items->len; i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (self->topology), i);
      g_assert_true (node == self->items->pdata[i]);
      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", ew_node_get_id (node));
    }
  return g_string_free (names, FALSE);
}

static void
assert_list (Mirror *self, const gchar *expected)
{
  g_autofree gchar *names = names_of (self);

  g_assert_cmpstr (names, ==, expected);
  g_assert_cmpuint (ew_topology_get_n_nodes (self->topology), ==, self->items->len);
}

static void
take (Mirror *self, const gchar *text)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);

  g_assert_nonnull (root);
  ew_topology_take_message (self->topology, json_node_get_object (root));
}

#define SNAPSHOT(more, nodes)                                                                                          \
  "{'type':'snapshot','more':" more                                                                                    \
  ",'map':{'mesh':'birchwood','edges':[{'id':'e1','name':'Frankfurt'}],'nodes':[" nodes "]}}"
#define NODE(id, state) "{'id':'" id "','name':'" id "','state':'" state "'}"
#define CHANGE(id, state) "{'type':'node','node':" NODE (id, state) "}"

static EwDaemon *
no_daemon (void)
{
  return ew_daemon_new ("unix:path=/nonexistent/ewmodel");
}

/* offset_s: what the edge's clock is off by. */
static gchar *
edge_time (gint64 offset_s, gint64 ago_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (g_get_real_time () / G_USEC_PER_SEC + offset_s - ago_s);

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
}

static gint64
seconds_since (gint64 realtime_us)
{
  return (g_get_real_time () - realtime_us) / G_USEC_PER_SEC;
}

/* Ages are those by the edge's clock, whatever that shows. */
static void
test_clock (void)
{
  static const gint64 offsets[] = { 0, -3 * 3600, 3 * 3600, 2 };

  for (gsize i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      g_autoptr (EwDaemon) daemon = no_daemon ();
      g_autofree gchar *now = edge_time (offsets[i], 0), *seen = edge_time (offsets[i], 100);
      g_autofree gchar *snapshot = g_strdup_printf (
        "{'type':'snapshot','now':'%s','map':{'nodes':[{'id':'a','state':'offline','last_seen':'%s'}]}}", now, seen);
      g_autofree gchar *counters
        = g_strdup_printf ("{'type':'counters','now':'%s','nodes':[{'id':'a','last_handshake':'%s'}]}", now, seen);
      Mirror mirror = { 0 };
      mirror_start (&mirror, daemon);
      take (&mirror, snapshot);
      take (&mirror, counters);
      EwNode *node = ew_topology_find (mirror.topology, "a");
      g_assert_cmpint (ABS (seconds_since (ew_node_get_last_seen (node)) - 100), <=, 5);
      g_assert_cmpint (ABS (seconds_since (ew_node_get_last_handshake (node)) - 100), <=, 5);
      mirror_stop (&mirror);
    }
}

/* An edge that doesn't tell its time, three hours behind: a node that goes offline now is not shown as offline for
   hours. */
static void
test_clock_unknown (void)
{
  g_autoptr (EwDaemon) daemon = no_daemon ();
  g_autofree gchar *seen = edge_time (-3 * 3600, 10);
  g_autofree gchar *change
    = g_strdup_printf ("{'type':'node','node':{'id':'a','state':'offline','last_seen':'%s'}}", seen);
  Mirror mirror = { 0 };

  mirror_start (&mirror, daemon);
  take (&mirror, SNAPSHOT ("false", NODE ("a", "online")));
  take (&mirror, change);
  g_assert_cmpint (seconds_since (ew_node_get_last_seen (ew_topology_find (mirror.topology, "a"))), <=, 5 * 60);
  mirror_stop (&mirror);
}

static void
test_messages (void)
{
  g_autoptr (EwDaemon) daemon = no_daemon ();
  Mirror mirror = { 0 };
  EwTopology *topology;

  mirror_start (&mirror, daemon);
  topology = mirror.topology;
  take (&mirror, CHANGE ("early", "online"));
  take (&mirror, SNAPSHOT ("true", NODE ("c", "online") "," NODE ("a", "offline")));
  take (&mirror, CHANGE ("early", "online"));
  assert_list (&mirror, ""); /* the order is known at the end */
  g_assert_cmpuint (ew_topology_get_n_online (topology), ==, 0);
  g_assert_cmpint (ew_topology_get_stream (topology), !=, EW_STREAM_LIVE);
  take (&mirror, SNAPSHOT ("false", NODE ("b", "online") "," NODE ("b", "offline") ",{'id':'s','self':true}"));
  assert_list (&mirror, "a b c s");
  g_assert_cmpint (ew_topology_get_stream (topology), ==, EW_STREAM_LIVE);
  g_assert_cmpstr (ew_topology_get_mesh (topology), ==, "birchwood");
  g_assert_cmpstr (ew_edge_get_name (ew_topology_get_edge (topology)), ==, "Frankfurt");
  g_assert_cmpuint (ew_topology_get_n_online (topology), ==, 1);
  g_assert_true (ew_topology_get_self (topology) == ew_topology_find (topology, "s"));
  g_assert_true (ew_topology_find_by_name (topology, "a") == ew_topology_find (topology, "a"));
  take (&mirror, "{'type':'node','node':{'id':'a','name':'a','state':'offline','names':['files','media']}}");
  g_assert_true (ew_topology_find_by_any_name (topology, "media") == ew_topology_find (topology, "a"));
  g_assert_null (ew_topology_find_by_name (topology, "media"));
  g_assert_null (ew_topology_find_by_any_name (topology, "none"));
  g_assert_cmpstr (mirror.online, ==, "");

  mirror.changes = 0;
  take (&mirror, CHANGE ("a", "online"));
  take (&mirror, CHANGE ("a", "online"));
  take (&mirror, "{'type':'node','node':{'id':'s','self':true,'state':'online'}}"); /* not news for the person at this
                                                                                       computer */
  g_assert_cmpuint (mirror.changes, ==, 0);
  g_assert_cmpuint (ew_topology_get_n_online (topology), ==, 3);
  take (&mirror, CHANGE ("d", "online"));
  take (&mirror, "{'type':'node-removed','id':'a'}");
  take (&mirror, "{'type':'node-removed','id':'a'}");
  assert_list (&mirror, "b c s d");
  g_assert_cmpuint (mirror.changes, ==, 2);
  g_assert_cmpstr (mirror.online, ==, "a d ");

  take (&mirror, SNAPSHOT ("false", NODE ("e", "offline") "," NODE ("d", "online") "," NODE ("b", "online")));
  assert_list (&mirror, "b d e");
  g_assert_null (ew_topology_get_self (topology));
  g_assert_cmpstr (mirror.online, ==, "a d b ");
  take (&mirror, SNAPSHOT ("true", NODE ("b", "online") "," NODE ("d", "online"))); /* aborted, then another one */
  take (&mirror, SNAPSHOT ("true", NODE ("b", "online")));
  take (&mirror, SNAPSHOT ("false", NODE ("e", "online")));
  assert_list (&mirror, "b e");
  take (&mirror, "{'type':'edge','edge':{'id':'e1','name':'Paris'}}");
  g_assert_cmpstr (ew_edge_get_name (ew_topology_get_edge (topology)), ==, "Paris");
  take (&mirror, "{'type':'edge','edge':{'id':'e2','name':'Rome'}}");
  take (&mirror, "{'type':'edge-removed','id':'e1'}");
  g_assert_cmpuint (g_list_model_get_n_items (ew_topology_get_edges (topology)), ==, 1);
  take (&mirror, SNAPSHOT ("false", ""));
  assert_list (&mirror, "");
  mirror_stop (&mirror);
}

#define MADE(id, created) "{'id':'" id "','created':'" created "'}"

/* By enrolment, then ID; over all parts of a snapshot; a snapshot later only appends. */
static void
test_order (void)
{
  g_autoptr (EwDaemon) daemon = no_daemon ();
  Mirror mirror = { 0 };

  mirror_start (&mirror, daemon);
  take (&mirror, SNAPSHOT ("true", MADE ("b", "2026-11-02T10:00:00Z") ",{'id':'x','created':null},{'id':'a'}"));
  take (&mirror, SNAPSHOT ("true", MADE ("d", "2026-11-02T10:00:00.000002Z") "," MADE ("f", "2026-11-01T23:00:00Z")));
  take (&mirror, SNAPSHOT ("false", MADE ("c", "2026-11-02T10:00:00.000001Z") "," MADE ("e", "2026-11-02T10:00:00Z")));
  assert_list (&mirror, "f b e c d a x");
  take (&mirror, "{'type':'node','node':" MADE ("0", "2026-01-01T00:00:00Z") "}");
  assert_list (&mirror, "f b e c d a x 0"); /* shown already: nothing moves */
  take (&mirror, "{'type':'node','node':{'id':'a','created':'2025-01-01T00:00:00Z'}}");
  take (&mirror, SNAPSHOT ("true", MADE ("h", "2026-01-03T00:00:00Z") "," MADE ("d", "2026-11-02T10:00:00Z")));
  take (&mirror, "{'type':'node','node':{'id':'h','state':'online','created':'2026-01-03T00:00:00Z'}}");
  take (&mirror, SNAPSHOT ("false", MADE ("g", "2026-01-02T00:00:00Z") "," MADE ("b", "2026-11-02T10:00:00Z")));
  assert_list (&mirror, "b d g h");
  g_assert_cmpuint (ew_topology_get_n_online (mirror.topology), ==, 1);
  g_assert_cmpstr (mirror.online, ==, "h ");
  mirror_stop (&mirror);
}

/* Nothing of a snapshot that is never finished is kept. */
static void
test_unfinished (void)
{
  g_autoptr (EwDaemon) daemon = no_daemon ();
  Mirror mirror = { 0 };

  mirror_start (&mirror, daemon);
  take (&mirror, SNAPSHOT ("false", NODE ("a", "offline")));
  take (&mirror, SNAPSHOT ("true", NODE ("b", "online") "," NODE ("c", "online") ",{'id':'s','self':true}"));
  take (&mirror, "{'type':'node-removed','id':'c'}");
  g_assert_null (ew_topology_find (mirror.topology, "c"));
  ew_topology_forget_stream (mirror.topology);
  g_assert_null (ew_topology_find (mirror.topology, "b"));
  g_assert_null (ew_topology_get_self (mirror.topology));
  take (&mirror, SNAPSHOT ("false", NODE ("a", "offline") "," NODE ("d", "online")));
  assert_list (&mirror, "a d");
  g_assert_cmpuint (ew_topology_get_n_online (mirror.topology), ==, 1);
  mirror_stop (&mirror);
}

static void
test_nonsense (void)
{
  static const gchar *const messages[]
    = { "{}",
        "{'type':5}",
        "{'type':'tomorrow','node':{'id':'x'}}",
        "{'type':'node'}",
        "{'type':'node','node':[]}",
        "{'type':'node','node':{}}",
        "{'type':'node','node':{'id':'a b'}}",
        "{'type':'node-removed'}",
        "{'type':'node-removed','id':{}}",
        "{'type':'edge','edge':7}",
        "{'type':'edge','edge':{}}",
        "{'type':'edge-removed','id':'none'}",
        "{'type':'counters'}",
        "{'type':'counters','nodes':{}}",
        "{'type':'counters','nodes':[5,null,[],{},{'id':7},{'id':'none'},{'id':'a','rx_bytes':'x','rtt_ms':[]}]}",
        "{'type':'snapshot'}",
        "{'type':'snapshot','map':[]}",
        "{'type':'snapshot','map':{}}",
        "{'type':'snapshot','map':{'nodes':{}}}" };
  g_autoptr (EwDaemon) daemon = no_daemon ();
  Mirror mirror = { 0 };

  mirror_start (&mirror, daemon);
  take (&mirror, SNAPSHOT ("false", NODE ("a", "online") ",5,null,[],{},{'id':[]}"));
  mirror.changes = 0;
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    take (&mirror, messages[i]);
  assert_list (&mirror, "a");
  g_assert_cmpuint (mirror.changes, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (ew_topology_get_edges (mirror.topology)), ==, 1);
  mirror_stop (&mirror);
}

/* Random sequences: what stays never changes places, what is new comes last. */

static gint
position_of (GPtrArray *expected, const gchar *id)
{
  guint position;

  return g_ptr_array_find_with_equal_func (expected, id, g_str_equal, &position) ? (gint)position : -1;
}

static void
random_change (Mirror *mirror, GPtrArray *expected)
{
  g_autofree gchar *id = g_strdup_printf ("n%d", g_test_rand_int_range (0, 12));
  g_autofree gchar *text = NULL;
  gint at = position_of (expected, id);

  if (g_test_rand_bit ())
    {
      text = g_strdup_printf ("{'type':'node','node':{'id':'%s','state':'%s'}}", id,
                              g_test_rand_bit () ? "online" : "offline");
      if (at < 0)
        g_ptr_array_add (expected, g_strdup (id));
    }
  else
    {
      text = g_strdup_printf ("{'type':'node-removed','id':'%s'}", id);
      if (at >= 0)
        g_ptr_array_remove_index (expected, (guint)at);
    }
  take (mirror, text);
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *)a, *(gchar *const *)b);
}

static void
random_snapshot (Mirror *mirror, GPtrArray *expected)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  guint parts = (guint)g_test_rand_int_range (1, 4), sent = 0;

  for (guint i = 0; i < 12; i++)
    if (g_test_rand_bit ())
      g_ptr_array_insert (ids, g_test_rand_int_range (0, (gint)ids->len + 1), g_strdup_printf ("n%u", i));
  for (guint part = 0; part < parts; part++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      guint end = part + 1 == parts ? ids->len : sent + (ids->len - sent) / 2;
      g_string_append_printf (text, "{'type':'snapshot','more':%s,'map':{'nodes':[",
                              part + 1 < parts ? "true" : "false");
      for (guint i = sent; i < end; i++)
        g_string_append_printf (text, "%s{'id':'%s'}", i > sent ? "," : "", (gchar *)ids->pdata[i]);
      g_string_append (text, "]}}");
      sent = end;
      take (mirror, text->str);
    }
  for (guint i = expected->len; i > 0; i--)
    if (position_of (ids, expected->pdata[i - 1]) < 0)
      g_ptr_array_remove_index (expected, i - 1);
  g_ptr_array_sort (ids, compare_ids);
  for (guint i = 0; i < ids->len; i++)
    if (position_of (expected, ids->pdata[i]) < 0)
      g_ptr_array_add (expected, g_strdup (ids->pdata[i]));
}

static void
test_random (void)
{
  g_autoptr (EwDaemon) daemon = no_daemon ();
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);
  Mirror mirror = { 0 };

  mirror_start (&mirror, daemon);
  random_snapshot (&mirror, expected);
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree gchar *names = NULL;
      guint n_online = 0;
      if (g_test_rand_int_range (0, 8) == 0)
        random_snapshot (&mirror, expected);
      else
        random_change (&mirror, expected);
      g_ptr_array_add (expected, NULL);
      names = g_strjoinv (" ", (gchar **)expected->pdata);
      g_ptr_array_remove_index (expected, expected->len - 1);
      assert_list (&mirror, names);
      for (guint at = 0; at < mirror.items->len; at++)
        n_online += ew_node_get_state (mirror.items->pdata[at]) == EW_NODE_ONLINE;
      g_assert_cmpuint (ew_topology_get_n_online (mirror.topology), ==, n_online);
    }
  mirror_stop (&mirror);
}

/* The stream. */

typedef struct
{
  GTestDBus *bus;
  Service service;
  EwDaemon *daemon;
  Mirror mirror;
} World;

static void
set_up (World *world, gconstpointer unused)
{
  world->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (world->bus);
  service_start (&world->service, g_test_dbus_get_bus_address (world->bus));
  world->daemon = ew_daemon_new (g_test_dbus_get_bus_address (world->bus));
  mirror_start (&world->mirror, world->daemon);
  wait_until (ew_daemon_get_availability (world->daemon) == EW_AVAILABILITY_READY);
}

static void
tear_down (World *world, gconstpointer unused)
{
  mirror_stop (&world->mirror);
  g_clear_object (&world->daemon);
  service_stop (&world->service);
  run_for (1);
  g_test_dbus_down (world->bus);
  g_object_unref (world->bus);
}

static EwStreamState
stream_of (World *world)
{
  return ew_topology_get_stream (world->mirror.topology);
}

static void
send_json (World *world, const gchar *text)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  g_autofree gchar *strict = json_to_string (root, FALSE);
  g_autofree gchar *line = g_strconcat (strict, "\n", NULL);

  service_send (&world->service, line);
}

static void
go_live (World *world)
{
  ew_topology_set_wanted (world->mirror.topology, TRUE);
  wait_until (world->service.writer >= 0);
  send_json (world, SNAPSHOT ("false", NODE ("a", "online") "," NODE ("b", "offline")));
  wait_until (stream_of (world) == EW_STREAM_LIVE);
}

static void
test_live (World *world, gconstpointer unused)
{
  EwNode *node;

  run_for (50);
  g_assert_cmpuint (world->service.opened, ==, 0); /* no view is open */
  go_live (world);
  assert_list (&world->mirror, "a b");
  node = ew_topology_find (world->mirror.topology, "a");
  send_json (world, "{'type':'counters','nodes':[{'id':'a','rx_bytes':1000,'tx_bytes':0,'rtt_ms':4}]}");
  wait_until (ew_node_get_rtt_ms (node) == 4);
  wait_until (world->mirror.counters == 2);
  g_assert_cmpfloat (ew_node_get_rx_rate (node), ==, 0);
  send_json (world, "{'type':'counters','nodes':[{'id':'a','rx_bytes':6000000,'tx_bytes':0,'rtt_ms':4}]}");
  wait_until (ew_node_get_rx_rate (node) > 100000);
  wait_until (ew_node_get_rx_rate (node) == 0); /* it sinks by itself */
  g_assert_cmpfloat (ew_node_get_tx_rate (node), ==, 0);
}

/* Many counter messages cause at most one signal a second. */
static void
test_counters_signal (World *world, gconstpointer unused)
{
  gint64 start = g_get_monotonic_time ();

  go_live (world);
  for (guint i = 0; i < 60; i++)
    {
      g_autofree gchar *text
        = g_strdup_printf ("{'type':'counters','nodes':[{'id':'a','rx_bytes':%u,'tx_bytes':0}]}", i * 100000);
      send_json (world, text);
      run_for (50);
    }
  g_assert_cmpuint (world->mirror.counters, >=, 2);
  g_assert_cmpuint (world->mirror.counters, <=, 2 + (guint)((g_get_monotonic_time () - start) / 900000));
}

static void
test_closed_when_unwanted (World *world, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++)
    {
      go_live (world);
      g_assert_false (service_is_unread (&world->service));
      ew_topology_set_wanted (world->mirror.topology, FALSE);
      g_assert_cmpint (stream_of (world), ==, EW_STREAM_CLOSED);
      wait_until (service_is_unread (&world->service));
      assert_list (&world->mirror, "a b"); /* as it was last seen */
      service_end_stream (&world->service);
    }
  g_assert_cmpuint (world->service.opened, ==, 3);
  ew_topology_set_wanted (world->mirror.topology, TRUE); /* and not while the call is on its way */
  ew_topology_set_wanted (world->mirror.topology, FALSE);
  wait_until (world->service.writer < 0 || service_is_unread (&world->service));
}

static void
test_not_for_the_disconnected (World *world, gconstpointer unused)
{
  go_live (world);
  ew_daemon1_set_state (world->service.skeleton, "reconnecting");
  wait_until (ew_daemon_get_state (world->daemon) == EW_STATE_RECONNECTING);
  g_assert_cmpint (stream_of (world), ==, EW_STREAM_LIVE);
  ew_daemon1_set_state (world->service.skeleton, "disconnected");
  wait_until (stream_of (world) == EW_STREAM_CLOSED);
  wait_until (service_is_unread (&world->service));
  assert_list (&world->mirror, "a b");
  ew_daemon1_set_state (world->service.skeleton, "connected");
  wait_until (world->service.opened == 2 && stream_of (world) == EW_STREAM_LOADING);
  ew_daemon1_set_state (world->service.skeleton, "not-enrolled");
  wait_until (ew_daemon_get_state (world->daemon) == EW_STATE_NOT_ENROLLED);
  assert_list (&world->mirror, "");
  g_assert_cmpstr (ew_topology_get_mesh (world->mirror.topology), ==, "");
}

static void
test_garbage (World *world, gconstpointer unused)
{
  g_autofree gchar *long_line = g_strnfill (EW_STREAM_LINE_MAX + 100000, 'x');
  g_autofree gchar *deep = g_strnfill (100000, '[');

  go_live (world);
  service_send (&world->service,
                "\n\n{\nnull\n[1]\n\"text\"\n{\"type\":\"node\",\"node\":{\"id\":\"x\"}\n\xff\xfe{}\n");
  service_send (&world->service, long_line);
  service_send (&world->service, "\n");
  service_send (&world->service, "{\"type\":\"no");
  run_for (20);
  service_send (&world->service, "de\",\"node\":{\"id\":\"c\"}}\n{\"type\":\"node\",");
  wait_until (ew_topology_find (world->mirror.topology, "c") != NULL);
  service_send (&world->service, "\"node\":{\"id\":\"d\"}}\n");
  wait_until (ew_topology_find (world->mirror.topology, "d") != NULL);
  assert_list (&world->mirror, "a b c d");
}

static void
test_reopened (World *world, gconstpointer unused)
{
  gint64 start;

  go_live (world);
  service_send (&world->service, "{\"type\":\"node\",\"node\":{\"id\":\"half\"");
  start = g_get_monotonic_time ();
  service_end_stream (&world->service);
  wait_until (stream_of (world) == EW_STREAM_FAILED);
  g_assert_nonnull (ew_topology_get_error (world->mirror.topology));
  assert_list (&world->mirror, "a b");
  wait_until (world->service.opened == 2 && world->service.writer >= 0);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 400000); /* not at once: no busy loop */
  world->mirror.changes = 0;
  send_json (world, SNAPSHOT ("false", NODE ("b", "online") "," NODE ("a", "online")));
  wait_until (stream_of (world) == EW_STREAM_LIVE);
  g_assert_null (ew_topology_get_error (world->mirror.topology));
  assert_list (&world->mirror, "a b");
  g_assert_cmpuint (world->mirror.changes, ==, 0);
  g_assert_cmpstr (world->mirror.online, ==, ""); /* the first snapshot of a stream isn't news */

  service_stop (&world->service);
  wait_until (stream_of (world) == EW_STREAM_CLOSED);
  service_start (&world->service, g_test_dbus_get_bus_address (world->bus));
  wait_until (world->service.writer >= 0);
}

/* A stream that ends at once, always: ever slower, 1 s, 2 s, …: three within the first four seconds. */
static void
test_backoff (World *world, gconstpointer unused)
{
  gint64 end = g_get_monotonic_time () + 4 * G_USEC_PER_SEC;

  ew_topology_set_wanted (world->mirror.topology, TRUE);
  while (g_get_monotonic_time () < end)
    {
      run_for (20);
      service_end_stream (&world->service);
    }
  g_assert_cmpuint (world->service.opened, >=, 2);
  g_assert_cmpuint (world->service.opened, <=, 4);
}

/* A refusal is not asked about again: that would show password prompts. */
static void
test_refused (World *world, gconstpointer unused)
{
  world->service.refusal = "org.edgeway.Error.NotAuthorized";
  ew_topology_set_wanted (world->mirror.topology, TRUE);
  wait_until (stream_of (world) == EW_STREAM_FAILED);
  g_assert_cmpstr (ew_topology_get_error (world->mirror.topology), ==, "refused.");
  run_for (2500);
  g_assert_cmpuint (world->service.opened, ==, 1);
  ew_topology_retry (world->mirror.topology); /* a person asked for it: tried once more */
  wait_until (world->service.opened == 2 && stream_of (world) == EW_STREAM_FAILED);
  run_for (1500);
  g_assert_cmpuint (world->service.opened, ==, 2);
  world->service.refusal = NULL;
  ew_topology_set_wanted (world->mirror.topology, FALSE);
  go_live (world);
  service_end_stream (&world->service);
  world->service.refusal = "org.edgeway.Error.EdgeUnreachable";
  wait_until (world->service.opened >= 4);
}

#define add(path, test) g_test_add ("/model/topology/" path, World, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/topology/messages", test_messages);
  g_test_add_func ("/model/topology/clock", test_clock);
  g_test_add_func ("/model/topology/clock/unknown", test_clock_unknown);
  g_test_add_func ("/model/topology/order", test_order);
  g_test_add_func ("/model/topology/unfinished", test_unfinished);
  g_test_add_func ("/model/topology/nonsense", test_nonsense);
  g_test_add_func ("/model/topology/random", test_random);
  add ("live", test_live);
  add ("counters-signal", test_counters_signal);
  add ("closed-when-unwanted", test_closed_when_unwanted);
  add ("not-for-the-disconnected", test_not_for_the_disconnected);
  add ("garbage", test_garbage);
  add ("reopened", test_reopened);
  add ("backoff", test_backoff);
  add ("refused", test_refused);
  return g_test_run ();
}
