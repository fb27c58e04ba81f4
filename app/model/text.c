/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <math.h>
#include <string.h>

#define MARKS_MAX 3 /* accents on one letter: no living script writes more */

/* 0: left out. */
static gunichar
fit (gunichar character)
{
  switch (g_unichar_type (character))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return ' ';
    case G_UNICODE_FORMAT: /* directional overrides and isolates, zero width, soft hyphens, tags */
    case G_UNICODE_SURROGATE:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
      return 0;
    default:
      return character;
    }
}

gchar *
ew_text_clean (const gchar *text, guint max_chars)
{
  g_autofree gchar *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *clean = g_string_new (NULL);
  guint n = 0, marks = 0;

  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = fit (g_utf8_get_char (at));
      if (character == 0)
        continue;
      marks = g_unichar_ismark (character) ? marks + 1 : 0;
      if (marks > MARKS_MAX)
        continue;
      if (n++ == max_chars)
        {
          g_string_truncate (clean, (gsize)(g_utf8_offset_to_pointer (clean->str, (glong)max_chars - 1) - clean->str));
          g_string_append (clean, "…");
          break;
        }
      g_string_append_unichar (clean, character);
    }
  return g_strstrip (g_string_free (clean, FALSE));
}

gchar *
ew_text_sentence (const gchar *text, guint max_chars)
{
  static const gchar *const beginnings[]
    = { "a",   "an",    "another", "every", "it",   "no",    "nobody", "nothing", "only", "that",
        "the", "there", "this",    "these", "they", "those", "with",   "you",     "your", NULL };
  g_autofree gchar *clean = ew_text_clean (text, max_chars);
  g_autofree gchar *first = g_strndup (clean, strcspn (clean, " "));

  if (g_strv_contains (beginnings, first))
    clean[0] = g_ascii_toupper (clean[0]);
  if (*clean == '\0' || g_str_has_suffix (clean, "…") || strchr (".?!", clean[strlen (clean) - 1]) != NULL)
    return g_steal_pointer (&clean);
  return g_strconcat (clean, ".", NULL);
}

const gchar *
ew_text_member (JsonObject *object, const gchar *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
           ? json_node_get_string (node)
           : NULL;
}

JsonObject *
ew_text_object (JsonObject *object, const gchar *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
ew_text_array (JsonObject *object, const gchar *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

gboolean
ew_text_bool (JsonObject *object, const gchar *member, gboolean fallback)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN
           ? json_node_get_boolean (node)
           : fallback;
}

gboolean
ew_text_number (JsonObject *object, const gchar *member, gdouble *value)
{
  JsonNode *node = json_object_get_member (object, member);
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return isfinite (*value) && *value >= 0;
}

gint64
ew_text_time (JsonObject *object, const gchar *member)
{
  const gchar *text = ew_text_member (object, member);
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, utc) : NULL;
  gint64 seconds = time != NULL ? g_date_time_to_unix (time) : 0;

  return seconds > 0 ? seconds * G_USEC_PER_SEC + g_date_time_get_microsecond (time) : 0;
}

gint
ew_text_enum (GType type, const gchar *nick, gint fallback)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (type);
  GEnumValue *value = nick != NULL ? g_enum_get_value_by_nick (enum_class, nick) : NULL;

  return value != NULL ? value->value : fallback;
}
