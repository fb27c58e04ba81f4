/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An engine with a router: a hub and two nodes, each a whole engine.
 */
#include <stdatomic.h>
#include <string.h>

#include "node.h"

#define OTHER_TARGET 0x100

typedef struct
{
  guint8 target_keys[2][EW_KEY_SIZE]; /* of EW_ROUTE_PEER, and with OTHER_TARGET */
  atomic_uint calls, from_tun;
  guint8 answer[EW_HEADROOM + PACKET_SIZE + EW_TAILROOM]; /* of EW_ROUTE_REPLY: the packet, turned round */
} Hub;

/* A hub's router that does what the payload says; 10.0.0.9 is the hub. */
static EwRoute
hub_router (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  Hub *hub = user;
  guint32 wish;

  hub->calls++;
  if (from == NULL)
    hub->from_tun++;
  memcpy (&wish, packet->data + 28, 4);
  if ((wish & 0xff) == EW_ROUTE_PEER)
    *to = ew_device_find_peer (ew_lane_get_device (lane), hub->target_keys[(wish & OTHER_TARGET) != 0]);
  if ((wish & 0xff) == EW_ROUTE_REPLY)
    {
      guint8 *answer = memcpy (hub->answer + EW_HEADROOM, packet->data, PACKET_SIZE);
      answer[15] = packet->data[19];
      answer[19] = packet->data[15];
      packet->data = answer;
      packet->room = EW_TAILROOM;
    }
  return (EwRoute)(wish & 0xff);
}

typedef struct
{
  EwMemoryNet *net;
  Node a, b, hub;
  Hub router;
} Wheel;

static void
wheel_set_up (Wheel *wheel, gconstpointer data)
{
  wheel->net = ew_memory_net_new ();
  node_start (&wheel->a, wheel->net, 1, NULL, NULL);
  node_start (&wheel->b, wheel->net, 2, NULL, NULL);
  node_start (&wheel->hub, wheel->net, 9, hub_router, &wheel->router);
  node_add_peer (&wheel->a, &wheel->hub, "10.0.0.0/24", TRUE);
  node_add_peer (&wheel->b, &wheel->hub, "10.0.0.0/24", TRUE);
  node_add_peer (&wheel->hub, &wheel->a, "10.0.0.1/32", TRUE);
  node_add_peer (&wheel->hub, &wheel->b, "10.0.0.2/32", TRUE);
  memcpy (wheel->router.target_keys[0], wheel->b.public_key, EW_KEY_SIZE);
  memcpy (wheel->router.target_keys[1], wheel->a.public_key, EW_KEY_SIZE);
}

static void
wheel_tear_down (Wheel *wheel, gconstpointer data)
{
  node_stop (&wheel->a);
  node_stop (&wheel->b);
  node_stop (&wheel->hub);
  ew_memory_net_free (wheel->net);
}

static void
test_router_from_peer (Wheel *wheel, gconstpointer data)
{
  EwEngineStats stats;

  node_push (&wheel->a, 9, EW_ROUTE_TUN);
  g_assert_cmpuint (node_pop (&wheel->hub, 1), ==, EW_ROUTE_TUN);
  node_push (&wheel->a, 7, EW_ROUTE_PEER); /* its destination isn't a peer's: the router decides */
  g_assert_cmpuint (node_pop (&wheel->b, 1), ==, EW_ROUTE_PEER);
  node_push (&wheel->a, 2, EW_ROUTE_LOOKUP);
  g_assert_cmpuint (node_pop (&wheel->b, 1), ==, EW_ROUTE_LOOKUP);
  node_push (&wheel->a, 9, EW_ROUTE_DROP);
  node_push (&wheel->a, 7, EW_ROUTE_LOOKUP); /* no peer's */
  node_push (&wheel->a, 9, EW_ROUTE_REPLY);
  g_assert_cmpuint (node_pop (&wheel->a, 9), ==, EW_ROUTE_REPLY);
  node_expect_nothing (&wheel->a);
  node_expect_nothing (&wheel->b);
  node_expect_nothing (&wheel->hub);
  g_assert_cmpuint (wheel->router.calls, ==, 6);
  node_get_stats (&wheel->hub, &stats);
  g_assert_cmpuint (stats.dropped, ==, 1);
  g_assert_cmpuint (stats.tun_written, ==, 1);
}

