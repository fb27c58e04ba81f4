/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data path's AEAD under each backend that this computer has: RFC 8439's vector, and the same bits as libcrypto's
 * one-shot functions for every length, alignment, batch, counter and mix of keys; nothing forged is opened, nothing is
 * written outside. A backend that the machine has not got is skipped.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "hex.h"
#include "proto/aead-private.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#define KEYS 3
#define TAG_SIZE EW_AEAD_TAG_SIZE
#define LEN_MAX 9000
#define BATCH_MAX 64
#define MARGIN 64 /* of canaries before and after */
#define CANARY 0xa5

typedef struct
{
  EwAeadBackend backend;
  uint8_t raw[KEYS][32];
  EwAeadKey *seal[KEYS], *open[KEYS];
  EwAeadItem items[BATCH_MAX];
  unsigned key_of[BATCH_MAX];
  size_t len[BATCH_MAX];
  uint8_t *memory[BATCH_MAX]; /* what the item's data is in */
  size_t room;                /* of each */
  uint8_t *noise, *expected;
} Fixture;

static void
setup (Fixture *f, gconstpointer backend)
{
  f->backend = (EwAeadBackend)GPOINTER_TO_INT (backend);
  const EwAeadKernel *kernel = ew_aead_kernel (f->backend);
  if (f->backend != EW_AEAD_OPENSSL && (kernel == NULL || !kernel->supported ()))
    return;
  g_assert_true (ew_aead_use (f->backend)); /* where it could work, its self-test is good */
  f->room = MARGIN + 64 + LEN_MAX + TAG_SIZE + MARGIN;
  f->noise = g_malloc (f->room + 256);
  f->expected = g_malloc (f->room);
  for (size_t i = 0; i < f->room + 256; i++)
    f->noise[i] = (uint8_t)g_test_rand_int ();
  for (unsigned k = 0; k < KEYS; k++)
    {
      for (unsigned i = 0; i < 32; i++)
        f->raw[k][i] = (uint8_t)g_test_rand_int ();
      f->seal[k] = ew_aead_key_new (f->raw[k], true);
      f->open[k] = ew_aead_key_new (f->raw[k], false);
    }
  for (unsigned i = 0; i < BATCH_MAX; i++)
    f->memory[i] = g_malloc (f->room);
}

static void
teardown (Fixture *f, gconstpointer backend)
{
  for (unsigned k = 0; k < KEYS; k++)
    {
      ew_aead_key_free (f->seal[k]);
      ew_aead_key_free (f->open[k]);
    }
  for (unsigned i = 0; i < BATCH_MAX; i++)
    g_free (f->memory[i]);
  g_free (f->noise);
  g_free (f->expected);
}

static gboolean
absent (Fixture *f)
{
  if (f->noise != NULL)
    return FALSE;
  g_test_skip ("this machine has not got it");
  return TRUE;
}

static const uint8_t *
plain_of (const Fixture *f, size_t i)
{
  return f->noise + i * 3; /* another text for each packet */
}

static void
put (Fixture *f, size_t i, unsigned key, uint64_t counter, size_t alignment, size_t len)
{
  uint8_t *data = f->memory[i] + MARGIN + alignment % 64;
  memset (f->memory[i], CANARY, f->room);
  memcpy (data, plain_of (f, i), len);
  f->key_of[i] = key;
  f->len[i] = len;
  f->items[i] = (EwAeadItem){ .key = f->seal[key], .data = data, .len = len, .counter = counter };
}

static void
check_margins (const Fixture *f, size_t i)
{
  const uint8_t *data = f->items[i].data, *end = data + f->len[i] + TAG_SIZE;
  for (const uint8_t *p = data - MARGIN; p < data; p++)
    g_assert_cmphex (*p, ==, CANARY);
  for (const uint8_t *p = end; p < end + MARGIN; p++)
    g_assert_cmphex (*p, ==, CANARY);
}

