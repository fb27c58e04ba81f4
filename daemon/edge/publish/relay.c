/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE (64 * 1024)
#define EVENTS 64
#define LINE_MAX_LENGTH 108 /* of version 1, with its end */

typedef struct Pair Pair;

/* One of a pair's two connections. */
typedef struct
{
  Pair *pair;
  gint fd;
  guint32 events;      /* that are waited for; 0: not even its end, which would be told again and again */
  guint8 *held;        /* what it hasn't taken yet; NULL: nothing */
  gsize length, taken; /* … of it */
  gboolean ended;      /* nothing more comes from it */
  gboolean shut;       /* nothing more goes to it: the other has ended, and that was passed on */
  gboolean deaf;       /* it takes nothing more, though the other has more for it */
} Side;

struct Pair
{
  Side sides[2]; /* the caller, the web server */
  guint64 network;
  gboolean closed; /* in this round of events */
};

struct EwRelay
{
  gchar *path;
  gint epoll, wake;
  GThread *thread;
  GMutex lock;
  GQueue arriving; /* of Pair; under the lock */
  gboolean stopping;
  GHashTable *counts; /* network → how many pairs; under the lock */
  guint n;
  GHashTable *pairs; /* set of Pair; the thread's */
  GPtrArray *closed; /* freed after the round */
};

/* Who calls. */

static gboolean
format_address (const struct sockaddr_storage *address, gchar *text, guint16 *port)
{
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
  gboolean is_v4 = address->ss_family == AF_INET;

  if (!is_v4 && address->ss_family != AF_INET6)
    return FALSE;
  *port = ntohs (is_v4 ? v4->sin_port : v6->sin6_port);
  return inet_ntop (address->ss_family, is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr, text,
                    INET6_ADDRSTRLEN)
         != NULL;
}

gsize
ew_publish_format_caller (gint fd, gchar *out, gsize size)
{
  struct sockaddr_storage caller = { 0 }, own = { 0 };
  socklen_t caller_length = sizeof caller, own_length = sizeof own;
  gchar caller_text[INET6_ADDRSTRLEN], own_text[INET6_ADDRSTRLEN];
  guint16 caller_port, own_port;

  if (getpeername (fd, (struct sockaddr *)&caller, &caller_length) != 0
      || getsockname (fd, (struct sockaddr *)&own, &own_length) != 0 || caller.ss_family != own.ss_family
      || !format_address (&caller, caller_text, &caller_port) || !format_address (&own, own_text, &own_port))
    return 0;
  gint length = g_snprintf (out, size, "PROXY TCP%c %s %s %u %u\r\n", caller.ss_family == AF_INET ? '4' : '6',
                            caller_text, own_text, caller_port, own_port);
  return length > 0 && (gsize)length < size ? (gsize)length : 0;
}

static guint64
network_of (gint fd)
{
  struct sockaddr_storage caller = { 0 };
  socklen_t length = sizeof caller;
  guint64 network = 0;
  guint32 v4;

  getpeername (fd, (struct sockaddr *)&caller, &length);
  if (caller.ss_family == AF_INET6)
    memcpy (&network, &((const struct sockaddr_in6 *)(const void *)&caller)->sin6_addr, sizeof network);
  else
    {
      memcpy (&v4, &((const struct sockaddr_in *)(const void *)&caller)->sin_addr, sizeof v4);
      network = v4; /* no IPv6 network: those begin with other bits than zeros */
    }
  return network;
}

/* Places. */

static gboolean
take_place (EwRelay *self, guint64 network)
{
  gboolean free_place;

  g_mutex_lock (&self->lock);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, &network));
  free_place = self->n < EW_PUBLISH_RELAYED_MAX && count < EW_PUBLISH_RELAYED_PER_NETWORK;
  if (free_place)
    {
      self->n++;
      g_hash_table_replace (self->counts, g_memdup2 (&network, sizeof network), GUINT_TO_POINTER (count + 1));
    }
  g_mutex_unlock (&self->lock);
  return free_place;
}

