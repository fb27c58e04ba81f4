/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The topology's stream: checked, self marked, bounded, one for all readers, ended by the last of them, begun again
 * when the edge was lost.
 */
#include "account/topology-mirror.h"
#include "account/topology.h"
#include "common/error.h"
#include "common/util.h"
#include "fake-edge.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  FakeEdge edge;
  EwClient *client;
  EwTopology *topology;
  gint fd;
  GString *read;
  gboolean closed;
  gint reason;
} World;

static void
on_closed (EwTopology *topology, const GError *reason, gpointer user_data)
{
  World *world = user_data;
  world->closed = TRUE;
  world->reason = reason ? reason->code : -1;
}

static void
setup (World *world, gconstpointer data)
{
  fake_edge_init (&world->edge);
  world->client = fake_edge_client (&world->edge);
  world->read = g_string_new (NULL);
}

static gint
add_reader (World *world, guint32 uid)
{
  gint ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
  ew_topology_add_reader (world->topology, ends[1], uid);
  return ends[0];
}

static void
begin (World *world)
{
  world->topology = ew_topology_new (world->client, "me", on_closed, world);
  world->fd = add_reader (world, 0);
}

static void
teardown (World *world, gconstpointer data)
{
  if (world->topology && !world->closed)
    ew_topology_free (world->topology);
  close (world->fd);
  g_object_unref (world->client);
  g_string_free (world->read, TRUE);
  fake_edge_clear (&world->edge);
}

static void
take (World *world)
{
  gchar buffer[65536];
  ssize_t n;
  while ((n = read (world->fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (world->read, buffer, n);
}

/* Runs the main context until what was read contains `what`. */
static void
wait_for (World *world, const gchar *what)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  while (!strstr (world->read->str, what))
    {
      if (g_get_monotonic_time () > end)
        g_error ("“%s” did not come; what came: %.500s", what, world->read->str);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (1000);
      take (world);
    }
}

/* The mirror. */

static gint64 clock_us = G_GINT64_CONSTANT (1000000);

static gint64
show_clock (void)
{
  return clock_us;
}

static EwTopologyNews
say (EwTopologyMirror *mirror, const gchar *message)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  return ew_topology_mirror_take (mirror, message, strlen (message), ids);
}

/* The whole snapshot's nodes, "ID SELF RX;" each. */
static gchar *
show (EwTopologyMirror *mirror, guint *parts)
{
  GString *text = g_string_new (NULL);
  g_autofree gchar *after = NULL;
  gboolean more = TRUE;
  for (*parts = 0; more; ++*parts)
    {
      g_autofree gchar *line = ew_topology_mirror_snapshot (mirror, &after, &more);
      g_assert_true (strchr (line, '\n') == line + strlen (line) - 1);
      g_autoptr (JsonObject) object = ew_json_parse_object (line, (gssize)strlen (line) - 1, 1024 * 1024, NULL);
      JsonObject *map = ew_json_object (object, "map");
      JsonArray *nodes = ew_json_array (map, "nodes");
      g_assert_cmpstr (ew_json_string (object, "type"), ==, "snapshot");
      g_assert_cmpint (ew_json_int (object, "revision", 0), ==, 7);
      g_assert_cmpstr (ew_json_string (map, "mesh"), ==, "home");
      g_assert_cmpint (ew_json_bool (object, "more", !more), ==, more);
      g_assert_cmpuint (json_array_get_length (ew_json_array (map, "edges")), ==, 1);
      for (guint i = 0; i < json_array_get_length (nodes); i++)
        {
          JsonObject *node = json_array_get_object_element (nodes, i);
          g_string_append_printf (text, "%s %d %d;", ew_json_string (node, "id"), ew_json_bool (node, "self", FALSE),
                                  (gint)ew_json_int (node, "rx", 0));
        }
    }
  return g_string_free (text, FALSE);
}

#define SNAPSHOT(nodes, more)                                                                                          \
  "{\"type\":\"snapshot\",\"revision\":7,\"map\":{\"schema\":1,\"mesh\":\"home\",\"edges\":[{\"id\":\"e1\"}],"         \
  "\"nodes\":[" nodes "]},\"more\":" more "}"

static void
test_mirror (void)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", show_clock);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint parts;
  g_assert_cmpint (say (mirror, "{\"type\":\"node\",\"node\":{\"id\":\"b\"}}"), ==, EW_TOPOLOGY_NOTHING);
  g_assert_cmpint (say (mirror, SNAPSHOT ("{\"id\":\"me\",\"rx\":1},{\"id\":\"a\",\"self\":true}", "true")), ==,
                   EW_TOPOLOGY_NOTHING);
  g_assert_false (ew_topology_mirror_is_complete (mirror));
  g_assert_cmpint (say (mirror, SNAPSHOT ("{\"id\":\"z\"}", "false")), ==, EW_TOPOLOGY_SNAPSHOT);
  g_autofree gchar *first = show (mirror, &parts);
  g_assert_cmpstr (first, ==, "a 0 0;me 1 1;z 0 0;");
  g_assert_cmpint (say (mirror, "{\"type\":\"node-removed\",\"id\":\"z\"}"), ==, EW_TOPOLOGY_NODES);
  g_assert_cmpint (say (mirror, "{\"type\":\"node\",\"node\":{\"id\":\"b\",\"self\":true,\"rx\":5}}"), ==,
                   EW_TOPOLOGY_NODES);
  g_assert_cmpint (say (mirror, "{\"type\":\"counters\",\"nodes\":[{\"id\":\"me\",\"rx\":9},{\"id\":\"none\"}]}"), ==,
                   EW_TOPOLOGY_COUNTERS);
  g_autofree gchar *second = show (mirror, &parts);
  g_assert_cmpstr (second, ==, "a 0 0;b 0 5;me 1 9;");
  g_autofree gchar *gone = ew_topology_mirror_node (mirror, "z"), *there = ew_topology_mirror_node (mirror, "me");
  g_assert_cmpstr (gone, ==, "{\"type\":\"node-removed\",\"id\":\"z\"}\n");
  g_assert_cmpstr (there, ==, "{\"type\":\"node\",\"node\":{\"id\":\"me\",\"rx\":9,\"self\":true}}\n");
  g_hash_table_add (ids, g_strdup ("me"));
  g_hash_table_add (ids, g_strdup ("z"));
  g_autofree gchar *counters = ew_topology_mirror_counters (mirror, ids);
  g_assert_cmpstr (counters, ==, "{\"type\":\"counters\",\"nodes\":[{\"id\":\"me\",\"rx\":9}]}\n");
  g_assert_cmpuint (g_hash_table_size (ids), ==, 0);
  /* A truncated snapshot is ignored; the current one stays. */
  g_assert_cmpint (say (mirror, SNAPSHOT ("{\"id\":\"c\"}", "true")), ==, EW_TOPOLOGY_NOTHING);
  ew_topology_mirror_restart (mirror);
  g_assert_cmpint (say (mirror, SNAPSHOT ("{\"id\":\"d\"}", "false")), ==, EW_TOPOLOGY_SNAPSHOT);
  g_autofree gchar *third = show (mirror, &parts);
  g_assert_cmpstr (third, ==, "d 0 0;");
}

