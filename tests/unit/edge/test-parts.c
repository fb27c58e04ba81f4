/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The small parts: ranges, rate limit, WebSocket frames, options.
 */
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/http/client-hello.h"
#include "edge/default-names.h"
#include "edge/http/known-addresses.h"
#include "edge/options.h"
#include "edge/mesh/ranges.h"
#include "edge/http/pace.h"
#include "edge/http/ratelimit.h"
#include "edge/http/websocket.h"

static void
check_address (const EwRanges *ranges, guint32 offset, const gchar *v4, const gchar *v6)
{
  EwIp ips[2];
  gchar text[EW_IP_STRLEN];
  g_assert_true (ew_mesh_ranges_at (ranges, offset, ips));
  ew_ip_format (&ips[0], text);
  g_assert_cmpstr (text, ==, v4);
  ew_ip_format (&ips[1], text);
  g_assert_cmpstr (text, ==, v6);
}

#define LONG_NAME "an-unusually-long-host-name-that-is-far-longer-than-a-dns-label-may-ever-be"

static void
test_default_names (void)
{
  const struct
  {
    const gchar *host, *public_endpoint, *mesh, *edge;
  } cases[] = {
    { "fra", "edge.example.org:443", "example", "fra" },
    { "fra.home.lan", "203.0.113.5:443", "home", "fra" },
    { "fra.home.lan", "edge.example.co.uk:443", "example", "fra" },
    { "FRA_1.Example.ORG", "[2001:db8::1]:8443", "example", "fra-1" },
    { "fra", "Bob.DuckDNS.org:443", "bob", "fra" }, /* a registry of its own: not "duckdns" */
    { "fra", "example.org:443", "example", "fra" },
    { "fra", "203.0.113.5:443", "fra", "fra" },
    { "fra", "edge:443", "fra", "fra" },
    { "localhost", "203.0.113.5:443", "mesh", "edge" },
    { "localhost.localdomain", NULL, "mesh", "edge" },
    { "", "org:443", "mesh", "edge" },
    { NULL, NULL, "mesh", "edge" },
    { "...", "...:443", "mesh", "edge" },
    { "-_-", "203.0.113.5:443", "mesh", "edge" },
    { "fra.", "a..b:443", "fra", "fra" },
    { "\xff\xfe", "\xff.example.org:443", "mesh", "edge" },
    { LONG_NAME, "203.0.113.5:443", "an-unusually-long-host-name-that-is-far-longer-than-a-dns-label",
      "an-unusually-long-host-name-that-is-far-longer-than-a-dns-label" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *mesh = NULL, *edge = NULL;
      ew_edge_default_names (cases[i].host, cases[i].public_endpoint, &mesh, &edge);
      g_assert_cmpstr (mesh, ==, cases[i].mesh);
      g_assert_cmpstr (edge, ==, cases[i].edge);
      g_assert_true (ew_name_check (mesh, NULL) && ew_name_check (edge, NULL));
    }
}

static void
test_ranges (void)
{
  EwRanges ranges, other;
  EwIp ips[2];
  g_assert_true (ew_mesh_ranges_make (NULL, "fd12:3456:789a::/48", &ranges, NULL));
  g_assert_cmpuint (ew_mesh_ranges_count (&ranges), ==, 1 << 20);
  check_address (&ranges, EW_RANGES_FIRST_OFFSET, "100.96.1.1", "fd12:3456:789a:1::1");
  check_address (&ranges, 0xfedc, "100.96.254.220", "fd12:3456:789a:fe::dc");
  check_address (&ranges, 0xefffe, "100.110.255.254", "fd12:3456:789a:eff::fe");
  /* The last /16 is services'. */
  const guint32 never[] = { 0, 1, 255, 256, 0x1ff, 0x200, 0xf0001, 0xffffe, 0xfffff, 1 << 20, G_MAXUINT32 };
  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    g_assert_false (ew_mesh_ranges_at (&ranges, never[i], ips));
  g_assert_true (ew_mesh_ranges_make (NULL, NULL, &ranges, NULL) && ew_mesh_ranges_make (NULL, NULL, &other, NULL));
  g_assert_false (ew_prefix_equal (&ranges.v6, &other.v6));
  g_assert_cmpint (ranges.v6.ip.bytes[0], ==, 0xfd);
}

static void
check_service (const EwRanges *ranges, guint32 number, const gchar *v4, const gchar *v6)
{
  EwIp ips[2];
  gchar text[EW_IP_STRLEN];
  g_assert_true (ew_mesh_ranges_service_at (ranges, number, ips));
  ew_ip_format (&ips[0], text);
  g_assert_cmpstr (text, ==, v4);
  ew_ip_format (&ips[1], text);
  g_assert_cmpstr (text, ==, v6);
}

static gboolean
is_reserved (const EwRanges *ranges, const gchar *text)
{
  EwIp ip;
  g_assert_true (ew_ip_parse (text, &ip));
  return ew_mesh_ranges_is_reserved (ranges, &ip);
}

static void
test_ranges_services (void)
{
  EwRanges ranges;
  EwIp ips[2];
  g_assert_true (ew_mesh_ranges_make (NULL, "fd12:3456:789a::/48", &ranges, NULL));
  g_assert_cmpuint (ew_mesh_ranges_count_services (&ranges), ==, 65536);
  check_service (&ranges, 1, "100.111.0.1", "fd12:3456:789a:ffff::1");
  check_service (&ranges, 0xfffe, "100.111.255.254", "fd12:3456:789a:ffff::fffe");
  const guint32 never[] = { 0, 255, 256, 0xffff, 65536, G_MAXUINT32 };
  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    g_assert_false (ew_mesh_ranges_service_at (&ranges, never[i], ips));
  g_assert_true (is_reserved (&ranges, "100.96.0.9") && is_reserved (&ranges, "100.111.3.255"));
  g_assert_true (is_reserved (&ranges, "fd12:3456:789a::7"));
  g_assert_false (is_reserved (&ranges, "100.111.3.7") || is_reserved (&ranges, "fd12:3456:789a:ffff::7"));
  /* In a small one from the end, where nodes come last. */
  g_assert_true (ew_mesh_ranges_make ("192.168.2.0/23", "fd12:3456:789a::/48", &ranges, NULL));
  g_assert_cmpuint (ew_mesh_ranges_count_services (&ranges), ==, 512);
  check_address (&ranges, 0x1fe, "192.168.3.254", "fd12:3456:789a:1::fe");
  check_service (&ranges, 1, "192.168.3.254", "fd12:3456:789a:ffff::1fe");
  g_assert_false (ew_mesh_ranges_service_at (&ranges, 0, ips) || ew_mesh_ranges_service_at (&ranges, 256, ips));
}

static void
test_ranges_refused (void)
{
  static const gchar *const v4[]
    = { "10.0.0.0/7",  "10.0.0.0/24",    "8.0.0.0/8",       "127.0.0.0/8",   "10.0.0.1/8",    "fd00::/48",   "", "x",
        "192.0.0.0/8", "192.168.0.0/13", "198.51.100.0/22", "198.18.0.0/15", "172.16.0.0/11", "100.64.0.0/9" };
  static const gchar *const v6[] = { "fd00::/47",  "fd00::/64",  "2001:db8::/48", "fe80::/48",
                                     "fd00::1/48", "10.0.0.0/8", "fe00::/48",     "fbff:ffff:ffff::/48" };
  EwRanges ranges;
  for (guint i = 0; i < G_N_ELEMENTS (v4); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_mesh_ranges_make (v4[i], NULL, &ranges, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
  for (guint i = 0; i < G_N_ELEMENTS (v6); i++)
    g_assert_false (ew_mesh_ranges_make (NULL, v6[i], &ranges, NULL));
  g_assert_true (ew_mesh_ranges_make ("10.0.0.0/8", NULL, &ranges, NULL));
  g_assert_true (ew_mesh_ranges_make ("192.168.2.0/23", NULL, &ranges, NULL));
}

static void
test_rate_limit (void)
{
  EwRateLimit *limit = ew_http_rate_limit_new (3, 10, 4);
  EwIp a = ew_ip_from_v4 (1), b = { .family = EW_FAMILY_V6, .bytes = { 0xfd } }, c = b;
  gint64 wait;
  c.bytes[15] = 9; /* the same /64 */
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (ew_http_rate_limit_check (limit, &a, 0, NULL));
      ew_http_rate_limit_take (limit, &a, 0);
      ew_http_rate_limit_take (limit, i % 2 ? &b : &c, 0);
    }
  g_assert_false (ew_http_rate_limit_check (limit, &a, 0, &wait));
  g_assert_cmpint (wait, ==, 10);
  g_assert_false (ew_http_rate_limit_check (limit, &b, 9, &wait));
  g_assert_true (ew_http_rate_limit_check (limit, &b, 10, &wait));
  ew_http_rate_limit_take (limit, &a, 10);
  g_assert_false (ew_http_rate_limit_check (limit, &a, 19, NULL));
  ew_http_rate_limit_give (limit, &a);
  g_assert_true (ew_http_rate_limit_check (limit, &a, 19, NULL));
  ew_http_rate_limit_take (limit, &a, 19);
  g_assert_false (ew_http_rate_limit_check (limit, &a, 19, NULL));
  g_assert_true (ew_http_rate_limit_check (limit, &a, 100, NULL));
  for (guint32 i = 2; i < 1000; i++) /* bounded, and never blocks a new one */
    {
      EwIp ip = ew_ip_from_v4 (i);
      g_assert_true (ew_http_rate_limit_check (limit, &ip, 100, NULL));
      ew_http_rate_limit_take (limit, &ip, 100);
    }
  ew_http_rate_limit_free (limit);
}

static void
test_frames (void)
{
  guint8 hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 }; /* RFC 6455 section 5.7 */
  EwWebsocketFrame frame;
  for (gsize cut = 0; cut < sizeof hello; cut++)
    {
      guint8 copy[sizeof hello];
      memcpy (copy, hello, sizeof hello);
      g_assert_cmpint (ew_http_websocket_parse (copy, cut, &frame), ==, 0);
    }
  g_assert_cmpint (ew_http_websocket_parse (hello, sizeof hello, &frame), ==, sizeof hello);
  g_assert_cmpmem (frame.payload, frame.length, "Hello", 5);
  static const guint8 bad[][16] = {
    { 0x81, 0x05, 'H' },        /* not masked */
    { 0xc1, 0x85 },             /* reserved bit */
    { 0x81, 0xff },             /* 64 bits of length */
    { 0x81, 0xfe, 0x10, 0x01 }, /* 4097 bytes */
    { 0x89, 0xfe, 0x00, 0x7e }, /* a long ping */
    { 0x09, 0x80 },             /* a ping in pieces */
  };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      guint8 copy[16];
      memcpy (copy, bad[i], sizeof copy);
      g_assert_cmpint (ew_http_websocket_parse (copy, sizeof copy, &frame), ==, -1);
    }
}

