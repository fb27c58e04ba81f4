/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions via TCP (RFC 7766): any number, one after the other without waiting, answered as the answers come. Bounds:
 *
 *   connections        EW_DNS_CONNECTIONS_MAX, of a node EW_DNS_NODE_CONNECTIONS_MAX; beyond, the one that has been
 *                      idle longest is closed
 *   a query            EW_DNS_QUERY_MAX bytes; a longer one ends the connection
 *   unread answers     OUTPUT_MAX bytes, OPEN_QUESTIONS_MAX at the forwarder; beyond, nothing more is read
 *   … of the forwarder UNREAD_MAX bytes, as its answers may be long; beyond, the connection ends
 *   time               10 s without a whole query, or with answers that are not taken
 *   rate               as via UDP; beyond, nothing more is read until there is some left
 */
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/dns/server-private.h"

#define LENGTH_SIZE 2 /* before each message: RFC 1035, 4.2.2 */
#define OUTPUT_MAX (32 * 1024)
#define UNREAD_MAX (256 * 1024)
#define OPEN_QUESTIONS_MAX 32
#define SWEEP_MS 250

typedef struct
{
  guint references; /* the server's, and one for each question that the forwarder has */
  EwDnsServer *server;
  EwDnsHost *host;
  EwDnsAsker asker;
  int fd;      /* < 0: closed */
  GList *link; /* in the server's list */
  GSource *source;
  GIOCondition condition;
  guint8 in[LENGTH_SIZE + EW_DNS_QUERY_MAX];
  gsize in_len;
  GByteArray *out;
  gsize out_sent;
  guint open;
  gboolean ended; /* the asker sends nothing more */
  gint64 deadline_us;
} EwDnsConnection;

typedef struct
{
  EwDnsConnection *connection;
  guint16 id;
} OpenQuestion;

static void handle_connection (EwDnsConnection *self);

static void
unref_connection (EwDnsConnection *self)
{
  if (--self->references > 0)
    return;
  g_byte_array_unref (self->out);
  g_free (self);
}

static void
close_connection (EwDnsConnection *self)
{
  if (self->fd < 0)
    return;
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  close (self->fd);
  self->fd = -1;
  g_queue_delete_link (&self->server->connections, self->link);
  ew_dns_host_count (self->host, -1);
  ew_dns_host_unref (self->host);
  unref_connection (self);
}

void
ew_dns_tcp_close_all (EwDnsServer *self)
{
  while (self->connections.head != NULL)
    close_connection (self->connections.head->data);
  if (self->sweep != NULL)
    g_source_destroy (self->sweep);
  g_clear_pointer (&self->sweep, g_source_unref);
}

static gboolean
has_room (const EwDnsConnection *self)
{
  return self->out->len - self->out_sent < OUTPUT_MAX && self->open < OPEN_QUESTIONS_MAX;
}

static gboolean
on_ready (int fd, GIOCondition condition, gpointer user_data)
{
  if ((condition & (G_IO_ERR | G_IO_HUP)) != 0) /* reset: the peer reads no answers */
    close_connection (user_data);
  else
    handle_connection (user_data);
  return G_SOURCE_CONTINUE; /* where it was closed, the source is destroyed */
}

static void
watch_connection (EwDnsConnection *self, GIOCondition condition)
{
  if (self->source != NULL && self->condition == condition)
    return;
  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  self->condition = condition;
  self->source = g_unix_fd_source_new (self->fd, condition);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_ready), self, NULL);
  g_source_attach (self->source, self->server->context);
}

static void
prolong (EwDnsConnection *self)
{
  self->deadline_us = g_get_monotonic_time () + self->server->idle_us;
}

static void
append_answer (EwDnsConnection *self, const guint8 *answer, gsize len)
{
  guint8 length[LENGTH_SIZE];

  ldns_write_uint16 (length, (guint16)len);
  g_byte_array_append (self->out, length, sizeof length);
  g_byte_array_append (self->out, answer, (guint)len);
}

