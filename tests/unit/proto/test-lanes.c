/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lanes of a device: whose session is whose, nonces that several draw, what happens to a peer that is removed while a
 * lane uses it, and when the owner of the device is woken.
 *
 *   near (two lanes) ↔ far (none): the sender keeps datagrams, until the test hands them over
 */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/messages.h"
#include "proto-testing.h"

#define LANES 2
#define PEERS 6

typedef struct Machine Machine;

/* What one lane of one device did. */
typedef struct
{
  Machine *machine;
  EwLane *lane;
  GPtrArray *sent; /* of GBytes */
  guint delivered, hurried, misdirected_to;
  void (*on_transmit) (const uint8_t *data, size_t len, void *user);
  void *user;
} Hand;

struct Machine
{
  EwDevice *device;
  Hand hands[1 + LANES];
  guint8 key[EW_KEY_SIZE];
  pthread_mutex_t lock;
  guint locked; /* how often it was taken */
};

typedef struct
{
  Machine near, far[PEERS];
  EwPeer *peers[PEERS]; /* near's */
  EwTime time;
} Ground;

static void
on_random (void *user, uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)g_random_int ();
}

static void
on_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Hand *hand = user;

  if (hand->on_transmit != NULL)
    hand->on_transmit (data, len, hand->user);
  else
    g_ptr_array_add (hand->sent, g_bytes_new (data, len));
}

static void
on_deliver (void *user, EwPeer *from, EwPacket *packet)
{
  ((Hand *)user)->delivered++;
}

static void
on_lock (void *user)
{
  Machine *machine = ((Hand *)user)->machine;

  pthread_mutex_lock (&machine->lock);
  machine->locked++;
}

static void
on_unlock (void *user)
{
  pthread_mutex_unlock (&((Hand *)user)->machine->lock);
}

static void
on_hurry (void *user)
{
  ((Hand *)user)->hurried++;
}

static void
on_misdirected (void *user, unsigned lane, const EwPacket *datagram)
{
  ((Hand *)user)->misdirected_to = lane;
}

static const EwDeviceHooks hooks = {
  .random = on_random,
  .transmit = on_transmit,
  .deliver = on_deliver,
  .lock = on_lock,
  .unlock = on_unlock,
  .hurry = on_hurry,
  .misdirected = on_misdirected,
};

static void
machine_init (Machine *machine, guint8 number, guint n_lanes)
{
  guint8 private_key[EW_KEY_SIZE] = { 8, number };

  memset (machine, 0, sizeof *machine);
  pthread_mutex_init (&machine->lock, NULL);
  machine->device = ew_device_new (&hooks, &machine->hands[0], 1420);
  for (guint i = 0; i <= n_lanes; i++)
    {
      Hand *hand = &machine->hands[i];
      hand->machine = machine;
      hand->sent = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
      hand->lane = i == 0 ? ew_device_get_lane (machine->device) : ew_lane_new (machine->device, hand);
      g_assert_cmpuint (ew_lane_number (hand->lane), ==, i);
    }
  ew_device_set_private_key (machine->device, private_key);
  ew_device_get_public_key (machine->device, machine->key);
}

static void
machine_clear (Machine *machine)
{
  ew_device_free (machine->device);
  for (guint i = 0; i <= LANES; i++)
    g_clear_pointer (&machine->hands[i].sent, g_ptr_array_unref);
  pthread_mutex_destroy (&machine->lock);
}

static EwPeer *
know (Machine *machine, const Machine *other, guint8 number)
{
  const EwEndpoint endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = number };
  EwPrefix prefix = { .ip = { .family = EW_FAMILY_V4, .bytes = { 10, 0, 0, number } }, .length = 32 };
  EwPeer *peer = ew_device_add_peer (machine->device, other->key);

  ew_peer_set_endpoint (peer, &endpoint);
  g_assert_true (ew_peer_add_allowed_ip (peer, &prefix));
  return peer;
}

static GBytes *
take (Hand *hand)
{
  return hand->sent->len > 0 ? g_ptr_array_steal_index (hand->sent, 0) : NULL;
}

/* The next datagram that `from` sent comes in by `lane`. from_number: its sender's. FALSE: no datagram. */
static gboolean
carry (Ground *ground, Hand *from, guint8 from_number, EwLane *lane)
{
  guint8 room[EW_HEADROOM + 2048];
  g_autoptr (GBytes) bytes = take (from);
  EwPacket packet = { .data = room + EW_HEADROOM, .endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = from_number } };

  if (bytes == NULL)
    return FALSE;
  packet.len = g_bytes_get_size (bytes);
  memcpy (packet.data, g_bytes_get_data (bytes, NULL), packet.len);
  ew_lane_receive (lane, &packet, 1, &ground->time);
  return TRUE;
}

