/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allowed IPs (whitepaper section 2, "cryptokey routing"): which peer has an address, by longest prefix.
 *
 * A trie of six bits a node, compressed: a node exists only where two prefixes part, and two words of 64 bits say which
 * of its 64 children and of the 63 prefixes that end inside it exist. A lookup among 100,000 prefixes visits three or
 * four nodes, whatever lengths the prefixes have: a peer that may announce prefixes can't make it slow. tests/bench
 * lookup measures it, also against the previous implementation: one hash table, probed once for every length.
 *
 * One thread changes it at a time; lookups may run side by side, also with a change if they are inside `grace`.
 */
#pragma once

#include "proto/device.h"
#include "proto/grace.h"

/* One prefix of one owner, in the list of that owner. */
typedef struct EwAllowedIp EwAllowedIp;
struct EwAllowedIp
{
  EwPrefix prefix;
  _Atomic (EwPeer *) owner;
  EwAllowedIp *next; /* in the list; of one that is out of use, the next such */
  union
  {
    EwAllowedIp **link; /* what points here */
    uint64_t epoch;     /* of one that was retired */
  };
};

typedef struct EwAllowedIpBlock EwAllowedIpBlock;

typedef struct
{
  _Atomic uintptr_t root[2]; /* IPv4, IPv6: a prefix or a node, as prefix-trie.c marks them; 0: none */
  size_t count;
  EwAllowedIpBlock *blocks; /* where entries live; they go with the whole */
  EwAllowedIp *free;
  EwAllowedIp *retired, **last_retired; /* free as soon as no reader uses them any more; the oldest first */
  EwGrace *grace;                       /* NULL: no one reads while it's changed */
} EwAllowedIps;

/* Empty. grace may be NULL, see there. */
void ew_allowed_ips_init (EwAllowedIps *ips, EwGrace *grace);
/* The lists of the owners must have been cleared before. */
void ew_allowed_ips_clear (EwAllowedIps *ips);
/* Adds prefix (host bits are ignored) to owner, whose list is *list, which must stay where it is; takes it from the
   previous owner. False: out of memory, or it isn't a prefix; then nothing has changed. */
bool ew_allowed_ips_add (EwAllowedIps *ips, const EwPrefix *prefix, EwPeer *owner, EwAllowedIp **list);
/* Removes the prefix if it is owner's. */
void ew_allowed_ips_remove (EwAllowedIps *ips, const EwPrefix *prefix, const EwPeer *owner);
void ew_allowed_ips_remove_list (EwAllowedIps *ips, EwAllowedIp **list);
/* All of one list of an owner to another of his, which is empty. */
void ew_allowed_ips_move_list (EwAllowedIp **to, EwAllowedIp **from);
/* NULL: no peer. bytes: 4 or 16 as family says. */
EwPeer *ew_allowed_ips_lookup (const EwAllowedIps *ips, EwFamily family, const uint8_t *bytes);
