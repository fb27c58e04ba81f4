/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sparse.h"

#include <string.h>

#define MS G_GUINT64_CONSTANT (1000000)

static EwSparse *sparse;

static void
begin (void)
{
  g_free (sparse);
  sparse = g_new0 (EwSparse, 1);
}

/* A packet of that length from port to port 443; protocol 6 or 17 in an IPv4 packet. */
static gboolean
look_v4 (guint8 protocol, guint16 port, gsize length, guint64 now)
{
  guint8 packet[1500] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
  packet[20] = (guint8)(port >> 8);
  packet[21] = (guint8)port;
  packet[22] = 1;
  return ew_sparse_look (sparse, packet, length, now);
}

static gboolean
look_v6 (guint16 port, gsize length, guint64 now)
{
  guint8 packet[1500] = { 0x60, 0, 0, 0, 0, 0, 17, 64 };
  packet[40] = (guint8)(port >> 8);
  packet[41] = (guint8)port;
  return ew_sparse_look (sparse, packet, length, now);
}

/* A call (50 packets of 200 bytes a second) and a round trip every 10 ms stay sparse, whatever else is sent. */
static void
test_little (void)
{
  begin ();
  for (guint64 now = MS; now < 5000 * MS; now += MS)
    {
      (void)look_v4 (6, 1, 1400, now);
      if (now % (20 * MS) == 0)
        g_assert_true (look_v4 (17, 2, 200, now));
      if (now % (10 * MS) == 0)
        g_assert_true (look_v4 (1, 0, 84, now));
      if (now % (20 * MS) == 0)
        g_assert_true (look_v6 (3, 200, now));
    }
}

/* What sends much is bulk with its fourth large packet, and until it has been quiet for 200 ms. */
static void
test_much (void)
{
  guint64 now = 1000 * MS;
  begin ();
  g_assert_true (look_v4 (6, 1, 1400, now));
  g_assert_true (look_v4 (6, 1, 1400, now));
  g_assert_false (look_v4 (6, 1, 1400, now));
  for (guint i = 0; i < 1000; i++, now += MS)
    g_assert_false (look_v4 (6, 1, 1400, now));
  g_assert_false (look_v4 (6, 1, 40, now + 198 * MS)); /* one that isn't to overtake what waits */
  g_assert_true (look_v4 (6, 1, 40, now + 200 * MS));
  g_assert_true (look_v6 (1, 1400, now));
  g_assert_true (look_v6 (1, 1400, now));
  g_assert_false (look_v6 (1, 1400, now));
}

/* Nothing is read that isn't there, and what isn't IP is nobody's flow. */
static void
test_short (void)
{
  begin ();
  for (gsize length = 0; length <= 48; length++)
    for (guint first = 0; first < 256; first++)
      {
        g_autofree guint8 *packet = g_malloc0 (length);
        if (length > 0)
          packet[0] = (guint8)first;
        if (length > 9)
          packet[6] = packet[9] = 17;
        const gboolean found = ew_sparse_look (sparse, packet, length, 1 + MS * 1000 * (256 * length + first));
        g_assert_true (!found || (first >> 4 == 4 && length >= 20) || (first >> 4 == 6 && length >= 40));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sparse/little", test_little);
  g_test_add_func ("/sparse/much", test_much);
  g_test_add_func ("/sparse/short", test_short);
  return g_test_run ();
}
