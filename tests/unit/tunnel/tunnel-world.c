/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel-world.h"
#include "common/error.h"
#include "common/util.h"
#include "proto/link.h"
#include "proto/packet.h"
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean can_run;

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
  message.problem = atomic_load (&world->problem);
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
void
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

void
publish (World *world)
{
  g_autofree gchar *text = ew_json_to_string (world->document, FALSE);
  fake_edge_answer (&world->edge, 200, text);
}

void
sign_edges (World *world, const gchar *endpoints)
{
  g_autofree gchar *key = ew_key_to_base64 (world->public_key);
  g_autofree gchar *list = g_strdup_printf (
    "[{\"id\":\"e1\",\"name\":\"frankfurt\",\"public_key\":\"%s\",\"endpoints\":[%s],\"api\":[\"%s\"]}]", key,
    endpoints, world->edge.url);
  fake_edge_sign (&world->edge, world->document, list);
}

void
new_tunnel (World *world)
{
  g_autoptr (GError) error = NULL;
  world->tunnel = ew_tunnel_new (world->edge.dir, world->interface, &error);
  g_assert_no_error (error);
  ew_tunnel_start (world->tunnel);
}

void
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

void
end_tunnel (World *world)
{
  ew_tunnel_stop (world->tunnel);
  g_assert_finalize_object (world->tunnel);
}

void
spin (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;
  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

void
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

gchar *
text_of (World *world, const gchar *property)
{
  gchar *value;
  g_object_get (world->tunnel, property, &value, NULL);
  return value;
}

void
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

void
keep (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

GAsyncResult *
await (GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

void
enroll (World *world)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ew_tunnel_enroll_async (world->tunnel, world->key, "laptop", NULL, keep, &result);
  g_assert_true (ew_tunnel_enroll_finish (world->tunnel, await (&result), &error));
  g_assert_no_error (error);
  wait_for (world, "state", "connected");
}

gboolean
set_mode (World *world, const gchar *mode, gboolean remote, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_tunnel_set_mode_async (world->tunnel, mode, 0, remote, NULL, keep, &result);
  return ew_tunnel_set_mode_finish (world->tunnel, await (&result), error);
}

gchar *
shell (const gchar *command)
{
  const gchar *argv[] = { "/bin/sh", "-c", command, NULL };
  gchar *out = NULL;
  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, 0, NULL, NULL, &out, NULL, NULL, NULL));
  return out;
}

void
assert_route (const gchar *cidr, gboolean there)
{
  g_autofree gchar *command = g_strdup_printf ("ip route show table all type unicast %s", cidr);
  g_autofree gchar *out = shell (command);
  if ((*out != '\0') != there)
    g_error ("the route %s is %s: “%s”", cidr, there ? "missing" : "there", out);
}

gboolean
skipped (void)
{
  if (!can_run)
    g_test_skip ("needs root and a network namespace of its own");
  return !can_run;
}

gboolean
own_network (void)
{
  struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
  if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0)
    return FALSE;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean up = fd >= 0 && ioctl (fd, SIOCSIFFLAGS, &lo) == 0;
  close (fd);
  return can_run = up && g_access ("/dev/net/tun", W_OK) == 0;
}
