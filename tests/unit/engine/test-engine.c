/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole engines, data threads and all, on wires in memory.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "node.h"
#include "proto/link.h"

static void
test_exchange (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Node a, b;
  EwPeerStatus status;

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);

  node_push (&a, 2, 77); /* waits for the handshake that it starts */
  g_assert_cmpuint (node_pop (&b, 1), ==, 77);
  node_push (&b, 1, 78);
  g_assert_cmpuint (node_pop (&a, 2), ==, 78);
  wait_count (&a.events[EW_PEER_HANDSHAKE_COMPLETE], 1);
  wait_count (&b.events[EW_PEER_HANDSHAKE_COMPLETE], 1);

  g_assert_true (ew_engine_get_peer (b.engine, a.public_key, &status));
  g_assert_true (status.has_session);
  g_assert_cmpuint (status.stats.rx_packets, ==, 1);
  g_assert_cmpuint (status.stats.tx_packets, ==, 1);
  g_assert_cmpuint (status.endpoint.id, ==, 1);
  g_assert_cmpuint (status.stats.last_handshake_realtime_ns, >, G_GUINT64_CONSTANT (1600000000000000000));

  g_autoptr (GArray) peers = ew_testing_list_peers (a.engine);
  g_assert_cmpuint (peers->len, ==, 1);
  g_assert_cmpmem (g_array_index (peers, EwPeerStatus, 0).public_key, EW_KEY_SIZE, b.public_key, EW_KEY_SIZE);

  ew_engine_remove_peer (a.engine, b.public_key);
  g_assert_false (ew_engine_get_peer (a.engine, b.public_key, &status));
  node_stop (&a);
  node_stop (&b);
}

static void
test_order (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Node a, b;

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 0);
  g_assert_cmpuint (node_pop (&b, 1), ==, 0);
  for (guint32 i = 1; i <= 500; i++) /* several batches */
    node_push (&a, 2, i);
  for (guint32 i = 1; i <= 500; i++)
    g_assert_cmpuint (node_pop (&b, 1), ==, i);
  node_stop (&a);
  node_stop (&b);
}

static gpointer
prepare (gpointer data)
{
  ew_engine_prepare ();
  return NULL;
}

/* The first of this program's: whoever comes first chooses the cipher's code, and the other waits. */
static void
test_prepared_beside (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  GThread *threads[2];
  Node a, b;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("prepare", prepare, NULL);
  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 7);
  g_assert_cmpuint (node_pop (&b, 1), ==, 7);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  node_stop (&a);
  node_stop (&b);
}

static void
test_unreachable (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  guint8 v6[40] = { 0x60, [6] = 59, 64, 0xfd, [23] = 1, 0xfd, [39] = 2 };
  Node a;
  EwEngineStats stats;

  node_start (&a, net, 1, NULL, NULL);
  node_push (&a, 2, 0);
  g_autoptr (GBytes) v4_answer = ew_memory_tun_pop (a.tun, NODE_WAIT_MS);
  g_assert_nonnull (v4_answer);
  const guint8 *packet = g_bytes_get_data (v4_answer, NULL);
  g_assert_cmpuint (packet[9], ==, 1);  /* ICMP */
  g_assert_cmpuint (packet[20], ==, 3); /* destination unreachable */
  g_assert_cmpuint (packet[15], ==, 2); /* from its destination */
  g_assert_cmpuint (packet[19], ==, 1);

  ew_memory_tun_push (a.tun, v6, sizeof v6);
  g_autoptr (GBytes) v6_answer = ew_memory_tun_pop (a.tun, NODE_WAIT_MS);
  g_assert_nonnull (v6_answer);
  packet = g_bytes_get_data (v6_answer, NULL);
  g_assert_cmpuint (packet[6], ==, 58); /* ICMPv6 */
  g_assert_cmpuint (packet[40], ==, 1);

  for (guint i = 0; i < 500; i++)
    node_push (&a, 2, i);
  do
    node_get_stats (&a, &stats);
  while (stats.tun_read < 502);
  g_assert_cmpuint (stats.unreachable, ==, 502);
  g_assert_cmpuint (stats.tun_written, <, 502); /* limited */
  node_stop (&a);
}

