/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/nsswitch.h"

#include <string.h>

#define FULL "edgeway"
#define SHORT "edgeway_short"
#define ACTION "[!UNAVAIL=return]"
/* "It doesn't exist" continues to Edgeway's last word, and from there no further unless the mesh knows it. */
#define ENDS ACTION
#define GOES_ON "[!UNAVAIL=return NOTFOUND=continue]"
#define ENDS_AFTER_OURS SHORT " [NOTFOUND=return]"
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

/* The next word at or after at. FALSE: it doesn't exist. */
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

/* An action that isn't closed: glibc ignores such a line, and so does this code. */
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
  return word_is (word, "dns") || word_is (word, "resolve")
         || (word->name_end - word->name >= 4 && memcmp (word->name, "mdns", 4) == 0) || word_is (word, "wins")
         || word_is (word, "nis") || word_is (word, "nisplus") || word_is (word, "ldap") || word_is (word, "sss");
}

/* A name server's word with those actions, to the letter. */
static gboolean
is_server_with (const Word *word, const gchar *actions)
{
  const gchar *at = skip_blanks (word->name_end, word->end);
  const gsize length = strlen (actions);

  return (word_is (word, "dns") || word_is (word, "resolve")) && (gsize)(word->end - at) == length
         && memcmp (at, actions, length) == 0;
}

/* A word that stays, with what is before it from at on; its actions are those of `with` in place of `without`. */
static void
append_word (GString *out, const gchar *at, const Word *word, const gchar *without, const gchar *with)
{
  const gchar *end = is_server_with (word, without) ? word->end - strlen (without) : word->end;

  g_string_append_len (out, at, end - at);
  if (end < word->end)
    g_string_append (out, with);
}

/* services…end with Edgeway's words. */
static void
add_words (GString *out, const gchar *services, const gchar *end)
{
  const gchar *last = services;
  gboolean full = FALSE, has_short = FALSE;
  Word word = { services, services, services };

  while (next_word (word.end, end, &word))
    full |= word_is (&word, FULL);
  for (word.end = services; next_word (word.end, end, &word); last = word.end)
    {
      if (!full && asks_network (&word))
        {
          g_string_append_len (out, last, word.name - last);
          g_string_append (out, FULL " " ACTION " ");
          last = word.name;
          full = TRUE;
        }
      append_word (out, last, &word, ENDS, GOES_ON " " ENDS_AFTER_OURS);
      has_short = word_is (&word, SHORT) && word.name_end == word.end;
    }
  if (!full)
    g_string_append (out, " " FULL " " ACTION);
  if (!has_short)
    g_string_append (out, " " SHORT);
  g_string_append_len (out, last, end - last);
}

/* … without them, and without the actions that follow them: those would count for the word before. The blanks that
   Edgeway added are removed with it: those after a word in the middle, those before the last ones and those after a
   name server's. */
static void
remove_words (GString *out, const gchar *services, const gchar *end)
{
  const gchar *last = services; /* the end of the last word that stays */
  const gchar *ours = NULL;     /* the first of Edgeway's words after it */
  gboolean changed = FALSE;     /* Edgeway changed its actions */
  Word word = { services, services, services };

  while (next_word (word.end, end, &word))
    {
      if (word_is (&word, FULL) || word_is (&word, SHORT))
        {
          if (changed)
            last = word.end;
          else if (ours == NULL)
            ours = word.name;
          changed = FALSE;
          continue;
        }
      if (ours != NULL)
        g_string_append_len (out, last, ours - last);
      append_word (out, ours != NULL ? word.name : last, &word, GOES_ON, ENDS);
      changed = is_server_with (&word, GOES_ON);
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
