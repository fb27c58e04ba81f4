/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The file: kept over restarts, opened by one process only, damaged, another program's, on a full disk.
 */
#include "edge/store/store-private.h"
#include "store-helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  gchar *folder, *path, *wal;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("edgeway-store-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "store.db", NULL);
  f->wal = g_strconcat (f->path, "-wal", NULL);
}

/* Also checks that nothing else was left there. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  g_unlink (f->path);
  g_unlink (f->wal);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->path);
  g_free (f->wal);
}

static EwStore *
open_file (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  EwStore *store = ew_store_open (f->path, &error);
  g_assert_no_error (error);
  return store;
}

static void
assert_not_opened (Fixture *f, EwStoreError code, const gchar *word)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ew_store_open (f->path, &error));
  g_assert_error (error, EW_STORE_ERROR, (gint)code);
  if (strstr (error->message, word) == NULL || strstr (error->message, f->path) == NULL)
    g_error ("“%s” does not say “%s” of %s", error->message, word, f->path);
}

static void
test_kept (Fixture *f, gconstpointer data)
{
  EwStore *store = open_file (f);
  struct stat st;
  g_autoptr (GString) log = g_string_new (NULL);
  g_assert_cmpint (stat (f->path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
  g_assert_cmpint (stat (f->wal, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
  change (store, "/a", "1");
  change (store, "/b", "1");
  change (store, "/a", "2");
  g_assert_true (ew_store_compact (store, 3, NULL));
  ew_store_close (store);
  store = open_file (f);
  g_assert_cmpint (ew_store_get_revision (store), ==, 4);
  assert_entry (store, "/a", 2, 4, 2);
  assert_list (store, "", NULL, 0, "/a /b");
  g_assert_cmpuint (ew_store_watch (store, "", 2, record, log, NULL, NULL), ==, 0);
  g_assert_cmpuint (ew_store_watch (store, "", 3, record, log, NULL, NULL), >, 0);
  g_assert_cmpint (change (store, "/c", "1"), ==, 5);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "3+:/b=1 4:/a=2 5+:/c=1 ");
  ew_store_close (store);
}

/* WAL with a sync at each commit: the durability promise relies on it. */
static void
test_durability (Fixture *f, gconstpointer data)
{
  g_autoptr (EwStore) store = open_file (f);
  const gchar *pragmas[][2] = { { "PRAGMA main.journal_mode", "wal" },
                                { "PRAGMA main.synchronous", "2" },
                                { "PRAGMA main.locking_mode", "exclusive" } };
  for (gsize i = 0; i < G_N_ELEMENTS (pragmas); i++)
    {
      sqlite3_stmt *statement;
      g_assert_cmpint (sqlite3_prepare_v2 (store->db, pragmas[i][0], -1, &statement, NULL), ==, SQLITE_OK);
      g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
      g_assert_cmpstr ((const gchar *)sqlite3_column_text (statement, 0), ==, pragmas[i][1]);
      sqlite3_finalize (statement);
    }
}

static void
test_in_use (Fixture *f, gconstpointer data)
{
  EwStore *store = open_file (f);
  assert_not_opened (f, EW_STORE_ERROR_IN_USE, "another process");
  pid_t child = fork ();
  if (child == 0)
    {
      g_autoptr (GError) error = NULL;
      _exit (ew_store_open (f->path, &error) == NULL && g_error_matches (error, EW_STORE_ERROR, EW_STORE_ERROR_IN_USE)
               ? 0
               : 1);
    }
  int status;
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  change (store, "/still", "works");
  ew_store_close (store);
  store = open_file (f);
  assert_value (store, "/still", "works");
  ew_store_close (store);
}

static void
write_file (const gchar *path, gconstpointer data, gsize length)
{
  g_assert_true (g_file_set_contents (path, data, (gssize)length, NULL));
}

static void
test_foreign (Fixture *f, gconstpointer data)
{
  g_autofree gchar *noise = g_malloc (20000);
  sqlite3 *db;
  memset (noise, 'x', 20000);
  write_file (f->path, noise, 20000);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "damaged");
  write_file (f->path, "short", 5);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "damaged");
  write_file (f->path, "", 0);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "empty");
  g_unlink (f->path);
  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  sqlite3_exec (db, "CREATE TABLE other (x);", NULL, NULL, NULL);
  sqlite3_close (db);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "another program");
  sqlite3_open (f->path, &db); /* and it is not changed by the try */
  g_assert_cmpint (sqlite3_exec (db, "INSERT INTO other VALUES (1);", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  sqlite3 *db;
  ew_store_close (open_file (f));
  sqlite3_open (f->path, &db);
  sqlite3_exec (db, "PRAGMA user_version = 2;", NULL, NULL, NULL);
  sqlite3_close (db);
  g_unlink (f->wal);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "newer version");
  sqlite3_open (f->path, &db);
  sqlite3_exec (db, "PRAGMA user_version = 1; DELETE FROM meta;", NULL, NULL, NULL);
  sqlite3_close (db);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "damaged");
  sqlite3_open (f->path, &db);
  sqlite3_exec (db, "DROP TABLE history;", NULL, NULL, NULL);
  sqlite3_close (db);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "damaged");
}

