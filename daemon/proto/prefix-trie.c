/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/prefix-trie.h"

#include <stdlib.h>
#include <string.h>

/* Depths count from four bits before the address, which are zero: so the windows of six bits end with it (32 and 128
   are two more than a multiple of six), and whole addresses, the most of a mesh, are children of the last window's node
   and need none of their own.

   Six bits choose among a node's children. A child of the node at `depth` knows more than depth + 6 bits: it is one
   prefix, or a node at a deeper multiple of six. Prefixes of depth to depth + 5 bits end in the node itself; such a
   prefix of r bits more is number (1 << r | those bits): 1 to 63, longer ones are higher. */
#define STRIDE 6
#define BEFORE 4
_Static_assert(EW_PREFIX_DEPTHS_MAX == (128 + BEFORE) / STRIDE, "a way has room for every window");
#define NODE_TAG 1

/* Once it is in the trie, only what its slots hold changes. */
typedef struct
{
  EwPrefixBits key;          /* its first `depth` bits, the rest zero */
  uint64_t children;         /* bit n: there is the n-th of 64 */
  uint64_t prefixes;         /* bit n: there is the n-th of 63 */
  EwGraceItem item;          /* once it is out of the trie */
  uint32_t depth;            /* a multiple of STRIDE */
  uint32_t n;                /* slots */
  _Atomic uintptr_t slots[]; /* the children, then the prefixes, in order; 0: taken out while out of memory */
} Node;

#define NODE_BYTES(n) (offsetof (Node, slots) + (n) * sizeof (uintptr_t))

/* As numbers. */

/* The bits of the address before a depth. */
static inline unsigned
known_at (unsigned depth)
{
  return depth == 0 ? 0 : depth - BEFORE;
}

/* Whether the first n bits, at most 128, are the same. */
static inline bool
agree (EwPrefixBits a, EwPrefixBits b, unsigned n)
{
  return n == 0 || (a ^ b) >> (128 - n) == 0;
}

/* How many bits both begin with, at most `most`. */
static unsigned
common (EwPrefixBits a, EwPrefixBits b, unsigned most)
{
  EwPrefixBits differ = a ^ b;
  uint64_t high = (uint64_t)(differ >> 64), low = (uint64_t)differ;
  unsigned n = high != 0 ? (unsigned)__builtin_clzll (high) : low != 0 ? 64 + (unsigned)__builtin_clzll (low) : 128;
  return n < most ? n : most;
}

/* The bits at depth that choose a child. */
static inline unsigned
child_of (EwPrefixBits b, unsigned depth)
{
  return depth == 0 ? (unsigned)(b >> (128 + BEFORE - STRIDE)) : (unsigned)((b << (depth - BEFORE)) >> (128 - STRIDE));
}

/* Whether a prefix of this length ends in the window at depth, rather than after it. */
static inline bool
ends_in (unsigned length, unsigned depth)
{
  return length + BEFORE < depth + STRIDE;
}

static inline unsigned
number_of (EwPrefixBits b, unsigned depth, unsigned length)
{
  unsigned r = length + BEFORE - depth;
  return 1u << r | child_of (b, depth) >> (STRIDE - r);
}

/* The numbers of all prefixes that a child's six bits lie in. */
#define BIT(n) (UINT64_C (1) << (n))
#define AROUND(c)                                                                                                      \
  (BIT (1) | BIT (2 | (c) >> 5) | BIT (4 | (c) >> 4) | BIT (8 | (c) >> 3) | BIT (16 | (c) >> 2) | BIT (32 | (c) >> 1))
#define AROUND_4(c) AROUND (c), AROUND ((c) + 1), AROUND ((c) + 2), AROUND ((c) + 3)
#define AROUND_16(c) AROUND_4 (c), AROUND_4 ((c) + 4), AROUND_4 ((c) + 8), AROUND_4 ((c) + 12)
static const uint64_t prefixes_of[64] = { AROUND_16 (0), AROUND_16 (16), AROUND_16 (32), AROUND_16 (48) };

/* Slots and nodes. */

static inline bool
is_node (uintptr_t slot)
{
  return (slot & NODE_TAG) != 0;
}

static inline Node *
as_node (uintptr_t slot)
{
  return (Node *)(slot - NODE_TAG);
}

static inline EwAllowedIp *
as_entry (uintptr_t slot)
{
  return (EwAllowedIp *)slot;
}

/* How many bits are set: in arithmetic, where not every processor of the architecture has an instruction for it. */
static inline unsigned
count (uint64_t set)
{
#if defined(__POPCNT__) || !defined(__x86_64__)
  return (unsigned)__builtin_popcountll (set);
#else
  set -= set >> 1 & UINT64_C (0x5555555555555555);
  set = (set & UINT64_C (0x3333333333333333)) + (set >> 2 & UINT64_C (0x3333333333333333));
  set = (set + (set >> 4)) & UINT64_C (0x0f0f0f0f0f0f0f0f);
  return (unsigned)(set * UINT64_C (0x0101010101010101) >> 56);
#endif
}

