/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The protocol's behaviours by name: what is on the wires, what is taken from them, and what is left in memory. Linked
 * with --wrap=free, so that what the device frees can be looked at. */
#include "pair.h"
#include "proto/bytes.h"
#include "proto/packet.h"
#include "proto-testing.h"

#include <malloc.h>
#include <string.h>

#define S WORLD_SECOND

/* A counter that was changed on the way is not authentic, and moves no window; 8192 bits, of which one word slides. */
static void
test_replay_window_after_authentication (Pair *p, gconstpointer data)
{
  const uint64_t window = EW_REPLAY_BITS - 64;
  pair_establish (p);
  p->swallow = TRUE;
  for (unsigned i = 0; i < EW_REPLAY_BITS + 64; i++)
    pair_say (p, p->a);
  unsigned last = pair_count (p, p->a, EW_MESSAGE_DATA) - 1;
  g_autofree Sent *forged = pair_copy (pair_nth (p, p->a, EW_MESSAGE_DATA, 0));
  ew_store_le64 (forged->data + 8, UINT64_C (1) << 40);
  pair_deliver (p, forged);
  g_assert_cmpuint (p->b->delivered, ==, 0);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_DATA, 0));
  g_assert_cmpuint (p->b->delivered, ==, 1); /* … so this one is not old */
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_DATA, last));
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_DATA, last));
  g_assert_cmpuint (p->b->delivered, ==, 2);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_DATA, last - (unsigned)window));
  g_assert_cmpuint (p->b->delivered, ==, 2);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_DATA, last - (unsigned)window + 1));
  g_assert_cmpuint (p->b->delivered, ==, 3);
  g_assert_cmpuint (world_stats (p->b, p->a).dropped_replay, ==, 2);
}

static void
test_sizes_exact (Pair *p, gconstpointer data)
{
  static const size_t wrong[] = { 0, 3, 31, 63, 65, 91, 93, 147, 149 };
  p->swallow = TRUE;
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  g_assert_cmpuint (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0)->len, ==, 148);
  for (uint8_t type = 1; type <= 4; type++)
    for (unsigned i = 0; i < G_N_ELEMENTS (wrong); i++)
      {
        uint8_t bytes[149] = { type };
        uint64_t before = pair_invalid (p->b);
        memcpy (bytes + 4, pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0)->data + 4, 144);
        world_inject (p->b, bytes, wrong[i], p->a->address, 0);
        g_assert_cmpuint (pair_invalid (p->b), ==, before + 1);
      }
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 0);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0));
  g_assert_cmpuint (pair_nth (p, p->b, EW_MESSAGE_RESPONSE, 0)->len, ==, 92);
  pair_deliver (p, pair_nth (p, p->b, EW_MESSAGE_RESPONSE, 0));
  g_assert_cmpuint (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len, ==, 32);
}

/* An inner packet of so many bytes, and the datagram that carries it. */
static size_t
carried (Pair *p, size_t inner)
{
  static uint8_t payload[1500];
  pair_forget (p);
  world_send (p->a, p->b, payload, inner - 20, 0);
  return pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len;
}

static void
test_padding_to_16_never_above_mtu (Pair *p, gconstpointer data)
{
  pair_establish (p);
  g_assert_cmpuint (carried (p, 20), ==, 32 + 32);
  g_assert_cmpuint (carried (p, 32), ==, 32 + 32);
  g_assert_cmpuint (carried (p, 33), ==, 32 + 48);
  g_assert_cmpuint (carried (p, 1408), ==, 32 + 1408);
  g_assert_cmpuint (carried (p, 1409), ==, 32 + 1420); /* 1424 would be above */
  g_assert_cmpuint (carried (p, 1420), ==, 32 + 1420);
}

static size_t delivered_len;

static void
note_len (WorldNode *node, EwPeer *from, const EwPacket *packet)
{
  delivered_len = packet->len;
}

