/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/streams-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NOTSENT_LOWAT (32 * 1024)
#define USER_TIMEOUT_MS 20000 /* data unanswered for so long: the other end has disappeared */

guint64
ew_stream_now_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_BOOTTIME, &t);
  return (guint64)t.tv_sec * EW_STREAM_SECOND_NS + (guint64)t.tv_nsec;
}

/* Closing a TLS connection waits for its peer unless the socket is shut down before. */
void
ew_stream_free (gpointer data)
{
  EwStream *stream = data;

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

void
ew_stream_mark_ready (EwStreamThread *self, EwStream *stream)
{
  if (!stream->ready)
    {
      stream->ready = TRUE;
      g_ptr_array_add (self->ready, stream);
    }
  wake_thread (self);
}

static void
streams_attach (EwStreams *streams, EwEngine *engine)
{
  EwStreamThread *self = (EwStreamThread *)streams;

  pthread_mutex_lock (&self->engine_lock);
  self->engine = engine;
  pthread_mutex_unlock (&self->engine_lock);
}

static const EwStreamsClass streams_class = { ew_stream_send, streams_attach };

EwStreamThread *
ew_stream_thread_new (const EwStreamThreadConfig *config)
{
  EwStreamThread *self = g_new0 (EwStreamThread, 1);

  self->base.class = &streams_class;
  self->config = *config;
  self->context = g_main_context_ref_thread_default ();
  self->life = g_atomic_rc_box_new (EwStreamLife);
  self->life->self = self;
  self->epoll = self->wake = -1;
  self->next_id = 1;
  self->look_ns = G_MAXUINT64;
  self->streams = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, ew_stream_free);
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
  self->buffer = g_malloc (EW_STREAM_READ_SIZE);
  if (self->epoll < 0 || self->wake < 0 || epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->wake, &event) != 0)
    return FALSE;
  sigfillset (&all); /* signals are the main thread's */
  pthread_sigmask (SIG_SETMASK, &all, &before);
  self->started = pthread_create (&self->thread, NULL, ew_stream_run, self) == 0;
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
  EwStream *stream = g_new0 (EwStream, 1);
  stream->stream = g_object_ref (io);
  stream->socket = g_object_ref (socket);
  stream->early = early && g_bytes_get_size (early) > 0 ? g_bytes_ref (early) : NULL;
  stream->fd = g_socket_get_fd (socket);
  stream->more = TRUE;
  stream->since_ns = stream->written_ns = ew_stream_now_ns ();
  stream->endpoint.kind = EW_ENDPOINT_STREAM;
  read_addresses (socket, &stream->endpoint);
  tune_socket (stream->fd);
  pthread_mutex_lock (&self->lock);
  event.data.u64 = stream->id = stream->endpoint.id = self->next_id++;
  *endpoint = stream->endpoint;
  g_hash_table_insert (self->streams, &stream->id, stream);
  self->look_ns = MIN (self->look_ns, ew_stream_next_look (self, stream));
  const gboolean watched = epoll_ctl (self->epoll, EPOLL_CTL_ADD, stream->fd, &event) == 0;
  stream->condemned = stream->told = !watched;
  ew_stream_mark_ready (self, stream); /* TLS may hold what has come already */
  pthread_mutex_unlock (&self->lock);
  return watched;
}

void
ew_stream_thread_close (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  EwStream *stream = g_hash_table_lookup (self->streams, &id);
  if (stream != NULL && !stream->condemned)
    {
      stream->condemned = stream->told = TRUE;
      stream->reason = "it isn't needed any more";
      ew_stream_mark_ready (self, stream);
    }
  pthread_mutex_unlock (&self->lock);
}

gboolean
ew_stream_thread_is_proved (EwStreamThread *self, guint64 id)
{
  pthread_mutex_lock (&self->lock);
  const EwStream *stream = g_hash_table_lookup (self->streams, &id);
  const gboolean proved = stream != NULL && stream->proved_ns != 0;
  pthread_mutex_unlock (&self->lock);
  return proved;
}
