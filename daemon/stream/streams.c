/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/streams.h"
#include "capsule/capsule.h"
#include "stream/queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)
#define READS_AT_ONCE 8 /* then the others get their turn */
#define UNPROVED_BYTES (256 * 1024)
#define RECORD_SIZE (16 * 1024) /* RFC 8446 section 5.1: the most that one TLS record holds */
#define OUT_SIZE (EW_CAPSULE_HEAD_MAX + EW_CAPSULE_PAYLOAD_MAX)
#define NOTSENT_LOWAT (32 * 1024)
#define USER_TIMEOUT_MS 20000 /* data unanswered for so long: the other end has disappeared */
#define STALLED_NS (G_GUINT64_CONSTANT (50000000))
#define SECOND_NS (G_GUINT64_CONSTANT (1000000000))
#define EVENTS 64

typedef struct
{
  guint64 id;
  EwEndpoint endpoint;
  GIOStream *stream;
  GSocket *socket;
  int fd;

  /* The thread's. */
  EwCapsuleReader reader;
  GBytes *early; /* NULL: read */
  guint8 *out;   /* packed, being written: OUT_SIZE */
  gsize out_length, out_written;
  gboolean wants_out; /* EPOLLOUT is asked for */
  gboolean more;      /* TLS may hold bytes that epoll doesn't see */
  gsize unproved;     /* bytes that came before the first proof */

  /* Under the lock. */
  EwStreamQueue queue;
  gboolean ready;      /* in the list of those that have something to write */
  gboolean condemned;  /* to be closed by the thread */
  gboolean told;       /* on_ended isn't called */
  const gchar *reason; /* why it is condemned */
  guint64 written_ns;  /* when it last took something */
  guint64 proved_ns;   /* when the engine last spoke to a peer through it; 0: never */
  guint64 since_ns;
} Stream;

/* Outlives the thread for as long as the main context has news of it. */
typedef struct
{
  EwStreamThread *self; /* the main context's; NULL: freed */
} Life;

struct EwStreamThread
{
  EwStreams base;
  EwStreamThreadConfig config;
  GMainContext *context;
  Life *life;
  pthread_t thread;
  gboolean started, stop;
  int epoll, wake;
  guint8 *buffer; /* READ_SIZE */

  /* pthread, not GMutex: thread sanitizers see through it. */
  pthread_mutex_t lock;
  pthread_cond_t drained;
  GHashTable *streams; /* guint64 → Stream (owned) */
  GPtrArray *ready;    /* Stream */
  gboolean asleep;
  guint64 next_id;
  guint64 look_ns; /* when a bound is to be looked at next */

  pthread_mutex_t engine_lock;
  EwEngine *engine;
};

static guint64
now_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_BOOTTIME, &t);
  return (guint64)t.tv_sec * SECOND_NS + (guint64)t.tv_nsec;
}

/* Closing a TLS connection waits for its peer unless the socket is shut down before. */
static void
stream_free (gpointer data)
{
  Stream *stream = data;

  g_socket_shutdown (stream->socket, TRUE, TRUE, NULL);
  g_object_unref (stream->stream);
  g_object_unref (stream->socket);
  g_clear_pointer (&stream->early, g_bytes_unref);
  ew_capsule_reader_clear (&stream->reader);
  ew_stream_queue_clear (&stream->queue);
  g_free (stream->out);
  g_free (stream);
}

/* Under the lock. */
static void
wake_thread (EwStreamThread *self)
{
  const guint64 one = 1;

  if (!self->asleep)
    return;
  self->asleep = FALSE;
  if (write (self->wake, &one, sizeof one) < 0)
    g_warning ("The streams' thread can't be woken: %s.", g_strerror (errno));
}

static void
mark_ready (EwStreamThread *self, Stream *stream)
{
  if (!stream->ready)
    {
      stream->ready = TRUE;
      g_ptr_array_add (self->ready, stream);
    }
  wake_thread (self);
}

/* From the engine. */

/* Only while the stream moves: what it doesn't take within its queue's age is lost anyway. */
static void
wait_for_room (EwStreamThread *self, guint64 id, gsize length)
{
  struct timespec until;
  Stream *stream;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += (long)self->config.full_wait_ms * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  while ((stream = g_hash_table_lookup (self->streams, &id)) && ew_stream_queue_is_full (&stream->queue, length)
         && now_ns () - stream->written_ns < STALLED_NS)
    {
      mark_ready (self, stream);
      if (pthread_cond_timedwait (&self->drained, &self->lock, &until) != 0)
        return;
    }
}

