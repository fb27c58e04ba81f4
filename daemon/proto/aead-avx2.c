/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ChaCha20-Poly1305 of up to 8 packets at once with AVX2: as aead-avx512.c does it, with half the lanes and half the
 * registers. Poly1305 is in aead-avx2-poly1305.c.
 */
#include "proto/aead-avx2.h"
#include "proto/aead-cpu.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <string.h>

#define GROUP 8
#define LANES 8
#define BLOCK 64
#define EACH_8(DO) DO (0) DO (1) DO (2) DO (3) DO (4) DO (5) DO (6) DO (7)

typedef struct
{
  size_t n;
  bool one_key;
  struct
  {
    __m256i key[8];             /* a word of each packet's key, a lane a packet */
    uint8_t rows[LANES][BLOCK]; /* the first 8 blocks of the line */
  } secret;
  __m256i counter_low, counter_high;
  __m256i starts;       /* where in the line the packet's text begins, in blocks */
  int32_t ends[GROUP];  /* and where it ends; the line's block 0s come before 0 */
  uint8_t *data[GROUP]; /* the text */
  uint32_t len[GROUP];  /* of the text; 0 where it must not be touched */
  EwPoly1305 tags[GROUP];
} Group;

/* Which block of which packet a lane makes. */
typedef struct
{
  __m256i packet, block;
} Line;

