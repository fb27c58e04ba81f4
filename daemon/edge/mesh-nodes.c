/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nodes: what they claim (name, key, addresses), how they change, and how they go.
 */
#include "edge/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/util.h"

#define ENDPOINTS_AT_ONCE 100                      /* below EW_STORE_TXN_MAX */
#define ENROLLMENT_MEMORY_US (7 * G_TIME_SPAN_DAY) /* how long a key is still told "used" or "expired" */

gchar *
ew_mesh_node_key (const gchar *prefix, const gchar *id)
{
  return g_strconcat (prefix, id, NULL);
}

/* Claims. */

gboolean
ew_mesh_check_valid (guint valid_seconds, GError **error)
{
  if (valid_seconds >= EW_MESH_VALID_MIN && valid_seconds <= EW_MESH_VALID_MAX)
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
               "valid_seconds must be between %d (a minute) and %d (a year).", EW_MESH_VALID_MIN, EW_MESH_VALID_MAX);
  return FALSE;
}

gboolean
ew_mesh_claim_name (EwMesh *self, EwChange *change, const gchar *name, const gchar *id, GError **error)
{
  gint64 revision;
  if (!ew_name_check (name, error))
    return FALSE;
  g_autofree gchar *key = ew_mesh_node_key ("/names/", name);
  if (!ew_mesh_read (self, key, NULL, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                   "The name \"%s\" is taken in this mesh: choose another, or rename or remove the one that has it.",
                   name);
      return FALSE;
    }
  ew_change_expect (change, key, 0);
  ew_change_put_owner (change, key, "node", id);
  return TRUE;
}

gboolean
ew_mesh_claim_public_key (EwMesh *self, EwChange *change, const gchar *public_key, EwNode *node, GError **error)
{
  static const guint8 zero[EW_KEY_SIZE];
  gint64 revision;
  if (public_key == NULL || !ew_key_from_base64 (public_key, node->public_key)
      || memcmp (node->public_key, zero, sizeof zero) == 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "public_key must be a WireGuard public key: 44 characters of base64, as `wg pubkey` writes it.");
      return FALSE;
    }
  g_autofree gchar *key = ew_mesh_node_key ("/pubkeys/", public_key);
  if (!ew_mesh_read (self, key, NULL, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      g_set_error (
        error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
        "This mesh knows a machine with that public key already: make a new key pair, or remove the other node first.");
      return FALSE;
    }
  ew_change_expect (change, key, 0);
  ew_change_put_owner (change, key, "node", node->id);
  node->has_key = TRUE;
  return TRUE;
}

/* Whether the store has neither of the two; *keys (transfer full) are theirs. */
static gboolean
is_free (EwMesh *self, const EwIp ips[2], gchar *keys[2], gboolean *free_now, GError **error)
{
  *free_now = TRUE;
  for (guint i = 0; i < 2 && *free_now; i++)
    {
      gchar text[EW_IP_STRLEN];
      gint64 revision = 0;
      ew_ip_format (&ips[i], text);
      g_free (keys[i]);
      keys[i] = ew_mesh_node_key ("/addresses/", text);
      if (g_hash_table_contains (self->addresses, text))
        *free_now = FALSE;
      else if (!ew_mesh_read (self, keys[i], NULL, &revision, error))
        return FALSE;
      else
        *free_now = revision == 0;
    }
  return TRUE;
}

static gboolean
find_addresses (EwMesh *self, EwIp ips[2], gchar *keys[2], GError **error)
{
  guint32 count = ew_ranges_count (&self->settings.ranges);
  for (guint32 i = 0; i < count; i++)
    {
      guint32 offset = (self->next_offset + i) % count;
      gboolean free_now;
      if (!ew_ranges_at (&self->settings.ranges, offset, ips))
        continue;
      if (!is_free (self, ips, keys, &free_now, error))
        return FALSE;
      if (!free_now)
        continue;
      self->next_offset = offset + 1;
      return TRUE;
    }
  g_set_error (error, EW_ERROR, EW_ERROR_OUT_OF_ADDRESSES,
               "All addresses of the mesh's range are in use or at rest (30 days after a node's removal): remove nodes "
               "that are not needed.");
  return FALSE;
}

