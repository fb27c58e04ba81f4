/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole tunnel in one process against an edge that does what a test wants, hostile things too: its API is the
 * account's fake edge, its packet side an engine of our own. As root, in a network namespace of its own; skipped
 * elsewhere.
 *
 *   EwTunnel ── TUN ewt…, real host network (own namespace)
 *      │  UDP, HTTPS on 127.0.0.1
 *   FakeEdge + EwEngine without a TUN
 */
#include "../account/fake-edge.h"
#include "common/error.h"
#include "common/util.h"
#include "proto/link.h"
#include "proto/packet.h"
#include "tunnel/tunnel-private.h"
#include <glib/gstdio.h>
#include <net/if.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean can_run;

typedef struct
{
  FakeEdge edge;
  EwEngine *engine;
  guint8 private_key[32], public_key[32], node_key[32];
  gchar *key;
  JsonObject *document;
  EwTunnel *tunnel;
  gchar interface[IFNAMSIZ];
  atomic_ulong revision; /* that the packet side tells; 0: does not answer */
  atomic_uint probes, goodbyes;
} World;

/* The edge's packet side. */
static EwRoute
edge_router (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  World *world = user;
  EwIp source, destination;
  EwLinkMessage message;
  unsigned long revision = atomic_load (&world->revision);
  if (!from)
    return EW_ROUTE_LOOKUP;
  if (!ew_link_parse (packet->data, packet->len, &source, &destination, &message))
    return ew_packet_answer_echo (packet->data, packet->len) ? EW_ROUTE_REPLY : EW_ROUTE_DROP;
  if (message.type == EW_LINK_GOODBYE)
    atomic_fetch_add (&world->goodbyes, 1);
  if (message.type != EW_LINK_PROBE || revision == 0)
    return EW_ROUTE_DROP;
  atomic_fetch_add (&world->probes, 1);
  message.type = EW_LINK_ANSWER;
  message.revision.hash = revision;
  packet->len = ew_link_build (packet->data, &destination, &source, &message);
  return EW_ROUTE_REPLY;
}

static void
no_event (void *user, const EwEngineEvent *event)
{
}

static void
start_engine (World *world)
{
  g_autoptr (GError) error = NULL;
  EwEngineConfig config = { .listen_address = "127.0.0.1",
                            .router = edge_router,
                            .router_user = world,
                            .on_event = no_event,
                            .event_user = world };
  world->engine = ew_engine_new (&config, &error);
  g_assert_no_error (error);
  ew_random (world->private_key, 32);
  world->private_key[0] &= 248;
  world->private_key[31] = (guint8)((world->private_key[31] & 127) | 64);
  ew_key_public (world->private_key, world->public_key);
  ew_engine_set_private_key (world->engine, world->private_key);
}

/* The node's keys are known before it asks, as after a reply that was lost. */
static void
admit_node (World *world)
{
  g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (world->key, NULL);
  g_autoptr (EwKeystore) keystore = ew_keystore_load (world->edge.dir, NULL);
  EwPrefix all[2] = { { .ip.family = EW_FAMILY_V4 }, { .ip.family = EW_FAMILY_V6 } };
  EwPeerConfig peer = { .allowed_ips = all, .n_allowed_ips = 2 };
  g_assert_true (ew_keystore_begin_enrollment (keystore, key->secret, NULL));
  ew_key_public (keystore->pending_private_key, world->node_key);
  memcpy (peer.public_key, world->node_key, 32);
  g_assert_true (ew_engine_set_peer (world->engine, &peer));
}

static void
publish (World *world)
{
  g_autofree gchar *text = ew_json_to_string (world->document, FALSE);
  fake_edge_answer (&world->edge, 200, text);
}

static void
sign_edges (World *world, const gchar *endpoints)
{
  g_autofree gchar *key = ew_key_to_base64 (world->public_key);
  g_autofree gchar *list = g_strdup_printf (
    "[{\"id\":\"e1\",\"name\":\"frankfurt\",\"public_key\":\"%s\",\"endpoints\":[%s],\"api\":[\"%s\"]}]", key,
    endpoints, world->edge.url);
  fake_edge_sign (&world->edge, world->document, list);
}

