/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A peer's timers (whitepaper section 6) as a state machine: tell it what happened and when, ask it when it wants to be
 * called (deadline), call it (tick), do what it says. It holds no key and sends nothing.
 *
 *   timer           armed by                    after             cancelled by             then
 *   retransmit      an initiation sent          5 s + jitter      a completed handshake    again; after 90 s give up
 *   keepalive       data received               10 s              anything sent            an empty packet, so that the
 *                                                                                          other side knows it was heard
 *   new_handshake   data sent                   15 s + jitter     anything received        the session is lost:
 *                                                                                          handshake
 *   persistent      anything sent or received   its interval      interval 0               an empty packet (NAT,
 *                                                                                          firewalls)
 *   zero_keys       a new session; giving up    540 s             —                        every key is zeroed
 *
 * "Anything" is anything authenticated. Sessions renew themselves in passing: ew_timers_should_renew_…().
 */
#pragma once

#include <stdatomic.h>

#include "proto/messages.h"

/* Three times what the other side insists on between two initiations: on their way they may come closer. */
#define EW_HURRIED_INTERVAL (3 * EW_INITIATION_INTERVAL)
/* Longer than any way there and back. */
#define EW_RESPONSE_TIME (2 * EW_NSEC_PER_SEC)

typedef enum
{
  EW_ACTION_KEEPALIVE = 1 << 0,       /* send an empty packet */
  EW_ACTION_RETRY_HANDSHAKE = 1 << 1, /* send another initiation: ew_timers_may_initiate() will agree */
  EW_ACTION_NEW_HANDSHAKE = 1 << 2,   /* start a handshake: nothing came back for data */
  EW_ACTION_GIVE_UP = 1 << 3,         /* drop what is staged */
  EW_ACTION_ZERO_KEYS = 1 << 4
} EwAction;

/* Lanes tell it of packets while the device's thread looks at it: each word is atomic, and where two are at it at once
   it is as if one had come first. */
typedef struct
{
  /* When, or EW_TIME_OFF. */
  _Atomic uint64_t retransmit_ns, keepalive_ns, new_handshake_ns, persistent_ns, zero_keys_ns;
  _Atomic uint64_t last_initiation_ns; /* sent; a response sent counts too. EW_TIME_OFF: never */
  _Atomic uint16_t persistent_seconds; /* 0: off */
  _Atomic bool renewed_receiving;      /* the 165 s renewal happens once a session */
  uint8_t attempts;                    /* initiations in a row without an answer, except the first */
} EwTimers;

void ew_timers_init (EwTimers *timers);
/* Everything off but the persistent keepalive; a handshake may start at once. */
void ew_timers_forget (EwTimers *timers);
void ew_timers_set_persistent (EwTimers *timers, uint16_t seconds, uint64_t now_ns);

/* jitter_ns: random, below EW_JITTER_MAX. */
void ew_timers_data_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns);
void ew_timers_data_received (EwTimers *timers, uint64_t now_ns);
void ew_timers_authenticated_sent (EwTimers *timers, uint64_t now_ns);
void ew_timers_authenticated_received (EwTimers *timers, uint64_t now_ns);
void ew_timers_initiation_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns);
/* An initiation that is not tried again (ew_peer_call()): what is left of it is erased with the keys. */
void ew_timers_call_sent (EwTimers *timers, uint64_t now_ns);
/* An initiation is so young that its response may be on its way. */
bool ew_timers_is_initiating (const EwTimers *timers, uint64_t now_ns);
void ew_timers_response_sent (EwTimers *timers, uint64_t now_ns);
void ew_timers_session_derived (EwTimers *timers, uint64_t now_ns);
void ew_timers_handshake_complete (EwTimers *timers);

/* 5 s since the last initiation. */
bool ew_timers_may_initiate (const EwTimers *timers, uint64_t now_ns);
/* A caller asked for a handshake (not a retry): restarts the 90 s. force: skips the pause of 5 s. */
void ew_timers_handshake_wanted (EwTimers *timers, bool force);
/* A caller is in a hurry. True: as if forced. False: an initiation is younger than EW_HURRIED_INTERVAL, so the other
   side would refuse another, and this side would have forgotten the one that it answers; the retry comes early
   instead. */
bool ew_timers_hurry (EwTimers *timers, uint64_t now_ns);

/* May a session of this age still be used, to send or to receive? */
bool ew_timers_session_valid (uint64_t created_ns, uint64_t counter, uint64_t now_ns);
/* After sending: 2^60 messages, or 120 s and this side was the initiator. */
bool ew_timers_should_renew_sending (uint64_t created_ns, uint64_t counter, bool is_initiator, uint64_t now_ns);
/* After receiving: 165 s and this side was the initiator; true once a session. */
bool ew_timers_should_renew_receiving (EwTimers *timers, uint64_t created_ns, bool is_initiator, uint64_t now_ns);

uint64_t ew_timers_deadline (const EwTimers *timers);
/* What is due: EwAction bits. Timers that fired are off, the persistent one armed again. */
unsigned ew_timers_tick (EwTimers *timers, uint64_t now_ns);
