/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/hosts-file.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

/* In pieces of every size, as read(2) may give them. */
static gboolean
has (const gchar *text, const gchar *name)
{
  gsize length = strlen (text);
  gint first = -1;

  for (gsize size = 1; size <= length + 1; size++)
    {
      EwHostsScan scan = { .name = name };
      for (gsize at = 0; at < length; at += size)
        ew_names_hosts_scan (&scan, text + at, MIN (size, length - at));
      ew_names_hosts_scan (&scan, "\n", 1);
      g_assert_true (first < 0 || first == scan.found);
      first = scan.found;
    }
  return first > 0;
}

static void
test_lines (void)
{
  g_autofree gchar *long_word = g_strnfill (5000, 'n');
  g_autofree gchar *long_line = g_strconcat ("10.0.0.1 ", long_word, " nas\n", NULL);
  g_autofree gchar *no_address = g_strconcat (long_word, " nas\n", NULL);

  g_assert_true (has ("127.0.0.1 nas", "nas"));
  g_assert_true (has ("\n \t::1\tone  NAS#two\r\n", "nas"));
  g_assert_true (has ("# 10.0.0.1 x\n10.0.0.1 x nas\n", "nas"));
  g_assert_true (has (long_line, "nas"));
  g_assert_false (has (no_address, "nas"));
  g_assert_false (has (long_line, "n"));
  g_assert_false (has ("", "nas"));
  g_assert_false (has ("10.0.0.1 nas2 na nas.lan\n", "nas"));
  g_assert_false (has ("#10.0.0.1 nas\n10.0.0.1 # nas\n10.0.0.1\nnas\n", "nas"));
  g_assert_false (has ("300.0.0.1 nas\nnas nas\nfe80::1%eth0 nas\n", "nas"));
}

static void
test_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *folder = g_dir_make_tmp ("hosts-XXXXXX", &error);
  g_autofree gchar *path = g_build_filename (folder, "hosts", NULL);
  g_autofree gchar *large = g_strnfill (EW_HOSTS_MAX, '\n');

  g_assert_no_error (error);
  g_assert_false (ew_names_hosts_has (path, "nas"));
  g_assert_false (ew_names_hosts_has ("/dev/zero", "nas"));
  g_assert_true (g_file_set_contents (path, "10.0.0.1 nas", -1, NULL));
  g_assert_true (ew_names_hosts_has (path, "Nas"));
  g_assert_false (ew_names_hosts_has (path, "tower"));
  g_assert_true (g_file_set_contents (path, large, EW_HOSTS_MAX, NULL));
  g_assert_true (ew_names_hosts_has (path, "tower"));
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nss/hosts/lines", test_lines);
  g_test_add_func ("/nss/hosts/files", test_files);
  return g_test_run ();
}
