/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes of nftables: scripts of nft(8) commands, each one transaction. The one place where libnftables is begun.
 */
#pragma once

#include <glib.h>

typedef enum
{
  EW_NFT_DONE,
  EW_NFT_ABSENT, /* this kernel has no nftables */
  EW_NFT_REFUSED
} EwNftResult;

/* output: what it printed, with json as JSON; only where it was done. reason: one line on why not. Both may be NULL,
   (transfer full). */
EwNftResult ew_nft_script_run (const gchar *script, gboolean json, gchar **output, gchar **reason);
/* Whether nft and the kernel would take the script; nothing is changed. */
gboolean ew_nft_script_check (const gchar *script);

/* Whoever runs scripts with it owns the tables that those create with "flags owner" (nft(8)): the kernel lets no other
   program change or remove them, `nft flush ruleset` included, and removes them when it is freed or this process ends. */
typedef struct EwNftOwner EwNftOwner;

EwNftOwner *ew_nft_owner_new (void); /* NULL: this kernel has no nftables */
void ew_nft_owner_free (EwNftOwner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNftOwner, ew_nft_owner_free)
/* As ew_nft_script_run(). A kernel before 5.12 refuses tables with owners. */
EwNftResult ew_nft_owner_run (EwNftOwner *self, const gchar *script, gchar **reason);
