/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Poly1305 (RFC 8439 section 2.5) as the AEAD without additional data needs it, in two ways:
 *
 *   across   eight messages at once, a lane each; four blocks a step with the powers r to r^4
 *   along    one message, eight of its blocks a step with r^8
 *
 * Nothing here branches on or looks up by what is secret; lengths are not.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-avx512-field.h"

#include <string.h>

#define LANES 8
#define CHUNK 64 /* bytes a step, across */
#define BLOCK 16

/* r of the key's first half (section 2.5: some of its bits are zero). */
INLINE Number
clamped (__m512i word0, __m512i word1)
{
  return number (_mm512_and_si512 (word0, _mm512_set1_epi64 (0x0ffffffc0fffffff)),
                 _mm512_and_si512 (word1, _mm512_set1_epi64 (0x0ffffffc0ffffffc)), _mm512_setzero_si512 ());
}

/* Modulo 2^130 - 5 to the end, plus the key's second half modulo 2^128. */
INLINE void
finish (Number h, __m512i key2, __m512i key3, uint64_t tags[2][LANES])
{
  __m512i carry;
  for (unsigned i = 0; i < 2; i++)
    {
      carry = _mm512_srli_epi64 (h.l0, 44);
      h.l0 = _mm512_and_si512 (h.l0, LIMB_MASK);
      h.l1 = _mm512_add_epi64 (h.l1, carry);
      carry = _mm512_srli_epi64 (h.l1, 44);
      h.l1 = _mm512_and_si512 (h.l1, LIMB_MASK);
      h.l2 = _mm512_add_epi64 (h.l2, carry);
      carry = _mm512_srli_epi64 (h.l2, 42);
      h.l2 = _mm512_and_si512 (h.l2, TOP_MASK);
      h.l0 = _mm512_add_epi64 (h.l0, _mm512_add_epi64 (carry, _mm512_slli_epi64 (carry, 2)));
    }
  /* Below 2^130 + 5. Where h + 5 passes 2^130, that (without its top) is h modulo the prime, else h is. */
  Number g;
  g.l0 = _mm512_add_epi64 (h.l0, _mm512_set1_epi64 (5));
  g.l1 = _mm512_add_epi64 (h.l1, _mm512_srli_epi64 (g.l0, 44));
  g.l2 = _mm512_add_epi64 (h.l2, _mm512_srli_epi64 (g.l1, 44));
  __mmask8 above = _mm512_cmpgt_epu64_mask (g.l2, TOP_MASK);
  h.l1 = _mm512_add_epi64 (h.l1, _mm512_srli_epi64 (h.l0, 44));
  h.l0 = _mm512_mask_mov_epi64 (h.l0, above, g.l0);
  h.l1 = _mm512_mask_mov_epi64 (h.l1, above, g.l1);
  h.l2 = _mm512_mask_mov_epi64 (h.l2, above, g.l2);
  h.l0 = _mm512_and_si512 (h.l0, LIMB_MASK);
  h.l1 = _mm512_and_si512 (h.l1, LIMB_MASK);
  __m512i low = _mm512_or_si512 (h.l0, _mm512_slli_epi64 (h.l1, 44));
  __m512i high = _mm512_or_si512 (_mm512_srli_epi64 (h.l1, 20), _mm512_slli_epi64 (h.l2, 24));
  low = _mm512_add_epi64 (low, key2);
  high = _mm512_add_epi64 (high, key3);
  high = _mm512_mask_add_epi64 (high, _mm512_cmplt_epu64_mask (low, key2), high, _mm512_set1_epi64 (1));
  _mm512_storeu_si512 (tags[0], low);
  _mm512_storeu_si512 (tags[1], high);
}

static const uint8_t zeros[CHUNK];

/* One step of 64 bytes; only the lanes of `active` take it. */
INLINE Number
step_across (const Across *a, Number h, size_t offset, __mmask8 active)
{
  __m512i w[8];
  const uint8_t *rows[LANES];
  for (unsigned i = 0; i < LANES; i++)
    rows[i] = active >> i & 1 ? a->data[i] + offset : zeros;
#define LOAD(i) w[i] = _mm512_loadu_si512 (rows[i]);
  EACH_8 (LOAD)
#undef LOAD
  transpose_8 (w);
  /* The blocks that do not wait for the last step's h come first. */
  Product t = multiply_add (nothing (), &a->r3, number (w[2], w[3], HIGH_BIT));
  t = multiply_add (t, &a->r2, number (w[4], w[5], HIGH_BIT));
  t = multiply_add (t, &a->r1, number (w[6], w[7], HIGH_BIT));
  t = multiply_add (t, &a->r4, add (h, number (w[0], w[1], HIGH_BIT)));
  Number next = reduce (t);
  if (active == 0xff)
    return next;
  return (Number){ _mm512_mask_mov_epi64 (h.l0, active, next.l0), _mm512_mask_mov_epi64 (h.l1, active, next.l1),
                   _mm512_mask_mov_epi64 (h.l2, active, next.l2) };
}