static void
test_listen (void)
{
  static const struct
  {
    const gchar *text, *address;
    guint16 port;
  } good[] = { { ":443", NULL, 443 },
               { "0.0.0.0:1", "0.0.0.0", 1 },
               { "[::1]:65535", "::1", 65535 },
               { "192.0.2.1:8443", "192.0.2.1", 8443 } };
  static const gchar *const bad[]
    = { "", ":", "443", ":0", ":65536", ":x", "host:443", "::1:443", "[::1]", "1.2.3.4", "1.2.3.4:", ":443 " };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree gchar *address = NULL;
      guint16 port;
      g_assert_true (ew_edge_listen_parse (good[i].text, &address, &port, NULL));
      g_assert_cmpstr (address, ==, good[i].address);
      g_assert_cmpuint (port, ==, good[i].port);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree gchar *address = NULL;
      g_autoptr (GError) error = NULL;
      guint16 port;
      g_assert_false (ew_edge_listen_parse (bad[i], &address, &port, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_client_hello (void)
{
  static const struct
  {
    const gchar *data;
    gsize length;
    EwClientHello verdict;
    gsize need;
  } cases[] = {
    { "", 0, EW_CLIENT_HELLO_MORE, 5 },
    { "\x16\x03\x01\x02\x00\x01", 6, EW_CLIENT_HELLO_MORE, 517 },
    { "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11, EW_CLIENT_HELLO_WHOLE, 0 },
    { "\x16\x03\x01\x00\x06\x01\x00\x00\x03\x03\x03", 11, EW_CLIENT_HELLO_MORE, 16 },
    { "\x16\x03\x01\x00\x06\x01\x00\x00\x03\x03\x03\x16\x03\x01\x00\x01\x41", 17, EW_CLIENT_HELLO_WHOLE, 0 },
    { "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x02", 11, EW_CLIENT_HELLO_OLD, 0 },
    { "\x16\x03\x00\x00\x06\x01\x00\x00\x02\x03\x00", 11, EW_CLIENT_HELLO_OLD, 0 },
    { "\x16\x03\x01\x00\x06\x02\x00\x00\x02\x03\x03", 11, EW_CLIENT_HELLO_NONE, 0 },
    { "\x16\x03\x01\x00\x06\x01\x00\x00\x01\x03\x03", 11, EW_CLIENT_HELLO_NONE, 0 },
    { "\x16\x03\x01\x00\x00", 5, EW_CLIENT_HELLO_NONE, 0 },
    { "\x16\x03\x01\x40\x01", 5, EW_CLIENT_HELLO_NONE, 0 },
    { "\x16\x02\x01\x00\x06", 5, EW_CLIENT_HELLO_NONE, 0 },
    { "\x15\x03\x01\x00\x02", 5, EW_CLIENT_HELLO_NONE, 0 },
    { "GET / HTTP/1.1\r\n", 16, EW_CLIENT_HELLO_NONE, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize need = 0;
      EwClientHello verdict = ew_http_client_hello_check ((const guint8 *)cases[i].data, cases[i].length, &need);
      g_assert_cmpint (verdict, ==, cases[i].verdict);
      if (verdict == EW_CLIENT_HELLO_MORE)
        g_assert_cmpuint (need, ==, cases[i].need);
    }
}

static gboolean
is_known (EwKnownAddresses *known, const gchar *text, gint64 now)
{
  EwIp ip;
  g_assert_true (ew_ip_parse (text, &ip));
  return ew_http_known_addresses_contain (known, &ip, now);
}

static void
test_known_addresses (void)
{
  const gint64 day = G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC;
  EwKnownAddresses *known = ew_http_known_addresses_new ();
  EwIp v4, v6;
  g_assert_true (ew_ip_parse ("203.0.113.5", &v4) && ew_ip_parse ("2001:db8:1:2::3", &v6));
  ew_http_known_addresses_add (known, &v4, 0);
  ew_http_known_addresses_add (known, &v6, 0);
  g_assert_true (is_known (known, "203.0.113.5", day) && is_known (known, "2001:db8:1:2:ffff::", day));
  g_assert_false (is_known (known, "203.0.113.6", 0) || is_known (known, "2001:db8:1:3::3", 0));
  g_assert_false (is_known (known, "203.0.113.5", day + 1));
  ew_http_known_addresses_add (known, &v4, day);
  g_assert_true (is_known (known, "203.0.113.5", day + 1));
  for (guint i = 0; i < EW_KNOWN_ADDRESSES_MAX; i++)
    {
      EwIp ip = ew_ip_from_v4 (i + 1);
      ew_http_known_addresses_add (known, &ip, 2 * day);
    }
  g_assert_true (is_known (known, "203.0.113.5", 2 * day)); /* a full table keeps its entries */
  ew_http_known_addresses_add (known, &v6, 2 * day + 120 * G_USEC_PER_SEC);
  ew_http_known_addresses_free (known);
}

static void
test_pace (void)
{
  EwHttpPace *pace = ew_http_pace_new (1000), *none = ew_http_pace_new (0);
  /* One network: half, 500 bytes a second. */
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 5000000), ==, 0);
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 5000000), ==, 200000);
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 5200000), ==, 200000);
  /* After a pause nothing was saved up. */
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 9000000), ==, 0);
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 9000000), ==, 200000);
  /* Many networks: 1000 bytes a second between them, however many there are. */
  gint64 last_us = 0;
  for (guint64 network = 10; network < 2010; network++)
    {
      gint64 wait_us = ew_http_pace_book (pace, network, 100, 20000000);
      g_assert_cmpint (wait_us, >=, last_us);
      last_us = wait_us;
    }
  g_assert_cmpint (last_us, ==, 1999 * 100000);
  g_assert_cmpint (ew_http_pace_book (pace, 1, 100, 20000000 + 2000 * 100000), ==, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (ew_http_pace_book (none, 1, 1000000, 0), ==, 0);
  ew_http_pace_free (pace);
  ew_http_pace_free (none);
}