static void
new_tunnel (World *world)
{
  g_autoptr (GError) error = NULL;
  world->tunnel = ew_tunnel_new (world->edge.dir, world->interface, &error);
  g_assert_no_error (error);
  ew_tunnel_start (world->tunnel);
}

static void
setup (World *world, gconstpointer data)
{
  if (!can_run)
    return;
  fake_edge_init (&world->edge);
  start_engine (world);
  world->key = fake_edge_key (&world->edge);
  admit_node (world);
  g_snprintf (world->interface, sizeof world->interface, "ewt%d", (int)getpid ());
  world->document = fake_edge_document (&world->edge);
  g_autofree gchar *endpoint = g_strdup_printf ("\"127.0.0.1:%u\"", ew_engine_get_listen_port (world->engine));
  sign_edges (world, endpoint);
  atomic_store (&world->revision, 42);
  publish (world);
  new_tunnel (world);
}

static void
end_tunnel (World *world)
{
  ew_tunnel_stop (world->tunnel);
  g_assert_finalize_object (world->tunnel);
}

static void
spin (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;
  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

static void
teardown (World *world, gconstpointer data)
{
  if (!can_run)
    return;
  ew_tunnel_stop (world->tunnel);
  g_object_unref (world->tunnel);
  ew_engine_free (world->engine);
  json_object_unref (world->document);
  g_free (world->key);
  g_autofree gchar *ledger = g_build_filename (world->edge.dir, "undo", NULL);
  g_unlink (ledger);
  fake_edge_clear (&world->edge);
  spin (20);
}

static gchar *
text_of (World *world, const gchar *property)
{
  gchar *value;
  g_object_get (world->tunnel, property, &value, NULL);
  return value;
}

static void
wait_for (World *world, const gchar *property, const gchar *wanted)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  for (;;)
    {
      g_autofree gchar *value = text_of (world, property);
      if (g_strcmp0 (value, wanted) == 0)
        return;
      if (g_get_monotonic_time () > end)
        g_error ("%s is “%s”, not “%s”", property, value, wanted);
      spin (5);
    }
}

static void
keep (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
await (GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
enroll (World *world)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ew_tunnel_enroll_async (world->tunnel, world->key, "laptop", NULL, keep, &result);
  g_assert_true (ew_tunnel_enroll_finish (world->tunnel, await (&result), &error));
  g_assert_no_error (error);
  wait_for (world, "state", "connected");
}

static gboolean
set_mode (World *world, const gchar *mode, gboolean remote, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_tunnel_set_mode_async (world->tunnel, mode, 0, remote, NULL, keep, &result);
  return ew_tunnel_set_mode_finish (world->tunnel, await (&result), error);
}

static gchar *
shell (const gchar *command)
{
  const gchar *argv[] = { "/bin/sh", "-c", command, NULL };
  gchar *out = NULL;
  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, 0, NULL, NULL, &out, NULL, NULL, NULL));
  return out;
}

#define HOST "ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; nft list ruleset"

static void
assert_route (const gchar *cidr, gboolean there)
{
  g_autofree gchar *command = g_strdup_printf ("ip route show table all %s", cidr);
  g_autofree gchar *out = shell (command);
  if ((*out != '\0') != there)
    g_error ("the route %s is %s: “%s”", cidr, there ? "missing" : "there", out);
}

static gboolean
skipped (void)
{
  if (!can_run)
    g_test_skip ("needs root and a network namespace of its own");
  return !can_run;
}

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
  /* Remembered, either way. */
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