static void
fill (EwStore *store, guint n)
{
  g_autofree gchar *value = g_strnfill (500, 'v');
  for (guint i = 0; i < n; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/nodes/%05u", i);
      change (store, key, value);
    }
}

/* Damage in any page is noticed at opening, not months later. */
static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_autofree gchar *good = NULL, *bad = NULL;
  gsize length;
  EwStore *store = open_file (f);
  fill (store, 100);
  ew_store_close (store);
  g_assert_true (g_file_get_contents (f->path, &good, &length, NULL));
  g_assert_cmpuint (length, >, 10 * 4096);
  bad = g_malloc (length);
  guint refused = 0, pages = (guint)(length / 4096);
  for (guint page = 0; page < pages; page++)
    {
      g_autoptr (GError) error = NULL;
      memcpy (bad, good, length);
      memset (bad + page * 4096, 0xa5, 4096);
      write_file (f->path, bad, length);
      store = ew_store_open (f->path, &error);
      refused += store == NULL;
      if (store == NULL)
        g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_CORRUPT);
      ew_store_close (store);
      g_unlink (f->wal);
    }
  g_assert_cmpuint (refused, ==, pages);
  for (gsize cut = 1; cut < length; cut += 4096 + 1024) /* truncated */
    {
      write_file (f->path, good, cut);
      assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "damaged");
    }
}

/* The log of the latest changes beside a database that is missing or empty: no new mesh may overwrite it. */
static void
test_only_wal (Fixture *f, gconstpointer data)
{
  EwStore *store = open_file (f);
  change (store, "/a", "1");
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "missing");
  write_file (f->path, "", 0);
  assert_not_opened (f, EW_STORE_ERROR_CORRUPT, "empty");
  g_unlink (f->path);
  ew_store_close (store);
}

static void
test_cannot (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL, other = NULL;
  g_autofree gchar *nowhere = g_build_filename (f->folder, "no", "store.db", NULL);
  g_assert_null (ew_store_open (nowhere, &error));
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_FAILED);
  g_assert_null (ew_store_open (f->folder, &other));
  g_assert_nonnull (other);
}

/* What a full disk must leave behind: an error, and everything as it was, now and after a restart. */
static void
fill_up (EwStore *store, gint64 *last, guint *n)
{
  g_autofree gchar *text = g_strnfill (20000, 'v');
  g_autoptr (GBytes) value = bytes (text);
  g_autoptr (GError) error = NULL;
  for (*n = 0; error == NULL; (*n)++)
    {
      g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
      g_autofree gchar *a = g_strdup_printf ("/a/%05u", *n), *b = g_strdup_printf ("/b/%05u", *n);
      *last = ew_store_get_revision (store);
      ew_store_txn_put (txn, a, value);
      ew_store_txn_put (txn, b, value);
      if (!ew_store_txn_commit (txn, NULL, NULL, &error))
        break;
      g_assert_cmpuint (*n, <, 10000);
    }
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_FULL);
  g_assert_cmpuint (*n, >, 3);
}

static void
assert_filled (EwStore *store, gint64 revision, guint n)
{
  g_autoptr (GPtrArray) a = ew_store_list (store, "/a/", NULL, 0, NULL, NULL),
                        b = ew_store_list (store, "/b/", NULL, 0, NULL, NULL);
  g_assert_cmpint (ew_store_get_revision (store), ==, revision);
  g_assert_cmpuint (a->len, ==, n);
  g_assert_cmpuint (b->len, ==, n);
}

static void
test_full_pages (Fixture *f, gconstpointer data)
{
  EwStore *store = open_file (f);
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 revision;
  guint n;
  sqlite3_exec (store->db, "PRAGMA main.max_page_count = 200", NULL, NULL, NULL);
  fill_up (store, &revision, &n);
  assert_filled (store, revision, n);
  ew_store_watch (store, "/b/", revision + 1, record, log, NULL, NULL);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "");
  /* Presence needs no disk. */
  gint64 lease = ew_store_lease_grant (store, 60);
  g_assert_cmpint (change_leased (store, "/p", "1", lease), ==, revision + 1);
  ew_store_lease_revoke (store, lease);
  assert_value (store, "/p", NULL);
  sqlite3_exec (store->db, "PRAGMA main.max_page_count = 100000", NULL, NULL, NULL);
  g_assert_cmpint (change (store, "/b/again", "x"), ==, revision + 3);
  run_pending ();
  g_assert_nonnull (strstr (log->str, "/b/again=x"));
  ew_store_close (store);
  store = open_file (f);
  assert_value (store, "/b/again", "x");
  ew_store_close (store);
}