gboolean
ew_mesh_claim_addresses (EwMesh *self, EwChange *change, EwNode *node, GError **error)
{
  gchar *keys[2] = { NULL, NULL };
  gboolean found = find_addresses (self, node->addresses, keys, error);
  for (guint i = 0; i < 2; i++)
    {
      if (found)
        {
          ew_change_expect (change, keys[i], 0);
          ew_change_put_owner (change, keys[i], "node", node->id);
        }
      g_free (keys[i]);
    }
  node->n_addresses = found ? 2 : 0;
  return found;
}

/* Changes of one node. */

typedef struct
{
  const gchar *id;
  const gchar *name, *kind, *public_key;
  guint valid_seconds;
  guint16 mtu;
  gboolean expired; /* it goes by itself: its key is still to be told "expired" */
} NodeChange;

/* The node as the store has it now. NULL with EW_ERROR_NOT_FOUND. */
static EwNode *
read_node (EwMesh *self, const gchar *id, GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", id);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return NULL;
  EwNode *node = object ? ew_node_from_json (object) : NULL;
  if (node)
    node->store_revision = revision;
  else
    g_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "There is no such node in this mesh any more.");
  return node;
}

static void
put_node (EwChange *change, const EwNode *node)
{
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  ew_change_expect (change, key, node->store_revision);
  ew_change_put (change, key, ew_node_to_json (node));
}

static gboolean
add_plain (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_node_new ();
  node->id = g_strdup (wanted->id);
  node->name = g_strdup (wanted->name);
  node->kind = g_strdup (wanted->kind);
  node->role = g_strdup ("member");
  node->plain = TRUE;
  node->created_us = self->now_us ();
  node->expires_us = node->created_us + (gint64)wanted->valid_seconds * G_USEC_PER_SEC;
  if (!ew_mesh_claim_name (self, change, node->name, node->id, error)
      || !ew_mesh_claim_public_key (self, change, wanted->public_key, node, error)
      || !ew_mesh_claim_addresses (self, change, node, error))
    return FALSE;
  put_node (change, node);
  return TRUE;
}

EwNode *
ew_mesh_add_plain_node (EwMesh *self, const gchar *name, const gchar *kind, const gchar *public_key,
                        guint valid_seconds, GError **error)
{
  g_autofree gchar *id = ew_node_make_id ();
  NodeChange wanted
    = { .id = id, .name = name, .kind = kind, .public_key = public_key, .valid_seconds = valid_seconds };
  if (!ew_mesh_check_valid (valid_seconds, error))
    return NULL;
  if (name == NULL || (g_strcmp0 (kind, "server") != 0 && g_strcmp0 (kind, "device") != 0))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "A node needs a name, and the kind \"server\" or \"device\".");
      return NULL;
    }
  return ew_mesh_change (self, add_plain, &wanted, error) ? ew_mesh_get_node (self, id) : NULL;
}

static gboolean
rename_node (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (g_str_equal (node->name, wanted->name))
    return TRUE;
  if (!ew_mesh_claim_name (self, change, wanted->name, node->id, error))
    return FALSE;
  g_autofree gchar *old = ew_mesh_node_key ("/names/", node->name);
  ew_change_delete (change, old);
  g_free (node->name);
  node->name = g_strdup (wanted->name);
  put_node (change, node);
  return TRUE;
}

EwNode *
ew_mesh_rename_node (EwMesh *self, const gchar *id, const gchar *name, GError **error)
{
  NodeChange wanted = { .id = id, .name = name };
  return ew_mesh_change (self, rename_node, &wanted, error) ? ew_mesh_get_node (self, id) : NULL;
}

