/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the mesh and the switch: who the switch is told of, what is stored of what it sees, and viewers of the map,
 * the slow ones too.
 */
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edge/api/viewers.h"
#include "edge/store/store-private.h"
#include "fixture.h"
#include "store-testing.h"
#include "waiting.h"
#include "null-switch.h"

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
  EwFeed *feed;
} Fixture;

static void
start (Fixture *fixture)
{
  EwSwitchConfig config = { .port = 443 };
  fixture->mesh = fixture_open (fixture->store, NULL);
  fixture->feed = ew_feed_new (fixture->mesh, &config, NULL);
}

static void
stop (Fixture *fixture)
{
  ew_feed_free (fixture->feed);
  ew_mesh_close (fixture->mesh);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  start (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  stop (fixture);
  ew_store_close (fixture->store);
}

static void
set_status (const gchar *id, gboolean online, guint64 rx)
{
  EwSwitchNodeStatus status = { .online = online, .last_seen_us = fixture_now_us, .rx_bytes = rx, .rtt_ms = 12.5 };
  null_switch_set_status (id, &status);
  null_switch_say_online (id, online);
}

static void
test_told (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Machine) waiting = machine_new (fixture->mesh, "server", "later", NULL);
  g_assert_cmpuint (null_switch_count (), ==, 0); /* to the switch, a node without a key doesn't exist */
  g_autofree gchar *a = fixture_join (fixture->mesh, "a"), *b = fixture_join (fixture->mesh, "b");
  g_assert_cmpuint (null_switch_count (), ==, 2);
  guint64 before = null_switch_get_node (b)->revision.hash;
  fixture_add_route (fixture->mesh, "10.1.0.0/16", a, NULL);
  g_assert_cmpuint (null_switch_get_node (a)->n_routes, ==, 1);
  g_assert_cmpuint (null_switch_get_node (b)->revision.hash, !=, before); /* so that b is sent a notice */
  g_assert_cmpuint (null_switch_get_node (b)->revision.hash, ==,
                    ew_mesh_document_revision (fixture->mesh, ew_mesh_get_node (fixture->mesh, b)).hash);
  fixture_remove_node (fixture->mesh, a, NULL);
  g_assert_null (null_switch_get_node (a));
  null_switch_set_exit (TRUE);
  before = null_switch_get_node (b)->revision.hash;
  ew_feed_tick (fixture->feed);
  g_assert_cmpuint (null_switch_get_node (b)->revision.hash, !=, before);
  null_switch_set_exit (FALSE);
}

static void
test_online (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  g_assert_false (ew_feed_is_online (fixture->feed, id));
  set_status (id, TRUE, 1);
  g_assert_true (ew_feed_is_online (fixture->feed, id));
  g_assert_cmpuint (ew_feed_count_online (fixture->feed), ==, 1);
  null_switch_say_online (id, TRUE);
  g_assert_cmpuint (ew_feed_count_online (fixture->feed), ==, 1);
  EwSwitchNodeStatus gone = { .last_seen_us = fixture_now_us };
  null_switch_set_status (id, &gone); /* without being told: its own check finds it */
  ew_feed_tick (fixture->feed);
  g_assert_false (ew_feed_is_online (fixture->feed, id));
  set_status (id, TRUE, 1);
  fixture_remove_node (fixture->mesh, id, NULL);
  g_assert_cmpuint (ew_feed_count_online (fixture->feed), ==, 0);
}

/* Its ID. */
static gchar *
add_plain (EwMesh *mesh, const gchar *name, const gchar *public_key)
{
  const EwPlainRequest request
    = { .name = name, .kind = "device", .public_key = public_key, .maker = EW_MAKER_OWNER, .valid_seconds = 60 };
  return g_strdup (fixture_add_plain_node (mesh, &request, NULL)->id);
}