static void
write_until_full (const gchar *path)
{
  int fd = open (path, O_CREAT | O_WRONLY, 0600);
  gchar block[4096] = { 0 };
  while (write (fd, block, sizeof block) > 0)
    ;
  close (fd);
}

/* On a small file system of its own, in a mount namespace that ends with this process. */
static void
full_disk_in_child (void)
{
  const gchar *folder = g_get_tmp_dir ();
  gint64 revision;
  guint n;
  if (unshare (CLONE_NEWNS) < 0 || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("edgeway-test", folder, "tmpfs", 0, "size=2m") < 0)
    _exit (77);
  g_autofree gchar *path = g_build_filename (folder, "store.db", NULL),
                   *other = g_build_filename (folder, "other", NULL);
  g_autofree gchar *wal = g_strconcat (path, "-wal", NULL);
  g_autoptr (GError) error = NULL;
  EwStore *store = ew_store_open (path, &error);
  g_assert_no_error (error);
  fill_up (store, &revision, &n);
  assert_filled (store, revision, n);
  ew_store_close (store);
  store = ew_store_open (path, &error); /* a database that can't grow can still be read */
  g_assert_no_error (error);
  assert_filled (store, revision, n);
  ew_store_close (store);
  g_unlink (path);
  g_unlink (wal);
  write_until_full (other);
  g_assert_null (ew_store_open (path, &error)); /* a new store where the disk has no room for it */
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_FULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_unlink (other);
  g_clear_error (&error);
  store = ew_store_open (path, &error);
  g_assert_no_error (error);
  ew_store_close (store);
  _exit (0);
}

static void
put_value (EwStore *store, const gchar *key, const gchar *value, GError **error)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) bytes = g_bytes_new_static (value, strlen (value));
  ew_store_txn_put (txn, key, bytes);
  (void)!ew_store_txn_commit (txn, NULL, NULL, error);
}

/* Everything is read, what a killed edge left in its log as well; nothing is changed, neither now nor for the next
 * start. */
static void
read_only_in_child (void)
{
  const gchar *folder = g_get_tmp_dir ();
  g_autoptr (GError) error = NULL;
  int status;
  if (unshare (CLONE_NEWNS) < 0 || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("edgeway-test", folder, "tmpfs", 0, "size=2m") < 0)
    _exit (77);
  g_autofree gchar *path = g_build_filename (folder, "store.db", NULL);
  g_autofree gchar *wal = g_strconcat (path, "-wal", NULL);
  pid_t killed = fork ();
  if (killed == 0)
    {
      EwStore *store = ew_store_open (path, NULL);
      put_value (store, "/a", "kept", NULL);
      _exit (0);
    }
  g_assert_cmpint (waitpid (killed, &status, 0), ==, killed);
  g_assert_true (g_file_test (wal, G_FILE_TEST_EXISTS));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (mount ("none", folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
      g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*read-only disk*");
      EwStore *store = ew_store_open (path, &error);
      g_assert_no_error (error);
      g_test_assert_expected_messages ();
      assert_value (store, "/a", "kept");
      put_value (store, "/a", "changed", &error);
      g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_FULL);
      g_clear_error (&error);
      assert_value (store, "/a", "kept");
      ew_store_close (store);
      g_assert_cmpint (mount ("none", folder, NULL, MS_REMOUNT, NULL), ==, 0);
      store = ew_store_open (path, &error);
      g_assert_no_error (error);
      assert_value (store, "/a", "kept");
      ew_store_close (store); /* the second time there is no log */
    }
  _exit (0);
}

static void
run_child (void (*child_func) (void))
{
  int status;
  pid_t child = fork ();
  if (child == 0)
    child_func ();
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("needs root for a small file system");
  else
    g_assert_cmpint (status, ==, 0);
}

static void
test_full_disk (void)
{
  run_child (full_disk_in_child);
}

static void
test_read_only_disk (void)
{
  run_child (read_only_in_child);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/disk/full-disk", test_full_disk);
  g_test_add_func ("/store/disk/read-only", test_read_only_disk);
  g_test_add ("/store/disk/kept", Fixture, NULL, set_up, test_kept, tear_down);
  g_test_add ("/store/disk/durability", Fixture, NULL, set_up, test_durability, tear_down);
  g_test_add ("/store/disk/in-use", Fixture, NULL, set_up, test_in_use, tear_down);
  g_test_add ("/store/disk/foreign", Fixture, NULL, set_up, test_foreign, tear_down);
  g_test_add ("/store/disk/newer", Fixture, NULL, set_up, test_newer, tear_down);
  g_test_add ("/store/disk/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
  g_test_add ("/store/disk/only-wal", Fixture, NULL, set_up, test_only_wal, tear_down);
  g_test_add ("/store/disk/cannot", Fixture, NULL, set_up, test_cannot, tear_down);
  g_test_add ("/store/disk/full-pages", Fixture, NULL, set_up, test_full_pages, tear_down);
  return g_test_run ();
}
