/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edge/mesh/names.h"

typedef struct
{
  guint handle;
  const EwMeshListener *funcs;
  gpointer user_data;
} Listener;

static gint
compare_ids (gconstpointer a, gconstpointer b, gpointer unused)
{
  return strcmp (a, b);
}

void
ew_mesh_note_ahead (EwMesh *self, const gchar *key, gint64 revision)
{
  gint64 *value = g_new (gint64, 1);
  *value = revision;
  g_hash_table_replace (self->ahead, g_strdup (key), value);
}

static gboolean
is_told (gpointer key, gpointer value, gpointer self)
{
  return *(const gint64 *)value < ((const EwMesh *)self)->told;
}

/* Whether memory knows this or something newer of the key: one removed in the meantime would come back, and take its
   name from the node that has it now. */
static gboolean
is_past (EwMesh *self, const gchar *key, gint64 revision)
{
  if (revision != self->told)
    {
      self->told = revision;
      g_hash_table_foreach_remove (self->ahead, is_told, self);
    }
  const gint64 *ahead = g_hash_table_lookup (self->ahead, key);
  return ahead && revision <= *ahead;
}

/* Telling. */

static gboolean
update_shared_digest (EwMesh *self)
{
  guint8 digest[32];
  if (!self->shared_touched || self->settings.edge_list == NULL || ew_mesh_get_edge (self) == NULL)
    return FALSE;
  self->shared_touched = FALSE;
  ew_mesh_document_digest_shared (self, digest);
  if (memcmp (digest, self->shared_digest, sizeof digest) == 0)
    return FALSE;
  memcpy (self->shared_digest, digest, sizeof digest);
  return TRUE;
}

static void
tell_ids (EwMesh *self, const Listener *listener, GHashTable *ids, void (*func) (gpointer user_data, const gchar *id))
{
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, ids);
  while (func && g_hash_table_iter_next (&iter, &id, NULL))
    func (listener->user_data, id);
}

void
ew_mesh_tell (EwMesh *self)
{
  gboolean all = update_shared_digest (self);
  for (guint i = 0; i < self->listeners->len; i++)
    {
      const Listener *listener = &g_array_index (self->listeners, Listener, i);
      tell_ids (self, listener, self->gone, listener->funcs->node_removed);
      tell_ids (self, listener, self->replaced, listener->funcs->node_removed);
      tell_ids (self, listener, self->touched, listener->funcs->node_changed);
      if (all && listener->funcs->all_changed)
        listener->funcs->all_changed (listener->user_data);
      if (self->edges_touched && listener->funcs->edge_changed)
        listener->funcs->edge_changed (listener->user_data);
      tell_ids (self, listener, self->services_gone, listener->funcs->service_removed);
      tell_ids (self, listener, self->services_touched, listener->funcs->service_changed);
      if (self->published_touched && listener->funcs->published_changed)
        listener->funcs->published_changed (listener->user_data);
    }
  g_hash_table_remove_all (self->gone);
  g_hash_table_remove_all (self->replaced);
  g_hash_table_remove_all (self->touched);
  g_hash_table_remove_all (self->services_gone);
  g_hash_table_remove_all (self->services_touched);
  self->edges_touched = self->published_touched = FALSE;
}

guint
ew_mesh_listen (EwMesh *self, const EwMeshListener *funcs, gpointer user_data)
{
  Listener listener = { ++self->last_listener, funcs, user_data };
  g_array_append_val (self->listeners, listener);
  return listener.handle;
}

void
ew_mesh_unlisten (EwMesh *self, guint handle)
{
  for (guint i = 0; i < self->listeners->len; i++)
    if (g_array_index (self->listeners, Listener, i).handle == handle)
      {
        g_array_remove_index (self->listeners, i);
        return;
      }
}

/* Opening. */

static void
on_store_event (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  EwMesh *self = user_data;
  g_autoptr (JsonObject) object = NULL;
  if (is_past (self, event->key, event->revision))
    return;
  if (event->value)
    {
      gsize length;
      const gchar *data = g_bytes_get_data (event->value, &length);
      object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object == NULL)
        return;
    }
  ew_mesh_apply (self, event->key, object, event->revision);
  ew_mesh_tell (self);
}

