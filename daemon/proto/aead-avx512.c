/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ChaCha20-Poly1305 of up to 16 packets at once with AVX-512.
 *
 * ChaCha20 makes 16 blocks of 64 bytes at a time, a lane a block, and it does not matter whose: the blocks of all
 * packets stand in one line, block 0 of each first (its first half is the packet's key for Poly1305), then the text of
 * the first packet, of the second and so on. So no lane is idle before the end, whatever the lengths and keys are.
 * Poly1305 is in aead-avx512-poly1305.c. A packet is opened once its tag was found right, another keeps its bytes.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-cpu.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <immintrin.h>
#include <string.h>

#define GROUP 16
#define LANES 16
#define BLOCK 64
#define INLINE static inline __attribute__ ((always_inline))
#define EACH_16(DO)                                                                                                    \
  DO (0) DO (1) DO (2) DO (3) DO (4) DO (5) DO (6) DO (7) DO (8) DO (9) DO (10) DO (11) DO (12) DO (13) DO (14) DO (15)
#define EACH_8(DO) DO (0) DO (1) DO (2) DO (3) DO (4) DO (5) DO (6) DO (7)

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
  int32_t ends[GROUP];  /* and where it ends; the line's block 0s stand before 0 */
  uint8_t *data[GROUP]; /* the text */
  uint32_t len[GROUP];  /* of the text; 0 where it must not be touched */
  EwPoly1305 tags[GROUP];
} Group;

/* Which block of which packet a lane makes. */
typedef struct
{
  __m512i packet, block;
} Line;

