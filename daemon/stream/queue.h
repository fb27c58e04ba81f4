/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams that wait to be written into a stream: few, and none for long. A stream delivers in order, so whatever is
 * lost on the way holds up all that follows; what waits here until then is dropped from the front, as a router's queue
 * would do it: what is too old at once, and one after the other, ever more often, while the queue stays long (engine/codel.h).
 * So the flows inside slow down instead of filling it. Pure; the clock is handed in.
 */
#pragma once

#include <glib.h>
#include "engine/codel.h"

G_BEGIN_DECLS

#define EW_STREAM_QUEUE_BYTES (512 * 1024)                      /* of datagrams with what is kept of each */
#define EW_STREAM_QUEUE_AGE_NS (G_GUINT64_CONSTANT (100000000)) /* older ones are dropped */

typedef struct
{
  guint8 *ring; /* a power of two of bytes; NULL: nothing has waited yet */
  gsize size;
  gsize head, used; /* bytes */
  guint n;          /* datagrams */
  guint64 dropped;  /* … that never left */
  EwCodel codel;
} EwStreamQueue; /* zeroed: empty */

void ew_stream_queue_clear (EwStreamQueue *self);
/* Drops the oldest where there is no room. */
void ew_stream_queue_push (EwStreamQueue *self, const guint8 *data, gsize length, guint64 now_ns);
/* Whether that many bytes more would push out what waits. */
gboolean ew_stream_queue_is_full (const EwStreamQueue *self, gsize length);
/* Fills out with whole capsules, the oldest datagrams first, and returns their bytes; what is too old is dropped.
   capacity: room for the largest, EW_CAPSULE_HEAD_MAX + EW_CAPSULE_PAYLOAD_MAX, if any is to fit. */
gsize ew_stream_queue_pack (EwStreamQueue *self, guint8 *out, gsize capacity, guint64 now_ns);

G_END_DECLS
