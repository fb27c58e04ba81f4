/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "common/http-head.h"

static void
test_heads (void)
{
  static const struct
  {
    const gchar *text;
    guint status; /* 0: wrong, known with its last byte at the latest */
  } cases[] = {
    { "HTTP/1.1 200 Connection established\r\n\r\n", 200 },
    { "HTTP/1.0 407 X\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", 407 },
    { "HTTP/1.1 200\r\n\r\n", 200 },
    { "HTTP/1.1 204 \n\n", 204 },
    { "HTTP/1.1 503\n\n", 503 },
    { "HTTP/2 200\r\n\r\n", 0 },
    { "HTTP/1.x 200\r\n\r\n", 0 },
    { "HTTP/1.1 20x OK\r\n\r\n", 0 },
    { "HTTP/1.1 2000 OK\r\n\r\n", 0 },
    { "HTTP/1.1 099 OK\r\n\r\n", 0 },
    { "HTTP/1.1 600 OK\r\n\r\n", 0 },
    { "HTTP/1.1\r\n\r\n", 0 },
    { "SSH-2.0-OpenSSH\r\n", 0 },
    { "\r\n\r\n", 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const gsize size = strlen (cases[i].text);
      g_autofree gchar *text = g_strconcat (cases[i].text, "HTTP/1.1 999\n\n", NULL);
      EwHead head;
      for (gsize n = 0; n < size; n++)
        g_assert_cmpint (ew_head_read (text, n, &head), !=, EW_HEAD_WHOLE);
      const EwHeadResult result = ew_head_read (text, strlen (text), &head);
      g_assert_cmpint (result, ==, cases[i].status ? EW_HEAD_WHOLE : EW_HEAD_WRONG);
      g_assert_cmpuint (head.status, ==, cases[i].status);
      g_assert_cmpuint (head.size, ==, cases[i].status ? size : 0);
    }
}

static void
test_bounds (void)
{
  g_autofree gchar *endless = g_strnfill (2 * EW_HEAD_MAX, 'a');
  EwHead head;
  memcpy (endless, "HTTP/1.1 200 ", 13);
  g_assert_cmpint (ew_head_read (endless, EW_HEAD_MAX - 1, &head), ==, EW_HEAD_MORE);
  g_assert_cmpint (ew_head_read (endless, EW_HEAD_MAX, &head), ==, EW_HEAD_WRONG);
  memcpy (endless + EW_HEAD_MAX - 2, "\n\n", 2);
  g_assert_cmpint (ew_head_read (endless, 2 * EW_HEAD_MAX, &head), ==, EW_HEAD_WHOLE);
  memcpy (endless + EW_HEAD_MAX - 2, "a\n\n", 3);
  g_assert_cmpint (ew_head_read (endless, 2 * EW_HEAD_MAX, &head), ==, EW_HEAD_WRONG);
  g_assert_cmpint (ew_head_read ("HTTP/1.1 200 A\0\r\n\r\n", 19, &head), ==, EW_HEAD_WRONG);
}

static void
add_field (const gchar *name, const gchar *value, gpointer user_data)
{
  g_string_append_printf (user_data, "%s=%s;", name, value);
}

static void
test_fields (void)
{
  const gchar *text
    = "HTTP/1.1 101 Switching: no\r\nUpgrade:connect-udp\r\nX-Empty:\r\nnonsense\r\n: none\nA: b:c \n\nB: d\n";
  g_autoptr (GString) seen = g_string_new (NULL);
  EwHead head;
  g_assert_cmpint (ew_head_read (text, strlen (text), &head), ==, EW_HEAD_WHOLE);
  ew_head_visit (text, &head, add_field, seen);
  g_assert_cmpstr (seen->str, ==, "Upgrade=connect-udp;X-Empty=;A=b:c;");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-head/heads", test_heads);
  g_test_add_func ("/http-head/bounds", test_bounds);
  g_test_add_func ("/http-head/fields", test_fields);
  return g_test_run ();
}
