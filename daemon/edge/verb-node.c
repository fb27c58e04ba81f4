/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * node list, show, remove: for the owner of an edge whose administrators are out of reach.
 */
#include <stdio.h>
#include "common/util.h"
#include "console/listing.h"
#include "edge/verbs.h"

#define PAGES_MAX 100 /* of 1000 nodes: no edge has more */

/* Moves a page's nodes to all. The path of the next page, (transfer full); NULL: it was the last. */
static gchar *
take_page (JsonArray *all, JsonObject *page)
{
  JsonArray *nodes = ew_json_array (page, "nodes");
  guint n = nodes ? json_array_get_length (nodes) : 0;
  for (guint i = 0; i < n; i++)
    json_array_add_element (all, json_array_dup_element (nodes, i));
  JsonNode *last = n > 0 ? json_array_get_element (nodes, n - 1) : NULL;
  const gchar *id = last && JSON_NODE_HOLDS_OBJECT (last) ? ew_json_string (json_node_get_object (last), "id") : NULL;
  return id && ew_json_bool (page, "more", FALSE) ? ew_control_path ("/v1/nodes?after=", id) : NULL;
}

/* All nodes as {"schema", "nodes"}; NULL: reported on stderr. */
static JsonObject *
fetch_nodes (const EwControl *control, gint *exit_code)
{
  g_autoptr (JsonObject) answer = json_object_new ();
  JsonArray *all = json_array_new ();
  g_autofree gchar *path = g_strdup ("/v1/nodes");
  json_object_set_int_member (answer, "schema", 1);
  json_object_set_array_member (answer, "nodes", all);
  for (guint i = 0; path && i < PAGES_MAX; i++)
    {
      g_autoptr (JsonObject) page = ew_control_call (control, "GET", path, NULL, exit_code);
      if (page == NULL)
        return NULL;
      g_free (path);
      path = take_page (all, page);
    }
  return g_steal_pointer (&answer);
}

gint
ew_control_node_list (const EwControl *control)
{
  gint exit_code = EW_EXIT_FAILED;
  g_autoptr (JsonObject) answer = fetch_nodes (control, &exit_code);
  if (answer == NULL)
    return exit_code;
  g_autofree gchar *text = control->json ? NULL : ew_listing_nodes (&control->terminal, answer);
  if (text)
    printf ("%s", text);
  else
    ew_control_print_json (answer);
  return EW_EXIT_DONE;
}

/* What that node's edge is called, where it is this one. (transfer full) */
static gchar *
find_edge_name (const EwControl *control, JsonObject *node)
{
  const gchar *id = ew_json_string (node, "edge");
  gint exit_code;
  g_autoptr (JsonObject) status = id ? ew_control_call (control, "GET", "/v1/status", NULL, &exit_code) : NULL;
  return status && g_strcmp0 (ew_json_string (status, "edge_id"), id) == 0 ? g_strdup (ew_json_string (status, "edge"))
                                                                           : NULL;
}

gint
ew_control_node_show (const EwControl *control)
{
  g_autofree gchar *path = ew_control_path ("/v1/nodes/", control->argument);
  gint exit_code;
  g_autoptr (JsonObject) node = ew_control_call (control, "GET", path, NULL, &exit_code);
  if (node == NULL)
    return exit_code;
  if (control->json)
    {
      ew_control_print_json (node);
      return EW_EXIT_DONE;
    }
  g_autofree gchar *edge = find_edge_name (control, node);
  g_autofree gchar *text = ew_listing_node (&control->terminal, node, edge);
  printf ("%s", text);
  return EW_EXIT_DONE;
}

gint
ew_control_node_remove (const EwControl *control)
{
  g_autofree gchar *path = ew_control_path ("/v1/nodes/", control->argument);
  g_autofree gchar *name = ew_terminal_clean (&control->terminal, control->argument);
  gint exit_code;
  g_autoptr (JsonObject) answer = ew_control_call (control, "DELETE", path, NULL, &exit_code);
  if (answer == NULL)
    return exit_code;
  printf ("%s has been removed from the mesh, with the unused enrollment keys and phone configurations that it made.\n",
          name);
  return EW_EXIT_DONE;
}
