/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How nodes go, and what rests after them.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

/* Removal. */

typedef struct
{
  const gchar *id;
  gboolean expired; /* it's removed later: until then its key is answered with "expired" */
} Removal;

void
ew_mesh_change_bury (EwMesh *self, EwMeshChange *change, const EwNode *node)
{
  if (!node->has_credential)
    return;
  g_autofree gchar *key = ew_mesh_node_key ("/tombstones/", node->id);
  g_autofree gchar *hash = ew_key_to_base64 (node->credential_hash);
  JsonObject *stone = json_object_new ();
  json_object_set_string_member (stone, "name", node->name);
  json_object_set_string_member (stone, "credential_hash", hash);
  json_object_set_int_member (stone, "removed_us", self->now_us ());
  ew_mesh_change_put (change, key, stone);
}

static void
release_addresses (EwMesh *self, EwMeshChange *change, const EwNode *node)
{
  for (guint i = 0; i < node->n_addresses; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&node->addresses[i], text);
      g_autofree gchar *key = ew_mesh_node_key ("/addresses/", text);
      JsonObject *rest = json_object_new ();
      json_object_set_int_member (rest, "released_us", self->now_us ());
      ew_mesh_change_put (change, key, rest);
    }
  if (node->n_addresses == 0)
    return;
  g_autofree gchar *key = ew_mesh_node_key ("/resting/", node->name);
  JsonObject *left = json_object_new ();
  ew_mesh_json_set_ips (left, "addresses", node->addresses, node->n_addresses);
  json_object_set_int_member (left, "released_us", self->now_us ());
  ew_mesh_change_put (change, key, left);
}

/* The store's routes, not memory's: another edge may have added one. Adding a route changes the node, so the compare on
 * the node covers it. */
static gboolean
delete_routes (EwMesh *self, EwMeshChange *change, const EwNode *node, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, "/routes/", error);
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      const EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *data = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object && g_strcmp0 (ew_json_string (object, "node"), node->id) == 0)
        ew_mesh_change_delete (change, entry->key);
    }
  return TRUE;
}

/* A node that has not connected and no longer may: its key was revoked, or the key's or the node's maker isn't an
 * administrator any more. */
static gboolean
is_orphan (EwMesh *self, const EwNode *node)
{
  const EwEnrollment *key = node->enrollment ? g_hash_table_lookup (self->keys, node->enrollment) : NULL;
  if (node->joined)
    return FALSE;
  if (node->plain)
    return !ew_mesh_is_maker (self, node->made_by);
  return node->enrollment && (key == NULL || !ew_mesh_is_maker (self, key->made_by));
}

/* What is_orphan() says from memory, asked of the store. */
static gboolean
check_orphan (EwMesh *self, EwMeshChange *change, const EwNode *node, gboolean *orphan, GError **error)
{
  g_autofree gchar *path = node->enrollment ? ew_mesh_node_key ("/enrollment/", node->enrollment) : NULL;
  g_autoptr (JsonObject) key = NULL;
  g_autoptr (GError) cause = NULL;
  if (path && !ew_mesh_read (self, path, &key, NULL, error))
    return FALSE;
  *orphan = path && key == NULL;
  if (*orphan || ew_mesh_check_maker (self, change, key ? ew_json_string (key, "made_by") : node->made_by, &cause))
    return TRUE;
  if (!g_error_matches (cause, EW_ERROR, EW_ERROR_KEY_INVALID))
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  return *orphan = TRUE;
}

/* Whether the store agrees with memory that the node is due for removal. */
static gboolean
is_due (EwMesh *self, EwMeshChange *change, const EwNode *node, gboolean *due, GError **error)
{
  *due = !node->joined && node->expires_us > 0 && node->expires_us <= self->now_us ();
  return *due || !is_orphan (self, node) || check_orphan (self, change, node, due, error);
}

static void
delete_machine (EwMesh *self, EwMeshChange *change, const EwNode *node)
{
  g_autofree gchar *endpoint = ew_mesh_node_key ("/endpoints/", node->id);
  ew_mesh_change_delete (change, endpoint);
  if (node->has_key)
    {
      g_autofree gchar *text = ew_key_to_base64 (node->public_key);
      g_autofree gchar *public_key = ew_mesh_node_key ("/pubkeys/", text);
      ew_mesh_change_delete (change, public_key);
    }
  ew_mesh_change_bury (self, change, node);
}

static gboolean
remove_node (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const Removal *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  gboolean due = TRUE;
  if (node == NULL || (wanted->expired && !is_due (self, change, node, &due, error)))
    return FALSE;
  if (!due) /* it has joined at another edge, or has a new key from there: nothing of it may be touched */
    return TRUE;
  if (!delete_routes (self, change, node, error)
      || (!wanted->expired && !ew_mesh_delete_keys_of (self, change, node, error)))
    return FALSE;
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  g_autofree gchar *name = ew_mesh_node_key ("/names/", node->name);
  ew_mesh_change_delete_names (change, node);
  ew_mesh_change_expect (change, key, node->store_revision);
  ew_mesh_change_delete (change, key);
  ew_mesh_change_delete (change, name);
  if (node->enrollment && !wanted->expired)
    {
      g_autofree gchar *enrollment = ew_mesh_node_key ("/enrollment/", node->enrollment);
      ew_mesh_change_delete (change, enrollment);
    }
  release_addresses (self, change, node);
  delete_machine (self, change, node);
  return TRUE;
}

