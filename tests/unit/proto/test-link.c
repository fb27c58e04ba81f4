/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/link.h"

#include <glib.h>
#include <string.h>

static EwIp
ip (const char *text)
{
  EwIp out;
  g_assert_true (ew_ip_parse (text, &out));
  return out;
}

static const EwLinkMessage sample = { EW_LINK_PROBE, 0x0102030405060708, { 42 }, G_MAXUINT64 };

static bool
parses (const uint8_t *packet, size_t len)
{
  EwIp from, to;
  EwLinkMessage message;
  return ew_link_parse (packet, len, &from, &to, &message);
}

/* Byte for byte as link.h draws it; the checksums were worked out apart from this code. */
static void
test_bytes (void)
{
  const uint8_t expected[] = {
    0x45, 0,    0,    60,   0,   0,   0x40, 0,    64,  17,  0x70, 0xef, 100, 96, 1, 1, 100, 96, 0, 1, /* IPv4 */
    0x12, 0xbc, 0x12, 0xbc, 0,   40,  0x6d, 0x7d,                                                     /* UDP */
    'E',  'W',  'L',  '1',  1,   0,   0,    32,   1,   2,   3,    4,    5,   6,  7, 8, 0,   0,  0, 0,
    0,    0,    0,    42,   255, 255, 255,  255,  255, 255, 255,  255,
  };
  EwIp from = ip ("100.96.1.1"), to = ip ("100.96.0.1");
  uint8_t packet[EW_LINK_PACKET_MAX];
  size_t len = ew_link_build (packet, &from, &to, &sample);
  g_assert_cmpmem (packet, len, expected, sizeof expected);
}

static void
test_round_trip (void)
{
  const char *pairs[][2] = { { "100.96.1.1", "100.96.0.1" }, { "fd00::1:1", "fd00::1" } };
  const EwLinkType types[] = { EW_LINK_PROBE,      EW_LINK_ANSWER,      EW_LINK_NOTICE, EW_LINK_GOODBYE,
                               EW_LINK_EDGE_PROBE, EW_LINK_EDGE_ANSWER, EW_LINK_COUNT,  EW_LINK_COUNTED };
  uint8_t packet[EW_LINK_PACKET_MAX + 10] = { 0 };
  for (gsize i = 0; i < 2; i++)
    for (gsize t = 0; t < G_N_ELEMENTS (types); t++)
      for (guint64 token = 0; token < 70000; token += 997) /* also where the UDP checksum comes out as 0 */
        {
          EwIp from = ip (pairs[i][0]), to = ip (pairs[i][1]), from2, to2;
          EwLinkMessage in = { types[t], token << 16, { token }, G_MAXUINT64 - token }, out;
          size_t len = ew_link_build (packet, &from, &to, &in);
          g_assert_cmpuint (len, ==, i == 0 ? 60 : 80);
          g_assert_true (ew_link_parse (packet, len, &from2, &to2, &out));
          g_assert_true (ew_ip_equal (&from, &from2) && ew_ip_equal (&to, &to2));
          g_assert_true (in.type == out.type && in.token == out.token && ew_revision_equal (in.revision, out.revision)
                         && in.stamp_ns == out.stamp_ns);
          g_assert_true (parses (packet, len + 10));
        }
  EwIp a = ip ("100.96.1.1"), b = ip ("fd00::1"), none = { 0 };
  g_assert_cmpuint (ew_link_build (packet, &a, &b, &sample), ==, 0);
  g_assert_cmpuint (ew_link_build (packet, &none, &none, &sample), ==, 0);
}

/* Padded to every size, in both families; what isn't as large as it says isn't one, and no other message may be
   larger. */
