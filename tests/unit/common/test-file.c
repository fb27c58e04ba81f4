/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/util.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  gchar *folder, *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("edgeway-file-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "key", NULL);
}

/* Also checks that only the named file was left there. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->path);
  g_free (f->folder);
}

static guint
mode_of (const gchar *path)
{
  struct stat st;
  g_assert_cmpint (stat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

static void
test_write_and_read (Fixture *f, gconstpointer data)
{
  g_autofree gchar *text = NULL;
  gsize length = 0;
  g_assert_true (ew_file_write_atomic (f->path, "first", -1, 0600, NULL));
  g_assert_cmpuint (mode_of (f->path), ==, 0600);
  g_assert_true (ew_file_write_atomic (f->path, "a\0b", 3, 0644, NULL));
  g_assert_cmpuint (mode_of (f->path), ==, 0644);
  g_assert_true (ew_file_read (f->path, 3, &text, &length, NULL));
  g_assert_cmpmem (text, length, "a\0b", 3);
  g_assert_cmpint (text[3], ==, '\0');
}

static void
test_write_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL, other = NULL;
  g_autofree gchar *text = NULL, *missing = g_build_filename (f->folder, "no", "key", NULL);
  g_assert_false (ew_file_write_atomic (missing, "x", -1, 0600, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, missing));
  /* The old one stays: it cannot be replaced where a folder is in the way, and the temporary file is removed again. */
  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  g_assert_false (ew_file_write_atomic (f->path, "x", -1, 0600, &other));
  g_assert_cmpint (g_rmdir (f->path), ==, 0);
}

static void
test_read_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL, other = NULL, third = NULL;
  gchar *text = NULL;
  g_assert_false (ew_file_read (f->path, 10, &text, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (ew_file_write_atomic (f->path, "12345", -1, 0600, NULL));
  g_assert_false (ew_file_read (f->path, 4, &text, NULL, &other));
  g_assert_error (other, EW_ERROR, EW_ERROR_TOO_LARGE);
  g_assert_false (ew_file_read (f->folder, 4, &text, NULL, &third));
  g_assert_error (third, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_assert_null (text);
}

/* Files that do not report their size. */
static void
test_read_proc (Fixture *f, gconstpointer data)
{
  g_autofree gchar *text = NULL;
  gsize length = 0;
  g_assert_true (ew_file_read ("/proc/self/status", 65536, &text, &length, NULL));
  g_assert_cmpuint (length, >, 100);
}

static void
test_state_dir (Fixture *f, gconstpointer data)
{
  g_autofree gchar *state = g_build_filename (f->path, "state", NULL), *slash = g_strconcat (state, "/", NULL);
  g_autofree gchar *file = g_build_filename (state, "file", NULL);
  g_autoptr (GError) error = NULL, other = NULL, third = NULL;
  g_assert_true (ew_state_dir_prepare (slash, NULL));
  g_assert_cmpuint (mode_of (state), ==, 0700);
  g_assert_true (ew_state_dir_prepare (state, NULL));
  g_assert_cmpint (g_chmod (state, 0755), ==, 0); /* empty: made private */
  g_assert_true (ew_state_dir_prepare (state, NULL));
  g_assert_cmpuint (mode_of (state), ==, 0700);
  g_assert_true (ew_file_write_atomic (file, "x", -1, 0600, NULL));
  g_assert_cmpint (g_chmod (state, 0755), ==, 0); /* another program's: left alone */
  g_assert_false (ew_state_dir_prepare (state, &error));
  g_assert_nonnull (strstr (error->message, "chmod 0700"));
  g_assert_cmpuint (mode_of (state), ==, 0755);
  g_assert_false (ew_state_dir_prepare (file, &other));
  if (geteuid () == 0)
    {
      g_assert_cmpint (chown (state, 12345, 12345), ==, 0);
      g_assert_false (ew_state_dir_prepare (state, &third));
      g_assert_error (third, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
    }
  g_unlink (file);
  g_rmdir (state);
  g_rmdir (f->path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/common/file/write-and-read", Fixture, NULL, set_up, test_write_and_read, tear_down);
  g_test_add ("/common/file/write-fails", Fixture, NULL, set_up, test_write_fails, tear_down);
  g_test_add ("/common/file/read-refused", Fixture, NULL, set_up, test_read_refused, tear_down);
  g_test_add ("/common/file/read-proc", Fixture, NULL, set_up, test_read_proc, tear_down);
  g_test_add ("/common/file/state-dir", Fixture, NULL, set_up, test_state_dir, tear_down);
  return g_test_run ();
}
