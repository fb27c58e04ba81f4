/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/address.h"

#include <glib.h>
#include <string.h>

static EwIp
ip (const char *text)
{
  EwIp out;
  if (!ew_ip_parse (text, &out))
    g_error ("%s is no address", text);
  return out;
}

static EwPrefix
prefix (const char *text)
{
  EwPrefix out;
  if (!ew_prefix_parse (text, &out, NULL))
    g_error ("%s is no prefix", text);
  return out;
}

static void
test_ip_text (void)
{
  const char *good[][2] = {
    { "0.0.0.0", "0.0.0.0" },
    { "255.255.255.255", "255.255.255.255" },
    { "::", "::" },
    { "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
    { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
  };
  const char *bad[]
    = { "",          "1",     "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4",      "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4",
        "1.2.3.4:5", "[::1]", ":::",   "::1%lo",    "12345::",   "1:2:3:4:5:6:7", "::1/128",  "localhost" };
  char text[EW_IP_STRLEN];
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      EwIp a = ip (good[i][0]);
      ew_ip_format (&a, text);
      g_assert_cmpstr (text, ==, good[i][1]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      EwIp a = ip ("192.0.2.7"), b = a;
      g_assert_false (ew_ip_parse (bad[i], &a));
      g_assert_cmpmem (&a, sizeof a, &b, sizeof b);
    }
  g_assert_false (ew_ip_parse (NULL, &(EwIp){ 0 }));
  EwIp none = { 0 }, v4 = ew_ip_from_v4 (0xc0000207), parsed = ip ("192.0.2.7");
  ew_ip_format (&none, text);
  g_assert_cmpstr (text, ==, "(none)");
  g_assert_true (ew_ip_equal (&v4, &parsed));
  g_assert_cmpuint (ew_ip_size (&none), ==, 0);
}

typedef struct
{
  const char *text, *kinds; /* p private, o loopback, l link-local, m multicast, u unspecified */
} KindCase;

static const KindCase kind_cases[] = {
  { "0.0.0.0", "pu" },
  { "0.0.0.1", "p" },
  { "1.0.0.0", "" },
  { "9.255.255.255", "" },
  { "10.0.0.0", "p" },
  { "10.255.255.255", "p" },
  { "11.0.0.0", "" },
  { "100.63.255.255", "" },
  { "100.64.0.0", "p" },
  { "100.96.0.1", "p" },
  { "100.127.255.255", "p" },
  { "100.128.0.0", "" },
  { "126.255.255.255", "" },
  { "127.0.0.1", "po" },
  { "127.255.255.255", "po" },
  { "128.0.0.0", "" },
  { "169.253.255.255", "" },
  { "169.254.169.254", "pl" },
  { "169.255.0.0", "" },
  { "172.15.255.255", "" },
  { "172.16.0.0", "p" },
  { "172.31.255.255", "p" },
  { "172.32.0.0", "" },
  { "192.0.0.8", "p" },
  { "192.0.0.9", "" },
  { "192.0.0.10", "" },
  { "192.0.1.0", "" },
  { "192.0.2.1", "p" },
  { "192.88.99.1", "" },
  { "192.167.255.255", "" },
  { "192.168.0.0", "p" },
  { "192.169.0.0", "" },
  { "198.17.255.255", "" },
  { "198.18.0.0", "p" },
  { "198.19.255.255", "p" },
  { "198.20.0.0", "" },
  { "198.51.100.1", "p" },
  { "203.0.113.255", "p" },
  { "203.0.114.0", "" },
  { "223.255.255.255", "" },
  { "224.0.0.1", "m" },
  { "239.255.255.255", "m" },
  { "240.0.0.0", "p" },
  { "255.255.255.254", "p" },
  { "255.255.255.255", "pm" },
  { "::", "pu" },
  { "::1", "po" },
  { "::2", "" },
  { "::ffff:0.0.0.0", "pu" },
  { "::ffff:127.0.0.1", "po" },
  { "::ffff:10.1.2.3", "p" },
  { "::ffff:100.64.0.1", "p" },
  { "::ffff:169.254.169.254", "pl" },
  { "::ffff:224.0.0.1", "m" },
  { "::ffff:255.255.255.255", "pm" },
  { "::ffff:8.8.8.8", "" },
  { "::fffe:10.0.0.1", "" },
  { "64:ff9b::8.8.8.8", "" },
  { "64:ff9b::10.0.0.1", "p" },
  { "64:ff9b:1::1", "p" },
  { "100::1", "p" },
  { "100:0:0:1::", "" },
  { "2000::1", "" },
  { "2001::1", "p" },
  { "2001:1::1", "" },
  { "2001:1::3", "p" },
  { "2001:3::1", "" },
  { "2001:4:112::1", "" },
  { "2001:20::1", "" },
  { "2001:1ff::", "p" },
  { "2001:200::", "" },
  { "2001:db7:ffff::", "" },
  { "2001:db8::1", "p" },
  { "2001:db9::", "" },
  { "2606:4700::1", "" },
  { "3fff::1", "p" },
  { "3fff:1000::", "" },
  { "5f00::1", "p" },
  { "fbff::", "" },
  { "fc00::", "p" },
  { "fdff:ffff::1", "p" },
  { "fe00::", "" },
  { "fe80::1", "pl" },
  { "febf::1", "pl" },
  { "fec0::1", "p" },
  { "ff02::1", "m" },
};

static void
test_ip_kind (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kind_cases); i++)
    {
      EwIp a = ip (kind_cases[i].text);
      char kinds[8];
      g_snprintf (kinds, sizeof kinds, "%s%s%s%s%s", ew_ip_is_private (&a) ? "p" : "",
                  ew_ip_is_loopback (&a) ? "o" : "", ew_ip_is_link_local (&a) ? "l" : "",
                  ew_ip_is_multicast (&a) ? "m" : "", ew_ip_is_unspecified (&a) ? "u" : "");
      if (strcmp (kinds, kind_cases[i].kinds) != 0)
        g_error ("%s is “%s”, not “%s”", kind_cases[i].text, kinds, kind_cases[i].kinds);
    }
  EwIp none = { 0 };
  g_assert_false (ew_ip_is_private (&none) || ew_ip_is_loopback (&none) || ew_ip_is_unspecified (&none));
}

