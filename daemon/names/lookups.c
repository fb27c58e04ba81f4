/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/lookups.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util.h"

#define FAILURE_US (1 * G_USEC_PER_SEC) /* the edge isn't asked again before */
#define TCP_MESSAGE_MAX 4096            /* bytes; the largest set of addresses has a tenth of that */

/* When a datagram is sent again, after the first one. */
static const gint64 resend_us[] = { 250000, 600000, G_MAXINT64 };

typedef struct
{
  gchar *key;
  EwQuestion question;
  gint64 begun, next;
  guint sent;
  int fd;
  gboolean tcp, written; /* written: the question; then its answer is read */
  guint8 *message;       /* TCP: the length and what has come of the answer */
  gsize filled;
} Lookup;

typedef struct
{
  EwNamesReply reply;
  gint64 expires;
} Known;

struct EwLookups
{
  EwQuestionScope scope; /* it has this computer's networks */
  EwIp service[4];
  gsize n_service;
  guint16 port;
  gchar *interface;
  GPtrArray *running; /* Lookup */
  GHashTable *known;  /* key → Known */
};

static void
lookup_free (gpointer data)
{
  Lookup *lookup = data;

  if (lookup->fd >= 0)
    close (lookup->fd);
  g_free (lookup->message);
  g_free (lookup->key);
  g_free (lookup);
}

