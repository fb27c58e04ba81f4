/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/server-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define DISCARD_MAX (1024 * 1024) /* bytes of a body too large that are read for the sake of an answer */
#define ANSWER_SECONDS 30
#define LINGER_SECONDS 3 /* for the caller of a refused request to take the answer and stop sending */
#define LENGTH_DIGITS_MAX 15

/* What is known of one request while it comes in. */
typedef struct
{
  gsize body;
  EwServerFault fault;
  gboolean refused; /* answered before its body came */
} Request;

GQuark
ew_http_connection_quark (void)
{
  return g_quark_from_static_string ("ew-connection");
}

static GQuark
request_quark (void)
{
  return g_quark_from_static_string ("ew-request");
}

/* Connections. */

void
ew_http_connection_drop (EwConnection *connection)
{
  connection->dropped = TRUE;
  ew_http_connection_forget_hello (connection);
  if (connection->server)
    g_queue_remove (&connection->server->waiting, connection);
  g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
  g_clear_object (&connection->held); /* if it was the last, the connection has ended */
}

static gboolean
on_deadline (gpointer user_data)
{
  EwConnection *connection = user_data;
  connection->deadline = 0;
  ew_http_connection_drop (connection);
  return G_SOURCE_REMOVE;
}

void
ew_http_connection_set_deadline (EwConnection *connection, guint seconds)
{
  g_clear_handle_id (&connection->deadline, g_source_remove);
  if (seconds > 0)
    connection->deadline = g_timeout_add_seconds (seconds, on_deadline, connection);
}

EwConnection *
ew_http_connection_of (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  return remote ? g_object_get_qdata (G_OBJECT (remote), ew_http_connection_quark ()) : NULL;
}

void
ew_http_server_release (EwServer *self, SoupServerMessage *message)
{
  EwConnection *connection = ew_http_connection_of (message);
  if (connection)
    {
      ew_http_connection_set_deadline (connection, 0);
      connection->stage = EW_STAGE_RELEASED;
    }
}

static gboolean
end_connection (gpointer user_data)
{
  EwConnection *connection = user_data;
  EwServer *self = connection->server;
  ew_http_connection_set_deadline (connection, 0);
  ew_http_connection_forget_hello (connection);
  if (connection->remote)
    g_object_set_qdata (G_OBJECT (connection->remote), ew_http_connection_quark (), NULL);
  g_clear_object (&connection->remote);
  if (self)
    {
      g_queue_remove (&self->waiting, connection);
      g_hash_table_remove (self->connections, connection);
    }
  g_object_unref (connection->socket);
  g_free (connection);
  return G_SOURCE_REMOVE;
}

/* A connection's end: the stream's last owner (libsoup, a viewer, the handshake) has let it go. A handshake has a
   thread of its own, which may be the last. g_main_context_invoke() would not do: while the main context isn't running,
   as when the server is being freed, it calls in the calling thread. */
void
ew_http_connection_on_stream_gone (gpointer user_data, GObject *stream)
{
  EwConnection *connection = user_data;
  if (g_thread_self () == connection->thread)
    end_connection (connection);
  else
    g_idle_add_full (G_PRIORITY_DEFAULT, end_connection, connection, NULL);
}

/* libsoup takes every local address for one of IP (a request of HTTP/1.0 without a host). */
void
ew_http_connection_hand_over (EwConnection *connection, GIOStream *stream)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) local = connection->peer.control ? g_inet_socket_address_new_from_string ("127.0.0.1", 0)
                                                              : g_socket_get_local_address (connection->socket, NULL);
  if (local == NULL
      || !soup_server_accept_iostream (connection->server->soup, stream, local, connection->remote, &error))
    g_debug ("api: a connection was dropped: %s", error ? error->message : "it is already closed");
}

/* Refusals before the body has come: the answer goes out at once, and what the caller still sends is thrown away for a
   moment, because closing on unread data would discard the answer (RFC 9112 section 9.6). */

typedef struct
{
  GIOStream *stream;
  EwConnection *connection;
  gchar *answer;
  guint8 scrap[16384];
  gsize discarded;
} Refusal;

static void
refusal_free (Refusal *refusal)
{
  g_clear_object (&refusal->stream); /* the connection's end */
  g_free (refusal->answer);
  g_free (refusal);
}

static void discard_more (Refusal *refusal);

static void
on_discarded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Refusal *refusal = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  refusal->discarded += n > 0 ? (gsize)n : 0;
  if (n > 0 && refusal->discarded < DISCARD_MAX)
    discard_more (refusal);
  else
    refusal_free (refusal);
}

