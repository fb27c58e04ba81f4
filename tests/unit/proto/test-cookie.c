/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MACs, cookies, the measure of load and the rate limit. */
#include <glib.h>
#include <string.h>
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/crypto.h"
#include "proto/load.h"

#define SECOND EW_NSEC_PER_SEC
#define LEN sizeof (EwMessageInitiation)

static void
fake_random (void *user, uint8_t *out, size_t len)
{
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)g_test_rand_int ();
}

static EwEndpoint
udp (const char *text, uint16_t port)
{
  EwIp ip;
  g_assert_true (ew_ip_parse (text, &ip));
  return ew_endpoint_udp (&ip, port);
}

typedef struct
{
  uint8_t public_key[32], message[LEN];
  EwCookieChecker checker;
  EwCookieMaker maker;
  EwMessageCookieReply reply;
} Sides;

static void
sides_init (Sides *s)
{
  memset (s, 0, sizeof *s);
  fake_random (NULL, s->public_key, 32);
  fake_random (NULL, s->message, LEN);
  ew_cookie_checker_init (&s->checker, fake_random, NULL);
  ew_cookie_checker_set_public_key (&s->checker, s->public_key);
  ew_cookie_maker_init (&s->maker);
}

static void
test_mac1 (void)
{
  Sides s;
  sides_init (&s);
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_true (ew_cookie_check_mac1 (&s.checker, s.message, LEN));
  g_assert_true (ew_secret_is_zero (s.message + LEN - 16, 16)); /* no cookie, no mac2 */
  for (size_t i = 0; i < LEN - 16; i++)
    {
      s.message[i] ^= 1;
      g_assert_false (ew_cookie_check_mac1 (&s.checker, s.message, LEN));
      s.message[i] ^= 1;
    }
  s.public_key[0] ^= 1; /* for another address */
  ew_cookie_checker_set_public_key (&s.checker, s.public_key);
  g_assert_false (ew_cookie_check_mac1 (&s.checker, s.message, LEN));
}

static void
test_round_trip (void)
{
  Sides s;
  EwEndpoint from = udp ("192.0.2.1", 5000), port = udp ("192.0.2.1", 5001), address = udp ("192.0.2.2", 5000);
  sides_init (&s);
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &from, 0));
  g_assert_true (ew_cookie_make_reply (&s.checker, s.message, LEN, &from, 0, &s.reply));
  g_assert_cmpmem (s.reply.receiver_index, 4, s.message + 4, 4);
  g_assert_true (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0));
  g_assert_false (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0)); /* once */
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 1);
  g_assert_true (ew_cookie_check_mac1 (&s.checker, s.message, LEN));
  g_assert_true (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &from, 1));
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &port, 1));
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &address, 1));
  s.message[LEN - 1] ^= 1;
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &from, 1));
}

static void
test_forged_replies (void)
{
  Sides s;
  EwEndpoint from = udp ("2001:db8::1", 5000);
  sides_init (&s);
  g_assert_false (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0)); /* nothing was sent */
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_true (ew_cookie_make_reply (&s.checker, s.message, LEN, &from, 0, &s.reply));
  for (size_t i = 8; i < sizeof s.reply; i++)
    {
      ((uint8_t *)&s.reply)[i] ^= 1;
      g_assert_false (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0));
      ((uint8_t *)&s.reply)[i] ^= 1;
    }
  s.message[10] ^= 1; /* the answer to an earlier message */
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_false (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0));
}

static void
test_ages (void)
{
  Sides s;
  EwEndpoint from = udp ("192.0.2.1", 5000);
  sides_init (&s);
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_true (ew_cookie_make_reply (&s.checker, s.message, LEN, &from, 0, &s.reply));
  g_assert_true (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0));
  /* The maker uses a cookie for 115 s, the checker knows its secret for 120 s. */
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 115 * SECOND - 1);
  g_assert_true (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &from, 120 * SECOND - 1));
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &from, 120 * SECOND));
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 115 * SECOND);
  g_assert_true (ew_secret_is_zero (s.message + LEN - 16, 16));
}

/* A stream's cookie is that of the TCP peer's address. */
static void
test_stream_endpoint (void)
{
  Sides s;
  EwEndpoint from = udp ("192.0.2.1", 5000), stream = from;
  stream.kind = EW_ENDPOINT_STREAM;
  stream.id = 99;
  sides_init (&s);
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_true (ew_cookie_make_reply (&s.checker, s.message, LEN, &stream, 0, &s.reply));
  g_assert_true (ew_cookie_consume_reply (&s.maker, s.public_key, &s.reply, 0));
  ew_cookie_add_macs (&s.maker, s.public_key, s.message, LEN, 0);
  g_assert_true (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &stream, 0));
  stream.remote.bytes[3]++;
  g_assert_false (ew_cookie_check_mac2 (&s.checker, s.message, LEN, &stream, 0));
}

