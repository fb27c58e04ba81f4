/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/util.h"

#include <string.h>

static gchar *
make_for (guint n_api, const gchar *api, const gchar *kind, const gchar *mesh, GError **error)
{
  g_autoptr (EwEnrollmentKey) key = g_new0 (EwEnrollmentKey, 1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const guint8 secret[32] = { 1, 2, 3 };
  for (guint i = 0; i < n_api; i++)
    g_strv_builder_add (builder, api);
  key->api = g_strv_builder_end (builder);
  memset (key->pin, 0xa5, sizeof key->pin);
  key->secret = ew_base64url_encode (secret, sizeof secret);
  key->kind = g_strdup (kind);
  key->mesh = g_strdup (mesh);
  return ew_enrollment_key_format (key, error);
}

/* A key from before keys contained the mesh's name. */
static gchar *
make (guint n_api, const gchar *api, const gchar *kind, GError **error)
{
  return make_for (n_api, api, kind, NULL, error);
}

/* A key with right check bytes around any JSON. */
static gchar *
key_around (const gchar *json)
{
  gsize length = strlen (json);
  guint8 hash[32];
  ew_sha256 (json, length, hash);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_append (bytes, (const guint8 *)json, (guint)length);
  g_byte_array_append (bytes, hash, 4);
  g_autofree gchar *body = ew_base64url_encode (bytes->data, bytes->len);
  return g_strconcat ("ew1_", body, NULL);
}

static void
assert_refused (const gchar *text, const gchar *sentence)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_enrollment_key_parse (text, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_KEY_INVALID);
  if (strstr (error->message, sentence) == NULL)
    g_error ("“%s” instead of “%s”", error->message, sentence);
  if (text != NULL && strlen (text) > 20)
    g_assert_null (strstr (error->message, text));
}

static void
test_round_trip (void)
{
  g_autofree gchar *text = make (2, "https://[2001:db8::1]:443", "admin", NULL);
  const gchar *forms[] = { "%s", " \n%s\r\n\t", "edgeway://enroll/%s", "EDGEWAY://enroll/%s\n" };
  g_assert_true (g_str_has_prefix (text, "ew1_"));
  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (GString) form = g_string_new (forms[i]);
      g_string_replace (form, "%s", text, 1);
      g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (form->str, NULL);
      g_assert_nonnull (key);
      g_assert_cmpuint (g_strv_length (key->api), ==, 2);
      g_assert_cmpstr (key->api[1], ==, "https://[2001:db8::1]:443");
      g_assert_cmpint (key->pin[31], ==, 0xa5);
      g_assert_cmpstr (key->kind, ==, "admin");
      g_autofree gchar *again = ew_enrollment_key_format (key, NULL);
      g_assert_cmpstr (again, ==, text);
    }
}

