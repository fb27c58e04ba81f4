/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Routes: which are refused, and why.
 */
#include "edge/mesh/mesh-private.h"

#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define SHORTEST_V4 8
#define SHORTEST_V6 16

typedef struct
{
  const gchar *cidr, *node_id;
  EwPrefix prefix;
} RouteChange;

/* Ranges that are never routed (daemon/net/README.md). A prefix that reaches into one is refused as a
 * whole. */
static gboolean
check_special (const EwPrefix *prefix, const gchar *text, GError **error)
{
  static const struct
  {
    const gchar *range, *what;
  } special[] = {
    { "0.0.0.0/8", N_ ("\"this network\"") },
    { "127.0.0.0/8", "loopback" },
    { "169.254.0.0/16", "link-local" },
    { "224.0.0.0/4", "multicast" },
    { "240.0.0.0/4", "reserved" },
    { "::/16", N_ ("loopback or reserved") },
    { "fe80::/10", "link-local" },
    { "ff00::/8", "multicast" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    {
      EwPrefix range;
      if (ew_prefix_parse (special[i].range, &range, NULL) && ew_prefix_overlaps (&range, prefix))
        return ew_error_refuse (error, EW_ERROR_ROUTE_INVALID, "%s overlaps %s (%s), which can't be routed.", text,
                                special[i].range, special[i].what);
    }
  return TRUE;
}

static gboolean
check_edges (EwMesh *self, const EwPrefix *prefix, const gchar *text, GError **error)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->edges);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EwEdge *edge = value;
      for (guint i = 0; edge->endpoints[i]; i++)
        {
          EwEndpoint endpoint;
          if (ew_endpoint_parse (edge->endpoints[i], &endpoint) && ew_prefix_contains (prefix, &endpoint.remote))
            return ew_error_refuse (error, EW_ERROR_ROUTE_INVALID,
                                    "%s covers the edge %s itself (%s), so nodes would lose their way to it.", text,
                                    edge->name, edge->endpoints[i]);
        }
    }
  return TRUE;
}

static gboolean
check_ranges (EwMesh *self, const EwPrefix *prefix, const gchar *text, GError **error)
{
  const EwPrefix *ranges[] = { &self->settings.ranges.v4, &self->settings.ranges.v6 };
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (ew_prefix_overlaps (ranges[i], prefix))
      {
        gchar range[EW_PREFIX_STRLEN];
        ew_prefix_format (ranges[i], range);
        return ew_error_refuse (error, EW_ERROR_ROUTE_OVERLAP, "%s overlaps the mesh's own range %s.", text, range);
      }
  return TRUE;
}

static gboolean
parse_cidr (const gchar *cidr, EwPrefix *prefix, gchar text[EW_PREFIX_STRLEN], GError **error)
{
  bool host_bits = false;
  g_autofree gchar *shown = g_strndup (cidr ? cidr : "", 64);
  if (cidr == NULL || !ew_prefix_parse (cidr, prefix, &host_bits))
    return ew_error_refuse (
      error, EW_ERROR_ROUTE_INVALID,
      "\"%s\" isn't a route. Write an address and a prefix length, for example 192.168.1.0/24 or fd00:1::/64.", shown);
  ew_prefix_format (prefix, text);
  if (host_bits)
    return ew_error_refuse (error, EW_ERROR_ROUTE_INVALID, "%s is an address inside a network. Did you mean %s?", shown,
                            text);
  return TRUE;
}

static gboolean
check_route (EwMesh *self, const EwPrefix *prefix, const gchar *text, GError **error)
{
  guint shortest = prefix->ip.family == EW_FAMILY_V4 ? SHORTEST_V4 : SHORTEST_V6;
  if (prefix->length < shortest)
    return ew_error_refuse (
      error, EW_ERROR_ROUTE_INVALID,
      "%s is too wide: a route must be /%u or longer (all traffic goes through the edge by VPN mode, not by a route).",
      text, shortest);
  return check_special (prefix, text, error) && check_ranges (self, prefix, text, error)
         && check_edges (self, prefix, text, error);
}

