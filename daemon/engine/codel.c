/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/codel.h"

#include <math.h>

gboolean
ew_codel_signals (EwCodel *self, const EwCodelLimits *limits, guint64 age_ns, guint64 now_ns)
{
  if (age_ns < limits->target_ns)
    {
      self->above_since_ns = 0;
      return FALSE;
    }
  if (self->above_since_ns == 0)
    {
      self->above_since_ns = now_ns;
      self->next_ns = now_ns + limits->interval_ns;
      self->count = 0;
    }
  if (now_ns < self->next_ns)
    return FALSE;
  self->count++;
  self->next_ns = now_ns + (guint64)((gdouble)limits->interval_ns / sqrt (self->count));
  return TRUE;
}
