/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A call's bases ("https://192.0.2.1:443") are tried the best first. As in RFC 8305, a dead one costs a quarter of a
 * second, not its timeout: until the request has a connection, another base is knocked at (a connection and no more)
 * each EW_CLIENT_STAGGER_MS, and the first that opens takes the request over. A request is under way at one base
 * at a time, so what must not be done twice isn't.
 *
 *   try_base → request ──answer──→ client-answer.c
 *      ↑ ↑        ├─ no connection, no time ─→ ew_client_failed ─┐
 *      │ │        └─ still no connection ─→ on_stagger → knock ──│─ opens: better ─┐
 *      │ └───────────────────────────────────────────────────────┘                 │
 *      └─────────────────────────────────── cancelled ─────────────────────────────┘
 */
#include "account/client-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/pki.h"
#include "common/util.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define USER_TIMEOUT_MS 20000 /* ends a topology stream whose edge has disappeared */
/* RFC 6066 section 3: an address isn't a valid server name, and GnuTLS refuses one. The pin decides, not the name. */
#define NO_NAME "edge.invalid"

/* A connection, made only to see whether it's possible: of TCP, or what a proxy connects. */
typedef struct
{
  GTask *task;
  EwClientBase *base;
  GCancellable *cancellable;
} Knock;

static void try_base (GTask *task, EwClientBase *base);

static void
cancel_knock (gpointer data)
{
  g_cancellable_cancel (data);
  g_object_unref (data);
}

static void
end_race (EwClientCall *call)
{
  g_clear_handle_id (&call->stagger, g_source_remove);
  g_ptr_array_set_size (call->knocks, 0);
}

void
ew_client_end_try (GTask *task)
{
  EwClientCall *call = g_task_get_task_data (task);
  end_race (call);
  g_clear_handle_id (&call->deadline, g_source_remove);
  if (call->cancel_handler)
    g_cancellable_disconnect (g_task_get_cancellable (task), call->cancel_handler);
  call->cancel_handler = 0;
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->answer, g_byte_array_unref);
  g_clear_pointer (&call->proxy_place, g_free);
}

void
ew_client_call_free (gpointer data)
{
  EwClientCall *call = data;
  end_race (call);
  g_clear_error (&call->pin_error);
  g_clear_error (&call->last_error);
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->answer, g_byte_array_unref);
  g_free (call->proxy_place);
  g_free (call->intercepted);
  g_ptr_array_unref (call->knocks);
  g_ptr_array_unref (call->bases);
  g_free (call->method);
  g_free (call->path);
  ew_free_secret (call->body);
  g_free (call);
}

const gchar *
ew_client_place (const EwClientBase *base)
{
  return base->base + strlen ("https://");
}

/* What a socket needs before it connects. */
static void
prepare_socket (EwClient *self, const EwClientBase *base, GIOStream *stream)
{
  int fd = g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  unsigned timeout_ms = USER_TIMEOUT_MS;
  /* Both best effort: without CAP_NET_ADMIN there is no VPN mode either. */
  if (self->mark && !base->inside)
    (void)setsockopt (fd, SOL_SOCKET, SO_MARK, &self->mark, sizeof self->mark);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

static void
prepare_tls (const EwClientBase *base, GIOStream *stream)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new (base->name ? base->name : NO_NAME, 443);
  g_tls_client_connection_set_server_identity (G_TLS_CLIENT_CONNECTION (stream), identity);
}

/* Directly, or to a proxy first. */
static void
note_way (EwClientCall *call, GIOStream *stream)
{
  g_free (call->proxy_place);
  call->proxy_place = ew_proxy_resolver_get_place (G_SOCKET_CONNECTION (stream));
  call->direct = call->proxy_place == NULL;
}

static void
on_network_event (SoupMessage *message, GSocketClientEvent event, GIOStream *stream, gpointer user_data)
{
  GTask *task = user_data;
  EwClientCall *call = g_task_get_task_data (task);
  if (event == G_SOCKET_CLIENT_CONNECTING && G_IS_SOCKET_CONNECTION (stream))
    {
      prepare_socket (g_task_get_source_object (task), call->base, stream);
      note_way (call, stream);
    }
  else if (event == G_SOCKET_CLIENT_CONNECTED)
    call->reached |= call->direct;
  else if (event == G_SOCKET_CLIENT_PROXY_NEGOTIATED)
    call->reached = TRUE;
  else if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CLIENT_CONNECTION (stream))
    prepare_tls (call->base, stream);
  else if (event == G_SOCKET_CLIENT_TLS_HANDSHAKED || event == G_SOCKET_CLIENT_COMPLETE)
    call->reached = call->connected = TRUE;
  if (call->reached)
    end_race (call);
}

/* Also on a connection that was there already. */
static void
on_starting (SoupMessage *message, gpointer user_data)
{
  EwClientCall *call = g_task_get_task_data (user_data);
  call->reached = call->connected = TRUE;
  end_race (call);
}

