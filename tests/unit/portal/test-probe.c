/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The question to servers on the loopback interface: what it contains, and answers that come in pieces, never end, or
 * aren't HTTP.
 */
#include "portal/probe.h"

#include <string.h>

typedef struct
{
  GSocketService *service;
  const gchar *answer;
  gboolean stays;
  GString *asked;
  guint16 port;
  GSocketConnection *held;
  gint running; /* threads that still read this */
} Server;

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer user_data)
{
  Server *server = user_data;
  gchar buffer[2048];
  g_atomic_int_inc (&server->running);
  gssize n
    = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL, NULL);
  g_string_append_len (server->asked, buffer, MAX (n, 0));
  const gchar *c = server->answer; /* each byte by itself, until the other side has had enough */
  while (*c && g_output_stream_write (g_io_stream_get_output_stream (G_IO_STREAM (connection)), c, 1, NULL, NULL) == 1)
    c++;
  if (server->stays)
    server->held = g_object_ref (connection);
  g_atomic_int_add (&server->running, -1);
  return TRUE;
}

static void
start_server (Server *server, const gchar *answer)
{
  server->answer = answer;
  server->asked = g_string_new (NULL);
  server->service = g_threaded_socket_service_new (4);
  server->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (server->service), NULL, NULL);
  g_signal_connect (server->service, "run", G_CALLBACK (on_incoming), server);
}

static void
stop_server (Server *server)
{
  g_socket_service_stop (server->service);
  g_socket_listener_close (G_SOCKET_LISTENER (server->service));
  g_clear_object (&server->service);
  while (g_atomic_int_get (&server->running) > 0)
    g_usleep (1000);
  g_clear_object (&server->held);
  g_string_free (server->asked, TRUE);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static EwPortalAnswer *
ask (Server *server, const gchar *expected, GError **error)
{
  g_autofree gchar *url = g_strdup_printf ("http://check.example:%u/path?x=1", server->port);
  g_autoptr (EwPortalPage) page = ew_portal_page_parse (url, NULL);
  EwPortalQuestion question = { .page = page, .expected = expected };
  g_autoptr (GAsyncResult) result = NULL;
  g_assert_true (ew_ip_parse ("127.0.0.1", &question.to));
  ew_portal_probe_async (&question, NULL, on_answer, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  return ew_portal_probe_finish (result, error);
}

static void
test_question (void)
{
  Server server = { 0 };
  start_server (&server, "HTTP/1.1 302 Found\r\nLocation: https://login.example/a\r\n\r\n");
  g_autoptr (EwPortalAnswer) answer = ask (&server, NULL, NULL);
  g_assert_cmpint (answer->verdict, ==, EW_PORTAL_CAUGHT);
  g_assert_cmpstr (answer->page->url, ==, "https://login.example/a");
  g_autofree gchar *request = g_strdup_printf (
    "GET /path?x=1 HTTP/1.1\r\nHost: check.example:%u\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n",
    server.port);
  g_assert_cmpstr (server.asked->str, ==, request);
  char from[EW_IP_STRLEN];
  ew_ip_format (&answer->from, from);
  g_assert_cmpstr (from, ==, "127.0.0.1");
  stop_server (&server);
}

static void
test_pages (void)
{
  static const gchar *const useless[] = { "javascript:alert(1)", "http://127.0.0.1:631/", "" };
  for (gsize i = 0; i < G_N_ELEMENTS (useless); i++)
    {
      Server server = { 0 };
      g_autofree gchar *text = g_strdup_printf ("HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", useless[i]);
      start_server (&server, text);
      g_autoptr (EwPortalAnswer) answer = ask (&server, NULL, NULL);
      g_assert_cmpint (answer->verdict, ==, EW_PORTAL_CAUGHT);
      if (*useless[i])
        g_assert_null (answer->page);
      stop_server (&server);
    }
}

static void
test_expected (void)
{
  Server server = { 0 };
  start_server (&server, "HTTP/1.1 200 OK\r\n\r\nsuccess and more");
  g_autoptr (EwPortalAnswer) answer = ask (&server, "success", NULL);
  g_assert_cmpint (answer->verdict, ==, EW_PORTAL_CLEAR);
  stop_server (&server);
}

static void
test_nonsense (void)
{
  static const gchar *const answers[] = { "", "nonsense", "HTTP/1.1 302 Found\r\nLocation: http://x/\r\n" };
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      Server server = { 0 };
      g_autoptr (GError) error = NULL;
      start_server (&server, answers[i]);
      g_autoptr (EwPortalAnswer) answer = ask (&server, NULL, &error);
      g_assert_null (answer);
      g_assert_nonnull (error);
      stop_server (&server);
    }
}

/* A head without an end that goes on and on: no more is read than fits. */
static void
test_endless (void)
{
  Server server = { .stays = TRUE };
  g_autofree gchar *many = g_strnfill (EW_PORTAL_ANSWER_MAX + 1000, 'x');
  g_autofree gchar *text = g_strconcat ("HTTP/1.1 200 OK\r\nX: ", many, NULL);
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();
  start_server (&server, text);
  g_autoptr (EwPortalAnswer) answer = ask (&server, NULL, &error);
  g_assert_null (answer);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, EW_PORTAL_PROBE_SECONDS * G_USEC_PER_SEC);
  stop_server (&server);
}

/* One that says nothing and keeps the connection. */
static void
test_silent (void)
{
  Server server = { .stays = TRUE };
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();
  start_server (&server, "HTTP/1.1 ");
  g_autoptr (EwPortalAnswer) answer = ask (&server, NULL, &error);
  g_assert_null (answer);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 5 * EW_PORTAL_PROBE_SECONDS * G_USEC_PER_SEC);
  stop_server (&server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/portal/question", test_question);
  g_test_add_func ("/portal/useless-pages", test_pages);
  g_test_add_func ("/portal/expected", test_expected);
  g_test_add_func ("/portal/nonsense", test_nonsense);
  g_test_add_func ("/portal/endless", test_endless);
  g_test_add_func ("/portal/silent", test_silent);
  return g_test_run ();
}
