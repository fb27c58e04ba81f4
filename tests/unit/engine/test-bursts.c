/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A wire that damages bursts, under a fake clock: two devices in this thread, each with its transmitter, and between
 * them what a kernel, a network card and a network may do to a message that holds many datagrams.
 *
 *      left ── EwTransmit ──→ the wire: damage, loss, 10 ms ──→ right          and the same way back
 */
#include <string.h>

#include "engine/transmit.h"
#include "proto/link.h"
#include "proto/packet.h"

#define MS G_GUINT64_CONSTANT (1000000)
#define LATENCY (10 * MS)
#define SIZE 1000 /* of a packet */

typedef struct World World;

typedef enum
{
  INTACT,
  DAMAGED,      /* every burst is lost */
  EQUAL_DAMAGED /* … if all its datagrams have one size: Linux 7.0 to 7.1.4 */
} Damage;

typedef struct
{
  EwUdp udp; /* must be first */
  World *world;
  guint number;
  EwDevice *device;
  EwPeer *peer;
  EwBuffers buffers;
  EwTransmit transmit;
  gboolean counts; /* it may be asked */
  /* Of the wire that leads away from here. */
  Damage damage;
  guint loss;       /* in thousandths */
  gsize lost_from;  /* datagrams of this size and more are lost, too; 0: none */
  guint n_together; /* bursts of more than one datagram that left as one message */
  guint lost_in_them;
  guint n_singly;
  /* At this side. */
  guint received;
  guint events[EW_PEER_SESSION_EXPIRED + 1];
} Side;

typedef struct
{
  guint64 arrives_ns;
  Side *to;
  gsize len;
  guint8 data[];
} Flying;

struct World
{
  EwTime time;
  guint64 random_state;
  GQueue flying; /* of one latency: in order */
  Side sides[2];
};

static const EwIp *
address (const Side *side)
{
  static EwIp ips[2];

  ips[side->number] = ew_ip_from_v4 (0x0a090001 + side->number);
  return &ips[side->number];
}

static Side *
other (Side *side)
{
  return &side->world->sides[1 - side->number];
}

static guint32
next_random (World *world)
{
  world->random_state = world->random_state * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
  return (guint32)(world->random_state >> 33);
}

/* The wire. */

static gboolean
is_damaged (const Side *side, const EwBurst *burst)
{
  if (burst->n < 2 || burst->singly || side->damage == INTACT)
    return FALSE;
  return side->damage == DAMAGED || burst->len == burst->n * burst->segment;
}

static void
send_bursts (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats)
{
  Side *side = (Side *)udp;
  World *world = side->world;

  for (gsize i = 0; i < n; i++)
    {
      const gboolean damaged = is_damaged (side, &bursts[i]);
      EwBurstCursor cursor = { 0 };
      bursts[i].local_refused = FALSE;
      side->n_together += bursts[i].n > 1 && !bursts[i].singly;
      side->n_singly += bursts[i].n > 1 && bursts[i].singly;
      side->lost_in_them += damaged ? bursts[i].n : 0;
      while (ew_burst_next (&bursts[i], &cursor))
        {
          if (damaged || next_random (world) % 1000 < side->loss
              || (side->lost_from > 0 && cursor.len >= side->lost_from))
            continue;
          Flying *flying = g_malloc (sizeof *flying + cursor.len);
          flying->arrives_ns = world->time.now_ns + LATENCY;
          flying->to = other (side);
          flying->len = cursor.len;
          memcpy (flying->data, cursor.data, cursor.len);
          g_queue_push_tail (&world->flying, flying);
        }
    }
}

static const EwUdpClass wire_class = { .send = send_bursts };

/* A side. */

static void
on_random (void *user, uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)next_random (((Side *)user)->world);
}

static void
on_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Side *side = user;

  ew_transmit_add (&side->transmit, &side->udp, peer, to, data, len, dscp_ecn);
}

/* As the routers do it. */
static void
on_deliver (void *user, EwPeer *from, EwPacket *packet)
{
  Side *side = user;
  EwLane *lane = ew_device_get_lane (side->device);
  guint8 room[EW_HEADROOM + EW_LINK_PACKET_MAX + EW_TAILROOM];
  EwPacket reply = { .data = room + EW_HEADROOM };
  EwLinkMessage message;
  EwIp source, destination;

  if (!ew_link_parse (packet->data, packet->len, &source, &destination, &message))
    {
      side->received++;
      return;
    }
  if (message.type == EW_LINK_COUNTED)
    ew_link_hear_counted (lane, from, &message, &side->world->time);
  g_assert_true (message.type != EW_LINK_COUNT || side->counts);
  if (message.type != EW_LINK_COUNT)
    return;
  ew_link_answer_count (lane, from, &message);
  reply.len = ew_link_build (reply.data, &destination, &source, &message);
  side->transmit.apart = TRUE;
  ew_peer_send (from, &reply, 1, &side->world->time);
  side->transmit.apart = FALSE;
}

