/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store's calls that don't wait: what they say, in which order, and that the main context runs in the meantime.
 */
#include "store-helpers.h"
#include "store-testing.h"

#include "edge/store/store-private.h"

/* A line a callback: "what result". */
static GString *told;

static const gchar *
code_of (const GError *error)
{
  return error == NULL                                                       ? NULL
         : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)         ? "cancelled"
         : g_error_matches (error, EW_STORE_ERROR, EW_STORE_ERROR_NO_LEASE)  ? "no-lease"
         : g_error_matches (error, EW_STORE_ERROR, EW_STORE_ERROR_TOO_LARGE) ? "too-large"
                                                                             : error->message;
}

static void
tell (const gchar *what, const gchar *result)
{
  g_string_append_printf (told, "%s %s\n", what, result);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwStoreEntry) entry = ew_store_get_finish (result, &error);
  g_autofree gchar *value
    = entry ? g_strndup (g_bytes_get_data (entry->value, NULL), g_bytes_get_size (entry->value)) : NULL;
  tell (what, error ? code_of (error) : value ? value : "nothing");
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer what)
{
  g_autoptr (GError) error = NULL;
  gint64 revision = 0;
  g_autoptr (GPtrArray) entries = ew_store_list_finish (result, &revision, &error);
  g_autofree gchar *text
    = entries ? g_strdup_printf ("%u at %" G_GINT64_FORMAT, entries->len, revision) : g_strdup (code_of (error));
  tell (what, text);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer what)
{
  g_autoptr (GError) error = NULL;
  gboolean succeeded = FALSE;
  gint64 revision = 0;
  g_autofree gchar *text = ew_store_txn_commit_finish (result, &succeeded, &revision, &error)
                             ? g_strdup_printf ("%s %" G_GINT64_FORMAT, succeeded ? "yes" : "no", revision)
                             : g_strdup (code_of (error));
  tell (what, text);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer what)
{
  g_autoptr (GError) error = NULL;
  tell (what, ew_store_call_finish (result, &error) ? "done" : code_of (error));
}

static void
on_granted (GObject *source, GAsyncResult *result, gpointer lease)
{
  *(gint64 *)lease = ew_store_lease_grant_finish (result, NULL);
  tell ("lease", *(gint64 *)lease > 0 ? "granted" : "failed");
}

static void
put (EwStore *store, const gchar *key, const gchar *value, gint64 expected, GCancellable *cancellable,
     const gchar *what)
{
  g_autoptr (GBytes) data = bytes (value);
  EwStoreTxn *txn = ew_store_txn_new (store);
  if (expected >= 0)
    ew_store_txn_if_revision (txn, key, expected);
  ew_store_txn_put (txn, key, data);
  ew_store_txn_commit_async (txn, cancellable, on_committed, (gpointer)what);
}

