/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An engine of several threads, on sockets of the loopback interface: a hub of two data threads between nodes of one
 * thread each, which have a TUN in memory.
 *
 *   node 1…4: memory TUN ↔ engine ↔ UDP 127.0.0.1 ↔ hub (lanes 1 and 2): by destination to another node
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node.h"

#define NODES 4

typedef struct
{
  EwEngine *hub;
  guint8 hub_key[EW_KEY_SIZE];
  Node nodes[NODES]; /* 10.0.0.1 … */
  atomic_uint misses;
  atomic_bool held, released; /* of the packet HOLD: its thread waits from one until the other */
} Wheel;

#define HOLD 0xdeadd00d

static EwEndpoint
loopback (guint16 port)
{
  EwIp ip;

  g_assert_true (ew_ip_parse ("127.0.0.1", &ip));
  return ew_endpoint_udp (&ip, port);
}

static EwRoute
by_destination (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  Wheel *wheel = user;
  const EwIp ip = ew_ip_from_bytes (EW_FAMILY_V4, packet->data + 16);

  guint32 payload;

  memcpy (&payload, packet->data + 28, sizeof payload);
  if (payload == HOLD)
    {
      atomic_store (&wheel->held, true);
      while (!atomic_load (&wheel->released))
        g_usleep (100);
    }
  *to = ew_device_lookup (ew_lane_get_device (lane), &ip);
  if (*to == NULL)
    atomic_fetch_add (&wheel->misses, 1);
  return *to != NULL ? EW_ROUTE_PEER : EW_ROUTE_DROP;
}

static void
get_public_key (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_get_public_key (device, data);
}

static void
start (EwEngine *engine, guint8 number, guint8 public_key[EW_KEY_SIZE])
{
  guint8 private_key[EW_KEY_SIZE] = { 0, number };

  ew_engine_set_private_key (engine, private_key);
  ew_engine_call (engine, get_public_key, public_key);
}

static void
add_to_hub (Wheel *wheel, guint i)
{
  g_autofree gchar *text = g_strdup_printf ("10.0.0.%u", i + 1);
  EwPrefix prefix;
  EwPeerConfig config = { .allowed_ips = &prefix, .n_allowed_ips = 1 };

  g_assert_true (ew_prefix_parse (text, &prefix, NULL));
  memcpy (config.public_key, wheel->nodes[i].public_key, EW_KEY_SIZE);
  g_assert_true (ew_engine_set_peer (wheel->hub, &config));
}

static void
start_node (Wheel *wheel, guint i)
{
  Node *node = &wheel->nodes[i];
  const EwEngineConfig config = { .listen_address = NULL };
  EwPrefix all;
  EwPeerConfig hub = { .endpoint = loopback (ew_engine_get_listen_port (wheel->hub)),
                       .allowed_ips = &all,
                       .n_allowed_ips = 1,
                       .persistent_keepalive = 1 };

  memset (node, 0, sizeof *node);
  node->id = i + 1;
  node->tun = ew_memory_tun_new ("memory0");
  node->udp = ew_udp_open ("127.0.0.1", 0, 0, NULL);
  node->engine = ew_testing_engine_new (&config, node->tun, node->udp, NULL);
  g_assert_nonnull (node->engine);
  start (node->engine, (guint8)(i + 1), node->public_key);
  add_to_hub (wheel, i);
  g_assert_true (ew_prefix_parse ("10.0.0.0/24", &all, NULL));
  memcpy (hub.public_key, wheel->hub_key, EW_KEY_SIZE);
  g_assert_true (ew_engine_set_peer (node->engine, &hub));
  ew_engine_initiate (node->engine, wheel->hub_key, TRUE);
}

static gboolean
has_session (Wheel *wheel, guint i)
{
  EwPeerStatus status;

  return ew_engine_get_peer (wheel->hub, wheel->nodes[i].public_key, &status) && status.has_session
         && ew_engine_get_peer (wheel->nodes[i].engine, wheel->hub_key, &status) && status.has_session;
}

