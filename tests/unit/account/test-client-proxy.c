/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The API's client through an HTTP proxy that answers what a test wants: the pin decides as ever, and what the proxy does
 * is named.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"
#include "common/util.h"
#include "fake-edge.h"

typedef struct
{
  FakeEdge edge;
  GSocketService *service;
  gchar *file;
  guint16 port;
  const gchar *answer; /* NULL: 200, and what the client wants */
  guint16 other;       /* where CONNECT leads in place of that; 0: there */
  gchar *request;      /* the latest */
  gint n_requests;
  GMutex lock;
} World;

static gpointer
pump (gpointer data)
{
  GIOStream **ends = data;
  (void)g_output_stream_splice (g_io_stream_get_output_stream (ends[1]), g_io_stream_get_input_stream (ends[0]),
                                G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_socket_shutdown (g_socket_connection_get_socket (G_SOCKET_CONNECTION (ends[0])), TRUE, TRUE, NULL);
  g_socket_shutdown (g_socket_connection_get_socket (G_SOCKET_CONNECTION (ends[1])), TRUE, TRUE, NULL);
  return NULL;
}

static void
lead_on (World *world, GSocketConnection *near, guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_socket_client_set_enable_proxy (client, FALSE);
  g_autoptr (GSocketConnection) far = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
  if (far == NULL)
    return;
  GIOStream *there[] = { G_IO_STREAM (near), G_IO_STREAM (far) }, *back[] = { G_IO_STREAM (far), G_IO_STREAM (near) };
  GThread *thread = g_thread_new ("there", pump, there);
  pump (back);
  g_thread_join (thread);
}

static gboolean
serve (GThreadedSocketService *service, GSocketConnection *connection, GObject *source, gpointer user_data)
{
  static const gchar yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
  World *world = user_data;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  gchar head[2000] = "";
  gsize length = 0;
  guint port = 0;
  while (strstr (head, "\r\n\r\n") == NULL && length < sizeof head - 1)
    {
      const gssize n = g_input_stream_read (in, head + length, 1, NULL, NULL);
      if (n <= 0)
        return TRUE;
      length += (gsize)n;
    }
  g_mutex_lock (&world->lock);
  g_free (world->request);
  world->request = g_strdup (head);
  g_mutex_unlock (&world->lock);
  g_atomic_int_inc (&world->n_requests);
  const gchar *answer = world->answer ? world->answer : yes;
  (void)g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), answer, strlen (answer),
                                   NULL, NULL, NULL);
  if (world->answer == NULL && sscanf (head, "CONNECT %*[^:]:%u", &port) == 1)
    lead_on (world, connection, world->other ? world->other : (guint16)port);
  return TRUE;
}

static void
write_settings (World *world, const gchar *credentials)
{
  g_autofree gchar *text = g_strdup_printf ("http://%s127.0.0.1:%u\n", credentials, world->port);
  g_assert_true (ew_file_write_atomic (world->file, text, -1, 0600, NULL));
}

static void
setup (World *world, gconstpointer data)
{
  fake_edge_init (&world->edge);
  world->file = g_build_filename (world->edge.dir, "proxy", NULL);
  world->service = g_threaded_socket_service_new (10);
  world->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (world->service), NULL, NULL);
  g_signal_connect (world->service, "run", G_CALLBACK (serve), world);
  g_socket_service_start (world->service);
  write_settings (world, "");
}

static void
teardown (World *world, gconstpointer data)
{
  g_socket_service_stop (world->service);
  g_socket_listener_close (G_SOCKET_LISTENER (world->service));
  g_clear_object (&world->service);
  g_unlink (world->file);
  fake_edge_clear (&world->edge);
  g_free (world->file);
  g_free (world->request);
}

static EwClient *
make_client (World *world)
{
  EwClient *client = fake_edge_client (&world->edge);
  ew_client_set_proxy_file (client, world->file);
  return client;
}

static void
test_through (World *world, gconstpointer data)
{
  g_autoptr (EwClient) client = make_client (world);
  g_autoptr (GError) error = NULL;
  fake_edge_answer (&world->edge, 200, "{\"schema\":1,\"mesh\":\"home\"}");
  g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
  g_autofree gchar *wanted = g_strdup_printf ("CONNECT %s HTTP/1.1\r\n", world->edge.url + strlen ("https://"));
  g_assert_true (g_str_has_prefix (world->request, wanted));
  g_assert_null (strstr (world->request, "Authorization"));
  /* And with a password, which is read for each connection. */
  write_settings (world, "joe:p%40ss@");
  ew_client_abort_idle (client);
  g_autoptr (JsonObject) second = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (world->request, "\r\nProxy-Authorization: Basic am9lOnBAc3M=\r\n"));
  /* Inside the tunnel there is none. */
  write_settings (world, "");
  EwIp loopback;
  g_assert_true (ew_ip_parse ("127.0.0.1", &loopback));
  const gchar *nowhere[] = { "https://127.0.0.2:1", NULL };
  const gint before = g_atomic_int_get (&world->n_requests);
  ew_client_set_api (client, nowhere);
  ew_client_set_inside (client, &loopback, (guint16)atoi (strrchr (world->edge.url, ':') + 1));
  world->answer = "HTTP/1.1 503 No\r\n\r\n";
  g_autoptr (JsonObject) third = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_atomic_int_get (&world->n_requests), ==, before + 1);
}

