/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/better.h"

static void
rest (EwBetter *self, gint64 pause, gint64 now)
{
  self->state = EW_BETTER_RESTING;
  self->since = now;
  self->due = now + pause;
}

void
ew_better_start (EwBetter *self, gint64 now)
{
  *self = (EwBetter){ 0 };
  rest (self, EW_BETTER_FIRST, now);
}

static void
note_round_trip (EwBetter *self, gint64 rtt)
{
  self->recent[self->n_recent++ % EW_BETTER_ROUNDS] = rtt;
}

/* The shortest of the latest; 0: there are too few to compare with. */
static gint64
shortest (const EwBetter *self)
{
  gint64 least = self->recent[0];
  for (guint i = 0; i < EW_BETTER_ROUNDS; i++)
    least = MIN (least, self->recent[i]);
  return least;
}

static gboolean
is_better (const EwBetter *self)
{
  const gint64 mine = shortest (self);
  return self->other + MAX (mine / EW_BETTER_SHARE, EW_BETTER_LEAST) < mine;
}

static EwBetterAction
decide (EwBetter *self, gint64 now)
{
  const gboolean better = is_better (self);
  rest (self, EW_BETTER_NEXT, now);
  if (!better)
    return EW_BETTER_LEAVE;
  for (guint i = 0; i < EW_BETTER_ROUNDS; i++)
    self->recent[i] = self->other;
  return EW_BETTER_KEEP;
}

EwBetterAction
ew_better_answered (EwBetter *self, gint64 sent, gint64 now)
{
  const gint64 rtt = MAX (now - sent, 1);
  if (self->state != EW_BETTER_MEASURING)
    note_round_trip (self, rtt);
  else if (sent >= self->since)
    {
      self->other = self->rounds == 0 ? rtt : MIN (self->other, rtt);
      return ++self->rounds < EW_BETTER_ROUNDS ? EW_BETTER_PROBE : decide (self, now);
    }
  if (self->state != EW_BETTER_RESTING || now < self->due)
    return EW_BETTER_NOTHING;
  if (shortest (self) == 0)
    return EW_BETTER_PROBE;
  self->state = EW_BETTER_CALLING;
  self->since = self->called = now;
  return EW_BETTER_CALL;
}

EwBetterAction
ew_better_moved (EwBetter *self, gint64 now)
{
  if (self->state == EW_BETTER_RESTING && self->called && now - self->called < EW_BETTER_LATE)
    return EW_BETTER_LEAVE;
  if (self->state != EW_BETTER_CALLING)
    return EW_BETTER_NOTHING;
  self->state = EW_BETTER_MEASURING;
  self->since = now;
  self->rounds = 0;
  return EW_BETTER_PROBE;
}

EwBetterAction
ew_better_tick (EwBetter *self, gint64 now)
{
  if (now < ew_better_deadline (self))
    return EW_BETTER_NOTHING;
  rest (self, EW_BETTER_NEXT, now);
  return EW_BETTER_LEAVE;
}

void
ew_better_skip (EwBetter *self, gint64 now)
{
  rest (self, EW_BETTER_AGAIN, now);
}

gint64
ew_better_deadline (const EwBetter *self)
{
  switch (self->state)
    {
    case EW_BETTER_CALLING:
      return self->since + MIN (2 * shortest (self) + EW_BETTER_CALL_PATIENCE, EW_BETTER_PATIENCE);
    case EW_BETTER_MEASURING:
      return self->since + EW_BETTER_PATIENCE;
    case EW_BETTER_RESTING:
    default:
      return G_MAXINT64;
    }
}
