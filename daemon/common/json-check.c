/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 8259, checked without recursion before the parser proper sees a byte: that one recurses with the text's depth,
 * and takes comments, which could hide brackets from a simpler check.
 */
#include "common/json-check.h"

#include <string.h>

#define JSON_DEPTH_MAX 32
#define JSON_NUMBER_MAX 64 /* characters */

typedef struct
{
  const gchar *start, *at, *end;
} Text;

static void
skip_space (Text *text)
{
  while (text->at < text->end && strchr (" \t\r\n", *text->at) != NULL && *text->at != '\0')
    text->at++;
}

static gboolean
take (Text *text, gchar c)
{
  if (text->at == text->end || *text->at != c)
    return FALSE;
  text->at++;
  return TRUE;
}

static gsize
take_digits (Text *text)
{
  const gchar *from = text->at;
  while (text->at < text->end && g_ascii_isdigit (*text->at))
    text->at++;
  return (gsize)(text->at - from);
}

static gboolean
take_word (Text *text, const gchar *word)
{
  gsize n = strlen (word);
  if ((gsize)(text->end - text->at) < n || memcmp (text->at, word, n) != 0)
    return FALSE;
  text->at += n;
  return TRUE;
}

/* Four hex digits after "\u"; -1: anything else. */
static gint
take_unit (Text *text)
{
  gint unit = 0;
  if (text->end - text->at < 4)
    return -1;
  for (guint i = 0; i < 4; i++, text->at++)
    {
      if (!g_ascii_isxdigit (*text->at))
        return -1;
      unit = unit * 16 + g_ascii_xdigit_value (*text->at);
    }
  return unit;
}

/* After the backslash. U+0000 would end a C string early, half a surrogate pair isn't a character. */
static gboolean
take_escape (Text *text)
{
  if (text->at == text->end)
    return FALSE;
  gchar c = *text->at++;
  if (c != 'u')
    return c != '\0' && strchr ("\"\\/bfnrt", c) != NULL;
  gint unit = take_unit (text);
  if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
    return FALSE;
  if (unit < 0xd800 || unit > 0xdbff)
    return TRUE;
  if (!take_word (text, "\\u"))
    return FALSE;
  unit = take_unit (text);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

static gboolean
take_string (Text *text)
{
  if (!take (text, '"'))
    return FALSE;
  while (text->at < text->end)
    {
      guchar c = (guchar)*text->at++;
      if (c == '"')
        return TRUE;
      if (c < 0x20 || (c == '\\' && !take_escape (text)))
        return FALSE;
    }
  return FALSE;
}

/* A whole number must be one that the reader can hold: it would be bent silently otherwise. */
static gboolean
fits_int64 (const gchar *from, gsize length)
{
  gchar copy[JSON_NUMBER_MAX + 1];
  memcpy (copy, from, length);
  copy[length] = '\0';
  return copy[0] == '-' ? g_ascii_string_to_signed (copy, 10, G_MININT64, G_MAXINT64, NULL, NULL)
                        : g_ascii_string_to_unsigned (copy, 10, 0, G_MAXINT64, NULL, NULL);
}

static gboolean
take_number (Text *text)
{
  const gchar *from = text->at;
  gboolean whole = TRUE;
  take (text, '-');
  if (!take (text, '0') && take_digits (text) == 0)
    return FALSE;
  if (take (text, '.'))
    {
      whole = FALSE;
      if (take_digits (text) == 0)
        return FALSE;
    }
  if (take (text, 'e') || take (text, 'E'))
    {
      whole = FALSE;
      if (!take (text, '+'))
        take (text, '-');
      if (take_digits (text) == 0)
        return FALSE;
    }
  gsize length = (gsize)(text->at - from);
  return length <= JSON_NUMBER_MAX && (!whole || fits_int64 (from, length));
}

static gboolean
take_scalar (Text *text)
{
  switch (text->at < text->end ? *text->at : '\0')
    {
    case '"':
      return take_string (text);
    case 't':
      return take_word (text, "true");
    case 'f':
      return take_word (text, "false");
    case 'n':
      return take_word (text, "null");
    default:
      return take_number (text);
    }
}

/* "NAME": */
static gboolean
take_member_name (Text *text)
{
  skip_space (text);
  if (!take_string (text))
    return FALSE;
  skip_space (text);
  return take (text, ':');
}

typedef struct
{
  gchar closer[JSON_DEPTH_MAX]; /* what closes the array or object of each level */
  guint depth;
  gboolean too_deep;
} Nesting;

/* A value's beginning: a scalar, an empty container, or one opened. *complete: the value is over. */
static gboolean
take_value (Text *text, Nesting *nesting, gboolean *complete)
{
  skip_space (text);
  *complete = TRUE;
  gboolean object = take (text, '{');
  if (!object && !take (text, '['))
    return take_scalar (text);
  gchar closer = object ? '}' : ']';
  if (nesting->depth == JSON_DEPTH_MAX)
    {
      nesting->too_deep = TRUE;
      return FALSE;
    }
  skip_space (text);
  if (take (text, closer))
    return TRUE;
  *complete = FALSE;
  nesting->closer[nesting->depth++] = closer;
  return !object || take_member_name (text);
}

/* After a complete value: closes the containers that end here, up to the start of the next value. */
static gboolean
take_rest (Text *text, Nesting *nesting)
{
  while (nesting->depth > 0)
    {
      gchar closer = nesting->closer[nesting->depth - 1];
      skip_space (text);
      if (take (text, closer))
        nesting->depth--;
      else
        return take (text, ',') && (closer == ']' || take_member_name (text));
    }
  return TRUE;
}

EwJsonCheck
ew_json_check (const gchar *data, gsize length, gsize *offset)
{
  const gchar *start = length > 0 ? data : ""; /* an empty GBytes has no data */
  Text text = { start, start, start + length };
  Nesting nesting = { .depth = 0 };
  gboolean complete, ok;
  do
    {
      ok = take_value (&text, &nesting, &complete);
      if (ok && complete)
        ok = take_rest (&text, &nesting);
    }
  while (ok && nesting.depth > 0);
  skip_space (&text);
  *offset = (gsize)(text.at - text.start);
  if (nesting.too_deep)
    return EW_JSON_TOO_DEEP;
  return ok && text.at == text.end ? EW_JSON_VALID : EW_JSON_INVALID;
}
