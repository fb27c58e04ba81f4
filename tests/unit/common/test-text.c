/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/util.h"

#include <string.h>

static void
test_name_check (void)
{
  const gchar *label63 = "a23456789-123456789-123456789-123456789-123456789-123456789-123";
  const gchar *good[] = { "a", "0", "web-01", label63 };
  const gchar *bad[] = { "", "-a", "a-", "-", "Web", "a.b", "a_b", "a b", "zoë", "a\n" };
  g_autofree gchar *label64 = g_strconcat (label63, "4", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_name_check (good[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_name_check (bad[i], &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
    }
  g_assert_false (ew_name_check (label64, NULL));
  g_assert_false (ew_name_check (NULL, NULL));
}

static void
test_name_check_computer (void)
{
  const gchar *good[] = { "nas", "web-01", "0x7g", "10th", "x10", "wpad-1", "localhost2" };
  const gchar *bad[] = { "", "a.b", "localhost", "wpad", "isatap", "1", "010", "4294967296", "0x7f000001", "0x" };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_name_check_computer (good[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_name_check_computer (bad[i], &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_NAME_INVALID);
    }
  const gchar *hosts[][2]
    = { { "10.example.org", "node-10" }, { "localhost", "node" }, { "WPAD", "node-wpad" }, { "nas", "nas" } };
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree gchar *name = ew_name_of_computer (hosts[i][0]);
      g_assert_cmpstr (name, ==, hosts[i][1]);
    }
  g_autofree gchar *digits = g_strnfill (63, '7'), *name = ew_name_of_computer (digits);
  g_assert_true (ew_name_check_computer (name, NULL));
}

static void
test_name_from_host (void)
{
  const struct
  {
    const gchar *host, *name;
  } cases[] = {
    { "Bob's Laptop", "bobs-laptop" },
    { "web01.example.org", "web01" },
    { "Zoë", "zoe" },
    { "--a__b--", "a-b" },
    { "", "node" },
    { "...", "node" },
    { "日本", "node" },
    { NULL, "node" },
    { "\xff\xfe", "node" },
    { "a", "a" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *name = ew_name_from_host (cases[i].host);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
  for (guint n = 55; n < 300; n++) /* whatever the length and the gap's place, the result is a valid label */
    {
      g_autofree gchar *host = g_strnfill (n, 'x');
      host[n % 70 < n ? n % 70 : 0] = ' ';
      host[62 < n ? 62 : 1] = '_';
      g_autofree gchar *name = ew_name_from_host (host);
      g_assert_true (ew_name_check (name, NULL));
    }
}

static void
test_duration (void)
{
  const struct
  {
    const gchar *text;
    guint seconds;
  } good[] = { { "60", 60 }, { "60s", 60 }, { "10m", 600 }, { "1h", 3600 }, { "1d", 86400 }, { "365d", 31536000 } };
  const gchar *bad[]
    = { "", "s", "59", "366d", "1w", "1hh", "1 h", "-1h", "+60", "1.5h", "99999999999999999999d", "0x60" };
  guint seconds = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (ew_duration_parse (good[i].text, 60, 31536000, &seconds, NULL));
      g_assert_cmpuint (seconds, ==, good[i].seconds);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (ew_duration_parse (bad[i], 60, 31536000, &seconds, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_time (void)
{
  g_autofree gchar *text = ew_time_format (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC + 999999);
  const gchar *bad[] = { "",
                         "2023-11-14",
                         "2023-11-14T22:13:20",
                         "2023-W46-2T22:13:20Z",
                         "2023-13-14T22:13:20Z",
                         "2023-11-14T25:13:20Z",
                         "2023-11-14T22:13:20ZZ",
                         "2023-11-14T22:13:20.Z",
                         "20231114T221320Z",
                         " 2023-11-14T22:13:20Z",
                         "2023-11-14T22:13:20+0100" };
  g_assert_cmpstr (text, ==, "2023-11-14T22:13:20Z");
  g_assert_cmpint (ew_time_parse (text), ==, G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC);
  g_assert_cmpint (ew_time_parse ("2023-11-14t23:13:20.5+01:00"), ==,
                   G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC + 500000);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpint (ew_time_parse (bad[i]), ==, 0);
}

static void
test_host_port (void)
{
  const struct
  {
    const gchar *text, *host;
    guint16 port;
  } good[] = { { "192.0.2.1:443", "192.0.2.1", 443 },
               { "[2001:db8::1]:1", "2001:db8::1", 1 },
               { "edge-1.example.org:65535", "edge-1.example.org", 65535 } };
  const gchar *bad[] = { "",
                         ":",
                         ":443",
                         "host",
                         "host:",
                         "host:0",
                         "host:65536",
                         "host:+1",
                         "host: 1",
                         "2001:db8::1:443",
                         "[2001:db8::1]",
                         "[2001:db8::1]443",
                         "[host]:443",
                         "[fe80::1%eth0]:443",
                         "ho st:1",
                         "user@host:1",
                         "host/x:1",
                         "-host:1",
                         "host:1:2",
                         "[::1:443" };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      g_assert_true (ew_host_port_parse (good[i].text, &host, &port, NULL));
      g_assert_cmpstr (host, ==, good[i].host);
      g_assert_cmpuint (port, ==, good[i].port);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree gchar *host = NULL;
      g_autoptr (GError) error = NULL;
      guint16 port;
      g_assert_false (ew_host_port_parse (bad[i], &host, &port, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/text/name-check", test_name_check);
  g_test_add_func ("/common/text/name-check-computer", test_name_check_computer);
  g_test_add_func ("/common/text/name-from-host", test_name_from_host);
  g_test_add_func ("/common/text/duration", test_duration);
  g_test_add_func ("/common/text/time", test_time);
  g_test_add_func ("/common/text/host-port", test_host_port);
  return g_test_run ();
}
