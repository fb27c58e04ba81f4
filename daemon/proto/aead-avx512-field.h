/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers modulo 2^130 - 5 in the lanes of AVX-512's vectors, multiplied with IFMA's 52-bit multiplications: three
 * limbs of 44, 44 and 42 bits. A product's halves have weights 2^0 and 2^52 = 2^44 * 2^8; a limb that passes 2^132
 * comes back times 20 (2^130 = 5). Nothing here branches on or looks up by what is secret.
 */
#pragma once

#include "proto/aead-avx512.h"

#define LIMB_MASK _mm512_set1_epi64 (0xfffffffffff)
#define TOP_MASK _mm512_set1_epi64 (0x3ffffffffff)
#define HIGH_BIT _mm512_set1_epi64 (1LL << 40) /* 2^128, on every block */

typedef struct
{
  __m512i low0, low1, low2, high0, high1, high2;
} Product;

INLINE Product
nothing (void)
{
  __m512i zero = _mm512_setzero_si512 ();
  return (Product){ zero, zero, zero, zero, zero, zero };
}

INLINE Product
multiply_add (Product t, const Power *p, Number a)
{
  t.low0 = _mm512_madd52lo_epu64 (t.low0, a.l0, p->r0);
  t.high0 = _mm512_madd52hi_epu64 (t.high0, a.l0, p->r0);
  t.low1 = _mm512_madd52lo_epu64 (t.low1, a.l0, p->r1);
  t.high1 = _mm512_madd52hi_epu64 (t.high1, a.l0, p->r1);
  t.low2 = _mm512_madd52lo_epu64 (t.low2, a.l0, p->r2);
  t.high2 = _mm512_madd52hi_epu64 (t.high2, a.l0, p->r2);
  t.low0 = _mm512_madd52lo_epu64 (t.low0, a.l1, p->s2);
  t.high0 = _mm512_madd52hi_epu64 (t.high0, a.l1, p->s2);
  t.low1 = _mm512_madd52lo_epu64 (t.low1, a.l1, p->r0);
  t.high1 = _mm512_madd52hi_epu64 (t.high1, a.l1, p->r0);
  t.low2 = _mm512_madd52lo_epu64 (t.low2, a.l1, p->r1);
  t.high2 = _mm512_madd52hi_epu64 (t.high2, a.l1, p->r1);
  t.low0 = _mm512_madd52lo_epu64 (t.low0, a.l2, p->s1);
  t.high0 = _mm512_madd52hi_epu64 (t.high0, a.l2, p->s1);
  t.low1 = _mm512_madd52lo_epu64 (t.low1, a.l2, p->s2);
  t.high1 = _mm512_madd52hi_epu64 (t.high1, a.l2, p->s2);
  t.low2 = _mm512_madd52lo_epu64 (t.low2, a.l2, p->r0);
  t.high2 = _mm512_madd52hi_epu64 (t.high2, a.l2, p->r0);
  return t;
}

/* Back to limbs: the first and last within their bits, the middle one a few above. Sums of four products fit. */
INLINE Number
reduce (Product t)
{
  Number h;
  __m512i carry = _mm512_add_epi64 (_mm512_srli_epi64 (t.low0, 44), _mm512_slli_epi64 (t.high0, 8));
  h.l0 = _mm512_and_si512 (t.low0, LIMB_MASK);
  t.low1 = _mm512_add_epi64 (t.low1, carry);
  carry = _mm512_add_epi64 (_mm512_srli_epi64 (t.low1, 44), _mm512_slli_epi64 (t.high1, 8));
  h.l1 = _mm512_and_si512 (t.low1, LIMB_MASK);
  t.low2 = _mm512_add_epi64 (t.low2, carry);
  carry = _mm512_add_epi64 (_mm512_srli_epi64 (t.low2, 42), _mm512_slli_epi64 (t.high2, 10));
  h.l2 = _mm512_and_si512 (t.low2, TOP_MASK);
  h.l0 = _mm512_add_epi64 (h.l0, _mm512_add_epi64 (carry, _mm512_slli_epi64 (carry, 2)));
  carry = _mm512_srli_epi64 (h.l0, 44);
  h.l0 = _mm512_and_si512 (h.l0, LIMB_MASK);
  h.l1 = _mm512_add_epi64 (h.l1, carry);
  return h;
}

INLINE Number
add (Number a, Number b)
{
  return (Number){ _mm512_add_epi64 (a.l0, b.l0), _mm512_add_epi64 (a.l1, b.l1), _mm512_add_epi64 (a.l2, b.l2) };
}

/* From 128 bits as two words a lane; `high` is 2^40 where 2^128 is added. */
INLINE Number
number (__m512i word0, __m512i word1, __m512i high)
{
  __m512i middle = _mm512_or_si512 (_mm512_srli_epi64 (word0, 44), _mm512_slli_epi64 (word1, 20));
  return (Number){ _mm512_and_si512 (word0, LIMB_MASK), _mm512_and_si512 (middle, LIMB_MASK),
                   _mm512_or_si512 (_mm512_srli_epi64 (word1, 24), high) };
}

INLINE __m512i
times_20 (__m512i a)
{
  return _mm512_add_epi64 (_mm512_slli_epi64 (a, 4), _mm512_slli_epi64 (a, 2));
}

INLINE Power
power (Number r)
{
  return (Power){ r.l0, r.l1, r.l2, times_20 (r.l1), times_20 (r.l2) };
}

INLINE Number
multiply (const Power *p, Number a)
{
  return reduce (multiply_add (nothing (), p, a));
}

/* r of the key's first half (section 2.5: some of its bits are zero). */
INLINE Number
clamped (__m512i word0, __m512i word1)
{
  return number (_mm512_and_si512 (word0, _mm512_set1_epi64 (0x0ffffffc0fffffff)),
                 _mm512_and_si512 (word1, _mm512_set1_epi64 (0x0ffffffc0ffffffc)), _mm512_setzero_si512 ());
}

/* Rows of eight words to a vector a word: word i of row k becomes lane k of w[i]. */
INLINE void
transpose_8 (__m512i w[8])
{
#define PAIR(i)                                                                                                        \
  __m512i even##i = _mm512_unpacklo_epi64 (w[2 * i], w[2 * i + 1]);                                                    \
  __m512i odd##i = _mm512_unpackhi_epi64 (w[2 * i], w[2 * i + 1]);
  PAIR (0)
  PAIR (1)
  PAIR (2)
  PAIR (3)
#undef PAIR
#define QUARTER(first, kind)                                                                                           \
  {                                                                                                                    \
    __m512i a = _mm512_shuffle_i64x2 (kind##0, kind##1, 0x44), b = _mm512_shuffle_i64x2 (kind##2, kind##3, 0x44);      \
    __m512i c = _mm512_shuffle_i64x2 (kind##0, kind##1, 0xee), d = _mm512_shuffle_i64x2 (kind##2, kind##3, 0xee);      \
    w[first] = _mm512_shuffle_i64x2 (a, b, 0x88);                                                                      \
    w[first + 2] = _mm512_shuffle_i64x2 (a, b, 0xdd);                                                                  \
    w[first + 4] = _mm512_shuffle_i64x2 (c, d, 0x88);                                                                  \
    w[first + 6] = _mm512_shuffle_i64x2 (c, d, 0xdd);                                                                  \
  }
  QUARTER (0, even)
  QUARTER (1, odd)
#undef QUARTER
}
