/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One packet by itself. ChaCha20 makes 16 of its blocks as lanes and up to 8 as rows (a vector has the same four words
 * of four blocks) between those, 24 at a time: a packet of 1472 bytes at once. Either alone waits for its own results,
 * and 16 lanes more would be empty for the most part. Poly1305 takes eight of its blocks at a time.
 */
#include "proto/aead-avx512.h"
#include "proto/aead-avx512-along.h"
#include "proto/aead-avx512-chacha20.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <string.h>

#define BLOCK 64
#define LANES 16
#define FOURS 2
#define BLOCKS (LANES + 4 * FOURS) /* at a time */

typedef struct
{
  struct
  {
    __m512i words[8]; /* of the key, each in all lanes; where lanes are used */
    uint8_t rows[BLOCKS][BLOCK];
    uint8_t poly1305_key[32];
  } secret;
  const uint8_t *key;
  uint64_t counter;
  uint8_t *data;
  size_t len, blocks; /* blocks: with that of the key for Poly1305, which is block 0 */
} One;

/* Four blocks as rows. */
typedef struct
{
  __m512i a, b, c, d;
} Four;

#define EACH_FOUR(DO)                                                                                                  \
  do                                                                                                                   \
    {                                                                                                                  \
      if (fours > 0)                                                                                                   \
        DO (f[0], 0);                                                                                                  \
      if (fours > 1)                                                                                                   \
        DO (f[1], 1);                                                                                                  \
    }                                                                                                                  \
  while (0)
#define ADD_TURN(to, from, by, bits)                                                                                   \
  to = _mm512_add_epi32 (to, from), by = _mm512_rol_epi32 (_mm512_xor_si512 (by, to), bits)
#define FIRST_HALF(f, i) (ADD_TURN (f.a, f.b, f.d, 16), ADD_TURN (f.c, f.d, f.b, 12))
#define SECOND_HALF(f, i) (ADD_TURN (f.a, f.b, f.d, 8), ADD_TURN (f.c, f.d, f.b, 7))
/* The diagonals become columns, and columns again. */
#define DIAGONAL(f, i)                                                                                                 \
  f.b = _mm512_shuffle_epi32 (f.b, 0x39), f.c = _mm512_shuffle_epi32 (f.c, 0x4e), f.d = _mm512_shuffle_epi32 (f.d, 0x93)
#define COLUMN(f, i)                                                                                                   \
  f.b = _mm512_shuffle_epi32 (f.b, 0x93), f.c = _mm512_shuffle_epi32 (f.c, 0x4e), f.d = _mm512_shuffle_epi32 (f.d, 0x39)

INLINE void
store_four (uint8_t rows[4][BLOCK], Four f)
{
  __m512i p = _mm512_shuffle_i32x4 (f.a, f.b, 0x44), q = _mm512_shuffle_i32x4 (f.c, f.d, 0x44);
  __m512i r = _mm512_shuffle_i32x4 (f.a, f.b, 0xee), s = _mm512_shuffle_i32x4 (f.c, f.d, 0xee);
  _mm512_storeu_si512 (rows[0], _mm512_shuffle_i32x4 (p, q, 0x88));
  _mm512_storeu_si512 (rows[1], _mm512_shuffle_i32x4 (p, q, 0xdd));
  _mm512_storeu_si512 (rows[2], _mm512_shuffle_i32x4 (r, s, 0x88));
  _mm512_storeu_si512 (rows[3], _mm512_shuffle_i32x4 (r, s, 0xdd));
}

