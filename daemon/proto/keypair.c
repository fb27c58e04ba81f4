/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/keypair.h"
#include "proto/crypto.h"

#include <stdlib.h>

EwKeypair *
ew_keypair_new (EwPeer *peer, uint32_t local_index, uint32_t remote_index, const uint8_t send_key[EW_KEY_SIZE],
                const uint8_t receive_key[EW_KEY_SIZE], bool is_initiator, uint64_t now_ns)
{
  EwKeypair *keypair = calloc (1, sizeof *keypair);
  if (keypair == NULL)
    return NULL;
  keypair->references = 1;
  keypair->index = (EwIndexEntry){ .index = local_index, .kind = EW_INDEX_KEYPAIR, .peer = peer };
  keypair->remote_index = remote_index;
  keypair->is_initiator = is_initiator;
  keypair->created_ns = now_ns;
  keypair->send = ew_aead_key_new (send_key, true);
  keypair->receive = ew_aead_key_new (receive_key, false);
  ew_replay_init (&keypair->replay);
  if (keypair->send != NULL && keypair->receive != NULL)
    return keypair;
  ew_keypair_unref (keypair);
  return NULL;
}

EwKeypair *
ew_keypair_ref (EwKeypair *keypair)
{
  keypair->references++;
  return keypair;
}

void
ew_keypair_unref (EwKeypair *keypair)
{
  if (keypair == NULL || --keypair->references > 0)
    return;
  ew_aead_key_free (keypair->send);
  ew_aead_key_free (keypair->receive);
  ew_secret_zero (keypair, sizeof *keypair);
  free (keypair);
}

static bool
drop (EwKeypair **place, EwIndexTable *indices)
{
  EwKeypair *keypair = *place;
  if (keypair == NULL)
    return false;
  *place = NULL;
  keypair->dropped = true;
  ew_index_remove (indices, &keypair->index);
  ew_keypair_unref (keypair);
  return true;
}

void
ew_keypairs_add (EwKeypairs *keypairs, EwIndexTable *indices, EwKeypair *keypair)
{
  drop (&keypairs->previous, indices);
  if (!keypair->is_initiator)
    {
      drop (&keypairs->next, indices);
      keypairs->next = keypair;
      return;
    }
  /* The initiator's is confirmed by the response. A next one, if any, is newer than the current: the other side may be
   * sending on it. */
  if (keypairs->next != NULL)
    {
      keypairs->previous = keypairs->next;
      keypairs->next = NULL;
      drop (&keypairs->current, indices);
    }
  else
    keypairs->previous = keypairs->current;
  keypairs->current = keypair;
}

bool
ew_keypairs_received_on (EwKeypairs *keypairs, EwIndexTable *indices, const EwKeypair *keypair)
{
  if (keypair != keypairs->next)
    return false;
  drop (&keypairs->previous, indices);
  keypairs->previous = keypairs->current;
  keypairs->current = keypairs->next;
  keypairs->next = NULL;
  return true;
}

bool
ew_keypairs_clear (EwKeypairs *keypairs, EwIndexTable *indices)
{
  bool any = drop (&keypairs->previous, indices);
  any |= drop (&keypairs->current, indices);
  any |= drop (&keypairs->next, indices);
  return any;
}
