/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `decay` lets rates sink while nothing is counted, and rests once all are 0.
 */
#include "topology-private.h"

#include <string.h>

#include "node-private.h"
#include "text.h"

#define CLOCK_SLACK_US (3 * G_USEC_PER_SEC) /* the edge says whole seconds, and they travel */
#define NODES_MAX 100000
#define EDGES_MAX 64
#define MESH_MAX_CHARS 63
#define REFRESH_US (900 * G_TIME_SPAN_MILLISECOND) /* counters come once a second, some a little early */
#define DECAY_MS 1500                              /* a second without counters, and some slack */

/* What is derived of the nodes is told once a message, after the list itself. */
static void
tell (EwTopology *self)
{
  g_autoptr (GPtrArray) news = g_steal_pointer (&self->news);

  self->news = g_ptr_array_new_with_free_func (g_object_unref);
  if (g_set_object (&self->told_self, self->self_node))
    g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_SELF]);
  if (self->told_nodes != self->nodes->len)
    {
      self->told_nodes = self->nodes->len;
      g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_N_NODES]);
    }
  if (self->told_online != self->n_online)
    {
      self->told_online = self->n_online;
      g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_N_ONLINE]);
    }
  for (guint i = 0; i < news->len; i++)
    if (g_hash_table_lookup (self->by_id, ew_node_get_id (news->pdata[i])) == news->pdata[i]) /* not removed in the
                                                                                                 meantime */
      g_signal_emit (self, ew_topology_online_signal, 0, news->pdata[i]);
}

/* Nodes. */

static JsonObject *
object_at (JsonArray *array, guint position)
{
  JsonNode *element = json_array_get_element (array, position);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static gboolean
is_online (EwNode *node)
{
  EwNodeState state = ew_node_get_state (node);

  return state == EW_NODE_ONLINE || state == EW_NODE_WAS_ONLINE;
}

/* A new one is added to fresh, for append. NULL: not a node, or too many. */
static EwNode *
take_node (EwTopology *self, JsonObject *object, GPtrArray *fresh)
{
  const gchar *id = ew_node_id_of (object);
  EwNode *node = id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
  gboolean known = node != NULL, was_online = known && is_online (node), renamed;
  g_autofree gchar *name = NULL;

  if (id == NULL || (node == NULL && self->nodes->len + fresh->len >= NODES_MAX))
    return NULL;
  if (node == NULL)
    {
      node = ew_node_new (id);
      g_ptr_array_add (fresh, node);
      g_hash_table_insert (self->by_id, (gpointer)ew_node_get_id (node), node);
    }
  name = g_strdup (ew_node_get_name (node));
  ew_node_set_clock (node, self->clock_us);
  ew_node_update (node, object, g_get_monotonic_time ());
  renamed = known && g_strcmp0 (name, ew_node_get_name (node)) != 0;
  self->n_online += (guint)is_online (node) - (guint)was_online;
  ew_node_set_as_of (node, self->as_of);
  g_hash_table_add (self->active, g_object_ref (node));
  if (self->seen != NULL)
    g_hash_table_add (self->seen, (gpointer)ew_node_get_id (node));
  if (ew_node_is_self (node))
    self->self_node = node;
  else if (self->self_node == node)
    self->self_node = NULL;
  if (self->had_snapshot && !was_online && is_online (node) && !ew_node_is_self (node))
    g_ptr_array_add (self->news, g_object_ref (node));
  if (renamed)
    g_signal_emit (self, ew_topology_names_signal, 0);
  return node;
}

/* Takes the nodes of fresh to the end of the list. */
static void
append (EwTopology *self, GPtrArray *fresh)
{
  guint old = self->nodes->len, n = fresh->len;

  if (n == 0)
    return;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (self->nodes, g_object_ref (fresh->pdata[i]));
  g_list_model_items_changed (G_LIST_MODEL (self), old, 0, n);
}

static gint
compare_enrolment (gconstpointer a, gconstpointer b)
{
  EwNode *one = *(EwNode *const *)a, *other = *(EwNode *const *)b;
  guint64 first = (guint64)ew_node_get_created (one) - 1, second = (guint64)ew_node_get_created (other) - 1;

  if (first != second) /* 0, unknown, became the largest */
    return first < second ? -1 : 1;
  return strcmp (ew_node_get_id (one), ew_node_get_id (other));
}

/* What is counted and looked up of a node that goes; the caller holds a reference. */
static void
forget_node (EwTopology *self, EwNode *node)
{
  self->n_online -= (guint)is_online (node);
  g_hash_table_remove (self->by_id, ew_node_get_id (node));
  g_hash_table_remove (self->active, node);
  if (self->seen != NULL)
    g_hash_table_remove (self->seen, ew_node_get_id (node));
  if (self->self_node == node)
    self->self_node = NULL;
}

static void
forget_coming (EwTopology *self)
{
  for (guint i = 0; i < self->coming->len; i++)
    forget_node (self, self->coming->pdata[i]);
  g_ptr_array_set_size (self->coming, 0);
}

/* Takes n nodes out of the list at position. */
static void
remove_nodes (EwTopology *self, guint position, guint n)
{
  g_autoptr (GPtrArray) removed = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = position; i < position + n; i++)
    {
      EwNode *node = self->nodes->pdata[i];
      g_ptr_array_add (removed, g_object_ref (node));
      forget_node (self, node);
    }
  g_ptr_array_remove_range (self->nodes, position, n);
  g_list_model_items_changed (G_LIST_MODEL (self), position, n, 0);
}

