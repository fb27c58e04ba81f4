/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "split.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "text.h"

#define NETWORKS_MAX 512 /* as many as the daemon stores */

gboolean
ew_split_is_network (const gchar *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 3);
  const guint n = g_strv_length (parts);
  g_autoptr (GInetAddress) address
    = n > 0 && strchr (parts[0], '%') == NULL ? g_inet_address_new_from_string (parts[0]) : NULL;

  if (address == NULL || n > 2)
    return FALSE;
  return n == 1
         || g_ascii_string_to_unsigned (parts[1], 10, 0, 8 * (guint)g_inet_address_get_native_size (address), NULL,
                                        NULL);
}

static GStrv
read_networks (JsonObject *split, const gchar *member)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array = ew_text_array (split, member);
  const guint n = array != NULL ? MIN (json_array_get_length (array), NETWORKS_MAX) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const gchar *text = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_STRING
                            ? json_node_get_string (element)
                            : NULL;
      if (text != NULL && ew_split_is_network (text))
        g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

EwSplit *
ew_split_parse (const gchar *status)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root = json_parser_load_from_data (parser, status, -1, NULL) ? json_parser_get_root (parser) : NULL;
  JsonNode *member = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                       ? json_object_get_member (json_node_get_object (root), "split")
                       : NULL;
  EwSplit *self;

  if (member == NULL || !JSON_NODE_HOLDS_OBJECT (member))
    return NULL;
  self = g_new0 (EwSplit, 1);
  self->excluded = read_networks (json_node_get_object (member), "excluded");
  self->included = read_networks (json_node_get_object (member), "included");
  self->lan_blocked = g_strcmp0 (ew_text_member (json_node_get_object (root), "lan"), "block") == 0;
  return self;
}

void
ew_split_free (EwSplit *self)
{
  g_strfreev (self->excluded);
  g_strfreev (self->included);
  g_free (self);
}
