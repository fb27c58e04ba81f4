/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pages that a network names, answers, and the administrator's setting.
 */
#include "common/error.h"
#include "portal/answer.h"
#include "portal/setting.h"

#include <string.h>

static void
test_pages (void)
{
  static const struct
  {
    const gchar *text, *url, *host, *path;
    guint port;
    gboolean tls;
  } good[] = {
    { "http://192.0.2.7", "http://192.0.2.7/", "192.0.2.7", "/", 80, FALSE },
    { "https://Login.Hotel.example/start?a=b&c=%20#here", NULL, "login.hotel.example", "/start?a=b&c=%20", 443, TRUE },
    { "http://login.hotel.example.:8080/x", NULL, "login.hotel.example", "/x", 8080, FALSE },
    { "HTTP://[2001:db8::5]:3990/prelogin", NULL, "2001:db8::5", "/prelogin", 3990, FALSE },
    { "http://wifi/", NULL, "wifi", "/", 80, FALSE },
  };
  static const gchar *const bad[] = {
    "",
    "x",
    "/start",
    "ftp://192.0.2.7/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "http:///x",
    "http://user:word@hotel.example/",
    "http://user@hotel.example/",
    "http://hotel.example:0/",
    "http://hotel.example:65536/",
    "http://hotel example/",
    "http://hotel.example/a b",
    "http://hotel.example/\n",
    "http://hotel.example/\"",
    "http://hotel.example/'",
    "http://hotel.example/\\",
    "http://hotel.example/`id`",
    "http://hotel.example/<",
    "http://h\xc3\xb6tel.example/",
    "http://a..b/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://localhost:631/",
    "http://x.localhost/",
    "http://[::1]/",
    "http://[::]/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://0x7f000001/",
    "http://{x}/",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (EwPortalPage) page = ew_portal_page_parse (good[i].text, NULL);
      g_assert_nonnull (page);
      if (good[i].url)
        g_assert_cmpstr (page->url, ==, good[i].url);
      g_assert_cmpstr (page->host, ==, good[i].host);
      g_assert_cmpstr (page->path, ==, good[i].path);
      g_assert_cmpuint (page->port, ==, good[i].port);
      g_assert_cmpint (page->tls, ==, good[i].tls);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (EwPortalPage) page = ew_portal_page_parse (bad[i], NULL);
      if (page)
        g_error ("%s became %s", bad[i], page->url);
    }
}

static void
test_long_pages (void)
{
  g_autofree gchar *most = g_strnfill (EW_PORTAL_URL_MAX - strlen ("http://a/"), 'x');
  g_autofree gchar *fits = g_strconcat ("http://a/", most, NULL), *over = g_strconcat (fits, "x", NULL);
  g_autofree gchar *label = g_strnfill (64, 'x'), *host = g_strdup_printf ("http://%s.example/", label);
  g_autoptr (EwPortalPage) page = ew_portal_page_parse (fits, NULL);
  g_assert_nonnull (page);
  g_assert_null (ew_portal_page_parse (over, NULL));
  g_assert_null (ew_portal_page_parse (host, NULL));
}

static void
test_relative (void)
{
  g_autoptr (EwPortalPage) base = ew_portal_page_new ("192.0.2.7"), six = ew_portal_page_new ("2001:db8::7");
  g_autoptr (EwPortalPage) page = ew_portal_page_parse ("/login?from=x", base);
  g_autoptr (EwPortalPage) other = ew_portal_page_parse ("//hotel.example/login", base);
  g_assert_cmpstr (page->url, ==, "http://192.0.2.7/login?from=x");
  g_assert_cmpstr (other->url, ==, "http://hotel.example/login");
  g_assert_cmpstr (six->url, ==, "http://[2001:db8::7]/");
}

static void
judge (const gchar *text, const gchar *expected, EwPortalVerdict verdict, const gchar *location)
{
  g_autofree gchar *found = NULL;
  EwPortalVerdict got = ew_portal_judge (text, strlen (text), TRUE, expected, &found);
  if (got != verdict)
    g_error ("\"%s\" is judged %d", text, got);
  g_assert_cmpstr (found, ==, location);
  /* Never another verdict on the way there. */
  for (gsize n = 0; n < strlen (text); n++)
    {
      g_autofree gchar *part = g_memdup2 (text, n), *early = NULL;
      got = ew_portal_judge (n ? part : "", n, FALSE, expected, &early);
      g_assert_true (got == EW_PORTAL_MORE || got == verdict);
    }
}