/* Garbage from the network and the host is counted, and has no other effect. */
static void
test_garbage (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Node a;
  EwEngineStats stats;
  guint8 bytes[148];
  EwUdp *stranger = ew_memory_udp_new (net, 3);
  EwUdpSendStats sent = { 0 };

  node_start (&a, net, 1, NULL, NULL);
  for (guint i = 0; i < sizeof bytes; i++)
    {
      memset (bytes, (int)i, sizeof bytes);
      EwBurst datagram = { .to = ew_memory_endpoint (1) };
      ew_burst_append (&datagram, bytes, i);
      stranger->class->send (stranger, &datagram, 1, &sent);
      if (i > 0)
        ew_memory_tun_push (a.tun, bytes, i);
    }
  do
    node_get_stats (&a, &stats);
  while (stats.udp_received < sizeof bytes || stats.tun_read < sizeof bytes - 1);
  g_assert_cmpuint (stats.device.rx_invalid, >=, sizeof bytes - 1);
  node_expect_nothing (&a);
  node_stop (&a);
  ew_udp_free (stranger);
}

static void
test_roaming (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Node a, b;
  EwPeerStatus status;

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 1);
  node_pop (&b, 1);
  guint before = b.events[EW_PEER_ROAMED];
  ew_memory_udp_move (a.udp, 5);
  node_push (&a, 2, 2);
  g_assert_cmpuint (node_pop (&b, 1), ==, 2);
  wait_count (&b.events[EW_PEER_ROAMED], before + 1);
  g_assert_true (ew_engine_get_peer (b.engine, a.public_key, &status));
  g_assert_cmpuint (status.endpoint.id, ==, 5);
  node_push (&b, 1, 3);
  g_assert_cmpuint (node_pop (&a, 2), ==, 3);
  node_stop (&a);
  node_stop (&b);
}

/* The address at which a peer reached this node was removed: forgotten after the first datagram. */
static void
test_refused_local (void)
{
  g_autoptr (GError) error = NULL;
  const EwEngineConfig config = { 0 };
  const guint8 private_key[EW_KEY_SIZE] = { 9 };
  EwPeerConfig peer = { .public_key = { 9 } };
  EwPeerStatus status;

  g_autoptr (EwEngine) engine = ew_engine_new (&config, &error);
  g_assert_no_error (error);
  g_assert_true (ew_endpoint_parse ("127.0.0.1:9", &peer.endpoint));
  g_assert_true (ew_ip_parse ("192.0.2.77", &peer.endpoint.local));
  ew_engine_set_private_key (engine, private_key);
  g_assert_true (ew_engine_set_peer (engine, &peer));
  ew_engine_initiate (engine, peer.public_key, TRUE);
  g_assert_true (ew_engine_get_peer (engine, peer.public_key, &status));
  g_assert_cmpuint (status.endpoint.local.family, ==, EW_FAMILY_NONE);
  g_assert_true (ew_endpoint_same_remote (&status.endpoint, &peer.endpoint));
}

static void
test_inject (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  guint8 packet[PACKET_SIZE];
  guint8 nobody[EW_KEY_SIZE] = { 1 };
  Node a, b;

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  packet_make (packet, 1, 200, 5); /* a destination that is not the peer's */
  ew_engine_inject (a.engine, b.public_key, packet, sizeof packet);
  g_assert_cmpuint (node_pop (&b, 1), ==, 5);
  ew_engine_inject (a.engine, nobody, packet, sizeof packet);
  node_stop (&a);
  node_stop (&b);
}

static void
test_tun_lost (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  EwEngineStats stats;
  Node a;

  node_start (&a, net, 1, NULL, NULL);
  ew_memory_tun_lose (a.tun);
  wait_count (&a.tun_lost, 1);
  node_get_stats (&a, &stats); /* the engine keeps working */
  guint64 wakeups = stats.wakeups;
  g_usleep (50000); /* real time: how often an idle engine wakes up is measured */
  node_get_stats (&a, &stats);
  g_assert_cmpuint (stats.wakeups - wakeups, <=, 2); /* and does not spin */
  node_stop (&a);
}

/* An idle tunnel sleeps: nothing is due for 10 s after an exchange. */
static void
test_idle (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  EwEngineStats before, after;
  Node a, b;

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 1);
  node_pop (&b, 1);
  node_push (&b, 1, 2);
  node_pop (&a, 2);
  g_usleep (300000); /* real time: what the handshake has armed may ring for nothing once */
  node_get_stats (&a, &before);
  g_usleep (700000); /* real time: as above */
  node_get_stats (&a, &after);
  g_assert_cmpuint (after.wakeups - before.wakeups, <=, 2); /* the second question is one */
  node_stop (&a);
  node_stop (&b);
}

