/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the AVX-512 kernel: its files are compiled for a processor that has it.
 */
#pragma once

#include "proto/aead-private.h"

/* One message for Poly1305, with its own key. */
typedef struct
{
  const uint8_t *data;
  size_t len;         /* padded with zeros to whole blocks, the length's block follows (RFC 8439 section 2.8) */
  const uint8_t *key; /* 32 bytes */
  uint8_t tag[EW_AEAD_TAG_SIZE];
} EwPoly1305;

/* Makes the tags of n messages, the longest first. */
void ew_avx512_poly1305 (EwPoly1305 *messages, size_t n);