static void
test_trim_by_inner_length (Pair *p, gconstpointer data)
{
  EwPacket packet;
  pair_establish (p);
  p->world->on_deliver = note_len;
  for (size_t len = 1; len < 64; len++)
    {
      g_autofree uint8_t *buffer = world_packet (p->a->number, p->b->number, "", 0, 0, &packet);
      g_autofree uint8_t *larger = g_malloc0 (EW_HEADROOM + 100 + EW_TAILROOM);
      memcpy (larger + EW_HEADROOM, packet.data, 20);
      larger[EW_HEADROOM + 3] = 20; /* its header says 20; the rest is another implementation's padding */
      packet = (EwPacket){ .data = larger + EW_HEADROOM, .len = 20 + len };
      delivered_len = 0;
      ew_peer_send (p->b_of_a, &packet, 1, pair_time (p));
      world_run (p->world, LATENCY);
      g_assert_cmpuint (delivered_len, ==, 20);
    }
}

static void
test_zero_length_is_a_keepalive (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 30 * S);
  pair_forget (p);
  ew_peer_set_keepalive (p->b_of_a, 60, pair_time (p)); /* sends one at once */
  g_assert_cmpuint (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len, ==, 32);
  uint64_t before = world_stats (p->b, p->a).last_rx_ns;
  world_run (p->world, 30 * S);
  g_assert_cmpuint (world_stats (p->b, p->a).last_rx_ns, >, before);
  g_assert_cmpuint (p->b->delivered, ==, 0);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_DATA), ==, 0); /* no answer */
}

static void
test_allowed_ips_destination_and_source (Pair *p, gconstpointer data)
{
  EwPacket packet;
  pair_establish (p);
  g_autofree uint8_t *to_nobody = world_packet (p->a->number, 77, "x", 1, 0, &packet);
  g_assert_cmpuint (ew_lane_send (ew_device_get_lane (p->a->device), &packet, 1, pair_time (p)), ==, 1);
  g_assert_cmpuint (p->sent->len, ==, 0);
  g_autofree uint8_t *from_another = world_packet (77, p->b->number, "x", 1, 0, &packet);
  ew_lane_send (ew_device_get_lane (p->a->device), &packet, 1, pair_time (p));
  world_run (p->world, LATENCY);
  g_assert_cmpuint (p->b->delivered, ==, 0);
  g_assert_cmpuint (world_stats (p->b, p->a).dropped_source, ==, 1);
  g_assert_nonnull (to_nobody);
  g_assert_nonnull (from_another);
}

/* A node may use the source addresses within its prefixes, except those within another node's longer prefix: one own
   address doesn't grant the whole network, nor does an own network grant another node's address in it. */
static void
test_sources_within_prefixes (Pair *p, gconstpointer data)
{
  WorldNode *c = world_add (p->world, FALSE);
  world_join (c, p->b, NULL, NULL);
  const struct
  {
    bool from_c;
    uint8_t source[4];
    unsigned delivered;
  } rows[] = {
    { false, { 10, 8, 0, 9 }, 1 },   { false, { 10, 8, 0, 0 }, 1 },     { false, { 10, 8, 255, 255 }, 1 },
    { false, { 10, 8, 4, 255 }, 1 }, { false, { 10, 8, 6, 0 }, 1 },     { false, { 10, 8, 5, 0 }, 0 }, /* c's */
    { false, { 10, 8, 5, 255 }, 0 }, { false, { 10, 7, 255, 255 }, 0 }, { false, { 10, 9, 1, 0 }, 0 },
    { false, { 10, 9, 0, 0 }, 0 },   { false, { 10, 9, 0, 255 }, 0 },   { false, { 0, 0, 0, 0 }, 0 },
    { false, { 127, 0, 0, 1 }, 0 },  { true, { 10, 8, 5, 0 }, 1 },      { true, { 10, 8, 5, 255 }, 1 },
    { true, { 10, 8, 4, 255 }, 0 },  { true, { 10, 8, 6, 0 }, 0 },      { true, { 10, 8, 0, 9 }, 0 }, /* a's */
  };
  EwPrefix wide, inside;
  g_assert_true (ew_prefix_parse ("10.8.0.0/16", &wide, NULL) && ew_prefix_parse ("10.8.5.0/24", &inside, NULL));
  g_assert_true (ew_peer_add_allowed_ip (p->a_of_b, &wide));
  g_assert_true (ew_peer_add_allowed_ip (world_peer (p->b, c), &inside));
  pair_establish (p);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      WorldNode *sender = rows[i].from_c ? c : p->a;
      EwPacket packet;
      g_autofree uint8_t *buffer = world_packet (sender->number, p->b->number, "x", 1, 0, &packet);
      g_assert_nonnull (buffer);
      memcpy (packet.data + 12, rows[i].source, 4);
      p->b->delivered = 0;
      uint64_t dropped = world_stats (p->b, sender).dropped_source;
      ew_peer_send (world_peer (sender, p->b), &packet, 1, pair_time (p));
      world_run (p->world, S);
      g_test_message ("row %zu", i);
      g_assert_cmpuint (p->b->delivered, ==, rows[i].delivered);
      g_assert_cmpuint (world_stats (p->b, sender).dropped_source - dropped, ==, 1 - rows[i].delivered);
    }
}

