/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node.h"

#include <string.h>

static void
on_event (void *user, const EwEngineEvent *event)
{
  ((Node *)user)->events[event->event]++;
}

static void
on_tun_lost (void *user)
{
  ((Node *)user)->tun_lost++;
}

static void
get_public_key (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_get_public_key (device, data);
}

void
node_start_with (Node *node, EwMemoryNet *net, guint64 id, EwEngineConfig config)
{
  g_autoptr (GError) error = NULL;
  guint8 private_key[EW_KEY_SIZE] = { 0 };

  config.on_event = on_event;
  config.on_tun_lost = on_tun_lost;
  config.event_user = node;
  memset (node, 0, sizeof *node);
  node->id = id;
  node->tun = ew_memory_tun_new ("memory0");
  node->udp = ew_memory_udp_new (net, id);
  node->engine = ew_testing_engine_new (&config, node->tun, node->udp, &error);
  g_assert_no_error (error);
  private_key[1] = (guint8)id;
  ew_engine_set_private_key (node->engine, private_key);
  ew_engine_call (node->engine, get_public_key, node->public_key);
}

void
node_start (Node *node, EwMemoryNet *net, guint64 id, EwRouter router, gpointer router_user)
{
  node_start_with (node, net, id, (EwEngineConfig){ .router = router, .router_user = router_user });
}

void
node_start_with_streams (Node *node, EwMemoryNet *net, guint64 id, EwStreams *streams)
{
  node_start_with (node, net, id, (EwEngineConfig){ .streams = streams });
}

void
node_stop (Node *node)
{
  g_clear_pointer (&node->engine, ew_engine_free);
}

void
node_add_peer (Node *a, const Node *b, const char *allowed_ip, gboolean endpoint)
{
  EwPrefix prefix;
  EwPeerConfig config = { .allowed_ips = &prefix, .n_allowed_ips = 1 };

  g_assert_true (ew_prefix_parse (allowed_ip, &prefix, NULL));
  memcpy (config.public_key, b->public_key, EW_KEY_SIZE);
  if (endpoint)
    config.endpoint = ew_memory_endpoint (b->id);
  g_assert_true (ew_engine_set_peer (a->engine, &config));
}

void
node_get_stats (Node *node, EwEngineStats *out)
{
  ew_testing_get_engine_stats (node->engine, out);
}

static guint16
checksum (const guint8 *data, gsize len)
{
  guint32 sum = 0;

  for (gsize i = 0; i < len; i += 2)
    sum += (guint32)data[i] << 8 | data[i + 1];
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16)~sum;
}

void
packet_make (guint8 out[PACKET_SIZE], guint8 from, guint8 to, guint32 payload)
{
  const guint8 header[] = { 0x45, 0,    0,  PACKET_SIZE, 0, 0,  0,    0, 64,   17, 0, 0,  10, 0,
                            0,    from, 10, 0,           0, to, 0x10, 0, 0x10, 1,  0, 12, 0,  0 };

  memcpy (out, header, sizeof header);
  memcpy (out + 28, &payload, 4);
  guint16 sum = checksum (out, 20);
  out[10] = (guint8)(sum >> 8);
  out[11] = (guint8)sum;
}

void
node_push (Node *node, guint8 to, guint32 payload)
{
  guint8 packet[PACKET_SIZE];

  packet_make (packet, (guint8)node->id, to, payload);
  ew_memory_tun_push (node->tun, packet, sizeof packet);
}

/* The next packet but an edge's ICMP echo requests, which measure the path to a node that answers no link probe. */
static GBytes *
pop (Node *node, guint wait_ms)
{
  for (;;)
    {
      GBytes *bytes = ew_memory_tun_pop (node->tun, wait_ms);
      gsize size = 0;
      const guint8 *packet = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

      if (size < 20 || packet[9] != 1)
        return bytes;
      g_bytes_unref (bytes);
    }
}

guint32
node_pop (Node *node, guint8 from)
{
  g_autoptr (GBytes) bytes = pop (node, NODE_WAIT_MS);
  gsize size;
  const guint8 *packet;
  guint32 payload;

  g_assert_nonnull (bytes);
  packet = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, ==, PACKET_SIZE);
  g_assert_cmpuint (packet[15], ==, from);
  memcpy (&payload, packet + 28, 4);
  return payload;
}

void
node_expect_nothing (Node *node)
{
  g_autoptr (GBytes) bytes = pop (node, 0);

  g_assert_null (bytes);
}

void
wait_count (const guint *count, guint at_least)
{
  gint64 end = g_get_monotonic_time () + NODE_WAIT_MS * 1000;

  while (*count < at_least)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
}
