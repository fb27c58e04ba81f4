/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the terminal can show, and text made fit for it. Output that isn't a terminal is plain: no color, no width
 * except COLUMNS.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean utf8;   /* the locale's encoding; otherwise ASCII replaces symbols */
  gboolean colour; /* stdout is a terminal, and NO_COLOR (no-color.org) is not set */
  gboolean is_tty; /* stdout */
  guint width;     /* COLUMNS, else the terminal's, else 80 */
} EwTerminal;

/* Call after setlocale(). */
void ew_terminal_detect (EwTerminal *terminal);

/* The symbol if the locale can show it, otherwise its ASCII replacement. */
#define ew_terminal_sign(terminal, sign, plain) ((terminal)->utf8 ? (sign) : (plain))

/* Text from elsewhere made harmless: control characters, line breaks and escape sequences become '?', so does what the
   locale cannot show. NULL gives "". */
gchar *ew_terminal_clean (const EwTerminal *terminal, const gchar *text);

/* Text in one of these styles if colors are on, otherwise plain. (transfer full) */
typedef enum
{
  EW_STYLE_PLAIN,
  EW_STYLE_BOLD,
  EW_STYLE_DIM,
  EW_STYLE_GOOD,
  EW_STYLE_WARN,
  EW_STYLE_BAD,
  EW_STYLE_SELF,
  EW_STYLE_HUB,
  EW_STYLE_ROUTE,
} EwStyle;
const gchar *ew_style_escape (EwStyle style); /* the SGR sequence; "" for plain */
#define EW_STYLE_RESET "\033[0m"
gchar *ew_terminal_styled (const EwTerminal *terminal, EwStyle style, const gchar *text);

/* Asks on the terminal without echo for text that may have several lines, as a pasted key has. It ends with an empty
   line, or with one after which nothing more comes and `is_cut` (NULL: nothing is) says that it is whole; until then
   `rest` asks for the rest. What was pasted after it is dropped, and never reaches the shell. What was typed before the
   prompt is taken where `is_whole` says so, else it is dropped (NULL: always). NULL where there is no terminal, or nothing
   was given. (transfer full, ew_free_secret) */
gchar *ew_terminal_ask_secret (const gchar *prompt, const gchar *rest, gboolean (*is_cut) (const gchar *text),
                               gboolean (*is_whole) (const gchar *text));

/* Asks on stderr a question that stdin, a terminal, answers: TRUE for a line that begins with y. What was typed or
   pasted before the question answers none. */
gboolean ew_terminal_ask (const gchar *question);

/* If a signal ends the program while the user types a password, the terminal's echo is restored. Once is enough. */
void ew_terminal_restore_on_signals (void);

/* Columns aligned; cells as they are, already cleaned. */
typedef struct _EwTable EwTable;
EwTable *ew_table_new (const gchar *const *headings);         /* NULL-terminated */
void ew_table_add (EwTable *self, const gchar *const *cells); /* as many as headings; copied */
gchar *ew_table_to_string (EwTable *self, const EwTerminal *terminal);
void ew_table_free (EwTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwTable, ew_table_free)

G_END_DECLS
