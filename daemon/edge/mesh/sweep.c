/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the edge does to the mesh by itself: it removes what has expired, and stores where nodes are. Without waiting, a
 * thorough sweep goes from one to the next:
 *
 *   nodes that never came ── what is old below each prefix, some of it at once ── compaction ── callback
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/util.h"

#define ENROLLMENT_MEMORY_US (7 * G_TIME_SPAN_DAY) /* how long a key is still answered with "used" or "expired" */
#define AT_ONCE 100                                /* records in one transaction: below EW_STORE_TXN_MAX */

static const gchar *const prefixes[] = { "/enrollment/", "/resting/", "/addresses/", "/tombstones/", "/endpoints/" };

typedef struct
{
  guint prefix; /* of prefixes */
  gboolean more;
} Old;

static gboolean
is_old (EwMesh *self, const gchar *key, JsonObject *object)
{
  gint64 now = self->now_us ();
  if (g_str_has_prefix (key, "/enrollment/"))
    return ew_json_int (object, "expires_us", 0) + ENROLLMENT_MEMORY_US < now;
  if (g_str_has_prefix (key, "/tombstones/"))
    return ew_json_int (object, "removed_us", G_MAXINT64 / 2) + EW_MESH_TOMBSTONE_US < now;
  if (g_str_has_prefix (key, "/addresses/") || g_str_has_prefix (key, "/resting/"))
    return ew_json_int (object, "released_us", G_MAXINT64 / 2) + EW_MESH_ADDRESS_REST_US < now;
  return ew_mesh_get_node (self, strrchr (key, '/') + 1) == NULL; /* an endpoint without its node */
}

static gboolean
delete_old (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  Old *old = data;
  guint n = 0;
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, prefixes[old->prefix], error);
  old->more = FALSE;
  for (guint i = 0; entries && i < entries->len && !old->more; i++)
    {
      const EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *text = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (text, length, EW_MESH_RECORD_MAX, NULL);
      if (object == NULL || !is_old (self, entry->key, object))
        continue;
      ew_mesh_change_expect (change, entry->key, entry->mod_revision);
      ew_mesh_change_delete (change, entry->key);
      old->more = ++n == AT_ONCE;
    }
  return entries != NULL;
}

gboolean
ew_mesh_sweep (EwMesh *self, gboolean thorough, GError **error)
{
  if (!ew_mesh_sweep_nodes (self, error))
    return FALSE;
  for (Old old = { 0 }; thorough && old.prefix < G_N_ELEMENTS (prefixes); old.prefix += !old.more)
    if (!ew_mesh_change (self, delete_old, &old, error))
      return FALSE;
  return !thorough || ew_store_compact (self->store, ew_store_get_revision (self->store), error);
}

/* Without waiting. */

typedef struct
{
  EwMesh *mesh;
  GCancellable *closed; /* the mesh is */
  gboolean thorough;
  Old old;
} Sweep;

static void
sweep_free (gpointer data)
{
  Sweep *sweep = data;
  g_object_unref (sweep->closed);
  g_free (sweep);
}

static void
on_compacted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  if (ew_store_call_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void on_old_deleted (GObject *source, GAsyncResult *result, gpointer user_data);

/* Takes task. */
static void
go_on (GTask *task)
{
  g_autoptr (GTask) own = task;
  const Sweep *sweep = g_task_get_task_data (task);
  GError *error = NULL;
  if (g_cancellable_set_error_if_cancelled (sweep->closed, &error))
    g_task_return_error (task, error);
  else if (!sweep->thorough)
    g_task_return_boolean (task, TRUE);
  else if (sweep->old.prefix < G_N_ELEMENTS (prefixes))
    ew_mesh_change_async (sweep->mesh, delete_old, g_memdup2 (&sweep->old, sizeof sweep->old), g_free, on_old_deleted,
                          g_steal_pointer (&own));
  else
    {
      EwStore *store = sweep->mesh->store;
      ew_store_compact_async (store, ew_store_get_revision (store), sweep->closed, on_compacted,
                              g_steal_pointer (&own));
    }
}

static void
on_old_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Sweep *sweep = g_task_get_task_data (task);
  GError *error = NULL;
  const Old *old = ew_mesh_change_finish (result, &error);
  if (old == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  sweep->old.prefix += !old->more;
  go_on (g_steal_pointer (&task));
}

static void
on_nodes_swept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  if (ew_mesh_end_finish (result, &error))
    go_on (g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

static gboolean
change_nothing (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  return TRUE;
}

void
ew_mesh_sweep_async (EwMesh *self, gboolean thorough, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Sweep *sweep = g_new0 (Sweep, 1);
  sweep->mesh = self;
  sweep->closed = g_object_ref (self->closed);
  sweep->thorough = thorough;
  g_task_set_task_data (task, sweep, sweep_free);
  ew_mesh_change_and_sweep_async (self, change_nothing, NULL, NULL, on_nodes_swept, task);
}

/* Endpoints. */

static void
put_endpoint (EwMeshChange *change, const EwNode *node)
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
  ew_mesh_change_put (change, key, object);
}

static gboolean
put_endpoints (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const gchar *const *ids = data;
  for (guint i = 0; ids[i] && i < AT_ONCE; i++)
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
  for (guint i = 0; i < n; i += AT_ONCE)
    if (!ew_mesh_change (self, put_endpoints, (gpointer)(ids + i), error))
      return FALSE;
  return TRUE;
}

typedef struct
{
  guint left; /* changes in the queue */
  GError *error;
} Saving;

static void
saving_free (gpointer data)
{
  Saving *saving = data;
  g_clear_error (&saving->error);
  g_free (saving);
}

static void
on_part_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Saving *saving = g_task_get_task_data (task);
  ew_mesh_change_finish (result, saving->error ? NULL : &saving->error);
  if (--saving->left > 0)
    return;
  if (saving->error)
    g_task_return_error (task, g_steal_pointer (&saving->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
free_ids (gpointer ids)
{
  g_strfreev (ids);
}

void
ew_mesh_save_endpoints_async (EwMesh *self, const gchar *const *ids, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Saving *saving = g_new0 (Saving, 1);
  guint n = g_strv_length ((GStrv)ids);
  g_task_set_task_data (task, saving, saving_free);
  saving->left = MAX ((n + AT_ONCE - 1) / AT_ONCE, 1);
  for (guint i = 0; i < saving->left; i++)
    {
      g_autoptr (GStrvBuilder) part = g_strv_builder_new ();
      for (guint j = i * AT_ONCE; j < MIN (n, (i + 1) * AT_ONCE); j++)
        g_strv_builder_add (part, ids[j]);
      ew_mesh_change_async (self, put_endpoints, g_strv_builder_end (part), free_ids, on_part_saved,
                            g_object_ref (task));
    }
}
