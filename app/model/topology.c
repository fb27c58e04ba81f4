/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers: `reopen` waits 1, 2, 4 … 30 s before a stream that ended is opened again; `decay` lets rates sink while
 * nothing is counted, and rests once all are 0.
 *
 *   CLOSED ── wanted and connected ──→ LOADING ── last part of a snapshot ──→ LIVE
 *      ↑                                 ↑   └── end, error ──→ FAILED ←── end ──┘
 *      └── not wanted, not connected ────┴────── reopen ──────────┘
 */
#include "topology.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "node-private.h"
#include "stream.h"
#include "text.h"

#define REOPEN_MAX_S 30
#define NODES_MAX 100000
#define EDGES_MAX 64
#define MESH_MAX_CHARS 63
#define REFRESH_US (900 * G_TIME_SPAN_MILLISECOND) /* counters come once a second, some a little early */
#define DECAY_MS 1500                              /* a second without counters, and some slack */

struct _EwTopology
{
  GObject parent;
  EwDaemon *daemon;
  gboolean wanted;

  GCancellable *opening; /* NULL: no call on its way */
  EwStream *lines;       /* NULL: not open */
  guint reopen, reopen_s;
  gchar *refusal; /* NULL: none. Asking again by itself would only show another password prompt */
  EwStreamState state;
  gchar *error;

  GPtrArray *nodes;  /* EwNode, in the list's order */
  GHashTable *by_id; /* ID of the node → EwNode, both of nodes */
  GListStore *edges;
  gchar *mesh;
  EwNode *self_node; /* borrowed from nodes */
  guint n_online;
  EwNode *told_self; /* what notify said last; told once a message */
  guint told_nodes, told_online;
  GPtrArray *news; /* EwNode that came online in this message */

  GHashTable *seen;      /* IDs in the snapshot so far, borrowed from nodes; NULL: none is being received */
  gboolean had_snapshot; /* of this stream */
  GHashTable *active;    /* EwNode: counted since the last refresh, or with a rate that has to sink */
  guint decay;
  gint64 refreshed_us;
};

enum
{
  PROP_0,
  PROP_STREAM,
  PROP_ERROR,
  PROP_N_ONLINE,
  PROP_N_NODES,
  PROP_EDGES,
  PROP_SELF,
  PROP_MESH,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];
static guint counters_signal, online_signal;

static void list_model_init (GListModelInterface *interface);
static void follow (EwTopology *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (EwTopology, ew_topology, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static GType
get_item_type (GListModel *model)
{
  return EW_TYPE_NODE;
}

static guint
get_n_items (GListModel *model)
{
  return EW_TOPOLOGY (model)->nodes->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  EwTopology *self = EW_TOPOLOGY (model);

  return position < self->nodes->len ? g_object_ref (self->nodes->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *interface)
{
  interface->get_item_type = get_item_type;
  interface->get_n_items = get_n_items;
  interface->get_item = get_item;
}

/* What is derived of the nodes is told once a message, after the list itself. */
static void
tell (EwTopology *self)
{
  g_autoptr (GPtrArray) news = g_steal_pointer (&self->news);

  self->news = g_ptr_array_new_with_free_func (g_object_unref);
  if (g_set_object (&self->told_self, self->self_node))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELF]);
  if (self->told_nodes != self->nodes->len)
    {
      self->told_nodes = self->nodes->len;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_NODES]);
    }
  if (self->told_online != self->n_online)
    {
      self->told_online = self->n_online;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ONLINE]);
    }
  for (guint i = 0; i < news->len; i++)
    g_signal_emit (self, online_signal, 0, news->pdata[i]);
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
  return ew_node_get_state (node) == EW_NODE_ONLINE;
}