static void
leave_place (EwRelay *self, guint64 network)
{
  g_mutex_lock (&self->lock);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, &network));
  self->n--;
  if (count > 1)
    g_hash_table_replace (self->counts, g_memdup2 (&network, sizeof network), GUINT_TO_POINTER (count - 1));
  else
    g_hash_table_remove (self->counts, &network);
  g_mutex_unlock (&self->lock);
}

/* The thread. */

static void
free_pair (gpointer data)
{
  Pair *pair = data;

  for (guint i = 0; i < 2; i++)
    {
      close (pair->sides[i].fd);
      g_free (pair->sides[i].held);
    }
  g_free (pair);
}

/* Events of this round may still refer to it. */
static void
close_pair (EwRelay *self, Pair *pair)
{
  if (pair->closed)
    return;
  pair->closed = TRUE;
  for (guint i = 0; i < 2; i++)
    if (pair->sides[i].events)
      epoll_ctl (self->epoll, EPOLL_CTL_DEL, pair->sides[i].fd, NULL);
  leave_place (self, pair->network);
  g_hash_table_remove (self->pairs, pair);
  g_ptr_array_add (self->closed, pair);
}

static Side *
other_side (Side *side)
{
  return &side->pair->sides[side == &side->pair->sides[0] ? 1 : 0];
}

static void
wait_for_side (EwRelay *self, Side *side)
{
  guint32 events
    = (side->ended || other_side (side)->held ? 0 : (guint32)EPOLLIN) | (side->held ? (guint32)EPOLLOUT : 0);
  struct epoll_event event = { .events = events, .data.ptr = side };

  if (events == side->events)
    return;
  epoll_ctl (self->epoll,
             events == 0         ? EPOLL_CTL_DEL
             : side->events == 0 ? EPOLL_CTL_ADD
                                 : EPOLL_CTL_MOD,
             side->fd, &event);
  side->events = events;
}

static void
write_to (Side *side, const guint8 *data, gsize length)
{
  gssize sent = side->deaf ? (gssize)length : send (side->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent < 0 && errno != EAGAIN && errno != EINTR)
    side->deaf = TRUE;
  gsize done = side->deaf ? length : sent > 0 ? (gsize)sent : 0;
  if (done == length)
    return;
  side->held = g_memdup2 (data + done, length - done);
  side->length = length - done;
  side->taken = 0;
}

static void
write_held (Side *side)
{
  gssize sent = send (side->fd, side->held + side->taken, side->length - side->taken, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent < 0 && errno != EAGAIN && errno != EINTR)
    side->deaf = TRUE;
  side->taken += sent > 0 ? (gsize)sent : 0;
  if (side->deaf || side->taken == side->length)
    g_clear_pointer (&side->held, g_free);
}

/* FALSE: the connection is broken. */
static gboolean
read_from (Side *side)
{
  guint8 data[PIECE];
  gssize got = recv (side->fd, data, sizeof data, MSG_DONTWAIT);

  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0)
    side->ended = TRUE;
  else
    write_to (other_side (side), data, (gsize)got);
  return TRUE;
}

/* An end is passed on once all before it was taken. FALSE: there is nothing left to carry. */
static gboolean
pass_ends (Pair *pair)
{
  for (guint i = 0; i < 2; i++)
    {
      const Side *from = &pair->sides[i];
      Side *to = &pair->sides[1 - i];
      if (!from->ended || to->held)
        continue;
      if (from->deaf)
        return FALSE;
      if (!to->shut)
        shutdown (to->fd, SHUT_WR);
      to->shut = TRUE;
    }
  return !(pair->sides[0].shut && pair->sides[1].shut);
}

static void
handle_event (EwRelay *self, Side *side)
{
  Pair *pair = side->pair;
  gboolean good = TRUE;

  if (pair->closed)
    return;
  if (side->held)
    write_held (side);
  if (!side->ended && other_side (side)->held == NULL)
    good = read_from (side);
  if (!good || !pass_ends (pair))
    {
      close_pair (self, pair);
      return;
    }
  for (guint i = 0; i < 2; i++)
    wait_for_side (self, &pair->sides[i]);
}

