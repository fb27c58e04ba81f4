/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Short words for the store's tests.
 */
#pragma once

#include <string.h>

#include "edge/store/store.h"

static inline GBytes *
bytes (const gchar *text)
{
  return g_bytes_new (text, strlen (text));
}

/* One put, or a deletion where value is NULL; the new revision. */
static inline gint64
change_leased (EwStore *store, const gchar *key, const gchar *value, gint64 lease)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) data = value != NULL ? bytes (value) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean succeeded = FALSE;
  gint64 revision = 0;
  if (value == NULL)
    ew_store_txn_delete (txn, key);
  else if (lease != 0)
    ew_store_txn_put_leased (txn, key, data, lease);
  else
    ew_store_txn_put (txn, key, data);
  gboolean ok = ew_store_txn_commit (txn, &succeeded, &revision, &error);
  g_assert_no_error (error);
  g_assert_true (ok && succeeded);
  return revision;
}

static inline gint64
change (EwStore *store, const gchar *key, const gchar *value)
{
  return change_leased (store, key, value, 0);
}

static inline EwStore *
open_memory (void)
{
  g_autoptr (GError) error = NULL;
  EwStore *store = ew_store_open (":memory:", &error);
  g_assert_no_error (error);
  return store;
}

/* "value" of a key, NULL where the key doesn't exist. */
static inline gchar *
value_of (EwStore *store, const gchar *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwStoreEntry) entry = ew_store_get (store, key, &error);
  g_assert_no_error (error);
  return entry != NULL ? g_strndup (g_bytes_get_data (entry->value, NULL), g_bytes_get_size (entry->value)) : NULL;
}

static inline void
assert_value (EwStore *store, const gchar *key, const gchar *expected)
{
  g_autofree gchar *value = value_of (store, key);
  g_assert_cmpstr (value, ==, expected);
}

static inline void
assert_entry (EwStore *store, const gchar *key, gint64 create_revision, gint64 mod_revision, gint64 version)
{
  g_autoptr (EwStoreEntry) entry = ew_store_get (store, key, NULL);
  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->key, ==, key);
  g_assert_cmpint (entry->create_revision, ==, create_revision);
  g_assert_cmpint (entry->mod_revision, ==, mod_revision);
  g_assert_cmpint (entry->version, ==, version);
}

/* "key key …" */
static inline void
assert_list (EwStore *store, const gchar *prefix, const gchar *start_after, guint limit, const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  gint64 revision = 0;
  g_autoptr (GPtrArray) entries = ew_store_list (store, prefix, start_after, limit, &revision, &error);
  g_autoptr (GString) keys = g_string_new (NULL);
  g_assert_no_error (error);
  g_assert_cmpint (revision, ==, ew_store_get_revision (store));
  for (guint i = 0; i < entries->len; i++)
    g_string_append_printf (keys, "%s%s", i > 0 ? " " : "", ((EwStoreEntry *)g_ptr_array_index (entries, i))->key);
  g_assert_cmpstr (keys->str, ==, expected);
}

/* Lets the main context run until it has nothing more to do at once. */
static inline void
run_pending (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Appends "revision:key=value " (or "key!" for a deletion, "+" behind the revision at creation) to a GString. */
static inline void
record (EwStore *store, const EwStoreEvent *event, gpointer user_data)
{
  GString *log = user_data;
  g_string_append_printf (log, "%" G_GINT64_FORMAT "%s:%s", event->revision, event->created ? "+" : "", event->key);
  if (event->value == NULL)
    g_string_append (log, "! ");
  else
    g_string_append_printf (log, "=%.*s ", (gint)g_bytes_get_size (event->value),
                            (const gchar *)g_bytes_get_data (event->value, NULL));
}