/* FALSE: it is closed. */
static gboolean
flush_answers (EwDnsConnection *self)
{
  if (self->out->len == 0)
    return TRUE;
  gssize n
    = send (self->fd, self->out->data + self->out_sent, self->out->len - self->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    {
      close_connection (self);
      return FALSE;
    }
  self->out_sent += n > 0 ? (gsize)n : 0;
  if (self->out_sent == self->out->len)
    {
      g_byte_array_set_size (self->out, 0);
      self->out_sent = 0;
      prolong (self);
    }
  else if (self->out_sent >= OUTPUT_MAX) /* a peer that always leaves something unread doesn't make it grow */
    {
      g_byte_array_remove_range (self->out, 0, (guint)self->out_sent);
      self->out_sent = 0;
    }
  return TRUE;
}

static void
on_forwarded (gpointer user_data, const guint8 *answer, gsize len)
{
  EwDnsConnection *self = user_data;

  self->open--;
  if (self->fd >= 0 && answer != NULL && len <= EW_DNS_MESSAGE_MAX)
    append_answer (self, answer, len);
  if (self->fd >= 0)
    handle_connection (self);
  if (self->fd >= 0 && self->out->len - self->out_sent > UNREAD_MAX)
    close_connection (self);
  unref_connection (self);
}

static void
handle_query (EwDnsConnection *self, const guint8 *wire, gsize len)
{
  EwDnsServer *server = self->server;
  guint8 answer[EW_DNS_OWN_ANSWER_MAX];
  EwDnsQuery query;
  gsize answer_len = 0;
  EwDnsVerdict verdict = ew_dns_answer (server->zone, wire, len, TRUE, &query, answer, &answer_len);

  if (self->out->len == 0)
    prolong (self);
  if (verdict == EW_DNS_VERDICT_FORWARD && server->forward != NULL)
    {
      self->open++;
      self->references++;
      server->forward_calls->async (server->forward, &self->asker, wire, len, on_forwarded, self);
    }
  else if (verdict != EW_DNS_VERDICT_DROP)
    append_answer (self, answer, answer_len);
}

typedef enum
{
  TAKEN_ALL,  /* what is left isn't a whole query */
  TAKEN_SOME, /* more is there, but there is no room for answers, or the node has used up its questions */
  TAKEN_WRONG
} Taken;

static Taken
take_queries (EwDnsConnection *self)
{
  gsize at = 0;
  Taken result = TAKEN_ALL;

  while (result == TAKEN_ALL && self->in_len - at >= LENGTH_SIZE)
    {
      gsize len = ldns_read_uint16 (self->in + at);

      if (len < LDNS_HEADER_SIZE || len > EW_DNS_QUERY_MAX)
        return TAKEN_WRONG;
      if (self->in_len - at - LENGTH_SIZE < len)
        break;
      if (!has_room (self) || !ew_dns_server_take (self->server, self->host))
        result = TAKEN_SOME;
      else
        {
          handle_query (self, self->in + at + LENGTH_SIZE, len);
          at += LENGTH_SIZE + len;
        }
    }
  memmove (self->in, self->in + at, self->in_len - at);
  self->in_len -= at;
  return result;
}

/* FALSE: it is closed. */
static gboolean
read_queries (EwDnsConnection *self)
{
  gssize n = recv (self->fd, self->in + self->in_len, sizeof self->in - self->in_len, MSG_DONTWAIT);

  if (n < 0 && errno != EAGAIN && errno != EINTR)
    {
      close_connection (self);
      return FALSE;
    }
  self->ended = self->ended || n == 0;
  self->in_len += n > 0 ? (gsize)n : 0;
  return TRUE;
}

/* Reads, answers and writes what can be at this moment. */
static void
handle_connection (EwDnsConnection *self)
{
  if (!flush_answers (self))
    return;
  if (has_room (self) && !self->ended && self->in_len < sizeof self->in && !read_queries (self))
    return;
  Taken taken = take_queries (self);
  if (!flush_answers (self))
    return;
  if (taken == TAKEN_WRONG || (self->ended && taken == TAKEN_ALL && self->open == 0 && self->out->len == 0))
    {
      close_connection (self);
      return;
    }
  GIOCondition condition = self->out->len > 0 ? G_IO_OUT : 0;
  if (taken == TAKEN_ALL && has_room (self) && !self->ended)
    condition |= G_IO_IN;
  watch_connection (self, condition);
}

/* Handles deadlines, removed nodes, and connections that had no questions left. */
static gboolean
on_sweep (gpointer user_data)
{
  EwDnsServer *self = user_data;
  gint64 now = g_get_monotonic_time ();
  GList *next;

  for (GList *item = self->connections.head; item != NULL; item = next)
    {
      EwDnsConnection *connection = item->data;

      next = item->next;
      if (connection->deadline_us < now || ew_dns_host_is_gone (connection->host))
        close_connection (connection);
      else if (connection->in_len > 0)
        handle_connection (connection);
    }
  if (self->connections.head != NULL)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
start_sweep (EwDnsServer *self)
{
  if (self->sweep != NULL)
    return;
  self->sweep = g_timeout_source_new (SWEEP_MS);
  g_source_set_callback (self->sweep, on_sweep, self, NULL);
  g_source_attach (self->sweep, self->context);
}

static void
make_room (EwDnsServer *self)
{
  EwDnsConnection *oldest = NULL;

  if (self->connections.length < EW_DNS_CONNECTIONS_MAX)
    return;
  for (GList *item = self->connections.head; item != NULL; item = item->next)
    {
      EwDnsConnection *connection = item->data;
      oldest = oldest == NULL || connection->deadline_us < oldest->deadline_us ? connection : oldest;
    }
  if (oldest != NULL)
    close_connection (oldest);
}

gboolean
ew_dns_tcp_ready (int listener, GIOCondition condition, gpointer user_data)
{
  const EwDnsDoor *door = user_data;
  EwDnsServer *self = door->server;
  struct sockaddr_storage from;
  socklen_t len = sizeof from;
  EwDnsAsker asker = { .tcp = TRUE };
  int fd = accept4 (listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (fd < 0)
    return G_SOURCE_CONTINUE;
  EwDnsHost *host = ew_dns_server_identify (door, &from, &asker);
  if (host == NULL || ew_dns_host_count (host, 0) >= EW_DNS_NODE_CONNECTIONS_MAX)
    {
      close (fd);
      return G_SOURCE_CONTINUE;
    }
  make_room (self);
  EwDnsConnection *connection = g_new0 (EwDnsConnection, 1);
  connection->references = 1;
  connection->server = self;
  connection->fd = fd;
  connection->host = ew_dns_host_ref (host);
  ew_dns_host_count (host, 1);
  connection->asker = asker;
  connection->out = g_byte_array_new ();
  g_queue_push_tail (&self->connections, connection);
  connection->link = self->connections.tail;
  prolong (connection);
  watch_connection (connection, G_IO_IN);
  start_sweep (self);
  return G_SOURCE_CONTINUE;
}
