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
  keypair->index = (EwIndexEntry){ .index = local_index, .kind = EW_INDEX_KEYPAIR, .peer = peer };
  keypair->remote_index = remote_index;
  keypair->is_initiator = is_initiator;
  keypair->created_ns = now_ns;
  keypair->send = ew_aead_key_new (send_key, true);
  keypair->receive = ew_aead_key_new (receive_key, false);
  ew_replay_init (&keypair->replay);
  if (keypair->send != NULL && keypair->receive != NULL)
    return keypair;
  ew_keypair_free (keypair);
  return NULL;
}

void
ew_keypair_free (EwKeypair *keypair)
{
  if (keypair == NULL)
    return;
  ew_aead_key_free (keypair->send);
  ew_aead_key_free (keypair->receive);
  ew_secret_zero (keypair, sizeof *keypair);
  free (keypair);
}

static void
release (EwGraceItem *item)
{
  ew_keypair_free ((EwKeypair *)((uint8_t *)item - offsetof (EwKeypair, item)));
}

/* It is in none of the three places any more. True unless it is NULL. */
static bool
drop (EwKeypair *keypair, EwIndexTable *indices)
{
  if (keypair == NULL)
    return false;
  ew_index_remove (indices, &keypair->index);
  ew_grace_retire (indices->sessions.grace, &keypair->item, release);
  return true;
}

void
ew_keypairs_add (EwKeypairs *keypairs, EwIndexTable *indices, EwKeypair *keypair)
{
  EwKeypair *previous = keypairs->previous, *current = atomic_load (&keypairs->current);
  if (!keypair->is_initiator)
    {
      keypairs->previous = NULL;
      drop (atomic_exchange (&keypairs->next, keypair), indices);
      drop (previous, indices);
      return;
    }
  /* The initiator's is confirmed by the response. A next one, if any, is newer than the current: the other side may be
   * sending on it. */
  EwKeypair *next = atomic_exchange (&keypairs->next, NULL);
  keypairs->previous = next != NULL ? next : current;
  atomic_store (&keypairs->current, keypair);
  if (next != NULL)
    drop (current, indices);
  drop (previous, indices);
}

bool
ew_keypairs_received_on (EwKeypairs *keypairs, EwIndexTable *indices, const EwKeypair *keypair)
{
  EwKeypair *next = atomic_load (&keypairs->next), *previous = keypairs->previous;
  if (keypair != next)
    return false;
  keypairs->previous = atomic_exchange (&keypairs->current, next);
  atomic_store (&keypairs->next, NULL);
  drop (previous, indices);
  return true;
}

bool
ew_keypairs_clear (EwKeypairs *keypairs, EwIndexTable *indices)
{
  EwKeypair *previous = keypairs->previous;
  keypairs->previous = NULL;
  bool any = drop (previous, indices);
  any |= drop (atomic_exchange (&keypairs->current, NULL), indices);
  any |= drop (atomic_exchange (&keypairs->next, NULL), indices);
  return any;
}
