/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A call is a list of bases ("https://192.0.2.1:443") and tries them one after the other:
 *
 *   ew_client_call_async → try_next → send ──answer──→ read, bounded ──→ parse ──→ done
 *                             ↑         └─no connection, no time─┐
 *                             └──────────────────────────────────┘
 */
#include "account/client.h"
#include "account/document.h"
#include "common/error.h"
#include "common/pki.h"
#include "common/util.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define IDLE_SECONDS 3        /* an idle node holds no TLS connection */
#define BASES_MAX 24          /* addresses tried for one call */
#define USER_TIMEOUT_MS 20000 /* a topology stream whose edge is gone ends */

struct _EwClient
{
  GObject parent;
  SoupSession *session;
  EwKeystore *cache;
  guint8 pin[EW_PIN_SIZE];
  GStrv api;
  gchar *authorization;
  gchar *ca_pem;
  gchar *last_base; /* worked last */
  guint32 mark;
};

G_DEFINE_FINAL_TYPE (EwClient, ew_client, G_TYPE_OBJECT)

typedef struct
{
  gchar *base; /* URL without a path */
  gchar *name; /* the host name behind it where base has one of its addresses or itself; NULL: it never had a name */
} Base;

typedef struct
{
  gchar *method, *path;
  gchar *body;
  gboolean websocket, repeatable;
  GPtrArray *bases; /* Base */
  guint next;
  gsize max;

  /* Of the try under way. */
  SoupMessage *message;
  GCancellable *cancellable;
  gulong cancel_handler;
  guint deadline;
  gboolean timed_out, connected;
  GError *pin_error;
  GInputStream *stream;
  GByteArray *answer;
  GError *last_error; /* of the try before: what to say if none works */
} Call;

static void try_next (GTask *task);

static void
base_free (gpointer data)
{
  Base *base = data;
  g_free (base->base);
  g_free (base->name);
  g_free (base);
}

static void
end_try (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  g_clear_handle_id (&call->deadline, g_source_remove);
  if (call->cancel_handler)
    g_cancellable_disconnect (g_task_get_cancellable (task), call->cancel_handler);
  call->cancel_handler = 0;
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->answer, g_byte_array_unref);
}

static void
call_free (gpointer data)
{
  Call *call = data;
  g_clear_error (&call->pin_error);
  g_clear_error (&call->last_error);
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->answer, g_byte_array_unref);
  g_ptr_array_unref (call->bases);
  g_free (call->method);
  g_free (call->path);
  ew_free_secret (call->body);
  g_free (call);
}

static void
add_base (GPtrArray *bases, const gchar *base, const gchar *name)
{
  if (bases->len >= BASES_MAX)
    return;
  for (guint i = 0; i < bases->len; i++)
    if (g_str_equal (((Base *)bases->pdata[i])->base, base))
      return;
  Base *item = g_new0 (Base, 1);
  item->base = g_strdup (base);
  item->name = g_strdup (name);
  g_ptr_array_add (bases, item);
}

static gchar *
base_of_ip (const EwIp *ip, guint16 port)
{
  char text[EW_IP_STRLEN];
  ew_ip_format (ip, text);
  return g_strdup_printf (ip->family == EW_FAMILY_V6 ? "https://[%s]:%u" : "https://%s:%u", text, port);
}

static GPtrArray *
make_bases (EwClient *self)
{
  GPtrArray *bases = g_ptr_array_new_with_free_func (base_free);
  for (gchar **url = self->api; url && *url; url++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      EwIp ip;
      if (!ew_api_url_check (*url) || !ew_host_port_parse (*url + strlen ("https://"), &host, &port, NULL))
        continue;
      if (ew_ip_parse (host, &ip))
        {
          g_autofree gchar *base = base_of_ip (&ip, port);
          add_base (bases, base, NULL);
          continue;
        }
      const gchar *const *known = self->cache ? ew_keystore_get_addresses (self->cache, host) : NULL;
      for (; known && *known; known++)
        if (ew_ip_parse (*known, &ip))
          {
            g_autofree gchar *base = base_of_ip (&ip, port);
            add_base (bases, base, host);
          }
      add_base (bases, *url, host);
    }
  /* The one that worked last goes first. */
  for (guint i = 1; i < bases->len && self->last_base; i++)
    if (g_str_equal (((Base *)bases->pdata[i])->base, self->last_base))
      g_ptr_array_insert (bases, 0, g_ptr_array_steal_index (bases, i));
  return bases;
}