static inline unsigned
below (uint64_t set, unsigned bit)
{
  return count (set & (BIT (bit) - 1));
}

/* A writer's own look. */
static inline uintptr_t
peek (const _Atomic uintptr_t *where)
{
  return atomic_load_explicit (where, memory_order_relaxed);
}

static inline uintptr_t
follow (const _Atomic uintptr_t *where)
{
  return atomic_load (where);
}

static inline _Atomic uintptr_t *
child_slot (Node *node, unsigned child)
{
  return &node->slots[below (node->children, child)];
}

static inline _Atomic uintptr_t *
prefix_slot (Node *node, unsigned number)
{
  return &node->slots[count (node->children) + below (node->prefixes, number)];
}

static void
release_node (EwGraceItem *item)
{
  free ((uint8_t *)item - offsetof (Node, item));
}

/* Replaces what is there with node. */
static void
replace (_Atomic uintptr_t *where, Node *node, EwGrace *grace)
{
  Node *old = as_node (peek (where));
  atomic_store (where, (uintptr_t)node | NODE_TAG);
  ew_grace_retire (grace, &old->item, release_node);
}

/* A node as `old` without slot number `without` (SIZE_MAX: none is left out) and with an empty one before what was slot
   `with` (SIZE_MAX: none). NULL: out of memory. */
static Node *
copy (const Node *old, size_t without, size_t with)
{
  size_t n = old->n - (without != SIZE_MAX) + (with != SIZE_MAX), to = 0;
  Node *node = malloc (NODE_BYTES (n));
  if (node == NULL)
    return NULL;
  memcpy (node, old, offsetof (Node, slots));
  node->n = (uint32_t)n;
  for (size_t from = 0; from < old->n; from++)
    {
      to += from == with;
      if (from != without)
        atomic_init (&node->slots[to++], peek (&old->slots[from]));
    }
  return node;
}

static bool
put_child (_Atomic uintptr_t *where, unsigned child, uintptr_t value, EwGrace *grace)
{
  const Node *old = as_node (peek (where));
  size_t at = below (old->children, child);
  Node *node = copy (old, SIZE_MAX, at);
  if (node == NULL)
    return false;
  atomic_init (&node->slots[at], value);
  node->children |= BIT (child);
  replace (where, node, grace);
  return true;
}

static bool
put_prefix (_Atomic uintptr_t *where, unsigned number, EwAllowedIp *entry, EwGrace *grace)
{
  Node *old = as_node (peek (where));
  if (old->prefixes >> number & 1) /* its slot was left behind */
    {
      atomic_store (prefix_slot (old, number), (uintptr_t)entry);
      return true;
    }
  size_t at = (size_t)count (old->children) + below (old->prefixes, number);
  Node *node = copy (old, SIZE_MAX, at);
  if (node == NULL)
    return false;
  atomic_init (&node->slots[at], (uintptr_t)entry);
  node->prefixes |= BIT (number);
  replace (where, node, grace);
  return true;
}

static bool
put_entry (_Atomic uintptr_t *where, EwAllowedIp *entry, EwGrace *grace)
{
  unsigned depth = as_node (peek (where))->depth, length = entry->prefix.length;
  EwPrefixBits b = ew_prefix_bits (&entry->prefix);
  if (ends_in (length, depth))
    return put_prefix (where, number_of (b, depth, length), entry, grace);
  return put_child (where, child_of (b, depth), (uintptr_t)entry, grace);
}

/* Puts a node above what is in *where, at the window in which bit `at` lies; b are the bits of what is there. */
static bool
split (_Atomic uintptr_t *where, EwPrefixBits b, unsigned at)
{
  unsigned depth = (at + BEFORE) / STRIDE * STRIDE;
  uintptr_t old = peek (where);
  Node *node = calloc (1, NODE_BYTES (1));
  if (node == NULL)
    return false;
  node->depth = depth;
  node->key = ew_prefix_masked (b, known_at (depth));
  node->n = 1;
  atomic_init (&node->slots[0], old);
  if (!is_node (old) && ends_in (as_entry (old)->prefix.length, depth))
    node->prefixes = BIT (number_of (b, depth, as_entry (old)->prefix.length));
  else
    node->children = BIT (child_of (b, depth));
  atomic_store (where, (uintptr_t)node | NODE_TAG);
  return true;
}

/* Room for what is about to be inserted has been seen to at no level but the last, so a failure leaves at most a node
   with one slot, which is a little longer a way and no harm. */