/* Both ends of each network, what begins before it, and what begins in it and ends after it. */
static void
test_private_prefixes (void)
{
  const char *private[]
    = { "10.0.0.0/8",    "10.255.255.255/32", "172.16.0.0/12", "172.31.255.0/24", "192.168.0.0/16", "192.168.255.0/24",
        "100.64.0.0/10", "100.127.0.0/16",    "100.96.0.0/12", "fc00::/7",        "fd00::/8",       "fdff:ffff::/32" };
  const char *public[]
    = { "0.0.0.0/0",      "8.0.0.0/6",     "10.0.0.0/7",      "11.0.0.0/8",         "172.0.0.0/8",    "172.16.0.0/11",
        "172.32.0.0/12",  "192.0.0.0/8",   "192.0.0.0/9",     "192.0.0.0/24",       "192.168.0.0/13", "192.168.0.0/15",
        "192.0.2.0/24",   "198.18.0.0/15", "198.51.100.0/22", "198.51.100.0/24",    "100.64.0.0/9",   "100.0.0.0/8",
        "100.128.0.0/10", "127.0.0.0/8",   "169.254.0.0/16",  "224.0.0.0/4",        "240.0.0.0/4",    "0.0.0.0/8",
        "::/0",           "2001::/16",     "2001::/23",       "2001:db8::/32",      "fc00::/6",       "fc00::/4",
        "fe80::/10",      "ff00::/8",      "::ffff:0:0/104",  "::ffff:10.0.0.0/104" };
  for (size_t i = 0; i < G_N_ELEMENTS (private) + G_N_ELEMENTS (public); i++)
    {
      bool expected = i < G_N_ELEMENTS (private);
      const char *text = expected ? private[i] : public[i - G_N_ELEMENTS (private)];
      EwPrefix prefix;
      g_assert_true (ew_prefix_parse (text, &prefix, NULL));
      if (ew_prefix_is_private (&prefix) != expected)
        g_error ("%s %s private", text, expected ? "isn't" : "is");
    }
  EwPrefix none = { 0 };
  g_assert_false (ew_prefix_is_private (&none));
}