/* What the socket needs before it connects. */
static void
prepare_socket (SoupMessage *message, GSocketClientEvent event, GIOStream *stream, gpointer user_data)
{
  GTask *task = user_data;
  EwClient *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKED || event == G_SOCKET_CLIENT_COMPLETE)
    call->connected = TRUE;
  if (event != G_SOCKET_CLIENT_CONNECTING || !G_IS_SOCKET_CONNECTION (stream))
    return;
  int fd = g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  unsigned timeout_ms = USER_TIMEOUT_MS;
  /* Both best effort: without CAP_NET_ADMIN there is no VPN mode either. */
  if (self->mark)
    (void)setsockopt (fd, SOL_SOCKET, SO_MARK, &self->mark, sizeof self->mark);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

static gboolean
check_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer user_data)
{
  GTask *task = user_data;
  EwClient *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  g_autofree gchar *ca_pem = NULL;
  g_clear_error (&call->pin_error);
  if (!ew_pki_check_chain (certificate, self->pin, &ca_pem, &call->pin_error))
    return FALSE;
  g_free (self->ca_pem);
  self->ca_pem = g_steal_pointer (&ca_pem);
  return TRUE;
}

/* Where the edge is, for people: the host and port of its address. */
static const gchar *
base_place (const Base *base)
{
  return base->base + strlen ("https://");
}

/* This address did not work: the error for people, then the next one. Takes cause. */
static void
try_failed (GTask *task, GError *cause)
{
  Call *call = g_task_get_task_data (task);
  Base *base = call->bases->pdata[call->next - 1];
  g_autoptr (GError) local = cause;
  gboolean again = call->repeatable || !call->connected;
  if (call->pin_error)
    {
      g_clear_error (&call->last_error);
      call->last_error
        = g_error_new (EW_ERROR, EW_ERROR_PIN_MISMATCH,
                       "What answers at %s is not this mesh's edge (its certificate does not have the mesh's pin): "
                       "somebody is in between, or the edge was made anew and needs a new enrollment key",
                       base_place (base));
      g_clear_error (&call->pin_error);
      again = TRUE;
    }
  else if (!g_error_matches (call->last_error, EW_ERROR, EW_ERROR_PIN_MISMATCH))
    {
      g_clear_error (&call->last_error);
      call->last_error = g_error_new (
        EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
        "The edge at %s cannot be reached (%s): check this machine's network, and that the edge runs and "
        "its TCP port is open",
        base_place (base), call->timed_out ? "no answer in time" : local->message);
    }
  end_try (task);
  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }
  if (again && call->next < call->bases->len)
    {
      try_next (task);
      return;
    }
  g_task_return_error (task, g_steal_pointer (&call->last_error));
  g_object_unref (task);
}