static void
remove_node (EwTopology *self, const gchar *id)
{
  EwNode *node = id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
  guint position;

  if (node != NULL && g_ptr_array_find (self->nodes, node, &position))
    remove_nodes (self, position, 1);
  else if (node != NULL && g_ptr_array_find (self->coming, node, &position))
    {
      forget_node (self, node);
      g_ptr_array_remove_index (self->coming, position);
    }
}

/* All that kept does not hold, NULL: all; each run of neighbors at once. */
static void
remove_others (EwTopology *self, GHashTable *kept)
{
  guint end = self->nodes->len, start;

  while (end > 0)
    {
      start = end;
      while (start > 0
             && (kept == NULL || !g_hash_table_contains (kept, ew_node_get_id (self->nodes->pdata[start - 1]))))
        start--;
      if (start < end)
        remove_nodes (self, start, end - start);
      end = start > 0 ? start - 1 : 0;
    }
}

/* Edges. */

static guint
find_edge (EwTopology *self, const gchar *id)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->edges));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwEdge) edge = g_list_model_get_item (G_LIST_MODEL (self->edges), i);
      if (g_strcmp0 (ew_edge_get_id (edge), id) == 0)
        return i;
    }
  return G_MAXUINT;
}

static void
take_edge (EwTopology *self, JsonObject *object)
{
  const gchar *id = ew_node_id_of (object);
  guint at = id != NULL ? find_edge (self, id) : G_MAXUINT;
  g_autoptr (EwEdge) edge = NULL;

  if (id == NULL || (at == G_MAXUINT && g_list_model_get_n_items (G_LIST_MODEL (self->edges)) >= EDGES_MAX))
    return;
  edge = at != G_MAXUINT ? g_list_model_get_item (G_LIST_MODEL (self->edges), at) : ew_edge_new (id);
  ew_edge_update (edge, object);
  ew_edge_set_as_of (edge, self->as_of);
  if (at == G_MAXUINT)
    g_list_store_append (self->edges, edge);
}

static void
remove_edge (EwTopology *self, const gchar *id)
{
  guint at = id != NULL ? find_edge (self, id) : G_MAXUINT;

  if (at != G_MAXUINT)
    g_list_store_remove (self->edges, at);
}

