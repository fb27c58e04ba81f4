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
