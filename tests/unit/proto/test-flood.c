/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets of strangers at a device's port: counts what they may cost. Linked with --wrap for the two
 * functions that cost most, the DH and the opening of a batch. */
#include "pair.h"
#include "proto/aead.h"
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/crypto.h"
#include "proto/load.h"
#include "proto-testing.h"

#include <string.h>

#define S WORLD_SECOND

static unsigned n_agreements, n_openings; /* of batches that held something */

bool __real_ew_x25519_key_agree (const EwX25519Key *key, uint8_t out[32], const uint8_t public_key[32]);
bool __wrap_ew_x25519_key_agree (const EwX25519Key *key, uint8_t out[32], const uint8_t public_key[32]);
void __real_ew_aead_open_n (EwAeadItem *items, size_t n);
void __wrap_ew_aead_open_n (EwAeadItem *items, size_t n);

bool
__wrap_ew_x25519_key_agree (const EwX25519Key *key, uint8_t out[32], const uint8_t public_key[32])
{
  n_agreements++;
  return __real_ew_x25519_key_agree (key, out, public_key);
}

void
__wrap_ew_aead_open_n (EwAeadItem *items, size_t n)
{
  n_openings += n > 0;
  __real_ew_aead_open_n (items, n);
}

static void
random_bytes (uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)g_test_rand_int ();
}

/* A handshake message whose first mac is right, which everyone who knows b's public key can make. */
static void
forge (Pair *p, uint8_t *message, EwMessageType type, size_t len)
{
  EwCookieMaker maker;
  random_bytes (message, len);
  ew_store_le32 (message, type);
  ew_cookie_maker_init (&maker);
  ew_cookie_add_macs (&maker, p->b->public_key, message, len, p->world->time.now_ns);
}

static uint64_t
cookies_required (WorldNode *node)
{
  EwDeviceStats stats;
  ew_testing_get_device_stats (node->device, &stats);
  return stats.rx_cookie_required;
}

static void
test_repeats_cost_nothing (Pair *p, gconstpointer data)
{
  p->swallow = TRUE;
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  g_autofree Sent *initiation = pair_copy (pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0));
  pair_deliver (p, initiation);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
  n_agreements = 0;
  for (unsigned i = 0; i < 5000; i++)
    world_inject (p->b, initiation->data, initiation->len, 4711 + i % 32, 0);
  random_bytes (initiation->data + 132, 16); /* mac2 is not what it is known by */
  world_inject (p->b, initiation->data, initiation->len, 4711, 0);
  g_assert_cmpuint (n_agreements, ==, 0);
  g_assert_cmpuint (pair_invalid (p->b), ==, 5001);
  g_assert_cmpuint (cookies_required (p->b), ==, 0); /* nor is it load, which others would be asked cookies for */
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_COOKIE_REPLY), ==, 0);
  world_run (p->world, S);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_INITIATION, 1));
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 2);
}

/* A message is remembered once it has been processed, not when it was refused because of the load. */
static void
test_refused_is_not_a_repeat (Pair *p, gconstpointer data)
{
  p->swallow = TRUE;
  ew_testing_set_handshake_queue (p->b->device, EW_LOAD_QUEUE, p->world->time.now_ns);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  const Sent *initiation = pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0);
  pair_deliver (p, initiation);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 0);
  world_run (p->world, 4 * S);
  pair_deliver (p, initiation);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_RESPONSE), ==, 1);
}

static void
test_junk_costs_no_dh (Pair *p, gconstpointer data)
{
  static const size_t sizes[] = { 148, 92, 64, 32, 1452, 3, 0 };
  uint8_t junk[1452];
  pair_establish (p);
  n_agreements = 0;
  for (unsigned i = 0; i < 5000; i++)
    {
      random_bytes (junk, 148);
      ew_store_le32 (junk, i % 6);
      world_inject (p->b, junk, sizes[i % G_N_ELEMENTS (sizes)], 4711, 0);
    }
  for (unsigned i = 0; i < 5000; i++) /* that answer no initiation of b's */
    {
      forge (p, junk, EW_MESSAGE_RESPONSE, sizeof (EwMessageResponse));
      world_inject (p->b, junk, sizeof (EwMessageResponse), 4711, 0);
    }
  g_assert_cmpuint (n_agreements, ==, 0);
  g_assert_cmpuint (pair_invalid (p->b), ==, 10000);
  g_assert_cmpuint (cookies_required (p->b), ==, 0);
}