/* An inner packet from 10.0.0.FROM to 10.0.0.TO. */
static EwPacket
make (guint8 room[EW_HEADROOM + 64 + EW_TAILROOM], guint8 from, guint8 to)
{
  const guint8 header[32] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to };

  memcpy (room + EW_HEADROOM, header, sizeof header);
  return (EwPacket){ .data = room + EW_HEADROOM, .len = sizeof header };
}

/* far initiates; its keepalive comes by the lane that the session belongs to. */
static void
shake_hands (Ground *ground, guint i)
{
  Machine *near = &ground->near, *far = &ground->far[i];

  ew_peer_initiate (ew_device_find_peer (far->device, near->key), &ground->time, true);
  g_assert_true (carry (ground, &far->hands[0], (guint8)(i + 1), near->hands[0].lane));
  g_assert_true (carry (ground, &near->hands[0], 99, far->hands[0].lane));
  GBytes *keepalive = g_ptr_array_index (far->hands[0].sent, 0);
  const guint8 *data = g_bytes_get_data (keepalive, NULL);
  g_assert_cmpuint (ew_load_le32 (data), ==, EW_MESSAGE_DATA);
  Hand *owner = &near->hands[ew_device_lane_of (near->device, data[4])];
  g_assert_cmpuint (ew_lane_number (owner->lane), ==, 1 + i % LANES); /* they take turns */
  g_assert_true (carry (ground, &far->hands[0], (guint8)(i + 1), owner->lane));
  g_assert_true (ew_peer_has_session (ground->peers[i], &ground->time));
  ground->time.now_ns += EW_NSEC_PER_SEC;
  ground->time.realtime_ns += EW_NSEC_PER_SEC;
}

static void
set_up (Ground *ground, gconstpointer data)
{
  ground->time = (EwTime){ 1000 * EW_NSEC_PER_SEC, G_GUINT64_CONSTANT (1700000000) * EW_NSEC_PER_SEC };
  machine_init (&ground->near, 99, LANES);
  for (guint i = 0; i < PEERS; i++)
    {
      machine_init (&ground->far[i], (guint8)(i + 1), 0);
      ground->peers[i] = know (&ground->near, &ground->far[i], (guint8)(i + 1));
      know (&ground->far[i], &ground->near, 99);
      shake_hands (ground, i);
    }
}

static void
tear_down (Ground *ground, gconstpointer data)
{
  machine_clear (&ground->near);
  for (guint i = 0; i < PEERS; i++)
    machine_clear (&ground->far[i]);
}

/* A lane opens its own datagrams without a lock; it passes another lane's on unopened. */
static void
test_ownership (Ground *ground, gconstpointer data)
{
  Machine *near = &ground->near, *far = &ground->far[0];
  guint8 room[EW_HEADROOM + 64 + EW_TAILROOM];
  EwPacket packet = make (room, 1, 2);
  const guint locked = near->locked;
  EwDeviceStats stats;

  for (guint i = 0; i < 2; i++)
    {
      packet = make (room, 1, 99);
      ew_peer_send (ew_device_find_peer (far->device, near->key), &packet, 1, &ground->time);
    }
  g_assert_true (carry (ground, &far->hands[0], 1, near->hands[2].lane));
  g_assert_cmpuint (near->hands[2].misdirected_to, ==, 1);
  g_assert_cmpuint (near->hands[2].delivered, ==, 0);
  g_assert_true (carry (ground, &far->hands[0], 1, near->hands[1].lane));
  g_assert_cmpuint (near->hands[1].delivered, ==, 1);
  /* It sends to whom it likes, its own peer or not. */
  for (guint i = 0; i < PEERS; i++)
    {
      packet = make (room, 1, (guint8)(i + 1));
      g_assert_cmpuint (ew_lane_send (near->hands[1].lane, &packet, 1, &ground->time), ==, 0);
    }
  g_assert_cmpuint (near->hands[1].sent->len, ==, PEERS);
  g_assert_cmpuint (near->locked - locked, <=, 1 + PEERS); /* timers that were off: at most one wakeup for each */
  const guint settled = near->locked;
  for (guint i = 0; i < 100; i++)
    {
      packet = make (room, 1, (guint8)(i % PEERS + 1));
      g_assert_cmpuint (ew_lane_send (near->hands[1].lane, &packet, 1, &ground->time), ==, 0);
    }
  g_assert_cmpuint (near->locked, ==, settled);
  ew_testing_get_device_stats (near->device, &stats);
  g_assert_cmpuint (stats.rx_invalid, ==, 0);
}