/* The whole snapshot's services, and how many parts have some. (transfer full) */
static gchar *
show_services (EwTopologyMirror *mirror, guint *parts)
{
  GString *text = g_string_new (NULL);
  g_autofree gchar *after = NULL;
  gboolean more = TRUE;
  for (*parts = 0; more;)
    {
      g_autofree gchar *line = ew_topology_mirror_snapshot (mirror, &after, &more);
      g_autoptr (JsonObject) object = ew_json_parse_object (line, (gssize)strlen (line) - 1, 1024 * 1024, NULL);
      JsonArray *services = ew_json_array (ew_json_object (object, "map"), "services");
      g_assert_nonnull (ew_json_array (ew_json_object (object, "map"), "nodes"));
      *parts += json_array_get_length (services) > 0;
      for (guint i = 0; i < json_array_get_length (services); i++)
        g_string_append_printf (text, "%s;", ew_json_string (json_array_get_object_element (services, i), "id"));
    }
  return g_string_free (text, FALSE);
}

static void
test_mirror_services (void)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", show_clock);
  g_autofree gchar *filler = g_strnfill (1000, 'x');
  guint parts, n = 0;
  /* An older edge says nothing of them. */
  g_assert_cmpint (say (mirror, SNAPSHOT ("{\"id\":\"me\"}", "false")), ==, EW_TOPOLOGY_SNAPSHOT);
  g_autofree gchar *none = show_services (mirror, &parts);
  g_assert_cmpstr (none, ==, "");
  g_assert_cmpint (say (mirror, "{\"type\":\"service\",\"service\":{\"id\":\"s2\"}}"), ==, EW_TOPOLOGY_SERVICES);
  g_assert_cmpint (say (mirror, "{\"type\":\"service\",\"service\":{\"id\":\"s1\",\"name\":\"ha\"}}"), ==,
                   EW_TOPOLOGY_SERVICES);
  g_assert_cmpint (say (mirror, "{\"type\":\"service-removed\",\"id\":\"s2\"}"), ==, EW_TOPOLOGY_SERVICES);
  g_assert_cmpint (say (mirror, "{\"type\":\"service\",\"service\":{\"name\":\"x\"}}"), ==, EW_TOPOLOGY_NOTHING);
  g_assert_cmpint (say (mirror, "{\"type\":\"servicing\",\"service\":{\"id\":\"s3\"}}"), ==, EW_TOPOLOGY_NOTHING);
  g_autofree gchar *one = show_services (mirror, &parts);
  g_assert_cmpstr (one, ==, "s1;");
  g_autofree gchar *there = ew_topology_mirror_service (mirror, "s1"),
                   *gone = ew_topology_mirror_service (mirror, "s2");
  g_assert_cmpstr (there, ==, "{\"type\":\"service\",\"service\":{\"id\":\"s1\",\"name\":\"ha\"}}\n");
  g_assert_cmpstr (gone, ==, "{\"type\":\"service-removed\",\"id\":\"s2\"}\n");
  /* Many of them take several parts, all before the nodes. */
  for (guint i = 0; i < 1024; i++)
    {
      g_autofree gchar *message
        = g_strdup_printf ("{\"type\":\"service\",\"service\":{\"id\":\"s%04u\",\"x\":\"%s\"}}", i, filler);
      g_assert_cmpint (say (mirror, message), ==, EW_TOPOLOGY_SERVICES);
    }
  g_autofree gchar *many = show_services (mirror, &parts), *nodes = show (mirror, &n);
  g_assert_cmpuint (strlen (many), ==, 1024 * strlen ("s0000;") + strlen ("s1;"));
  g_assert_cmpuint (parts, >, 1);
  g_assert_cmpstr (nodes, ==, "me 1 0;");
}

