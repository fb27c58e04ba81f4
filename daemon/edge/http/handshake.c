/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose turn it is to shake hands. Each handshake holds a thread of glib-networking's while it lasts, and GLib is slow
 * to start more than ten, so there are few at once:
 *
 *   - it begins only with the caller's whole ClientHello, so that half of one costs a socket and no thread;
 *   - callers of better standing come first, but no standing has all threads, nor a network all of its standing: a
 *     member can be hostile as well;
 *   - then the network with fewer connections, then the last to arrive: that one is the likeliest to be still there;
 *   - a connection has one handshake (one-handshake.h);
 *   - while others wait, a handshake that its caller keeps waiting ends: after STALL_US, later where its network has
 *     few connections and its standing is better than a stranger's.
 *
 * Timer: `hurry`, 0.1 s while others wait.
 */
#include "edge/http/server-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "edge/http/client-hello.h"
#include "edge/http/one-handshake.h"

#define HANDSHAKES_MAX 8
#define HANDSHAKES_PER_STANDING 6
#define HANDSHAKES_PER_NETWORK 4
#define HANDSHAKES_PER_MEMBER 2 /* of one address in the mesh: a node has two */
#define FEW 2                   /* connections of one network, whose handshakes may take their time */
#define HANDSHAKE_SECONDS 10
#define HURRY_MS 100
#define STALL_US (G_USEC_PER_SEC * 6 / 10)

/* Turns. */

/* Returns the sum; counts: by standing. */
static guint
count_handshakes (EwServer *self, guint counts[EW_STANDINGS])
{
  GHashTableIter iter;
  gpointer key;
  guint all = 0;

  memset (counts, 0, EW_STANDINGS * sizeof *counts);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const EwConnection *connection = key;
      if (connection->stage != EW_STAGE_HANDSHAKE)
        continue;
      counts[connection->standing]++;
      all++;
    }
  return all;
}

/* The next of those that wait; NULL: no handshake may begin now. */
static EwConnection *
choose_next (EwServer *self, const guint counts[EW_STANDINGS])
{
  g_autoptr (GHashTable) shaking = ew_http_server_count_networks (self, EW_STAGE_HANDSHAKE);
  g_autoptr (GHashTable) all = ew_http_server_count_networks (self, -1);
  EwConnection *best = NULL;
  guint n_best = 0;

  for (GList *link = self->waiting.tail; link; link = link->prev)
    {
      EwConnection *connection = link->data;
      guint n = ew_http_server_count_of (all, connection);
      guint most = connection->standing == EW_STANDING_MESH ? HANDSHAKES_PER_MEMBER : HANDSHAKES_PER_NETWORK;
      if (counts[connection->standing] >= HANDSHAKES_PER_STANDING
          || ew_http_server_count_of (shaking, connection) >= most)
        continue;
      if (best == NULL || connection->standing > best->standing
          || (connection->standing == best->standing && n < n_best))
        {
          best = connection;
          n_best = n;
        }
    }
  return best;
}

static gboolean
is_stalled (const EwConnection *connection, guint n_network, gint64 now)
{
  gint64 patience = n_network > FEW ? STALL_US : STALL_US * (1 + 2 * (gint64)connection->standing);

  return connection->stage == EW_STAGE_HANDSHAKE && !connection->dropped && now - connection->since >= patience;
}

/* Ends handshakes whose caller keeps them waiting, as many as others wait for, the longest first. */
static gboolean
on_hurry (gpointer user_data)
{
  EwServer *self = user_data;
  g_autoptr (GHashTable) counts = NULL;
  guint wanted = self->waiting.length;
  gint64 now = g_get_monotonic_time ();

  if (wanted == 0)
    {
      self->hurry = 0;
      return G_SOURCE_REMOVE;
    }
  counts = ew_http_server_count_networks (self, -1);
  for (; wanted > 0; wanted--)
    {
      GHashTableIter iter;
      gpointer key;
      EwConnection *oldest = NULL;
      g_hash_table_iter_init (&iter, self->connections);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        {
          EwConnection *connection = key;
          if (is_stalled (connection, ew_http_server_count_of (counts, connection), now)
              && (oldest == NULL || connection->since < oldest->since))
            oldest = connection;
        }
      if (oldest == NULL)
        break;
      ew_http_connection_drop (oldest);
    }
  return G_SOURCE_CONTINUE;
}

static void start_handshake (EwConnection *connection);

void
ew_http_server_start_waiting (EwServer *self)
{
  guint counts[EW_STANDINGS];
  EwConnection *next;

  while (count_handshakes (self, counts) < HANDSHAKES_MAX && self->waiting.length > 0
         && (next = choose_next (self, counts)))
    {
      g_queue_remove (&self->waiting, next);
      start_handshake (next);
    }
  if (self->waiting.length > 0 && self->hurry == 0)
    self->hurry = g_timeout_add (HURRY_MS, on_hurry, self);
}

/* The handshake. */

/* The ClientHello's version has been looked at; its extensions say the last word. */
static gboolean
is_modern (GTlsConnection *tls)
{
  GTlsProtocolVersion version = g_tls_connection_get_protocol_version (tls);
  return version == G_TLS_PROTOCOL_VERSION_TLS_1_2 || version == G_TLS_PROTOCOL_VERSION_TLS_1_3;
}

