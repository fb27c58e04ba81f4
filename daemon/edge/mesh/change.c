/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A change of the mesh: an attempt reads, decides and writes down a transaction; if another writer was faster, it's
 * tried again.
 *
 * Without waiting, an attempt is run as often as needed: what it wants to read and hasn't been read yet is fetched,
 * and then it's run again with that available. Only a run that found all that it asked for counts. It decides on what
 * was read, maybe some moments ago, and the transaction's compares see to it that this is still so.
 *
 *   queue ── attempt ──→ not read yet ── …_get_async() ─┐
 *               ↑ ↑─────────────────────────────────────┘
 *               │ └───── another was faster ←──┐
 *               └ refused: error    commit_async() ──→ memory follows ── callback ── the next in the queue
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

/* How often a change is tried again when another writer was faster. One edge never loses; two rarely lose twice. */
#define TRIES 8

/* How often an attempt is run for one more thing to read: names, addresses, a key's maker are a dozen. */
#define RUNS 100

typedef struct
{
  gchar *key;
  JsonObject *value; /* NULL: deleted */
} Operation;

struct EwMeshChange
{
  EwStoreTxn *txn;
  GArray *operations;
};

static void
operation_clear (gpointer data)
{
  Operation *operation = data;
  g_free (operation->key);
  g_clear_pointer (&operation->value, json_object_unref);
}

static EwMeshChange *
change_new (EwStore *store)
{
  EwMeshChange *change = g_new0 (EwMeshChange, 1);
  change->txn = ew_store_txn_new (store);
  change->operations = g_array_new (FALSE, FALSE, sizeof (Operation));
  g_array_set_clear_func (change->operations, operation_clear);
  return change;
}

static void
change_free (EwMeshChange *change)
{
  ew_store_txn_free (change->txn);
  g_array_unref (change->operations);
  g_free (change);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwMeshChange, change_free)

void
ew_mesh_change_expect (EwMeshChange *change, const gchar *key, gint64 revision)
{
  ew_store_txn_if_revision (change->txn, key, revision);
}

void
ew_mesh_change_put (EwMeshChange *change, const gchar *key, JsonObject *value)
{
  gchar *text = ew_json_to_string (value, FALSE);
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));
  ew_store_txn_put (change->txn, key, bytes);
  Operation operation = { g_strdup (key), value };
  g_array_append_val (change->operations, operation);
}

void
ew_mesh_change_put_owner (EwMeshChange *change, const gchar *key, const gchar *role, const gchar *id)
{
  JsonObject *value = json_object_new ();
  json_object_set_string_member (value, role, id);
  ew_mesh_change_put (change, key, value);
}

void
ew_mesh_change_delete (EwMeshChange *change, const gchar *key)
{
  ew_store_txn_delete (change->txn, key);
  Operation operation = { g_strdup (key), NULL };
  g_array_append_val (change->operations, operation);
}

/* What the store said, as an error of the API. */
static gboolean
store_error (GError *cause, GError **error)
{
  if (g_error_matches (cause, EW_STORE_ERROR, EW_STORE_ERROR_FULL))
    ew_set_error (
      error, EW_ERROR, EW_ERROR_STORE_FULL,
      "The edge's disk is full or can't be written, so nothing was changed. Free some space on it, then try again.");
  else
    {
      g_warning ("store: %s", cause->message);
      g_autofree gchar *log = ew_log_find_own ();
      ew_set_error (error, EW_ERROR, EW_ERROR_INTERNAL,
                    "The edge's store failed, so nothing was changed. On the edge's host, see %s.", log);
    }
  return FALSE;
}

/* What a change in the queue has read so far. */
struct EwMeshReading
{
  GHashTable *entries; /* key → EwStoreEntry, NULL: not in the store */
  GHashTable *lists;   /* prefix → array of EwStoreEntry */
  gchar *key, *prefix; /* what the last run could not do without; NULL: it had all */
};

static void
free_entry (gpointer entry)
{
  ew_store_entry_free (entry);
}

static void
free_list (gpointer list)
{
  g_ptr_array_unref (list);
}

static gboolean
not_read_yet (gchar **wanted, const gchar *what, GError **error)
{
  if (*wanted == NULL)
    *wanted = g_strdup (what);
  g_set_error_literal (error, EW_ERROR, EW_ERROR_INTERNAL, "not read yet"); /* no callback is called */
  return FALSE;
}

/* *entry is borrowed where *own is NULL. */
static gboolean
look_up (EwMesh *self, const gchar *key, const EwStoreEntry **entry, EwStoreEntry **own, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gpointer known = NULL;
  if (self->reading)
    {
      if (!g_hash_table_lookup_extended (self->reading->entries, key, NULL, &known))
        return not_read_yet (&self->reading->key, key, error);
      *entry = known;
      return TRUE;
    }
  *entry = *own = ew_store_get (self->store, key, &cause);
  return cause == NULL || store_error (cause, error);
}

