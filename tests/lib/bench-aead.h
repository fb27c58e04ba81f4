/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For benchmarks, in test programs alone: EDGEWAY_BENCH_AEAD=openssl, avx2 or avx512 makes the process work with that
 * cipher. Call it before the first key is made.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/aead.h"

/* False, with a message on stderr: it is unknown, or does not work here. */
static inline bool
ew_bench_aead_choose (void)
{
  const char *wanted = getenv ("EDGEWAY_BENCH_AEAD");

  if (wanted == NULL)
    return true;
#ifdef EW_AEAD_N_BACKENDS
  static const char *const names[] = { "openssl", "avx2", "avx512" };

  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp (wanted, names[i]) == 0 && ew_aead_use ((EwAeadBackend)i))
      return true;
#else
  if (strcmp (wanted, "openssl") == 0)
    return true;
#endif
  fprintf (stderr, "EDGEWAY_BENCH_AEAD=%s: not here.\n", wanted);
  return false;
}