static void
on_handshake (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GIOStream) tls = G_IO_STREAM (source); /* the reference of start_handshake() */
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) keep = NULL;
  EwConnection *connection = g_object_get_qdata (source, ew_http_connection_quark ());
  EwServer *self = connection->server;
  gboolean good = g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error);

  if (self == NULL)
    return;
  g_object_get (source, "base-io-stream", &keep, NULL); /* the connection outlives what follows */
  connection->stage = EW_STAGE_REQUEST;
  ew_http_connection_set_deadline (connection, EW_SERVER_REQUEST_SECONDS);
  connection->peer.repeats
    = g_tls_connection_get_protocol_version (G_TLS_CONNECTION (tls)) != G_TLS_PROTOCOL_VERSION_TLS_1_3;
  if (good && is_modern (G_TLS_CONNECTION (tls)))
    ew_http_connection_hand_over (connection, tls);
  else
    g_debug ("api: no TLS with a caller: %s", error ? error->message : "its version is too old");
  ew_http_server_start_waiting (self);
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
start_handshake (EwConnection *connection)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };
  g_autoptr (GIOStream) held = g_steal_pointer (&connection->held);
  g_autoptr (GIOStream) base = ew_http_one_handshake_new (G_SOCKET_CONNECTION (held));
  GIOStream *tls = new_tls (base, connection->server->certificate);

  if (tls == NULL)
    return;
  connection->stage = EW_STAGE_HANDSHAKE;
  connection->since = g_get_monotonic_time ();
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);
  g_object_set (tls, "require-close-notify", FALSE, "authentication-mode", G_TLS_AUTHENTICATION_NONE, NULL);
  g_object_set_qdata (G_OBJECT (tls), ew_http_connection_quark (), connection);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, NULL, on_handshake, NULL);
}

/* The ClientHello. */

/* Fatal protocol_version, RFC 5246 section 7.2.2. */
static void
refuse_old (EwConnection *connection)
{
  static const guint8 alert[] = { 21, 3, 1, 0, 2, 2, 70 };

  (void)send (g_socket_get_fd (connection->socket), alert, sizeof alert, MSG_DONTWAIT | MSG_NOSIGNAL);
  ew_http_connection_drop (connection);
}

/* The socket counts as readable when this many bytes are there, or when no more will come. */
static void
set_need (EwConnection *connection, gsize need)
{
  connection->hello_need = need;
  g_socket_set_option (connection->socket, SOL_SOCKET, SO_RCVLOWAT, (gint)need, NULL);
}

static gboolean
has_ended (EwConnection *connection)
{
  struct pollfd look = { .fd = g_socket_get_fd (connection->socket), .events = POLLRDHUP };

  return poll (&look, 1, 0) > 0;
}

/* Whether the caller asks for a name that is not the API's, and has been led there. */
static gboolean
pass_on (EwConnection *connection, const guint8 *data, gsize length)
{
  EwServer *self = connection->server;
  EwClientHelloNames names;

  if (self->pass == NULL)
    return FALSE;
  ew_http_client_hello_read (data, length, &names);
  return names.name[0] != '\0'
         && self->pass (self->pass_data, g_socket_get_fd (connection->socket), names.name, names.acme);
}

static gboolean
on_hello_bytes (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  EwConnection *connection = user_data;
  EwServer *self = connection->server;
  guint8 data[EW_CLIENT_HELLO_MAX];
  gssize length = recv (g_socket_get_fd (socket), data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
  gsize need;
  EwClientHello found = EW_CLIENT_HELLO_NONE;

  if (length > 0)
    found = ew_http_client_hello_check (data, (gsize)length, &need);
  if (found == EW_CLIENT_HELLO_MORE && !has_ended (connection))
    {
      set_need (connection, need);
      return G_SOURCE_CONTINUE;
    }
  ew_http_connection_forget_hello (connection);
  if (found == EW_CLIENT_HELLO_WHOLE)
    set_need (connection, 1);
  if (found == EW_CLIENT_HELLO_WHOLE && pass_on (connection, data, (gsize)length))
    {
      g_clear_object (&connection->held); /* the connection's end here */
      return G_SOURCE_REMOVE;
    }
  if (found == EW_CLIENT_HELLO_WHOLE)
    {
      connection->stage = EW_STAGE_TURN;
      ew_http_connection_set_deadline (connection, HANDSHAKE_SECONDS);
      g_queue_push_tail (&self->waiting, connection);
      ew_http_server_start_waiting (self);
    }
  else if (found == EW_CLIENT_HELLO_OLD)
    refuse_old (connection);
  else
    ew_http_connection_drop (connection);
  return G_SOURCE_REMOVE;
}

void
ew_http_connection_forget_hello (EwConnection *connection)
{
  if (connection->hello)
    g_source_destroy (connection->hello);
  g_clear_pointer (&connection->hello, g_source_unref);
}

void
ew_http_connection_await_hello (EwConnection *connection)
{
  connection->hello = g_socket_create_source (connection->socket, G_IO_IN, NULL);
  g_source_set_callback (connection->hello, G_SOURCE_FUNC (on_hello_bytes), connection, NULL);
  g_source_attach (connection->hello, g_main_context_get_thread_default ());
}
