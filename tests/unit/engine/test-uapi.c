/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The userspace API's server, on a socket of the test's own.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "node.h"

#define KEY_A "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_B "2222222222222222222222222222222222222222222222222222222222222222"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

typedef struct
{
  EwMemoryNet *net;
  Node node;
  char *folder, *path;
} Server;

static void
server_set_up (Server *server, gconstpointer managed)
{
  g_autoptr (GError) error = NULL;

  server->net = ew_memory_net_new ();
  node_start (&server->node, server->net, 1, NULL, NULL);
  server->folder = g_dir_make_tmp ("ew-uapi-XXXXXX", &error);
  g_assert_no_error (error);
  server->path = g_build_filename (server->folder, "deeper", "memory0.sock", NULL);
  ew_engine_serve_uapi_at (server->node.engine, server->path, GPOINTER_TO_INT (managed), &error);
  g_assert_no_error (error);
}

static void
server_tear_down (Server *server, gconstpointer managed)
{
  g_autofree char *deeper = g_path_get_dirname (server->path);

  node_stop (&server->node);
  g_assert_false (g_file_test (server->path, G_FILE_TEST_EXISTS));
  g_rmdir (deeper);
  g_assert_cmpint (g_rmdir (server->folder), ==, 0);
  g_free (server->folder);
  g_free (server->path);
  ew_memory_net_free (server->net);
}

static int
dial (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static void
say (int fd, const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==, (gssize)strlen (text));
}

/* What comes until `end` has been seen or the other side hangs up. */
static gchar *
hear (int fd, const char *end)
{
  GString *heard = g_string_new (NULL);
  gint64 until = g_get_monotonic_time () + NODE_WAIT_MS * 1000;
  char bytes[4096];

  while (strstr (heard->str, end) == NULL)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_main_context_iteration (NULL, FALSE);
      gssize got = recv (fd, bytes, sizeof bytes, 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET))
        break;
      if (got > 0)
        g_string_append_len (heard, bytes, got);
    }
  return g_string_free (heard, FALSE);
}

static gchar *
ask (Server *server, const char *text)
{
  int fd = dial (server->path);

  say (fd, text);
  gchar *answer = hear (fd, "\n\n");
  close (fd);
  return answer;
}

static void
assert_answer (Server *server, const char *text, const char *expected)
{
  g_autofree gchar *answer = ask (server, text);

  g_assert_cmpstr (answer, ==, expected);
}

static void
test_set_and_get (Server *server, gconstpointer managed)
{
  assert_answer (
    server,
    "set=1\nprivate_key=" KEY_A "\nfwmark=7\npublic_key=" KEY_A "\npreshared_key=" KEY_B
    "\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.1/32\nallowed_ip=fd00::/64\n"
    "public_key=" KEY_B "\nallowed_ip=10.0.0.2/32\n\n",
    "errno=0\n\n");
  g_autofree gchar *state = ask (server, "get=1\n\n");
  g_assert_true (g_str_has_prefix (state, "private_key=" KEY_A "\nlisten_port=0\nfwmark=7\npublic_key="));
  g_assert_true (g_str_has_suffix (state, "\nerrno=0\n\n"));
  g_assert_nonnull (strstr (state, "public_key=" KEY_A "\npreshared_key=" KEY_B
                                   "\nprotocol_version=1\nendpoint=192.0.2.1:51820\nlast_handshake_time_sec=0\n"
                                   "last_handshake_time_nsec=0\ntx_bytes="));
  g_assert_nonnull (strstr (state, "persistent_keepalive_interval=25\nallowed_ip="));
  g_assert_nonnull (strstr (state, "\nallowed_ip=10.0.0.1/32\n"));
  g_assert_nonnull (strstr (state, "\nallowed_ip=fd00::/64\n"));
  g_assert_nonnull (strstr (state, "public_key=" KEY_B "\npreshared_key=" ZERO "\nprotocol_version=1\nlast_"));
}

static void
test_change (Server *server, gconstpointer managed)
{
  assert_answer (
    server, "set=1\npublic_key=" KEY_A "\nallowed_ip=10.0.0.1/32\npublic_key=" KEY_B "\nallowed_ip=10.0.0.2/32\n\n",
    "errno=0\n\n");
  assert_answer (server,
                 "set=1\npublic_key=" KEY_A "\nremove=true\npublic_key=" KEY_B
                 "\nupdate_only=true\nreplace_allowed_ips=true\nallowed_ip=10.0.0.3/32\nallowed_ip=10.0.0.4/32\n"
                 "allowed_ip=-10.0.0.4/32\n\n",
                 "errno=0\n\n");
  assert_answer (server, "set=1\npublic_key=" KEY_A "\nupdate_only=true\nallowed_ip=10.0.0.9/32\n\n", "errno=0\n\n");
  g_autofree gchar *state = ask (server, "get=1\n\n");
  g_assert_null (strstr (state, KEY_A));
  g_assert_null (strstr (state, "10.0.0.2"));
  g_assert_null (strstr (state, "10.0.0.4"));
  g_assert_nonnull (strstr (state, "allowed_ip=10.0.0.3/32\n"));
  assert_answer (server, "set=1\nreplace_peers=true\npublic_key=" KEY_A "\n\n", "errno=0\n\n");
  g_autofree gchar *replaced = ask (server, "get=1\n\n");
  g_assert_null (strstr (replaced, KEY_B));
  g_assert_nonnull (strstr (replaced, KEY_A));
}

/* With one bad line, no part of the request is applied. */
static void
test_all_or_nothing (Server *server, gconstpointer managed)
{
  assert_answer (server, "set=1\nfwmark=9\npublic_key=" KEY_A "\nallowed_ip=10.0.0.0/99\n\n", "errno=-22\n\n");
  g_autofree gchar *state = ask (server, "get=1\n\n");
  g_assert_null (strstr (state, KEY_A));
  g_assert_null (strstr (state, "fwmark"));
}

