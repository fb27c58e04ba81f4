/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The topology's stream: checked, self marked, bounded, ended by its reader, begun again when the edge was lost.
 */
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

static void
begin (World *world)
{
  gint ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
  world->fd = ends[0];
  world->topology = ew_topology_new (world->client, "me", ends[1], on_closed, world);
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

/* Spins until `what` stands in what was read. */
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

static void
test_line (void)
{
  static const gchar snapshot[]
    = "{\"type\":\"snapshot\",\"map\":{\"nodes\":[{\"id\":\"a\",\"self\":true},{\"id\":\"me\"}]}}";
  g_autofree gchar *line = ew_topology_line (snapshot, strlen (snapshot), "me");
  g_autoptr (JsonObject) object = ew_json_parse_object (line, (gssize)strlen (line) - 1, 65536, NULL);
  JsonArray *nodes = ew_json_array (ew_json_object (object, "map"), "nodes");
  g_assert_false (ew_json_bool (json_array_get_object_element (nodes, 0), "self", TRUE));
  g_assert_true (ew_json_bool (json_array_get_object_element (nodes, 1), "self", FALSE));
  g_assert_true (g_str_has_suffix (line, "}\n"));
  g_assert_null (strchr (line, '\n') + 1 < line + strlen (line) ? "more than one line" : NULL);
  const gchar *const bad[] = { "",
                               "x",
                               "[]",
                               "{}",
                               "{\"type\":7}",
                               "{\"type\":\"order\"}",
                               "{\"type\":\"snapshot\"}",
                               "{\"type\":\"node\"}",
                               "{\"type\":\"snapshot\",\"map\":{\"nodes\":[7]}}" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (ew_topology_line (bad[i], strlen (bad[i]), "me"));
}

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
  /* The edge goes and comes back: a snapshot again. */
  g_string_truncate (world->read, 0);
  soup_websocket_connection_close (world->edge.viewer, 1001, NULL);
  wait_for (world, "snapshot");
  g_assert_cmpuint (world->edge.viewers, ==, 2);
}

/* The connection's fd of the edge reads and writes elsewhere from now on, and the TCP connection stays open: what a
 * path does that has forgotten it. Returns the connection, to be closed. */
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

/* A stream that nobody closed and that carries nothing any more is noticed; one that is only quiet is kept. */
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

static void
test_slow_reader (World *world, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (200 * 1024, 'x');
  g_autofree gchar *big = g_strdup_printf ("{\"type\":\"edge\",\"edge\":{\"id\":\"%s\"}}", filler);
  g_ptr_array_add (world->edge.messages, g_strdup ("{\"type\":\"snapshot\",\"map\":{\"nodes\":[]},\"more\":false}"));
  begin (world);
  wait_for (world, "snapshot");
  /* 12 MB that nobody reads. */
  for (guint i = 0; i < 60 && world->edge.viewers == 1; i++)
    {
      if (soup_websocket_connection_get_state (world->edge.viewer) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_send_text (world->edge.viewer, big);
      for (guint j = 0; j < 50; j++)
        g_main_context_iteration (NULL, FALSE);
    }
  g_string_truncate (world->read, 0);
  wait_for (world, "snapshot");
  g_assert_cmpuint (world->edge.viewers, ==, 2);
  g_assert_cmpuint (world->read->len, <, 8 * 1024 * 1024);
  /* Whole lines only. */
  g_auto (GStrv) lines = g_strsplit (world->read->str, "\n", -1);
  for (gchar **line = lines; *line && **line; line++)
    {
      g_autoptr (JsonObject) object = ew_json_parse_object (*line, strlen (*line), 1024 * 1024, NULL);
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
  g_test_add_func ("/account/topology/line", test_line);
  g_test_add ("/account/topology/stream", World, NULL, setup, test_stream, teardown);
  g_test_add ("/account/topology/forgotten", World, NULL, setup, test_forgotten, teardown);
  g_test_add ("/account/topology/reader-closes", World, NULL, setup, test_reader_closes, teardown);
  g_test_add ("/account/topology/slow-reader", World, NULL, setup, test_slow_reader, teardown);
  g_test_add ("/account/topology/removed", World, NULL, setup, test_removed, teardown);
  return g_test_run ();
}
