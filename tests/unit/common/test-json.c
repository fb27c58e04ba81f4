/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/util.h"

#include <string.h>

static JsonObject *
parse (const gchar *text)
{
  return ew_json_parse_object (text, strlen (text), 65536, NULL);
}

static void
test_members (void)
{
  g_autoptr (JsonObject) object
    = parse ("\t{\"s\":\"\\u00e9\\ud83d\\ude00\",\"i\":-9223372036854775808,\"m\":9223372036854775807,\"b\":true,"
             "\"d\":1.5e3,\"n\":null,\"a\":[1,\"x\"],\"v\":[\"a\",\"b\"],\"o\":{\"k\":[]}} \r\n");
  g_assert_nonnull (object);
  g_assert_cmpstr (ew_json_string (object, "s"), ==, "é😀");
  g_assert_cmpint (ew_json_int (object, "i", 7), ==, G_MININT64);
  g_assert_cmpint (ew_json_int (object, "m", 7), ==, G_MAXINT64);
  g_assert_cmpint (ew_json_int (object, "d", 7), ==, 7);
  g_assert_cmpint (ew_json_int (object, "s", 7), ==, 7);
  g_assert_true (ew_json_bool (object, "b", FALSE));
  g_assert_true (ew_json_bool (object, "i", TRUE));
  g_assert_null (ew_json_string (object, "n"));
  g_assert_null (ew_json_string (object, "i"));
  g_assert_null (ew_json_string (object, "none"));
  g_assert_nonnull (ew_json_array (object, "a"));
  g_assert_null (ew_json_array (object, "o"));
  g_assert_nonnull (ew_json_object (object, "o"));
  g_assert_null (ew_json_object (object, "a"));
  g_assert_null (ew_json_object (NULL, "a"));
  g_assert_null (ew_json_string (ew_json_object (object, "none"), "x"));
  g_assert_null (ew_json_strv (object, "a", 8));
  g_assert_null (ew_json_strv (object, "v", 1));
  g_auto (GStrv) strings = ew_json_strv (object, "v", 2);
  g_assert_cmpuint (g_strv_length (strings), ==, 2);
  g_assert_cmpstr (strings[1], ==, "b");
}

static void
test_where_it_is_wrong (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_json_parse_object ("x", 1, 65536, &error));
  g_assert_cmpstr (error->message, ==, "This isn't JSON: byte 0 doesn't belong there.");
}

static void
test_round_trip (void)
{
  const gchar *text = "{\"a\":[1,{\"b\":\"c\\\"d\"}],\"e\":{},\"f\":[]}";
  g_autoptr (JsonObject) object = parse (text);
  g_autofree gchar *again = ew_json_to_string (object, FALSE);
  g_assert_cmpstr (again, ==, text);
}

/* Other programs' text is shown as it is, on a terminal too: it can't control the terminal or change the reading
   direction. */
static void
test_deceptive (void)
{
  const gchar *safe = "{\"os\":\"a\\u001b[31m\\u009b31m\\u007f\\u202eb\\u2066c\\u200f\\u061c\\u2028\\ufeff é😀\"}";
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonObject) other = parse (safe);
  json_object_set_string_member (object, "os", ew_json_string (other, "os"));
  g_autofree gchar *written = ew_json_to_string (object, FALSE);
  g_assert_cmpstr (written, ==, safe);
  g_autoptr (JsonObject) again = parse (written);
  g_assert_cmpstr (ew_json_string (again, "os"), ==, ew_json_string (other, "os"));
  g_autofree gchar *pretty = ew_json_to_string (object, TRUE);
  g_assert_nonnull (strchr (pretty, '\n'));
  g_autofree gchar *line = ew_text_one_line (safe, 12), *whole = ew_text_one_line ("a\nb\xc2\x9b"
                                                                                   "31m\xe2\x80\xae"
                                                                                   "cé",
                                                                                   100);
  g_assert_cmpint (g_utf8_strlen (line, -1), ==, 12);
  g_assert_cmpstr (whole, ==, "a b 31m cé");
}

