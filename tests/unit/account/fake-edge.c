/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-edge.h"
#include "common/util.h"
#include <glib/gstdio.h>

#define LIST                                                                                                           \
  "[{\"id\":\"e1\",\"name\":\"frankfurt\",\"public_key\":\"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\","            \
  "\"endpoints\":[\"203.0.113.5:443\"],\"api\":[\"https://203.0.113.5:443\"]}]"

static void
handle (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  FakeEdge *edge = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  edge->requests++;
  g_free (edge->last_method);
  g_free (edge->last_path);
  g_free (edge->last_body);
  g_free (edge->last_authorization);
  edge->last_method = g_strdup (soup_server_message_get_method (message));
  edge->last_path = g_strdup (g_uri_get_path (soup_server_message_get_uri (message)));
  edge->last_body = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  edge->last_authorization
    = g_strdup (soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Authorization"));
  if (edge->drop)
    {
      edge->drop = FALSE;
      GIOStream *stream = soup_server_message_steal_connection (message);
      g_io_stream_close (stream, NULL, NULL);
      g_object_unref (stream);
      return;
    }
  if (edge->hold)
    {
      g_set_object (&edge->held, message);
      soup_server_message_pause (message);
      return;
    }
  if (edge->location)
    soup_message_headers_replace (headers, "Location", edge->location);
  soup_server_message_set_status (message, edge->status, NULL);
  soup_server_message_set_response (message, edge->type, SOUP_MEMORY_COPY, edge->body, strlen (edge->body));
}

static void
handle_viewer (SoupServer *server, SoupServerMessage *message, const char *path, SoupWebsocketConnection *connection,
               gpointer user_data)
{
  FakeEdge *edge = user_data;
  edge->viewers++;
  edge->viewer_fd = g_socket_get_fd (soup_server_message_get_socket (message));
  g_set_object (&edge->viewer, connection);
  for (guint i = 0; i < edge->messages->len; i++)
    soup_websocket_connection_send_text (connection, edge->messages->pdata[i]);
}

/* libsoup 3.6 calls back at the end of a handshake even if the server is disconnected by then, on a connection that
   is freed. Each connection's first message comes before its handshake, and says when that has ended. */

static void
on_message_gone (gpointer user_data, GObject *message)
{
  FakeEdge *edge = user_data;
  g_hash_table_remove (edge->handshakes, message);
}

static void
on_handshake_over (SoupServerMessage *message, FakeEdge *edge)
{
  if (g_hash_table_remove (edge->handshakes, message))
    g_object_weak_unref (G_OBJECT (message), on_message_gone, edge);
}

static void
on_request_started (SoupServer *server, SoupServerMessage *message, FakeEdge *edge)
{
  g_hash_table_add (edge->handshakes, message);
  g_object_weak_ref (G_OBJECT (message), on_message_gone, edge);
  g_signal_connect (message, "got-headers", G_CALLBACK (on_handshake_over), edge);
  g_signal_connect (message, "connected", G_CALLBACK (on_handshake_over), edge);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_handshake_over), edge);
}

void
fake_edge_disconnect (FakeEdge *edge)
{
  while (g_hash_table_size (edge->handshakes) > 0)
    g_main_context_iteration (NULL, TRUE);
  soup_server_disconnect (edge->server);
}

