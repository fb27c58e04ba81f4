/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/document.h"

#include <string.h>
#include "common/util.h"
#include "edge/mesh/mesh-private.h"
#include "edge/mesh/names.h"

void
ew_mesh_document_set_ranges (JsonObject *object, EwMesh *mesh)
{
  const EwRanges *ranges = ew_mesh_get_ranges (mesh);
  gchar v4[EW_PREFIX_STRLEN], v6[EW_PREFIX_STRLEN];
  ew_prefix_format (&ranges->v4, v4);
  ew_prefix_format (&ranges->v6, v6);
  ew_json_set_strv (object, "ranges", (const gchar *const[]){ v4, v6, NULL });
}

void
ew_mesh_document_set_service (JsonObject *object, const gchar *member, EwMesh *mesh)
{
  EwIp service[2];
  ew_mesh_ranges_service (ew_mesh_get_ranges (mesh), service);
  ew_mesh_json_set_ips (object, member, service, 2);
}

static void
set_edges (JsonObject *object, EwMesh *mesh)
{
  const gchar *signature;
  const gchar *list = ew_mesh_get_edge_list (mesh, &signature);
  JsonObject *edges = json_object_new ();
  json_object_set_string_member (edges, "list", list);
  json_object_set_string_member (edges, "signature", signature);
  json_object_set_object_member (object, "edges", edges);
}

/* Routes to the services whose addresses lie outside the mesh's ranges: their packets go to the edge. To a node it's a
   route as others are, refused and accepted by the same rules. */
static void
add_services (EwMesh *mesh, void (*add) (JsonArray *array, const gchar *cidr, const EwService *service, EwMesh *mesh),
              JsonArray *array)
{
  for (const EwService *service = ew_mesh_next_service (mesh, NULL); service;
       service = ew_mesh_next_service (mesh, service->id))
    {
      EwIp addresses[2];
      guint n = ew_mesh_service_addresses (service, addresses);
      for (guint i = 0; i < n; i++)
        {
          EwPrefix prefix = ew_prefix_from_ip (&addresses[i]);
          gchar cidr[EW_PREFIX_STRLEN];
          if (!ew_mesh_is_outside (mesh, &addresses[i]))
            continue;
          ew_prefix_format (&prefix, cidr);
          add (array, cidr, service, mesh);
        }
    }
}

static void
add_object (JsonArray *array, const gchar *cidr, const EwService *service, EwMesh *mesh)
{
  JsonObject *element = json_object_new ();
  json_object_set_string_member (element, "cidr", cidr);
  json_object_set_string_member (element, "node", ew_mesh_get_edge (mesh)->name);
  json_object_set_string_member (element, "service", service->name);
  json_array_add_object_element (array, element);
}

static void
add_text (JsonArray *array, const gchar *cidr, const EwService *service, EwMesh *mesh)
{
  json_array_add_string_element (array, cidr);
}

void
ew_mesh_document_add_services (JsonArray *cidrs, EwMesh *mesh)
{
  add_services (mesh, add_text, cidrs);
}

/* The routes of all nodes but except (NULL: of all). */
static void
set_routes (JsonObject *object, EwMesh *mesh, const EwNode *except)
{
  GPtrArray *routes = ew_mesh_get_routes (mesh);
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < routes->len; i++)
    {
      const EwRouteEntry *route = routes->pdata[i];
      const EwNode *node = ew_mesh_get_node (mesh, route->node_id);
      if (node == NULL || (except && g_str_equal (node->id, except->id)))
        continue;
      JsonObject *element = json_object_new ();
      json_object_set_string_member (element, "cidr", route->cidr);
      json_object_set_string_member (element, "node", node->name);
      json_array_add_object_element (array, element);
    }
  add_services (mesh, add_object, array);
  json_object_set_array_member (object, "routes", array);
}

/* The search domains of all gateways. */
static void
set_domains (JsonObject *object, EwMesh *mesh)
{
  GPtrArray *domains = ew_mesh_get_domains (mesh);
  gchar resolver[EW_IP_STRLEN];
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < domains->len; i++)
    {
      const EwDomainEntry *entry = domains->pdata[i];
      const EwNode *node = ew_mesh_get_node (mesh, entry->node_id);
      if (node == NULL)
        continue;
      JsonObject *element = json_object_new ();
      json_object_set_string_member (element, "domain", entry->domain);
      ew_ip_format (&entry->resolver, resolver);
      json_object_set_string_member (element, "resolver", resolver);
      json_object_set_string_member (element, "node", node->name);
      json_array_add_object_element (array, element);
    }
  json_object_set_array_member (object, "domains", array);
}