static void
on_event (void *user, EwPeer *peer, EwPeerEvent event)
{
  ((Side *)user)->events[event]++;
}

static gsize
ask (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out)
{
  Side *side = user;

  return other (side)->counts ? ew_link_build_count (out, address (side), address (other (side)), sample) : 0;
}

static void
settle (Side *side)
{
  EwLane *lane = ew_device_get_lane (side->device);

  ew_lane_enter (lane);
  ew_transmit_flush (&side->transmit, &side->udp);
  if (side->transmit.n_noted > 0)
    ew_transmit_settle_bursts (&side->transmit, &side->udp, lane, ask, side);
  ew_lane_leave (lane);
}

/* n packets at once; the last one shorter if tail. */
static void
send_packets (Side *side, guint n, gboolean tail)
{
  static const guint8 payload[SIZE];
  EwPacket packets[EW_BATCH_MAX] = { 0 };

  for (guint i = 0; i < n; i++)
    {
      packets[i].data = ew_buffers_at (&side->buffers, i);
      packets[i].len = ew_packet_build_echo (packets[i].data, address (side), address (other (side)), 1, (guint16)i,
                                             payload, tail && i == n - 1 ? SIZE / 2 : SIZE);
    }
  g_assert_cmpuint (ew_lane_send (ew_device_get_lane (side->device), packets, n, &side->world->time), ==, 0);
  settle (side);
}

static void
arrive (World *world)
{
  static guint8 buffer[EW_HEADROOM + 2048 + EW_TAILROOM];

  while (world->flying.length > 0 && ((Flying *)g_queue_peek_head (&world->flying))->arrives_ns <= world->time.now_ns)
    {
      g_autofree Flying *flying = g_queue_pop_head (&world->flying);
      EwPacket datagram = { .data = buffer + EW_HEADROOM, .len = flying->len };
      datagram.endpoint = *ew_peer_get_endpoint (flying->to->peer);
      memcpy (datagram.data, flying->data, flying->len);
      ew_lane_receive (ew_device_get_lane (flying->to->device), &datagram, 1, &world->time);
      settle (flying->to);
    }
}

static void
pass (World *world, guint64 ns)
{
  world->time.now_ns += ns;
  world->time.realtime_ns += ns;
  arrive (world);
  for (guint i = 0; i < 2; i++)
    if (ew_device_deadline (world->sides[i].device) <= world->time.now_ns)
      {
        ew_device_tick (world->sides[i].device, &world->time);
        settle (&world->sides[i]);
      }
}

static void
set_up (World *world, gconstpointer data)
{
  static const EwDeviceHooks hooks
    = { .random = on_random, .transmit = on_transmit, .deliver = on_deliver, .event = on_event };
  guint8 keys[2][EW_KEY_SIZE];

  world->time = (EwTime){ 1000000 * MS, G_GUINT64_CONSTANT (1700000000000) * MS };
  world->random_state = 1;
  for (guint i = 0; i < 2; i++)
    {
      Side *side = &world->sides[i];
      const guint8 secret[EW_KEY_SIZE] = { 0, (guint8)(i + 1) };
      side->udp.class = &wire_class;
      side->world = world;
      side->number = i;
      side->counts = TRUE;
      side->device = ew_device_new (&hooks, side, 1420);
      ew_device_set_private_key (side->device, secret);
      ew_device_get_public_key (side->device, keys[i]);
      ew_buffers_init (&side->buffers);
      ew_transmit_init (&side->transmit, &side->buffers, NULL);
      side->transmit.time = &world->time;
    }
  for (guint i = 0; i < 2; i++)
    {
      Side *side = &world->sides[i];
      const EwEndpoint endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = 2 - i };
      const EwPrefix prefix = ew_prefix_from_ip (address (other (side)));
      side->peer = ew_device_add_peer (side->device, keys[1 - i]);
      ew_peer_set_endpoint (side->peer, &endpoint);
      g_assert_true (ew_peer_add_allowed_ip (side->peer, &prefix));
    }
  ew_peer_initiate (world->sides[0].peer, &world->time, TRUE);
  settle (&world->sides[0]);
  for (guint i = 0; i < 100; i++)
    pass (world, MS);
}

static void
tear_down (World *world, gconstpointer data)
{
  g_queue_clear_full (&world->flying, g_free);
  for (guint i = 0; i < 2; i++)
    {
      ew_device_free (world->sides[i].device);
      ew_transmit_clear (&world->sides[i].transmit);
      ew_buffers_clear (&world->sides[i].buffers);
    }
}

