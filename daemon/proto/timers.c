/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/timers.h"
#include "proto/bytes.h"

#define GET(field) atomic_load_explicit (&timers->field, memory_order_relaxed)
/* A lane that starts a timer looks next at when its peer is scheduled; the owner that schedules a peer looks next at
   its timers (ew_timers_deadline()). In one order for all, so that one of them sees what the other did. */
#define START(field, value) atomic_store (&timers->field, (value))
#define SET(field, value) atomic_store_explicit (&timers->field, (value), memory_order_relaxed)
/* What a lane does for every batch: mostly nothing is new, and memory that isn't written to is in every core's cache.
 */
#define KEEP(field, value) (GET (field) != (value) ? SET (field, (value)) : (void)0)

/* Only the owner switches it off: a lane that has just read that it is off might undo that it was switched on. */
static void
persistent_again (EwTimers *timers, uint64_t now_ns)
{
  uint64_t seconds = GET (persistent_seconds);
  if (seconds > 0)
    KEEP (persistent_ns, now_ns + seconds * EW_NSEC_PER_SEC);
}

void
ew_timers_forget (EwTimers *timers)
{
  SET (retransmit_ns, EW_TIME_OFF);
  SET (keepalive_ns, EW_TIME_OFF);
  SET (new_handshake_ns, EW_TIME_OFF);
  SET (zero_keys_ns, EW_TIME_OFF);
  SET (last_initiation_ns, EW_TIME_OFF);
  SET (renewed_receiving, false);
  timers->attempts = 0;
}

void
ew_timers_init (EwTimers *timers)
{
  SET (persistent_seconds, 0);
  SET (persistent_ns, EW_TIME_OFF);
  ew_timers_forget (timers);
}

void
ew_timers_set_persistent (EwTimers *timers, uint16_t seconds, uint64_t now_ns)
{
  SET (persistent_seconds, seconds);
  SET (persistent_ns, EW_TIME_OFF);
  persistent_again (timers, now_ns);
}

void
ew_timers_data_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns)
{
  if (GET (new_handshake_ns) == EW_TIME_OFF) /* from the first unanswered packet on */
    START (new_handshake_ns, now_ns + EW_NEW_HANDSHAKE_TIMEOUT + jitter_ns);
}

void
ew_timers_data_received (EwTimers *timers, uint64_t now_ns)
{
  if (GET (keepalive_ns) == EW_TIME_OFF) /* one answers everything that came until it is sent */
    START (keepalive_ns, now_ns + EW_KEEPALIVE_TIMEOUT);
}

void
ew_timers_authenticated_sent (EwTimers *timers, uint64_t now_ns)
{
  KEEP (keepalive_ns, EW_TIME_OFF);
  persistent_again (timers, now_ns);
}

void
ew_timers_authenticated_received (EwTimers *timers, uint64_t now_ns)
{
  KEEP (new_handshake_ns, EW_TIME_OFF);
  persistent_again (timers, now_ns);
}

void
ew_timers_initiation_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns)
{
  SET (last_initiation_ns, now_ns);
  SET (retransmit_ns, now_ns + EW_REKEY_TIMEOUT + jitter_ns);
  ew_timers_authenticated_sent (timers, now_ns);
}

void
ew_timers_call_sent (EwTimers *timers, uint64_t now_ns)
{
  if (GET (zero_keys_ns) == EW_TIME_OFF)
    SET (zero_keys_ns, now_ns + EW_ZERO_KEYS_TIME);
}

bool
ew_timers_is_initiating (const EwTimers *timers, uint64_t now_ns)
{
  return GET (retransmit_ns) != EW_TIME_OFF && !ew_time_passed (GET (last_initiation_ns), EW_RESPONSE_TIME, now_ns);
}

void
ew_timers_response_sent (EwTimers *timers, uint64_t now_ns)
{
  SET (last_initiation_ns, now_ns);
  ew_timers_authenticated_sent (timers, now_ns);
}

void
ew_timers_session_derived (EwTimers *timers, uint64_t now_ns)
{
  SET (zero_keys_ns, now_ns + EW_ZERO_KEYS_TIME);
}

void
ew_timers_handshake_complete (EwTimers *timers)
{
  SET (retransmit_ns, EW_TIME_OFF);
  timers->attempts = 0;
  SET (renewed_receiving, false);
}

