/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A batch of packets, sealed and opened by each vector kernel that this computer has and by libcrypto: the same bits,
 * the same verdicts. The input is the batch, up to 64 packets of six bytes:
 *
 *   0  bits 0 and 1: the key; 2 to 7: where in 64 bytes the packet begins
 *   1  and 2: its length, little-endian, up to 9000
 *   3  the counter, in its bits 8n where byte 4 says n (three bits); then its upper half as well where bit 3 is set
 *   5  0: the packet arrives as it was sent; else it was changed, the tag by bits below 129, the text or length above
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/aead-private.h"
#include "proto/crypto.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define PACKETS 64
#define STEP 6
#define KEYS 4
#define LEN_MAX 9000
#define TAG_SIZE EW_AEAD_TAG_SIZE

typedef struct
{
  EwAeadItem items[PACKETS];
  uint8_t *memory[PACKETS]; /* as large as the packet, so that ASan sees what is beside it */
  size_t len[PACKETS];
  size_t n;
} Batch;

static uint8_t raw[KEYS][32];
static EwAeadKey *seal_keys[KEYS], *open_keys[KEYS];

static void
make_keys (void)
{
  for (unsigned k = 0; k < KEYS; k++)
    {
      for (unsigned i = 0; i < sizeof raw[k]; i++)
        raw[k][i] = (uint8_t)(k * 61 + i * 7 + 1);
      seal_keys[k] = ew_aead_key_new (raw[k], true);
      open_keys[k] = ew_aead_key_new (raw[k], false);
    }
}

static void
free_keys (void)
{
  for (unsigned k = 0; k < KEYS; k++)
    {
      ew_aead_key_free (seal_keys[k]);
      ew_aead_key_free (open_keys[k]);
    }
}

static uint8_t
text_byte (size_t packet, size_t at)
{
  return (uint8_t)(at * 29 + packet * 13 + at / 64);
}

static void
parse (Batch *b, const uint8_t *data, size_t size)
{
  for (b->n = 0; b->n < PACKETS && size >= STEP; b->n++, data += STEP, size -= STEP)
    {
      size_t i = b->n, alignment = data[0] >> 2, len = (size_t)(data[1] | data[2] << 8) % (LEN_MAX + 1);
      uint64_t counter = (uint64_t)data[3] << 8 * (data[4] % 8);
      if (data[4] & 8)
        counter |= 0xffffffff00000000;
      b->memory[i] = aligned_alloc (64, (alignment + len + TAG_SIZE + 63) / 64 * 64);
      assert (b->memory[i] != NULL);
      b->len[i] = len;
      b->items[i] = (EwAeadItem){
        .key = seal_keys[data[0] % KEYS], .data = b->memory[i] + alignment, .len = len, .counter = counter
      };
      for (size_t at = 0; at < len; at++)
        b->items[i].data[at] = text_byte (i, at);
    }
}

static void
check_sealed (Batch *b, const uint8_t *data)
{
  static uint8_t plain[LEN_MAX], expected[LEN_MAX + TAG_SIZE];
  for (size_t i = 0; i < b->n; i++)
    {
      for (size_t at = 0; at < b->len[i]; at++)
        plain[at] = text_byte (i, at);
      bool ok = ew_seal (expected, raw[data[i * STEP] % KEYS], b->items[i].counter, NULL, 0, plain, b->len[i]);
      if (!ok || !b->items[i].ok || memcmp (b->items[i].data, expected, b->len[i] + TAG_SIZE) != 0)
        abort ();
    }
}

/* On the way. True: it is not what was sent. */
static bool
change (EwAeadItem *item, size_t len, uint8_t how)
{
  if (how == 0)
    return false;
  if (how <= 128)
    item->data[len + (how - 1u) / 8] ^= (uint8_t)(1 << (how - 1) % 8);
  else if (how % 3 == 0)
    item->len = (len + TAG_SIZE) * (how - 129u) / 128;
  else if (how % 3 == 1)
    item->counter ^= 1ULL << how % 64;
  else
    item->data[(len + TAG_SIZE - 1) * (how - 129u) / 128] ^= 1;
  return true;
}

static void
check_opened (Batch *b, const bool *changed)
{
  for (size_t i = 0; i < b->n; i++)
    {
      if (b->items[i].ok == changed[i])
        abort ();
      for (size_t at = 0; !changed[i] && at < b->len[i]; at++)
        if (b->items[i].data[at] != text_byte (i, at))
          abort ();
    }
}

static void
run (const uint8_t *data, size_t size)
{
  static Batch batch;
  bool changed[PACKETS];
  Batch *b = &batch;
  parse (b, data, size);
  ew_aead_seal_n (b->items, b->n);
  check_sealed (b, data);
  for (size_t i = 0; i < b->n; i++)
    {
      b->items[i].key = open_keys[data[i * STEP] % KEYS];
      b->items[i].len += TAG_SIZE;
      changed[i] = change (&b->items[i], b->len[i], data[i * STEP + 5]);
    }
  ew_aead_open_n (b->items, b->n);
  check_opened (b, changed);
  for (size_t i = 0; i < b->n; i++)
    free (b->memory[i]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  make_keys ();
  for (EwAeadBackend backend = 0; backend < EW_AEAD_N_BACKENDS; backend++)
    if (ew_aead_use (backend))
      run (data, size);
  free_keys ();
  return 0;
}
