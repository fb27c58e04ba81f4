/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "console/terminal.h"

#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/util.h"

#define SECRET_MAX 65536
#define PASTE_MS 200 /* how long the next line of what was pasted may take, over a slow remote login */
#define COLUMNS_MAX 10000

void
ew_terminal_detect (EwTerminal *terminal)
{
  struct winsize size = { 0 };
  const gchar *no_color = g_getenv ("NO_COLOR"), *term = g_getenv ("TERM"), *columns = g_getenv ("COLUMNS");
  guint64 width;

  terminal->utf8 = g_ascii_strcasecmp (nl_langinfo (CODESET), "UTF-8") == 0;
  terminal->is_tty = isatty (STDOUT_FILENO);
  terminal->colour = terminal->is_tty && (no_color == NULL || *no_color == '\0') && g_strcmp0 (term, "dumb") != 0;
  terminal->width = 80;
  if (columns != NULL && g_ascii_string_to_unsigned (columns, 10, 1, COLUMNS_MAX, &width, NULL))
    terminal->width = (guint)width; /* as ls(1): it also serves a pipe, which has no size */
  else if (terminal->is_tty && ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal->width = size.ws_col;
}

gchar *
ew_terminal_clean (const EwTerminal *terminal, const gchar *text)
{
  GString *clean = g_string_new (NULL);
  const gchar *end;

  for (const gchar *c = text != NULL ? text : ""; *c != '\0'; c = end)
    {
      gunichar character = g_utf8_get_char_validated (c, -1);
      if (character == (gunichar)-1 || character == (gunichar)-2)
        {
          g_string_append_c (clean, '?');
          end = c + 1;
          continue;
        }
      end = g_utf8_next_char (c);
      if (!g_unichar_isprint (character) || (!terminal->utf8 && character > 127))
        g_string_append_c (clean, '?');
      else
        g_string_append_unichar (clean, character);
    }
  return g_string_free (clean, FALSE);
}

const gchar *
ew_style_escape (EwStyle style)
{
  static const gchar *const escapes[] = {
    [EW_STYLE_PLAIN] = "",          [EW_STYLE_BOLD] = "\033[1m",   [EW_STYLE_DIM] = "\033[2m",
    [EW_STYLE_GOOD] = "\033[32m",   [EW_STYLE_WARN] = "\033[33m",  [EW_STYLE_BAD] = "\033[31m",
    [EW_STYLE_SELF] = "\033[1;36m", [EW_STYLE_HUB] = "\033[1;34m", [EW_STYLE_ROUTE] = "\033[35m",
  };
  return escapes[style];
}

gchar *
ew_terminal_styled (const EwTerminal *terminal, EwStyle style, const gchar *text)
{
  return terminal->colour && style != EW_STYLE_PLAIN ? g_strconcat (ew_style_escape (style), text, EW_STYLE_RESET, NULL)
                                                     : g_strdup (text);
}

/* Echo. */

static struct termios terminal_before;
static int terminal_fd = -1;

static void
on_deadly_signal (int number)
{
  if (terminal_fd >= 0)
    tcsetattr (terminal_fd, TCSANOW, &terminal_before); /* async-signal-safe (POSIX.1-2008, 2.4.3) */
  signal (number, SIG_DFL);
  raise (number);
}

void
ew_terminal_restore_on_signals (void)
{
  if (terminal_fd >= 0)
    return;
  terminal_fd = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal_fd < 0)
    return;
  if (tcgetattr (terminal_fd, &terminal_before) != 0)
    {
      close (terminal_fd);
      terminal_fd = -1;
      return;
    }
  signal (SIGINT, on_deadly_signal);
  signal (SIGTERM, on_deadly_signal);
  signal (SIGHUP, on_deadly_signal);
}

static gboolean
more_comes (int fd, int milliseconds)
{
  struct pollfd wanted = { .fd = fd, .events = POLLIN };

  return poll (&wanted, 1, milliseconds) > 0;
}

typedef enum
{
  LINE_GIVEN,
  LINE_EMPTY,
  LINE_NONE, /* end of file */
} Line;

/* Adds a line, with its end. */
static Line
read_line (int fd, gchar *text)
{
  gsize length = strlen (text), before = length;
  gchar c = '\0';

  while (read (fd, &c, 1) == 1 && c != '\n')
    if (length < SECRET_MAX - 1)
      text[length++] = c;
  if (length == before)
    return c == '\n' ? LINE_EMPTY : LINE_NONE;
  text[length] = '\n';
  return LINE_GIVEN;
}

