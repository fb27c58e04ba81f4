/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/documents.h"

#include <math.h>
#include <string.h>
#include "common/util.h"
#include "edge/mesh-private.h"
#include "edgeway-config.h"

#define PERSISTENT_KEEPALIVE 25 /* seconds; below the 30 s of the shortest NAT mappings */

static void
set_ranges (JsonObject *object, EwMesh *mesh)
{
  const EwRanges *ranges = ew_mesh_get_ranges (mesh);
  gchar v4[EW_PREFIX_STRLEN], v6[EW_PREFIX_STRLEN];
  ew_prefix_format (&ranges->v4, v4);
  ew_prefix_format (&ranges->v6, v6);
  ew_json_set_strv (object, "ranges", (const gchar *const[]){ v4, v6, NULL });
}

/* The edge's own addresses in the mesh. */
static void
set_service (JsonObject *object, const gchar *member, EwMesh *mesh)
{
  EwIp service[2];
  ew_ranges_service (ew_mesh_get_ranges (mesh), service);
  ew_json_set_ips (object, member, service, 2);
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
  json_object_set_array_member (object, "routes", array);
}

static void
set_cidrs (JsonObject *object, const gchar *member, const EwNode *node)
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
  ew_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  if (node->mtu != 0) /* in the node's place in the document, which the mesh's has otherwise */
    json_object_set_int_member (object, "mtu", node->mtu);
  set_cidrs (object, "offers", node);
}

static void
set_shared (JsonObject *object, EwMesh *mesh, const EwNode *except)
{
  json_object_set_string_member (object, "mesh", ew_mesh_get_name (mesh));
  json_object_set_string_member (object, "suffix", ew_mesh_get_suffix (mesh));
  set_ranges (object, mesh);
  set_service (object, "service", mesh);
  json_object_set_int_member (object, "mtu", ew_mesh_get_mtu (mesh));
  json_object_set_boolean_member (object, "trial", ew_mesh_is_trial (mesh));
  json_object_set_boolean_member (object, "exit", ew_mesh_has_exit (mesh));
  set_edges (object, mesh);
  set_routes (object, mesh, except);
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
ew_document_digest_shared (EwMesh *mesh, guint8 out[32])
{
  g_autoptr (JsonObject) object = json_object_new ();
  set_shared (object, mesh, NULL);
  digest_object (object, (const guint8 *)"shared", 6, out);
}

/* A route of the node itself stands in its offers instead of its routes, so the shared part changes every node's
 * document or none. */
EwRevision
ew_document_revision (EwMesh *mesh, const EwNode *node)
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
ew_document_node (EwMesh *mesh, const EwNode *node)
{
  JsonObject *object = json_object_new ();
  json_object_set_int_member (object, "schema", 1);
  json_object_set_int_member (object, "revision", (gint64)ew_document_revision (mesh, node).hash);
  set_own (object, node);
  set_shared (object, mesh, node);
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  return object;
}

gchar *
ew_document_edge_list (EwMesh *mesh)
{
  g_autoptr (GList) ids = g_list_sort (g_hash_table_get_keys (mesh->edges), (GCompareFunc)strcmp);
  g_autoptr (GString) text = g_string_new ("[");
  for (GList *id = ids; id; id = id->next)
    {
      g_autoptr (JsonObject) object = ew_edge_record_to_json (g_hash_table_lookup (mesh->edges, id->data));
      g_autofree gchar *element = ew_json_to_string (object, FALSE);
      g_string_append_printf (text, "%s%s", id == ids ? "" : ",", element);
    }
  g_string_append_c (text, ']');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The map. */

static const gchar *
state_of (const EwNode *node, gboolean online)
{
  if (online)
    return "online";
  return node->joined ? "offline" : "not-joined";
}

static void
set_counters (JsonObject *object, const EwNode *node, const EwSwitchNodeStatus *status)
{
  gint64 last_seen = MAX (node->last_seen_us, status ? status->last_seen_us : 0);
  if (status && status->online && isfinite (status->rtt_ms) && status->rtt_ms >= 0)
    json_object_set_double_member (object, "rtt_ms", status->rtt_ms);
  else
    json_object_set_null_member (object, "rtt_ms");
  ew_json_set_time_or_null (object, "last_seen", last_seen);
  ew_json_set_time_or_null (object, "last_handshake", status ? status->last_handshake_us : 0);
  json_object_set_int_member (object, "rx_bytes", status ? (gint64)status->rx_bytes : 0);
  json_object_set_int_member (object, "tx_bytes", status ? (gint64)status->tx_bytes : 0);
}

/* To the microsecond: nodes enrolled one right after the other keep their order. */
static void
set_created (JsonObject *object, const EwNode *node)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (node->created_us / G_USEC_PER_SEC);
  g_autofree gchar *text = NULL;

  if (node->created_us > 0 && seconds != NULL)
    {
      g_autoptr (GDateTime) time = g_date_time_add (seconds, node->created_us % G_USEC_PER_SEC);
      text = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S.%fZ");
    }
  ew_json_set_string_or_null (object, "created", text);
}

void
ew_document_set_problem (JsonObject *object, const EwSwitchNodeStatus *status, gboolean own)
{
  EwNodeProblem problem = status ? status->problem : EW_NODE_PROBLEM_NONE;

  if (own && problem == EW_NODE_PROBLEM_NONE && status && status->refused)
    problem = EW_NODE_PROBLEM_REFUSED;
  if (!own || problem != EW_NODE_PROBLEM_NONE)
    ew_json_set_string_or_null (object, "problem", ew_node_problem_get_code (problem));
  if (own && status && status->handshake_floor_ns > 0)
    {
      g_autofree gchar *floor = g_strdup_printf ("%" G_GUINT64_FORMAT, status->handshake_floor_ns);
      json_object_set_string_member (object, "handshake_floor", floor);
    }
  if (problem == EW_NODE_PROBLEM_CLOCK_BEHIND)
    json_object_set_int_member (object, "clock_behind_seconds", status->clock_behind_s);
  if (own && status && status->last_seen_us > 0)
    json_object_set_int_member (object, "heard_ms", MAX (0, (g_get_real_time () - status->last_seen_us) / 1000));
}

JsonObject *
ew_document_map_node (EwMesh *mesh, const EwNode *node, const EwSwitchNodeStatus *status)
{
  gboolean online = status && status->online;
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", node->id);
  json_object_set_string_member (object, "name", node->name);
  json_object_set_string_member (object, "kind", node->kind);
  json_object_set_string_member (object, "role", node->role);
  json_object_set_boolean_member (object, "plain", node->plain);
  json_object_set_string_member (object, "state", state_of (node, online));
  json_object_set_boolean_member (object, "online", online);
  ew_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  ew_json_set_string_or_null (object, "edge", online ? ew_mesh_get_edge (mesh)->id : NULL);
  set_created (object, node);
  set_counters (object, node, status);
  set_cidrs (object, "routes", node);
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  ew_json_set_string_or_null (object, "os", node->os);
  ew_json_set_string_or_null (object, "version", node->version);
  ew_document_set_problem (object, status, FALSE);
  json_object_set_boolean_member (object, "self", FALSE);
  return object;
}

JsonObject *
ew_document_counters (const EwNode *node, const EwSwitchNodeStatus *status)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", node->id);
  set_counters (object, node, status);
  return object;
}

