/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/packet.h"
#include "proto/bytes.h"

#include <glib.h>
#include <string.h>

/* RFC 1071 word by word, the slow way, to check the fast one against; the odd byte is the high half of a word. */
static uint16_t
plain_sum (const uint8_t *data, size_t len, uint32_t partial)
{
  uint32_t sum = partial;
  for (size_t i = 0; i < len; i++)
    {
      sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
      sum = (sum & 0xffff) + (sum >> 16);
    }
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static EwIp
ip (const char *text)
{
  EwIp out;
  g_assert_true (ew_ip_parse (text, &out));
  return out;
}

static void
put16 (uint8_t *at, unsigned value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static uint16_t
get16 (const uint8_t *at)
{
  return (uint16_t)(at[0] << 8 | at[1]);
}

/* The worked example of an IPv4 header with its checksum b861 (UDP, 192.168.0.1 to 192.168.0.199), payload zero. */
static const uint8_t v4_example[115] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                         0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

/* An IPv6 UDP packet with payload_len bytes of payload. */
static size_t
make_v6 (uint8_t *out, const char *from, const char *to, uint8_t next, unsigned payload_len)
{
  EwIp a = ip (from), b = ip (to);
  memset (out, 0, 40 + payload_len);
  out[0] = 0x60;
  put16 (out + 4, payload_len);
  out[6] = next;
  out[7] = 64;
  memcpy (out + 8, a.bytes, 16);
  memcpy (out + 24, b.bytes, 16);
  return 40 + payload_len;
}

static size_t
make_v4 (uint8_t *out, const char *from, const char *to, uint8_t protocol, unsigned payload_len)
{
  EwIp a = ip (from), b = ip (to);
  memset (out, 0, 20 + payload_len);
  out[0] = 0x45;
  put16 (out + 2, 20 + payload_len);
  out[8] = 64;
  out[9] = protocol;
  memcpy (out + 12, a.bytes, 4);
  memcpy (out + 16, b.bytes, 4);
  put16 (out + 10, plain_sum (out, 20, 0));
  return 20 + payload_len;
}

static void
test_checksum (void)
{
  const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 }; /* section 3 */
  g_assert_cmphex (ew_checksum (rfc1071, sizeof rfc1071, 0), ==, (uint16_t)~0xddf2);
  g_assert_cmphex (ew_checksum (v4_example, 20, 0), ==, 0);
  g_assert_cmphex (ew_checksum (rfc1071, 0, 0), ==, 0xffff);
  g_autofree uint8_t *data = g_malloc (70000);
  for (unsigned i = 0; i < 70000; i++)
    data[i] = (uint8_t)g_test_rand_int ();
  for (unsigned len = 0; len < 300; len++)
    g_assert_cmphex (ew_checksum (data + len % 5, len, len * 77777u), ==,
                     plain_sum (data + len % 5, len, len * 77777u));
  g_autofree uint8_t *copy = g_malloc (301);
  for (unsigned len = 0; len < 300; len++)
    {
      memset (copy, 0xee, 301);
      g_assert_cmphex (ew_checksum_copy (copy, data + len % 7, len, len), ==, plain_sum (data + len % 7, len, len));
      g_assert_cmpmem (copy, len, data + len % 7, len);
      g_assert_cmpuint (copy[len], ==, 0xee);
    }
  memset (data, 0xff, 70000);
  g_assert_cmphex (ew_checksum (data, 65535, 0xffffffff), ==, plain_sum (data, 65535, 0xffff));
}

static void
test_parse_v4 (void)
{
  EwIpHeader h;
  uint8_t p[200];
  memcpy (p, v4_example, sizeof v4_example);
  g_assert_true (ew_packet_parse (p, sizeof v4_example, &h));
  EwIp source = ip ("192.168.0.1"), destination = ip ("192.168.0.199");
  g_assert_true (ew_ip_equal (&h.source, &source));
  g_assert_true (ew_ip_equal (&h.destination, &destination));
  g_assert_cmpuint (h.total_length, ==, 115);
  g_assert_cmpuint (h.protocol, ==, 17);
  g_assert_cmpuint (h.ttl, ==, 64);
  g_assert_cmpuint (h.header_length, ==, 20);
  g_assert_false (h.fragment);
  g_assert_true (ew_packet_parse (p, sizeof p, &h)); /* padding */
  for (size_t len = 0; len < 115; len++)
    g_assert_false (ew_packet_parse (p, len, &h));
  put16 (p + 6, 0x2000); /* the first fragment */
  g_assert_true (ew_packet_parse (p, 115, &h));
  g_assert_false (h.fragment);
  put16 (p + 6, 0x0001);
  g_assert_true (ew_packet_parse (p, 115, &h));
  g_assert_true (h.fragment);
  p[0] = 0x44;
  g_assert_false (ew_packet_parse (p, 115, &h));
  p[0] = 0x4f; /* 60 bytes of header */
  g_assert_true (ew_packet_parse (p, 115, &h));
  g_assert_cmpuint (h.header_length, ==, 60);
  put16 (p + 2, 59);
  g_assert_false (ew_packet_parse (p, 115, &h));
  p[0] = 0x55;
  g_assert_false (ew_packet_parse (p, 115, &h));
}

/* Options, RFC 791 section 3.1: a source-routed packet goes elsewhere than its destination says. */
static void
test_unsafe_v4 (void)
{
  static const struct
  {
    uint8_t options[8];
    bool unsafe;
  } rows[] = {
    { { 0 }, false },
    { { 1, 1, 1, 1, 1, 1, 1, 1 }, false },
    { { 148, 4, 0, 0, 0 }, false },         /* router alert */
    { { 68, 8, 5, 0, 1, 2, 3, 4 }, false }, /* a time stamp */
    { { 131, 7, 4, 10, 0, 0, 1, 0 }, true },
    { { 137, 7, 4, 10, 0, 0, 1, 0 }, true },
    { { 1, 131, 7, 4, 10, 0, 0, 1 }, true },
    { { 148, 4, 0, 0, 137, 3, 4, 0 }, true },
    { { 0, 131, 7, 4, 10, 0, 0, 1 }, false }, /* after the end of options */
    { { 148, 9, 0, 0, 0, 0, 0, 0 }, true },   /* beyond the header */
    { { 148, 1, 0, 0, 0, 0, 0, 0 }, true },
    { { 1, 1, 1, 1, 1, 1, 1, 148 }, true }, /* no length */
  };
  static const struct
  {
    unsigned place, payload;
    bool unsafe;
  } fragments[] = {
    { 0x2000, 8, false }, { 0x2000, 7, true },  { 0x2000, 0, true },  { 0x0000, 3, false },
    { 0x4000, 0, false }, { 0x2001, 3, false }, { 0x0005, 3, false },
  };
  EwIpHeader h;
  uint8_t p[200];
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      memcpy (p, v4_example, sizeof v4_example);
      p[0] = 0x47;
      memcpy (p + 20, rows[i].options, 8);
      g_assert_true (ew_packet_parse (p, 115, &h));
      g_test_message ("options %zu", i);
      g_assert_true (h.unsafe == rows[i].unsafe);
      g_assert_cmpuint (h.upper_at, ==, 28);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (fragments); i++)
    {
      memcpy (p, v4_example, sizeof v4_example);
      put16 (p + 2, 20 + fragments[i].payload);
      put16 (p + 6, fragments[i].place);
      g_assert_true (ew_packet_parse (p, 115, &h));
      g_test_message ("fragment %zu", i);
      g_assert_true (h.unsafe == fragments[i].unsafe);
    }
}