bool
ew_prefix_trie_insert (_Atomic uintptr_t *where, EwAllowedIp *entry, EwGrace *grace)
{
  EwPrefixBits b = ew_prefix_bits (&entry->prefix);
  unsigned length = entry->prefix.length;
  for (;;)
    {
      uintptr_t slot = peek (where);
      if (slot == 0)
        {
          atomic_store (where, (uintptr_t)entry);
          return true;
        }
      Node *node = is_node (slot) ? as_node (slot) : NULL;
      EwPrefixBits other = node != NULL ? node->key : ew_prefix_bits (&as_entry (slot)->prefix);
      unsigned known = node != NULL ? known_at (node->depth) : as_entry (slot)->prefix.length;
      unsigned shared = common (b, other, known < length ? known : length);
      if (node == NULL || shared < known)
        {
          if (!split (where, other, shared))
            return false;
          continue;
        }
      unsigned child = child_of (b, node->depth);
      if (ends_in (length, node->depth) || (node->children >> child & 1) == 0)
        return put_entry (where, entry, grace);
      where = child_slot (node, child);
    }
}

/* b is masked to length. NULL: it is not there. */
EwAllowedIp *
ew_prefix_trie_find (_Atomic uintptr_t *where, EwPrefixBits b, unsigned length, EwPrefixPath *path)
{
  path->n = 0;
  while (is_node (peek (where)))
    {
      Node *node = as_node (peek (where));
      if (length < known_at (node->depth) || !agree (b, node->key, known_at (node->depth)))
        return NULL;
      path->where[path->n++] = where;
      if (ends_in (length, node->depth))
        {
          unsigned number = number_of (b, node->depth, length);
          return node->prefixes >> number & 1 ? as_entry (peek (prefix_slot (node, number))) : NULL;
        }
      unsigned child = child_of (b, node->depth);
      if ((node->children >> child & 1) == 0)
        return NULL;
      where = child_slot (node, child);
    }
  EwAllowedIp *entry = as_entry (peek (where));
  return entry != NULL && entry->prefix.length == length && ew_prefix_bits (&entry->prefix) == b ? entry : NULL;
}

/* Takes what b and length lead to out of the last node of the way; a node left with one slot gives way to it. */
void
ew_prefix_trie_cut (_Atomic uintptr_t *root, const EwPrefixPath *path, EwPrefixBits b, unsigned length, EwGrace *grace)
{
  if (path->n == 0)
    {
      atomic_store (root, 0);
      return;
    }
  _Atomic uintptr_t *where = path->where[path->n - 1];
  Node *node = as_node (peek (where));
  bool ends = ends_in (length, node->depth);
  unsigned bit = ends ? number_of (b, node->depth, length) : child_of (b, node->depth);
  size_t at = (size_t)((ends ? prefix_slot (node, bit) : child_slot (node, bit)) - node->slots);
  if (node->n > 2)
    {
      Node *smaller = copy (node, at, SIZE_MAX);
      if (smaller == NULL)
        {
          atomic_store (&node->slots[at], 0);
          return;
        }
      *(ends ? &smaller->prefixes : &smaller->children) &= ~BIT (bit);
      replace (where, smaller, grace);
      return;
    }
  bool alone = node->n == 1; /* left behind when out of memory */
  if (!alone)
    {
      atomic_store (where, peek (&node->slots[1 - at]));
      ew_grace_retire (grace, &node->item, release_node);
      return;
    }
  EwPrefixPath above = { .n = path->n - 1 };
  memcpy (above.where, path->where, sizeof above.where);
  ew_prefix_trie_cut (root, &above, b, 128, grace);
  ew_grace_retire (grace, &node->item, release_node);
}

const EwAllowedIp *
ew_prefix_trie_lookup (uintptr_t slot, EwPrefixBits b)
{
  Node *holder = NULL; /* of the longest prefix so far, the last of `matching` */
  uint64_t matching = 0;
  while (is_node (slot))
    {
      Node *node = as_node (slot);
      slot = 0;
      if (!agree (b, node->key, known_at (node->depth)))
        break;
      unsigned child = child_of (b, node->depth);
      uint64_t here = node->prefixes & prefixes_of[child];
      if (here != 0)
        {
          holder = node;
          matching = here;
        }
      if (node->children >> child & 1)
        slot = follow (child_slot (node, child));
    }
  const EwAllowedIp *entry = as_entry (slot);
  if (entry != NULL && agree (b, ew_prefix_bits (&entry->prefix), entry->prefix.length))
    return entry;
  if (holder == NULL)
    return NULL;
  return as_entry (follow (prefix_slot (holder, 63 - (unsigned)__builtin_clzll (matching))));
}
