/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where packets that arrive on an interface may go in other programs' chains: what is dropped for its source alone,
 * which chains come next, which interfaces are let through. Only plain conditions are understood, as iptables-nft and
 * nft(8) write them; a rule with any other condition drops nothing here.
 */
#pragma once

#include <net/if.h>
#include "host/nftables.h"
#include "proto/address.h"

G_BEGIN_DECLS

/* A rule that drops what comes from source, whatever else it is. */
typedef struct
{
  EwPrefix source;
  gchar interface[IFNAMSIZ]; /* that it must arrive on; "": on any */
  gboolean except;           /* … on any but this one */
} EwNftSourceDrop;

typedef struct
{
  GArray *drops;     /* EwNftSourceDrop */
  GPtrArray *jumps;  /* names of the chains that some packets go to */
  GPtrArray *opened; /* names of interfaces with a rule that accepts, or goes to another chain */
} EwNftWays;

/* Reads one chain, in the rules' order. NULL: it isn't there. */
EwNftWays *ew_nft_ways_read (EwNetlink *netlink, const EwNftChain *chain);
/* Pure: the same from the kernel's messages (NFT_MSG_NEWRULE), one after the other as in a dump. Ends at what isn't a
   whole message. (transfer full) */
EwNftWays *ew_nft_ways_parse (const void *messages, gsize size);
void ew_nft_ways_free (EwNftWays *ways);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNftWays, ew_nft_ways_free)

/* The rule drops what arrives on this interface from one of prefix's addresses. */
gboolean ew_nft_source_drop_concerns (const EwNftSourceDrop *drop, const gchar *interface, const EwPrefix *prefix);

G_END_DECLS
