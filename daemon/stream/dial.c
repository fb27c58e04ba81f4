/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/dial.h"
#include "capsule/upgrade.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/pki.h"
#include "common/util.h"
#include "proxy/settings.h"
#include "proxy/tunnel.h"

#include <string.h>
#include <sys/socket.h>

/* RFC 6066 section 3: an address isn't a valid server name, and GnuTLS refuses one. The pin decides, not the name. */
#define NO_NAME "edge.invalid"

typedef struct
{
  EwEndpoint to;
  gchar *place; /* for people: HOST:PORT */
  gchar *name;  /* NULL: it has none */
  guint8 pin[EW_PIN_SIZE];
  guint32 mark;
  EwProxy *proxy;         /* NULL: none */
  gboolean past_proxy;    /* it has connected */
  gboolean proxy_refused; /* … or hasn't, or its settings can't be used */
  gboolean asked_password;
  GSocketConnection *connection;
  GIOStream *tls;
  gchar *request;
  gchar head[EW_HEAD_MAX];
  gsize head_length;
  GError *pin_error;
  gchar *intercepted;        /* by whom the certificate was issued, if not by an edge */
  GCancellable *cancellable; /* this dial's: time is up, or the caller's */
  gulong cancel_handler;
  guint deadline;
  gboolean timed_out;
} Dial;

static void
dial_free (gpointer data)
{
  Dial *dial = data;
  g_clear_handle_id (&dial->deadline, g_source_remove);
  if (dial->connection) /* closing TLS waits for the other end otherwise */
    g_socket_shutdown (g_socket_connection_get_socket (dial->connection), TRUE, TRUE, NULL);
  g_clear_object (&dial->tls);
  g_clear_object (&dial->connection);
  g_clear_object (&dial->cancellable);
  g_clear_error (&dial->pin_error);
  ew_proxy_free (dial->proxy);
  g_free (dial->intercepted);
  g_free (dial->request);
  g_free (dial->place);
  g_free (dial->name);
  g_free (dial);
}

void
ew_stream_dialed_free (EwStreamDialed *dialed)
{
  if (dialed == NULL)
    return;
  g_clear_object (&dialed->stream);
  g_clear_object (&dialed->socket);
  g_clear_pointer (&dialed->early, g_bytes_unref);
  g_free (dialed);
}

static void
end_dial (GTask *task)
{
  Dial *dial = g_task_get_task_data (task);
  g_clear_handle_id (&dial->deadline, g_source_remove);
  if (dial->cancel_handler)
    g_cancellable_disconnect (g_task_get_cancellable (task), dial->cancel_handler);
  dial->cancel_handler = 0;
}

/* The way ended before the proxy has said anything. */
static void
fail_before_proxy (GTask *task, const GError *cause)
{
  Dial *dial = g_task_get_task_data (task);
  g_autofree gchar *place = ew_proxy_format_place (dial->proxy);
  dial->proxy_refused = TRUE;
  ew_task_return_new_error (
    task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
    "The proxy %s, which leads to the edge, can't be reached (%s). Check this computer's network and the proxy's "
    "address: `edgewayctl proxy`.",
    place, dial->timed_out ? N_ ("no answer in time") : ew_phrase_cause (cause));
}

/* Takes task and cause. */
static void
fail (GTask *task, GError *cause)
{
  Dial *dial = g_task_get_task_data (task);
  g_autoptr (GError) local = cause;
  end_dial (task);
  if (g_task_return_error_if_cancelled (task))
    g_debug ("a stream isn't wanted any more");
  else if (dial->proxy_refused)
    g_task_return_error (task, g_steal_pointer (&local));
  else if (dial->proxy && !dial->past_proxy)
    fail_before_proxy (task, local);
  else if (dial->intercepted)
    g_task_return_error (task, ew_pki_error_for_reader (dial->place, dial->intercepted));
  else if (dial->pin_error)
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_PIN_MISMATCH,
                              "The server at %s isn't this mesh's edge: its certificate doesn't match the mesh's pin. "
                              "Either someone intercepts the connection, or the edge was set up again from nothing and "
                              "you need a new enrollment key.",
                              dial->place);
  else
    ew_task_return_new_error (
      task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
      "The edge at %s can't be reached (%s). Check this computer's network, and that the edge runs and its TCP port is "
      "open.",
      dial->place, dial->timed_out ? N_ ("no answer in time") : ew_phrase_cause (local));
  g_object_unref (task);
}

static void
fail_with (GTask *task, const gchar *what)
{
  fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, what));
}

/* The upgrade. */

