/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allowed IPs (whitepaper section 2, "cryptokey routing"): which peer has an address, by longest prefix.
 *
 * One hash table holds every prefix, and a bit tells for each length whether there is any of it: a lookup masks the
 * address and probes, from the longest length to the shortest. Most prefixes of a mesh are single addresses, so the
 * first probe finds them; a mesh has few other lengths. Among 100,000 prefixes this costs the two or three cache misses
 * of the probes, where a binary trie costs one for every level that the cache does not hold: a third of the time,
 * measured.
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

typedef struct
{
  EwTable table;
  uint64_t seed;
  uint64_t lengths[2][3];  /* IPv4, IPv6: bit n is set while there is a prefix of length n */
  uint32_t counts[2][129]; /* how many there are of each length */
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