static void
test_prefix_text (void)
{
  const struct
  {
    const char *text, *canonical;
    bool host_bits;
  } good[] = {
    { "10.7.0.0/24", "10.7.0.0/24", false },
    { "10.7.0.1/24", "10.7.0.0/24", true },
    { "10.7.0.1", "10.7.0.1/32", false },
    { "0.0.0.0/0", "0.0.0.0/0", false },
    { "255.255.255.255/1", "128.0.0.0/1", true },
    { "192.0.2.255/31", "192.0.2.254/31", true },
    { "2001:db8::1", "2001:db8::1/128", false },
    { "2001:db8:ffff::/33", "2001:db8:8000::/33", true },
    { "::/0", "::/0", false },
  };
  const char *bad[] = { "",
                        "/",
                        "/24",
                        "10.0.0.0/",
                        "10.0.0.0/33",
                        "10.0.0.0/-1",
                        "10.0.0.0/+8",
                        "10.0.0.0/08",
                        "10.0.0.0/8 ",
                        "10.0.0.0//8",
                        "10.0.0/8",
                        "::/129",
                        "::/1000000",
                        "[::]/64",
                        "::1%1/128",
                        "10.0.0.0/8/8" };
  char text[EW_PREFIX_STRLEN];
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      EwPrefix p;
      bool host_bits = !good[i].host_bits;
      g_assert_true (ew_prefix_parse (good[i].text, &p, &host_bits));
      ew_prefix_format (&p, text);
      g_assert_cmpstr (text, ==, good[i].canonical);
      g_assert_true (host_bits == good[i].host_bits);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_prefix_parse (bad[i], &(EwPrefix){ 0 }, NULL));
  g_autofree char *huge = g_strnfill (100000, '1');
  g_assert_false (ew_prefix_parse (huge, &(EwPrefix){ 0 }, NULL));
}

static void
test_prefix_sets (void)
{
  const struct
  {
    const char *a, *b;
    bool a_contains_b, overlap; /* a_contains_b: b's first address */
  } cases[] = {
    { "10.0.0.0/8", "10.255.0.0/16", true, true },
    { "10.255.0.0/16", "10.0.0.0/8", false, true },
    { "10.0.0.0/9", "10.128.0.0/9", false, false },
    { "0.0.0.0/0", "203.0.113.1/32", true, true },
    { "0.0.0.0/0", "::/0", false, false },
    { "2001:db8::/33", "2001:db8:8000::/33", false, false },
    { "2001:db8::/32", "2001:db8::/32", true, true },
    { "192.0.2.4/30", "192.0.2.8/32", false, false },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EwPrefix a = prefix (cases[i].a), b = prefix (cases[i].b);
      g_assert_true (ew_prefix_contains (&a, &b.ip) == cases[i].a_contains_b);
      g_assert_true (ew_prefix_overlaps (&a, &b) == cases[i].overlap);
      g_assert_true (ew_prefix_overlaps (&b, &a) == cases[i].overlap);
      g_assert_true (ew_prefix_equal (&a, &b) == (strcmp (cases[i].a, cases[i].b) == 0));
    }
  EwPrefix all = prefix ("0.0.0.0/0"), none = { 0 };
  g_assert_false (ew_prefix_contains (&all, &none.ip));
  g_assert_false (ew_prefix_contains (&none, &all.ip));
  g_assert_false (ew_prefix_overlaps (&none, &none));
  EwIp host = ip ("192.0.2.1");
  EwPrefix of_host = ew_prefix_from_ip (&host);
  g_assert_cmpuint (of_host.length, ==, 32);
}

