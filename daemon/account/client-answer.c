/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 *   answer ──→ read, bounded ──→ parse ──→ done
 */
#include "account/client-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include <string.h>

static void
finish_with (GTask *task, GError *error)
{
  ew_client_end_try (task);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
nonsense (GTask *task, const gchar *what)
{
  EwClientCall *call = g_task_get_task_data (task);
  EwClientBase *base = call->base;
  finish_with (task,
               ew_error_new (EW_ERROR, EW_ERROR_FAILED,
                             "The edge at %s sent an invalid response: %s. Ask whoever runs it, or try again later.",
                             ew_client_place (base), what));
}

/* What worked: tried first the next time, and the name's address kept, which a proxy's isn't. */
static void
remember (GTask *task)
{
  EwClient *self = g_task_get_source_object (task);
  EwClientCall *call = g_task_get_task_data (task);
  EwClientBase *base = call->base;
  GSocketAddress *remote = soup_message_get_remote_address (call->message);
  if (base->inside)
    return; /* the way outside is tried first each time: it may be open again */
  if (g_strcmp0 (self->last_base, base->base) != 0)
    {
      g_free (self->last_base);
      self->last_base = g_strdup (base->base);
    }
  if (!self->cache || !base->name || !call->direct || !remote || !G_IS_INET_SOCKET_ADDRESS (remote)
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
    return ew_error_new (EW_ERROR, status == 410 ? EW_ERROR_REMOVED : EW_ERROR_FAILED,
                         "The edge refused with status %u and without a reason. Ask whoever runs it.", status);
  g_autofree gchar *line = ew_text_one_line (message, 500);
  (void)ew_phrase_learn (line, ew_json_array (error, "phrase"));
  return g_error_new_literal (EW_ERROR, code, line);
}

static void
answer_complete (GTask *task)
{
  EwClientCall *call = g_task_get_task_data (task);
  guint status = soup_message_get_status (call->message);
  const gchar *type = soup_message_headers_get_content_type (soup_message_get_response_headers (call->message), NULL);
  if (status >= 300 && status < 400)
    {
      nonsense (task, N_ ("it redirects to another address"));
      return;
    }
  g_autoptr (JsonObject) object = NULL;
  if (g_strcmp0 (type, "application/json") == 0)
    object = ew_json_parse_object ((const gchar *)call->answer->data, call->answer->len, call->max, NULL);
  if (!object || ew_json_int (object, "schema", 0) != 1)
    {
      nonsense (task,
                object ? N_ ("its schema isn't known to this version") : N_ ("it isn't the JSON that was requested"));
      return;
    }
  remember (task);
  if (status != 200 && status != 201)
    {
      finish_with (task, error_from_answer (object, status));
      return;
    }
  ew_client_end_try (task);
  g_task_return_pointer (task, g_steal_pointer (&object), (GDestroyNotify)json_object_unref);
  g_object_unref (task);
}

static void
answer_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  EwClientCall *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  if (!bytes)
    {
      ew_client_failed (task, g_steal_pointer (&error));
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
      nonsense (task, N_ ("it is too long"));
      return;
    }
  g_byte_array_append (call->answer, g_bytes_get_data (bytes, NULL), (guint)n);
  g_input_stream_read_bytes_async (call->stream, 16384, G_PRIORITY_DEFAULT, call->cancellable, answer_read, task);
}

void
ew_client_on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  EwClientCall *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  call->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (!call->stream)
    {
      ew_client_failed (task, g_steal_pointer (&error));
      return;
    }
  call->answer = g_byte_array_new ();
  g_input_stream_read_bytes_async (call->stream, 16384, G_PRIORITY_DEFAULT, call->cancellable, answer_read, task);
}

void
ew_client_on_websocket (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  EwClientCall *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) socket
    = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  if (socket)
    {
      soup_websocket_connection_set_max_incoming_payload_size (socket, EW_CLIENT_LIST_MAX_ANSWER);
      remember (task);
      ew_client_end_try (task);
      g_task_return_pointer (task, g_steal_pointer (&socket), g_object_unref);
      g_object_unref (task);
      return;
    }
  guint status = soup_message_get_status (call->message);
  if (status == 410)
    finish_with (
      task,
      ew_error_new (EW_ERROR, EW_ERROR_REMOVED,
                    "An administrator removed this computer from the mesh. Leave it, then enroll again to come back."));
  else if (status == 401)
    finish_with (task, ew_error_new (EW_ERROR, EW_ERROR_NOT_AUTHENTICATED,
                                     "The edge doesn't know this computer. Leave the mesh, then enroll again."));
  else if (status >= 200)
    nonsense (task, N_ ("it has no topology"));
  else
    ew_client_failed (task, g_steal_pointer (&error));
}