/* "%K" is the whole key, "%W{…}" the key in pieces of 60 characters with what is in the braces between them. */
static gchar *
with_key (const gchar *form, const gchar *key)
{
  const gchar *wrapped = strstr (form, "%W{");
  g_autoptr (GString) text = g_string_new (form);
  if (wrapped != NULL)
    {
      const gchar *end = strchr (wrapped, '}');
      g_autofree gchar *between = g_strndup (wrapped + 3, (gsize)(end - wrapped) - 3);
      g_string_truncate (text, (gsize)(wrapped - form));
      for (gsize i = 0; i < strlen (key); i += 60)
        {
          g_autofree gchar *piece = g_strndup (key + i, 60);
          g_string_append_printf (text, "%s%s", i > 0 ? between : "", piece);
        }
      g_string_append (text, end + 1);
    }
  g_string_replace (text, "%K", key, 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_found (const gchar *text, gsize length, const gchar *key)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *found = ew_enrollment_key_find (text, length, &error);
  if (found == NULL)
    g_error ("%s In:\n%.*s", error->message, (gint)length, text);
  g_assert_cmpstr (found, ==, key);
}

/* What mail programs, terminals, editors and people put around and into a key. */
static void
test_found (void)
{
  static const gchar *const forms[] = {
    "%K.",
    "%K, please",
    "\"%K\"",
    "'%K'",
    "\u201c%K\u201d",
    "\u201e%K\u201c",
    "\u00ab\u00a0%K\u00a0\u00bb",
    "`%K`",
    "```\n%K\n```\n",
    "**%K**",
    "_%K_",
    "(%K)",
    "<%K>",
    "Your key: %K",
    "Your key: %K Thanks",
    "Hi,\nyour key is %K\n-- \nBob",
    "A key begins with ew1_ and is long. Yours:\n\n%K\n\nBob",
    "# a comment\nEDGEWAY_KEY=%K\n",
    "{\"key\": \"%K\"}",
    "\xef\xbb\xbf%K\r\n",
    "<edgeway://enroll/%K>",
    "edgeway://enroll/%K/",
    "edgeway://enroll/%K?from=mail#top",
    "EDGEWAY:enroll/%K",
    "https://example.org/join#%K",
    "ew1_AAAA %K",
    "ew1_eyJhcGki\n%K",
    "%W{\n}",
    "%W{\r\n}",
    "%W{\r\r\n}",
    "%W{\r}",
    "%W{ }",
    "%W{\n    }",
    "  %W{  \n  }  ",
    "\t%W{\n\t}",
    "> %W{\n> }",
    ">> %W{\n>> }\n>> Bob",
    "> > %W{\r\n> > }\r\n",
    "On Monday Bob wrote:\n> Your key:\n> %W{\n> }\n> Bye\n\nThanks",
    "| %W{\n| }",
    "\u2502 %W{ \u2502\n\u2502 } \u2502",
    "%W{=\n}",
    "%W{=\r\n}=\r\n",
    "%W{\\\n}",
    "%W{\u200b}",
    "%W{\u00ad}",
    "%W{\u00a0}",
    "%W{\ufeff}",
    "%W{\u2060}",
    "%W{\u2028}",
    "%W{\xad}",
    "\x93%K\x94",
    "%W{\u200b\n\u200b}\n\nRegards",
    "Subject: welcome\n\n%W{\n}\n--\nBob Miller\nadmin",
  };
  g_autofree gchar *key = make_for (2, "https://edge.example.org:443", "device", "home", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree gchar *text = with_key (forms[i], key);
      assert_found (text, strlen (text), key);
    }
}

/* Each width that a terminal or a mail can have, so that line ends also fall into the prefix. */
static void
test_found_at_each_width (void)
{
  static const gchar *const ends[] = { "\n", "\r\n", "\n> ", "=\n" };
  g_autofree gchar *key = make (1, "https://edge.example.org:443", "server", NULL);
  for (gsize width = 1; width < 120; width++)
    for (gsize e = 0; e < G_N_ELEMENTS (ends); e++)
      {
        g_autoptr (GString) text = g_string_new ("Key: ");
        for (gsize i = 0; key[i] != '\0'; i++)
          {
            if (i % width == width - 1)
              g_string_append (text, ends[e]);
            g_string_append_c (text, key[i]);
          }
        g_string_append (text, "\nBob");
        assert_found (text->str, text->len, key);
      }
}

static void
test_found_encoded (void)
{
  g_autofree gchar *key = make (1, "https://edge.example.org:443", "server", NULL);
  g_autoptr (GString) link = g_string_new (key), quoted = g_string_new (key), markdown = g_string_new (key);
  g_autoptr (GByteArray) wide = g_byte_array_new ();

  g_string_replace (link, "_", "%5F", 0);
  g_string_prepend (link, "edgeway://enroll/");
  assert_found (link->str, link->len, key);
  g_string_replace (quoted, "_", "=5F", 0);
  g_string_insert (quoted, 70, "=C2=AD=\r\n");
  assert_found (quoted->str, quoted->len, key);
  g_string_replace (markdown, "_", "\\_", 0);
  assert_found (markdown->str, markdown->len, key);
  g_byte_array_append (wide, (const guint8 *)"\xff\xfe", 2); /* UTF-16, as some editors save */
  for (gsize i = 0; key[i] != '\0'; i++)
    g_byte_array_append (wide, (const guint8[]){ (guint8)key[i], 0 }, 2);
  assert_found ((const gchar *)wide->data, wide->len, key);
}

/* The first complete key counts; without one, the error is about the longest fragment. */
static void
test_several (void)
{
  g_autofree gchar *first = make (1, "https://first.example.org:443", "server", NULL);
  g_autofree gchar *second = make (1, "https://second.example.org:443", "device", NULL);
  g_autofree gchar *both = g_strdup_printf ("old:\n%s\nnew:\n%s\n", first, second);
  assert_found (both, strlen (both), first);
  strstr (both, "ew1_")[30] ^= 1;
  assert_found (both, strlen (both), second);
  g_autofree gchar *joined = g_strdup_printf ("%s%s", first, second);
  assert_found (joined, strlen (joined), first);
  g_autofree gchar *cut = g_strdup_printf ("A key starts with ew1_. Yours is:\n%.60s\n\nBye", first);
  assert_refused (cut, "is incomplete");
  first[60] = first[60] == 'a' ? 'b' : 'a';
  g_autofree gchar *altered = g_strdup_printf ("ew1_ is how a key starts: %s", first);
  assert_refused (altered, "mistyped or altered");
}

/* No text takes long to parse: 64 KiB of prefixes, of blanks after one, of keys' characters in pieces. */
static void
test_bounded (void)
{
  static const gchar *const pieces[] = { "ew1_", "ew1_eyJ ", "A", "a ", "\u200b", "eyJhIjoiYiJ9 ", "%", "=\n", "\xff" };
  g_autofree gchar *key = make (1, "https://edge.example.org:443", "server", NULL);
  gint64 began = g_get_monotonic_time ();
  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) text = g_string_new ("ew1_eyJ");
      while (text->len < 200000)
        g_string_append (text, pieces[i]);
      g_autofree gchar *none = ew_enrollment_key_find (text->str, text->len, NULL);
      g_assert_null (none);
      g_string_append (text, key); /* beyond what is looked at */
      none = ew_enrollment_key_find (text->str, text->len, NULL);
      g_assert_null (none);
    }
  g_assert_cmpint (g_get_monotonic_time () - began, <, 20 * G_USEC_PER_SEC);
  g_autoptr (GString) late = g_string_new (NULL);
  while (late->len < 60000)
    g_string_append (late, "words without a key. ");
  g_string_append (late, key);
  assert_found (late->str, late->len, key);
}

