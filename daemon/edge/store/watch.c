/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Watches read history; nothing is queued for them. A watch is a place in history: one that starts in the past first
 * catches up with the others, a revision at a time; then every revision is told to all watches before the next one is.
 */
#include "edge/store/store-private.h"

#include <string.h>

#define DISPATCH_MAX 64 /* revisions, before the main loop has its turn */
#define RETRY_US (1 * G_TIME_SPAN_SECOND)

typedef struct
{
  grefcount references;
  guint64 id;
  gchar *prefix;
  gint64 next; /* the first revision it hasn't been told yet */
  EwStoreWatchFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
  gboolean removed;
} Watch;

typedef struct
{
  gchar *key;
  GBytes *value;
  gboolean created;
} Row;

typedef struct
{
  gint64 revision;
  GPtrArray *rows; /* of Row */
} Revision;

static Watch *
watch_ref (Watch *watch)
{
  g_ref_count_inc (&watch->references);
  return watch;
}

static void
watch_unref (Watch *watch)
{
  if (!g_ref_count_dec (&watch->references))
    return;
  if (watch->destroy != NULL)
    watch->destroy (watch->user_data);
  g_free (watch->prefix);
  g_free (watch);
}

static void
row_free (Row *row)
{
  g_free (row->key);
  g_clear_pointer (&row->value, g_bytes_unref);
  g_free (row);
}

/* The first revision of history in from…to; to with no rows if there is none. FALSE: it cannot be read. */
static gboolean
read_revision (EwStore *store, gint64 from, gint64 to, Revision *out, GError **error)
{
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_HISTORY);
  gint code;
  sqlite3_bind_int64 (statement, 1, from);
  sqlite3_bind_int64 (statement, 2, to);
  out->revision = to;
  out->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)row_free);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      Row *row = g_new0 (Row, 1);
      out->revision = sqlite3_column_int64 (statement, 0);
      row->key = g_strndup (sqlite3_column_blob (statement, 2), (gsize)sqlite3_column_bytes (statement, 2));
      if (sqlite3_column_type (statement, 3) != SQLITE_NULL)
        row->value = g_bytes_new (sqlite3_column_blob (statement, 3), (gsize)sqlite3_column_bytes (statement, 3));
      row->created = sqlite3_column_int (statement, 4) != 0;
      g_ptr_array_add (out->rows, row);
    }
  sqlite3_reset (statement);
  if (code == SQLITE_DONE)
    return TRUE;
  g_clear_pointer (&out->rows, g_ptr_array_unref);
  return ew_store_fail (store, code, error);
}

static void
tell (EwStore *store, Watch *watch, const Revision *revision)
{
  watch->next = revision->revision + 1;
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): only a revision that was read is told */
  for (guint i = 0; i < revision->rows->len && !watch->removed; i++)
    {
      const Row *row = g_ptr_array_index (revision->rows, i);
      const EwStoreEvent event = { row->key, row->value, revision->revision, row->created };
      if (g_str_has_prefix (row->key, watch->prefix))
        watch->func (store, &event, watch->user_data);
    }
}

/* A callback may add and remove watches: the list is walked in a copy. */
static void
tell_all (EwStore *store, const Revision *revision)
{
  g_autoptr (GPtrArray) watches = g_ptr_array_new_with_free_func ((GDestroyNotify)watch_unref);
  for (guint i = 0; i < store->watches->len; i++)
    g_ptr_array_add (watches, watch_ref (g_ptr_array_index (store->watches, i)));
  for (guint i = 0; i < watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (watches, i);
      if (!watch->removed && watch->next <= revision->revision)
        tell (store, watch, revision);
    }
}

static Watch *
find_behind (EwStore *store)
{
  for (guint i = 0; i < store->watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (store->watches, i);
      if (watch->next <= store->dispatched)
        return watch;
    }
  return NULL;
}