static gboolean
on_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer user_data)
{
  GTask *task = user_data;
  EwClient *self = g_task_get_source_object (task);
  EwClientCall *call = g_task_get_task_data (task);
  g_autofree gchar *ca_pem = NULL;
  g_clear_error (&call->pin_error);
  g_clear_pointer (&call->intercepted, g_free);
  if (!ew_pki_check_chain (certificate, self->pin, &ca_pem, &call->pin_error))
    {
      call->intercepted = ew_pki_find_foreign_issuer (certificate);
      return FALSE;
    }
  g_free (self->ca_pem);
  self->ca_pem = g_steal_pointer (&ca_pem);
  return TRUE;
}

/* The race. */

/* The best that is left to be tried, or to be knocked at. */
static EwClientBase *
next_base (EwClientCall *call, gboolean knock)
{
  for (guint i = 0; i < call->bases->len; i++)
    {
      EwClientBase *base = call->bases->pdata[i];
      if (!base->tried && !(knock && base->knocked))
        return base;
    }
  return NULL;
}

static void
knock_free (gpointer data)
{
  Knock *knock = data;
  g_object_unref (knock->cancellable);
  g_object_unref (knock->task);
}

static void
knock_unref (gpointer data, GClosure *closure)
{
  g_rc_box_release_full (data, knock_free);
}

static void
on_knocked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Knock *knock = user_data;
  EwClientCall *call = g_task_get_task_data (knock->task);
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, NULL);
  if (!g_cancellable_is_cancelled (knock->cancellable))
    {
      knock->base->tried = connection == NULL;
      if (connection)
        {
          end_race (call);
          call->better = knock->base;
          g_cancellable_cancel (call->cancellable);
        }
    }
  knock_unref (knock, NULL);
}

static void
on_knock_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *stream,
                gpointer user_data)
{
  Knock *knock = user_data;
  if (event == G_SOCKET_CLIENT_CONNECTING && G_IS_SOCKET_CONNECTION (stream))
    prepare_socket (g_task_get_source_object (knock->task), knock->base, stream);
}

static void
knock_at (GTask *task, EwClientBase *base)
{
  EwClientCall *call = g_task_get_task_data (task);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) where = g_network_address_parse_uri (base->base, 443, NULL);
  if (!where)
    return;
  Knock *knock = g_rc_box_new0 (Knock);
  knock->task = g_object_ref (task);
  knock->base = base;
  knock->cancellable = g_cancellable_new ();
  g_ptr_array_add (call->knocks, g_object_ref (knock->cancellable));
  EwProxyResolver *proxies = EW_CLIENT (g_task_get_source_object (task))->proxies;
  g_socket_client_set_enable_proxy (client, proxies != NULL);
  g_socket_client_set_proxy_resolver (client, proxies ? G_PROXY_RESOLVER (proxies) : NULL);
  g_socket_client_set_timeout (client, EW_CLIENT_TRY_SECONDS);
  g_signal_connect_data (client, "event", G_CALLBACK (on_knock_event), g_rc_box_acquire (knock), knock_unref, 0);
  g_socket_client_connect_async (client, where, knock->cancellable, on_knocked, knock);
}

static gboolean
on_stagger (gpointer user_data)
{
  GTask *task = user_data;
  EwClientCall *call = g_task_get_task_data (task);
  EwClientBase *base = next_base (call, TRUE);
  if (base)
    {
      base->knocked = TRUE;
      knock_at (task, base);
      return G_SOURCE_CONTINUE;
    }
  call->stagger = 0;
  return G_SOURCE_REMOVE;
}

/* Tries. */

/* What this try's end says for people, if no other works: of the best address, which is the one in use; the others may be
   of the past. */
static void
note_failure (EwClientCall *call, const GError *cause)
{
  if (call->pin_error && call->intercepted)
    {
      g_clear_error (&call->last_error);
      call->noted_inside = FALSE;
      call->last_error = ew_pki_error_for_reader (ew_client_place (call->base), call->intercepted);
    }
  else if (call->pin_error)
    {
      g_clear_error (&call->last_error);
      call->noted_inside = FALSE;
      call->last_error = ew_error_new (
        EW_ERROR, EW_ERROR_PIN_MISMATCH,
        "The server at %s isn't this mesh's edge: its certificate doesn't match the mesh's pin. Either someone "
        "intercepts the connection, or the edge was set up again from nothing and you need a new enrollment key.",
        ew_client_place (call->base));
    }
  else if (cause->domain == EW_ERROR) /* the proxy's own, or about its settings */
    {
      g_clear_error (&call->last_error);
      call->noted_inside = FALSE;
      call->last_error = g_error_copy (cause);
    }
  else if (call->proxy_place && !call->reached && !call->better)
    {
      g_clear_error (&call->last_error);
      call->noted_inside = FALSE;
      call->last_error = ew_error_new (
        EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
        "The proxy %s, which leads to the edge, can't be reached (%s). Check this computer's network and the proxy's "
        "address: `edgewayctl proxy`.",
        call->proxy_place, call->timed_out ? N_ ("no answer in time") : ew_phrase_cause (cause));
    }
  else if (!call->better && (!call->last_error || (call->noted_inside && !call->base->inside)))
    {
      g_clear_error (&call->last_error);
      call->noted_inside = call->base->inside;
      call->last_error = ew_error_new (
        EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
        "The edge at %s can't be reached (%s). Check this computer's network, and that the edge runs and its TCP "
        "port is open.",
        ew_client_place (call->base), call->timed_out ? N_ ("no answer in time") : ew_phrase_cause (cause));
    }
}