/* The open key with which the node can be renewed; *enrollment (transfer full) is NULL if no such key outlives the
 * node. */
static gboolean
read_renewal (EwMesh *self, EwMeshChange *change, const EwNode *node, EwEnrollment **enrollment, GError **error)
{
  g_autofree gchar *key = node->joined && node->enrollment ? ew_mesh_node_key ("/enrollment/", node->enrollment) : NULL;
  g_autoptr (JsonObject) object = NULL;
  gint64 revision = 0;
  *enrollment = NULL;
  if (key && !ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  g_autoptr (EwEnrollment) read = object ? ew_mesh_enrollment_from_json (object) : NULL;
  if (read == NULL || read->used_by || read->expires_us <= self->now_us () || g_strcmp0 (read->made_by, node->id) == 0)
    return TRUE;
  ew_mesh_change_expect (change, key, revision);
  *enrollment = g_steal_pointer (&read);
  return TRUE;
}

static gboolean
leave_node (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const Removal *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  g_autoptr (EwEnrollment) enrollment = NULL;
  if (node == NULL || !read_renewal (self, change, node, &enrollment, error))
    return FALSE;
  if (enrollment == NULL)
    return remove_node (self, change, data, error);
  if (!ew_mesh_delete_keys_of (self, change, node, error))
    return FALSE;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", node->enrollment);
  delete_machine (self, change, node);
  node->joined = node->has_key = node->has_credential = FALSE;
  node->expires_us = enrollment->expires_us;
  g_clear_pointer (&node->os, g_free);
  g_clear_pointer (&node->version, g_free);
  enrollment->renews = FALSE;
  ew_mesh_change_put_node (change, node);
  ew_mesh_change_put (change, key, ew_mesh_enrollment_to_json (enrollment));
  return TRUE;
}

/* Sweeping. */

typedef struct
{
  Removal removal;
  gchar *id, *name;
  const gchar *how;
} Expiry;

/* IDs of nodes that are to go, as memory says. (transfer full) */
static GPtrArray *
find_expired (EwMesh *self)
{
  g_autoptr (GPtrArray) expired = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, self->expiring);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      const EwNode *node = ew_mesh_get_node (self, id);
      if (node->expires_us <= self->now_us () || is_orphan (self, node))
        g_ptr_array_add (expired, g_strdup (id));
    }
  return g_steal_pointer (&expired);
}

gint64
ew_mesh_get_next_expiry (EwMesh *self)
{
  g_autoptr (GPtrArray) orphans = ew_mesh_find_orphans (self);
  gint64 next = orphans->len > 0 ? 0 : G_MAXINT64; /* services that should have followed */
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, self->expiring);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      const EwNode *node = ew_mesh_get_node (self, id);
      next = MIN (next, is_orphan (self, node) ? 0 : node->expires_us);
    }
  return next;
}

static Expiry *
expiry_new (EwMesh *self, const gchar *id)
{
  const EwNode *node = ew_mesh_get_node (self, id);
  Expiry *expiry = g_new0 (Expiry, 1);
  expiry->id = g_strdup (id);
  expiry->name = g_strdup (node->name);
  expiry->removal = (Removal){ .id = expiry->id, .expired = TRUE };
  expiry->how = node->expires_us <= self->now_us () ? "didn't join in time and was removed"
                : node->plain                       ? "was removed with the node that made it, having never connected"
                                                    : "was removed with its enrollment key";
  return expiry;
}

static void
expiry_free (gpointer data)
{
  Expiry *expiry = data;
  g_free (expiry->id);
  g_free (expiry->name);
  g_free (expiry);
}

static gboolean
remove_expired (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  return remove_node (self, change, &((Expiry *)data)->removal, error);
}

/* cause: of the change's refusal. Another edge may have removed it. */
static gboolean
tell_expired (EwMesh *self, const Expiry *expiry, GError *cause, GError **error)
{
  if (cause && !g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_error_copy (cause));
      return FALSE;
    }
  if (ew_mesh_get_node (self, expiry->id) == NULL)
    g_message ("node %s %s", expiry->name, expiry->how);
  return TRUE;
}

/* Services follow their targets' nodes. */
static gboolean
sweep_services (EwMesh *self, GError **error)
{
  g_autoptr (GPtrArray) orphans = ew_mesh_find_orphans (self);
  gboolean good = TRUE;
  for (guint i = 0; good && i < orphans->len; i++)
    {
      g_autoptr (GError) cause = NULL;
      good = ew_mesh_change (self, ew_mesh_drop_orphans, orphans->pdata[i], &cause)
             || g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND);
      if (!good)
        g_propagate_error (error, g_steal_pointer (&cause));
    }
  return good;
}