static void
test_sizes (void)
{
  const char *pairs[][2] = { { "100.96.1.1", "100.96.0.1" }, { "fd00::1:1", "fd00::1" } };
  static uint8_t packet[EW_LINK_SIZE_MAX + 1];
  for (gsize i = 0; i < 2; i++)
    for (guint size = 0; size <= EW_LINK_SIZE_MAX + 1; size += size < 200 ? 1 : 89)
      for (guint answer = 0; answer < 2; answer++)
        {
          EwIp from = ip (pairs[i][0]), to = ip (pairs[i][1]), from2, to2;
          EwLinkMessage out, in = { .type = answer ? EW_LINK_SIZE_ANSWER : EW_LINK_SIZE_PROBE,
                                    .token = size,
                                    .stamp_ns = 9,
                                    .probe_size = (guint16)(answer ? 7 : size),
                                    .answer_size = (guint16)(answer ? size : 8),
                                    .takes = 1040 };
          const gsize least = i == 0 ? 60 : 80;
          const gsize len = ew_link_build (packet, &from, &to, &in);
          g_assert_cmpuint (len, ==, size > least && size <= EW_LINK_SIZE_MAX ? size : least);
          g_assert_true (ew_link_parse (packet, len, &from2, &to2, &out));
          g_assert_true (out.type == in.type && out.token == size && out.stamp_ns == 9 && out.revision.hash == 0);
          g_assert_true (out.probe_size == in.probe_size && out.answer_size == in.answer_size && out.takes == 1040);
          g_assert_false (parses (packet, len - 1));
          if (len > least)
            {
              packet[len - 1] ^= 1; /* the padding is covered by the checksum */
              g_assert_false (parses (packet, len));
              packet[len - 1] ^= 1;
              packet[least - EW_LINK_MESSAGE_SIZE + 4] = EW_LINK_PROBE;
              g_assert_false (parses (packet, len));
            }
        }
}

/* An ANSWER's note: an unknown note is ignored, and no other message has one. */
static void
test_problems (void)
{
  static const char *const codes[] = { NULL, "two-machines", "clock-behind", "restored", "handshakes-refused" };
  EwIp from = ip ("100.96.0.1"), to = ip ("100.96.1.1"), from2, to2;
  uint8_t packet[EW_LINK_PACKET_MAX];
  for (unsigned problem = 0; problem < 256; problem++)
    for (int answer = 0; answer < 2; answer++)
      {
        EwLinkMessage out, in = { answer ? EW_LINK_ANSWER : EW_LINK_NOTICE, 7, { 8 }, 9, (EwNodeProblem)problem };
        size_t len = ew_link_build (packet, &from, &to, &in);
        unsigned number = problem & (unsigned)~(EW_LINK_COUNTS | EW_LINK_SINGLY | EW_LINK_MOVED);
        bool known = answer && number < G_N_ELEMENTS (codes);
        g_assert_true (ew_link_parse (packet, len, &from2, &to2, &out));
        g_assert_cmpuint (out.problem, ==, known ? number : EW_NODE_PROBLEM_NONE);
        g_assert_cmpuint (out.flags, ==, answer ? problem - number : 0);
        g_assert_cmpstr (ew_node_problem_get_code ((EwNodeProblem)problem), ==,
                         problem < G_N_ELEMENTS (codes) ? codes[problem] : NULL);
      }
  for (unsigned problem = 1; problem < G_N_ELEMENTS (codes); problem++)
    g_assert_cmpuint (ew_node_problem_from_code (codes[problem]), ==, problem);
  g_assert_cmpuint (ew_node_problem_from_code (NULL), ==, EW_NODE_PROBLEM_NONE);
  g_assert_cmpuint (ew_node_problem_from_code ("of-next-year"), ==, EW_NODE_PROBLEM_NONE);
}