static void
test_no_key (void)
{
  const gchar *texts[] = { "",
                           " ",
                           "ew1",
                           "ew2_AAAA",
                           "hello",
                           "https://example.org/ew1_AAAA",
                           "edgeway://enroll/",
                           "edgeway://enrol/ew1_AAAA",
                           "Ask for a line that begins with ew1_ and paste it here.",
                           "ew1_ is the prefix",
                           "ew1_keys are long" };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], "contain an enrollment key");
  assert_refused (NULL, "contain an enrollment key");
}

/* Every truncation is noticed and reported as one, whatever bytes the check has: one may look like a brace. */
static void
test_cut_short (void)
{
  static const gchar *const meshes[] = { NULL, "home", "office" }; /* other lengths */
  for (gsize m = 0; m < G_N_ELEMENTS (meshes); m++)
    {
      g_autofree gchar *text = make_for (m + 1, "https://edge.example.org:443", "device", meshes[m], NULL);
      for (gsize n = 4; n < strlen (text); n++)
        {
          g_autofree gchar *cut = g_strndup (text, n);
          assert_refused (cut, "is incomplete");
        }
    }
  static const gchar *const stubs[] = { "ew1_A", "ew1_abc\n", " ew1_0123456789-_x" }; /* not even JSON's beginning */
  for (gsize i = 0; i < G_N_ELEMENTS (stubs); i++)
    {
      assert_refused (stubs[i], "is incomplete");
      g_assert_true (ew_enrollment_key_is_cut (stubs[i]));
    }
  for (guint i = 0; i < 2000; i++) /* each with another check */
    {
      g_autofree gchar *mesh = g_strdup_printf ("mesh-%u", i);
      g_autofree gchar *text = make_for (1, "https://edge.example.org:443", "device", mesh, NULL);
      for (gsize missing = 1; missing < 8; missing++)
        {
          g_autofree gchar *cut = g_strndup (text, strlen (text) - missing);
          assert_refused (cut, "is incomplete");
        }
    }
}

#define PIN "\"pin\":\"paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU\""
#define SECRET "\"secret\":\"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define API "\"api\":[\"https://e:1\"]"

static void
test_altered (void)
{
  g_autofree gchar *text = make (1, "https://edge.example.org:443", "device", NULL);
  g_autofree gchar *split = g_strdup (text), *big = g_strnfill (5000, 'A');
  for (gsize i = 4; i < strlen (text); i++) /* the length is right: it was not truncated, wherever the mistake is */
    for (const gchar *wrong = "AaB9_-"; *wrong != '\0'; wrong++)
      {
        g_autofree gchar *other = g_strdup (text);
        other[i] = other[i] == *wrong ? 'C' : *wrong;
        assert_refused (other, "mistyped or altered");
      }
  split[20] = ' '; /* in a character's place, not between two */
  assert_refused (split, "mistyped or altered");
  memcpy (big, "ew1_", 4);
  assert_refused (big, "mistyped or altered");
  for (gsize length = 720; length < 4000; length += 160) /* right in all but its length */
    {
      g_autofree gchar *more = g_strnfill (length, 'x');
      g_autofree gchar *json
        = g_strdup_printf ("{" API "," PIN "," SECRET ",\"kind\":\"device\",\"more\":\"%s\"}", more);
      g_autofree gchar *whole = key_around (json);
      g_assert_cmpuint (strlen (whole), >, EW_ENROLLMENT_KEY_MAX);
      assert_refused (whole, "mistyped or altered");
    }
}

