/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two devices from outside, through device.h only: sessions, data, drops and statistics. */
#include <malloc.h>
#include <string.h>
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/messages.h"
#include "proto/packet.h"
#include "proto-testing.h"
#include "world.h"

/* The latest datagrams that any device sent, complete. */
#define KEPT 64
typedef struct
{
  unsigned n;
  struct
  {
    WorldNode *from;
    uint8_t data[WORLD_PACKET_MAX], dscp_ecn;
    size_t len;
  } all[KEPT];
} Kept;

static gboolean
keep (WorldNode *node, EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  Kept *kept = node->world->user;
  unsigned i = kept->n++ % KEPT;
  kept->all[i].from = node;
  kept->all[i].len = len;
  kept->all[i].dscp_ecn = dscp_ecn;
  memcpy (kept->all[i].data, data, len);
  return TRUE;
}

typedef struct
{
  World *world;
  WorldNode *a, *b;
  Kept kept;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->world = world_new ((uint64_t)g_test_rand_int ());
  f->world->user = &f->kept;
  f->world->on_transmit = keep;
  f->a = world_add (f->world, FALSE);
  f->b = world_add (f->world, FALSE);
  world_join (f->a, f->b, NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  world_free (f->world);
}

/* A session, made by a (the initiator), confirmed, quiet. */
static void
establish (Fixture *f)
{
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  world_send (f->b, f->a, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 1);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  f->a->delivered = f->b->delivered = 0;
  f->kept.n = 0;
}

static unsigned
count_kept (Fixture *f, const WorldNode *from, uint8_t type)
{
  unsigned n = 0;
  for (unsigned i = 0; i < MIN (f->kept.n, KEPT); i++)
    n += (from == NULL || f->kept.all[i].from == from) && f->kept.all[i].data[0] == type;
  return n;
}

static void
test_first_packets (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (world_send (f->a, f->b, "hello", 5, 0), ==, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  g_assert_cmpuint (world_send (f->b, f->a, "hello yourself", 14, 0), ==, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 1);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  g_assert_cmpuint (f->b->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  g_assert_cmpuint (f->b->events[EW_PEER_ROAMED], ==, 1); /* b learnt where a is */
  g_assert_true (ew_peer_has_session (world_peer (f->a, f->b), &f->world->time));
  EwPeerStats s = world_stats (f->a, f->b);
  g_assert_cmpuint (s.tx_packets, ==, 1);
  g_assert_cmpuint (s.rx_packets, ==, 1);
  g_assert_cmpuint (s.tx_bytes, ==, 148 + 32 + 32); /* initiation; 25 bytes padded to 32, header, tag */
  g_assert_cmpuint (s.rx_bytes, ==, 92 + 48 + 32);  /* response; 34 bytes padded to 48 */
  g_assert_cmpuint (s.last_handshake_ns, >, 0);
  g_assert_cmpuint (s.last_handshake_realtime_ns, >, 1700000000 * WORLD_SECOND);
}

/* The responder must not use a session before it has heard the initiator on it. */
static void
test_responder_waits (Fixture *f, gconstpointer data)
{
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, FALSE);
  world_run (f->world, 15 * 1000 * 1000); /* b has answered, a has not heard it yet */
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, 1);
  g_assert_false (ew_peer_has_session (world_peer (f->b, f->a), &f->world->time));
  world_send (f->b, f->a, "staged", 6, 0);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_DATA), ==, 0);
  world_run (f->world, WORLD_SECOND); /* a's keepalive confirms */
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_DATA), ==, 1);
  g_assert_cmpuint (f->a->delivered, ==, 1);
}

static unsigned last_seen;
static gboolean in_order;

static void
note_number (WorldNode *node, EwPeer *from, const EwPacket *packet)
{
  unsigned number;
  memcpy (&number, packet->data + 20, sizeof number);
  in_order = in_order && number == last_seen + 1;
  last_seen = number;
}

static void
test_staging (Fixture *f, gconstpointer data)
{
  f->b->unreachable = TRUE;
  for (unsigned i = 1; i <= 200; i++)
    world_send (f->a, f->b, &i, sizeof i, 0);
  g_assert_cmpuint (world_stats (f->a, f->b).dropped_queue, ==, 72);
  f->b->unreachable = FALSE;
  last_seen = 72;
  in_order = TRUE;
  f->world->on_deliver = note_number;
  world_run (f->world, 10 * WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 128);
  g_assert_true (in_order);
  g_assert_cmpuint (last_seen, ==, 200);
}

