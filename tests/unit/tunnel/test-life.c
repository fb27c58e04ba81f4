/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tunnel's life against an edge that does what a test wants (tunnel-world.h).
 */
#include "tunnel-world.h"
#include "account/describe.h"
#include "common/error.h"
#include "common/util.h"
#include "engine-testing.h"
#include "proto/packet.h"
#include <glib/gstdio.h>

#define HOST "ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; nft list ruleset"

static void
test_life (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *before = shell (HOST);
  wait_for (world, "state", "not-enrolled");
  enroll (world);
  wait_for (world, "mesh", "home");
  wait_for (world, "edge-name", "frankfurt");
  wait_for (world, "transport", "udp");
  assert_route ("100.96.0.0/12", TRUE);
  g_autofree gchar *during = shell (HOST);
  g_assert_cmpstr (before, !=, during);
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  wait_for (world, "state", "disconnected");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  spin (50);
  g_assert_cmpuint (atomic_load (&world->goodbyes), ==, 1);
  /* Remembered, in both directions. */
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "disconnected");
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  end_tunnel (world);
  g_autofree gchar *stopped = shell (HOST);
  g_assert_cmpstr (before, ==, stopped);
  new_tunnel (world);
  wait_for (world, "state", "connected");
}

/* The package was upgraded: the edge is told at the next connect, once; one that is too old changes nothing. */
static void
test_upgrade (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  g_assert_false (ew_describe_is_due (world->tunnel->keystore));
  g_assert_cmpstr (world->edge.last_method, !=, "PATCH");
  ew_describe_told (world->tunnel->keystore, "Linux", "0.0.9");
  fake_edge_answer (&world->edge, 405, "{\"schema\":1,\"error\":{\"code\":\"MethodNotAllowed\",\"message\":\"No.\"}}");
  for (guint round = 0; round < 2; round++)
    {
      g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
      g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
      wait_for (world, "state", "connected");
      while (g_strcmp0 (world->edge.last_method, "PATCH") != 0 || world->tunnel->describing)
        spin (10);
      wait_for (world, "state", "connected");
      g_assert_cmpint (ew_describe_is_due (world->tunnel->keystore), ==, round == 0);
      world->tunnel->describe_not_before = 0;
      g_clear_pointer (&world->edge.last_method, g_free);
      publish (world);
    }
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "connected");
  g_assert_false (world->tunnel->describing);
  g_assert_false (ew_describe_is_due (world->tunnel->keystore));
}

static void
test_removed (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  fake_edge_answer (&world->edge, 410, "{\"schema\":1,\"error\":{\"code\":\"Removed\",\"message\":\"Removed.\"}}");
  atomic_store (&world->revision, 43);
  ew_tunnel_probe (world->tunnel);
  wait_for (world, "state", "removed");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  g_autoptr (GError) error = NULL;
  g_assert_false (ew_tunnel_connect (world->tunnel, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_REMOVED);
  end_tunnel (world);
  new_tunnel (world);
  wait_for (world, "state", "removed");
  /* A new key brings it back without leaving first. */
  g_free (world->key);
  world->key = fake_edge_key (&world->edge);
  end_tunnel (world);
  admit_node (world);
  new_tunnel (world);
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  enroll (world);
}

static void
test_second_endpoint (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *endpoints
    = g_strdup_printf ("\"192.0.2.1:9\",\"127.0.0.1:9\",\"127.0.0.1:%u\"", ew_engine_get_listen_port (world->engine));
  g_autofree gchar *used = g_strdup_printf ("127.0.0.1:%u", ew_engine_get_listen_port (world->engine));
  sign_edges (world, endpoints);
  publish (world);
  gint64 begun = g_get_monotonic_time ();
  enroll (world);
  wait_for (world, "edge-endpoint", used);
  /* The dead one costs a quarter of a second, not an endpoint's full timeout. */
  g_assert_cmpint (g_get_monotonic_time () - begun, <, EW_LIVENESS_NEXT_ENDPOINT);
}

static void
move_edge (World *world, const gchar *endpoints, gint revision)
{
  sign_edges (world, endpoints);
  json_object_set_int_member (world->document, "revision", revision);
  publish (world);
  atomic_store (&world->revision, (unsigned long)revision);
  ew_tunnel_probe (world->tunnel);
  const EwTunnel *tunnel = world->tunnel;
  for (guint i = 0; i < 4000; i++)
    if (tunnel->document->revision.hash == (guint64)revision && !tunnel->fetching && !tunnel->resolving)
      break;
    else
      spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, (guint64)revision);
}

