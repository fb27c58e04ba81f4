/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/allowed-ips.h"

#include <stdlib.h>

#include "proto/prefix-trie.h"

/* About a page of entries: their own size exactly, where the heap would add a third. */
struct EwAllowedIpBlock
{
  EwAllowedIpBlock *next;
  EwAllowedIp entries[84];
};

/* Entries and their owners' lists. */

static void
put_by (EwAllowedIps *ips, EwAllowedIp *entry)
{
  entry->next = ips->free;
  ips->free = entry;
}

/* Those that no reader can be using any more. */
static void
collect (EwAllowedIps *ips)
{
  EwAllowedIp *entry;
  while ((entry = ips->retired) != NULL && (ips->grace == NULL || ew_grace_passed (ips->grace, entry->epoch)))
    {
      ips->retired = entry->next;
      if (ips->retired == NULL)
        ips->last_retired = &ips->retired;
      put_by (ips, entry);
    }
}

static EwAllowedIp *
new_entry (EwAllowedIps *ips)
{
  if (ips->free == NULL)
    collect (ips);
  if (ips->free == NULL)
    {
      EwAllowedIpBlock *block = malloc (sizeof *block);
      if (block == NULL)
        return NULL;
      block->next = ips->blocks;
      ips->blocks = block;
      for (size_t i = 0; i < sizeof block->entries / sizeof block->entries[0]; i++)
        put_by (ips, &block->entries[i]);
    }
  EwAllowedIp *entry = ips->free;
  ips->free = entry->next;
  return entry;
}

/* It is out of the trie and of its owner's list. */
static void
retire (EwAllowedIps *ips, EwAllowedIp *entry)
{
  entry->epoch = ips->grace != NULL ? ew_grace_begin (ips->grace) : 0;
  entry->next = NULL;
  *ips->last_retired = entry;
  ips->last_retired = &entry->next;
}

static void
unlink_entry (EwAllowedIp *entry)
{
  *entry->link = entry->next;
  if (entry->next != NULL)
    entry->next->link = entry->link;
}

static void
link_entry (EwAllowedIp *entry, EwPeer *owner, EwAllowedIp **list)
{
  atomic_store (&entry->owner, owner);
  entry->link = list;
  entry->next = *list;
  if (*list != NULL)
    (*list)->link = &entry->next;
  *list = entry;
}

static bool
is_prefix (const EwPrefix *prefix)
{
  return (prefix->ip.family == EW_FAMILY_V4 && prefix->length <= 32)
         || (prefix->ip.family == EW_FAMILY_V6 && prefix->length <= 128);
}

static inline unsigned
row_of (EwFamily family)
{
  return family == EW_FAMILY_V6;
}

static EwPrefix
make_prefix (EwFamily family, EwPrefixBits b, unsigned length)
{
  EwPrefix prefix = { .ip = { .family = (uint8_t)family }, .length = (uint8_t)length };
  for (unsigned i = 0; i < (family == EW_FAMILY_V4 ? 4 : 16); i++)
    prefix.ip.bytes[i] = (uint8_t)(b >> (120 - 8 * i));
  return prefix;
}

/* What others call. */

void
ew_allowed_ips_init (EwAllowedIps *ips, EwGrace *grace)
{
  *ips = (EwAllowedIps){ .grace = grace };
  ips->last_retired = &ips->retired;
}

void
ew_allowed_ips_clear (EwAllowedIps *ips)
{
  for (EwAllowedIpBlock *block = ips->blocks, *next; block != NULL; block = next)
    {
      next = block->next;
      free (block);
    }
  ew_allowed_ips_init (ips, ips->grace);
}

bool
ew_allowed_ips_add (EwAllowedIps *ips, const EwPrefix *prefix, EwPeer *owner, EwAllowedIp **list)
{
  EwPrefixPath path;
  if (!is_prefix (prefix))
    return false;
  EwFamily family = (EwFamily)prefix->ip.family;
  _Atomic uintptr_t *root = &ips->root[row_of (family)];
  EwPrefixBits b = ew_prefix_masked (ew_prefix_bits (prefix), prefix->length);
  EwAllowedIp *entry = ew_prefix_trie_find (root, b, prefix->length, &path);
  if (entry != NULL)
    unlink_entry (entry);
  else
    {
      entry = new_entry (ips);
      if (entry == NULL)
        return false;
      entry->prefix = make_prefix (family, b, prefix->length);
      atomic_store_explicit (&entry->owner, owner, memory_order_relaxed); /* before anybody sees it */
      if (!ew_prefix_trie_insert (root, entry, ips->grace))
        {
          put_by (ips, entry);
          return false;
        }
      ips->count++;
    }
  link_entry (entry, owner, list);
  return true;
}

static void
remove_entry (EwAllowedIps *ips, EwAllowedIp *entry)
{
  EwPrefixPath path;
  _Atomic uintptr_t *root = &ips->root[row_of ((EwFamily)entry->prefix.ip.family)];
  EwPrefixBits b = ew_prefix_bits (&entry->prefix);
  ew_prefix_trie_find (root, b, entry->prefix.length, &path);
  ew_prefix_trie_cut (root, &path, b, entry->prefix.length, ips->grace);
  unlink_entry (entry);
  retire (ips, entry);
  ips->count--;
}

void
ew_allowed_ips_remove (EwAllowedIps *ips, const EwPrefix *prefix, const EwPeer *owner)
{
  EwPrefixPath path;
  if (!is_prefix (prefix))
    return;
  EwPrefixBits b = ew_prefix_masked (ew_prefix_bits (prefix), prefix->length);
  EwAllowedIp *entry = ew_prefix_trie_find (&ips->root[row_of ((EwFamily)prefix->ip.family)], b, prefix->length, &path);
  if (entry != NULL && atomic_load_explicit (&entry->owner, memory_order_relaxed) == owner)
    remove_entry (ips, entry);
}

void
ew_allowed_ips_remove_list (EwAllowedIps *ips, EwAllowedIp **list)
{
  while (*list != NULL)
    remove_entry (ips, *list);
}

void
ew_allowed_ips_move_list (EwAllowedIp **to, EwAllowedIp **from)
{
  *to = *from;
  *from = NULL;
  if (*to != NULL)
    (*to)->link = to;
}

EwPeer *
ew_allowed_ips_lookup (const EwAllowedIps *ips, EwFamily family, const uint8_t *bytes)
{
  uintptr_t root = atomic_load (&ips->root[row_of (family)]);
  const EwAllowedIp *entry = ew_prefix_trie_lookup (root, ew_prefix_bits_of (family, bytes));
  return entry != NULL ? atomic_load (&entry->owner) : NULL;
}