/* 16 by 16 words: word i of row k becomes word k of row i. */
INLINE void
transpose (__m512i x[16])
{
#define PAIR(i)                                                                                                        \
  __m512i a##i = _mm512_unpacklo_epi32 (x[2 * i], x[2 * i + 1]);                                                       \
  __m512i b##i = _mm512_unpackhi_epi32 (x[2 * i], x[2 * i + 1]);
  EACH_8 (PAIR)
#undef PAIR
#define FOUR(i, p, q)                                                                                                  \
  __m512i c##i##0 = _mm512_unpacklo_epi64 (a##p, a##q), c##i##1 = _mm512_unpackhi_epi64 (a##p, a##q);                  \
  __m512i c##i##2 = _mm512_unpacklo_epi64 (b##p, b##q), c##i##3 = _mm512_unpackhi_epi64 (b##p, b##q);
  FOUR (0, 0, 1)
  FOUR (1, 2, 3)
  FOUR (2, 4, 5)
  FOUR (3, 6, 7)
#undef FOUR
#define ROWS(j)                                                                                                        \
  {                                                                                                                    \
    __m512i p = _mm512_shuffle_i32x4 (c0##j, c1##j, 0x44), q = _mm512_shuffle_i32x4 (c2##j, c3##j, 0x44);              \
    __m512i r = _mm512_shuffle_i32x4 (c0##j, c1##j, 0xee), s = _mm512_shuffle_i32x4 (c2##j, c3##j, 0xee);              \
    x[j] = _mm512_shuffle_i32x4 (p, q, 0x88);                                                                          \
    x[j + 4] = _mm512_shuffle_i32x4 (p, q, 0xdd);                                                                      \
    x[j + 8] = _mm512_shuffle_i32x4 (r, s, 0x88);                                                                      \
    x[j + 12] = _mm512_shuffle_i32x4 (r, s, 0xdd);                                                                     \
  }
  ROWS (0)
  ROWS (1)
  ROWS (2)
  ROWS (3)
#undef ROWS
}

/* Four quarter rounds abreast, so that the processor sees what does not wait for each other. */
#define ADD(a, b) x[a] = _mm512_add_epi32 (x[a], x[b])
#define TURN(d, a, bits) x[d] = _mm512_rol_epi32 (_mm512_xor_si512 (x[d], x[a]), bits)
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

/* RFC 8439 section 2.3: a block a lane, as rows of bytes. */
INLINE void
chacha20 (const Group *g, Line line, __m512i x[16])
{
  __m512i k[8], zero = _mm512_setzero_si512 ();
  __m512i c0 = _mm512_set1_epi32 (0x61707865), c1 = _mm512_set1_epi32 (0x3320646e);
  __m512i c2 = _mm512_set1_epi32 (0x79622d32), c3 = _mm512_set1_epi32 (0x6b206574);
  __m512i low = _mm512_permutexvar_epi32 (line.packet, g->counter_low);
  __m512i high = _mm512_permutexvar_epi32 (line.packet, g->counter_high);
  if (g->one_key)
    {
#define KEY(i) k[i] = g->secret.key[i];
      EACH_8 (KEY)
#undef KEY
    }
  else
    {
#define KEY(i) k[i] = _mm512_permutexvar_epi32 (line.packet, g->secret.key[i]);
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
  x[0] = _mm512_add_epi32 (x[0], c0);
  x[1] = _mm512_add_epi32 (x[1], c1);
  x[2] = _mm512_add_epi32 (x[2], c2);
  x[3] = _mm512_add_epi32 (x[3], c3);
#define KEY(i) x[4 + i] = _mm512_add_epi32 (x[4 + i], k[i]);
  EACH_8 (KEY)
#undef KEY
  x[12] = _mm512_add_epi32 (x[12], line.block);
  x[14] = _mm512_add_epi32 (x[14], low);
  x[15] = _mm512_add_epi32 (x[15], high);
  transpose (x);
}

/* The 16 blocks of the line from `at`, which begins at -n. Behind the line's end lanes make blocks behind the last
   packet's, which nobody takes. *first: the packet of the lowest lane, found from the last call's. */
INLINE Line
line_at (const Group *g, int32_t at, size_t *first)
{
  const __m512i lanes = _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i one = _mm512_set1_epi32 (1);
  __m512i place = _mm512_add_epi32 (_mm512_set1_epi32 (at), lanes);
  while (*first + 1 < g->n && g->ends[*first] <= at)
    ++*first;
  Line line = { .packet = _mm512_set1_epi32 ((int)*first) };
  for (size_t p = *first; p + 1 < g->n && g->ends[p] < at + LANES; p++)
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
  uint32_t offset = (block - 1) * BLOCK, len = g->len[packet]; /* block 0: far behind */
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
apply_rest (const Group *g)
{
  size_t first = 0;
  __m512i x[16];
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
#define KEY(i) g->secret.key[i] = _mm512_set1_epi32 ((int)ew_load_le32 (items[0]->key->raw + 4 * i));
      EACH_8 (KEY)
#undef KEY
      return;
    }
  __m512i x[16];
#define KEY(i) x[i] = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *)items[i < g->n ? i : 0]->key->raw));
  EACH_16 (KEY)
#undef KEY
  transpose (x);
  memcpy (g->secret.key, x, sizeof g->secret.key);
}

/* The first 16 blocks of the line, all of block 0 among them, go to secret.rows. */
INLINE Line
begin (Group *g, EwAeadItem *const *items, size_t n, size_t tag_size, __m512i x[16])
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
  g->counter_low = _mm512_loadu_si512 (low);
  g->counter_high = _mm512_loadu_si512 (high);
  g->starts = _mm512_loadu_si512 (starts);
  size_t first = 0;
  Line line = line_at (g, -(int32_t)n, &first);
  chacha20 (g, line, x);
#define ROW(i) _mm512_storeu_si512 (g->secret.rows[i], x[i]);
  EACH_16 (ROW)
#undef ROW
  return line;
}

static void
seal_group (EwAeadItem *const *items, size_t n)
{
  Group g;
  __m512i x[16];
  Line line = begin (&g, items, n, 0, x);
  apply (&g, line, x);
  apply_rest (&g);
  ew_avx512_poly1305 (g.tags, n);
  for (size_t i = 0; i < n; i++)
    {
      memcpy (items[i]->data + items[i]->len, g.tags[i].tag, EW_AEAD_TAG_SIZE);
      items[i]->ok = true;
    }
  ew_secret_zero (&g.secret, sizeof g.secret);
}

static void
open_group (EwAeadItem *const *items, size_t n)
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
  apply_rest (&g);
  ew_secret_zero (&g.secret, sizeof g.secret);
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
