/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"
#include "common/error.h"
#include "common/json-check.h"
#include "common/phrase.h"

static gboolean
json_acceptable (const gchar *data, gsize length, gsize max, GError **error)
{
  gsize offset;
  if (length > max)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_TOO_LARGE,
                   "This JSON has %." G_GSIZE_FORMAT " bytes; at most %" G_GSIZE_FORMAT " are taken.", length, max);
      return FALSE;
    }
  if (!g_utf8_validate_len (data, length, NULL))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "This JSON isn't valid UTF-8.");
      return FALSE;
    }
  switch (ew_json_check (data, length, &offset))
    {
    case EW_JSON_TOO_DEEP:
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "This JSON is nested deeper than 32 levels.");
      return FALSE;
    case EW_JSON_INVALID:
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "This isn't JSON: byte %" G_GSIZE_FORMAT " doesn't belong there.", offset);
      return FALSE;
    default:
      return TRUE;
    }
}

JsonObject *
ew_json_parse_object (const gchar *data, gsize length, gsize max, GError **error)
{
  if (!json_acceptable (data, length, max, error))
    return NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  if (!json_parser_load_from_data (parser, data, (gssize)length, &local))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "This isn't JSON.");
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "A JSON object was expected, \"{…}\".");
      return NULL;
    }
  return json_node_dup_object (root);
}

/* json-glib escapes U+0000 to U+001F alone. What this escapes occurs only inside strings. */
static gchar *
escape_deceptive (gchar *text)
{
  const gchar *at = text;
  while (*at != '\0' && !ew_is_deceptive (g_utf8_get_char (at)))
    at = g_utf8_next_char (at);
  if (*at == '\0')
    return text;
  GString *escaped = g_string_new_len (text, at - text);
  for (; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);
      if (ew_is_deceptive (character))
        g_string_append_printf (escaped, "\\u%04x", character);
      else
        g_string_append_len (escaped, at, g_utf8_next_char (at) - at);
    }
  ew_free_secret (text);
  return g_string_free (escaped, FALSE);
}

gchar *
ew_json_to_string (JsonObject *object, gboolean pretty)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  return escape_deceptive (json_to_string (node, pretty));
}

static JsonNode *
member_node (JsonObject *object, const gchar *member)
{
  return object != NULL ? json_object_get_member (object, member) : NULL;
}

static JsonNode *
member_value (JsonObject *object, const gchar *member, GType type)
{
  JsonNode *node = member_node (object, member);
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node : NULL;
}

const gchar *
ew_json_string (JsonObject *object, const gchar *member)
{
  JsonNode *node = member_value (object, member, G_TYPE_STRING);
  return node != NULL ? json_node_get_string (node) : NULL;
}

gint64
ew_json_int (JsonObject *object, const gchar *member, gint64 fallback)
{
  JsonNode *node = member_value (object, member, G_TYPE_INT64);
  return node != NULL ? json_node_get_int (node) : fallback;
}

gboolean
ew_json_bool (JsonObject *object, const gchar *member, gboolean fallback)
{
  JsonNode *node = member_value (object, member, G_TYPE_BOOLEAN);
  return node != NULL ? json_node_get_boolean (node) : fallback;
}

JsonArray *
ew_json_array (JsonObject *object, const gchar *member)
{
  JsonNode *node = member_node (object, member);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

JsonObject *
ew_json_object (JsonObject *object, const gchar *member)
{
  JsonNode *node = member_node (object, member);
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

GStrv
ew_json_strv (JsonObject *object, const gchar *member, guint max)
{
  JsonArray *array = ew_json_array (object, member);
  guint n = array != NULL ? json_array_get_length (array) : 0;
  if (array == NULL || n > max)
    return NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
        return NULL;
      g_strv_builder_add (builder, json_node_get_string (node));
    }
  return g_strv_builder_end (builder);
}

void
ew_json_set_strv (JsonObject *object, const gchar *member, const gchar *const *values)
{
  JsonArray *array = json_array_new ();
  for (; values && *values; values++)
    json_array_add_string_element (array, *values);
  json_object_set_array_member (object, member, array);
}

void
ew_json_set_string_or_null (JsonObject *object, const gchar *member, const gchar *value)
{
  if (value)
    json_object_set_string_member (object, member, value);
  else
    json_object_set_null_member (object, member);
}

void
ew_json_set_time_or_null (JsonObject *object, const gchar *member, gint64 realtime_us)
{
  g_autofree gchar *text = realtime_us > 0 ? ew_time_format (realtime_us) : NULL;
  ew_json_set_string_or_null (object, member, text);
}
