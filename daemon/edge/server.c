/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/server.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "common/error.h"

#define CONNECTIONS_MAX 512        /* the control socket's not counted: a crowd does not lock the owner out */
#define CONNECTIONS_PER_ADDRESS 64 /* or IPv6 /64: whoever has one of its addresses has all */
#define HANDSHAKES_PER_ADDRESS 4   /* each holds a thread of glib-networking's while it lasts */
#define DISCARD_MAX (1024 * 1024)  /* bytes of a body too large that are read for the sake of an answer */
#define ACCEPT_SECONDS 15
#define REQUEST_SECONDS 15
#define ANSWER_SECONDS 30
#define BACKLOG 128

struct EwServer
{
  SoupServer *soup;
  GSocketService *service;
  GTlsCertificate *certificate;
  EwServerHandler handler;
  gpointer user_data;
  gchar *control_path;
  GHashTable *connections; /* set of Connection */
  GQueue waiting;          /* Connection: for its turn to shake hands */
};

typedef struct
{
  EwServer *server;
  EwServerPeer peer;
  GThread *thread; /* the server's, the only one that touches this */
  GSocket *socket;
  GIOStream *held;        /* its stream, until the handshake begins. Then others own that, and its end is ours */
  GSocketAddress *remote; /* libsoup's messages lead back here by it */
  GSource *first_bytes;   /* until the caller has begun to speak */
  guint deadline;
  gboolean handshaking;
  gboolean crowded_out; /* shut down in favour of another, and on its way out */
} Connection;

/* What is known of one request while it comes in. */
typedef struct
{
  gsize body;
  gboolean too_large;
} Request;

static GQuark
connection_quark (void)
{
  return g_quark_from_static_string ("ew-connection");
}

static GQuark
request_quark (void)
{
  return g_quark_from_static_string ("ew-request");
}

/* Deadlines. */

static gboolean
on_deadline (gpointer user_data)
{
  Connection *connection = user_data;
  connection->deadline = 0;
  g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

static void
forget_first_bytes (Connection *connection)
{
  if (connection->first_bytes)
    g_source_destroy (connection->first_bytes);
  g_clear_pointer (&connection->first_bytes, g_source_unref);
}

static void
set_deadline (Connection *connection, guint seconds)
{
  g_clear_handle_id (&connection->deadline, g_source_remove);
  if (seconds > 0)
    connection->deadline = g_timeout_add_seconds (seconds, on_deadline, connection);
}

static Connection *
connection_of (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  return remote ? g_object_get_qdata (G_OBJECT (remote), connection_quark ()) : NULL;
}

void
ew_server_release (EwServer *self, SoupServerMessage *message)
{
  Connection *connection = connection_of (message);
  if (connection)
    set_deadline (connection, 0);
}

static gboolean
end_connection (gpointer user_data)
{
  Connection *connection = user_data;
  EwServer *self = connection->server;
  set_deadline (connection, 0);
  forget_first_bytes (connection);
  if (connection->remote)
    g_object_set_qdata (G_OBJECT (connection->remote), connection_quark (), NULL);
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
   thread of its own, which may be the last. g_main_context_invoke() would not do: while nobody runs the main context,
   as when the server is being freed, it calls in the thread that asks. */
static void
on_stream_gone (gpointer user_data, GObject *stream)
{
  Connection *connection = user_data;
  if (g_thread_self () == connection->thread)
    end_connection (connection);
  else
    g_idle_add_full (G_PRIORITY_DEFAULT, end_connection, connection, NULL);
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

static void
mark_too_large (SoupServerMessage *message, Request *request)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  request->too_large = TRUE;
  soup_message_body_set_accumulate (body, FALSE);
}

static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  /* libsoup would cut answers into as many overlapping parts as a client asks for. */
  soup_message_headers_remove (headers, "Range");
  const gchar *uri = g_uri_get_path (soup_server_message_get_uri (message));
  if (headers_size (headers) + strlen (uri) > EW_SERVER_HEADERS_MAX
      || soup_message_headers_get_content_length (headers) > EW_SERVER_BODY_MAX)
    mark_too_large (message, request);
}

static void
on_got_chunk (SoupServerMessage *message, GBytes *chunk, gpointer user_data)
{
  Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  request->body += g_bytes_get_size (chunk);
  if (request->body > EW_SERVER_BODY_MAX && !request->too_large)
    mark_too_large (message, request);
  Connection *connection = connection_of (message);
  if (request->body > DISCARD_MAX && connection)
    g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
}

static void
on_request_started (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  Connection *connection = connection_of (message);
  if (connection)
    set_deadline (connection, REQUEST_SECONDS);
  g_object_set_qdata_full (G_OBJECT (message), request_quark (), g_new0 (Request, 1), g_free);
  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers), user_data);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_got_chunk), user_data);
}

