/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"

#ifdef __GLIBC__
#include <malloc.h>

#define LARGE (128 * 1024) /* bytes; glibc's first value, which it would raise to that of the largest freed block */
#define ARENAS 2           /* the main thread's, and one for all others, which allocate little */
#endif

void
ew_memory_init (void)
{
#ifdef __GLIBC__
  mallopt (M_MMAP_THRESHOLD, LARGE);
  mallopt (M_TRIM_THRESHOLD, LARGE);
  mallopt (M_ARENA_MAX, ARENAS);
#endif
}