JsonObject *
ew_document_map_edge (EwMesh *mesh)
{
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", edge->id);
  json_object_set_string_member (object, "name", edge->name);
  json_object_set_string_member (object, "endpoint", edge->endpoints[0]);
  json_object_set_boolean_member (object, "online", TRUE);
  set_service (object, "addresses", mesh);
  json_object_set_string_member (object, "version", EW_VERSION);
  json_object_set_boolean_member (object, "exit", ew_mesh_has_exit (mesh));
  return object;
}

JsonObject *
ew_document_route (EwMesh *mesh, const EwRouteEntry *route, gboolean online)
{
  const EwNode *node = ew_mesh_get_node (mesh, route->node_id);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "cidr", route->cidr);
  ew_json_set_string_or_null (object, "node", node ? node->name : NULL);
  json_object_set_string_member (object, "node_id", route->node_id);
  json_object_set_boolean_member (object, "online", online);
  return object;
}

JsonObject *
ew_document_plain_config (EwMesh *mesh, const EwNode *node)
{
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  g_autofree gchar *public_key = ew_key_to_base64 (edge->public_key);
  JsonObject *object = json_object_new (), *peer = json_object_new ();
  ew_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  json_object_set_array_member (object, "dns", json_array_new ());
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  json_object_set_string_member (peer, "public_key", public_key);
  json_object_set_string_member (peer, "endpoint", edge->endpoints[0]);
  set_ranges (peer, mesh);
  JsonArray *cidrs = json_array_new ();
  for (guint i = 0; i < ew_mesh_get_routes (mesh)->len; i++)
    json_array_add_string_element (cidrs, ((EwRouteEntry *)ew_mesh_get_routes (mesh)->pdata[i])->cidr);
  json_object_set_array_member (peer, "routes", cidrs);
  json_object_set_int_member (peer, "persistent_keepalive", PERSISTENT_KEEPALIVE);
  json_object_set_object_member (object, "peer", peer);
  return object;
}
