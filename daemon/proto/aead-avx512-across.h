/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Poly1305 of eight messages, a lane each: a step of 64 bytes of each, in parts that are small enough to go between
 * ChaCha20's rounds.
 */
#pragma once

#include "proto/aead-avx512-field.h"

#define ACROSS_STEP 64
#define ACROSS_PARTS 5

typedef struct
{
  __m512i w[8]; /* words of the step's four blocks */
  Product sum;
  Number h;
} Step;

/* The parts of about the same work, 0 to 4. The blocks that do not wait for the last step's h come first.

   apart: a message has several lanes, each of which takes 64 bytes of a stride; h is then not yet multiplied by r for
   the block that it ended with, and a->stride leads to the lane's next 64 bytes. */
INLINE void
across_part (const Across *a, Step *s, bool apart, const uint8_t *const data[8], size_t at, unsigned i)
{
  unsigned first = apart ? 0 : 2; /* word of the block that r^3 is for */
  switch (i)
    {
    case 0:
#define LOAD(k) s->w[k] = _mm512_loadu_si512 (data[k] + at);
      EACH_8 (LOAD)
#undef LOAD
      transpose_8 (s->w);
      break;
    case 1:
      s->sum = multiply_add (nothing (), &a->r3, number (s->w[first], s->w[first + 1], HIGH_BIT));
      break;
    case 2:
      s->sum = multiply_add (s->sum, &a->r2, number (s->w[first + 2], s->w[first + 3], HIGH_BIT));
      break;
    case 3:
      s->sum = multiply_add (s->sum, &a->r1, number (s->w[first + 4], s->w[first + 5], HIGH_BIT));
      break;
    default:
      if (apart)
        s->h = add (reduce (multiply_add (s->sum, &a->stride, s->h)), number (s->w[6], s->w[7], HIGH_BIT));
      else
        s->h = reduce (multiply_add (s->sum, &a->r4, add (s->h, number (s->w[0], s->w[1], HIGH_BIT))));
      break;
    }
}

INLINE Number
across_step (const Across *a, Number h, bool apart, const uint8_t *const data[8], size_t at)
{
  Step s = { .h = h };
  across_part (a, &s, apart, data, at, 0);
  across_part (a, &s, apart, data, at, 1);
  across_part (a, &s, apart, data, at, 2);
  across_part (a, &s, apart, data, at, 3);
  across_part (a, &s, apart, data, at, 4);
  return s.h;
}
