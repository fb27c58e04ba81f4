/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Eight or four packets of about one length: two or four blocks of each at a time with ChaCha20's rounds, and between
 * the rounds the multiplications of Poly1305 on as much of each, which it has there or had before. The two use other
 * units of the processor, and ChaCha20 alone waits for its own results a fifth of its time.
 *
 * A set is what all lanes make at a time, a stride what Poly1305's eight lanes take of a packet at a time: 64 bytes
 * each.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-avx512-across.h"
#include "proto/aead-avx512-chacha20.h"
#include "proto/crypto.h"

#include <string.h>

#define BLOCK 64
#define LANES 16
#define PACKETS_MAX 8
#define SET(packets) (LANES / packets * BLOCK)
#define STRIDE(packets) (SET (packets) / 2)
/* Of the first set, which has block 0 of each packet, its key for Poly1305. */
#define FIRST_TEXT(packets) (SET (packets) - BLOCK)

/* `packets` is a constant everywhere, so that there is code for each. */
typedef struct
{
  struct
  {
    __m512i key[8];    /* a word of each packet's key; lane i is of packet i % packets, and its block i / packets */
    __m512i begun[16]; /* the first round, except what the block's number goes into */
    uint8_t rows[PACKETS_MAX][BLOCK]; /* block 0 of each packet */
    Across across;
  } secret;
  __m512i counter_low, counter_high, lane_block;
  uint8_t *data[PACKETS_MAX];
  const uint8_t *lane_data[PACKETS_MAX]; /* what Poly1305's lanes take of the first stride */
  EwPoly1305 tags[PACKETS_MAX];          /* the packets, again and again */
} Burst;

INLINE Start
start_of (const Burst *e, uint32_t block)
{
  return (Start){ .key = e->secret.key,
                  .block = _mm512_add_epi32 (_mm512_set1_epi32 ((int)block), e->lane_block),
                  .counter_low = e->counter_low,
                  .counter_high = e->counter_high };
}

/* The first round's columns without the block's number, 1 to 3, are the same for all blocks of a packet. */
INLINE void
begin_rounds (Burst *e)
{
  __m512i x[16];
  Start start = start_of (e, 0);
  chacha20_begin (x, &start);
  __m512i x0 = _mm512_add_epi32 (x[0], x[4]);
  COLUMN_ROUND (x);
  memcpy (e->secret.begun, x, sizeof x);
  e->secret.begun[0] = x0;
}

/* The blocks from `block` on. beside: and Poly1305 of as much text from `tagged` on. */
INLINE void
blocks (Burst *e, unsigned packets, uint32_t block, __m512i x[16], bool beside, size_t tagged)
{
  Start start = start_of (e, block);
#define WORD(i) x[i] = e->secret.begun[i];
  EACH_16 (WORD)
#undef WORD
  /* column 0 of the first round, which has the number */
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
      Step s = { .h = e->secret.across.h };
#define PART(i)                                                                                                        \
  across_part (&e->secret.across, &s, packets < 8, e->lane_data, tagged + i / ACROSS_PARTS * STRIDE (packets),         \
               i % ACROSS_PARTS);
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
      e->secret.across.h = s.h;
    }
  chacha20_end (x, &start);
}

INLINE void
xor_64 (uint8_t *p, __m512i row)
{
  _mm512_storeu_si512 (p, _mm512_xor_si512 (row, _mm512_loadu_si512 (p)));
}

INLINE void
load_keys (Burst *e, unsigned packets, EwAeadItem *const *items)
{
  __m512i x[16];
#define KEY(i) x[i] = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *)items[i % packets]->key->raw));
  EACH_16 (KEY)
#undef KEY
  transpose_16 (x);
  memcpy (e->secret.key, x, sizeof e->secret.key);
}

/* Poly1305's powers, and its first stride. */
INLINE void
begin_tags (Burst *e, unsigned packets)
{
  Across *a = &e->secret.across;
  ew_avx512_across_begin (a, e->tags, PACKETS_MAX);
  if (packets < 8)
    a->stride = power (multiply (&a->r4, (Number){ a->r4.r0, a->r4.r1, a->r4.r2 }));
  a->h = across_step (a, a->h, packets < 8, e->lane_data, 0);
}