static void
queue_burst (EwStreamThread *self, const EwBurst *burst, EwUdpSendStats *stats)
{
  const guint64 now = now_ns ();
  EwBurstCursor cursor = { 0 };
  Stream *stream = g_hash_table_lookup (self->streams, &burst->to.id);

  if (stream == NULL || stream->condemned)
    {
      stats->failed += burst->n;
      return;
    }
  const guint64 dropped = stream->queue.dropped;
  if (stream->queue.n == 0)
    stream->written_ns = now;
  while (ew_burst_next (burst, &cursor))
    ew_stream_queue_push (&stream->queue, cursor.data, cursor.len, now);
  stats->full += stream->queue.dropped - dropped;
  stats->sent += burst->n;
  if (burst->peer != NULL)
    stream->proved_ns = now;
  mark_ready (self, stream);
}

static void
streams_send (EwStreams *streams, const EwBurst *burst, EwUdpSendStats *stats)
{
  EwStreamThread *self = (EwStreamThread *)streams;

  pthread_mutex_lock (&self->lock);
  if (self->config.full_wait_ms > 0)
    wait_for_room (self, burst->to.id, burst->len);
  queue_burst (self, burst, stats);
  pthread_mutex_unlock (&self->lock);
}

static void
streams_attach (EwStreams *streams, EwEngine *engine)
{
  EwStreamThread *self = (EwStreamThread *)streams;

  pthread_mutex_lock (&self->engine_lock);
  self->engine = engine;
  pthread_mutex_unlock (&self->engine_lock);
}

static const EwStreamsClass streams_class = { streams_send, streams_attach };

/* Ends. */

typedef struct
{
  Life *life;
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
tell_ended (EwStreamThread *self, const Stream *stream)
{
  Ended *ended = g_new (Ended, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  *ended = (Ended){ g_atomic_rc_box_acquire (self->life), stream->id, stream->reason };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_ended, ended, ended_free);
  g_source_attach (source, self->context);
}

/* The thread's; the stream is freed. */
static void
end_stream (EwStreamThread *self, Stream *stream, const gchar *reason)
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
  stream_free (stream);
}

/* Out. */

static void
ask_for_out (EwStreamThread *self, Stream *stream, gboolean wanted)
{
  struct epoll_event event = { .events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.u64 = stream->id };

  if (stream->wants_out == wanted)
    return;
  stream->wants_out = wanted;
  epoll_ctl (self->epoll, EPOLL_CTL_MOD, stream->fd, &event);
}

/* FALSE: nothing waits. */
static gboolean
pack (EwStreamThread *self, Stream *stream)
{
  const guint64 now = now_ns ();

  pthread_mutex_lock (&self->lock);
  stream->out_length = ew_stream_queue_pack (&stream->queue, stream->out, RECORD_SIZE, now);
  if (stream->out_length == 0 && stream->queue.n > 0) /* one that is larger than a record */
    stream->out_length = ew_stream_queue_pack (&stream->queue, stream->out, OUT_SIZE, now);
  stream->written_ns = now;
  pthread_cond_broadcast (&self->drained);
  pthread_mutex_unlock (&self->lock);
  stream->out_written = 0;
  return stream->out_length > 0;
}

static gboolean
has_waiting (EwStreamThread *self, const Stream *stream)
{
  pthread_mutex_lock (&self->lock);
  const gboolean waiting = stream->queue.n > 0;
  pthread_mutex_unlock (&self->lock);
  return waiting;
}

/* Behind TCP_NOTSENT_LOWAT: the kernel has sent nearly all that it was given. */
static gboolean
is_writable (const Stream *stream)
{
  struct pollfd out = { .fd = stream->fd, .events = POLLOUT };

  return poll (&out, 1, 0) > 0;
}

/* FALSE: it has ended. */
static gboolean
flush (EwStreamThread *self, Stream *stream)
{
  GPollableOutputStream *out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream->stream));

  if (stream->out == NULL)
    stream->out = g_malloc (OUT_SIZE);
  for (;;)
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
          end_stream (self, stream, "it can't be written to any more");
          return FALSE;
        }
    }
  ask_for_out (self, stream, TRUE);
  return TRUE;
}

/* In. */

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
cut (EwStreamThread *self, Stream *stream, const guint8 *data, gsize length)
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
is_too_much (EwStreamThread *self, Stream *stream, gsize n)
{
  if (self->config.proof_seconds == 0 || stream->unproved > UNPROVED_BYTES)
    return FALSE;
  pthread_mutex_lock (&self->lock);
  const gboolean proved = stream->proved_ns != 0;
  pthread_mutex_unlock (&self->lock);
  stream->unproved = proved ? G_MAXSIZE : stream->unproved + n;
  return !proved && stream->unproved > UNPROVED_BYTES;
}