static void
test_gives_up (Fixture *f, gconstpointer data)
{
  f->b->unreachable = TRUE;
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, 89 * WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_GAVE_UP], ==, 0);
  world_run (f->world, 8 * WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_GAVE_UP], ==, 1);
  g_assert_cmpuint (world_stats (f->a, f->b).dropped_queue, ==, 1);
  unsigned sent = count_kept (f, f->a, EW_MESSAGE_INITIATION);
  g_assert_cmpuint (sent, ==, 18);
  world_run (f->world, 1000 * WORLD_SECOND); /* silence */
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, sent);
  g_assert_cmpuint (ew_device_deadline (f->a->device), ==, UINT64_MAX);
  f->b->unreachable = FALSE;
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 1);
}

static void
test_passive_keepalive (Fixture *f, gconstpointer data)
{
  establish (f);
  world_send (f->a, f->b, "question", 8, 0); /* and so no keepalive for what establish() had b send */
  world_run (f->world, 9 * WORLD_SECOND);
  g_assert_cmpuint (f->kept.n, ==, 1);
  world_run (f->world, 2 * WORLD_SECOND);
  g_assert_cmpuint (f->kept.n, ==, 2);
  g_assert_true (f->kept.all[1].from == f->b);
  g_assert_cmpuint (f->kept.all[1].len, ==, 32);
  g_assert_cmpuint (f->a->delivered, ==, 0); /* an empty packet has no destination */
  world_run (f->world, 60 * WORLD_SECOND);
  g_assert_cmpuint (f->kept.n, ==, 2); /* and it is not answered */
}

static void
test_new_handshake_after_silence (Fixture *f, gconstpointer data)
{
  establish (f);
  world_run (f->world, 30 * WORLD_SECOND);
  f->kept.n = 0;
  f->b->unreachable = TRUE;
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, 14 * WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, 0);
  world_run (f->world, 2 * WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, 1);
}

/* The initiator renews when it sends, a keepalive too; the responder never does. */
static void
test_rekey_by_initiator (Fixture *f, gconstpointer data)
{
  establish (f);
  for (unsigned i = 0; i < 117; i++, world_run (f->world, WORLD_SECOND))
    world_send (f->b, f->a, "x", 1, 0);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  world_send (f->a, f->b, "x", 1, 0);
  f->kept.n = 0;
  for (unsigned i = 0; i < 8; i++, world_run (f->world, WORLD_SECOND))
    world_send (f->b, f->a, "x", 1, 0);
  g_assert_cmpuint (count_kept (f, NULL, EW_MESSAGE_INITIATION), ==, 0);
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, 1);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2);
  g_assert_cmpuint (f->b->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2);
  g_assert_cmpuint (f->a->delivered, ==, 125);
}

static void
test_rekey_when_receiving (Fixture *f, gconstpointer data)
{
  establish (f);
  /* a only listens (its passive keepalives are swallowed by data of b coming first? no: they renew too, so keep them
   * out). */
  uint64_t made = world_stats (f->a, f->b).last_handshake_ns;
  world_run (f->world, made + 164 * WORLD_SECOND - f->world->time.now_ns);
  world_send (f->b, f->a, "x", 1, 0);
  world_run (f->world, WORLD_SECOND / 2);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  world_run (f->world, made + 165 * WORLD_SECOND - f->world->time.now_ns);
  world_send (f->b, f->a, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2);
}

static void
test_reject_after_180s (Fixture *f, gconstpointer data)
{
  establish (f);
  uint64_t made = world_stats (f->a, f->b).last_handshake_ns;
  world_send (f->a, f->b, "early", 5, 0);
  Kept *late = g_memdup2 (&f->kept, sizeof f->kept);
  world_run (f->world, made + 179 * WORLD_SECOND - f->world->time.now_ns);
  g_assert_true (ew_peer_has_session (world_peer (f->b, f->a), &f->world->time));
  world_run (f->world, 2 * WORLD_SECOND);
  g_assert_false (ew_peer_has_session (world_peer (f->a, f->b), &f->world->time));
  g_assert_false (ew_peer_has_session (world_peer (f->b, f->a), &f->world->time));
  EwDeviceStats before, after;
  ew_testing_get_device_stats (f->b->device, &before);
  world_inject (f->b, late->all[0].data, late->all[0].len, f->a->address, 0);
  ew_testing_get_device_stats (f->b->device, &after);
  g_assert_cmpuint (after.rx_invalid, ==, before.rx_invalid + 1);
  g_free (late);
  f->kept.n = 0;
  world_send (f->a, f->b, "x", 1, 0);
  world_send (f->b, f->a, "x", 1, 0);
  g_assert_cmpuint (count_kept (f, NULL, EW_MESSAGE_DATA), ==, 0); /* nor is anything sent on it */
  g_assert_cmpuint (count_kept (f, NULL, EW_MESSAGE_INITIATION), ==, 2);
}

