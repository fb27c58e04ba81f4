/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-helpers.h"

static void
watch (EwStore *store, const gchar *prefix, gint64 start, GString *log)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpuint (ew_store_watch (store, prefix, start, record, log, NULL, &error), >, 0);
  g_assert_no_error (error);
}

static void
test_live (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) all = g_string_new (NULL), some = g_string_new (NULL);
  watch (store, "/", 2, all);
  watch (store, "/b", 0, some);
  change (store, "/a", "1");
  g_assert_cmpstr (all->str, ==, ""); /* never inside the call */
  change (store, "/b", "2");
  change (store, "/a", NULL);
  change (store, "/b", "3");
  run_pending ();
  g_assert_cmpstr (all->str, ==, "2+:/a=1 3+:/b=2 4:/a! 5:/b=3 ");
  g_assert_cmpstr (some->str, ==, "3+:/b=2 5:/b=3 ");
  run_pending ();
  change (store, "/b", "");
  run_pending ();
  g_assert_cmpstr (some->str, ==, "3+:/b=2 5:/b=3 6:/b= ");
}

/* Every watch gets a revision before any gets the next one: one may build on another's reaction to it. */
static void
test_side_by_side (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  watch (store, "/", 0, log);
  watch (store, "/", 0, log);
  change (store, "/a", "1");
  change (store, "/a", "2");
  change (store, "/a", "3");
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/a=1 2+:/a=1 3:/a=2 3:/a=2 4:/a=3 4:/a=3 ");
}

/* The operations of a transaction in their order, at one revision. */
static void
test_transaction (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) value = bytes ("x");
  gint64 lease = ew_store_lease_grant (store, 60);
  change (store, "/old", "o");
  watch (store, "/", 3, log);
  ew_store_txn_put (txn, "/z", value);
  ew_store_txn_delete (txn, "/old");
  ew_store_txn_delete (txn, "/never");
  ew_store_txn_put_leased (txn, "/leased", value, lease);
  ew_store_txn_put (txn, "/a", value);
  g_assert_true (ew_store_txn_commit (txn, NULL, NULL, NULL));
  run_pending ();
  g_assert_cmpstr (log->str, ==, "3+:/z=x 3:/old! 3+:/leased=x 3+:/a=x ");
}

static void
test_from_the_past (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) early = g_string_new (NULL), late = g_string_new (NULL), future = g_string_new (NULL);
  change (store, "/a", "1");
  change (store, "/a", "2");
  change (store, "/a", "3");
  watch (store, "/", 1, early);
  watch (store, "/", 4, late);
  watch (store, "/", 6, future);
  run_pending ();
  g_assert_cmpstr (early->str, ==, "2+:/a=1 3:/a=2 4:/a=3 ");
  g_assert_cmpstr (late->str, ==, "4:/a=3 ");
  change (store, "/a", "4");
  change (store, "/a", "5");
  run_pending ();
  g_assert_cmpstr (early->str, ==, "2+:/a=1 3:/a=2 4:/a=3 5:/a=4 6:/a=5 ");
  g_assert_cmpstr (late->str, ==, "4:/a=3 5:/a=4 6:/a=5 ");
  g_assert_cmpstr (future->str, ==, "6:/a=5 ");
}

/* A long replay lets the main loop run, and changes made in the meantime come after it, once. */
static void
count (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  gint64 *last = user_data;
  g_assert_cmpint (event->revision, ==, *last + 1);
  *last = event->revision;
}

static void
test_long_replay (void)
{
  g_autoptr (EwStore) store = open_memory ();
  gint64 a = 1, b = 1;
  for (guint i = 0; i < 500; i++)
    change (store, "/a", "x");
  ew_store_watch (store, "/", 2, count, &a, NULL, NULL);
  ew_store_watch (store, "", 1, count, &b, NULL, NULL);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (a, >, 1);
  g_assert_cmpint (a, <, 501);
  change (store, "/a", "y");
  run_pending ();
  g_assert_cmpint (a, ==, 502);
  g_assert_cmpint (b, ==, 502);
}

typedef struct
{
  GString *log;
  guint64 first, second, third;
  guint destroyed;
} Reentrant;

static void
on_destroy (gpointer user_data)
{
  ((Reentrant *)user_data)->destroyed++;
}

static void
change_again (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  Reentrant *r = user_data;
  record (store, event, r->log);
  if (event->revision < 4)
    change (store, "/again", "x");
}

/* A change made from within a watch comes after the one that caused it, for every watch. */
static void
test_change_inside (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  Reentrant r = { .log = log };
  g_autoptr (GString) other = g_string_new (NULL);
  ew_store_watch (store, "/", 0, change_again, &r, NULL, NULL);
  watch (store, "/", 0, other);
  change (store, "/a", "1");
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/a=1 3+:/again=x 4:/again=x ");
  g_assert_cmpstr (other->str, ==, log->str);
}

static void
rearrange (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  Reentrant *r = user_data;
  g_string_append_printf (r->log, "%s ", event->key);
  if (r->first == 0)
    return;
  ew_store_unwatch (store, r->first); /* itself, in the middle of a transaction */
  ew_store_unwatch (store, r->second);
  r->first = 0;
  g_assert_cmpuint (r->destroyed, ==, 0); /* it is still in use here */
  r->third = ew_store_watch (store, "/", event->revision, record, r->log, NULL, NULL);
}