static void
discard_more (Refusal *refusal)
{
  g_input_stream_read_async (g_io_stream_get_input_stream (refusal->stream), refusal->scrap, sizeof refusal->scrap,
                             G_PRIORITY_DEFAULT, NULL, on_discarded, refusal);
}

static void
on_refusal_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Refusal *refusal = user_data;
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    {
      refusal_free (refusal);
      return;
    }
  g_socket_shutdown (refusal->connection->socket, FALSE, TRUE, NULL);
  discard_more (refusal);
}

void
ew_http_append_head (GString *text, SoupServerMessage *message, guint64 length)
{
  SoupMessageHeadersIter iter;
  const gchar *name, *value;
  guint status = soup_server_message_get_status (message);
  g_string_append_printf (text, "HTTP/1.1 %u %s\r\n", status, soup_status_get_phrase (status));
  soup_message_headers_iter_init (&iter, soup_server_message_get_response_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    if (g_ascii_strcasecmp (name, "Content-Length") != 0)
      g_string_append_printf (text, "%s: %s\r\n", name, value);
  g_string_append_printf (text, "Content-Length: %" G_GUINT64_FORMAT "\r\n\r\n", length);
}

static gchar *
format_answer (SoupServerMessage *message)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_response_body (message));
  ew_http_append_head (text, message, g_bytes_get_size (body));
  g_string_append_len (text, g_bytes_get_data (body, NULL), (gssize)g_bytes_get_size (body));
  return g_string_free (text, FALSE);
}

/* Not within libsoup's own signal: the connection is taken away from it here. */
static gboolean
on_refuse (gpointer user_data)
{
  g_autoptr (SoupServerMessage) message = user_data;
  EwConnection *connection = ew_http_connection_of (message);
  Refusal *refusal;
  if (connection == NULL || connection->server == NULL)
    return G_SOURCE_REMOVE;
  refusal = g_new0 (Refusal, 1);
  refusal->connection = connection;
  refusal->answer = format_answer (message);
  ew_http_connection_set_deadline (connection, LINGER_SECONDS);
  refusal->stream = soup_server_message_steal_connection (message);
  if (refusal->stream)
    g_output_stream_write_all_async (g_io_stream_get_output_stream (refusal->stream), refusal->answer,
                                     strlen (refusal->answer), G_PRIORITY_DEFAULT, NULL, on_refusal_written, refusal);
  else
    refusal_free (refusal);
  return G_SOURCE_REMOVE;
}

static void
answer_request (EwServer *self, SoupServerMessage *message, const gchar *path, GHashTable *query)
{
  const EwConnection *connection = ew_http_connection_of (message);
  const Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  /* libsoup 3.2 keeps an idle connection forever when its client disappears, so no connection is left idle. */
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection", "close");
  if (connection == NULL || request == NULL)
    soup_server_message_set_status (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, NULL);
  else
    self->handler (self->user_data, message, &connection->peer, path, query, request->fault);
}

/* Requests. */

static gsize
headers_size (SoupMessageHeaders *headers)
{
  SoupMessageHeadersIter iter;
  const gchar *name, *value;
  gsize size = 0;
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    size += strlen (name) + strlen (value) + 4;
  return size;
}

/* RFC 9110 section 8.6: digits. libsoup takes "-1" for "until the end" and a number too long for any. */
static EwServerFault
check_length (SoupMessageHeaders *headers)
{
  SoupMessageHeadersIter iter;
  const gchar *name, *value;
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (g_ascii_strcasecmp (name, "Content-Length") != 0)
        continue;
      if (*value == '\0' || strspn (value, "0123456789") != strlen (value))
        return EW_SERVER_FAULT_BAD_LENGTH;
      if (strlen (value) > LENGTH_DIGITS_MAX || g_ascii_strtoull (value, NULL, 10) > EW_SERVER_BODY_MAX)
        return EW_SERVER_FAULT_TOO_LARGE;
    }
  return EW_SERVER_FAULT_NONE;
}

static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  EwServer *self = user_data;
  Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const gchar *path = g_uri_get_path (soup_server_message_get_uri (message)), *range;
  /* libsoup would cut answers into as many overlapping parts as a client asks for. Code that supports ranges reads
     the other name. */
  if ((range = soup_message_headers_get_one (headers, "Range")))
    soup_message_headers_replace (headers, EW_SERVER_RANGE, range);
  else
    soup_message_headers_remove (headers, EW_SERVER_RANGE);
  soup_message_headers_remove (headers, "Range");
  request->fault = check_length (headers);
  if (headers_size (headers) + strlen (path) > EW_SERVER_HEADERS_MAX)
    request->fault = EW_SERVER_FAULT_TOO_LARGE;
  if (request->fault == EW_SERVER_FAULT_NONE)
    return;
  request->refused = TRUE;
  answer_request (self, message, path, NULL);
  soup_server_message_pause (message);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_refuse, g_object_ref (message), NULL);
}