static void
test_plain_node_stays (Fixture *fixture, gconstpointer unused)
{
  guint8 key[32];
  ew_random (key, sizeof key);
  g_autofree gchar *text = ew_key_to_base64 (key);
  g_autofree gchar *kept = add_plain (fixture->mesh, "kept", text);
  ew_random (key, sizeof key);
  g_autofree gchar *other = ew_key_to_base64 (key);
  g_autofree gchar *lost = add_plain (fixture->mesh, "lost", other);
  g_assert_true (null_switch_get_node (kept)->plain);
  set_status (kept, TRUE, 1);
  fixture_settle ();
  g_assert_true (ew_mesh_get_node (fixture->mesh, kept)->joined);
  fixture_now_us += 61 * G_USEC_PER_SEC;
  ew_mesh_sweep (fixture->mesh, FALSE, NULL);
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, kept));
  g_assert_null (ew_mesh_get_node (fixture->mesh, lost));
  g_assert_null (null_switch_get_node (lost));
}

/* The switch reports an endpoint only so often: at the end it is asked. */
static void
test_moved_just_before_the_end (Fixture *fixture, gconstpointer unused)
{
  EwSwitchNodeStatus status = { .online = TRUE, .last_seen_us = 1 };
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  gchar text[EW_ENDPOINT_STRLEN];

  null_switch_say_endpoint (id, "198.51.100.7:4500");
  g_assert_true (ew_endpoint_parse ("198.51.100.7:4501", &status.endpoint));
  null_switch_set_status (id, &status);
  stop (fixture);
  start (fixture);
  ew_endpoint_format (&null_switch_get_node (id)->endpoint, text);
  g_assert_cmpstr (text, ==, "198.51.100.7:4501");
}

static void
test_restart (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *id = fixture_join (fixture->mesh, "a");
  set_status (id, TRUE, 1);
  null_switch_say_endpoint (id, "198.51.100.7:4500");
  ew_feed_tick (fixture->feed);
  fixture_settle ();
  gint64 revision = ew_store_get_revision (fixture->store);
  null_switch_say_endpoint (id, "198.51.100.7:4501"); /* at most once a minute */
  ew_feed_tick (fixture->feed);
  fixture_settle ();
  g_assert_cmpint (ew_store_get_revision (fixture->store), ==, revision);
  ew_switch_set_timestamp_floor (null_switch_get (), 4000000000000000000u);
  stop (fixture); /* … and at the end */
  start (fixture);
  gchar text[EW_ENDPOINT_STRLEN];
  ew_endpoint_format (&null_switch_get_node (id)->endpoint, text);
  g_assert_cmpstr (text, ==, "198.51.100.7:4501");
  g_assert_cmpint (ew_mesh_get_node (fixture->mesh, id)->last_seen_us, ==, fixture_now_us);
  g_assert_cmpuint (null_switch_get_found (), ==, 1);
  g_assert_cmpuint (ew_switch_get_timestamp_floor (null_switch_get ()), ==, 4000000000000000000u);
  /* After a crash, the stored floor is above every timestamp that was sent. */
  g_assert_cmpuint (ew_mesh_get_timestamp_floor (fixture->mesh), >, 4000000000000000000u);
}

/* A slow store. */

static void
on_swept (GObject *source, GAsyncResult *result, gpointer swept)
{
  g_autoptr (GError) error = NULL;
  (*(gint *)swept) += ew_mesh_work_finish (result, &error) ? 1 : 100;
}

static void
wait_for_floor (Fixture *fixture, guint64 above)
{
  for (guint64 floor = 0; floor <= above; floor = ew_mesh_get_timestamp_floor (fixture->mesh))
    g_main_context_iteration (NULL, TRUE);
}

static guint
count_below (Fixture *fixture, const gchar *prefix)
{
  g_autoptr (GPtrArray) entries = ew_store_list (fixture->store, prefix, NULL, 0, NULL, NULL);
  return entries->len;
}

static void
write_old_tombstones (Fixture *fixture, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/tombstones/n%u", i);
      fixture_write (fixture->store, key, "{\"removed_us\":1}");
    }
}

/* All that a tick does: nodes that came online, their endpoints, the timestamps' floor, a full check. None of it
   blocks. */
