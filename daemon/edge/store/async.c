/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calls of store.h without waiting. SQLite answers at once, so a call is carried out when its turn comes: one in a
 * turn of the main context, in the order in which they were made. An etcd cluster answers when it likes.
 *
 *   …_async() ── calls ── on_turn(): carried out ── callback ── …_finish()
 *                  └── ew_store_close() ── on_closed(): cancelled ──┘
 */
#include "edge/store/store-private.h"

typedef struct Call
{
  /* The result, to be freed with *destroy; NULL may be one, too. */
  gpointer (*carry_out) (EwStore *store, const struct Call *call, GDestroyNotify *destroy, GError **error);
  gchar *key;
  gchar *start_after;
  guint number; /* a limit, or seconds */
  gint64 id;    /* of a lease, or a revision */
  EwStoreTxn *txn;
  GCancellable *cancellable; /* not the task's: GLib reports cancelled tasks later, out of order */
} Call;

typedef struct
{
  GPtrArray *entries;
  gint64 revision;
} Listed;

typedef struct
{
  gboolean succeeded;
  gint64 revision;
} Committed;

static void
call_free (gpointer data)
{
  Call *call = data;
  g_free (call->key);
  g_free (call->start_after);
  ew_store_txn_free (call->txn);
  g_clear_object (&call->cancellable);
  g_free (call);
}

static void
listed_free (gpointer data)
{
  Listed *listed = data;
  g_ptr_array_unref (listed->entries);
  g_free (listed);
}

static void
entry_free (gpointer data)
{
  ew_store_entry_free (data);
}

