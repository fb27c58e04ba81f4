/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `reopen` waits 1, 2, 4 … 30 s before a stream that ended is opened again.
 *
 *   CLOSED ── wanted and connected ──→ LOADING ── last part of a snapshot ──→ LIVE
 *      ↑                                 ↑   └── end, error ──→ FAILED ←── end ──┘
 *      └── not wanted, not connected ────┴────── reopen ──────────┘
 */
#include "topology-private.h"

#include "node-private.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>


#define REOPEN_MAX_S 30

GParamSpec *ew_topology_properties[N_PROPERTIES];
guint ew_topology_counters_signal, ew_topology_online_signal, ew_topology_names_signal, ew_topology_services_signal;

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

/* Whether what is known is also so now: the stream is open, and this computer is connected to its edge. */
static gboolean
is_current (EwTopology *self)
{
  EwState state = self->daemon != NULL ? ew_daemon_get_state (self->daemon) : EW_STATE_UNKNOWN;

  return self->state == EW_STREAM_LIVE && (state == EW_STATE_CONNECTED || state == EW_STATE_UNKNOWN);
}

/* The time is that at which it was no longer so, whatever else happens until it is again. */
static void
update_as_of (EwTopology *self)
{
  gint64 as_of = is_current (self) || self->nodes->len == 0 ? 0 : self->as_of != 0 ? self->as_of : g_get_real_time ();
  guint n_edges = g_list_model_get_n_items (G_LIST_MODEL (self->edges));

  if (self->as_of == as_of)
    return;
  self->as_of = as_of;
  for (guint i = 0; i < n_edges; i++)
    {
      g_autoptr (EwEdge) edge = g_list_model_get_item (G_LIST_MODEL (self->edges), i);

      ew_edge_set_as_of (edge, as_of);
    }
  for (guint i = 0; i < self->nodes->len; i++)
    ew_node_set_as_of (self->nodes->pdata[i], as_of);
  ew_topology_date_services (self);
  g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_AS_OF]);
}

void
ew_topology_set_stream (EwTopology *self, EwStreamState state, const gchar *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (self->state != state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_STREAM]);
    }
  if (g_strcmp0 (self->error, error) != 0)
    {
      g_free (self->error);
      self->error = g_strdup (error);
      g_object_notify_by_pspec (G_OBJECT (self), ew_topology_properties[PROP_ERROR]);
    }
  update_as_of (self);
  g_object_thaw_notify (G_OBJECT (self));
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
  ew_topology_forget_stream (self);
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
  ew_topology_set_stream (self, EW_STREAM_FAILED, why);
}

static void
on_message (JsonObject *message, gpointer user_data)
{
  ew_topology_take_message (user_data, message);
}

static void
on_end (gpointer user_data)
{
  reopen_later (user_data, _ ("The connection to the map was interrupted. It will be restored in a moment."));
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTopology) self = user_data;
  g_autoptr (GError) error = NULL;
  gint fd = ew_daemon_call_fd_finish (EW_DAEMON (source), result, &error);

  if (g_task_get_cancellable (G_TASK (result)) != self->opening || self->opening == NULL) /* given up in the meantime */
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
      ew_topology_set_stream (self, EW_STREAM_FAILED, self->refusal);
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
      ew_topology_set_stream (self, EW_STREAM_CLOSED, NULL);
    }
  else if (self->refusal != NULL)
    ew_topology_set_stream (self, EW_STREAM_FAILED, self->refusal);
  else if (self->lines == NULL && self->opening == NULL && self->reopen == 0)
    {
      self->opening = g_cancellable_new ();
      ew_topology_set_stream (self, EW_STREAM_LOADING, NULL);
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
    ew_topology_forget (self);
  follow (self);
  update_as_of (self);
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

void
ew_topology_retry (EwTopology *self)
{
  g_return_if_fail (EW_IS_TOPOLOGY (self));
  g_clear_pointer (&self->refusal, g_free);
  g_clear_handle_id (&self->reopen, g_source_remove);
  if (self->state == EW_STREAM_LOADING) /* what has hung for so long may hang forever */
    close_stream (self);
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
  g_ptr_array_unref (self->coming);
  g_ptr_array_unref (self->nodes);
  g_object_unref (self->edges);
  g_object_unref (self->services);
  g_clear_pointer (&self->seen_services, g_hash_table_unref);
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
      g_value_set_uint (value, self->told_online);
      break;
    case PROP_N_NODES:
      g_value_set_uint (value, self->nodes->len);
      break;
    case PROP_EDGES:
      g_value_set_object (value, self->edges);
      break;
    case PROP_SERVICES:
      g_value_set_object (value, self->services);
      break;
    case PROP_SELF:
      g_value_set_object (value, self->self_node);
      break;
    case PROP_MESH:
      g_value_set_string (value, self->mesh);
      break;
    case PROP_AS_OF:
      g_value_set_int64 (value, self->as_of);
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
  ew_topology_properties[PROP_STREAM]
    = g_param_spec_enum ("stream", NULL, NULL, EW_TYPE_STREAM_STATE, EW_STREAM_CLOSED, flags);
  ew_topology_properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  ew_topology_properties[PROP_N_ONLINE] = g_param_spec_uint ("n-online", NULL, NULL, 0, G_MAXUINT, 0, flags);
  ew_topology_properties[PROP_N_NODES] = g_param_spec_uint ("n-nodes", NULL, NULL, 0, G_MAXUINT, 0, flags);
  ew_topology_properties[PROP_EDGES] = g_param_spec_object ("edges", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  ew_topology_properties[PROP_SERVICES] = g_param_spec_object ("services", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  ew_topology_properties[PROP_SELF] = g_param_spec_object ("self", NULL, NULL, EW_TYPE_NODE, flags);
  ew_topology_properties[PROP_MESH] = g_param_spec_string ("mesh", NULL, NULL, NULL, flags);
  ew_topology_properties[PROP_AS_OF] = g_param_spec_int64 ("as-of", NULL, NULL, 0, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, ew_topology_properties);
  ew_topology_counters_signal
    = g_signal_new ("counters", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  ew_topology_online_signal = g_signal_new ("node-came-online", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                            NULL, G_TYPE_NONE, 1, EW_TYPE_NODE);
  ew_topology_services_signal
    = g_signal_new ("services-changed", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  ew_topology_names_signal
    = g_signal_new ("names-changed", EW_TYPE_TOPOLOGY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ew_topology_init (EwTopology *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->coming = g_ptr_array_new_with_free_func (g_object_unref);
  self->news = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->active = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->edges = g_list_store_new (EW_TYPE_EDGE);
  self->services = g_list_store_new (EW_TYPE_SERVICE);
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

gboolean
ew_topology_is_refused (EwTopology *self)
{
  return self->refusal != NULL;
}

guint
ew_topology_get_n_online (EwTopology *self)
{
  return self->told_online;
}

guint
ew_topology_get_n_nodes (EwTopology *self)
{
  return self->nodes->len;
}

gint64
ew_topology_get_as_of (EwTopology *self)
{
  return self->as_of;
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

EwNode *
ew_topology_find_by_any_name (EwTopology *self, const gchar *name)
{
  EwNode *node = ew_topology_find_by_name (self, name);

  for (guint i = 0; node == NULL && i < self->nodes->len; i++)
    if (g_strv_contains (ew_node_get_names (self->nodes->pdata[i]), name))
      node = self->nodes->pdata[i];
  return node;
}
