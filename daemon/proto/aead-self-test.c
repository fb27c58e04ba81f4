/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A kernel's self-test at start: the same bits as libcrypto's one-shot functions in batches of many shapes, and no
 * forged packet taken. It guards against a processor, a hypervisor or a compiler that does not do what it says; the
 * thorough comparison is tests/unit/proto/test-aead.c.
 */
#include "proto/aead-private.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS 19 /* more than a group of any kernel */
#define KEYS 3
#define LEN_MAX 1500

typedef struct
{
  EwAeadItem items[PACKETS];
  EwAeadKey keys[KEYS];
  uint8_t data[PACKETS][LEN_MAX + EW_AEAD_TAG_SIZE];
  uint8_t plain[LEN_MAX], sealed[LEN_MAX + EW_AEAD_TAG_SIZE];
  uint32_t random;
} SelfTest;

/* Any bytes will do, the same each time (Numerical Recipes' generator). */
static uint8_t
some_byte (SelfTest *t)
{
  t->random = t->random * 1664525 + 1013904223;
  return (uint8_t)(t->random >> 24);
}

static size_t
some_length (SelfTest *t, unsigned round, unsigned i)
{
  static const uint16_t lengths[] = { 0, 16, 64, 1420, 1408, 127, 577 };
  if (round < sizeof lengths / sizeof lengths[0])
    return lengths[round]; /* a burst of one length */
  if (i % 4 == 0)
    return lengths[(round + i / 4) % (sizeof lengths / sizeof lengths[0])];
  return ((size_t)some_byte (t) << 3 | i) % (i % 2 == 0 ? LEN_MAX : 200);
}

static void
fill (SelfTest *t, unsigned round, size_t n)
{
  for (unsigned k = 0; k < KEYS; k++)
    for (unsigned i = 0; i < sizeof t->keys[k].raw; i++)
      t->keys[k].raw[i] = some_byte (t);
  for (unsigned i = 0; i < n; i++)
    {
      EwAeadItem *item = &t->items[i];
      uint64_t counter = round % 2 == 0 ? i : UINT64_MAX - 7 * round - i;
      *item = (EwAeadItem){ .key = &t->keys[round % 3 == 0 ? 0 : some_byte (t) % KEYS],
                            .data = t->data[i],
                            .len = some_length (t, round, i),
                            .counter = counter << some_byte (t) % 32 };
      for (size_t at = 0; at < item->len; at++)
        item->data[at] = (uint8_t)(at * 7 + i * 31 + round);
    }
}

static bool
sealed_well (SelfTest *t, unsigned round, unsigned i)
{
  const EwAeadItem *item = &t->items[i];
  for (size_t at = 0; at < item->len; at++)
    t->plain[at] = (uint8_t)(at * 7 + i * 31 + round);
  return item->ok && ew_seal (t->sealed, item->key->raw, item->counter, NULL, 0, t->plain, item->len)
         && memcmp (t->sealed, item->data, item->len + EW_AEAD_TAG_SIZE) == 0;
}

static bool
opened_well (SelfTest *t, unsigned round, unsigned i, bool forged)
{
  const EwAeadItem *item = &t->items[i];
  if (forged)
    return !item->ok;
  for (size_t at = 0; at < item->len - EW_AEAD_TAG_SIZE; at++)
    if (item->data[at] != (uint8_t)(at * 7 + i * 31 + round))
      return false;
  return item->ok;
}

static bool
one_round (SelfTest *t, const EwAeadKernel *kernel, unsigned round, size_t n)
{
  bool forged[PACKETS];
  fill (t, round, n);
  ew_aead_kernel_seal_n (kernel, t->items, n);
  for (unsigned i = 0; i < n; i++)
    {
      if (!sealed_well (t, round, i))
        return false;
      t->items[i].len += EW_AEAD_TAG_SIZE;
      forged[i] = some_byte (t) % 4 == 0;
      if (forged[i])
        t->items[i].data[((size_t)some_byte (t) << 8 | some_byte (t)) % t->items[i].len]
          ^= (uint8_t)(1 << some_byte (t) % 8);
    }
  ew_aead_kernel_open_n (kernel, t->items, n);
  for (unsigned i = 0; i < n; i++)
    if (!opened_well (t, round, i, forged[i]))
      return false;
  return true;
}

bool
ew_aead_self_test (const EwAeadKernel *kernel)
{
  SelfTest *t = calloc (1, sizeof *t);
  bool good = t != NULL;
  for (unsigned round = 0; good && round < 2 * PACKETS; round++)
    good = one_round (t, kernel, round, round < PACKETS ? PACKETS - round % 3 : round - PACKETS + 1);
  free (t);
  return good;
}