static void
finish_with (GTask *task, GError *error)
{
  end_try (task);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
nonsense (GTask *task, const gchar *what)
{
  Call *call = g_task_get_task_data (task);
  Base *base = call->bases->pdata[call->next - 1];
  finish_with (
    task,
    g_error_new (EW_ERROR, EW_ERROR_FAILED,
                 "The edge at %s gave an answer that makes no sense (%s): ask whoever runs it, or try again later",
                 base_place (base), what));
}

/* What worked: tried first the next time, and the name's address kept. */
static void
remember (GTask *task)
{
  EwClient *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  Base *base = call->bases->pdata[call->next - 1];
  GSocketAddress *remote = soup_message_get_remote_address (call->message);
  if (g_strcmp0 (self->last_base, base->base) != 0)
    {
      g_free (self->last_base);
      self->last_base = g_strdup (base->base);
    }
  if (!self->cache || !base->name || !remote || !G_IS_INET_SOCKET_ADDRESS (remote)
      || ew_keystore_get_addresses (self->cache, base->name))
    return;
  g_autofree gchar *text
    = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  const gchar *list[] = { text, NULL };
  ew_keystore_set_addresses (self->cache, base->name, list);
}

/* The edge's own words, but no more of them than a line holds. */
static GError *
error_from_answer (JsonObject *object, guint status)
{
  JsonObject *error = ew_json_object (object, "error");
  const gchar *code_name = error ? ew_json_string (error, "code") : NULL;
  const gchar *message = error ? ew_json_string (error, "message") : NULL;
  gint code = code_name ? ew_error_from_name (code_name) : -1;
  if (code < 0 || !message || !*message)
    return g_error_new (EW_ERROR, status == 410 ? EW_ERROR_REMOVED : EW_ERROR_FAILED,
                        "The edge refused with status %u and no reason: ask whoever runs it", status);
  g_autofree gchar *line = g_utf8_substring (message, 0, MIN (g_utf8_strlen (message, -1), 500));
  for (gchar *at = line; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = ' ';
  return g_error_new_literal (EW_ERROR, code, line);
}

static void
answer_complete (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  guint status = soup_message_get_status (call->message);
  const gchar *type = soup_message_headers_get_content_type (soup_message_get_response_headers (call->message), NULL);
  if (status >= 300 && status < 400)
    {
      nonsense (task, "it sends us elsewhere");
      return;
    }
  g_autoptr (JsonObject) object = NULL;
  if (g_strcmp0 (type, "application/json") == 0)
    object = ew_json_parse_object ((const gchar *)call->answer->data, call->answer->len, call->max, NULL);
  if (!object || ew_json_int (object, "schema", 0) != 1)
    {
      nonsense (task, object ? "its schema is not ours" : "not the JSON that was asked for");
      return;
    }
  remember (task);
  if (status != 200 && status != 201)
    {
      finish_with (task, error_from_answer (object, status));
      return;
    }
  end_try (task);
  g_task_return_pointer (task, g_steal_pointer (&object), (GDestroyNotify)json_object_unref);
  g_object_unref (task);
}

static void
answer_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  if (!bytes)
    {
      try_failed (task, g_steal_pointer (&error));
      return;
    }
  gsize n = g_bytes_get_size (bytes);
  if (n == 0)
    {
      answer_complete (task);
      return;
    }
  if (call->answer->len + n > call->max)
    {
      nonsense (task, "it is too long");
      return;
    }
  g_byte_array_append (call->answer, g_bytes_get_data (bytes, NULL), (guint)n);
  g_input_stream_read_bytes_async (call->stream, 16384, G_PRIORITY_DEFAULT, call->cancellable, answer_read, task);
}

static void
answer_begun (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  call->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (!call->stream)
    {
      try_failed (task, g_steal_pointer (&error));
      return;
    }
  call->answer = g_byte_array_new ();
  g_input_stream_read_bytes_async (call->stream, 16384, G_PRIORITY_DEFAULT, call->cancellable, answer_read, task);
}

static void
websocket_begun (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) socket
    = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  if (socket)
    {
      soup_websocket_connection_set_max_incoming_payload_size (socket, EW_CLIENT_LIST_MAX_ANSWER);
      remember (task);
      end_try (task);
      g_task_return_pointer (task, g_steal_pointer (&socket), g_object_unref);
      g_object_unref (task);
      return;
    }
  guint status = soup_message_get_status (call->message);
  if (status == 410 || status == 401)
    finish_with (
      task,
      g_error_new (EW_ERROR, status == 410 ? EW_ERROR_REMOVED : EW_ERROR_NOT_AUTHENTICATED,
                   status == 410
                     ? "An administrator removed this machine from the mesh: leave, then enroll again to come back"
                     : "The edge does not know this machine: leave, then enroll again"));
  else if (status >= 200)
    nonsense (task, "no topology there");
  else
    try_failed (task, g_steal_pointer (&error));
}

static gboolean
try_timed_out (gpointer user_data)
{
  Call *call = g_task_get_task_data (user_data);
  call->deadline = 0;
  call->timed_out = TRUE;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static void
caller_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static SoupMessage *
make_message (EwClient *self, GTask *task, const Base *base)
{
  Call *call = g_task_get_task_data (task);
  g_autofree gchar *url = g_strconcat (base->base, call->path, NULL);
  /* Encoded: what stands percent-encoded in a path (a CIDR's slash) stays so. */
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
  g_signal_connect_object (message, "network-event", G_CALLBACK (prepare_socket), task, 0);
  g_signal_connect_object (message, "accept-certificate", G_CALLBACK (check_certificate), task, 0);
  return message;
}

static void
try_next (GTask *task)
{
  EwClient *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  Base *base = call->bases->pdata[call->next++];
  call->timed_out = call->connected = FALSE;
  call->cancellable = g_cancellable_new ();
  call->message = make_message (self, task, base);
  if (!call->message)
    {
      finish_with (task, g_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                                      "%s%s is no address of the edge's API: check it", base->base, call->path));
      return;
    }
  if (g_task_get_cancellable (task))
    call->cancel_handler = g_cancellable_connect (g_task_get_cancellable (task), G_CALLBACK (caller_cancelled),
                                                  g_object_ref (call->cancellable), g_object_unref);
  call->deadline = g_timeout_add_seconds (EW_CLIENT_TRY_SECONDS, try_timed_out, task);
  if (call->websocket)
    soup_session_websocket_connect_async (self->session, call->message, NULL, NULL, G_PRIORITY_DEFAULT,
                                          call->cancellable, websocket_begun, task);
  else
    soup_session_send_async (self->session, call->message, G_PRIORITY_DEFAULT, call->cancellable, answer_begun, task);
}