/* The document's routes, all accepted by a careless user: what is never taken is not taken. */
static void
test_hostile_routes (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  const gchar *const hostile[]
    = { "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "10.55.0.0/16" };
  g_autofree gchar *lan
    = shell ("ip link add lan0 type veth peer name lan1; ip addr add 10.55.1.1/24 dev lan0; ip link set lan0 up");
  enroll (world);
  JsonArray *routes = json_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autoptr (GError) error = NULL;
      JsonObject *route = json_object_new ();
      EwPrefix prefix;
      g_assert_true (ew_prefix_parse (hostile[i], &prefix, NULL));
      json_object_set_string_member (route, "cidr", hostile[i]);
      json_object_set_string_member (route, "node", "evil");
      json_array_add_object_element (routes, route);
      if (i < 6)
        {
          g_assert_false (ew_tunnel_accept_route (world->tunnel, hostile[i], TRUE, &error));
          g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED);
        }
      ew_prefixes_set (world->tunnel->keystore->accepted, &prefix, TRUE);
    }
  JsonObject *good = json_object_new ();
  json_object_set_string_member (good, "cidr", "10.7.0.0/24");
  json_object_set_string_member (good, "node", "office-gw");
  json_array_add_object_element (routes, good);
  json_object_set_array_member (world->document, "routes", routes);
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  g_autofree gchar *before = shell ("ip route show table all");
  atomic_store (&world->revision, 43);
  ew_tunnel_probe (world->tunnel);
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (world->tunnel->document->revision.hash != 43 && g_get_monotonic_time () < end)
    spin (10);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 43);
  g_autofree gchar *after = shell ("ip route show table all");
  g_assert_cmpstr (before, ==, after);
  g_autoptr (GError) error = NULL;
  g_assert_false (ew_tunnel_accept_route (world->tunnel, "10.55.0.0/16", TRUE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED);
  /* An honest one, taken when accepted and not before. */
  assert_route ("10.7.0.0/24", FALSE);
  g_assert_true (ew_tunnel_accept_route (world->tunnel, "10.7.0.0/24", TRUE, NULL));
  assert_route ("10.7.0.0/24", TRUE);
  g_assert_true (ew_tunnel_accept_route (world->tunnel, "10.7.0.0/24", FALSE, NULL));
  assert_route ("10.7.0.0/24", FALSE);
  g_autofree gchar *gone = shell ("ip link del lan0");
}

/* Documents that must not be believed: another node's, another range, edges that the CA did not sign; and answers that
 * are none. */
static void
test_hostile_documents (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  const gchar *const spoils[] = { "ranges", "id", "edges", "redirect", "garbage" };
  for (gsize i = 0; i < G_N_ELEMENTS (spoils); i++)
    {
      g_autoptr (JsonObject) document = fake_edge_document (&world->edge);
      json_object_set_member (document, "edges", json_node_copy (json_object_get_member (world->document, "edges")));
      json_object_set_int_member (document, "revision", 100 + (gint64)i);
      if (i == 0)
        json_object_set_member (document, "ranges",
                                json_from_string ("[\"100.96.0.0/12\",\"fd12:3456:789a::/48\",\"10.0.0.0/8\"]", NULL));
      else if (i == 1)
        json_object_set_string_member (document, "id", "another");
      else if (i == 2)
        json_object_set_string_member (ew_json_object (document, "edges"), "signature", "AAAA");
      g_autofree gchar *text = ew_json_to_string (document, FALSE);
      world->edge.location = i == 3 ? "https://127.0.0.1:1/v1/self" : NULL;
      fake_edge_answer (&world->edge, i == 3 ? 302 : 200, i == 4 ? "<html>" : text);
      guint before = world->edge.requests;
      world->tunnel->fetch_not_before = 0;
      ew_tunnel_refresh (world->tunnel);
      gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
      while (world->tunnel->fetching && g_get_monotonic_time () < end)
        spin (5);
      g_assert_cmpuint (world->edge.requests, ==, before + 1);
      g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 42);
      wait_for (world, "state", "connected");
    }
  world->edge.location = NULL;
  assert_route ("10.0.0.0/8", FALSE);
}

/* A notice that comes while its document is being fetched starts no second fetch, whose fruitlessness would hold up the
 * next notice for 10 s. */
static void
test_notice_during_fetch (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  guint before = world->edge.requests;
  EwHeard notice = { .kind = EW_HEARD_LINK, .message = { .type = EW_LINK_NOTICE, .revision = { 43 } } };
  json_object_set_int_member (world->document, "revision", 43);
  publish (world);
  atomic_store (&world->revision, 43);
  world->tunnel->fetch_not_before = 0;
  ew_tunnel_heard (&notice, world->tunnel);
  g_assert_true (world->tunnel->fetching);
  ew_tunnel_heard (&notice, world->tunnel);
  gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (world->tunnel->fetching && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 43);
  spin (1500);
  g_assert_cmpuint (world->edge.requests, ==, before + 1);
  json_object_set_int_member (world->document, "revision", 7); /* smaller, and newer */
  publish (world);
  atomic_store (&world->revision, 7);
  notice.message.revision.hash = 7;
  ew_tunnel_heard (&notice, world->tunnel);
  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (world->tunnel->document->revision.hash != 7 && g_get_monotonic_time () < end)
    spin (5);
  g_assert_cmpuint (world->tunnel->document->revision.hash, ==, 7);
}