/* Block 0 of each, and of the text what is in a set with them, into x. */
INLINE void
begin (Burst *e, unsigned packets, EwAeadItem *const *items, size_t tag_size, __m512i x[16])
{
  uint32_t low[LANES], high[LANES], block[LANES];
  load_keys (e, packets, items);
  for (unsigned i = 0; i < LANES; i++)
    {
      low[i] = (uint32_t)items[i % packets]->counter;
      high[i] = (uint32_t)(items[i % packets]->counter >> 32);
      block[i] = i / packets;
    }
  for (unsigned i = 0; i < PACKETS_MAX; i++)
    {
      const EwAeadItem *item = items[i % packets];
      e->data[i] = item->data;
      e->lane_data[i] = item->data + i / packets * BLOCK;
      e->tags[i] = (EwPoly1305){ .data = item->data, .len = item->len - tag_size, .key = e->secret.rows[i % packets] };
    }
  e->counter_low = _mm512_loadu_si512 (low);
  e->counter_high = _mm512_loadu_si512 (high);
  e->lane_block = _mm512_loadu_si512 (block);
  begin_rounds (e);
  blocks (e, packets, 0, x, false, 0);
  for (unsigned i = 0; i < packets; i++)
    _mm512_storeu_si512 (e->secret.rows[i], x[i]);
}

/* What a set made, from `at` on; the first set's text begins after the keys. */
INLINE void
apply (const Burst *e, unsigned packets, size_t at, bool first, const __m512i x[16])
{
#define ROW(i)                                                                                                         \
  if (!first || i >= packets)                                                                                          \
    xor_64 (e->data[i % packets] + at + (i / packets - first) * BLOCK, x[i]);
  EACH_16 (ROW)
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

/* A set of text from `at` on, all of which the packets have. */
INLINE void
set (Burst *e, unsigned packets, size_t at, bool beside, size_t tagged)
{
  __m512i x[16];
  blocks (e, packets, (uint32_t)(at / BLOCK) + 1, x, beside, tagged);
  apply (e, packets, at, false, x);
}

/* A set that not all have all of, of those that are ok. */
INLINE void
last_set (Burst *e, unsigned packets, EwAeadItem *const *items, size_t at)
{
  __m512i x[16];
  blocks (e, packets, (uint32_t)(at / BLOCK) + 1, x, false, 0);
#define ROW(i)                                                                                                         \
  if (items[i % packets]->ok)                                                                                          \
    apply_some (e->data[i % packets], e->tags[i % packets].len, at + i / packets * BLOCK, x[i]);
  EACH_16 (ROW)
#undef ROW
}

/* The tags, of which the first `tagged` bytes of text are done. */
INLINE void
end_tags (Burst *e, unsigned packets, size_t shortest, size_t tagged)
{
  Across *a = &e->secret.across;
  if (packets < 8)
    {
      for (; tagged + STRIDE (packets) <= shortest; tagged += STRIDE (packets))
        a->h = across_step (a, a->h, true, e->lane_data, tagged);
      /* The lower lanes' blocks come four before the upper ones': r^5, and r for those. */
      Number r1 = { a->r1.r0, a->r1.r1, a->r1.r2 }, r5 = multiply (&a->r4, r1);
      Power each
        = power ((Number){ _mm512_mask_mov_epi64 (r5.l0, 0xf0, r1.l0), _mm512_mask_mov_epi64 (r5.l1, 0xf0, r1.l1),
                           _mm512_mask_mov_epi64 (r5.l2, 0xf0, r1.l2) });
      Number h = multiply (&each, a->h);
      a->h = add (h, (Number){ _mm512_shuffle_i64x2 (h.l0, h.l0, 0x4e), _mm512_shuffle_i64x2 (h.l1, h.l1, 0x4e),
                               _mm512_shuffle_i64x2 (h.l2, h.l2, 0x4e) });
    }
  ew_avx512_across_end (a, e->tags, packets, tagged);
}

/* Whether the tags are right; what was decrypted already without that goes. */
static void
verify (const Burst *e, EwAeadItem *const *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      items[i]->ok = ew_secret_equal (e->tags[i].tag, items[i]->data + e->tags[i].len, EW_AEAD_TAG_SIZE);
      if (!items[i]->ok)
        ew_secret_zero (items[i]->data, e->tags[i].len);
    }
}

