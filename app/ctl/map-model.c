/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map-model.h"

#include "common/util.h"
#include "console/format.h"
#include "services.h"

#define LIST_MAX 256

static void
service_free (gpointer data)
{
  EwMapService *service = data;

  g_free (service->name);
  g_free (service->ports);
  g_free (service);
}

static void
node_free (gpointer data)
{
  EwMapNode *node = data;

  g_free (node->id);
  g_free (node->name);
  g_ptr_array_unref (node->services);
  g_free (node->kind);
  g_free (node->edge);
  g_free (node->problem);
  g_strfreev (node->addresses);
  g_strfreev (node->routes);
  g_free (node);
}

static void
edge_free (gpointer data)
{
  EwMapEdge *edge = data;

  g_free (edge->id);
  g_free (edge->name);
  g_free (edge->endpoint);
  g_free (edge);
}

static GStrv
clean_list (const EwTerminal *terminal, JsonObject *json, const gchar *member)
{
  GStrv list = ew_json_strv (json, member, LIST_MAX);

  if (list == NULL)
    return g_new0 (gchar *, 1);
  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autofree gchar *raw = list[i];
      list[i] = ew_terminal_clean (terminal, raw);
    }
  return list;
}

static EwMapNodeState
parse_state (JsonObject *json)
{
  const gchar *state = ew_json_string (json, "state");

  if (g_strcmp0 (state, "not-joined") == 0)
    return EW_MAP_NODE_NOT_JOINED;
  if (g_strcmp0 (state, "awaiting-approval") == 0)
    return EW_MAP_NODE_AWAITING_APPROVAL;
  if (g_strcmp0 (state, "online") == 0 || (state == NULL && ew_json_bool (json, "online", FALSE)))
    return EW_MAP_NODE_ONLINE;
  return EW_MAP_NODE_OFFLINE;
}

static EwMapNode *
parse_node (JsonObject *json, const EwTerminal *terminal)
{
  EwMapNode *node = g_new0 (EwMapNode, 1);
  const gchar *last_seen = ew_json_string (json, "last_seen");

  node->id = g_strdup (ew_json_string (json, "id"));
  node->services = g_ptr_array_new_with_free_func (service_free);
  node->name = ew_format_get_text (terminal, json, "name", "?");
  node->kind = ew_format_get_text (terminal, json, "kind", "");
  node->edge = g_strdup (ew_json_string (json, "edge"));
  node->problem = ew_format_problem (json);
  node->state = parse_state (json);
  node->self = ew_json_bool (json, "self", FALSE);
  node->https = g_strcmp0 (ew_json_string (json, "transport"), "https") == 0;
  node->addresses = clean_list (terminal, json, "addresses");
  node->routes = clean_list (terminal, json, "routes");
  if (!ew_format_get_number (json, "rtt_ms", &node->rtt_ms))
    node->rtt_ms = -1;
  node->rx_bytes = ew_json_int (json, "rx_bytes", -1);
  node->tx_bytes = ew_json_int (json, "tx_bytes", -1);
  node->last_seen = last_seen != NULL ? ew_time_parse (last_seen) : 0;
  return node;
}

static EwMapEdge *
parse_edge (JsonObject *json, const EwTerminal *terminal)
{
  EwMapEdge *edge = g_new0 (EwMapEdge, 1);

  edge->id = g_strdup (ew_json_string (json, "id"));
  edge->name = ew_format_get_text (terminal, json, "name", "?");
  edge->endpoint = ew_format_get_text (terminal, json, "endpoint", "");
  edge->online = ew_json_bool (json, "online", FALSE);
  return edge;
}

static gint
compare_nodes (gconstpointer a, gconstpointer b)
{
  const EwMapNode *one = *(EwMapNode *const *)a, *other = *(EwMapNode *const *)b;

  if (one->self != other->self)
    return one->self ? -1 : 1;
  return g_strcmp0 (one->name, other->name);
}

static gint
compare_edges (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(EwMapEdge *const *)a)->name, (*(EwMapEdge *const *)b)->name);
}

/* Objects only; an edge that sends anything else is not worth a crash. */
static JsonObject *
object_at (JsonArray *array, guint i)
{
  JsonNode *element = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

/* Services. */

static gint
compare_services (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(EwMapService *const *)a)->name, (*(EwMapService *const *)b)->name);
}

static EwMapNode *
find_node (EwMap *self, const gchar *id)
{
  for (guint i = 0; i < self->nodes->len && id != NULL; i++)
    if (g_strcmp0 (((EwMapNode *)self->nodes->pdata[i])->id, id) == 0)
      return self->nodes->pdata[i];
  return NULL;
}