/* While the edge sends nothing, its clock is assumed to advance with this computer's. */
static void
test_mirror_clock (void)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", show_clock);
  g_autofree gchar *after = NULL;
  gboolean more;
  g_assert_cmpint (
    say (mirror, "{\"type\":\"snapshot\",\"now\":\"2030-01-01T00:00:00Z\",\"map\":{\"nodes\":[]},\"more\":false}"), ==,
    EW_TOPOLOGY_SNAPSHOT);
  clock_us += 90 * G_USEC_PER_SEC;
  g_autofree gchar *line = ew_topology_mirror_snapshot (mirror, &after, &more);
  g_autoptr (JsonObject) object = ew_json_parse_object (line, strlen (line) - 1, 1024 * 1024, NULL);
  g_assert_cmpstr (ew_json_string (object, "now"), ==, "2030-01-01T00:01:30Z");
}

static void
test_mirror_parts (void)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", show_clock);
  g_autofree gchar *filler = g_strnfill (1000, 'x');
  guint parts;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree gchar *node = g_strdup_printf ("{\"id\":\"n%03u\",\"os\":\"%s\"}", i, filler);
      g_autofree gchar *message = g_strdup_printf (
        "{\"type\":\"snapshot\",\"revision\":7,\"map\":{\"mesh\":\"home\",\"edges\":[{\"id\":\"e1\"}],"
        "\"nodes\":[%s]},\"more\":%s}",
        node, i < 999 ? "true" : "false");
      say (mirror, message);
    }
  g_autofree gchar *all = show (mirror, &parts);
  g_auto (GStrv) nodes = g_strsplit (all, ";", -1);
  g_assert_cmpuint (g_strv_length (nodes), ==, 1001);
  g_assert_cmpuint (parts, ==, 4);
}

