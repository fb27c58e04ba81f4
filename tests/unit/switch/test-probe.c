/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Probes: the packets that ask, and what is made of what comes back, of strangers' packets, too.
 */
#include <netinet/in.h>
#include <string.h>
#include "edge/switch/probe.h"
#include "proto/bytes.h"

#define SECRET 0xdeadbeefu

static int node, stranger; /* only their addresses count */

typedef struct
{
  EwProbes probes;
  EwIp edge, target;
  gint slot;
  guint8 sent[EW_PROBE_PACKET_MAX];
  gsize sent_len;
} Fixture;

static void
set_up_protocol (Fixture *fixture, guint8 protocol, gboolean v6)
{
  g_assert_true (ew_ip_parse (v6 ? "fd00::1" : "100.96.0.1", &fixture->edge));
  g_assert_true (ew_ip_parse (v6 ? "fd00::2" : "100.96.1.2", &fixture->target));
  fixture->slot = ew_switch_probe_take (&fixture->probes, SECRET);
  g_assert_cmpint (fixture->slot, >=, 0);
  ew_switch_probe_set_node (&fixture->probes, fixture->slot, &node);
  fixture->sent_len = ew_switch_probe_build (&fixture->probes, fixture->slot, 0, &fixture->edge, &fixture->target,
                                             protocol, 8123, fixture->sent);
  g_assert_cmpuint (fixture->sent_len, >, 0);
}

/* The upper layer's checksum is right: the sum over it and the pseudo header is 0. */
static void
assert_sound (const guint8 *packet, gsize len)
{
  EwIpHeader header;
  g_assert_true (ew_packet_parse (packet, len, &header));
  g_assert_cmpuint (header.total_length, ==, len);
  const gsize size = len - header.header_length;
  g_assert_cmpuint (ew_checksum (packet + header.header_length, size,
                                 ew_packet_pseudo_sum (&header.source, &header.destination, header.protocol, size)),
                    ==, 0);
}

static gboolean
hear (Fixture *fixture, gconstpointer from, const guint8 *packet, gsize len, guint8 *out, gsize *answer)
{
  EwIpHeader header;
  g_assert_true (ew_packet_parse (packet, len, &header));
  return ew_switch_probe_hear (&fixture->probes, from, &header, packet, len, out, answer);
}

/* A segment from the target to the port that asked. */
static gsize
build_reply (const Fixture *fixture, guint8 *out, guint8 flags, guint32 acknowledged)
{
  const gsize header = ew_packet_write_header (out, &fixture->target, &fixture->edge, IPPROTO_TCP, 0, 20);
  memset (out + header, 0, 20);
  ew_store_be16 (out + header, 8123);
  ew_store_be16 (out + header + 2, (guint16)(EW_PROBE_PORT + fixture->slot));
  ew_store_be32 (out + header + 8, acknowledged);
  out[header + 12] = 0x50;
  out[header + 13] = flags;
  return header + 20;
}

static void
test_segment (gconstpointer v6)
{
  Fixture fixture = { 0 };
  guint8 reply[64], out[EW_PROBE_PACKET_MAX];
  gsize answer, header = v6 ? 40 : 20;
  set_up_protocol (&fixture, IPPROTO_TCP, v6 != NULL);
  assert_sound (fixture.sent, fixture.sent_len);
  g_assert_cmpuint (fixture.sent[header + 13], ==, 0x02);
  g_assert_cmpuint (ew_load_be16 (fixture.sent + header + 2), ==, 8123);
  g_assert_cmpuint (
    ew_switch_probe_build (&fixture.probes, fixture.slot, 1, &fixture.edge, &fixture.target, IPPROTO_TCP, 8123, out),
    ==, 0);
  /* Not by guessing, and not by another node. */
  gsize len = build_reply (&fixture, reply, 0x12, SECRET);
  g_assert_false (hear (&fixture, &node, reply, len, out, &answer));
  len = build_reply (&fixture, reply, 0x02, SECRET + 1);
  g_assert_false (hear (&fixture, &node, reply, len, out, &answer));
  len = build_reply (&fixture, reply, 0x12, SECRET + 1);
  g_assert_false (hear (&fixture, &stranger, reply, len, out, &answer));
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_WAITING);
  g_assert_true (hear (&fixture, &node, reply, len, out, &answer));
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_ANSWERED);
  /* The connection isn't left half open. */
  g_assert_cmpuint (answer, ==, header + 20);
  assert_sound (out, answer);
  g_assert_cmpuint (out[header + 13], ==, 0x04);
  g_assert_cmpuint (ew_load_be32 (out + header + 4), ==, SECRET + 1);
  /* Once said, it stays. */
  len = build_reply (&fixture, reply, 0x14, SECRET + 1);
  g_assert_true (hear (&fixture, &node, reply, len, out, &answer));
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_ANSWERED);
  ew_switch_probe_free (&fixture.probes, fixture.slot);
  g_assert_false (hear (&fixture, &node, reply, len, out, &answer));
}

