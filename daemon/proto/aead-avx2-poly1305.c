/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Poly1305 (RFC 8439 section 2.5) as the AEAD without additional data needs it, with the 32-bit multiplications of
 * AVX2, in two ways:
 *
 *   across   four messages at once, a lane each; four blocks a step with the powers r to r^4
 *   along    one message, four of its blocks a step with r^4
 *
 * Numbers are five limbs of 26 bits; one that passes 2^130 comes back times 5. Nothing here branches on or looks up by
 * what is secret; lengths are not.
 */
#include "proto/aead-avx2.h"
#include "proto/bytes.h"

#include <string.h>

#define LANES 4
#define CHUNK 64 /* bytes a step */
#define BLOCK 16
#define LIMB_BITS 26
#define LIMB_MASK _mm256_set1_epi64x (0x3ffffff)
#define HIGH_BIT _mm256_set1_epi64x (1 << 24) /* 2^128, on every block */

typedef struct
{
  __m256i l0, l1, l2, l3, l4;
} Number;

/* What is multiplied by, with 5 times its upper limbs. */
typedef struct
{
  __m256i r0, r1, r2, r3, r4, s1, s2, s3, s4;
} Power;

INLINE Number
nothing (void)
{
  __m256i zero = _mm256_setzero_si256 ();
  return (Number){ zero, zero, zero, zero, zero };
}

INLINE Number
add (Number a, Number b)
{
  return (Number){ _mm256_add_epi64 (a.l0, b.l0), _mm256_add_epi64 (a.l1, b.l1), _mm256_add_epi64 (a.l2, b.l2),
                   _mm256_add_epi64 (a.l3, b.l3), _mm256_add_epi64 (a.l4, b.l4) };
}

#define MULTIPLY_LIMB(a, p0, p1, p2, p3, p4)                                                                           \
  t.l0 = _mm256_add_epi64 (t.l0, _mm256_mul_epu32 (a, p0));                                                            \
  t.l1 = _mm256_add_epi64 (t.l1, _mm256_mul_epu32 (a, p1));                                                            \
  t.l2 = _mm256_add_epi64 (t.l2, _mm256_mul_epu32 (a, p2));                                                            \
  t.l3 = _mm256_add_epi64 (t.l3, _mm256_mul_epu32 (a, p3));                                                            \
  t.l4 = _mm256_add_epi64 (t.l4, _mm256_mul_epu32 (a, p4));

/* Sums of four products fit, see reduce(). */
INLINE Number
multiply_add (Number t, const Power *p, Number a)
{
  MULTIPLY_LIMB (a.l0, p->r0, p->r1, p->r2, p->r3, p->r4)
  MULTIPLY_LIMB (a.l1, p->s4, p->r0, p->r1, p->r2, p->r3)
  MULTIPLY_LIMB (a.l2, p->s3, p->s4, p->r0, p->r1, p->r2)
  MULTIPLY_LIMB (a.l3, p->s2, p->s3, p->s4, p->r0, p->r1)
  MULTIPLY_LIMB (a.l4, p->s1, p->s2, p->s3, p->s4, p->r0)
  return t;
}

#define CARRY(from, to)                                                                                                \
  t.to = _mm256_add_epi64 (t.to, _mm256_srli_epi64 (t.from, LIMB_BITS));                                               \
  t.from = _mm256_and_si256 (t.from, LIMB_MASK);

INLINE __m256i
times_5 (__m256i a)
{
  return _mm256_add_epi64 (a, _mm256_slli_epi64 (a, 2));
}

/* Limbs below 2^61 (20 products of 27 and 29 bits) to 26 bits, the second and the last a few above; two chains of
 * carries at once. */
INLINE Number
reduce (Number t)
{
  CARRY (l0, l1)
  CARRY (l3, l4)
  CARRY (l1, l2)
  t.l0 = _mm256_add_epi64 (t.l0, times_5 (_mm256_srli_epi64 (t.l4, LIMB_BITS)));
  t.l4 = _mm256_and_si256 (t.l4, LIMB_MASK);
  CARRY (l2, l3)
  CARRY (l0, l1)
  CARRY (l3, l4)
  return t;
}

