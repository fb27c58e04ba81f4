/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The daemon's sentences in another language: with a catalog made here, and phrases that come from anybody.
 */
#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "model/translate.h"

/* Sorted, as msgfmt writes them. The first is what gettext reads of the catalog itself. */
static const gchar *const catalog[][2] = {
  { "", "Content-Type: text/plain; charset=UTF-8\n" },
  { "%d of %u in %.1f ms (%s)", "(%4$s) %3$.1f ms: %1$d von %2$u" },
  { "%s didn't answer.", "%s hat nicht geantwortet." },
  { "Bad translation of %s", "%n %s" },
  { "Failed: %s", "Fehlgeschlagen: %s" },
  { "Greedy %s", "%s %s" },
  { "It's full.", "Es ist voll." },
};

static void
append_number (GString *data, gsize number)
{
  const guint32 value = (guint32)number;
  g_string_append_len (data, (const gchar *)&value, sizeof value);
}

/* GNU gettext's manual, "The Format of GNU MO Files". */
static void
write_catalog (const gchar *path)
{
  const gsize n = G_N_ELEMENTS (catalog);
  g_autoptr (GString) data = g_string_new (NULL), texts = g_string_new (NULL);
  const gsize start = 28 + 16 * n;
  append_number (data, 0x950412de);
  append_number (data, 0);
  append_number (data, n);
  append_number (data, 28);
  append_number (data, 28 + 8 * n);
  append_number (data, 0);
  append_number (data, start);
  for (gsize column = 0; column < 2; column++)
    for (gsize i = 0; i < n; i++)
      {
        append_number (data, strlen (catalog[i][column]));
        append_number (data, start + texts->len);
        g_string_append_len (texts, catalog[i][column], (gssize)strlen (catalog[i][column]) + 1);
      }
  g_string_append_len (data, texts->str, (gssize)texts->len);
  g_assert_true (g_file_set_contents (path, data->str, (gssize)data->len, NULL));
}

static void
check (const gchar *text, const gchar *phrase, const gchar *expected)
{
  g_autofree gchar *said = ew_translate_sentence (text, phrase);
  g_assert_cmpstr (said, ==, expected);
}

static void
test_translated (void)
{
  check ("nas didn't answer.", "[\"%s didn't answer.\",\"nas\"]", "nas hat nicht geantwortet.");
  check ("It's full.", NULL, "Es ist voll.");
  check ("It's full.", "[\"It's full.\"]", "Es ist voll.");
  check ("-3 of 5 in 0.2 ms (nas)", "[\"%d of %u in %.1f ms (%s)\",-3,5,0.2000001,\"nas\"]", "(nas) 0.2 ms: -3 von 5");
  check ("Failed: It's full.", "[\"Failed: %s\",[\"It's full.\"]]", "Fehlgeschlagen: Es ist voll.");
  check ("Failed: It's full.", "[\"Failed: %s\",\"It's full.\"]", "Fehlgeschlagen: Es ist voll.");
  /* got a full stop on its way */
  check ("Failed: nas.", "[\"Failed: %s\",\"nas\"]", "Fehlgeschlagen: nas");
  g_assert_true (ew_translate_has_catalog ());
}

static void
test_text_instead (void)
{
  check ("Something new: nas", "[\"Something new: %s\",\"nas\"]", "Something new: nas"); /* of a newer daemon's */
  check ("Something new", NULL, "Something new");
  check ("Failed: unknown", "[\"Failed: %s\",[\"unknown\"]]", "Fehlgeschlagen: unknown");
  check ("", NULL, "");
  check ("", "[\"\"]", "");
  check ("Bad translation of x", "[\"Bad translation of %s\",\"x\"]", "Bad translation of x");
  check ("Greedy x", "[\"Greedy %s\",\"x\"]", "Greedy x");
  check ("Another sentence", "[\"%s didn't answer.\",\"nas\"]", "Another sentence"); /* they don't belong together */
}