EwLookups *
ew_lookups_new (void)
{
  EwLookups *self = g_new0 (EwLookups, 1);

  self->running = g_ptr_array_new_with_free_func (lookup_free);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

static void
forget_all (EwLookups *self)
{
  g_ptr_array_set_size (self->running, 0);
  g_hash_table_remove_all (self->known);
  self->scope.conf = NULL;
  g_clear_pointer ((EwPrefix **)&self->scope.networks, g_free);
  g_clear_pointer (&self->interface, g_free);
  self->n_service = 0;
}

void
ew_lookups_free (EwLookups *self)
{
  forget_all (self);
  g_ptr_array_unref (self->running);
  g_hash_table_unref (self->known);
  g_free (self);
}

void
ew_lookups_configure (EwLookups *self, const EwQuestionScope *scope, const EwIp *service, gsize n_service, guint16 port,
                      const gchar *interface)
{
  forget_all (self);
  self->scope = *scope;
  self->scope.networks = g_memdup2 (scope->networks, scope->n_networks * sizeof *scope->networks);
  self->n_service = MIN (n_service, G_N_ELEMENTS (self->service));
  for (gsize i = 0; i < self->n_service; i++)
    self->service[i] = service[i];
  self->port = port;
  self->interface = g_strdup (interface);
}

static gchar *
make_key (const gchar *name, gboolean reverse, gboolean v6)
{
  return g_strconcat (reverse ? "P" : v6 ? "6" : "4", name, NULL);
}

const EwNamesReply *
ew_lookups_find (EwLookups *self, const gchar *name, gboolean reverse, gboolean v6, gint64 now)
{
  g_autofree gchar *key = make_key (name, reverse, v6);
  const Known *known = g_hash_table_lookup (self->known, key);

  return known != NULL && now < known->expires ? &known->reply : NULL;
}

static gboolean
is_expired (gpointer key, gpointer value, gpointer now)
{
  return ((const Known *)value)->expires <= *(const gint64 *)now;
}

static void
remember (EwLookups *self, const gchar *key, const EwNamesReply *reply, gint64 now)
{
  Known *known = g_new (Known, 1);

  if (g_hash_table_size (self->known) >= EW_LOOKUPS_CACHED)
    g_hash_table_foreach_remove (self->known, is_expired, &now);
  if (g_hash_table_size (self->known) >= EW_LOOKUPS_CACHED)
    g_hash_table_remove_all (self->known);
  known->reply = *reply;
  known->expires
    = now + (reply->status == EW_NAMES_TRY_AGAIN ? FAILURE_US : MAX (reply->ttl, 1) * (gint64)G_USEC_PER_SEC);
  g_hash_table_replace (self->known, g_strdup (key), known);
}

/* ---- sockets */

static socklen_t
fill_address (const EwIp *ip, guint16 port, struct sockaddr_storage *out)
{
  memset (out, 0, sizeof *out);
  if (ip->family == EW_FAMILY_V4)
    {
      struct sockaddr_in *to = (struct sockaddr_in *)out;
      to->sin_family = AF_INET;
      to->sin_port = htons (port);
      memcpy (&to->sin_addr, ip->bytes, 4);
      return sizeof *to;
    }
  struct sockaddr_in6 *to = (struct sockaddr_in6 *)out;
  to->sin6_family = AF_INET6;
  to->sin6_port = htons (port);
  memcpy (&to->sin6_addr, ip->bytes, 16);
  return sizeof *to;
}

/* -1: no way there. */
static int
open_socket (EwLookups *self, guint attempt, int type)
{
  const EwIp *ip = &self->service[attempt % self->n_service];
  struct sockaddr_storage to;
  socklen_t length = fill_address (ip, self->port, &to);
  int fd = socket (ip->family == EW_FAMILY_V4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return -1;
  /* Kernel 5.7 lets every process do so; before (EPERM), the route alone decides. Without the interface there is no
     path to the edge: any other path may lead to another computer that has the edge's address. */
  gboolean bound
    = self->interface == NULL
      || setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, self->interface, (socklen_t)strlen (self->interface) + 1) == 0
      || errno == EPERM;
  if (bound && (connect (fd, (const struct sockaddr *)&to, length) == 0 || errno == EINPROGRESS))
    return fd;
  close (fd);
  return -1;
}

/* Sends one more datagram, to the next of the edge's addresses. */
static void
send_datagram (EwLookups *self, Lookup *lookup, gint64 now)
{
  if (lookup->fd >= 0)
    close (lookup->fd);
  lookup->fd = open_socket (self, lookup->sent, SOCK_DGRAM);
  if (lookup->fd >= 0)
    (void)!send (lookup->fd, lookup->question.wire, lookup->question.length, MSG_NOSIGNAL);
  gint64 wait = resend_us[MIN (lookup->sent, G_N_ELEMENTS (resend_us) - 1)];
  lookup->next = wait == G_MAXINT64 ? wait : now + wait;
  lookup->sent++;
}

static void
begin_tcp (EwLookups *self, Lookup *lookup)
{
  close (lookup->fd);
  lookup->fd = open_socket (self, lookup->sent - 1, SOCK_STREAM);
  lookup->tcp = TRUE;
  lookup->next = G_MAXINT64;
  lookup->message = g_malloc (2 + TCP_MESSAGE_MAX);
}

gboolean
ew_lookups_start (EwLookups *self, const gchar *name, gboolean reverse, gboolean v6, gint64 now)
{
  g_autofree gchar *key = make_key (name, reverse, v6);
  guint16 id;
  guint64 bits;

  for (guint i = 0; i < self->running->len; i++)
    if (g_str_equal (((const Lookup *)self->running->pdata[i])->key, key))
      return TRUE;
  if (self->n_service == 0 || self->running->len >= EW_LOOKUPS_MAX)
    return FALSE;
  Lookup *lookup = g_new0 (Lookup, 1);
  lookup->fd = -1;
  ew_random (&id, sizeof id);
  ew_random (&bits, sizeof bits);
  if (!ew_question_make (&lookup->question, name, reverse, v6, id, bits))
    {
      g_free (lookup);
      return FALSE;
    }
  lookup->key = g_steal_pointer (&key);
  lookup->begun = now;
  send_datagram (self, lookup, now);
  g_ptr_array_add (self->running, lookup);
  return TRUE;
}

guint
ew_lookups_poll (EwLookups *self, struct pollfd *fds)
{
  for (guint i = 0; i < self->running->len; i++)
    {
      const Lookup *lookup = self->running->pdata[i];
      fds[i] = (struct pollfd){ .fd = lookup->fd, .events = lookup->tcp && !lookup->written ? POLLOUT : POLLIN };
    }
  return self->running->len;
}

gint64
ew_lookups_deadline (const EwLookups *self)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < self->running->len; i++)
    {
      const Lookup *lookup = self->running->pdata[i];
      deadline = MIN (deadline, MIN (lookup->next, lookup->begun + EW_LOOKUPS_PATIENCE_US));
    }
  return deadline;
}