/* 8 by 8 words: word i of row k becomes word k of row i. */
INLINE void
transpose (__m256i x[8])
{
#define PAIR(i, p, q) __m256i a##i = _mm256_unpacklo_epi32 (x[p], x[q]), b##i = _mm256_unpackhi_epi32 (x[p], x[q]);
  PAIR (0, 0, 1)
  PAIR (1, 2, 3)
  PAIR (2, 4, 5)
  PAIR (3, 6, 7)
#undef PAIR
#define ROWS(i, kind, unpack)                                                                                          \
  {                                                                                                                    \
    __m256i p = unpack (kind##0, kind##1), q = unpack (kind##2, kind##3);                                              \
    x[i] = _mm256_permute2x128_si256 (p, q, 0x20);                                                                     \
    x[i + 4] = _mm256_permute2x128_si256 (p, q, 0x31);                                                                 \
  }
  ROWS (0, a, _mm256_unpacklo_epi64)
  ROWS (1, a, _mm256_unpackhi_epi64)
  ROWS (2, b, _mm256_unpacklo_epi64)
  ROWS (3, b, _mm256_unpackhi_epi64)
#undef ROWS
}

/* By bytes where it can be, which is one instruction. */
INLINE __m256i
rotate (__m256i a, int bits)
{
  const __m256i by_16
    = _mm256_set_epi64x (0x0d0c0f0e09080b0a, 0x0504070601000302, 0x0d0c0f0e09080b0a, 0x0504070601000302);
  const __m256i by_8
    = _mm256_set_epi64x (0x0e0d0c0f0a09080b, 0x0605040702010003, 0x0e0d0c0f0a09080b, 0x0605040702010003);
  if (bits == 16)
    return _mm256_shuffle_epi8 (a, by_16);
  if (bits == 8)
    return _mm256_shuffle_epi8 (a, by_8);
  return _mm256_or_si256 (_mm256_slli_epi32 (a, bits), _mm256_srli_epi32 (a, 32 - bits));
}

/* Four quarter rounds abreast, so that the processor sees what does not wait for each other. */
#define ADD(a, b) x[a] = _mm256_add_epi32 (x[a], x[b])
#define TURN(d, a, bits) x[d] = rotate (_mm256_xor_si256 (x[d], x[a]), bits)
#define HALF_ROUND(b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3, first, second)                                      \
  ADD (0, b0);                                                                                                         \
  ADD (1, b1);                                                                                                         \
  ADD (2, b2);                                                                                                         \
  ADD (3, b3);                                                                                                         \
  TURN (d0, 0, first);                                                                                                 \
  TURN (d1, 1, first);                                                                                                 \
  TURN (d2, 2, first);                                                                                                 \
  TURN (d3, 3, first);                                                                                                 \
  ADD (c0, d0);                                                                                                        \
  ADD (c1, d1);                                                                                                        \
  ADD (c2, d2);                                                                                                        \
  ADD (c3, d3);                                                                                                        \
  TURN (b0, c0, second);                                                                                               \
  TURN (b1, c1, second);                                                                                               \
  TURN (b2, c2, second);                                                                                               \
  TURN (b3, c3, second)
#define ROUND(...)                                                                                                     \
  HALF_ROUND (__VA_ARGS__, 16, 12);                                                                                    \
  HALF_ROUND (__VA_ARGS__, 8, 7)

/* RFC 8439 section 2.3: a block a lane; row i of bytes is x[i], then x[i + 8]. */
INLINE void
chacha20 (const Group *g, Line line, __m256i x[16])
{
  __m256i k[8], zero = _mm256_setzero_si256 ();
  __m256i c0 = _mm256_set1_epi32 (0x61707865), c1 = _mm256_set1_epi32 (0x3320646e);
  __m256i c2 = _mm256_set1_epi32 (0x79622d32), c3 = _mm256_set1_epi32 (0x6b206574);
  __m256i low = _mm256_permutevar8x32_epi32 (g->counter_low, line.packet);
  __m256i high = _mm256_permutevar8x32_epi32 (g->counter_high, line.packet);
  if (g->one_key)
    {
#define KEY(i) k[i] = g->secret.key[i];
      EACH_8 (KEY)
#undef KEY
    }
  else
    {
#define KEY(i) k[i] = _mm256_permutevar8x32_epi32 (g->secret.key[i], line.packet);
      EACH_8 (KEY)
#undef KEY
    }
  x[0] = c0, x[1] = c1, x[2] = c2, x[3] = c3;
#define KEY(i) x[4 + i] = k[i];
  EACH_8 (KEY)
#undef KEY
  x[12] = line.block, x[13] = zero, x[14] = low, x[15] = high;
  for (unsigned i = 0; i < 10; i++)
    {
      ROUND (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      ROUND (5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14);
    }
  x[0] = _mm256_add_epi32 (x[0], c0);
  x[1] = _mm256_add_epi32 (x[1], c1);
  x[2] = _mm256_add_epi32 (x[2], c2);
  x[3] = _mm256_add_epi32 (x[3], c3);
#define KEY(i) x[4 + i] = _mm256_add_epi32 (x[4 + i], k[i]);
  EACH_8 (KEY)
#undef KEY
  x[12] = _mm256_add_epi32 (x[12], line.block);
  x[14] = _mm256_add_epi32 (x[14], low);
  x[15] = _mm256_add_epi32 (x[15], high);
  transpose (x);
  transpose (x + 8);
}

/* The 8 blocks of the line from `at`, which begins at -n. Past the end of the line, lanes make blocks past the last
   packet's, which aren't used. *first: the packet of the lowest lane, found from the last call's. */
INLINE Line
line_at (const Group *g, int32_t at, size_t *first)
{
  const __m256i lanes = _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i one = _mm256_set1_epi32 (1);
  __m256i place = _mm256_add_epi32 (_mm256_set1_epi32 (at), lanes);
  while (*first + 1 < g->n && g->ends[*first] <= at)
    ++*first;
  Line line = { .packet = _mm256_set1_epi32 ((int)*first) };
  for (size_t p = *first; p < GROUP - 1 && p + 1 < g->n && g->ends[p] < at + LANES; p++)
    line.packet = _mm256_sub_epi32 (line.packet, _mm256_cmpgt_epi32 (place, _mm256_set1_epi32 (g->ends[p] - 1)));
  line.block = _mm256_sub_epi32 (place, _mm256_permutevar8x32_epi32 (g->starts, line.packet));
  line.block = _mm256_add_epi32 (line.block, one);
  __m256i zeroth = _mm256_srai_epi32 (place, 31);
  line.packet = _mm256_blendv_epi8 (line.packet, lanes, zeroth);
  line.block = _mm256_andnot_si256 (zeroth, line.block);
  return line;
}

INLINE void
xor_32 (uint8_t *p, __m256i row)
{
  _mm256_storeu_si256 ((void *)p, _mm256_xor_si256 (row, _mm256_loadu_si256 ((const void *)p)));
}

INLINE void
apply_row (const Group *g, uint32_t packet, uint32_t block, __m256i low, __m256i high)
{
  uint32_t offset = (block - 1) * BLOCK, len = g->len[packet]; /* block 0: far past the end */
  if (offset >= len)
    return;
  uint8_t *p = g->data[packet] + offset;
  if (len - offset >= BLOCK)
    {
      xor_32 (p, low);
      xor_32 (p + 32, high);
      return;
    }
  uint8_t text[BLOCK] = { 0 };
  memcpy (text, p, len - offset);
  xor_32 (text, low);
  xor_32 (text + 32, high);
  memcpy (p, text, len - offset);
}

/* The line from its block at `at` on; x: what chacha20() made of it. */
INLINE void
apply (const Group *g, Line line, const __m256i x[16])
{
  uint32_t packet[LANES], block[LANES];
  _mm256_storeu_si256 ((void *)packet, line.packet);
  _mm256_storeu_si256 ((void *)block, line.block);
#define ROW(i) apply_row (g, packet[i], block[i], x[i], x[i + 8]);
  EACH_8 (ROW)
#undef ROW
}

static void
apply_rest (const Group *g)
{
  size_t first = 0;
  __m256i x[16];
  for (int32_t at = LANES - (int32_t)g->n; at < g->ends[g->n - 1]; at += LANES)
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
#define KEY(i) g->secret.key[i] = _mm256_set1_epi32 ((int)ew_load_le32 (items[0]->key->raw + 4 * i));
      EACH_8 (KEY)
#undef KEY
      return;
    }
  for (size_t i = 0; i < LANES; i++)
    g->secret.key[i] = _mm256_loadu_si256 ((const void *)items[i < g->n ? i : 0]->key->raw);
  transpose (g->secret.key);
}

/* The first 8 blocks of the line, all of block 0 among them, go to secret.rows. */
INLINE Line
begin (Group *g, EwAeadItem *const *items, size_t n, size_t tag_size, __m256i x[16])
{
  uint32_t low[LANES] = { 0 }, high[LANES] = { 0 }, starts[LANES] = { 0 }, end = 0;
  g->n = n;
  memset (g->ends, 0, sizeof g->ends);
  load_keys (g, items);
  for (size_t i = 0; i < n; i++)
    {
      size_t len = items[i]->len - tag_size;
      low[i] = (uint32_t)items[i]->counter;
      high[i] = (uint32_t)(items[i]->counter >> 32);
      g->data[i] = items[i]->data;
      g->len[i] = (uint32_t)len;
      g->tags[i] = (EwPoly1305){ .data = items[i]->data, .len = len, .key = g->secret.rows[i] };
      starts[i] = end;
      end += (uint32_t)((len + BLOCK - 1) / BLOCK);
      g->ends[i] = (int32_t)end;
    }
  g->counter_low = _mm256_loadu_si256 ((const void *)low);
  g->counter_high = _mm256_loadu_si256 ((const void *)high);
  g->starts = _mm256_loadu_si256 ((const void *)starts);
  size_t first = 0;
  Line line = line_at (g, -(int32_t)n, &first);
  chacha20 (g, line, x);
#define ROW(i)                                                                                                         \
  _mm256_storeu_si256 ((void *)g->secret.rows[i], x[i]);                                                               \
  _mm256_storeu_si256 ((void *)(g->secret.rows[i] + 32), x[i + 8]);
  EACH_8 (ROW)
#undef ROW
  return line;
}

static void
seal_group (EwAeadItem *const *items, size_t n)
{
  Group g;
  __m256i x[16];
  Line line = begin (&g, items, n, 0, x);
  apply (&g, line, x);
  apply_rest (&g);
  ew_avx2_poly1305 (g.tags, n);
  for (size_t i = 0; i < n; i++)
    {
      memcpy (items[i]->data + items[i]->len, g.tags[i].tag, EW_AEAD_TAG_SIZE);
      items[i]->ok = true;
    }
  wipe (&g.secret, sizeof g.secret);
}

static void
open_group (EwAeadItem *const *items, size_t n)
{
  Group g;
  __m256i x[16];
  Line line = begin (&g, items, n, EW_AEAD_TAG_SIZE, x);
  ew_avx2_poly1305 (g.tags, n);
  for (size_t i = 0; i < n; i++)
    {
      items[i]->ok = ew_secret_equal (g.tags[i].tag, items[i]->data + g.len[i], EW_AEAD_TAG_SIZE);
      if (!items[i]->ok)
        g.len[i] = 0;
    }
#define ROW(i)                                                                                                         \
  x[i] = _mm256_loadu_si256 ((const void *)g.secret.rows[i]);                                                          \
  x[i + 8] = _mm256_loadu_si256 ((const void *)(g.secret.rows[i] + 32));
  EACH_8 (ROW)
#undef ROW
  apply (&g, line, x);
  apply_rest (&g);
  wipe (&g.secret, sizeof g.secret);
}

/* Against libcrypto of the same processor with AVX2 at most, and with AVX-512 (measured, tests/bench aead). */
static const size_t longest[EW_AEAD_BESIDE] = { 256, 384, 512, 2048 };

const EwAeadKernel ew_aead_avx2 = {
  .backend = EW_AEAD_AVX2,
  .name = "avx2",
  .supported = ew_cpu_has_avx2,
  .group = GROUP,
  .seal_group = seal_group,
  .open_group = open_group,
  .poly1305 = ew_avx2_poly1305,
  .longest = longest,
};