static void
test_answers (void)
{
  judge ("HTTP/1.1 302 Found\r\nServer: x\r\nLocation: http://login.example/?a=b \r\n\r\n", NULL, EW_PORTAL_CAUGHT,
         "http://login.example/?a=b");
  judge ("HTTP/1.0 303 See\nlocation:/login\n\nbody", NULL, EW_PORTAL_CAUGHT, "/login");
  judge ("HTTP/1.1 307 x\r\nX-Location: http://no.example/\r\n\r\n", NULL, EW_PORTAL_CAUGHT, NULL);
  judge ("HTTP/1.1 200 OK\r\n\r\n<html>Welcome", NULL, EW_PORTAL_CAUGHT, NULL);
  judge ("HTTP/1.1 511 Network Authentication Required\r\n\r\n", NULL, EW_PORTAL_CAUGHT, NULL);
  judge ("HTTP/1.1 204 No Content\r\n\r\n", NULL, EW_PORTAL_CLEAR, NULL);
  judge ("HTTP/1.1 404 Not Found\r\nLocation: http://no.example/\r\n\r\n", NULL, EW_PORTAL_CLEAR, NULL);
  judge ("HTTP/1.1 502 Bad Gateway\r\n\r\n", NULL, EW_PORTAL_CLEAR, NULL);
  judge ("HTTP/1.1 100 Continue\r\n\r\n", NULL, EW_PORTAL_SILENT, NULL);
  judge ("HTTP/1.1 2x0 OK\r\n\r\n", NULL, EW_PORTAL_SILENT, NULL);
  judge ("SSH-2.0-OpenSSH_9.2\r\n", NULL, EW_PORTAL_SILENT, NULL);
  judge ("", NULL, EW_PORTAL_SILENT, NULL);
  judge ("HTTP/1.1 200 OK\r\nX: y\r\n", NULL, EW_PORTAL_SILENT, NULL);
  judge ("HTTP/1.1 200 OK\r\n\r\nsuccess\n", "success", EW_PORTAL_CLEAR, NULL);
  judge ("HTTP/1.1 200 OK\r\n\r\nsucces", "success", EW_PORTAL_CAUGHT, NULL);
  judge ("HTTP/1.1 200 OK\r\n\r\n<html>", "success", EW_PORTAL_CAUGHT, NULL);
  judge ("HTTP/1.1 204 OK\r\n\r\n", "success", EW_PORTAL_CLEAR, NULL);
  judge ("HTTP/1.1 302 OK\r\nLocation: x\r\n\r\n", "success", EW_PORTAL_CAUGHT, "x");
}

static void
test_long_location (void)
{
  g_autofree gchar *most = g_strnfill (EW_PORTAL_URL_MAX * 2, 'x');
  g_autofree gchar *text = g_strdup_printf ("HTTP/1.1 302 x\r\nLocation: %s\r\n\r\n", most), *found = NULL;
  g_assert_cmpint (ew_portal_judge (text, strlen (text), TRUE, NULL, &found), ==, EW_PORTAL_CAUGHT);
  g_assert_null (found);
}

static void
test_setting (void)
{
  g_auto (EwPortalSetting) setting = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (ew_portal_setting_parse ("", &setting, NULL) && !setting.off && !setting.page);
  g_assert_true (ew_portal_setting_parse (" edge \n", &setting, NULL) && !setting.off && !setting.page);
  g_assert_true (ew_portal_setting_parse ("off\n", &setting, NULL) && setting.off);
  g_assert_true (ew_portal_setting_parse ("http://check.example/x\n", &setting, NULL));
  g_assert_cmpstr (setting.page->host, ==, "check.example");
  g_assert_null (setting.expected);
  ew_portal_setting_clear (&setting);
  g_assert_true (ew_portal_setting_parse ("http://check.example/x\r\nIt works \nmore\n", &setting, NULL));
  g_assert_cmpstr (setting.expected, ==, "It works");
  ew_portal_setting_clear (&setting);
  g_assert_false (ew_portal_setting_parse ("https://check.example/x\n", &setting, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_assert_false (ew_portal_setting_parse ("http://user:word@check.example/\n", &setting, NULL));
  g_assert_false (ew_portal_setting_parse ("on\n", &setting, NULL));
  g_assert_true (ew_portal_setting_read ("/nonexistent/portal", &setting, NULL) && !setting.off && !setting.page);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/portal/pages", test_pages);
  g_test_add_func ("/portal/long-pages", test_long_pages);
  g_test_add_func ("/portal/relative", test_relative);
  g_test_add_func ("/portal/answers", test_answers);
  g_test_add_func ("/portal/long-location", test_long_location);
  g_test_add_func ("/portal/setting", test_setting);
  return g_test_run ();
}