/* FALSE: it has ended. */
static gboolean
read_stream (EwStreamThread *self, Stream *stream)
{
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream->stream));

  stream->more = FALSE;
  for (guint i = 0; i < READS_AT_ONCE; i++)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (in, self->buffer, READ_SIZE, NULL, &error);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return TRUE;
      const gchar *reason = n < 0                                                    ? "the connection was cut"
                            : n == 0 && !ew_capsule_reader_may_end (&stream->reader) ? "it was cut inside a capsule"
                            : n == 0                                                 ? "the other end closed it"
                            : is_too_much (self, stream, (gsize)n)
                              ? "nothing of a node's came through it, but much else"
                            : !cut (self, stream, self->buffer, (gsize)n) ? "what came isn't in capsules"
                                                                          : NULL;
      if (reason != NULL)
        {
          end_stream (self, stream, reason);
          return FALSE;
        }
    }
  stream->more = TRUE;
  pthread_mutex_lock (&self->lock);
  mark_ready (self, stream);
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}

/* Everything that there is to do; FALSE: it has ended. */
static gboolean
serve (EwStreamThread *self, Stream *stream)
{
  if (stream->early != NULL)
    {
      g_autoptr (GBytes) early = g_steal_pointer (&stream->early);
      if (!cut (self, stream, g_bytes_get_data (early, NULL), g_bytes_get_size (early)))
        {
          end_stream (self, stream, "what came isn't in capsules");
          return FALSE;
        }
    }
  return (!stream->more || read_stream (self, stream)) && flush (self, stream);
}

/* Bounds. */

static const gchar *
is_overdue (const EwStreamThread *self, const Stream *stream, guint64 now)
{
  const EwStreamThreadConfig *config = &self->config;

  if (config->proof_seconds > 0 && stream->proved_ns == 0)
    return now - stream->since_ns >= config->proof_seconds * SECOND_NS ? "nothing of a node's came through it" : NULL;
  if (config->silence_seconds > 0 && now - stream->proved_ns >= config->silence_seconds * SECOND_NS)
    return "it was silent for too long";
  return NULL;
}

static guint64
next_look (const EwStreamThread *self, const Stream *stream)
{
  const guint seconds = stream->proved_ns == 0 ? self->config.proof_seconds : self->config.silence_seconds;

  return seconds > 0 ? MAX (stream->proved_ns, stream->since_ns) + seconds * SECOND_NS : G_MAXUINT64;
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
      Stream *stream = value;
      const gchar *reason = is_overdue (self, stream, now);
      if (reason != NULL)
        {
          stream->reason = reason;
          g_ptr_array_add (overdue, stream);
        }
      else
        self->look_ns = MIN (self->look_ns, MAX (next_look (self, stream), now + SECOND_NS));
    }
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < overdue->len; i++)
    end_stream (self, overdue->pdata[i], NULL);
}

/* The thread. */

static Stream *
find_stream (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  Stream *stream = g_hash_table_lookup (self->streams, &id);
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
      Stream *stream = ready->pdata[i - 1];
      stream->ready = FALSE;
      if (stream->condemned)
        g_ptr_array_add (condemned, g_ptr_array_remove_index_fast (ready, i - 1));
    }
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < condemned->len; i++)
    end_stream (self, condemned->pdata[i], NULL);
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

static void *
run (void *data)
{
  EwStreamThread *self = data;
  struct epoll_event events[EVENTS];

  pthread_setname_np (pthread_self (), "ew-streams");
  for (gboolean stop = FALSE; !stop;)
    {
      const int n = epoll_wait (self->epoll, events, EVENTS, milliseconds_to_sleep (self, now_ns ()));
      pthread_mutex_lock (&self->lock);
      self->asleep = FALSE;
      stop = self->stop;
      const gboolean look = now_ns () >= self->look_ns;
      pthread_mutex_unlock (&self->lock);
      for (int i = 0; i < n; i++)
        {
          Stream *stream = events[i].data.u64 != 0 ? find_stream (self, events[i].data.u64) : NULL;
          if (events[i].data.u64 == 0)
            hear_wake (self);
          else if (stream != NULL && (!(events[i].events & ~(guint32)EPOLLOUT) || read_stream (self, stream))
                   && events[i].events & EPOLLOUT)
            (void)flush (self, stream);
        }
      serve_ready (self);
      if (look)
        look_at_bounds (self, now_ns ());
    }
  return NULL;
}

/* Life. */

EwStreamThread *
ew_stream_thread_new (const EwStreamThreadConfig *config)
{
  EwStreamThread *self = g_new0 (EwStreamThread, 1);

  self->base.class = &streams_class;
  self->config = *config;
  self->context = g_main_context_ref_thread_default ();
  self->life = g_atomic_rc_box_new (Life);
  self->life->self = self;
  self->epoll = self->wake = -1;
  self->next_id = 1;
  self->look_ns = G_MAXUINT64;
  self->streams = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, stream_free);
  self->ready = g_ptr_array_new ();
  pthread_mutex_init (&self->lock, NULL);
  pthread_mutex_init (&self->engine_lock, NULL);
  pthread_cond_init (&self->drained, NULL);
  return self;
}

