/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Poly1305 of one message, eight of its blocks at a time in the lanes: in parts that are small enough to go between
 * ChaCha20's rounds. Zeros in front of a message change nothing, so the first eight blocks are those that are left when
 * the others are taken by eight from the end, which is the length's block.
 */
#pragma once

#include "proto/aead-avx512-field.h"

#include <string.h>

#define ALONG_STEP 128 /* bytes of eight blocks */

typedef struct
{
  const uint8_t *data;
  size_t len;
  size_t at, last; /* where the next eight blocks begin; and the last of them, which have the length */
  Power each;      /* r^8 to r, for the lanes' sum at the end */
  Power r8, r16;
  Number r, h;
  Product sum;
} Along;

/* The lanes hold blocks 0, 4, 1, 5, 2, 6, 3 and 7 of 128 bytes: what two unpackings give. */
INLINE Number
along_number (__m512i a, __m512i b, __m512i high)
{
  return number (_mm512_unpacklo_epi64 (a, b), _mm512_unpackhi_epi64 (a, b), high);
}

INLINE Number
along_blocks (const Along *a, size_t at)
{
  return along_number (_mm512_loadu_si512 (a->data + at), _mm512_loadu_si512 (a->data + at + 64), HIGH_BIT);
}

INLINE __m512i
bytes_until (const uint8_t *p, size_t n)
{
  return _mm512_maskz_loadu_epi8 (n >= 64 ? ~0ULL : (1ULL << n) - 1, p);
}

/* The blocks up to the length's, the first of them at `at`. */
INLINE Number
along_last (const Along *a, size_t at)
{
  size_t left = a->len - at;
  __m512i low = bytes_until (a->data + at, left);
  __m512i high = left > 64 ? bytes_until (a->data + at + 64, left - 64) : _mm512_setzero_si512 ();
  return along_number (low, _mm512_mask_set1_epi64 (high, 0x80, (long long)a->len), HIGH_BIT);
}

/* The first eight, `missing` of which are zeros in front of the message. */
INLINE Number
along_first (const Along *a, size_t missing)
{
  /* block i is in lane 2i, or 2i - 7 from 4 on */
  const __m512i index = _mm512_setr_epi64 (0, 4, 1, 5, 2, 6, 3, 7);
  __mmask8 present = _mm512_cmpge_epu64_mask (index, _mm512_set1_epi64 ((long long)missing));
  __m512i low = _mm512_setzero_si512 (), high = low;
  size_t front = missing * 16, end = front + a->len < ALONG_STEP ? front + a->len : ALONG_STEP;
  uintptr_t begin = (uintptr_t)a->data - front; /* not all of it is there */
  if (front < 64)
    low = _mm512_maskz_loadu_epi8 ((~0ULL << front) & (end >= 64 ? ~0ULL : (1ULL << end) - 1), (const void *)begin);
  if (end > 64)
    high = _mm512_maskz_loadu_epi8 ((front > 64 ? ~0ULL << (front - 64) : ~0ULL)
                                      & (end >= 128 ? ~0ULL : (1ULL << (end - 64)) - 1),
                                    (const void *)(begin + 64));
  if (a->at > a->last)
    high = _mm512_mask_set1_epi64 (high, 0x80, (long long)a->len);
  return along_number (low, high, _mm512_maskz_mov_epi64 (present, HIGH_BIT));
}

INLINE void
along_begin (Along *a, const EwPoly1305 *message)
{
  uint64_t key[2];
  size_t blocks = (message->len + 15) / 16 + 1, missing = -blocks % 8; /* with that of the length */
  a->data = message->data;
  a->len = message->len;
  memcpy (key, message->key, sizeof key);
  a->r = clamped (_mm512_set1_epi64 ((long long)key[0]), _mm512_set1_epi64 ((long long)key[1]));
  a->at = (8 - missing) * 16;
  a->last = blocks > 8 ? (blocks - 8) * 16 : 0;
  a->h = along_first (a, missing);
}

INLINE Number
permuted (Number a, __m512i lanes)
{
  return (Number){ _mm512_permutexvar_epi64 (lanes, a.l0), _mm512_permutexvar_epi64 (lanes, a.l1),
                   _mm512_permutexvar_epi64 (lanes, a.l2) };
}

INLINE Number
blended (__mmask8 where, Number a, Number b)
{
  return (Number){ _mm512_mask_mov_epi64 (a.l0, where, b.l0), _mm512_mask_mov_epi64 (a.l1, where, b.l1),
                   _mm512_mask_mov_epi64 (a.l2, where, b.l2) };
}

/* Four parts. r^8, r^4, r^7, r^3, r^6, r^2, r^5, r are made for along_number()'s lanes; a->r is something between. */
INLINE void
along_powers (Along *a, unsigned i)
{
  Power p = i == 3 ? a->r8 : power (a->r);
  Number next;
  switch (i)
    {
    case 0:
      a->each = p;
      a->r = multiply (&p, a->r);
      break;
    case 1:
      {
        Number r = { a->each.r0, a->each.r1, a->each.r2 };
        r = blended (0x20, r, a->r);                   /* lane 5: 2, lane 7: 1 */
        next = multiply (&p, r);                       /* r^3, in lane 5 r^4 */
        a->r = permuted (next, _mm512_set1_epi64 (5)); /* r^4 */
        r = blended (0x08, r, next);                   /* lane 3: 3 */
        a->each = power (blended (0x02, r, a->r));     /* lane 1: 4 */
      }
      break;
    case 2:
      {
        /* lanes 0, 2, 4, 6: r^4 times lanes 1, 3, 5, 7 */
        Number r = { a->each.r0, a->each.r1, a->each.r2 };
        next = multiply (&p, permuted (r, _mm512_setr_epi64 (1, 1, 3, 3, 5, 5, 7, 7)));
        a->each = power (blended (0x55, r, next));
        a->r = permuted (next, _mm512_setzero_si512 ());
        a->r8 = power (a->r);
      }
      break;
    case 3:
      a->r16 = power (multiply (&p, a->r));
      break;
    }
}

/* 256 bytes, in three parts, where they are before `limit`. */
INLINE void
along_step (Along *a, unsigned i, size_t limit)
{
  if (a->at + 2 * ALONG_STEP > limit)
    return;
  switch (i)
    {
    case 0:
      a->sum = multiply_add (nothing (), &a->r8, along_blocks (a, a->at));
      break;
    case 1:
      a->sum = multiply_add (a->sum, &a->r16, a->h);
      break;
    case 2:
      a->h = add (reduce (a->sum), along_blocks (a, a->at + ALONG_STEP));
      a->at += 2 * ALONG_STEP;
      break;
    }
}

/* All that is left; then the lanes' sum. */
INLINE Number
along_end (Along *a)
{
  while (a->at + 2 * ALONG_STEP <= a->last)
    for (unsigned i = 0; i < 3; i++)
      along_step (a, i, a->last);
  for (; a->at < a->last; a->at += ALONG_STEP)
    a->h = add (multiply (&a->r8, a->h), along_blocks (a, a->at));
  if (a->at == a->last)
    a->h = add (multiply (&a->r8, a->h), along_last (a, a->at));
  Number h = multiply (&a->each, a->h);
  return (Number){ _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l0)),
                   _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l1)),
                   _mm512_set1_epi64 (_mm512_reduce_add_epi64 (h.l2)) };
}

/* Once the powers are made: the rest, and the tag. */
void ew_avx512_along_tag (Along *a, EwPoly1305 *message);
