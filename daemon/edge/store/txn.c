/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The only way to change anything.
 */
#include "edge/store/store-private.h"

#include <string.h>

#define RESERVE 4096 /* revisions that leased keys may use up before the file must be updated again */

typedef struct
{
  gchar *key;
  gint64 mod_revision;
} Compare;

struct EwStoreTxn
{
  EwStore *store;
  GPtrArray *compares;
  GPtrArray *operations;
  gboolean committed;
};

static void
compare_free (Compare *compare)
{
  g_free (compare->key);
  g_free (compare);
}

void
ew_store_operation_free (EwStoreOperation *operation)
{
  g_free (operation->key);
  g_clear_pointer (&operation->value, g_bytes_unref);
  g_free (operation);
}

/* Carried out. */

typedef struct
{
  EwStore *store;
  gint64 revision;  /* the new one */
  gint64 sequence;  /* of the change in it */
  gboolean durable; /* the file was changed, not memory alone */
  guint n_leased;   /* rows of history in memory */
} Change;

static gboolean
log_change (Change *change, gboolean leased, const EwStoreOperation *operation, GBytes *value, gboolean created,
            GError **error)
{
  gsize length = 0;
  sqlite3_stmt *statement = ew_store_sql (change->store, leased ? EW_STORE_SQL_LOG_LEASED : EW_STORE_SQL_LOG);
  sqlite3_bind_int64 (statement, 1, change->revision);
  sqlite3_bind_int64 (statement, 2, change->sequence);
  ew_store_bind_bytes (statement, 3, operation->key, strlen (operation->key));
  if (value != NULL)
    {
      const void *data = g_bytes_get_data (value, &length);
      ew_store_bind_bytes (statement, 4, data, length);
    }
  sqlite3_bind_int64 (statement, 5, created);
  change->durable = change->durable || !leased;
  change->n_leased += leased ? 1 : 0;
  return ew_store_run (change->store, statement, error);
}

static gboolean
remove_row (Change *change, gboolean leased, const gchar *key, GError **error)
{
  sqlite3_stmt *statement = ew_store_sql (change->store, leased ? EW_STORE_SQL_DELETE_LEASED : EW_STORE_SQL_DELETE);
  ew_store_bind_bytes (statement, 1, key, strlen (key));
  return ew_store_run (change->store, statement, error);
}

static gboolean
write_row (Change *change, const EwStoreOperation *operation, const EwStoreEntry *old, GError **error)
{
  gsize length;
  const void *data = g_bytes_get_data (operation->value, &length);
  sqlite3_stmt *statement
    = ew_store_sql (change->store, operation->lease != 0 ? EW_STORE_SQL_PUT_LEASED : EW_STORE_SQL_PUT);
  ew_store_bind_bytes (statement, 1, operation->key, strlen (operation->key));
  ew_store_bind_bytes (statement, 2, data, length);
  sqlite3_bind_int64 (statement, 3, old != NULL ? old->create_revision : change->revision);
  sqlite3_bind_int64 (statement, 4, change->revision);
  sqlite3_bind_int64 (statement, 5, old != NULL ? old->version + 1 : 1);
  if (operation->lease != 0)
    sqlite3_bind_int64 (statement, 6, operation->lease);
  return ew_store_run (change->store, statement, error);
}

static gboolean
apply_put (Change *change, const EwStoreOperation *operation, const EwStoreEntry *old, GError **error)
{
  gboolean leased = operation->lease != 0, was_leased = old != NULL && old->lease != 0;
  if (old != NULL && leased != was_leased)
    {
      if (!remove_row (change, was_leased, operation->key, error))
        return FALSE;
      if (!was_leased && !log_change (change, FALSE, operation, NULL, FALSE, error)) /* see HISTORY in file.c */
        return FALSE;
    }
  return write_row (change, operation, old, error)
         && log_change (change, leased, operation, operation->value, old == NULL, error);
}