static void
assert_named (World *world, gint code, const gchar *says)
{
  g_autoptr (EwClient) client = make_client (world);
  g_autoptr (GError) error = NULL;
  JsonObject *answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_null (answer);
  g_assert_error (error, EW_ERROR, code);
  if (!strstr (error->message, says))
    g_error ("“%s” does not say “%s”", error->message, says);
  g_assert_null (strstr (error->message, "secret"));
}

/* A proxy whose name can't be looked up is named, and not the edge, whose name or address is right. */
static void
test_unknown (World *world, gconstpointer data)
{
  g_autoptr (EwClient) client = make_client (world);
  g_autoptr (GError) error = NULL;
  g_assert_true (ew_file_write_atomic (world->file, "http://proxy.invalid:3128\n", -1, 0600, NULL));
  g_assert_null (fake_edge_call (client, "GET", "/v1/self", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
  g_assert_true (g_str_has_prefix (error->message, "The proxy proxy.invalid:3128, which leads to the edge, can't be "
                                                   "reached ("));
}

static void
test_refused (World *world, gconstpointer data)
{
  world->answer = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
  assert_named (world, EW_ERROR_PROXY_PASSWORD, "asks for a user name");
  write_settings (world, "joe:secret@");
  assert_named (world, EW_ERROR_PROXY_PASSWORD, "doesn't accept");
  world->answer = "HTTP/1.1 403 No\r\n\r\n";
  assert_named (world, EW_ERROR_EDGE_UNREACHABLE, "403");
  world->answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Sign in</html>";
  assert_named (world, EW_ERROR_EDGE_UNREACHABLE, "isn't an HTTP proxy");
  world->answer = "SSH-2.0-OpenSSH\r\n";
  assert_named (world, EW_ERROR_EDGE_UNREACHABLE, "isn't an HTTP proxy");
  world->answer = "";
  assert_named (world, EW_ERROR_EDGE_UNREACHABLE, "isn't an HTTP proxy");
  g_socket_service_stop (world->service);
  g_socket_listener_close (G_SOCKET_LISTENER (world->service));
  assert_named (world, EW_ERROR_EDGE_UNREACHABLE, "The proxy 127.0.0.1:");
  g_assert_cmpint (g_chmod (world->file, 0644), ==, 0);
  assert_named (world, EW_ERROR_INVALID_ARGUMENT, "chmod 600");
}

/* A proxy that leads elsewhere. */
static void
test_reader (World *world, gconstpointer data)
{
  FakeEdge other = { 0 };
  fake_edge_init (&other);
  world->other = (guint16)atoi (strrchr (other.url, ':') + 1);
  assert_named (world, EW_ERROR_PIN_MISMATCH, "isn't this mesh's edge");
  g_assert_cmpint (other.requests, ==, 0);
  fake_edge_clear (&other);
}

/* A proxy's address isn't the edge's. */
static void
test_not_remembered (World *world, gconstpointer data)
{
  g_autoptr (EwKeystore) keystore = ew_keystore_load (world->edge.dir, NULL);
  g_autofree gchar *url = g_strdup_printf ("https://localhost%s", strrchr (world->edge.url, ':'));
  const gchar *api[] = { url, NULL };
  g_autoptr (EwClient) client = ew_client_new (world->edge.pin, api, keystore, 0);
  ew_client_set_proxy_file (client, world->file);
  for (guint i = 0; i < 2; i++) /* the second on the first one's connection */
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
      g_assert_no_error (error);
      g_assert_null (ew_keystore_get_addresses (keystore, "localhost"));
    }
  g_assert_true (g_str_has_prefix (world->request, "CONNECT localhost:")); /* the name is the proxy's to look up */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/client-proxy/through", World, NULL, setup, test_through, teardown);
  g_test_add ("/client-proxy/unknown", World, NULL, setup, test_unknown, teardown);
  g_test_add ("/client-proxy/refused", World, NULL, setup, test_refused, teardown);
  g_test_add ("/client-proxy/reader", World, NULL, setup, test_reader, teardown);
  g_test_add ("/client-proxy/not-remembered", World, NULL, setup, test_not_remembered, teardown);
  return g_test_run ();
}