/* An ICMP error in packet, with that type, from 10.9.0.`from` to b, about a packet from 10.9.0.`sender` to
   10.9.0.`towards`. */
static uint8_t *
make_report (Pair *p, unsigned from, uint8_t type, unsigned sender, unsigned towards, EwPacket *packet)
{
  uint8_t icmp[8 + 28] = { type, 4, [8] = 0x45 };
  memcpy (icmp + 8 + 12, (uint8_t[]){ 10, 9, 0, (uint8_t)sender, 10, 9, 0, (uint8_t)towards }, 8);
  uint8_t *buffer = world_packet (from, p->b->number, icmp, sizeof icmp, 0, packet);
  packet->data[9] = 1; /* ICMP */
  packet->data[10] = packet->data[11] = 0;
  uint16_t sum = ew_checksum (packet->data, 20, 0);
  packet->data[10] = (uint8_t)(sum >> 8);
  packet->data[11] = (uint8_t)sum;
  return buffer;
}

/* A router behind a reports from an address that no node has: accepted because of the packet that it quotes. */
static void
test_reports_of_routers_behind_a_peer (Pair *p, gconstpointer data)
{
  enum
  {
    ROUTER = 77
  };
  WorldNode *c = world_add (p->world, FALSE);
  world_join (c, p->b, NULL, NULL);
  const unsigned a = p->a->number, b = p->b->number;
  const struct
  {
    unsigned from;
    uint8_t type;
    unsigned sender, towards, delivered;
  } rows[] = {
    { ROUTER, 3, b, a, 1 },      { ROUTER, 11, b, a, 1 },
    { ROUTER, 12, b, a, 1 },     { ROUTER, 5, b, a, 0 },         /* a redirect */
    { ROUTER, 8, b, a, 0 },                                      /* no error */
    { ROUTER, 3, ROUTER, a, 0 },                                 /* b has not sent that */
    { ROUTER, 3, b, ROUTER, 0 }, { ROUTER, 3, b, c->number, 0 }, /* not on its way to a */
    { c->number, 3, b, a, 0 },                                   /* c's own address */
    { a, 3, b, a, 1 },           { a, 11, b, a, 1 },             /* from its own address the same … */
    { a, 3, b, c->number, 0 },   { a, 3, b, ROUTER, 0 },         /* … or a could narrow b's path to c */
    { a, 3, c->number, a, 0 },   { a, 8, b, c->number, 1 },      /* no error */
  };
  pair_establish (p);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      EwPacket packet;
      g_autofree uint8_t *buffer
        = make_report (p, rows[i].from, rows[i].type, rows[i].sender, rows[i].towards, &packet);
      g_assert_nonnull (buffer);
      p->b->delivered = 0;
      uint64_t dropped = world_stats (p->b, p->a).dropped_source;
      ew_peer_send (p->b_of_a, &packet, 1, pair_time (p));
      world_run (p->world, LATENCY);
      g_test_message ("row %zu", i);
      g_assert_cmpuint (p->b->delivered, ==, rows[i].delivered);
      g_assert_cmpuint (world_stats (p->b, p->a).dropped_source - dropped, ==, 1 - rows[i].delivered);
    }
}