/* What is behind the last 64 bytes, block by block, padded with zeros (RFC 8439 section 2.8). */
INLINE Number
tail_across (const Across *a, Number h)
{
  __m512i w[8];
  uint64_t blocks[LANES], most = 0;
  for (unsigned i = 0; i < LANES; i++)
    {
      blocks[i] = (a->len[i] % CHUNK + BLOCK - 1) / BLOCK;
      most = most > blocks[i] ? most : blocks[i];
    }
  if (most == 0)
    return h;
#define LOAD(i)                                                                                                        \
  w[i] = _mm512_maskz_loadu_epi8 ((1ULL << a->len[i] % CHUNK) - 1, a->data[i] + a->len[i] / CHUNK * CHUNK);
  EACH_8 (LOAD)
#undef LOAD
  transpose_8 (w);
  __m512i lane_blocks = _mm512_loadu_si512 (blocks);
#define STEP(b)                                                                                                        \
  if (most > b)                                                                                                        \
    {                                                                                                                  \
      __mmask8 active = _mm512_cmpgt_epu64_mask (lane_blocks, _mm512_set1_epi64 (b));                                  \
      Number next = multiply (&a->r1, add (h, number (w[2 * b], w[2 * b + 1], HIGH_BIT)));                             \
      h.l0 = _mm512_mask_mov_epi64 (h.l0, active, next.l0);                                                            \
      h.l1 = _mm512_mask_mov_epi64 (h.l1, active, next.l1);                                                            \
      h.l2 = _mm512_mask_mov_epi64 (h.l2, active, next.l2);                                                            \
    }
  STEP (0)
  STEP (1)
  STEP (2)
  STEP (3)
#undef STEP
  return h;
}

void
ew_avx512_across_begin (Across *a, const EwPoly1305 *messages, size_t n)
{
  __m512i key[8];
  const uint8_t *keys[LANES];
  for (unsigned i = 0; i < LANES; i++)
    {
      const EwPoly1305 *message = &messages[i < n ? i : 0]; /* a lane without a message repeats the first */
      a->data[i] = message->data;
      a->len[i] = message->len;
      keys[i] = message->key;
    }
#define LOAD(i) key[i] = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *)keys[i]));
  EACH_8 (LOAD)
#undef LOAD
  transpose_8 (key);
  a->pad_low = key[2];
  a->pad_high = key[3];
  a->h = (Number){ _mm512_setzero_si512 (), _mm512_setzero_si512 (), _mm512_setzero_si512 () };
  a->r1 = power (clamped (key[0], key[1]));
  a->r2 = a->r3 = a->r4 = a->r1; /* not used where there are no 64 bytes */
  if (messages[0].len >= CHUNK)
    {
      Number r2 = multiply (&a->r1, (Number){ a->r1.r0, a->r1.r1, a->r1.r2 });
      a->r2 = power (r2);
      a->r3 = power (multiply (&a->r1, r2));
      a->r4 = power (multiply (&a->r2, r2));
    }
}

void
ew_avx512_across_end (Across *a, EwPoly1305 *messages, size_t n, size_t at)
{
  size_t all = messages[n - 1].len / CHUNK * CHUNK, longest = messages[0].len / CHUNK * CHUNK;
  __m512i lens = _mm512_loadu_si512 (a->len);
  uint64_t tags[2][LANES];
  Number h = a->h;
  for (; at < all; at += CHUNK)
    h = step_across (a, h, at, 0xff);
  for (; at < longest; at += CHUNK)
    h = step_across (a, h, at, _mm512_cmpge_epu64_mask (lens, _mm512_set1_epi64 ((long long)(at + CHUNK))));
  h = tail_across (a, h);
  h = multiply (&a->r1, add (h, number (_mm512_setzero_si512 (), lens, HIGH_BIT)));
  finish (h, a->pad_low, a->pad_high, tags);
  for (unsigned i = 0; i < n; i++)
    {
      memcpy (messages[i].tag, &tags[0][i], 8);
      memcpy (messages[i].tag + 8, &tags[1][i], 8);
    }
}

static void
eight (EwPoly1305 *messages, size_t n)
{
  Across a;
  ew_avx512_across_begin (&a, messages, n);
  ew_avx512_across_end (&a, messages, n, 0);
}

/* Lanes hold blocks 0, 4, 1, 5, 2, 6, 3 and 7 of 128 bytes: what two unpackings give. */
INLINE Number
along_block (const uint8_t *p, __m512i high)
{
  __m512i a = _mm512_loadu_si512 (p), b = _mm512_loadu_si512 (p + 64);
  return number (_mm512_unpacklo_epi64 (a, b), _mm512_unpackhi_epi64 (a, b), high);
}

