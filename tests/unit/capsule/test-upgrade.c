/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capsule/upgrade.h"

#include <string.h>

static void
test_request (void)
{
  g_autofree gchar *name = ew_upgrade_request ("edge.example.com", 443), *v6 = ew_upgrade_request ("2001:db8::5", 8443);
  g_assert_cmpstr (name, ==,
                   "GET /.well-known/masque/udp/edge.example.com/443/ HTTP/1.1\r\n"
                   "Host: edge.example.com:443\r\n"
                   "Connection: Upgrade\r\n"
                   "Upgrade: connect-udp\r\n"
                   "Capsule-Protocol: ?1\r\n"
                   "\r\n");
  g_assert_nonnull (strstr (v6, "GET /.well-known/masque/udp/2001%3Adb8%3A%3A5/8443/ HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (v6, "Host: [2001:db8::5]:8443\r\n"));
}

static void
test_answers (void)
{
  static const struct
  {
    const gchar *text;
    guint status;
    gboolean upgraded;
  } cases[] = {
    { "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n", 101, TRUE },
    { "HTTP/1.1 101 OK\r\nconnection: keep-alive, upgrade\r\nupgrade: connect-udp\r\n\r\n", 101, TRUE },
    { "HTTP/1.1 101 OK\nConnection: upgrade\nUpgrade: connect-udp\n\n", 101, TRUE },
    { "HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 101, FALSE },
    { "HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\nUpgrade: connect-udp\r\n\r\n", 101, FALSE },
    { "HTTP/1.1 101 OK\r\nUpgrade: connect-udp\r\n\r\n", 101, FALSE },
    { "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n", 200, FALSE },
    { "HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n", 200, FALSE },
    { "HTTP/1.1 407 X\r\nProxy-Authenticate: Negotiate\r\nproxy-authenticate: basic realm=\"x\"\r\n\r\n", 407, FALSE },
    { "HTTP/1.1 407 X\r\nProxy-Authenticate: NTLM\r\n\r\n", 407, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *text = g_strconcat (cases[i].text, "\1\2", NULL);
      const gsize head = strlen (cases[i].text);
      EwUpgradeAnswer answer;
      /* At every byte: an answer is whole with its last one, not before. */
      for (gsize length = 1; length < head; length++)
        g_assert_cmpint (ew_upgrade_read_answer (text, length, &answer), ==, EW_HEAD_MORE);
      g_assert_cmpint (ew_upgrade_read_answer (text, strlen (text), &answer), ==, EW_HEAD_WHOLE);
      g_assert_cmpuint (answer.size, ==, head);
      g_assert_cmpuint (answer.status, ==, cases[i].status);
      g_assert_cmpint (answer.upgraded, ==, cases[i].upgraded);
    }
}

static void
test_nonsense (void)
{
  static const gchar *const texts[] = { "SSH-2.0-OpenSSH\r\n", "HTTP/2 101\r\n\r\n", "HTTP/1.1 1x1 A\r\n\r\n",
                                        "HTTP/1.1 1010 A\r\n\r\n", "HTTP/1.1 099 A\r\n\r\n" };
  g_autofree gchar *endless = g_strnfill (EW_HEAD_MAX, 'a');
  EwUpgradeAnswer answer;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpint (ew_upgrade_read_answer (texts[i], strlen (texts[i]), &answer), ==, EW_HEAD_WRONG);
  g_assert_cmpint (ew_upgrade_read_answer ("HTTP/1.1 101 A\0\r\n\r\n", 19, &answer), ==, EW_HEAD_WRONG);
  memcpy (endless, "HTTP/1.1 101 ", 13);
  g_assert_cmpint (ew_upgrade_read_answer (endless, EW_HEAD_MAX - 1, &answer), ==, EW_HEAD_MORE);
  g_assert_cmpint (ew_upgrade_read_answer (endless, EW_HEAD_MAX, &answer), ==, EW_HEAD_WRONG);
}

static void
test_paths (void)
{
  static const struct
  {
    const gchar *path, *host;
    guint16 port;
  } cases[] = {
    { "/.well-known/masque/udp/edge.example.com/443/", "edge.example.com", 443 },
    { "https://other.example:443/.well-known/masque/udp/203.0.113.5/8443/", "203.0.113.5", 8443 },
    { "HTTP://x/.well-known/masque/udp/203.0.113.5/1/", "203.0.113.5", 1 },
    { "/.well-known/masque/udp/2001%3Adb8%3A%3a5/65535/", "2001:db8::5", 65535 },
    { "/.well-known/masque/udp/2001:db8::5/443/", "2001:db8::5", 443 },
    { "/.well-known/masque/udp/a/443", NULL, 0 },
    { "/.well-known/masque/udp/a/0/", NULL, 0 },
    { "/.well-known/masque/udp/a/65536/", NULL, 0 },
    { "/.well-known/masque/udp/a/+1/", NULL, 0 },
    { "/.well-known/masque/udp/a/443/x", NULL, 0 },
    { "/.well-known/masque/udp//443/", NULL, 0 },
    { "/.well-known/masque/udp/a%2Fb/443/", NULL, 0 },
    { "/.well-known/masque/udp/a%00b/443/", NULL, 0 },
    { "/.well-known/masque/udp/a%0d%0ab/443/", NULL, 0 },
    { "/.well-known/masque/udp/*/443/", NULL, 0 },
    { "/v1/self", NULL, 0 },
    { "https://nothing", NULL, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *host = NULL;
      guint16 port = 0;
      g_assert_cmpint (ew_upgrade_read_path (cases[i].path, &host, &port), ==, cases[i].host != NULL);
      g_assert_cmpstr (host, ==, cases[i].host);
      g_assert_cmpuint (port, ==, cases[i].port);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/upgrade/request", test_request);
  g_test_add_func ("/upgrade/answers", test_answers);
  g_test_add_func ("/upgrade/nonsense", test_nonsense);
  g_test_add_func ("/upgrade/paths", test_paths);
  return g_test_run ();
}