static void read_head (GTask *task);

static void
succeed (GTask *task, const EwUpgradeAnswer *answer)
{
  Dial *dial = g_task_get_task_data (task);
  EwStreamDialed *dialed = g_new0 (EwStreamDialed, 1);
  end_dial (task);
  dialed->socket = g_object_ref (g_socket_connection_get_socket (dial->connection));
  dialed->stream = g_steal_pointer (&dial->tls);
  dialed->early = g_bytes_new (dial->head + answer->size, dial->head_length - answer->size);
  g_clear_object (&dial->connection);
  g_task_return_pointer (task, dialed, (GDestroyNotify)ew_stream_dialed_free);
  g_object_unref (task);
}

static void
on_head_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Dial *dial = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  EwUpgradeAnswer answer;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);
  if (n < 0)
    {
      fail (task, g_steal_pointer (&error));
      return;
    }
  dial->head_length += (gsize)n;
  EwHeadResult got = ew_upgrade_read_answer (dial->head, dial->head_length, &answer);
  if (got == EW_HEAD_MORE && n > 0)
    read_head (task);
  else if (got == EW_HEAD_WHOLE && answer.upgraded)
    succeed (task, &answer);
  else if (got == EW_HEAD_WHOLE && answer.status == 404)
    fail_with (task, N_ ("it doesn't know the https transport: it's an older edge"));
  else
    fail_with (task, N_ ("it doesn't answer as an edge does"));
}

static void
read_head (GTask *task)
{
  Dial *dial = g_task_get_task_data (task);
  g_input_stream_read_async (g_io_stream_get_input_stream (dial->tls), dial->head + dial->head_length,
                             sizeof dial->head - dial->head_length, G_PRIORITY_DEFAULT, dial->cancellable, on_head_read,
                             task);
}

static void
on_request_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    read_head (user_data);
  else
    fail (user_data, g_steal_pointer (&error));
}

/* What the edge is called in requests. A proxy looks the name up. */
static gchar *
find_host (const Dial *dial)
{
  char address[EW_IP_STRLEN];
  ew_ip_format (&dial->to.remote, address);
  return g_strdup (dial->name ? dial->name : address);
}

static void
ask_for_upgrade (GTask *task)
{
  Dial *dial = g_task_get_task_data (task);
  g_autofree gchar *host = find_host (dial);
  dial->request = ew_upgrade_request (host, dial->to.remote_port);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (dial->tls), dial->request, strlen (dial->request),
                                   G_PRIORITY_DEFAULT, dial->cancellable, on_request_written, task);
}

/* TLS. */

static gboolean
on_certificate (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer user_data)
{
  Dial *dial = g_task_get_task_data (user_data);
  g_clear_error (&dial->pin_error);
  if (ew_pki_check_chain (certificate, dial->pin, NULL, &dial->pin_error))
    return TRUE;
  g_free (dial->intercepted);
  dial->intercepted = ew_pki_find_foreign_issuer (certificate);
  return FALSE;
}

static void
on_handshaken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;
  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    ask_for_upgrade (task);
  else
    fail (task, g_steal_pointer (&error));
}

static void
start_tls (GTask *task)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };
  Dial *dial = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnectable) identity = g_network_address_new (dial->name ? dial->name : NO_NAME, 443);
  dial->tls = g_tls_client_connection_new (G_IO_STREAM (dial->connection), identity, &error);
  if (dial->tls == NULL)
    {
      fail (task, g_steal_pointer (&error));
      return;
    }
  /* No database: every certificate is questionable, so that accept-certificate is asked about each. */
  g_tls_connection_set_database (G_TLS_CONNECTION (dial->tls), NULL);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (dial->tls), protocols);
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (dial->tls), FALSE);
  g_signal_connect_object (dial->tls, "accept-certificate", G_CALLBACK (on_certificate), task, 0);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (dial->tls), G_PRIORITY_DEFAULT, dial->cancellable, on_handshaken,
                                    task);
}

/* TCP, and a proxy. */

static void
fail_for_proxy (GTask *task, GError *error)
{
  Dial *dial = g_task_get_task_data (task);
  dial->proxy_refused = error->domain == EW_ERROR;
  dial->asked_password = g_error_matches (error, EW_ERROR, EW_ERROR_PROXY_PASSWORD);
  fail (task, error);
}

static void
on_tunnelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Dial *dial = g_task_get_task_data (user_data);
  GError *error = NULL;
  guint status;
  dial->past_proxy = ew_proxy_tunnel_finish (result, &status, &error);
  if (dial->past_proxy)
    start_tls (user_data);
  else
    fail_for_proxy (user_data, error);
}

