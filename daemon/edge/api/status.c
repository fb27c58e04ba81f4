/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge itself, for its owner: /v1/status.
 */
#include "edge/api/api-private.h"

#include "common/error.h"
#include "common/util.h"

static JsonObject *
count_nodes (EwApiCall *call)
{
  EwMesh *mesh = call->api->parts.mesh;
  JsonObject *counts = json_object_new ();
  guint not_joined = 0;
  for (const EwNode *node = ew_mesh_next_node (mesh, NULL); node; node = ew_mesh_next_node (mesh, node->id))
    not_joined += !node->joined;
  json_object_set_int_member (counts, "total", ew_mesh_count_nodes (mesh));
  json_object_set_int_member (counts, "online", ew_feed_count_online (call->api->parts.feed));
  json_object_set_int_member (counts, "not_joined", not_joined);
  return counts;
}

/* Every reason for which the switch drops packets: "dropped" is their sum. */
static void
set_drops (JsonObject *answer, const EwSwitchStats *stats)
{
  const struct
  {
    const gchar *reason;
    guint64 packets;
  } drops[] = {
    { "policy", stats->dropped_policy },   { "no_route", stats->dropped_no_route },
    { "ttl", stats->dropped_ttl },         { "source", stats->dropped_source },
    { "too_big", stats->dropped_too_big }, { "malformed", stats->dropped_malformed },
  };
  JsonObject *object = json_object_new ();
  guint64 sum = 0;
  for (guint i = 0; i < G_N_ELEMENTS (drops); i++)
    {
      json_object_set_int_member (object, drops[i].reason, (gint64)drops[i].packets);
      sum += drops[i].packets;
    }
  json_object_set_int_member (answer, "dropped", (gint64)sum);
  json_object_set_object_member (answer, "drops", object);
}

static void
set_traffic (JsonObject *answer, EwSwitch *packet_switch)
{
  EwSwitchStats stats;
  ew_switch_get_stats (packet_switch, &stats);
  json_object_set_int_member (answer, "forwarded_packets", (gint64)stats.forwarded_packets);
  json_object_set_int_member (answer, "forwarded_bytes", (gint64)stats.forwarded_bytes);
  json_object_set_int_member (answer, "exit_packets", (gint64)stats.exit_packets);
  set_drops (answer, &stats);
}

static void
set_limits (JsonObject *answer, const EwApiParts *parts)
{
  const gchar *first = ew_switch_get_limits (ew_feed_get_switch (parts->feed));
  g_autofree gchar *second = parts->dup_limits ? parts->dup_limits (parts->limits_data) : NULL;
  g_autofree gchar *both = first && second ? g_strjoin ("; ", first, second, NULL) : NULL;
  ew_json_set_string_or_null (answer, "limits", both ? both : first ? first : second);
}

/* Members as in node documents, and whether it answers at all. */
static void
set_dns (JsonObject *answer, EwMesh *mesh)
{
  JsonObject *dns = json_object_new ();
  gboolean forwards;
  json_object_set_boolean_member (dns, "answers", ew_mesh_has_dns (mesh, &forwards));
  json_object_set_boolean_member (dns, "forward", forwards);
  json_object_set_object_member (answer, "dns", dns);
}

JsonObject *
ew_api_get_status (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  const EwEdge *edge = ew_mesh_get_edge (mesh);
  const EwRanges *ranges = ew_mesh_get_ranges (mesh);
  gchar v4[EW_PREFIX_STRLEN], v6[EW_PREFIX_STRLEN];
  EwIp service[2];
  JsonObject *answer = ew_api_get_mesh (call, error);
  ew_prefix_format (&ranges->v4, v4);
  ew_prefix_format (&ranges->v6, v6);
  ew_mesh_ranges_service (ranges, service);
  json_object_set_string_member (answer, "edge_id", edge->id);
  json_object_set_string_member (answer, "suffix", ew_mesh_get_suffix (mesh));
  json_object_set_string_member (answer, "public", edge->endpoints[0]);
  json_object_set_string_member (answer, "listen", call->api->parts.listen);
  ew_json_set_string_or_null (answer, "build", call->api->parts.build);
  ew_json_set_time_or_null (answer, "since", call->api->started_us);
  json_object_set_boolean_member (answer, "trial", ew_mesh_is_trial (mesh));
  json_object_set_boolean_member (answer, "exit", ew_mesh_has_exit (mesh));
  ew_json_set_strv (answer, "ranges", (const gchar *const[]){ v4, v6, NULL });
  ew_mesh_json_set_ips (answer, "service", service, 2);
  json_object_set_object_member (answer, "nodes", count_nodes (call));
  json_object_set_int_member (answer, "routes", ew_mesh_get_routes (mesh)->len);
  json_object_set_int_member (answer, "viewers", ew_api_viewers_count (call->api->parts.viewers));
  set_dns (answer, mesh);
  json_object_set_object_member (answer, "install", ew_api_get_install (call, NULL));
  set_traffic (answer, ew_feed_get_switch (call->api->parts.feed));
  set_limits (answer, &call->api->parts);
  return answer;
}