/* 64 datagrams at once, every other one of them made by `make` and not known to b. */
static void
check_data_goes_on (Pair *p, void (*make) (Pair *p, uint8_t *out))
{
  static uint8_t buffers[EW_BATCH_MAX][EW_HEADROOM + 256 + EW_TAILROOM];
  EwPacket datagrams[EW_BATCH_MAX];
  p->swallow = TRUE;
  pair_forget (p);
  for (unsigned i = 0; i < EW_BATCH_MAX; i++)
    {
      datagrams[i] = (EwPacket){ .data = buffers[i] + EW_HEADROOM, .len = 148 };
      datagrams[i].endpoint = (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY, .id = i % 2 == 0 ? p->a->address : 4711 };
      if (i % 2 == 1)
        {
          make (p, datagrams[i].data);
          continue;
        }
      pair_say (p, p->a);
      const Sent *word = pair_nth (p, p->a, EW_MESSAGE_DATA, i / 2);
      datagrams[i].len = word->len;
      memcpy (datagrams[i].data, word->data, word->len);
    }
  p->b->delivered = n_openings = n_agreements = 0;
  ew_lane_receive (ew_device_get_lane (p->b->device), datagrams, EW_BATCH_MAX, pair_time (p));
  g_assert_cmpuint (p->b->delivered, ==, EW_BATCH_MAX / 2);
  g_assert_cmpuint (n_openings, ==, 1); /* as if the others had not been there */
  g_assert_cmpuint (n_agreements, ==, 0);
}

static void
make_junk (Pair *p, uint8_t *out)
{
  random_bytes (out, 148);
}

static void
make_wrong_initiation (Pair *p, uint8_t *out)
{
  random_bytes (out, 148);
  ew_store_le32 (out, EW_MESSAGE_INITIATION);
}

static void
make_forged_initiation (Pair *p, uint8_t *out)
{
  forge (p, out, EW_MESSAGE_INITIATION, 148);
}

static uint8_t remembered[148];

static void
make_repeat (Pair *p, uint8_t *out)
{
  memcpy (out, remembered, sizeof remembered);
}

static void
test_data_goes_on (Pair *p, gconstpointer data)
{
  pair_establish (p);
  check_data_goes_on (p, make_junk);
  check_data_goes_on (p, make_wrong_initiation);
  make_forged_initiation (p, remembered);
  world_inject (p->b, remembered, sizeof remembered, 4711, 0);
  check_data_goes_on (p, make_repeat);
  ew_testing_set_handshake_queue (p->b->device, EW_LOAD_QUEUE / 8, p->world->time.now_ns);
  check_data_goes_on (p, make_forged_initiation); /* under load each gets a cookie reply */
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_COOKIE_REPLY), ==, EW_BATCH_MAX / 2);
  ew_testing_set_handshake_queue (p->b->device, EW_LOAD_QUEUE, p->world->time.now_ns);
  check_data_goes_on (p, make_forged_initiation);
  g_assert_cmpuint (pair_count (p, p->b, EW_MESSAGE_COOKIE_REPLY), ==, 0);
}

/* A flood with b's public key, ten thousand a second for ten seconds: the DHs stay below the load threshold. */
static void
test_forged_are_bounded (Pair *p, gconstpointer data)
{
  uint8_t message[148];
  p->swallow = TRUE;
  n_agreements = 0;
  for (unsigned i = 0; i < 100000; i++)
    {
      if (i % 100 == 0)
        world_run (p->world, S / 100);
      forge (p, message, EW_MESSAGE_INITIATION, sizeof message);
      world_inject (p->b, message, sizeof message, 4711 + i % 32, 0);
    }
  g_assert_cmpuint (n_agreements, <, 10 * EW_LOAD_HANDSHAKES_PER_SECOND / 2);
}

#define ADD(path, function) g_test_add ("/flood/" path, Pair, NULL, pair_set_up, function, pair_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("repeats-cost-nothing", test_repeats_cost_nothing);
  ADD ("refused-is-not-a-repeat", test_refused_is_not_a_repeat);
  ADD ("junk-costs-no-dh", test_junk_costs_no_dh);
  ADD ("data-goes-on", test_data_goes_on);
  ADD ("forged-are-bounded", test_forged_are_bounded);
  return g_test_run ();
}
