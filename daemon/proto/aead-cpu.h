/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What vectors this x86-64 machine has: the processor by CPUID, and by XGETBV an operating system that keeps their
 * registers when it switches between threads.
 */
#pragma once

#include <stdbool.h>

bool ew_cpu_has_avx2 (void);   /* AVX2 and BMI2 */
bool ew_cpu_has_avx512 (void); /* AVX-512 F, BW, DQ, VL and IFMA, and AVX2 */
