/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The API's client against an edge that is away, another, or hostile: each gives its clear error.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "fake-edge.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
setup (FakeEdge *edge, gconstpointer data)
{
  fake_edge_init (edge);
}

static void
teardown (FakeEdge *edge, gconstpointer data)
{
  fake_edge_clear (edge);
}

static void
assert_refused (FakeEdge *edge, gint code, const gchar *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwClient) client = fake_edge_client (edge);
  JsonObject *answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_null (answer);
  g_assert_error (error, EW_ERROR, code);
  if (!strstr (error->message, says))
    g_error ("“%s” does not say “%s”", error->message, says);
}

static void
test_answer (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwClient) client = fake_edge_client (edge);
  ew_client_set_identity (client, "n1", "credential");
  fake_edge_answer (edge, 200, "{\"schema\":1,\"mesh\":\"home\"}");
  g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/nodes/10.0.0.0%2F8", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ew_json_string (answer, "mesh"), ==, "home");
  g_assert_cmpstr (edge->last_authorization, ==, "Bearer n1.credential");
  g_assert_cmpstr (edge->last_path, ==, "/v1/nodes/10.0.0.0/8"); /* decoded by the server */
  g_assert_cmpstr (ew_client_get_ca (client), !=, NULL);
}

static void
check_phrase (const gchar *text, const gchar *expected)
{
  g_autofree gchar *json = ew_phrase_to_json (text);
  g_assert_cmpstr (json, ==, expected);
}

static void
test_edge_errors (FakeEdge *edge, gconstpointer data)
{
  fake_edge_answer (edge, 409,
                    "{\"schema\":1,\"error\":{\"code\":\"NameTaken\",\"message\":\"That name is\\ntaken\"}}");
  assert_refused (edge, EW_ERROR_NAME_TAKEN, "That name is taken"); /* one line */
  fake_edge_answer (edge, 410, "{\"schema\":1,\"error\":{\"code\":\"Removed\",\"message\":\"gone\"}}");
  assert_refused (edge, EW_ERROR_REMOVED, "gone");
  fake_edge_answer (edge, 500, "{\"schema\":1,\"error\":{\"code\":\"Whatever\",\"message\":\"x\"}}");
  assert_refused (edge, EW_ERROR_FAILED, "status 500");
  check_phrase ("gone", "");
  fake_edge_answer (edge, 404,
                    "{\"schema\":1,\"error\":{\"code\":\"NotFound\",\"message\":\"No node nas.\",\"phrase\":[\"No "
                    "node %s.\",\"nas\"]}}");
  assert_refused (edge, EW_ERROR_NOT_FOUND, "No node nas.");
  check_phrase ("No node nas.", "[\"No node %s.\",\"nas\"]");
  fake_edge_answer (edge, 404,
                    "{\"schema\":1,\"error\":{\"code\":\"NotFound\",\"message\":\"bad\",\"phrase\":[[\"bad\"]]}}");
  assert_refused (edge, EW_ERROR_NOT_FOUND, "bad");
  check_phrase ("bad", "");
  fake_edge_answer (edge, 500, "{\"schema\":1,\"error\":[]}");
  assert_refused (edge, EW_ERROR_FAILED, "status 500");
}

static void
test_nonsense (FakeEdge *edge, gconstpointer data)
{
  const gchar *const bodies[]
    = { "",   "<html>", "[]",       "{\"schema\":1",        "{\"schema\":2}", "{\"schema\":\"1\"}",
        "{}", "null",   "\xff\xfe", "{\"schema\":1}garbage" };
  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      fake_edge_answer (edge, 200, bodies[i]);
      assert_refused (edge, EW_ERROR_FAILED, "invalid response");
    }
  edge->type = "text/html";
  fake_edge_answer (edge, 200, "{\"schema\":1}");
  assert_refused (edge, EW_ERROR_FAILED, "invalid response");
}

