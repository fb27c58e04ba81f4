/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/aead-cpu.h"

#include <cpuid.h>
#include <stdint.h>

/* Bits of XCR0 (Intel's manual, volume 1, section 13.3). */
#define STATE_SSE_AVX (1u << 1 | 1u << 2)
#define STATE_AVX512 (1u << 5 | 1u << 6 | 1u << 7) /* mask registers, upper halves, upper 16 registers */

#define AVX2_BITS (1u << 5 | 1u << 8)                                      /* AVX2, BMI2 */
#define AVX512_BITS (1u << 16 | 1u << 17 | 1u << 21 | 1u << 30 | 1u << 31) /* F, DQ, IFMA, BW, VL */

static uint32_t
states_kept (void)
{
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static bool
has (uint32_t leaf7_ebx, uint32_t states)
{
  unsigned a, b, c, d;
  if (!__get_cpuid (1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0 || (c & bit_AVX) == 0)
    return false;
  if ((states_kept () & states) != states)
    return false;
  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && (b & leaf7_ebx) == leaf7_ebx;
}

bool
ew_cpu_has_avx2 (void)
{
  return has (AVX2_BITS, STATE_SSE_AVX);
}

bool
ew_cpu_has_avx512 (void)
{
  return has (AVX2_BITS | AVX512_BITS, STATE_SSE_AVX | STATE_AVX512);
}
