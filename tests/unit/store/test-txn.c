/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys, revisions, transactions, lists: what holds without time passing.
 */
#include "store-helpers.h"

static void
test_revisions (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_assert_cmpint (ew_store_get_revision (store), ==, 1);
  assert_value (store, "/a", NULL);
  g_assert_cmpint (change (store, "/a", "1"), ==, 2);
  g_assert_cmpint (change (store, "/b", "1"), ==, 3);
  g_assert_cmpint (change (store, "/a", "2"), ==, 4);
  assert_entry (store, "/a", 2, 4, 2);
  assert_entry (store, "/b", 3, 3, 1);
  assert_value (store, "/a", "2");
  g_assert_cmpint (change (store, "/a", NULL), ==, 5);
  assert_value (store, "/a", NULL);
  g_assert_cmpint (change (store, "/a", NULL), ==, 5); /* nothing changed */
  g_assert_cmpint (change (store, "/a", "3"), ==, 6);
  assert_entry (store, "/a", 6, 6, 1); /* it was created again */
  g_assert_cmpint (ew_store_get_revision (store), ==, 6);
}

static void
test_values (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) binary = g_bytes_new_static ("a\0\xff", 3), empty = g_bytes_new_static (NULL, 0);
  ew_store_txn_put (txn, "/binary", binary);
  ew_store_txn_put (txn, "/empty", empty);
  g_assert_true (ew_store_txn_commit (txn, NULL, NULL, NULL));
  g_autoptr (EwStoreEntry) a = ew_store_get (store, "/binary", NULL), b = ew_store_get (store, "/empty", NULL);
  g_assert_true (g_bytes_equal (a->value, binary));
  g_assert_cmpuint (g_bytes_get_size (b->value), ==, 0);
}

static void
test_all_or_nothing (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store), late = ew_store_txn_new (store);
  g_autoptr (GBytes) one = bytes ("1"), two = bytes ("2");
  gboolean succeeded = FALSE;
  gint64 revision = 0;
  change (store, "/gone", "x");
  ew_store_txn_put (txn, "/a", one);
  ew_store_txn_put (txn, "/b", two);
  ew_store_txn_delete (txn, "/gone");
  g_assert_true (ew_store_txn_commit (txn, &succeeded, &revision, NULL));
  g_assert_true (succeeded);
  g_assert_cmpint (revision, ==, 3);
  assert_entry (store, "/a", 3, 3, 1);
  assert_entry (store, "/b", 3, 3, 1);
  assert_list (store, "/", NULL, 0, "/a /b");
  ew_store_txn_if_revision (late, "/a", 3);
  ew_store_txn_if_revision (late, "/b", 2);
  ew_store_txn_put (late, "/a", two);
  ew_store_txn_delete (late, "/b");
  g_assert_true (ew_store_txn_commit (late, &succeeded, &revision, NULL));
  g_assert_false (succeeded);
  g_assert_cmpint (revision, ==, 3);
  assert_value (store, "/a", "1");
  assert_value (store, "/b", "2");
}

typedef struct
{
  const gchar *key;
  gint64 revision;
  gboolean holds;
} CompareCase;

static void
test_compares (void)
{
  g_autoptr (EwStore) store = open_memory ();
  const CompareCase cases[] = {
    { "/a", 2, TRUE },  { "/a", 1, FALSE },  { "/a", 3, FALSE },    { "/a", 0, FALSE },
    { "/no", 0, TRUE }, { "/no", 2, FALSE }, { "/empty", 3, TRUE }, { "/empty", 0, FALSE },
  };
  change (store, "/a", "value");
  change (store, "/empty", "");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
      g_autoptr (GBytes) other = bytes ("x");
      gboolean succeeded = !cases[i].holds;
      ew_store_txn_if_revision (txn, cases[i].key, cases[i].revision);
      ew_store_txn_put (txn, "/other", other);
      g_assert_true (ew_store_txn_commit (txn, &succeeded, NULL, NULL));
      g_assert_cmpint (succeeded, ==, cases[i].holds);
    }
}

/* Two clients read the same revision and both write: one of the writes fails. */
static void
test_conflict (void)
{
  g_autoptr (EwStore) store = open_memory ();
  gint64 read = change (store, "/counter", "0");
  gboolean first, second;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
      g_autoptr (GBytes) value = bytes (i == 0 ? "first" : "second");
      ew_store_txn_if_revision (txn, "/counter", read);
      ew_store_txn_put (txn, "/counter", value);
      g_assert_true (ew_store_txn_commit (txn, i == 0 ? &first : &second, NULL, NULL));
    }
  g_assert_true (first);
  g_assert_false (second);
  assert_value (store, "/counter", "first");
  assert_entry (store, "/counter", 2, 3, 2);
}

static void
test_last_word (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) one = bytes ("1"), two = bytes ("2");
  ew_store_txn_put (txn, "/a", one);
  ew_store_txn_put (txn, "/a", two);
  ew_store_txn_put (txn, "/b", one);
  ew_store_txn_delete (txn, "/b");
  g_assert_true (ew_store_txn_commit (txn, NULL, NULL, NULL));
  assert_entry (store, "/a", 2, 2, 1);
  assert_value (store, "/a", "2");
  assert_value (store, "/b", NULL);
}

static void
test_empty_txn (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  gboolean succeeded = FALSE;
  gint64 revision = 0;
  g_assert_true (ew_store_txn_commit (txn, &succeeded, &revision, NULL));
  g_assert_true (succeeded);
  g_assert_cmpint (revision, ==, 1);
}