/* What was typed before the prompt, as by a person who pastes a key together with the command that asks for it. FALSE:
   it isn't whole, and is dropped. */
static gboolean
read_ahead (int fd, gchar *text, gboolean (*is_whole) (const gchar *text))
{
  if (!more_comes (fd, 0))
    return FALSE;
  while (read_line (fd, text) != LINE_NONE && more_comes (fd, PASTE_MS))
    ;
  if (is_whole (text))
    return TRUE;
  ew_zero (text, strlen (text));
  return FALSE;
}

gchar *
ew_terminal_ask_secret (const gchar *prompt, const gchar *rest, gboolean (*is_cut) (const gchar *text),
                        gboolean (*is_whole) (const gchar *text))
{
  struct termios quiet;
  gchar *answer;
  gboolean ahead;
  Line line;

  ew_terminal_restore_on_signals ();
  if (terminal_fd < 0)
    return NULL;
  quiet = terminal_before;
  quiet.c_lflag &= ~(tcflag_t)ECHO;
  /* A line pasted in canonical mode is cut at 4095 characters (N_TTY_BUF_SIZE); keys have at most 1 KiB. */
  tcsetattr (terminal_fd, is_whole != NULL ? TCSANOW : TCSAFLUSH, &quiet);
  answer = g_malloc0 (SECRET_MAX + 1);
  ahead = is_whole != NULL && read_ahead (terminal_fd, answer, is_whole);
  dprintf (terminal_fd, "%s", prompt);
  while (!ahead && (line = read_line (terminal_fd, answer)) != LINE_NONE)
    if (!more_comes (terminal_fd, PASTE_MS)) /* an empty line may be in what is pasted */
      {
        if (line == LINE_EMPTY || is_cut == NULL || !is_cut (answer))
          break;
        dprintf (terminal_fd, "\n%s", rest);
      }
  tcsetattr (terminal_fd, TCSAFLUSH, &terminal_before);
  dprintf (terminal_fd, "\n");
  if (*answer == '\0')
    g_clear_pointer (&answer, g_free);
  return answer;
}

gboolean
ew_terminal_ask (const gchar *question)
{
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  gboolean yes;

  clearerr (stdin); /* a key may have come from here, and ended with Ctrl-D */
  tcflush (STDIN_FILENO, TCIFLUSH);
  fflush (stdout);
  fputs (question, stderr);
  length = getline (&line, &size, stdin);
  if (length < 0)
    fputc ('\n', stderr);
  yes = length > 0 && g_ascii_tolower (line[0]) == 'y';
  free (line);
  return yes;
}

/* Tables. */

struct _EwTable
{
  GPtrArray *rows; /* GStrv; the first is the headings */
  guint columns;
};

EwTable *
ew_table_new (const gchar *const *headings)
{
  EwTable *self = g_new0 (EwTable, 1);

  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  self->columns = g_strv_length ((GStrv)headings);
  ew_table_add (self, headings);
  return self;
}

void
ew_table_add (EwTable *self, const gchar *const *cells)
{
  GStrv row = g_new0 (gchar *, self->columns + 1);

  for (guint i = 0; i < self->columns; i++)
    row[i] = g_strdup (cells[i] != NULL ? cells[i] : "");
  g_ptr_array_add (self->rows, row);
}

static glong
column_width (EwTable *self, guint column)
{
  glong width = 0;

  for (guint i = 0; i < self->rows->len; i++)
    width = MAX (width, g_utf8_strlen (((GStrv)g_ptr_array_index (self->rows, i))[column], -1));
  return width;
}

gchar *
ew_table_to_string (EwTable *self, const EwTerminal *terminal)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < self->rows->len; i++)
    {
      GStrv row = g_ptr_array_index (self->rows, i);
      g_autoptr (GString) line = g_string_new (NULL);
      for (guint column = 0; column < self->columns; column++)
        {
          glong missing = column_width (self, column) - g_utf8_strlen (row[column], -1);
          g_string_append (line, row[column]);
          for (glong n = missing + 2; column + 1 < self->columns && n > 0; n--)
            g_string_append_c (line, ' ');
        }
      g_strchomp (line->str);
      g_autofree gchar *styled = ew_terminal_styled (terminal, i == 0 ? EW_STYLE_DIM : EW_STYLE_PLAIN, line->str);
      g_string_append (text, styled);
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

void
ew_table_free (EwTable *self)
{
  g_ptr_array_unref (self->rows);
  g_free (self);
}
