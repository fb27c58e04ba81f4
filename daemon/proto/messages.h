/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every constant and wire structure of WireGuard. Source: "WireGuard: Next Generation Kernel Network Tunnel" (the
 * whitepaper, NDSS 2017, revised 2020); the sections are named beside each. Nothing here may be changed: the other side
 * has the same numbers built in.
 */
#pragma once

#include "proto/device.h"

#define EW_TAG_SIZE 16    /* Poly1305, RFC 8439 section 2.5 */
#define EW_HASH_SIZE 32   /* BLAKE2s */
#define EW_MAC_SIZE 16    /* keyed BLAKE2s, section 5.4 */
#define EW_COOKIE_SIZE 16 /* section 5.4.7 */
#define EW_COOKIE_NONCE_SIZE 24
#define EW_TIMESTAMP_SIZE 12 /* TAI64N, section 5.1 */

/* Section 5.4: the names that the transcript starts with. */
#define EW_CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define EW_IDENTIFIER "WireGuard v1 zx2c4 Jason@zx2c4.com"
#define EW_LABEL_MAC1 "mac1----"   /* section 5.4.4 */
#define EW_LABEL_COOKIE "cookie--" /* sections 5.4.4, 5.4.7 */

#define EW_NSEC_PER_SEC UINT64_C (1000000000)

/* Section 6.1. */
#define EW_REKEY_AFTER_MESSAGES (UINT64_C (1) << 60)
#define EW_REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C (1) << 13))
#define EW_REKEY_AFTER_TIME (120 * EW_NSEC_PER_SEC)
#define EW_REJECT_AFTER_TIME (180 * EW_NSEC_PER_SEC)
#define EW_REKEY_ATTEMPT_TIME (90 * EW_NSEC_PER_SEC)
#define EW_REKEY_TIMEOUT (5 * EW_NSEC_PER_SEC)
#define EW_KEEPALIVE_TIMEOUT (10 * EW_NSEC_PER_SEC)
/* Section 6.2: an initiator that only receives renews this old (165 s), so that the new session is there before 180 s.
 */
#define EW_REKEY_AFTER_TIME_RECEIVING (EW_REJECT_AFTER_TIME - EW_KEEPALIVE_TIMEOUT - EW_REKEY_TIMEOUT)
/* Section 6.4: retries are this many at most (90 s in steps of 5 s), and carry a random delay of up to a third of a
 * second. */
#define EW_HANDSHAKE_ATTEMPTS_MAX (EW_REKEY_ATTEMPT_TIME / EW_REKEY_TIMEOUT)
#define EW_JITTER_MAX (EW_NSEC_PER_SEC / 3)
/* Section 6.5: data sent and nothing at all heard for this long (15 s): the other side has lost the session. */
#define EW_NEW_HANDSHAKE_TIMEOUT (EW_KEEPALIVE_TIMEOUT + EW_REKEY_TIMEOUT)
/* Section 6.3: without a new session for this long (540 s) everything secret is zeroed. */
#define EW_ZERO_KEYS_TIME (3 * EW_REJECT_AFTER_TIME)

/* Section 5.1: initiations of one peer come at most 50 times a second; timestamps are coarsened to the power of two
   below, in nanoseconds (16.8 ms), so that they say little about the clock. */
#define EW_INITIATION_INTERVAL (EW_NSEC_PER_SEC / 50)
#define EW_TIMESTAMP_GRAIN (UINT64_C (1) << 24)

/* Section 5.4.7 and 6.6. A cookie is forgotten earlier than the secret that made it, by the longest flight time. */
#define EW_COOKIE_SECRET_MAX_AGE (120 * EW_NSEC_PER_SEC)
#define EW_COOKIE_SECRET_LATENCY (5 * EW_NSEC_PER_SEC)

/* Section 5.4.6: messages may arrive out of order by this many. RFC 6479 keeps one word of 64 bits to slide on. */
#define EW_REPLAY_BITS 8192
#define EW_REPLAY_WINDOW (EW_REPLAY_BITS - 64)

#define EW_PADDING_MULTIPLE 16 /* section 5.4.6 */
#define EW_STAGED_PACKETS_MAX 128

/* Not the whitepaper's: whom to call whose own initiations are refused for their age (ew_peer_call()). Three of them
   are 10 s of a computer's tries. */
#define EW_REFUSALS_MAX 3
#define EW_CALL_INTERVAL (10 * EW_NSEC_PER_SEC)
#define EW_CALL_GAP (EW_NSEC_PER_SEC / 50)
/* Not the whitepaper's: a peer that is idle sends something every 25 s, so one that wasn't heard for this long isn't
   there. */
#define EW_SILENCE (40 * EW_NSEC_PER_SEC)
/* … and no other address is called while the peer is heard. */
#define EW_CALL_SILENCE EW_SILENCE
#define EW_HANDSHAKE_DSCP 0x88 /* AF41 as a traffic class byte: losing one costs 5 s */

/* Section 5.4: the first byte; the next three are zero. */
typedef enum
{
  EW_MESSAGE_INITIATION = 1,
  EW_MESSAGE_RESPONSE = 2,
  EW_MESSAGE_COOKIE_REPLY = 3,
  EW_MESSAGE_DATA = 4
} EwMessageType;

/* The structures hold bytes only: no alignment, no padding, and multi-byte fields are little-endian. */

/* Section 5.4.4: the end of both handshake messages. */
typedef struct
{
  uint8_t mac1[EW_MAC_SIZE], mac2[EW_MAC_SIZE];
} EwMessageMacs;

/* Section 5.4.2. */
typedef struct
{
  uint8_t type[4], sender_index[4];
  uint8_t ephemeral[EW_KEY_SIZE];
  uint8_t encrypted_static[EW_KEY_SIZE + EW_TAG_SIZE];
  uint8_t encrypted_timestamp[EW_TIMESTAMP_SIZE + EW_TAG_SIZE];
  EwMessageMacs macs;
} EwMessageInitiation;

/* Section 5.4.3. */
typedef struct
{
  uint8_t type[4], sender_index[4], receiver_index[4];
  uint8_t ephemeral[EW_KEY_SIZE];
  uint8_t encrypted_nothing[EW_TAG_SIZE];
  EwMessageMacs macs;
} EwMessageResponse;

/* Section 5.4.7. */
typedef struct
{
  uint8_t type[4], receiver_index[4];
  uint8_t nonce[EW_COOKIE_NONCE_SIZE];
  uint8_t encrypted_cookie[EW_COOKIE_SIZE + EW_TAG_SIZE];
} EwMessageCookieReply;

/* Section 5.4.6: then the encrypted packet and its tag. */
typedef struct
{
  uint8_t type[4], receiver_index[4], counter[8];
} EwMessageData;

#define EW_DATA_OVERHEAD (sizeof (EwMessageData) + EW_TAG_SIZE)

_Static_assert(sizeof (EwMessageInitiation) == 148, "section 5.4.2");
_Static_assert(sizeof (EwMessageResponse) == 92, "section 5.4.3");
_Static_assert(sizeof (EwMessageCookieReply) == 64, "section 5.4.7");
_Static_assert(sizeof (EwMessageData) == 16, "section 5.4.6");
_Static_assert(EW_HEADROOM >= sizeof (EwMessageData) && EW_TAILROOM >= EW_PADDING_MULTIPLE - 1 + EW_TAG_SIZE,
               "device.h");