static void
test_too_deep (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GString) body = g_string_new ("{\"schema\":1,\"x\":");
  for (guint i = 0; i < 10000; i++)
    g_string_append_c (body, '[');
  fake_edge_answer (edge, 200, body->str);
  assert_refused (edge, EW_ERROR_FAILED, "invalid response");
}

static void
test_redirect (FakeEdge *edge, gconstpointer data)
{
  const guint statuses[] = { 301, 302, 303, 307, 308 };
  g_autofree gchar *elsewhere = g_strconcat (edge->url, "/v1/elsewhere", NULL);
  edge->location = elsewhere;
  for (gsize i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      edge->requests = 0;
      fake_edge_answer (edge, statuses[i], "{\"schema\":1}");
      assert_refused (edge, EW_ERROR_FAILED, "redirects to another address");
      g_assert_cmpuint (edge->requests, ==, 1);
    }
}

static gchar *
padded (gsize size)
{
  g_autofree gchar *spaces = g_strnfill (size - strlen ("{\"schema\":1}"), ' ');
  return g_strconcat ("{\"schema\":1", spaces, "}", NULL);
}

static void
test_oversized (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (EwClient) client = fake_edge_client (edge);
  g_autofree gchar *fits = padded (64 * 1024), *list = padded (1024 * 1024);
  g_autofree gchar *over = padded (64 * 1024 + 1), *list_over = padded (1024 * 1024 + 1);
  g_autoptr (GError) error = NULL;
  fake_edge_answer (edge, 200, fits);
  g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
  fake_edge_answer (edge, 200, over);
  assert_refused (edge, EW_ERROR_FAILED, "too long");
  fake_edge_answer (edge, 200, list);
  static const gchar *const lists[] = { "/v1/nodes", "/v1/routes", "/v1/names" };
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autoptr (JsonObject) long_list = fake_edge_call (client, "GET", lists[i], &error);
      g_assert_no_error (error);
    }
  fake_edge_answer (edge, 200, list_over);
  g_assert_null (fake_edge_call (client, "GET", "/v1/nodes?after=x", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
}

/* Another mesh's edge at the same address gets no request. */
static void
test_pin (FakeEdge *edge, gconstpointer data)
{
  edge->pin[0] ^= 1;
  assert_refused (edge, EW_ERROR_PIN_MISMATCH, "pin");
  g_assert_cmpuint (edge->requests, ==, 0);
}

static GTlsCertificate *
new_certificate (const gchar *pem, const gchar *key, GTlsCertificate *issuer)
{
  g_autoptr (GError) error = NULL;
  GType type = g_tls_backend_get_certificate_type (g_tls_backend_get_default ());
  GTlsCertificate *certificate
    = g_initable_new (type, NULL, &error, "certificate-pem", pem, "private-key-pem", key, "issuer", issuer, NULL);
  g_assert_no_error (error);
  return certificate;
}

/* The connection's key must be the one that the mesh's CA signed: an impostor that shows the edge's own certificate, or
   the CA's, after one of another CA of the same name gets no request. */
static void
test_borrowed_chain (FakeEdge *edge, gconstpointer data)
{
  g_autofree gchar *ca_key = NULL, *ca = NULL, *key = NULL, *chain = NULL;
  g_autoptr (GError) error = NULL;
  const gchar *second = strstr (edge->chain_pem + 1, "-----BEGIN");
  g_autofree gchar *leaf = g_strndup (edge->chain_pem, (gsize)(second - edge->chain_pem));
  g_assert_true (ew_pki_make_ca ("home", &ca_key, &ca, NULL));
  g_assert_true (ew_pki_make_edge (ca_key, ca, "frankfurt", &key, &chain, NULL));
  g_autofree gchar *own = g_strndup (chain, (gsize)(strstr (chain + 1, "-----BEGIN") - chain));
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GTlsCertificate) authority = new_certificate (edge->ca_pem, NULL, NULL);
      g_autoptr (GTlsCertificate) between = i == 0   ? g_object_ref (authority)
                                            : i == 1 ? new_certificate (leaf, NULL, authority)
                                            : i == 2 ? new_certificate (ca, NULL, authority)
                                                     : NULL;
      g_autoptr (GTlsCertificate) shown = new_certificate (own, key, between);
      fake_edge_serve (edge, shown);
      g_autoptr (EwClient) client = fake_edge_client (edge);
      g_assert_null (fake_edge_call (client, "GET", "/v1/self", &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_PIN_MISMATCH);
      g_clear_error (&error);
      g_assert_cmpuint (edge->requests, ==, 0);
    }
}

