/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/key-text.h"
#include "common/util.h"

#include <string.h>

#define FOREIGN '.' /* any character that belongs to no key */

static gboolean
is_line_end (gchar c)
{
  return c == '\n' || c == '\r';
}

/* "%5F" of a link and "=5F" of quoted-printable; -1: it is neither. */
static gint
encoded_byte (const gchar *text, gsize left)
{
  if (left < 3 || (text[0] != '%' && text[0] != '='))
    return -1;
  gint high = g_ascii_xdigit_value (text[1]), low = g_ascii_xdigit_value (text[2]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

/* The text as it was before it was sent: quoted-printable (RFC 2045, 6.7) and percent encoding (RFC 3986, 2.1) undone.
   No key has a '%' or '=', so nothing is lost. */
static gchar *
undo_encoding (const gchar *text, gsize *length)
{
  gchar *plain = g_malloc (*length + 1);
  gsize n = 0;
  for (gsize i = 0; i < *length;)
    {
      gint byte = encoded_byte (text + i, *length - i);
      if (byte >= 0)
        {
          plain[n++] = (gchar)byte;
          i += 3;
        }
      else if (text[i] == '=' && i + 1 < *length && is_line_end (text[i + 1]))
        for (i++; i < *length && is_line_end (text[i]); i++)
          ; /* a soft line break is none */
      else
        plain[n++] = text[i++];
    }
  plain[n] = '\0';
  *length = n;
  return plain;
}

/* What is seen as nothing or as a blank, and a backslash, which Markdown puts before "_" and shells before a line end.
 */
static gboolean
is_left_out (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return c == '\\' || g_unichar_iszerowidth (c) || (c >= 0x2500 && c < 0x2580); /* frames drawn by terminals */
    }
}

/* The character at `text`; a byte that isn't UTF-8 (a blank or quotation mark of another encoding) counts as a
   blank. */
static gunichar
next_char (const gchar *text, gsize left, gsize *size)
{
  gunichar c = g_utf8_get_char_validated (text, (gssize)MIN (left, 6));
  *size = 1;
  if (*text == '\0' || c == (gunichar)-1 || c == (gunichar)-2)
    return ' ';
  *size = (gsize)g_unichar_to_utf8 (c, NULL);
  return c == 0x2010 || c == 0x2011 ? '-' : c; /* hyphens of word processors */
}

EwKeyText *
ew_key_text_new (const gchar *text, gsize length)
{
  EwKeyText *self = g_new0 (EwKeyText, 1);
  gsize n = MIN (length, EW_KEY_TEXT_MAX), size;
  gchar *plain = undo_encoding (text, &n);
  gboolean line_begins = TRUE;
  guint line_ends = 0;
  EwKeyBreak before = EW_KEY_BREAK_BLANK;

  self->chars = g_malloc (n + 1);
  self->breaks = g_malloc (n + 1);
  for (gsize i = 0; i < n; i += size)
    {
      gunichar c = next_char (plain + i, n - i, &size);
      gboolean quote_mark = line_begins && (c == '>' || c == '|');
      if (quote_mark || is_left_out (c))
        {
          line_ends += c == '\n';
          line_begins = line_begins || c == '\n' || c == '\r';
          before = line_ends > 1 ? EW_KEY_BREAK_PARAGRAPH : EW_KEY_BREAK_BLANK;
          continue;
        }
      self->breaks[self->length] = (guint8)before;
      self->chars[self->length++] = c < 0x80 && (g_ascii_isalnum (c) || c == '-' || c == '_') ? (gchar)c : FOREIGN;
      line_begins = FALSE;
      line_ends = 0;
      before = EW_KEY_BREAK_NONE;
    }
  self->chars[self->length] = '\0';
  self->breaks[self->length] = EW_KEY_BREAK_PARAGRAPH;
  ew_zero (plain, n);
  g_free (plain);
  return self;
}

void
ew_key_text_free (EwKeyText *text)
{
  ew_free_secret (text->chars);
  g_free (text->breaks);
  g_free (text);
}

gsize
ew_key_text_run (const EwKeyText *text, gsize at, gsize most)
{
  gsize n = 0;
  while (n < most && at + n < text->length && text->chars[at + n] != FOREIGN)
    n++;
  return n;
}