static void
assert_told (const gchar *expected)
{
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static void
test_in_order (void)
{
  g_autoptr (EwStore) store = open_memory ();
  ew_store_get_async (store, "/a", NULL, on_got, "before");
  put (store, "/a", "1", 0, NULL, "first");
  put (store, "/a", "2", 0, NULL, "late");
  ew_store_get_async (store, "/a", NULL, on_got, "after");
  put (store, "/b", "3", -1, NULL, "other");
  ew_store_list_async (store, "/", NULL, 0, NULL, on_listed, "all");
  ew_store_list_async (store, "/", "/a", 0, NULL, on_listed, "rest");
  ew_store_compact_async (store, 3, NULL, on_called, "compact");
  assert_told (""); /* never inside the call */
  run_pending ();
  assert_told ("before nothing\nfirst yes 2\nlate no 2\nafter 1\nother yes 3\nall 2 at 3\nrest 1 at 3\ncompact done\n");
  g_assert_cmpuint (ew_testing_count_blocking (store), ==, 0);
  assert_value (store, "/a", "1");
  g_assert_cmpuint (ew_testing_count_blocking (store), >, 0);
}

static void
test_leases (void)
{
  g_autoptr (EwStore) store = open_memory ();
  gint64 lease = 0;
  ew_store_lease_grant_async (store, 60, NULL, on_granted, &lease);
  run_pending ();
  assert_told ("lease granted\n");
  change_leased (store, "/p", "x", lease);
  ew_store_lease_keepalive_async (store, lease, NULL, on_called, "keep");
  ew_store_lease_revoke_async (store, lease, NULL, on_called, "revoke");
  ew_store_lease_keepalive_async (store, lease, NULL, on_called, "keep");
  ew_store_get_async (store, "/p", NULL, on_got, "leased");
  run_pending ();
  assert_told ("keep done\nrevoke done\nkeep no-lease\nleased nothing\n");
}

static void
test_errors (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autofree gchar *key = g_strnfill (EW_STORE_KEY_MAX + 1, 'k');
  put (store, key, "1", -1, NULL, "long key");
  put (store, "/a", "1", -1, NULL, "short key");
  run_pending ();
  assert_told ("long key too-large\nshort key yes 2\n");
}

/* A call doesn't run before its turn; afterwards it reports its result. */
static void
test_cancelled (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new (), late = g_cancellable_new ();
  put (store, "/a", "1", -1, cancellable, "first");
  put (store, "/b", "2", -1, NULL, "second");
  ew_store_get_async (store, "/b", cancellable, on_got, "third");
  g_cancellable_cancel (cancellable);
  assert_told ("");
  run_pending ();
  assert_told ("first cancelled\nsecond yes 2\nthird cancelled\n");
  assert_list (store, "/", NULL, 0, "/b");
  put (store, "/c", "3", -1, late, "fourth");
  g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (late);
  run_pending ();
  assert_told ("fourth yes 3\n");
}

static void
test_closed (void)
{
  EwStore *store = open_memory ();
  put (store, "/a", "1", -1, NULL, "first");
  ew_store_list_async (store, "/", NULL, 0, NULL, on_listed, "second");
  ew_store_close (store);
  assert_told (""); /* from the main context */
  run_pending ();
  assert_told ("first cancelled\nsecond cancelled\n");
}

static gboolean
count (gpointer n)
{
  (*(guint *)n)++;
  return G_SOURCE_CONTINUE;
}

/* One call a turn: whatever else the program does has its turn between any two of them. */
static void
test_others_have_their_turn (void)
{
  g_autoptr (EwStore) store = open_memory ();
  guint turns = 0;
  for (guint i = 0; i < 100; i++)
    put (store, "/a", "1", -1, NULL, "put");
  guint source = g_timeout_add (0, count, &turns); /* of the same priority */
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  run_pending ();
  g_assert_cmpuint (turns, >=, 50);
  g_assert_cmpint (ew_store_get_revision (store), ==, 101);
  g_string_truncate (told, 0);
}

static void
on_first (GObject *source, GAsyncResult *result, gpointer data)
{
  EwStore *store = data;
  on_committed (source, result, "first");
  change (store, "/b", "at once"); /* the form that waits, from a callback */
  put (store, "/c", "3", -1, NULL, "third");
}

static void
test_calls_from_a_callback (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  EwStoreTxn *txn = ew_store_txn_new (store);
  g_autoptr (GBytes) data = bytes ("1");
  ew_store_watch (store, "/", 0, record, log, NULL, NULL);
  ew_store_txn_put (txn, "/a", data);
  ew_store_txn_commit_async (txn, NULL, on_first, store);
  ew_store_get_async (store, "/b", NULL, on_got, "second");
  run_pending ();
  assert_told ("first yes 2\nsecond at once\nthird yes 4\n");
  g_assert_cmpstr (log->str, ==, "2+:/a=1 3+:/b=at once 4+:/c=3 ");
}

/* As with a slow cluster: the caller waits, and nothing else does. */
static void
test_slow (void)
{
  g_autoptr (EwStore) store = open_memory ();
  guint turns = 0;
  ew_testing_delay_store (store, 20);
  put (store, "/a", "1", -1, NULL, "slow");
  guint source = g_timeout_add (0, count, &turns);
  while (told->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  assert_told ("slow yes 2\n");
  g_assert_cmpuint (turns, >, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  told = g_string_new (NULL);
  g_test_add_func ("/store/async/in-order", test_in_order);
  g_test_add_func ("/store/async/leases", test_leases);
  g_test_add_func ("/store/async/errors", test_errors);
  g_test_add_func ("/store/async/cancelled", test_cancelled);
  g_test_add_func ("/store/async/closed", test_closed);
  g_test_add_func ("/store/async/others-have-their-turn", test_others_have_their_turn);
  g_test_add_func ("/store/async/calls-from-a-callback", test_calls_from_a_callback);
  g_test_add_func ("/store/async/slow", test_slow);
  int status = g_test_run ();
  g_string_free (told, TRUE);
  return status;
}