static void
test_slow_tick (Fixture *fixture, gconstpointer unused)
{
  guint8 key[32];
  gint swept = 0;
  ew_random (key, sizeof key);
  g_autofree gchar *text = ew_key_to_base64 (key), *plain = add_plain (fixture->mesh, "plain", text);
  ew_random (key, sizeof key);
  g_autofree gchar *other = ew_key_to_base64 (key), *lost = add_plain (fixture->mesh, "lost", other);
  write_old_tombstones (fixture, 130); /* more than fit into one transaction */
  fixture_settle ();
  guint64 floor = ew_mesh_get_timestamp_floor (fixture->mesh);
  guint blocking = ew_testing_count_blocking (fixture->store);
  gint64 revision = ew_store_get_revision (fixture->store);
  ew_testing_delay_store (fixture->store, 5);
  set_status (plain, TRUE, 1);
  null_switch_say_endpoint (plain, "198.51.100.7:4500");
  ew_switch_set_timestamp_floor (null_switch_get (), floor - G_GUINT64_CONSTANT (60000000000));
  while (!ew_mesh_get_node (fixture->mesh, plain)->joined)
    g_main_context_iteration (NULL, TRUE);
  fixture_now_us += 61 * G_USEC_PER_SEC;
  ew_feed_tick (fixture->feed);
  ew_mesh_sweep_async (fixture->mesh, TRUE, on_swept, &swept);
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, lost)); /* not yet */
  while (swept == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ew_testing_count_blocking (fixture->store), ==, blocking);
  g_assert_cmpint (swept, ==, 1);
  ew_testing_delay_store (fixture->store, 0);
  g_assert_null (ew_mesh_get_node (fixture->mesh, lost));
  g_assert_nonnull (ew_mesh_get_node (fixture->mesh, plain));
  g_assert_cmpuint (count_below (fixture, "/tombstones/"), ==, 0);
  g_assert_cmpuint (count_below (fixture, "/endpoints/"), ==, 1);
  g_assert_cmpuint (ew_mesh_get_timestamp_floor (fixture->mesh), >, floor);
  g_assert_cmpuint (ew_store_watch (fixture->store, "/", revision, NULL, NULL, NULL, NULL), ==, 0); /* compacted */
}

/* The store doesn't answer until the timestamps are above what it has: handshakes go on, that is said once, and when it
   answers, what it has is enough again. */
static void
test_late_floor (Fixture *fixture, gconstpointer unused)
{
  guint64 floor = ew_mesh_get_timestamp_floor (fixture->mesh), sent = floor + 1;
  ew_testing_delay_store (fixture->store, 200);
  ew_switch_set_timestamp_floor (null_switch_get (), floor - 1);
  ew_feed_tick (fixture->feed);
  ew_switch_set_timestamp_floor (null_switch_get (), sent);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*the store doesn't answer");
  ew_feed_tick (fixture->feed);
  ew_feed_tick (fixture->feed);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (ew_switch_get_timestamp_floor (null_switch_get ()), ==, sent);
  wait_for_floor (fixture, sent);
}

