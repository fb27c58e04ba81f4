/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the engine's workers into a stream's queue, and from there into its socket.
 */
#include "stream/streams-private.h"

#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#define RECORD_SIZE (16 * 1024) /* RFC 8446 section 5.1: the most that one TLS record holds */
#define OUT_SIZE (EW_CAPSULE_HEAD_MAX + EW_CAPSULE_PAYLOAD_MAX)
#define WRITES_AT_ONCE 32 /* then the others get their turn */
#define STALLED_NS (G_GUINT64_CONSTANT (50000000))

/* The workers'. */

/* Only while the stream moves: what it doesn't take within its queue's age is lost anyway. */
static void
wait_for_room (EwStreamThread *self, guint64 id, gsize length)
{
  struct timespec until;
  EwStream *stream;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += (long)self->config.full_wait_ms * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  while ((stream = g_hash_table_lookup (self->streams, &id)) && ew_stream_queue_is_full (&stream->queue, length)
         && ew_stream_now_ns () - stream->written_ns < STALLED_NS)
    {
      ew_stream_mark_ready (self, stream);
      if (pthread_cond_timedwait (&self->drained, &self->lock, &until) != 0)
        return;
    }
}

static void
queue_burst (EwStreamThread *self, const EwBurst *burst, EwUdpSendStats *stats)
{
  const guint64 now = ew_stream_now_ns ();
  EwBurstCursor cursor = { 0 };
  EwStream *stream = g_hash_table_lookup (self->streams, &burst->to.id);

  if (stream == NULL || stream->condemned)
    {
      stats->failed += burst->n;
      return;
    }
  const guint64 dropped = stream->queue.dropped;
  if (ew_stream_queue_is_empty (&stream->queue))
    stream->written_ns = now;
  while (ew_burst_next (burst, &cursor))
    ew_stream_queue_push (&stream->queue, cursor.data, cursor.len, burst->sparse, now);
  stats->full += stream->queue.dropped - dropped;
  stats->sent += burst->n;
  if (burst->peer != NULL)
    stream->proved_ns = now;
  ew_stream_mark_ready (self, stream);
}

void
ew_stream_send (EwStreams *streams, const EwBurst *burst, EwUdpSendStats *stats)
{
  EwStreamThread *self = (EwStreamThread *)streams;

  pthread_mutex_lock (&self->lock);
  if (self->config.full_wait_ms > 0 && !burst->sparse)
    wait_for_room (self, burst->to.id, burst->len);
  queue_burst (self, burst, stats);
  pthread_mutex_unlock (&self->lock);
}

/* The thread's. */

static void
ask_for_out (EwStreamThread *self, EwStream *stream, gboolean wanted)
{
  struct epoll_event event = { .events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.u64 = stream->id };

  if (stream->wants_out == wanted)
    return;
  stream->wants_out = wanted;
  epoll_ctl (self->epoll, EPOLL_CTL_MOD, stream->fd, &event);
}

/* FALSE: nothing waits. */
static gboolean
pack (EwStreamThread *self, EwStream *stream)
{
  const guint64 now = ew_stream_now_ns ();

  pthread_mutex_lock (&self->lock);
  stream->out_length = ew_stream_queue_pack (&stream->queue, stream->out, RECORD_SIZE, now);
  if (stream->out_length == 0 && !ew_stream_queue_is_empty (&stream->queue)) /* one that is larger than a record */
    stream->out_length = ew_stream_queue_pack (&stream->queue, stream->out, OUT_SIZE, now);
  stream->written_ns = now;
  pthread_cond_broadcast (&self->drained);
  pthread_mutex_unlock (&self->lock);
  stream->out_written = 0;
  return stream->out_length > 0;
}

static gboolean
has_waiting (EwStreamThread *self, const EwStream *stream)
{
  pthread_mutex_lock (&self->lock);
  const gboolean waiting = !ew_stream_queue_is_empty (&stream->queue);
  pthread_mutex_unlock (&self->lock);
  return waiting;
}

/* Behind TCP_NOTSENT_LOWAT: the kernel has sent nearly all that it was given. */
static gboolean
is_writable (const EwStream *stream)
{
  struct pollfd out = { .fd = stream->fd, .events = POLLOUT };

  return poll (&out, 1, 0) > 0;
}

gboolean
ew_stream_flush (EwStreamThread *self, EwStream *stream)
{
  GPollableOutputStream *out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream->stream));

  if (stream->out == NULL)
    stream->out = g_malloc (OUT_SIZE);
  for (guint i = 0; i < WRITES_AT_ONCE; i++)
    {
      g_autoptr (GError) error = NULL;
      const gboolean packed = stream->out_written < stream->out_length;
      if (!packed && !has_waiting (self, stream))
        {
          ask_for_out (self, stream, FALSE);
          return TRUE;
        }
      if (!is_writable (stream))
        break;
      if (!packed && !pack (self, stream))
        continue;
      gssize written = g_pollable_output_stream_write_nonblocking (
        out, stream->out + stream->out_written, stream->out_length - stream->out_written, NULL, &error);
      if (written > 0)
        stream->out_written += (gsize)written;
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;
      else
        {
          ew_stream_end (self, stream, "it can't be written to any more");
          return FALSE;
        }
    }
  ask_for_out (self, stream, TRUE);
  return TRUE;
}