static void
test_accepted (void)
{
  const gchar *good[] = {
    "{}", "{ }", "{\"a\":0}", "{\"a\":-0.1E+9}", "{\"a\":[[],[[]],{}],\"b\":[{\"c\":false}]}", "{\"\":\"\\/\\b\\\\\"}"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (JsonObject) object = parse (good[i]);
      if (object == NULL)
        g_error ("refused: %s", good[i]);
    }
}

static void
test_refused (void)
{
  const gchar *bad[] = {
    "",
    " ",
    "[]",
    "1",
    "\"x\"",
    "null",
    "{",
    "}",
    "{]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":[1,]}",
    "{\"a\":[1 2]}",
    "{\"a\":1]",
    "{\"a\":01}",
    "{\"a\":+1}",
    "{\"a\":.5}",
    "{\"a\":1.}",
    "{\"a\":1e}",
    "{\"a\":-}",
    "{\"a\":0x10}",
    "{\"a\":NaN}",
    "{\"a\":tru}",
    "{\"a\":truee}",
    "{'a':1}",
    "{a:1}",
    "{} {}",
    "{}x",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u12\"}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"\\ud800\\u0041\"}",
    "{\"a\":\"\\udc00\"}",
    "{\"a\":\"",
    "{\"a\":\"\\",
    "/* c */{}",
    "{}// c",
    "{\"a\":/* \" */1}",
    "\xef\xbb\xbf{}",
    "{\"a\":\"\xff\"}",
    "{\"a\":9223372036854775808}",
    "{\"a\":-9223372036854775809}",
    "var x = {}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) object = ew_json_parse_object (bad[i], strlen (bad[i]), 65536, &error);
      if (object != NULL)
        g_error ("accepted: %s", bad[i]);
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
    }
  g_assert_null (ew_json_parse_object ("{}\0", 3, 100, NULL));
}

static gchar *
nested (guint depth)
{
  GString *text = g_string_new ("{\"a\":");
  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, '[');
  if (depth == 1)
    g_string_append_c (text, '1');
  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, ']');
  g_string_append_c (text, '}');
  return g_string_free (text, FALSE);
}

static void
test_depth (void)
{
  g_autofree gchar *deepest = nested (32), *too_deep = nested (33), *abyss = nested (2000000);
  g_autoptr (JsonObject) object = parse (deepest);
  g_autoptr (GError) error = NULL;
  g_assert_nonnull (object);
  g_assert_null (ew_json_parse_object (too_deep, strlen (too_deep), 65536, &error));
  g_assert_nonnull (strstr (error->message, "32 levels"));
  g_assert_null (ew_json_parse_object (abyss, strlen (abyss), G_MAXSIZE, NULL));
  /* Brackets that a comment would hide from a careless check. */
  g_autofree gchar *hidden = g_strdup_printf ("{\"x\":/* \" */%s}", abyss);
  g_assert_null (ew_json_parse_object (hidden, strlen (hidden), G_MAXSIZE, NULL));
}

static void
test_size (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = ew_json_parse_object ("{}", 2, 2, NULL);
  g_assert_nonnull (object);
  g_assert_null (ew_json_parse_object ("{ }", 3, 2, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/json/members", test_members);
  g_test_add_func ("/common/json/where-it-is-wrong", test_where_it_is_wrong);
  g_test_add_func ("/common/json/round-trip", test_round_trip);
  g_test_add_func ("/common/json/deceptive", test_deceptive);
  g_test_add_func ("/common/json/accepted", test_accepted);
  g_test_add_func ("/common/json/refused", test_refused);
  g_test_add_func ("/common/json/depth", test_depth);
  g_test_add_func ("/common/json/size", test_size);
  return g_test_run ();
}
