/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/backlog.h"

#include <math.h>

#define SPAN_NS (G_GUINT64_CONSTANT (10000000))
#define SPANS_MAX 10 /* in which little leaves: after more, what is known is of another time */
#define INTERVAL_NS (G_GUINT64_CONSTANT (20000000)) /* to the second signal; shorter by a square root, as CoDel's */

static void
begin_span (EwBacklog *self, guint64 now_ns)
{
  const guint64 span_ns = now_ns - self->since_ns;
  const gboolean above = span_ns <= SPANS_MAX * SPAN_NS && self->byte_ns / (gdouble)span_ns > EW_BACKLOG_MAX;

  if (above && !self->above)
    {
      self->count = 0;
      self->next_ns = now_ns;
    }
  self->above = above;
  self->since_ns = now_ns;
  self->byte_ns = 0;
}

gboolean
ew_backlog_signals (EwBacklog *self, gsize bytes, guint64 age_ns, guint64 now_ns)
{
  if (now_ns - self->since_ns >= SPAN_NS)
    begin_span (self, now_ns);
  self->byte_ns += (gdouble)bytes * (gdouble)age_ns;
  if (!self->above || now_ns < self->next_ns)
    return FALSE;
  self->count++;
  self->next_ns = now_ns + (guint64)((gdouble)INTERVAL_NS / sqrt (self->count));
  return TRUE;
}