static void
test_watch_inside (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) value = bytes ("x");
  Reentrant r = { .log = log };
  r.first = ew_store_watch (store, "/", 0, rearrange, &r, on_destroy, NULL);
  r.second = ew_store_watch (store, "/", 0, rearrange, &r, on_destroy, NULL);
  ew_store_txn_put (txn, "/a", value);
  ew_store_txn_put (txn, "/b", value);
  g_assert_true (ew_store_txn_commit (txn, NULL, NULL, NULL));
  run_pending ();
  g_assert_cmpuint (r.destroyed, ==, 2);
  g_assert_cmpstr (log->str, ==, "/a 2+:/a=x 2+:/b=x ");
}

static void
test_unwatch (void)
{
  Reentrant r = { .log = NULL };
  g_autoptr (GString) log = g_string_new (NULL);
  {
    g_autoptr (EwStore) store = open_memory ();
    guint64 id = ew_store_watch (store, "/", 0, record, log, NULL, NULL);
    ew_store_watch (store, "/", 0, change_again, &r, on_destroy, NULL);
    guint64 third = ew_store_watch (store, "/x", 0, change_again, &r, on_destroy, NULL);
    ew_store_unwatch (store, third);
    ew_store_unwatch (store, third);
    ew_store_unwatch (store, 4711);
    g_assert_cmpuint (r.destroyed, ==, 1);
    change (store, "/a", "1");
    ew_store_unwatch (store, id); /* pending events are no longer delivered */
  }
  g_assert_cmpuint (r.destroyed, ==, 2); /* closing ended the other */
  run_pending ();
  g_assert_cmpstr (log->str, ==, "");
}

static void
test_compacted (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL), other = g_string_new (NULL);
  g_autoptr (GError) error = NULL, second = NULL;
  for (guint i = 0; i < 4; i++)
    change (store, "/a", "x");
  g_assert_true (ew_store_compact (store, 4, NULL));
  g_assert_cmpuint (ew_store_watch (store, "/", 3, record, log, NULL, &error), ==, 0);
  g_assert_error (error, EW_STORE_ERROR, EW_STORE_ERROR_COMPACTED);
  watch (store, "/", 4, log);
  run_pending ();
  g_assert_cmpstr (log->str, ==, "4:/a=x 5:/a=x ");
  assert_entry (store, "/a", 2, 5, 4);               /* the current state stays */
  g_assert_true (ew_store_compact (store, 2, NULL)); /* history does not come back */
  g_assert_cmpuint (ew_store_watch (store, "/", 3, record, other, NULL, &second), ==, 0);
  g_assert_true (ew_store_compact (store, 1000, NULL)); /* at most to now */
  watch (store, "/", 5, other);
  change (store, "/a", "y");
  run_pending ();
  g_assert_cmpstr (other->str, ==, "5:/a=x 6:/a=y ");
}

/* Undelivered events are kept for the watches that wait for them. */
static void
test_compacted_in_between (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 lease = ew_store_lease_grant (store, 60);
  watch (store, "/", 0, log);
  change (store, "/a", "1");
  change_leased (store, "/b", "2", lease);
  change (store, "/a", "3");
  g_assert_true (ew_store_compact (store, 4, NULL));
  run_pending ();
  g_assert_cmpstr (log->str, ==, "2+:/a=1 3+:/b=2 4:/a=3 ");
}

/* Read, then watch from the next revision on: nothing is missed, nothing comes twice. */
static void
test_list_and_watch (void)
{
  g_autoptr (EwStore) store = open_memory ();
  g_autoptr (GString) log = g_string_new (NULL);
  gint64 revision;
  change (store, "/a", "1");
  g_autoptr (GPtrArray) entries = ew_store_list (store, "/", NULL, 0, &revision, NULL);
  change (store, "/b", "2");
  watch (store, "/", revision + 1, log);
  change (store, "/c", "3");
  run_pending ();
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_cmpstr (log->str, ==, "3+:/b=2 4+:/c=3 ");
}

/* The context of the thread's default when the store was opened. */
static void
test_context (void)
{
  g_autoptr (GMainContext) own = g_main_context_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_main_context_push_thread_default (own);
  g_autoptr (EwStore) store = open_memory ();
  g_main_context_pop_thread_default (own);
  watch (store, "/", 0, log);
  change (store, "/a", "1");
  run_pending ();
  g_assert_cmpstr (log->str, ==, "");
  while (g_main_context_iteration (own, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, "2+:/a=1 ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/watch/live", test_live);
  g_test_add_func ("/store/watch/side-by-side", test_side_by_side);
  g_test_add_func ("/store/watch/transaction", test_transaction);
  g_test_add_func ("/store/watch/from-the-past", test_from_the_past);
  g_test_add_func ("/store/watch/long-replay", test_long_replay);
  g_test_add_func ("/store/watch/change-inside", test_change_inside);
  g_test_add_func ("/store/watch/watch-inside", test_watch_inside);
  g_test_add_func ("/store/watch/unwatch", test_unwatch);
  g_test_add_func ("/store/watch/compacted", test_compacted);
  g_test_add_func ("/store/watch/compacted-in-between", test_compacted_in_between);
  g_test_add_func ("/store/watch/list-and-watch", test_list_and_watch);
  g_test_add_func ("/store/watch/context", test_context);
  return g_test_run ();
}
