/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When is a responder under load, and how many handshakes may one address have then (whitepaper sections 5.3
 * and 5.4.7)?
 *
 * Handshakes are worked off at once, so there is no real queue to measure. EwLoadMeter keeps the one there would be if
 * they were worked off at EW_LOAD_HANDSHAKES_PER_SECOND (a fraction of one core at 0.2 ms each): under load from an
 * eighth of EW_LOAD_QUEUE on and for one second after; full, messages are dropped.
 */
#pragma once

#include "proto/messages.h"

#define EW_LOAD_QUEUE 4096
#define EW_LOAD_HANDSHAKES_PER_SECOND 2000
#define EW_LOAD_STICKY EW_NSEC_PER_SEC
#define EW_LOAD_COOKIE_SHARE 16

typedef struct
{
  uint64_t queued;                    /* in units of 1/EW_NSEC_PER_SEC of a handshake */
  uint64_t updated_ns, under_load_ns; /* the latter: last seen above the threshold; EW_TIME_OFF: never */
} EwLoadMeter;

typedef enum
{
  EW_LOAD_NORMAL,
  EW_LOAD_UNDER_LOAD, /* demand a cookie */
  EW_LOAD_FULL        /* drop */
} EwLoad;

void ew_load_init (EwLoadMeter *meter);
/* Counts one handshake message with a right mac1 and says how to treat it. */
EwLoad ew_load_count (EwLoadMeter *meter, uint64_t now_ns);
/* It got a cookie reply instead of a DH, and so costs an EW_LOAD_COOKIE_SHARE of what was counted. */
void ew_load_count_cookie (EwLoadMeter *meter);

/* Section 5.3: 20 a second, 5 at once, for every IPv4 address and every IPv6 /64. */
#define EW_RATE_PER_SECOND 20
#define EW_RATE_BURST 5

typedef struct EwRateLimiter EwRateLimiter;

/* Fixed memory (about 400 KB): make it when load first comes. seed: 32 random bytes. NULL: out of memory. */
EwRateLimiter *ew_rate_limiter_new (const uint8_t seed[32]);
void ew_rate_limiter_free (EwRateLimiter *limiter);
/* False: too many from this address (or, full of other addresses that are active right now, no room to count it). */
bool ew_rate_limiter_allow (EwRateLimiter *limiter, const EwEndpoint *from, uint64_t now_ns);
