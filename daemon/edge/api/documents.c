/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/api/documents.h"

#include <math.h>
#include <netinet/in.h>
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edgeway-config.h"

#define PERSISTENT_KEEPALIVE 25 /* seconds; below the 30 s of the shortest NAT mappings */

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

static const gchar *
transport_of (const EwSwitchNodeStatus *status)
{
  if (status == NULL || !status->online)
    return NULL;
  return status->endpoint.kind == EW_ENDPOINT_STREAM ? "https"
         : status->endpoint.kind == EW_ENDPOINT_UDP  ? "udp"
                                                     : NULL;
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
ew_api_document_set_problem (JsonObject *object, const EwSwitchNodeStatus *status, gboolean own)
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
ew_api_document_map_node (EwMesh *mesh, const EwNode *node, const EwSwitchNodeStatus *status)
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
  ew_mesh_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  ew_json_set_string_or_null (object, "edge", online ? ew_mesh_get_edge (mesh)->id : NULL);
  ew_json_set_string_or_null (object, "transport", transport_of (status));
  set_created (object, node);
  set_counters (object, node, status);
  ew_json_set_strv (object, "names", (const gchar *const *)node->names);
  ew_mesh_document_set_routes_of (object, "routes", node);
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  ew_json_set_string_or_null (object, "os", node->os);
  ew_json_set_string_or_null (object, "version", node->version);
  ew_api_document_set_problem (object, status, FALSE);
  json_object_set_boolean_member (object, "self", FALSE);
  return object;
}

JsonObject *
ew_api_document_counters (const EwNode *node, const EwSwitchNodeStatus *status)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", node->id);
  set_counters (object, node, status);
  return object;
}

JsonObject *
ew_api_document_map_edge (EwMesh *mesh)
{
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", edge->id);
  json_object_set_string_member (object, "name", edge->name);
  json_object_set_string_member (object, "endpoint", edge->endpoints[0]);
  json_object_set_boolean_member (object, "online", TRUE);
  ew_mesh_document_set_service (object, "addresses", mesh);
  json_object_set_string_member (object, "version", EW_VERSION);
  json_object_set_boolean_member (object, "exit", ew_mesh_has_exit (mesh));
  return object;
}

JsonObject *
ew_api_document_route (EwMesh *mesh, const EwRouteEntry *route, gboolean online)
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
ew_api_document_name (EwMesh *mesh, const gchar *name, const gchar *node_id)
{
  const EwNode *node = ew_mesh_get_node (mesh, node_id);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  ew_json_set_string_or_null (object, "node", node ? node->name : NULL);
  json_object_set_string_member (object, "node_id", node_id);
  return object;
}

JsonObject *
ew_api_document_domain (EwMesh *mesh, const EwDomainEntry *entry, gboolean online)
{
  const EwNode *node = ew_mesh_get_node (mesh, entry->node_id);
  JsonObject *object = json_object_new ();
  gchar resolver[EW_IP_STRLEN];
  ew_ip_format (&entry->resolver, resolver);
  json_object_set_string_member (object, "domain", entry->domain);
  json_object_set_string_member (object, "resolver", resolver);
  ew_json_set_string_or_null (object, "node", node ? node->name : NULL);
  json_object_set_string_member (object, "node_id", entry->node_id);
  json_object_set_boolean_member (object, "online", online);
  return object;
}

static JsonArray *
list_ports (const EwService *service)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < service->ports->len; i++)
    {
      const EwServicePort *port = &g_array_index (service->ports, EwServicePort, i);
      g_autofree gchar *text = ew_port_format (port);
      JsonObject *object = json_object_new ();
      json_object_set_string_member (object, "protocol", port->protocol == IPPROTO_UDP ? "udp" : "tcp");
      json_object_set_int_member (object, "from", port->from);
      json_object_set_int_member (object, "to", port->to);
      json_object_set_int_member (object, "target", port->target != 0 ? port->target : port->from);
      json_object_set_string_member (object, "text", text);
      json_array_add_object_element (array, object);
    }
  return array;
}

/* NULL member: a port isn't part of what is asked. */
static void
set_port_or_null (JsonObject *object, const gchar *member, guint16 port)
{
  if (port != 0)
    json_object_set_int_member (object, member, port);
  else
    json_object_set_null_member (object, member);
}

