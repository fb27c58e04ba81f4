/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The thread's loop: what is readable is read, what has something to write is written, and what has reached a bound or
 * isn't wanted any more ends.
 */
#include "stream/streams-private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64

/* Ends. */

typedef struct
{
  EwStreamLife *life;
  guint64 id;
  const gchar *reason;
} Ended;

static gboolean
on_ended (gpointer data)
{
  const Ended *ended = data;
  EwStreamThread *self = ended->life->self;

  if (self != NULL)
    self->config.on_ended (self->config.user_data, ended->id, ended->reason);
  return G_SOURCE_REMOVE;
}

static void
ended_free (gpointer data)
{
  Ended *ended = data;

  g_atomic_rc_box_release (ended->life);
  g_free (ended);
}

static void
tell_ended (EwStreamThread *self, const EwStream *stream)
{
  Ended *ended = g_new (Ended, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  *ended = (Ended){ g_atomic_rc_box_acquire (self->life), stream->id, stream->reason };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_ended, ended, ended_free);
  g_source_attach (source, self->context);
}

void
ew_stream_end (EwStreamThread *self, EwStream *stream, const gchar *reason)
{
  epoll_ctl (self->epoll, EPOLL_CTL_DEL, stream->fd, NULL);
  pthread_mutex_lock (&self->lock);
  if (stream->reason == NULL)
    stream->reason = reason;
  const gboolean tell = !stream->told && self->config.on_ended != NULL && !self->stop;
  g_ptr_array_remove (self->ready, stream);
  g_hash_table_steal (self->streams, &stream->id);
  pthread_cond_broadcast (&self->drained);
  pthread_mutex_unlock (&self->lock);
  if (tell)
    tell_ended (self, stream);
  ew_stream_free (stream);
}

/* Bounds. */

static const gchar *
is_overdue (const EwStreamThread *self, const EwStream *stream, guint64 now)
{
  const EwStreamThreadConfig *config = &self->config;

  if (config->proof_seconds > 0 && stream->proved_ns == 0)
    return now - stream->since_ns >= config->proof_seconds * EW_STREAM_SECOND_NS ? "nothing of a node's came through it"
                                                                                 : NULL;
  if (config->silence_seconds > 0 && now - stream->proved_ns >= config->silence_seconds * EW_STREAM_SECOND_NS)
    return "it was silent for too long";
  return NULL;
}

guint64
ew_stream_next_look (const EwStreamThread *self, const EwStream *stream)
{
  const guint seconds = stream->proved_ns == 0 ? self->config.proof_seconds : self->config.silence_seconds;

  return seconds > 0 ? MAX (stream->proved_ns, stream->since_ns) + seconds * EW_STREAM_SECOND_NS : G_MAXUINT64;
}

static void
look_at_bounds (EwStreamThread *self, guint64 now)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GPtrArray) overdue = g_ptr_array_new ();

  pthread_mutex_lock (&self->lock);
  self->look_ns = G_MAXUINT64;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      EwStream *stream = value;
      const gchar *reason = is_overdue (self, stream, now);
      if (reason != NULL)
        {
          stream->reason = reason;
          g_ptr_array_add (overdue, stream);
        }
      else
        self->look_ns = MIN (self->look_ns, MAX (ew_stream_next_look (self, stream), now + EW_STREAM_SECOND_NS));
    }
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < overdue->len; i++)
    ew_stream_end (self, overdue->pdata[i], NULL);
}

/* The loop. */

/* Everything that there is to do; FALSE: it has ended. */
static gboolean
serve (EwStreamThread *self, EwStream *stream)
{
  return ew_stream_receive_early (self, stream) && (!stream->more || ew_stream_receive (self, stream))
         && ew_stream_flush (self, stream);
}

static EwStream *
find_stream (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  EwStream *stream = g_hash_table_lookup (self->streams, &id);
  pthread_mutex_unlock (&self->lock);
  return stream; /* only this thread frees it */
}

/* Streams that have something to write, or are to be closed. */
static void
serve_ready (EwStreamThread *self)
{
  g_autoptr (GPtrArray) ready = NULL, condemned = g_ptr_array_new ();

  pthread_mutex_lock (&self->lock);
  ready = g_steal_pointer (&self->ready);
  self->ready = g_ptr_array_new ();
  for (guint i = ready->len; i > 0; i--)
    {
      EwStream *stream = ready->pdata[i - 1];
      stream->ready = FALSE;
      if (stream->condemned)
        g_ptr_array_add (condemned, g_ptr_array_remove_index_fast (ready, i - 1));
    }
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < condemned->len; i++)
    ew_stream_end (self, condemned->pdata[i], NULL);
  for (guint i = 0; i < ready->len; i++)
    (void)serve (self, ready->pdata[i]);
}

static int
milliseconds_to_sleep (EwStreamThread *self, guint64 now)
{
  int timeout = 0;

  pthread_mutex_lock (&self->lock);
  self->asleep = self->ready->len == 0 && !self->stop;
  if (self->asleep && self->look_ns == G_MAXUINT64)
    timeout = -1;
  else if (self->asleep && self->look_ns > now)
    timeout = (int)MIN ((self->look_ns - now) / 1000000 + 1, G_MAXINT);
  pthread_mutex_unlock (&self->lock);
  return timeout;
}

static void
hear_wake (EwStreamThread *self)
{
  guint64 count;

  if (read (self->wake, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The streams' wake channel failed: %s.", g_strerror (errno));
}

void *
ew_stream_run (void *data)
{
  EwStreamThread *self = data;
  struct epoll_event events[EVENTS];

  pthread_setname_np (pthread_self (), "ew-streams");
  for (gboolean stop = FALSE; !stop;)
    {
      const int n = epoll_wait (self->epoll, events, EVENTS, milliseconds_to_sleep (self, ew_stream_now_ns ()));
      pthread_mutex_lock (&self->lock);
      self->asleep = FALSE;
      stop = self->stop;
      const gboolean look = ew_stream_now_ns () >= self->look_ns;
      pthread_mutex_unlock (&self->lock);
      for (int i = 0; i < n; i++)
        {
          EwStream *stream = events[i].data.u64 != 0 ? find_stream (self, events[i].data.u64) : NULL;
          if (events[i].data.u64 == 0)
            hear_wake (self);
          else if (stream != NULL && (!(events[i].events & ~(guint32)EPOLLOUT) || ew_stream_receive (self, stream))
                   && events[i].events & EPOLLOUT)
            (void)ew_stream_flush (self, stream);
        }
      serve_ready (self);
      if (look)
        look_at_bounds (self, ew_stream_now_ns ());
    }
  return NULL;
}
