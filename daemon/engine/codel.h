/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When a queue that stays long has to say so (CoDel, RFC 8289): to one packet, then to more and more, until the flows in
 * it have slowed down. Short bursts pass. Pure; the clock is handed in.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 target_ns;   /* a packet that waited less shows that the queue is short */
  guint64 interval_ns; /* how long none may have */
} EwCodelLimits;

typedef struct
{
  guint64 above_since_ns; /* since then all that left was older than the target; 0: it wasn't */
  guint64 next_ns;
  guint count; /* signals since above_since_ns */
} EwCodel;     /* zeroed: of an empty queue */

/* Called for each packet that leaves, with the time that it waited. TRUE: this one is to be marked, or dropped. */
gboolean ew_codel_signals (EwCodel *self, const EwCodelLimits *limits, guint64 age_ns, guint64 now_ns);

G_END_DECLS