void
fake_edge_serve (FakeEdge *edge, GTlsCertificate *certificate)
{
  g_autoptr (GError) error = NULL;
  if (edge->server)
    fake_edge_disconnect (edge);
  g_clear_object (&edge->server);
  g_clear_pointer (&edge->url, g_free);
  g_clear_pointer (&edge->api, g_strfreev);
  edge->server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_websocket_handler (edge->server, "/v1/topology", NULL, NULL, handle_viewer, edge, NULL);
  soup_server_add_handler (edge->server, NULL, handle, edge, NULL);
  if (g_signal_lookup ("connected", SOUP_TYPE_SERVER_MESSAGE) != 0)
    g_signal_connect (edge->server, "request-started", G_CALLBACK (on_request_started), edge);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_assert_true (soup_server_listen (edge->server, address, SOUP_SERVER_LISTEN_HTTPS, &error));
  GSList *uris = soup_server_get_uris (edge->server);
  edge->url = g_strdup_printf ("https://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  edge->api = g_new0 (gchar *, 2);
  edge->api[0] = g_strdup (edge->url);
}

void
fake_edge_init (FakeEdge *edge)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *key = NULL;
  g_assert_true (ew_pki_make_ca ("home", &edge->ca_key, &edge->ca_pem, NULL));
  g_assert_true (ew_pki_make_edge (edge->ca_key, edge->ca_pem, "frankfurt", &key, &edge->chain_pem, NULL));
  g_assert_true (ew_pki_get_pin (edge->ca_pem, edge->pin, NULL));
  g_autofree gchar *both = g_strconcat (edge->chain_pem, key, NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (both, -1, &error);
  g_assert_no_error (error);
  edge->handshakes = g_hash_table_new (NULL, NULL);
  fake_edge_serve (edge, certificate);
  edge->type = "application/json";
  edge->messages = g_ptr_array_new_with_free_func (g_free);
  edge->dir = g_dir_make_tmp ("ew-account-XXXXXX", NULL);
  fake_edge_answer (edge, 200, "{\"schema\":1}");
}

void
fake_edge_clear (FakeEdge *edge)
{
  g_autofree gchar *file = g_build_filename (edge->dir, EW_ACCOUNT_FILE, NULL);
  g_unlink (file);
  g_rmdir (edge->dir);
  fake_edge_disconnect (edge);
  g_clear_object (&edge->viewer);
  g_clear_object (&edge->held);
  g_clear_object (&edge->server);
  g_strfreev (edge->api);
  g_ptr_array_unref (edge->messages);
  g_free (edge->dir);
  g_free (edge->ca_key);
  g_free (edge->ca_pem);
  g_free (edge->chain_pem);
  g_free (edge->url);
  g_free (edge->body);
  g_free (edge->last_method);
  g_free (edge->last_path);
  g_free (edge->last_body);
  g_free (edge->last_authorization);
  /* Sessions close in the main context. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_hash_table_unref (edge->handshakes);
}

void
fake_edge_answer (FakeEdge *edge, guint status, const gchar *body)
{
  edge->status = status;
  g_free (edge->body);
  edge->body = g_strdup (body);
}

void
fake_edge_sign (FakeEdge *edge, JsonObject *document, const gchar *list)
{
  JsonObject *edges = json_object_new ();
  g_autofree gchar *signature = ew_pki_sign (edge->ca_key, list, (gssize)strlen (list), NULL);
  json_object_set_string_member (edges, "list", list);
  json_object_set_string_member (edges, "signature", signature);
  json_object_set_object_member (document, "edges", edges);
}

JsonObject *
fake_edge_document (FakeEdge *edge)
{
  g_autoptr (GError) error = NULL;
  static const gchar text[]
    = "{\"schema\":1,\"revision\":42,\"mesh\":\"home\",\"suffix\":\"home.internal\",\"id\":\"n4c0ffee0ddba11a\","
      "\"name\":"
      "\"laptop\","
      "\"kind\":\"device\",\"role\":\"admin\",\"addresses\":[\"100.96.1.1\",\"fd12:3456:789a:1::1\"],"
      "\"ranges\":[\"100.96.0.0/12\",\"fd12:3456:789a::/48\"],\"service\":[\"100.96.0.1\",\"fd12:3456:789a::1\"],"
      "\"mtu\":1420,\"trial\":false,\"exit\":true,\"offers\":[\"192.168.1.0/24\"],"
      "\"routes\":[{\"cidr\":\"10.7.0.0/24\",\"node\":\"office-gw\"}]}";
  JsonObject *document = ew_json_parse_object (text, strlen (text), 65536, &error);
  g_assert_no_error (error);
  fake_edge_sign (edge, document, LIST);
  return document;
}

gchar *
fake_edge_key (FakeEdge *edge)
{
  EwEnrollmentKey key = { .api = edge->api, .kind = (gchar *)"device" };
  guint8 secret[EW_ENROLLMENT_SECRET_SIZE];
  ew_random (secret, sizeof secret);
  g_autofree gchar *text = ew_base64url_encode (secret, sizeof secret);
  key.secret = text;
  memcpy (key.pin, edge->pin, EW_PIN_SIZE);
  return ew_enrollment_key_format (&key, NULL);
}

EwClient *
fake_edge_client (FakeEdge *edge)
{
  return ew_client_new (edge->pin, (const gchar *const *)edge->api, NULL, 0);
}

static void
keep (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

JsonObject *
fake_edge_call (EwClient *client, const gchar *method, const gchar *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonObject) body = g_str_equal (method, "POST") ? json_object_new () : NULL;
  ew_client_call_async (client, method, path, body, NULL, keep, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  return ew_client_call_finish (client, result, error);
}