/* No nonce is used twice, whichever lane draws it. */

#define PACKETS 40000 /* of each lane */

typedef struct
{
  Ground *ground;
  Hand *hand;
  guint8 *seen; /* by nonce: how often */
  pthread_barrier_t *begin;
} Sender;

static void
note_nonce (const uint8_t *data, size_t len, void *user)
{
  const guint64 nonce = ew_load_le64 (data + 8);

  g_assert_cmpuint (nonce, <, 2 * PACKETS + 64);
  ((_Atomic guint8 *)user)[nonce]++;
}

static void *
send_many (void *data)
{
  Sender *sender = data;
  guint8 rooms[8][EW_HEADROOM + 64 + EW_TAILROOM];

  pthread_barrier_wait (sender->begin);
  for (guint sent = 0; sent < PACKETS; sent += 8)
    {
      EwPacket packets[8];
      for (guint i = 0; i < 8; i++)
        packets[i] = make (rooms[i], 9, 1);
      ew_lane_send_to (sender->hand->lane, sender->ground->peers[0], packets, 8, &sender->ground->time);
    }
  return NULL;
}

static void
test_nonces (Ground *ground, gconstpointer data)
{
  g_autofree guint8 *seen = g_malloc0 (2 * PACKETS + 64);
  pthread_barrier_t begin;
  pthread_t threads[LANES];
  Sender senders[LANES];
  EwPeerStats stats;
  guint total = 0;

  pthread_barrier_init (&begin, NULL, LANES);
  for (guint i = 0; i < LANES; i++)
    {
      Hand *hand = &ground->near.hands[1 + i];
      hand->on_transmit = note_nonce;
      hand->user = seen;
      senders[i] = (Sender){ ground, hand, seen, &begin };
      g_assert_cmpint (pthread_create (&threads[i], NULL, send_many, &senders[i]), ==, 0);
    }
  for (guint i = 0; i < LANES; i++)
    pthread_join (threads[i], NULL);
  pthread_barrier_destroy (&begin);
  for (guint i = 0; i < 2 * PACKETS + 64; i++)
    {
      g_assert_cmpuint (seen[i], <=, 1);
      total += seen[i];
    }
  g_assert_cmpuint (total, ==, 2 * PACKETS);
  ew_peer_get_stats (ground->peers[0], &stats);
  g_assert_cmpuint (stats.tx_packets, ==, 2 * PACKETS); /* none uncounted */
}

/* Nothing is sent after the last nonce, even if two lanes reach it at once. */
static void
test_last_nonce (Ground *ground, gconstpointer data)
{
  guint8 rooms[8][EW_HEADROOM + 64 + EW_TAILROOM];
  EwPacket packets[8];
  Hand *hand = &ground->near.hands[1];
  EwTestingPeer held;

  g_assert_true (ew_testing_set_send_counter (ground->peers[0], EW_REJECT_AFTER_MESSAGES - 3));
  for (guint i = 0; i < 8; i++)
    packets[i] = make (rooms[i], 9, 1);
  ew_lane_send_to (hand->lane, ground->peers[0], packets, 8, &ground->time);
  guint sent = 0;
  for (GBytes *bytes; (bytes = take (hand)) != NULL; g_bytes_unref (bytes))
    {
      const guint8 *message = g_bytes_get_data (bytes, NULL);
      if (ew_load_le32 (message) != EW_MESSAGE_DATA)
        continue; /* a handshake, should it ask for one */
      g_assert_cmpuint (ew_load_le64 (message + 8), ==, EW_REJECT_AFTER_MESSAGES - 3 + sent);
      sent++;
    }
  g_assert_cmpuint (sent, ==, 3);
  for (guint i = 0; i < 8; i++)
    packets[i] = make (rooms[i], 9, 1);
  hand = &ground->near.hands[2];
  ew_lane_send_to (hand->lane, ground->peers[0], packets, 8, &ground->time);
  g_assert_cmpuint (hand->sent->len, ==, 1); /* they wait for a new session */
  g_assert_cmpuint (ew_load_le32 (g_bytes_get_data (g_ptr_array_index (hand->sent, 0), NULL)), ==,
                    EW_MESSAGE_INITIATION);
  ew_testing_look_at_peer (ground->peers[0], &held);
  g_assert_cmpuint (held.staged_packets, ==, 8);
}

