/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When a queue that holds much, on average, has to say so. CoDel (codel.h) looks for a queue that is never short. Where
 * sender, edge and receiver share a few cores, each of them empties its queue in its turn, and megabytes go round from
 * one queue to the next: none stays, all together are most of the round trip. What lies in a queue on average is the
 * bytes that left in a span, each times its wait, over that span (Little's law), so nothing has to be asked of the
 * kernel. Measured in bytes, a computer that only reads late isn't taken for one that is sent too much. Pure; the clock
 * is handed in.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_BACKLOG_MAX (256 * 1024) /* bytes: half as much costs a tenth of the throughput (tests/bench tunnel) */

typedef struct
{
  guint64 since_ns; /* the span's begin */
  gdouble byte_ns;  /* what left since then, times its wait */
  gboolean above;   /* it held more than EW_BACKLOG_MAX in the span before */
  guint64 next_ns;
  guint count; /* signals since it has */
} EwBacklog;   /* zeroed: of an empty queue */

/* Called for what leaves, with the time that it waited. TRUE: one packet of it is to be marked, or dropped. */
gboolean ew_backlog_signals (EwBacklog *self, gsize bytes, guint64 age_ns, guint64 now_ns);

G_END_DECLS
