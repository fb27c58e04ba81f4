/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/path-mtu.h"

#define NOTHING_FAILS G_MAXUINT16

static void
add_probe (EwPathProbes *out, guint16 size, guint16 answer)
{
  if (out->n < EW_PATH_PROBES_MAX)
    out->probes[out->n++] = (EwPathProbe){ size, answer };
}

/* One way's search. */

static gboolean
is_found (const EwPathSearch *way, guint16 top)
{
  if (way->fits >= top)
    return TRUE;
  return way->fails <= top && (way->fits / EW_PATH_STEP + 1) * EW_PATH_STEP >= way->fails;
}

/* The largest that is out and may still arrive; 0: none. */
static guint16
largest_out (const EwPathSearch *way)
{
  guint16 largest = 0;
  for (guint i = 0; i < way->n; i++)
    if (way->sizes[i] > way->fits)
      largest = MAX (largest, way->sizes[i]);
  return largest;
}

static void
add_size (EwPathSearch *way, guint16 size)
{
  for (guint i = 0; i < way->n; i++)
    if (way->sizes[i] == size)
      return;
  way->sizes[way->n++] = size;
}

/* The sizes to try next: evenly between what passed and what failed. */
static void
choose_sizes (EwPathSearch *way, guint16 top)
{
  way->n = 0;
  if (is_found (way, top))
    return;
  if (way->fails > top)
    {
      add_size (way, top);
      return;
    }
  const guint first = way->fits / EW_PATH_STEP + 1, last = (way->fails - 1u) / EW_PATH_STEP;
  const guint n = last - first + 1;
  for (guint i = 1; i <= EW_PATH_SPREAD; i++)
    {
      const guint at = n <= EW_PATH_SPREAD ? i - 1 : n * i / (EW_PATH_SPREAD + 1);
      if (at < n)
        add_size (way, (guint16)((first + at) * EW_PATH_STEP));
    }
}

/* What has had no answer fails, and all that is larger. */
static void
give_up (EwPathSearch *way)
{
  for (guint i = 0; i < way->n; i++)
    if (way->sizes[i] > way->fits)
      way->fails = MIN (way->fails, way->sizes[i]);
  way->n = 0;
}

static void
note_passed (EwPathSearch *way, guint16 size)
{
  way->fits = MAX (way->fits, size);
  if (way->fits >= way->fails)
    way->fails = NOTHING_FAILS; /* it was late or lost, not too large */
}

/* Both ways. */

static void
send_sizes (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  self->sent = now;
  self->tries++;
  for (guint i = 0; i < EW_PATH_SPREAD; i++)
    for (guint w = 0; w < EW_PATH_WAYS; w++)
      {
        const EwPathSearch *way = &self->ways[w];
        if (i < way->n && way->sizes[i] > way->fits)
          add_probe (out, w == EW_PATH_UP ? way->sizes[i] : 0, w == EW_PATH_DOWN ? way->sizes[i] : 0);
      }
}

static void
send_check (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  self->state = EW_PATH_CHECKING;
  self->sent = self->checked = now;
  self->tries++;
  add_probe (out, self->known[EW_PATH_UP], self->known[EW_PATH_DOWN]);
}

static void
begin_check (EwPathMtu *self, gboolean telling, gint64 now, EwPathProbes *out)
{
  self->tries = 0;
  self->telling = telling;
  send_check (self, now, out);
}

static gboolean
is_measured (const EwPathMtu *self)
{
  return self->known[EW_PATH_UP] != 0 && self->known[EW_PATH_DOWN] != 0;
}

static void
settle (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  self->state = EW_PATH_SETTLED;
  self->settled = now;
  if (self->ways[EW_PATH_UP].fits == 0 || self->ways[EW_PATH_DOWN].fits == 0)
    return; /* nothing was learnt */
  for (guint w = 0; w < EW_PATH_WAYS; w++)
    self->known[w] = MIN (self->ways[w].fits, self->top);
  begin_check (self, TRUE, now, out);
}

static void
next_round (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  gboolean found = TRUE;
  for (guint w = 0; w < EW_PATH_WAYS; w++)
    {
      choose_sizes (&self->ways[w], self->top);
      found = found && self->ways[w].n == 0;
    }
  if (found || ++self->rounds > EW_PATH_ROUNDS)
    {
      settle (self, now, out);
      return;
    }
  self->tries = 0;
  send_sizes (self, now, out);
}

/* While the search goes on: what's known to be too large isn't sent any more. */
static void
narrow (EwPathMtu *self)
{
  for (guint w = 0; w < EW_PATH_WAYS; w++)
    {
      const EwPathSearch *way = &self->ways[w];
      if (way->fits != 0 && way->fails <= self->top && (self->known[w] == 0 || self->known[w] >= way->fails))
        self->known[w] = way->fits;
    }
}