static void
test_hostile (void)
{
  g_autofree gchar *many = g_strnfill (20000, '[');
  g_autofree gchar *xs = g_strnfill (5000, 'x');
  g_autofree gchar *long_json = g_strdup_printf ("[\"Failed: %%s\",\"%s\"]", xs);
  static const gchar *const phrases[] = { "[",
                                          "{}",
                                          "[]",
                                          "null",
                                          "\"x\"",
                                          "[null]",
                                          "[1,2]",
                                          "[\"Failed: %s\"]",
                                          "[\"Failed: %s\",1]",
                                          "[\"Failed: %s\",null]",
                                          "[\"Failed: %s\",{}]",
                                          "[\"Failed: %s\",[]]",
                                          "[\"Failed: %n\",\"a\"]",
                                          "[\"Failed: %\",\"a\"]",
                                          "[\"Failed: %9$s\",\"a\"]",
                                          "[\"Failed: %0$s\",\"a\"]",
                                          "[\"Failed: %*d\",1]",
                                          "[\"Failed: %s\",1,2,3,4,5,6,7,8,9,10]",
                                          "[\"Failed: %s\",[\"%s\",[\"%s\",[\"%s\",[\"%s\",[\"%s\",\"a\"]]]]]]",
                                          "[\"%d of %u in %.1f ms (%s)\",\"a\",\"b\",\"c\",\"d\"]",
                                          "[\"Failed: %s\",\"\xff\"]" };
  for (gsize i = 0; i < G_N_ELEMENTS (phrases); i++)
    check ("Failed: a", phrases[i], "Failed: a");
  check ("Failed: a", many, "Failed: a");
  check ("Failed: a", long_json, "Failed: a");
  check ("Failed: %n%s%999999d", "[\"Failed: %s\",\"%n%s%999999d\"]", "Fehlgeschlagen: %n%s%999999d");
  check ("Failed: <b>", "[\"Failed: %s\",\"<b>\"]", "Fehlgeschlagen: <b>"); /* markup is escaped where it's shown */
}

/* Each template names its one argument n times: n⁴ conversions, of nothing at the end. */
static void
test_many_conversions (void)
{
  g_autoptr (GString) template = g_string_new (NULL);
  g_autofree gchar *phrase = g_strdup ("\"\"");
  for (guint n = 0; n < 250; n++)
    g_string_append (template, "%1$s");
  for (guint depth = 0; depth < 4; depth++)
    {
      g_autofree gchar *inner = g_steal_pointer (&phrase);
      phrase = g_strdup_printf ("[\"%s\",%s]", template->str, inner);
    }
  check ("Failed: a", phrase, "Failed: a");
}

static void
test_member (void)
{
  g_autoptr (JsonNode) node = json_from_string (
    "{\"message\":\"nas didn't answer.\",\"message_phrase\":[\"%s didn't answer.\",\"nas\"],\"fix\":\"It's full.\","
    "\"odd\":\"Failed: a\",\"odd_phrase\":5,\"number\":7}",
    NULL);
  static const gchar *const expected[][2] = { { "message", "nas hat nicht geantwortet." },
                                              { "fix", "Es ist voll." },
                                              { "odd", "Failed: a" },
                                              { "number", "" },
                                              { "nothing", "" } };
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree gchar *said = ew_translate_member (json_node_get_object (node), expected[i][0]);
      g_assert_cmpstr (said, ==, expected[i][1]);
    }
}

/* The glibc of Debian 13 translates nothing in C.UTF-8: its locale with another name. */
static void
set_locale (const gchar *folder)
{
  g_autofree gchar *locale = g_build_filename (folder, "xx_XX.UTF-8", NULL);
  g_assert_cmpint (symlink ("/usr/lib/locale/C.utf8", locale), ==, 0);
  g_setenv ("LOCPATH", folder, TRUE);
  g_assert_nonnull (setlocale (LC_ALL, "xx_XX.UTF-8"));
  g_remove (locale);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *folder = g_dir_make_tmp ("ew-translate-XXXXXX", NULL);
  g_autofree gchar *place = g_build_filename (folder, "xx", "LC_MESSAGES", NULL);
  g_autofree gchar *path = g_build_filename (place, GETTEXT_PACKAGE ".mo", NULL);
  g_setenv ("LANGUAGE", "xx", TRUE);
  g_test_init (&argc, &argv, NULL);
  set_locale (folder);
  g_assert_cmpint (g_mkdir_with_parents (place, 0700), ==, 0);
  write_catalog (path);
  bindtextdomain (GETTEXT_PACKAGE, folder);
  textdomain (GETTEXT_PACKAGE);
  g_test_add_func ("/translate/translated", test_translated);
  g_test_add_func ("/translate/text-instead", test_text_instead);
  g_test_add_func ("/translate/hostile", test_hostile);
  g_test_add_func ("/translate/many-conversions", test_many_conversions);
  g_test_add_func ("/translate/member", test_member);
  const int status = g_test_run ();
  g_remove (path);
  for (guint i = 0; i < 3; i++)
    {
      g_rmdir (place);
      *strrchr (place, '/') = '\0';
    }
  return status;
}
