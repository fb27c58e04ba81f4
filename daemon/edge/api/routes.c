/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Routes: /v1/routes.
 */
#include "edge/api/api-private.h"

#include "common/error.h"
#include "common/util.h"
#include "edge/api/documents.h"

static JsonObject *
route_object (EwApiCall *call, const EwRouteEntry *route)
{
  return ew_api_document_route (call->api->parts.mesh, route,
                                ew_feed_is_online (call->api->parts.feed, route->node_id));
}

JsonObject *
ew_api_get_routes (EwApiCall *call, GError **error)
{
  GPtrArray *routes = ew_mesh_get_routes (call->api->parts.mesh);
  JsonObject *answer = json_object_new ();
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < routes->len; i++)
    json_array_add_object_element (array, route_object (call, routes->pdata[i]));
  json_object_set_array_member (answer, "routes", array);
  return answer;
}

static void
on_route_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwRouteEntry *route = ew_mesh_add_route_finish (mesh, result, &error);
  const EwNode *node = route ? ew_mesh_get_node (mesh, route->node_id) : NULL;
  if (route)
    g_message ("route %s through %s was added, by %s", route->cidr, node ? node->name : "?", call->who);
  call->answer (call, route ? route_object (call, route) : NULL, error);
}

JsonObject *
ew_api_post_routes (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  const gchar *cidr, *name;
  if (!ew_api_need_string (call->body, "cidr", &cidr, error) || !ew_api_need_string (call->body, "node", &name, error))
    return NULL;
  const EwNode *node = ew_mesh_find_node (mesh, name, error);
  if (node == NULL)
    return NULL;
  call->who = ew_api_caller_name (call);
  ew_mesh_add_route_async (mesh, cidr, node->id, on_route_added, call);
  return NULL;
}

static void
on_route_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  gboolean removed = ew_mesh_remove_route_finish (result, &error);
  if (removed)
    g_message ("route %s was removed, by %s", call->argument, call->who);
  call->answer (call, removed ? json_object_new () : NULL, error);
}

JsonObject *
ew_api_delete_route (EwApiCall *call, GError **error)
{
  call->who = ew_api_caller_name (call);
  ew_mesh_remove_route_async (call->api->parts.mesh, call->argument, on_route_removed, call);
  return NULL;
}