/* A new one is added to fresh, for append. NULL: not a node, or too many. */
static EwNode *
take_node (EwTopology *self, JsonObject *object, GPtrArray *fresh)
{
  const gchar *id = ew_node_id_of (object);
  EwNode *node = id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
  gboolean was_online = node != NULL && is_online (node);

  if (id == NULL || (node == NULL && self->nodes->len + fresh->len >= NODES_MAX))
    return NULL;
  if (node == NULL)
    {
      node = ew_node_new (id);
      g_ptr_array_add (fresh, node);
      g_hash_table_insert (self->by_id, (gpointer)ew_node_get_id (node), node);
    }
  ew_node_update (node, object, g_get_monotonic_time ());
  self->n_online += (guint)is_online (node) - (guint)was_online;
  g_hash_table_add (self->active, g_object_ref (node));
  if (self->seen != NULL)
    g_hash_table_add (self->seen, (gpointer)ew_node_get_id (node));
  if (ew_node_is_self (node))
    self->self_node = node;
  else if (self->self_node == node)
    self->self_node = NULL;
  if (self->had_snapshot && !was_online && is_online (node) && !ew_node_is_self (node))
    g_ptr_array_add (self->news, g_object_ref (node));
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

/* Takes n nodes out of the list at position. */
static void
remove_nodes (EwTopology *self, guint position, guint n)
{
  g_autoptr (GPtrArray) removed = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = position; i < position + n; i++)
    {
      EwNode *node = self->nodes->pdata[i];
      g_ptr_array_add (removed, g_object_ref (node));
      self->n_online -= (guint)is_online (node);
      g_hash_table_remove (self->by_id, ew_node_get_id (node));
      g_hash_table_remove (self->active, node);
      if (self->seen != NULL)
        g_hash_table_remove (self->seen, ew_node_get_id (node));
      if (self->self_node == node)
        self->self_node = NULL;
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
}

/* All that kept does not hold, NULL: all; each run of neighbours at once. */
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
    g_signal_emit (self, counters_signal, 0);
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
      ew_node_update_counters (node, object, now);
      g_hash_table_add (self->active, g_object_ref (node));
    }
}

static void
forget_rates (EwTopology *self)
{
  gboolean any = g_hash_table_size (self->active) > 0;

  g_clear_handle_id (&self->decay, g_source_remove);
  g_hash_table_remove_all (self->active);
  for (guint i = 0; i < self->nodes->len; i++)
    ew_node_forget_rates (self->nodes->pdata[i]);
  if (any)
    g_signal_emit (self, counters_signal, 0);
}

/* Messages. */

static void
set_stream (EwTopology *self, EwStreamState state, const gchar *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (self->state != state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STREAM]);
    }
  if (g_strcmp0 (self->error, error) != 0)
    {
      g_free (self->error);
      self->error = g_strdup (error);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

static void
set_mesh (EwTopology *self, const gchar *name)
{
  g_autofree gchar *clean = ew_text_clean (name, MESH_MAX_CHARS);

  if (g_str_equal (self->mesh, clean))
    return;
  g_free (self->mesh);
  self->mesh = g_steal_pointer (&clean);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESH]);
}

static void
forget (EwTopology *self)
{
  g_clear_pointer (&self->seen, g_hash_table_unref);
  remove_others (self, NULL);
  g_list_store_remove_all (self->edges);
  set_mesh (self, NULL);
  tell (self);
}

/* Known nodes keep their places, others follow behind them in the order of the snapshot. */
static void
take_nodes (EwTopology *self, JsonArray *array)
{
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);
  JsonObject *first = json_array_get_length (array) > 0 ? object_at (array, 0) : NULL;
  const gchar *first_id = first != NULL ? ew_node_id_of (first) : NULL;

  if (first_id != NULL && g_hash_table_contains (self->seen, first_id)) /* the one before was broken off */
    g_hash_table_remove_all (self->seen);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = object_at (array, i);
      if (object != NULL)
        take_node (self, object, fresh);
    }
  append (self, fresh);
}

static void
take_snapshot (EwTopology *self, JsonObject *message)
{
  JsonObject *map = ew_text_object (message, "map");
  JsonArray *edges = map != NULL ? ew_text_array (map, "edges") : NULL;
  JsonArray *nodes = map != NULL ? ew_text_array (map, "nodes") : NULL;

  if (map == NULL || nodes == NULL)
    return;
  if (self->seen == NULL)
    self->seen = g_hash_table_new (g_str_hash, g_str_equal);
  set_mesh (self, ew_text_member (map, "mesh"));
  if (edges != NULL)
    take_edges (self, edges);
  take_nodes (self, nodes);
  if (ew_text_bool (message, "more", FALSE))
    return;
  remove_others (self, self->seen);
  g_clear_pointer (&self->seen, g_hash_table_unref);
  self->had_snapshot = TRUE;
  self->reopen_s = 0;
  set_stream (self, EW_STREAM_LIVE, NULL);
}

