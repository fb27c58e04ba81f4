/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-helpers.h"

#include <glib/gstdio.h>

#define PATIENCE_US (10 * G_TIME_SPAN_SECOND)

/* Runs the main context until the key has expired; returns how long that took. */
static gdouble
seconds_until_gone (EwStore *store, const gchar *key)
{
  gint64 start = g_get_monotonic_time ();
  for (;;)
    {
      g_autofree gchar *value = value_of (store, key);
      gint64 waited = g_get_monotonic_time () - start;
      if (value == NULL || waited > PATIENCE_US)
        return (gdouble)waited / G_USEC_PER_SEC;
      g_main_context_iteration (NULL, FALSE);
      g_usleep (5000);
    }
}

static void
test_like_others (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 lease = ew_store_lease_grant (store, 60);
  g_assert_cmpint (lease, >, 0);
  ew_store_watch (store, "/", 0, record, log, NULL, NULL);
  g_assert_cmpint (change_leased (store, "/presence/n1", "1", lease), ==, 2);
  g_assert_cmpint (change (store, "/nodes/n1", "1"), ==, 3);
  g_assert_cmpint (change_leased (store, "/presence/n1", "2", lease), ==, 4);
  assert_entry (store, "/presence/n1", 2, 4, 2);
  assert_list (store, "/", NULL, 0, "/nodes/n1 /presence/n1");
  g_autoptr (EwStoreEntry) entry = ew_store_get (store, "/presence/n1", NULL);
  g_assert_cmpint (entry->lease, ==, lease);
  g_assert_cmpint (change (store, "/presence/n1", NULL), ==, 5);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/presence/n1=1 3+:/nodes/n1=1 4:/presence/n1=2 5:/presence/n1! ");
}

static void
test_revoke (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 lease = ew_store_lease_grant (store, 60), other = ew_store_lease_grant (store, 60);
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < 200; i++) /* more than a transaction holds */
    {
      g_autofree gchar *key = g_strdup_printf ("/p/%03u", i);
      change_leased (store, key, "x", i == 100 ? other : lease);
    }
  gint64 revision = ew_store_get_revision (store);
  ew_store_watch (store, "/p/000", 0, record, log, NULL, NULL);
  ew_store_lease_revoke (store, lease);
  assert_list (store, "/p/", NULL, 0, "/p/100");
  g_assert_cmpint (ew_store_get_revision (store), ==, revision + 1);
  g_assert_false (ew_store_lease_keepalive (store, lease, &error));
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_NO_LEASE);
  ew_store_lease_revoke (store, lease);
  ew_store_lease_revoke (store, 4711);
  g_assert_true (ew_store_lease_keepalive (store, other, NULL));
  run_pending ();
  g_assert_cmpstr (log->str, ==, "202:/p/000! ");
}

static void
test_expiry (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 long_lease = ew_store_lease_grant (store, 3600), lease = ew_store_lease_grant (store, 1);
  change_leased (store, "/a", "1", lease);
  change_leased (store, "/b", "1", lease);
  change_leased (store, "/stays", "1", long_lease);
  ew_store_watch (store, "/", 0, record, log, NULL, NULL);
  gdouble seconds = seconds_until_gone (store, "/a");
  g_assert_cmpfloat (seconds, >=, 0.9);
  g_assert_cmpfloat (seconds, <, 5.0);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "5:/a! 5:/b! ");
  assert_value (store, "/stays", "1");
  g_assert_false (ew_store_lease_keepalive (store, lease, NULL));
}

static void
test_keepalive (void)
{
  g_autoptr (EwStore) store = open_memory ();
  gint64 lease = ew_store_lease_grant (store, 2);
  gint64 start = g_get_monotonic_time ();
  change_leased (store, "/a", "1", lease);
  while (g_get_monotonic_time () - start < 3 * G_TIME_SPAN_SECOND)
    {
      g_assert_true (ew_store_lease_keepalive (store, lease, NULL));
      g_main_context_iteration (NULL, FALSE);
      g_usleep (20000);
    }
  assert_value (store, "/a", "1");                        /* past its first end */
  g_assert_cmpint (ew_store_get_revision (store), ==, 2); /* renewing a lease isn't a change */
  g_assert_cmpfloat (seconds_until_gone (store, "/a"), <, 10.0);
}

