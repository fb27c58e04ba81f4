/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's services, as the topology's messages have them.
 */
#include "topology-private.h"

#include "node-private.h"
#include "service-private.h"
#include "text.h"

#define SERVICES_MAX 4096

static guint
find_service (EwTopology *self, const gchar *id)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->services));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (G_LIST_MODEL (self->services), i);
      if (g_strcmp0 (ew_service_get_id (service), id) == 0)
        return i;
    }
  return G_MAXUINT;
}

/* Its targets were probed: it says so by itself, not in a message. */
static void
on_service_changed (EwTopology *self)
{
  self->services_changed = TRUE;
  if (!self->taking)
    ew_topology_tell_services (self);
}

void
ew_topology_take_service (EwTopology *self, JsonObject *object)
{
  const gchar *id = ew_node_id_of (object);
  guint at = id != NULL ? find_service (self, id) : G_MAXUINT;
  g_autoptr (EwService) service = NULL;

  if (id == NULL || (at == G_MAXUINT && g_list_model_get_n_items (G_LIST_MODEL (self->services)) >= SERVICES_MAX))
    return;
  service = at != G_MAXUINT ? g_list_model_get_item (G_LIST_MODEL (self->services), at) : ew_service_new (id);
  ew_service_set_clock (service, self->clock_us);
  ew_service_update (service, object);
  ew_service_set_as_of (service, self->as_of);
  if (at == G_MAXUINT)
    {
      g_signal_connect_object (service, "notify::revision", G_CALLBACK (on_service_changed), self, G_CONNECT_SWAPPED);
      g_list_store_append (self->services, service);
    }
  self->services_changed = TRUE;
}

void
ew_topology_remove_service (EwTopology *self, const gchar *id)
{
  guint at = id != NULL ? find_service (self, id) : G_MAXUINT;

  if (at == G_MAXUINT)
    return;
  g_list_store_remove (self->services, at);
  self->services_changed = TRUE;
}

/* A part of a snapshot; array: NULL where the edge is an older one. */
void
ew_topology_take_services (EwTopology *self, JsonArray *array)
{
  if (self->seen_services == NULL)
    self->seen_services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *id = object != NULL ? ew_node_id_of (object) : NULL;

      if (id == NULL)
        continue;
      if (i == 0 && g_hash_table_contains (self->seen_services, id)) /* the snapshot before was broken off */
        g_hash_table_remove_all (self->seen_services);
      g_hash_table_add (self->seen_services, g_strdup (id));
      ew_topology_take_service (self, object);
    }
}

/* The snapshot was whole: a service that wasn't in it was removed. */
void
ew_topology_keep_services (EwTopology *self)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->services)); i > 0; i--)
    {
      g_autoptr (EwService) service = g_list_model_get_item (G_LIST_MODEL (self->services), i - 1);
      if (self->seen_services != NULL && g_hash_table_contains (self->seen_services, ew_service_get_id (service)))
        continue;
      g_list_store_remove (self->services, i - 1);
      self->services_changed = TRUE;
    }
  g_clear_pointer (&self->seen_services, g_hash_table_unref);
}

void
ew_topology_forget_services (EwTopology *self)
{
  g_clear_pointer (&self->seen_services, g_hash_table_unref);
  self->services_changed |= g_list_model_get_n_items (G_LIST_MODEL (self->services)) > 0;
  g_list_store_remove_all (self->services);
}

void
ew_topology_date_services (EwTopology *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->services));
  gboolean was_taking = self->taking;

  self->taking = TRUE;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (G_LIST_MODEL (self->services), i);

      ew_service_set_as_of (service, self->as_of);
    }
  self->taking = was_taking;
  if (!was_taking)
    ew_topology_tell_services (self);
}

void
ew_topology_tell_services (EwTopology *self)
{
  if (!self->services_changed)
    return;
  self->services_changed = FALSE;
  g_signal_emit (self, ew_topology_services_signal, 0);
}

/* For others. */

GListModel *
ew_topology_get_services (EwTopology *self)
{
  return G_LIST_MODEL (self->services);
}

EwService *
ew_topology_find_service (EwTopology *self, const gchar *id)
{
  guint at = id != NULL ? find_service (self, id) : G_MAXUINT;
  g_autoptr (EwService) service = at != G_MAXUINT ? g_list_model_get_item (G_LIST_MODEL (self->services), at) : NULL;

  return service; /* the list keeps it */
}

EwService *
ew_topology_find_service_by_name (EwTopology *self, const gchar *name)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->services));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (G_LIST_MODEL (self->services), i);
      if (g_strcmp0 (ew_service_get_name (service), name) == 0)
        return service;
    }
  return NULL;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_service_get_name (*(EwService *const *)a), ew_service_get_name (*(EwService *const *)b));
}

GPtrArray *
ew_topology_get_services_of (EwTopology *self, EwNode *node)
{
  GPtrArray *services = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->services));

  for (guint i = 0; i < n; i++)
    {
      EwService *service = g_list_model_get_item (G_LIST_MODEL (self->services), i);

      if (ew_service_leads_to (service, ew_node_get_id (node)))
        g_ptr_array_add (services, service);
      else
        g_object_unref (service);
    }
  g_ptr_array_sort (services, compare_names);
  return services;
}
