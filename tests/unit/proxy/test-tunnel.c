/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CONNECT against the answers that proxies give, each in one piece and byte by byte.
 */
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/error.h"
#include "common/http-head.h"
#include "proxy/tunnel.h"

typedef struct
{
  gboolean done, worked;
  guint status;
  GError *error;
} Result;

static void
on_tunnel (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Result *seen = user_data;
  seen->worked = ew_proxy_tunnel_finish (result, &seen->status, &seen->error);
  seen->done = TRUE;
}

static GSocketConnection *
connection_of (int fd)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);
  return g_socket_connection_factory_create_connection (socket);
}

/* What the client makes of an answer, and what it sent. (transfer full) */
static Result
try_answer (const gchar *answer, gsize length, gboolean in_pieces, const gchar *credentials, gchar **request)
{
  EwProxy proxy = { .host = (gchar *)"proxy.office", .port = 3128, .credentials = (gchar *)credentials };
  int ends[2];
  Result seen = { 0 };
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  g_autoptr (GSocketConnection) client = connection_of (ends[0]), server = connection_of (ends[1]);
  ew_proxy_tunnel_async (G_IO_STREAM (client), &proxy, "edge.example.org", 443, NULL, on_tunnel, &seen);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (server));
  for (gsize i = 0; i < length && in_pieces; i++)
    {
      g_assert_true (g_output_stream_write_all (out, answer + i, 1, NULL, NULL, NULL));
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
  if (!in_pieces)
    g_assert_true (g_output_stream_write_all (out, answer, length, NULL, NULL, NULL));
  g_socket_shutdown (g_socket_connection_get_socket (server), FALSE, TRUE, NULL);
  while (!seen.done)
    g_main_context_iteration (NULL, TRUE);
  gchar got[2000];
  gssize n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (server)), got, sizeof got - 1, NULL, NULL);
  g_assert_cmpint (n, >, 0);
  got[n] = '\0';
  *request = g_strdup (got);
  return seen;
}

static void
test_answers (void)
{
  static const struct
  {
    const gchar *answer;
    guint status; /* that the error names; 200: none */
  } cases[] = {
    { "HTTP/1.1 200 Connection established\r\n\r\n", 200 },
    { "HTTP/1.0 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n", 200 },
    { "HTTP/1.1 200\r\n\r\n", 200 },
    { "HTTP/1.1 204 \n\n", 204 },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", 0 },
    { "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0 },
    { "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", 302 },
    { "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nNo.\n", 403 },
    { "HTTP/1.0 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", 407 },
    { "HTTP/1.1 503 Service Unavailable\r\n\r\n", 503 },
    { "HTTP/1.1 200 O", 0 },
    { "HTTP/2 200\r\n\r\n", 0 },
    { "HTTP/1.1 20x OK\r\n\r\n", 0 },
    { "HTTP/1.1 2000 OK\r\n\r\n", 0 },
    { "HTTP/1.1 999 OK\r\n\r\n", 0 },
    { "220 mail.office ESMTP\r\n", 0 },
    { "\r\n\r\n", 0 },
    { "", 0 },
  };
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      const gchar *answer = cases[i / 2].answer;
      g_autofree gchar *request = NULL;
      Result seen = try_answer (answer, strlen (answer), i % 2, NULL, &request);
      /* Byte by byte, what follows a 200 can't be told from what the edge sends: TLS finds out. */
      const gboolean page = i % 2 && strstr (answer, "<html>");
      const guint wanted = page ? 200 : cases[i / 2].status;
      g_assert_cmpuint (seen.status, ==, wanted);
      g_assert_true (seen.worked == (wanted >= 200 && wanted <= 299));
      if (!seen.worked)
        {
          const gint code = wanted == 407 ? (gint)EW_ERROR_PROXY_PASSWORD : (gint)EW_ERROR_EDGE_UNREACHABLE;
          g_assert_error (seen.error, EW_ERROR, code);
        }
      g_assert_cmpstr (request, ==, "CONNECT edge.example.org:443 HTTP/1.1\r\nHost: edge.example.org:443\r\n\r\n");
      g_clear_error (&seen.error);
    }
}

static void
test_endless_head (void)
{
  g_autoptr (GString) answer = g_string_new ("HTTP/1.1 200 OK\r\n");
  while (answer->len < 3 * EW_HEAD_MAX)
    g_string_append (answer, "X-Padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
  g_autofree gchar *request = NULL;
  Result seen = try_answer (answer->str, answer->len, FALSE, NULL, &request);
  g_assert_error (seen.error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
  g_assert_cmpuint (seen.status, ==, 0);
  g_clear_error (&seen.error);
  g_autoptr (GString) informational = g_string_new (NULL);
  for (guint i = 0; i < 100; i++)
    g_string_append (informational, "HTTP/1.1 103 Early Hints\r\n\r\n");
  g_free (g_steal_pointer (&request));
  seen = try_answer (informational->str, informational->len, FALSE, NULL, &request);
  g_assert_error (seen.error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
  g_clear_error (&seen.error);
}

static void
test_basic (void)
{
  static const gchar refusal[] = "HTTP/1.1 407 No\r\n\r\n";
  g_autofree gchar *request = NULL, *plain = NULL;
  Result seen = try_answer (refusal, strlen (refusal), FALSE, "joe:p@ss:", &request);
  g_assert_nonnull (strstr (request, "\r\nProxy-Authorization: Basic am9lOnBAc3M6\r\n"));
  g_assert_nonnull (strstr (seen.error->message, "proxy.office:3128"));
  g_assert_null (strstr (seen.error->message, "p@ss"));
  static const gchar unauthorized[] = "HTTP/1.0 401 Unauthorized\r\n\r\n";
  g_autofree gchar *again = NULL;
  Result third = try_answer (unauthorized, strlen (unauthorized), FALSE, "joe:p@ss:", &again);
  g_assert_cmpstr (seen.error->message, ==, third.error->message);
  g_clear_error (&third.error);
  Result other = try_answer (refusal, strlen (refusal), FALSE, NULL, &plain);
  g_assert_null (strstr (plain, "Authorization"));
  g_assert_cmpstr (seen.error->message, !=, other.error->message); /* wrong ones, and none */
  g_clear_error (&seen.error);
  g_clear_error (&other.error);
}

static void
test_request_to_address (void)
{
  EwProxy proxy = { .host = (gchar *)"p", .port = 1 };
  g_autofree gchar *request = ew_proxy_request (&proxy, "2001:db8::1", 8443);
  g_assert_cmpstr (request, ==, "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proxy/answers", test_answers);
  g_test_add_func ("/proxy/endless-head", test_endless_head);
  g_test_add_func ("/proxy/basic", test_basic);
  g_test_add_func ("/proxy/request-to-address", test_request_to_address);
  return g_test_run ();
}
