/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/store/store-private.h"

#include <string.h>

#define LEASED_HISTORY_MAX 65536 /* rows */

void
ew_store_entry_free (EwStoreEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->key);
  g_bytes_unref (entry->value);
  g_free (entry);
}

EwStoreEntry *
ew_store_entry_from_row (sqlite3_stmt *row)
{
  EwStoreEntry *entry = g_new0 (EwStoreEntry, 1);
  entry->key = g_strndup (sqlite3_column_blob (row, 0), (gsize)sqlite3_column_bytes (row, 0));
  entry->value = g_bytes_new (sqlite3_column_blob (row, 1), (gsize)sqlite3_column_bytes (row, 1));
  entry->create_revision = sqlite3_column_int64 (row, 2);
  entry->mod_revision = sqlite3_column_int64 (row, 3);
  entry->version = sqlite3_column_int64 (row, 4);
  entry->lease = sqlite3_column_int64 (row, 5);
  return entry;
}

gint64
ew_store_get_revision (EwStore *store)
{
  return store->revision;
}

EwStoreEntry *
ew_store_get (EwStore *store, const gchar *key, GError **error)
{
  ew_store_note_blocking (store);
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_FIND);
  ew_store_bind_bytes (statement, 1, key, strlen (key));
  gint code = sqlite3_step (statement);
  EwStoreEntry *entry = code == SQLITE_ROW ? ew_store_entry_from_row (statement) : NULL;
  sqlite3_reset (statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    ew_store_fail (store, code, error);
  return entry;
}

/* The first key after all that begin with prefix: prefix with its last byte that can be raised, raised. If no byte
   can be, something longer and higher than any key. */
static GByteArray *
end_of_prefix (const gchar *prefix)
{
  GByteArray *end = g_byte_array_new ();
  gsize length = strlen (prefix);
  while (length > 0 && (guchar)prefix[length - 1] == 0xff)
    length--;
  if (length > 0)
    {
      g_byte_array_append (end, (const guint8 *)prefix, (guint)length);
      end->data[length - 1]++;
      return end;
    }
  g_byte_array_set_size (end, EW_STORE_KEY_MAX + 1);
  memset (end->data, 0xff, end->len);
  return end;
}

GPtrArray *
ew_store_list (EwStore *store, const gchar *prefix, const gchar *start_after, guint limit, gint64 *revision,
               GError **error)
{
  ew_store_note_blocking (store);
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_store_entry_free);
  g_autoptr (GByteArray) end = end_of_prefix (prefix);
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_LIST);
  ew_store_bind_bytes (statement, 1, prefix, strlen (prefix));
  ew_store_bind_bytes (statement, 2, start_after, start_after != NULL ? strlen (start_after) : 0);
  ew_store_bind_bytes (statement, 3, end->data, end->len);
  sqlite3_bind_int64 (statement, 4, limit > 0 ? (gint64)limit : -1);
  gint code;
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (entries, ew_store_entry_from_row (statement));
  sqlite3_reset (statement);
  if (code != SQLITE_DONE)
    {
      ew_store_fail (store, code, error);
      return NULL;
    }
  if (revision != NULL)
    *revision = store->revision;
  return g_steal_pointer (&entries);
}

static gboolean
run_with_revision (EwStore *store, EwStoreSql sql, gint64 revision, GError **error)
{
  sqlite3_stmt *statement = ew_store_sql (store, sql);
  sqlite3_bind_int64 (statement, 1, revision);
  return ew_store_run (store, statement, error);
}

static gboolean
compact (EwStore *store, gint64 revision, GError **error)
{
  gint64 compacted = MIN (revision, store->revision);
  if (compacted <= store->compacted)
    return TRUE;
  /* What a watch hasn't been told yet is kept a little longer. */
  gint64 trimmed = MIN (compacted, ew_store_watch_oldest (store));
  if (!ew_store_run (store, ew_store_sql (store, EW_STORE_SQL_BEGIN), error)
      || !run_with_revision (store, EW_STORE_SQL_TRIM, trimmed, error)
      || !run_with_revision (store, EW_STORE_SQL_TRIM_LEASED, trimmed, error)
      || !run_with_revision (store, EW_STORE_SQL_SET_COMPACTED, compacted, error)
      || !ew_store_run (store, ew_store_sql (store, EW_STORE_SQL_COMMIT), error))
    {
      ew_store_rollback (store);
      return FALSE;
    }
  store->compacted = compacted;
  return TRUE;
}

gboolean
ew_store_compact (EwStore *store, gint64 revision, GError **error)
{
  ew_store_note_blocking (store);
  return compact (store, revision, error);
}

void
ew_store_bound_history (EwStore *store)
{
  g_autoptr (GError) error = NULL;
  if (store->n_leased_history < LEASED_HISTORY_MAX)
    return;
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_LEASED_HISTORY);
  sqlite3_bind_int64 (statement, 1, LEASED_HISTORY_MAX / 2);
  gint64 middle = sqlite3_step (statement) == SQLITE_ROW ? sqlite3_column_int64 (statement, 0) : 0;
  sqlite3_reset (statement);
  if (!compact (store, middle, &error))
    g_warning ("%s", error->message);
  store->n_leased_history = LEASED_HISTORY_MAX / 2; /* asked again after as many */
}