static void
test_managed (Server *server, gconstpointer managed)
{
  assert_answer (server, "set=1\npublic_key=" KEY_A "\n\n", "errno=-1\n\n");
  assert_answer (server, "set=1\nfwmark=8\nprivate_key=" KEY_A "\n\n", "errno=-1\n\n");
  assert_answer (server, "set=1\nreplace_peers=true\n\n", "errno=-1\n\n");
  g_assert_cmpuint (ew_engine_get_fwmark (server->node.engine), ==, 0);
  assert_answer (server, "set=1\nfwmark=8\n\n", "errno=0\n\n");
  g_assert_cmpuint (ew_engine_get_fwmark (server->node.engine), ==, 8);
  g_autofree gchar *state = ask (server, "get=1\n\n");
  g_assert_nonnull (strstr (state, "private_key="));
}

static void
test_many_requests (Server *server, gconstpointer managed)
{
  int fd = dial (server->path);

  say (fd, "set=1\nfwmark=1\n\nset=1\nfwmark=x\n\nget=1\n\nset=1\nfwm");
  g_autofree gchar *first = hear (fd, "fwmark=1\nerrno=0\n\n");
  g_assert_true (g_str_has_prefix (first, "errno=0\n\nerrno=-22\n\nprivate_key="));
  say (fd, "ark=2\n\n");
  g_autofree gchar *second = hear (fd, "\n\n");
  g_assert_cmpstr (second, ==, "errno=0\n\n");
  g_assert_cmpuint (ew_engine_get_fwmark (server->node.engine), ==, 2);
  close (fd);
}

static void
test_other_protocol (Server *server, gconstpointer managed)
{
  int fd = dial (server->path);

  say (fd, "GET / HTTP/1.1\n\nget=1\n\n");
  g_autofree gchar *heard = hear (fd, "never");
  g_assert_cmpstr (heard, ==, "errno=-71\n\n");
  close (fd);
}

/* While some clients send nothing, or half a request, or do not read, others are served. */
static void
test_stuck_clients (Server *server, gconstpointer managed)
{
  g_autoptr (GString) many = g_string_new (NULL);
  int fds[40];

  for (guint i = 0; i < 200; i++)
    g_string_append (many, "get=1\n\n");
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = dial (server->path);
      say (fds[i], i % 3 == 0 ? "" : i % 3 == 1 ? "set=1\nfw" : many->str);
      for (guint j = 0; j < 10; j++)
        g_main_context_iteration (NULL, FALSE);
    }
  g_autofree gchar *state = ask (server, "get=1\n\n");
  g_assert_true (g_str_has_suffix (state, "errno=0\n\n"));
  g_autofree gchar *oldest = hear (fds[0], "never"); /* made room for the others */
  g_assert_cmpstr (oldest, ==, "");
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* More than any request may be. */
static void
test_too_large (Server *server, gconstpointer managed)
{
  g_autofree char *line = g_strnfill (65536, 'x');
  int fd = dial (server->path);
  gboolean full = FALSE;

  say (fd, "set=1\n");
  for (guint i = 0; i < 100000 && !full; i++)
    {
      full = send (fd, line, 65536, MSG_NOSIGNAL) < 0 && errno != EAGAIN;
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_true (full); /* hung up on */
  g_autofree gchar *heard = hear (fd, "never");
  g_assert_cmpstr (heard, ==, "errno=-7\n\n");
  close (fd);
  assert_answer (server, "set=1\n\n", "errno=0\n\n");
}

static void
test_file (Server *server, gconstpointer managed)
{
  g_autoptr (GError) error = NULL;
  struct stat info;
  Node other;

  g_assert_cmpint (lstat (server->path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);

  node_start (&other, server->net, 2, NULL, NULL);
  g_assert_false (ew_engine_serve_uapi_at (other.engine, server->path, TRUE, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE);
  node_stop (&other);
  assert_answer (server, "set=1\n\n", "errno=0\n\n"); /* still there */
}

/* A socket that a killed program left is replaced; one that another program put there since is not removed. */
static void
test_stale_file (Server *server, gconstpointer managed)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (server->folder, "stale.sock", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Node other;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  close (fd);

  node_start (&other, server->net, 2, NULL, NULL);
  g_assert_true (ew_engine_serve_uapi_at (other.engine, path, TRUE, &error));
  g_assert_no_error (error);
  close (dial (path));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  node_stop (&other);
  g_assert_cmpint (g_unlink (path), ==, 0);

  /* A file that isn't a socket stays, and it's an error. */
  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  node_start (&other, server->net, 2, NULL, NULL);
  g_assert_false (ew_engine_serve_uapi_at (other.engine, path, TRUE, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  node_stop (&other);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
add (const char *path, gboolean managed, void (*test) (Server *server, gconstpointer managed))
{
  g_test_add (path, Server, GINT_TO_POINTER (managed), server_set_up, test, server_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/behaviour/full-set-and-get", FALSE, test_set_and_get);
  add ("/uapi/change", FALSE, test_change);
  add ("/uapi/all-or-nothing", FALSE, test_all_or_nothing);
  add ("/behaviour/managed-refuses-set-but-listen-port-and-fwmark", TRUE, test_managed);
  add ("/uapi/many-requests", FALSE, test_many_requests);
  add ("/uapi/other-protocol", FALSE, test_other_protocol);
  add ("/uapi/stuck-clients", FALSE, test_stuck_clients);
  add ("/uapi/too-large", FALSE, test_too_large);
  add ("/uapi/file", FALSE, test_file);
  add ("/uapi/stale-file", FALSE, test_stale_file);
  return g_test_run ();
}