/* Packets of the session before, overtaken by the handshake, are still good, on both sides. */
static void
test_late_packets (Fixture *f, gconstpointer data)
{
  establish (f);
  f->a->unreachable = f->b->unreachable = TRUE; /* these two are only kept */
  world_send (f->a, f->b, "late", 4, 0);
  world_send (f->b, f->a, "late", 4, 0);
  f->a->unreachable = f->b->unreachable = FALSE;
  Kept *late = g_memdup2 (&f->kept, sizeof f->kept);
  world_run (f->world, 6 * WORLD_SECOND);
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, FALSE);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 2);
  world_inject (f->b, late->all[0].data, late->all[0].len, f->a->address, 0);
  world_inject (f->a, late->all[1].data, late->all[1].len, f->b->address, 0);
  g_assert_cmpuint (f->a->delivered, ==, 1);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  g_free (late);
}

static void
test_keys_zeroed_after_540s (Fixture *f, gconstpointer data)
{
  establish (f);
  world_run (f->world, 535 * WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_SESSION_EXPIRED] + f->b->events[EW_PEER_SESSION_EXPIRED], ==, 0);
  world_run (f->world, 10 * WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_SESSION_EXPIRED], ==, 1);
  g_assert_cmpuint (f->b->events[EW_PEER_SESSION_EXPIRED], ==, 1);
  g_assert_cmpuint (ew_device_deadline (f->a->device), ==, UINT64_MAX);
}

static void
test_persistent_keepalive (Fixture *f, gconstpointer data)
{
  ew_peer_set_keepalive (world_peer (f->a, f->b), 25, &f->world->time); /* switched on: at once */
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  f->kept.n = 0;
  world_run (f->world, 100 * WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_DATA), ==, 4);
  g_assert_cmpuint (f->kept.n, ==, 4);
  ew_peer_set_keepalive (world_peer (f->a, f->b), 0, &f->world->time);
  world_run (f->world, 100 * WORLD_SECOND);
  g_assert_cmpuint (f->kept.n, ==, 4);
}

/* To multiples of 16, never above the MTU (1420); what arrives is what was sent. */
static size_t delivered_len;

static void
note_len (WorldNode *node, EwPeer *from, const EwPacket *packet)
{
  delivered_len = packet->len;
  for (size_t i = packet->len; i < 1420 && i % 16 != 0; i++)
    g_assert_cmpuint (packet->data[i], ==, 0); /* padding reveals nothing */
}

static void
test_padding (Fixture *f, gconstpointer data)
{
  static uint8_t payload[1500];
  establish (f);
  f->world->on_deliver = note_len;
  for (size_t len = 20; len <= 1430; len++)
    {
      f->kept.n = 0;
      world_send (f->a, f->b, payload, len - 20, 0);
      size_t expected = len > 1420 ? len : MIN ((len + 15) / 16 * 16, 1420);
      g_assert_cmpuint (f->kept.all[0].len, ==, 16 + expected + 16);
      world_run (f->world, 20 * 1000 * 1000);
      g_assert_cmpuint (delivered_len, ==, len);
    }
}

/* Sealed by a session of their own making, a peer's packets are still not trusted. */
static void
test_inner_checks (Fixture *f, gconstpointer data)
{
  EwPacket packet;
  EwPeer *to = world_peer (f->a, f->b);
  establish (f);
  g_autofree uint8_t *other = world_packet (7, 2, "x", 1, 0, &packet);
  g_assert_nonnull (other);
  ew_peer_send (to, &packet, 1, &f->world->time);
  WorldNode *c = world_add (f->world, FALSE);
  world_join (c, f->b, NULL, NULL);
  g_autofree uint8_t *others = world_packet (c->number, 2, "x", 1, 0, &packet); /* another peer's address */
  g_assert_nonnull (others);
  ew_peer_send (to, &packet, 1, &f->world->time);
  g_autofree uint8_t *cut = world_packet (1, 2, "xxxxxxxxxxxxxxxxxxxxxxxx", 24, 0, &packet);
  g_assert_nonnull (cut);
  packet.data[2] = 0xff; /* claims to be longer than it is */
  ew_peer_send (to, &packet, 1, &f->world->time);
  packet.data[0] = 0x25; /* isn't an IP packet */
  ew_peer_send (to, &packet, 1, &f->world->time);
  packet.len = 0;
  ew_peer_send (to, &packet, 1, &f->world->time);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 0);
  g_assert_cmpuint (world_stats (f->b, f->a).dropped_source, ==, 2);
  g_assert_cmpuint (world_stats (f->b, f->a).rx_packets, ==, 1); /* establish()'s */
  EwDeviceStats stats;
  ew_testing_get_device_stats (f->b->device, &stats);
  g_assert_cmpuint (stats.rx_invalid, ==, 2);
}

