/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The API's calls about names: additional ones of nodes, and the search domains of gateways (API.md).
 */
#include "edge/api/api-private.h"

#include "common/util.h"
#include "edge/api/documents.h"
#include "edge/mesh/document.h"
#include "edge/mesh/names.h"
#include "edge/mesh/services.h"

static JsonObject *
domain_object (EwApiCall *call, const EwDomainEntry *entry)
{
  return ew_api_document_domain (call->api->parts.mesh, entry,
                                 ew_feed_is_online (call->api->parts.feed, entry->node_id));
}

/* Sorted by name, as the mesh's names have one order for people and programs. */
static gint
compare_members (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (json_object_get_string_member (*(JsonObject *const *)a, "name"),
                    json_object_get_string_member (*(JsonObject *const *)b, "name"));
}

static JsonArray *
list_names (EwMesh *mesh)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  JsonArray *array = json_array_new ();
  for (const EwNode *node = ew_mesh_next_node (mesh, NULL); node; node = ew_mesh_next_node (mesh, node->id))
    for (gchar **name = node->names; *name; name++)
      g_ptr_array_add (sorted, ew_api_document_name (mesh, *name, node->id));
  g_ptr_array_sort (sorted, compare_members);
  for (guint i = 0; i < sorted->len; i++)
    json_array_add_object_element (array, sorted->pdata[i]);
  return array;
}

static JsonArray *
list_edges (EwMesh *mesh)
{
  JsonArray *array = json_array_new ();
  const gchar *names[] = { EW_MESH_EDGE_NAME, ew_mesh_get_edge (mesh)->name };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      JsonObject *object = json_object_new ();
      if (i > 0 && g_str_equal (names[i], names[0]))
        {
          json_object_unref (object);
          break;
        }
      json_object_set_string_member (object, "name", names[i]);
      ew_mesh_document_set_service (object, "addresses", mesh);
      json_array_add_object_element (array, object);
    }
  return array;
}

static JsonArray *
list_services (EwMesh *mesh)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  JsonArray *array = json_array_new ();
  for (const EwService *service = ew_mesh_next_service (mesh, NULL); service;
       service = ew_mesh_next_service (mesh, service->id))
    {
      JsonObject *object = json_object_new ();
      EwIp addresses[2];
      guint n = ew_mesh_service_addresses (service, addresses);
      json_object_set_string_member (object, "name", service->name);
      ew_mesh_json_set_ips (object, "addresses", addresses, n);
      g_ptr_array_add (sorted, object);
    }
  g_ptr_array_sort (sorted, compare_members);
  for (guint i = 0; i < sorted->len; i++)
    json_array_add_object_element (array, sorted->pdata[i]);
  return array;
}

JsonObject *
ew_api_get_names (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  GPtrArray *entries = ew_mesh_get_domains (mesh);
  JsonObject *answer = json_object_new ();
  JsonArray *domains = json_array_new ();
  for (guint i = 0; i < entries->len; i++)
    json_array_add_object_element (domains, domain_object (call, entries->pdata[i]));
  json_object_set_string_member (answer, "suffix", ew_mesh_get_suffix (mesh));
  json_object_set_array_member (answer, "edges", list_edges (mesh));
  json_object_set_array_member (answer, "names", list_names (mesh));
  json_object_set_array_member (answer, "services", list_services (mesh));
  json_object_set_array_member (answer, "domains", domains);
  return answer;
}

static void
on_domain_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwDomainEntry *entry = ew_mesh_add_domain_finish (mesh, result, &error);
  const EwNode *node = entry ? ew_mesh_get_node (mesh, entry->node_id) : NULL;
  if (entry)
    g_message ("domain %s through %s, asked at %s, was added, by %s", entry->domain, node ? node->name : "?",
               ew_json_string (call->body, "resolver"), call->who);
  call->answer (call, entry ? domain_object (call, entry) : NULL, error);
}

static void
on_name_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwNode *node = ew_mesh_add_name_finish (mesh, result, &error);
  g_autofree gchar *label = ew_mesh_strip_suffix (mesh, ew_json_string (call->body, "name"));
  if (node)
    g_message ("name %s for node %s was added, by %s", label, node->name, call->who);
  call->answer (call, node ? ew_api_document_name (mesh, label, node->id) : NULL, error);
}

JsonObject *
ew_api_post_names (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  const gchar *name, *node_name, *resolver;
  if (!ew_api_need_string (call->body, "name", &name, error)
      || !ew_api_need_string (call->body, "node", &node_name, error)
      || !ew_api_get_string (call->body, "resolver", &resolver, error))
    return NULL;
  const EwNode *node = ew_mesh_find_node (mesh, node_name, error);
  if (node == NULL)
    return NULL;
  call->who = ew_api_caller_name (call);
  if (resolver)
    ew_mesh_add_domain_async (mesh, name, resolver, node->id, on_domain_added, call);
  else
    ew_mesh_add_name_async (mesh, name, node->id, on_name_added, call);
  return NULL;
}

static void
on_name_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  gboolean removed = ew_mesh_remove_name_finish (result, &error);
  g_autofree gchar *label = ew_mesh_strip_suffix (call->api->parts.mesh, call->argument);
  if (removed)
    g_message ("name %s was removed, by %s", label, call->who);
  call->answer (call, removed ? json_object_new () : NULL, error);
}

JsonObject *
ew_api_delete_name (EwApiCall *call, GError **error)
{
  call->who = ew_api_caller_name (call);
  ew_mesh_remove_name_async (call->api->parts.mesh, call->argument, on_name_removed, call);
  return NULL;
}
