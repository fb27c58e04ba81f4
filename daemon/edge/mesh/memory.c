/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh in memory follows the store, key by key.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/util.h"

static gint
compare_routes (gconstpointer a, gconstpointer b)
{
  const EwRouteEntry *first = *(EwRouteEntry *const *)a, *second = *(EwRouteEntry *const *)b;
  return strcmp (first->cidr, second->cidr);
}

static void
touch (EwMesh *self, const gchar *id)
{
  g_hash_table_remove (self->gone, id);
  g_hash_table_add (self->touched, g_strdup (id));
}

static void
unindex_node (EwMesh *self, EwNode *node)
{
  if (g_hash_table_lookup (self->names, node->name) == node)
    g_hash_table_remove (self->names, node->name);
  for (gchar **name = node->names; *name; name++)
    if (g_hash_table_lookup (self->names, *name) == node)
      g_hash_table_remove (self->names, *name);
  for (guint i = 0; i < node->n_addresses; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&node->addresses[i], text);
      if (g_hash_table_lookup (self->addresses, text) == node)
        g_hash_table_remove (self->addresses, text);
    }
  g_hash_table_remove (self->expiring, node->id);
}

static void
index_node (EwMesh *self, EwNode *node)
{
  g_hash_table_replace (self->names, node->name, node);
  for (gchar **name = node->names; *name; name++)
    g_hash_table_replace (self->names, *name, node);
  for (guint i = 0; i < node->n_addresses; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&node->addresses[i], text);
      g_hash_table_replace (self->addresses, g_strdup (text), node);
    }
  if (node->expires_us > 0)
    g_hash_table_add (self->expiring, g_strdup (node->id));
}

static void
relink_routes (EwMesh *self, EwNode *node)
{
  for (guint i = 0; i < self->routes->len; i++)
    {
      EwRouteEntry *route = self->routes->pdata[i];
      if (g_str_equal (route->node_id, node->id))
        g_ptr_array_add (node->routes, route);
    }
}

/* A node's key and credential change only when another computer takes its place. */
static gboolean
same_machine (const EwNode *old, const EwNode *node)
{
  return (!old->has_key || (node->has_key && memcmp (old->public_key, node->public_key, EW_KEY_SIZE) == 0))
         && (!old->has_credential
             || (node->has_credential && memcmp (old->credential_hash, node->credential_hash, EW_HASH_SIZE) == 0));
}

static void
apply_node (EwMesh *self, const gchar *id, JsonObject *object, gint64 revision)
{
  EwNode *old = g_tree_lookup (self->nodes, id);
  EwNode *node = object ? ew_mesh_node_from_json (object) : NULL;
  if (old && old->store_revision >= revision)
    {
      ew_mesh_node_free (node);
      return;
    }
  if (object && (node == NULL || !g_str_equal (node->id, id)))
    {
      g_warning ("store: /nodes/%s is damaged and skipped", id);
      ew_mesh_node_free (node);
      return;
    }
  if (old)
    unindex_node (self, old);
  ew_mesh_relist_domains (self, old, node);
  if (old && old->routes->len > 0 && (node == NULL || !g_str_equal (old->name, node->name)))
    self->shared_touched = TRUE;
  if (node)
    {
      node->store_revision = revision;
      if (old && same_machine (old, node))
        {
          node->endpoint = old->endpoint;
          node->last_seen_us = old->last_seen_us;
        }
      else if (old)
        g_hash_table_add (self->replaced, g_strdup (id));
      relink_routes (self, node);
      index_node (self, node);
      touch (self, id);
      g_tree_replace (self->nodes, node->id, node); /* frees old */
    }
  else if (old)
    {
      g_hash_table_remove (self->touched, id);
      g_hash_table_remove (self->replaced, id);
      g_hash_table_add (self->gone, g_strdup (id));
      g_tree_remove (self->nodes, id);
    }
}

static void
apply_route (EwMesh *self, const gchar *cidr, JsonObject *object, gint64 revision)
{
  for (guint i = 0; i < self->routes->len; i++)
    {
      EwRouteEntry *old = self->routes->pdata[i];
      if (!g_str_equal (old->cidr, cidr))
        continue;
      if (old->store_revision >= revision)
        return;
      EwNode *node = g_tree_lookup (self->nodes, old->node_id);
      if (node)
        {
          g_ptr_array_remove (node->routes, old);
          touch (self, node->id);
        }
      g_ptr_array_remove_index (self->routes, i);
      self->shared_touched = TRUE;
      break;
    }
  EwRouteEntry *route = object ? ew_mesh_route_entry_from_json (object) : NULL;
  if (route == NULL)
    return;
  route->store_revision = revision;
  g_ptr_array_add (self->routes, route);
  g_ptr_array_sort (self->routes, compare_routes);
  self->shared_touched = TRUE;
  EwNode *node = g_tree_lookup (self->nodes, route->node_id);
  if (node == NULL)
    return;
  g_ptr_array_set_size (node->routes, 0);
  relink_routes (self, node);
  touch (self, node->id);
}

