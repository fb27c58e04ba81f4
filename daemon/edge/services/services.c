/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/services/services.h"

#include <netinet/in.h>
#include "edge/services/health.h"

struct EwServices
{
  EwMesh *mesh;
  EwFeed *feed;
  EwHealth *health;
  guint listener;
  guint table_source;  /* several changes make one table */
  GHashTable *changed; /* IDs to tell of with the next table */
  GCancellable *closed;
  GArray *listeners; /* of Listener */
};

typedef struct
{
  EwServicesFunc func;
  gpointer user_data;
} Listener;

/* States. */

static const gchar *const state_names[]
  = { "unknown", "answers", "reachable", "refuses", "silent", "unreachable", "offline", "not-joined", "no-route" };

const gchar *
ew_services_get_state_name (EwTargetState state)
{
  return state_names[state];
}

/* In any family. */
static gboolean
has_address (EwServices *self, const EwServiceTarget *target)
{
  EwIp ip;
  return ew_mesh_target_address (self->mesh, target, EW_FAMILY_V4, &ip)
         || ew_mesh_target_address (self->mesh, target, EW_FAMILY_V6, &ip);
}

/* Without what the others are like. */
static EwTargetState
get_state (EwServices *self, const EwService *service, guint index, gint64 *since_us)
{
  const EwServiceTarget *target = service->targets->pdata[index];
  const EwNode *node = ew_mesh_get_node (self->mesh, target->node_id);
  gboolean online = ew_feed_is_online (self->feed, target->node_id);
  *since_us = 0;
  if (node == NULL || node->n_addresses == 0 || (!node->joined && !online))
    return EW_TARGET_NOT_JOINED;
  if (!has_address (self, target))
    return EW_TARGET_NO_ROUTE;
  if (!online)
    {
      *since_us = node->last_seen_us;
      return EW_TARGET_OFFLINE;
    }
  return ew_services_health_get (self->health, service->id, index, since_us);
}

static gboolean
may_work (EwTargetState state)
{
  return state == EW_TARGET_UNKNOWN || state == EW_TARGET_ANSWERS || state == EW_TARGET_REACHABLE;
}

/* Those that callers may be led to, a bit each. */
static guint32
get_offered (EwServices *self, const EwService *service)
{
  guint32 good = 0, possible = 0;
  for (guint i = 0; i < service->targets->len; i++)
    {
      gint64 since_us;
      EwTargetState state = get_state (self, service, i, &since_us);
      good |= may_work (state) ? 1u << i : 0;
      possible |= state != EW_TARGET_NOT_JOINED && state != EW_TARGET_NO_ROUTE ? 1u << i : 0;
    }
  return service->targets->len > 1 && good != 0 ? good : possible;
}

void
ew_services_get_target (EwServices *self, const EwService *service, guint index, EwTargetStatus *out)
{
  *out = (EwTargetStatus){ 0 };
  out->state = get_state (self, service, index, &out->since_us);
  out->offered = (get_offered (self, service) >> index) & 1;
}

/* The switch's table. */

/* What a service's entry points to. */
typedef struct
{
  EwNatPorts ports[EW_SERVICE_PORTS_MAX];
  EwNatTarget targets[EW_SERVICE_TARGETS_MAX];
} Parts;

static void
fill_ports (const EwService *service, EwNatService *entry, Parts *parts)
{
  for (guint i = 0; i < service->ports->len; i++)
    {
      const EwServicePort *port = &g_array_index (service->ports, EwServicePort, i);
      parts->ports[i] = (EwNatPorts){ .protocols = port->protocol == IPPROTO_UDP ? EW_NAT_UDP : EW_NAT_TCP,
                                      .first = port->from,
                                      .last = port->to,
                                      .to = port->target };
    }
  entry->ports = parts->ports;
  entry->n_ports = service->ports->len;
}

static void
fill_targets (EwServices *self, const EwService *service, EwNatService *entry, Parts *parts)
{
  static const EwFamily families[] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  guint32 offered = get_offered (self, service);
  for (guint i = 0; i < service->targets->len; i++)
    {
      const EwServiceTarget *target = service->targets->pdata[i];
      EwNatTarget *out = &parts->targets[entry->n_targets];
      gboolean any = FALSE;
      *out = (EwNatTarget){ .port = target->port, .healthy = (offered >> i) & 1 };
      for (guint j = 0; j < G_N_ELEMENTS (families); j++)
        any |= ew_mesh_target_address (self->mesh, target, families[j], &out->ips[j]);
      entry->n_targets += any;
    }
  entry->targets = parts->targets;
}

static void
fill_entry (EwServices *self, const EwService *service, EwNatService *entry, Parts *parts)
{
  EwIp addresses[2];
  guint n = ew_mesh_service_addresses (service, addresses);
  *entry = (EwNatService){
    .id = service->id,
    .choice = service->spread ? EW_NAT_CHOOSE_SPREAD : EW_NAT_CHOOSE_FIRST,
    .source = service->as_edge ? EW_NAT_SOURCE_EDGE : EW_NAT_SOURCE_CALLER,
  };
  for (guint i = 0; i < n; i++)
    entry->addresses[addresses[i].family == EW_FAMILY_V6] = addresses[i];
  fill_ports (service, entry, parts);
  fill_targets (self, service, entry, parts);
}