static void
test_no_lease (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GBytes) value = bytes ("x");
  const gint64 leases[] = { 0, -1, 4711 };
  for (gsize i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
      g_autoptr (GError) error = NULL;
      ew_store_txn_put (txn, "/other", value);
      ew_store_txn_put_leased (txn, "/a", value, leases[i]);
      g_assert_false (ew_store_txn_commit (txn, NULL, NULL, &error));
      g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_NO_LEASE);
    }
  assert_list (store, "", NULL, 0, "");
}

/* A put without lease makes a leased key stay, and vice versa; it stays the same key. */
static void
test_change_of_lease (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 a = ew_store_lease_grant (store, 60), b = ew_store_lease_grant (store, 60);
  ew_store_watch (store, "/", 0, record, log, NULL, NULL);
  change_leased (store, "/k", "1", a);
  change_leased (store, "/k", "2", b);
  ew_store_lease_revoke (store, a);
  assert_entry (store, "/k", 2, 3, 2);
  change (store, "/k", "3");
  ew_store_lease_revoke (store, b);
  assert_entry (store, "/k", 2, 4, 3);
  gint64 c = ew_store_lease_grant (store, 60);
  change_leased (store, "/k", "4", c);
  assert_entry (store, "/k", 2, 5, 4);
  assert_list (store, "/", NULL, 0, "/k");
  ew_store_lease_revoke (store, c);
  assert_value (store, "/k", NULL);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/k=1 3:/k=2 4:/k=3 5:/k=4 6:/k! ");
}

/* After a restart leased keys have expired, leases are unknown, and no revision is given twice. */
static void
test_restart (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-lease-XXXXXX", NULL),
                   *path = g_build_filename (folder, "store.db", NULL);
  g_autoptr (GString) log = g_string_new (NULL);
  EwStore *store = ew_store_open (path, NULL);
  gint64 lease = ew_store_lease_grant (store, 60);
  change (store, "/a", "1");
  change (store, "/becomes-leased", "1");
  change_leased (store, "/becomes-leased", "2", lease);
  change_leased (store, "/leased", "1", lease);
  change_leased (store, "/becomes-durable", "1", lease);
  change (store, "/becomes-durable", "2");
  for (guint i = 0; i < 10; i++)
    change_leased (store, "/leased", "2", lease);
  gint64 revision = ew_store_get_revision (store);
  ew_store_close (store);
  store = ew_store_open (path, NULL);
  g_assert_nonnull (store);
  g_assert_cmpint (ew_store_get_revision (store), ==, revision);
  assert_list (store, "/", NULL, 0, "/a /becomes-durable");
  assert_entry (store, "/becomes-durable", 6, 7, 2);
  g_assert_false (ew_store_lease_keepalive (store, lease, NULL));
  /* The history in the file agrees with the current state. */
  ew_store_watch (store, "/", 2, record, log, NULL, NULL);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/a=1 3+:/becomes-leased=1 4:/becomes-leased! 7:/becomes-durable=2 ");
  ew_store_close (store);
  g_unlink (path);
  g_rmdir (folder);
}

/* Presence changes without end: the memory it uses stays bounded. */
static void
test_bounded (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GError) error = NULL;
  gint64 lease = ew_store_lease_grant (store, 600);
  for (guint i = 0; i < 70000; i++)
    change_leased (store, "/presence/n", i % 2 == 0 ? "0" : "1", lease);
  g_assert_cmpuint (ew_store_watch (store, "/", 2, record, NULL, NULL, &error), ==, 0);
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_COMPACTED);
  g_assert_cmpint (ew_store_get_revision (store), ==, 70001);
  g_assert_cmpuint (ew_store_watch (store, "/none", 60000, record, NULL, NULL, NULL), >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/lease/like-others", test_like_others);
  g_test_add_func ("/store/lease/revoke", test_revoke);
  g_test_add_func ("/store/lease/expiry", test_expiry);
  g_test_add_func ("/store/lease/keepalive", test_keepalive);
  g_test_add_func ("/store/lease/no-lease", test_no_lease);
  g_test_add_func ("/store/lease/change-of-lease", test_change_of_lease);
  g_test_add_func ("/store/lease/restart", test_restart);
  g_test_add_func ("/store/lease/bounded", test_bounded);
  return g_test_run ();
}
