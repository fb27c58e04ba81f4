/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* This program again as a child that logs; its stderr is the file, which it takes for the journal if so told. */
static gchar *
logged (const gchar *variable, gboolean journal)
{
  g_autofree gchar *path = NULL;
  gchar *text = NULL;
  struct stat st;
  int fd = g_file_open_tmp ("edgeway-log-XXXXXX", &path, NULL);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_autofree gchar *stream = g_strdup_printf ("%lu:%lu", (gulong)st.st_dev, (gulong)st.st_ino + (journal ? 0 : 1));
  pid_t child = fork ();
  if (child == 0)
    {
      g_setenv ("JOURNAL_STREAM", stream, TRUE);
      if (variable != NULL)
        g_setenv (variable, "1", TRUE);
      dup2 (fd, STDERR_FILENO);
      g_log_set_always_fatal (G_LOG_FATAL_MASK); /* undo what g_test_init() did */
      g_log_set_default_handler (g_log_default_handler, NULL);
      ew_log_init ("tester");
      g_message ("said %d", 1);
      g_warning ("two\nlines\x1b[0m");
      g_debug ("detail");
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  unlink (path);
  close (fd);
  return text;
}

static void
test_terminal (void)
{
  g_autofree gchar *text = logged (NULL, FALSE);
  g_assert_cmpstr (text, ==, "tester: said 1\ntester: warning: two\\nlines\\x1b[0m\n");
}

static void
test_journal (void)
{
  g_autofree gchar *text = logged (NULL, TRUE);
  g_assert_cmpstr (text, ==, "<5>said 1\n<4>two\\nlines\\x1b[0m\n");
}

static void
test_debug (void)
{
  g_autofree gchar *text = logged ("EDGEWAY_DEBUG", TRUE);
  g_assert_true (g_str_has_suffix (text, "<7>detail\n"));
}

/* Where the log is, as a process says it whose stderr is fd. */
static gchar *
find_own (int fd, gboolean journal)
{
  int ends[2];
  gchar text[512] = "";
  struct stat st;
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_assert_cmpint (pipe (ends), ==, 0);
  pid_t child = fork ();
  if (child == 0)
    {
      g_autofree gchar *stream = g_strdup_printf ("%lu:%lu", (gulong)st.st_dev, (gulong)st.st_ino);
      if (journal)
        g_setenv ("JOURNAL_STREAM", stream, TRUE);
      dup2 (fd, STDERR_FILENO);
      ew_log_init ("tester");
      g_autofree gchar *place = ew_log_find_own ();
      _exit (write (ends[1], place, strlen (place)) > 0 ? 0 : 1);
    }
  close (ends[1]);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_cmpint (read (ends[0], text, sizeof text - 1), >, 0);
  close (ends[0]);
  return g_strdup (text);
}

/* What a message suggests works where it's read: without systemd, there is no journal. */
static void
test_place (void)
{
  g_autofree gchar *path = NULL;
  int fd = g_file_open_tmp ("edgeway-log-XXXXXX", &path, NULL), ends[2];
  g_autofree gchar *journal = find_own (fd, TRUE), *file = find_own (fd, FALSE);
  g_autofree gchar *tail = g_strdup_printf ("`sudo tail %s`", path);
  g_assert_cmpint (pipe (ends), ==, 0);
  g_autofree gchar *container = find_own (ends[1], FALSE);
  g_assert_cmpstr (journal, ==, "`journalctl -u tester`");
  g_assert_cmpstr (file, ==, tail);
  g_assert_cmpstr (container, ==, "what tester has written to standard error (in a container: `docker logs`)");
  g_autofree gchar *other = ew_log_find ("edgewayd");
  g_assert_cmpint (g_file_test ("/run/systemd/system", G_FILE_TEST_IS_DIR), ==,
                   g_str_equal (other, "`journalctl -u edgewayd`"));
  g_assert_nonnull (strstr (other, "edgewayd"));
  unlink (path);
  close (fd);
  close (ends[0]);
  close (ends[1]);
}

static void
test_notify (gconstpointer abstract)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-notify-XXXXXX", NULL);
  g_autofree gchar *path
    = abstract ? g_strdup_printf ("@edgeway-notify-%d", getpid ()) : g_build_filename (folder, "socket", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gchar buffer[64] = "";
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (abstract)
    address.sun_path[0] = '\0';
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, (socklen_t)(sizeof address.sun_family + strlen (path))), ==,
                   0);
  ew_notify ("READY=1"); /* no reader: nothing happens */
  g_setenv ("NOTIFY_SOCKET", path, TRUE);
  ew_notify ("READY=1");
  g_unsetenv ("NOTIFY_SOCKET");
  g_assert_cmpint (recv (fd, buffer, sizeof buffer - 1, 0), ==, 7);
  g_assert_cmpstr (buffer, ==, "READY=1");
  g_assert_cmpint (recv (fd, buffer, sizeof buffer - 1, 0), ==, -1);
  close (fd);
  unlink (path);
  rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("EDGEWAY_DEBUG");
  g_unsetenv ("NOTIFY_SOCKET");
  g_test_add_func ("/common/log/terminal", test_terminal);
  g_test_add_func ("/common/log/journal", test_journal);
  g_test_add_func ("/common/log/debug", test_debug);
  g_test_add_func ("/common/log/place", test_place);
  g_test_add_data_func ("/common/notify/path", NULL, test_notify);
  g_test_add_data_func ("/common/notify/abstract", GINT_TO_POINTER (1), test_notify);
  return g_test_run ();
}
