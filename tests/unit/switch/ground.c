/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ground.h"

#include <string.h>

#include "proto/crypto.h"

static void
get_public_key (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_get_public_key (device, data);
}

static void
start_node (Ground *ground, guint i)
{
  Node *node = &ground->nodes[i];
  const guint8 private_key[EW_KEY_SIZE] = { 0, (guint8)(i + 1) };
  const EwEngineConfig config = { .listen_address = NULL };
  const EwIp ip = ew_ip_from_v4 (0x0a000001u + i);
  EwSwitchNode known
    = { .id = i == 0 ? "a" : "b", .addresses = &ip, .n_addresses = 1, .plain = TRUE, .revision = { 1 } };
  EwPrefix all;
  EwPeerConfig hub = { .allowed_ips = &all, .n_allowed_ips = 1 };
  EwIp loopback;

  node->id = i + 1;
  node->tun = ew_memory_tun_new ("memory0");
  node->udp = ew_udp_open ("127.0.0.1", 0, 0, NULL);
  node->engine = ew_testing_engine_new (&config, node->tun, node->udp, NULL);
  g_assert_nonnull (node->engine);
  ew_engine_set_private_key (node->engine, private_key);
  ew_engine_call (node->engine, get_public_key, known.public_key);
  ew_switch_set_node (ground->sw, &known);
  g_assert_true (ew_ip_parse ("127.0.0.1", &loopback));
  g_assert_true (ew_prefix_parse ("10.0.0.0/24", &all, NULL));
  hub.endpoint = ew_endpoint_udp (&loopback, ew_engine_get_listen_port (ground->sw->engine));
  memcpy (hub.public_key, ground->key, EW_KEY_SIZE);
  g_assert_true (ew_engine_set_peer (node->engine, &hub));
  ew_engine_initiate (node->engine, ground->key, TRUE);
}

static gboolean
has_session (Ground *ground, guint i)
{
  EwSwitchNodeStatus status;
  EwPeerStatus hub;

  g_main_context_iteration (NULL, FALSE);
  return ew_switch_get_node (ground->sw, i == 0 ? "a" : "b", &status) && status.endpoint.kind != EW_ENDPOINT_NONE
         && ew_engine_get_peer (ground->nodes[i].engine, ground->key, &hub) && hub.has_session;
}

void
ground_start (Ground *ground)
{
  g_autoptr (GError) error = NULL;
  EwSwitchConfig config = { .listen_address = "127.0.0.1", .data_threads = 2, .private_key = { 0, 99 } };
  const gint64 end = g_get_monotonic_time () + NODE_WAIT_MS * 1000;

  ew_x25519_clamp (config.private_key);
  ew_x25519_public (ground->key, config.private_key);
  g_assert_true (ew_ip_parse ("10.0.0.254", &config.service[0]));
  g_assert_true (ew_prefix_parse ("10.0.0.0/24", &config.ranges[0], NULL));
  ground->sw = ew_switch_new (&config, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    start_node (ground, i);
  for (guint i = 0; i < 2; i++)
    while (!has_session (ground, i))
      {
        g_assert_cmpint (g_get_monotonic_time (), <, end);
        g_usleep (1000);
      }
}

void
ground_stop (Ground *ground)
{
  ew_switch_free (ground->sw);
  for (guint i = 0; i < 2; i++)
    node_stop (&ground->nodes[i]);
}
