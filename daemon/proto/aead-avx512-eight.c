/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Eight packets of about one length: two blocks of each at a time with ChaCha20's rounds, and between the rounds the
 * multiplications of Poly1305 on the 128 bytes that each has there or had before. The two use other units of the
 * processor, and ChaCha20 alone waits for its own results a fifth of its time.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-avx512-across.h"
#include "proto/aead-avx512-chacha20.h"
#include "proto/crypto.h"

#include <string.h>

#define PACKETS 8
#define BLOCK 64
#define SET (2 * BLOCK) /* of each packet at a time */

typedef struct
{
  struct
  {
    __m512i key[8];               /* a word of each packet's key: lane i and i + 8 are packet i's */
    __m512i begun[16];            /* the first round, but for what the block's number goes into */
    uint8_t rows[PACKETS][BLOCK]; /* block 0 of each: its key for Poly1305 */
    Across across;
  } secret;
  __m512i counter_low, counter_high;
  uint8_t *data[PACKETS];
  EwPoly1305 tags[PACKETS];
} Eight;

INLINE Start
start_of (const Eight *e, uint32_t block)
{
  const __m512i odd = _mm512_setr_epi32 (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  return (Start){ .key = e->secret.key,
                  .block = _mm512_add_epi32 (_mm512_set1_epi32 ((int)block), odd),
                  .counter_low = e->counter_low,
                  .counter_high = e->counter_high };
}

/* The first round's columns without the block's number, 1 to 3, are the same for all blocks of a packet. */
INLINE void
begin_rounds (Eight *e)
{
  __m512i x[16];
  Start start = start_of (e, 0);
  chacha20_begin (x, &start);
  __m512i x0 = _mm512_add_epi32 (x[0], x[4]);
  COLUMN_ROUND (x);
  memcpy (e->secret.begun, x, sizeof x);
  e->secret.begun[0] = x0;
}

/* Blocks `block` and `block` + 1 of each packet; x[i] and x[i + 8] are packet i's. beside: and Poly1305 of the 128
   bytes of each from `tagged` on, which *h is of then. */
INLINE void
blocks (const Eight *e, uint32_t block, __m512i x[16], bool beside, size_t tagged, Number *h)
{
  Start start = start_of (e, block);
#define WORD(i) x[i] = e->secret.begun[i];
  EACH_16 (WORD)
#undef WORD
  x[4] = e->secret.key[0], x[8] = e->secret.key[4], x[12] = start.block;
  TURN (12, 0, 16);
  ADD (8, 12);
  TURN (4, 8, 12);
  ADD (0, 4);
  TURN (12, 0, 8);
  ADD (8, 12);
  TURN (4, 8, 7);
  DIAGONAL_ROUND (x);
  if (!beside)
    for (unsigned i = 1; i < 10; i++)
      {
        DOUBLE_ROUND (x);
      }
  else
    {
      const Across *a = &e->secret.across;
      Step s = { .h = *h };
#define PART(i) across_part (a, &s, a->data, tagged + i / ACROSS_PARTS * ACROSS_STEP, i % ACROSS_PARTS);
#define BOTH(i)                                                                                                        \
  DOUBLE_ROUND (x);                                                                                                    \
  PART (i)
      PART (0)
      BOTH (1)
      BOTH (2)
      BOTH (3)
      BOTH (4)
      BOTH (5)
      BOTH (6)
      BOTH (7)
      BOTH (8)
      BOTH (9)
#undef BOTH
#undef PART
      *h = s.h;
    }
  chacha20_end (x, &start);
}

INLINE void
xor_64 (uint8_t *p, __m512i row)
{
  _mm512_storeu_si512 (p, _mm512_xor_si512 (row, _mm512_loadu_si512 (p)));
}

INLINE void
load_keys (Eight *e, EwAeadItem *const *items)
{
  __m512i x[16];
#define KEY(i) x[i] = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *)items[i % PACKETS]->key->raw));
  EACH_16 (KEY)
#undef KEY
  transpose_16 (x);
  memcpy (e->secret.key, x, sizeof e->secret.key);
}

/* Block 0 of each, and Poly1305's beginning. rows: block 1. */
INLINE void
begin (Eight *e, EwAeadItem *const *items, size_t tag_size, __m512i x[16])
{
  uint32_t low[2 * PACKETS], high[2 * PACKETS];
  load_keys (e, items);
  for (unsigned i = 0; i < PACKETS; i++)
    {
      low[i] = low[i + PACKETS] = (uint32_t)items[i]->counter;
      high[i] = high[i + PACKETS] = (uint32_t)(items[i]->counter >> 32);
      e->data[i] = items[i]->data;
      e->tags[i] = (EwPoly1305){ .data = items[i]->data, .len = items[i]->len - tag_size, .key = e->secret.rows[i] };
    }
  e->counter_low = _mm512_loadu_si512 (low);
  e->counter_high = _mm512_loadu_si512 (high);
  begin_rounds (e);
  blocks (e, 0, x, false, 0, NULL);
#define ROW(i) _mm512_storeu_si512 (e->secret.rows[i], x[i]);
  EACH_8 (ROW)
#undef ROW
  ew_avx512_across_begin (&e->secret.across, e->tags, PACKETS);
}

INLINE void
apply_first (const Eight *e, const __m512i x[16])
{
#define ROW(i) xor_64 (e->data[i], x[i + 8]);
  EACH_8 (ROW)
#undef ROW
}

INLINE void
apply_both (const Eight *e, size_t at, const __m512i x[16])
{
#define ROW(i)                                                                                                         \
  xor_64 (e->data[i] + at, x[i]);                                                                                      \
  xor_64 (e->data[i] + at + BLOCK, x[i + 8]);
  EACH_8 (ROW)
#undef ROW
}

/* Where the text may end. */
INLINE void
apply_some (uint8_t *data, size_t len, size_t at, __m512i row)
{
  if (len >= at + BLOCK)
    xor_64 (data + at, row);
  else if (len > at)
    {
      __mmask64 bytes = (1ULL << (len - at)) - 1;
      _mm512_mask_storeu_epi8 (data + at, bytes, _mm512_xor_si512 (row, _mm512_maskz_loadu_epi8 (bytes, data + at)));
    }
}

/* 128 bytes of text of each packet from `at` on, and Poly1305 of those from `tagged` on beside it. */
static void __attribute__ ((noinline)) both (Eight *e, size_t at, size_t tagged)
{
  __m512i x[16];
  Number h = e->secret.across.h;
  blocks (e, (uint32_t)(at / BLOCK) + 1, x, true, tagged, &h);
  apply_both (e, at, x);
  e->secret.across.h = h;
}

/* What is left of the shortest packet's text, and as much of the others'. */
static void __attribute__ ((noinline)) last_blocks (const Eight *e, EwAeadItem *const *items, size_t at)
{
  __m512i x[16];
  blocks (e, (uint32_t)(at / BLOCK) + 1, x, false, 0, NULL);
#define ROW(i)                                                                                                         \
  if (items[i]->ok)                                                                                                    \
    {                                                                                                                  \
      apply_some (e->data[i], e->tags[i].len, at, x[i]);                                                               \
      apply_some (e->data[i], e->tags[i].len, at + BLOCK, x[i + 8]);                                                   \
    }
  EACH_8 (ROW)
#undef ROW
}

INLINE void
first_step (Eight *e)
{
  Across *a = &e->secret.across;
  a->h = across_step (a, a->h, a->data, 0);
}

void
ew_avx512_seal_eight (EwAeadItem *const *items)
{
  Eight e;
  __m512i x[16];
  size_t shortest = items[PACKETS - 1]->len, at = BLOCK;
  begin (&e, items, 0, x);
  apply_first (&e, x);
  first_step (&e);
  blocks (&e, 2, x, false, 0, NULL);
  apply_both (&e, at, x);
  for (at += SET; at + SET <= shortest; at += SET)
    both (&e, at, at - SET);
  for (unsigned i = 0; i < PACKETS; i++)
    items[i]->ok = true;
  size_t tagged = at - SET;
  if (at < shortest)
    {
      last_blocks (&e, items, at);
      at += SET;
    }
  if (items[0]->len > at)
    ew_avx512_apply_from (items, PACKETS, 0, at);
  ew_avx512_across_end (&e.secret.across, e.tags, PACKETS, tagged);
  for (unsigned i = 0; i < PACKETS; i++)
    memcpy (items[i]->data + items[i]->len, e.tags[i].tag, EW_AEAD_TAG_SIZE);
  wipe (&e.secret, sizeof e.secret);
}

/* Whether the tags are right; what was decrypted already without that goes. */
static void
verify (const Eight *e, EwAeadItem *const *items)
{
  for (unsigned i = 0; i < PACKETS; i++)
    {
      items[i]->ok = ew_secret_equal (e->tags[i].tag, items[i]->data + e->tags[i].len, EW_AEAD_TAG_SIZE);
      if (!items[i]->ok)
        ew_secret_zero (items[i]->data, e->tags[i].len);
    }
}

void
ew_avx512_open_eight (EwAeadItem *const *items)
{
  Eight e;
  __m512i x[16];
  size_t shortest = items[PACKETS - 1]->len - EW_AEAD_TAG_SIZE, at = BLOCK, n = 0;
  EwAeadItem *good[PACKETS];
  begin (&e, items, EW_AEAD_TAG_SIZE, x);
  first_step (&e);
  apply_first (&e, x);
  for (; at + SET <= shortest; at += SET)
    both (&e, at, at);
  ew_avx512_across_end (&e.secret.across, e.tags, PACKETS, at);
  verify (&e, items);
  if (at < shortest)
    {
      last_blocks (&e, items, at);
      at += SET;
    }
  for (unsigned i = 0; i < PACKETS; i++)
    if (items[i]->ok)
      good[n++] = items[i];
  if (n > 0 && good[0]->len > at + EW_AEAD_TAG_SIZE)
    ew_avx512_apply_from (good, n, EW_AEAD_TAG_SIZE, at);
  wipe (&e.secret, sizeof e.secret);
}