/* The edge ends before the store has come to what it was asked for. */
static void
test_end_before_stored (Fixture *fixture, gconstpointer unused)
{
  guint8 key[32];
  gint swept = 0;
  gchar text[EW_ENDPOINT_STRLEN];
  ew_random (key, sizeof key);
  g_autofree gchar *public_key = ew_key_to_base64 (key), *plain = add_plain (fixture->mesh, "plain", public_key);
  g_autofree gchar *a = fixture_join (fixture->mesh, "a");
  ew_testing_delay_store (fixture->store, 50);
  null_switch_say_endpoint (a, "198.51.100.7:4500");
  set_status (plain, TRUE, 1);
  null_switch_say_online (plain, FALSE);
  ew_feed_tick (fixture->feed);
  ew_mesh_sweep_async (fixture->mesh, TRUE, on_swept, &swept);
  stop (fixture);
  while (swept == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (swept, ==, 100);
  ew_testing_delay_store (fixture->store, 0);
  start (fixture);
  ew_endpoint_format (&null_switch_get_node (a)->endpoint, text);
  g_assert_cmpstr (text, ==, "198.51.100.7:4500");
  g_assert_true (ew_mesh_get_node (fixture->mesh, plain)->joined);
}

/* Viewers. */

typedef struct
{
  GSocketConnection *ours;
  GSocket *theirs;
  GByteArray *input;
} Viewer;

static Viewer *
viewer_new (EwApiViewers *viewers, const gchar *node_id)
{
  int pair[2], size = 4096;
  Viewer *viewer = g_new0 (Viewer, 1);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  setsockopt (pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (pair[0], NULL);
  viewer->ours = g_socket_connection_factory_create_connection (socket);
  viewer->theirs = g_socket_new_from_fd (pair[1], NULL);
  g_socket_set_blocking (viewer->theirs, FALSE);
  viewer->input = g_byte_array_new ();
  ew_api_viewers_add (viewers, G_IO_STREAM (viewer->ours), node_id);
  return viewer;
}

static void
viewer_free (Viewer *viewer)
{
  g_object_unref (viewer->ours);
  g_object_unref (viewer->theirs);
  g_byte_array_unref (viewer->input);
  g_free (viewer);
}

/* The next whole message, NULL where nothing more comes for 20 ms. */
static JsonObject *
viewer_read (Viewer *viewer)
{
  gint64 end = g_get_monotonic_time () + 20000;
  for (;;)
    {
      gchar buffer[65536];
      gsize header = 2, size = viewer->input->len >= 2 ? viewer->input->data[1] : G_MAXSIZE;
      if (size == 126 && viewer->input->len >= 4)
        size = GUINT16_FROM_BE (*(guint16 *)(void *)(viewer->input->data + 2)), header = 4;
      else if (size == 127 && viewer->input->len >= 10)
        {
          guint64 wide;
          memcpy (&wide, viewer->input->data + 2, sizeof wide);
          size = GUINT64_FROM_BE (wide);
          header = 10;
        }
      if (size != G_MAXSIZE && viewer->input->len >= header + size)
        {
          gboolean is_text = viewer->input->data[0] == 0x81;
          JsonObject *object
            = is_text ? ew_json_parse_object ((gchar *)viewer->input->data + header, size, 1 << 20, NULL) : NULL;
          g_assert_true (object || !is_text);
          g_byte_array_remove_range (viewer->input, 0, (guint)(header + size));
          if (object)
            return object;
          continue;
        }
      g_main_context_iteration (NULL, FALSE);
      gssize n = g_socket_receive (viewer->theirs, buffer, sizeof buffer, NULL, NULL);
      if (n > 0)
        {
          g_byte_array_append (viewer->input, (guint8 *)buffer, (guint)n);
          end = g_get_monotonic_time () + 20000;
        }
      else if (n == 0 || g_get_monotonic_time () > end)
        return NULL;
    }
}

static void
expect (Viewer *viewer, const gchar *type, const gchar *id)
{
  g_autoptr (JsonObject) message = NULL;
  for (guint i = 0; message == NULL && i < 250; i++) /* 5 s: on a busy machine it takes longer than one look */
    message = viewer_read (viewer);
  g_assert_nonnull (message);
  g_assert_cmpstr (ew_json_string (message, "type"), ==, type);
  JsonObject *node = ew_json_object (message, "node");
  if (id)
    g_assert_cmpstr (ew_json_string (node ? node : message, "id"), ==, id);
}

static void
test_viewers (Fixture *fixture, gconstpointer unused)
{
  EwServices *services = ew_services_new (fixture->mesh, fixture->feed);
  EwApiViewers *viewers = ew_api_viewers_new (fixture->mesh, fixture->feed, services);
  g_autofree gchar *a = fixture_join (fixture->mesh, "a");
  Viewer *viewer = viewer_new (viewers, a), *owner = viewer_new (viewers, NULL);
  g_assert_cmpuint (null_switch_get_viewers (), ==, 2);
  expect (viewer, "snapshot", NULL);
  expect (owner, "snapshot", NULL);
  set_status (a, TRUE, 5);
  expect (viewer, "node", a);
  expect (owner, "node", a);
  g_autofree gchar *b = fixture_join (fixture->mesh, "b");
  expect (viewer, "node", b);
  fixture_remove_node (fixture->mesh, b, NULL);
  expect (viewer, "node-removed", b);
  g_autoptr (EwMesh) renamed = fixture_open (fixture->store, "paris");
  expect (viewer, "edge", NULL);
  fixture_remove_node (fixture->mesh, a, NULL);
  g_assert_null (viewer_read (viewer)); /* a removed node sees no more */
  g_assert_cmpuint (ew_api_viewers_count (viewers), ==, 1);
  g_assert_cmpuint (null_switch_get_viewers (), ==, 1);
  g_socket_close (owner->theirs, NULL);
  fixture_settle ();
  g_assert_cmpuint (null_switch_get_viewers (), ==, 0);
  viewer_free (viewer);
  viewer_free (owner);
  ew_api_viewers_free (viewers);
  ew_services_free (services);
}

/* Until counters are due again. */
static void
pass_a_second (void)
{
  g_usleep (1100000); /* real time: GLib's main loop has no other clock */
}

static void
test_counters (Fixture *fixture, gconstpointer unused)
{
  EwServices *services = ew_services_new (fixture->mesh, fixture->feed);
  EwApiViewers *viewers = ew_api_viewers_new (fixture->mesh, fixture->feed, services);
  g_autofree gchar *a = fixture_join (fixture->mesh, "a"), *b = fixture_join (fixture->mesh, "b");
  set_status (a, TRUE, 1);
  Viewer *viewer = viewer_new (viewers, NULL);
  expect (viewer, "snapshot", NULL);
  pass_a_second ();
  expect (viewer, "counters", NULL);
  set_status (a, TRUE, 700);
  pass_a_second ();
  g_autoptr (JsonObject) message = viewer_read (viewer);
  JsonArray *nodes = ew_json_array (message, "nodes");
  g_assert_cmpuint (json_array_get_length (nodes), ==, 1); /* only what changed */
  JsonObject *counters = json_array_get_object_element (nodes, 0);
  g_assert_cmpstr (ew_json_string (counters, "id"), ==, a);
  g_assert_cmpint (ew_json_int (counters, "rx_bytes", -1), ==, 700);
  g_assert_cmpfloat (json_object_get_double_member (counters, "rtt_ms"), ==, 12.5);
  pass_a_second ();
  g_assert_null (viewer_read (viewer)); /* nothing changed, nothing is said */
  viewer_free (viewer);
  ew_api_viewers_free (viewers);
  ew_services_free (services);
}

/* 3000 nodes, a reader that sleeps while all of them change five times: what is queued for it stays within the mesh's
 * size, and it ends with the current state. */
static void
test_slow_viewer (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    NODES = 3000
  };
  EwServices *services = ew_services_new (fixture->mesh, fixture->feed);
  EwApiViewers *viewers = ew_api_viewers_new (fixture->mesh, fixture->feed, services);
  for (guint i = 0; i < NODES; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/nodes/n%05u", i);
      g_autofree gchar *value = g_strdup_printf (
        "{\"id\":\"n%05u\",\"name\":\"x%u\",\"kind\":\"server\",\"role\":\"member\",\"joined\":true}", i, i);
      fixture_write (fixture->store, key, value);
    }
  while (ew_mesh_count_nodes (fixture->mesh) < NODES)
    fixture_settle ();
  Viewer *viewer = viewer_new (viewers, NULL);
  fixture_settle ();
  for (guint round = 0; round < 5; round++)
    for (guint i = 0; i < NODES; i++)
      {
        g_autofree gchar *key = g_strdup_printf ("/nodes/n%05u", i);
        g_autofree gchar *value = g_strdup_printf (
          "{\"id\":\"n%05u\",\"name\":\"y%u-%u\",\"kind\":\"server\",\"role\":\"member\",\"joined\":true}", i, i,
          round);
        fixture_write (fixture->store, key, value);
        if (i % 50 == 0)
          fixture_settle ();
      }
  fixture_write (fixture->store, "/nodes/n00007", NULL);
  fixture_settle ();
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  guint snapshots = 0, total = 0;
  gboolean more = FALSE;
  JsonObject *message;
  while ((message = viewer_read (viewer)))
    {
      const gchar *type = ew_json_string (message, "type");
      total++;
      if (g_str_equal (type, "snapshot"))
        {
          JsonArray *nodes = ew_json_array (ew_json_object (message, "map"), "nodes");
          if (!more)
            g_hash_table_remove_all (names);
          snapshots += !more;
          more = ew_json_bool (message, "more", FALSE);
          for (guint i = 0; i < json_array_get_length (nodes); i++)
            {
              JsonObject *node = json_array_get_object_element (nodes, i);
              g_hash_table_replace (names, g_strdup (ew_json_string (node, "id")),
                                    g_strdup (ew_json_string (node, "name")));
            }
        }
      else if (g_str_equal (type, "node"))
        {
          JsonObject *node = ew_json_object (message, "node");
          g_hash_table_replace (names, g_strdup (ew_json_string (node, "id")),
                                g_strdup (ew_json_string (node, "name")));
        }
      else if (g_str_equal (type, "node-removed"))
        g_hash_table_remove (names, ew_json_string (message, "id"));
      json_object_unref (message);
    }
  g_assert_false (more);
  g_assert_cmpuint (snapshots, ==, 2);
  g_assert_cmpuint (total, <, NODES); /* not the 15000 changes */
  g_assert_cmpuint (g_hash_table_size (names), ==, NODES - 1);
  for (EwNode *node = ew_mesh_next_node (fixture->mesh, NULL); node; node = ew_mesh_next_node (fixture->mesh, node->id))
    g_assert_cmpstr (g_hash_table_lookup (names, node->id), ==, node->name);
  viewer_free (viewer);
  ew_api_viewers_free (viewers);
  ew_services_free (services);
}

#define ADD(name, function) g_test_add ("/edge/" name, Fixture, NULL, set_up, function, tear_down)

static void
count_presence (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer user_data)
{
  *(guint *)user_data += g_str_has_prefix (message, "node ");
}

/* A node says goodbye and comes back as often as it likes. */
static void
test_log (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *a = fixture_join (fixture->mesh, "a"), *b = fixture_join (fixture->mesh, "b");
  guint lines = 0;
  GLogFunc before = g_log_set_default_handler (count_presence, &lines);
  for (guint i = 0; i < 101; i++)
    {
      set_status (a, i % 2 == 0, i);
      ew_feed_tick (fixture->feed);
    }
  g_assert_cmpuint (lines, ==, 1);
  g_assert_true (ew_feed_is_online (fixture->feed, a));
  set_status (b, TRUE, 1);
  g_assert_cmpuint (lines, ==, 2); /* each node by itself */
  g_log_set_default_handler (before, NULL);
}

static void
count_lines (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer user_data)
{
  ++*(guint *)user_data;
}

/* A node can have a problem, and have none, as often as it likes. */
static void
test_log_of_problems (Fixture *fixture, gconstpointer unused)
{
  g_autofree gchar *a = fixture_join (fixture->mesh, "a");
  guint lines = 0;
  set_status (a, TRUE, 1);
  GLogFunc before = g_log_set_default_handler (count_lines, &lines);
  for (guint i = 0; i < 101; i++)
    {
      EwSwitchNodeStatus status
        = { .online = TRUE, .rtt_ms = -1, .problem = i % 2 == 0 ? EW_NODE_PROBLEM_RESTORED : EW_NODE_PROBLEM_NONE };
      null_switch_set_status (a, &status);
      null_switch_say_problem (a);
      ew_feed_tick (fixture->feed);
    }
  g_assert_cmpuint (lines, ==, 2); /* what began and that it ended */
  EwSwitchNodeStatus other = { .online = TRUE, .rtt_ms = -1, .problem = EW_NODE_PROBLEM_TWO_MACHINES };
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK); /* it is a warning */
  null_switch_set_status (a, &other);
  null_switch_say_problem (a);
  g_log_set_always_fatal (fatal);
  g_log_set_default_handler (before, NULL);
  g_assert_cmpuint (lines, ==, 3); /* another one doesn't wait for them */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("feed/told", test_told);
  ADD ("feed/online", test_online);
  ADD ("feed/plain-node", test_plain_node_stays);
  ADD ("feed/restart", test_restart);
  ADD ("feed/moved-just-before-the-end", test_moved_just_before_the_end);
  ADD ("feed/slow-tick", test_slow_tick);
  ADD ("feed/late-floor", test_late_floor);
  ADD ("feed/end-before-stored", test_end_before_stored);
  ADD ("feed/log", test_log);
  ADD ("feed/log-of-problems", test_log_of_problems);
  ADD ("viewers/viewers", test_viewers);
  ADD ("viewers/counters", test_counters);
  ADD ("viewers/slow", test_slow_viewer);
  return g_test_run ();
}