gboolean
ew_mesh_read (EwMesh *self, const gchar *key, JsonObject **object, gint64 *revision, GError **error)
{
  g_autoptr (EwStoreEntry) own = NULL;
  const EwStoreEntry *entry = NULL;
  if (!look_up (self, key, &entry, &own, error))
    return FALSE;
  if (revision)
    *revision = entry ? entry->mod_revision : 0;
  if (object)
    *object = NULL;
  if (entry == NULL || object == NULL)
    return TRUE;
  gsize length;
  const gchar *data = g_bytes_get_data (entry->value, &length);
  *object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
  if (*object)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INTERNAL,
                "The record %s in the edge's store is damaged. Restore the state directory from a backup.", key);
  return FALSE;
}

GPtrArray *
ew_mesh_read_list (EwMesh *self, const gchar *prefix, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (self->reading)
    {
      GPtrArray *list = g_hash_table_lookup (self->reading->lists, prefix);
      if (list == NULL)
        not_read_yet (&self->reading->prefix, prefix, error);
      return list ? g_ptr_array_ref (list) : NULL;
    }
  GPtrArray *list = ew_store_list (self->store, prefix, NULL, 0, NULL, &cause);
  if (list == NULL)
    store_error (cause, error);
  return list;
}

static void
change_apply (EwMesh *self, EwMeshChange *change, gint64 revision)
{
  if (self->told >= revision) /* the watch was faster, and may have reported more since */
    return;
  for (guint i = 0; i < change->operations->len; i++)
    {
      const Operation *operation = &g_array_index (change->operations, Operation, i);
      ew_mesh_note_ahead (self, operation->key, revision);
      ew_mesh_apply (self, operation->key, operation->value, revision);
    }
  ew_mesh_tell (self);
}

static gboolean
refuse_busy (GError **error)
{
  ew_set_error (error, EW_ERROR, EW_ERROR_INTERNAL, "Others keep changing the mesh at the same moment. Try again.");
  return FALSE;
}

gboolean
ew_mesh_change (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GError **error)
{
  for (guint i = 0; i < TRIES; i++)
    {
      g_autoptr (EwMeshChange) change = change_new (self->store);
      g_autoptr (GError) cause = NULL;
      gboolean succeeded = FALSE;
      gint64 revision = 0;
      if (!attempt (self, change, data, error))
        return FALSE;
      if (change->operations->len == 0)
        return TRUE;
      if (!ew_store_txn_commit (change->txn, &succeeded, &revision, &cause))
        return store_error (cause, error);
      if (succeeded)
        {
          change_apply (self, change, revision);
          return TRUE;
        }
    }
  return refuse_busy (error);
}

/* Without waiting. */

typedef struct
{
  EwMesh *mesh; /* NULL: it was closed */
  EwMeshChangeAttempt attempt;
  EwMeshReading reading;
  EwMeshChange *change; /* being committed */
  guint tries, runs;
  gboolean begun;
  EwMeshAsker asker;
  gpointer data;
  GDestroyNotify destroy;
} Job;

static void run_job (GTask *task);

static void
job_free (gpointer data)
{
  Job *job = data;
  g_hash_table_unref (job->reading.entries);
  g_hash_table_unref (job->reading.lists);
  g_free (job->reading.key);
  g_free (job->reading.prefix);
  g_clear_pointer (&job->change, change_free);
  g_free (job->asker.id);
  if (job->destroy)
    job->destroy (job->data);
  g_free (job);
}

/* Takes error. The callback may do anything, closing the mesh too. */
static void
end_job (GTask *task, GError *error)
{
  g_autoptr (GTask) own = task;
  GQueue *jobs = ((Job *)g_task_get_task_data (task))->mesh->jobs;
  g_queue_pop_head (jobs);
  g_autoptr (GTask) next = g_queue_is_empty (jobs) ? NULL : g_object_ref (g_queue_peek_head (jobs));
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  if (next && ((Job *)g_task_get_task_data (next))->mesh)
    run_job (next);
}