EwStreams *
ew_stream_thread_get_streams (EwStreamThread *self)
{
  return &self->base;
}

static gboolean
start (EwStreamThread *self)
{
  struct epoll_event event = { .events = EPOLLIN };
  sigset_t all, before;

  if (self->started)
    return TRUE;
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  self->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  self->buffer = g_malloc (READ_SIZE);
  if (self->epoll < 0 || self->wake < 0 || epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->wake, &event) != 0)
    return FALSE;
  sigfillset (&all); /* signals are the main thread's */
  pthread_sigmask (SIG_SETMASK, &all, &before);
  self->started = pthread_create (&self->thread, NULL, run, self) == 0;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return self->started;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
ew_stream_thread_free (EwStreamThread *self)
{
  if (self == NULL)
    return;
  if (self->started)
    {
      pthread_mutex_lock (&self->lock);
      self->stop = TRUE;
      self->asleep = TRUE; /* whatever it does, it looks up */
      wake_thread (self);
      pthread_mutex_unlock (&self->lock);
      pthread_join (self->thread, NULL);
    }
  self->life->self = NULL;
  g_atomic_rc_box_release (self->life);
  close_fd (&self->epoll);
  close_fd (&self->wake);
  g_hash_table_unref (self->streams);
  g_ptr_array_unref (self->ready);
  pthread_cond_destroy (&self->drained);
  pthread_mutex_destroy (&self->engine_lock);
  pthread_mutex_destroy (&self->lock);
  g_main_context_unref (self->context);
  g_free (self->buffer);
  g_free (self);
}

/* Best effort, all of it. */
static void
tune_socket (int fd)
{
  const int one = 1, lowat = NOTSENT_LOWAT;
  const unsigned timeout_ms = USER_TIMEOUT_MS;

  (void)setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
  /* CUBIC takes each lost packet for a full path: 3 Mb/s at 1 % of loss and 40 ms, where BBR has 35 (tests/bench tcp). An
     edge without CAP_NET_ADMIN may use it where the host's administrator allows it. */
  (void)setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", strlen ("bbr"));
}

static guint16
read_address (GSocketAddress *address, EwIp *out)
{
  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return 0;
  GInetAddress *ip = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  const EwFamily family = g_inet_address_get_family (ip) == G_SOCKET_FAMILY_IPV4 ? EW_FAMILY_V4 : EW_FAMILY_V6;
  *out = ew_ip_from_bytes (family, g_inet_address_to_bytes (ip));
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

static void
read_addresses (GSocket *socket, EwEndpoint *endpoint)
{
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, NULL);

  endpoint->remote_port = read_address (remote, &endpoint->remote);
  (void)read_address (local, &endpoint->local);
}

gboolean
ew_stream_thread_add (EwStreamThread *self, GIOStream *io, GSocket *socket, GBytes *early, EwEndpoint *endpoint)
{
  struct epoll_event event = { .events = EPOLLIN };

  if (!start (self))
    return FALSE;
  Stream *stream = g_new0 (Stream, 1);
  stream->stream = g_object_ref (io);
  stream->socket = g_object_ref (socket);
  stream->early = early && g_bytes_get_size (early) > 0 ? g_bytes_ref (early) : NULL;
  stream->fd = g_socket_get_fd (socket);
  stream->more = TRUE;
  stream->since_ns = stream->written_ns = now_ns ();
  stream->endpoint.kind = EW_ENDPOINT_STREAM;
  read_addresses (socket, &stream->endpoint);
  tune_socket (stream->fd);
  pthread_mutex_lock (&self->lock);
  event.data.u64 = stream->id = stream->endpoint.id = self->next_id++;
  *endpoint = stream->endpoint;
  g_hash_table_insert (self->streams, &stream->id, stream);
  self->look_ns = MIN (self->look_ns, next_look (self, stream));
  const gboolean watched = epoll_ctl (self->epoll, EPOLL_CTL_ADD, stream->fd, &event) == 0;
  stream->condemned = stream->told = !watched;
  mark_ready (self, stream); /* TLS may hold what has come already */
  pthread_mutex_unlock (&self->lock);
  return watched;
}

void
ew_stream_thread_close (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  Stream *stream = g_hash_table_lookup (self->streams, &id);
  if (stream != NULL && !stream->condemned)
    {
      stream->condemned = stream->told = TRUE;
      stream->reason = "it isn't needed any more";
      mark_ready (self, stream);
    }
  pthread_mutex_unlock (&self->lock);
}

gboolean
ew_stream_thread_is_proved (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  const Stream *stream = g_hash_table_lookup (self->streams, &id);
  const gboolean proved = stream != NULL && stream->proved_ns != 0;
  pthread_mutex_unlock (&self->lock);
  return proved;
}
