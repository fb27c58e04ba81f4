/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Published names: what a ClientHello asks for, what is stored and refused, nginx's configuration, certificates, and the
 * bytes between callers and nginx.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/http/client-hello.h"
#include "edge/publish/certificate.h"
#include "edge/publish/nginx-config.h"
#include "edge/publish/proxy.h"
#include "edge/publish/relay.h"
#include "fixture.h"
#include "waiting.h"

/* A ClientHello. */

static void
add_number (GByteArray *array, guint value, guint bytes)
{
  for (guint i = bytes; i > 0; i--)
    g_byte_array_append (array, (const guint8[]){ (guint8)(value >> (8 * (i - 1))) }, 1);
}

static void
add_extension (GByteArray *array, guint type, const gchar *data, gsize length)
{
  add_number (array, type, 2);
  add_number (array, (guint)length, 2);
  g_byte_array_append (array, (const guint8 *)data, (guint)length);
}

/* Cut into records of at most piece bytes. */
static GByteArray *
make_hello (const gchar *name, const gchar *protocols, gsize protocols_length, gsize piece)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new (), message = g_byte_array_new ();
  GByteArray *records = g_byte_array_new ();
  add_extension (extensions, 10, "\0\2\0\x1d", 4);
  if (name)
    {
      g_autoptr (GByteArray) list = g_byte_array_new ();
      add_number (list, (guint)strlen (name) + 3, 2);
      add_number (list, 0, 1);
      add_number (list, (guint)strlen (name), 2);
      g_byte_array_append (list, (const guint8 *)name, (guint)strlen (name));
      add_extension (extensions, 0, (const gchar *)list->data, list->len);
    }
  if (protocols)
    add_extension (extensions, 16, protocols, protocols_length);
  guint length = 2 + 32 + 1 + 4 + 2 + 2 + extensions->len;
  add_number (message, 1, 1);
  add_number (message, length, 3);
  add_number (message, 0x0303, 2);
  for (guint i = 0; i < 32; i++)
    add_number (message, i, 1);
  add_number (message, 0, 1);
  add_number (message, 2, 2);
  add_number (message, 0x1301, 2);
  add_number (message, 0x0100, 2);
  add_number (message, extensions->len, 2);
  g_byte_array_append (message, extensions->data, extensions->len);
  for (gsize at = 0; at < message->len; at += piece)
    {
      gsize size = MIN (piece, message->len - at);
      add_number (records, 0x160301, 3);
      add_number (records, (guint)size, 2);
      g_byte_array_append (records, message->data + at, (guint)size);
    }
  return records;
}

static void
check_hello (const gchar *asked, const gchar *found, const gchar *protocols, gsize length, gboolean acme)
{
  for (gsize piece = 1; piece < 400; piece += 133)
    {
      g_autoptr (GByteArray) hello = make_hello (asked, protocols, length, piece);
      EwClientHelloNames names;
      gsize need;
      g_assert_cmpint (ew_http_client_hello_check (hello->data, hello->len, &need), ==, EW_CLIENT_HELLO_WHOLE);
      ew_http_client_hello_read (hello->data, hello->len, &names);
      g_assert_cmpstr (names.name, ==, found);
      g_assert_cmpint (names.acme, ==, acme);
    }
}

static void
test_names_asked_for (void)
{
  g_autofree gchar *long_name = g_strnfill (254, 'a'), *longest = g_strnfill (253, 'a');
  check_hello ("Ha.Example.ORG", "ha.example.org", NULL, 0, FALSE);
  check_hello (NULL, "",
               "\0\x0e\2h2\x0a"
               "acme-tls/1",
               16, TRUE);
  check_hello ("ha.example.org", "ha.example.org",
               "\0\x09\x08"
               "http/1.1",
               11, FALSE);
  check_hello ("ha.example.org\"; return 200;", "", NULL, 0, FALSE);
  check_hello ("", "", NULL, 0, FALSE);
  check_hello (longest, longest, NULL, 0, FALSE);
  check_hello (long_name, "", NULL, 0, FALSE);
}

/* What is stored. */