static void
wait_for_sessions (Wheel *wheel)
{
  const gint64 end = g_get_monotonic_time () + NODE_WAIT_MS * 1000;

  for (guint i = 0; i < NODES; i++)
    for (guint waited = 1, again = 300; !has_session (wheel, i); waited++)
      {
        g_assert_cmpint (g_get_monotonic_time (), <, end);
        g_usleep (1000);
        if (waited < again)
          continue;
        /* Datagrams may be lost, and the next try of its own is 5 s away. Later and later: a new handshake makes the
           answer to the one before worthless, and on a busy computer that may be under way for long. */
        again *= 2;
        ew_engine_initiate (wheel->nodes[i].engine, wheel->hub_key, TRUE);
      }
}

static void
set_up (Wheel *wheel, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const EwEngineConfig config
    = { .listen_address = "127.0.0.1", .data_threads = 2, .router = by_destination, .router_user = wheel };

  wheel->hub = ew_engine_new (&config, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_testing_count_data_threads (wheel->hub), ==, 2);
  start (wheel->hub, 99, wheel->hub_key);
  for (guint i = 0; i < NODES; i++)
    start_node (wheel, i);
  wait_for_sessions (wheel);
}

static void
tear_down (Wheel *wheel, gconstpointer data)
{
  for (guint i = 0; i < NODES; i++)
    node_stop (&wheel->nodes[i]);
  ew_engine_free (wheel->hub);
}

/* From each to each, in order. */
static void
test_all_to_all (Wheel *wheel, gconstpointer data)
{
  EwEngineStats before, stats;

  ew_testing_get_engine_stats (wheel->hub, &before); /* two handshakes may have crossed */
  for (guint32 i = 1; i <= 300; i++)
    for (guint from = 0; from < NODES; from++)
      {
        const guint to = (from + 1 + i % (NODES - 1)) % NODES;
        node_push (&wheel->nodes[from], (guint8)(to + 1), i);
        if (i % 10 == 0)
          g_usleep (100); /* the memory TUN and the sockets hold a few hundred */
      }
  for (guint to = 0; to < NODES; to++)
    {
      guint32 last[NODES + 1] = { 0 };
      for (guint n = 0; n < 300; n++)
        {
          g_autoptr (GBytes) bytes = ew_memory_tun_pop (wheel->nodes[to].tun, NODE_WAIT_MS);
          guint32 payload;
          g_assert_nonnull (bytes);
          const guint8 *packet = g_bytes_get_data (bytes, NULL);
          memcpy (&payload, packet + 28, 4);
          g_assert_cmpuint (packet[15], <=, NODES);
          g_assert_cmpuint (payload, >, last[packet[15]]);
          last[packet[15]] = payload;
        }
      node_expect_nothing (&wheel->nodes[to]);
    }
  g_assert_cmpuint (wheel->misses, ==, 0);
  ew_testing_get_engine_stats (wheel->hub, &stats);
  g_assert_cmpuint (stats.udp_received, >=, 1200);
  g_assert_cmpuint (stats.device.rx_invalid, ==, before.device.rx_invalid);
}

/* A datagram that the kernel gives to the wrong thread reaches the right one, once. Two devices behind one
   socket, each with a session, send one datagram each as one message. */
typedef struct
{
  EwDevice *device;
  EwPeer *hub;
  int fd;
  guint16 port;
  GByteArray *out; /* what it sent last */
  gboolean hold;   /* … and keeps to itself */
} Sender;

static void
sender_random (void *user, uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)g_random_int ();
}

static void
sender_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Sender *sender = user;
  const struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (sender->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  g_byte_array_set_size (sender->out, 0);
  g_byte_array_append (sender->out, data, (guint)len);
  if (!sender->hold)
    g_assert_cmpint (sendto (sender->fd, data, len, 0, (const struct sockaddr *)&address, sizeof address), ==, len);
}

static void
sender_deliver (void *user, EwPeer *from, EwPacket *packet)
{
}

static EwTime
sender_time (void)
{
  return (EwTime){ (guint64)g_get_monotonic_time () * 1000, (guint64)g_get_real_time () * 1000 };
}