/* From 128 bits as two words a lane; `high` is 2^24 where 2^128 is added. */
INLINE Number
number (__m256i word0, __m256i word1, __m256i high)
{
  __m256i middle = _mm256_or_si256 (_mm256_srli_epi64 (word0, 52), _mm256_slli_epi64 (word1, 12));
  return (Number){ _mm256_and_si256 (word0, LIMB_MASK), _mm256_and_si256 (_mm256_srli_epi64 (word0, 26), LIMB_MASK),
                   _mm256_and_si256 (middle, LIMB_MASK), _mm256_and_si256 (_mm256_srli_epi64 (word1, 14), LIMB_MASK),
                   _mm256_or_si256 (_mm256_srli_epi64 (word1, 40), high) };
}

INLINE Power
power (Number r)
{
  return (Power){ r.l0, r.l1, r.l2, r.l3, r.l4, times_5 (r.l1), times_5 (r.l2), times_5 (r.l3), times_5 (r.l4) };
}

INLINE Number
multiply (const Power *p, Number a)
{
  return reduce (multiply_add (nothing (), p, a));
}

/* b where the mask is set, else a. */
INLINE Number
choose (Number a, Number b, __m256i mask)
{
  return (Number){ _mm256_blendv_epi8 (a.l0, b.l0, mask), _mm256_blendv_epi8 (a.l1, b.l1, mask),
                   _mm256_blendv_epi8 (a.l2, b.l2, mask), _mm256_blendv_epi8 (a.l3, b.l3, mask),
                   _mm256_blendv_epi8 (a.l4, b.l4, mask) };
}

/* r of the key's first half (section 2.5: some of its bits are zero). */
INLINE Number
clamped (__m256i word0, __m256i word1)
{
  return number (_mm256_and_si256 (word0, _mm256_set1_epi64x (0x0ffffffc0fffffff)),
                 _mm256_and_si256 (word1, _mm256_set1_epi64x (0x0ffffffc0ffffffc)), _mm256_setzero_si256 ());
}

/* One lane modulo 2^130 - 5 to the end, plus the key's second half modulo 2^128. */
static void
finish (const uint64_t limbs[5], const uint8_t *key, uint8_t tag[BLOCK])
{
  const uint64_t mask = (1 << LIMB_BITS) - 1;
  uint64_t h[5], g[5], carry = 0;
  memcpy (h, limbs, sizeof h);
  for (unsigned i = 0; i < 10; i++) /* twice round; what passes the top comes back */
    {
      h[i % 5] += carry;
      carry = h[i % 5] >> LIMB_BITS;
      h[i % 5] &= mask;
      if (i % 5 == 4)
        carry *= 5;
    }
  h[0] += carry; /* after two rounds: only where all above are zero */
  carry = 5;
  for (unsigned i = 0; i < 5; i++)
    {
      g[i] = h[i] + carry;
      carry = g[i] >> LIMB_BITS;
      g[i] &= mask;
    }
  uint64_t above = 0 - carry; /* all ones where h is not below the prime */
  for (unsigned i = 0; i < 5; i++)
    h[i] = (h[i] & ~above) | (g[i] & above);
  uint64_t low = h[0] | h[1] << 26 | h[2] << 52, high = h[2] >> 12 | h[3] << 14 | h[4] << 40;
  uint64_t pad = ew_load_le64 (key + 16);
  low += pad;
  high += ew_load_le64 (key + 24) + (low < pad);
  ew_store_le64 (tag, low);
  ew_store_le64 (tag + 8, high);
}

/* Rows of four words to a vector a word: word i of row k becomes lane k of w[i]. */
INLINE void
transpose (__m256i w[4])
{
  __m256i a = _mm256_unpacklo_epi64 (w[0], w[1]), b = _mm256_unpackhi_epi64 (w[0], w[1]);
  __m256i c = _mm256_unpacklo_epi64 (w[2], w[3]), d = _mm256_unpackhi_epi64 (w[2], w[3]);
  w[0] = _mm256_permute2x128_si256 (a, c, 0x20);
  w[1] = _mm256_permute2x128_si256 (b, d, 0x20);
  w[2] = _mm256_permute2x128_si256 (a, c, 0x31);
  w[3] = _mm256_permute2x128_si256 (b, d, 0x31);
}

INLINE __m256i
load (const void *p)
{
  return _mm256_loadu_si256 (p);
}

