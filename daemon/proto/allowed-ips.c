/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/allowed-ips.h"

#include <stdlib.h>
#include <string.h>

/* An address as numbers; IPv4 is the first 32 of the 128 bits. */
typedef struct
{
  uint64_t high, low;
} Bits;

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

static inline Bits
bits_of (EwFamily family, const uint8_t *bytes)
{
  if (family == EW_FAMILY_V6)
    return (Bits){ load_be64 (bytes), load_be64 (bytes + 8) };
  uint64_t v4 = (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 | bytes[3];
  return (Bits){ v4 << 32, 0 };
}

static inline uint64_t
mask64 (unsigned length)
{
  return length == 0 ? 0 : UINT64_MAX << (64 - length);
}

static inline Bits
masked (Bits b, unsigned length)
{
  return length < 64 ? (Bits){ b.high & mask64 (length), 0 } : (Bits){ b.high, b.low & mask64 (length - 64) };
}

/* Multiply and fold, twice, from a random seed: addresses are dense, their hashes must not be. */
static inline uint32_t
hash_prefix (const EwAllowedIps *ips, EwFamily family, Bits b, unsigned length)
{
  uint64_t kind = (uint64_t)family << 8 | length;
  unsigned __int128 x = (unsigned __int128)(b.high ^ ips->seed) * (UINT64_C (0x9e3779b97f4a7c15) ^ b.low);
  uint64_t folded = (uint64_t)x ^ (uint64_t)(x >> 64);
  x = (unsigned __int128)(folded ^ kind ^ b.low ^ ips->seed >> 7) * UINT64_C (0xd6e8feb86659fd93);
  return (uint32_t)(x >> 64) ^ (uint32_t)x;
}

/* b is masked to length. */
static inline EwAllowedIp *
find_exact (const EwAllowedIps *ips, EwFamily family, Bits b, unsigned length)
{
  size_t cursor = EW_TABLE_START;
  uint32_t hash = hash_prefix (ips, family, b, length);
  EwAllowedIp *entry;
  while ((entry = ew_table_next (&ips->table, hash, &cursor)) != NULL)
    if (entry->prefix.length == length && entry->prefix.ip.family == family)
      {
        Bits other = bits_of (family, entry->prefix.ip.bytes);
        if (other.high == b.high && other.low == b.low)
          return entry;
      }
  return NULL;
}

static inline unsigned
row_of (EwFamily family)
{
  return family == EW_FAMILY_V6;
}

static inline unsigned
longest_of (EwFamily family)
{
  return family == EW_FAMILY_V4 ? 32 : 128;
}

/* One prefix more or less of this length. */
static void
count_length (EwAllowedIps *ips, EwFamily family, unsigned length, int change)
{
  uint32_t *count = &ips->counts[row_of (family)][length];
  uint64_t bit = UINT64_C (1) << length % 64, *word = &ips->lengths[row_of (family)][length / 64];
  *count += (uint32_t)change;
  *word = *count > 0 ? *word | bit : *word & ~bit;
}

void
ew_allowed_ips_init (EwAllowedIps *ips, uint64_t seed)
{
  *ips = (EwAllowedIps){ .seed = seed };
}

void
ew_allowed_ips_clear (EwAllowedIps *ips)
{
  ew_table_clear (&ips->table);
}

static void
unlink_entry (EwAllowedIp *entry)
{
  if (entry->previous != NULL)
    entry->previous->next = entry->next;
  else
    *entry->list = entry->next;
  if (entry->next != NULL)
    entry->next->previous = entry->previous;
}

static void
link_entry (EwAllowedIp *entry, EwPeer *owner, EwAllowedIp **list)
{
  entry->owner = owner;
  entry->list = list;
  entry->previous = NULL;
  entry->next = *list;
  if (*list != NULL)
    (*list)->previous = entry;
  *list = entry;
}

bool
ew_allowed_ips_add (EwAllowedIps *ips, const EwPrefix *prefix, EwPeer *owner, EwAllowedIp **list)
{
  EwFamily family = prefix->ip.family;
  unsigned length = prefix->length;
  if ((family != EW_FAMILY_V4 && family != EW_FAMILY_V6) || length > longest_of (family))
    return false;
  Bits b = masked (bits_of (family, prefix->ip.bytes), length);
  EwAllowedIp *entry = find_exact (ips, family, b, length);
  if (entry != NULL)
    {
      unlink_entry (entry);
      link_entry (entry, owner, list);
      return true;
    }
  entry = calloc (1, sizeof *entry);
  if (entry == NULL || !ew_table_insert (&ips->table, hash_prefix (ips, family, b, length), entry))
    {
      free (entry);
      return false;
    }
  entry->prefix = (EwPrefix){ .ip = { .family = family }, .length = (uint8_t)length };
  for (unsigned i = 0; i < longest_of (family) / 8; i++)
    entry->prefix.ip.bytes[i] = (uint8_t)((i < 8 ? b.high : b.low) >> (56 - 8 * (i % 8)));
  count_length (ips, family, length, 1);
  link_entry (entry, owner, list);
  return true;
}

static void
remove_entry (EwAllowedIps *ips, EwAllowedIp *entry)
{
  EwFamily family = entry->prefix.ip.family;
  Bits b = bits_of (family, entry->prefix.ip.bytes);
  ew_table_remove (&ips->table, hash_prefix (ips, family, b, entry->prefix.length), entry);
  count_length (ips, family, entry->prefix.length, -1);
  unlink_entry (entry);
  free (entry);
}

void
ew_allowed_ips_remove (EwAllowedIps *ips, const EwPrefix *prefix, const EwPeer *owner)
{
  EwFamily family = prefix->ip.family;
  if (prefix->length > longest_of (family))
    return;
  Bits b = masked (bits_of (family, prefix->ip.bytes), prefix->length);
  EwAllowedIp *entry = find_exact (ips, family, b, prefix->length);
  if (entry != NULL && entry->owner == owner)
    remove_entry (ips, entry);
}

void
ew_allowed_ips_remove_list (EwAllowedIps *ips, EwAllowedIp **list)
{
  while (*list != NULL)
    remove_entry (ips, *list);
}

EwPeer *
ew_allowed_ips_lookup (const EwAllowedIps *ips, EwFamily family, const uint8_t *bytes)
{
  Bits b = bits_of (family, bytes);
  const uint64_t *lengths = ips->lengths[row_of (family)];
  for (int word = 2; word >= 0; word--)
    for (uint64_t left = lengths[word]; left != 0;)
      {
        unsigned bit = 63 - (unsigned)__builtin_clzll (left), length = (unsigned)word * 64 + bit;
        EwAllowedIp *entry = find_exact (ips, family, masked (b, length), length);
        if (entry != NULL)
          return entry->owner;
        left &= ~(UINT64_C (1) << bit);
      }
  return NULL;
}