static void
seal_and_compare (Fixture *f, size_t n)
{
  ew_aead_seal_n (f->items, n);
  for (size_t i = 0; i < n; i++)
    {
      const EwAeadItem *item = &f->items[i];
      g_assert_true (item->ok);
      g_assert_true (ew_seal (f->expected, f->raw[f->key_of[i]], item->counter, NULL, 0, plain_of (f, i), f->len[i]));
      g_assert_cmpmem (item->data, f->len[i] + TAG_SIZE, f->expected, f->len[i] + TAG_SIZE);
      check_margins (f, i);
    }
}

static void
to_open (Fixture *f, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      f->items[i].key = f->open[f->key_of[i]];
      f->items[i].len = f->len[i] + TAG_SIZE;
      f->items[i].ok = false;
    }
}

static void
open_and_compare (Fixture *f, size_t n)
{
  to_open (f, n);
  ew_aead_open_n (f->items, n);
  for (size_t i = 0; i < n; i++)
    {
      g_assert_true (f->items[i].ok);
      g_assert_cmpmem (f->items[i].data, f->len[i], plain_of (f, i), f->len[i]);
      check_margins (f, i);
    }
}

static uint64_t
some_counter (void)
{
  static const uint64_t extremes[]
    = { 0, 1, UINT32_MAX, 1ULL << 32, UINT64_MAX, UINT64_MAX - (1 << 13) - 1, 1ULL << 63 };
  if (g_test_rand_int_range (0, 3) == 0)
    return extremes[g_test_rand_int_range (0, G_N_ELEMENTS (extremes))];
  return (uint64_t)(uint32_t)g_test_rand_int () << 32 | (uint32_t)g_test_rand_int ();
}

/* Every length, in batches whose lengths are near each other, then far apart: 9001 is prime, so steps of 1499 come to
 * all as well. Then keys without a context, of which the kernel does all. */
static void
test_lengths (Fixture *f, gconstpointer backend)
{
  if (absent (f))
    return;
  static const size_t steps[] = { 1, 1499, 1, 1499 };
  for (unsigned turn = 0; turn < G_N_ELEMENTS (steps); turn++)
    {
      for (unsigned k = 0; turn == 2 && k < KEYS; k++)
        {
          ew_aead_openssl_release (f->seal[k]);
          ew_aead_openssl_release (f->open[k]);
        }
      for (size_t i = 0, n = 0; i <= LEN_MAX; i++)
        {
          size_t len = i * steps[turn] % (LEN_MAX + 1);
          put (f, n, i / 64 % 2 == 0 ? 0 : (unsigned)i % KEYS, some_counter (), i, len);
          if (++n == 37 || i == LEN_MAX)
            {
              seal_and_compare (f, n);
              open_and_compare (f, n);
              n = 0;
            }
        }
    }
}

static void
test_batches (Fixture *f, gconstpointer backend)
{
  static const uint16_t lengths[] = { 0, 1, 16, 63, 64, 65, 100, 128, 256, 300, 512, 1420 };
  if (absent (f))
    return;
  for (size_t n = 1; n <= BATCH_MAX; n++)
    for (unsigned kind = 0; kind < G_N_ELEMENTS (lengths) + 3; kind++)
      {
        for (size_t i = 0; i < n; i++)
          {
            size_t len = kind < G_N_ELEMENTS (lengths) ? lengths[kind] : (size_t)g_test_rand_int_range (0, 1500);
            if (kind == G_N_ELEMENTS (lengths) && i % 5 != 0)
              len %= 80; /* a few long among short */
            put (f, i, kind % 2 == 0 ? 0 : (unsigned)g_test_rand_int_range (0, KEYS), some_counter (), i, len);
          }
        seal_and_compare (f, n);
        open_and_compare (f, n);
      }
}