/* r^8, r^4, r^7, r^3, r^6, r^2, r^5, r in the lanes of along_block(), and r^8 in all. */
INLINE void
along_powers (Number r, Power *each, Power *all)
{
#define BLEND(mask, a, b)                                                                                              \
  (Number){ _mm512_mask_mov_epi64 (a.l0, mask, b.l0), _mm512_mask_mov_epi64 (a.l1, mask, b.l1),                        \
            _mm512_mask_mov_epi64 (a.l2, mask, b.l2) }
  Power r1 = power (r);
  Number r2 = multiply (&r1, r);
  Power p2 = power (r2);
  Number low = BLEND (0x20, r, r2);                  /* lane 5: 2, lane 7: 1 */
  Number next = multiply (&p2, BLEND (0x20, r, r2)); /* r^3, in lane 5 r^4 */
  Number r4 = { _mm512_permutexvar_epi64 (_mm512_set1_epi64 (5), next.l0),
                _mm512_permutexvar_epi64 (_mm512_set1_epi64 (5), next.l1),
                _mm512_permutexvar_epi64 (_mm512_set1_epi64 (5), next.l2) };
  low = BLEND (0x08, low, next); /* lane 3: 3 */
  low = BLEND (0x02, low, r4);   /* lane 1: 4 */
  Power p4 = power (r4);
  /* lanes 0, 2, 4, 6: r^4 times lanes 1, 3, 5, 7 */
  Number moved = { _mm512_permutex_epi64 (low.l0, 0xf5), _mm512_permutex_epi64 (low.l1, 0xf5),
                   _mm512_permutex_epi64 (low.l2, 0xf5) };
  next = multiply (&p4, moved);
  *each = power (BLEND (0x55, low, next));
  *all = power ((Number){ _mm512_permutexvar_epi64 (_mm512_setzero_si512 (), next.l0),
                          _mm512_permutexvar_epi64 (_mm512_setzero_si512 (), next.l1),
                          _mm512_permutexvar_epi64 (_mm512_setzero_si512 (), next.l2) });
#undef BLEND
}

static void
one (EwPoly1305 *message)
{
  const uint8_t *data = message->data;
  size_t len = message->len, blocks = (len + BLOCK - 1) / BLOCK + 1; /* with that of the length */
  size_t missing = -blocks % LANES, first = LANES - missing;         /* zeros in front change nothing */
  uint64_t key[4], tags[2][LANES];
  uint8_t edge[2 * CHUNK] = { 0 };
  Power each, all;
  memcpy (key, message->key, sizeof key);
  along_powers (clamped (_mm512_set1_epi64 ((long long)key[0]), _mm512_set1_epi64 ((long long)key[1])), &each, &all);
  size_t text = first * BLOCK < len ? first * BLOCK : len;
  memcpy (edge + missing * BLOCK, data, text);
  if (blocks <= LANES)
    memcpy (edge + (LANES - 1) * BLOCK + 8, &len, 8);
  /* block i is in lane 2i, or 2i - 7 from 4 on */
  __m512i index = _mm512_setr_epi64 (0, 4, 1, 5, 2, 6, 3, 7);
  __mmask8 present = _mm512_cmpge_epu64_mask (index, _mm512_set1_epi64 ((long long)missing));
  Number h = along_block (edge, _mm512_maskz_mov_epi64 (present, HIGH_BIT));
  if (blocks > LANES)
    {
      size_t at = first * BLOCK;
      for (; len - at > (LANES - 1) * BLOCK; at += LANES * BLOCK)
        h = add (multiply (&all, h), along_block (data + at, HIGH_BIT));
      memset (edge, 0, sizeof edge);
      memcpy (edge, data + at, len - at);
      memcpy (edge + (LANES - 1) * BLOCK + 8, &len, 8);
      h = add (multiply (&all, h), along_block (edge, HIGH_BIT));
    }
  h = multiply (&each, h);
  h.l0 = _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l0));
  h.l1 = _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l1));
  h.l2 = _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l2));
  finish (h, _mm512_set1_epi64 ((long long)key[2]), _mm512_set1_epi64 ((long long)key[3]), tags);
  memcpy (message->tag, &tags[0][0], 8);
  memcpy (message->tag + 8, &tags[1][0], 8);
}

/* Across pays for eight of the longest, however few there are. Along is for a message that has few as long beside it:
 * so many more as it is longer (measured). */
#define ALONG_BYTES 96 /* for each of them */
#define ALONG_MESSAGES 3

void
ew_avx512_poly1305 (EwPoly1305 *messages, size_t n)
{
  while (n > 0)
    {
      size_t beside = 1, count = n < LANES ? n : LANES;
      while (beside < count && messages[beside].len >= messages[0].len / 2)
        beside++;
      if (beside <= ALONG_MESSAGES && messages[0].len >= ALONG_BYTES * beside)
        {
          one (messages);
          count = 1;
        }
      else
        eight (messages, count);
      messages += count;
      n -= count;
    }
}
