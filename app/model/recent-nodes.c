/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recent-nodes.h"

#include <edgeway-config.h>

#include "node.h"

GSettings *
ew_settings_new (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, EW_APP_ID, TRUE);
  return schema != NULL ? g_settings_new_full (schema, NULL, NULL) : NULL;
}

/* The list without one name, and with another pair in front of it, where one is given. */
static void
store (GSettings *settings, const gchar *without, const gchar *name, const gchar *address)
{
  g_autoptr (GVariant) old = g_settings_get_value (settings, EW_RECENT_NODES_KEY);
  GVariantBuilder list;
  GVariantIter iter;
  const gchar *old_name, *old_address;
  guint n = 0;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(ss)"));
  if (name != NULL && ++n)
    g_variant_builder_add (&list, "(ss)", name, address);
  g_variant_iter_init (&iter, old);
  while (n < EW_RECENT_NODES_MAX && g_variant_iter_next (&iter, "(&s&s)", &old_name, &old_address))
    if (!g_str_equal (old_name, without) && ++n)
      g_variant_builder_add (&list, "(ss)", old_name, old_address);
  g_settings_set_value (settings, EW_RECENT_NODES_KEY, g_variant_builder_end (&list));
}

void
ew_recent_nodes_add (GSettings *settings, const gchar *name, const gchar *address)
{
  if (settings != NULL && name != NULL && *name != '\0' && address != NULL && *address != '\0')
    store (settings, name, name, address);
}

/* Addresses stay a node's own when it's renamed. NULL: no node has this one. Borrowed. */
static const gchar *
find_name (GListModel *nodes, const gchar *address)
{
  for (guint i = 0; i < g_list_model_get_n_items (nodes); i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (nodes, i);
      const gchar *const *addresses = ew_node_get_addresses (node);

      if (addresses != NULL && g_strv_contains (addresses, address))
        return ew_node_get_name (node);
    }
  return NULL;
}

void
ew_recent_nodes_follow (GSettings *settings, GListModel *nodes)
{
  g_autoptr (GVariant) old = NULL, list = NULL;
  GVariantBuilder builder;
  GVariantIter iter;
  const gchar *name, *address;

  if (settings == NULL)
    return;
  old = g_settings_get_value (settings, EW_RECENT_NODES_KEY);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  g_variant_iter_init (&iter, old);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &address))
    {
      const gchar *now = find_name (nodes, address);

      g_variant_builder_add (&builder, "(ss)", now != NULL && *now != '\0' ? now : name, address);
    }
  list = g_variant_ref_sink (g_variant_builder_end (&builder));
  if (!g_variant_equal (list, old)) /* each write is announced to the tray */
    g_settings_set_value (settings, EW_RECENT_NODES_KEY, list);
}

void
ew_recent_nodes_clear (GSettings *settings)
{
  if (settings != NULL)
    g_settings_reset (settings, EW_RECENT_NODES_KEY);
}

gboolean
ew_recent_nodes_get (GSettings *settings, guint index, gchar **name, gchar **address)
{
  g_autoptr (GVariant) list = NULL;

  if (settings == NULL)
    return FALSE;
  list = g_settings_get_value (settings, EW_RECENT_NODES_KEY);
  if (index >= MIN (g_variant_n_children (list), EW_RECENT_NODES_MAX))
    return FALSE;
  g_variant_get_child (list, index, "(ss)", name, address);
  return TRUE;
}
