/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

/* How often a change is made again when somebody else was faster. One edge never loses; two rarely lose twice. */
#define TRIES 8

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
      ew_set_error (
        error, EW_ERROR, EW_ERROR_INTERNAL,
        "The edge's store failed, so nothing was changed. See the edge's log: `journalctl -u edgeway-edge`.");
    }
  return FALSE;
}

gboolean
ew_mesh_read (EwMesh *self, const gchar *key, JsonObject **object, gint64 *revision, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (EwStoreEntry) entry = ew_store_get (self->store, key, &cause);
  if (cause)
    return store_error (cause, error);
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

static void
change_apply (EwMesh *self, EwMeshChange *change, gint64 revision)
{
  for (guint i = 0; i < change->operations->len; i++)
    {
      const Operation *operation = &g_array_index (change->operations, Operation, i);
      ew_mesh_note_ahead (self, operation->key, revision);
      ew_mesh_apply (self, operation->key, operation->value, revision);
    }
  ew_mesh_tell (self);
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
  ew_set_error (error, EW_ERROR, EW_ERROR_INTERNAL, "Others keep changing the mesh at the same moment. Try again.");
  return FALSE;
}