/* A body without a declared length. */
static void
on_got_chunk (SoupServerMessage *message, GBytes *chunk, gpointer user_data)
{
  Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  EwConnection *connection = ew_http_connection_of (message);
  request->body += g_bytes_get_size (chunk);
  if (request->body > EW_SERVER_BODY_MAX && request->fault == EW_SERVER_FAULT_NONE)
    {
      request->fault = EW_SERVER_FAULT_TOO_LARGE;
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
    }
  if (request->body > DISCARD_MAX && connection)
    g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
}

static void
on_request_started (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  EwConnection *connection = ew_http_connection_of (message);
  if (connection)
    ew_http_connection_set_deadline (connection, EW_SERVER_REQUEST_SECONDS);
  g_object_set_qdata_full (G_OBJECT (message), request_quark (), g_new0 (Request, 1), g_free);
  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers), user_data);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_got_chunk), user_data);
}

static void
on_request_read (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  EwConnection *connection = ew_http_connection_of (message);
  if (connection == NULL)
    return;
  connection->stage = EW_STAGE_ANSWER;
  ew_http_connection_set_deadline (connection, ANSWER_SECONDS);
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const gchar *path, GHashTable *query, gpointer user_data)
{
  answer_request (user_data, message, path, query);
}

/* Life. */

static GSocketService *
new_service (EwServer *self)
{
  GSocketService *service = g_socket_service_new ();
  g_socket_service_stop (service);
  g_signal_connect (service, "incoming", G_CALLBACK (ew_http_server_on_incoming), self);
  return service;
}

static void
free_service (EwServer *self, GSocketService *service)
{
  g_signal_handlers_disconnect_by_data (service, self);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  g_object_unref (service);
}

EwServer *
ew_http_server_new (EwServerHandler handler, gpointer user_data)
{
  EwServer *self = g_new0 (EwServer, 1);
  self->handler = handler;
  self->user_data = user_data;
  self->known = ew_http_known_addresses_new ();
  self->connections = g_hash_table_new (NULL, NULL);
  self->service = new_service (self);
  self->control = new_service (self);
  self->soup = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->soup, NULL, on_request, self, NULL);
  g_signal_connect (self->soup, "request-started", G_CALLBACK (on_request_started), self);
  g_signal_connect (self->soup, "request-read", G_CALLBACK (on_request_read), self);
  return self;
}

void
ew_http_server_start (EwServer *self, GTlsCertificate *certificate)
{
  g_set_object (&self->certificate, certificate);
  g_socket_service_start (self->service);
  g_socket_service_start (self->control);
}

void
ew_http_server_set_pass (EwServer *self, EwServerPass pass, gpointer user_data)
{
  self->pass = pass;
  self->pass_data = user_data;
}

void
ew_http_server_set_mesh (EwServer *self, const EwPrefix *v4, const EwPrefix *v6)
{
  self->mesh[0] = *v4;
  self->mesh[1] = *v6;
}

void
ew_http_server_know (EwServer *self, const EwIp *ip)
{
  ew_http_known_addresses_add (self->known, ip, g_get_monotonic_time ());
}

void
ew_http_server_free (EwServer *self)
{
  if (self == NULL)
    return;
  g_autoptr (GList) connections = g_hash_table_get_keys (self->connections);
  g_signal_handlers_disconnect_by_data (self->soup, self);
  free_service (self, self->service);
  free_service (self, self->control);
  if (self->control_path)
    g_unlink (self->control_path);
  g_clear_handle_id (&self->hurry, g_source_remove);
  g_queue_clear (&self->waiting);
  /* What is left belongs to others (a handshake in its thread) and ends with them. */
  for (GList *link = connections; link != NULL; link = link->next)
    {
      EwConnection *connection = link->data;
      ew_http_connection_set_deadline (connection, 0);
      connection->server = NULL;
      ew_http_connection_drop (connection);
    }
  soup_server_disconnect (self->soup);
  g_clear_object (&self->soup);
  g_clear_object (&self->certificate);
  g_hash_table_unref (self->connections);
  ew_http_known_addresses_free (self->known);
  g_free (self->control_path);
  g_free (self);
}
