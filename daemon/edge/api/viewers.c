/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/api/viewers.h"

#include <string.h>
#include "common/util.h"
#include "edge/api/documents.h"
#include "edge/mesh/document.h"
#include "edge/http/websocket.h"

#define MESSAGE_MAX (512 * 1024) /* a snapshot's part is ended here, well below the API's 1 MiB */
#define BEHIND_MAX 2000          /* changed nodes; beyond it a snapshot is cheaper */
#define COUNTERS_MAX 1000        /* nodes in one message */
#define COUNTERS_MS 1000

typedef struct
{
  EwApiViewers *viewers;
  EwWebsocket *socket;
  gchar *node_id;
  gboolean snapshot;            /* it is being sent one */
  gchar *after_service, *after; /* … up to these IDs so far, services first; NULL: nothing yet */
  gboolean services_sent;
  GHashTable *nodes; /* IDs it has not heard the newest of */
  GHashTable *services;
  GHashTable *counters;
  gboolean edge;
} Viewer;

struct EwApiViewers
{
  EwMesh *mesh;
  EwFeed *feed;
  EwServices *services;
  guint listener;
  GPtrArray *viewers;
  GHashTable *last;  /* id → EwSwitchNodeStatus: the counters last sent */
  guint pump_source; /* several changes of one transaction go out together */
  guint counters_source;
};

static void
viewer_free (gpointer data)
{
  Viewer *viewer = data;
  ew_http_websocket_free (viewer->socket);
  g_hash_table_unref (viewer->nodes);
  g_hash_table_unref (viewer->services);
  g_hash_table_unref (viewer->counters);
  g_free (viewer->node_id);
  g_free (viewer->after);
  g_free (viewer->after_service);
  g_free (viewer);
}

/* Messages. */

static void
send_object (Viewer *viewer, const gchar *type, const gchar *member, JsonObject *value)
{
  g_autoptr (JsonObject) message = json_object_new ();
  json_object_set_string_member (message, "type", type);
  json_object_set_object_member (message, member, value);
  g_autofree gchar *text = ew_json_to_string (message, FALSE);
  ew_http_websocket_send (viewer->socket, text);
}

static JsonObject *
map_node (EwApiViewers *self, const EwNode *node)
{
  EwSwitchNodeStatus status;
  gboolean known = ew_feed_get (self->feed, node->id, &status);
  return ew_api_document_map_node (self->mesh, node, known ? &status : NULL);
}

/* The next nodes after viewer->after as text "NODE,NODE,…"; *more: others follow. */
static gchar *
next_nodes (Viewer *viewer, gboolean *more)
{
  EwApiViewers *self = viewer->viewers;
  GString *text = g_string_new (NULL);
  const EwNode *node = ew_mesh_next_node (self->mesh, viewer->after);
  for (; node && text->len < MESSAGE_MAX; node = ew_mesh_next_node (self->mesh, node->id))
    {
      g_autoptr (JsonObject) object = map_node (self, node);
      g_autofree gchar *element = ew_json_to_string (object, FALSE);
      g_string_append_printf (text, "%s%s", text->len ? "," : "", element);
      g_free (viewer->after);
      viewer->after = g_strdup (node->id);
    }
  *more = node != NULL;
  return g_string_free (text, FALSE);
}

/* … services after viewer->after_service, until all are sent. */
static gchar *
next_services (Viewer *viewer)
{
  EwApiViewers *self = viewer->viewers;
  GString *text = g_string_new (NULL);
  const EwService *service = viewer->services_sent ? NULL : ew_mesh_next_service (self->mesh, viewer->after_service);
  for (; service && text->len < MESSAGE_MAX; service = ew_mesh_next_service (self->mesh, service->id))
    {
      g_autoptr (JsonObject) object = ew_api_document_service (self->mesh, self->services, service);
      g_autofree gchar *element = ew_json_to_string (object, FALSE);
      g_string_append_printf (text, "%s%s", text->len ? "," : "", element);
      g_free (viewer->after_service);
      viewer->after_service = g_strdup (service->id);
    }
  viewer->services_sent = service == NULL;
  return g_string_free (text, FALSE);
}