static void
update_table (EwServices *self)
{
  guint n = ew_mesh_count_services (self->mesh), i = 0;
  g_autofree EwNatService *entries = g_new0 (EwNatService, n + 1);
  g_autofree Parts *parts = g_new0 (Parts, n + 1);
  g_autoptr (GError) error = NULL;
  for (const EwService *service = ew_mesh_next_service (self->mesh, NULL); service && i < n;
       service = ew_mesh_next_service (self->mesh, service->id), i++)
    fill_entry (self, service, &entries[i], &parts[i]);
  if (!ew_switch_set_services (ew_feed_get_switch (self->feed), entries, i, &error))
    g_warning ("services are carried as they were before: %s", error->message);
}

static gboolean
on_table (gpointer user_data)
{
  EwServices *self = user_data;
  GHashTableIter iter;
  gpointer id;
  self->table_source = 0;
  update_table (self);
  g_autoptr (GHashTable) changed = g_steal_pointer (&self->changed);
  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, changed);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    for (guint i = 0; i < self->listeners->len; i++)
      {
        const Listener *listener = &g_array_index (self->listeners, Listener, i);
        listener->func (listener->user_data, id);
      }
  return G_SOURCE_REMOVE;
}

/* id NULL: of no service that is there. */
static void
note_change (EwServices *self, const gchar *id)
{
  if (id)
    g_hash_table_add (self->changed, g_strdup (id));
  if (self->table_source == 0)
    self->table_source = g_idle_add (on_table, self);
}

/* What changed. */

static void
on_service_changed (gpointer user_data, const gchar *id)
{
  EwServices *self = user_data;
  ew_services_health_update (self->health, id);
  note_change (self, id);
}

static void
on_service_removed (gpointer user_data, const gchar *id)
{
  EwServices *self = user_data;
  ew_services_health_update (self->health, id);
  g_hash_table_remove (self->changed, id);
  note_change (self, NULL);
}

/* It came, went, moved or has other routes. */
static void
on_node_changed (gpointer user_data, const gchar *node_id)
{
  EwServices *self = user_data;
  for (const EwService *service = ew_mesh_next_service (self->mesh, NULL); service;
       service = ew_mesh_next_service (self->mesh, service->id))
    if (ew_mesh_service_uses (service, node_id))
      {
        ew_services_health_update (self->health, service->id);
        note_change (self, service->id);
      }
}

static void
on_health_changed (gpointer user_data, const gchar *id)
{
  note_change (user_data, id);
}

static const EwMeshListener mesh_listener = {
  .node_changed = on_node_changed,
  .node_removed = on_node_changed,
  .service_changed = on_service_changed,
  .service_removed = on_service_removed,
};

/* Asked for. */

static void
on_checked (gpointer data)
{
  g_autoptr (GTask) task = data;
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
}

void
ew_services_check_async (EwServices *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, self->closed, callback, user_data);
  ew_services_health_check (self->health, id, on_checked, task);
}

gboolean
ew_services_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Life. */

void
ew_services_listen (EwServices *self, EwServicesFunc func, gpointer user_data)
{
  const Listener listener = { func, user_data };
  g_array_append_val (self->listeners, listener);
}

void
ew_services_unlisten (EwServices *self, EwServicesFunc func, gpointer user_data)
{
  for (guint i = self->listeners->len; i > 0; i--)
    {
      const Listener *listener = &g_array_index (self->listeners, Listener, i - 1);
      if (listener->func == func && listener->user_data == user_data)
        g_array_remove_index (self->listeners, i - 1);
    }
}

EwServices *
ew_services_new (EwMesh *mesh, EwFeed *feed)
{
  EwServices *self = g_new0 (EwServices, 1);
  self->mesh = mesh;
  self->feed = feed;
  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->closed = g_cancellable_new ();
  self->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  self->health = ew_services_health_new (mesh, feed, on_health_changed, self);
  for (const EwService *service = ew_mesh_next_service (mesh, NULL); service;
       service = ew_mesh_next_service (mesh, service->id))
    ew_services_health_update (self->health, service->id);
  self->listener = ew_mesh_listen (mesh, &mesh_listener, self);
  ew_feed_set_presence_func (feed, on_node_changed, self);
  update_table (self);
  return self;
}

void
ew_services_free (EwServices *self)
{
  if (self == NULL)
    return;
  ew_feed_set_presence_func (self->feed, NULL, NULL);
  ew_mesh_unlisten (self->mesh, self->listener);
  g_clear_handle_id (&self->table_source, g_source_remove);
  g_cancellable_cancel (self->closed);
  ew_services_health_free (self->health);
  g_hash_table_unref (self->changed);
  g_array_unref (self->listeners);
  g_object_unref (self->closed);
  g_free (self);
}
