/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services in a switch of two data threads (ground.h), whose table is replaced and whose nodes come and go while they
 * carry packets: 10.0.0.100 port 80 is node 2's port 8080.
 */
#include <netinet/in.h>
#include <string.h>

#include "common/error.h"
#include "ground.h"
#include "proto/packet.h"

#define SIZE 32
#define ROUNDS 300

static void
set_up (Ground *ground, gconstpointer data)
{
  ground_start (ground);
}

static void
tear_down (Ground *ground, gconstpointer data)
{
  ground_stop (ground);
}

static void
set_service (Ground *ground, guint8 target, gboolean healthy)
{
  static const EwNatPorts ports = { EW_NAT_UDP, 80, 80, 8080 };
  const EwNatTarget targets[2] = { { .ips = { ew_ip_from_v4 (0x0a000000u + target) }, .healthy = healthy },
                                   { .ips = { ew_ip_from_v4 (0x0a000009u) }, .healthy = TRUE } }; /* nobody's */
  const EwNatService service = { .id = "s",
                                 .addresses = { ew_ip_from_v4 (0x0a000064u) },
                                 .ports = &ports,
                                 .n_ports = 1,
                                 .targets = targets,
                                 .n_targets = 2 };
  g_autoptr (GError) error = NULL;

  g_assert_true (ew_switch_set_services (ground->sw, &service, 1, &error));
  g_assert_no_error (error);
}

static void
put16 (guint8 *out, guint value)
{
  out[0] = (guint8)(value >> 8);
  out[1] = (guint8)value;
}

static guint
get16 (const guint8 *bytes)
{
  return (guint)(bytes[0] << 8 | bytes[1]);
}

/* UDP without a checksum, and 4 bytes of payload. */
static void
push (Node *node, guint8 from, guint8 to, guint16 from_port, guint16 to_port, guint32 payload)
{
  guint8 packet[SIZE] = { 0x45, 0, 0, SIZE, 0, 0, 0x40, 0, 64, IPPROTO_UDP, 0, 0, 10, 0, 0, from, 10, 0, 0, to };

  put16 (packet + 20, from_port);
  put16 (packet + 22, to_port);
  put16 (packet + 24, 12);
  memcpy (packet + 28, &payload, 4);
  put16 (packet + 10, ew_checksum (packet, 20, 0));
  ew_memory_tun_push (node->tun, packet, sizeof packet);
}

/* The next packet but pings, as it must be. */
static void
expect (Node *node, guint8 from, guint8 to, guint from_port, guint to_port, guint32 payload)
{
  for (;;)
    {
      g_autoptr (GBytes) bytes = ew_memory_tun_pop (node->tun, NODE_WAIT_MS);
      gsize size;
      const guint8 *packet;

      g_assert_nonnull (bytes);
      packet = g_bytes_get_data (bytes, &size);
      if (packet[9] == IPPROTO_ICMP)
        continue;
      g_assert_cmpuint (size, ==, SIZE);
      g_assert_cmpuint (ew_checksum (packet, 20, 0), ==, 0);
      g_assert_cmpuint (packet[15], ==, from);
      g_assert_cmpuint (packet[19], ==, to);
      g_assert_cmpuint (get16 (packet + 20), ==, from_port);
      g_assert_cmpuint (get16 (packet + 22), ==, to_port);
      g_assert_cmpmem (packet + 28, 4, &payload, 4);
      return;
    }
}

/* The table is replaced all the time; each flow keeps its target. */
static void
test_replaced (Ground *ground, gconstpointer data)
{
  EwSwitchStats stats;

  set_service (ground, 2, TRUE);
  for (guint i = 0; i < ROUNDS; i++)
    {
      const guint16 port = (guint16)(5000 + i % 20);

      if (i >= 20 || i % 2 == 0)
        set_service (ground, 2, i < 20 || i % 3 == 0);
      push (&ground->nodes[0], 1, 100, port, 80, i);
      expect (&ground->nodes[1], 1, 2, port, 8080, i);
      set_service (ground, 2, i < 20 || i % 5 == 0);
      push (&ground->nodes[1], 2, 1, 8080, port, i + 1);
      expect (&ground->nodes[0], 100, 1, 80, port, i + 1);
    }
  ew_switch_get_stats (ground->sw, &stats);
  g_assert_cmpuint (stats.translated_packets, ==, 2 * ROUNDS);
  g_assert_cmpuint (stats.dropped_service, ==, 0);
}

/* A node calls itself. */
static void
test_itself (Ground *ground, gconstpointer data)
{
  set_service (ground, 2, TRUE);
  push (&ground->nodes[1], 2, 100, 5000, 80, 7);
  for (;;)
    {
      g_autoptr (GBytes) bytes = ew_memory_tun_pop (ground->nodes[1].tun, NODE_WAIT_MS);
      const guint8 *packet = bytes != NULL ? g_bytes_get_data (bytes, NULL) : NULL;

      g_assert_nonnull (packet);
      if (packet[9] == IPPROTO_ICMP)
        continue;
      g_assert_cmpuint (packet[15], ==, 254);
      g_assert_cmpuint (get16 (packet + 22), ==, 8080);
      push (&ground->nodes[1], 2, 254, 8080, (guint16)get16 (packet + 20), 8);
      break;
    }
  expect (&ground->nodes[1], 100, 2, 80, 5000, 8);
}

/* A node that is removed takes its flows with it, and an invalid table leaves the former one. */
static void
test_removed (Ground *ground, gconstpointer data)
{
  const EwNatService invalid = { .id = "invalid" };
  g_autoptr (GError) error = NULL;

  set_service (ground, 2, TRUE);
  g_assert_false (ew_switch_set_services (ground->sw, &invalid, 1, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  push (&ground->nodes[0], 1, 100, 5000, 80, 1);
  expect (&ground->nodes[1], 1, 2, 5000, 8080, 1);
  for (guint i = 0; i < 50; i++)
    push (&ground->nodes[0], 1, 100, (guint16)(6000 + i), 80, i);
  ew_switch_remove_node (ground->sw, "a");
  ew_switch_remove_node (ground->sw, "b");
  g_assert_true (ew_switch_set_services (ground->sw, NULL, 0, NULL));
}

#define ADD(name, function) g_test_add ("/switch/services/live/" name, Ground, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("replaced", test_replaced);
  ADD ("itself", test_itself);
  ADD ("removed", test_removed);
  return g_test_run ();
}