static void
test_parse_v6 (void)
{
  EwIpHeader h;
  uint8_t p[200];
  size_t len = make_v6 (p, "2001:db8::1", "2001:db8::2", 17, 20);
  p[0] = 0x6a;
  p[1] = 0xb1;
  g_assert_true (ew_packet_parse (p, len, &h));
  g_assert_cmphex (h.traffic_class, ==, 0xab);
  g_assert_cmpuint (h.total_length, ==, 60);
  g_assert_cmpuint (h.header_length, ==, 40);
  g_assert_cmpuint (h.protocol, ==, 17);
  for (size_t n = 0; n < len; n++)
    g_assert_false (ew_packet_parse (p, n, &h));
  make_v6 (p, "2001:db8::1", "2001:db8::2", 44, 20);
  p[40] = 17;
  g_assert_true (ew_packet_parse (p, len, &h));
  g_assert_false (h.fragment); /* the first one */
  put16 (p + 42, 8 << 0);
  g_assert_true (ew_packet_parse (p, len, &h));
  g_assert_true (h.fragment);
  put16 (p + 42, 1); /* offset 0, more to come */
  g_assert_true (ew_packet_parse (p, len, &h));
  g_assert_false (h.fragment);
  g_autofree uint8_t *big = g_malloc0 (40 + 65535);
  big[0] = 0x60;
  put16 (big + 4, 65535);
  g_assert_false (ew_packet_parse (big, 40 + 65535, &h)); /* its size would not fit total_length */
}

