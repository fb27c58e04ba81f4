/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The SQLite file. It is made complete under another name before it gets its own: a file that is empty or has no tables
 * was damaged, and a damaged mesh must never look like a new one.
 */
#include "edge/store/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/util.h"

#define PAGE_MIN 512 /* SQLite's smallest page; it takes a shorter file for a new database */

G_DEFINE_QUARK (ew_store_error_quark, ew_store_error)

/* Errors. */

static gboolean
set_error (GError **error, EwStoreError code, gchar *sentence)
{
  g_set_error_literal (error, EW_STORE_ERROR, (gint)code, sentence);
  g_free (sentence);
  return FALSE;
}

static gboolean
fail_corrupt (const gchar *path, const gchar *why, GError **error)
{
  return set_error (error, EW_STORE_ERROR_CORRUPT,
                    g_strdup_printf ("%s is damaged: %s. Restore it from a backup; or, to begin a new mesh that every "
                                     "node has to join again, move it and %s-wal away.",
                                     path, why, path));
}

static gboolean
fail_errno (const gchar *path, GError **error)
{
  gboolean full = errno == ENOSPC || errno == EDQUOT;
  return set_error (error, full ? EW_STORE_ERROR_FULL : EW_STORE_ERROR_FAILED,
                    g_strdup_printf ("Can't create the store %s: %s.", path, g_strerror (errno)));
}

gboolean
ew_store_fail (EwStore *store, gint code, GError **error)
{
  const gchar *why = sqlite3_errstr (code), *path = store->path;
  if (code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA)
    return fail_corrupt (path, why, error);
  switch (code & 0xff)
    {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return set_error (error, EW_STORE_ERROR_IN_USE,
                        g_strdup_printf ("%s is in use by another process, and only one edge can use it at a time. "
                                         "Stop the other one, or name another folder with --state-dir.",
                                         path));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return fail_corrupt (path, why, error);
    case SQLITE_READONLY:
      return set_error (
        error, EW_STORE_ERROR_FULL,
        g_strdup_printf ("Can't write %s: %s. Nothing was changed. Make its disk writable, then try again.", path,
                         why));
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return set_error (
        error, EW_STORE_ERROR_FULL,
        g_strdup_printf (
          "The disk of %s is full or fails: %s. Nothing was changed. Free some space there, then try again.", path,
          why));
    default:
      return set_error (error, EW_STORE_ERROR_FAILED,
                        g_strdup_printf ("Can't use the store %s: %s. Check that the file and its folder belong to the "
                                         "edge's user and that the file isn't damaged.",
                                         path, why));
    }
}

/* Statements. */

sqlite3_stmt *
ew_store_sql (EwStore *store, EwStoreSql sql)
{
  sqlite3_stmt *statement = store->statements[sql];
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return statement;
}

/* Never NULL to SQLite, which would store its NULL. The caller keeps data until the statement is run. */
void
ew_store_bind_bytes (sqlite3_stmt *statement, gint index, const void *data, gsize length)
{
  sqlite3_bind_blob64 (statement, index, data != NULL ? data : "", length, SQLITE_STATIC);
}

gboolean
ew_store_run (EwStore *store, sqlite3_stmt *statement, GError **error)
{
  gint code = sqlite3_step (statement);
  sqlite3_reset (statement);
  return code == SQLITE_DONE || ew_store_fail (store, code, error);
}

void
ew_store_rollback (EwStore *store)
{
  if (sqlite3_get_autocommit (store->db) == 0) /* SQLite has rolled back by itself after some errors */
    sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
}