static void
test_alignments (Fixture *f, gconstpointer backend)
{
  if (absent (f))
    return;
  for (size_t alignment = 0; alignment < 64; alignment++)
    for (size_t n = 1; n <= 17; n += 4)
      {
        for (size_t i = 0; i < n; i++)
          put (f, i, 0, i, alignment, 577 + i % 2 * alignment);
        seal_and_compare (f, n);
        open_and_compare (f, n);
      }
}

/* One in a batch is forged: a bit of its tag, its text, its length or its counter. It alone is refused, and its
 * plaintext is not revealed. */
static void
forge (Fixture *f, size_t victim, unsigned how)
{
  EwAeadItem *item = &f->items[victim];
  size_t len = f->len[victim];
  if (how < TAG_SIZE * 8)
    item->data[len + how / 8] ^= (uint8_t)(1 << how % 8);
  else if (how % 4 == 0)
    item->len = (size_t)g_test_rand_int_range (0, TAG_SIZE + (int)len);
  else if (how % 4 == 1)
    item->counter ^= 1ULL << g_test_rand_int_range (0, 64);
  else
    item->data[(size_t)g_test_rand_int_range (0, (int)len + TAG_SIZE)] ^= (uint8_t)(1 << g_test_rand_int_range (0, 8));
}

static void
test_forged (Fixture *f, gconstpointer backend)
{
  if (absent (f))
    return;
  for (unsigned how = 0; how < 400; how++)
    {
      size_t n = (size_t)g_test_rand_int_range (1, 40), victim = (size_t)g_test_rand_int_range (0, (int)n);
      for (size_t i = 0; i < n; i++)
        put (f, i, i % KEYS, i, i, (size_t)g_test_rand_int_range (i == victim ? 64 : 0, 700));
      ew_aead_seal_n (f->items, n);
      to_open (f, n);
      forge (f, victim, how);
      ew_aead_open_n (f->items, n);
      for (size_t i = 0; i < n; i++)
        {
          g_assert_cmpint (f->items[i].ok, ==, i != victim);
          if (i != victim)
            g_assert_cmpmem (f->items[i].data, f->len[i], plain_of (f, i), f->len[i]);
          else
            for (size_t at = 0; at + 16 <= f->len[i]; at += 16)
              g_assert_true (memcmp (f->items[i].data + at, plain_of (f, i) + at, 16) != 0);
          check_margins (f, i);
        }
    }
}

