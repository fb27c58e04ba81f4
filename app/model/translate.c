/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "translate.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "text.h"

#define DEPTH_MAX 4
#define ARGUMENTS_MAX 9
#define JSON_MAX 8192 /* bytes of a phrase */
#define TEXT_MAX 4096 /* bytes of a sentence */
/* Of all templates of a sentence: a template may name an argument often, and that one do the same, so that few bytes
   would take hours. */
#define CONVERSIONS_MAX 64

/* A sentence that is being said. */
typedef struct
{
  gboolean translated;
  guint conversions; /* so far */
} Saying;

static gchar *say_phrase (JsonArray *phrase, Saying *saying, guint depth);
static const gchar *look_up (const gchar *template, gboolean constant);

/* A conversion of a template, "%s" or "%2$.1f"; the types are those of the daemon's. */
typedef struct
{
  guint argument; /* 1…; 0: the next */
  gchar type;     /* s, u, d, f or % */
  gsize length;
} Conversion;

/* at: a '%'. FALSE: none that we know. */
static gboolean
read_conversion (const gchar *at, Conversion *conversion)
{
  const gchar *from = at + 1;

  conversion->argument = 0;
  if (g_ascii_isdigit (from[0]) && from[1] == '$')
    {
      conversion->argument = (guint)g_ascii_digit_value (from[0]);
      from += 2;
      if (conversion->argument == 0)
        return FALSE;
    }
  if (g_str_has_prefix (from, ".1f"))
    from += 2;
  else if (*from == '\0' || strchr ("sud%", *from) == NULL)
    return FALSE;
  conversion->type = *from;
  conversion->length = (gsize)(from + 1 - at);
  return TRUE;
}

/* Names have no spaces; a constant sentence, or what the C library calls an error, is translated. */
static gchar *
say_string (const gchar *text, Saying *saying)
{
  const gchar *found = saying->translated && strchr (text, ' ') != NULL ? look_up (text, TRUE) : NULL;

  return g_strdup (found != NULL ? found : text);
}

/* NULL: the argument is of another type. */
static gchar *
say_argument (JsonNode *node, gchar type, Saying *saying, guint depth)
{
  GType held = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  if (type == 's' && held == G_TYPE_STRING)
    return say_string (json_node_get_string (node), saying);
  if (type == 's' && JSON_NODE_HOLDS_ARRAY (node))
    return say_phrase (json_node_get_array (node), saying, depth + 1);
  if (strchr ("ud", type) != NULL && held == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  if (type != 'f' || (held != G_TYPE_DOUBLE && held != G_TYPE_INT64) || !isfinite (json_node_get_double (node)))
    return NULL;
  if (saying->translated)
    return g_strdup_printf ("%.1f", json_node_get_double (node));
  return g_strdup (g_ascii_formatd (number, sizeof number, "%.1f", json_node_get_double (node)));
}

/* Puts the arguments, from the second element of phrase on, into template. NULL: they don't fit. */
static gchar *
fill_template (const gchar *template, JsonArray *phrase, Saying *saying, guint depth)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint next = 1;

  for (const gchar *at = template; *at != '\0';)
    {
      const gsize literal = strcspn (at, "%");
      Conversion conversion;
      g_string_append_len (text, at, (gssize)literal);
      at += literal;
      if (*at == '\0')
        break;
      if (!read_conversion (at, &conversion) || ++saying->conversions > CONVERSIONS_MAX)
        return NULL;
      at += conversion.length;
      if (conversion.type == '%')
        {
          g_string_append_c (text, '%');
          continue;
        }
      const guint index = conversion.argument > 0 ? conversion.argument : next++;
      if (index >= json_array_get_length (phrase))
        return NULL;
      g_autofree gchar *argument
        = say_argument (json_array_get_element (phrase, index), conversion.type, saying, depth);
      if (argument == NULL || text->len + strlen (argument) > TEXT_MAX)
        return NULL;
      g_string_append (text, argument);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* NULL: in no catalog. What has no arguments may be the C library's or GLib's: the name of an error. */
static const gchar *
look_up (const gchar *template, gboolean constant)
{
  static const gchar *const domains[] = { GETTEXT_PACKAGE, "libc", "glib20" };

  for (gsize i = 0; *template != '\0' && i < (constant ? G_N_ELEMENTS (domains) : 1); i++)
    {
      const gchar *found = dgettext (domains[i], template);
      if (found != template && g_utf8_validate (found, -1, NULL))
        return found;
    }
  return NULL;
}

/* NULL: no phrase, or not translated on the top. */
static gchar *
say_phrase (JsonArray *phrase, Saying *saying, guint depth)
{
  const guint length = json_array_get_length (phrase);
  JsonNode *first = length > 0 && length <= ARGUMENTS_MAX + 1 ? json_array_get_element (phrase, 0) : NULL;
  const gchar *template, *found;
  Saying english = { FALSE, saying->conversions };
  gchar *said;

  if (first == NULL || depth > DEPTH_MAX || !JSON_NODE_HOLDS_VALUE (first)
      || json_node_get_value_type (first) != G_TYPE_STRING)
    return NULL;
  template = json_node_get_string (first);
  found = saying->translated ? look_up (template, length == 1) : template;
  if (found != NULL)
    return fill_template (found, phrase, saying, depth);
  said = depth > 1 ? fill_template (template, phrase, &english, depth) : NULL;
  saying->conversions = english.conversions;
  return said;
}

/* The text may have got a full stop. */
static gboolean
belongs_to (const gchar *said, const gchar *text)
{
  const gsize length = said != NULL ? strlen (said) : 0;

  return said != NULL && g_str_has_prefix (text, said) && (text[length] == '\0' || g_str_equal (text + length, "."));
}

static gchar *
translate (const gchar *text, JsonNode *phrase)
{
  const gchar *found;

  if (phrase != NULL && JSON_NODE_HOLDS_ARRAY (phrase))
    {
      JsonArray *array = json_node_get_array (phrase);
      Saying plain = { FALSE, 0 }, foreign = { TRUE, 0 };
      g_autofree gchar *english = say_phrase (array, &plain, 1);
      g_autofree gchar *said = belongs_to (english, text) ? say_phrase (array, &foreign, 1) : NULL;
      if (said != NULL)
        return g_steal_pointer (&said);
    }
  found = strlen (text) <= TEXT_MAX ? look_up (text, FALSE) : NULL;
  return g_strdup (found != NULL ? found : text);
}

gchar *
ew_translate_sentence (const gchar *text, const gchar *phrase)
{
  g_autoptr (JsonNode) node = NULL;

  if (phrase != NULL && *phrase != '\0' && strlen (phrase) <= JSON_MAX)
    node = json_from_string (phrase, NULL);
  return translate (text != NULL ? text : "", node);
}

gchar *
ew_translate_member (JsonObject *object, const gchar *member)
{
  g_autofree gchar *beside = g_strconcat (member, "_phrase", NULL);
  const gchar *text = ew_text_member (object, member);

  return translate (text != NULL ? text : "", json_object_get_member (object, beside));
}

gboolean
ew_translate_has_catalog (void)
{
  return *dgettext (GETTEXT_PACKAGE, "") != '\0';
}