typedef struct
{
  EwStore *store;
  EwMesh *mesh;
  gchar *nas;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->store = fixture_store ();
  fixture->mesh = fixture_open (fixture->store, "frankfurt");
  fixture->nas = fixture_join (fixture->mesh, "nas");
  const EwServiceRequest web = { .name = "ha", .targets = (const gchar *const[]){ "nas:8123", NULL } };
  const EwServiceRequest other = { .name = "wiki", .targets = (const gchar *const[]){ "nas:81", NULL } };
  const EwServiceRequest udp = { .name = "dns", .targets = (const gchar *const[]){ "nas:53", NULL }, .udp = TRUE };
  g_assert_nonnull (fixture_add_service (fixture->mesh, &web, NULL));
  g_assert_nonnull (fixture_add_service (fixture->mesh, &other, NULL));
  g_assert_nonnull (fixture_add_service (fixture->mesh, &udp, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ew_mesh_close (fixture->mesh);
  ew_store_close (fixture->store);
  g_free (fixture->nas);
}

static EwPublished *
publish (Fixture *fixture, const gchar *service, const gchar *host, const gchar *access, const gchar *certificate,
         GError **error)
{
  const EwPublishRequest request = {
    .host = host, .service = service, .access = access, .certificate = certificate, .key = certificate ? "k" : NULL
  };
  return fixture_publish (fixture->mesh, &request, error);
}

static void
test_stored (Fixture *fixture, gconstpointer unused)
{
  const EwPublished *published = publish (fixture, "ha", "Ha.Example.org", "public", "c", NULL);
  g_assert_nonnull (published);
  g_assert_cmpstr (published->host, ==, "ha.example.org");
  g_assert_false (published->closed);
  g_assert_nonnull (publish (fixture, "ha", "*.apps.example.org", "closed", "d", NULL));
  ew_mesh_close (fixture->mesh);
  fixture->mesh = fixture_open (fixture->store, NULL);
  published = ew_mesh_next_published (fixture->mesh, NULL);
  g_assert_cmpstr (published->host, ==, "*.apps.example.org");
  g_assert_true (published->closed);
  published = ew_mesh_next_published (fixture->mesh, published->host);
  g_assert_cmpstr (published->host, ==, "ha.example.org");
  g_assert_null (ew_mesh_next_published (fixture->mesh, published->host));
  /* What isn't said stays. */
  published = publish (fixture, "ha", "ha.example.org", NULL, "new", NULL);
  g_assert_cmpstr (published->certificate, ==, "new");
  g_assert_false (published->closed);
  published = publish (fixture, "ha", "ha.example.org", "closed", NULL, NULL);
  g_assert_cmpstr (published->certificate, ==, "new");
  g_assert_true (published->closed);
  /* Another edge's record that isn't understood opens nothing. */
  fixture_write (
    fixture->store, "/published/x.example.org",
    "{\"host\":\"x.example.org\",\"service\":\"s1\",\"access\":\"everyone\",\"certificate\":\"c\",\"key\":\"k\"}");
  fixture_settle ();
  g_assert_true (ew_mesh_get_published (fixture->mesh, "x.example.org")->closed);
  /* With its service it goes. */
  g_assert_true (fixture_remove_service (fixture->mesh, ew_mesh_find_service (fixture->mesh, "ha", NULL)->id, NULL));
  g_assert_null (ew_mesh_get_published (fixture->mesh, "ha.example.org"));
  g_assert_null (ew_mesh_get_published (fixture->mesh, "*.apps.example.org"));
}

static void
test_refused (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    const gchar *service, *host, *access, *certificate;
    gint code;
  } rows[] = {
    { "ha", "ha", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "203.0.113.5", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "*.org", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "ha.*.org", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "ha.example.org.", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "ha;.example.org", "public", "c", EW_ERROR_NAME_INVALID },
    { "ha", "h\xc3\xa4.example.org", "public", "c", EW_ERROR_NAME_INVALID },
    { "none", "ha.example.org", "public", "c", EW_ERROR_NOT_FOUND },
    { "dns", "ha.example.org", "public", "c", EW_ERROR_INVALID_ARGUMENT },
    { "ha", "ha.example.org", "public", NULL, EW_ERROR_INVALID_ARGUMENT },
    { "ha", "ha.example.org", NULL, "c", EW_ERROR_INVALID_ARGUMENT },
    { "ha", "wiki.example.org", "public", "c", EW_ERROR_NAME_TAKEN },
  };
  g_assert_nonnull (publish (fixture, "wiki", "wiki.example.org", "public", "c", NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (publish (fixture, rows[i].service, rows[i].host, rows[i].access, rows[i].certificate, &error));
      g_assert_error (error, EW_ERROR, rows[i].code);
    }
  for (guint i = 1; i < EW_MESH_PUBLISHED_MAX; i++)
    {
      g_autofree gchar *host = g_strdup_printf ("h%u.example.org", i);
      g_assert_nonnull (publish (fixture, "ha", host, "closed", "c", NULL));
    }
  g_assert_null (publish (fixture, "ha", "more.example.org", "closed", "c", NULL));
  g_assert_nonnull (publish (fixture, "ha", "h1.example.org", "public", NULL, NULL));
}

/* nginx. */

static void
test_configuration (void)
{
  const EwPublishSite sites[] = {
    { "ha.example.org", "s0123456789abcdef", "ab12", ew_ip_from_v4 (0x646f0001), 80, FALSE },
    { "*.apps.example.org", "s0123456789abcdef", "ab12", ew_ip_from_v4 (0x646f0001), 80, FALSE },
    { "closed.example.org", "s1123456789abcdef", "ab12", ew_ip_from_v4 (0x646f0002), 80, TRUE },
    { "gone.example.org", "s2123456789abcdef", "ab12", { .family = EW_FAMILY_NONE }, 0, FALSE },
    /* None of these comes out of the mesh. */
    { "x;}.example.org", "s3123456789abcdef", "ab12", ew_ip_from_v4 (1), 80, FALSE },
    { "y.example.org", "s3;}", "ab12", ew_ip_from_v4 (1), 80, FALSE },
    { "z.example.org", "s3123456789abcdef", "../x", ew_ip_from_v4 (1), 80, FALSE },
  };
  g_autofree gchar *config = ew_publish_format_config (sites, G_N_ELEMENTS (sites), 443);
  g_autofree gchar *other_port = ew_publish_format_config (sites, 1, 8443);
  g_auto (GStrv) upstreams = g_strsplit (config, "  upstream ", -1), servers = g_strsplit (config, "server_name ", -1);
  g_assert_cmpuint (g_strv_length (upstreams), ==, 2);
  g_assert_cmpuint (g_strv_length (servers), ==, 5);
  g_assert_nonnull (strstr (config, "upstream s0123456789abcdef { server 100.111.0.1:80;"));
  g_assert_true (g_str_has_prefix (servers[2], "*.apps.example.org;\n"));
  g_assert_nonnull (strstr (servers[3], "return 403;"));
  g_assert_null (strstr (servers[3], "proxy_pass"));
  g_assert_nonnull (strstr (servers[4], "return 503;"));
  g_assert_null (strstr (config, "x;}"));
  g_assert_null (strstr (config, "s3"));
  g_assert_null (strstr (config, "../x"));
  g_assert_nonnull (strstr (config, "proxy_set_header Host $host;"));
  g_assert_nonnull (strstr (other_port, "proxy_set_header Host $host:8443;"));
  g_autofree gchar *page = ew_publish_format_page ("<script>nas & Co.");
  g_assert_nonnull (strstr (page, "<p>&lt;script&gt;nas &amp; Co.</p>"));
}

static void
test_reasons (void)
{
  static const gchar *const rows[][2] = {
    { "", NULL },
    { "nginx: [warn] 4096 worker_connections\n", NULL },
    { "nginx: [emerg] unknown directive \"x\" in ./nginx.conf.new:3\nmore\n",
      "unknown directive \"x\" in ./nginx.conf.new:3" },
    { "2026/12/01 12:00:00 [warn] 1#1: a\n2026/12/01 12:00:00 [crit] 12#12: disk \x1b[0m full\xff\n",
      "disk  [0m full\357\277\275" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree gchar *reason = ew_publish_find_reason (rows[i][0]);
      g_assert_cmpstr (reason, ==, rows[i][1]);
    }
}

/* Certificates. */

static void
check_certificate (const gchar *certificate, const gchar *key, const gchar *host, gint64 now_us, const gchar *says)
{
  g_autoptr (GError) error = NULL;
  gboolean good = ew_publish_check_certificate (certificate, key, host, now_us, &error);
  g_assert_cmpint (good, ==, says == NULL);
  if (says)
    {
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, says));
    }
}

static gchar *
read_made (const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  gchar *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
test_certificates (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("certificates-XXXXXX", NULL);
  g_autofree gchar *line = g_strdup_printf (
    "cd %s && for i in 1 2; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $i.key "
    "-out "
    "$i.pem -subj /CN=ha.example.org -addext subjectAltName=DNS:ha.example.org,DNS:*.apps.example.org -days 30 "
    "2>/dev/null || exit 1; done; openssl pkey -in 1.key -aes256 -passout pass:secret -out locked.key",
    folder);
  gint status;
  const gchar *argv[] = { "sh", "-c", line, NULL };
  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_autofree gchar *one = read_made (folder, "1.pem"), *two = read_made (folder, "2.pem");
  g_autofree gchar *key = read_made (folder, "1.key"), *other = read_made (folder, "2.key");
  g_autofree gchar *locked = read_made (folder, "locked.key"), *chain = g_strconcat (one, two, NULL);
  g_autofree gchar *damaged = g_strconcat (one, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL);
  const gint64 now_us = g_get_real_time (), day = 24 * G_TIME_SPAN_HOUR;
  check_certificate (one, key, "ha.example.org", now_us, NULL);
  check_certificate (chain, key, "ha.example.org", now_us, NULL);
  check_certificate (one, key, "*.apps.example.org", now_us, NULL);
  check_certificate (one, key, "x.apps.example.org", now_us, NULL);
  check_certificate (one, key, "*.example.org", now_us, "isn't for *.example.org");
  check_certificate (one, key, "other.example.org", now_us, "isn't for other.example.org");
  check_certificate (one, key, "ha.example.org", now_us + 31 * day, "ended at 20");
  check_certificate (one, key, "ha.example.org", now_us - day, "isn't valid before 20");
  check_certificate (one, other, "ha.example.org", now_us, "isn't this certificate's");
  check_certificate (one, locked, "ha.example.org", now_us, "without a password");
  check_certificate (one, one, "ha.example.org", now_us, "The private key must be PEM");
  check_certificate (key, key, "ha.example.org", now_us, "The certificate must be PEM");
  check_certificate (damaged, key, "ha.example.org", now_us, "The certificate must be PEM");
  check_certificate ("", "", "ha.example.org", now_us, "The certificate must be PEM");
  g_assert_cmpint (ew_publish_get_expiry (one), >, now_us + 29 * day);
  g_assert_cmpint (ew_publish_get_expiry ("none"), ==, 0);
}

/* The relay: a caller, this edge's port, and the web server's socket. */

typedef struct
{
  EwRelay *relay;
  gchar *path;
  gint port, door;
} Relayed;

static gint
listen_on (gint family, const struct sockaddr *address, socklen_t length)
{
  gint fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, address, length), ==, 0);
  g_assert_cmpint (listen (fd, 64), ==, 0);
  return fd;
}