/* A TCP connection's data, as far as it matters here: the window doubles with each round trip in which all of it
   arrived; else, after 200 ms, it begins again with a packet. */
typedef struct
{
  Side *from;
  guint window, received, sent;
  gboolean timed_out;
  guint64 wait_until_ns;
} Flow;

static void
run_flow (Flow *flow)
{
  World *world = flow->from->world;

  if (world->time.now_ns < flow->wait_until_ns)
    return;
  const guint arrived = other (flow->from)->received - flow->received;
  if (flow->window == 0)
    flow->window = 10; /* RFC 6928 */
  else if (flow->timed_out)
    flow->window = 1;
  else if (arrived == flow->sent)
    flow->window = MIN (2 * flow->window, 40);
  else
    {
      flow->timed_out = TRUE;
      flow->wait_until_ns = world->time.now_ns + 200 * MS - 2 * LATENCY;
      return;
    }
  flow->timed_out = FALSE;
  flow->received = other (flow->from)->received;
  flow->sent = flow->window;
  flow->wait_until_ns = world->time.now_ns + 2 * LATENCY + MS;
  send_packets (flow->from, flow->window, FALSE);
}

/* Returns after how long the first burst left singly. */
static guint64
run_flow_until_off (Side *from)
{
  World *world = from->world;
  const guint64 begin = world->time.now_ns;
  guint64 switched = 0;
  Flow flow = { .from = from };

  while (from->events[EW_PEER_BURSTS_OFF] == 0)
    {
      g_assert_cmpuint (world->time.now_ns - begin, <, 5000 * MS);
      run_flow (&flow);
      if (switched == 0 && from->n_singly > 0)
        switched = world->time.now_ns - begin;
      pass (world, MS);
    }
  return switched;
}

/* Tests. */

static void
test_flow (World *world, gconstpointer data)
{
  const guint direction = GPOINTER_TO_UINT (data);
  Side *from = &world->sides[direction];

  from->damage = DAMAGED;
  const guint64 took = run_flow_until_off (from);
  g_test_message ("a flow: bursts were off after %u ms; %u datagrams were lost", (guint)(took / MS),
                  from->lost_in_them);
  g_assert_true (ew_peer_damages_bursts (from->peer));
  g_assert_cmpuint (took, <, 1000 * MS);
  g_assert_false (ew_peer_damages_bursts (other (from)->peer));
  /* From here on everything arrives. */
  const guint before = from->n_together, received = other (from)->received;
  for (guint i = 0; i < 1000; i++)
    {
      send_packets (from, 20, FALSE);
      pass (world, MS);
    }
  pass (world, 2 * LATENCY);
  g_assert_cmpuint (from->n_together, ==, before);
  g_assert_cmpuint (other (from)->received - received, ==, 20 * 1000);
}

/* The answers of each side have to come through its own damage. */
static void
test_both_directions (World *world, gconstpointer data)
{
  Flow flows[2] = { { .from = &world->sides[0] }, { .from = &world->sides[1] } };

  world->sides[0].damage = world->sides[1].damage = EQUAL_DAMAGED;
  for (guint i = 0; i < 1000; i++)
    {
      run_flow (&flows[0]);
      run_flow (&flows[1]);
      pass (world, MS);
    }
  g_assert_true (ew_peer_damages_bursts (world->sides[0].peer));
  g_assert_true (ew_peer_damages_bursts (world->sides[1].peer));
}

/* Bursts whose last datagram is shorter pass, the others don't, with loss besides. */
static void
test_equal_ones (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];
  const guint64 begin = world->time.now_ns;

  from->damage = EQUAL_DAMAGED;
  from->loss = 50;
  for (guint i = 0; from->events[EW_PEER_BURSTS_OFF] == 0; i++)
    {
      g_assert_cmpuint (world->time.now_ns - begin, <, 1000 * MS);
      send_packets (from, 12, FALSE);
      send_packets (from, 5, TRUE);
      pass (world, 2 * MS);
    }
}

/* Ordinary loss changes nothing: not one burst leaves singly. */
static void
test_ordinary_loss (World *world, gconstpointer data)
{
  static const guint losses[] = { 0, 10, 50, 100 };
  Side *from = &world->sides[0];

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    for (guint k = 0; k < 5000; k++)
      {
        from->loss = other (from)->loss = losses[i];
        send_packets (from, 2 + next_random (world) % 11, next_random (world) % 2);
        if (k % 8 == 0)
          send_packets (other (from), 2, FALSE);
        pass (world, (1 + next_random (world) % 8) * MS);
      }
  g_assert_cmpuint (from->n_together, >=, 20000);
  g_assert_cmpuint (from->n_singly + other (from)->n_singly, ==, 0);
}

