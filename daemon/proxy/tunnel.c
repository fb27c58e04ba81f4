/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/tunnel.h"
#include "common/error.h"
#include "common/http-head.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

#define INFORMATIONAL_MAX 8 /* answers 1xx before the real one */

typedef struct
{
  GIOStream *stream;
  EwProxy *proxy;
  gchar *place; /* the proxy's HOST:PORT, for people */
  gchar *host;
  guint16 port;
  gchar *request;
  gchar head[EW_HEAD_MAX];
  gsize length;
  guint status, n_informational;
} Tunnel;

static void
tunnel_free (gpointer data)
{
  Tunnel *tunnel = data;
  g_object_unref (tunnel->stream);
  ew_proxy_free (tunnel->proxy);
  ew_free_secret (tunnel->request);
  g_free (tunnel->place);
  g_free (tunnel->host);
  g_free (tunnel);
}

gchar *
ew_proxy_request (const EwProxy *proxy, const gchar *host, guint16 port)
{
  g_autofree gchar *target = g_strdup_printf (strchr (host, ':') ? "[%s]:%u" : "%s:%u", host, port);
  if (proxy->credentials == NULL)
    return g_strdup_printf ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target);
  gchar *basic = g_base64_encode ((const guchar *)proxy->credentials, strlen (proxy->credentials));
  gchar *request = g_strdup_printf ("CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n", target,
                                    target, basic);
  ew_free_secret (basic);
  return request;
}

/* The exchange. */

static void
fail_with_status (GTask *task)
{
  const Tunnel *tunnel = g_task_get_task_data (task);
  /* tinyproxy answers 401 to wrong ones, and 407 to none (tests/findings/tinyproxy-answers-401.sh). */
  if ((tunnel->status == 407 || tunnel->status == 401) && tunnel->proxy->credentials)
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_PROXY_PASSWORD,
                              "The proxy %s doesn't accept the user name and password that it's given.", tunnel->place);
  else if (tunnel->status == 407)
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_PROXY_PASSWORD,
                              "The proxy %s asks for a user name and a password.", tunnel->place);
  else if (tunnel->status == 0)
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
                              "The program at %s isn't an HTTP proxy: it gives another answer.", tunnel->place);
  else if (tunnel->status >= 500)
    ew_task_return_new_error (task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
                              "The proxy %s can't reach %s:%u (its answer was %u).", tunnel->place, tunnel->host,
                              (guint)tunnel->port, tunnel->status);
  else
    ew_task_return_new_error (
      task, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE,
      "The proxy %s refuses a connection to %s:%u (its answer was %u). Ask whoever runs it to allow that.",
      tunnel->place, tunnel->host, (guint)tunnel->port, tunnel->status);
  g_object_unref (task);
}

static void
fail_with_error (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void read_more (GTask *task);

/* Everything that came so far. Informational answers are passed over (RFC 9110 section 15.2). */
static void
handle_head (GTask *task, gboolean ended)
{
  Tunnel *tunnel = g_task_get_task_data (task);
  EwHead head;
  EwHeadResult got;
  while ((got = ew_head_read (tunnel->head, tunnel->length, &head)) == EW_HEAD_WHOLE && head.status < 200
         && head.status != 101 && tunnel->n_informational++ < INFORMATIONAL_MAX)
    {
      tunnel->length -= head.size;
      memmove (tunnel->head, tunnel->head + head.size, tunnel->length);
    }
  tunnel->status = head.status;
  if (got == EW_HEAD_MORE && !ended)
    read_more (task);
  else if (head.status >= 200 && head.status <= 299 && head.size == tunnel->length)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
  else
    {
      /* Bytes behind a 200: the edge doesn't speak first, so they are a page of the proxy's. */
      if (tunnel->status <= 299)
        tunnel->status = 0;
      fail_with_status (task);
    }
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Tunnel *tunnel = g_task_get_task_data (task);
  GError *error = NULL;
  const gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);
  if (n < 0)
    {
      fail_with_error (task, error);
      return;
    }
  tunnel->length += (gsize)n;
  handle_head (task, n == 0);
}

static void
read_more (GTask *task)
{
  Tunnel *tunnel = g_task_get_task_data (task);
  g_input_stream_read_async (g_io_stream_get_input_stream (tunnel->stream), tunnel->head + tunnel->length,
                             sizeof tunnel->head - tunnel->length, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                             on_read, task);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    read_more (user_data);
  else
    fail_with_error (user_data, error);
}

void
ew_proxy_tunnel_async (GIOStream *stream, const EwProxy *proxy, const gchar *host, guint16 port,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Tunnel *tunnel = g_new0 (Tunnel, 1);
  tunnel->stream = g_object_ref (stream);
  tunnel->proxy = ew_proxy_copy (proxy);
  tunnel->place = ew_proxy_format_place (proxy);
  tunnel->host = g_strdup (host);
  tunnel->port = port;
  tunnel->request = ew_proxy_request (proxy, host, port);
  g_task_set_task_data (task, tunnel, tunnel_free);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (stream), tunnel->request, strlen (tunnel->request),
                                   G_PRIORITY_DEFAULT, cancellable, on_written, task);
}

gboolean
ew_proxy_tunnel_finish (GAsyncResult *result, guint *status, GError **error)
{
  *status = ((Tunnel *)g_task_get_task_data (G_TASK (result)))->status;
  return g_task_propagate_boolean (G_TASK (result), error);
}