/* (transfer full); NULL: a damaged record. */
static JsonObject *
parse_entry (const EwStoreEntry *entry)
{
  gsize length;
  const gchar *data = g_bytes_get_data (entry->value, &length);
  return ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
}

/* Addresses of services outside the mesh's ranges. */
static gboolean
check_services (EwMesh *self, const RouteChange *wanted, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, "/services/", error);
  for (guint i = 0; entries && i < entries->len; i++)
    {
      g_autoptr (JsonObject) object = parse_entry (entries->pdata[i]);
      g_autoptr (EwService) service = object ? ew_mesh_service_from_json (object) : NULL;
      for (guint j = 0; service && j < G_N_ELEMENTS (service->addresses); j++)
        if (ew_prefix_contains (&wanted->prefix, &service->addresses[j]))
          {
            gchar text[EW_IP_STRLEN];
            ew_ip_format (&service->addresses[j], text);
            return ew_error_refuse (
              error, EW_ERROR_ROUTE_OVERLAP,
              "%s overlaps the address %s of the service %s. Give that another one with `edgewayctl "
              "service edit %s --address ADDRESS`.",
              wanted->cidr, text, service->name, service->name);
          }
    }
  return entries != NULL;
}

static const gchar *
name_of (EwMesh *self, const gchar *id)
{
  const EwNode *node = ew_mesh_get_node (self, id);
  return node ? node->name : id;
}

/* Against all routes in the store; *present: this node has exactly this route. */
static gboolean
check_others (EwMesh *self, const RouteChange *wanted, gboolean *present, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, "/routes/", error);
  guint of_node = 0;
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      g_autoptr (JsonObject) object = parse_entry (entries->pdata[i]);
      g_autoptr (EwRouteEntry) other = object ? ew_mesh_route_entry_from_json (object) : NULL;
      if (other == NULL)
        continue;
      gboolean own = g_str_equal (other->node_id, wanted->node_id);
      of_node += own;
      *present |= own && ew_prefix_equal (&other->prefix, &wanted->prefix);
      if (!own && ew_prefix_overlaps (&other->prefix, &wanted->prefix))
        return ew_error_refuse (error, EW_ERROR_ROUTE_OVERLAP,
                                "%s overlaps the route %s through %s. Remove that one first.", wanted->cidr,
                                other->cidr, name_of (self, other->node_id));
    }
  if (!*present && (of_node >= EW_MESH_NODE_ROUTES_MAX || entries->len >= EW_MESH_ROUTES_MAX))
    return ew_error_refuse (error, EW_ERROR_ROUTE_INVALID,
                            "A node can have %d routes, and a mesh %d. Combine some into a larger one.",
                            EW_MESH_NODE_ROUTES_MAX, EW_MESH_ROUTES_MAX);
  return TRUE;
}

/* The node is written again unchanged: a removal at the same moment must see the route, and the list of routes as read
   is guarded by a key that every added route changes. */
static gboolean
add_route (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const RouteChange *wanted = data;
  g_autofree gchar *node_key = ew_mesh_node_key ("/nodes/", wanted->node_id);
  g_autofree gchar *key = ew_mesh_node_key ("/routes/", wanted->cidr);
  g_autoptr (JsonObject) node = NULL, settings = NULL;
  gint64 node_revision, settings_revision;
  gboolean present = FALSE;
  if (!ew_mesh_read (self, node_key, &node, &node_revision, error)
      || !ew_mesh_read (self, "/settings", &settings, &settings_revision, error))
    return FALSE;
  if (node == NULL)
    return ew_error_refuse (error, EW_ERROR_NOT_FOUND, "This node is no longer in the mesh.");
  if (!check_others (self, wanted, &present, error) || present)
    return present;
  if (!check_services (self, wanted, error))
    return FALSE;
  JsonObject *route = json_object_new ();
  json_object_set_string_member (route, "cidr", wanted->cidr);
  json_object_set_string_member (route, "node", wanted->node_id);
  ew_mesh_change_expect (change, "/settings", settings_revision);
  ew_mesh_change_expect (change, node_key, node_revision);
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put (change, "/settings", g_steal_pointer (&settings));
  ew_mesh_change_put (change, node_key, g_steal_pointer (&node));
  ew_mesh_change_put (change, key, route);
  return TRUE;
}