static void
on_request_read (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  Connection *connection = connection_of (message);
  if (connection)
    set_deadline (connection, ANSWER_SECONDS);
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const gchar *path, GHashTable *query, gpointer user_data)
{
  EwServer *self = user_data;
  const Connection *connection = connection_of (message);
  const Request *request = g_object_get_qdata (G_OBJECT (message), request_quark ());
  /* libsoup 3.2 keeps an idle connection for ever when its client goes away, so none gets idle. */
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection", "close");
  if (connection == NULL || request == NULL)
    soup_server_message_set_status (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, NULL);
  else
    self->handler (self->user_data, message, &connection->peer, path, query, request->too_large);
}

/* Accepting. */

static gboolean
same_peer (const EwServerPeer *a, const EwServerPeer *b)
{
  if (a->control != b->control || a->ip.family != b->ip.family)
    return FALSE;
  return memcmp (a->ip.bytes, b->ip.bytes, a->ip.family == EW_FAMILY_V6 ? 8 : 4) == 0;
}

static guint
count_from (EwServer *self, const EwServerPeer *peer, gboolean handshaking)
{
  GHashTableIter iter;
  gpointer key;
  guint n = 0;
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const Connection *other = key;
      n += same_peer (&other->peer, peer) && !other->crowded_out && (!handshaking || other->handshaking);
    }
  return n;
}

static guint
count_all (EwServer *self)
{
  GHashTableIter iter;
  gpointer key;
  guint n = 0;
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    n += !((const Connection *)key)->peer.control && !((const Connection *)key)->crowded_out;
  return n;
}

static guint
peer_hash (gconstpointer data)
{
  const EwServerPeer *peer = data;
  guint32 words[2] = { 0, 0 };
  memcpy (words, peer->ip.bytes, peer->ip.family == EW_FAMILY_V6 ? 8 : 4);
  return words[0] * 31 + words[1];
}

static gboolean
peer_equal (gconstpointer a, gconstpointer b)
{
  return same_peer (a, b);
}

/* Address (borrowed) → how many connections it has. */
static GHashTable *
count_each (EwServer *self)
{
  GHashTable *counts = g_hash_table_new (peer_hash, peer_equal);
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const Connection *connection = key;
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, &connection->peer));
      if (!connection->crowded_out)
        g_hash_table_replace (counts, (gpointer)&connection->peer, GUINT_TO_POINTER (n + 1));
    }
  return counts;
}

/* A full house: the address that has the most connections gives up one that waits for nothing but its caller, unless
   that would be of no help: then the newcomer has to come again. */
static gboolean
make_room (EwServer *self, guint of_newcomer)
{
  g_autoptr (GHashTable) counts = count_each (self);
  GHashTableIter iter;
  gpointer key;
  Connection *victim = NULL;
  guint most = of_newcomer + 1;
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      Connection *connection = key;
      gboolean idle = connection->deadline != 0 && !connection->crowded_out && !connection->peer.control;
      guint n = idle ? GPOINTER_TO_UINT (g_hash_table_lookup (counts, &connection->peer)) : 0;
      if (n > most)
        {
          victim = connection;
          most = n;
        }
    }
  if (victim == NULL)
    return FALSE;
  victim->crowded_out = TRUE;
  g_socket_shutdown (victim->socket, TRUE, TRUE, NULL);
  return TRUE;
}

/* From here on libsoup owns the stream. It takes every local address for one of IP (a request of HTTP/1.0 without a
 * host). */
static void
hand_over (Connection *connection, GIOStream *stream)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) local = connection->peer.control ? g_inet_socket_address_new_from_string ("127.0.0.1", 0)
                                                              : g_socket_get_local_address (connection->socket, NULL);
  if (local == NULL
      || !soup_server_accept_iostream (connection->server->soup, stream, local, connection->remote, &error))
    g_debug ("api: a connection was dropped: %s", error ? error->message : "it is gone already");
}

static void start_handshake (Connection *connection);

static void
start_waiting (EwServer *self)
{
  for (GList *link = self->waiting.head; link;)
    {
      GList *next = link->next;
      Connection *connection = link->data;
      if (count_from (self, &connection->peer, TRUE) < HANDSHAKES_PER_ADDRESS)
        {
          g_queue_delete_link (&self->waiting, link);
          start_handshake (connection);
        }
      link = next;
    }
}

