/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nfnetlink's messages about nftables: begun and read, for the files that read the rule set.
 */
#pragma once

#include "host/netlink.h"

#include <linux/netfilter/nfnetlink.h>

G_BEGIN_DECLS

/* A request of the type NFT_MSG_… in buffer (EW_NETLINK_BUFFER, zeroed). */
struct nlmsghdr *ew_nft_begin (char *buffer, int type, guint8 family);
/* In this computer's order; 0 where it is shorter. */
guint32 ew_nft_be32 (const struct nlattr *attribute);
/* The last attribute of this type in nest; NULL: none. */
const struct nlattr *ew_nft_find (const struct nlattr *nest, int type);
/* The kernel takes any bytes for a name, and these end in sentences, JSON and scripts: what nft(8) itself doesn't take
   becomes a question mark. */
void ew_nft_clean_name (gchar *name);

G_END_DECLS