static void
test_load (void)
{
  EwLoadMeter meter;
  uint64_t now = 50 * SECOND;
  ew_load_init (&meter);
  for (unsigned i = 0; i < EW_LOAD_QUEUE / 8 - 1; i++)
    g_assert_cmpint (ew_load_count (&meter, now), ==, EW_LOAD_NORMAL);
  for (unsigned i = 0; i < EW_LOAD_QUEUE * 7 / 8 + 1; i++)
    g_assert_cmpint (ew_load_count (&meter, now), ==, EW_LOAD_UNDER_LOAD);
  g_assert_cmpint (ew_load_count (&meter, now), ==, EW_LOAD_FULL);
  /* Worked off in two seconds; the last above the threshold was then: sticky for one more. */
  now += 2 * SECOND;
  g_assert_cmpint (ew_load_count (&meter, now), ==, EW_LOAD_NORMAL);
  ew_load_init (&meter);
  for (unsigned i = 0; i < EW_LOAD_QUEUE / 8; i++)
    ew_load_count (&meter, now);
  g_assert_cmpint (ew_load_count (&meter, now + SECOND / 2), ==, EW_LOAD_UNDER_LOAD);
  g_assert_cmpint (ew_load_count (&meter, now + SECOND - 1), ==, EW_LOAD_UNDER_LOAD);
  g_assert_cmpint (ew_load_count (&meter, now + SECOND), ==, EW_LOAD_NORMAL);
  /* Those that got a cookie reply instead leave room for those that have a cookie. */
  ew_load_init (&meter);
  for (unsigned i = 0; i < 2 * EW_LOAD_QUEUE; i++)
    if (ew_load_count (&meter, now) == EW_LOAD_UNDER_LOAD)
      ew_load_count_cookie (&meter);
  g_assert_cmpint (ew_load_count (&meter, now), ==, EW_LOAD_UNDER_LOAD);
  /* As many a second as are worked off don't count as load. */
  ew_load_init (&meter);
  for (unsigned i = 0; i < 10 * EW_LOAD_HANDSHAKES_PER_SECOND; i++)
    g_assert_cmpint (ew_load_count (&meter, now + i * SECOND / EW_LOAD_HANDSHAKES_PER_SECOND), ==, EW_LOAD_NORMAL);
}

static unsigned
count_allowed (EwRateLimiter *limiter, const EwEndpoint *from, unsigned tries, uint64_t start, uint64_t step)
{
  unsigned n = 0;
  for (unsigned i = 0; i < tries; i++)
    n += ew_rate_limiter_allow (limiter, from, start + i * step);
  return n;
}

static void
test_rate (void)
{
  const uint8_t seed[32] = { 1 };
  EwRateLimiter *limiter = ew_rate_limiter_new (seed);
  EwEndpoint a = udp ("192.0.2.1", 1), a2 = udp ("192.0.2.1", 2), b = udp ("192.0.2.2", 1);
  EwEndpoint c = udp ("2001:db8:1:2::1", 1), c2 = udp ("2001:db8:1:2:ffff::1", 1), d = udp ("2001:db8:1:3::1", 1);
  uint64_t now = 7 * SECOND;
  g_assert_cmpuint (count_allowed (limiter, &a, 20, now, 0), ==, 5);
  g_assert_cmpuint (count_allowed (limiter, &a2, 20, now, 0), ==, 0); /* the port does not matter */
  g_assert_cmpuint (count_allowed (limiter, &b, 20, now, 0), ==, 5);
  g_assert_cmpuint (count_allowed (limiter, &c, 3, now, 0), ==, 3);
  g_assert_cmpuint (count_allowed (limiter, &c2, 20, now, 0), ==, 2); /* one /64 */
  g_assert_cmpuint (count_allowed (limiter, &d, 20, now, 0), ==, 5);
  /* 1000 tries a second for 10 s: 20 a second. */
  g_assert_cmpuint (count_allowed (limiter, &a, 10000, now + SECOND / 1000, SECOND / 1000), ==, 200);
  g_assert_cmpuint (count_allowed (limiter, &a, 20, now + 20 * SECOND, 0), ==,
                    5); /* idling restores the burst, no more */
  ew_rate_limiter_free (limiter);
}

/* Very many addresses at once: those already counted stay limited, and memory does not grow. */
static void
test_rate_crowd (void)
{
  const uint8_t seed[32] = { 2 };
  EwRateLimiter *limiter = ew_rate_limiter_new (seed);
  EwEndpoint a = udp ("192.0.2.1", 1);
  g_assert_cmpuint (count_allowed (limiter, &a, 5, SECOND, 0), ==, 5);
  unsigned allowed = 0;
  for (uint32_t i = 0; i < 100000; i++)
    {
      EwIp ip = ew_ip_from_v4 (0x0a000000 + i);
      EwEndpoint other = ew_endpoint_udp (&ip, 1);
      allowed += ew_rate_limiter_allow (limiter, &other, SECOND);
    }
  g_assert_cmpuint (allowed, >, 10000);
  g_assert_cmpuint (allowed, <=, 2048 * 8);
  g_assert_cmpuint (count_allowed (limiter, &a, 5, SECOND, 0), ==, 0);
  g_assert_cmpuint (count_allowed (limiter, &a, 5, 2 * SECOND, 0), ==, 5);
  ew_rate_limiter_free (limiter);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cookie/mac1", test_mac1);
  g_test_add_func ("/cookie/round-trip", test_round_trip);
  g_test_add_func ("/cookie/forged-replies", test_forged_replies);
  g_test_add_func ("/behaviour/cookie-secret-120s-with-5s-of-margin", test_ages);
  g_test_add_func ("/cookie/stream-endpoint", test_stream_endpoint);
  g_test_add_func ("/behaviour/under-load-from-an-eighth-of-the-queue-sticky-1s", test_load);
  g_test_add_func ("/behaviour/rate-20-a-second-burst-5-per-address-and-ipv6-64", test_rate);
  g_test_add_func ("/cookie/rate-crowd", test_rate_crowd);
  return g_test_run ();
}