/* The blocks from `first` on, as 16 lanes or none and then fours, to secret.rows. */
INLINE void
blocks (One *o, size_t first, bool lanes, unsigned fours)
{
  Four f[FOURS];
  __m512i x[16];
  uint8_t (*rows)[BLOCK] = o->secret.rows;
  const __m512i places = _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  Start start = { .key = o->secret.words, .block = _mm512_add_epi32 (_mm512_set1_epi32 ((int)first), places) };
  start.counter_low = _mm512_set1_epi32 ((int)o->counter);
  start.counter_high = _mm512_set1_epi32 ((int)(o->counter >> 32));
  if (lanes)
    chacha20_begin (x, &start);

  const __m512i constants = _mm512_broadcast_i32x4 (_mm_setr_epi32 (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574));
  const __m512i lane = _mm512_setr_epi32 (0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
  uint64_t block = first + (lanes ? LANES : 0);
  __m512i nonce = _mm512_broadcast_i32x4 (_mm_set_epi64x ((long long)o->counter, (long long)block));
  nonce = _mm512_add_epi32 (nonce, lane);
#define HALF_KEY(i) _mm512_broadcast_i32x4 (_mm_loadu_si128 ((const void *)(o->key + 16 * i)))
#define NONCE(i) _mm512_add_epi32 (nonce, _mm512_maskz_set1_epi32 (0x1111, 4 * i))
#define BEGIN(f, i) f = (Four){ constants, HALF_KEY (0), HALF_KEY (1), NONCE (i) }
  EACH_FOUR (BEGIN);
#undef BEGIN

  for (unsigned i = 0; i < 10; i++)
    {
      if (lanes)
        {
          HALF_ROUND (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 12);
        }
      EACH_FOUR (FIRST_HALF);
      if (lanes)
        {
          HALF_ROUND (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 8, 7);
        }
      EACH_FOUR (SECOND_HALF);
      EACH_FOUR (DIAGONAL);
      if (lanes)
        {
          HALF_ROUND (5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14, 16, 12);
        }
      EACH_FOUR (FIRST_HALF);
      if (lanes)
        {
          HALF_ROUND (5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14, 8, 7);
        }
      EACH_FOUR (SECOND_HALF);
      EACH_FOUR (COLUMN);
    }

#define END(f, i)                                                                                                      \
  store_four (rows + (lanes ? LANES : 0) + 4 * i,                                                                      \
              (Four){ _mm512_add_epi32 (f.a, constants), _mm512_add_epi32 (f.b, HALF_KEY (0)),                         \
                      _mm512_add_epi32 (f.c, HALF_KEY (1)), _mm512_add_epi32 (f.d, NONCE (i)) })
  EACH_FOUR (END);
#undef END
  if (!lanes)
    return;
  chacha20_end (x, &start);
#define ROW(i) _mm512_storeu_si512 (rows[i], x[i]);
  EACH_16 (ROW)
#undef ROW
}

/* Up to BLOCKS blocks from `first` on. */
static void __attribute__ ((noinline)) make (One *o, size_t first)
{
  size_t n = o->blocks - first;
  if (n <= 4)
    blocks (o, first, false, 1);
  else if (n <= 8)
    blocks (o, first, false, 2);
  else if (n <= LANES)
    blocks (o, first, true, 0);
  else if (n <= LANES + 4)
    blocks (o, first, true, 1);
  else
    blocks (o, first, true, 2);
}

static void
begin (One *o, const EwAeadItem *item, size_t len, EwPoly1305 *tag)
{
  o->key = item->key->raw;
  o->counter = item->counter;
  o->data = item->data;
  o->len = len;
  o->blocks = (len + BLOCK - 1) / BLOCK + 1;
#define WORD(i) o->secret.words[i] = _mm512_set1_epi32 ((int)ew_load_le32 (o->key + 4 * i));
  if (o->blocks > 8)
    {
      EACH_8 (WORD)
    }
#undef WORD
  make (o, 0);
  memcpy (o->secret.poly1305_key, o->secret.rows[0], sizeof o->secret.poly1305_key);
  *tag = (EwPoly1305){ .data = o->data, .len = len, .key = o->secret.poly1305_key };
}

/* The text's blocks of what make() made from `first` on. */
INLINE void
apply (const One *o, size_t first)
{
  size_t end = first + BLOCKS < o->blocks ? first + BLOCKS : o->blocks;
  for (size_t block = first > 0 ? first : 1; block < end; block++)
    {
      uint8_t *p = o->data + (block - 1) * BLOCK;
      size_t left = o->len - (block - 1) * BLOCK;
      __m512i key = _mm512_loadu_si512 (o->secret.rows[block - first]);
      __mmask64 bytes = left >= BLOCK ? ~0ULL : (1ULL << left) - 1;
      _mm512_mask_storeu_epi8 (p, bytes, _mm512_xor_si512 (key, _mm512_maskz_loadu_epi8 (bytes, p)));
    }
}

static void
apply_all (One *o)
{
  apply (o, 0);
  for (size_t first = BLOCKS; first < o->blocks; first += BLOCKS)
    {
      make (o, first);
      apply (o, first);
    }
}

static void
forget (One *o)
{
  wipe (&o->secret, sizeof o->secret);
}

void
ew_avx512_seal_one (EwAeadItem *item)
{
  One o;
  EwPoly1305 tag;
  begin (&o, item, item->len, &tag);
  apply_all (&o);
  ew_avx512_poly1305 (&tag, 1);
  memcpy (item->data + item->len, tag.tag, EW_AEAD_TAG_SIZE);
  item->ok = true;
  forget (&o);
}

void
ew_avx512_open_one (EwAeadItem *item)
{
  One o;
  EwPoly1305 tag;
  size_t len = item->len - EW_AEAD_TAG_SIZE;
  begin (&o, item, len, &tag);
  ew_avx512_poly1305 (&tag, 1);
  item->ok = ew_secret_equal (tag.tag, item->data + len, EW_AEAD_TAG_SIZE);
  if (item->ok)
    apply_all (&o);
  forget (&o);
}