/* Where b has a now. */
static uint64_t
known_address (Pair *p)
{
  return ew_peer_get_endpoint (p->a_of_b)->id;
}

static void
test_roaming_on_any_authenticated_packet (Pair *p, gconstpointer data)
{
  pair_establish (p);
  world_run (p->world, 30 * S);
  world_roam (p->a); /* a keepalive */
  ew_peer_set_keepalive (p->b_of_a, 60, pair_time (p));
  world_run (p->world, LATENCY);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
  world_roam (p->a); /* data */
  pair_say (p, p->a);
  world_run (p->world, LATENCY);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
  world_roam (p->a); /* an initiation */
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  world_run (p->world, LATENCY);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
  world_run (p->world, 10 * S);
  p->swallow = TRUE; /* a response */
  pair_forget (p);
  ew_peer_initiate (p->a_of_b, pair_time (p), TRUE);
  pair_deliver (p, pair_nth (p, p->b, EW_MESSAGE_INITIATION, 0));
  world_roam (p->a);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_RESPONSE, 0));
  g_assert_cmpuint (known_address (p), ==, p->a->address);
}

static void
test_no_roaming_on_forged_or_replayed (Pair *p, gconstpointer data)
{
  pair_establish (p);
  pair_say (p, p->a);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  world_run (p->world, LATENCY);
  g_autofree Sent *word = pair_copy (pair_nth (p, p->a, EW_MESSAGE_DATA, 0));
  g_autofree Sent *initiation = pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0));
  world_run (p->world, S);
  world_inject (p->b, word->data, word->len, 4711, 0);
  world_inject (p->b, initiation->data, initiation->len, 4711, 0);
  word->data[word->len - 1] ^= 1;
  world_inject (p->b, word->data, word->len, 4711, 0);
  g_assert_cmpuint (known_address (p), ==, p->a->address);
}

static void
test_outer_dscp_0_handshakes_af41 (Pair *p, gconstpointer data)
{
  world_send (p->a, p->b, "x", 1, 0xb8);
  g_assert_cmphex (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0)->dscp_ecn, ==, 0x88);
  world_run (p->world, S);
  g_assert_cmphex (pair_nth (p, p->b, EW_MESSAGE_RESPONSE, 0)->dscp_ecn, ==, 0x88);
  for (unsigned ecn = 0; ecn < 4; ecn++)
    {
      pair_forget (p);
      world_send (p->a, p->b, "x", 1, (uint8_t)(0xb8 | ecn)); /* EF inside */
      g_assert_cmphex (pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->dscp_ecn, ==, ecn);
    }
}

/* Under load b answers an initiation without mac2 with a cookie, and one with it with a response; in a second without
   load it asks for none. */
static void
test_under_load_mac2_or_cookie (Pair *p, gconstpointer data)
{
  static const uint8_t none[EW_MAC_SIZE];
  ew_testing_set_handshake_queue (p->b->device, 511, p->world->time.now_ns); /* and this one: an eighth of 4096 */
  p->swallow = TRUE;
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  const Sent *bare = pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0);
  g_assert_cmpmem (bare->data + 132, 16, none, 16);
  pair_deliver (p, bare);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 0);
  g_assert_cmpuint (pair_nth (p, p->b, EW_MESSAGE_COOKIE_REPLY, 0)->len, ==, 64);
  pair_deliver (p, pair_nth (p, p->b, EW_MESSAGE_COOKIE_REPLY, 0));
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  const Sent *with_cookie = pair_nth (p, p->a, EW_MESSAGE_INITIATION, 1);
  g_assert_true (memcmp (with_cookie->data + 132, none, 16) != 0);
  world_inject (p->b, with_cookie->data, with_cookie->len, 4711, 0); /* a cookie is good for one address */
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 0);
  pair_deliver (p, with_cookie);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
  world_run (p->world, S); /* the load has ended a second ago */
  ew_peer_forget_sessions (p->b_of_a);
  world_run (p->world, 120 * S); /* the cookie is too old by now */
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_INITIATION, pair_count (p, p->a, EW_MESSAGE_INITIATION) - 1));
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 2);
}