/* Calls from several threads, in the data thread one after the other. */

#define CALLERS 4
#define CALLS 500

typedef struct
{
  EwEngine *engine;
  guint *count; /* not atomic: only the data thread touches it */
} Caller;

static void
count_inner (EwDevice *device, const EwTime *time, void *data)
{
  (*(guint *)data)++;
}

static void
count_outer (EwDevice *device, const EwTime *time, void *data)
{
  Caller *caller = data;

  g_assert_cmpuint (time->now_ns, >, 0);
  ew_engine_call (caller->engine, count_inner, caller->count); /* inside: at once */
}

static void *
call_often (void *data)
{
  for (guint i = 0; i < CALLS; i++)
    ew_engine_call (((Caller *)data)->engine, count_outer, data);
  return NULL;
}

static void
read_count (EwDevice *device, const EwTime *time, void *data)
{
  guint **counts = data;

  *counts[1] = *counts[0];
}

static void
test_calls (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  pthread_t threads[CALLERS];
  guint count = 0, copy = 0;
  guint *counts[] = { &count, &copy };
  Node a;

  node_start (&a, net, 1, NULL, NULL);
  Caller caller = { a.engine, &count };
  for (guint i = 0; i < CALLERS; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, call_often, &caller), ==, 0);
  for (guint i = 0; i < CALLERS; i++)
    pthread_join (threads[i], NULL);
  ew_engine_call (a.engine, read_count, counts);
  g_assert_cmpuint (copy, ==, CALLERS * CALLS);
  node_stop (&a);
}

/* Freed during traffic in both directions. */

typedef struct
{
  EwUdp *stranger;
  guint64 to;
  atomic_bool stop;
} Flood;

static void *
flood (void *data)
{
  Flood *wish = data;
  guint8 bytes[64] = { 4 };
  EwUdpSendStats sent = { 0 };

  while (!wish->stop)
    {
      EwBurst datagram = { .to = ew_memory_endpoint (wish->to) };
      ew_burst_append (&datagram, bytes, sizeof bytes);
      wish->stranger->class->send (wish->stranger, &datagram, 1, &sent);
    }
  return NULL;
}

static void
test_shutdown_under_traffic (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  Flood wish = { .stranger = ew_memory_udp_new (net, 7), .to = 1 };
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, flood, &wish), ==, 0);
  for (guint round = 0; round < 10; round++)
    {
      Node a, b;
      node_start (&a, net, 1, NULL, NULL);
      node_start (&b, net, 2, NULL, NULL);
      node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
      node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
      for (guint32 i = 0; i < 300; i++)
        node_push (&a, 2, i);
      g_usleep (round * 500); /* before, in and after the handshake */
      gint64 start = g_get_monotonic_time ();
      node_stop (&a);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * 100000);
      node_stop (&b);
    }
  wish.stop = TRUE;
  pthread_join (thread, NULL);
  ew_udp_free (wish.stranger);
}

/* The owner frees the engine during an event. */
static void
free_engine (void *user, const EwEngineEvent *event)
{
  Node *node = user;

  node->events[0]++; /* any event: another one may follow at once */
  g_clear_pointer (&node->engine, ew_engine_free);
}

static void
test_free_inside_event (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  g_autoptr (GError) error = NULL;
  Node a, b = { .id = 2 };
  const EwEngineConfig config = { .on_event = free_engine, .event_user = &b };
  const guint8 private_key[EW_KEY_SIZE] = { 0, 2 };

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL); /* only to learn its public key */
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_stop (&b);
  b.engine = ew_testing_engine_new (&config, NULL, ew_memory_udp_new (net, 2), &error);
  g_assert_no_error (error);
  ew_engine_set_private_key (b.engine, private_key);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 1);
  wait_count (&b.events[0], 1);
  g_assert_null (b.engine);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (b.events[0], ==, 1);
  node_stop (&a);
}

