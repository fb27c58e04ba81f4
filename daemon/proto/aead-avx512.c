/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ChaCha20-Poly1305 of up to 16 packets at once with AVX-512.
 *
 * ChaCha20 makes 16 blocks of 64 bytes at a time, a lane a block, and it does not matter whose: the blocks of all
 * packets form one line, block 0 of each first (its first half is the packet's key for Poly1305), then the text of
 * the first packet, of the second and so on. So no lane is idle before the end, whatever the lengths and keys are.
 * Poly1305 is in aead-avx512-poly1305.c. Packets of about one length, as a burst's are, take a faster path in
 * aead-avx512-burst.c, and a single one in aead-avx512-one.c. A packet is opened once its tag was found right, another
 * keeps its bytes.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-avx512-chacha20.h"
#include "proto/aead-cpu.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <string.h>

#define GROUP 16
#define LANES 16
#define BLOCK 64

typedef struct
{
  size_t n;
  bool one_key;
  struct
  {
    __m512i key[8];             /* a word of each packet's key, a lane a packet */
    uint8_t rows[LANES][BLOCK]; /* the first 16 blocks of the line */
  } secret;
  __m512i counter_low, counter_high;
  __m512i starts;       /* where in the line the packet's text begins, in blocks */
  int32_t ends[GROUP];  /* and where it ends; the line's block 0s come before 0 */
  uint8_t *data[GROUP]; /* the text */
  uint32_t len[GROUP];  /* of the text; 0 where it must not be touched */
  EwPoly1305 tags[GROUP];
} Group;

/* Which block of which packet a lane makes. */
typedef struct
{
  __m512i packet, block;
} Line;

/* RFC 8439 section 2.3: a block a lane, as rows of bytes. */
INLINE void
chacha20 (const Group *g, Line line, __m512i x[16])
{
  __m512i k[8];
  Start start = { .key = g->secret.key, .block = line.block };
  start.counter_low = _mm512_permutexvar_epi32 (line.packet, g->counter_low);
  start.counter_high = _mm512_permutexvar_epi32 (line.packet, g->counter_high);
  if (!g->one_key)
    {
#define KEY(i) k[i] = _mm512_permutexvar_epi32 (line.packet, g->secret.key[i]);
      EACH_8 (KEY)
#undef KEY
      start.key = k;
    }
  chacha20_begin (x, &start);
  for (unsigned i = 0; i < 10; i++)
    {
      DOUBLE_ROUND (x);
    }
  chacha20_end (x, &start);
}

/* The 16 blocks of the line from `at`, which begins at -n. Past the end of the line, lanes make blocks past the last
   packet's, which aren't used. *first: the packet of the lowest lane, found from the last call's. */
INLINE Line
line_at (const Group *g, int32_t at, size_t *first)
{
  const __m512i lanes = _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i one = _mm512_set1_epi32 (1);
  __m512i place = _mm512_add_epi32 (_mm512_set1_epi32 (at), lanes);
  while (*first + 1 < g->n && g->ends[*first] <= at)
    ++*first;
  Line line = { .packet = _mm512_set1_epi32 ((int)*first) };
  for (size_t p = *first; p < GROUP - 1 && p + 1 < g->n && g->ends[p] < at + LANES; p++)
    line.packet = _mm512_mask_add_epi32 (line.packet, _mm512_cmpge_epi32_mask (place, _mm512_set1_epi32 (g->ends[p])),
                                         line.packet, one);
  line.block = _mm512_sub_epi32 (place, _mm512_permutexvar_epi32 (line.packet, g->starts));
  line.block = _mm512_add_epi32 (line.block, one);
  __mmask16 zeroth = _mm512_movepi32_mask (place);
  line.packet = _mm512_mask_mov_epi32 (line.packet, zeroth, lanes);
  line.block = _mm512_maskz_mov_epi32 ((__mmask16)~zeroth, line.block);
  return line;
}

INLINE void
apply_row (const Group *g, uint32_t packet, uint32_t block, __m512i row)
{
  uint32_t offset = (block - 1) * BLOCK, len = g->len[packet]; /* block 0: far past the end */
  if (offset >= len)
    return;
  uint8_t *p = g->data[packet] + offset;
  if (len - offset >= BLOCK)
    _mm512_storeu_si512 (p, _mm512_xor_si512 (row, _mm512_loadu_si512 (p)));
  else
    {
      __mmask64 bytes = (1ULL << (len - offset)) - 1;
      _mm512_mask_storeu_epi8 (p, bytes, _mm512_xor_si512 (row, _mm512_maskz_loadu_epi8 (bytes, p)));
    }
}

/* The line from its block at `at` on; x: what chacha20() made of it. */
INLINE void
apply (const Group *g, Line line, const __m512i x[16])
{
  uint32_t packet[LANES], block[LANES];
  _mm512_storeu_si512 (packet, line.packet);
  _mm512_storeu_si512 (block, line.block);
#define ROW(i) apply_row (g, packet[i], block[i], x[i]);
  EACH_16 (ROW)
#undef ROW
}

static void
apply_rest (const Group *g, int32_t at)
{
  size_t first = 0;
  __m512i x[16];
  for (; at < g->ends[g->n - 1]; at += LANES)
    {
      Line line = line_at (g, at, &first);
      chacha20 (g, line, x);
      apply (g, line, x);
    }
}

static void
load_keys (Group *g, EwAeadItem *const *items)
{
  g->one_key = true;
  for (size_t i = 1; i < g->n; i++)
    g->one_key = g->one_key && items[i]->key == items[0]->key;
  if (g->one_key)
    {
#define KEY(i) g->secret.key[i] = _mm512_set1_epi32 ((int)ew_load_le32 (items[0]->key->raw + 4 * i));
      EACH_8 (KEY)
#undef KEY
      return;
    }
  __m512i x[16];
/* NOLINTNEXTLINE(bugprone-branch-clone): both are 0 for the first alone */
#define KEY(i) x[i] = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *)items[i < g->n ? i : 0]->key->raw));
  EACH_16 (KEY)
#undef KEY
  transpose_16 (x);
  memcpy (g->secret.key, x, sizeof g->secret.key);
}

static void
load_counters (Group *g, EwAeadItem *const *items)
{
  uint32_t low[LANES] = { 0 }, high[LANES] = { 0 };
  for (size_t i = 0; i < g->n; i++)
    {
      low[i] = (uint32_t)items[i]->counter;
      high[i] = (uint32_t)(items[i]->counter >> 32);
    }
  g->counter_low = _mm512_loadu_si512 (low);
  g->counter_high = _mm512_loadu_si512 (high);
}

/* Where in the line the text is, from `offset` on. */
static void
lay_out (Group *g, EwAeadItem *const *items, size_t tag_size, size_t offset)
{
  int32_t starts[LANES] = { 0 }, end = 0;
  memset (g->ends, 0, sizeof g->ends);
  for (size_t i = 0; i < g->n; i++)
    {
      size_t len = items[i]->len - tag_size;
      g->data[i] = items[i]->data;
      g->len[i] = (uint32_t)len;
      starts[i] = end - (int32_t)(offset / BLOCK);
      if (len > offset)
        end += (int32_t)((len - offset + BLOCK - 1) / BLOCK);
      g->ends[i] = end;
    }
  g->starts = _mm512_loadu_si512 (starts);
}

/* The first 16 blocks of the line, all of block 0 among them, go to secret.rows. */
INLINE Line
begin (Group *g, EwAeadItem *const *items, size_t n, size_t tag_size, __m512i x[16])
{
  g->n = n;
  load_keys (g, items);
  load_counters (g, items);
  lay_out (g, items, tag_size, 0);
  for (size_t i = 0; i < n; i++)
    g->tags[i] = (EwPoly1305){ .data = items[i]->data, .len = g->len[i], .key = g->secret.rows[i] };
  size_t first = 0;
  Line line = line_at (g, -(int32_t)n, &first);
  chacha20 (g, line, x);
#define ROW(i) _mm512_storeu_si512 (g->secret.rows[i], x[i]);
  EACH_16 (ROW)
#undef ROW
  return line;
}

void
ew_avx512_apply_from (EwAeadItem *const *items, size_t n, size_t tag_size, size_t offset)
{
  Group g;
  g.n = n;
  load_keys (&g, items);
  load_counters (&g, items);
  lay_out (&g, items, tag_size, offset);
  apply_rest (&g, 0);
  wipe (&g.secret, sizeof g.secret);
}

static void
seal_line (EwAeadItem *const *items, size_t n)
{
  Group g;
  __m512i x[16];
  Line line = begin (&g, items, n, 0, x);
  apply (&g, line, x);
  apply_rest (&g, LANES - (int32_t)n);
  ew_avx512_poly1305 (g.tags, n);
  for (size_t i = 0; i < n; i++)
    {
      memcpy (items[i]->data + items[i]->len, g.tags[i].tag, EW_AEAD_TAG_SIZE);
      items[i]->ok = true;
    }
  wipe (&g.secret, sizeof g.secret);
}

static void
open_line (EwAeadItem *const *items, size_t n)
{
  Group g;
  __m512i x[16];
  Line line = begin (&g, items, n, EW_AEAD_TAG_SIZE, x);
  ew_avx512_poly1305 (g.tags, n);
  for (size_t i = 0; i < n; i++)
    {
      items[i]->ok = ew_secret_equal (g.tags[i].tag, items[i]->data + g.len[i], EW_AEAD_TAG_SIZE);
      if (!items[i]->ok)
        g.len[i] = 0;
    }
#define ROW(i) x[i] = _mm512_loadu_si512 (g.secret.rows[i]);
  EACH_16 (ROW)
#undef ROW
  apply (&g, line, x);
  apply_rest (&g, LANES - (int32_t)n);
  wipe (&g.secret, sizeof g.secret);
}

typedef struct
{
  void (*one) (EwAeadItem *item);
  void (*four) (EwAeadItem *const *items);
  void (*eight) (EwAeadItem *const *items);
  void (*line) (EwAeadItem *const *items, size_t n);
} Ways;

/* One packet, and two or three that are at least this long (with a tag or without), are faster one at a time; of four
   to seven, four are faster apart from the others. Of 16 that are shorter, the line has fewer idle lanes (measured).
 */
static const size_t each_from[] = { 0, 704, 1216 };
static const size_t four_from[] = { EW_AVX512_FOUR_MIN, 640, 1216, 2048 };
#define SIXTEEN_FROM 288
#define EACH_MAX (sizeof each_from / sizeof each_from[0])

static void
by_length (EwAeadItem *const *items, size_t n, const Ways *ways)
{
  for (; n >= 8 && items[7]->len >= (n == GROUP ? SIXTEEN_FROM : EW_AVX512_EIGHT_MIN); items += 8, n -= 8)
    ways->eight (items);
  if (n >= 4 && n < 8 && items[3]->len >= four_from[n - 4])
    {
      ways->four (items);
      items += 4, n -= 4;
    }
  if (n > 0 && n <= EACH_MAX && items[n - 1]->len >= each_from[n - 1])
    for (size_t i = 0; i < n; i++)
      ways->one (items[i]);
  else if (n > 0)
    ways->line (items, n);
}

static void
seal_group (EwAeadItem *const *items, size_t n)
{
  static const Ways ways = { ew_avx512_seal_one, ew_avx512_seal_four, ew_avx512_seal_eight, seal_line };
  by_length (items, n, &ways);
}

static void
open_group (EwAeadItem *const *items, size_t n)
{
  static const Ways ways = { ew_avx512_open_one, ew_avx512_open_four, ew_avx512_open_eight, open_line };
  by_length (items, n, &ways);
}

const EwAeadKernel ew_aead_avx512 = {
  .backend = EW_AEAD_AVX512,
  .name = "avx512",
  .supported = ew_cpu_has_avx512,
  .group = GROUP,
  .seal_group = seal_group,
  .open_group = open_group,
  .poly1305 = ew_avx512_poly1305,
};
