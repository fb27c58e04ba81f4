/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a stream's socket to the engine: TLS is opened, the bytes are cut into datagrams.
 */
#include "stream/streams-private.h"

#define READS_AT_ONCE 8 /* then the others get their turn */
#define UNPROVED_BYTES (256 * 1024)
#define NOT_CAPSULES "what came isn't in capsules"

static void
hear (EwStreamThread *self, const EwPacket *datagrams, gsize n)
{
  pthread_mutex_lock (&self->engine_lock);
  if (self->engine != NULL && n > 0)
    ew_engine_hear (self->engine, datagrams, n);
  pthread_mutex_unlock (&self->engine_lock);
}

/* FALSE: what came can't be capsules. */
static gboolean
cut (EwStreamThread *self, EwStream *stream, const guint8 *data, gsize length)
{
  EwPacket datagrams[EW_BATCH_MAX];
  const guint8 *datagram;
  gsize n = 0, size;
  EwCapsuleResult result;

  while ((result = ew_capsule_read (&stream->reader, &data, &length, &datagram, &size)) == EW_CAPSULE_DATAGRAM)
    {
      datagrams[n++] = (EwPacket){ .data = (guint8 *)datagram, .len = size, .endpoint = stream->endpoint };
      /* Only the reader's own memory is used again, by the next call. */
      if (n == EW_BATCH_MAX || datagram == stream->reader.payload)
        {
          hear (self, datagrams, n);
          n = 0;
        }
    }
  hear (self, datagrams, n);
  return result != EW_CAPSULE_BROKEN;
}

/* A node is answered before it has sent more than a few packets. */
static gboolean
is_too_much (EwStreamThread *self, EwStream *stream, gsize n)
{
  if (self->config.proof_seconds == 0 || stream->unproved > UNPROVED_BYTES)
    return FALSE;
  pthread_mutex_lock (&self->lock);
  const gboolean proved = stream->proved_ns != 0;
  pthread_mutex_unlock (&self->lock);
  stream->unproved = proved ? G_MAXSIZE : stream->unproved + n;
  return !proved && stream->unproved > UNPROVED_BYTES;
}

/* What one read brought: n bytes, its end, or less than 0. NULL, or why the stream ends. */
static const gchar *
take_bytes (EwStreamThread *self, EwStream *stream, const guint8 *data, gssize n)
{
  if (n < 0)
    return "the connection was cut";
  if (n == 0)
    return ew_capsule_reader_may_end (&stream->reader) ? "the other end closed it" : "it was cut inside a capsule";
  if (is_too_much (self, stream, (gsize)n))
    return "nothing of a node's came through it, but much else";
  return cut (self, stream, data, (gsize)n) ? NULL : NOT_CAPSULES;
}

gboolean
ew_stream_receive_early (EwStreamThread *self, EwStream *stream)
{
  if (stream->early == NULL)
    return TRUE;
  g_autoptr (GBytes) early = g_steal_pointer (&stream->early);
  if (cut (self, stream, g_bytes_get_data (early, NULL), g_bytes_get_size (early)))
    return TRUE;
  ew_stream_end (self, stream, NOT_CAPSULES);
  return FALSE;
}

gboolean
ew_stream_receive (EwStreamThread *self, EwStream *stream)
{
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream->stream));

  if (!ew_stream_receive_early (self, stream)) /* epoll may tell of more before anything was done with it */
    return FALSE;
  stream->more = FALSE;
  for (guint i = 0; i < READS_AT_ONCE; i++)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (in, self->buffer, EW_STREAM_READ_SIZE, NULL, &error);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return TRUE;
      const gchar *reason = take_bytes (self, stream, self->buffer, n);
      if (reason != NULL)
        {
          ew_stream_end (self, stream, reason);
          return FALSE;
        }
    }
  stream->more = TRUE;
  pthread_mutex_lock (&self->lock);
  ew_stream_mark_ready (self, stream);
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}