/* The edge gives out an address that is wrong: a name that nobody has, or one where nothing answers. It's still found
   where it was, after a restart too, and what corrects it arrives. */
static void
test_wrong_address (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const wrong[] = { "\"nowhere.invalid:443\"", "\"127.0.0.1:9\"" };
  g_autofree gchar *used = g_strdup_printf ("127.0.0.1:%u", ew_engine_get_listen_port (world->engine));
  g_autofree gchar *right = g_strdup_printf ("\"%s\"", used);
  enroll (world);
  for (gint i = 0; i < 2; i++)
    {
      move_edge (world, wrong[i], 50 + 2 * i);
      end_tunnel (world);
      new_tunnel (world);
      wait_for (world, "state", "connected");
      wait_for (world, "edge-endpoint", used);
      const GArray *candidates = world->tunnel->candidates;
      g_assert_cmpuint (candidates->len, ==, (guint)i + 1);
      g_assert_true (g_array_index (candidates, EwCandidate, i).remembered);
      move_edge (world, right, 51 + 2 * i);
      wait_for (world, "state", "connected");
      wait_for (world, "edge-endpoint", used);
      g_assert_cmpuint (world->tunnel->candidates->len, ==, 1);
      g_assert_false (g_array_index (world->tunnel->candidates, EwCandidate, 0).remembered);
    }
}