static void
ask_proxy (GTask *task)
{
  Dial *dial = g_task_get_task_data (task);
  g_autofree gchar *host = find_host (dial);
  ew_proxy_tunnel_async (G_IO_STREAM (dial->connection), dial->proxy, host, dial->to.remote_port, dial->cancellable,
                         on_tunnelled, task);
}

static void
on_client_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *stream,
                 gpointer user_data)
{
  const Dial *dial = g_task_get_task_data (user_data);
  /* Best effort: without CAP_NET_ADMIN there is no VPN mode either. */
  if (event == G_SOCKET_CLIENT_CONNECTING && G_IS_SOCKET_CONNECTION (stream) && dial->mark)
    (void)setsockopt (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))), SOL_SOCKET,
                      SO_MARK, &dial->mark, sizeof dial->mark);
}

static GQuark
open_since_quark (void)
{
  return g_quark_from_static_string ("edgeway-stream-open-since");
}

static void
note_open (GCancellable *cancellable)
{
  gint64 *since = g_new (gint64, 1);
  *since = g_get_monotonic_time ();
  if (cancellable)
    g_object_set_qdata_full (G_OBJECT (cancellable), open_since_quark (), since, g_free);
  else
    g_free (since);
}

gint64
ew_stream_dial_open_since (GCancellable *cancellable)
{
  const gint64 *since = g_object_get_qdata (G_OBJECT (cancellable), open_since_quark ());
  return since ? *since : 0;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Dial *dial = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  dial->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (dial->connection)
    note_open (g_task_get_cancellable (task));
  if (dial->connection && dial->proxy)
    ask_proxy (task);
  else if (dial->connection)
    start_tls (task);
  else
    fail (task, g_steal_pointer (&error));
}

static GSocketConnectable *
find_destination (const Dial *dial)
{
  const EwEndpoint *to = &dial->to;
  if (dial->proxy)
    return g_network_address_new (dial->proxy->host, dial->proxy->port);
  const GSocketFamily family = to->remote.family == EW_FAMILY_V6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4;
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_bytes (to->remote.bytes, family);
  return g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", ip, "port", (guint)to->remote_port, "scope-id", to->scope,
                       NULL);
}

static void
connect_socket (GTask *task)
{
  Dial *dial = g_task_get_task_data (task);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) destination = find_destination (dial);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_signal_connect_object (client, "event", G_CALLBACK (on_client_event), task, 0);
  g_socket_client_connect_async (client, destination, dial->cancellable, on_connected, task);
}

static gboolean
on_deadline (gpointer user_data)
{
  Dial *dial = g_task_get_task_data (user_data);
  dial->deadline = 0;
  dial->timed_out = TRUE;
  g_cancellable_cancel (dial->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

void
ew_stream_dial_async (const EwStreamDial *config, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Dial *dial = g_new0 (Dial, 1);
  char place[EW_ENDPOINT_STRLEN];
  dial->to = config->to;
  dial->name = g_strdup (config->name);
  ew_endpoint_format (&config->to, place);
  dial->place = config->name ? g_strdup_printf ("%s:%u", config->name, config->to.remote_port) : g_strdup (place);
  memcpy (dial->pin, config->pin, sizeof dial->pin);
  dial->mark = config->mark;
  dial->cancellable = g_cancellable_new ();
  g_task_set_task_data (task, dial, dial_free);
  g_task_set_check_cancellable (task, TRUE);
  if (cancellable)
    dial->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (on_caller_cancelled),
                                                  g_object_ref (dial->cancellable), g_object_unref);
  dial->deadline = g_timeout_add_seconds (EW_STREAM_DIAL_SECONDS, on_deadline, task);
  g_autofree gchar *host = find_host (dial);
  GError *error = NULL;
  dial->proxy = ew_proxy_find (config->proxy_file, host, &error);
  if (error)
    fail_for_proxy (task, error);
  else
    connect_socket (task);
}

EwStreamDialed *
ew_stream_dial_finish (GAsyncResult *result, EwStreamObstacle *obstacle, GError **error)
{
  const Dial *dial = g_task_get_task_data (G_TASK (result));
  *obstacle = dial->intercepted      ? EW_STREAM_OBSTACLE_READER
              : dial->asked_password ? EW_STREAM_OBSTACLE_PASSWORD
              : dial->proxy_refused  ? EW_STREAM_OBSTACLE_PROXY
                                     : EW_STREAM_OBSTACLE_NONE;
  return g_task_propagate_pointer (G_TASK (result), error);
}
