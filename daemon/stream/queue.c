/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/queue.h"
#include "capsule/capsule.h"

#include <string.h>

#define FIRST_SIZE (16 * 1024)
#define SPARSE_MAX 4096 /* bytes: a larger datagram isn't of a flow that sends little */

/* More patience than a router's: a path's own loss holds up a stream for a round trip. */
static const EwCodelLimits limits = { .target_ns = 20000000, .interval_ns = 100000000 };

/* Before each datagram in the ring. */
typedef struct
{
  guint64 pushed_ns;
  guint32 length;
} Record;

/* Lines. */

static void
copy_in (EwStreamLine *line, gsize at, gconstpointer data, gsize length)
{
  const gsize first = MIN (length, line->size - at % line->size);

  memcpy (line->ring + at % line->size, data, first);
  memcpy (line->ring, (const guint8 *)data + first, length - first);
}

static void
copy_out (const EwStreamLine *line, gsize at, gpointer data, gsize length)
{
  const gsize first = MIN (length, line->size - at % line->size);

  memcpy (data, line->ring + at % line->size, first);
  memcpy ((guint8 *)data + first, line->ring, length - first);
}

static void
grow_line (EwStreamLine *line, gsize needed, gsize most)
{
  gsize size = MAX (line->size, FIRST_SIZE);

  while (size < line->used + needed && size < most)
    size *= 2;
  if (size == line->size)
    return;
  guint8 *ring = g_malloc (size);
  if (line->used > 0)
    copy_out (line, line->head, ring, line->used);
  g_free (line->ring);
  line->ring = ring;
  line->size = size;
  line->head = 0;
}

static Record
first_record (const EwStreamLine *line)
{
  Record record;

  copy_out (line, line->head, &record, sizeof record);
  return record;
}

static void
remove_first (EwStreamLine *line, gsize length)
{
  line->head = (line->head + sizeof (Record) + length) % line->size;
  line->used -= sizeof (Record) + length;
  line->n--;
}

/* Returns how many had to make room. */
static guint
push_line (EwStreamLine *line, const guint8 *data, gsize most, const Record *record)
{
  const gsize needed = sizeof *record + record->length;
  guint dropped = 0;

  grow_line (line, needed, most);
  for (; line->used + needed > most; dropped++)
    remove_first (line, first_record (line).length);
  copy_in (line, line->head + line->used, record, sizeof *record);
  copy_in (line, line->head + line->used + sizeof *record, data, record->length);
  line->used += needed;
  line->n++;
  return dropped;
}

/* The queue. */

gboolean
ew_stream_queue_is_empty (const EwStreamQueue *self)
{
  return self->sparse.n == 0 && self->bulk.n == 0;
}

gboolean
ew_stream_queue_is_full (const EwStreamQueue *self, gsize length)
{
  return self->bulk.used + sizeof (Record) + length > EW_STREAM_QUEUE_BYTES;
}

void
ew_stream_queue_push (EwStreamQueue *self, const guint8 *data, gsize length, gboolean sparse, guint64 now_ns)
{
  const Record record = { now_ns, (guint32)length };

  g_assert (length <= EW_CAPSULE_PAYLOAD_MAX);
  if (sparse && length <= SPARSE_MAX)
    self->dropped += push_line (&self->sparse, data, EW_STREAM_QUEUE_SPARSE_BYTES, &record);
  else
    self->dropped += push_line (&self->bulk, data, EW_STREAM_QUEUE_BYTES, &record);
}

/* codel: NULL: this line is short by what it takes in. */
static gsize
pack_line (EwStreamQueue *self, EwStreamLine *line, EwCodel *codel, guint8 *out, gsize capacity, guint64 now_ns)
{
  gsize filled = 0;

  while (line->n > 0)
    {
      const Record record = first_record (line);
      const guint64 age_ns = now_ns > record.pushed_ns ? now_ns - record.pushed_ns : 0;
      if (age_ns > EW_STREAM_QUEUE_AGE_NS || (codel != NULL && ew_codel_signals (codel, &limits, age_ns, now_ns)))
        {
          remove_first (line, record.length);
          self->dropped++;
          continue;
        }
      if (filled + ew_capsule_head_size (record.length) + record.length > capacity)
        break;
      filled += ew_capsule_write_head (out + filled, record.length);
      copy_out (line, line->head + sizeof record, out + filled, record.length);
      filled += record.length;
      remove_first (line, record.length);
    }
  return filled;
}

gsize
ew_stream_queue_pack (EwStreamQueue *self, guint8 *out, gsize capacity, guint64 now_ns)
{
  const gsize share = self->bulk.n > 0 ? capacity / 2 : capacity;
  const gsize filled = pack_line (self, &self->sparse, NULL, out, share, now_ns);

  return filled + pack_line (self, &self->bulk, &self->codel, out + filled, capacity - filled, now_ns);
}

void
ew_stream_queue_clear (EwStreamQueue *self)
{
  g_free (self->sparse.ring);
  g_free (self->bulk.ring);
  *self = (EwStreamQueue){ 0 };
}