static gboolean
set_node_mtu (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (node->mtu == wanted->mtu)
    return TRUE;
  node->mtu = wanted->mtu;
  put_node (change, node);
  return TRUE;
}

EwNode *
ew_mesh_set_node_mtu (EwMesh *self, const gchar *id, gint64 mtu, GError **error)
{
  NodeChange wanted = { .id = id, .mtu = (guint16)mtu };
  if (mtu != 0 && (mtu < EW_NODE_MTU_MIN || mtu > self->mtu))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "A node's MTU is between %d (below it IPv6 does not work) and the mesh's, which is %u.",
                   EW_NODE_MTU_MIN, self->mtu);
      return NULL;
    }
  return ew_mesh_change (self, set_node_mtu, &wanted, error) ? ew_mesh_get_node (self, id) : NULL;
}

static gboolean
mark_joined (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (node->joined)
    return TRUE;
  node->joined = TRUE;
  node->expires_us = 0;
  put_node (change, node);
  return TRUE;
}

gboolean
ew_mesh_mark_joined (EwMesh *self, const gchar *id, GError **error)
{
  NodeChange wanted = { .id = id };
  return ew_mesh_change (self, mark_joined, &wanted, error);
}

/* Removal. */

static void
bury (EwMesh *self, EwChange *change, const EwNode *node)
{
  if (!node->has_credential)
    return;
  g_autofree gchar *key = ew_mesh_node_key ("/tombstones/", node->id);
  g_autofree gchar *hash = ew_key_to_base64 (node->credential_hash);
  JsonObject *stone = json_object_new ();
  json_object_set_string_member (stone, "name", node->name);
  json_object_set_string_member (stone, "credential_hash", hash);
  json_object_set_int_member (stone, "removed_us", self->now_us ());
  ew_change_put (change, key, stone);
}

static void
release_addresses (EwMesh *self, EwChange *change, const EwNode *node)
{
  for (guint i = 0; i < node->n_addresses; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&node->addresses[i], text);
      g_autofree gchar *key = ew_mesh_node_key ("/addresses/", text);
      JsonObject *rest = json_object_new ();
      json_object_set_int_member (rest, "released_us", self->now_us ());
      ew_change_put (change, key, rest);
    }
}

/* The store's routes, not memory's: another edge may have added one. Adding a route changes the node, so the compare on
 * the node covers it. */
static gboolean
delete_routes (EwMesh *self, EwChange *change, const EwNode *node, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GPtrArray) entries = ew_store_list (self->store, "/routes/", NULL, 0, NULL, &cause);
  if (entries == NULL)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INTERNAL, "The edge's store failed: %s", cause->message);
      return FALSE;
    }
  for (guint i = 0; i < entries->len; i++)
    {
      const EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *data = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object && g_strcmp0 (ew_json_string (object, "node"), node->id) == 0)
        ew_change_delete (change, entry->key);
    }
  return TRUE;
}

static gboolean
remove_node (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = read_node (self, wanted->id, error);
  if (node == NULL || !delete_routes (self, change, node, error))
    return FALSE;
  if (wanted->expired && node->joined)
    return TRUE;
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  g_autofree gchar *name = ew_mesh_node_key ("/names/", node->name);
  g_autofree gchar *endpoint = ew_mesh_node_key ("/endpoints/", node->id);
  ew_change_expect (change, key, node->store_revision);
  ew_change_delete (change, key);
  ew_change_delete (change, name);
  ew_change_delete (change, endpoint);
  if (node->has_key)
    {
      g_autofree gchar *text = ew_key_to_base64 (node->public_key);
      g_autofree gchar *public_key = ew_mesh_node_key ("/pubkeys/", text);
      ew_change_delete (change, public_key);
    }
  if (node->enrollment && !node->joined && !wanted->expired)
    {
      g_autofree gchar *enrollment = ew_mesh_node_key ("/enrollment/", node->enrollment);
      ew_change_delete (change, enrollment);
    }
  release_addresses (self, change, node);
  bury (self, change, node);
  return TRUE;
}