static void
test_no_peer_takes_it (Fixture *f, gconstpointer data)
{
  EwPacket packets[4];
  uint8_t *buffers[4];
  const unsigned to[4] = { 2, 9, 2, 8 };
  establish (f);
  for (unsigned i = 0; i < 4; i++)
    buffers[i] = world_packet (1, to[i], "x", 1, 0, &packets[i]);
  uint8_t *nine = packets[1].data, *eight = packets[3].data;
  g_assert_cmpuint (ew_lane_send (ew_device_get_lane (f->a->device), packets, 4, &f->world->time), ==, 2);
  g_assert_true (packets[0].data == nine && packets[1].data == eight);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 2);
  for (unsigned i = 0; i < 4; i++)
    g_free (buffers[i]);
  /* b has no route to a third one, and reports it at once. */
  WorldNode *c = world_add (f->world, FALSE);
  world_join (c, f->b, NULL, NULL);
  g_assert_cmpuint (world_send (f->b, c, "x", 1, 0), ==, 1);
}

static void
test_replayed_data (Fixture *f, gconstpointer data)
{
  establish (f);
  world_send (f->a, f->b, "once", 4, 0);
  Kept *kept = g_memdup2 (&f->kept, sizeof f->kept);
  world_run (f->world, WORLD_SECOND);
  for (unsigned i = 0; i < 3; i++)
    world_inject (f->b, kept->all[0].data, kept->all[0].len, 4711, 0);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  g_assert_cmpuint (world_stats (f->b, f->a).dropped_replay, ==, 3);
  g_assert_cmpuint (ew_peer_get_endpoint (world_peer (f->b, f->a))->id, ==, f->a->address); /* and no endpoint
                                                                                               changes */
  g_free (kept);
}

/* With any altered byte or any other length, nothing happens and no endpoint changes. */
static void
test_tampered (Fixture *f, gconstpointer data)
{
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  Kept *kept = g_memdup2 (&f->kept, sizeof f->kept);
  unsigned sent = f->kept.n;
  EwDeviceStats stats;
  ew_testing_get_device_stats (f->b->device, &stats);
  uint64_t invalid = stats.rx_invalid, tries = 0;
  world_restart (f->b); /* so that nothing is a replay */
  world_join (f->a, f->b, NULL, NULL);
  invalid = 0;
  for (unsigned n = 0; n < MIN (sent, KEPT); n++)
    for (size_t i = 0; i < kept->all[n].len; i++)
      {
        if (kept->all[n].data[0] == EW_MESSAGE_INITIATION && i >= sizeof (EwMessageInitiation) - EW_MAC_SIZE)
          continue; /* mac2 is looked at under load only */
        kept->all[n].data[i] ^= 0x40;
        world_inject (f->b, kept->all[n].data, kept->all[n].len, 4711, 0);
        kept->all[n].data[i] ^= 0x40;
        world_inject (f->b, kept->all[n].data, i, 4711, 0);
        tries += 2;
      }
  ew_testing_get_device_stats (f->b->device, &stats);
  g_assert_cmpuint (stats.rx_invalid - invalid, ==, tries);
  g_assert_cmpuint (f->kept.n, ==, sent);
  g_assert_cmpint (ew_peer_get_endpoint (world_peer (f->b, f->a))->kind, ==, EW_ENDPOINT_NONE);
  world_inject (f->b, kept->all[0].data, kept->all[0].len, f->a->address, 0); /* whole, it is answered, once */
  world_inject (f->b, kept->all[0].data, kept->all[0].len, f->a->address, 0);
  g_assert_cmpuint (f->kept.n, ==, sent + 1);
  g_free (kept);
}