static void
send_snapshot_part (Viewer *viewer)
{
  EwApiViewers *self = viewer->viewers;
  const EwNode *self_node = viewer->node_id ? ew_mesh_get_node (self->mesh, viewer->node_id) : NULL;
  guint64 revision = self_node ? ew_mesh_document_revision (self->mesh, self_node).hash : 0;
  gboolean more = TRUE;
  g_autoptr (JsonObject) edge = ew_api_document_map_edge (self->mesh);
  g_autofree gchar *edge_text = ew_json_to_string (edge, FALSE);
  g_autofree gchar *services = next_services (viewer);
  /* Nodes come with the last of them, unless there are so many that a part is full. */
  g_autofree gchar *nodes = strlen (services) < MESSAGE_MAX / 2 ? next_nodes (viewer, &more) : g_strdup ("");
  g_autofree gchar *now = ew_time_format (g_get_real_time ());
  /* Mesh names are DNS labels: nothing in them needs quoting. */
  g_autofree gchar *text = g_strdup_printf (
    "{\"type\":\"snapshot\",\"now\":\"%s\",\"revision\":%" G_GUINT64_FORMAT
    ",\"map\":{\"schema\":1,\"mesh\":\"%s\",\"edges\":[%s],\"services\":[%s],\"nodes\":[%s]},\"more\":%s}",
    now, revision, ew_mesh_get_name (self->mesh), edge_text, services, nodes, more ? "true" : "false");
  viewer->snapshot = more;
  ew_http_websocket_send (viewer->socket, text);
}

static void
send_nodes (Viewer *viewer)
{
  EwApiViewers *self = viewer->viewers;
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, viewer->nodes);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      const EwNode *node = ew_mesh_get_node (self->mesh, id);
      if (node)
        send_object (viewer, "node", "node", map_node (self, node));
      else
        {
          /* the edge makes the IDs: letters and digits. */
          g_autofree gchar *text = g_strdup_printf ("{\"type\":\"node-removed\",\"id\":\"%s\"}", (gchar *)id);
          ew_http_websocket_send (viewer->socket, text);
        }
      g_hash_table_iter_remove (&iter);
    }
}

static void
send_services (Viewer *viewer)
{
  EwApiViewers *self = viewer->viewers;
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, viewer->services);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      const EwService *service = ew_mesh_get_service (self->mesh, id);
      if (service)
        send_object (viewer, "service", "service", ew_api_document_service (self->mesh, self->services, service));
      else
        {
          g_autofree gchar *text = g_strdup_printf ("{\"type\":\"service-removed\",\"id\":\"%s\"}", (gchar *)id);
          ew_http_websocket_send (viewer->socket, text);
        }
      g_hash_table_iter_remove (&iter);
    }
}

static void
send_counters (Viewer *viewer)
{
  EwApiViewers *self = viewer->viewers;
  g_autoptr (JsonObject) message = json_object_new ();
  JsonArray *nodes = json_array_new ();
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, viewer->counters);
  while (json_array_get_length (nodes) < COUNTERS_MAX && g_hash_table_iter_next (&iter, &id, NULL))
    {
      const EwNode *node = ew_mesh_get_node (self->mesh, id);
      EwSwitchNodeStatus status;
      if (node && ew_feed_get (self->feed, id, &status))
        json_array_add_object_element (nodes, ew_api_document_counters (node, &status));
      g_hash_table_iter_remove (&iter);
    }
  g_autofree gchar *now = ew_time_format (g_get_real_time ());
  json_object_set_string_member (message, "type", "counters");
  json_object_set_string_member (message, "now", now);
  json_object_set_array_member (message, "nodes", nodes);
  g_autofree gchar *text = ew_json_to_string (message, FALSE);
  ew_http_websocket_send (viewer->socket, text);
}

/* Sends what a viewer is owed next, once it has taken what came before. */
static void
pump (Viewer *viewer)
{
  if (!ew_http_websocket_is_drained (viewer->socket))
    return;
  if (!viewer->snapshot && g_hash_table_size (viewer->nodes) > BEHIND_MAX)
    {
      g_hash_table_remove_all (viewer->nodes);
      g_hash_table_remove_all (viewer->services);
      g_hash_table_remove_all (viewer->counters);
      g_clear_pointer (&viewer->after, g_free);
      g_clear_pointer (&viewer->after_service, g_free);
      viewer->services_sent = FALSE;
      viewer->snapshot = TRUE;
    }
  if (viewer->snapshot)
    send_snapshot_part (viewer);
  else if (viewer->edge)
    {
      viewer->edge = FALSE;
      send_object (viewer, "edge", "edge", ew_api_document_map_edge (viewer->viewers->mesh));
      send_nodes (viewer);
    }
  else if (g_hash_table_size (viewer->nodes) > 0)
    send_nodes (viewer);
  else if (g_hash_table_size (viewer->services) > 0)
    send_services (viewer);
  else if (g_hash_table_size (viewer->counters) > 0)
    send_counters (viewer);
}

