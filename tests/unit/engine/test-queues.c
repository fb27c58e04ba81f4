/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a queue that is long says to the flows in it.
 */
#include "node.h"

#define BULK 600 /* bytes of a packet that isn't taken for a question or an acknowledgement */
#define MARKED 3 /* RFC 3168: congestion was experienced */

static void
start_pair (Node *a, Node *b, EwMemoryNet *net)
{
  node_start (a, net, 1, NULL, NULL);
  node_start (b, net, 2, NULL, NULL);
  node_add_peer (a, b, "10.0.0.2/32", TRUE);
  node_add_peer (b, a, "10.0.0.1/32", FALSE);
}

/* A packet of 10.0.0.1 to 10.0.0.2 with these ECN bits. */
static void
make_bulk (guint8 packet[BULK], guint8 ecn)
{
  memset (packet, 0, BULK);
  packet_make (packet, 1, 2, 0);
  packet[1] = ecn;
  packet[2] = BULK >> 8;
  packet[3] = BULK & 0xff;
}

/* A packet of 10.0.0.1 to 10.0.0.2 whose sender understands congestion marks. TRUE: it came with one. */
static gboolean
comes_marked (Node *a, Node *b)
{
  guint8 packet[BULK];
  gsize size;

  make_bulk (packet, 2); /* ECT(0) */
  ew_memory_tun_push (a->tun, packet, sizeof packet);
  g_autoptr (GBytes) bytes = ew_memory_tun_pop (b->tun, NODE_WAIT_MS);
  g_assert_nonnull (bytes);
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, ==, sizeof packet);
  return (data[1] & 3) == MARKED;
}

/* What waits in the socket for long says so to the flow. What doesn't wait never does, nor what a busy computer reads
   late but to its end. */
static void
test_standing_queue (void)
{
  const guint64 short_ns = 1000, long_ns = 5000000; /* a microsecond, and more than a router's queue may have */
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Node a, b;
  guint marked = 0;

  start_pair (&a, &b, net);
  for (guint i = 0; i < 3; i++)
    {
      const gint64 begun = g_get_monotonic_time ();
      ew_memory_udp_set_age (b.udp, i == 0 ? short_ns : long_ns, i == 1);
      while (marked == 0 && g_get_monotonic_time () < begun + (i < 2 ? 200 : NODE_WAIT_MS) * 1000)
        marked += comes_marked (&a, &b);
      g_assert_cmpuint (marked, ==, i / 2);
    }
  node_stop (&a);
  node_stop (&b);
}

/* What waits in the TUN, too: a packet is marked where its sender understands that, else left out. */
static void
test_tun (gconstpointer data)
{
  const guint8 ecn = (guint8)GPOINTER_TO_UINT (data);
  const gint64 until = g_get_monotonic_time () + NODE_WAIT_MS * 1000;
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  EwEngineStats stats = { 0 };
  guint8 packet[BULK];
  guint marked = 0;
  Node a, b;

  start_pair (&a, &b, net);
  g_assert_false (comes_marked (&a, &b));
  make_bulk (packet, ecn);
  ew_memory_tun_flood (a.tun, packet, sizeof packet);
  while (marked == 0 && stats.dropped == 0 && g_get_monotonic_time () < until)
    {
      g_autoptr (GBytes) bytes = ew_memory_tun_pop (b.tun, NODE_WAIT_MS);
      g_assert_nonnull (bytes);
      marked += (((const guint8 *)g_bytes_get_data (bytes, NULL))[1] & 3) == MARKED;
      node_get_stats (&a, &stats);
    }
  ew_memory_tun_flood (a.tun, NULL, 0);
  g_assert_cmpuint (ecn != 0 ? marked : stats.dropped, >, 0);
  g_assert_cmpuint (ecn != 0 ? stats.dropped : marked, ==, 0);
  node_stop (&a);
  node_stop (&b);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/queues/standing", test_standing_queue);
  g_test_add_data_func ("/engine/queues/tun-marks", GUINT_TO_POINTER (2), test_tun);
  g_test_add_data_func ("/engine/queues/tun-loses", GUINT_TO_POINTER (0), test_tun);
  return g_test_run ();
}
