/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the AVX-512 kernel: its files are compiled for a processor that has it.
 */
#pragma once

#include <immintrin.h>

#include "proto/aead-private.h"

#define INLINE static inline __attribute__ ((always_inline))
#define EACH_8(DO) DO (0) DO (1) DO (2) DO (3) DO (4) DO (5) DO (6) DO (7)
#define EACH_16(DO) EACH_8 (DO) DO (8) DO (9) DO (10) DO (11) DO (12) DO (13) DO (14) DO (15)

/* Whole vectors. libcrypto's way costs as much as a short packet, and so does what a compiler makes of memset(). */
INLINE void
wipe (void *secret, size_t size)
{
  volatile __m512i *vectors = secret;
  for (size_t i = 0; i < size / sizeof (__m512i); i++)
    vectors[i] = (__m512i){ 0 };
}

/* A number modulo 2^130 - 5 in each lane (aead-avx512-field.h). */
typedef struct
{
  __m512i l0, l1, l2;
} Number;

/* What is multiplied by, with 20 times its upper limbs. */
typedef struct
{
  __m512i r0, r1, r2, s1, s2;
} Power;

/* Poly1305 of eight messages, a lane each. */
typedef struct
{
  const uint8_t *data[8];
  uint64_t len[8];
  Power r1, r2, r3, r4; /* the key's r and its powers */
  Power stride;         /* see across_part() */
  Number h;             /* of what was taken so far */
  __m512i pad_low, pad_high;
} Across;

void ew_avx512_poly1305 (EwPoly1305 *messages, size_t n); /* the longest first */

/* The same in parts, for up to eight: the first `at` bytes, whole 64s, of all of them went into a->h along the way. */
void ew_avx512_across_begin (Across *a, const EwPoly1305 *messages, size_t n);
void ew_avx512_across_end (Across *a, EwPoly1305 *messages, size_t n, size_t at);

/* Eight or four packets, the longest first; the last is at least that long, with a tag or without. */
#define EW_AVX512_EIGHT_MIN 208
#define EW_AVX512_FOUR_MIN 320
void ew_avx512_seal_eight (EwAeadItem *const *items);
void ew_avx512_open_eight (EwAeadItem *const *items);
void ew_avx512_seal_four (EwAeadItem *const *items);
void ew_avx512_open_four (EwAeadItem *const *items);

/* One packet. */
void ew_avx512_seal_one (EwAeadItem *item);
void ew_avx512_open_one (EwAeadItem *item);

/* Seals or opens the text from `offset` on, whole 64s, where it is longer. */
void ew_avx512_apply_from (EwAeadItem *const *items, size_t n, size_t tag_size, size_t offset);
