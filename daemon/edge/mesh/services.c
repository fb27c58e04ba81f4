/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/services.h"

#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/mesh-private.h"
#include "edge/mesh/names.h"

/* Looking. */

EwService *
ew_mesh_get_service (EwMesh *self, const gchar *id)
{
  return g_tree_lookup (self->services, id);
}

EwService *
ew_mesh_next_service (EwMesh *self, const gchar *after)
{
  GTreeNode *next = after ? g_tree_upper_bound (self->services, after) : g_tree_node_first (self->services);
  return next ? g_tree_node_value (next) : NULL;
}

guint
ew_mesh_count_services (EwMesh *self)
{
  return (guint)g_tree_nnodes (self->services);
}

EwService *
ew_mesh_find_service (EwMesh *self, const gchar *name, GError **error)
{
  g_autofree gchar *label = ew_mesh_strip_suffix (self, name);
  EwService *found = ew_mesh_get_service (self, name);
  EwIp ip;
  gboolean is_ip = ew_ip_parse (name, &ip);
  for (EwService *service = ew_mesh_next_service (self, NULL); service && found == NULL;
       service = ew_mesh_next_service (self, service->id))
    if (g_str_equal (service->name, label)
        || (is_ip && (ew_ip_equal (&ip, &service->addresses[0]) || ew_ip_equal (&ip, &service->addresses[1]))))
      found = service;
  if (found == NULL)
    {
      g_autofree gchar *shown = g_strndup (name, 64);
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "There is no service \"%s\" in this mesh. List its services with `edgewayctl service list`.",
                    shown);
    }
  return found;
}

gboolean
ew_mesh_service_has_family (const EwService *service, EwFamily family)
{
  for (guint i = 0; i < service->targets->len; i++)
    {
      const EwServiceTarget *target = service->targets->pdata[i];
      if (target->host.family != EW_FAMILY_NONE && target->host.family != family)
        return FALSE;
    }
  return TRUE;
}

guint
ew_mesh_service_addresses (const EwService *service, EwIp out[2])
{
  guint n = 0;
  for (guint i = 0; i < G_N_ELEMENTS (service->addresses); i++)
    if (ew_mesh_service_has_family (service, service->addresses[i].family))
      out[n++] = service->addresses[i];
  return n;
}

gboolean
ew_mesh_is_outside (EwMesh *self, const EwIp *ip)
{
  const EwRanges *ranges = &self->settings.ranges;
  return !ew_prefix_contains (ip->family == EW_FAMILY_V4 ? &ranges->v4 : &ranges->v6, ip);
}

gboolean
ew_mesh_service_is_outside (EwMesh *self, const EwService *service)
{
  return service
         && (ew_mesh_is_outside (self, &service->addresses[0]) || ew_mesh_is_outside (self, &service->addresses[1]));
}

static gboolean
shares (const EwNode *node, const EwIp *host)
{
  for (guint i = 0; i < node->routes->len; i++)
    if (ew_prefix_contains (&((const EwRouteEntry *)node->routes->pdata[i])->prefix, host))
      return TRUE;
  return FALSE;
}

gboolean
ew_mesh_target_address (EwMesh *self, const EwServiceTarget *target, EwFamily family, EwIp *out)
{
  const EwNode *node = ew_mesh_get_node (self, target->node_id);
  if (node == NULL)
    return FALSE;
  if (target->host.family != EW_FAMILY_NONE)
    {
      if (target->host.family != family || !shares (node, &target->host))
        return FALSE;
      *out = target->host;
      return TRUE;
    }
  for (guint i = 0; i < node->n_addresses; i++)
    if (node->addresses[i].family == family)
      {
        *out = node->addresses[i];
        return TRUE;
      }
  return FALSE;
}

guint16
ew_mesh_target_port (const EwServiceTarget *target, const EwServicePort *port)
{
  return port->target ? port->target : target->port ? target->port : port->from;
}

const EwServicePort *
ew_mesh_service_sole_port (const EwService *service)
{
  const EwServicePort *chosen = NULL;
  for (guint i = 0; i < service->ports->len; i++)
    {
      const EwServicePort *port = &g_array_index (service->ports, EwServicePort, i);
      if (port->from == port->to
          && (chosen == NULL || (chosen->protocol == IPPROTO_UDP && port->protocol == IPPROTO_TCP)))
        chosen = port;
    }
  return chosen;
}

gchar *
ew_mesh_target_label (EwMesh *self, const EwServiceTarget *target, guint16 port)
{
  const EwNode *node = ew_mesh_get_node (self, target->node_id);
  gchar host[EW_IP_STRLEN];
  if (target->host.family != EW_FAMILY_NONE)
    ew_ip_format (&target->host, host);
  return ew_target_format (node ? node->name : target->node_id, target->host.family != EW_FAMILY_NONE ? host : NULL,
                           port);
}