static void
test_roaming (Fixture *f, gconstpointer data)
{
  establish (f);
  f->b->events[EW_PEER_ROAMED] = 0;
  world_roam (f->a);
  world_send (f->a, f->b, "from elsewhere", 14, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->events[EW_PEER_ROAMED], ==, 1);
  g_assert_cmpuint (ew_peer_get_endpoint (world_peer (f->b, f->a))->id, ==, f->a->address);
  world_send (f->b, f->a, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 1);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1); /* within the session */
}

/* The peer has two addresses and the first is dead: the same initiation, sent to the second, is enough. */
static void
test_repeated_elsewhere (Fixture *f, gconstpointer data)
{
  EwPeer *b = world_peer (f->a, f->b);
  const EwTime *time = &f->world->time;
  EwEndpoint alive = *ew_peer_get_endpoint (b), dead = alive;
  dead.id = 4711;
  ew_peer_set_endpoint (b, &dead);
  g_assert_false (ew_peer_repeat_initiation (b, &alive, time)); /* none is under way */
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, WORLD_SECOND / 4);
  g_assert_false (ew_peer_has_session (b, time));
  g_assert_true (ew_peer_repeat_initiation (b, &alive, time));
  g_assert_true (ew_peer_repeat_initiation (b, &alive, time));
  world_run (f->world, WORLD_SECOND / 4);
  g_assert_true (ew_peer_has_session (b, time));
  g_assert_cmpuint (ew_peer_get_endpoint (b)->id, ==, f->b->address);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  g_assert_cmpuint (f->a->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  g_assert_cmpuint (f->b->events[EW_PEER_HANDSHAKE_COMPLETE], ==, 1);
  g_assert_false (ew_peer_repeat_initiation (b, &alive, time));
  /* Only the latest of the device: another peer's is never sent in its place. */
  WorldNode *c = world_add (f->world, FALSE);
  world_join (f->a, c, NULL, NULL);
  ew_peer_initiate (b, time, true);
  ew_peer_initiate (world_peer (f->a, c), time, true);
  g_assert_false (ew_peer_repeat_initiation (b, &alive, time));
}

static uint8_t delivered_tos;
static gboolean checksum_right;

static void
note_tos (WorldNode *node, EwPeer *from, const EwPacket *packet)
{
  delivered_tos = packet->data[1];
  checksum_right = ew_checksum (packet->data, 20, 0) == 0;
}

static void
test_traffic_class (Fixture *f, gconstpointer data)
{
  world_send (f->a, f->b, "x", 1, 0);
  g_assert_cmpuint (f->kept.all[0].dscp_ecn, ==, 0x88); /* an initiation: AF41 */
  world_run (f->world, WORLD_SECOND);
  f->world->on_deliver = note_tos;
  for (uint8_t ecn = 0; ecn < 4; ecn++)
    {
      f->kept.n = 0;
      world_send (f->a, f->b, "x", 1, (uint8_t)(0xb8 | ecn));
      g_assert_cmpuint (f->kept.all[0].dscp_ecn, ==, ecn); /* DSCP stays inside */
      world_run (f->world, WORLD_SECOND);
      g_assert_cmpuint (delivered_tos, ==, 0xb8 | ecn);
    }
  f->kept.n = 0;
  world_send (f->a, f->b, "x", 1, 2);
  Kept *kept = g_memdup2 (&f->kept, sizeof f->kept);
  f->b->delivered = 0;
  world_inject (f->b, kept->all[0].data, kept->all[0].len, f->a->address, 3); /* congestion on the way */
  g_assert_cmpuint (f->b->delivered, ==, 1);
  g_assert_cmpuint (delivered_tos, ==, 3);
  g_assert_true (checksum_right);
  g_free (kept);
}

static void
test_preshared_key (Fixture *f, gconstpointer data)
{
  uint8_t key[32] = { 1, 2, 3 }, got[32];
  ew_peer_set_preshared_key (world_peer (f->a, f->b), key);
  world_send (f->a, f->b, "x", 1, 0);
  world_run (f->world, 4 * WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 0);
  ew_peer_set_preshared_key (world_peer (f->b, f->a), key);
  ew_peer_get_preshared_key (world_peer (f->b, f->a), got);
  g_assert_cmpmem (got, 32, key, 32);
  world_run (f->world, 3 * WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 1);
}

