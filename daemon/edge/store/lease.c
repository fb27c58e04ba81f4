/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Leases: one timer for the lease that ends next. A lease's keys go at one revision, however many they are.
 */
#include "edge/store/store-private.h"

#include "common/util.h"

#define RETRY_US (1 * G_TIME_SPAN_SECOND)

typedef struct
{
  gint64 id;
  guint ttl_seconds;
  gint64 deadline; /* monotonic, µs */
  GSequenceIter *place;
} Lease;

static gint
compare_deadlines (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Lease *first = a, *second = b;
  return first->deadline < second->deadline ? -1 : first->deadline > second->deadline;
}

static void
set_timer (EwStore *store)
{
  GSequenceIter *first = g_sequence_get_begin_iter (store->by_deadline);
  gint64 when = g_sequence_iter_is_end (first) ? -1 : ((const Lease *)g_sequence_get (first))->deadline;
  g_source_set_ready_time (store->expiry, when);
}

static void
set_deadline (EwStore *store, Lease *lease, gint64 deadline)
{
  lease->deadline = deadline;
  g_sequence_sort_changed (lease->place, compare_deadlines, NULL);
  set_timer (store);
}

static gint64
deadline_from_now (const Lease *lease)
{
  return g_get_monotonic_time () + lease->ttl_seconds * G_TIME_SPAN_SECOND;
}

static GPtrArray *
deletions_of (EwStore *store, gint64 lease)
{
  GPtrArray *operations = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_store_operation_free);
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_LEASE_KEYS);
  sqlite3_bind_int64 (statement, 1, lease);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      EwStoreOperation *operation = g_new0 (EwStoreOperation, 1);
      operation->key = g_strndup (sqlite3_column_blob (statement, 0), (gsize)sqlite3_column_bytes (statement, 0));
      g_ptr_array_add (operations, operation);
    }
  sqlite3_reset (statement);
  return operations;
}

static void
end_lease (EwStore *store, Lease *lease)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) operations = deletions_of (store, lease->id);
  if (operations->len > 0 && !ew_store_apply (store, NULL, operations, NULL, NULL, &error))
    {
      g_warning ("A lease's keys can't be removed yet: %s", error->message);
      set_deadline (store, lease, g_get_monotonic_time () + RETRY_US);
      return;
    }
  g_sequence_remove (lease->place);
  g_hash_table_remove (store->leases, &lease->id);
  set_timer (store);
}

static gboolean
on_expiry (GSource *source, GSourceFunc callback, gpointer user_data)
{
  EwStore *store = user_data;
  gint64 now = g_get_monotonic_time ();
  for (;;)
    {
      GSequenceIter *first = g_sequence_get_begin_iter (store->by_deadline);
      Lease *lease = g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
      if (lease == NULL || lease->deadline > now)
        break;
      end_lease (store, lease);
    }
  set_timer (store);
  return G_SOURCE_CONTINUE;
}

/* GLib calls a source's dispatch with its callback's data. */
static gboolean
never_called (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
ew_store_lease_init (EwStore *store)
{
  static GSourceFuncs funcs = { .dispatch = on_expiry };
  store->leases = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  store->by_deadline = g_sequence_new (NULL);
  store->expiry = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (store->expiry, never_called, store, NULL);
  g_source_set_static_name (store->expiry, "edgeway store leases");
  g_source_attach (store->expiry, store->context);
  /* A lease of an earlier run is unknown to this one. */
  ew_random (&store->last_lease, sizeof store->last_lease);
  store->last_lease &= G_GINT64_CONSTANT (0x3fffffffffffffff);
}

void
ew_store_lease_clear (EwStore *store)
{
  g_source_destroy (store->expiry);
  g_source_unref (store->expiry);
  g_sequence_free (store->by_deadline);
  g_hash_table_unref (store->leases);
}

gboolean
ew_store_lease_exists (EwStore *store, gint64 lease)
{
  return g_hash_table_contains (store->leases, &lease);
}

gint64
ew_store_lease_grant (EwStore *store, guint ttl_seconds)
{
  ew_store_note_blocking (store);
  Lease *lease = g_new0 (Lease, 1);
  lease->id = ++store->last_lease;
  lease->ttl_seconds = MAX (ttl_seconds, 1);
  lease->deadline = deadline_from_now (lease);
  lease->place = g_sequence_insert_sorted (store->by_deadline, lease, compare_deadlines, NULL);
  g_hash_table_insert (store->leases, &lease->id, lease);
  set_timer (store);
  return lease->id;
}

gboolean
ew_store_lease_keepalive (EwStore *store, gint64 id, GError **error)
{
  ew_store_note_blocking (store);
  Lease *lease = g_hash_table_lookup (store->leases, &id);
  if (lease == NULL)
    {
      g_set_error_literal (error, EW_STORE_ERROR, EW_STORE_ERROR_NO_LEASE, "This lease has expired. Take another.");
      return FALSE;
    }
  set_deadline (store, lease, deadline_from_now (lease));
  return TRUE;
}

void
ew_store_lease_revoke (EwStore *store, gint64 id)
{
  ew_store_note_blocking (store);
  Lease *lease = g_hash_table_lookup (store->leases, &id);
  if (lease != NULL)
    end_lease (store, lease);
}
