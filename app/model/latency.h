/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a round-trip time is rounded, in the app and in edgewayctl alike: two figures below 10 ms, whole milliseconds
 * from there. A path's time is the sum of the legs as they are shown, so that what is on one screen adds up.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many decimals ms is shown with: 2 below 1 ms, 1 below 10 ms, else 0. */
guint ew_latency_decimals (gdouble ms);
/* ms as it is shown, at least 0.01. Unknown (below 0, not a number, beyond a billion): -1. */
gdouble ew_latency_round (gdouble ms);
/* The time of a path of two legs, as it is shown. One of them is unknown: -1. */
gdouble ew_latency_sum (gdouble near_ms, gdouble far_ms);

G_END_DECLS
