/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A counter's rate as the mean of the last 5 s, from readings that come once a second and only while they change.
 * Pure: the time is handed in.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_RATE_WINDOW_US (5 * G_USEC_PER_SEC)
#define EW_RATE_READINGS 8 /* one a second, and some that came early */

typedef struct
{
  gint64 at_us[EW_RATE_READINGS]; /* oldest first; monotonic */
  gint64 value[EW_RATE_READINGS];
  guint n;
} EwRate; /* zeroed: nothing known */

/* A value smaller than the one before is another counter: readings start again. */
void ew_rate_add (EwRate *self, gint64 value, gint64 now_us);
/* Units a second; 0 while fewer than two readings are known or nothing came for 5 s. */
gdouble ew_rate_get (const EwRate *self, gint64 now_us);

G_END_DECLS