static gboolean
on_pump (gpointer user_data)
{
  EwApiViewers *self = user_data;
  self->pump_source = 0;
  for (guint i = 0; i < self->viewers->len; i++)
    pump (self->viewers->pdata[i]);
  return G_SOURCE_REMOVE;
}

static void
pump_soon (EwApiViewers *self)
{
  if (self->pump_source == 0 && self->viewers->len > 0)
    self->pump_source = g_idle_add (on_pump, self);
}

/* What changed. */

static void viewers_changed (EwApiViewers *self);

static void
on_node_changed (gpointer user_data, const gchar *id)
{
  EwApiViewers *self = user_data;
  for (guint i = 0; i < self->viewers->len; i++)
    g_hash_table_add (((Viewer *)self->viewers->pdata[i])->nodes, g_strdup (id));
  pump_soon (self);
}

static void
on_node_removed (gpointer user_data, const gchar *id)
{
  EwApiViewers *self = user_data;
  g_hash_table_remove (self->last, id);
  for (guint i = self->viewers->len; i > 0; i--)
    {
      Viewer *viewer = self->viewers->pdata[i - 1];
      if (g_strcmp0 (viewer->node_id, id) == 0)
        g_ptr_array_remove_index (self->viewers, i - 1);
    }
  viewers_changed (self);
  on_node_changed (self, id);
}

static void
on_edge_changed (gpointer user_data)
{
  EwApiViewers *self = user_data;
  for (guint i = 0; i < self->viewers->len; i++)
    ((Viewer *)self->viewers->pdata[i])->edge = TRUE;
  pump_soon (self);
}

/* It, or a target's state; or it was removed. */
static void
on_service_changed (gpointer user_data, const gchar *id)
{
  EwApiViewers *self = user_data;
  for (guint i = 0; i < self->viewers->len; i++)
    g_hash_table_add (((Viewer *)self->viewers->pdata[i])->services, g_strdup (id));
  pump_soon (self);
}

static const EwMeshListener mesh_listener = {
  .node_changed = on_node_changed,
  .node_removed = on_node_removed,
  .edge_changed = on_edge_changed,
  .service_changed = on_service_changed,
  .service_removed = on_service_changed,
};

static gboolean
same_counters (const EwSwitchNodeStatus *a, const EwSwitchNodeStatus *b)
{
  return a->rx_bytes == b->rx_bytes && a->tx_bytes == b->tx_bytes && a->rtt_ms == b->rtt_ms
         && a->last_seen_us / G_USEC_PER_SEC == b->last_seen_us / G_USEC_PER_SEC;
}

static gboolean
on_counters (gpointer user_data)
{
  EwApiViewers *self = user_data;
  for (EwNode *node = ew_mesh_next_node (self->mesh, NULL); node; node = ew_mesh_next_node (self->mesh, node->id))
    {
      EwSwitchNodeStatus status;
      const EwSwitchNodeStatus *last = g_hash_table_lookup (self->last, node->id);
      if (!ew_feed_get (self->feed, node->id, &status) || (last && same_counters (last, &status)))
        continue;
      g_hash_table_insert (self->last, g_strdup (node->id), g_memdup2 (&status, sizeof status));
      for (guint i = 0; i < self->viewers->len; i++)
        g_hash_table_add (((Viewer *)self->viewers->pdata[i])->counters, g_strdup (node->id));
    }
  pump_soon (self);
  return G_SOURCE_CONTINUE;
}

/* Viewers. */