static gboolean
round_is_over (const EwPathMtu *self)
{
  return largest_out (&self->ways[EW_PATH_UP]) == 0 && largest_out (&self->ways[EW_PATH_DOWN]) == 0;
}

static void
begin_search (EwPathMtu *self, const guint16 remembered[EW_PATH_WAYS], gint64 now, EwPathProbes *out)
{
  self->state = EW_PATH_SEARCHING;
  self->generation++;
  self->rounds = self->tries = 0;
  for (guint w = 0; w < EW_PATH_WAYS; w++)
    {
      EwPathSearch *way = &self->ways[w];
      const guint16 before = remembered[w] != 0 ? MIN (remembered[w], self->top) : 0;
      *way = (EwPathSearch){ .fails = NOTHING_FAILS };
      add_size (way, self->top);
      if (before != 0 && before < self->top)
        add_size (way, before);
      else if (self->top > 1280) /* what IPv6 demands of each path */
        add_size (way, 1280);
      add_size (way, MIN (EW_PATH_FLOOR, self->top));
      self->known[w] = before;
    }
  send_sizes (self, now, out);
}

void
ew_path_mtu_begin (EwPathMtu *self, guint16 top, const guint16 remembered[EW_PATH_WAYS], gint64 now, EwPathProbes *out)
{
  self->top = top;
  self->late = 0;
  self->round_trip = 0;
  begin_search (self, remembered, now, out);
}

/* What is known stays until the search says otherwise. */
static void
search_again (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  const guint16 known[EW_PATH_WAYS] = { self->known[EW_PATH_UP], self->known[EW_PATH_DOWN] };
  begin_search (self, known, now, out);
}

void
ew_path_mtu_stop (EwPathMtu *self, gboolean forget)
{
  self->state = EW_PATH_OFF;
  self->generation++;
  if (forget)
    self->known[EW_PATH_UP] = self->known[EW_PATH_DOWN] = 0;
}

void
ew_path_mtu_answered (EwPathMtu *self, guint32 generation, guint16 size, guint16 answer, gint64 now, EwPathProbes *out)
{
  const guint16 passed[EW_PATH_WAYS] = { size, answer };
  if (self->state == EW_PATH_OFF || generation != self->generation)
    return;
  if (self->state == EW_PATH_SEARCHING)
    {
      self->round_trip = MAX (self->round_trip, now - self->sent);
      for (guint w = 0; w < EW_PATH_WAYS; w++)
        note_passed (&self->ways[w], passed[w]);
      if (round_is_over (self))
        next_round (self, now, out);
      return;
    }
  if (self->state == EW_PATH_CHECKING && size >= self->known[EW_PATH_UP] && answer >= self->known[EW_PATH_DOWN])
    self->state = EW_PATH_SETTLED;
  if ((size > self->known[EW_PATH_UP] || answer > self->known[EW_PATH_DOWN]) && self->late < EW_PATH_LATE)
    {
      self->late++; /* it had been given up */
      search_again (self, now, out);
    }
}

void
ew_path_mtu_busy (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  if (self->state != EW_PATH_SETTLED)
    return;
  const gboolean whole = self->known[EW_PATH_UP] >= self->top && self->known[EW_PATH_DOWN] >= self->top;
  if (!whole && now - self->settled >= EW_PATH_RAISE)
    {
      self->late = 0;
      search_again (self, now, out);
    }
  else if (is_measured (self) && now - self->checked >= EW_PATH_CHECK_EVERY)
    begin_check (self, FALSE, now, out);
}

gint64
ew_path_mtu_deadline (const EwPathMtu *self)
{
  if (self->state == EW_PATH_CHECKING)
    return self->sent + EW_PATH_CHECK_WAIT;
  if (self->state != EW_PATH_SEARCHING)
    return G_MAXINT64;
  const gint64 known = self->round_trip != 0 ? 2 * self->round_trip + EW_PATH_MARGIN : EW_PATH_WAIT;
  return self->sent + MIN (known, EW_PATH_WAIT);
}

void
ew_path_mtu_tick (EwPathMtu *self, gint64 now, EwPathProbes *out)
{
  if (now < ew_path_mtu_deadline (self))
    return;
  if (self->state == EW_PATH_CHECKING)
    {
      if (self->tries < EW_PATH_CHECK_TRIES)
        send_check (self, now, out);
      else if (self->telling)
        self->state = EW_PATH_SETTLED;
      else
        search_again (self, now, out);
      return;
    }
  if (self->tries < EW_PATH_TRIES)
    {
      send_sizes (self, now, out);
      return;
    }
  for (guint w = 0; w < EW_PATH_WAYS; w++)
    give_up (&self->ways[w]);
  if (self->ways[EW_PATH_UP].fits == 0 || self->ways[EW_PATH_DOWN].fits == 0)
    {
      settle (self, now, out);
      return;
    }
  narrow (self);
  next_round (self, now, out);
}

guint16
ew_path_mtu_get (const EwPathMtu *self, EwPathWay way)
{
  return self->known[way];
}
