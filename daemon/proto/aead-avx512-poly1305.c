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
#include "proto/aead-avx512-across.h"
#include "proto/aead-avx512-along.h"

#include <string.h>

#define LANES 8
#define CHUNK 64 /* bytes a step, across */
#define BLOCK 16

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
step_across (const Across *a, Number h, size_t at, __mmask8 active)
{
  const uint8_t *rows[LANES];
  if (active == 0xff)
    return across_step (a, h, false, a->data, at);
  for (unsigned i = 0; i < LANES; i++)
    rows[i] = active >> i & 1 ? a->data[i] + at : zeros;
  Number next = across_step (a, h, false, rows, 0);
  return (Number){ _mm512_mask_mov_epi64 (h.l0, active, next.l0), _mm512_mask_mov_epi64 (h.l1, active, next.l1),
                   _mm512_mask_mov_epi64 (h.l2, active, next.l2) };
}

/* What comes after the last 64 bytes, block by block, padded with zeros (RFC 8439 section 2.8). */
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

void
ew_avx512_along_tag (Along *a, EwPoly1305 *message)
{
  uint64_t pad[2], tags[2][LANES];
  memcpy (pad, message->key + 16, sizeof pad);
  finish (along_end (a), _mm512_set1_epi64 ((long long)pad[0]), _mm512_set1_epi64 ((long long)pad[1]), tags);
  memcpy (message->tag, &tags[0][0], 8);
  memcpy (message->tag + 8, &tags[1][0], 8);
}

static void
one (EwPoly1305 *message)
{
  Along a;
  along_begin (&a, message);
  for (unsigned i = 0; i < (a.last > 2 * ALONG_STEP ? 4 : 3); i++)
    along_powers (&a, i);
  ew_avx512_along_tag (&a, message);
}

/* Across pays for eight of the longest, however few there are. Along is for a message that has few about as long beside
 * it, the fewer the shorter they are: from so many bytes on for one, two, and three (measured). */
static const size_t along_from[] = { 0, 256, 640 };
#define ALONG_MESSAGES (sizeof along_from / sizeof along_from[0])

void
ew_avx512_poly1305 (EwPoly1305 *messages, size_t n)
{
  while (n > 0)
    {
      size_t beside = 1, count = n < LANES ? n : LANES;
      while (beside < count && messages[beside].len >= messages[0].len / 2)
        beside++;
      if (beside <= ALONG_MESSAGES && messages[0].len >= along_from[beside - 1])
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