static void
start_relay (Relayed *self)
{
  g_autofree gchar *folder = g_dir_make_tmp ("relay-XXXXXX", NULL);
  struct sockaddr_un path = { .sun_family = AF_UNIX };
  const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  self->path = g_build_filename (folder, "tls", NULL);
  g_strlcpy (path.sun_path, self->path, sizeof path.sun_path);
  self->door = listen_on (AF_UNIX, (const struct sockaddr *)&path, sizeof path);
  self->port = listen_on (AF_INET, (const struct sockaddr *)&any, sizeof any);
  self->relay = ew_publish_relay_new (self->path);
}

static void
end_relay (Relayed *self)
{
  ew_publish_relay_free (self->relay);
  close (self->port);
  close (self->door);
  g_free (self->path);
}

static void
read_exactly (gint fd, void *out, gsize length)
{
  g_assert_cmpint (recv (fd, out, length, MSG_WAITALL), ==, (gssize)length);
}

/* A caller's connection that is passed on. *line: what the server hears first. */
static gint
call_relay (Relayed *self, gint *server, gchar line[128])
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  gsize at = 0;
  g_assert_cmpint (getsockname (self->port, (struct sockaddr *)&address, &length), ==, 0);
  gint caller = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (caller, (const struct sockaddr *)&address, length), ==, 0);
  gint accepted = accept (self->port, NULL, NULL);
  ew_publish_relay_pass (self->relay, accepted);
  close (accepted);
  *server = accept (self->door, NULL, NULL);
  do
    read_exactly (*server, &line[at], 1);
  while (line[at++] != '\n');
  line[at] = '\0';
  return caller;
}

