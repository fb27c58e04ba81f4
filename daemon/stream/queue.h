/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams that wait to be written into a stream: few, and none for long. A stream delivers in order, so whatever is
 * lost on the way holds up all that follows; what waits here until then is dropped from the front, as a router's queue
 * would do it: what is too old at once, and one after the other, ever more often, while the queue stays long (engine/codel.h).
 * So the flows inside slow down instead of filling it. Those that send little (engine/sparse.h) don't wait behind them:
 *
 *   sparse ──── first, at most half of what is written at once where others wait ──┐
 *   bulk ───────────────────────────────────────────────────────────────────────────┴→ stream
 *
 * Pure; the clock is handed in.
 */
#pragma once

#include <glib.h>
#include "engine/codel.h"

G_BEGIN_DECLS

/* Of datagrams with what is kept of each; powers of two. */
#define EW_STREAM_QUEUE_BYTES (512 * 1024)
#define EW_STREAM_QUEUE_SPARSE_BYTES (64 * 1024)
#define EW_STREAM_QUEUE_AGE_NS (G_GUINT64_CONSTANT (100000000)) /* older ones are dropped */

typedef struct
{
  guint8 *ring; /* a power of two of bytes; NULL: nothing has waited yet */
  gsize size;
  gsize head, used; /* bytes */
  guint n;          /* datagrams */
} EwStreamLine;

typedef struct
{
  EwStreamLine sparse, bulk;
  guint64 dropped; /* datagrams that never left */
  EwCodel codel;   /* of the bulk */
} EwStreamQueue;   /* zeroed: empty */

void ew_stream_queue_clear (EwStreamQueue *self);
/* Drops the oldest of its line where there is no room. */
void ew_stream_queue_push (EwStreamQueue *self, const guint8 *data, gsize length, gboolean sparse, guint64 now_ns);
gboolean ew_stream_queue_is_empty (const EwStreamQueue *self);
/* Whether that many bytes more of bulk would push out what waits. */
gboolean ew_stream_queue_is_full (const EwStreamQueue *self, gsize length);
/* Fills out with whole capsules, the oldest datagrams of each line first, and returns their bytes; what is too old is
   dropped. capacity: room for the largest, EW_CAPSULE_HEAD_MAX + EW_CAPSULE_PAYLOAD_MAX, if any is to fit. */
gsize ew_stream_queue_pack (EwStreamQueue *self, guint8 *out, gsize capacity, guint64 now_ns);

G_END_DECLS