static void
test_unreachable (FakeEdge *edge, gconstpointer data)
{
  fake_edge_disconnect (edge);
  assert_refused (edge, EW_ERROR_EDGE_UNREACHABLE, "127.0.0.1");
}

/* The first address is dead, the second answers; then the second is tried first. */
static void
test_next_address (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const gchar *api[] = { "https://127.0.0.1:1", edge->url, NULL };
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, NULL, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (JsonObject) answer = fake_edge_call (client, "POST", "/v1/keys", &error);
      g_assert_no_error (error);
    }
  g_assert_cmpuint (edge->requests, ==, 2);
}

/* None answers: what is said is of the one that worked last, or else of the first; not of one that was merely tried last. */
static void
test_none_answers (FakeEdge *edge, gconstpointer data)
{
  const gchar *api[] = { "https://127.0.0.1:1", edge->url, "https://127.0.0.1:3", NULL };
  EwClient *clients[] = { ew_client_new (edge->pin, api, NULL, 0), ew_client_new (edge->pin, api, NULL, 0) };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = fake_edge_call (clients[0], "GET", "/v1/self", &error);
  g_assert_no_error (error);
  fake_edge_disconnect (edge);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_autofree gchar *says
        = g_strdup_printf ("The edge at %s can't", (i == 0 ? edge->url : api[0]) + strlen ("https://"));
      g_assert_null (fake_edge_call (clients[i], "GET", "/v1/self", &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
      if (!strstr (error->message, says))
        g_error ("“%s” does not say “%s”", error->message, says);
      g_clear_error (&error);
      g_object_unref (clients[i]);
    }
}

/* An address at which connections neither open nor fail: a socket whose queue is full. */
typedef struct
{
  gint fds[4];
  gchar *url;
} DeadAddress;

static void
dead_address_init (DeadAddress *dead)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof at;
  for (guint i = 0; i < G_N_ELEMENTS (dead->fds); i++)
    dead->fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (dead->fds[0], (struct sockaddr *)&at, sizeof at), ==, 0);
  g_assert_cmpint (listen (dead->fds[0], 0), ==, 0);
  g_assert_cmpint (getsockname (dead->fds[0], (struct sockaddr *)&at, &length), ==, 0);
  for (guint i = 1; i < G_N_ELEMENTS (dead->fds); i++)
    (void)connect (dead->fds[i], (struct sockaddr *)&at, sizeof at);
  dead->url = g_strdup_printf ("https://127.0.0.1:%u", ntohs (at.sin_port));
}

static void
dead_address_clear (DeadAddress *dead)
{
  for (guint i = 0; i < G_N_ELEMENTS (dead->fds); i++)
    close (dead->fds[i]);
  g_free (dead->url);
}

/* Addresses that never answer cost a moment each, and only the first time. The request was sent only once. */
static void
test_dead_addresses (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeadAddress dead[2];
  dead_address_init (&dead[0]);
  dead_address_init (&dead[1]);
  const gchar *api[] = { dead[0].url, dead[1].url, edge->url, NULL };
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, NULL, 0);
  const gchar *const methods[] = { "POST", "GET", "POST" };
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      gint64 begun = g_get_monotonic_time ();
      g_autoptr (JsonObject) answer = fake_edge_call (client, methods[i], "/v1/keys", &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_get_monotonic_time () - begun, <, 3 * G_USEC_PER_SEC);
      g_assert_cmpuint (edge->requests, ==, i + 1);
    }
  dead_address_clear (&dead[0]);
  dead_address_clear (&dead[1]);
}