static void
test_relay (void)
{
  Relayed self = { 0 };
  gchar line[128], word[8] = { 0 };
  gint server;
  start_relay (&self);
  gint caller = call_relay (&self, &server, line);
  g_assert_true (g_regex_match_simple ("^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 [0-9]+ [0-9]+\r\n$", line, 0, 0));
  g_assert_cmpint (send (caller, "hello", 5, 0), ==, 5);
  read_exactly (server, word, 5);
  g_assert_cmpstr (word, ==, "hello");
  /* The caller has said all; the answer still comes. */
  shutdown (caller, SHUT_WR);
  g_assert_cmpint (recv (server, word, 1, 0), ==, 0);
  g_assert_cmpint (send (server, "world", 5, 0), ==, 5);
  close (server);
  read_exactly (caller, word, 5);
  g_assert_cmpstr (word, ==, "world");
  g_assert_cmpint (recv (caller, word, 1, 0), ==, 0);
  close (caller);
  /* Nobody listens: cut off, not left waiting. */
  close (self.door);
  unlink (self.path);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  getsockname (self.port, (struct sockaddr *)&address, &length);
  caller = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (caller, (const struct sockaddr *)&address, length), ==, 0);
  gint accepted = accept (self.port, NULL, NULL);
  ew_publish_relay_pass (self.relay, accepted);
  close (accepted);
  g_assert_cmpint (recv (caller, word, 1, 0), ==, 0);
  close (caller);
  self.door = dup (0);
  end_relay (&self);
}

