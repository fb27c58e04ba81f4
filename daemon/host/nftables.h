/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What nftables contains, read straight from the kernel: the tables' owners, the chains, one chain's rules.
 * libnftables reads a table's sets along with its rules, and a block list has hundreds of thousands of elements; the
 * cost of a look each time a program loads rules must not depend on them.
 */
#pragma once

#include "host/netlink.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 family;             /* NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 */
  gboolean based;            /* it has a hook */
  guint32 hook;              /* NF_INET_FORWARD … */
  gboolean drops;            /* its policy */
  gchar table[32], name[32]; /* longer names are cut, others' bytes a "?": none that is looked for */
} EwNftChain;

/* Every chain of the families above. NULL: errno. (transfer full) */
GArray *ew_nft_chains (EwNetlink *netlink);

typedef struct
{
  gboolean drops_all; /* the last rule has no condition and drops or rejects */
  guint tagged;       /* rules whose comment is the one asked for */
  GArray *handles;    /* guint64: theirs; NULL: not wanted */
} EwNftRules;

/* Looks through one chain. comment: of our rules; NULL: not asked for. FALSE: it is not there. */
gboolean ew_nft_rules (EwNetlink *netlink, const EwNftChain *chain, const gchar *comment, EwNftRules *rules);

gboolean ew_nft_table_is_there (EwNetlink *netlink, guint8 family, const gchar *table);
/* A process owns the table (NFT_TABLE_F_OWNER): the kernel lets no other process change it. */
gboolean ew_nft_table_is_owned (EwNetlink *netlink, guint8 family, const gchar *table);

/* A rule of the table, or of its chain, names this interface or jumps to this chain, each by its whole name. */
gboolean ew_nft_names (EwNetlink *netlink, guint8 family, const gchar *table, const gchar *chain, const gchar *name);

/* "inet", "ip", "ip6", and back; 0: another one. */
const gchar *ew_nft_family_name (guint8 family);
guint8 ew_nft_family (const gchar *name);

G_END_DECLS