static void
test_ttl (void)
{
  uint8_t p[200];
  memcpy (p, v4_example, sizeof v4_example);
  for (unsigned round = 0; round < 3000; round++) /* every place where a carry may fall */
    {
      put16 (p + 4, round * 37);
      p[8] = (uint8_t)(2 + round % 254);
      put16 (p + 10, 0);
      put16 (p + 10, plain_sum (p, 20, 0));
      uint8_t ttl = p[8];
      g_assert_true (ew_packet_decrement_ttl (p, 115));
      g_assert_cmpuint (p[8], ==, ttl - 1);
      g_assert_cmphex (plain_sum (p, 20, 0), ==, 0);
    }
  for (unsigned ttl = 0; ttl < 2; ttl++)
    {
      p[8] = (uint8_t)ttl;
      g_assert_false (ew_packet_decrement_ttl (p, 115));
      g_assert_cmpuint (p[8], ==, ttl);
    }
  size_t len = make_v6 (p, "2001:db8::1", "2001:db8::2", 17, 0);
  g_assert_true (ew_packet_decrement_ttl (p, len));
  g_assert_cmpuint (p[7], ==, 63);
  p[7] = 1;
  g_assert_false (ew_packet_decrement_ttl (p, len));
  g_assert_false (ew_packet_decrement_ttl (p, 0));
  g_assert_false (ew_packet_decrement_ttl (p, 39));
}

/* The checksum of the ICMPv6 message behind a fixed header, pseudo header and all (RFC 8200 section 8.1). */
static uint16_t
v6_sum (const uint8_t *p, size_t len)
{
  g_autofree uint8_t *whole = g_malloc0 (len);
  memcpy (whole, p + 8, 32);
  put16 (whole + 34, (unsigned)len - 40);
  whole[39] = 58;
  memcpy (whole + 40, p + 40, len - 40);
  return plain_sum (whole, len, 0);
}

static void
test_error_v4 (void)
{
  const struct
  {
    EwIcmpError error;
    uint8_t type, code;
  } cases[] = { { EW_ICMP_TTL_EXCEEDED, 11, 0 },
                { EW_ICMP_NO_ROUTE, 3, 0 },
                { EW_ICMP_HOST_UNREACHABLE, 3, 1 },
                { EW_ICMP_PROHIBITED, 3, 13 },
                { EW_ICMP_TOO_BIG, 3, 4 } };
  EwIp from = ip ("100.96.0.1");
  uint8_t p[1500], out[1280];
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (unsigned payload = 0; payload < 1400; payload += 173)
      {
        size_t len = make_v4 (p, "100.96.1.1", "100.96.1.2", 17, payload);
        size_t quoted = MIN (len, 548), size = ew_packet_build_error (out, p, sizeof p, &from, cases[i].error, 1420);
        g_assert_cmpuint (size, ==, 28 + quoted);
        g_assert_cmpuint (get16 (out + 2), ==, size);
        g_assert_cmpuint (plain_sum (out, 20, 0), ==, 0);
        g_assert_cmpuint (plain_sum (out + 20, size - 20, 0), ==, 0);
        g_assert_cmpmem (out + 12, 4, from.bytes, 4);
        g_assert_cmpmem (out + 16, 4, p + 12, 4);
        g_assert_cmpuint (out[9], ==, 1);
        g_assert_cmpuint (out[20], ==, cases[i].type);
        g_assert_cmpuint (out[21], ==, cases[i].code);
        g_assert_cmpuint (get16 (out + 26), ==, cases[i].error == EW_ICMP_TOO_BIG ? 1420 : 0);
        g_assert_cmpmem (out + 28, quoted, p, quoted);
      }
}