static void
sender_start (Sender *sender, Wheel *wheel, int fd, guint8 number)
{
  static const EwDeviceHooks hooks
    = { .random = sender_random, .transmit = sender_transmit, .deliver = sender_deliver };
  g_autofree gchar *text = g_strdup_printf ("10.0.0.%u", number);
  EwPeerConfig config = { .n_allowed_ips = 1 };
  EwPrefix prefix;
  guint8 key[EW_KEY_SIZE] = { 0, number }, buffer[EW_HEADROOM + 2048] = { 0 };
  EwEndpoint hub = loopback (ew_engine_get_listen_port (wheel->hub));
  EwPacket answer = { .data = buffer + EW_HEADROOM, .endpoint = hub };
  EwTime time = sender_time ();

  *sender = (Sender){ .fd = fd, .port = ew_engine_get_listen_port (wheel->hub), .out = g_byte_array_new () };
  sender->device = ew_device_new (&hooks, sender, 1420);
  ew_device_set_private_key (sender->device, key);
  ew_device_get_public_key (sender->device, config.public_key);
  g_assert_true (ew_prefix_parse (text, &prefix, NULL));
  config.allowed_ips = &prefix;
  g_assert_true (ew_engine_set_peer (wheel->hub, &config));
  sender->hub = ew_device_add_peer (sender->device, wheel->hub_key);
  ew_peer_set_endpoint (sender->hub, &hub);
  ew_peer_initiate (sender->hub, &time, true);
  const gssize got = recv (fd, answer.data, 2048, 0);
  g_assert_cmpint (got, ==, 92);
  answer.len = (gsize)got;
  ew_lane_receive (ew_device_get_lane (sender->device), &answer, 1,
                   &time); /* sends a keepalive: the hub has the session now */
}

/* The datagram of one packet to node 1. */
static void
sender_seal (Sender *sender, guint8 number, guint32 payload)
{
  guint8 buffer[EW_HEADROOM + PACKET_SIZE + EW_TAILROOM];
  EwPacket packet = { .data = buffer + EW_HEADROOM, .len = PACKET_SIZE };
  EwTime time = sender_time ();

  packet_make (packet.data, number, 1, payload);
  sender->hold = TRUE;
  ew_peer_send (sender->hub, &packet, 1, &time);
}

static void
send_as_one (int fd, guint16 port, const GByteArray *first, const GByteArray *second)
{
  struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct iovec parts[2] = { { first->data, first->len }, { second->data, second->len } };
  union
  {
    struct cmsghdr header;
    guint8 bytes[CMSG_SPACE (sizeof (guint16))];
  } control
    = { .header = { .cmsg_len = CMSG_LEN (sizeof (guint16)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT } };
  const guint16 segment = (guint16)first->len;
  struct msghdr message = { .msg_name = &address,
                            .msg_namelen = sizeof address,
                            .msg_iov = parts,
                            .msg_iovlen = 2,
                            .msg_control = &control,
                            .msg_controllen = sizeof control };

  g_assert_cmpuint (first->len, ==, second->len);
  memcpy (CMSG_DATA (&control.header), &segment, sizeof segment);
  g_assert_cmpint (sendmsg (fd, &message, 0), ==, first->len + second->len);
}

static void
test_misdirected (Wheel *wheel, gconstpointer data)
{
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Sender senders[2];
  EwEngineStats stats;
  guint32 seen = 0;

  sender_start (&senders[0], wheel, fd, 21); /* peers take turns at the lanes */
  sender_start (&senders[1], wheel, fd, 22);
  for (guint i = 0; i < 2; i++)
    sender_seal (&senders[i], (guint8)(21 + i), 1000 + i);
  g_assert_cmpint (senders[0].out->data[4] % 2, !=, senders[1].out->data[4] % 2);
  send_as_one (fd, senders[0].port, senders[0].out, senders[1].out);
  send_as_one (fd, senders[0].port, senders[1].out, senders[0].out); /* both again, each by the other's socket */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GBytes) bytes = ew_memory_tun_pop (wheel->nodes[0].tun, NODE_WAIT_MS);
      g_assert_nonnull (bytes);
      seen |= 1u << (((const guint8 *)g_bytes_get_data (bytes, NULL))[15] - 21);
    }
  g_assert_cmpuint (seen, ==, 3);
  g_assert_null (ew_memory_tun_pop (wheel->nodes[0].tun, 100));
  ew_testing_get_engine_stats (wheel->hub, &stats);
  g_assert_cmpuint (stats.handed_over, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      guint8 key[EW_KEY_SIZE];
      EwPeerStatus status;
      ew_device_get_public_key (senders[i].device, key);
      g_assert_true (ew_engine_get_peer (wheel->hub, key, &status));
      g_assert_cmpuint (status.stats.dropped_replay, ==, 1);
      ew_device_free (senders[i].device);
      g_byte_array_unref (senders[i].out);
    }
  close (fd);
}

