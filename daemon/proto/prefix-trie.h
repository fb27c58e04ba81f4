/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The trie under allowed-ips.c: finds, adds and takes out entries that its caller owns. No other file includes it.
 *
 * A root is a word that is 0 while the trie is empty. Lookups may run beside a change: nodes aren't changed in place,
 * but replaced by changed ones, and freed through `grace`.
 */
#pragma once

#include <string.h>

#include "proto/allowed-ips.h"
#include "proto/grace.h"

#define EW_PREFIX_DEPTHS_MAX 22

/* An address; IPv4 is the first 32 of the 128 bits. */
typedef unsigned __int128 EwPrefixBits;

/* As numbers. */

static uint64_t
load_be64 (const uint8_t *p)
{
  uint64_t x;
  memcpy (&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  x = __builtin_bswap64 (x);
#endif
  return x;
}

static inline EwPrefixBits
ew_prefix_bits_of (EwFamily family, const uint8_t *bytes)
{
  if (family == EW_FAMILY_V6)
    return (EwPrefixBits)load_be64 (bytes) << 64 | load_be64 (bytes + 8);
  uint32_t v4 = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  return (EwPrefixBits)v4 << 96;
}

static inline EwPrefixBits
ew_prefix_bits (const EwPrefix *prefix)
{
  return ew_prefix_bits_of ((EwFamily)prefix->ip.family, prefix->ip.bytes);
}

static inline EwPrefixBits
ew_prefix_masked (EwPrefixBits b, unsigned n)
{
  return n == 0 ? 0 : b >> (128 - n) << (128 - n);
}

/* The way down to one prefix: the slots of the nodes, from the root. */
typedef struct
{
  _Atomic uintptr_t *where[EW_PREFIX_DEPTHS_MAX + 1];
  unsigned n;
} EwPrefixPath;

/* b is masked to length. NULL: it is not there; path is then how far the way goes. */
EwAllowedIp *ew_prefix_trie_find (_Atomic uintptr_t *where, EwPrefixBits b, unsigned length, EwPrefixPath *path);
/* entry, with its prefix set, is not there yet. False: out of memory. */
bool ew_prefix_trie_insert (_Atomic uintptr_t *where, EwAllowedIp *entry, EwGrace *grace);
/* Takes out what ew_prefix_trie_find() led to. */
void ew_prefix_trie_cut (_Atomic uintptr_t *root, const EwPrefixPath *path, EwPrefixBits b, unsigned length,
                         EwGrace *grace);
/* The longest prefix that b lies in; NULL: none. */
const EwAllowedIp *ew_prefix_trie_lookup (uintptr_t slot, EwPrefixBits b);
