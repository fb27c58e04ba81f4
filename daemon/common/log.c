/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a daemon tells its surroundings: lines on stderr, and readiness to a supervisor.
 */
#include "common/phrase.h"
#include "common/util.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const gchar *log_program = "edgeway";
static gboolean log_journal;
static gboolean log_debug;

/* systemd.exec(5), JOURNAL_STREAM: "DEVICE:INODE" of the stream it made. It is inherited by children whose stderr is
   another, so both are compared. */
static gboolean
stderr_is_journal (void)
{
  const gchar *stream = g_getenv ("JOURNAL_STREAM");
  struct stat st;
  if (stream == NULL || fstat (STDERR_FILENO, &st) < 0)
    return FALSE;
  g_autofree gchar *ours
    = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)st.st_dev, (guint64)st.st_ino);
  return strcmp (stream, ours) == 0;
}

/* sd-daemon(3): the kernel's levels. */
static gint
log_priority (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return 3;
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    return 4;
  if (level & G_LOG_LEVEL_MESSAGE)
    return 5;
  return level & G_LOG_LEVEL_INFO ? 6 : 7;
}

static const gchar *
log_word (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return "error: ";
  if (level & G_LOG_LEVEL_CRITICAL)
    return "critical: ";
  if (level & G_LOG_LEVEL_WARNING)
    return "warning: ";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "";
  return level & G_LOG_LEVEL_INFO ? "info: " : "debug: ";
}

/* One record is one line: text from elsewhere must not be able to look like a record of its own. */
static void
append_one_line (GString *line, const gchar *message, gssize length)
{
  gsize n = length < 0 ? strlen (message) : (gsize)length;
  while (n > 0 && message[n - 1] == '\n')
    n--;
  for (gsize i = 0; i < n; i++)
    {
      guchar c = (guchar)message[i];
      if (c == '\n')
        g_string_append (line, "\\n");
      else if ((c < 0x20 && c != '\t') || c == 0x7f)
        g_string_append_printf (line, "\\x%02x", c);
      else
        g_string_append_c (line, (gchar)c);
    }
}

static GLogWriterOutput
log_write (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (!log_debug && (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)))
    return G_LOG_WRITER_HANDLED;
  g_autoptr (GString) line = g_string_sized_new (160);
  if (log_journal)
    g_string_append_printf (line, "<%d>", log_priority (level));
  else
    g_string_append_printf (line, "%s: %s", log_program, log_word (level));
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      append_one_line (line, fields[i].value, fields[i].length);
  g_string_append_c (line, '\n');
  /* One write(2), so that lines of two processes do not mix. If it fails, there is nowhere to report that. */
  gssize written = write (STDERR_FILENO, line->str, line->len);
  return written < 0 ? G_LOG_WRITER_UNHANDLED : G_LOG_WRITER_HANDLED;
}

void
ew_log_init (const gchar *program)
{
  static gsize once;
  log_program = g_intern_string (program);
  log_journal = stderr_is_journal ();
  log_debug = g_strcmp0 (g_getenv ("EDGEWAY_DEBUG"), "1") == 0;
  if (g_once_init_enter (&once))
    {
      g_log_set_writer_func (log_write, NULL, NULL);
      g_once_init_leave (&once, 1);
    }
}

/* Where log files are without systemd, as app/run starts the daemons. */
#define LOG_FOLDER "/var/log/edgeway"

static gchar *
name_journal (const gchar *program)
{
  return g_strdup_printf ("`journalctl -u %s`", program);
}

static gchar *
name_output (const gchar *program)
{
  return ew_phrase ("what %s has written to standard error (in a container: `docker logs`)", program);
}

gchar *
ew_log_find_own (void)
{
  struct stat st;
  if (log_journal)
    return name_journal (log_program);
  g_autofree gchar *file
    = fstat (STDERR_FILENO, &st) == 0 && S_ISREG (st.st_mode) ? g_file_read_link ("/proc/self/fd/2", NULL) : NULL;
  return file != NULL ? g_strdup_printf ("`sudo tail %s`", file) : name_output (log_program);
}

gchar *
ew_log_find (const gchar *program)
{
  if (g_file_test ("/run/systemd/system", G_FILE_TEST_IS_DIR))
    return name_journal (program);
  return g_file_test (LOG_FOLDER, G_FILE_TEST_IS_DIR) ? g_strdup_printf ("`sudo tail " LOG_FOLDER "/%s.log`", program)
                                                      : name_output (program);
}

void
ew_notify (const gchar *state)
{
  const gchar *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = path != NULL ? strlen (path) : 0;
  if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
    return;
  memcpy (address.sun_path, path, length);
  if (path[0] == '@')
    address.sun_path[0] = '\0'; /* the abstract namespace */
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return;
  socklen_t size = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + length);
  if (sendto (fd, state, strlen (state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size) < 0)
    g_debug ("The supervisor didn't accept \"%s\": %s.", state, g_strerror (errno));
  close (fd);
}