/* The owner removes a peer that a lane has found: it may be used until the lane leaves, and has no effect. */
static void
test_removed (Ground *ground, gconstpointer data)
{
  Machine *near = &ground->near;
  EwLane *lane = near->hands[1].lane;
  guint8 room[EW_HEADROOM + 64 + EW_TAILROOM];
  const EwIp ip = { .family = EW_FAMILY_V4, .bytes = { 10, 0, 0, 1 } };
  EwTestingDevice before, after;
  EwPacket packet = make (room, 9, 1);

  ew_testing_look_at_device (near->device, &before);
  ew_lane_enter (lane);
  EwPeer *peer = ew_device_lookup (near->device, &ip);
  g_assert_true (peer == ground->peers[0]);
  const guint64 grace = ew_device_begin_grace (near->device);
  ew_peer_remove (peer);
  g_assert_false (ew_device_grace_passed (near->device, grace));
  g_assert_true (ew_device_collect (near->device)); /* not yet */
  g_assert_null (ew_device_lookup (near->device, &ip));
  ew_lane_send_to (lane, peer, &packet, 1, &ground->time); /* has no session any more, and gets none */
  g_assert_cmpuint (near->hands[1].sent->len, ==, 0);
  ew_peer_forget_local (peer, lane);
  ew_lane_leave (lane);
  g_assert_true (ew_device_grace_passed (near->device, grace));
  g_assert_false (ew_device_collect (near->device));
  ew_testing_look_at_device (near->device, &after);
  g_assert_cmpuint (after.timers, ==, before.timers - 1);
  g_assert_cmpuint (after.staged_bytes, ==, before.staged_bytes);
  ground->time.now_ns += 10 * EW_NSEC_PER_SEC;
  ew_device_tick (near->device, &ground->time);
}

/* What a lane does may bring the deadline forward, or leave something to be freed: then the owner hears of it. */
static void
test_hurry (Ground *ground, gconstpointer data)
{
  Machine *near = &ground->near, *far = &ground->far[0];
  guint8 room[EW_HEADROOM + 64 + EW_TAILROOM];
  EwPacket packet = make (room, 1, 99);
  Hand *hand = &near->hands[1];

  while (ew_device_deadline (near->device) < ground->time.now_ns + 60 * EW_NSEC_PER_SEC)
    {
      ground->time.now_ns = MAX (ground->time.now_ns, ew_device_deadline (near->device));
      ew_device_tick (near->device, &ground->time);
    }
  hand->hurried = 0;
  ew_peer_send (ew_device_find_peer (far->device, near->key), &packet, 1, &ground->time);
  g_assert_true (carry (ground, &far->hands[0], 1, hand->lane)); /* is to be answered within ten seconds */
  g_assert_cmpuint (hand->delivered, ==, 1);
  g_assert_cmpuint (hand->hurried, ==, 1);
  g_assert_cmpuint (ew_device_deadline (near->device), ==, ground->time.now_ns + EW_KEEPALIVE_TIMEOUT);
  packet = make (room, 1, 99);
  ew_peer_send (ew_device_find_peer (far->device, near->key), &packet, 1, &ground->time);
  g_assert_true (carry (ground, &far->hands[0], 1, hand->lane));
  g_assert_cmpuint (hand->hurried, ==, 1); /* nothing new */
}

/* A lane starts a timer in the moment in which the owner finds that the peer, which is due, has nothing to do for long:
   one of the two sees it. */

#ifdef EW_WITH_THREAD_SANITIZER
#define MOMENTS 10000
#else
#define MOMENTS 60000
#endif
#define OTHERS 20000 /* that the owner has to look past */

typedef struct
{
  Ground *ground;
  EwPacket packet;    /* what the lane is to receive */
  atomic_uint moment; /* odd: it may */
} Receiver;

static void
await_moment (Receiver *receiver, guint moment)
{
  for (guint i = 0; atomic_load (&receiver->moment) != moment; i++)
    if (i > 1000)
      g_thread_yield ();
}

static void *
receive_each (void *data)
{
  Receiver *receiver = data;

  for (guint i = 0; i < MOMENTS; i++)
    {
      await_moment (receiver, 2 * i + 1);
      ew_lane_receive (receiver->ground->near.hands[1].lane, &receiver->packet, 1, &receiver->ground->time);
      atomic_store (&receiver->moment, 2 * i + 2);
    }
  return NULL;
}