static gboolean
apply_operation (Change *change, const EwStoreOperation *operation, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (EwStoreEntry) old = ew_store_get (change->store, operation->key, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (operation->value == NULL && old == NULL)
    return TRUE;
  change->sequence++;
  if (operation->value != NULL)
    return apply_put (change, operation, old, error);
  return remove_row (change, old->lease != 0, operation->key, error)
         && log_change (change, old->lease != 0, operation, NULL, FALSE, error);
}

/* Compared. */

static gboolean
compare_holds (EwStore *store, const Compare *compare, gboolean *holds, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (EwStoreEntry) entry = ew_store_get (store, compare->key, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  *holds = (entry != NULL ? entry->mod_revision : 0) == compare->mod_revision;
  return TRUE;
}

static gboolean
compares_hold (EwStore *store, GPtrArray *compares, gboolean *hold, GError **error)
{
  *hold = TRUE;
  for (guint i = 0; compares != NULL && i < compares->len && *hold; i++)
    if (!compare_holds (store, g_ptr_array_index (compares, i), hold, error))
      return FALSE;
  return TRUE;
}

/* Changes of leased keys alone write nothing to the file; yet their revisions must not be given again after a restart.
 */
static void
reserve_revisions (EwStore *store)
{
  g_autoptr (GError) error = NULL;
  if (store->revision + 1 <= store->reserved)
    return;
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_SET_RESERVED);
  sqlite3_bind_int64 (statement, 1, store->revision + RESERVE);
  if (ew_store_run (store, statement, &error))
    store->reserved = store->revision + RESERVE;
  else
    g_warning ("%s", error->message); /* presence works without a disk */
}

static gboolean
has_leased (EwStore *store, GPtrArray *operations)
{
  for (guint i = 0; i < operations->len; i++)
    {
      const EwStoreOperation *operation = g_ptr_array_index (operations, i);
      g_autoptr (EwStoreEntry) old = operation->lease == 0 ? ew_store_get (store, operation->key, NULL) : NULL;
      if (operation->lease != 0 || (old != NULL && old->lease != 0))
        return TRUE;
    }
  return FALSE;
}

/* Inside BEGIN. *change: what happened; *hold: whether it did. */
static gboolean
carry_out (Change *change, GPtrArray *compares, GPtrArray *operations, gboolean *hold, GError **error)
{
  if (!compares_hold (change->store, compares, hold, error))
    return FALSE;
  for (guint i = 0; *hold && i < operations->len; i++)
    if (!apply_operation (change, g_ptr_array_index (operations, i), error))
      return FALSE;
  if (change->durable && change->store->frozen)
    return ew_store_fail (change->store, SQLITE_READONLY, error);
  if (change->durable)
    {
      sqlite3_stmt *statement = ew_store_sql (change->store, EW_STORE_SQL_SET_REVISION);
      sqlite3_bind_int64 (statement, 1, change->revision);
      if (!ew_store_run (change->store, statement, error))
        return FALSE;
    }
  return ew_store_run (change->store, ew_store_sql (change->store, EW_STORE_SQL_COMMIT), error);
}

gboolean
ew_store_apply (EwStore *store, GPtrArray *compares, GPtrArray *operations, gboolean *succeeded, gint64 *revision,
                GError **error)
{
  Change change = { .store = store, .revision = store->revision + 1 };
  gboolean hold = FALSE;
  if (has_leased (store, operations))
    reserve_revisions (store);
  if (!ew_store_run (store, ew_store_sql (store, EW_STORE_SQL_BEGIN), error)
      || !carry_out (&change, compares, operations, &hold, error))
    {
      ew_store_rollback (store);
      return FALSE;
    }
  if (change.sequence > 0)
    {
      store->revision = change.revision;
      store->n_leased_history += change.n_leased;
      ew_store_bound_history (store);
      ew_store_watch_schedule (store);
    }
  if (succeeded != NULL)
    *succeeded = hold;
  if (revision != NULL)
    *revision = store->revision;
  return TRUE;
}

/* Put together. */

EwStoreTxn *
ew_store_txn_new (EwStore *store)
{
  EwStoreTxn *txn = g_new0 (EwStoreTxn, 1);
  txn->store = store;
  txn->compares = g_ptr_array_new_with_free_func ((GDestroyNotify)compare_free);
  txn->operations = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_store_operation_free);
  return txn;
}

EwStore *
ew_store_txn_get_store (EwStoreTxn *txn)
{
  return txn->store;
}