static void
expect (Wheel *wheel, guint8 from, guint32 expected)
{
  g_autoptr (GBytes) bytes = ew_memory_tun_pop (wheel->nodes[0].tun, NODE_WAIT_MS);
  guint32 payload;

  g_assert_nonnull (bytes);
  memcpy (&payload, (const guint8 *)g_bytes_get_data (bytes, NULL) + 28, sizeof payload);
  g_assert_cmphex (payload, ==, expected);
  g_assert_cmpuint (((const guint8 *)g_bytes_get_data (bytes, NULL))[15], ==, from);
}

/* What is handed over while the thread still handles an earlier hand-over is not forgotten. */
static void
test_handed_over_while_busy (Wheel *wheel, gconstpointer data)
{
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const guint32 payloads[2][2] = { { 1, HOLD }, { 2, 3 } };
  Sender senders[2];

  sender_start (&senders[0], wheel, fd, 21);
  sender_start (&senders[1], wheel, fd, 22);
  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < 2; i++)
        sender_seal (&senders[i], (guint8)(21 + i), payloads[round][i]);
      send_as_one (fd, senders[0].port, senders[0].out, senders[1].out);
      expect (wheel, 21, payloads[round][0]); /* so the other has been handed over */
      while (!atomic_load (&wheel->held))
        g_usleep (100);
    }
  atomic_store (&wheel->released, true);
  expect (wheel, 22, HOLD);
  expect (wheel, 22, 3);
  for (guint i = 0; i < 2; i++)
    {
      ew_device_free (senders[i].device);
      g_byte_array_unref (senders[i].out);
    }
  close (fd);
}

/* Everything at once, for the sanitizers: data in all directions while peers come and go, sessions are renewed and
   forgotten, addresses move, and a client reads it all. */

typedef struct
{
  Wheel *wheel;
  guint node;
  atomic_bool end;
  guint64 received;
} Talker;

static void *
talk (void *data)
{
  Talker *talker = data;
  Wheel *wheel = talker->wheel;

  for (guint32 i = 0; !atomic_load (&talker->end); i++)
    {
      for (guint n = 0; n < 8; n++)
        node_push (&wheel->nodes[talker->node], (guint8)(1 + (talker->node + 1 + n % 3) % NODES), i);
      GBytes *bytes;
      while ((bytes = ew_memory_tun_pop (wheel->nodes[talker->node].tun, 1)) != NULL)
        {
          talker->received++;
          g_bytes_unref (bytes);
        }
    }
  return NULL;
}

static void
forget_everybody (EwPeer *peer, void *data)
{
  ew_peer_forget_sessions (peer);
}

static void
forget (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_foreach_peer (device, forget_everybody, NULL);
}

static void
disturb (Wheel *wheel, guint round)
{
  const guint who = round % NODES;
  EwEngineStats stats;

  switch (round % 7)
    {
    case 0:
      ew_engine_remove_peer (wheel->hub, wheel->nodes[who].public_key);
      add_to_hub (wheel, who);
      ew_engine_initiate (wheel->nodes[who].engine, wheel->hub_key, TRUE);
      break;
    case 1:
      ew_engine_initiate (wheel->nodes[who].engine, wheel->hub_key, TRUE); /* a new session beside the old one */
      break;
    case 2:
      add_to_hub (wheel, who); /* its allowed IPs are removed and added again */
      break;
    case 3:
      ew_testing_get_engine_stats (wheel->hub, &stats);
      g_array_unref (ew_testing_list_peers (wheel->hub));
      break;
    case 4: /* it roams */
      g_assert_true (ew_engine_set_listen_port (wheel->nodes[who].engine, 0, NULL));
      break;
    case 5:
      g_assert_true (ew_engine_set_mtu (wheel->hub, (guint16)(1280 + round), NULL));
      break;
    default:
      if (round % 5 == 0)
        ew_engine_call (wheel->hub, forget, NULL);
      break;
    }
}