/* Where only UDP gets through, the API is reached inside the tunnel; what works outside comes first. */
static void
test_inside (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeadAddress dead;
  EwIp loopback = ew_ip_from_v4 (INADDR_LOOPBACK), other = ew_ip_from_v4 (INADDR_LOOPBACK + 1);
  guint16 port = (guint16)atoi (strrchr (edge->url, ':') + 1);
  dead_address_init (&dead);
  const gchar *api[] = { dead.url, NULL };
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, NULL, 0);
  ew_client_set_inside (client, &loopback, port);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
      g_assert_no_error (error);
    }
  ew_client_set_api (client, (const gchar *const *)edge->api);
  ew_client_set_inside (client, &other, 1);
  g_autoptr (JsonObject) answer = fake_edge_call (client, "POST", "/v1/keys", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (edge->requests, ==, 3);
  dead_address_clear (&dead);
}

/* RFC 6066 forbids an address as the TLS server name, and a server may refuse it (GnuTLS does). */
static void
test_ipv6_literal (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
  g_autoptr (GSocketAddress) at = g_inet_socket_address_new (loopback, 0);
  if (!soup_server_listen (edge->server, at, SOUP_SERVER_LISTEN_HTTPS, &error))
    {
      g_test_skip ("no IPv6 here");
      return;
    }
  g_autofree gchar *url = NULL;
  GSList *uris = soup_server_get_uris (edge->server);
  for (GSList *item = uris; item; item = item->next)
    if (strchr (g_uri_get_host (item->data), ':'))
      url = g_strdup_printf ("https://[::1]:%d", g_uri_get_port (item->data));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  const gchar *api[] = { url, NULL };
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, NULL, 0);
  g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
}

/* A request that must not run twice is not sent again when its answer was lost. */
static void
test_not_twice (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const gchar *api[] = { edge->url, "https://127.0.0.1:1", NULL };
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, NULL, 0);
  edge->drop = TRUE;
  g_assert_null (fake_edge_call (client, "POST", "/v1/keys", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE);
  g_assert_cmpuint (edge->requests, ==, 1);
}

/* A name's last addresses come before the name. */
static void
test_cached_address (FakeEdge *edge, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwKeystore) keystore = ew_keystore_load (edge->dir, NULL);
  g_autofree gchar *named = g_strdup_printf ("https://edge.invalid:%s", strrchr (edge->url, ':') + 1);
  const gchar *api[] = { named, NULL }, *known[] = { "127.0.0.1", NULL };
  g_assert_true (ew_keystore_set_addresses (keystore, "edge.invalid", known));
  g_autoptr (EwClient) client = ew_client_new (edge->pin, api, keystore, 0);
  g_autoptr (JsonObject) answer = fake_edge_call (client, "GET", "/v1/self", &error);
  g_assert_no_error (error);
}

static void
count (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_client_call_finish (EW_CLIENT (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *)user_data = TRUE;
}

static void
test_cancel (FakeEdge *edge, gconstpointer data)
{
  gboolean done = FALSE;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (EwClient) client = fake_edge_client (edge);
  ew_client_call_async (client, "GET", "/v1/self", NULL, cancellable, count, &done);
  g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

#define ADD(name, func) g_test_add ("/account/client/" name, FakeEdge, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("answer", test_answer);
  ADD ("edge-errors", test_edge_errors);
  ADD ("nonsense", test_nonsense);
  ADD ("too-deep", test_too_deep);
  ADD ("redirect", test_redirect);
  ADD ("oversized", test_oversized);
  ADD ("pin", test_pin);
  ADD ("borrowed-chain", test_borrowed_chain);
  ADD ("unreachable", test_unreachable);
  ADD ("next-address", test_next_address);
  ADD ("dead-addresses", test_dead_addresses);
  ADD ("none-answers", test_none_answers);
  ADD ("inside", test_inside);
  ADD ("ipv6-literal", test_ipv6_literal);
  ADD ("not-twice", test_not_twice);
  ADD ("cached-address", test_cached_address);
  ADD ("cancel", test_cancel);
  return g_test_run ();
}
