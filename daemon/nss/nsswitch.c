/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/nsswitch.h"

#include <string.h>

#define FULL "edgeway"
#define SHORT "edgeway_short"
#define ACTION "[!UNAVAIL=return]"
#define BLANKS " \t\r\v\f"

/* A word of the line, with the actions that follow it. */
typedef struct
{
  const gchar *name, *name_end, *end;
} Word;

/* Where the services of a line begin, after "hosts:"; NULL: another line. */
static const gchar *
find_services (const gchar *line, const gchar *end)
{
  while (line < end && strchr (BLANKS, *line) != NULL)
    line++;
  return end - line >= 6 && memcmp (line, "hosts:", 6) == 0 ? line + 6 : NULL;
}

static const gchar *
skip_blanks (const gchar *at, const gchar *end)
{
  while (at < end && strchr (BLANKS, *at) != NULL)
    at++;
  return at;
}

/* The next word at or after at. FALSE: there is none. */
static gboolean
next_word (const gchar *at, const gchar *end, Word *word)
{
  at = skip_blanks (at, end);
  if (at == end)
    return FALSE;
  word->name = at;
  while (at < end && *at != '[' && strchr (BLANKS, *at) == NULL)
    at++;
  word->name_end = word->end = at;
  for (at = skip_blanks (at, end); at < end && *at == '['; at = skip_blanks (at, end))
    {
      const gchar *close = memchr (at, ']', (gsize)(end - at));
      word->end = at = close != NULL ? close + 1 : end;
    }
  return TRUE;
}

static gboolean
word_is (const Word *word, const gchar *name)
{
  return (gsize)(word->name_end - word->name) == strlen (name) && memcmp (word->name, name, strlen (name)) == 0;
}

/* An action that isn't closed: glibc makes nothing of such a line, and no more do we. */
static gboolean
is_broken (const gchar *services, const gchar *end)
{
  const gchar *open = g_strrstr_len (services, end - services, "[");

  return open != NULL && memchr (open, ']', (gsize)(end - open)) == NULL;
}

/* Services that ask a network, or that end the look-up of what a network would have to be asked for. */
static gboolean
asks_network (const Word *word)
{
  return word_is (word, "dns") || word_is (word, "resolve") || strncmp (word->name, "mdns", 4) == 0
         || word_is (word, "wins") || word_is (word, "nis") || word_is (word, "nisplus") || word_is (word, "ldap")
         || word_is (word, "sss");
}

/* services…end with our words. */
static void
add_words (GString *out, const gchar *services, const gchar *end)
{
  const gchar *before = NULL, *last = services;
  gboolean full = FALSE, has_short = FALSE;
  Word word = { services, services, services };

  while (next_word (word.end, end, &word))
    {
      full |= word_is (&word, FULL);
      has_short |= word_is (&word, SHORT);
      if (before == NULL && asks_network (&word))
        before = word.name;
      last = word.end;
    }
  if (!full && before != NULL)
    {
      g_string_append_len (out, services, before - services);
      g_string_append (out, FULL " " ACTION " ");
      services = before;
    }
  g_string_append_len (out, services, last - services);
  if (!full && before == NULL)
    g_string_append (out, " " FULL " " ACTION);
  if (!has_short)
    g_string_append (out, " " SHORT);
  g_string_append_len (out, last, end - last);
}

/* … without them, and without the actions that follow them: those would count for the word before. The blanks that we
   put in go along: those after a word in the middle, those before the last ones. */
static void
remove_words (GString *out, const gchar *services, const gchar *end)
{
  const gchar *last = services; /* the end of the last word that stays */
  const gchar *ours = NULL;     /* the first word of ours after it */
  Word word = { services, services, services };

  while (next_word (word.end, end, &word))
    {
      if (word_is (&word, FULL) || word_is (&word, SHORT))
        {
          ours = ours != NULL ? ours : word.name;
          continue;
        }
      g_string_append_len (out, last, (ours != NULL ? ours : word.name) - last);
      g_string_append_len (out, word.name, word.end - word.name);
      last = word.end;
      ours = NULL;
    }
  if (ours == NULL)
    g_string_append_len (out, last, word.end - last);
  g_string_append_len (out, word.end, end - word.end);
}

gchar *
ew_nsswitch_edit (const gchar *text, gsize length, gboolean add, EwNsswitchResult *result)
{
  g_autoptr (GString) out = g_string_sized_new (length + 64);
  gboolean found = FALSE;

  *result = EW_NSSWITCH_STRANGE;
  if (length > EW_NSSWITCH_MAX || (length > 0 && memchr (text, '\0', length) != NULL))
    return NULL;
  for (const gchar *line = text, *stop = text + length; line < stop;)
    {
      const gchar *newline = memchr (line, '\n', (gsize)(stop - line)), *next = newline != NULL ? newline + 1 : stop;
      const gchar *end = newline != NULL ? newline : stop;
      const gchar *comment = memchr (line, '#', (gsize)(end - line));
      const gchar *services = find_services (line, comment != NULL ? comment : end);

      if (comment != NULL)
        end = comment;
      if (services != NULL && add && is_broken (services, end))
        return NULL;
      if (services != NULL)
        {
          found = TRUE;
          g_string_append_len (out, line, services - line);
          (add ? add_words : remove_words) (out, services, end);
          line = end;
        }
      g_string_append_len (out, line, next - line);
      line = next;
    }
  *result = found || !add ? EW_NSSWITCH_SAME : EW_NSSWITCH_NO_LINE;
  if (!found || (out->len == length && memcmp (out->str, text, length) == 0))
    return NULL;
  *result = EW_NSSWITCH_CHANGED;
  return g_string_free (g_steal_pointer (&out), FALSE);
}