gboolean
ew_mesh_sweep_nodes (EwMesh *self, GError **error)
{
  g_autoptr (GPtrArray) expired = find_expired (self);
  gboolean good = TRUE;
  for (guint i = 0; good && i < expired->len; i++)
    {
      Expiry *expiry = expiry_new (self, expired->pdata[i]);
      g_autoptr (GError) cause = NULL;
      ew_mesh_change (self, remove_expired, expiry, &cause);
      good = tell_expired (self, expiry, cause, error);
      expiry_free (expiry);
    }
  return good && sweep_services (self, error);
}

/* Without waiting: a change, and then those that follow from it, queued after it. */

typedef struct
{
  EwMesh *mesh;
  GCancellable *closed; /* the mesh is */
  guint left;           /* in the queue */
  gboolean changed;     /* nodes may have gone, with services to follow */
  GError *error;
} Ending;

static void
ending_free (gpointer data)
{
  Ending *ending = data;
  g_clear_error (&ending->error);
  g_object_unref (ending->closed);
  g_free (ending);
}

static void end_one (GTask *task);

static void
on_orphans_dropped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ending *ending = g_task_get_task_data (user_data);
  g_autoptr (GError) cause = NULL;
  if (ew_mesh_change_finish (result, &cause) == NULL && ending->error == NULL
      && !g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND))
    ending->error = g_steal_pointer (&cause);
  end_one (user_data);
}

/* The last of the nodes was removed: services follow, once. */
static void
queue_services (GTask *task)
{
  Ending *ending = g_task_get_task_data (task);
  if (!ending->changed || g_cancellable_is_cancelled (ending->closed))
    return;
  ending->changed = FALSE;
  g_autoptr (GPtrArray) orphans = ew_mesh_find_orphans (ending->mesh);
  ending->left += orphans->len;
  for (guint i = 0; i < orphans->len; i++)
    ew_mesh_change_async (ending->mesh, ew_mesh_drop_orphans, g_strdup (orphans->pdata[i]), g_free, on_orphans_dropped,
                          g_object_ref (task));
}

/* One of them is done. */
static void
end_one (GTask *task)
{
  g_autoptr (GTask) own = task;
  Ending *ending = g_task_get_task_data (task);
  if (--ending->left == 0)
    queue_services (task);
  if (ending->left > 0)
    return;
  if (ending->error)
    g_task_return_error (task, g_steal_pointer (&ending->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_expired_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Ending *ending = g_task_get_task_data (task);
  g_autoptr (GError) cause = NULL;
  ew_mesh_change_finish (result, &cause);
  if (ending->error == NULL && !g_cancellable_set_error_if_cancelled (ending->closed, &ending->error))
    tell_expired (ending->mesh, ew_mesh_change_get_data (result), cause, &ending->error);
  end_one (task);
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Ending *ending = g_task_get_task_data (task);
  gboolean changed = g_task_propagate_boolean (G_TASK (result), &ending->error); /* it may have no data */
  if (changed && !g_cancellable_set_error_if_cancelled (ending->closed, &ending->error))
    {
      g_autoptr (GPtrArray) expired = find_expired (ending->mesh);
      ending->changed = TRUE;
      ending->left += expired->len;
      for (guint i = 0; i < expired->len; i++)
        ew_mesh_change_async (ending->mesh, remove_expired, expiry_new (ending->mesh, expired->pdata[i]), expiry_free,
                              on_expired_removed, g_object_ref (task));
    }
  end_one (task);
}

void
ew_mesh_change_and_sweep_async (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GDestroyNotify destroy,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Ending *ending = g_new0 (Ending, 1);
  ending->mesh = self;
  ending->closed = g_object_ref (self->closed);
  ending->left = 1;
  g_task_set_task_data (task, ending, ending_free);
  ew_mesh_change_async (self, attempt, data, destroy, on_ended, task);
}

gboolean
ew_mesh_end_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
ew_mesh_work_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
removal_free (gpointer data)
{
  g_free ((gpointer)((Removal *)data)->id);
  g_free (data);
}

/* Then those go that wait for a key of its making. */
static void
end_node_async (EwMesh *self, const gchar *id, EwMeshChangeAttempt attempt, GAsyncReadyCallback callback,
                gpointer user_data)
{
  Removal *wanted = g_new0 (Removal, 1);
  wanted->id = g_strdup (id);
  ew_mesh_thin_keys_of_async (self, id);
  ew_mesh_change_and_sweep_async (self, attempt, wanted, removal_free, callback, user_data);
}

void
ew_mesh_remove_node_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  end_node_async (self, id, remove_node, callback, user_data);
}

void
ew_mesh_leave_node_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  end_node_async (self, id, leave_node, callback, user_data);
}
