/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/liveness.h"

static gboolean
is_busy (const EwLiveness *self, gint64 now)
{
  return now < self->busy_until;
}

static gint64
quiet_probe (const EwLiveness *self, gint64 now)
{
  return self->nat_probe && now < self->nat_until ? self->nat_probe : EW_LIVENESS_QUIET_PROBE;
}

static gint64
quiet_lost (const EwLiveness *self, gint64 now)
{
  return quiet_probe (self, now) + EW_LIVENESS_QUIET_LOST - EW_LIVENESS_QUIET_PROBE;
}

/* When the edge counts as lost unless it answers. A slow path is given a retry's time after the probe. */
static gint64
lost_at (const EwLiveness *self, gint64 now)
{
  gint64 limit = self->answered + (is_busy (self, now) ? EW_LIVENESS_BUSY_LOST : quiet_lost (self, now));
  return self->silent_since ? MAX (limit, self->silent_since + 2 * EW_LIVENESS_RETRY) : limit;
}

static gint64
next_probe_at (const EwLiveness *self, gint64 now)
{
  if (!self->silent_since)
    return self->answered + (is_busy (self, now) ? EW_LIVENESS_BUSY_PROBE : quiet_probe (self, now));
  gboolean slow
    = self->state != EW_LINK_CONNECTED && !is_busy (self, now) && self->probed - self->silent_since >= EW_LIVENESS_LONG;
  return self->probed + (slow ? EW_LIVENESS_SLOW_RETRY : EW_LIVENESS_RETRY);
}

static guint
probe (EwLiveness *self, gint64 now)
{
  if (!self->silent_since)
    self->silent_since = now;
  self->probed = now;
  return EW_DO_PROBE;
}

guint
ew_liveness_start (EwLiveness *self, gint64 now)
{
  *self = (EwLiveness){ .state = EW_LINK_CONNECTING, .endpoint_since = now };
  return EW_DO_INITIATE | probe (self, now) | EW_DO_SHOW;
}

/* The edge has been silent: what to try besides another probe. */
static guint
try_harder (EwLiveness *self, gint64 now)
{
  guint actions = 0;
  if (now - self->endpoint_since >= EW_LIVENESS_NEXT_ENDPOINT)
    {
      self->endpoint_since = now;
      actions |= EW_DO_NEXT_ENDPOINT | EW_DO_INITIATE;
    }
  gint64 since = self->investigated ? now - self->investigated : now - self->silent_since;
  if (since >= (self->investigated ? EW_LIVENESS_INVESTIGATE_AGAIN : EW_LIVENESS_INVESTIGATE))
    {
      self->investigated = now;
      actions |= EW_DO_INVESTIGATE;
    }
  return actions;
}

static guint
tick (EwLiveness *self, gint64 now)
{
  guint actions = 0;
  if (self->state == EW_LINK_CONNECTED && now >= lost_at (self, now))
    {
      self->state = EW_LINK_RECONNECTING;
      self->endpoint_since = now;
      self->investigated = 0;
      actions |= EW_DO_INITIATE | EW_DO_SHOW | probe (self, now);
    }
  else if (now >= next_probe_at (self, now))
    actions |= probe (self, now);
  if (self->state != EW_LINK_CONNECTED)
    actions |= try_harder (self, now);
  return actions;
}

static guint
answered (EwLiveness *self, gint64 now)
{
  gboolean news = self->state != EW_LINK_CONNECTED;
  self->state = EW_LINK_CONNECTED;
  self->answered = now;
  self->silent_since = self->investigated = 0;
  return news ? EW_DO_SHOW : 0;
}

/* A NAT that forgets while traffic flows was restarted: that says nothing of quiet times. One that gives out another
   address however often it's asked has several, and more probes are of no use. */
static void
notice_nat (EwLiveness *self, gint64 now)
{
  const gint64 gap = now - self->answered, quiet = quiet_probe (self, now);
  if (self->state != EW_LINK_CONNECTED || gap < EW_LIVENESS_NAT_PROBE || self->nat_vain >= EW_LIVENESS_NAT_TRIES)
    return;
  if (quiet == EW_LIVENESS_NAT_PROBE)
    self->nat_vain++;
  self->nat_probe = self->nat_vain >= EW_LIVENESS_NAT_TRIES ? 0 : MAX (MIN (gap, quiet) / 2, EW_LIVENESS_NAT_PROBE);
  self->nat_for = self->nat_for ? MIN (2 * self->nat_for, EW_LIVENESS_NAT_LAST) : EW_LIVENESS_NAT_FIRST;
  self->nat_until = now + self->nat_for;
}

static guint
be_busy (EwLiveness *self, gint64 until, gint64 now)
{
  self->busy_until = MAX (self->busy_until, until);
  /* Quiet may have lasted long: ask before calling it lost. */
  if (self->state == EW_LINK_CONNECTED && !self->silent_since && now < next_probe_at (self, now))
    return 0;
  return self->silent_since ? tick (self, now) : probe (self, now);
}

guint
ew_liveness_event (EwLiveness *self, EwLivenessEvent event, gint64 now)
{
  switch (event)
    {
    case EW_LIVENESS_ANSWER:
      return answered (self, now);
    case EW_LIVENESS_MOVED:
      notice_nat (self, now);
      return 0;
    case EW_LIVENESS_DOUBT:
      return be_busy (self, now + EW_LIVENESS_DOUBT_FOR, now);
    case EW_LIVENESS_BUSY:
      return be_busy (self, now + EW_LIVENESS_BUSY_FOR, now);
    case EW_LIVENESS_NETWORK:
      self->endpoint_since = now;
      self->investigated = 0;
      self->nat_probe = self->nat_for = 0;
      self->nat_vain = 0;
      self->busy_until = now + EW_LIVENESS_BUSY_FOR; /* no patience with a path that may be broken */
      if (self->state != EW_LINK_CONNECTED)
        self->silent_since = now; /* quick tries again */
      return EW_DO_REBIND | EW_DO_INITIATE | probe (self, now);
    case EW_LIVENESS_TICK:
    default:
      return tick (self, now);
    }
}

gint64
ew_liveness_deadline (const EwLiveness *self, gint64 now)
{
  gint64 next = next_probe_at (self, now);
  return self->state == EW_LINK_CONNECTED ? MIN (next, lost_at (self, now)) : next;
}
