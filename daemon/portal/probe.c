/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "portal/probe.h"

#include <string.h>
#include <sys/socket.h>

typedef struct
{
  EwPortalPage *page;
  gchar *expected;
  guint32 mark;
  GSocketConnection *connection;
  gchar *request;
  gchar data[EW_PORTAL_ANSWER_MAX];
  gsize length;
  GCancellable *cancellable; /* this question's: time is up, or the caller's */
  gulong cancel_handler;
  guint deadline;
} Probe;

static void
probe_free (gpointer data)
{
  Probe *probe = data;
  g_clear_handle_id (&probe->deadline, g_source_remove);
  g_clear_object (&probe->connection);
  g_clear_object (&probe->cancellable);
  ew_portal_page_free (probe->page);
  g_free (probe->expected);
  g_free (probe->request);
  g_free (probe);
}

void
ew_portal_answer_free (EwPortalAnswer *answer)
{
  if (answer == NULL)
    return;
  ew_portal_page_free (answer->page);
  g_free (answer);
}

static void
end_probe (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  g_clear_handle_id (&probe->deadline, g_source_remove);
  if (probe->cancel_handler)
    g_cancellable_disconnect (g_task_get_cancellable (task), probe->cancel_handler);
  probe->cancel_handler = 0;
}

/* Takes task and error. */
static void
fail_probe (GTask *task, GError *error)
{
  end_probe (task);
  if (g_task_return_error_if_cancelled (task))
    g_error_free (error);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static EwIp
find_remote (GSocketConnection *connection)
{
  g_autoptr (GSocketAddress) address = g_socket_connection_get_remote_address (connection, NULL);
  EwIp ip = { 0 };
  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return ip;
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  const EwFamily family = g_inet_address_get_family (inet) == G_SOCKET_FAMILY_IPV6 ? EW_FAMILY_V6 : EW_FAMILY_V4;
  return ew_ip_from_bytes (family, g_inet_address_to_bytes (inet));
}

/* Takes task. */
static void
answer_probe (GTask *task, EwPortalVerdict verdict, const gchar *location)
{
  Probe *probe = g_task_get_task_data (task);
  EwPortalAnswer *answer = g_new0 (EwPortalAnswer, 1);
  end_probe (task);
  answer->verdict = verdict;
  answer->page = location ? ew_portal_page_parse (location, probe->page) : NULL;
  answer->from = find_remote (probe->connection);
  g_task_return_pointer (task, answer, (GDestroyNotify)ew_portal_answer_free);
  g_object_unref (task);
}

static void read_answer (GTask *task);

static void
on_answer_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autofree gchar *location = NULL;
  GError *error = NULL;
  const gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);
  if (n < 0)
    {
      fail_probe (task, error);
      return;
    }
  probe->length += (gsize)n;
  const gboolean ended = n == 0 || probe->length == sizeof probe->data;
  switch (ew_portal_judge (probe->data, probe->length, ended, probe->expected, &location))
    {
    case EW_PORTAL_CLEAR:
      answer_probe (task, EW_PORTAL_CLEAR, NULL);
      break;
    case EW_PORTAL_CAUGHT:
      answer_probe (task, EW_PORTAL_CAUGHT, location);
      break;
    case EW_PORTAL_MORE:
      read_answer (task);
      break;
    case EW_PORTAL_SILENT:
    default:
      fail_probe (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the answer isn't HTTP"));
    }
}

static void
read_answer (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (probe->connection)),
                             probe->data + probe->length, sizeof probe->data - probe->length, G_PRIORITY_DEFAULT,
                             probe->cancellable, on_answer_read, task);
}

static void
on_request_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    read_answer (user_data);
  else
    fail_probe (user_data, error);
}

static gchar *
make_request (const EwPortalPage *page)
{
  g_autofree gchar *port = page->port != 80 ? g_strdup_printf (":%u", page->port) : g_strdup ("");
  const gboolean bracketed = strchr (page->host, ':') != NULL;
  return g_strdup_printf ("GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n",
                          page->path, bracketed ? "[" : "", page->host, bracketed ? "]" : "", port);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  GError *error = NULL;
  probe->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (!probe->connection)
    {
      fail_probe (task, error);
      return;
    }
  probe->request = make_request (probe->page);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (probe->connection)), probe->request,
                                   strlen (probe->request), G_PRIORITY_DEFAULT, probe->cancellable, on_request_written,
                                   task);
}

static void
on_client_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *stream,
                 gpointer user_data)
{
  const Probe *probe = g_task_get_task_data (user_data);
  if (event == G_SOCKET_CLIENT_CONNECTING && G_IS_SOCKET_CONNECTION (stream) && probe->mark)
    (void)setsockopt (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))), SOL_SOCKET,
                      SO_MARK, &probe->mark, sizeof probe->mark);
}

static GSocketConnectable *
find_destination (const EwPortalQuestion *question)
{
  if (question->to.family == EW_FAMILY_NONE)
    return g_network_address_new (question->page->host, question->page->port);
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_bytes (
    question->to.bytes, question->to.family == EW_FAMILY_V6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4);
  return g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", ip, "port", (guint)question->page->port, "scope-id",
                       question->scope, NULL);
}

static gboolean
on_deadline (gpointer user_data)
{
  Probe *probe = g_task_get_task_data (user_data);
  probe->deadline = 0;
  g_cancellable_cancel (probe->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

void
ew_portal_probe_async (const EwPortalQuestion *question, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Probe *probe = g_new0 (Probe, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) destination = find_destination (question);
  probe->page = ew_portal_page_parse (question->page->url, NULL);
  probe->expected = g_strdup (question->expected);
  probe->mark = question->mark;
  probe->cancellable = g_cancellable_new ();
  g_task_set_task_data (task, probe, probe_free);
  g_task_set_check_cancellable (task, TRUE);
  if (cancellable)
    probe->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (on_caller_cancelled),
                                                   g_object_ref (probe->cancellable), g_object_unref);
  probe->deadline = g_timeout_add_seconds (EW_PORTAL_PROBE_SECONDS, on_deadline, task);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_signal_connect_object (client, "event", G_CALLBACK (on_client_event), task, 0);
  g_socket_client_connect_async (client, destination, probe->cancellable, on_connected, task);
}

EwPortalAnswer *
ew_portal_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
