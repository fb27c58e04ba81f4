/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"

#include <string.h>

/* Against GLib's encoder: the same bits in another alphabet. */
static void
test_base64url (void)
{
  guint8 data[100];
  for (guint i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 151 + 7);
  for (gsize n = 0; n <= sizeof data; n++)
    {
      g_autofree gchar *expected = g_base64_encode (data, n);
      g_autofree gchar *text = ew_base64url_encode (data, n);
      gsize length = 0;
      g_strdelimit (g_strdelimit (expected, "+", '-'), "/", '_');
      expected[strcspn (expected, "=")] = '\0';
      g_assert_cmpstr (text, ==, expected);
      g_autofree guint8 *back = ew_base64url_decode (text, &length);
      g_assert_cmpmem (back, length, data, n);
    }
}

static void
test_base64url_refused (void)
{
  const gchar *bad[] = { "A", "AAAAA", "AB", "AAB", "AA==", "AA+A", "AA/A", "AA A", "AAA\n", "AA\xc3\xa4" };
  gsize length;
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (ew_base64url_decode (bad[i], &length));
  for (guint c = 1; c < 256; c++)
    {
      const gchar text[] = { 'A', (gchar)c, 'A', 'A', '\0' };
      g_autofree guint8 *data = ew_base64url_decode (text, &length);
      g_assert_true ((data != NULL) == (c < 128 && (g_ascii_isalnum ((gchar)c) || c == '-' || c == '_')));
    }
}

static void
test_key (void)
{
  guint8 key[32], back[32], untouched[32];
  for (guint round = 0; round < 200; round++)
    {
      ew_random (key, sizeof key);
      g_autofree gchar *text = ew_key_to_base64 (key);
      g_autofree gchar *expected = g_base64_encode (key, sizeof key);
      g_assert_cmpstr (text, ==, expected);
      g_assert_true (ew_key_from_base64 (text, back));
      g_assert_cmpmem (back, 32, key, 32);
    }
  const gchar *bad[] = { "",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-A=",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=A",
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" };
  memcpy (untouched, back, 32);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_key_from_base64 (bad[i], back));
  g_assert_false (ew_key_from_base64 (NULL, back));
  g_assert_cmpmem (back, 32, untouched, 32);
}

static void
test_small_things (void)
{
  guint8 a[40] = { 1 }, b[40] = { 1 }, hash[32];
  g_assert_true (ew_equal_secret (a, b, sizeof a));
  b[39] = 1;
  g_assert_false (ew_equal_secret (a, b, sizeof a));
  ew_zero (b, sizeof b);
  g_assert_cmpint (b[39], ==, 0);
  ew_zero (NULL, 0);
  ew_free_secret (NULL);
  ew_free_secret (g_strdup ("x"));
  ew_random (a, sizeof a);
  ew_random (b, sizeof b);
  g_assert_false (ew_equal_secret (a, b, sizeof a));
  ew_sha256 ("abc", 3, hash); /* FIPS 180-2, appendix B.1 */
  g_autofree gchar *text = ew_base64url_encode (hash, 32);
  g_assert_cmpstr (text, ==, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/secret/base64url", test_base64url);
  g_test_add_func ("/common/secret/base64url-refused", test_base64url_refused);
  g_test_add_func ("/common/secret/key", test_key);
  g_test_add_func ("/common/secret/small-things", test_small_things);
  return g_test_run ();
}
