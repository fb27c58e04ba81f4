/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/queue.h"
#include "capsule/capsule.h"

#include <string.h>

#define FIRST_SIZE (16 * 1024)

/* More patience than a router's: a path's own loss holds up a stream for a round trip. */
static const EwCodelLimits limits = { .target_ns = 20000000, .interval_ns = 100000000 };

/* Before each datagram in the ring. */
typedef struct
{
  guint64 pushed_ns;
  guint32 length;
} Record;

static void
copy_in (EwStreamQueue *self, gsize at, gconstpointer data, gsize length)
{
  const gsize first = MIN (length, self->size - at % self->size);

  memcpy (self->ring + at % self->size, data, first);
  memcpy (self->ring, (const guint8 *)data + first, length - first);
}

static void
copy_out (const EwStreamQueue *self, gsize at, gpointer data, gsize length)
{
  const gsize first = MIN (length, self->size - at % self->size);

  memcpy (data, self->ring + at % self->size, first);
  memcpy ((guint8 *)data + first, self->ring, length - first);
}

static void
grow (EwStreamQueue *self, gsize needed)
{
  gsize size = MAX (self->size, FIRST_SIZE);

  while (size < self->used + needed && size < EW_STREAM_QUEUE_BYTES)
    size *= 2;
  if (size == self->size)
    return;
  guint8 *ring = g_malloc (size);
  if (self->used > 0)
    copy_out (self, self->head, ring, self->used);
  g_free (self->ring);
  self->ring = ring;
  self->size = size;
  self->head = 0;
}

static Record
first_record (const EwStreamQueue *self)
{
  Record record;

  copy_out (self, self->head, &record, sizeof record);
  return record;
}

static void
remove_first (EwStreamQueue *self, gsize length)
{
  self->head = (self->head + sizeof (Record) + length) % self->size;
  self->used -= sizeof (Record) + length;
  self->n--;
}

gboolean
ew_stream_queue_is_full (const EwStreamQueue *self, gsize length)
{
  return self->used + sizeof (Record) + length > EW_STREAM_QUEUE_BYTES;
}

void
ew_stream_queue_push (EwStreamQueue *self, const guint8 *data, gsize length, guint64 now_ns)
{
  const Record record = { now_ns, (guint32)length };

  g_assert (length <= EW_CAPSULE_PAYLOAD_MAX);
  grow (self, sizeof record + length);
  while (ew_stream_queue_is_full (self, length))
    {
      remove_first (self, first_record (self).length);
      self->dropped++;
    }
  copy_in (self, self->head + self->used, &record, sizeof record);
  copy_in (self, self->head + self->used + sizeof record, data, length);
  self->used += sizeof record + length;
  self->n++;
}

gsize
ew_stream_queue_pack (EwStreamQueue *self, guint8 *out, gsize capacity, guint64 now_ns)
{
  gsize filled = 0;

  while (self->n > 0)
    {
      const Record record = first_record (self);
      const guint64 age_ns = now_ns > record.pushed_ns ? now_ns - record.pushed_ns : 0;
      if (age_ns > EW_STREAM_QUEUE_AGE_NS || ew_codel_signals (&self->codel, &limits, age_ns, now_ns))
        {
          remove_first (self, record.length);
          self->dropped++;
          continue;
        }
      if (filled + ew_capsule_head_size (record.length) + record.length > capacity)
        break;
      filled += ew_capsule_write_head (out + filled, record.length);
      copy_out (self, self->head + sizeof record, out + filled, record.length);
      filled += record.length;
      remove_first (self, record.length);
    }
  return filled;
}

void
ew_stream_queue_clear (EwStreamQueue *self)
{
  g_clear_pointer (&self->ring, g_free);
  *self = (EwStreamQueue){ 0 };
}