static void
test_public_kept (void)
{
  static const struct
  {
    const gchar *stored, *guessed;
    gboolean online, kept;
  } rows[] = {
    { "203.0.114.5:443", NULL, TRUE, TRUE },                 /* no address yet */
    { "203.0.114.5:443", "172.17.0.1:443", TRUE, TRUE },     /* a bridge of containers came first */
    { "203.0.114.5:443", "203.0.114.9:443", FALSE, TRUE },   /* no way out yet */
    { "203.0.114.5:443", "203.0.114.9:443", TRUE, FALSE },   /* the host moved */
    { "192.168.1.5:443", "172.17.0.1:443", FALSE, TRUE },    /* … at home */
    { "192.168.1.5:443", "203.0.114.9:443", TRUE, FALSE },   /* a better one */
    { "[2600::5]:443", "203.0.114.9:443", TRUE, FALSE },     /* likewise: IPv4 */
    { "203.0.114.5:443", "203.0.114.5:8443", FALSE, FALSE }, /* another port */
    { "edge.example.org:443", "203.0.114.9:443", TRUE, TRUE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (ew_edge_keeps_public (rows[i].stored, rows[i].guessed, rows[i].online), ==, rows[i].kept);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edge/default-names", test_default_names);
  g_test_add_func ("/edge/ranges", test_ranges);
  g_test_add_func ("/edge/ranges/services", test_ranges_services);
  g_test_add_func ("/edge/public-kept", test_public_kept);
  g_test_add_func ("/edge/ranges/refused", test_ranges_refused);
  g_test_add_func ("/edge/ratelimit", test_rate_limit);
  g_test_add_func ("/edge/pace", test_pace);
  g_test_add_func ("/edge/websocket/frames", test_frames);
  g_test_add_func ("/edge/client-hello", test_client_hello);
  g_test_add_func ("/edge/known-addresses", test_known_addresses);
  g_test_add_func ("/edge/options/listen", test_listen);
  return g_test_run ();
}
