/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/network-check.h"

#include <glib/gi18n.h>
#include <string.h>

#include "enroll/checks.h"

#define MESH_IPV6_LENGTH 48 /* daemon/edge/mesh/ranges.c: a mesh's IPv6 range */

/* The mesh's IPv6 range is known from its nodes' addresses; its IPv4 range is the same in every mesh. */
static gchar *
check_node (EwNode *node, const gchar *cidr)
{
  const gchar *const *addresses = ew_node_get_addresses (node), *const *routes = ew_node_get_routes (node);

  for (guint i = 0; addresses != NULL && addresses[i] != NULL; i++)
    {
      g_autofree gchar *range = strchr (addresses[i], ':') != NULL ? ew_network_around (addresses[i], MESH_IPV6_LENGTH)
                                                                   : g_strdup_printf ("%s/32", addresses[i]);
      if (range != NULL && ew_networks_overlap (cidr, range))
        return g_strdup_printf (_ ("%s overlaps the mesh's own addresses (%s)."), cidr, range);
    }
  for (guint i = 0; routes != NULL && routes[i] != NULL; i++)
    if (ew_networks_overlap (cidr, routes[i]))
      return g_strdup_printf (_ ("Overlaps with %s (%s)."), ew_node_get_name (node), routes[i]);
  return NULL;
}

gchar *
ew_check_new_network (EwTopology *topology, const gchar *text, gchar **cidr)
{
  gchar *problem = ew_check_network (text, cidr);
  guint n = topology != NULL ? g_list_model_get_n_items (G_LIST_MODEL (topology)) : 0;

  for (guint i = 0; i < n && problem == NULL; i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (topology), i);
      problem = check_node (node, *cidr);
    }
  if (problem != NULL)
    g_clear_pointer (cidr, g_free);
  return problem;
}
