/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/api/api-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

/* Failed enrollments: a burst, then one every 6 s. A secret has 256 bits: this only keeps the noise down. */
#define FAILED_BURST 20
#define FAILED_REFILL_US (6 * G_USEC_PER_SEC)
#define FAILED_ADDRESSES 4096

/* What nodes say of themselves, each: it changes with an upgrade. */
#define DESCRIBED_BURST 10
#define DESCRIBED_REFILL_US (60 * G_USEC_PER_SEC)
#define DESCRIBED_NODES 4096

/* Answers. */

static void
respond (SoupServerMessage *message, guint status, JsonObject *object)
{
  gchar *text = ew_json_to_string (object, FALSE);
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_TAKE, text, strlen (text));
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Cache-Control", "no-store");
}

static void
respond_error (SoupServerMessage *message, const GError *error, gint64 retry_after_us)
{
  gint code = error->domain == EW_ERROR ? error->code : EW_ERROR_INTERNAL;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autoptr (JsonObject) object = json_object_new ();
  JsonObject *detail = json_object_new ();
  json_object_set_string_member (detail, "code", ew_error_get_name (code));
  /* A name from a caller may have been cut in the middle of a character. */
  g_autofree gchar *sentence = g_utf8_make_valid (error->message, -1);
  json_object_set_string_member (detail, "message", sentence);
  ew_phrase_add_member (detail, "phrase", error->message);
  json_object_set_int_member (object, "schema", 1);
  json_object_set_object_member (object, "error", detail);
  if (retry_after_us > 0)
    {
      g_autofree gchar *seconds = g_strdup_printf ("%d", (gint)(retry_after_us / G_USEC_PER_SEC) + 1);
      soup_message_headers_replace (headers, "Retry-After", seconds);
    }
  if (code == EW_ERROR_NOT_AUTHENTICATED)
    soup_message_headers_replace (headers, "WWW-Authenticate", "Bearer");
  respond (message, ew_error_get_http_status (code), object);
}

/* Who. */

/* "Bearer ID.CREDENTIAL". FALSE with an error where something is given that is not a node's; *id stays NULL where
 * nothing is. */
static gboolean
identify (EwApi *self, SoupServerMessage *message, const gchar **id, GError **error)
{
  const gchar *header
    = soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Authorization");
  if (header == NULL)
    return TRUE;
  const gchar *dot = strchr (header, '.');
  gsize length = 0;
  guint8 *credential = NULL;
  EwNode *node = NULL;
  if (g_str_has_prefix (header, "Bearer ") && dot)
    credential = ew_base64url_decode (dot + 1, &length);
  if (credential && length == 32)
    {
      g_autofree gchar *name = g_strndup (header + strlen ("Bearer "), (gsize)(dot - header) - strlen ("Bearer "));
      node = ew_mesh_authenticate (self->parts.mesh, name, credential, error);
    }
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED,
                  "The Authorization header must be \"Bearer ID.CREDENTIAL\".");
  if (credential)
    ew_zero (credential, length);
  g_free (credential);
  if (node)
    *id = node->id;
  return node != NULL;
}

/* Whether. */

static gboolean
authorize (EwApi *self, const EwApiEntry *entry, const EwServerPeer *peer, SoupServerMessage *message, const gchar **id,
           GError **error)
{
  if (peer->control)
    return TRUE;
  if (entry->access == EW_ACCESS_ANYONE)
    {
      (void)identify (self, message, id, NULL); /* a node is told more; others are told what everyone is */
      return TRUE;
    }
  if (entry->access == EW_ACCESS_OWNER)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "There is no such call here: only the edge's control socket answers it.");
      return FALSE;
    }
  if (!identify (self, message, id, error))
    return FALSE;
  if (*id)
    ew_http_server_know (self->server, &peer->ip);
  if (*id == NULL)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED, "This call needs a node's credential.");
      return FALSE;
    }
  return entry->access != EW_ACCESS_ADMINISTRATOR
         || ew_mesh_check_administrator (ew_mesh_get_node (self->parts.mesh, *id), error);
}

/* What. */

static gboolean
path_matches (const EwApiEntry *entry, const gchar *path, const gchar **argument)
{
  gsize length = strlen (entry->path);
  *argument = NULL;
  if (entry->path[length - 1] != '/')
    return g_str_equal (entry->path, path);
  if (!g_str_has_prefix (path, entry->path) || path[length] == '\0')
    return FALSE;
  *argument = path + length;
  return TRUE;
}

