/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the AVX2 kernel: its files are compiled for a processor that has it.
 */
#pragma once

#include <immintrin.h>

#include "proto/aead-private.h"

#define INLINE static inline __attribute__ ((always_inline))

/* Whole vectors. libcrypto's way costs as much as a short packet, and so does what a compiler makes of memset(). */
INLINE void
wipe (void *secret, size_t size)
{
  volatile __m256i *vectors = secret;
  for (size_t i = 0; i < size / sizeof (__m256i); i++)
    vectors[i] = (__m256i){ 0 };
}

void ew_avx2_poly1305 (EwPoly1305 *messages, size_t n); /* the longest first */