gboolean
ew_mesh_remove_node (EwMesh *self, const gchar *id, GError **error)
{
  NodeChange wanted = { .id = id };
  return ew_mesh_change (self, remove_node, &wanted, error);
}

/* Endpoints. */

static void
put_endpoint (EwChange *change, const EwNode *node)
{
  g_autofree gchar *key = ew_mesh_node_key ("/endpoints/", node->id);
  JsonObject *object = json_object_new ();
  if (node->endpoint.kind == EW_ENDPOINT_UDP)
    {
      gchar text[EW_ENDPOINT_STRLEN];
      ew_endpoint_format (&node->endpoint, text);
      json_object_set_string_member (object, "endpoint", text);
    }
  json_object_set_int_member (object, "last_seen_us", node->last_seen_us);
  ew_change_put (change, key, object);
}

static gboolean
put_endpoints (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const gchar *const *ids = data;
  for (guint i = 0; ids[i] && i < ENDPOINTS_AT_ONCE; i++)
    {
      const EwNode *node = ew_mesh_get_node (self, ids[i]);
      if (node)
        put_endpoint (change, node);
    }
  return TRUE;
}

gboolean
ew_mesh_save_endpoints (EwMesh *self, const gchar *const *ids, GError **error)
{
  guint n = g_strv_length ((GStrv)ids);
  for (guint i = 0; i < n; i += ENDPOINTS_AT_ONCE)
    if (!ew_mesh_change (self, put_endpoints, (gpointer)(ids + i), error))
      return FALSE;
  return TRUE;
}

/* Sweeping. */

static gboolean
sweep_nodes (EwMesh *self, GError **error)
{
  g_autoptr (GPtrArray) expired = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, self->expiring);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (ew_mesh_get_node (self, id)->expires_us <= self->now_us ())
      g_ptr_array_add (expired, g_strdup (id));
  for (guint i = 0; i < expired->len; i++)
    {
      NodeChange wanted = { .id = expired->pdata[i], .expired = TRUE };
      g_message ("node %s never joined and is forgotten", ew_mesh_get_node (self, wanted.id)->name);
      if (!ew_mesh_change (self, remove_node, &wanted, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_old (EwMesh *self, const gchar *key, JsonObject *object)
{
  gint64 now = self->now_us ();
  if (g_str_has_prefix (key, "/enrollment/"))
    return ew_json_int (object, "expires_us", 0) + ENROLLMENT_MEMORY_US < now;
  if (g_str_has_prefix (key, "/addresses/"))
    return ew_json_int (object, "released_us", G_MAXINT64 / 2) + EW_MESH_ADDRESS_REST_US < now;
  return ew_mesh_get_node (self, strrchr (key, '/') + 1) == NULL; /* an endpoint without its node */
}

static gboolean
delete_as_read (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  const EwStoreEntry *entry = data;
  gint64 revision;
  if (!ew_mesh_read (self, entry->key, NULL, &revision, error))
    return FALSE;
  if (revision == entry->mod_revision)
    {
      ew_change_expect (change, entry->key, revision);
      ew_change_delete (change, entry->key);
    }
  return TRUE;
}

static gboolean
sweep_prefix (EwMesh *self, const gchar *prefix, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_store_list (self->store, prefix, NULL, 0, NULL, error);
  for (guint i = 0; entries && i < entries->len; i++)
    {
      EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *data = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object && is_old (self, entry->key, object) && !ew_mesh_change (self, delete_as_read, entry, error))
        return FALSE;
    }
  return entries != NULL;
}

gboolean
ew_mesh_sweep (EwMesh *self, gboolean thorough, GError **error)
{
  if (!sweep_nodes (self, error))
    return FALSE;
  return !thorough
         || (sweep_prefix (self, "/enrollment/", error) && sweep_prefix (self, "/addresses/", error)
             && sweep_prefix (self, "/endpoints/", error)
             && ew_store_compact (self->store, ew_store_get_revision (self->store), error));
}