/* In the few columns that there are; `service show` says all. NULL: nothing is wrong that is known. */
static const gchar *
trouble_word (const gchar *state)
{
  static const gchar *const words[][2] = { { "refuses", "nothing listens" },
                                           { "silent", "doesn't answer" },
                                           { "unreachable", "can't be reached" },
                                           { "no-route", "network not shared" } };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_strcmp0 (state, words[i][0]) == 0)
      return words[i][1];
  return NULL;
}

/* Of a node that isn't online, that is said already. */
static void
hang_service (EwMap *self, JsonObject *json, JsonObject *target, const EwTerminal *terminal)
{
  EwMapNode *node = find_node (self, ew_json_string (target, "node_id"));
  EwMapService *service;

  if (node == NULL)
    return;
  service = g_new0 (EwMapService, 1);
  service->name = ew_format_get_text (terminal, json, "name", "?");
  service->ports = ew_services_format_ports (terminal, json);
  if (node->state == EW_MAP_NODE_ONLINE)
    service->trouble = trouble_word (ew_json_string (target, "state"));
  g_ptr_array_add (node->services, service);
}

static void
hang_services (EwMap *self, JsonArray *services, const EwTerminal *terminal)
{
  for (guint i = 0; services != NULL && i < json_array_get_length (services); i++)
    {
      JsonObject *service = object_at (services, i);
      JsonArray *targets = service != NULL ? ew_json_array (service, "targets") : NULL;

      for (guint t = 0; targets != NULL && t < json_array_get_length (targets); t++)
        if (object_at (targets, t) != NULL)
          hang_service (self, service, object_at (targets, t), terminal);
    }
  for (guint i = 0; i < self->nodes->len; i++)
    g_ptr_array_sort (((EwMapNode *)self->nodes->pdata[i])->services, compare_services);
}

/* No node is known to be online, and no round trip is valid. */
static void
take_back (EwMap *self)
{
  for (guint i = 0; i < self->edges->len; i++)
    ((EwMapEdge *)g_ptr_array_index (self->edges, i))->online = FALSE;
  for (guint i = 0; i < self->nodes->len; i++)
    {
      EwMapNode *node = g_ptr_array_index (self->nodes, i);

      node->rtt_ms = -1;
      if (node->state == EW_MAP_NODE_ONLINE)
        node->state = EW_MAP_NODE_WAS_ONLINE;
    }
}

EwMap *
ew_map_new (JsonObject *json, const EwTerminal *terminal)
{
  EwMap *self = g_new0 (EwMap, 1);
  JsonArray *edges = ew_json_array (json, "edges"), *nodes = ew_json_array (json, "nodes");

  self->mesh = ew_format_get_text (terminal, json, "mesh", "?");
  self->edges = g_ptr_array_new_with_free_func (edge_free);
  self->nodes = g_ptr_array_new_with_free_func (node_free);
  for (guint i = 0; edges != NULL && i < json_array_get_length (edges); i++)
    if (object_at (edges, i) != NULL)
      g_ptr_array_add (self->edges, parse_edge (object_at (edges, i), terminal));
  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    if (object_at (nodes, i) != NULL)
      g_ptr_array_add (self->nodes, parse_node (object_at (nodes, i), terminal));
  self->as_last_seen = ew_json_bool (json, "as_last_seen", FALSE);
  if (self->as_last_seen)
    take_back (self);
  hang_services (self, ew_json_array (json, "services"), terminal);
  g_ptr_array_sort (self->edges, compare_edges);
  g_ptr_array_sort (self->nodes, compare_nodes);
  return self;
}

void
ew_map_free (EwMap *self)
{
  g_free (self->mesh);
  g_ptr_array_unref (self->edges);
  g_ptr_array_unref (self->nodes);
  g_free (self);
}

static const EwMapEdge *
edge_of (EwMap *self, const EwMapNode *node)
{
  if (self->edges->len == 1)
    return g_ptr_array_index (self->edges, 0);
  for (guint i = 0; i < self->edges->len; i++)
    {
      EwMapEdge *edge = g_ptr_array_index (self->edges, i);
      if (node->edge != NULL && g_strcmp0 (edge->id, node->edge) == 0)
        return edge;
    }
  return NULL;
}

GPtrArray *
ew_map_nodes_of (EwMap *self, const EwMapEdge *edge)
{
  GPtrArray *nodes = g_ptr_array_new ();

  for (guint i = 0; i < self->nodes->len; i++)
    if (edge_of (self, g_ptr_array_index (self->nodes, i)) == edge)
      g_ptr_array_add (nodes, g_ptr_array_index (self->nodes, i));
  return nodes;
}
