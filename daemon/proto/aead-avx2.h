/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the AVX2 kernel: its files are compiled for a processor that has it.
 */
#pragma once

#include "proto/aead-private.h"

void ew_avx2_poly1305 (EwPoly1305 *messages, size_t n); /* the longest first */