static void
apply_address (EwMesh *self, const gchar *ip, JsonObject *object)
{
  EwNode *owner = g_hash_table_lookup (self->addresses, ip);
  const gchar *id = object ? ew_json_string (object, "node") : NULL;
  if (owner && (id == NULL || !g_str_equal (owner->id, id)))
    owner = NULL;
  if (object)
    g_hash_table_replace (self->addresses, g_strdup (ip), owner);
  else
    g_hash_table_remove (self->addresses, ip);
}

static gboolean
same_edge (const EwEdge *a, const EwEdge *b)
{
  return a && b && g_str_equal (a->name, b->name) && memcmp (a->public_key, b->public_key, EW_KEY_SIZE) == 0
         && g_strv_equal ((const gchar *const *)a->endpoints, (const gchar *const *)b->endpoints)
         && g_strv_equal ((const gchar *const *)a->api, (const gchar *const *)b->api);
}

static void
apply_edge (EwMesh *self, const gchar *id, JsonObject *object)
{
  g_autoptr (EwEdge) edge = object ? ew_mesh_edge_from_json (object) : NULL;
  const EwEdge *old = g_hash_table_lookup (self->edges, id);
  if (edge == old || same_edge (edge, old) || (edge && !g_str_equal (edge->id, id)))
    return;
  if (edge)
    g_hash_table_replace (self->edges, edge->id, edge);
  else
    g_hash_table_remove (self->edges, id);
  g_steal_pointer (&edge);
  self->edges_touched = self->shared_touched = TRUE;
}

static void
apply_endpoint (EwMesh *self, const gchar *id, JsonObject *object)
{
  EwNode *node = g_tree_lookup (self->nodes, id);
  if (node == NULL || object == NULL)
    return;
  const gchar *text = ew_json_string (object, "endpoint");
  if (text == NULL || !ew_endpoint_parse (text, &node->endpoint))
    node->endpoint = (EwEndpoint){ .kind = EW_ENDPOINT_NONE };
  node->last_seen_us = MAX (node->last_seen_us, ew_json_int (object, "last_seen_us", 0));
}

/* Used keys are asked of the store, where they are wanted at all. */
static void
apply_enrollment (EwMesh *self, const gchar *hash, JsonObject *object)
{
  g_autoptr (EwEnrollment) key = object ? ew_mesh_enrollment_from_json (object) : NULL;
  if (key == NULL || key->used_by)
    {
      g_hash_table_remove (self->keys, hash);
      return;
    }
  key->hash = g_strdup (hash);
  g_hash_table_replace (self->keys, key->hash, key);
  g_steal_pointer (&key);
}

static void
apply_tombstone (EwMesh *self, const gchar *id, JsonObject *object)
{
  const gchar *text = object ? ew_json_string (object, "credential_hash") : NULL;
  guint8 hash[EW_HASH_SIZE];
  if (text && ew_key_from_base64 (text, hash))
    g_hash_table_replace (self->removed, g_strdup (id), g_memdup2 (hash, sizeof hash));
  else
    g_hash_table_remove (self->removed, id);
}

static void
apply_settings (EwMesh *self, JsonObject *object, gint64 revision)
{
  EwMeshSettings settings = { 0 };
  if (object == NULL || self->settings.store_revision >= revision)
    return;
  if (!ew_mesh_settings_from_json (&settings, object))
    {
      g_warning ("store: /settings is damaged and skipped");
      ew_mesh_settings_clear (&settings);
      return;
    }
  ew_mesh_settings_clear (&self->settings);
  self->settings = settings;
  self->settings.store_revision = revision;
  self->shared_touched = TRUE;
}

void
ew_mesh_apply (EwMesh *self, const gchar *key, JsonObject *object, gint64 revision)
{
  if (g_str_has_prefix (key, "/nodes/"))
    apply_node (self, key + strlen ("/nodes/"), object, revision);
  else if (g_str_has_prefix (key, "/routes/"))
    apply_route (self, key + strlen ("/routes/"), object, revision);
  else if (g_str_has_prefix (key, "/services/"))
    ew_mesh_apply_service (self, key + strlen ("/services/"), object, revision);
  else if (g_str_has_prefix (key, "/published/"))
    ew_mesh_apply_published (self, key + strlen ("/published/"), object, revision);
  else if (g_str_has_prefix (key, "/addresses/"))
    apply_address (self, key + strlen ("/addresses/"), object);
  else if (g_str_has_prefix (key, "/endpoints/"))
    apply_endpoint (self, key + strlen ("/endpoints/"), object);
  else if (g_str_has_prefix (key, "/enrollment/"))
    apply_enrollment (self, key + strlen ("/enrollment/"), object);
  else if (g_str_has_prefix (key, "/tombstones/"))
    apply_tombstone (self, key + strlen ("/tombstones/"), object);
  else if (g_str_has_prefix (key, "/edges/"))
    apply_edge (self, key + strlen ("/edges/"), object);
  else if (g_str_equal (key, "/settings"))
    apply_settings (self, object, revision);
}