INLINE Number
step_across (const Power p[4], Number h, const uint8_t *const rows[LANES])
{
  __m256i w[4] = { load (rows[0]), load (rows[1]), load (rows[2]), load (rows[3]) };
  __m256i x[4] = { load (rows[0] + 32), load (rows[1] + 32), load (rows[2] + 32), load (rows[3] + 32) };
  transpose (w);
  transpose (x);
  Number t = multiply_add (nothing (), &p[2], number (w[2], w[3], HIGH_BIT));
  t = multiply_add (t, &p[1], number (x[0], x[1], HIGH_BIT));
  t = multiply_add (t, &p[0], number (x[2], x[3], HIGH_BIT));
  return reduce (multiply_add (t, &p[3], add (h, number (w[0], w[1], HIGH_BIT))));
}

/* What comes after the last 64 bytes, block by block, padded with zeros (RFC 8439 section 2.8); then the length's
 * block.
 */
INLINE Number
tail_across (const Power *r, Number h, const uint8_t *const data[LANES], const uint64_t len[LANES], __m256i lens)
{
  uint8_t tails[LANES][CHUNK] = { 0 };
  uint64_t blocks[LANES], most = 0;
  for (unsigned i = 0; i < LANES; i++)
    {
      blocks[i] = (len[i] % CHUNK + BLOCK - 1) / BLOCK;
      most = most > blocks[i] ? most : blocks[i];
      memcpy (tails[i], data[i] + len[i] / CHUNK * CHUNK, len[i] % CHUNK);
    }
  __m256i lane_blocks = load (blocks);
  for (size_t b = 0; b < most; b++)
    {
      const uint8_t *p = tails[0] + b * BLOCK;
      __m256i a = _mm256_set_m128i (_mm_loadu_si128 ((const void *)(p + 2 * CHUNK)), _mm_loadu_si128 ((const void *)p));
      __m256i c = _mm256_set_m128i (_mm_loadu_si128 ((const void *)(p + 3 * CHUNK)),
                                    _mm_loadu_si128 ((const void *)(p + CHUNK)));
      Number next = add (h, number (_mm256_unpacklo_epi64 (a, c), _mm256_unpackhi_epi64 (a, c), HIGH_BIT));
      h = choose (h, multiply (r, next), _mm256_cmpgt_epi64 (lane_blocks, _mm256_set1_epi64x ((long long)b)));
    }
  return multiply (r, add (h, number (_mm256_setzero_si256 (), lens, HIGH_BIT)));
}

INLINE void
finish_lanes (Number h, EwPoly1305 *messages, size_t n)
{
  uint64_t limbs[5][LANES];
  memcpy (limbs[0], &h.l0, sizeof limbs[0]);
  memcpy (limbs[1], &h.l1, sizeof limbs[1]);
  memcpy (limbs[2], &h.l2, sizeof limbs[2]);
  memcpy (limbs[3], &h.l3, sizeof limbs[3]);
  memcpy (limbs[4], &h.l4, sizeof limbs[4]);
  for (size_t i = 0; i < n; i++)
    {
      uint64_t lane[5] = { limbs[0][i], limbs[1][i], limbs[2][i], limbs[3][i], limbs[4][i] };
      finish (lane, messages[i].key, messages[i].tag);
    }
}

static void
four (EwPoly1305 *messages, size_t n)
{
  static const uint8_t zeros[CHUNK];
  const uint8_t *data[LANES], *rows[LANES];
  uint64_t len[LANES];
  __m256i key[4];
  Power p[4];
  for (unsigned i = 0; i < LANES; i++)
    {
      const EwPoly1305 *message = &messages[i < n ? i : 0]; /* a lane without a message repeats the first */
      data[i] = message->data;
      len[i] = message->len;
      key[i] = load (message->key);
    }
  transpose (key);
  Number h = nothing (), r = clamped (key[0], key[1]);
  __m256i lens = load (len);
  p[0] = p[1] = p[2] = p[3] = power (r);
  size_t all = messages[n - 1].len / CHUNK * CHUNK, longest = messages[0].len / CHUNK * CHUNK, at = 0;
  if (longest > 0)
    {
      Number r2 = multiply (&p[0], r);
      p[1] = power (r2);
      p[2] = power (multiply (&p[0], r2));
      p[3] = power (multiply (&p[1], r2));
    }
  for (; at < all; at += CHUNK)
    {
      for (unsigned i = 0; i < LANES; i++)
        rows[i] = data[i] + at;
      h = step_across (p, h, rows);
    }
  for (; at < longest; at += CHUNK)
    {
      for (unsigned i = 0; i < LANES; i++)
        rows[i] = at + CHUNK <= len[i] ? data[i] + at : zeros;
      __m256i active = _mm256_cmpgt_epi64 (lens, _mm256_set1_epi64x ((long long)(at + CHUNK - 1)));
      h = choose (h, step_across (p, h, rows), active);
    }
  finish_lanes (tail_across (&p[0], h, data, len, lens), messages, n);
}

