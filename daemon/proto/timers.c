/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/timers.h"
#include "proto/bytes.h"

static void
persistent_again (EwTimers *timers, uint64_t now_ns)
{
  timers->persistent_ns
    = timers->persistent_seconds == 0 ? EW_TIME_OFF : now_ns + timers->persistent_seconds * EW_NSEC_PER_SEC;
}

void
ew_timers_forget (EwTimers *timers)
{
  timers->retransmit_ns = timers->keepalive_ns = timers->new_handshake_ns = timers->zero_keys_ns = EW_TIME_OFF;
  timers->last_initiation_ns = EW_TIME_OFF;
  timers->attempts = 0;
  timers->renewed_receiving = false;
}

void
ew_timers_init (EwTimers *timers)
{
  *timers = (EwTimers){ .persistent_ns = EW_TIME_OFF };
  ew_timers_forget (timers);
}

void
ew_timers_set_persistent (EwTimers *timers, uint16_t seconds, uint64_t now_ns)
{
  timers->persistent_seconds = seconds;
  persistent_again (timers, now_ns);
}

void
ew_timers_data_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns)
{
  if (timers->new_handshake_ns == EW_TIME_OFF) /* from the first unanswered packet on */
    timers->new_handshake_ns = now_ns + EW_NEW_HANDSHAKE_TIMEOUT + jitter_ns;
}

void
ew_timers_data_received (EwTimers *timers, uint64_t now_ns)
{
  if (timers->keepalive_ns == EW_TIME_OFF) /* one answers everything that came until it is sent */
    timers->keepalive_ns = now_ns + EW_KEEPALIVE_TIMEOUT;
}

void
ew_timers_authenticated_sent (EwTimers *timers, uint64_t now_ns)
{
  timers->keepalive_ns = EW_TIME_OFF;
  persistent_again (timers, now_ns);
}

void
ew_timers_authenticated_received (EwTimers *timers, uint64_t now_ns)
{
  timers->new_handshake_ns = EW_TIME_OFF;
  persistent_again (timers, now_ns);
}

void
ew_timers_initiation_sent (EwTimers *timers, uint64_t now_ns, uint64_t jitter_ns)
{
  timers->last_initiation_ns = now_ns;
  timers->retransmit_ns = now_ns + EW_REKEY_TIMEOUT + jitter_ns;
  ew_timers_authenticated_sent (timers, now_ns);
}

void
ew_timers_response_sent (EwTimers *timers, uint64_t now_ns)
{
  timers->last_initiation_ns = now_ns;
  ew_timers_authenticated_sent (timers, now_ns);
}

void
ew_timers_session_derived (EwTimers *timers, uint64_t now_ns)
{
  timers->zero_keys_ns = now_ns + EW_ZERO_KEYS_TIME;
}

void
ew_timers_handshake_complete (EwTimers *timers)
{
  timers->retransmit_ns = EW_TIME_OFF;
  timers->attempts = 0;
  timers->renewed_receiving = false;
}

bool
ew_timers_may_initiate (const EwTimers *timers, uint64_t now_ns)
{
  return ew_time_passed (timers->last_initiation_ns, EW_REKEY_TIMEOUT, now_ns);
}

void
ew_timers_handshake_wanted (EwTimers *timers, bool force)
{
  timers->attempts = 0;
  if (force)
    timers->last_initiation_ns = EW_TIME_OFF;
}

bool
ew_timers_hurry (EwTimers *timers, uint64_t now_ns)
{
  if (ew_time_passed (timers->last_initiation_ns, EW_HURRIED_INTERVAL, now_ns))
    {
      ew_timers_handshake_wanted (timers, true);
      return true;
    }
  timers->attempts = 0;
  if (timers->retransmit_ns > timers->last_initiation_ns + EW_HURRIED_INTERVAL)
    timers->retransmit_ns = timers->last_initiation_ns + EW_HURRIED_INTERVAL;
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
  if (timers->renewed_receiving || !is_initiator || !ew_time_passed (created_ns, EW_REKEY_AFTER_TIME_RECEIVING, now_ns))
    return false;
  timers->renewed_receiving = true;
  return true;
}

uint64_t
ew_timers_deadline (const EwTimers *timers)
{
  const uint64_t all[] = { timers->retransmit_ns, timers->keepalive_ns, timers->new_handshake_ns, timers->persistent_ns,
                           timers->zero_keys_ns };
  uint64_t first = EW_TIME_OFF;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] < first)
      first = all[i];
  return first;
}

/* True once when it is due. */
static bool
fires (uint64_t *timer, uint64_t now_ns)
{
  if (*timer == EW_TIME_OFF || *timer > now_ns)
    return false;
  *timer = EW_TIME_OFF;
  return true;
}

static unsigned
retry_or_give_up (EwTimers *timers, uint64_t now_ns)
{
  if (++timers->attempts < EW_HANDSHAKE_ATTEMPTS_MAX)
    {
      timers->last_initiation_ns = EW_TIME_OFF; /* the timer was its rest, an early one as well */
      return EW_ACTION_RETRY_HANDSHAKE;
    }
  timers->attempts = 0;
  timers->keepalive_ns = EW_TIME_OFF;
  if (timers->zero_keys_ns == EW_TIME_OFF) /* the half-made handshake has secrets too */
    timers->zero_keys_ns = now_ns + EW_ZERO_KEYS_TIME;
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