/* Every length against bit arithmetic. */
static void
test_prefix_bits (void)
{
  EwIp ones = ew_ip_from_v4 (0xffffffff);
  for (unsigned length = 0; length <= 32; length++)
    for (unsigned bit = 0; bit < 32; bit++)
      {
        EwPrefix p
          = { .ip = ew_ip_from_v4 (length == 0 ? 0 : 0xffffffffu << (32 - length)), .length = (uint8_t)length };
        EwIp flipped = ew_ip_from_v4 (0xffffffffu ^ (0x80000000u >> bit));
        g_assert_true (ew_prefix_contains (&p, &ones));
        g_assert_true (ew_prefix_contains (&p, &flipped) == (bit >= length));
      }
}

static void
test_endpoint (void)
{
  const char *good[] = { "192.0.2.1:51820", "[2001:db8::1]:443", "[::]:1", "0.0.0.0:65535", "[fe80::1%3]:443" };
  const char *bad[] = { "",
                        ":1",
                        "192.0.2.1",
                        "192.0.2.1:",
                        "192.0.2.1:0",
                        "192.0.2.1:65536",
                        "192.0.2.1:00080",
                        "192.0.2.1:x",
                        "2001:db8::1:443",
                        "[192.0.2.1]:1",
                        "[2001:db8::1]443",
                        "[2001:db8::1",
                        "[]:1",
                        "host:1",
                        "192.0.2.1: 1",
                        "[::1%1]:1",
                        "[fe80::1%eth0]:1",
                        "[fe80::1%]:1",
                        "[fe80::1%0]:1",
                        "192.0.2.1%1:1" };
  char text[EW_ENDPOINT_STRLEN];
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      EwEndpoint e;
      g_assert_true (ew_endpoint_parse (good[i], &e));
      g_assert_cmpint (e.kind, ==, EW_ENDPOINT_UDP);
      ew_endpoint_format (&e, text);
      g_assert_cmpstr (text, ==, good[i]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    if (ew_endpoint_parse (bad[i], &(EwEndpoint){ 0 }))
      g_error ("accepted: %s", bad[i]);
  g_assert_false (ew_endpoint_parse (NULL, &(EwEndpoint){ 0 }));
}

static void
test_same_remote (void)
{
  EwIp x = ip ("192.0.2.1"), y = ip ("192.0.2.2");
  EwEndpoint a = ew_endpoint_udp (&x, 1), b = ew_endpoint_udp (&x, 1), other_port = ew_endpoint_udp (&x, 2),
             other_ip = ew_endpoint_udp (&y, 1), none = { 0 };
  EwEndpoint stream = { .kind = EW_ENDPOINT_STREAM, .remote = x, .remote_port = 1, .id = 7 }, stream2 = stream,
             stream3 = stream;
  stream2.remote_port = 9;
  stream3.id = 8;
  b.local = y; /* where it was reached does not count */
  g_assert_true (ew_endpoint_same_remote (&a, &b));
  g_assert_false (ew_endpoint_same_remote (&a, &other_port));
  g_assert_false (ew_endpoint_same_remote (&a, &other_ip));
  g_assert_false (ew_endpoint_same_remote (&a, &none));
  g_assert_false (ew_endpoint_same_remote (&a, &stream));
  g_assert_true (ew_endpoint_same_remote (&stream, &stream2));
  g_assert_false (ew_endpoint_same_remote (&stream, &stream3));
  g_assert_true (ew_endpoint_same_remote (&none, &none));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proto/address/ip-text", test_ip_text);
  g_test_add_func ("/proto/address/ip-kind", test_ip_kind);
  g_test_add_func ("/proto/address/private-prefixes", test_private_prefixes);
  g_test_add_func ("/proto/address/prefix-text", test_prefix_text);
  g_test_add_func ("/proto/address/prefix-sets", test_prefix_sets);
  g_test_add_func ("/proto/address/prefix-bits", test_prefix_bits);
  g_test_add_func ("/proto/address/endpoint", test_endpoint);
  g_test_add_func ("/proto/address/same-remote", test_same_remote);
  return g_test_run ();
}
