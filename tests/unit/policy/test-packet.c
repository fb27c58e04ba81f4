/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What packets are to a policy: those that filters are got past with, and random ones beside the model.
 */
#include "policy/packet-model.h"

#define V4(length, place, protocol)                                                                                    \
  "4500" length "0001" place "40" protocol "0000"                                                                      \
  "64600100"                                                                                                           \
  "64600101"
#define V6(length, next)                                                                                               \
  "60000000" length next "40"                                                                                          \
  "fd123400000000000000000000000000"                                                                                   \
  "fd123400000000000000000000000001"
#define UPPER "138801bb00000000" /* port 5000 to 443 */

static const struct
{
  const gchar *what, *hex;
  EwPolicyPacket kind;
  guint8 protocol;
  gint port; /* -1: unreadable */
} packets[] = {
  { "TCP", V4 ("001c", "0000", "06") UPPER, EW_POLICY_PACKET_OPENS, 6, 443 },
  { "TCP, cut off", V4 ("001b", "0000", "06") "138801bb000000", EW_POLICY_PACKET_ALONE, 6, -1 },
  { "UDP without a header", V4 ("0014", "0000", "11"), EW_POLICY_PACKET_ALONE, 17, -1 },
  { "first fragment", V4 ("001c", "2000", "06") UPPER, EW_POLICY_PACKET_OPENS, 6, 443 },
  { "first fragment without ports", V4 ("0018", "2000", "06") "138801bb", EW_POLICY_PACKET_REFUSED, 6, -1 },
  { "later fragment", V4 ("001c", "2001", "06") UPPER, EW_POLICY_PACKET_FOLLOWS, 6, -1 },
  { "last fragment", V4 ("001c", "0001", "11") UPPER, EW_POLICY_PACKET_FOLLOWS, 17, -1 },
  { "GRE", V4 ("001c", "0000", "2f") UPPER, EW_POLICY_PACKET_OPENS, 47, 0 },
  { "unknown", V4 ("0014", "0000", "fd"), EW_POLICY_PACKET_OPENS, 253, 0 },
  { "echo request", V4 ("001c", "0000", "01") "0800000000010001", EW_POLICY_PACKET_OPENS, 1, 0 },
  { "echo reply", V4 ("001c", "0000", "01") "0000000000010001", EW_POLICY_PACKET_ALONE, 1, 0 },
  { "redirect", V4 ("001c", "0000", "01") "0500000000010001", EW_POLICY_PACKET_ERROR, 1, 0 },
  { "unreachable", V4 ("001c", "0000", "01") "0301000000000000", EW_POLICY_PACKET_ERROR, 1, 0 },
  { "timestamp", V4 ("001c", "0000", "01") "0d00000000000000", EW_POLICY_PACKET_ALONE, 1, 0 },
  { "ICMP without a header", V4 ("0014", "0000", "01"), EW_POLICY_PACKET_ALONE, 1, 0 },
  { "TCP, IPv6", V6 ("0008", "06") UPPER, EW_POLICY_PACKET_OPENS, 6, 443 },
  { "after hop-by-hop and destination options",
    V6 ("0018", "00") "3c00010400000000"
                      "0600010400000000" UPPER,
    EW_POLICY_PACKET_OPENS, 6, 443 },
  { "hop-by-hop not first",
    V6 ("0018", "3c") "0000010400000000"
                      "0600010400000000" UPPER,
    EW_POLICY_PACKET_REFUSED, 0, 0 },
  { "a routing header with a way to go", V6 ("0010", "2b") "0600000100000000" UPPER, EW_POLICY_PACKET_REFUSED, 43, 0 },
  { "an extension that is cut off", V6 ("0008", "3c") "0601010400000000", EW_POLICY_PACKET_REFUSED, 6, -1 },
  { "first fragment, IPv6", V6 ("0010", "2c") "0600000100000001" UPPER, EW_POLICY_PACKET_OPENS, 6, 443 },
  { "first fragment with extensions alone",
    V6 ("0010", "2c") "3c00000100000001"
                      "0600010400000000",
    EW_POLICY_PACKET_REFUSED, 6, -1 },
  { "later fragment, IPv6", V6 ("0010", "2c") "0600000900000001" UPPER, EW_POLICY_PACKET_FOLLOWS, 6, -1 },
  { "an unknown extension", V6 ("0010", "8b") "0600010400000000" UPPER, EW_POLICY_PACKET_OPENS, 139, 0 },
  { "nothing after the header", V6 ("0000", "3b"), EW_POLICY_PACKET_OPENS, 59, 0 },
  { "AH", V6 ("0010", "33") "0600010400000000" UPPER, EW_POLICY_PACKET_OPENS, 51, 0 },
  { "too big", V6 ("0008", "3a") "0200000000000500", EW_POLICY_PACKET_ERROR, 58, 0 },
  { "an error behind an extension",
    V6 ("0010", "3c") "3a00010400000000"
                      "0200000000000500",
    EW_POLICY_PACKET_ALONE, 58, 0 },
  { "neighbour advertisement", V6 ("0008", "3a") "8800000000000000", EW_POLICY_PACKET_ALONE, 58, 0 },
};