static void
test_mirror_refuses (void)
{
  g_autoptr (EwTopologyMirror) mirror = ew_topology_mirror_new ("me", show_clock);
  const gchar *const bad[] = { "",
                               "x",
                               "[]",
                               "{}",
                               "{\"type\":7}",
                               "{\"type\":\"order\"}",
                               "{\"type\":\"snapshot\"}",
                               "{\"type\":\"node\"}",
                               "{\"type\":\"node\",\"node\":{\"name\":\"x\"}}",
                               "{\"type\":\"node-removed\"}",
                               "{\"type\":\"counters\",\"nodes\":[7]}",
                               "{\"type\":\"snapshot\",\"map\":{\"nodes\":[{\"id\":7}]}}",
                               "{\"type\":\"snapshot\",\"map\":{\"nodes\":[7]}}" };
  g_assert_cmpint (say (mirror, SNAPSHOT ("", "false")), ==, EW_TOPOLOGY_SNAPSHOT);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpint (say (mirror, bad[i]), ==, EW_TOPOLOGY_NOTHING);
  /* Snapshots without an end. */
  g_autofree gchar *filler = g_strnfill (900 * 1024, 'x');
  EwTopologyNews news = EW_TOPOLOGY_NOTHING;
  guint i = 0;
  for (; i < 100 && news == EW_TOPOLOGY_NOTHING; i++)
    {
      g_autofree gchar *message = g_strdup_printf (SNAPSHOT ("{\"id\":\"%u\",\"os\":\"%s\"}", "true"), i, filler);
      news = say (mirror, message);
    }
  g_assert_cmpint (news, ==, EW_TOPOLOGY_TOO_LARGE);
  g_assert_cmpuint (i, <, 80);
}

/* The stream. */

static void
test_stream (World *world, gconstpointer data)
{
  g_ptr_array_add (world->edge.messages, g_strdup ("garbage"));
  g_ptr_array_add (world->edge.messages,
                   g_strdup ("{\"type\":\"snapshot\",\"map\":{\"nodes\":[{\"id\":\"me\"}]},\"more\":false}"));
  begin (world);
  wait_for (world, "\"self\":true");
  g_assert_null (strstr (world->read->str, "garbage"));
  soup_websocket_connection_send_text (world->edge.viewer, "{\"type\":\"node-removed\",\"id\":\"b\"}");
  wait_for (world, "node-removed");
  /* After the edge was away, it sends a snapshot again. */
  g_string_truncate (world->read, 0);
  soup_websocket_connection_close (world->edge.viewer, 1001, NULL);
  wait_for (world, "snapshot");
  g_assert_cmpuint (world->edge.viewers, ==, 2);
}

/* From now on the edge's fd of the connection reads and writes elsewhere, and the TCP connection stays open: like a
 * network path that has forgotten it. Returns the connection, to be closed. */
static gint
silence (gint fd)
{
  gint ends[2], connection = dup (fd);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_cmpint (dup2 (ends[0], fd), ==, fd);
  close (ends[0]);
  return connection;
}

static void
spin_for (gint64 milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * 1000;
  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

/* A stream that is open but dead is noticed; one that is only quiet is kept. */
static void
test_forgotten (World *world, gconstpointer data)
{
  g_ptr_array_add (world->edge.messages, g_strdup ("{\"type\":\"snapshot\",\"map\":{\"nodes\":[]},\"more\":false}"));
  begin (world);
  ew_topology_set_ping (world->topology, 1000);
  wait_for (world, "snapshot");
  spin_for (4000);
  g_assert_cmpuint (world->edge.viewers, ==, 1);
  gint forgotten = silence (world->edge.viewer_fd);
  g_string_truncate (world->read, 0);
  wait_for (world, "snapshot");
  g_assert_cmpuint (world->edge.viewers, ==, 2);
  close (forgotten);
}

/* On another network the map is asked for at once; and where the edge was away, as soon as it is known to be back. */
static void
test_hurry (World *world, gconstpointer data)
{
  g_ptr_array_add (world->edge.messages, g_strdup ("{\"type\":\"snapshot\",\"map\":{\"nodes\":[]},\"more\":false}"));
  begin (world);
  wait_for (world, "snapshot");
  ew_topology_hurry (world->topology, FALSE); /* it has a stream */
  spin_for (200);
  g_assert_cmpuint (world->edge.viewers, ==, 1);
  gint forgotten = silence (world->edge.viewer_fd);
  g_string_truncate (world->read, 0);
  gint64 begun = g_get_monotonic_time ();
  ew_topology_hurry (world->topology, TRUE);
  wait_for (world, "snapshot");
  g_assert_cmpuint (world->edge.viewers, ==, 2);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 5 * G_USEC_PER_SEC);
  close (forgotten);
}