/* NULL with NOT_FOUND or METHOD_NOT_ALLOWED (*allow: what is, transfer full). */
static const EwApiEntry *
find_entry (const gchar *method, const gchar *path, const gchar **argument, gchar **allow, GError **error)
{
  g_autoptr (GString) methods = g_string_new (NULL);
  for (const EwApiEntry *entry = ew_api_table; entry->method; entry++)
    {
      if (!path_matches (entry, path, argument))
        continue;
      if (g_str_equal (entry->method, method))
        return entry;
      g_string_append_printf (methods, "%s%s", methods->len ? ", " : "", entry->method);
    }
  if (methods->len == 0)
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "There is no such call in this API.");
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_METHOD_NOT_ALLOWED, "This call accepts %s only.", methods->str);
  *allow = g_string_free (g_steal_pointer (&methods), FALSE);
  return NULL;
}

static gboolean
has_body (const EwApiEntry *entry)
{
  return g_str_equal (entry->method, "POST") || g_str_equal (entry->method, "PATCH");
}

static JsonObject *
read_body (SoupServerMessage *message, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = soup_message_body_flatten (soup_server_message_get_request_body (message));
  gsize length = 0;
  const gchar *data = bytes ? g_bytes_get_data (bytes, &length) : NULL;
  JsonObject *object = ew_json_parse_object (data ? data : "", length, EW_SERVER_BODY_MAX, &cause);
  if (object == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The request's body isn't a JSON object: %s",
                  cause->message);
  return object;
}

static gboolean
refuse_too_large (GError **error)
{
  ew_set_error (error, EW_ERROR, EW_ERROR_TOO_LARGE,
                "The request is too large: a body may have %d KiB, headers %d KiB.", EW_SERVER_BODY_MAX / 1024,
                EW_SERVER_HEADERS_MAX / 1024);
  return FALSE;
}

/* The WebSocket. */

typedef struct
{
  EwApi *api;
  gchar *node_id;
} Upgrade;

static void
upgrade_free (gpointer data, GClosure *closure)
{
  Upgrade *upgrade = data;
  g_free (upgrade->node_id);
  g_free (upgrade);
}

static void
on_upgraded (SoupServerMessage *message, gpointer user_data)
{
  Upgrade *upgrade = user_data;
  EwApi *self = upgrade->api;
  g_autofree gchar *node_id = g_strdup (upgrade->node_id);
  g_autoptr (SoupServerMessage) keep = g_object_ref (message);
  ew_http_server_release (self->server, message);
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);
  if (stream)
    ew_api_viewers_add (self->parts.viewers, stream, node_id);
}

static gboolean
upgrade (EwApi *self, SoupServerMessage *message, const gchar *node_id, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (!ew_api_viewers_has_place (self->parts.viewers, node_id))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
                    "This edge already shows its map to as many viewers as it can. Close another one, then try again.");
      return FALSE;
    }
  if (!soup_websocket_server_check_handshake (message, NULL, NULL, NULL, &cause)
      || !soup_websocket_server_process_handshake (message, NULL, NULL, NULL, NULL))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "The topology is a WebSocket, and this request isn't a valid WebSocket handshake.");
      return FALSE;
    }
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection", "Upgrade");
  Upgrade *data = g_new0 (Upgrade, 1);
  data->api = self;
  data->node_id = g_strdup (node_id);
  g_signal_connect_data (message, "wrote-informational", G_CALLBACK (on_upgraded), data, upgrade_free, 0);
  return TRUE;
}

/* Calls that are answered later: their message is paused, and keeps its connection's deadline. */

typedef struct
{
  EwApiCall call;
  EwServerPeer peer;
  SoupServerMessage *message;
  gboolean finished; /* the connection was closed in the meantime */
  gchar *node_id, *argument;
} Request;

static void
on_finished (SoupServerMessage *message, gpointer user_data)
{
  ((Request *)user_data)->finished = TRUE;
}

