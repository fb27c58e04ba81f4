/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ECN through the tunnel (the table of RFC 6040), lengths of inner packets, and the staging queue. */
#include <glib.h>
#include <string.h>
#include "proto/inner.h"
#include "proto/packet.h"
#include "proto/staging.h"

enum
{
  NOT_ECT,
  ECT_1,
  ECT_0,
  CE,
  DROP
};

static void
make_v4 (uint8_t p[60], uint8_t tos)
{
  memset (p, 0, 60);
  p[0] = 0x45;
  p[1] = tos;
  p[3] = 60;
  p[8] = 64;
  p[12] = 10;
  p[16] = 10;
  p[19] = 77;
  uint16_t sum = ew_checksum (p, 20, 0);
  p[10] = (uint8_t)(sum >> 8);
  p[11] = (uint8_t)sum;
}

static void
test_ecn (void)
{
  /* RFC 6040 figure 4: [inner][outer]. */
  const int table[4][4] = { [NOT_ECT] = { [NOT_ECT] = NOT_ECT, [ECT_0] = NOT_ECT, [ECT_1] = NOT_ECT, [CE] = DROP },
                            [ECT_0] = { [NOT_ECT] = ECT_0, [ECT_0] = ECT_0, [ECT_1] = ECT_1, [CE] = CE },
                            [ECT_1] = { [NOT_ECT] = ECT_1, [ECT_0] = ECT_1, [ECT_1] = ECT_1, [CE] = CE },
                            [CE] = { [NOT_ECT] = CE, [ECT_0] = CE, [ECT_1] = CE, [CE] = CE } };
  for (uint8_t inner = 0; inner < 4; inner++)
    for (uint8_t outer = 0; outer < 4; outer++)
      for (unsigned dscp = 0; dscp < 64; dscp += 9)
        {
          int expected = table[inner][outer];
          uint8_t v4[60], v6[60] = { 0x6f, 0, 1, 2, 0, 20 };
          make_v4 (v4, (uint8_t)(dscp << 2 | inner));
          v6[0] = (uint8_t)(0x60 | dscp >> 2);
          v6[1] = (uint8_t)(dscp << 6 | inner << 4 | 0x0a);
          g_assert_cmpuint (ew_inner_ecn_encapsulate (v4, 60), ==, inner);
          g_assert_cmpuint (ew_inner_ecn_encapsulate (v6, 60), ==, inner);
          g_assert_cmpint (ew_inner_ecn_decapsulate (v4, outer), ==, expected != DROP);
          g_assert_cmpint (ew_inner_ecn_decapsulate (v6, outer), ==, expected != DROP);
          if (expected == DROP)
            continue;
          g_assert_cmpuint (v4[1], ==, dscp << 2 | (unsigned)expected);
          g_assert_cmpuint (ew_checksum (v4, 20, 0), ==, 0);
          g_assert_cmpuint (v6[1], ==, ((dscp << 6 | (unsigned)expected << 4) & 0xff) | 0x0a);
          g_assert_cmpuint (v6[0], ==, 0x60 | dscp >> 2);
        }
  g_assert_cmpuint (ew_inner_ecn_encapsulate ((const uint8_t *)"\x45", 1), ==, 0);
  g_assert_cmpuint (ew_inner_ecn_encapsulate ((const uint8_t *)"\x13\xff", 2), ==, 0);
}

static void
test_lengths (void)
{
  uint8_t v4[60], v6[60] = { 0x60, 0, 0, 0, 0, 20 };
  make_v4 (v4, 0);
  g_assert_cmpuint (ew_inner_length (v4, 60), ==, 60);
  g_assert_cmpuint (ew_inner_length (v4, 59), ==, 0); /* claims to be longer than the packet */
  g_assert_cmpuint (ew_inner_length (v4, 0), ==, 0);
  g_assert_cmpuint (ew_inner_length (v6, 60), ==, 60);
  g_assert_cmpuint (ew_inner_length (v6, 59), ==, 0);
  v4[3] = 40;
  v6[5] = 0;
  g_assert_cmpuint (ew_inner_length (v4, 60), ==, 40); /* the rest is padding */
  g_assert_cmpuint (ew_inner_length (v6, 60), ==, 40);
  g_assert_cmpuint (ew_inner_length (v6, 39), ==, 0);
  v4[3] = 19; /* less than a header */
  g_assert_cmpuint (ew_inner_length (v4, 60), ==, 0);
  v4[3] = 20;
  g_assert_cmpuint (ew_inner_length (v4, 19), ==, 0);
  v4[0] = 0x55;
  g_assert_cmpuint (ew_inner_length (v4, 60), ==, 0);
}

static void
test_staging (void)
{
  EwStaging staging = { 0 };
  size_t used = 0;
  unsigned lost = 0;
  for (uint8_t i = 0; i < 200; i++)
    lost += ew_staging_push (&staging, &used, &i, 1);
  g_assert_cmpuint (lost, ==, 72);
  for (unsigned i = 72; i < 200; i++)
    {
      EwStagedPacket *packet = ew_staging_pop (&staging);
      g_assert_cmpuint (packet->len, ==, 1);
      g_assert_cmpuint (packet->bytes[EW_HEADROOM], ==, i);
      ew_staging_free (packet, &used);
    }
  g_assert_null (ew_staging_pop (&staging));
  g_assert_cmpuint (used, ==, 0);
}

/* Many silent peers share one budget; beyond it, a peer with staged packets drops its own. */
static void
test_staging_budget (void)
{
  enum
  {
    PEERS = 400
  };
  static EwStaging peers[PEERS];
  static uint8_t data[1400];
  size_t used = 0;
  unsigned pushed = 0, lost = 0;
  for (unsigned i = 0; i < 60 * PEERS; i++, pushed++)
    {
      lost += ew_staging_push (&peers[i % PEERS], &used, data, sizeof data);
      g_assert_cmpuint (used, <=, EW_STAGED_BYTES_MAX);
    }
  g_assert_cmpuint (lost, >, 0);
  for (unsigned i = 0; i < PEERS; i++)
    lost += ew_staging_clear (&peers[i], &used);
  g_assert_cmpuint (lost, ==, pushed);
  g_assert_cmpuint (used, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/ecn-as-rfc-6040", test_ecn);
  g_test_add_func ("/inner/lengths", test_lengths);
  g_test_add_func ("/inner/staging", test_staging);
  g_test_add_func ("/inner/staging-budget", test_staging_budget);
  return g_test_run ();
}