/* ---- answers: TRUE when the look-up has come to its end, and reply says how */

static gboolean
take_message (EwLookups *self, Lookup *lookup, const guint8 *data, gsize length, EwNamesReply *reply)
{
  switch (ew_question_read (&lookup->question, &self->scope, data, length, reply))
    {
    case EW_ANSWER_READ:
      return TRUE;
    case EW_ANSWER_CUT:
      if (lookup->tcp)
        {
          reply->status = EW_NAMES_TRY_AGAIN;
          return TRUE;
        }
      begin_tcp (self, lookup);
      return FALSE;
    default:
      return FALSE;
    }
}

static gboolean
read_datagrams (EwLookups *self, Lookup *lookup, EwNamesReply *reply)
{
  guint8 data[4096];

  /* As many as a forger may have sent; the next ones at the next turn. */
  for (guint i = 0; i < 8 && !lookup->tcp; i++)
    {
      gssize got = recv (lookup->fd, data, sizeof data, MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return FALSE;
      if (got < 0)
        {
          /* ICMP: nothing listens there. Another of the edge's addresses may be better. */
          if (lookup->sent >= self->n_service)
            {
              *reply = (EwNamesReply){ .status = EW_NAMES_TRY_AGAIN };
              return TRUE;
            }
          lookup->next = 0;
          return FALSE;
        }
      if (take_message (self, lookup, data, (gsize)got, reply))
        return TRUE;
    }
  return FALSE;
}

/* The message's length in two bytes, then the message (RFC 1035 section 4.2.2). */
static gboolean
serve_tcp (EwLookups *self, Lookup *lookup, EwNamesReply *reply)
{
  guint8 out[2 + EW_QUESTION_MAX] = { (guint8)(lookup->question.length >> 8), (guint8)lookup->question.length };
  gsize wanted
    = lookup->filled < 2 ? 2 : 2 + MIN ((gsize)lookup->message[0] << 8 | lookup->message[1], TCP_MESSAGE_MAX);

  *reply = (EwNamesReply){ .status = EW_NAMES_TRY_AGAIN };
  if (!lookup->written)
    {
      memcpy (out + 2, lookup->question.wire, lookup->question.length);
      lookup->written
        = send (lookup->fd, out, 2 + lookup->question.length, MSG_NOSIGNAL) == (gssize)(2 + lookup->question.length);
      return !lookup->written;
    }
  gssize got = recv (lookup->fd, lookup->message + lookup->filled, wanted - lookup->filled, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return FALSE;
  if (got <= 0)
    return TRUE;
  lookup->filled += (gsize)got;
  if (lookup->filled < wanted || lookup->filled == 2)
    return FALSE;
  if (!take_message (self, lookup, lookup->message + 2, lookup->filled - 2, reply))
    reply->status = EW_NAMES_TRY_AGAIN;
  return TRUE;
}

static gboolean
serve_lookup (EwLookups *self, Lookup *lookup, short ready, gint64 now, EwNamesReply *reply)
{
  if (now >= lookup->begun + EW_LOOKUPS_PATIENCE_US || lookup->fd < 0)
    {
      *reply = (EwNamesReply){ .status = EW_NAMES_TRY_AGAIN };
      return TRUE;
    }
  if (ready != 0 && lookup->tcp ? serve_tcp (self, lookup, reply) : ready != 0 && read_datagrams (self, lookup, reply))
    return TRUE;
  if (!lookup->tcp && now >= lookup->next)
    send_datagram (self, lookup, now);
  return FALSE;
}

void
ew_lookups_dispatch (EwLookups *self, const struct pollfd *fds, gint64 now)
{
  for (guint i = self->running->len; i-- > 0;)
    {
      Lookup *lookup = self->running->pdata[i];
      EwNamesReply reply;

      if (!serve_lookup (self, lookup, fds[i].revents, now, &reply))
        continue;
      remember (self, lookup->key, &reply, now);
      g_ptr_array_remove_index (self->running, i);
    }
}
