/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A session's keys, and the three places a peer has for them (whitepaper section 6.3):
 *
 *   previous   still received on, for what was under way when the current one came
 *   current    sent and received on
 *   next       the responder's newest: becomes current when data arrives on it, which proves that the initiator has it
 *
 * A keypair is made when a handshake completes and counted, because a batch of packets may hold on to one that was
 * replaced meanwhile. The last unref zeroes it.
 */
#pragma once

#include "proto/aead.h"
#include "proto/index.h"
#include "proto/replay.h"

typedef struct
{
  EwIndexEntry index; /* the receiver index that our side chose */
  unsigned references;
  uint32_t remote_index;
  bool is_initiator, dropped; /* dropped: in none of the three places any more */
  uint64_t created_ns, send_counter;
  EwAeadKey *send, *receive;
  EwReplayWindow replay;
} EwKeypair;

typedef struct
{
  EwKeypair *previous, *current, *next;
} EwKeypairs;

/* NULL: memory is gone. */
EwKeypair *ew_keypair_new (EwPeer *peer, uint32_t local_index, uint32_t remote_index,
                           const uint8_t send_key[EW_KEY_SIZE], const uint8_t receive_key[EW_KEY_SIZE],
                           bool is_initiator, uint64_t now_ns);
EwKeypair *ew_keypair_ref (EwKeypair *keypair);
void ew_keypair_unref (EwKeypair *keypair); /* NULL is allowed */

/* Puts a new keypair (taken over) in its place. Those that fall out leave the index table. */
void ew_keypairs_add (EwKeypairs *keypairs, EwIndexTable *indices, EwKeypair *keypair);
/* An authenticated packet came on keypair. True when that made the next one the current one. */
bool ew_keypairs_received_on (EwKeypairs *keypairs, EwIndexTable *indices, const EwKeypair *keypair);
/* True when there was anything to drop. */
bool ew_keypairs_clear (EwKeypairs *keypairs, EwIndexTable *indices);