static void
test_settings (void)
{
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  g_autoptr (GError) error = NULL;
  Node a;
  EwPeerConfig own = { 0 };

  node_start (&a, net, 1, NULL, NULL);
  g_assert_cmpstr (ew_engine_get_interface (a.engine), ==, "memory0");
  g_assert_true (ew_engine_set_mtu (a.engine, 1380, &error));
  g_assert_false (ew_engine_set_mtu (a.engine, 1279, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  g_assert_true (ew_engine_set_fwmark (a.engine, 0x1234, NULL));
  g_assert_cmpuint (ew_engine_get_fwmark (a.engine), ==, 0x1234);
  ew_engine_set_timestamp_floor (a.engine, G_GUINT64_CONSTANT (3000000000000000000));
  g_assert_cmpuint (ew_engine_get_timestamp_floor (a.engine), >=, G_GUINT64_CONSTANT (3000000000000000000));
  memcpy (own.public_key, a.public_key, EW_KEY_SIZE);
  g_assert_false (ew_engine_set_peer (a.engine, &own));
  node_stop (&a);
}

/* Whether bursts arrive: a whole engine at each end, as test-bursts.c has it in parts. */

static EwIp
address_of (guint64 id)
{
  return ew_ip_from_v4 (0x0a000000 + (guint32)id);
}

static EwRoute
answer_counts (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  EwLinkMessage message;
  EwIp source, destination;

  if (from == NULL)
    return EW_ROUTE_LOOKUP;
  if (!ew_link_parse (packet->data, packet->len, &source, &destination, &message))
    return EW_ROUTE_TUN;
  if (message.type == EW_LINK_COUNTED)
    ew_link_hear_counted (lane, from, &message, time);
  if (message.type != EW_LINK_COUNT)
    return EW_ROUTE_DROP;
  ew_link_answer_count (lane, from, &message);
  packet->len = ew_link_build (packet->data, &destination, &source, &message);
  return EW_ROUTE_REPLY;
}

/* From node 1 to node 2. */
static gsize
ask_for_count (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out)
{
  const EwIp from = address_of (1), to = address_of (2);

  return ew_link_build_count (out, &from, &to, sample);
}

/* In the data thread, so that it reads all of them at once. */
static void
push_ten (EwDevice *device, const EwTime *time, void *data)
{
  for (guint32 i = 0; i < 10; i++)
    node_push (data, 2, i);
}

static void
test_damaged_bursts (void)
{
  const EwEngineConfig config = { .router = answer_counts, .ask = ask_for_count };
  const gint64 end = g_get_monotonic_time () + 2 * NODE_WAIT_MS * 1000;
  g_autoptr (EwMemoryNet) net = ew_memory_net_new ();
  EwPeerStatus status;
  Node a, b;

  node_start_with (&a, net, 1, config);
  node_start_with (&b, net, 2, config);
  node_add_peer (&a, &b, "10.0.0.2/32", TRUE);
  node_add_peer (&b, &a, "10.0.0.1/32", FALSE);
  node_push (&a, 2, 0);
  node_pop (&b, 1);
  ew_memory_net_damage_bursts (net);
  while (a.events[EW_PEER_BURSTS_OFF] == 0)
    {
      g_autoptr (GBytes) arrived = ew_memory_tun_pop (b.tun, 1);
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      if (arrived == NULL)
        ew_engine_call (a.engine, push_ten, &a);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_true (ew_engine_get_peer (a.engine, b.public_key, &status));
  g_assert_true (status.damages_bursts);
  node_push (&a, 2, 99); /* after all that is still on its way */
  while (node_pop (&b, 1) != 99)
    ;
  ew_engine_call (a.engine, push_ten, &a);
  for (guint32 i = 0; i < 10; i++)
    g_assert_cmpuint (node_pop (&b, 1), ==, i);
  node_stop (&a);
  node_stop (&b);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/prepared-beside", test_prepared_beside);
  g_test_add_func ("/engine/exchange", test_exchange);
  g_test_add_func ("/engine/order", test_order);
  g_test_add_func ("/engine/unreachable", test_unreachable);
  g_test_add_func ("/engine/refused-local", test_refused_local);
  g_test_add_func ("/engine/garbage", test_garbage);
  g_test_add_func ("/engine/roaming", test_roaming);
  g_test_add_func ("/engine/inject", test_inject);
  g_test_add_func ("/engine/tun-lost", test_tun_lost);
  g_test_add_func ("/engine/idle", test_idle);
  g_test_add_func ("/engine/calls", test_calls);
  g_test_add_func ("/engine/shutdown-under-traffic", test_shutdown_under_traffic);
  g_test_add_func ("/engine/free-inside-event", test_free_inside_event);
  g_test_add_func ("/engine/settings", test_settings);
  g_test_add_func ("/engine/damaged-bursts", test_damaged_bursts);
  return g_test_run ();
}