static void
test_error_v6 (void)
{
  const struct
  {
    EwIcmpError error;
    uint8_t type, code;
  } cases[] = { { EW_ICMP_TTL_EXCEEDED, 3, 0 },
                { EW_ICMP_NO_ROUTE, 1, 0 },
                { EW_ICMP_HOST_UNREACHABLE, 1, 3 },
                { EW_ICMP_PROHIBITED, 1, 1 },
                { EW_ICMP_TOO_BIG, 2, 0 } };
  EwIp from = ip ("fd00::1");
  uint8_t p[1500], out[1280];
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (unsigned payload = 0; payload < 1400; payload += 173)
      {
        size_t len = make_v6 (p, "fd00::1:1", "fd00::1:2", 17, payload);
        size_t quoted = MIN (len, 1232), size = ew_packet_build_error (out, p, len, &from, cases[i].error, 1420);
        g_assert_cmpuint (size, ==, 48 + quoted);
        g_assert_cmpuint (get16 (out + 4), ==, size - 40);
        g_assert_cmpuint (v6_sum (out, size), ==, 0);
        g_assert_cmpuint (out[40], ==, cases[i].type);
        g_assert_cmpuint (out[41], ==, cases[i].code);
        g_assert_cmpuint (get16 (out + 46), ==, cases[i].error == EW_ICMP_TOO_BIG ? 1420 : 0);
        g_assert_cmpmem (out + 48, quoted, p, quoted);
      }
}

static size_t
answer_size (const uint8_t *p, size_t len)
{
  EwIp v4 = ip ("100.96.0.1"), v6 = ip ("fd00::1");
  uint8_t out[1280];
  return ew_packet_build_error (out, p, len, p[0] >> 4 == 4 ? &v4 : &v6, EW_ICMP_NO_ROUTE, 0);
}

static void
test_no_error_about (void)
{
  uint8_t p[200], out[1280];
  EwIp v6 = ip ("fd00::1");
  const uint8_t v4_errors[] = { 3, 4, 5, 11, 12 }, v4_others[] = { 0, 8, 13 },
                v6_errors[] = { 1, 2, 3, 4, 100, 127, 137 }, v6_others[] = { 128, 129, 135 };
  const char *pairs[][2]
    = { { "0.0.0.0", "100.96.1.2" },   { "224.0.0.1", "100.96.1.2" },   { "255.255.255.255", "100.96.1.2" },
        { "127.0.0.1", "100.96.1.2" }, { "100.96.1.1", "224.0.0.251" }, { "100.96.1.1", "255.255.255.255" },
        { "::", "fd00::2" },           { "ff02::1", "fd00::2" },        { "::1", "fd00::2" },
        { "fd00::2", "ff02::fb" } };
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      bool v4 = strchr (pairs[i][0], '.') != NULL;
      size_t len = v4 ? make_v4 (p, pairs[i][0], pairs[i][1], 17, 8) : make_v6 (p, pairs[i][0], pairs[i][1], 17, 8);
      g_assert_cmpuint (answer_size (p, len), ==, 0);
    }
  size_t len = make_v4 (p, "100.96.1.1", "100.96.1.2", 1, 8);
  g_assert_cmpuint (ew_packet_build_error (out, p, len, &v6, EW_ICMP_NO_ROUTE, 0), ==, 0);
  for (gsize i = 0; i < sizeof v4_errors; i++)
    {
      p[20] = v4_errors[i];
      g_assert_cmpuint (answer_size (p, len), ==, 0);
    }
  for (gsize i = 0; i < sizeof v4_others; i++)
    {
      p[20] = v4_others[i];
      g_assert_cmpuint (answer_size (p, len), >, 0);
    }
  put16 (p + 6, 1); /* a later fragment */
  g_assert_cmpuint (answer_size (p, len), ==, 0);
  make_v4 (p, "100.96.1.1", "100.96.1.2", 1, 0); /* ICMP without its type */
  g_assert_cmpuint (answer_size (p, 20), ==, 0);
  len = make_v6 (p, "fd00::2", "fd00::3", 58, 8);
  for (gsize i = 0; i < sizeof v6_errors; i++)
    {
      p[40] = v6_errors[i];
      g_assert_cmpuint (answer_size (p, len), ==, 0);
    }
  for (gsize i = 0; i < sizeof v6_others; i++)
    {
      p[40] = v6_others[i];
      g_assert_cmpuint (answer_size (p, len), >, 0);
    }
  len = make_v6 (p, "fd00::2", "fd00::3", 60, 16); /* an ICMPv6 error after destination options */
  p[40] = 58;
  p[48] = 1;
  g_assert_cmpuint (answer_size (p, len), ==, 0);
  p[48] = 128;
  g_assert_cmpuint (answer_size (p, len), >, 0);
  p[41] = 9; /* options that extend beyond the packet */
  g_assert_cmpuint (answer_size (p, len), ==, 0);
}

