/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which code seals and opens, and how a batch is cut for it. A kernel's vectors are as busy as the packets that it gets
 * at once are of one length, so a batch is sorted by length first; a burst already is.
 */
#include "proto/aead-private.h"
#include "proto/crypto.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Sorted at a time: the engine's batches aren't larger. */
#define WINDOW 64

static const EwAeadKernel *const kernels[] = {
#if defined(EW_AEAD_WITH_AVX512)
  &ew_aead_avx512,
#endif
#if defined(EW_AEAD_WITH_AVX2)
  &ew_aead_avx2,
#endif
  NULL,
};

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static const EwAeadKernel *_Atomic chosen; /* NULL: libcrypto */

static void
choose (void)
{
  atomic_store (&chosen, ew_aead_choose (kernels));
}

static const EwAeadKernel *
kernel_here (void)
{
  pthread_once (&chosen_once, choose);
  return atomic_load_explicit (&chosen, memory_order_relaxed);
}

const EwAeadKernel *
ew_aead_choose (const EwAeadKernel *const *candidates)
{
  for (; *candidates != NULL; candidates++)
    if ((*candidates)->supported () && ew_aead_self_test (*candidates))
      return *candidates;
  return NULL;
}

const char *
ew_aead_backend_name (void)
{
  const EwAeadKernel *kernel = kernel_here ();
  return kernel != NULL ? kernel->name : "openssl";
}

const EwAeadKernel *
ew_aead_kernel (EwAeadBackend backend)
{
  for (size_t i = 0; kernels[i] != NULL; i++)
    if (kernels[i]->backend == backend)
      return kernels[i];
  return NULL;
}

bool
ew_aead_use (EwAeadBackend backend)
{
  static enum { UNKNOWN, GOOD, BAD } verdicts[EW_AEAD_N_BACKENDS]; /* a self-test is not worth repeating */
  const EwAeadKernel *kernel = ew_aead_kernel (backend);
  kernel_here (); /* so that the choice at start comes before this one */
  if (kernel != NULL && verdicts[backend] == UNKNOWN)
    verdicts[backend] = kernel->supported () && ew_aead_self_test (kernel) ? GOOD : BAD;
  if (backend != EW_AEAD_OPENSSL && (kernel == NULL || verdicts[backend] != GOOD))
    return false;
  atomic_store (&chosen, kernel);
  return true;
}

EwAeadKey *
ew_aead_key_new (const uint8_t key[32], bool seal)
{
  EwAeadKey *self = calloc (1, sizeof *self);
  if (self == NULL)
    return NULL;
  for (unsigned i = 0; i < sizeof self->raw; i++)
    self->raw[i] = key[i];
  self->seal = seal;
  atomic_flag_clear (&self->taken);
  const EwAeadKernel *kernel = kernel_here ();
  if ((kernel != NULL && kernel->longest == NULL) || ew_aead_openssl_prepare (self))
    return self;
  ew_aead_key_free (self);
  return NULL;
}

void
ew_aead_key_free (EwAeadKey *key)
{
  if (key == NULL)
    return;
  ew_aead_openssl_release (key);
  ew_secret_zero (key, sizeof *key);
  free (key);
}

/* Insertion: a burst is in order already, and there are WINDOW at most. */
static void
sort_longest_first (EwAeadItem **items, size_t n)
{
  for (size_t i = 1; i < n; i++)
    {
      EwAeadItem *item = items[i];
      size_t at = i;
      for (; at > 0 && items[at - 1]->len < item->len; at--)
        items[at] = items[at - 1];
      items[at] = item;
    }
}

/* Is the first, longest packet one that libcrypto does faster? */
static bool
for_libcrypto (const EwAeadKernel *kernel, EwAeadItem *const *items, size_t n)
{
  if (kernel->longest == NULL || items[0]->key->context == NULL)
    return false;
  size_t beside = 1;
  while (beside < n && beside < EW_AEAD_BESIDE && items[beside]->len >= items[0]->len / 2)
    beside++;
  return items[0]->len > kernel->longest[beside - 1];
}

static void
by_groups (const EwAeadKernel *kernel, bool seal, EwAeadItem **items, size_t n)
{
  sort_longest_first (items, n);
  for (size_t count; n > 0; items += count, n -= count)
    {
      count = n < kernel->group ? n : kernel->group;
      if (for_libcrypto (kernel, items, n))
        {
          count = 1;
          if (seal)
            ew_aead_openssl_seal_n (items[0], 1);
          else
            ew_aead_openssl_open_n (items[0], 1);
        }
      else if (seal)
        kernel->seal_group (items, count);
      else
        kernel->open_group (items, count);
    }
}

void
ew_aead_kernel_seal_n (const EwAeadKernel *kernel, EwAeadItem *items, size_t n)
{
  EwAeadItem *sorted[WINDOW];
  if (kernel == NULL)
    ew_aead_openssl_seal_n (items, n);
  else
    for (size_t i = 0; i < n;)
      {
        size_t count = 0;
        for (; i < n && count < WINDOW; i++)
          sorted[count++] = &items[i];
        by_groups (kernel, true, sorted, count);
      }
}

void
ew_aead_kernel_open_n (const EwAeadKernel *kernel, EwAeadItem *items, size_t n)
{
  EwAeadItem *sorted[WINDOW];
  if (kernel == NULL)
    ew_aead_openssl_open_n (items, n);
  else
    for (size_t i = 0; i < n;)
      {
        size_t count = 0;
        for (; i < n && count < WINDOW; i++)
          if (items[i].len >= EW_AEAD_TAG_SIZE)
            sorted[count++] = &items[i];
          else
            items[i].ok = false;
        by_groups (kernel, false, sorted, count);
      }
}

void
ew_aead_seal_n (EwAeadItem *items, size_t n)
{
  ew_aead_kernel_seal_n (kernel_here (), items, n);
}

void
ew_aead_open_n (EwAeadItem *items, size_t n)
{
  ew_aead_kernel_open_n (kernel_here (), items, n);
}