static void
on_handshake (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GIOStream) tls = G_IO_STREAM (source); /* the reference of start_handshake() */
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) keep = NULL;
  Connection *connection = g_object_get_qdata (source, connection_quark ());
  EwServer *self = connection->server;
  gboolean good = g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error);
  if (self == NULL)
    return;
  g_object_get (source, "base-io-stream", &keep, NULL); /* the connection outlives what follows */
  connection->handshaking = FALSE;
  if (good)
    hand_over (connection, tls);
  else
    g_debug ("api: no TLS with a caller: %s", error->message);
  start_waiting (self);
}

/* Callers show no certificate, so there is no database: g_tls_server_connection_new() would read the system's whole
   list of CAs for every caller. */
static GIOStream *
new_tls (GIOStream *stream, GTlsCertificate *certificate)
{
  GType type = g_tls_backend_get_server_connection_type (g_tls_backend_get_default ());
  return g_initable_new (type, NULL, NULL, "base-io-stream", stream, "certificate", certificate, "database", NULL,
                         NULL);
}

static void
start_handshake (Connection *connection)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };
  g_autoptr (GIOStream) held = g_steal_pointer (&connection->held);
  GIOStream *tls = new_tls (held, connection->server->certificate);
  if (tls == NULL)
    return;
  connection->handshaking = TRUE;
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);
  g_object_set (tls, "require-close-notify", FALSE, "authentication-mode", G_TLS_AUTHENTICATION_NONE, NULL);
  g_object_set_qdata (G_OBJECT (tls), connection_quark (), connection);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, NULL, on_handshake, NULL);
}

/* Only who has spoken gets one of the few threads for handshakes; the deadline ends those who never do. */
static gboolean
on_first_bytes (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Connection *connection = user_data;
  EwServer *self = connection->server;
  forget_first_bytes (connection);
  g_queue_push_tail (&self->waiting, connection);
  start_waiting (self);
  return G_SOURCE_REMOVE;
}

static void
await_first_bytes (Connection *connection)
{
  connection->first_bytes = g_socket_create_source (connection->socket, G_IO_IN, NULL);
  g_source_set_callback (connection->first_bytes, G_SOURCE_FUNC (on_first_bytes), connection, NULL);
  g_source_attach (connection->first_bytes, g_main_context_get_thread_default ());
}

static gboolean
admit (Connection *connection, GSocketConnection *stream)
{
  EwServer *self = connection->server;
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (stream, NULL);
  if (remote == NULL)
    return FALSE;
  if (G_IS_INET_SOCKET_ADDRESS (remote))
    {
      GInetAddress *address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
      const guint8 *bytes = g_inet_address_to_bytes (address);
      static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
      if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
        connection->peer.ip = ew_ip_from_bytes (EW_FAMILY_V4, bytes);
      else if (memcmp (bytes, mapped, sizeof mapped) == 0)
        connection->peer.ip = ew_ip_from_bytes (EW_FAMILY_V4, bytes + sizeof mapped);
      else
        connection->peer.ip = ew_ip_from_bytes (EW_FAMILY_V6, bytes);
    }
  else
    connection->peer.control = TRUE;
  if (!connection->peer.control)
    {
      guint n = count_from (self, &connection->peer, FALSE);
      if (n >= CONNECTIONS_PER_ADDRESS || (count_all (self) >= CONNECTIONS_MAX && !make_room (self, n)))
        return FALSE;
    }
  connection->remote = g_steal_pointer (&remote);
  return TRUE;
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *stream, GObject *source, gpointer user_data)
{
  EwServer *self = user_data;
  Connection *connection = g_new0 (Connection, 1);
  connection->server = self;
  connection->thread = g_thread_self ();
  if (!admit (connection, stream))
    {
      g_free (connection);
      return TRUE;
    }
  connection->socket = g_object_ref (g_socket_connection_get_socket (stream));
  g_hash_table_add (self->connections, connection);
  g_object_weak_ref (G_OBJECT (stream), on_stream_gone, connection);
  g_object_set_qdata (G_OBJECT (connection->remote), connection_quark (), connection);
  set_deadline (connection, ACCEPT_SECONDS);
  if (connection->peer.control)
    {
      hand_over (connection, G_IO_STREAM (stream));
      return TRUE;
    }
  g_socket_set_option (g_socket_connection_get_socket (stream), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  connection->held = g_object_ref (G_IO_STREAM (stream));
  await_first_bytes (connection);
  return TRUE;
}

/* Binding. */

static void
explain_bind (GError **error, const GError *cause, guint16 port)
{
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    g_set_error (
      error, EW_ERROR, EW_ERROR_FAILED,
      "TCP port %u is in use by another program: stop that one, or choose another port with --listen [ADDR]:PORT.",
      port);
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    g_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                 "TCP port %u needs a privilege (ports below 1024 are root's): start as root, or choose a higher port "
                 "with --listen [ADDR]:PORT.",
                 port);
  else
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "The edge cannot listen on TCP port %u: %s.", port, cause->message);
}