static gboolean
exec (EwStore *store, const gchar *sql, GError **error)
{
  gint code = sqlite3_exec (store->db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || ew_store_fail (store, code, error);
}

/* The first column of the first row, as a number or (transfer full) text. */
static gboolean
query (EwStore *store, const gchar *sql, gint64 *number, gchar **text, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gint code = sqlite3_prepare_v2 (store->db, sql, -1, &statement, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_step (statement);
  if (code == SQLITE_ROW && number != NULL)
    *number = sqlite3_column_int64 (statement, 0);
  if (code == SQLITE_ROW && text != NULL)
    *text = g_strdup ((const gchar *)sqlite3_column_text (statement, 0));
  sqlite3_finalize (statement);
  if (code == SQLITE_DONE)
    return fail_corrupt (store->path, "a part of it is missing", error);
  return code == SQLITE_ROW || ew_store_fail (store, code, error);
}

/* A new file. */

static gboolean
fill_new_file (const gchar *temporary, const gchar *path, GError **error)
{
  EwStore builder = { .path = (gchar *)path };
  gint code = sqlite3_open_v2 (temporary, &builder.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  gboolean ok
    = code == SQLITE_OK ? exec (&builder, ew_store_main_schema, error) : ew_store_fail (&builder, code, error);
  sqlite3_close (builder.db);
  return ok;
}

static gboolean
sync_folder_of (const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;
  if (fd >= 0)
    close (fd);
  return ok;
}

static int
rename_if_absent (const gchar *from, const gchar *to)
{
  int result = (int)syscall (SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE); /* musl has no wrapper */
  return result < 0 && errno == EINVAL ? rename (from, to) : result; /* a file system that cannot */
}

/* Where another process makes the same file at the same time, one of the two stays; its lock decides who may open it.
 */
static gboolean
make_file (const gchar *path, GError **error)
{
  g_autofree gchar *temporary = g_strdup_printf ("%s.XXXXXX", path);
  int fd = mkostemp (temporary, O_CLOEXEC); /* 0600; SQLite gives its other files the same mode */
  if (fd < 0)
    return fail_errno (path, error);
  close (fd);
  gboolean ok = fill_new_file (temporary, path, error);
  if (ok && rename_if_absent (temporary, path) < 0 && errno != EEXIST)
    ok = fail_errno (path, error);
  unlink (temporary);
  return ok && (sync_folder_of (path) || fail_errno (path, error));
}

static gboolean
file_prepare (const gchar *path, GError **error)
{
  g_autofree gchar *wal = g_strconcat (path, "-wal", NULL);
  struct stat st;
  if (stat (path, &st) == 0)
    return st.st_size >= PAGE_MIN || fail_corrupt (path, st.st_size == 0 ? "it is empty" : "it is cut off", error);
  if (errno != ENOENT)
    return fail_errno (path, error);
  if (stat (wal, &st) == 0 && st.st_size > 0)
    return fail_corrupt (path, "it is missing, though its latest changes are still in the file beside it", error);
  return make_file (path, error);
}

/* Opening. */

static gboolean
check_identity (EwStore *store, GError **error)
{
  gint64 application, version;
  if (!query (store, "PRAGMA main.application_id", &application, NULL, error)
      || !query (store, "PRAGMA main.user_version", &version, NULL, error))
    return FALSE;
  if (application != EW_STORE_APPLICATION_ID)
    return set_error (
      error, EW_STORE_ERROR_CORRUPT,
      g_strdup_printf ("%s is another program's database. Move it away, or name another folder with --state-dir.",
                       store->path));
  if (version != EW_STORE_FORMAT)
    return set_error (error, EW_STORE_ERROR_CORRUPT,
                      g_strdup_printf ("%s was written by a newer version of Edgeway (format %" G_GINT64_FORMAT
                                       "). Install that version.",
                                       store->path, version));
  return TRUE;
}

static gboolean
check_health (EwStore *store, GError **error)
{
  g_autofree gchar *verdict = NULL;
  if (!query (store, "PRAGMA main.quick_check (1)", NULL, &verdict, error))
    return FALSE;
  return g_strcmp0 (verdict, "ok") == 0 || fail_corrupt (store->path, verdict, error);
}

/* Write-ahead log; each commit is on the disk before it is acknowledged. The lock is taken by the first access and
 * kept. */
static gboolean
configure (EwStore *store, gboolean memory, GError **error)
{
  g_autofree gchar *mode = NULL;
  if (!exec (store,
             "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA "
             "cell_size_check = ON;",
             error)
      || !(memory ? exec (store, ew_store_main_schema, error) : check_identity (store, error))
      || !query (store, "PRAGMA main.journal_mode = WAL", NULL, &mode, error))
    return FALSE;
  if (g_strcmp0 (mode, memory ? "memory" : "wal") != 0)
    return set_error (
      error, EW_STORE_ERROR_FAILED,
      g_strdup_printf ("The file system of %s doesn't support SQLite's write-ahead log. Use a local disk.",
                       store->path));
  return exec (store, "PRAGMA main.synchronous = FULL; PRAGMA main.journal_size_limit = 16777216;", error)
         && check_health (store, error) && exec (store, ew_store_leased_schema, error);
}

static gboolean
prepare_statements (EwStore *store, GError **error)
{
  for (guint i = 0; i < EW_STORE_SQL_N; i++)
    {
      gint code = sqlite3_prepare_v3 (store->db, ew_store_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[i], NULL);
      if (code == SQLITE_ERROR) /* no such table or column */
        return fail_corrupt (store->path, sqlite3_errmsg (store->db), error);
      if (code != SQLITE_OK)
        return ew_store_fail (store, code, error);
    }
  return TRUE;
}

static gboolean
load_state (EwStore *store, GError **error)
{
  gint64 last = 0;
  if (!query (store, "SELECT revision FROM main.meta", &store->revision, NULL, error)
      || !query (store, "SELECT reserved FROM main.meta", &store->reserved, NULL, error)
      || !query (store, "SELECT compacted FROM main.meta", &store->compacted, NULL, error)
      || !query (store, "SELECT ifnull (max (revision), 1) FROM main.history", &last, NULL, error))
    return FALSE;
  if (store->revision < 1 || store->compacted < 1 || last > store->revision)
    return fail_corrupt (store->path, "its parts contradict one another", error);
  store->revision = MAX (store->revision, store->reserved);
  return TRUE;
}

/* A read-only disk. SQLite opens a file with a write-ahead log for writing or not at all, so a copy of both is opened,
 * which no other process can open and which is removed when the store is closed. What would have to be kept is
 * refused. */

static gboolean
copy_into (const gchar *folder, const gchar *path, const gchar *suffix)
{
  g_autofree gchar *from_path = g_strconcat (path, suffix, NULL);
  g_autofree gchar *to_path = g_strdup_printf ("%s/store.db%s", folder, suffix);
  g_autoptr (GFile) from = g_file_new_for_path (from_path);
  g_autoptr (GFile) to = g_file_new_for_path (to_path);
  return !g_file_query_exists (from, NULL)
         || g_file_copy (from, to, G_FILE_COPY_TARGET_DEFAULT_PERMS, NULL, NULL, NULL, NULL);
}

static void
remove_copy (const gchar *folder)
{
  static const gchar *const names[] = { "store.db", "store.db-wal", "store.db-shm" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (folder, names[i], NULL);
      (void)unlink (path);
    }
  (void)rmdir (folder);
}

/* (transfer full) The folder that the copy is in; NULL: there is nowhere to make one. */
static gchar *
make_copy (const gchar *path)
{
  const gchar *const places[] = { g_get_tmp_dir (), "/dev/shm" }; /* the sandbox leaves them open then */
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree gchar *folder = g_build_filename (places[i], "edgeway-edge.XXXXXX", NULL);
      if (mkdtemp (folder) == NULL) /* 0700 */
        continue;
      if (copy_into (folder, path, "") && copy_into (folder, path, "-wal"))
        return g_steal_pointer (&folder);
      remove_copy (folder);
    }
  return NULL;
}

static gboolean
is_on_read_only_disk (const gchar *path)
{
  return access (path, W_OK) != 0 && errno == EROFS;
}

/* copy: (out) the folder to be removed once SQLite has its files open. */
static gint
open_database (EwStore *store, gchar **copy)
{
  g_autofree gchar *path = g_strdup (store->path);
  store->frozen = is_on_read_only_disk (store->path);
  if (store->frozen && (*copy = make_copy (store->path)))
    {
      g_free (path);
      path = g_build_filename (*copy, "store.db", NULL);
    }
  gint code = sqlite3_open_v2 (path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  return code == SQLITE_OK ? sqlite3_extended_result_codes (store->db, 1) : code;
}

EwStore *
ew_store_open (const gchar *path, GError **error)
{
  g_autofree gchar *copy = NULL;
  g_autoptr (EwStore) store = g_new0 (EwStore, 1);
  gboolean memory = g_str_equal (path, ":memory:");
  store->path = g_strdup (path);
  store->context = g_main_context_ref_thread_default ();
  ew_store_watch_init (store);
  ew_store_lease_init (store);
  ew_store_async_init (store);
  if (!memory && !file_prepare (path, error))
    return NULL;
  gint code = open_database (store, &copy);
  gboolean ok = (code == SQLITE_OK || ew_store_fail (store, code, error)) && configure (store, memory, error)
                && prepare_statements (store, error) && load_state (store, error);
  if (copy)
    remove_copy (copy);
  if (!ok)
    return NULL;
  if (store->frozen)
    g_warning ("%s is on a read-only disk. Its content is used, but every change is refused.", path);
  store->dispatched = store->revision;
  return g_steal_pointer (&store);
}

/* Leased keys have used revisions that only memory knows: the next start goes on from there. */
static void
save_revision (EwStore *store)
{
  g_autoptr (GError) error = NULL;
  sqlite3_stmt *statement = ew_store_sql (store, EW_STORE_SQL_SET_RESERVED);
  sqlite3_bind_int64 (statement, 1, store->revision);
  if (store->reserved > store->revision && !ew_store_run (store, statement, &error))
    g_warning ("%s", error->message);
}

void
ew_store_close (EwStore *store)
{
  if (store == NULL)
    return;
  ew_store_async_clear (store);
  ew_store_watch_clear (store);
  ew_store_lease_clear (store);
  if (store->dispatched > 0) /* it was opened to the end */
    save_revision (store);
  for (guint i = 0; i < EW_STORE_SQL_N; i++)
    sqlite3_finalize (store->statements[i]);
  sqlite3_close (store->db);
  g_main_context_unref (store->context);
  g_free (store->path);
  g_free (store);
}