static void
test_reader_closes (World *world, gconstpointer data)
{
  begin (world);
  close (world->fd);
  world->fd = -1;
  gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (!world->closed && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (world->closed);
  g_assert_cmpint (world->reason, ==, -1);
}

/* All readers share one stream from the edge; each gets the whole map, whenever it connects. */
static void
test_many_readers (World *world, gconstpointer data)
{
  g_ptr_array_add (world->edge.messages, g_strdup (SNAPSHOT ("{\"id\":\"me\"}", "false")));
  begin (world);
  wait_for (world, "\"id\":\"me\"");
  soup_websocket_connection_send_text (world->edge.viewer, "{\"type\":\"node\",\"node\":{\"id\":\"later\"}}");
  wait_for (world, "later");
  gint first = world->fd;
  world->fd = add_reader (world, 1000);
  g_assert_cmpuint (ew_topology_count_readers (world->topology, 0), ==, 1);
  g_assert_cmpuint (ew_topology_count_readers (world->topology, 1000), ==, 1);
  g_string_truncate (world->read, 0);
  wait_for (world, "\"id\":\"me\"");
  g_assert_nonnull (strstr (world->read->str, "later"));
  g_assert_true (g_str_has_prefix (world->read->str, "{\"revision\":7,\"type\":\"snapshot\""));
  close (first);
  soup_websocket_connection_send_text (world->edge.viewer, "{\"type\":\"node-removed\",\"id\":\"later\"}");
  wait_for (world, "node-removed");
  g_assert_cmpuint (world->edge.viewers, ==, 1);
  g_assert_cmpuint (ew_topology_count_all_readers (world->topology), ==, 1);
}

/* It reads nothing while 30 MB of changes are made, and ends with the current state; another one gets every change in
   the meantime. */
static void
test_slow_reader (World *world, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (50 * 1024, 'x');
  g_ptr_array_add (world->edge.messages, g_strdup (SNAPSHOT ("{\"id\":\"me\"}", "false")));
  begin (world);
  wait_for (world, "snapshot");
  gint slow = add_reader (world, 1000);
  for (guint i = 0; i < 600; i++)
    {
      g_autofree gchar *sign = g_strdup_printf ("\"turn\":%u,", i);
      g_autofree gchar *node
        = g_strdup_printf ("{\"type\":\"node\",\"node\":{\"id\":\"n%u\",%s\"os\":\"%s\"}}", i % 3, sign, filler);
      soup_websocket_connection_send_text (world->edge.viewer, node);
      g_string_truncate (world->read, 0);
      wait_for (world, sign);
    }
  /* After more changes than are worth keeping, it gets a snapshot. */
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree gchar *node = g_strdup_printf ("{\"type\":\"node\",\"node\":{\"id\":\"m%u\"}}", i);
      soup_websocket_connection_send_text (world->edge.viewer, node);
    }
  g_string_truncate (world->read, 0);
  wait_for (world, "\"m2999\"");
  close (world->fd);
  world->fd = slow;
  g_string_truncate (world->read, 0);
  wait_for (world, "\"m2999\"");
  wait_for (world, "\"turn\":599,");
  g_assert_cmpuint (world->read->len, <, 2 * 1024 * 1024);
  g_assert_cmpuint (world->edge.viewers, ==, 1);
  /* Whole lines only. */
  g_auto (GStrv) lines = g_strsplit (world->read->str, "\n", -1);
  for (gchar **line = lines; *line && **line && line[1]; line++)
    {
      g_autoptr (JsonObject) object = ew_json_parse_object (*line, (gssize)strlen (*line), 1024 * 1024, NULL);
      g_assert_nonnull (object);
    }
}

static void
test_removed (World *world, gconstpointer data)
{
  soup_server_remove_handler (world->edge.server, "/v1/topology");
  fake_edge_answer (&world->edge, 410, "{\"schema\":1}");
  begin (world);
  gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (!world->closed && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (world->closed);
  g_assert_cmpint (world->reason, ==, EW_ERROR_REMOVED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/account/topology/mirror", test_mirror);
  g_test_add_func ("/account/topology/mirror/services", test_mirror_services);
  g_test_add_func ("/account/topology/mirror/clock", test_mirror_clock);
  g_test_add_func ("/account/topology/mirror/parts", test_mirror_parts);
  g_test_add_func ("/account/topology/mirror/refuses", test_mirror_refuses);
  g_test_add ("/account/topology/stream", World, NULL, setup, test_stream, teardown);
  g_test_add ("/account/topology/forgotten", World, NULL, setup, test_forgotten, teardown);
  g_test_add ("/account/topology/hurry", World, NULL, setup, test_hurry, teardown);
  g_test_add ("/account/topology/reader-closes", World, NULL, setup, test_reader_closes, teardown);
  g_test_add ("/account/topology/many-readers", World, NULL, setup, test_many_readers, teardown);
  g_test_add ("/account/topology/slow-reader", World, NULL, setup, test_slow_reader, teardown);
  g_test_add ("/account/topology/removed", World, NULL, setup, test_removed, teardown);
  return g_test_run ();
}