/* GLib calls a source's dispatch with its callback's data. */
static gboolean
never_called (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
set_timer (EwStore *store)
{
  gint64 now = store->delay_ms > 0 ? g_get_monotonic_time () : 0;
  g_source_set_ready_time (store->turn, g_queue_is_empty (store->calls) ? -1 : now + (gint64)store->delay_ms * 1000);
}

static gboolean
on_turn (GSource *source, GSourceFunc callback, gpointer user_data)
{
  EwStore *store = user_data;
  g_autoptr (GTask) task = g_queue_pop_head (store->calls);
  const Call *call = task ? g_task_get_task_data (task) : NULL;
  GDestroyNotify destroy = NULL;
  GError *error = NULL;
  set_timer (store);
  if (task == NULL)
    return G_SOURCE_CONTINUE;
  store->in_turn = TRUE;
  gpointer outcome = g_cancellable_set_error_if_cancelled (call->cancellable, &error)
                       ? NULL
                       : call->carry_out (store, call, &destroy, &error);
  store->in_turn = FALSE;
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, outcome, destroy);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_closed (gpointer user_data)
{
  g_task_return_new_error (user_data, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The store was closed.");
  return G_SOURCE_REMOVE;
}

void
ew_store_async_init (EwStore *store)
{
  static GSourceFuncs funcs = { .dispatch = on_turn };
  store->calls = g_queue_new ();
  store->turn = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (store->turn, never_called, store, NULL);
  g_source_set_static_name (store->turn, "edgeway store calls");
  g_source_attach (store->turn, store->context);
}

void
ew_store_async_clear (EwStore *store)
{
  GTask *task;
  while ((task = g_queue_pop_head (store->calls)))
    {
      g_autoptr (GSource) source = g_idle_source_new ();
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, on_closed, task, g_object_unref);
      g_source_attach (source, store->context);
    }
  g_queue_free (store->calls);
  g_source_destroy (store->turn);
  g_source_unref (store->turn);
}

void
ew_store_note_blocking (EwStore *store)
{
  if (!store->in_turn)
    store->n_blocking++;
}

/* The call takes its members' ownership. */
static void
queue_call (EwStore *store, const Call *call, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Call *kept = g_memdup2 (call, sizeof *call);
  g_set_object (&kept->cancellable, cancellable);
  g_task_set_task_data (task, kept, call_free);
  g_queue_push_tail (store->calls, task);
  if (g_queue_get_length (store->calls) == 1)
    set_timer (store);
}

static gpointer
carry_out_get (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  *destroy = entry_free;
  return ew_store_get (store, call->key, error);
}

void
ew_store_get_async (EwStore *store, const gchar *key, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  const Call call = { .carry_out = carry_out_get, .key = g_strdup (key) };
  queue_call (store, &call, cancellable, callback, user_data);
}

EwStoreEntry *
ew_store_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static gpointer
carry_out_list (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  Listed listed = { 0 };
  *destroy = listed_free;
  listed.entries = ew_store_list (store, call->key, call->start_after, call->number, &listed.revision, error);
  return listed.entries ? g_memdup2 (&listed, sizeof listed) : NULL;
}

void
ew_store_list_async (EwStore *store, const gchar *prefix, const gchar *start_after, guint limit,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  const Call call
    = { .carry_out = carry_out_list, .key = g_strdup (prefix), .start_after = g_strdup (start_after), .number = limit };
  queue_call (store, &call, cancellable, callback, user_data);
}

GPtrArray *
ew_store_list_finish (GAsyncResult *result, gint64 *revision, GError **error)
{
  Listed *listed = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *entries = listed ? g_ptr_array_ref (listed->entries) : NULL;
  if (listed && revision)
    *revision = listed->revision;
  g_clear_pointer (&listed, listed_free);
  return entries;
}

static gpointer
carry_out_commit (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  Committed committed = { 0 };
  *destroy = g_free;
  return ew_store_txn_commit (call->txn, &committed.succeeded, &committed.revision, error)
           ? g_memdup2 (&committed, sizeof committed)
           : NULL;
}

void
ew_store_txn_commit_async (EwStoreTxn *txn, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  const Call call = { .carry_out = carry_out_commit, .txn = txn };
  queue_call (ew_store_txn_get_store (txn), &call, cancellable, callback, user_data);
}

gboolean
ew_store_txn_commit_finish (GAsyncResult *result, gboolean *succeeded, gint64 *revision, GError **error)
{
  g_autofree Committed *committed = g_task_propagate_pointer (G_TASK (result), error);
  if (committed && succeeded)
    *succeeded = committed->succeeded;
  if (committed && revision)
    *revision = committed->revision;
  return committed != NULL;
}

static gpointer
carry_out_grant (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  gint64 lease = ew_store_lease_grant (store, call->number);
  *destroy = g_free;
  return g_memdup2 (&lease, sizeof lease);
}

void
ew_store_lease_grant_async (EwStore *store, guint ttl_seconds, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  const Call call = { .carry_out = carry_out_grant, .number = ttl_seconds };
  queue_call (store, &call, cancellable, callback, user_data);
}

gint64
ew_store_lease_grant_finish (GAsyncResult *result, GError **error)
{
  g_autofree gint64 *lease = g_task_propagate_pointer (G_TASK (result), error);
  return lease ? *lease : 0;
}

static gpointer
carry_out_keepalive (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  return GINT_TO_POINTER (ew_store_lease_keepalive (store, call->id, error));
}

void
ew_store_lease_keepalive_async (EwStore *store, gint64 lease, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  const Call call = { .carry_out = carry_out_keepalive, .id = lease };
  queue_call (store, &call, cancellable, callback, user_data);
}

static gpointer
carry_out_revoke (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  ew_store_lease_revoke (store, call->id);
  return GINT_TO_POINTER (TRUE);
}

void
ew_store_lease_revoke_async (EwStore *store, gint64 lease, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  const Call call = { .carry_out = carry_out_revoke, .id = lease };
  queue_call (store, &call, cancellable, callback, user_data);
}

static gpointer
carry_out_compact (EwStore *store, const Call *call, GDestroyNotify *destroy, GError **error)
{
  return GINT_TO_POINTER (ew_store_compact (store, call->id, error));
}

void
ew_store_compact_async (EwStore *store, gint64 revision, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  const Call call = { .carry_out = carry_out_compact, .id = revision };
  queue_call (store, &call, cancellable, callback, user_data);
}

gboolean
ew_store_call_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}