static void
test_echo (void)
{
  const char *pairs[][2] = { { "100.96.0.1", "100.96.1.1" }, { "fd00::1", "fd00::2" } };
  const uint8_t payload[] = "some bytes, an odd number of";
  uint8_t p[200], request[200];
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      EwIp from = ip (pairs[i][0]), to = ip (pairs[i][1]);
      EwIpHeader h;
      uint16_t id, sequence;
      const uint8_t *found;
      size_t found_len, len = ew_packet_build_echo (p, &from, &to, 0x1234, 0xfffe, payload, sizeof payload);
      g_assert_cmpuint (len, ==, (i == 0 ? 28 : 48) + sizeof payload);
      g_assert_true (ew_packet_parse (p, len, &h));
      if (i == 0)
        g_assert_true (plain_sum (p, 20, 0) == 0 && plain_sum (p + 20, len - 20, 0) == 0);
      else
        g_assert_cmpuint (v6_sum (p, len), ==, 0);
      g_assert_false (ew_packet_parse_echo_reply (p, len, &id, &sequence, &found, &found_len));
      memcpy (request, p, len);
      for (size_t at = h.header_length; at < len; at++) /* every bit counts */
        {
          p[at] ^= 0x10;
          g_assert_false (ew_packet_answer_echo (p, len));
          p[at] ^= 0x10;
        }
      for (size_t n = 0; n < len; n++)
        g_assert_false (ew_packet_answer_echo (p, n));
      g_assert_cmpmem (p, len, request, len);
      g_assert_true (ew_packet_answer_echo (p, sizeof p)); /* padding behind */
      g_assert_true (ew_packet_parse (p, len, &h));
      g_assert_true (ew_ip_equal (&h.source, &to) && ew_ip_equal (&h.destination, &from));
      g_assert_true (ew_packet_parse_echo_reply (p, len, &id, &sequence, &found, &found_len));
      g_assert_cmphex (id, ==, 0x1234);
      g_assert_cmphex (sequence, ==, 0xfffe);
      g_assert_cmpmem (found, found_len, payload, sizeof payload);
      g_assert_false (ew_packet_answer_echo (p, len));
    }
}