gboolean
ew_mesh_service_uses (const EwService *service, const gchar *node_id)
{
  for (guint i = 0; i < service->targets->len; i++)
    if (g_str_equal (((const EwServiceTarget *)service->targets->pdata[i])->node_id, node_id))
      return TRUE;
  return FALSE;
}

/* Memory. */

void
ew_mesh_apply_service (EwMesh *self, const gchar *id, JsonObject *object, gint64 revision)
{
  const EwService *old = g_tree_lookup (self->services, id);
  EwService *service = object ? ew_mesh_service_from_json (object) : NULL;
  if ((old && old->store_revision >= revision) || (object && (service == NULL || !g_str_equal (service->id, id))))
    {
      if (object && service == NULL)
        g_warning ("store: /services/%s is damaged and skipped", id);
      ew_mesh_service_free (service);
      return;
    }
  /* Nodes have a route to such an address. */
  self->shared_touched |= ew_mesh_service_is_outside (self, old) || ew_mesh_service_is_outside (self, service);
  if (service)
    {
      service->store_revision = revision;
      g_hash_table_remove (self->services_gone, id);
      g_hash_table_add (self->services_touched, g_strdup (id));
      g_tree_replace (self->services, service->id, service); /* frees old */
    }
  else if (old)
    {
      g_hash_table_remove (self->services_touched, id);
      g_hash_table_add (self->services_gone, g_strdup (id));
      g_tree_remove (self->services, id);
    }
}

/* Ending. */

EwService *
ew_mesh_read_service (EwMesh *self, const gchar *id, GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/services/", id);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return NULL;
  EwService *service = object ? ew_mesh_service_from_json (object) : NULL;
  if (service)
    service->store_revision = revision;
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "This service is no longer in the mesh.");
  return service;
}

void
ew_mesh_change_put_service (EwMeshChange *change, const EwService *service)
{
  g_autofree gchar *key = ew_mesh_node_key ("/services/", service->id);
  ew_mesh_change_expect (change, key, service->store_revision);
  ew_mesh_change_put (change, key, ew_mesh_service_to_json (service));
}

static void
delete_service (EwMesh *self, EwMeshChange *change, const EwService *service)
{
  g_autofree gchar *key = ew_mesh_node_key ("/services/", service->id);
  g_autofree gchar *name = ew_mesh_node_key ("/names/", service->name);
  ew_mesh_change_expect (change, key, service->store_revision);
  ew_mesh_change_delete (change, key);
  ew_mesh_change_delete (change, name);
  for (guint i = 0; i < G_N_ELEMENTS (service->addresses); i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&service->addresses[i], text);
      g_autofree gchar *address = ew_mesh_node_key ("/addresses/", text);
      ew_mesh_change_delete (change, address);
    }
  ew_mesh_change_unpublish_service (self, change, service->id);
}

static gboolean
remove_service (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  g_autoptr (EwService) service = ew_mesh_read_service (self, data, error);
  if (service)
    delete_service (self, change, service);
  return service != NULL;
}

void
ew_mesh_remove_service_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  ew_mesh_change_async (self, remove_service, g_strdup (id), g_free, callback, user_data);
}

gboolean
ew_mesh_remove_service_finish (GAsyncResult *result, GError **error)
{
  return ew_mesh_change_finish (result, error) != NULL;
}

/* Targets whose node was removed. */

GPtrArray *
ew_mesh_find_orphans (EwMesh *self)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);
  for (const EwService *service = ew_mesh_next_service (self, NULL); service;
       service = ew_mesh_next_service (self, service->id))
    for (guint i = 0; i < service->targets->len; i++)
      if (ew_mesh_get_node (self, ((const EwServiceTarget *)service->targets->pdata[i])->node_id) == NULL)
        {
          g_ptr_array_add (ids, g_strdup (service->id));
          break;
        }
  return ids;
}

gboolean
ew_mesh_drop_orphans (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  g_autoptr (EwService) service = ew_mesh_read_service (self, data, error);
  guint before = service ? service->targets->len : 0;
  for (guint i = before; i > 0; i--)
    {
      const EwServiceTarget *target = service->targets->pdata[i - 1];
      g_autofree gchar *key = ew_mesh_node_key ("/nodes/", target->node_id);
      gint64 revision;
      if (!ew_mesh_read (self, key, NULL, &revision, error))
        return FALSE;
      if (revision == 0)
        g_ptr_array_remove_index (service->targets, i - 1);
    }
  if (service == NULL || service->targets->len == before)
    return service != NULL;
  if (service->targets->len > 0)
    {
      g_message ("service %s has lost a target, whose node was removed", service->name);
      ew_mesh_change_put_service (change, service);
      return TRUE;
    }
  g_message ("service %s was removed with its last target's node", service->name);
  delete_service (self, change, service);
  return TRUE;
}