static void
take_change (EwTopology *self, const gchar *type, JsonObject *message)
{
  JsonObject *node = ew_text_object (message, "node"), *edge = ew_text_object (message, "edge");
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
  else if (g_str_equal (type, "counters"))
    take_counters (self, ew_text_array (message, "nodes"));
}

static void
on_message (JsonObject *message, gpointer user_data)
{
  g_autoptr (EwTopology) self = g_object_ref (user_data);
  const gchar *type = ew_text_member (message, "type");

  if (type == NULL)
    return;
  if (g_str_equal (type, "snapshot"))
    take_snapshot (self, message);
  else if (self->had_snapshot)
    take_change (self, type, message);
  tell (self);
  refresh_soon (self);
}

/* The stream: opened while it is wanted and the mesh can be reached. */

static void
close_stream (EwTopology *self)
{
  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_clear_pointer (&self->lines, ew_stream_free);
  g_clear_handle_id (&self->reopen, g_source_remove);
  g_clear_pointer (&self->seen, g_hash_table_unref);
  self->had_snapshot = FALSE;
  forget_rates (self);
}

static gboolean
on_reopen (gpointer user_data)
{
  EwTopology *self = user_data;

  self->reopen = 0;
  follow (self);
  return G_SOURCE_REMOVE;
}

static void
reopen_later (EwTopology *self, const gchar *why)
{
  close_stream (self);
  self->reopen_s = CLAMP (self->reopen_s * 2, 1, REOPEN_MAX_S);
  self->reopen = g_timeout_add_seconds (self->reopen_s, on_reopen, self);
  set_stream (self, EW_STREAM_FAILED, why);
}

static void
on_end (gpointer user_data)
{
  reopen_later (user_data, _ ("The map's stream ended. It is opened again in a moment."));
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTopology) self = user_data;
  g_autoptr (GError) error = NULL;
  gint fd = ew_daemon_call_fd_finish (EW_DAEMON (source), result, &error);

  if (g_task_get_cancellable (G_TASK (result)) != self->opening || self->opening == NULL) /* given up meanwhile */
    {
      if (fd >= 0)
        close (fd);
      return;
    }
  g_clear_object (&self->opening);
  if (fd >= 0)
    {
      self->lines = ew_stream_new (fd, on_message, on_end, self);
      return;
    }
  if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NOT_AUTHORIZED)
      || g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    {
      self->refusal = g_strdup (error->message);
      set_stream (self, EW_STREAM_FAILED, self->refusal);
    }
  else
    reopen_later (self, error->message);
}

/* Whether a stream can be had now; one that is open is kept while the connection is being made again. */
static gboolean
is_reachable (EwTopology *self)
{
  switch (ew_daemon_get_state (self->daemon))
    {
    case EW_STATE_CONNECTED:
      return TRUE;
    case EW_STATE_CONNECTING:
    case EW_STATE_RECONNECTING:
      return self->lines != NULL || self->opening != NULL;
    default:
      return FALSE;
    }
}

static void
follow (EwTopology *self)
{
  if (!self->wanted || !is_reachable (self))
    {
      close_stream (self);
      set_stream (self, EW_STREAM_CLOSED, NULL);
    }
  else if (self->refusal != NULL)
    set_stream (self, EW_STREAM_FAILED, self->refusal);
  else if (self->lines == NULL && self->opening == NULL && self->reopen == 0)
    {
      self->opening = g_cancellable_new ();
      set_stream (self, EW_STREAM_LOADING, NULL);
      ew_daemon_call_async (self->daemon, "OpenTopology", NULL, self->opening, on_opened, g_object_ref (self));
    }
}

/* Another mesh, or none: nothing known holds any more. While the daemon is away what was known stays. */
static void
on_state (EwTopology *self)
{
  EwState state = ew_daemon_get_state (self->daemon);

  g_clear_handle_id (&self->reopen, g_source_remove); /* news: no need to wait */
  if (state == EW_STATE_NOT_ENROLLED || state == EW_STATE_REMOVED)
    forget (self);
  follow (self);
}

static void
on_availability (EwTopology *self)
{
  g_clear_pointer (&self->refusal, g_free);
  self->reopen_s = 0;
  follow (self);
}

void
ew_topology_set_wanted (EwTopology *self, gboolean wanted)
{
  g_return_if_fail (EW_IS_TOPOLOGY (self));
  wanted = !!wanted;
  if (self->wanted == wanted)
    return;
  self->wanted = wanted;
  g_clear_pointer (&self->refusal, g_free);
  self->reopen_s = 0;
  follow (self);
}