gboolean
ew_mesh_check_outside (EwMesh *self, const EwPrefix *prefix, GError **error)
{
  gchar text[EW_PREFIX_STRLEN];
  ew_prefix_format (prefix, text);
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, "/routes/", error);
  if (entries == NULL || !check_special (prefix, text, error) || !check_edges (self, prefix, text, error))
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      g_autoptr (JsonObject) object = parse_entry (entries->pdata[i]);
      g_autoptr (EwRouteEntry) other = object ? ew_mesh_route_entry_from_json (object) : NULL;
      if (other && ew_prefix_overlaps (&other->prefix, prefix))
        return ew_error_refuse (error, EW_ERROR_ROUTE_OVERLAP,
                                "%s is inside the route %s through %s. Choose an address that no route covers.", text,
                                other->cidr, name_of (self, other->node_id));
    }
  return TRUE;
}

static const EwRouteEntry *
find_added (EwMesh *self, const RouteChange *wanted, GError **error)
{
  for (guint i = 0; i < self->routes->len; i++)
    {
      const EwRouteEntry *route = self->routes->pdata[i];
      if (ew_prefix_equal (&route->prefix, &wanted->prefix))
        return route;
    }
  ew_error_refuse (error, EW_ERROR_INTERNAL, "The route was removed again at the same moment.");
  return NULL;
}

static void
route_change_free (gpointer data)
{
  RouteChange *wanted = data;
  g_free ((gpointer)wanted->cidr);
  g_free ((gpointer)wanted->node_id);
  g_free (wanted);
}

static void
change_route_async (EwMesh *self, EwMeshChangeAttempt attempt, const RouteChange *given, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  RouteChange *wanted = g_memdup2 (given, sizeof *given);
  wanted->cidr = g_strdup (given->cidr);
  wanted->node_id = g_strdup (given->node_id);
  ew_mesh_change_async (self, attempt, wanted, route_change_free, callback, user_data);
}

void
ew_mesh_add_route_async (EwMesh *self, const gchar *cidr, const gchar *node_id, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  gchar text[EW_PREFIX_STRLEN];
  RouteChange wanted = { .cidr = text, .node_id = node_id };
  GError *error = NULL;
  if (parse_cidr (cidr, &wanted.prefix, text, &error) && check_route (self, &wanted.prefix, text, &error))
    change_route_async (self, add_route, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

const EwRouteEntry *
ew_mesh_add_route_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const RouteChange *wanted = ew_mesh_change_finish (result, error);
  return wanted ? find_added (self, wanted, error) : NULL;
}

static gboolean
remove_route (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const RouteChange *wanted = data;
  g_autofree gchar *key = ew_mesh_node_key ("/routes/", wanted->cidr);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  if (revision == 0)
    return ew_error_refuse (error, EW_ERROR_NOT_FOUND,
                            "The mesh has no route %s. List its routes with `edgewayctl route list`.", wanted->cidr);
  const gchar *id = ew_json_string (object, "node");
  g_autoptr (EwNode) node = id ? ew_mesh_read_node (self, id, NULL) : NULL;
  if (node && ew_mesh_change_drop_domains (self, change, node, &wanted->prefix))
    ew_mesh_change_put_node (change, node);
  else if (node)
    {
      g_autofree gchar *node_key = ew_mesh_node_key ("/nodes/", node->id);
      ew_mesh_change_expect (change, node_key,
                             node->store_revision); /* no domain that needs the route is added in the meantime */
    }
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_delete (change, key);
  return TRUE;
}

void
ew_mesh_remove_route_async (EwMesh *self, const gchar *cidr, GAsyncReadyCallback callback, gpointer user_data)
{
  gchar text[EW_PREFIX_STRLEN];
  RouteChange wanted = { .cidr = text };
  GError *error = NULL;
  if (parse_cidr (cidr, &wanted.prefix, text, &error))
    change_route_async (self, remove_route, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

gboolean
ew_mesh_remove_route_finish (GAsyncResult *result, GError **error)
{
  return ew_mesh_change_finish (result, error) != NULL;
}