void
ew_mesh_document_set_routes_of (JsonObject *object, const gchar *member, const EwNode *node)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < node->routes->len; i++)
    {
      const EwRouteEntry *route = node->routes->pdata[i];
      json_array_add_string_element (array, route->cidr);
    }
  json_object_set_array_member (object, member, array);
}

static void
set_own (JsonObject *object, const EwNode *node)
{
  json_object_set_string_member (object, "id", node->id);
  json_object_set_string_member (object, "name", node->name);
  json_object_set_string_member (object, "kind", node->kind);
  json_object_set_string_member (object, "role", node->role);
  ew_mesh_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  if (node->mtu != 0) /* in the node's place in the document, which the mesh's has otherwise */
    json_object_set_int_member (object, "mtu", node->mtu);
  ew_mesh_document_set_routes_of (object, "offers", node);
}

static void
set_dns (JsonObject *object, EwMesh *mesh)
{
  gboolean forwards;
  if (!ew_mesh_has_dns (mesh, &forwards))
    return;
  JsonObject *dns = json_object_new ();
  json_object_set_boolean_member (dns, "forward", forwards);
  json_object_set_object_member (object, "dns", dns);
}

static void
set_shared (JsonObject *object, EwMesh *mesh, const EwNode *except)
{
  json_object_set_string_member (object, "mesh", ew_mesh_get_name (mesh));
  json_object_set_string_member (object, "suffix", ew_mesh_get_suffix (mesh));
  ew_mesh_document_set_ranges (object, mesh);
  ew_mesh_document_set_service (object, "service", mesh);
  json_object_set_int_member (object, "mtu", ew_mesh_get_mtu (mesh));
  json_object_set_boolean_member (object, "trial", ew_mesh_is_trial (mesh));
  json_object_set_boolean_member (object, "exit", ew_mesh_has_exit (mesh));
  set_edges (object, mesh);
  set_routes (object, mesh, except);
  set_domains (object, mesh);
  set_dns (object, mesh);
}

static void
digest_object (JsonObject *object, const guint8 *prefix, gsize prefix_length, guint8 out[32])
{
  g_autofree gchar *text = ew_json_to_string (object, FALSE);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_append (bytes, prefix, (guint)prefix_length);
  g_byte_array_append (bytes, (const guint8 *)text, (guint)strlen (text));
  ew_sha256 (bytes->data, bytes->len, out);
}

void
ew_mesh_document_digest_shared (EwMesh *mesh, guint8 out[32])
{
  g_autoptr (JsonObject) object = json_object_new ();
  set_shared (object, mesh, NULL);
  digest_object (object, (const guint8 *)"shared", 6, out);
}

/* A node's own route is listed in its offers instead of its routes, so the shared part changes every node's document or
 * none. */
EwRevision
ew_mesh_document_revision (EwMesh *mesh, const EwNode *node)
{
  g_autoptr (JsonObject) object = json_object_new ();
  guint8 digest[32];
  guint64 number;
  set_own (object, node);
  digest_object (object, ew_mesh_get_shared_digest (mesh), 32, digest);
  memcpy (&number, digest, sizeof number);
  number &= (G_GUINT64_CONSTANT (1) << 53) - 1;
  return (EwRevision){ MAX (number, 1) };
}

JsonObject *
ew_mesh_document_node (EwMesh *mesh, const EwNode *node)
{
  JsonObject *object = json_object_new ();
  json_object_set_int_member (object, "schema", 1);
  json_object_set_int_member (object, "revision", (gint64)ew_mesh_document_revision (mesh, node).hash);
  set_own (object, node);
  set_shared (object, mesh, node);
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  return object;
}

gchar *
ew_mesh_document_edge_list (EwMesh *mesh)
{
  g_autoptr (GList) ids = g_list_sort (g_hash_table_get_keys (mesh->edges), (GCompareFunc)strcmp);
  g_autoptr (GString) text = g_string_new ("[");
  for (GList *id = ids; id; id = id->next)
    {
      g_autoptr (JsonObject) object = ew_mesh_edge_to_json (g_hash_table_lookup (mesh->edges, id->data));
      g_autofree gchar *element = ew_json_to_string (object, FALSE);
      g_string_append_printf (text, "%s%s", id == ids ? "" : ",", element);
    }
  g_string_append_c (text, ']');
  return g_string_free (g_steal_pointer (&text), FALSE);
}
