/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/allowed-ips.h"

#include <stdlib.h>
#include <string.h>

/* An address as numbers; IPv4 is the first 32 of the 128 bits. */
typedef struct
{
  uint64_t high, low;
} Bits;

struct EwTrieNode
{
  Bits bits;
  EwTrieNode *child[2]; /* by the bit behind the prefix */
  EwAllowedIp *entry;   /* NULL: a fork only */
  uint8_t length;
};

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
  return length <= 64 ? (Bits){ b.high & mask64 (length), 0 } : (Bits){ b.high, b.low & mask64 (length - 64) };
}

static inline unsigned
bit_at (Bits b, unsigned i)
{
  return i < 64 ? b.high >> (63 - i) & 1 : b.low >> (127 - i) & 1;
}

static inline unsigned
common_length (Bits a, Bits b)
{
  if (a.high != b.high)
    return (unsigned)__builtin_clzll (a.high ^ b.high);
  return a.low != b.low ? 64 + (unsigned)__builtin_clzll (a.low ^ b.low) : 128;
}

/* Multiply and fold, twice, from a random seed: addresses are dense, their hashes must not be. */
static inline uint32_t
hash_host (const EwAllowedIps *ips, EwFamily family, Bits b)
{
  unsigned __int128 x
    = (unsigned __int128)(b.high ^ ips->seed) * (UINT64_C (0x9e3779b97f4a7c15) ^ b.low ^ (uint64_t)family << 60);
  uint64_t folded = (uint64_t)x ^ (uint64_t)(x >> 64);
  x = (unsigned __int128)(folded ^ b.low ^ ips->seed >> 7) * UINT64_C (0xd6e8feb86659fd93);
  return (uint32_t)(x >> 64) ^ (uint32_t)x;
}

static inline bool
is_host (EwFamily family, unsigned length)
{
  return length == (family == EW_FAMILY_V4 ? 32 : 128);
}

static EwAllowedIp *
find_host (const EwAllowedIps *ips, EwFamily family, Bits b)
{
  size_t cursor = EW_TABLE_START;
  uint32_t hash = hash_host (ips, family, b);
  EwAllowedIp *entry;
  while ((entry = ew_table_next (&ips->hosts, hash, &cursor)) != NULL)
    if (entry->prefix.ip.family == family)
      {
        Bits other = bits_of (family, entry->prefix.ip.bytes);
        if (other.high == b.high && other.low == b.low)
          return entry;
      }
  return NULL;
}

/* The place in the trie where a node of this prefix is, or would have to be put. */
static EwTrieNode **
find_place (EwTrieNode **root, Bits b, unsigned length)
{
  EwTrieNode **at = root;
  while (*at != NULL && (*at)->length < length && common_length ((*at)->bits, b) >= (*at)->length)
    at = &(*at)->child[bit_at (b, (*at)->length)];
  return at;
}

static EwTrieNode *
new_node (Bits b, unsigned length)
{
  EwTrieNode *node = calloc (1, sizeof *node);
  if (node == NULL)
    return NULL;
  node->bits = masked (b, length);
  node->length = (uint8_t)length;
  return node;
}

/* The node of exactly this prefix, made if it is not there. NULL: memory is gone, nothing changed. */
static EwTrieNode *
ensure_node (EwTrieNode **root, Bits b, unsigned length)
{
  EwTrieNode **at = find_place (root, b, length), *old = *at;
  unsigned common = old == NULL ? length : common_length (old->bits, b);
  if (old != NULL && old->length == length && common >= length)
    return old;
  EwTrieNode *node = new_node (b, length);
  if (node == NULL)
    return NULL;
  if (old == NULL)
    *at = node;
  else if (common >= length) /* the old one is inside the new one */
    {
      node->child[bit_at (old->bits, length)] = old;
      *at = node;
    }
  else
    {
      EwTrieNode *fork = new_node (b, common);
      if (fork == NULL)
        {
          free (node);
          return NULL;
        }
      fork->child[bit_at (old->bits, common)] = old;
      fork->child[bit_at (b, common)] = node;
      *at = fork;
    }
  return node;
}