/* What hasn't opened while the time of a whole try went by isn't given another. */
static void
settle_knocks (EwClientCall *call)
{
  for (guint i = 0; i < call->bases->len; i++)
    {
      EwClientBase *base = call->bases->pdata[i];
      base->tried |= base->knocked && call->timed_out;
      base->knocked = FALSE;
    }
}

/* A proxy's name is looked up before anything connects. The edge's isn't looked up here where there is a proxy. */
static void
note_unknown_proxy (EwClient *self, EwClientCall *call, const GError *cause)
{
  if (cause->domain != G_RESOLVER_ERROR || call->proxy_place || call->direct || call->base->inside || !self->proxies)
    return;
  g_autoptr (GUri) uri = g_uri_parse (call->base->base, G_URI_FLAGS_NONE, NULL);
  call->proxy_place = uri ? ew_proxy_resolver_find_place (self->proxies, g_uri_get_host (uri)) : NULL;
}

void
ew_client_failed (GTask *task, GError *cause)
{
  EwClientCall *call = g_task_get_task_data (task);
  g_autoptr (GError) local = cause;
  call->timed_out |= g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT); /* the session's own limit */
  gboolean again = call->repeatable || !call->connected || call->pin_error;
  note_unknown_proxy (g_task_get_source_object (task), call, local);
  note_failure (call, local);
  g_clear_error (&call->pin_error);
  ew_client_end_try (task);
  settle_knocks (call);
  EwClientBase *base = call->better ? call->better : next_base (call, FALSE);
  if (g_task_return_error_if_cancelled (task))
    g_object_unref (task);
  else if (again && base)
    try_base (task, base);
  else
    {
      g_task_return_error (task, g_steal_pointer (&call->last_error));
      g_object_unref (task);
    }
}

static gboolean
on_try_timeout (gpointer user_data)
{
  EwClientCall *call = g_task_get_task_data (user_data);
  call->deadline = 0;
  call->timed_out = TRUE;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static SoupMessage *
make_message (EwClient *self, GTask *task, const EwClientBase *base)
{
  EwClientCall *call = g_task_get_task_data (task);
  g_autofree gchar *url = g_strconcat (base->base, call->path, NULL);
  /* Encoded: what is percent-encoded in a path (a CIDR's slash) stays so. */
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  SoupMessage *message = uri ? soup_message_new_from_uri (call->method, uri) : NULL;
  if (!message)
    return NULL;
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  if (self->authorization)
    soup_message_headers_replace (headers, "Authorization", self->authorization);
  if (call->body)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (call->body, strlen (call->body));
      soup_message_set_request_body_from_bytes (message, "application/json", bytes);
    }
  g_signal_connect_object (message, "network-event", G_CALLBACK (on_network_event), task, 0);
  g_signal_connect_object (message, "accept-certificate", G_CALLBACK (on_certificate), task, 0);
  g_signal_connect_object (message, "starting", G_CALLBACK (on_starting), task, 0);
  return message;
}

static void
try_base (GTask *task, EwClientBase *base)
{
  EwClient *self = g_task_get_source_object (task);
  EwClientCall *call = g_task_get_task_data (task);
  base->tried = TRUE;
  call->base = base;
  call->better = NULL;
  call->timed_out = call->direct = call->reached = call->connected = FALSE;
  call->cancellable = g_cancellable_new ();
  call->message = make_message (self, task, base);
  if (!call->message)
    {
      ew_client_end_try (task);
      ew_task_return_new_error (task, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                                "%s%s isn't an address of the edge's API. Check the enrollment key.", base->base,
                                call->path);
      g_object_unref (task);
      return;
    }
  if (g_task_get_cancellable (task))
    call->cancel_handler = g_cancellable_connect (g_task_get_cancellable (task), G_CALLBACK (on_caller_cancelled),
                                                  g_object_ref (call->cancellable), g_object_unref);
  call->deadline = g_timeout_add_seconds (EW_CLIENT_TRY_SECONDS, on_try_timeout, task);
  ew_pki_trust_nobody ();
  if (next_base (call, TRUE))
    call->stagger = g_timeout_add (EW_CLIENT_STAGGER_MS, on_stagger, task);
  if (call->websocket)
    soup_session_websocket_connect_async (self->session, call->message, NULL, NULL, G_PRIORITY_DEFAULT,
                                          call->cancellable, ew_client_on_websocket, task);
  else
    soup_session_send_async (self->session, call->message, G_PRIORITY_DEFAULT, call->cancellable, ew_client_on_answer,
                             task);
}

void
ew_client_begin (GTask *task)
{
  EwClientCall *call = g_task_get_task_data (task);
  g_ptr_array_set_free_func (call->knocks, cancel_knock);
  try_base (task, next_base (call, FALSE));
}