/* An edge that always says the document is old costs a request in 10 s, not one a packet. */
static void
test_notice_storm (World *world, gconstpointer data)
{
  if (skipped ())
    return;
  enroll (world);
  guint before = world->edge.requests;
  atomic_store (&world->revision, 4242);
  for (guint i = 0; i < 30; i++)
    {
      ew_tunnel_probe (world->tunnel);
      spin (100);
    }
  g_assert_cmpuint (world->edge.requests - before, >=, 1);
  g_assert_cmpuint (world->edge.requests - before, <=, 2);
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
  enroll (world);
  wait_for (world, "edge-endpoint", used);
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
  /* Not settled when the tunnel goes down: gone. */
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

/* An edge that takes nobody to the internet: said, not done. A tunnel that does not work: the mode waits, and goes with
 * it. */
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

/* Packets that the edge has no business sending us never reach the host. */
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
  ew_engine_get_stats (world->tunnel->engine, &before);
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
  ew_engine_get_stats (world->tunnel->engine, &after);
  g_assert_cmpuint (after.tun_written, ==, before.tun_written);
  /* And one that it may. */
  g_assert_true (ew_ip_parse ("100.96.1.9", &from));
  size = ew_packet_build_echo (packet, &from, &own, 1, 1, (const uint8_t *)"12345678", 8);
  ew_engine_inject (world->engine, world->node_key, packet, size);
  spin (200);
  ew_engine_get_stats (world->tunnel->engine, &after);
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
  /* What is no name asks nobody. */
  guint before = world->edge.requests;
  g_assert_null (ping (world, "nas/../x", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpuint (world->edge.requests, ==, before);
  fake_edge_answer (
    &world->edge, 200,
    "{\"schema\":1,\"id\":\"n2\",\"name\":\"nas\",\"addresses\":[\"8.8.8.8\",\"100.96.1.9\"],\"rtt_ms\":2.5}");
  g_autofree gchar *text = ping (world, "nas.home.internal", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (world->edge.last_method, ==, "GET");
  g_autoptr (JsonObject) answer = ew_json_parse_object (text, strlen (text), 4096, NULL);
  g_assert_cmpstr (ew_json_string (answer, "address"), ==, "100.96.1.9"); /* never one outside the mesh */
  g_assert_cmpstr (ew_json_string (answer, "name"), ==, "nas");
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
  g_assert_nonnull (strstr (message, file));
  g_assert_false (ew_tunnel_connect (world->tunnel, NULL));
  g_assert_true (g_file_get_contents (file, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "{\"half\":");
  /* Moved away, as the sentence says: goes on without a restart. */
  g_unlink (file);
  admit_node (world);
  enroll (world);
}

static gboolean
own_network (void)
{
  struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
  if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0)
    return FALSE;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean up = fd >= 0 && ioctl (fd, SIOCSIFFLAGS, &lo) == 0;
  close (fd);
  return up && g_access ("/dev/net/tun", W_OK) == 0;
}

#define ADD(name, func) g_test_add ("/tunnel/life/" name, World, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Warnings are what these tests provoke. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  can_run = own_network ();
  ADD ("life", test_life);
  ADD ("hostile-routes", test_hostile_routes);
  ADD ("hostile-documents", test_hostile_documents);
  ADD ("hostile-packets", test_hostile_packets);
  ADD ("notice-during-fetch", test_notice_during_fetch);
  ADD ("notice-storm", test_notice_storm);
  ADD ("removed", test_removed);
  ADD ("second-endpoint", test_second_endpoint);
  ADD ("vpn", test_vpn);
  ADD ("vpn-refused", test_vpn_refused);
  ADD ("ping", test_ping);
  ADD ("leave", test_leave);
  ADD ("broken-state", test_broken_state);
  return g_test_run ();
}