static void
test_echo_refused (void)
{
  EwIp from = ip ("100.96.0.1"), to = ip ("100.96.1.1"), all = ip ("224.0.0.1"), v6 = ip ("fd00::1");
  uint8_t p[200];
  g_autofree uint8_t *huge = g_malloc0 (70000), *payload = g_malloc0 (70000);
  size_t len = ew_packet_build_echo (p, &from, &all, 1, 1, NULL, 0);
  g_assert_false (ew_packet_answer_echo (p, len));
  len = ew_packet_build_echo (p, &from, &to, 1, 1, NULL, 0);
  p[6] = 0x20; /* the first of several fragments, its header right */
  put16 (p + 10, 0);
  put16 (p + 10, plain_sum (p, 20, 0));
  g_assert_false (ew_packet_answer_echo (p, len));
  g_assert_cmpuint (ew_packet_build_echo (huge, &from, &v6, 1, 1, NULL, 0), ==, 0);
  g_assert_cmpuint (ew_packet_build_echo (huge, &from, &to, 1, 1, payload, 65508), ==, 0);
  g_assert_cmpuint (ew_packet_build_echo (huge, &from, &to, 1, 1, payload, 65507), ==, 65535);
}

/* Every size and MTU: the fragments, put together again, are what was cut, and none is larger than it may be. */
static void
test_cut (void)
{
  static uint8_t packet[2048], first[2048], whole[2048];
  for (guint len = 20; len <= 2000; len += 11)
    for (guint mtu = 52; mtu <= 1500; mtu += 13)
      {
        memset (packet, 0, 20);
        for (guint i = 20; i < len; i++)
          packet[i] = (uint8_t)(i * 7);
        packet[0] = 0x45;
        ew_store_be16 (packet + 2, (uint16_t)len);
        ew_store_be16 (packet + 6, 3); /* a fragment itself, at 24, and the last */
        uint8_t *rest = packet;
        gsize left = len, at = 20, kept;
        while ((kept = ew_packet_cut (first, rest, left, (uint16_t)mtu)) > 0)
          {
            g_assert_cmpuint (kept + 20, <=, mtu);
            g_assert_cmphex (ew_load_be16 (first + 6), ==, 0x2000 | (3 + (at - 20) / 8));
            g_assert_cmpuint (ew_load_be16 (first + 2), ==, kept + 20);
            g_assert_cmpuint (ew_checksum (first, 20, 0), ==, 0);
            memcpy (whole + at, first + 20, kept);
            at += kept;
            rest += kept;
            left -= kept;
          }
        g_assert_cmpuint (left, <=, mtu);
        g_assert_cmphex (ew_load_be16 (rest + 6), ==, 3 + (at - 20) / 8);
        memcpy (whole + at, rest + 20, left - 20);
        for (guint i = 20; i < len; i++)
          g_assert_cmphex (whole[i], ==, (uint8_t)(i * 7));
      }
}

static void
test_cut_refused (void)
{
  static uint8_t packet[1500], first[1500];
  packet[0] = 0x45;
  ew_store_be16 (packet + 6, 0x4000); /* DF */
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1400), ==, 0);
  ew_store_be16 (packet + 6, 0);
  packet[0] = 0x46; /* options */
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1400), ==, 0);
  packet[0] = 0x60;
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1400), ==, 0);
  packet[0] = 0x45;
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 51), ==, 0);
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1500), ==, 0);
  ew_store_be16 (packet + 6, 0x1fff); /* as far as offsets go */
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1400), ==, 0);
  ew_store_be16 (packet + 6, 0);
  g_assert_cmpuint (ew_packet_cut (first, packet, 1500, 1400), ==, 1376);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proto/packet/checksum", test_checksum);
  g_test_add_func ("/proto/packet/parse-v4", test_parse_v4);
  g_test_add_func ("/proto/packet/unsafe-v4", test_unsafe_v4);
  g_test_add_func ("/proto/packet/parse-v6", test_parse_v6);
  g_test_add_func ("/proto/packet/ttl", test_ttl);
  g_test_add_func ("/proto/packet/error-v4", test_error_v4);
  g_test_add_func ("/proto/packet/error-v6", test_error_v6);
  g_test_add_func ("/proto/packet/no-error-about", test_no_error_about);
  g_test_add_func ("/proto/packet/echo", test_echo);
  g_test_add_func ("/proto/packet/cut", test_cut);
  g_test_add_func ("/proto/packet/cut-refused", test_cut_refused);
  g_test_add_func ("/proto/packet/echo-refused", test_echo_refused);
  return g_test_run ();
}