/* The object. */

static void
ew_topology_dispose (GObject *object)
{
  EwTopology *self = EW_TOPOLOGY (object);

  self->wanted = FALSE;
  if (self->daemon != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->daemon, self);
      close_stream (self);
    }
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_topology_parent_class)->dispose (object);
}

static void
ew_topology_finalize (GObject *object)
{
  EwTopology *self = EW_TOPOLOGY (object);

  g_hash_table_unref (self->active);
  g_hash_table_unref (self->by_id);
  g_clear_object (&self->told_self);
  g_ptr_array_unref (self->news);
  g_ptr_array_unref (self->nodes);
  g_object_unref (self->edges);
  g_free (self->mesh);
  g_free (self->error);
  g_free (self->refusal);
  G_OBJECT_CLASS (ew_topology_parent_class)->finalize (object);
}

static void
ew_topology_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwTopology *self = EW_TOPOLOGY (object);

  switch (id)
    {
    case PROP_STREAM:
      g_value_set_enum (value, (gint)self->state);
      break;
    case PROP_ERROR:
      g_value_set_string (value, self->error);
      break;
    case PROP_N_ONLINE:
      g_value_set_uint (value, self->n_online);
      break;
    case PROP_N_NODES:
      g_value_set_uint (value, self->nodes->len);
      break;
    case PROP_EDGES:
      g_value_set_object (value, self->edges);
      break;
    case PROP_SELF:
      g_value_set_object (value, self->self_node);
      break;
    case PROP_MESH:
      g_value_set_string (value, self->mesh);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
ew_topology_class_init (EwTopologyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = ew_topology_dispose;
  object_class->finalize = ew_topology_finalize;
  object_class->get_property = ew_topology_get_property;
  properties[PROP_STREAM] = g_param_spec_enum ("stream", NULL, NULL, EW_TYPE_STREAM_STATE, EW_STREAM_CLOSED, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  properties[PROP_N_ONLINE] = g_param_spec_uint ("n-online", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_N_NODES] = g_param_spec_uint ("n-nodes", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_EDGES] = g_param_spec_object ("edges", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_SELF] = g_param_spec_object ("self", NULL, NULL, EW_TYPE_NODE, flags);
  properties[PROP_MESH] = g_param_spec_string ("mesh", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  counters_signal = g_signal_new ("counters", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  online_signal = g_signal_new ("node-came-online", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, EW_TYPE_NODE);
}

static void
ew_topology_init (EwTopology *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->news = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->active = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->edges = g_list_store_new (EW_TYPE_EDGE);
  self->mesh = g_strdup ("");
}

EwTopology *
ew_topology_new (EwDaemon *daemon)
{
  EwTopology *self = g_object_new (EW_TYPE_TOPOLOGY, NULL);

  self->daemon = g_object_ref (daemon);
  g_signal_connect_swapped (daemon, "notify::state", G_CALLBACK (on_state), self);
  g_signal_connect_swapped (daemon, "notify::availability", G_CALLBACK (on_availability), self);
  return self;
}

/* Getters. */

EwStreamState
ew_topology_get_stream (EwTopology *self)
{
  return self->state;
}

const gchar *
ew_topology_get_error (EwTopology *self)
{
  return self->error;
}

guint
ew_topology_get_n_online (EwTopology *self)
{
  return self->n_online;
}

guint
ew_topology_get_n_nodes (EwTopology *self)
{
  return self->nodes->len;
}

const gchar *
ew_topology_get_mesh (EwTopology *self)
{
  return self->mesh;
}

GListModel *
ew_topology_get_edges (EwTopology *self)
{
  return G_LIST_MODEL (self->edges);
}

EwEdge *
ew_topology_get_edge (EwTopology *self)
{
  g_autoptr (EwEdge) edge = g_list_model_get_item (G_LIST_MODEL (self->edges), 0);

  return edge; /* the list keeps it */
}

EwNode *
ew_topology_get_self (EwTopology *self)
{
  return self->self_node;
}

EwNode *
ew_topology_find (EwTopology *self, const gchar *id)
{
  return id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
}

EwNode *
ew_topology_find_by_name (EwTopology *self, const gchar *name)
{
  for (guint i = 0; i < self->nodes->len; i++)
    if (g_strcmp0 (ew_node_get_name (self->nodes->pdata[i]), name) == 0)
      return self->nodes->pdata[i];
  return NULL;
}