static void
test_identity (Fixture *f, gconstpointer data)
{
  const uint8_t zero[32] = { 0 };
  uint8_t public_key[32];
  g_assert_null (ew_device_add_peer (f->a->device, f->a->public_key));
  g_assert_null (ew_device_add_peer (f->a->device, zero));
  g_assert_true (ew_device_add_peer (f->a->device, f->b->public_key) == world_peer (f->a, f->b));
  g_assert_cmpuint (ew_device_count_peers (f->a->device), ==, 1);
  establish (f);
  ew_device_set_private_key (f->b->device, f->b->private_key); /* the same again changes nothing */
  g_assert_true (ew_peer_has_session (world_peer (f->b, f->a), &f->world->time));
  ew_device_set_private_key (f->b->device, zero);
  ew_device_get_public_key (f->b->device, public_key);
  g_assert_cmpmem (public_key, 32, zero, 32);
  g_assert_false (ew_peer_has_session (world_peer (f->b, f->a), &f->world->time));
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, TRUE);
  ew_peer_initiate (world_peer (f->b, f->a), &f->world->time, TRUE);
  world_run (f->world, 30 * WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE) + count_kept (f, f->b, EW_MESSAGE_INITIATION), ==, 0);
  ew_device_set_private_key (f->b->device, f->b->private_key);
  world_run (f->world, 10 * WORLD_SECOND);
  g_assert_true (ew_peer_has_session (world_peer (f->a, f->b), &f->world->time));
}

/* A new private key: what was computed with the old one is forgotten, peers stay. */
static void
test_new_private_key (Fixture *f, gconstpointer data)
{
  const uint8_t key[32] = { 7 };
  establish (f);
  ew_device_set_private_key (f->b->device, key);
  ew_peer_remove (world_peer (f->a, f->b));
  ew_device_get_public_key (f->b->device, f->b->public_key);
  world_join (f->a, f->b, NULL, NULL);
  world_send (f->b, f->a, "x", 1, 0); /* b still knows where a is */
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 1);
}

static void
test_forget_sessions (Fixture *f, gconstpointer data)
{
  establish (f);
  ew_peer_forget_sessions (world_peer (f->a, f->b));
  g_assert_false (ew_peer_has_session (world_peer (f->a, f->b), &f->world->time));
  g_assert_cmpuint (ew_device_deadline (f->a->device), ==, UINT64_MAX);
  world_send (f->a, f->b, "again", 5, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->b->delivered, ==, 1);
  ew_peer_remove (world_peer (f->a, f->b));
  g_assert_null (world_peer (f->a, f->b));
  world_send (f->b, f->a, "to nobody", 9, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 0);
}

static void
test_forced_initiation (Fixture *f, gconstpointer data)
{
  EwPeer *peer = world_peer (f->a, f->b);
  f->b->unreachable = TRUE;
  for (unsigned i = 0; i < 5; i++)
    ew_peer_initiate (peer, &f->world->time, FALSE);
  g_assert_cmpuint (f->kept.n, ==, 1);
  ew_peer_initiate (peer, &f->world->time, TRUE);
  g_assert_cmpuint (f->kept.n, ==, 2);
}

/* Two requests for a handshake at the same moment, as when a tunnel is set up: b would refuse the second initiation and
   answer the first.
 */
static void
test_hurry (Fixture *f, gconstpointer data)
{
  EwPeer *peer = world_peer (f->a, f->b);
  ew_peer_initiate (peer, &f->world->time, FALSE);
  ew_peer_hurry (peer, &f->world->time);
  world_run (f->world, WORLD_SECOND / 5);
  g_assert_true (ew_peer_has_session (peer, &f->world->time));
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, 1);
  f->b->unreachable = TRUE; /* unanswered, it is tried again soon, not in 5 s */
  world_run (f->world, WORLD_SECOND);
  f->kept.n = 0;
  ew_peer_hurry (peer, &f->world->time);
  ew_peer_hurry (peer, &f->world->time);
  world_run (f->world, WORLD_SECOND / 5);
  g_assert_cmpuint (count_kept (f, f->a, EW_MESSAGE_INITIATION), ==, 2);
}

/* Both at once: the retries' jitter parts them. */
static void
test_simultaneous_initiations (Fixture *f, gconstpointer data)
{
  establish (f);
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, TRUE);
  ew_peer_initiate (world_peer (f->b, f->a), &f->world->time, TRUE);
  world_run (f->world, 6 * WORLD_SECOND);
  world_send (f->a, f->b, "x", 1, 0);
  world_send (f->b, f->a, "x", 1, 0);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (f->a->delivered, ==, 1);
  g_assert_cmpuint (f->b->delivered, ==, 1);
}

/* A clock that goes back, a restart with the persisted floor, a peer removed and added: initiations are still newer.
 */
