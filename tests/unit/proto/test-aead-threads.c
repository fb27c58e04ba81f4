/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One key, several threads: each seals packets of its own and opens them again, all with the same two keys at the same
 * time, and every packet is what libcrypto's one-shot function makes of it. With ThreadSanitizer as well (suite
 * "threads").
 */
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "proto/aead-private.h"
#include "proto/crypto.h"

#define THREADS 4
#define ROUNDS 300
#define PACKETS 6
#define LEN_MAX 600
#define TAG_SIZE EW_AEAD_TAG_SIZE

static const uint8_t raw[32] = { 3, 1, 4, 1, 5, 9 };

typedef struct
{
  EwAeadKey *seal, *open;
  pthread_barrier_t *start;
  unsigned number;
  unsigned wrong; /* out */
} Worker;

static void
fill (uint8_t *text, size_t len, uint64_t counter)
{
  for (size_t at = 0; at < len; at++)
    text[at] = (uint8_t)(at * 3 + counter * 17);
}

static unsigned
one_round (const Worker *w, unsigned round)
{
  uint8_t data[PACKETS][LEN_MAX + TAG_SIZE], plain[LEN_MAX], expected[LEN_MAX + TAG_SIZE];
  EwAeadItem items[PACKETS];
  unsigned wrong = 0;
  for (unsigned i = 0; i < PACKETS; i++)
    {
      uint64_t counter = ((uint64_t)round * THREADS + w->number) * PACKETS + i;
      items[i] = (EwAeadItem){ .key = w->seal, .data = data[i], .len = counter * 7 % LEN_MAX, .counter = counter };
      fill (data[i], items[i].len, counter);
    }
  ew_aead_seal_n (items, PACKETS);
  for (unsigned i = 0; i < PACKETS; i++)
    {
      EwAeadItem *item = &items[i];
      fill (plain, item->len, item->counter);
      wrong += !item->ok || !ew_seal (expected, raw, item->counter, NULL, 0, plain, item->len)
               || memcmp (data[i], expected, item->len + TAG_SIZE) != 0;
      item->key = w->open;
      item->len += TAG_SIZE;
    }
  data[round % PACKETS][0] ^= 1; /* one is forged */
  ew_aead_open_n (items, PACKETS);
  for (unsigned i = 0; i < PACKETS; i++)
    {
      fill (plain, items[i].len - TAG_SIZE, items[i].counter);
      wrong += items[i].ok != (i != round % PACKETS)
               || (items[i].ok && memcmp (data[i], plain, items[i].len - TAG_SIZE) != 0);
    }
  return wrong;
}

static void *
work (void *data)
{
  Worker *w = data;
  pthread_barrier_wait (w->start);
  for (unsigned round = 0; round < ROUNDS; round++)
    w->wrong += one_round (w, round);
  return NULL;
}

static void
test_one_key (gconstpointer data)
{
  pthread_t threads[THREADS];
  pthread_barrier_t start;
  Worker workers[THREADS];
  /* Under the last test's backend: where that needs no libcrypto, the first thread takes the key's memory. */
  EwAeadKey *seal = ew_aead_key_new (raw, true), *open = ew_aead_key_new (raw, false);
  if (!ew_aead_use ((EwAeadBackend)GPOINTER_TO_INT (data)))
    {
      ew_aead_key_free (seal);
      ew_aead_key_free (open);
      g_test_skip ("this machine has not got it");
      return;
    }
  pthread_barrier_init (&start, NULL, THREADS);
  for (unsigned i = 0; i < THREADS; i++)
    {
      workers[i] = (Worker){ .seal = seal, .open = open, .start = &start, .number = i };
      g_assert_cmpint (pthread_create (&threads[i], NULL, work, &workers[i]), ==, 0);
    }
  for (unsigned i = 0; i < THREADS; i++)
    {
      pthread_join (threads[i], NULL);
      g_assert_cmpuint (workers[i].wrong, ==, 0);
    }
  pthread_barrier_destroy (&start);
  ew_aead_key_free (seal);
  ew_aead_key_free (open);
}

/* The test keeps the key's context busy: the thread's own context does the same work, and keeps no key afterwards. */
static void
test_spare (void)
{
  uint8_t data[LEN_MAX + TAG_SIZE] = { 0 }, plain[LEN_MAX] = { 0 }, expected[LEN_MAX + TAG_SIZE], other[32] = { 9 };
  g_assert_true (ew_aead_use (EW_AEAD_OPENSSL));
  for (unsigned turn = 0; turn < 4; turn++)
    {
      const uint8_t *bytes = turn % 2 == 0 ? raw : other;
      EwAeadKey *seal = ew_aead_key_new (bytes, true), *open = ew_aead_key_new (bytes, false);
      EwAeadItem item = { .key = seal, .data = data, .len = LEN_MAX, .counter = turn };
      g_assert_false (atomic_flag_test_and_set (&seal->taken));
      g_assert_false (atomic_flag_test_and_set (&open->taken));
      ew_aead_seal_n (&item, 1);
      g_assert_true (item.ok && ew_seal (expected, bytes, turn, NULL, 0, plain, LEN_MAX));
      g_assert_cmpmem (data, sizeof data, expected, sizeof expected);
      item.key = open;
      item.len += TAG_SIZE;
      ew_aead_open_n (&item, 1);
      g_assert_true (item.ok);
      g_assert_cmpmem (data, LEN_MAX, plain, LEN_MAX);
      g_assert_true (atomic_flag_test_and_set (&seal->taken)); /* still the test's */
      ew_aead_key_free (seal);
      ew_aead_key_free (open);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/aead-threads/openssl", GINT_TO_POINTER (EW_AEAD_OPENSSL), test_one_key);
  g_test_add_data_func ("/aead-threads/avx2", GINT_TO_POINTER (EW_AEAD_AVX2), test_one_key);
  g_test_add_data_func ("/aead-threads/avx512", GINT_TO_POINTER (EW_AEAD_AVX512), test_one_key);
  g_test_add_func ("/aead-threads/spare", test_spare);
  return g_test_run ();
}