static void
test_timer_beside_owner (Ground *ground, gconstpointer data)
{
  Machine *near = &ground->near, *far = &ground->far[0];
  EwPeer *hub = ew_device_find_peer (far->device, near->key);
  guint8 out[EW_HEADROOM + 64 + EW_TAILROOM], in[EW_HEADROOM + 128 + EW_TAILROOM];
  Receiver receiver = { .ground = ground };
  const EwTime later = { ground->time.now_ns + EW_KEEPALIVE_TIMEOUT, ground->time.realtime_ns };
  pthread_t thread;

  for (guint32 i = 0; i < OTHERS; i++)
    {
      guint8 key[EW_KEY_SIZE] = { 7 };
      memcpy (key + 1, &i, sizeof i);
      ew_peer_set_keepalive (ew_device_add_peer (near->device, key), 12, &ground->time);
    }
  g_assert_cmpint (pthread_create (&thread, NULL, receive_each, &receiver), ==, 0);
  for (guint i = 0; i < MOMENTS; i++)
    {
      EwPacket packet = make (out, 99, 1);
      ew_lane_send_to (near->hands[1].lane, ground->peers[0], &packet, 1, &ground->time); /* stops the timer */
      g_ptr_array_set_size (near->hands[1].sent, 0);
      packet = make (out, 1, 99);
      ew_peer_send (hub, &packet, 1, &ground->time);
      g_autoptr (GBytes) bytes = take (&far->hands[0]);
      receiver.packet = (EwPacket){ .data = in + EW_HEADROOM,
                                    .len = g_bytes_get_size (bytes),
                                    .endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = 1 } };
      memcpy (receiver.packet.data, g_bytes_get_data (bytes, NULL), receiver.packet.len);
      atomic_store (&receiver.moment, 2 * i + 1);
      for (volatile guint wait = g_random_int_range (0, 4000); wait > 0; wait--)
        ;
      ew_device_tick (near->device, &later); /* answers what has come already */
      await_moment (&receiver, 2 * i + 2);
      if (near->hands[0].sent->len == 0)
        g_assert_cmpuint (ew_device_deadline (near->device), <=, later.now_ns);
      g_ptr_array_set_size (near->hands[0].sent, 0);
    }
  pthread_join (thread, NULL);
}

/* An owner that keeps an address has it at every moment, whatever else is added and removed. */

typedef struct
{
  Ground *ground;
  atomic_bool end;
  atomic_uint found, missed;
} Looker;

static void *
look_up (void *data)
{
  Looker *looker = data;
  const EwIp ip = { .family = EW_FAMILY_V4, .bytes = { 10, 0, 0, 1 } };
  EwLane *lane = looker->ground->near.hands[1].lane;

  while (!atomic_load (&looker->end))
    {
      ew_lane_enter (lane);
      EwPeer *peer = ew_device_lookup (looker->ground->near.device, &ip);
      if (peer != NULL && ew_peer_get_user_data (peer) == looker)
        atomic_fetch_add (&looker->found, 1);
      else
        atomic_fetch_add (&looker->missed, 1);
      ew_lane_leave (lane);
    }
  return NULL;
}

static void
test_kept_addresses (Ground *ground, gconstpointer data)
{
  EwPeer *peer = ground->peers[0];
  EwPrefix prefixes[4] = { [0] = { .ip = { .family = EW_FAMILY_V4, .bytes = { 10, 0, 0, 1 } }, .length = 32 } };
  const EwIp given = { .family = EW_FAMILY_V4, .bytes = { 10, 0, 1, 1 } };
  Looker looker = { .ground = ground };
  pthread_t thread;

  ew_peer_set_user_data (peer, &looker);
  g_assert_cmpint (pthread_create (&thread, NULL, look_up, &looker), ==, 0);
  for (guint i = 0; i < 20000 || atomic_load (&looker.found) < 1000; i++)
    {
      const guint n = 1 + i % 4;
      for (guint k = 1; k < n; k++)
        prefixes[k] = (EwPrefix){ .ip = { .family = EW_FAMILY_V4, .bytes = { 10, 0, (guint8)k, 1 } }, .length = 32 };
      g_assert_true (ew_peer_set_allowed_ips (peer, prefixes, n));
      ew_peer_set_user_data (peer, &looker);
      g_assert_true ((ew_device_lookup (ground->near.device, &given) == peer) == (n > 1));
    }
  atomic_store (&looker.end, true);
  pthread_join (thread, NULL);
  g_assert_cmpuint (looker.missed, ==, 0);
  ew_testing_clear_allowed_ips (peer);
  g_assert_null (ew_device_lookup (ground->near.device, &given));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/lanes/" name, Ground, NULL, set_up, function, tear_down)
  ADD ("ownership", test_ownership);
  ADD ("nonces", test_nonces);
  ADD ("last-nonce", test_last_nonce);
  ADD ("removed", test_removed);
  ADD ("hurry", test_hurry);
  ADD ("kept-addresses", test_kept_addresses);
  ADD ("timer-beside-owner", test_timer_beside_owner);
  return g_test_run ();
}