static void
test_router_from_tun (Wheel *wheel, gconstpointer data)
{
  node_push (&wheel->hub, 1, EW_ROUTE_LOOKUP);
  g_assert_cmpuint (node_pop (&wheel->a, 9), ==, EW_ROUTE_LOOKUP);
  node_push (&wheel->hub, 7, EW_ROUTE_PEER);
  g_assert_cmpuint (node_pop (&wheel->b, 9), ==, EW_ROUTE_PEER);
  node_push (&wheel->hub, 1, EW_ROUTE_DROP);
  node_push (&wheel->hub, 3, EW_ROUTE_REPLY); /* back where it came from: to the host */
  g_assert_cmpuint (node_pop (&wheel->hub, 3), ==, EW_ROUTE_REPLY);
  node_push (&wheel->hub, 3, EW_ROUTE_TUN);
  g_assert_cmpuint (node_pop (&wheel->hub, 9), ==, EW_ROUTE_TUN);
  node_expect_nothing (&wheel->a);
  g_assert_cmpuint (wheel->router.from_tun, ==, 5);
}

/* Packets of one batch that go different ways. */
static void
test_router_mixed (Wheel *wheel, gconstpointer data)
{
  node_push (&wheel->hub, 7, EW_ROUTE_PEER);
  node_pop (&wheel->b, 9);
  node_push (&wheel->hub, 7, EW_ROUTE_PEER | OTHER_TARGET);
  node_pop (&wheel->a, 9);
  for (guint32 i = 0; i < 300; i++)
    {
      node_push (&wheel->hub, 7, EW_ROUTE_PEER);
      node_push (&wheel->hub, 7, EW_ROUTE_PEER | OTHER_TARGET);
      node_push (&wheel->hub, 3, EW_ROUTE_TUN);
    }
  for (guint32 i = 0; i < 300; i++)
    {
      g_assert_cmpuint (node_pop (&wheel->b, 9), ==, EW_ROUTE_PEER);
      g_assert_cmpuint (node_pop (&wheel->a, 9), ==, EW_ROUTE_PEER | OTHER_TARGET);
      g_assert_cmpuint (node_pop (&wheel->hub, 9), ==, EW_ROUTE_TUN);
    }
}

static void
push_to_be_answered (EwDevice *device, const EwTime *time, void *data)
{
  for (guint32 i = 0; i < 30; i++)
    node_push (data, 3, EW_ROUTE_REPLY | i << 8);
}

/* Many answers in one batch, each made in the buffer of the one before it. */
static void
test_router_answers (Wheel *wheel, gconstpointer data)
{
  ew_engine_call (wheel->hub.engine, push_to_be_answered, &wheel->hub); /* nothing is read in the meantime */
  for (guint32 i = 0; i < 30; i++)
    g_assert_cmphex (node_pop (&wheel->hub, 3), ==, EW_ROUTE_REPLY | i << 8);
  node_expect_nothing (&wheel->hub);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/router/from-peer", Wheel, NULL, wheel_set_up, test_router_from_peer, wheel_tear_down);
  g_test_add ("/engine/router/from-tun", Wheel, NULL, wheel_set_up, test_router_from_tun, wheel_tear_down);
  g_test_add ("/engine/router/mixed", Wheel, NULL, wheel_set_up, test_router_mixed, wheel_tear_down);
  g_test_add ("/engine/router/answers", Wheel, NULL, wheel_set_up, test_router_answers, wheel_tear_down);
  return g_test_run ();
}
