/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The handshake: Noise_IKpsk2 as in the whitepaper, section 5.4. Pure: ephemeral keys, indices and timestamps are
 * handed in, messages go in and out, nothing is sent and no clock is read.
 *
 *   initiator                                   responder
 *   create_initiation   ── initiation ──▶       read_initiation (who is it?) → consume_initiation (is it fresh?)
 *   consume_response    ◀── response ──         create_response
 *   derive_keys                                 derive_keys
 *
 * Every function returns false without a change of the handshake's state when the message is not authentic, not for
 * this device or comes in the wrong state: a forged message must not disturb a handshake that is under way. The macs of
 * a message are cookie.h's and are not looked at here.
 */
#pragma once

#include "proto/crypto.h"
#include "proto/messages.h"

/* This device's own key pair and what follows from it. Zeroed: none. */
typedef struct
{
  uint8_t private_key[EW_KEY_SIZE], public_key[EW_KEY_SIZE];
  EwX25519Key *key; /* owned; NULL without an identity */
  bool present;     /* false: no identity, every handshake fails */
} EwNoiseIdentity;

/* What is known of the other side. */
typedef struct
{
  uint8_t public_key[EW_KEY_SIZE], preshared_key[EW_KEY_SIZE];
  uint8_t static_static[EW_KEY_SIZE]; /* DH of both static keys, computed when first needed */
  bool has_static_static;
  uint8_t latest_timestamp[EW_TIMESTAMP_SIZE]; /* of the initiations it sent; kept as long as the peer is */
  uint64_t latest_initiation_ns;               /* when it last sent one that was fresh; EW_TIME_OFF: never */
  /* Authentic initiations since then that were older than the latest, each later than the one before: what a computer
     sends whose clock or state went back, and what anyone who has seen three of its older ones may replay. */
  unsigned refused;
  uint8_t refused_timestamp[EW_TIMESTAMP_SIZE]; /* of the last of them */
} EwNoiseRemote;

typedef enum
{
  EW_NOISE_NOTHING,            /* zeroed */
  EW_NOISE_CREATED_INITIATION, /* waits for a response */
  EW_NOISE_CONSUMED_INITIATION,
  EW_NOISE_CREATED_RESPONSE, /* keys can be derived */
  EW_NOISE_CONSUMED_RESPONSE /* keys can be derived */
} EwNoiseState;

typedef struct
{
  EwNoiseState state;
  uint32_t local_index, remote_index;
  uint8_t ephemeral_private[EW_KEY_SIZE], remote_ephemeral[EW_KEY_SIZE];
  uint8_t hash[EW_HASH_SIZE], chaining_key[EW_HASH_SIZE];
} EwNoiseHandshake;

/* Zero key: none; to be called so at the end, too. */
void ew_noise_identity_set (EwNoiseIdentity *identity, const uint8_t private_key[EW_KEY_SIZE]);
void ew_noise_remote_init (EwNoiseRemote *remote, const uint8_t public_key[EW_KEY_SIZE]);
/* This device's own key changed: what was derived from the old one is erased. */
void ew_noise_remote_reset (EwNoiseRemote *remote);

/* TAI64N (section 5.1) of a time since the epoch, coarsened to EW_TIMESTAMP_GRAIN. */
void ew_timestamp_write (uint8_t out[EW_TIMESTAMP_SIZE], uint64_t realtime_ns);
/* The time since the epoch that a timestamp says; 0: before it, UINT64_MAX: beyond what fits. */
uint64_t ew_timestamp_read (const uint8_t timestamp[EW_TIMESTAMP_SIZE]);
/* The time that ew_timestamp_write() really says. */
uint64_t ew_timestamp_coarsen (uint64_t realtime_ns);

/* ephemeral: 32 random bytes. Writes everything but the macs. */
bool ew_noise_create_initiation (EwNoiseHandshake *handshake, const EwNoiseIdentity *identity, EwNoiseRemote *remote,
                                 const uint8_t ephemeral[EW_KEY_SIZE], uint32_t sender_index,
                                 const uint8_t timestamp[EW_TIMESTAMP_SIZE], EwMessageInitiation *out);

/* An initiation half read: who claims to have sent it. */
typedef struct
{
  uint8_t remote_public_key[EW_KEY_SIZE];
  EwNoiseHandshake handshake;
} EwNoiseReading;

bool ew_noise_read_initiation (EwNoiseReading *reading, const EwNoiseIdentity *identity,
                               const EwMessageInitiation *message);
/* The other half, once remote has been looked up by reading->remote_public_key. False also for an initiation that is a
   replay (its timestamp is not later than the latest) or came less than EW_INITIATION_INTERVAL after the one before; an
   older one is counted in remote->refused. */
bool ew_noise_consume_initiation (EwNoiseHandshake *handshake, EwNoiseReading *reading, const EwNoiseIdentity *identity,
                                  EwNoiseRemote *remote, const EwMessageInitiation *message, uint64_t now_ns);
bool ew_noise_create_response (EwNoiseHandshake *handshake, const EwNoiseRemote *remote,
                               const uint8_t ephemeral[EW_KEY_SIZE], uint32_t sender_index, EwMessageResponse *out);
bool ew_noise_consume_response (EwNoiseHandshake *handshake, const EwNoiseIdentity *identity,
                                const EwNoiseRemote *remote, const EwMessageResponse *message);
/* Section 5.4.5. Zeroes the handshake except its indices. */
bool ew_noise_derive_keys (EwNoiseHandshake *handshake, uint8_t send_key[EW_KEY_SIZE], uint8_t receive_key[EW_KEY_SIZE],
                           bool *is_initiator);
void ew_noise_clear (EwNoiseHandshake *handshake);
