/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/nft-script.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

#include "host/netfilter.h"

/* NULL: errno. */
static struct nft_ctx *
begin (void)
{
  struct nft_ctx *nft = ew_netfilter_is_there () ? nft_ctx_new (NFT_CTX_DEFAULT) : NULL;

  if (nft == NULL)
    return NULL;
  nft_ctx_buffer_output (nft);
  nft_ctx_buffer_error (nft);
  return nft;
}

static void
set_reason (gchar **reason, const gchar *text)
{
  if (reason != NULL)
    *reason = g_strndup (text, strcspn (text, "\n"));
}

EwNftResult
ew_nft_script_run (const gchar *script, gboolean json, gchar **output, gchar **reason)
{
  struct nft_ctx *nft = begin ();
  gboolean done;

  if (nft == NULL)
    {
      set_reason (reason, g_strerror (errno));
      return EW_NFT_ABSENT;
    }
  nft_ctx_output_set_flags (nft, json ? NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL : 0);
  done = nft_run_cmd_from_buffer (nft, script) == 0;
  if (!done)
    set_reason (reason, nft_ctx_get_error_buffer (nft));
  else if (output != NULL)
    *output = g_strdup (nft_ctx_get_output_buffer (nft));
  nft_ctx_free (nft);
  return done ? EW_NFT_DONE : EW_NFT_REFUSED;
}

gboolean
ew_nft_script_check (const gchar *script)
{
  struct nft_ctx *nft = begin ();
  gboolean accepted;

  if (nft == NULL)
    return FALSE;
  nft_ctx_set_dry_run (nft, true);
  accepted = nft_run_cmd_from_buffer (nft, script) == 0;
  nft_ctx_free (nft);
  return accepted;
}

/* Owners. Their tables belong to the socket in nft. */

struct EwNftOwner
{
  struct nft_ctx *nft;
};

EwNftOwner *
ew_nft_owner_new (void)
{
  struct nft_ctx *nft = begin ();

  if (nft == NULL)
    return NULL;
  EwNftOwner *self = g_new (EwNftOwner, 1);
  self->nft = nft;
  return self;
}

void
ew_nft_owner_free (EwNftOwner *self)
{
  if (self == NULL)
    return;
  nft_ctx_free (self->nft);
  g_free (self);
}

EwNftResult
ew_nft_owner_run (EwNftOwner *self, const gchar *script, gchar **reason)
{
  const gboolean done = nft_run_cmd_from_buffer (self->nft, script) == 0;

  if (!done)
    set_reason (reason, nft_ctx_get_error_buffer (self->nft));
  (void)nft_ctx_get_output_buffer (self->nft); /* each is emptied by being read */
  (void)nft_ctx_get_error_buffer (self->nft);
  return done ? EW_NFT_DONE : EW_NFT_REFUSED;
}