static void
test_timestamps_never_go_back (Fixture *f, gconstpointer data)
{
  establish (f);
  f->world->time.realtime_ns -= 86400 * WORLD_SECOND;
  for (unsigned i = 0; i < 3; i++)
    {
      world_run (f->world, WORLD_SECOND);
      ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, TRUE);
      world_run (f->world, WORLD_SECOND);
      g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, i + 1);
    }
  uint64_t floor_ns = ew_device_get_timestamp_floor (f->a->device);
  g_assert_cmpuint (floor_ns, >, f->world->time.realtime_ns);
  world_restart (f->a);
  world_join (f->a, f->b, NULL, NULL);
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, TRUE);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, 4);
  ew_peer_remove (world_peer (f->a, f->b));
  world_join (f->a, f->b, NULL, NULL);
  ew_peer_initiate (world_peer (f->a, f->b), &f->world->time, TRUE);
  world_run (f->world, WORLD_SECOND);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, 5);
}

/* Under a flood of initiations, b asks for cookies, and a, which answers, still gets through. */
static void
test_under_load (Fixture *f, gconstpointer data)
{
  World *world = f->world;
  EwMessageInitiation forged = { .type = { EW_MESSAGE_INITIATION } };
  EwCookieMaker maker;
  ew_cookie_maker_init (&maker);
  EwDeviceStats stats;
  for (unsigned i = 0; i < 600; i++) /* each costs b its DH until it is under load */
    {
      ew_store_le32 (forged.sender_index, i);
      ew_cookie_add_macs (&maker, f->b->public_key, (uint8_t *)&forged, sizeof forged, world->time.now_ns);
      world_inject (f->b, (uint8_t *)&forged, sizeof forged, 4711, 0);
    }
  ew_testing_get_device_stats (f->b->device, &stats);
  g_assert_cmpuint (stats.rx_cookie_required, >, 80);
  f->kept.n = 0;
  ew_peer_initiate (world_peer (f->a, f->b), &world->time, TRUE);
  world_run (world, WORLD_SECOND / 10);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_COOKIE_REPLY), ==, 1);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, 0);
  ew_peer_initiate (world_peer (f->a, f->b), &world->time, TRUE); /* now with the cookie */
  world_run (world, WORLD_SECOND / 10);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), ==, 1);
  for (unsigned i = 0; i < 20; i++) /* and even with it, only so often */
    {
      ew_peer_initiate (world_peer (f->a, f->b), &world->time, TRUE);
      world_run (world, WORLD_SECOND / 50);
    }
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_RESPONSE), <, 18);
  world_run (world, 2 * WORLD_SECOND);
  f->kept.n = 0;
  world_inject (f->b, (uint8_t *)&forged, sizeof forged, 4711, 0);
  g_assert_cmpuint (count_kept (f, f->b, EW_MESSAGE_COOKIE_REPLY), ==, 0); /* the load has ended */
}

/* Through a router between two, many packets a batch. */
static void
test_hairpin (Fixture *f, gconstpointer data)
{
  g_autoptr (World) world = world_new ((uint64_t)g_test_rand_int ());
  WorldNode *edge = world_add (world, TRUE), *a = world_add (world, FALSE), *b = world_add (world, FALSE);
  world_join (a, edge, "all", NULL);
  world_join (b, edge, "all", NULL);
  ew_peer_initiate (world_peer (b, edge), &world->time, FALSE);
  world_run (world, WORLD_SECOND);
  for (unsigned i = 0; i < 300; i++)
    g_assert_cmpuint (world_send (a, b, &i, sizeof i, 0), ==, 0);
  world_run (world, WORLD_SECOND);
  g_assert_cmpuint (b->delivered, ==, 128); /* staged at first */
  for (unsigned i = 0; i < 300; i++)
    world_send (a, b, &i, sizeof i, 0);
  world_run (world, WORLD_SECOND);
  g_assert_cmpuint (b->delivered, ==, 428);
  g_assert_cmpuint (edge->delivered, ==, 0);
}

static void
count_prefix (const EwPrefix *prefix, void *data)
{
  ++*(unsigned *)data;
}