/* Takes out the node at *at if it has no entry and fewer than two children. */
static bool
prune (EwTrieNode **at)
{
  EwTrieNode *node = *at;
  if (node->entry != NULL || (node->child[0] != NULL && node->child[1] != NULL))
    return false;
  *at = node->child[0] != NULL ? node->child[0] : node->child[1];
  free (node);
  return true;
}

static void
remove_from_trie (EwTrieNode **root, Bits b, unsigned length)
{
  EwTrieNode **at = root, **parent = NULL;
  while (*at != NULL && (*at)->length < length)
    {
      parent = at;
      at = &(*at)->child[bit_at (b, (*at)->length)];
    }
  if (*at == NULL)
    return;
  (*at)->entry = NULL;
  if (prune (at) && parent != NULL) /* a fork with one branch less is none */
    prune (parent);
}

void
ew_allowed_ips_init (EwAllowedIps *ips, uint64_t seed)
{
  *ips = (EwAllowedIps){ .seed = seed };
}

void
ew_allowed_ips_clear (EwAllowedIps *ips)
{
  ew_table_clear (&ips->hosts); /* the tries went with their last entries */
}

static EwTrieNode **
root_of (EwAllowedIps *ips, EwFamily family)
{
  return family == EW_FAMILY_V4 ? &ips->v4 : &ips->v6;
}

static EwAllowedIp *
find_exact (EwAllowedIps *ips, EwFamily family, Bits b, unsigned length)
{
  if (is_host (family, length))
    return find_host (ips, family, b);
  EwTrieNode *node = *find_place (root_of (ips, family), b, length);
  return node != NULL && node->length == length && common_length (node->bits, b) >= length ? node->entry : NULL;
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
  if ((family != EW_FAMILY_V4 && family != EW_FAMILY_V6) || length > (family == EW_FAMILY_V4 ? 32 : 128))
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
  EwTrieNode *node = NULL;
  bool ok = entry != NULL;
  if (ok && is_host (family, length))
    ok = ew_table_insert (&ips->hosts, hash_host (ips, family, b), entry);
  else if (ok)
    ok = (node = ensure_node (root_of (ips, family), b, length)) != NULL;
  if (!ok)
    {
      free (entry);
      return false;
    }
  if (node != NULL)
    node->entry = entry;
  entry->prefix = (EwPrefix){ .ip = { .family = family }, .length = (uint8_t)length };
  for (unsigned i = 0; i < (family == EW_FAMILY_V4 ? 4 : 16); i++)
    entry->prefix.ip.bytes[i] = (uint8_t)((i < 8 ? b.high : b.low) >> (56 - 8 * (i % 8)));
  link_entry (entry, owner, list);
  return true;
}

static void
remove_entry (EwAllowedIps *ips, EwAllowedIp *entry)
{
  EwFamily family = entry->prefix.ip.family;
  Bits b = bits_of (family, entry->prefix.ip.bytes);
  if (is_host (family, entry->prefix.length))
    ew_table_remove (&ips->hosts, hash_host (ips, family, b), entry);
  else
    remove_from_trie (root_of (ips, family), b, entry->prefix.length);
  unlink_entry (entry);
  free (entry);
}

void
ew_allowed_ips_remove (EwAllowedIps *ips, const EwPrefix *prefix, const EwPeer *owner)
{
  EwFamily family = prefix->ip.family;
  if (prefix->length > (family == EW_FAMILY_V4 ? 32 : 128))
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
  EwAllowedIp *best = find_host (ips, family, b);
  if (best != NULL)
    return best->owner;
  const EwTrieNode *node = family == EW_FAMILY_V4 ? ips->v4 : ips->v6;
  for (; node != NULL && common_length (node->bits, b) >= node->length; node = node->child[bit_at (b, node->length)])
    if (node->entry != NULL)
      best = node->entry;
  return best != NULL ? best->owner : NULL;
}