static void
request_free (Request *request)
{
  g_signal_handlers_disconnect_by_data (request->message, request);
  g_object_unref (request->message);
  g_clear_pointer (&request->call.body, json_object_unref);
  g_clear_pointer (&request->call.query, g_hash_table_unref);
  g_free (request->call.who);
  g_free (request->call.kept);
  g_free (request->node_id);
  g_free (request->argument);
  g_free (request);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

gboolean
ew_api_call_is_over (EwApiCall *call)
{
  if (call->api)
    return FALSE;
  request_free ((Request *)call);
  return TRUE;
}

/* Takes object. */
static void
respond_object (SoupServerMessage *message, JsonObject *object)
{
  json_object_set_int_member (object, "schema", 1);
  respond (message, SOUP_STATUS_OK, object);
  json_object_unref (object);
}

static void
answer_later (EwApiCall *call, JsonObject *object, const GError *error)
{
  g_autoptr (Request) request = (Request *)call;
  g_hash_table_remove (call->api->waiting, call);
  if (object)
    respond_object (request->message, object);
  else
    respond_error (request->message, error, call->retry_after_us);
  if (!request->finished)
    soup_server_message_unpause (request->message);
}

/* From here on call->answer() frees it. */
static void
wait_for_answer (Request *request)
{
  g_hash_table_add (request->call.api->waiting, &request->call);
  g_signal_connect (request->message, "finished", G_CALLBACK (on_finished), request);
  soup_server_message_pause (request->message);
}

static Request *
request_new (EwApi *self, SoupServerMessage *message, const EwServerPeer *peer, GHashTable *query)
{
  Request *request = g_new0 (Request, 1);
  request->peer = *peer;
  request->message = g_object_ref (message);
  request->call = (EwApiCall){
    .api = self, .peer = &request->peer, .query = query ? g_hash_table_ref (query) : NULL, .answer = answer_later
  };
  return request;
}

/* All of it. */

/* *object stays NULL where the WebSocket took over, or where the handler answers later. */
static gboolean
answer (Request *request, const EwApiEntry *entry, JsonObject **object, gboolean *later, GError **error)
{
  EwApiCall *call = &request->call;
  g_autoptr (GError) cause = NULL;
  if (!authorize (call->api, entry, call->peer, request->message, &call->node_id, error))
    return FALSE;
  /* The mesh's own copy is freed when the call changes its caller's node. */
  call->node_id = request->node_id = g_strdup (call->node_id);
  if (entry->handler == NULL)
    return upgrade (call->api, request->message, call->node_id, error);
  if (has_body (entry) && (call->body = read_body (request->message, error)) == NULL)
    return FALSE;
  if (entry->access == EW_ACCESS_ADMINISTRATOR)
    ew_mesh_ask_as (call->api->parts.mesh,
                    call->node_id); /* it may have lost that right when its change's turn comes */
  *object = entry->handler (call, &cause);
  ew_mesh_ask_as (call->api->parts.mesh, NULL);
  *later = *object == NULL && cause == NULL;
  if (cause)
    g_propagate_error (error, g_steal_pointer (&cause));
  return *object || *later;
}

void
ew_api_handle (gpointer api, SoupServerMessage *message, const EwServerPeer *peer, const gchar *path, GHashTable *query,
               EwServerFault fault)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *allow = NULL;
  g_autoptr (Request) request = request_new (api, message, peer, query);
  const EwApiEntry *entry = NULL;
  const gchar *argument = NULL;
  JsonObject *object = NULL;
  gboolean later = FALSE;
  if (fault == EW_SERVER_FAULT_TOO_LARGE)
    refuse_too_large (&error);
  else if (fault == EW_SERVER_FAULT_BAD_LENGTH)
    ew_set_error (&error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The request's Content-Length isn't a number.");
  else if (path == NULL || !g_utf8_validate (path, -1, NULL))
    ew_set_error (&error, EW_ERROR, EW_ERROR_NOT_FOUND, "There is no such call in this API.");
  else
    entry = find_entry (soup_server_message_get_method (message), path, &argument, &allow, &error);
  request->call.argument = request->argument = g_strdup (argument);
  if (entry == NULL || !answer (request, entry, &object, &later, &error))
    respond_error (message, error, request->call.retry_after_us);
  else if (later)
    wait_for_answer (g_steal_pointer (&request));
  else if (object)
    respond_object (message, object);
  if (allow && *allow)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow", allow);
}

EwApi *
ew_api_new (const EwApiParts *parts)
{
  EwApi *self = g_new0 (EwApi, 1);
  self->parts = *parts;
  self->failed_enrollments = ew_http_rate_limit_new (FAILED_BURST, FAILED_REFILL_US, FAILED_ADDRESSES);
  self->descriptions = ew_http_rate_limit_new (DESCRIBED_BURST, DESCRIBED_REFILL_US, DESCRIBED_NODES);
  self->started_us = g_get_real_time ();
  self->waiting = g_hash_table_new (NULL, NULL);
  return self;
}

void
ew_api_set_server (EwApi *self, EwServer *server)
{
  self->server = server;
}

void
ew_api_free (EwApi *self)
{
  GHashTableIter iter;
  gpointer call;
  if (self == NULL)
    return;
  g_hash_table_iter_init (&iter, self->waiting);
  while (g_hash_table_iter_next (&iter, &call, NULL))
    ((EwApiCall *)call)->api = NULL;
  g_hash_table_unref (self->waiting);
  ew_http_rate_limit_free (self->failed_enrollments);
  ew_http_rate_limit_free (self->descriptions);
  g_free (self);
}