static gboolean
load_prefix (EwMesh *self, const gchar *prefix, gint64 *revision, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_store_list (self->store, prefix, NULL, 0, revision, error);
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      const EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *data = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object)
        ew_mesh_apply (self, entry->key, object, entry->mod_revision);
      else
        g_warning ("store: %s is damaged and skipped", entry->key);
    }
  return TRUE;
}

static gboolean
load (EwMesh *self, gint64 *first_revision, GError **error)
{
  /* Addresses before the nodes that own them; endpoints after. */
  static const gchar *const prefixes[] = { "/settings",  "/edges/",     "/addresses/", "/routes/",     "/nodes/",
                                           "/services/", "/published/", "/endpoints/", "/enrollment/", "/tombstones/" };
  gint64 revision = 0;
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (!load_prefix (self, prefixes[i], i == 0 ? first_revision : &revision, error))
      return FALSE;
  return TRUE;
}

static EwMesh *
mesh_new (EwStore *store, const EwMeshSetup *setup)
{
  EwMesh *self = g_new0 (EwMesh, 1);
  self->store = store;
  self->now_us = setup->now_us ? setup->now_us : g_get_real_time;
  self->mtu = setup->mtu;
  self->trial = setup->trial;
  self->public_endpoint = g_strdup (setup->public_endpoint);
  self->nodes = g_tree_new_full (compare_ids, NULL, NULL, (GDestroyNotify)ew_mesh_node_free);
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  self->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->edges = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)ew_mesh_edge_free);
  self->routes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_mesh_route_entry_free);
  self->services = g_tree_new_full (compare_ids, NULL, NULL, (GDestroyNotify)ew_mesh_service_free);
  self->published = g_tree_new_full (compare_ids, NULL, NULL, (GDestroyNotify)ew_mesh_published_free);
  self->domains = g_ptr_array_new ();
  self->expiring = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)ew_mesh_enrollment_free);
  self->removed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->next_offset = EW_RANGES_FIRST_OFFSET;
  self->jobs = g_queue_new ();
  self->closed = g_cancellable_new ();
  self->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  self->ahead = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->gone = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->services_touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->services_gone = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

/* This edge is the one with this program's key; a new one is named after it. Edges made before had the ID "e1". */
static gboolean
find_own_edge (EwMesh *self, const EwMeshSetup *setup, GError **error)
{
  guint8 hash[EW_HASH_SIZE];
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->edges);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (memcmp (((const EwEdge *)value)->public_key, setup->public_key, EW_KEY_SIZE) == 0)
      self->edge_id = g_strdup (((const EwEdge *)value)->id);
  if (self->edge_id)
    return TRUE;
  if (g_hash_table_size (self->edges) > 0)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "The state directory's wireguard.key isn't the key that this mesh's nodes know. Restore it from a "
                    "backup.");
      return FALSE;
    }
  ew_sha256 (setup->public_key, EW_KEY_SIZE, hash);
  g_autofree gchar *hex = ew_mesh_hash_to_hex (hash);
  self->edge_id = g_strdup_printf ("e%.16s", hex);
  return TRUE;
}

/* A mesh that is there comes up with the names and addresses that it had, if others cannot be stored. */
static gboolean
settle_setup (EwMesh *self, const EwMeshSetup *setup, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gboolean complete = self->settings.edge_list_signature && g_hash_table_contains (self->edges, self->edge_id);
  if (ew_mesh_settle_setup (self, setup, &cause))
    return TRUE;
  if (complete && g_error_matches (cause, EW_ERROR, EW_ERROR_STORE_FULL))
    {
      g_warning ("The edge starts with its settings as they were before: %s", cause->message);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

EwMesh *
ew_mesh_open (EwStore *store, const EwMeshSetup *setup, GError **error)
{
  g_autoptr (EwMesh) self = mesh_new (store, setup);
  gint64 revision = 0;
  if (!ew_pki_get_pin (setup->ca_certificate_pem, self->pin, error) || !load (self, &revision, error)
      || !find_own_edge (self, setup, error) || !settle_setup (self, setup, error))
    return NULL;
  ew_mesh_tell (self);
  self->watch = ew_store_watch (store, "/", revision + 1, on_store_event, self, NULL, error);
  return self->watch ? g_steal_pointer (&self) : NULL;
}

void
ew_mesh_close (EwMesh *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->closed);
  g_object_unref (self->closed);
  ew_mesh_change_cancel_all (self);
  g_queue_free (self->jobs);
  if (self->watch)
    ew_store_unwatch (self->store, self->watch);
  ew_mesh_settings_clear (&self->settings);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->addresses);
  g_hash_table_unref (self->edges);
  g_hash_table_unref (self->expiring);
  g_hash_table_unref (self->ahead);
  g_hash_table_unref (self->touched);
  g_hash_table_unref (self->gone);
  g_hash_table_unref (self->replaced);
  g_hash_table_unref (self->services_touched);
  g_hash_table_unref (self->services_gone);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->removed);
  g_tree_unref (self->nodes);
  g_tree_unref (self->services);
  g_tree_unref (self->published);
  g_ptr_array_unref (self->routes);
  g_ptr_array_unref (self->domains);
  g_array_unref (self->listeners);
  g_free (self->edge_id);
  g_free (self->public_endpoint);
  g_free (self->asker.id);
  g_free (self);
}