static gpointer
send_much (gpointer fd)
{
  g_autofree guint8 *data = g_malloc (1 << 20);
  for (guint i = 0; i < 32; i++)
    {
      memset (data, (gint)i, 1 << 20);
      for (gsize at = 0; at < 1 << 20;)
        {
          gssize sent = send (GPOINTER_TO_INT (fd), data + at, (1 << 20) - at, MSG_NOSIGNAL);
          g_assert_cmpint (sent, >, 0);
          at += (gsize)sent;
        }
    }
  shutdown (GPOINTER_TO_INT (fd), SHUT_WR);
  return NULL;
}

/* Both directions at once, each reader at its own pace, to the last byte. */
static void
test_relay_much (void)
{
  Relayed self = { 0 };
  gchar line[128];
  gint server;
  g_autofree guint8 *data = g_malloc (1 << 20);
  start_relay (&self);
  gint caller = call_relay (&self, &server, line);
  GThread *threads[] = { g_thread_new ("up", send_much, GINT_TO_POINTER (caller)),
                         g_thread_new ("down", send_much, GINT_TO_POINTER (server)) };
  const gint readers[] = { server, caller };
  for (guint side = 0; side < 2; side++)
    {
      for (guint i = 0; i < 32; i++)
        {
          read_exactly (readers[side], data, 1 << 20);
          g_assert_cmpint (data[0], ==, (gint)i);
          g_assert_cmpint (data[(1 << 20) - 1], ==, (gint)i);
        }
      g_assert_cmpint (recv (readers[side], data, 1, 0), ==, 0);
    }
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  close (caller);
  close (server);
  end_relay (&self);
}

static void
test_relay_crowd (void)
{
  Relayed self = { 0 };
  gchar line[128], byte;
  gint callers[EW_PUBLISH_RELAYED_PER_NETWORK], servers[EW_PUBLISH_RELAYED_PER_NETWORK];
  start_relay (&self);
  for (guint i = 0; i < EW_PUBLISH_RELAYED_PER_NETWORK; i++)
    callers[i] = call_relay (&self, &servers[i], line);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  getsockname (self.port, (struct sockaddr *)&address, &length);
  gint more = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (more, (const struct sockaddr *)&address, length), ==, 0);
  gint accepted = accept (self.port, NULL, NULL);
  ew_publish_relay_pass (self.relay, accepted);
  close (accepted);
  g_assert_cmpint (recv (more, &byte, 1, 0), ==, 0);
  close (more);
  /* The server has closed: the caller hears, and a place is free once it closes, too. */
  close (servers[0]);
  g_assert_cmpint (recv (callers[0], &byte, 1, 0), ==, 0);
  close (callers[0]);
  for (guint i = 1; i < EW_PUBLISH_RELAYED_PER_NETWORK; i++)
    {
      close (callers[i]);
      g_assert_cmpint (recv (servers[i], &byte, 1, 0), ==, 0);
      close (servers[i]);
    }
  end_relay (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/publish/client-hello", test_names_asked_for);
  g_test_add ("/publish/stored", Fixture, NULL, set_up, test_stored, tear_down);
  g_test_add ("/publish/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add_func ("/publish/configuration", test_configuration);
  g_test_add_func ("/publish/reasons", test_reasons);
  g_test_add_func ("/publish/certificates", test_certificates);
  g_test_add_func ("/publish/relay", test_relay);
  g_test_add_func ("/publish/relay/much", test_relay_much);
  g_test_add_func ("/publish/relay/crowd", test_relay_crowd);
  return g_test_run ();
}