static void
test_allowed_ips (Fixture *f, gconstpointer data)
{
  EwPeer *peer = world_peer (f->a, f->b);
  EwPrefix net;
  EwIp ip;
  unsigned n = 0;
  g_assert_true (ew_prefix_parse ("192.168.7.0/24", &net, NULL) && ew_ip_parse ("192.168.7.9", &ip));
  g_assert_null (ew_device_lookup (f->a->device, &ip));
  g_assert_true (ew_peer_add_allowed_ip (peer, &net));
  g_assert_true (ew_device_lookup (f->a->device, &ip) == peer);
  ew_peer_foreach_allowed_ip (peer, count_prefix, &n);
  g_assert_cmpuint (n, ==, 3);
  ew_peer_remove_allowed_ip (peer, &net);
  g_assert_null (ew_device_lookup (f->a->device, &ip));
  ew_testing_clear_allowed_ips (peer);
  n = 0;
  ew_peer_foreach_allowed_ip (peer, count_prefix, &n);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpuint (world_send (f->a, f->b, "x", 1, 0), ==, 1);
}

/* An edge with very many enrolled nodes that are offline. */
static void
test_many_idle_peers (Fixture *f, gconstpointer data)
{
  enum
  {
    MANY = 20000
  };
  EwDevice *device = f->a->device;
  size_t before = mallinfo2 ().uordblks;
  uint8_t key[32] = { 0 };
  for (unsigned i = 1; i <= MANY; i++)
    {
      memcpy (key, &i, sizeof i);
      EwPeer *peer = ew_device_add_peer (device, key);
      EwPrefix v4 = ew_prefix_from_ip (&(EwIp){ .family = EW_FAMILY_V4, .bytes = { 100, 64, key[1], key[0] } });
      EwPrefix v6 = ew_prefix_from_ip (&(EwIp){ .family = EW_FAMILY_V6, .bytes = { 0xfd, 64, key[1], key[0] } });
      g_assert_true (ew_peer_add_allowed_ip (peer, &v4) && ew_peer_add_allowed_ip (peer, &v6));
    }
  size_t each = (mallinfo2 ().uordblks - before) / MANY;
  g_test_message ("%zu bytes a peer", each);
#ifndef EW_WITH_ADDRESS_SANITIZER
  g_assert_cmpuint (each, <, 2048);
#endif
  EwEndpoint nowhere = { .kind = EW_ENDPOINT_MEMORY, .id = 1 };
  for (unsigned i = 1; i <= MANY; i++)
    {
      memcpy (key, &i, sizeof i);
      EwPeer *peer = ew_device_find_peer (device, key);
      g_assert_nonnull (peer);
      ew_peer_set_endpoint (peer, &nowhere);
      if (i % 64 == 0)
        ew_peer_set_keepalive (peer, (uint16_t)(25 + i % 100), &f->world->time);
    }
  world_run (f->world, 30 * WORLD_SECOND);
  g_assert_cmpuint (f->kept.n, >, MANY / 64);
  g_assert_cmpuint (ew_device_count_peers (device), ==, MANY + 1);
}

#define ADD(path, function) g_test_add ("/device/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("first-packets", test_first_packets);
  ADD ("responder-waits", test_responder_waits);
  ADD ("staging", test_staging);
  ADD ("gives-up", test_gives_up);
  ADD ("passive-keepalive", test_passive_keepalive);
  ADD ("new-handshake-after-silence", test_new_handshake_after_silence);
  ADD ("rekey-by-initiator", test_rekey_by_initiator);
  ADD ("rekey-when-receiving", test_rekey_when_receiving);
  ADD ("reject-after-180s", test_reject_after_180s);
  ADD ("late-packets", test_late_packets);
  ADD ("keys-zeroed-after-540s", test_keys_zeroed_after_540s);
  ADD ("persistent-keepalive", test_persistent_keepalive);
  ADD ("padding", test_padding);
  ADD ("inner-checks", test_inner_checks);
  ADD ("no-peer-takes-it", test_no_peer_takes_it);
  ADD ("replayed-data", test_replayed_data);
  ADD ("tampered", test_tampered);
  ADD ("roaming", test_roaming);
  ADD ("repeated-elsewhere", test_repeated_elsewhere);
  ADD ("traffic-class", test_traffic_class);
  ADD ("preshared-key", test_preshared_key);
  ADD ("identity", test_identity);
  ADD ("new-private-key", test_new_private_key);
  ADD ("forget-sessions", test_forget_sessions);
  ADD ("forced-initiation", test_forced_initiation);
  ADD ("hurry", test_hurry);
  ADD ("simultaneous-initiations", test_simultaneous_initiations);
  ADD ("timestamps-never-go-back", test_timestamps_never_go_back);
  ADD ("under-load", test_under_load);
  ADD ("hairpin", test_hairpin);
  ADD ("allowed-ips", test_allowed_ips);
  ADD ("many-idle-peers", test_many_idle_peers);
  return g_test_run ();
}
