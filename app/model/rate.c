/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rate.h"

#include <string.h>

void
ew_rate_add (EwRate *self, gint64 value, gint64 now_us)
{
  if (self->n > 0 && value < self->value[self->n - 1])
    self->n = 0;
  if (self->n > 0 && now_us - self->at_us[self->n - 1] < G_USEC_PER_SEC / 4) /* two messages of one moment */
    {
      self->value[self->n - 1] = value;
      return;
    }
  if (self->n == EW_RATE_READINGS)
    {
      self->n--;
      memmove (self->at_us, self->at_us + 1, self->n * sizeof self->at_us[0]);
      memmove (self->value, self->value + 1, self->n * sizeof self->value[0]);
    }
  self->at_us[self->n] = now_us;
  self->value[self->n] = value;
  self->n++;
}

gdouble
ew_rate_get (const EwRate *self, gint64 now_us)
{
  gint64 start = now_us - EW_RATE_WINDOW_US, from;
  guint base = 0;

  if (self->n < 2)
    return 0;
  while (base + 1 < self->n && self->at_us[base + 1] <= start)
    base++;
  /* An old reading stood until just before the one that follows: unchanged counters are not sent. */
  from = MAX (self->at_us[base], start);
  return (gdouble)(self->value[self->n - 1] - self->value[base]) * G_USEC_PER_SEC
         / (gdouble)MAX (now_us - from, G_USEC_PER_SEC);
}