/* The store's callback for a mesh that has been freed, or an error of the store: the job ends. */
static gboolean
has_ended (GTask *task, GError *cause)
{
  GError *error = NULL;
  if (((Job *)g_task_get_task_data (task))->mesh == NULL)
    {
      g_object_unref (task);
      return TRUE;
    }
  if (cause == NULL)
    return FALSE;
  store_error (cause, &error);
  end_job (task, error);
  return TRUE;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Job *job = g_task_get_task_data (task);
  g_autoptr (GError) cause = NULL;
  EwStoreEntry *entry = ew_store_get_finish (result, &cause);
  if (cause == NULL)
    g_hash_table_replace (job->reading.entries, g_steal_pointer (&job->reading.key), entry);
  if (!has_ended (task, cause))
    run_job (task);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Job *job = g_task_get_task_data (task);
  g_autoptr (GError) cause = NULL;
  GPtrArray *list = ew_store_list_finish (result, NULL, &cause);
  if (list)
    g_hash_table_replace (job->reading.lists, g_steal_pointer (&job->reading.prefix), list);
  if (!has_ended (task, cause))
    run_job (task);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Job *job = g_task_get_task_data (task);
  g_autoptr (GError) cause = NULL;
  g_autoptr (EwMeshChange) change = g_steal_pointer (&job->change);
  gboolean succeeded = FALSE;
  gint64 revision = 0;
  GError *error = NULL;
  if (!ew_store_txn_commit_finish (result, &succeeded, &revision, &cause))
    succeeded = FALSE;
  if (has_ended (task, cause))
    return;
  if (succeeded)
    change_apply (job->mesh, change, revision);
  else if (++job->tries < TRIES)
    {
      g_hash_table_remove_all (job->reading.entries);
      g_hash_table_remove_all (job->reading.lists);
      run_job (task);
      return;
    }
  else
    refuse_busy (&error);
  end_job (task, error);
}

static gboolean
run_attempt (Job *job, EwMeshChange *change, GError **error)
{
  EwMesh *mesh = job->mesh;
  guint32 next_offset = mesh->next_offset, next_service = mesh->next_service;
  g_clear_pointer (&job->reading.key, g_free);
  g_clear_pointer (&job->reading.prefix, g_free);
  mesh->reading = &job->reading;
  gboolean good
    = ew_mesh_check_asker (mesh, change, &job->asker, error) && job->attempt (mesh, change, job->data, error);
  mesh->reading = NULL;
  if (job->reading.key || job->reading.prefix) /* the same addresses are looked at again */
    {
      mesh->next_offset = next_offset;
      mesh->next_service = next_service;
    }
  return good;
}

static void
run_job (GTask *task)
{
  Job *job = g_task_get_task_data (task);
  EwStore *store = job->mesh->store;
  g_autoptr (EwMeshChange) change = change_new (store);
  job->begun = TRUE;
  g_autoptr (GError) error = NULL;
  gboolean good = run_attempt (job, change, &error);
  if ((job->reading.key || job->reading.prefix) && ++job->runs > RUNS)
    {
      g_clear_error (&error);
      refuse_busy (&error);
      end_job (task, g_steal_pointer (&error));
    }
  else if (job->reading.key)
    ew_store_get_async (store, job->reading.key, NULL, on_read, task);
  else if (job->reading.prefix)
    ew_store_list_async (store, job->reading.prefix, NULL, 0, NULL, on_listed, task);
  else if (!good || change->operations->len == 0)
    end_job (task, g_steal_pointer (&error));
  else
    {
      job->change = g_steal_pointer (&change);
      ew_store_txn_commit_async (g_steal_pointer (&job->change->txn), NULL, on_committed, task);
    }
}

void
ew_mesh_change_async (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GDestroyNotify destroy,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Job *job = g_new0 (Job, 1);
  job->mesh = self;
  job->attempt = attempt;
  job->data = data;
  job->destroy = destroy;
  job->asker = self->asker;
  job->asker.id = g_strdup (self->asker.id);
  job->reading.entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_entry);
  job->reading.lists = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_list);
  g_task_set_task_data (task, job, job_free);
  g_queue_push_tail (self->jobs, task);
  if (g_queue_get_length (self->jobs) == 1)
    run_job (task);
}

void
ew_mesh_refuse_async (GError *error, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_task_return_error (task, error); /* GLib waits for the main context's next turn with it */
}

gpointer
ew_mesh_change_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error) ? ew_mesh_change_get_data (result) : NULL;
}

gpointer
ew_mesh_change_get_data (GAsyncResult *result)
{
  const Job *job = g_task_get_task_data (G_TASK (result));
  return job ? job->data : NULL;
}

static gboolean
on_closed (gpointer task)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  GError *error = NULL;
  g_cancellable_cancel (cancelled);
  g_cancellable_set_error_if_cancelled (cancelled, &error);
  g_task_return_error (task, error);
  return G_SOURCE_REMOVE;
}

void
ew_mesh_change_cancel_all (EwMesh *self)
{
  GTask *task;
  while ((task = g_queue_pop_head (self->jobs)))
    {
      Job *job = g_task_get_task_data (task);
      job->mesh = NULL;
      /* The store will still report one that has begun, and has_ended() releases it. */
      g_idle_add_full (G_PRIORITY_DEFAULT, on_closed, job->begun ? g_object_ref (task) : task, g_object_unref);
    }
}