/* Lanes hold blocks 0, 2, 1 and 3 of 64 bytes: what two unpackings give. */
INLINE Number
along_block (const uint8_t *p, __m256i high)
{
  __m256i a = load (p), b = load (p + 32);
  return number (_mm256_unpacklo_epi64 (a, b), _mm256_unpackhi_epi64 (a, b), high);
}

INLINE __m256i
sum_lanes (__m256i a)
{
  a = _mm256_add_epi64 (a, _mm256_permute4x64_epi64 (a, 0x4e));
  return _mm256_add_epi64 (a, _mm256_permute4x64_epi64 (a, 0xb1));
}

static void
one (EwPoly1305 *message)
{
  const uint8_t *data = message->data;
  size_t len = message->len, blocks = (len + BLOCK - 1) / BLOCK + 1; /* with that of the length */
  size_t missing = -blocks % LANES, first = LANES - missing;         /* zeros in front change nothing */
  uint8_t edge[CHUNK] = { 0 };
  Number r = clamped (_mm256_set1_epi64x ((long long)ew_load_le64 (message->key)),
                      _mm256_set1_epi64x ((long long)ew_load_le64 (message->key + 8)));
  Power r1 = power (r), r2, r4, each;
  Number n2 = multiply (&r1, r);
  r2 = power (n2);
  Number n3 = multiply (&r1, n2), n4 = multiply (&r2, n2);
  r4 = power (n4);
  n4 = choose (n4, n2, _mm256_setr_epi64x (0, -1, 0, 0)); /* r^4, r^2, r^3, r */
  n4 = choose (n4, n3, _mm256_setr_epi64x (0, 0, -1, 0));
  each = power (choose (n4, r, _mm256_setr_epi64x (0, 0, 0, -1)));
  memcpy (edge + missing * BLOCK, data, first * BLOCK < len ? first * BLOCK : len);
  if (blocks <= LANES)
    ew_store_le64 (edge + CHUNK - 8, len);
  __m256i present
    = _mm256_cmpgt_epi64 (_mm256_setr_epi64x (1, 3, 2, 4), _mm256_set1_epi64x ((long long)missing)); /* block + 1 */
  Number h = along_block (edge, _mm256_and_si256 (present, HIGH_BIT));
  if (blocks > LANES)
    {
      size_t at = first * BLOCK;
      for (; len - at > (LANES - 1) * BLOCK; at += CHUNK)
        h = add (multiply (&r4, h), along_block (data + at, HIGH_BIT));
      memset (edge, 0, sizeof edge);
      memcpy (edge, data + at, len - at);
      ew_store_le64 (edge + CHUNK - 8, len);
      h = add (multiply (&r4, h), along_block (edge, HIGH_BIT));
    }
  h = multiply (&each, h);
  finish_lanes ((Number){ sum_lanes (h.l0), sum_lanes (h.l1), sum_lanes (h.l2), sum_lanes (h.l3), sum_lanes (h.l4) },
                message, 1);
}

/* Across pays for four of the longest, however few there are. */
#define ALONG_BYTES 96

void
ew_avx2_poly1305 (EwPoly1305 *messages, size_t n)
{
  while (n > 0)
    {
      size_t count = n < LANES ? n : LANES;
      if (messages[0].len >= ALONG_BYTES && (count == 1 || messages[1].len < messages[0].len / 2))
        {
          one (messages);
          count = 1;
        }
      else
        four (messages, count);
      messages += count;
      n -= count;
    }
}