static gboolean
add_socket (EwServer *self, GSocketAddress *address, gboolean v6_only, GError **error)
{
  GSocketFamily family = g_socket_address_get_family (address);
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return FALSE;
  if (v6_only)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, 1, NULL);
  g_socket_set_listen_backlog (socket, BACKLOG);
  return g_socket_bind (socket, address, TRUE, error) && g_socket_listen (socket, error)
         && g_socket_listener_add_socket (G_SOCKET_LISTENER (self->service), socket, NULL, error);
}

static gboolean
bind_ip (EwServer *self, const gchar *ip, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (ip, port);
  if (address)
    return add_socket (self, address, TRUE, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no IP address", ip);
  return FALSE;
}

gboolean
ew_server_bind_tcp (EwServer *self, const gchar *address, guint16 port, GError **error)
{
  g_autoptr (GError) cause = NULL, no_v6 = NULL;
  gboolean bound;
  if (address)
    bound = bind_ip (self, address, port, &cause);
  else
    {
      bound = bind_ip (self, "0.0.0.0", port, &cause);
      /* A host may have IPv6 switched off. */
      if (bound && !bind_ip (self, "::", port, &no_v6))
        g_message ("listening on IPv4 alone: %s", no_v6->message);
    }
  if (!bound)
    explain_bind (error, cause, port);
  return bound;
}

gboolean
ew_server_bind_control (EwServer *self, const gchar *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (strlen (path) >= sizeof ((struct sockaddr_un *)0)->sun_path)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                   "The state directory's path is too long for its control socket (%s): choose a shorter --state-dir.",
                   path);
      return FALSE;
    }
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_unlink (path);
  mode_t mask = umask (0177); /* 0600 from the first moment on */
  gboolean bound = add_socket (self, address, FALSE, &cause);
  umask (mask);
  if (bound)
    self->control_path = g_strdup (path);
  else
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "The control socket %s cannot be made: %s.", path, cause->message);
  return bound;
}

/* Life. */

EwServer *
ew_server_new (EwServerHandler handler, gpointer user_data)
{
  EwServer *self = g_new0 (EwServer, 1);
  self->handler = handler;
  self->user_data = user_data;
  self->connections = g_hash_table_new (NULL, NULL);
  self->service = g_socket_service_new ();
  g_socket_service_stop (self->service);
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), self);
  self->soup = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->soup, NULL, on_request, self, NULL);
  g_signal_connect (self->soup, "request-started", G_CALLBACK (on_request_started), self);
  g_signal_connect (self->soup, "request-read", G_CALLBACK (on_request_read), self);
  return self;
}

void
ew_server_start (EwServer *self, GTlsCertificate *certificate)
{
  g_set_object (&self->certificate, certificate);
  g_socket_service_start (self->service);
}

void
ew_server_free (EwServer *self)
{
  if (self == NULL)
    return;
  g_autoptr (GList) connections = g_hash_table_get_keys (self->connections);
  g_signal_handlers_disconnect_by_data (self->service, self);
  g_signal_handlers_disconnect_by_data (self->soup, self);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  if (self->control_path)
    g_unlink (self->control_path);
  /* What is left belongs to others (a handshake in its thread) and ends with them. */
  for (GList *link = connections; link != NULL; link = link->next)
    {
      Connection *connection = link->data;
      set_deadline (connection, 0);
      forget_first_bytes (connection);
      connection->server = NULL;
      g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
      g_clear_object (&connection->held); /* perhaps the last: then the connection has ended */
    }
  soup_server_disconnect (self->soup);
  g_clear_object (&self->soup);
  g_clear_object (&self->service);
  g_clear_object (&self->certificate);
  g_hash_table_unref (self->connections);
  g_free (self->control_path);
  g_free (self);
}