static void
call_start (EwClient *self, Call *call, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  call->bases = make_bases (self);
  g_task_set_task_data (task, call, call_free);
  g_task_set_check_cancellable (task, TRUE);
  if (call->bases->len > 0)
    {
      try_next (task);
      return;
    }
  g_task_return_new_error (task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
                           "No address of the edge is known: enroll this machine again");
  g_object_unref (task);
}

void
ew_client_call_async (EwClient *self, const gchar *method, const gchar *path, JsonObject *body,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Call *call = g_new0 (Call, 1);
  call->method = g_strdup (method);
  call->path = g_strdup (path);
  call->body = body ? ew_json_to_string (body, FALSE) : NULL;
  call->repeatable = !g_str_equal (method, "POST") || g_str_equal (path, "/v1/enroll");
  gboolean list
    = g_str_equal (method, "GET")
      && (g_str_equal (path, "/v1/nodes") || g_str_has_prefix (path, "/v1/nodes?") || g_str_equal (path, "/v1/routes"));
  call->max = list ? EW_CLIENT_LIST_MAX_ANSWER : EW_CLIENT_MAX_ANSWER;
  call_start (self, call, cancellable, callback, user_data);
}

JsonObject *
ew_client_call_finish (EwClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_client_websocket_async (EwClient *self, const gchar *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  Call *call = g_new0 (Call, 1);
  call->method = g_strdup ("GET");
  call->path = g_strdup (path);
  call->websocket = call->repeatable = TRUE;
  call_start (self, call, cancellable, callback, user_data);
}

SoupWebsocketConnection *
ew_client_websocket_finish (EwClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_client_set_identity (EwClient *self, const gchar *id, const gchar *credential)
{
  g_clear_pointer (&self->authorization, ew_free_secret);
  self->authorization = g_strdup_printf ("Bearer %s.%s", id, credential);
}

void
ew_client_set_api (EwClient *self, const gchar *const *api)
{
  g_strfreev (self->api);
  self->api = g_strdupv ((gchar **)api);
}

void
ew_client_abort_idle (EwClient *self)
{
  g_clear_object (&self->session);
  self->session = soup_session_new ();
  soup_session_set_user_agent (self->session, "edgewayd");
  soup_session_set_timeout (self->session, EW_CLIENT_TRY_SECONDS);
  soup_session_set_idle_timeout (self->session, IDLE_SECONDS);
  soup_session_set_proxy_resolver (self->session, NULL);
  /* No database: every certificate is questionable, so that accept-certificate is asked about each. */
  soup_session_set_tls_database (self->session, NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_AUTH_MANAGER);
}

const gchar *
ew_client_get_ca (EwClient *self)
{
  return self->ca_pem;
}

EwClient *
ew_client_new (const guint8 pin[EW_PIN_SIZE], const gchar *const *api, EwKeystore *cache, guint32 mark)
{
  EwClient *self = g_object_new (EW_TYPE_CLIENT, NULL);
  memcpy (self->pin, pin, EW_PIN_SIZE);
  self->api = g_strdupv ((gchar **)api);
  self->cache = cache ? ew_keystore_ref (cache) : NULL;
  self->mark = mark;
  return self;
}

static void
ew_client_init (EwClient *self)
{
  ew_client_abort_idle (self);
}

static void
ew_client_finalize (GObject *object)
{
  EwClient *self = EW_CLIENT (object);
  soup_session_abort (self->session);
  g_clear_object (&self->session);
  g_clear_pointer (&self->cache, ew_keystore_unref);
  g_strfreev (self->api);
  ew_free_secret (self->authorization);
  g_free (self->ca_pem);
  g_free (self->last_base);
  G_OBJECT_CLASS (ew_client_parent_class)->finalize (object);
}

static void
ew_client_class_init (EwClientClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ew_client_finalize;
}
