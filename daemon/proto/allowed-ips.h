/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allowed IPs (whitepaper section 2, "cryptokey routing"): which peer has an address, by longest prefix.
 *
 * Most prefixes of a mesh are single addresses: they are in a hash table, one or two cache misses away among 100,000.
 * The others are in a path-compressed binary trie a family. An address in the table has the longest prefix there is, so
 * the trie is asked only when the table has nothing.
 */
#pragma once

#include "proto/device.h"
#include "proto/table.h"

/* One prefix of one owner, in the list of that owner. */
typedef struct EwAllowedIp EwAllowedIp;
struct EwAllowedIp
{
  EwPrefix prefix;
  EwPeer *owner;
  EwAllowedIp **list; /* the owner's list */
  EwAllowedIp *next, *previous;
};

typedef struct EwTrieNode EwTrieNode;

typedef struct
{
  EwTable hosts;
  EwTrieNode *v4, *v6;
  uint64_t seed;
} EwAllowedIps;

/* seed: random. */
void ew_allowed_ips_init (EwAllowedIps *ips, uint64_t seed);
/* The lists of the owners must have been cleared before. */
void ew_allowed_ips_clear (EwAllowedIps *ips);
/* Adds prefix (host bits are ignored) to owner, whose list is *list; takes it from whoever had it. False: memory is
 * gone. */
bool ew_allowed_ips_add (EwAllowedIps *ips, const EwPrefix *prefix, EwPeer *owner, EwAllowedIp **list);
/* Removes the prefix if it is owner's. */
void ew_allowed_ips_remove (EwAllowedIps *ips, const EwPrefix *prefix, const EwPeer *owner);
void ew_allowed_ips_remove_list (EwAllowedIps *ips, EwAllowedIp **list);
/* NULL: nobody. bytes: 4 or 16 as family says. */
EwPeer *ew_allowed_ips_lookup (const EwAllowedIps *ips, EwFamily family, const uint8_t *bytes);