static JsonObject *
service_target (EwMesh *mesh, EwServices *services, const EwService *service, guint index)
{
  const EwServiceTarget *target = service->targets->pdata[index];
  const EwNode *node = ew_mesh_get_node (mesh, target->node_id);
  const EwServicePort *asked = ew_mesh_service_sole_port (service);
  guint16 port = asked ? ew_mesh_target_port (target, asked) : target->port;
  g_autofree gchar *label = ew_mesh_target_label (mesh, target, port);
  JsonObject *object = json_object_new ();
  gchar host[EW_IP_STRLEN];
  EwTargetStatus status;
  ew_services_get_target (services, service, index, &status);
  if (target->host.family != EW_FAMILY_NONE)
    ew_ip_format (&target->host, host);
  ew_json_set_string_or_null (object, "node", node ? node->name : NULL);
  json_object_set_string_member (object, "node_id", target->node_id);
  ew_json_set_string_or_null (object, "host", target->host.family != EW_FAMILY_NONE ? host : NULL);
  set_port_or_null (object, "port", port);
  json_object_set_string_member (object, "label", label);
  json_object_set_string_member (object, "state", ew_services_get_state_name (status.state));
  ew_json_set_time_or_null (object, "since", status.since_us);
  json_object_set_boolean_member (object, "offered", status.offered);
  return object;
}

/* Whether nodes must accept a route to it. */
static gboolean
is_outside (EwMesh *mesh, const EwIp *addresses, guint n)
{
  gboolean outside = FALSE;
  for (guint i = 0; i < n; i++)
    outside |= ew_mesh_is_outside (mesh, &addresses[i]);
  return outside;
}

JsonObject *
ew_api_document_service (EwMesh *mesh, EwServices *services, const EwService *service)
{
  JsonObject *object = json_object_new ();
  JsonArray *targets = json_array_new ();
  EwIp addresses[2];
  guint n = ew_mesh_service_addresses (service, addresses);
  json_object_set_string_member (object, "id", service->id);
  json_object_set_string_member (object, "name", service->name);
  g_autofree gchar *fqdn = g_strdup_printf ("%s.%s", service->name, ew_mesh_get_suffix (mesh));
  json_object_set_string_member (object, "fqdn", fqdn);
  ew_mesh_json_set_ips (object, "addresses", addresses, n);
  json_object_set_boolean_member (object, "outside", is_outside (mesh, addresses, n));
  json_object_set_array_member (object, "ports", list_ports (service));
  for (guint i = 0; i < service->targets->len; i++)
    json_array_add_object_element (targets, service_target (mesh, services, service, i));
  json_object_set_array_member (object, "targets", targets);
  json_object_set_string_member (object, "spread", service->spread ? "spread" : "first");
  json_object_set_string_member (object, "source", service->as_edge ? "edge" : "caller");
  json_object_set_string_member (object, "check", service->watched ? "always" : "auto");
  ew_json_set_time_or_null (object, "created", service->created_us);
  return object;
}

JsonObject *
ew_api_document_plain_config (EwMesh *mesh, const EwNode *node)
{
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  g_autofree gchar *public_key = ew_key_to_base64 (edge->public_key);
  JsonObject *object = json_object_new (), *peer = json_object_new ();
  ew_mesh_json_set_ips (object, "addresses", node->addresses, node->n_addresses);
  ew_mesh_document_set_service (object, "dns", mesh);
  ew_json_set_strv (object, "search", (const gchar *const[]){ ew_mesh_get_suffix (mesh), NULL });
  json_object_set_int_member (object, "mtu", ew_mesh_get_node_mtu (mesh, node));
  json_object_set_string_member (peer, "public_key", public_key);
  json_object_set_string_member (peer, "endpoint", edge->endpoints[0]);
  ew_mesh_document_set_ranges (peer, mesh);
  JsonArray *cidrs = json_array_new ();
  for (guint i = 0; i < ew_mesh_get_routes (mesh)->len; i++)
    json_array_add_string_element (cidrs, ((EwRouteEntry *)ew_mesh_get_routes (mesh)->pdata[i])->cidr);
  ew_mesh_document_add_services (cidrs, mesh);
  json_object_set_array_member (peer, "routes", cidrs);
  json_object_set_int_member (peer, "persistent_keepalive", PERSISTENT_KEEPALIVE);
  json_object_set_object_member (object, "peer", peer);
  return object;
}