/* Looking. */

const gchar *
ew_mesh_get_name (EwMesh *self)
{
  return self->settings.mesh;
}

const gchar *
ew_mesh_get_suffix (EwMesh *self)
{
  return self->settings.suffix;
}

const EwRanges *
ew_mesh_get_ranges (EwMesh *self)
{
  return &self->settings.ranges;
}

const EwEdge *
ew_mesh_get_edge (EwMesh *self)
{
  return g_hash_table_lookup (self->edges, self->edge_id);
}

guint16
ew_mesh_get_mtu (EwMesh *self)
{
  return self->mtu;
}

guint16
ew_mesh_get_node_mtu (EwMesh *self, const EwNode *node)
{
  return node->mtu != 0 ? MIN (node->mtu, self->mtu) : self->mtu;
}

gboolean
ew_mesh_is_trial (EwMesh *self)
{
  return self->trial;
}

void
ew_mesh_set_exit (EwMesh *self, gboolean has_exit)
{
  self->shared_touched |= self->has_exit != has_exit;
  self->has_exit = has_exit;
  ew_mesh_tell (self);
}

gboolean
ew_mesh_has_exit (EwMesh *self)
{
  return self->has_exit;
}

void
ew_mesh_set_dns (EwMesh *self, gboolean answers, gboolean forwards)
{
  self->shared_touched |= self->has_dns != answers || self->forwards_dns != forwards;
  self->has_dns = answers;
  self->forwards_dns = forwards;
  ew_mesh_tell (self);
}

gboolean
ew_mesh_has_dns (EwMesh *self, gboolean *forwards)
{
  *forwards = self->has_dns && self->forwards_dns;
  return self->has_dns;
}

const gchar *
ew_mesh_get_edge_list (EwMesh *self, const gchar **signature)
{
  *signature = self->settings.edge_list_signature;
  return self->settings.edge_list;
}

const guint8 *
ew_mesh_get_shared_digest (EwMesh *self)
{
  return self->shared_digest;
}

EwNode *
ew_mesh_get_node (EwMesh *self, const gchar *id)
{
  return g_tree_lookup (self->nodes, id);
}

EwNode *
ew_mesh_find_node (EwMesh *self, const gchar *name, GError **error)
{
  g_autofree gchar *label = ew_mesh_strip_suffix (self, name);
  EwNode *node = g_hash_table_lookup (self->names, label);
  EwIp ip;
  if (node == NULL)
    node = g_tree_lookup (self->nodes, name);
  if (node == NULL && ew_ip_parse (name, &ip))
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&ip, text);
      node = g_hash_table_lookup (self->addresses, text);
    }
  if (node == NULL)
    {
      g_autofree gchar *shown = g_strndup (name, 64);
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "There is no node \"%s\" in this mesh. List its nodes with `edgewayctl node list`.", shown);
    }
  return node;
}

EwNode *
ew_mesh_next_node (EwMesh *self, const gchar *after)
{
  GTreeNode *next = after ? g_tree_upper_bound (self->nodes, after) : g_tree_node_first (self->nodes);
  return next ? g_tree_node_value (next) : NULL;
}

guint
ew_mesh_count_nodes (EwMesh *self)
{
  return (guint)g_tree_nnodes (self->nodes);
}

GPtrArray *
ew_mesh_get_routes (EwMesh *self)
{
  return self->routes;
}