static void
test_everything_at_once (Wheel *wheel, gconstpointer data)
{
  Talker talkers[NODES];
  pthread_t threads[NODES];

  for (guint i = 0; i < NODES; i++)
    {
      talkers[i] = (Talker){ .wheel = wheel, .node = i };
      g_assert_cmpint (pthread_create (&threads[i], NULL, talk, &talkers[i]), ==, 0);
    }
  for (guint round = 0; round < 140; round++)
    {
      disturb (wheel, round);
      g_usleep (10 * 1000);
    }
  for (guint i = 0; i < NODES; i++)
    atomic_store (&talkers[i].end, true);
  for (guint i = 0; i < NODES; i++)
    pthread_join (threads[i], NULL);
  for (guint i = 0; i < NODES; i++)
    {
      g_test_message ("node %u received %" G_GUINT64_FORMAT, i + 1, talkers[i].received);
      g_assert_cmpuint (talkers[i].received, >, 0);
      ew_engine_initiate (wheel->nodes[i].engine, wheel->hub_key, TRUE);
    }
  wait_for_sessions (wheel);
  while (TRUE) /* when a marked packet arrives, all packets before it have arrived */
    {
      g_autoptr (GBytes) bytes = NULL;
      guint32 payload;
      node_push (&wheel->nodes[0], 2, 0xfeedface);
      bytes = ew_memory_tun_pop (wheel->nodes[1].tun, NODE_WAIT_MS);
      g_assert_nonnull (bytes);
      memcpy (&payload, (const guint8 *)g_bytes_get_data (bytes, NULL) + 28, 4);
      if (payload == 0xfeedface)
        break;
    }
}

/* The device's thread is at work for as long as the test likes, with the lock, and its socket is full of a stranger's
   handshakes: data goes on all the same. */

typedef struct
{
  Wheel *wheel;
  atomic_bool busy, end;
} Occupation;

static void
be_busy (EwDevice *device, const EwTime *time, void *data)
{
  Occupation *occupation = data;

  atomic_store (&occupation->busy, true);
  while (!atomic_load (&occupation->end))
    g_usleep (500);
}

static void *
occupy (void *data)
{
  Occupation *occupation = data;

  ew_engine_call (occupation->wheel->hub, be_busy, occupation);
  return NULL;
}

static void
flood (guint16 port, guint n)
{
  const struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const guint8 initiation[148] = { 1 };
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  for (guint i = 0; i < n; i++)
    (void)!sendto (fd, initiation, sizeof initiation, 0, (const struct sockaddr *)&address, sizeof address);
  close (fd);
}

/* One packet from node i to the next one; again where it is lost, as datagrams may be. */
static void
exchange (Wheel *wheel, guint i, guint32 payload)
{
  const guint next = (i + 1) % NODES;
  const gint64 end = g_get_monotonic_time () + NODE_WAIT_MS * 1000;
  guint32 got = 0;

  while (got != payload)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      node_push (&wheel->nodes[i], (guint8)(1 + next), payload);
      g_autoptr (GBytes) bytes = ew_memory_tun_pop (wheel->nodes[next].tun, NODE_WAIT_MS / 10);
      if (bytes != NULL)
        memcpy (&got, (const guint8 *)g_bytes_get_data (bytes, NULL) + 28, 4);
    }
}