/* What large packets suffer from may be their size. */
static void
test_innocent (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];

  from->lost_from = SIZE;
  for (guint i = 0; i < 1000; i++)
    {
      send_packets (from, 10, FALSE);
      pass (world, 2 * MS);
    }
  g_assert_cmpuint (from->n_singly, >, 0); /* it was tried */
  const guint singly = from->n_singly;
  for (guint i = 0; i < 1000; i++)
    {
      send_packets (from, 10, FALSE);
      pass (world, 2 * MS);
    }
  g_assert_cmpuint (from->n_singly, ==, singly);
  g_assert_false (ew_peer_damages_bursts (from->peer));
  g_assert_cmpuint (from->events[EW_PEER_BURSTS_OFF], ==, 0);
}

static void
wait_with_traffic (World *world, Side *from, guint64 seconds)
{
  for (guint64 i = 0; i < seconds * 2; i++)
    {
      send_packets (from, 4, FALSE);
      pass (world, 500 * MS);
    }
}

/* After ten minutes, bursts are tried again: few of them, and again after twenty; when they arrive, they stay. */
static void
test_trial (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];

  from->damage = DAMAGED;
  run_flow_until_off (from);
  guint together = from->n_together;
  wait_with_traffic (world, from, 595);
  g_assert_cmpuint (from->n_together, ==, together);
  from->lost_in_them = 0;
  for (guint i = 0; i < 2000; i++)
    {
      send_packets (from, 40, FALSE);
      pass (world, 10 * MS);
    }
  g_test_message ("a trial: %u bursts, %u datagrams lost", from->n_together - together, from->lost_in_them);
  g_assert_cmpuint (from->n_together, >, together);
  g_assert_cmpuint (from->lost_in_them, <=, EW_BURSTS_ARRIVED * EW_BURST_MAX);
  g_assert_true (ew_peer_damages_bursts (from->peer));
  together = from->n_together;
  wait_with_traffic (world, from, 1150); /* twice as long */
  g_assert_cmpuint (from->n_together, ==, together);
  from->damage = INTACT;
  wait_with_traffic (world, from, 120);
  g_assert_cmpuint (from->events[EW_PEER_BURSTS_ON], ==, 1);
  g_assert_cmpuint (from->events[EW_PEER_BURSTS_OFF], ==, 1);
  g_assert_false (ew_peer_damages_bursts (from->peer));
  g_assert_cmpuint (from->n_together, >, together + 50);
}

/* In a trial whose questions find no answer, no more is at stake. */
static void
test_trial_unanswered (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];

  from->damage = DAMAGED;
  run_flow_until_off (from);
  wait_with_traffic (world, from, 595);
  other (from)->lost_from = 1; /* nothing comes back */
  from->lost_in_them = 0;
  for (guint i = 0; i < 2000; i++)
    {
      send_packets (from, 40, FALSE);
      pass (world, 10 * MS);
    }
  g_assert_cmpuint (from->lost_in_them, >, 0);
  g_assert_cmpuint (from->lost_in_them, <=, EW_BURSTS_ARRIVED * EW_BURST_MAX);
}

/* Another path is judged by itself; another port of the same host is the same path. */
static void
test_other_path (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];
  EwEndpoint endpoint = *ew_peer_get_endpoint (from->peer);

  from->damage = DAMAGED;
  run_flow_until_off (from);
  g_assert_true (ew_peer_damages_bursts (from->peer));
  ew_peer_set_endpoint (from->peer, &endpoint);
  g_assert_true (ew_peer_damages_bursts (from->peer));
  endpoint.id = 77;
  ew_peer_set_endpoint (from->peer, &endpoint);
  g_assert_false (ew_peer_damages_bursts (from->peer));
}

/* A peer that can't be asked: bursts go on, and it is left alone. */
static void
test_plain_peer (World *world, gconstpointer data)
{
  Side *from = &world->sides[0];

  other (from)->counts = FALSE;
  from->damage = DAMAGED;
  for (guint i = 0; i < 2000; i++)
    {
      send_packets (from, 10, FALSE);
      pass (world, MS);
    }
  g_assert_cmpuint (from->n_singly, ==, 0);
}

#define ADD(path, data, function) g_test_add ("/bursts/" path, World, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("flow", GUINT_TO_POINTER (0), test_flow);
  ADD ("flow-back", GUINT_TO_POINTER (1), test_flow);
  ADD ("both-directions", NULL, test_both_directions);
  ADD ("equal-ones", NULL, test_equal_ones);
  ADD ("ordinary-loss", NULL, test_ordinary_loss);
  ADD ("innocent", NULL, test_innocent);
  ADD ("trial", NULL, test_trial);
  ADD ("trial-unanswered", NULL, test_trial_unanswered);
  ADD ("other-path", NULL, test_other_path);
  ADD ("plain-peer", NULL, test_plain_peer);
  return g_test_run ();
}