/* Each message has the flags that it may have, beside its problem. */
static void
test_flags (void)
{
  EwIp from = ip ("100.96.0.1"), to = ip ("100.96.1.1"), from2, to2;
  uint8_t packet[EW_LINK_PACKET_MAX];
  for (unsigned type = EW_LINK_PROBE; type <= EW_LINK_COUNTED; type++)
    {
      const uint8_t may = type == EW_LINK_ANSWER  ? EW_LINK_COUNTS | EW_LINK_SINGLY | EW_LINK_MOVED
                          : type == EW_LINK_PROBE ? EW_LINK_COUNTS
                                                  : 0;
      EwLinkMessage out, in = { (EwLinkType)type, 7, { 8 }, 9, EW_NODE_PROBLEM_RESTORED, 0xff };
      if (type == 4)
        continue;
      size_t len = ew_link_build (packet, &from, &to, &in);
      g_assert_true (ew_link_parse (packet, len, &from2, &to2, &out));
      g_assert_cmpuint (out.flags, ==, may);
      g_assert_cmpuint (out.problem, ==, type == EW_LINK_ANSWER ? EW_NODE_PROBLEM_RESTORED : EW_NODE_PROBLEM_NONE);
    }
}

/* Zero stands for "no checksum" in UDP, so 0xffff is sent for it: never zero, whatever the message. */
static void
test_checksum_zero (void)
{
  EwIp from = ip ("100.96.1.1"), to = ip ("100.96.0.1");
  uint8_t packet[EW_LINK_PACKET_MAX];
  unsigned seen = 0;
  for (guint64 token = 0; token < 65536; token++)
    {
      EwLinkMessage message = { EW_LINK_PROBE, token, { 0 }, 0 };
      size_t len = ew_link_build (packet, &from, &to, &message);
      g_assert_true (packet[26] != 0 || packet[27] != 0);
      seen += packet[26] == 0xff && packet[27] == 0xff;
      if (packet[26] == 0xff && packet[27] == 0xff)
        g_assert_true (parses (packet, len));
    }
  g_assert_cmpuint (seen, >, 0);
}

/* Makes the UDP checksum of a changed IPv4 packet right again. */
static void
fix_sum (uint8_t *packet)
{
  uint32_t sum = 17 + 40;
  packet[26] = packet[27] = 0;
  for (unsigned i = 12; i < 60; i += 2)
    sum += (uint32_t)packet[i] << 8 | packet[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  packet[26] = (uint8_t)(~sum >> 8);
  packet[27] = (uint8_t)~sum;
}

static void
test_refused (void)
{
  EwIp from = ip ("100.96.1.1"), to = ip ("100.96.0.1");
  uint8_t packet[EW_LINK_PACKET_MAX], good[EW_LINK_PACKET_MAX];
  size_t len = ew_link_build (good, &from, &to, &sample);
  memcpy (packet, good, len);
  for (size_t n = 0; n < len; n++)
    g_assert_false (parses (packet, n));
  for (size_t at = 0; at < len; at++) /* every byte is covered by a checksum or a check */
    {
      packet[at] ^= 0x04;
      g_assert_false (parses (packet, len));
      packet[at] ^= 0x04;
    }
  /* With the checksum right, the fields themselves: ports, length, magic, unknown types, message length. */
  const struct
  {
    size_t at;
    uint8_t value;
  } fields[]
    = { { 21, 0 }, { 23, 0 }, { 25, 39 }, { 28, 'F' }, { 31, '2' }, { 32, 0 }, { 32, 4 }, { 32, 12 }, { 35, 31 } };
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      memcpy (packet, good, len);
      packet[fields[i].at] = fields[i].value;
      fix_sum (packet);
      g_assert_false (parses (packet, len));
    }
  memcpy (packet, good, len);
  fix_sum (packet);
  g_assert_true (parses (packet, len)); /* fix_sum itself is right */
  packet[26] = packet[27] = 0;
  g_assert_false (parses (packet, len));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proto/link/bytes", test_bytes);
  g_test_add_func ("/proto/link/round-trip", test_round_trip);
  g_test_add_func ("/proto/link/sizes", test_sizes);
  g_test_add_func ("/proto/link/problems", test_problems);
  g_test_add_func ("/proto/link/flags", test_flags);
  g_test_add_func ("/proto/link/checksum-zero", test_checksum_zero);
  g_test_add_func ("/proto/link/refused", test_refused);
  return g_test_run ();
}