/* Every part of a snapshot names all edges. */
static void
take_edges (EwTopology *self, JsonArray *array)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = object_at (array, i);
      const gchar *id = object != NULL ? ew_node_id_of (object) : NULL;
      if (id == NULL)
        continue;
      g_hash_table_add (seen, (gpointer)id);
      take_edge (self, object);
    }
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->edges)); i > 0; i--)
    {
      g_autoptr (EwEdge) edge = g_list_model_get_item (G_LIST_MODEL (self->edges), i - 1);
      if (!g_hash_table_contains (seen, ew_edge_get_id (edge)))
        g_list_store_remove (self->edges, i - 1);
    }
}

/* Counters. */

static gboolean on_decay (gpointer user_data);

static void
refresh (EwTopology *self)
{
  GHashTableIter iter;
  gpointer node;
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_with_free_func (g_object_unref); /* a handler may remove some */

  g_hash_table_iter_init (&iter, self->active);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    g_ptr_array_add (nodes, g_object_ref (node));
  self->refreshed_us = now;
  for (guint i = 0; i < nodes->len; i++)
    if (!ew_node_refresh_rates (nodes->pdata[i], now))
      g_hash_table_remove (self->active, nodes->pdata[i]);
  g_clear_handle_id (&self->decay, g_source_remove);
  if (g_hash_table_size (self->active) > 0)
    self->decay = g_timeout_add (DECAY_MS, on_decay, self);
  if (nodes->len > 0)
    g_signal_emit (self, ew_topology_counters_signal, 0);
}

static gboolean
on_decay (gpointer user_data)
{
  EwTopology *self = user_data;

  self->decay = 0;
  refresh (self);
  return G_SOURCE_REMOVE;
}

/* At once, or when the second is over. */
static void
refresh_soon (EwTopology *self)
{
  gint64 since = g_get_monotonic_time () - self->refreshed_us;

  if (g_hash_table_size (self->active) == 0)
    return;
  if (since >= REFRESH_US)
    refresh (self);
  else if (self->decay == 0)
    self->decay = g_timeout_add ((guint)((G_USEC_PER_SEC - since) / 1000), on_decay, self);
}

static void
take_counters (EwTopology *self, JsonArray *array)
{
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonObject *object = object_at (array, i);
      const gchar *id = object != NULL ? ew_node_id_of (object) : NULL;
      EwNode *node = id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
      if (node == NULL)
        continue;
      ew_node_set_clock (node, self->clock_us);
      ew_node_update_counters (node, object, now);
      g_hash_table_add (self->active, g_object_ref (node));
    }
}

void
ew_topology_forget_stream (EwTopology *self)
{
  gboolean any = g_hash_table_size (self->active) > 0;

  forget_coming (self);
  g_clear_pointer (&self->seen, g_hash_table_unref);
  g_clear_pointer (&self->seen_services, g_hash_table_unref);
  self->had_snapshot = FALSE;
  g_clear_handle_id (&self->decay, g_source_remove);
  g_hash_table_remove_all (self->active);
  for (guint i = 0; i < self->nodes->len; i++)
    ew_node_forget_rates (self->nodes->pdata[i]);
  if (any)
    g_signal_emit (self, ew_topology_counters_signal, 0);
}

/* Messages. */

static void
set_mesh (EwTopology *self, const gchar *name)
{
  g_autofree gchar *clean = ew_text_clean (name, MESH_MAX_CHARS);

  if (g_str_equal (self->mesh, clean))
    return;
  g_free (self->mesh);
  self->mesh = g_steal_pointer (&clean);
  g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_MESH]);
}

void
ew_topology_forget (EwTopology *self)
{
  forget_coming (self);
  g_clear_pointer (&self->seen, g_hash_table_unref);
  remove_others (self, NULL);
  g_list_store_remove_all (self->edges);
  ew_topology_forget_services (self);
  set_mesh (self, NULL);
  tell (self);
  ew_topology_tell_services (self);
}