/* FALSE: the relay ends. */
static gboolean
take_arriving (EwRelay *self)
{
  Pair *pair;
  guint64 count;
  gboolean go_on;

  (void)!read (self->wake, &count, sizeof count);
  g_mutex_lock (&self->lock);
  while ((pair = g_queue_pop_head (&self->arriving)))
    {
      g_hash_table_add (self->pairs, pair);
      for (guint i = 0; i < 2; i++)
        {
          Side *side = &pair->sides[i];
          side->events = EPOLLIN | (side->held ? EPOLLOUT : 0);
          struct epoll_event event = { .events = side->events, .data.ptr = side };
          epoll_ctl (self->epoll, EPOLL_CTL_ADD, side->fd, &event);
        }
    }
  go_on = !self->stopping;
  g_mutex_unlock (&self->lock);
  return go_on;
}

static gpointer
run_relay (gpointer user_data)
{
  EwRelay *self = user_data;
  struct epoll_event events[EVENTS];
  gboolean go_on = TRUE;

  while (go_on)
    {
      gint n = epoll_wait (self->epoll, events, EVENTS, -1);
      for (gint i = 0; i < n; i++)
        if (events[i].data.ptr == NULL)
          go_on = take_arriving (self);
        else
          handle_event (self, events[i].data.ptr);
      g_ptr_array_set_size (self->closed, 0);
    }
  return NULL;
}

/* Arriving. */

static gint
connect_to (const gchar *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fd >= 0 && connect (fd, (const struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

void
ew_publish_relay_pass (EwRelay *self, gint fd)
{
  gchar line[LINE_MAX_LENGTH];
  gsize length = ew_publish_format_caller (fd, line, sizeof line);
  guint64 network = network_of (fd);
  const guint64 one = 1;
  const gint on = 1;

  if (length == 0 || !take_place (self, network))
    return;
  gint server = connect_to (self->path), caller = server >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (caller < 0)
    {
      if (server >= 0)
        close (server);
      leave_place (self, network);
      return;
    }
  /* A caller that vanished without a word is noticed in two hours, when nginx has no reason to speak. */
  setsockopt (caller, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  Pair *pair = g_new0 (Pair, 1);
  pair->network = network;
  pair->sides[0] = (Side){ .pair = pair, .fd = caller };
  pair->sides[1] = (Side){ .pair = pair, .fd = server, .held = g_memdup2 (line, length), .length = length };
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->arriving, pair);
  g_mutex_unlock (&self->lock);
  (void)!write (self->wake, &one, sizeof one);
}

/* Life. */

EwRelay *
ew_publish_relay_new (const gchar *path)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  gint epoll = epoll_create1 (EPOLL_CLOEXEC), wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (epoll < 0 || wake < 0 || epoll_ctl (epoll, EPOLL_CTL_ADD, wake, &event) != 0)
    {
      gint code = errno;
      if (epoll >= 0)
        close (epoll);
      if (wake >= 0)
        close (wake);
      errno = code;
      return NULL;
    }
  EwRelay *self = g_new0 (EwRelay, 1);
  self->path = g_strdup (path);
  self->epoll = epoll;
  self->wake = wake;
  g_mutex_init (&self->lock);
  self->counts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->pairs = g_hash_table_new (NULL, NULL);
  self->closed = g_ptr_array_new_with_free_func (free_pair);
  self->thread = g_thread_new ("relay", run_relay, self);
  return self;
}

void
ew_publish_relay_free (EwRelay *self)
{
  const guint64 one = 1;
  GHashTableIter iter;
  gpointer pair;

  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_mutex_unlock (&self->lock);
  (void)!write (self->wake, &one, sizeof one);
  g_thread_join (self->thread);
  g_hash_table_iter_init (&iter, self->pairs);
  while (g_hash_table_iter_next (&iter, &pair, NULL))
    free_pair (pair);
  g_queue_clear_full (&self->arriving, free_pair);
  g_hash_table_unref (self->pairs);
  g_ptr_array_unref (self->closed);
  g_hash_table_unref (self->counts);
  g_mutex_clear (&self->lock);
  close (self->epoll);
  close (self->wake);
  g_free (self->path);
  g_free (self);
}