/* Packets that end where memory ends, and that begin where it begins. */
static void
test_guard_pages (Fixture *f, gconstpointer backend)
{
  size_t page = (size_t)sysconf (_SC_PAGESIZE), size = 18 * page;
  if (absent (f))
    return;
  uint8_t *map = mmap (NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (map != MAP_FAILED);
  uint8_t *begin = map + page, *end = begin + size;
  g_assert_cmpint (mprotect (begin, size, PROT_READ | PROT_WRITE), ==, 0);
  for (size_t len = 0; len <= 65535; len += len < 300 ? 1 : len < 2000 ? 97 : 21173)
    for (unsigned at_end = 0; at_end < 2; at_end++)
      {
        uint8_t *data = at_end ? end - len - TAG_SIZE : begin;
        EwAeadItem items[2] = { { .key = f->seal[0], .data = data, .len = len, .counter = len } };
        size_t n = 1;
        g_autofree uint8_t *plain = g_malloc (len + 1), *expected = g_malloc (len + TAG_SIZE);
        for (size_t i = 0; i < len; i++)
          data[i] = plain[i] = (uint8_t)(i * 5 + len);
        if (size > 2 * (len + TAG_SIZE)) /* and one at the other end, so that both kinds of lanes are in a batch */
          items[n++] = (EwAeadItem){
            .key = f->seal[1], .data = at_end ? begin : end - 300 - TAG_SIZE, .len = 300, .counter = 1
          };
        ew_aead_seal_n (items, n);
        g_assert_true (items[0].ok && ew_seal (expected, f->raw[0], len, NULL, 0, plain, len));
        g_assert_cmpmem (data, len + TAG_SIZE, expected, len + TAG_SIZE);
        items[0].key = f->open[0];
        items[0].len += TAG_SIZE;
        ew_aead_open_n (items, 1);
        g_assert_true (items[0].ok);
        g_assert_cmpmem (data, len, plain, len);
      }
  munmap (map, size + 2 * page);
}

/* The same of a burst: nine packets of one length, or of lengths that become shorter, each in memory of its own. */
static void
guarded_burst (Fixture *f, uint8_t *const begins[9], size_t size, size_t len, gboolean at_end, size_t shorter)
{
  EwAeadItem items[9];
  for (size_t i = 0; i < G_N_ELEMENTS (items); i++)
    {
      size_t own = len > shorter * i ? len - shorter * i : 0;
      uint8_t *data = at_end ? begins[i] + size - own - TAG_SIZE : begins[i];
      memcpy (data, plain_of (f, i), own);
      items[i] = (EwAeadItem){ .key = f->seal[i % KEYS], .data = data, .len = own, .counter = i << 30 };
    }
  ew_aead_seal_n (items, G_N_ELEMENTS (items));
  for (size_t i = 0; i < G_N_ELEMENTS (items); i++)
    {
      size_t own = items[i].len;
      g_assert_true (ew_seal (f->expected, f->raw[i % KEYS], i << 30, NULL, 0, plain_of (f, i), own));
      g_assert_cmpmem (items[i].data, own + TAG_SIZE, f->expected, own + TAG_SIZE);
      items[i].key = f->open[i % KEYS];
      items[i].len += TAG_SIZE;
    }
  ew_aead_open_n (items, G_N_ELEMENTS (items));
  for (size_t i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_assert_true (items[i].ok);
      g_assert_cmpmem (items[i].data, items[i].len - TAG_SIZE, plain_of (f, i), items[i].len - TAG_SIZE);
    }
}

static void
test_guarded_bursts (Fixture *f, gconstpointer backend)
{
  size_t page = (size_t)sysconf (_SC_PAGESIZE), size = 2 * page;
  uint8_t *begins[9];
  if (absent (f))
    return;
  uint8_t *map = mmap (NULL, 9 * (size + page) + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (map != MAP_FAILED);
  for (size_t i = 0; i < G_N_ELEMENTS (begins); i++)
    {
      begins[i] = map + page + i * (size + page);
      g_assert_cmpint (mprotect (begins[i], size, PROT_READ | PROT_WRITE), ==, 0);
    }
  for (size_t len = 0; len <= 2000; len += len < 600 ? 1 : 37)
    for (int at_end = 0; at_end < 2; at_end++)
      for (size_t shorter = 0; shorter <= 48; shorter += 16)
        guarded_burst (f, begins, size, len, at_end, shorter);
  munmap (map, 9 * (size + page) + page);
}

/* RFC 8439 section 2.4.2: the cipher's vector whose nonce begins with four zero bytes and whose text begins with block
 * 1, as a packet's does. The RFC's AEAD vectors have additional data, packets never have: the tag is that of the
 * one-shot function, which test-crypto.c holds against the RFC. */
static void
test_vector (Fixture *f, gconstpointer backend)
{
  static const char text[]
    = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  enum
  {
    LEN = sizeof text - 1
  };
  uint8_t raw[32], data[LEN + TAG_SIZE], sealed[LEN + TAG_SIZE];
  if (absent (f))
    return;
  for (unsigned i = 0; i < 32; i++)
    raw[i] = (uint8_t)i;
  EwAeadKey *seal = ew_aead_key_new (raw, true), *open = ew_aead_key_new (raw, false);
  memcpy (data, text, LEN);
  EwAeadItem item = { .key = seal, .data = data, .len = LEN, .counter = 0x4a000000 };
  ew_aead_seal_n (&item, 1);
  g_assert_true (item.ok);
  assert_hex (data, LEN,
              "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357"
              "1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
              "5af90bbf74a35be6b40b8eedf2785e42874d");
  g_assert_true (ew_seal (sealed, raw, item.counter, NULL, 0, (const uint8_t *)text, LEN));
  g_assert_cmpmem (data, sizeof data, sealed, sizeof sealed);
  item.key = open;
  item.len = sizeof data;
  ew_aead_open_n (&item, 1);
  g_assert_true (item.ok);
  g_assert_cmpmem (data, LEN, text, LEN);
  ew_aead_key_free (seal);
  ew_aead_key_free (open);
}

/* RFC 8439 section 2.8's input to Poly1305, without additional data, and libcrypto's tag of it. */
static void
tag_of (uint8_t tag[TAG_SIZE], const uint8_t key[32], const uint8_t *data, size_t len)
{
  size_t padded = (len + 15) / 16 * 16, tag_len = 0;
  g_autofree uint8_t *input = g_malloc0 (padded + 16);
  memcpy (input, data, len);
  ew_store_le64 (input + padded + 8, len);
  g_assert_nonnull (
    EVP_Q_mac (NULL, "POLY1305", NULL, NULL, NULL, key, 32, input, padded + 16, tag, TAG_SIZE, &tag_len));
}

static void
check_tags (const EwAeadKernel *kernel, const uint8_t key[32], const uint8_t *data, size_t len)
{
  for (size_t n = 1; n <= 9; n++)
    {
      EwPoly1305 messages[9];
      uint8_t tag[TAG_SIZE];
      for (size_t i = 0; i < n; i++)
        messages[i] = (EwPoly1305){ .data = data, .len = len, .key = key };
      kernel->poly1305 (messages, n);
      tag_of (tag, key, data, len);
      for (size_t i = 0; i < n; i++)
        g_assert_cmpmem (messages[i].tag, TAG_SIZE, tag, TAG_SIZE);
    }
}

/* What no random packet meets: sums at the prime, and limbs as full as they get. */
static void
test_poly1305 (Fixture *f, gconstpointer backend)
{
  const EwAeadKernel *kernel = ew_aead_kernel (f->backend);
  uint8_t key[32] = { 1 }, data[1024] = { 0 };
  if (absent (f) || kernel == NULL)
    return;
  /* r = 1: the sum of n blocks and the length's, each with 2^128. With n = 2, 6, 10 and so on, the first block brings
   * it to a multiple of the prime and few more. */
  for (uint64_t n = 2; n <= 62; n += 4)
    for (int more = -3; more <= 8; more++)
      {
        uint64_t times = (n + 2) / 4;
        unsigned __int128 block = -(unsigned __int128)(16 * n) << 64;
        block += (unsigned __int128)(__int128)(more - 5 * (int64_t)times);
        ew_store_le64 (data, (uint64_t)block);
        ew_store_le64 (data + 8, (uint64_t)(block >> 64));
        check_tags (kernel, key, data, 16 * n);
      }
  for (unsigned kind = 0; kind < 4; kind++)
    {
      memset (key, kind & 1 ? 0xff : 0, 32);
      key[0] |= 4;
      memset (data, kind & 2 ? 0xff : 0, sizeof data);
      for (size_t len = 0; len <= sizeof data; len += 16)
        check_tags (kernel, key, data, len);
    }
}

/* An implementation that gets one bit wrong now and then, or accepts a forged packet, is not chosen. */
static unsigned calls; /* until then; 0: never */

static bool
yes (void)
{
  return true;
}

static bool
no (void)
{
  return false;
}

/* libcrypto, with a key of its own: the self-test's serve both ways. */
static bool
with_libcrypto (EwAeadItem *item, bool seal)
{
  EwAeadKey key = { .seal = seal, .taken = ATOMIC_FLAG_INIT };
  EwAeadItem copy = *item;
  memcpy (key.raw, item->key->raw, sizeof key.raw);
  copy.key = &key;
  if (seal)
    ew_aead_openssl_seal_n (&copy, 1);
  else
    ew_aead_openssl_open_n (&copy, 1);
  ew_aead_openssl_release (&key);
  return copy.ok;
}

static void
seal_wrongly (EwAeadItem *const *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      items[i]->ok = with_libcrypto (items[i], true);
      if (calls != 0 && --calls == 0)
        items[i]->data[items[i]->len + TAG_SIZE - 1] ^= 0x80;
    }
}

static void
open_rightly (EwAeadItem *const *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    items[i]->ok = with_libcrypto (items[i], false);
}

static void
open_all (EwAeadItem *const *items, size_t n)
{
  open_rightly (items, n);
  for (size_t i = 0; i < n; i++)
    items[i]->ok = true;
}

static void
test_fallback (void)
{
  EwAeadKernel kernel
    = { .name = "test", .supported = yes, .group = 5, .seal_group = seal_wrongly, .open_group = open_rightly };
  const EwAeadKernel *kernels[] = { &kernel, NULL }, *none[] = { NULL };
  calls = 0;
  g_assert_true (ew_aead_choose (kernels) == &kernel);
  for (unsigned wrong = 1; wrong <= 300; wrong += 23)
    {
      calls = wrong;
      g_assert_null (ew_aead_choose (kernels));
    }
  kernel.open_group = open_all;
  g_assert_null (ew_aead_choose (kernels));
  kernel.open_group = open_rightly;
  kernel.supported = no;
  g_assert_null (ew_aead_choose (kernels));
  g_assert_null (ew_aead_choose (none));
}

static void
test_key (void)
{
  uint8_t raw[32] = { 7 }, data[64 + TAG_SIZE] = { 0 };
  for (EwAeadBackend first = 0; first < EW_AEAD_N_BACKENDS; first++)
    for (EwAeadBackend then = 0; then < EW_AEAD_N_BACKENDS; then++)
      {
        if (!ew_aead_use (first))
          continue;
        EwAeadKey *seal = ew_aead_key_new (raw, true), *open = ew_aead_key_new (raw, false);
        g_assert_cmpint (seal->context != NULL, ==, first != EW_AEAD_AVX512); /* memory: only where it is needed */
        EwAeadItem item = { .key = seal, .data = data, .len = 64, .counter = 3 };
        ew_aead_seal_n (&item, 1);
        ew_aead_use (then);
        item.key = open;
        item.len += TAG_SIZE;
        ew_aead_open_n (&item, 1);
        g_assert_true (item.ok);
        ew_aead_seal_n (NULL, 0);
        ew_aead_open_n (NULL, 0);
        ew_aead_key_free (seal);
        ew_aead_key_free (open);
      }
  ew_aead_key_free (NULL);
}

int
main (int argc, char **argv)
{
  static const char *const names[EW_AEAD_N_BACKENDS] = { "openssl", "avx2", "avx512" };
  g_test_init (&argc, &argv, NULL);
  g_test_message ("chosen here: %s", ew_aead_backend_name ());
  for (int b = 0; b < EW_AEAD_N_BACKENDS; b++)
    {
      static const struct
      {
        const char *name;
        void (*function) (Fixture *f, gconstpointer backend);
      } tests[] = { { "vector", test_vector },
                    { "lengths", test_lengths },
                    { "batches", test_batches },
                    { "alignments", test_alignments },
                    { "forged", test_forged },
                    { "guard-pages", test_guard_pages },
                    { "guarded-bursts", test_guarded_bursts },
                    { "poly1305", test_poly1305 } };
      for (unsigned i = 0; i < G_N_ELEMENTS (tests); i++)
        {
          g_autofree char *path = g_strdup_printf ("/aead/%s/%s", names[b], tests[i].name);
          g_test_add (path, Fixture, GINT_TO_POINTER (b), setup, tests[i].function, teardown);
        }
    }
  g_test_add_func ("/aead/fallback", test_fallback);
  g_test_add_func ("/aead/key", test_key);
  return g_test_run ();
}