static void
test_vpn (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  gint64 until;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  g_autofree gchar *connector = shell (HOST);
  /* From the local desktop: settled by the first probe that returns. */
  g_assert_true (set_mode (world, "vpn", FALSE, &error));
  wait_for (world, "mode", "vpn");
  for (guint i = 0; i < 1000 && !world->tunnel->keystore->vpn; i++)
    spin (5);
  g_assert_true (world->tunnel->keystore->vpn);
  g_object_get (world->tunnel, "guard-until", &until, NULL);
  g_assert_cmpint (until, ==, 0);
  g_assert_true (set_mode (world, "connector", FALSE, &error));
  g_autofree gchar *back = shell (HOST);
  g_assert_cmpstr (connector, ==, back);
  /* From elsewhere: however many probes return, it counts. */
  g_assert_true (set_mode (world, "vpn", TRUE, &error));
  spin (200);
  g_object_get (world->tunnel, "guard-until", &until, NULL);
  g_assert_cmpint (until, >, g_get_real_time () + 30 * G_USEC_PER_SEC);
  g_assert_false (world->tunnel->keystore->vpn);
  g_assert_true (ew_tunnel_undo_mode (world->tunnel, NULL));
  g_autofree gchar *undone = shell (HOST);
  g_assert_cmpstr (connector, ==, undone);
  g_assert_false (ew_tunnel_undo_mode (world->tunnel, NULL));
  g_assert_false (ew_tunnel_confirm_mode (world->tunnel, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  /* Not confirmed when the tunnel goes down: reverted. */
  g_assert_true (set_mode (world, "vpn", TRUE, NULL));
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  wait_for (world, "mode", "connector");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  /* Confirmed: kept over a restart. */
  g_assert_true (set_mode (world, "vpn", TRUE, NULL)); /* down: armed */
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  for (guint i = 0; i < 1000 && !world->tunnel->vpn_active; i++)
    spin (5);
  g_assert_true (ew_tunnel_confirm_mode (world->tunnel, &error));
  end_tunnel (world);
  g_autofree gchar *stopped = shell (HOST);
  g_assert_cmpstr (before, ==, stopped);
  new_tunnel (world);
  wait_for (world, "mode", "vpn");
  wait_for (world, "state", "connected");
  g_assert_true (world->tunnel->vpn_active);
}

/* With an edge that isn't an exit, VPN mode is refused with a sentence. With a tunnel that does not work, the mode
 * waits, and ends with it. */
static void
test_vpn_refused (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  json_object_set_boolean_member (world->document, "exit", FALSE);
  publish (world);
  enroll (world);
  g_assert_false (set_mode (world, "vpn", FALSE, &error));
  g_assert_nonnull (strstr (error->message, "internet"));
  g_clear_error (&error);
  g_assert_false (set_mode (world, "warp", FALSE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  world->tunnel->document->exit = TRUE;
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  atomic_store (&world->revision, 0);
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  ew_tunnel_set_mode_async (world->tunnel, "vpn", 0, FALSE, NULL, keep, &result);
  spin (300);
  g_assert_null (result);
  g_assert_false (world->tunnel->vpn_active);
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_false (ew_tunnel_set_mode_finish (world->tunnel, await (&result), &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_CONNECTED);
  wait_for (world, "mode", "connector");
}

/* Packets that the edge must not send never reach the host. */
static void
test_hostile_packets (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const to[] = { "100.96.1.2", "192.168.1.9", "127.0.0.1", "8.8.8.8", "255.255.255.255" };
  guint8 packet[64];
  EwEngineStats before, after;
  EwIp from, own;
  enroll (world);
  spin (100);
  ew_testing_get_engine_stats (world->tunnel->engine, &before);
  for (gsize i = 0; i < G_N_ELEMENTS (to); i++)
    {
      EwIp destination;
      g_assert_true (ew_ip_parse ("100.96.1.9", &from) && ew_ip_parse (to[i], &destination));
      size_t size = ew_packet_build_echo (packet, &from, &destination, 1, 1, (const uint8_t *)"12345678", 8);
      ew_engine_inject (world->engine, world->node_key, packet, size);
    }
  /* From outside the mesh, in connector-only mode. */
  g_assert_true (ew_ip_parse ("8.8.8.8", &from) && ew_ip_parse ("100.96.1.1", &own));
  size_t size = ew_packet_build_echo (packet, &from, &own, 1, 1, (const uint8_t *)"12345678", 8);
  ew_engine_inject (world->engine, world->node_key, packet, size);
  spin (200);
  ew_testing_get_engine_stats (world->tunnel->engine, &after);
  g_assert_cmpuint (after.tun_written, ==, before.tun_written);
  /* And one that it may. */
  g_assert_true (ew_ip_parse ("100.96.1.9", &from));
  size = ew_packet_build_echo (packet, &from, &own, 1, 1, (const uint8_t *)"12345678", 8);
  ew_engine_inject (world->engine, world->node_key, packet, size);
  spin (200);
  ew_testing_get_engine_stats (world->tunnel->engine, &after);
  g_assert_cmpuint (after.tun_written, ==, before.tun_written + 1);
}

static gchar *
ping (World *world, const gchar *target, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_tunnel_ping_async (world->tunnel, target, 500, NULL, keep, &result);
  return ew_tunnel_ping_finish (world->tunnel, await (&result), error);
}

static void
test_ping (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GError) error = NULL;
  g_assert_null (ping (world, "", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_ENROLLED);
  g_clear_error (&error);
  enroll (world);
  g_autofree gchar *near_text = ping (world, "", &error);
  g_assert_no_error (error);
  g_autoptr (JsonObject) near_answer = ew_json_parse_object (near_text, strlen (near_text), 4096, NULL);
  g_assert_cmpstr (ew_json_string (near_answer, "edge"), ==, "frankfurt");
  g_assert_true (json_object_get_null_member (near_answer, "far_ms"));
  g_assert_cmpfloat (json_object_get_double_member (near_answer, "total_ms"), >=, 0);
  /* Text that isn't a name is not looked up. */
  guint before = world->edge.requests;
  g_assert_null (ping (world, "nas/../x", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpuint (world->edge.requests, ==, before);
  fake_edge_answer (
    &world->edge, 200,
    "{\"schema\":1,\"id\":\"n2\",\"name\":\"nas\",\"addresses\":[\"8.8.8.8\",\"100.96.1.9\"],\"rtt_ms\":2.5}");
  g_autofree gchar *text = ping (world, "NAS.home.Internal.", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (world->edge.last_method, ==, "GET");
  g_autoptr (JsonObject) answer = ew_json_parse_object (text, strlen (text), 4096, NULL);
  g_assert_cmpstr (ew_json_string (answer, "address"), ==, "100.96.1.9"); /* never one outside the mesh */
  g_assert_cmpstr (ew_json_string (answer, "name"), ==, "nas");
  g_autofree gchar *edge_text = ping (world, "edge.home.internal", &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (edge_text, "\"100.96.0.1\""));
  g_assert_null (ping (world, "8.8.8.8", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  g_clear_error (&error);
  atomic_store (&world->revision, 0);
  g_assert_null (ping (world, "", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TIMED_OUT);
}

static void
test_leave (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean told = FALSE;
  g_autofree gchar *before = shell (HOST);
  enroll (world);
  ew_tunnel_leave_async (world->tunnel, NULL, keep, &result);
  g_assert_true (ew_tunnel_leave_finish (world->tunnel, await (&result), &told, &error));
  g_assert_true (told);
  g_assert_cmpstr (world->edge.last_method, ==, "DELETE");
  wait_for (world, "state", "not-enrolled");
  wait_for (world, "mesh", "");
  g_autofree gchar *after = shell (HOST);
  g_assert_cmpstr (before, ==, after);
  g_autofree gchar *file = g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  g_clear_object (&result);
  ew_tunnel_leave_async (world->tunnel, NULL, keep, &result);
  g_assert_false (ew_tunnel_leave_finish (world->tunnel, await (&result), &told, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_ENROLLED);
}

static void
test_broken_state (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autofree gchar *file = g_build_filename (world->edge.dir, EW_ACCOUNT_FILE, NULL);
  end_tunnel (world);
  g_assert_true (g_file_set_contents (file, "{\"half\":", -1, NULL));
  new_tunnel (world);
  wait_for (world, "state", "error");
  wait_for (world, "reason", "state-broken");
  g_autofree gchar *message = text_of (world, "message"), *contents = NULL;
  g_autofree gchar *phrase = text_of (world, "message-phrase"), *quoted = g_strdup_printf ("\"%s\"", file);
  g_assert_nonnull (strstr (message, file));
  g_assert_true (g_str_has_prefix (phrase, "[\"")); /* so that clients can translate it */
  g_assert_nonnull (strstr (phrase, "%s"));
  g_assert_nonnull (strstr (phrase, quoted));
  g_assert_false (ew_tunnel_connect (world->tunnel, NULL));
  g_assert_true (g_file_get_contents (file, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "{\"half\":");
  /* Moved away, as the sentence advises: it works without a restart. */
  g_unlink (file);
  admit_node (world);
  enroll (world);
}

extern void (*ew_host_step_hook) (const gchar *step); /* of daemon/net, whose own header has another EwPlan */
static World *stepped;
static gboolean loses_interface;
static guint steps_early, steps_late; /* how often the handshake was complete, and not begun, at on_step()'s step */

/* Called before the first change of the host; later changes don't count. */
static void
on_step (const gchar *step)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  EwPeerStatus status;
  if (!g_str_equal (step, "load the firewall") || stepped->tunnel->plan)
    return;
  steps_late += !stepped->tunnel->greeted;
  while (stepped->tunnel->greeted && ew_engine_get_peer (stepped->engine, stepped->node_key, &status)
         && !status.has_session && g_get_monotonic_time () < end)
    g_usleep (1000);
  steps_early += stepped->tunnel->greeted && status.has_session;
  if (loses_interface)
    {
      g_autofree gchar *command = g_strdup_printf ("ip link del %s", stepped->interface);
      g_autofree gchar *out = shell (command);
    }
}

/* The round trip to the edge takes place while the host is changed; not after a failure: the edge is told that this node
   isn't online after all, but not each time that it's tried again. */
static void
test_early_handshake (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  g_autoptr (GAsyncResult) result = NULL;
  stepped = world;
  loses_interface = TRUE;
  ew_host_step_hook = on_step;
  ew_tunnel_enroll_async (world->tunnel, world->key, "laptop", NULL, keep, &result);
  g_assert_true (ew_tunnel_enroll_finish (world->tunnel, await (&result), NULL));
  wait_for (world, "state", "error");
  g_assert_cmpuint (steps_early, ==, 1);
  g_assert_cmpuint (steps_late, ==, 0);
  g_assert_cmpuint (atomic_load (&world->probes), ==, 0);
  while (atomic_load (&world->goodbyes) == 0)
    spin (10);

  loses_interface = FALSE;
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  g_assert_cmpuint (steps_late, ==, 1);
  g_assert_true (ew_tunnel_disconnect (world->tunnel, NULL));
  g_assert_true (ew_tunnel_connect (world->tunnel, NULL));
  wait_for (world, "state", "connected");
  g_assert_cmpuint (steps_early, ==, 2);
  ew_host_step_hook = NULL;
}

#define ADD(name, func) g_test_add ("/tunnel/life/" name, World, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Warnings are what these tests provoke. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  own_network ();
  ADD ("life", test_life);
  ADD ("early-handshake", test_early_handshake);
  ADD ("upgrade", test_upgrade);
  ADD ("hostile-packets", test_hostile_packets);
  ADD ("removed", test_removed);
  ADD ("second-endpoint", test_second_endpoint);
  ADD ("wrong-address", test_wrong_address);
  ADD ("vpn", test_vpn);
  ADD ("vpn-refused", test_vpn_refused);
  ADD ("ping", test_ping);
  ADD ("leave", test_leave);
  ADD ("broken-state", test_broken_state);
  return g_test_run ();
}