static gsize
read_hex (const gchar *hex, guint8 *out)
{
  const gsize n = strlen (hex) / 2;

  for (gsize i = 0; i < n; i++)
    out[i] = (guint8)(g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  return n;
}

static void
test_kinds (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (packets); i++)
    {
      guint8 packet[128];
      const gsize len = read_hex (packets[i].hex, packet);
      EwIpHeader header;
      EwPolicyKey key;

      g_assert_true (ew_packet_parse (packet, len, &header));
      const EwPolicyPacket kind = ew_policy_read_packet (&key, &header, packet, len);
      if (kind != packets[i].kind)
        g_error ("%s: %d", packets[i].what, kind);
      if (kind == EW_POLICY_PACKET_REFUSED)
        continue;
      if (key.protocol != packets[i].protocol || (key.unreadable ? -1 : key.port) != packets[i].port)
        g_error ("%s: protocol %u, port %u, unreadable %d", packets[i].what, key.protocol, key.port, key.unreadable);
    }
}

static void
compare_readers (const guint8 *packet, gsize len)
{
  EwIpHeader header;
  EwPolicyKey is, should;
  EwPolicyPacket expected;
  const gboolean parsed = ew_packet_parse (packet, len, &header);

  g_assert_cmpint (parsed, ==, packet_model_read (packet, len, &should, &expected));
  if (!parsed)
    return;
  g_assert_cmpint (ew_policy_read_packet (&is, &header, packet, len), ==, expected);
  if (expected == EW_POLICY_PACKET_REFUSED)
    return;
  g_assert_true (ew_ip_equal (&is.source, &should.source) && ew_ip_equal (&is.destination, &should.destination));
  g_assert_cmpuint (is.protocol, ==, should.protocol);
  g_assert_cmpuint (is.port, ==, should.port);
  g_assert_cmpint (is.unreadable, ==, should.unreadable);
}

/* Each packet of the table, cut and changed in a few bytes. */
static void
test_model (void)
{
  for (guint round = 0; round < 200000; round++)
    {
      guint8 packet[128];
      gsize len = read_hex (packets[round % G_N_ELEMENTS (packets)].hex, packet);

      for (gint n = g_random_int_range (0, 4); n > 0; n--)
        packet[g_random_int_range (0, (gint)len)]
          = g_random_boolean () ? (guint8)g_random_int () : (guint8)g_random_int_range (0, 64);
      if (g_random_int_range (0, 4) == 0)
        len = (gsize)g_random_int_range (0, (gint)len + 1);
      compare_readers (packet, len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/packet/kinds", test_kinds);
  g_test_add_func ("/policy/packet/model", test_model);
  return g_test_run ();
}