bool
ew_timers_may_initiate (const EwTimers *timers, uint64_t now_ns)
{
  return ew_time_passed (GET (last_initiation_ns), EW_REKEY_TIMEOUT, now_ns);
}

void
ew_timers_handshake_wanted (EwTimers *timers, bool force)
{
  timers->attempts = 0;
  if (force)
    SET (last_initiation_ns, EW_TIME_OFF);
}

bool
ew_timers_hurry (EwTimers *timers, uint64_t now_ns)
{
  if (ew_time_passed (GET (last_initiation_ns), EW_HURRIED_INTERVAL, now_ns))
    {
      ew_timers_handshake_wanted (timers, true);
      return true;
    }
  timers->attempts = 0;
  if (GET (retransmit_ns) > GET (last_initiation_ns) + EW_HURRIED_INTERVAL)
    SET (retransmit_ns, GET (last_initiation_ns) + EW_HURRIED_INTERVAL);
  return false;
}

bool
ew_timers_session_valid (uint64_t created_ns, uint64_t counter, uint64_t now_ns)
{
  return counter < EW_REJECT_AFTER_MESSAGES && !ew_time_passed (created_ns, EW_REJECT_AFTER_TIME, now_ns);
}

bool
ew_timers_should_renew_sending (uint64_t created_ns, uint64_t counter, bool is_initiator, uint64_t now_ns)
{
  return counter > EW_REKEY_AFTER_MESSAGES
         || (is_initiator && ew_time_passed (created_ns, EW_REKEY_AFTER_TIME, now_ns));
}

bool
ew_timers_should_renew_receiving (EwTimers *timers, uint64_t created_ns, bool is_initiator, uint64_t now_ns)
{
  if (GET (renewed_receiving) || !is_initiator || !ew_time_passed (created_ns, EW_REKEY_AFTER_TIME_RECEIVING, now_ns))
    return false;
  SET (renewed_receiving, true);
  return true;
}

uint64_t
ew_timers_deadline (const EwTimers *timers)
{
  const uint64_t all[] = { atomic_load (&timers->retransmit_ns), atomic_load (&timers->keepalive_ns),
                           atomic_load (&timers->new_handshake_ns), atomic_load (&timers->persistent_ns),
                           atomic_load (&timers->zero_keys_ns) };
  uint64_t first = EW_TIME_OFF;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] < first)
      first = all[i];
  return first;
}

/* True once when it is due. */
static bool
fires (_Atomic uint64_t *timer, uint64_t now_ns)
{
  uint64_t due = atomic_load_explicit (timer, memory_order_relaxed);
  /* A lane may have stopped or restarted it just now. */
  return due != EW_TIME_OFF && due <= now_ns
         && atomic_compare_exchange_strong_explicit (timer, &due, EW_TIME_OFF, memory_order_relaxed,
                                                     memory_order_relaxed);
}

static unsigned
retry_or_give_up (EwTimers *timers, uint64_t now_ns)
{
  if (++timers->attempts < EW_HANDSHAKE_ATTEMPTS_MAX)
    {
      SET (last_initiation_ns, EW_TIME_OFF); /* the timer was its rest, an early one as well */
      return EW_ACTION_RETRY_HANDSHAKE;
    }
  timers->attempts = 0;
  SET (keepalive_ns, EW_TIME_OFF);
  if (GET (zero_keys_ns) == EW_TIME_OFF) /* the half-made handshake has secrets too */
    SET (zero_keys_ns, now_ns + EW_ZERO_KEYS_TIME);
  return EW_ACTION_GIVE_UP;
}

unsigned
ew_timers_tick (EwTimers *timers, uint64_t now_ns)
{
  unsigned actions = 0;
  if (fires (&timers->zero_keys_ns, now_ns))
    actions |= EW_ACTION_ZERO_KEYS;
  if (fires (&timers->retransmit_ns, now_ns))
    actions |= retry_or_give_up (timers, now_ns);
  if (fires (&timers->new_handshake_ns, now_ns))
    actions |= EW_ACTION_NEW_HANDSHAKE;
  if (fires (&timers->keepalive_ns, now_ns))
    actions |= EW_ACTION_KEEPALIVE;
  if (fires (&timers->persistent_ns, now_ns))
    {
      actions |= EW_ACTION_KEEPALIVE;
      persistent_again (timers, now_ns);
    }
  return actions;
}
