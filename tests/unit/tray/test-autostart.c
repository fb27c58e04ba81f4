/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray's entry in the autostart folder: there while it was chosen, and never otherwise. Each test has a folder of
 * its own (G_TEST_OPTION_ISOLATE_DIRS).
 */
#include "model/autostart.h"

#include <string.h>

#include <glib/gstdio.h>

static gchar *
entry (void)
{
  return g_build_filename (g_get_user_config_dir (), "autostart", "org.edgeway.Edgeway.Tray.desktop", NULL);
}

static void
test_chosen (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree gchar *path = entry (), *exec = NULL;

  g_assert_false (ew_autostart_get ());
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (ew_autostart_set (TRUE, &error));
  g_assert_no_error (error);
  g_assert_true (ew_autostart_get ());
  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error));
  exec = g_key_file_get_string (file, "Desktop Entry", "Exec", &error);
  g_assert_cmpstr (exec, ==, "edgeway-tray");
  g_assert_true (ew_autostart_set (TRUE, &error)); /* again: as before */
  g_assert_true (ew_autostart_get ());

  g_assert_true (ew_autostart_set (FALSE, &error));
  g_assert_false (ew_autostart_get ());
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (ew_autostart_set (FALSE, &error));
  g_assert_no_error (error);
}

/* Desktops' own tools switch entries off by a key. */
static void
test_switched_off_elsewhere (void)
{
  static const gchar *const keys[] = { "Hidden=true\n", "X-GNOME-Autostart-enabled=false\n" };
  g_autofree gchar *path = entry ();
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree gchar *text = NULL, *more = NULL;

      g_assert_true (ew_autostart_set (TRUE, &error));
      g_assert_true (g_file_get_contents (path, &text, NULL, &error));
      more = g_strconcat (text, keys[i], NULL);
      g_assert_true (g_file_set_contents (path, more, -1, &error));
      g_assert_false (ew_autostart_get ());
      g_assert_true (ew_autostart_set (TRUE, &error)); /* chosen again: as new */
      g_assert_true (ew_autostart_get ());
    }
}

static void
test_refused (void)
{
  g_autofree gchar *path = entry ();
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (g_get_user_config_dir (), 0700), ==, 0);
  g_assert_true (g_file_set_contents (folder, "no folder", -1, NULL)); /* root may do everything but this */
  g_assert_false (ew_autostart_set (TRUE, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, folder));
  g_assert_false (ew_autostart_get ());
  g_assert_cmpint (g_unlink (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/autostart/chosen", test_chosen);
  g_test_add_func ("/autostart/switched-off-elsewhere", test_switched_off_elsewhere);
  g_test_add_func ("/autostart/refused", test_refused);
  return g_test_run ();
}