static void
test_foreign (void)
{
  const gchar *bad[] = {
    "{}",
    "[]",
    "x",
    "{" API "," PIN "," SECRET "}",
    "{" API "," PIN "," SECRET ",\"kind\":\"root\"}",
    "{" API "," PIN ",\"secret\":\"AQID\",\"kind\":\"device\"}",
    "{" API ",\"pin\":\"AQID\"," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[]," PIN "," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[\"http://e:1\"]," PIN "," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[\"https://e:1/x\"]," PIN "," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[\"https://a@e:1\"]," PIN "," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[\"https://e\"]," PIN "," SECRET ",\"kind\":\"device\"}",
    "{\"api\":[\"https://e:1\",1]," PIN "," SECRET ",\"kind\":\"device\"}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree gchar *text = key_around (bad[i]);
      assert_refused (text, "doesn't understand");
    }
  g_autofree gchar *newer = key_around ("{" API "," PIN "," SECRET ",\"kind\":\"device\",\"later\":[1]}");
  g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (newer, NULL);
  g_assert_nonnull (key);
}

/* The mesh's name: written, read, ignored where it is invalid, and never the reason why a key does not fit. */
static void
test_mesh (void)
{
  const gchar *none[] = { "7", "null", "\"\"", "\"A mesh\"", "\"<b>\"", "[]" };
  g_autofree gchar *text = make_for (1, "https://edge.example.org:443", "device", "home", NULL);
  g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (text, NULL);
  g_assert_cmpstr (key->mesh, ==, "home");
  for (gsize i = 0; i < G_N_ELEMENTS (none); i++)
    {
      g_autofree gchar *json
        = g_strdup_printf ("{" API "," PIN "," SECRET ",\"kind\":\"device\",\"mesh\":%s}", none[i]);
      g_autofree gchar *foreign = key_around (json);
      g_autoptr (EwEnrollmentKey) other = ew_enrollment_key_parse (foreign, NULL);
      g_assert_nonnull (other);
      g_assert_null (other->mesh);
    }
  g_autofree gchar *host = g_strnfill (185, 'a'), *url = g_strdup_printf ("https://%s:1", host);
  g_autofree gchar *mesh = g_strnfill (63, 'm'), *full = make_for (3, url, "device", mesh, NULL);
  g_assert_nonnull (full);
  g_assert_cmpuint (strlen (full), <=, EW_ENROLLMENT_KEY_MAX);
  g_autoptr (EwEnrollmentKey) tight = ew_enrollment_key_parse (full, NULL);
  g_assert_null (tight->mesh);
}

static void
test_format_refused (void)
{
  g_autofree gchar *host = g_strnfill (200, 'a'), *url = g_strdup_printf ("https://%s:443", host);
  g_autoptr (GError) error = NULL, other = NULL;
  g_assert_null (make (5, url, "device", &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TOO_LARGE);
  g_assert_null (make (0, url, "device", &other));
  g_assert_error (other, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
  g_assert_null (make (1, "https://e", "device", NULL));
  g_assert_null (make (1, "https://e:1", "root", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/enrollment-key/round-trip", test_round_trip);
  g_test_add_func ("/common/enrollment-key/found", test_found);
  g_test_add_func ("/common/enrollment-key/found-at-each-width", test_found_at_each_width);
  g_test_add_func ("/common/enrollment-key/found-encoded", test_found_encoded);
  g_test_add_func ("/common/enrollment-key/several", test_several);
  g_test_add_func ("/common/enrollment-key/bounded", test_bounded);
  g_test_add_func ("/common/enrollment-key/no-key", test_no_key);
  g_test_add_func ("/common/enrollment-key/cut-short", test_cut_short);
  g_test_add_func ("/common/enrollment-key/altered", test_altered);
  g_test_add_func ("/common/enrollment-key/foreign", test_foreign);
  g_test_add_func ("/common/enrollment-key/mesh", test_mesh);
  g_test_add_func ("/common/enrollment-key/format-refused", test_format_refused);
  return g_test_run ();
}