typedef void (*SetOfText) (Burst *e, size_t at, bool beside, size_t tagged);
typedef void (*LastSet) (Burst *e, EwAeadItem *const *items, size_t at);

INLINE void
seal_burst (unsigned packets, EwAeadItem *const *items, SetOfText set_of_text, LastSet last)
{
  Burst e;
  __m512i x[16];
  size_t shortest = items[packets - 1]->len, at = FIRST_TEXT (packets), tagged = STRIDE (packets);
  begin (&e, packets, items, 0, x);
  apply (&e, packets, 0, true, x);
  begin_tags (&e, packets);
  for (; at + SET (packets) <= shortest; at += SET (packets))
    {
      bool beside = at >= tagged + SET (packets); /* is as much sealed? */
      set_of_text (&e, at, beside, tagged);
      tagged += beside ? SET (packets) : 0;
    }
  for (unsigned i = 0; i < packets; i++)
    items[i]->ok = true;
  if (at < shortest)
    {
      last (&e, items, at);
      at += SET (packets);
    }
  if (items[0]->len > at)
    ew_avx512_apply_from (items, packets, 0, at);
  end_tags (&e, packets, shortest, tagged);
  for (unsigned i = 0; i < packets; i++)
    memcpy (items[i]->data + items[i]->len, e.tags[i].tag, EW_AEAD_TAG_SIZE);
  wipe (&e.secret, sizeof e.secret);
}

INLINE void
open_burst (unsigned packets, EwAeadItem *const *items, SetOfText set_of_text, LastSet last)
{
  Burst e;
  __m512i x[16];
  size_t shortest = items[packets - 1]->len - EW_AEAD_TAG_SIZE, at = FIRST_TEXT (packets), n = 0;
  size_t tagged = STRIDE (packets); /* never past `at` */
  EwAeadItem *good[PACKETS_MAX];
  begin (&e, packets, items, EW_AEAD_TAG_SIZE, x);
  begin_tags (&e, packets);
  if (tagged < at)
    {
      e.secret.across.h = across_step (&e.secret.across, e.secret.across.h, true, e.lane_data, tagged);
      tagged += STRIDE (packets);
    }
  apply (&e, packets, 0, true, x);
  for (; tagged + SET (packets) <= shortest; at += SET (packets), tagged += SET (packets))
    set_of_text (&e, at, true, tagged);
  end_tags (&e, packets, shortest, tagged);
  verify (&e, items, packets);
  for (; at < shortest; at += SET (packets))
    last (&e, items, at);
  for (unsigned i = 0; i < packets; i++)
    if (items[i]->ok)
      good[n++] = items[i];
  if (n > 0 && good[0]->len > at + EW_AEAD_TAG_SIZE)
    ew_avx512_apply_from (good, n, EW_AEAD_TAG_SIZE, at);
  wipe (&e.secret, sizeof e.secret);
}

#define FOR(packets, name)                                                                                             \
  static void __attribute__ ((noinline)) set_of_##name (Burst *e, size_t at, bool beside, size_t tagged)               \
  {                                                                                                                    \
    if (beside)                                                                                                        \
      set (e, packets, at, true, tagged);                                                                              \
    else                                                                                                               \
      set (e, packets, at, false, 0);                                                                                  \
  }                                                                                                                    \
  static void __attribute__ ((noinline)) last_of_##name (Burst *e, EwAeadItem *const *items, size_t at)                \
  {                                                                                                                    \
    last_set (e, packets, items, at);                                                                                  \
  }                                                                                                                    \
  void ew_avx512_seal_##name (EwAeadItem *const *items)                                                                \
  {                                                                                                                    \
    seal_burst (packets, items, set_of_##name, last_of_##name);                                                        \
  }                                                                                                                    \
  void ew_avx512_open_##name (EwAeadItem *const *items)                                                                \
  {                                                                                                                    \
    open_burst (packets, items, set_of_##name, last_of_##name);                                                        \
  }
FOR (8, eight)
FOR (4, four)
