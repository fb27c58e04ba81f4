/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a sentence was made of is known after it was said, and is never more than a client has to read.
 */
#include "common/phrase.h"

#include <errno.h>
#include <string.h>

static void
check_phrase (const gchar *text, const gchar *expected)
{
  g_autofree gchar *json = ew_phrase_to_json (text);
  g_assert_cmpstr (json, ==, expected);
}

static void
test_arguments (void)
{
  g_autofree gchar *text = ew_phrase ("%s: %u of %d in %.1f ms, 100%%", "nas", 3u, -4, 0.25);
  g_assert_cmpstr (text, ==, "nas: 3 of -4 in 0.2 ms, 100%");
  check_phrase (text, "[\"%s: %u of %d in %.1f ms, 100%%\",\"nas\",3,-4,0.25]");
  check_phrase ("never said", "");
}

static void
test_hostile_arguments (void)
{
  g_autofree gchar *percent = ew_phrase ("to %s", "%n%s\n\"");
  g_autofree gchar *broken = ew_phrase ("to %s", "a\xff");
  g_autofree gchar *none = ew_phrase ("to %s.", (const gchar *)NULL);
  g_autofree gchar *long_name = g_strnfill (EW_PHRASE_ARGUMENT_MAX + 100, 'x');
  g_autofree gchar *cut = ew_phrase ("to %s", long_name);
  g_autofree gchar *json = ew_phrase_to_json (cut);
  g_autofree gchar *longer = g_strnfill (EW_PHRASE_TEXT_MAX, 'x');
  g_autofree gchar *too_long = ew_phrase ("to %s", longer);

  check_phrase (percent, "[\"to %s\",\"%n%s\\n\\\"\"]");
  check_phrase (broken, "[\"to %s\",\"a\357\277\275\"]");
  check_phrase (none, "[\"to %s.\",\"(null)\"]");
  g_assert_cmpuint (strlen (json), ==, EW_PHRASE_ARGUMENT_MAX + strlen ("[\"to %s\",\"\"]"));
  check_phrase (too_long, "");
}

/* A client doesn't know these conversions: such a sentence stays English. */
static void
test_unknown_conversions (void)
{
  g_autofree gchar *wide = ew_phrase ("%5u", 3u);
  g_autofree gchar *many = ew_phrase ("%d%d%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  check_phrase (wide, "");
  check_phrase (many, "");
}

static void
test_nested (void)
{
  g_autofree gchar *inner = ew_phrase ("%s didn't answer", "nas");
  g_autofree gchar *outer = ew_phrase ("Failed: %s.", inner);
  g_autofree gchar *cause = ew_phrase ("Failed: %s.", g_strerror (ECONNREFUSED));
  g_autofree gchar *deep = g_strdup ("deep");

  check_phrase (outer, "[\"Failed: %s.\",[\"%s didn't answer\",\"nas\"]]");
  g_autofree gchar *same = ew_phrase ("%s", inner);
  check_phrase (same, "[\"%s didn't answer\",\"nas\"]");
  check_phrase (cause, "[\"Failed: %s.\",\"Connection refused\"]");
  for (guint i = 0; i < 20; i++)
    {
      gchar *next = ew_phrase ("<%s", deep);
      g_free (deep);
      deep = next;
    }
  g_autofree gchar *json = ew_phrase_to_json (deep);
  guint depth = 0;
  for (const gchar *at = json; *at != '\0'; at++)
    depth += *at == '[' ? 1 : 0;
  g_assert_cmpuint (depth, >=, 1);
  g_assert_cmpuint (depth, <=, EW_PHRASE_DEPTH);
}

static void
test_errors (void)
{
  g_autoptr (GError) error = NULL, made = ew_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "%s is full.", "/var");
  ew_set_error (&error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s exists.", "nas");
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  check_phrase (error->message, "[\"%s exists.\",\"nas\"]");
  check_phrase (made->message, "[\"%s is full.\",\"/var\"]");
  ew_set_error (NULL, G_IO_ERROR, G_IO_ERROR_EXISTS, "nobody asked");
}

static void
test_cause (void)
{
  g_autoptr (GError) refused = g_error_new (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "Could not connect to edge");
  g_autoptr (GError) other = g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Something else");
  g_assert_cmpstr (ew_phrase_cause (refused), ==, "Connection refused");
  g_assert_cmpstr (ew_phrase_cause (other), ==, "Something else");
}

/* Only the last ones are kept, and one that is looked for again is among them. */
static void
test_bounded (void)
{
  g_autofree gchar *kept = ew_phrase ("kept %d", 1), *forgotten = ew_phrase ("forgotten %d", 1);
  for (gint i = 0; i < EW_PHRASES + 10; i++)
    {
      g_autofree gchar *text = ew_phrase ("filler %d", i);
      g_autofree gchar *json = ew_phrase_to_json (kept);
      g_assert_cmpstr (json, !=, "");
    }
  check_phrase (forgotten, "");
}

static gboolean
learn (const gchar *text, const gchar *json)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  return ew_phrase_learn (text, json_node_get_array (node));
}

static void
test_learn (void)
{
  g_autofree gchar *long_text = g_strnfill (EW_PHRASE_JSON_MAX, 'x');
  g_autofree gchar *long_json = g_strdup_printf ("[\"%s\"]", long_text);

  g_assert_true (learn ("nas is taken.", "[\"%s is taken.\",\"nas\",1,0.5,[\"a\"]]"));
  check_phrase ("nas is taken.", "[\"%s is taken.\",\"nas\",1,0.5,[\"a\"]]");
  g_assert_false (ew_phrase_learn ("x", NULL));
  g_assert_false (learn ("x", "[]"));
  g_assert_false (learn ("x", "[1]"));
  g_assert_false (learn ("x", "[[\"a\"]]"));
  g_assert_false (learn ("x", "[\"a\",null]"));
  g_assert_false (learn ("x", "[\"a\",true]"));
  g_assert_false (learn ("x", "[\"a\",{}]"));
  g_assert_false (learn ("x", "[\"a\",[]]"));
  g_assert_false (learn ("x", "[\"a\",1,2,3,4,5,6,7,8,9,10]"));
  g_assert_false (learn ("x", "[\"a\",[\"a\",[\"a\",[\"a\",[\"a\"]]]]]"));
  g_assert_false (learn ("x", long_json));
  check_phrase ("x", "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/phrase/arguments", test_arguments);
  g_test_add_func ("/phrase/hostile-arguments", test_hostile_arguments);
  g_test_add_func ("/phrase/unknown-conversions", test_unknown_conversions);
  g_test_add_func ("/phrase/nested", test_nested);
  g_test_add_func ("/phrase/errors", test_errors);
  g_test_add_func ("/phrase/cause", test_cause);
  g_test_add_func ("/phrase/bounded", test_bounded);
  g_test_add_func ("/phrase/learn", test_learn);
  return g_test_run ();
}