/* *more: there is another revision to report. */
static gboolean
dispatch_one (EwStore *store, gboolean *more, GError **error)
{
  Revision revision;
  Watch *behind = find_behind (store);
  *more = behind != NULL || store->dispatched < store->revision;
  if (!*more)
    return TRUE;
  gint64 from = behind != NULL ? behind->next : store->dispatched + 1;
  gint64 to = behind != NULL ? store->dispatched : store->revision;
  if (!read_revision (store, from, to, &revision, error))
    return FALSE;
  if (behind != NULL)
    {
      watch_ref (behind);
      tell (store, behind, &revision);
      watch_unref (behind);
    }
  else
    {
      store->dispatched = revision.revision;
      tell_all (store, &revision);
    }
  g_ptr_array_unref (revision.rows);
  return TRUE;
}

static gboolean
on_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  EwStore *store = user_data;
  g_autoptr (GError) error = NULL;
  gboolean more = TRUE;
  g_source_set_ready_time (source, -1);
  for (guint i = 0; i < DISPATCH_MAX && more; i++)
    if (!dispatch_one (store, &more, &error))
      {
        g_warning ("Changes can't be announced yet: %s", error->message);
        g_source_set_ready_time (source, g_get_monotonic_time () + RETRY_US);
        return G_SOURCE_CONTINUE;
      }
  if (more)
    g_source_set_ready_time (source, 0);
  return G_SOURCE_CONTINUE;
}

/* GLib calls a source's dispatch with its callback's data. */
static gboolean
never_called (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
ew_store_watch_init (EwStore *store)
{
  static GSourceFuncs funcs = { .dispatch = on_dispatch };
  store->watches = g_ptr_array_new_with_free_func ((GDestroyNotify)watch_unref);
  store->dispatch = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (store->dispatch, never_called, store, NULL);
  g_source_set_static_name (store->dispatch, "edgeway store watches");
  g_source_attach (store->dispatch, store->context);
}

void
ew_store_watch_clear (EwStore *store)
{
  g_source_destroy (store->dispatch);
  g_source_unref (store->dispatch);
  g_ptr_array_unref (store->watches);
}

void
ew_store_watch_schedule (EwStore *store)
{
  if (store->watches->len == 0)
    store->dispatched = store->revision;
  else
    g_source_set_ready_time (store->dispatch, 0);
}

gint64
ew_store_watch_oldest (EwStore *store)
{
  gint64 oldest = G_MAXINT64;
  for (guint i = 0; i < store->watches->len; i++)
    oldest = MIN (oldest, ((Watch *)g_ptr_array_index (store->watches, i))->next);
  return oldest;
}

guint64
ew_store_watch (EwStore *store, const gchar *prefix, gint64 start_revision, EwStoreWatchFunc func, gpointer user_data,
                GDestroyNotify destroy, GError **error)
{
  if (start_revision > 0 && start_revision < store->compacted)
    {
      g_set_error (error, EW_STORE_ERROR, EW_STORE_ERROR_COMPACTED,
                   "Changes before revision %" G_GINT64_FORMAT
                   " are forgotten: read everything again and watch from there.",
                   store->compacted);
      return 0;
    }
  Watch *watch = g_new0 (Watch, 1);
  g_ref_count_init (&watch->references);
  watch->id = ++store->last_watch;
  watch->prefix = g_strdup (prefix);
  watch->next = start_revision > 0 ? start_revision : store->revision + 1;
  watch->func = func;
  watch->user_data = user_data;
  watch->destroy = destroy;
  g_ptr_array_add (store->watches, watch);
  if (watch->next <= store->revision)
    ew_store_watch_schedule (store);
  return watch->id;
}

void
ew_store_unwatch (EwStore *store, guint64 id)
{
  for (guint i = 0; i < store->watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (store->watches, i);
      if (watch->id != id)
        continue;
      watch->removed = TRUE;
      g_ptr_array_remove_index (store->watches, i);
      if (store->watches->len == 0)
        store->dispatched = store->revision;
      return;
    }
}