static void
test_device_is_busy (Wheel *wheel, gconstpointer data)
{
  Occupation occupation = { .wheel = wheel };
  EwEngineStats stats;
  pthread_t thread;

  for (guint i = 0; i < NODES; i++) /* every timer has been set once */
    exchange (wheel, i, 1);
  g_assert_cmpint (pthread_create (&thread, NULL, occupy, &occupation), ==, 0);
  while (!atomic_load (&occupation.busy))
    g_usleep (500);
  flood (ew_engine_get_listen_port (wheel->hub), 20000);
  for (guint32 round = 2; round < 100; round++)
    for (guint i = 0; i < NODES; i++)
      exchange (wheel, i, round);
  atomic_store (&occupation.end, true);
  pthread_join (thread, NULL);
  ew_testing_get_engine_stats (wheel->hub, &stats);
  g_assert_cmpuint (stats.udp_received, >=, 400);
}

/* The hub stops and starts again while all nodes send to it, with other numbers of threads, and moves its port. */
static void
test_life_under_traffic (Wheel *wheel, gconstpointer data)
{
  static const guint threads_of_hub[] = { 8, 0, 3, 1, 16, 2 };
  const guint16 port = ew_engine_get_listen_port (wheel->hub);
  Talker talkers[NODES];
  pthread_t threads[NODES];

  for (guint i = 0; i < NODES; i++)
    {
      talkers[i] = (Talker){ .wheel = wheel, .node = i };
      g_assert_cmpint (pthread_create (&threads[i], NULL, talk, &talkers[i]), ==, 0);
    }
  for (guint round = 0; round < 24; round++)
    {
      g_autoptr (GError) error = NULL;
      const guint wanted = threads_of_hub[round % G_N_ELEMENTS (threads_of_hub)];
      const EwEngineConfig config = { .listen_address = "127.0.0.1",
                                      .listen_port = port,
                                      .data_threads = wanted,
                                      .router = by_destination,
                                      .router_user = wheel };
      ew_engine_free (wheel->hub);
      wheel->hub = ew_engine_new (&config, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (ew_testing_count_data_threads (wheel->hub), ==, wanted);
      start (wheel->hub, 99, wheel->hub_key);
      for (guint i = 0; i < NODES; i++)
        {
          add_to_hub (wheel, i);
          ew_engine_initiate (wheel->nodes[i].engine, wheel->hub_key, TRUE);
        }
      g_usleep (10 * 1000);
      if (round % 4 == 3)
        {
          g_assert_true (ew_engine_set_listen_port (wheel->hub, 0, &error));
          g_assert_true (ew_engine_set_listen_port (wheel->hub, port, &error));
          g_assert_no_error (error);
        }
    }
  for (guint i = 0; i < NODES; i++)
    {
      atomic_store (&talkers[i].end, true);
      pthread_join (threads[i], NULL);
      ew_engine_initiate (wheel->nodes[i].engine, wheel->hub_key, TRUE);
    }
  wait_for_sessions (wheel);
}

/* All sockets move to another port. */
static void
test_port_moves (Wheel *wheel, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const guint16 before = ew_engine_get_listen_port (wheel->hub);

  g_assert_true (ew_engine_set_listen_port (wheel->hub, 0, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ew_engine_get_listen_port (wheel->hub), !=, before);
  for (guint i = 0; i < NODES; i++) /* the hub knows where they are: its keepalives tell them */
    {
      const guint next = (i + 1) % NODES;
      ew_engine_initiate (wheel->hub, wheel->nodes[i].public_key, TRUE);
      ew_engine_initiate (wheel->hub, wheel->nodes[next].public_key, FALSE);
    }
  for (guint try = 0;; try++)
    {
      g_autoptr (GBytes) bytes = NULL;
      node_push (&wheel->nodes[0], 2, try);
      bytes = ew_memory_tun_pop (wheel->nodes[1].tun, 50);
      if (bytes != NULL)
        break;
      g_assert_cmpuint (try, <, 100);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/workers/" name, Wheel, NULL, set_up, function, tear_down)
  ADD ("all-to-all", test_all_to_all);
  g_test_add ("/behaviour/gro-messages-of-others-are-handed-over-between-workers", Wheel, NULL, set_up,
              test_misdirected, tear_down);
  ADD ("handed-over-while-busy", test_handed_over_while_busy);
  ADD ("everything-at-once", test_everything_at_once);
  ADD ("device-is-busy", test_device_is_busy);
  ADD ("life-under-traffic", test_life_under_traffic);
  ADD ("port-moves", test_port_moves);
  return g_test_run ();
}
