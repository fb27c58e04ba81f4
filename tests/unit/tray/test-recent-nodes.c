/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The nodes used last: the order, ten at most, renames, and settings that are not installed.
 */
#include "model/node-private.h"
#include "model/recent-nodes.h"

static void
assert_at (GSettings *settings, guint index, const gchar *name, const gchar *address)
{
  g_autofree gchar *there_name = NULL, *there_address = NULL;

  g_assert_true (ew_recent_nodes_get (settings, index, &there_name, &there_address));
  g_assert_cmpstr (there_name, ==, name);
  g_assert_cmpstr (there_address, ==, address);
}

static guint
count (GSettings *settings)
{
  g_autoptr (GVariant) list = g_settings_get_value (settings, EW_RECENT_NODES_KEY);

  return g_variant_n_children (list);
}

static void
test_order (void)
{
  g_autoptr (GSettings) settings = ew_settings_new ();

  g_assert_nonnull (settings);
  ew_recent_nodes_clear (settings);
  ew_recent_nodes_add (settings, "nas", "100.96.0.2");
  ew_recent_nodes_add (settings, "web", "100.96.0.3");
  ew_recent_nodes_add (settings, "nas", "100.96.0.4"); /* it came back with another address */
  g_assert_cmpuint (count (settings), ==, 2);
  assert_at (settings, 0, "nas", "100.96.0.4");
  assert_at (settings, 1, "web", "100.96.0.3");
  ew_recent_nodes_add (settings, "none", "");
  ew_recent_nodes_add (settings, "", "100.96.0.9");
  ew_recent_nodes_add (settings, "none", NULL);
  g_assert_cmpuint (count (settings), ==, 2);

  ew_recent_nodes_clear (settings);
  g_assert_cmpuint (count (settings), ==, 0);
}

static void
test_ten (void)
{
  g_autoptr (GSettings) settings = ew_settings_new ();

  for (guint i = 0; i < 25; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("node-%u", i), *address = g_strdup_printf ("100.96.0.%u", i);

      ew_recent_nodes_add (settings, name, address);
    }
  g_assert_cmpuint (count (settings), ==, EW_RECENT_NODES_MAX);
  assert_at (settings, 0, "node-24", "100.96.0.24");
  assert_at (settings, 9, "node-15", "100.96.0.15");
  g_assert_false (ew_recent_nodes_get (settings, 10, NULL, NULL));
  ew_recent_nodes_clear (settings);
}

static void
add_node (GListStore *nodes, const gchar *id, const gchar *name, const gchar *address)
{
  g_autofree gchar *text
    = g_strdup_printf ("{\"id\":\"%s\",\"name\":\"%s\",\"addresses\":[\"%s\"]}", id, name, address);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  g_autoptr (EwNode) node = ew_node_new (id);

  ew_node_update (node, json_node_get_object (root), 0);
  g_list_store_append (nodes, node);
}

static void
count_change (GSettings *settings, const gchar *key, guint *changes)
{
  ++*changes;
}

/* A rename changes the name alone: order and addresses stay, and so does an unknown node. */
static void
test_renamed (void)
{
  g_autoptr (GSettings) settings = ew_settings_new ();
  g_autoptr (GListStore) nodes = g_list_store_new (EW_TYPE_NODE);
  guint changes = 0;

  ew_recent_nodes_clear (settings);
  ew_recent_nodes_add (settings, "gone", "100.96.0.9");
  ew_recent_nodes_add (settings, "nas", "100.96.0.2");
  ew_recent_nodes_add (settings, "web", "100.96.0.3");
  add_node (nodes, "n1", "web", "100.96.0.2"); /* these two have each other's name now */
  add_node (nodes, "n2", "nas", "100.96.0.3");
  add_node (nodes, "n3", "gone", "100.96.0.4");
  ew_recent_nodes_follow (settings, G_LIST_MODEL (nodes));
  g_assert_cmpuint (count (settings), ==, 3);
  assert_at (settings, 0, "nas", "100.96.0.3");
  assert_at (settings, 1, "web", "100.96.0.2");
  assert_at (settings, 2, "gone", "100.96.0.9");
  g_signal_connect (settings, "changed", G_CALLBACK (count_change), &changes);
  ew_recent_nodes_follow (settings, G_LIST_MODEL (nodes));
  g_assert_cmpuint (changes, ==, 0);
  g_list_store_remove_all (nodes);
  ew_recent_nodes_follow (settings, G_LIST_MODEL (nodes));
  g_assert_cmpuint (changes, ==, 0);
  ew_recent_nodes_clear (settings);
}

static void
test_no_settings (void)
{
  ew_recent_nodes_add (NULL, "nas", "100.96.0.2");
  ew_recent_nodes_clear (NULL);
  g_assert_false (ew_recent_nodes_get (NULL, 0, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recent-nodes/order", test_order);
  g_test_add_func ("/recent-nodes/ten", test_ten);
  g_test_add_func ("/recent-nodes/renamed", test_renamed);
  g_test_add_func ("/recent-nodes/no-settings", test_no_settings);
  return g_test_run ();
}