static gint
commit_error (EwStoreTxn *txn)
{
  g_autoptr (GError) error = NULL;
  if (ew_store_txn_commit (txn, NULL, NULL, &error))
    return -1;
  g_assert_cmpuint (error->domain, ==, EW_STORE_ERROR);
  return error->code;
}

static gint
put_error (EwStore *store, gsize key_length, gsize value_length)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autofree gchar *key = g_strnfill (key_length, 'k');
  g_autoptr (GBytes) value = g_bytes_new_take (g_malloc0 (value_length), value_length), small = bytes ("x");
  ew_store_txn_put (txn, "/before", small);
  ew_store_txn_put (txn, key, value);
  return commit_error (txn);
}

static gint
txn_of (EwStore *store, guint n_compares, guint n_operations)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) value = bytes ("x");
  for (guint i = 0; i < MAX (n_compares, n_operations); i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/many/%03u", i);
      if (i < n_compares)
        ew_store_txn_if_revision (txn, key, 0);
      if (i < n_operations)
        ew_store_txn_put (txn, key, value);
    }
  return commit_error (txn);
}

static void
test_limits (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_assert_cmpint (put_error (store, 513, 1), ==, EW_STORE_ERROR_TOO_LARGE);
  g_assert_cmpint (put_error (store, 1, 1024 * 1024 + 1), ==, EW_STORE_ERROR_TOO_LARGE);
  g_assert_cmpint (put_error (store, 0, 1), ==, EW_STORE_ERROR_FAILED);
  g_assert_cmpint (txn_of (store, 129, 0), ==, EW_STORE_ERROR_TOO_LARGE);
  g_assert_cmpint (txn_of (store, 0, 129), ==, EW_STORE_ERROR_TOO_LARGE);
  g_assert_cmpint (ew_store_get_revision (store), ==, 1);
  assert_list (store, "", NULL, 0, "");
  g_assert_cmpint (put_error (store, 512, 1024 * 1024), ==, -1);
  g_assert_cmpint (txn_of (store, 128, 128), ==, -1);
  g_assert_cmpint (ew_store_get_revision (store), ==, 3);
}

static void
test_list (void)
{
  g_autoptr (EwStore) store = open_memory ();
  const gchar *keys[] = { "/b/2",
                          "/a",
                          "/b/10",
                          "/b",
                          "/c",
                          "/b/1",
                          "/b0",
                          "/b\xff",
                          "/b\xff\xff"
                          "x",
                          "\xff\xff"
                          "z",
                          "/b/" };
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    change (store, keys[i], "x");
  gint64 lease = ew_store_lease_grant (store, 60);
  change_leased (store, "/b/15", "leased", lease);
  assert_list (store, "/b/", NULL, 0, "/b/ /b/1 /b/10 /b/15 /b/2");
  assert_list (store, "/b/1", NULL, 0, "/b/1 /b/10 /b/15");
  assert_list (store, "/b/", NULL, 2, "/b/ /b/1");
  assert_list (store, "/b/", "/b/1", 2, "/b/10 /b/15");
  assert_list (store, "/b/", "/b/15", 2, "/b/2");
  assert_list (store, "/b/", "/b/2", 2, "");
  assert_list (store, "/b/", "/a", 1, "/b/");      /* from before the prefix: from its first */
  assert_list (store, "/b/", "/b/11", 1, "/b/15"); /* from a key that is not there */
  assert_list (store, "/b\xff", NULL, 0,
               "/b\xff /b\xff\xff"
               "x");
  assert_list (store, "\xff\xff", NULL, 0,
               "\xff\xff"
               "z");
  assert_list (store, "/d", NULL, 0, "");
  assert_list (store, "", NULL, 3, "/a /b /b/");
}

/* Pages of whatever size give the whole. */
static void
test_pages (void)
{
  g_autoptr (EwStore) store = open_memory ();
  for (guint i = 0; i < 100; i++)
    {
      g_autofree gchar *key = g_strdup_printf ("/nodes/%02u", i);
      change (store, key, "x");
    }
  for (guint page = 1; page < 12; page++)
    {
      g_autofree gchar *after = NULL;
      guint seen = 0, got;
      do
        {
          g_autoptr (GPtrArray) entries = ew_store_list (store, "/nodes/", after, page, NULL, NULL);
          got = entries->len;
          for (guint i = 0; i < got; i++)
            {
              g_autofree gchar *expected = g_strdup_printf ("/nodes/%02u", seen++);
              g_assert_cmpstr (((EwStoreEntry *)entries->pdata[i])->key, ==, expected);
            }
          g_free (after);
          after = got > 0 ? g_strdup (((EwStoreEntry *)entries->pdata[got - 1])->key) : NULL;
        }
      while (got == page);
      g_assert_cmpuint (seen, ==, 100);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/revisions", test_revisions);
  g_test_add_func ("/store/values", test_values);
  g_test_add_func ("/store/txn/all-or-nothing", test_all_or_nothing);
  g_test_add_func ("/store/txn/compares", test_compares);
  g_test_add_func ("/store/txn/conflict", test_conflict);
  g_test_add_func ("/store/txn/last-word", test_last_word);
  g_test_add_func ("/store/txn/empty", test_empty_txn);
  g_test_add_func ("/store/txn/limits", test_limits);
  g_test_add_func ("/store/list", test_list);
  g_test_add_func ("/store/list/pages", test_pages);
  return g_test_run ();
}