void
ew_store_txn_free (EwStoreTxn *txn)
{
  if (txn == NULL)
    return;
  g_ptr_array_unref (txn->compares);
  g_ptr_array_unref (txn->operations);
  g_free (txn);
}

void
ew_store_txn_if_revision (EwStoreTxn *txn, const gchar *key, gint64 mod_revision)
{
  Compare *compare = g_new0 (Compare, 1);
  compare->key = g_strdup (key);
  compare->mod_revision = mod_revision;
  g_ptr_array_add (txn->compares, compare);
}

static gboolean
is_about (gconstpointer operation, gconstpointer key)
{
  return g_str_equal (((const EwStoreOperation *)operation)->key, key);
}

/* A key changes once in a revision: the last word counts. */
static void
add_operation (EwStoreTxn *txn, const gchar *key, GBytes *value, gint64 lease)
{
  guint earlier;
  EwStoreOperation *operation = g_new0 (EwStoreOperation, 1);
  operation->key = g_strdup (key);
  operation->value = value != NULL ? g_bytes_ref (value) : NULL;
  operation->lease = lease;
  if (g_ptr_array_find_with_equal_func (txn->operations, key, is_about, &earlier))
    g_ptr_array_remove_index (txn->operations, earlier);
  g_ptr_array_add (txn->operations, operation);
}

void
ew_store_txn_put (EwStoreTxn *txn, const gchar *key, GBytes *value)
{
  add_operation (txn, key, value, 0);
}

void
ew_store_txn_put_leased (EwStoreTxn *txn, const gchar *key, GBytes *value, gint64 lease)
{
  /* 0 would mean that it isn't leased, and keep it on disk forever. */
  add_operation (txn, key, value, lease != 0 ? lease : -1);
}

void
ew_store_txn_delete (EwStoreTxn *txn, const gchar *key)
{
  add_operation (txn, key, NULL, 0);
}

static gboolean
check_operation (EwStore *store, const EwStoreOperation *operation, GError **error)
{
  gsize length = strlen (operation->key);
  if (length == 0)
    g_set_error_literal (error, EW_STORE_ERROR, EW_STORE_ERROR_FAILED, "A key in the store can't be empty.");
  else if (length > EW_STORE_KEY_MAX)
    g_set_error (error, EW_STORE_ERROR, EW_STORE_ERROR_TOO_LARGE,
                 "A key in the store has at most %d bytes; this one has %" G_GSIZE_FORMAT ".", EW_STORE_KEY_MAX,
                 length);
  else if (operation->value != NULL && g_bytes_get_size (operation->value) > EW_STORE_VALUE_MAX)
    g_set_error (error, EW_STORE_ERROR, EW_STORE_ERROR_TOO_LARGE,
                 "A value in the store has at most %d bytes; that of %s has %" G_GSIZE_FORMAT ".", EW_STORE_VALUE_MAX,
                 operation->key, g_bytes_get_size (operation->value));
  else if (operation->lease != 0 && !ew_store_lease_exists (store, operation->lease))
    g_set_error (error, EW_STORE_ERROR, EW_STORE_ERROR_NO_LEASE, "The lease of %s has expired. Take another.",
                 operation->key);
  else
    return TRUE;
  return FALSE;
}

gboolean
ew_store_txn_commit (EwStoreTxn *txn, gboolean *succeeded, gint64 *revision, GError **error)
{
  g_return_val_if_fail (!txn->committed, FALSE);
  ew_store_note_blocking (txn->store);
  if (txn->operations->len > EW_STORE_TXN_MAX || txn->compares->len > EW_STORE_TXN_MAX)
    {
      g_set_error (error, EW_STORE_ERROR, EW_STORE_ERROR_TOO_LARGE,
                   "A transaction has at most %d compares and as many operations; this one has %u and %u.",
                   EW_STORE_TXN_MAX, txn->compares->len, txn->operations->len);
      return FALSE;
    }
  for (guint i = 0; i < txn->operations->len; i++)
    if (!check_operation (txn->store, g_ptr_array_index (txn->operations, i), error))
      return FALSE;
  txn->committed = TRUE;
  return ew_store_apply (txn->store, txn->compares, txn->operations, succeeded, revision, error);
}
