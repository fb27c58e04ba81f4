/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The protocol's behaviours by name: what a batch may hold, and how what must not be told is compared. Linked with
 * --wrap=CRYPTO_memcmp, libcrypto's comparison in constant time. */
#include "pair.h"
#include "proto/aead.h"
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/crypto.h"
#include "proto-testing.h"

#include <string.h>

#define S WORLD_SECOND

static unsigned n_compared;

int __real_CRYPTO_memcmp (const void *a, const void *b, size_t n);
int __wrap_CRYPTO_memcmp (const void *a, const void *b, size_t n);

int
__wrap_CRYPTO_memcmp (const void *a, const void *b, size_t n)
{
  n_compared++;
  return __real_CRYPTO_memcmp (a, b, n);
}

/* UDP_GRO joins datagrams by size, not by session: between the last ones of the old keys lie the first of the new. */
static void
test_gro_message_across_a_rekey (Pair *p, gconstpointer data)
{
  static const unsigned order[] = { 0, 3, 1, 4, 2 }; /* old, new, old, new; old: late, in a message of its own */
  uint8_t message[5 * 256];
  EwPacket datagrams[5];
  const Sent *words[8];
  unsigned n = 0;

  pair_establish (p);
  world_run (p->world, 10 * S);
  pair_forget (p);
  p->swallow = TRUE;
  for (unsigned i = 0; i < 3; i++)
    pair_say (p, p->a);
  ew_peer_initiate (p->b_of_a, pair_time (p), TRUE);
  pair_deliver (p, pair_nth (p, p->a, EW_MESSAGE_INITIATION, 0));
  pair_deliver (p, pair_nth (p, p->b, EW_MESSAGE_RESPONSE, 0));
  pair_say (p, p->a);
  pair_say (p, p->a);

  size_t len = pair_nth (p, p->a, EW_MESSAGE_DATA, 0)->len;
  for (unsigned i = 0; i < pair_count (p, p->a, EW_MESSAGE_DATA); i++)
    {
      words[n] = pair_nth (p, p->a, EW_MESSAGE_DATA, i);
      n += words[n]->len == len; /* not the keepalive that confirms: here data do */
    }
  g_assert_cmpuint (n, ==, 5);
  for (unsigned i = 0; i < 5; i++)
    {
      memcpy (message + i * len, words[order[i]]->data, len);
      datagrams[i] = (EwPacket){ .data = message + i * len, .len = len, .endpoint = *ew_peer_get_endpoint (p->a_of_b) };
    }
  g_assert_cmphex (ew_load_le32 (message + 4), !=, ew_load_le32 (message + len + 4));
  g_assert_cmphex (ew_load_le32 (message + 4), ==, ew_load_le32 (message + 2 * len + 4));
  ew_lane_receive (ew_device_get_lane (p->b->device), datagrams, 4, pair_time (p));
  g_assert_cmpuint (p->b->delivered, ==, 4);
  ew_lane_receive (ew_device_get_lane (p->b->device), datagrams + 4, 1, pair_time (p));
  g_assert_cmpuint (p->b->delivered, ==, 5);
  g_assert_cmpuint (pair_invalid (p->b), ==, 0);
}

/* How often something was compared in constant time since this was asked last. */
static unsigned
compared (void)
{
  unsigned n = n_compared;

  n_compared = 0;
  return n;
}

static void
fill (void *user, uint8_t *out, size_t len)
{
  memset (out, 9, len);
}

static void
test_macs (void)
{
  static const uint8_t key[EW_KEY_SIZE] = { 1, 2, 3 };
  const EwIp ip = ew_ip_from_v4 (0x0a000001);
  const EwEndpoint from = ew_endpoint_udp (&ip, 7);
  EwCookieChecker checker;
  EwCookieMaker maker;
  EwMessageCookieReply reply;
  uint8_t message[148] = { 1 };

  ew_cookie_checker_init (&checker, fill, NULL);
  ew_cookie_checker_set_public_key (&checker, key);
  ew_cookie_maker_init (&maker);
  ew_cookie_add_macs (&maker, key, message, sizeof message, S);
  g_assert_true (ew_cookie_make_reply (&checker, message, sizeof message, &from, S, &reply));
  g_assert_true (ew_cookie_consume_reply (&maker, key, &reply, S));
  ew_cookie_add_macs (&maker, key, message, sizeof message, S);
  for (unsigned wrong = 115; wrong < 148; wrong++) /* 115: none; then every byte of mac1, and of mac2 */
    {
      message[wrong] ^= wrong > 115;
      compared ();
      g_assert_cmpint (ew_cookie_check_mac1 (&checker, message, sizeof message), ==, wrong <= 115 || wrong > 131);
      g_assert_cmpuint (compared (), ==, 1);
      g_assert_cmpint (ew_cookie_check_mac2 (&checker, message, sizeof message, &from, S), ==, wrong == 115);
      g_assert_cmpuint (compared (), ==, 1);
      message[wrong] ^= wrong > 115;
    }
}

/* Tags of data, in every kernel of vectors that this computer has; libcrypto compares its own. */
static void
test_tags (EwAeadBackend backend)
{
  static const uint8_t bytes[32] = { 5 };
  uint8_t data[8][64] = { 0 };
  EwAeadItem items[8];

  if (!ew_aead_use (backend))
    return;
  g_test_message ("%s", ew_aead_backend_name ());
  EwAeadKey *seal = ew_aead_key_new (bytes, true), *open = ew_aead_key_new (bytes, false);
  for (unsigned i = 0; i < 8; i++)
    items[i] = (EwAeadItem){ .key = seal, .data = data[i], .len = 48, .counter = i };
  ew_aead_seal_n (items, 8);
  for (unsigned i = 0; i < 8; i++)
    {
      items[i] = (EwAeadItem){ .key = open, .data = data[i], .len = 64, .counter = i };
      data[i][48 + 2 * i] ^= i > 0; /* the first is right */
    }
  compared ();
  ew_aead_open_n (items, 8);
  g_assert_cmpuint (compared (), ==, backend == EW_AEAD_OPENSSL ? 0 : 8);
  for (unsigned i = 0; i < 8; i++)
    g_assert_cmpint (items[i].ok, ==, i == 0);
  ew_aead_key_free (seal);
  ew_aead_key_free (open);
}

static void
test_constant_time (void)
{
  test_macs ();
  for (unsigned i = EW_AEAD_N_BACKENDS; i-- > 0;)
    test_tags ((EwAeadBackend)i);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/behaviour/gro-message-across-a-rekey", Pair, NULL, pair_set_up, test_gro_message_across_a_rekey,
              pair_tear_down);
  g_test_add_func ("/behaviour/constant-time-comparison", test_constant_time);
  return g_test_run ();
}
