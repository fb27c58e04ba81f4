/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ChaCha20's rounds on 16 blocks, a lane each (RFC 8439 section 2.3).
 */
#pragma once

#include "proto/aead-avx512.h"

/* 16 by 16 words: word i of row k becomes word k of row i. */
INLINE void
transpose_16 (__m512i x[16])
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

#define COLUMN_ROUND(x) ROUND (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define DIAGONAL_ROUND(x) ROUND (5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14)
#define DOUBLE_ROUND(x)                                                                                                \
  COLUMN_ROUND (x);                                                                                                    \
  DIAGONAL_ROUND (x)

/* What a block begins with, and is added to at its end: a lane each. */
typedef struct
{
  const __m512i *key; /* eight words */
  __m512i block, counter_low, counter_high;
} Start;

#define CONSTANT(i)                                                                                                    \
  _mm512_set1_epi32 ((int)(i == 0 ? 0x61707865 : i == 1 ? 0x3320646e : i == 2 ? 0x79622d32 : 0x6b206574))

INLINE void
chacha20_begin (__m512i x[16], const Start *s)
{
  x[0] = CONSTANT (0), x[1] = CONSTANT (1), x[2] = CONSTANT (2), x[3] = CONSTANT (3);
#define KEY(i) x[4 + i] = s->key[i];
  EACH_8 (KEY)
#undef KEY
  x[12] = s->block, x[13] = _mm512_setzero_si512 (), x[14] = s->counter_low, x[15] = s->counter_high;
}

/* After ten double rounds: x[i] is lane i's block. */
INLINE void
chacha20_end (__m512i x[16], const Start *s)
{
  x[0] = _mm512_add_epi32 (x[0], CONSTANT (0));
  x[1] = _mm512_add_epi32 (x[1], CONSTANT (1));
  x[2] = _mm512_add_epi32 (x[2], CONSTANT (2));
  x[3] = _mm512_add_epi32 (x[3], CONSTANT (3));
#define KEY(i) x[4 + i] = _mm512_add_epi32 (x[4 + i], s->key[i]);
  EACH_8 (KEY)
#undef KEY
  x[12] = _mm512_add_epi32 (x[12], s->block);
  x[14] = _mm512_add_epi32 (x[14], s->counter_low);
  x[15] = _mm512_add_epi32 (x[15], s->counter_high);
  transpose_16 (x);
}
