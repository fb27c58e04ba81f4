/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "name-check.h"

#include <glib/gi18n.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */

static const gchar *
rule_broken (const gchar *name)
{
  gsize length = strlen (name);

  if (length == 0)
    return _ ("A name can't be empty.");
  for (const gchar *at = name; *at != '\0'; at++)
    if (g_ascii_isupper (*at))
      return _ ("Use lowercase letters.");
    else if (!g_ascii_isalnum (*at) && *at != '-')
      return _ ("Use only the letters a to z, digits and “-”.");
  if (name[0] == '-' || name[length - 1] == '-')
    return _ ("A name can't begin or end with “-”.");
  return length > LABEL_MAX ? _ ("A name has at most 63 characters.") : NULL;
}

static gboolean
is_edge_name (EwTopology *topology, const gchar *name)
{
  GListModel *edges = ew_topology_get_edges (topology);

  for (guint i = 0; i < g_list_model_get_n_items (edges); i++)
    {
      g_autoptr (EwEdge) edge = g_list_model_get_item (edges, i);
      if (g_strcmp0 (ew_edge_get_name (edge), name) == 0)
        return TRUE;
    }
  return g_strcmp0 (name, "edge") == 0; /* always means the mesh's edge */
}

/* One space of names: nodes, edges, services. */
static gchar *
name_problem (const gchar *name, EwTopology *topology, EwNode *node, EwService *service, gboolean is_node)
{
  const gchar *rule = rule_broken (name);
  EwNode *other;
  EwService *other_service;

  if (rule != NULL)
    return g_strdup (rule);
  other = ew_topology_find_by_any_name (topology, name);
  if (other != NULL && other != node)
    return is_node ? g_strdup_printf (_ ("Another node is called %s."), name)
                   : g_strdup_printf (_ ("A node is called %s."), name);
  other_service = ew_topology_find_service_by_name (topology, name);
  if (other_service != NULL && other_service != service)
    return is_node ? g_strdup_printf (_ ("A service is called %s."), name)
                   : g_strdup_printf (_ ("Another service is called %s."), name);
  return is_edge_name (topology, name) ? g_strdup_printf (_ ("The edge is called %s."), name) : NULL;
}

gchar *
ew_name_problem (const gchar *name, EwTopology *topology, EwNode *node)
{
  return name_problem (name, topology, node, NULL, TRUE);
}

gchar *
ew_service_name_problem (const gchar *name, EwTopology *topology, EwService *service)
{
  return name_problem (name, topology, NULL, service, FALSE);
}