static void
viewers_changed (EwApiViewers *self)
{
  guint n = self->viewers->len;
  ew_switch_set_viewers (ew_feed_get_switch (self->feed), n);
  if (n > 0 && self->counters_source == 0)
    self->counters_source = g_timeout_add (COUNTERS_MS, on_counters, self);
  else if (n == 0)
    {
      g_clear_handle_id (&self->counters_source, g_source_remove);
      g_hash_table_remove_all (self->last);
    }
}

static void
on_drained (gpointer user_data)
{
  pump (user_data);
}

static void
on_closed (gpointer user_data)
{
  Viewer *viewer = user_data;
  EwApiViewers *self = viewer->viewers;
  g_ptr_array_remove (self->viewers, viewer);
  viewers_changed (self);
}

static const EwWebsocketHooks hooks = { on_drained, on_closed };

/* The owner has an administrator's rights. */
static gboolean
is_administrator (EwApiViewers *self, const gchar *node_id)
{
  const EwNode *node = node_id ? ew_mesh_get_node (self->mesh, node_id) : NULL;
  return node_id == NULL || (node && g_strcmp0 (node->role, "admin") == 0);
}

/* *oldest: NULL if there is none. */
static guint
count_of_node (EwApiViewers *self, const gchar *node_id, Viewer **oldest)
{
  guint n = 0;
  *oldest = NULL;
  for (guint i = 0; i < self->viewers->len; i++)
    {
      Viewer *viewer = self->viewers->pdata[i];
      if (g_strcmp0 (viewer->node_id, node_id) != 0)
        continue;
      if (n++ == 0)
        *oldest = viewer;
    }
  return n;
}

static guint
count_of_members (EwApiViewers *self)
{
  guint n = 0;
  for (guint i = 0; i < self->viewers->len; i++)
    n += !is_administrator (self, ((Viewer *)self->viewers->pdata[i])->node_id);
  return n;
}

gboolean
ew_api_viewers_has_place (EwApiViewers *self, const gchar *node_id)
{
  Viewer *oldest;
  if (count_of_node (self, node_id, &oldest) >= EW_TOPOLOGY_VIEWERS_PER_NODE)
    return TRUE;
  return self->viewers->len < EW_TOPOLOGY_VIEWERS_MAX
         && (is_administrator (self, node_id) || count_of_members (self) < EW_TOPOLOGY_VIEWERS_OF_MEMBERS);
}

void
ew_api_viewers_add (EwApiViewers *self, GIOStream *stream, const gchar *node_id)
{
  Viewer *viewer, *oldest;
  if (!ew_api_viewers_has_place (self, node_id)) /* others came between the question and the upgrade */
    return;
  if (count_of_node (self, node_id, &oldest) >= EW_TOPOLOGY_VIEWERS_PER_NODE)
    g_ptr_array_remove (self->viewers, oldest);
  viewer = g_new0 (Viewer, 1);
  viewer->viewers = self;
  viewer->node_id = g_strdup (node_id);
  viewer->snapshot = TRUE;
  viewer->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  viewer->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  viewer->counters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  viewer->socket = ew_http_websocket_new (stream, &hooks, viewer);
  g_ptr_array_add (self->viewers, viewer);
  viewers_changed (self);
  pump_soon (self);
}

guint
ew_api_viewers_count (EwApiViewers *self)
{
  return self->viewers->len;
}

EwApiViewers *
ew_api_viewers_new (EwMesh *mesh, EwFeed *feed, EwServices *services)
{
  EwApiViewers *self = g_new0 (EwApiViewers, 1);
  self->mesh = mesh;
  self->feed = feed;
  self->services = services;
  self->viewers = g_ptr_array_new_with_free_func (viewer_free);
  self->last = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->listener = ew_mesh_listen (mesh, &mesh_listener, self);
  ew_feed_set_func (feed, on_node_changed, self);
  ew_services_listen (services, on_service_changed, self);
  return self;
}

void
ew_api_viewers_free (EwApiViewers *self)
{
  if (self == NULL)
    return;
  ew_feed_set_func (self->feed, NULL, NULL);
  ew_services_unlisten (self->services, on_service_changed, self);
  ew_mesh_unlisten (self->mesh, self->listener);
  g_clear_handle_id (&self->pump_source, g_source_remove);
  g_clear_handle_id (&self->counters_source, g_source_remove);
  g_ptr_array_unref (self->viewers);
  g_hash_table_unref (self->last);
  g_free (self);
}