static void
test_refused (gconstpointer v6)
{
  Fixture fixture = { 0 };
  guint8 reply[64], out[EW_PROBE_PACKET_MAX];
  gsize answer;
  set_up_protocol (&fixture, IPPROTO_TCP, v6 != NULL);
  gsize len = build_reply (&fixture, reply, 0x14, SECRET + 1);
  g_assert_true (hear (&fixture, &node, reply, len, out, &answer));
  g_assert_cmpuint (answer, ==, 0);
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_REFUSED);
}

/* Errors about what was sent, by the target or by the gateway in front of it. */
static void
test_errors (gconstpointer v6)
{
  static const guint8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
  for (gsize i = 0; i < G_N_ELEMENTS (protocols); i++)
    for (guint port = 0; port < 2; port++)
      {
        Fixture fixture = { 0 };
        guint8 error[1280], out[EW_PROBE_PACKET_MAX];
        gsize answer, header = v6 ? 40 : 20;
        set_up_protocol (&fixture, protocols[i], v6 != NULL);
        assert_sound (fixture.sent, fixture.sent_len);
        gsize len
          = ew_packet_build_error (error, fixture.sent, fixture.sent_len, &fixture.target, EW_ICMP_HOST_UNREACHABLE, 0);
        g_assert_cmpuint (len, >, 0);
        if (port)
          error[header + 1] = v6 ? 4 : 3;
        g_assert_false (hear (&fixture, &stranger, error, len, out, &answer));
        g_assert_true (hear (&fixture, &node, error, len, out, &answer));
        g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==,
                         port ? EW_PROBE_REFUSED : EW_PROBE_UNREACHABLE);
      }
}

static void
test_ping (gconstpointer v6)
{
  Fixture fixture = { 0 };
  guint8 ping[EW_PROBE_PACKET_MAX], out[EW_PROBE_PACKET_MAX];
  gsize answer;
  set_up_protocol (&fixture, IPPROTO_UDP, v6 != NULL);
  gsize len
    = ew_switch_probe_build (&fixture.probes, fixture.slot, 1, &fixture.edge, &fixture.target, IPPROTO_UDP, 8123, ping);
  g_assert_cmpuint (len, >, 0);
  g_assert_true (ew_packet_answer_echo (ping, len));
  g_assert_true (hear (&fixture, &stranger, ping, len, out, &answer)); /* it is an answer, but not of whom was asked */
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_WAITING);
  g_assert_true (hear (&fixture, &node, ping, len, out, &answer));
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_PINGED);
  /* A word about the port counts more. */
  guint8 datagram[64];
  const gsize header = ew_packet_write_header (datagram, &fixture.target, &fixture.edge, IPPROTO_UDP, 0, 8);
  memset (datagram + header, 0, 8);
  ew_store_be16 (datagram + header, 8123);
  ew_store_be16 (datagram + header + 2, (guint16)(EW_PROBE_PORT + fixture.slot));
  g_assert_false (hear (&fixture, &stranger, datagram, header + 8, out, &answer));
  g_assert_true (hear (&fixture, &node, datagram, header + 8, out, &answer));
  g_assert_cmpint (ew_switch_probe_get (&fixture.probes, fixture.slot), ==, EW_PROBE_ANSWERED);
}

static void
test_slots (void)
{
  EwProbes probes = { 0 };
  for (gint i = 0; i < EW_PROBE_SLOTS; i++)
    g_assert_cmpint (ew_switch_probe_take (&probes, 0), ==, i);
  g_assert_cmpint (ew_switch_probe_take (&probes, 0), ==, -1);
  ew_switch_probe_free (&probes, 7);
  g_assert_cmpint (ew_switch_probe_take (&probes, 0), ==, 7);
  ew_switch_probe_settle (&probes, 7, EW_PROBE_UNREACHABLE);
  ew_switch_probe_settle (&probes, 7, EW_PROBE_ANSWERED);
  g_assert_cmpint (ew_switch_probe_get (&probes, 7), ==, EW_PROBE_UNREACHABLE);
}

/* Anything may come: no byte of it leads outside the packet. */
static void
test_garbage (void)
{
  Fixture fixture = { 0 };
  set_up_protocol (&fixture, IPPROTO_TCP, FALSE);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  for (guint n = 0; n < 200000; n++)
    {
      gsize len = (gsize)g_rand_int_range (rand, 20, 80), answer;
      g_autofree guint8 *packet = g_malloc (len);
      guint8 out[EW_PROBE_PACKET_MAX];
      EwIpHeader header;
      for (gsize i = 0; i < len; i++)
        packet[i] = (guint8)g_rand_int (rand);
      packet[0] = 0x45;
      ew_store_be16 (packet + 2, (guint16)len);
      packet[9] = (const guint8[]){ IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP }[n % 3];
      if (ew_packet_parse (packet, len, &header))
        ew_switch_probe_hear (&fixture.probes, &node, &header, packet, len, out, &answer);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                                                \
  g_test_add_data_func ("/probe/" name "/4", NULL, func);                                                              \
  g_test_add_data_func ("/probe/" name "/6", "6", func)
  ADD ("segment", test_segment);
  ADD ("refused", test_refused);
  ADD ("errors", test_errors);
  ADD ("ping", test_ping);
  g_test_add_func ("/probe/slots", test_slots);
  g_test_add_func ("/probe/garbage", test_garbage);
  return g_test_run ();
}