/* Secrets that must not remain in freed memory. */
static struct
{
  const uint8_t *bytes;
  size_t len;
} secrets[8];
static unsigned n_secrets;
static volatile unsigned n_freed, n_leaks; /* compilers think that free() touches no variable */

void __real_free (void *memory);
void __wrap_free (void *memory);

void
__wrap_free (void *memory)
{
  size_t size = memory != NULL && n_secrets > 0 ? malloc_usable_size (memory) : 0;
  for (unsigned i = 0; i < n_secrets && size > 0; i++)
    if (memmem (memory, size, secrets[i].bytes, secrets[i].len) != NULL)
      n_leaks++;
  n_freed += size > 0;
  __real_free (memory);
}

static void
watch_secret (const void *bytes, size_t len)
{
  secrets[n_secrets].bytes = bytes;
  secrets[n_secrets++].len = len;
}

static void
test_keys_zeroed_when_dropped (Pair *p, gconstpointer data)
{
  static uint8_t preshared[33] = "a preshared key of 32 bytes, no."; /* and the string's end */
  static const char staged[] = "a packet that waits for a session";
  n_secrets = n_freed = n_leaks = 0;
  ew_peer_set_preshared_key (p->b_of_a, preshared);
  ew_peer_set_preshared_key (p->a_of_b, preshared);
  pair_establish (p);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE); /* a handshake under way, beside a session */
  watch_secret (p->a->private_key + 1, 30);          /* the ends are clamped */
  watch_secret (p->b->private_key + 1, 30);
  watch_secret (preshared, 32);
  watch_secret (staged, sizeof staged);
  ew_peer_forget_sessions (p->a_of_b);
  p->b->unreachable = TRUE;
  world_run (p->world, 600 * S);
  g_assert_cmpuint (p->a->events[EW_PEER_SESSION_EXPIRED], ==, 1);
  world_send (p->a, p->b, staged, sizeof staged, 0);
  ew_peer_remove (p->b_of_a);
  ew_peer_remove (p->a_of_b);
  world_restart (p->a);
  world_restart (p->b);
  g_assert_cmpuint (n_freed, >, 6);
  g_assert_cmpuint (n_leaks, ==, 0);
  /* The watch works. */
  uint8_t *copy = malloc (32);
  memcpy (copy, preshared, 32);
  __wrap_free (copy); /* under this name, so that the compiler doesn't remove the memcpy() */
  g_assert_cmpuint (n_leaks, ==, 1);
  n_secrets = 0;
}

#define ADD(path, function) g_test_add ("/behaviour/" path, Pair, NULL, pair_set_up, function, pair_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("replay-window-of-8192-bits-after-authentication", test_replay_window_after_authentication);
  ADD ("sizes-exact", test_sizes_exact);
  ADD ("padding-to-16-never-above-the-mtu", test_padding_to_16_never_above_mtu);
  ADD ("trim-by-inner-length", test_trim_by_inner_length);
  ADD ("zero-length-is-a-keepalive", test_zero_length_is_a_keepalive);
  ADD ("allowed-ips-destination-and-source", test_allowed_ips_destination_and_source);
  ADD ("sources-within-prefixes", test_sources_within_prefixes);
  ADD ("reports-of-routers-behind-a-peer", test_reports_of_routers_behind_a_peer);
  ADD ("roaming-on-any-authenticated-packet", test_roaming_on_any_authenticated_packet);
  ADD ("no-roaming-on-forged-or-replayed", test_no_roaming_on_forged_or_replayed);
  ADD ("outer-dscp-0-handshakes-af41", test_outer_dscp_0_handshakes_af41);
  ADD ("under-load-mac2-or-cookie-reply", test_under_load_mac2_or_cookie);
  ADD ("keys-zeroed-when-dropped", test_keys_zeroed_when_dropped);
  return g_test_run ();
}
