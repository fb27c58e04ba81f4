/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A session's keys, and the three places a peer has for them (whitepaper section 6.3):
 *
 *   previous   still received on, for what was under way when the current one came
 *   current    sent and received on
 *   next       the responder's newest: becomes current when data arrives on it, which proves that the initiator has it
 *
 * A keypair is made when a handshake completes. Lanes find it without a lock, by its index or as the peer's current
 * one; one that was replaced is zeroed as soon as none of them can be using it (grace.h).
 */
#pragma once

#include "proto/aead.h"
#include "proto/index.h"
#include "proto/replay.h"

typedef struct
{
  EwIndexEntry index; /* the receiver index that this side chose */
  uint32_t remote_index;
  bool is_initiator;
  uint64_t created_ns;
  EwAeadKey *send, *receive;
  EwGraceItem item;
  uint8_t apart[EW_CACHE_LINE];  /* what is written, from what every lane reads; and by different lanes */
  _Atomic uint64_t send_counter; /* the next; any lane takes from it */
  uint8_t apart_too[EW_CACHE_LINE];
  EwReplayWindow replay; /* of the lane that the index belongs to */
} EwKeypair;

typedef struct
{
  EwKeypair *previous;
  _Atomic (EwKeypair *) current, next;
} EwKeypairs;

/* What any lane may ask: the keypair to send with, NULL: none. */
static inline EwKeypair *
ew_keypairs_get_current (const EwKeypairs *keypairs)
{
  return atomic_load (&keypairs->current);
}

/* NULL: out of memory. */
EwKeypair *ew_keypair_new (EwPeer *peer, uint32_t local_index, uint32_t remote_index,
                           const uint8_t send_key[EW_KEY_SIZE], const uint8_t receive_key[EW_KEY_SIZE],
                           bool is_initiator, uint64_t now_ns);
void ew_keypair_free (EwKeypair *keypair); /* zeroes it; only what no lane has seen. NULL is allowed */

/* Stores a new keypair (taken over) in the matching slot. Those that fall out leave the index table and are retired, to
 * its grace.
 */
void ew_keypairs_add (EwKeypairs *keypairs, EwIndexTable *indices, EwKeypair *keypair);
/* An authenticated packet came on keypair. True when that made the next one the current one. */
bool ew_keypairs_received_on (EwKeypairs *keypairs, EwIndexTable *indices, const EwKeypair *keypair);
/* True when there was anything to drop. */
bool ew_keypairs_clear (EwKeypairs *keypairs, EwIndexTable *indices);
