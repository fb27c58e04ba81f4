/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which proxy: URLs, no_proxy, the environment, the file and a session's answer.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"
#include "proxy/settings.h"

static void
test_urls (void)
{
  static const struct
  {
    const gchar *text, *host, *credentials;
    guint16 port;
  } good[] = {
    { "http://proxy.office:3128", "proxy.office", NULL, 3128 },
    { "http://proxy.office:3128/", "proxy.office", NULL, 3128 },
    { "proxy.office:3128", "proxy.office", NULL, 3128 },
    { "192.0.2.1", "192.0.2.1", NULL, EW_PROXY_PORT },
    { "http://[2001:db8::1]:8080", "2001:db8::1", NULL, 8080 },
    { "HTTP://joe:secret@proxy:1", "proxy", "joe:secret", 1 },
    { "http://joe%40office:p%40ss%3a@proxy:1", "proxy", "joe@office:p@ss:", 1 },
    { "http://j%C3%BCrgen:p%C3%A4ss@proxy:1", "proxy", "jürgen:päss", 1 },
    { "http://joe@proxy:1", "proxy", "joe:", 1 },
  };
  static const gchar *const bad[] = { "",
                                      "https://proxy:1",
                                      "socks5://proxy:1080",
                                      "http://:1",
                                      "http://proxy:0",
                                      "http://proxy:70000",
                                      "http://proxy:1/path",
                                      "http://proxy:1?q",
                                      "http://a b:1",
                                      "http://a%0d%0aX:1",
                                      "http://u%0d%0aX-A: 1@p:1",
                                      "http://proxy:1#x",
                                      "http://a%25b:1",
                                      "nonsense here" };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EwProxy) proxy = ew_proxy_parse (good[i].text, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (proxy->host, ==, good[i].host);
      g_assert_cmpstr (proxy->credentials, ==, good[i].credentials);
      g_assert_cmpuint (proxy->port, ==, good[i].port);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (ew_proxy_parse (bad[i], &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
  g_autofree gchar *endless = g_strnfill (EW_PROXY_TEXT_MAX + 1, 'a');
  g_assert_null (ew_proxy_parse (endless, NULL));
}

/* What tests/findings/no-proxy-of-libproxy.sh says curl does. */
static void
test_exempt (void)
{
  static const struct
  {
    const gchar *list, *host;
    gboolean exempt;
  } cases[] = {
    { "example.org", "example.org", TRUE },
    { "example.org", "www.example.org", TRUE },
    { "EXAMPLE.org.", "www.Example.ORG", TRUE },
    { ".example.org", "www.example.org", TRUE },
    { ".example.org", "example.org", TRUE },
    { "example.org", "myexample.org", FALSE },
    { "www.example.org", "example.org", FALSE },
    { "*", "anything", TRUE },
    { "a, b example.org", "example.org", TRUE },
    { "", "example.org", FALSE },
    { ".", "example.org", FALSE },
    { "192.0.2.0/24", "192.0.2.7", TRUE },
    { "192.0.2.0/24", "192.0.3.7", FALSE },
    { "192.0.2.7", "192.0.2.7", TRUE },
    { "2.7", "192.0.2.7", FALSE },
    { "2001:db8::/32", "2001:db8::1", TRUE },
    { "[2001:db8::1]", "2001:db8::1", TRUE },
    { "2001:DB8::1", "2001:db8:0::1", TRUE },
    { "2001:db8::2", "2001:db8::1", FALSE },
    { "[", "192.0.2.7", FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    if (ew_proxy_is_exempt (cases[i].list, cases[i].host) != cases[i].exempt)
      g_error ("no_proxy=%s, %s", cases[i].list, cases[i].host);
}

static void
clear_environment (void)
{
  static const gchar *const names[]
    = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_unsetenv (names[i]);
}

static gchar *
found_host (const gchar *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwProxy) proxy = ew_proxy_find (file, "edge.example.org", &error);
  if (error)
    return g_strdup ("error");
  return g_strdup (proxy ? proxy->host : "direct");
}

#define assert_found(file, wanted)                                                                                     \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree gchar *found = found_host (file);                                                                       \
    g_assert_cmpstr (found, ==, wanted);                                                                               \
  }                                                                                                                    \
  G_STMT_END

static void
test_environment (void)
{
  clear_environment ();
  assert_found (NULL, "direct");
  g_setenv ("http_proxy", "http://other:1", TRUE); /* for http:// alone */
  assert_found (NULL, "direct");
  g_setenv ("ALL_PROXY", "http://d:1", TRUE);
  assert_found (NULL, "d");
  g_setenv ("all_proxy", "http://c:1", TRUE);
  assert_found (NULL, "c");
  g_setenv ("HTTPS_PROXY", "http://b:1", TRUE);
  assert_found (NULL, "b");
  g_setenv ("https_proxy", "a:1", TRUE);
  assert_found (NULL, "a");
  g_setenv ("no_proxy", "example.org", TRUE);
  assert_found (NULL, "direct");
  g_setenv ("no_proxy", "example.net", TRUE);
  assert_found (NULL, "a");
  g_setenv ("https_proxy", "socks5://a:1", TRUE); /* never silently past a proxy that was asked for */
  assert_found (NULL, "error");
  g_setenv ("https_proxy", "", TRUE);
  assert_found (NULL, "b");
  clear_environment ();
}

static void
test_file (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("proxy-XXXXXX", NULL), *path = g_build_filename (folder, "proxy", NULL);
  clear_environment ();
  g_setenv ("https_proxy", "http://environment:1", TRUE);
  assert_found (path, "environment"); /* there is no file */
  static const struct
  {
    const gchar *text, *found;
    int mode;
  } cases[] = {
    { "http://file:1\n", "file", 0644 },
    { "  http://file:1  \r\n# more\n", "file", 0644 },
    { "direct\n", "direct", 0644 },
    { "", "environment", 0644 },
    { "auto\n", "environment", 0644 },
    { "direct\nhttp://joe:secret@environment:1\n", "direct", 0600 },
    { "auto\nhttp://joe:secret@other:1\n", "environment", 0600 },
    { "auto\nhttp://joe:secret@other:1\n", "error", 0640 },
    { "nonsense here\n", "error", 0600 },
    { "http://joe:secret@file:1\n", "file", 0600 },
    { "http://joe:secret@file:1\n", "error", 0640 },
    { "http://joe:secret@file:1\n", "error", 0604 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (g_file_set_contents (path, cases[i].text, -1, NULL));
      g_assert_cmpint (g_chmod (path, cases[i].mode), ==, 0);
      assert_found (path, cases[i].found);
    }
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_proxy_find (path, "edge", &error));
  g_assert_null (strstr (error->message, "secret"));
  g_clear_error (&error);
  g_unlink (path);
  g_mkdir (path, 0700);
  assert_found (path, "error");
  g_rmdir (path);
  g_rmdir (folder);
  clear_environment ();
}

/* What is known of proxies goes with them, however they are found. */
static void
test_known_passwords (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("proxy-XXXXXX", NULL), *path = g_build_filename (folder, "proxy", NULL);
  const gchar *answer[] = { "socks://other:1", "http://Proxy.Office:3128", "direct://", NULL };
  const gchar *direct[] = { "direct://", "http://proxy.office:3128", NULL };
  clear_environment ();
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_load (path, NULL);
  g_assert_true (ew_proxy_settings_asks_session (settings));
  g_assert_true (ew_proxy_settings_learn (settings, "proxy.office:3128", "jürgen", "p@ss: wörd", NULL));
  g_assert_true (ew_proxy_settings_save (settings, path, NULL));
  assert_found (path, "direct");
  ew_proxy_take_answer (answer);
  g_autoptr (EwProxy) proxy = ew_proxy_find (path, "edge", NULL);
  g_assert_cmpstr (proxy->credentials, ==, "jürgen:p@ss: wörd");
  ew_proxy_take_answer (direct);
  assert_found (path, "direct");
  ew_proxy_take_answer (answer);
  g_setenv ("https_proxy", "http://environment:1", TRUE);
  assert_found (path, "environment");
  clear_environment ();
  ew_proxy_take_answer (NULL);
  assert_found (path, "direct");
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_choices (void)
{
  g_autoptr (EwProxySettings) settings = ew_proxy_settings_parse ("", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (ew_proxy_settings_choose (settings, "http://proxy:1", "joe", "secret", NULL));
  g_assert_cmpstr (settings->fixed->credentials, ==, "joe:secret");
  g_autofree gchar *shown = ew_proxy_settings_show (settings);
  g_assert_cmpstr (shown, ==, "http://proxy:1");
  g_assert_false (ew_proxy_settings_asks_session (settings));
  g_assert_false (ew_proxy_settings_choose (settings, "socks5://proxy:1", "", "", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (ew_proxy_settings_choose (settings, "http://other:1", "a\r\nX", "secret", &error));
  g_assert_null (strstr (error->message, "secret"));
  g_assert_cmpstr (settings->fixed->host, ==, "proxy"); /* nothing has changed */
  g_assert_true (ew_proxy_settings_learn (settings, "proxy:1", "joe", "other", NULL));
  g_assert_cmpstr (settings->fixed->credentials, ==, "joe:other");
  for (guint i = 0; i < 2 * EW_PROXY_KNOWN_MAX; i++)
    {
      g_autofree gchar *place = g_strdup_printf ("p%u:3128", i);
      g_assert_true (ew_proxy_settings_learn (settings, place, "joe", "x", NULL));
    }
  g_assert_cmpuint (settings->known->len, ==, EW_PROXY_KNOWN_MAX);
  g_assert_true (ew_proxy_settings_learn (settings, "p15:3128", "", "", NULL)); /* none any more */
  g_assert_cmpuint (settings->known->len, ==, EW_PROXY_KNOWN_MAX - 1);
  g_assert_true (ew_proxy_settings_choose (settings, "off", "", "", NULL));
  g_autofree gchar *text = ew_proxy_settings_format (settings);
  g_assert_true (g_str_has_prefix (text, "direct\nhttp://joe:x@p14:3128\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proxy/urls", test_urls);
  g_test_add_func ("/proxy/exempt", test_exempt);
  g_test_add_func ("/proxy/environment", test_environment);
  g_test_add_func ("/proxy/file", test_file);
  g_test_add_func ("/proxy/known-passwords", test_known_passwords);
  g_test_add_func ("/proxy/choices", test_choices);
  return g_test_run ();
}