/* Known nodes keep their places, others wait for the snapshot's end. */
static void
take_nodes (EwTopology *self, JsonArray *array)
{
  JsonObject *first = json_array_get_length (array) > 0 ? object_at (array, 0) : NULL;
  const gchar *first_id = first != NULL ? ew_node_id_of (first) : NULL;

  if (first_id != NULL && g_hash_table_contains (self->seen, first_id)) /* the one before was broken off */
    g_hash_table_remove_all (self->seen);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = object_at (array, i);
      if (object != NULL)
        take_node (self, object, self->coming);
    }
}

static void
take_snapshot (EwTopology *self, JsonObject *message)
{
  JsonObject *map = ew_text_object (message, "map");
  JsonArray *edges = map != NULL ? ew_text_array (map, "edges") : NULL;
  JsonArray *nodes = map != NULL ? ew_text_array (map, "nodes") : NULL;
  g_autoptr (GPtrArray) fresh = NULL;

  if (map == NULL || nodes == NULL)
    return;
  if (self->seen == NULL)
    self->seen = g_hash_table_new (g_str_hash, g_str_equal);
  set_mesh (self, ew_text_member (map, "mesh"));
  if (edges != NULL)
    take_edges (self, edges);
  ew_topology_take_services (self, ew_text_array (map, "services"));
  take_nodes (self, nodes);
  if (ew_text_bool (message, "more", FALSE))
    return;
  fresh = g_steal_pointer (&self->coming);
  self->coming = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_sort (fresh, compare_enrolment);
  append (self, fresh);
  remove_others (self, self->seen);
  g_clear_pointer (&self->seen, g_hash_table_unref);
  ew_topology_keep_services (self);
  self->had_snapshot = TRUE;
  self->reopen_s = 0;
  ew_topology_set_stream (self, EW_STREAM_LIVE, NULL);
}

static void
take_change (EwTopology *self, const gchar *type, JsonObject *message)
{
  JsonObject *node = ew_text_object (message, "node"), *edge = ew_text_object (message, "edge");
  JsonObject *service = ew_text_object (message, "service");
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);

  if (g_str_equal (type, "node") && node != NULL)
    {
      take_node (self, node, fresh);
      append (self, fresh);
    }
  else if (g_str_equal (type, "node-removed"))
    remove_node (self, ew_text_member (message, "id"));
  else if (g_str_equal (type, "edge") && edge != NULL)
    take_edge (self, edge);
  else if (g_str_equal (type, "edge-removed"))
    remove_edge (self, ew_text_member (message, "id"));
  else if (g_str_equal (type, "service") && service != NULL)
    ew_topology_take_service (self, service);
  else if (g_str_equal (type, "service-removed"))
    ew_topology_remove_service (self, ew_text_member (message, "id"));
  else if (g_str_equal (type, "counters"))
    take_counters (self, ew_text_array (message, "nodes"));
}

/* When a node was last seen is said by the edge's clock, which may be hours off. */
static void
take_clock (EwTopology *self, JsonObject *message)
{
  const gint64 now = ew_text_time (message, "now");
  const gint64 ahead = g_get_real_time () - now;

  if (now > 0)
    self->clock_us = ABS (ahead) > CLOCK_SLACK_US ? ahead : 0;
}

void
ew_topology_take_message (EwTopology *topology, JsonObject *message)
{
  g_autoptr (EwTopology) self = g_object_ref (topology);
  const gchar *type = ew_text_member (message, "type");

  if (type == NULL)
    return;
  take_clock (self, message);
  self->taking = TRUE;
  if (g_str_equal (type, "snapshot"))
    take_snapshot (self, message);
  else if (self->had_snapshot)
    take_change (self, type, message);
  self->taking = FALSE;
  if (self->coming->len == 0) /* the numbers are those of the list */
    tell (self);
  ew_topology_tell_services (self);
  refresh_soon (self);
}
