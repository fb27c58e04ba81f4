/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Private to the store: what its files share.
 *
 *   file.c   the SQLite file: made, opened, checked, its errors
 *   sql.c    its tables and statements
 *   store.c  reading, and forgetting history
 *   txn.c    every change: compares, operations, one revision
 *   watch.c  history handed out again, to the watches
 *   lease.c  time that runs out
 *   async.c  all of it without waiting
 *
 * Two databases on one connection: `main` is the file, `leased` is memory. They have the same tables, so that a
 * transaction spans both and reads are a UNION ALL. A key is in one of them at a time; put with a lease moves it to
 * memory, put without moves it to the file.
 */
#pragma once

#include <sqlite3.h>

#include "edge/store/store.h"

#define EW_STORE_APPLICATION_ID 0x45575354 /* "EWST" */
#define EW_STORE_FORMAT 1
#define EW_STORE_KEY_MAX 512
#define EW_STORE_VALUE_MAX (1024 * 1024)

typedef enum
{
  EW_STORE_SQL_BEGIN,
  EW_STORE_SQL_COMMIT,
  EW_STORE_SQL_FIND,       /* 1 key → key, value, create_revision, mod_revision, version, lease */
  EW_STORE_SQL_LIST,       /* 1 from, 2 after, 3 before, 4 limit → as FIND */
  EW_STORE_SQL_PUT,        /* 1 key, 2 value, 3 create_revision, 4 mod_revision, 5 version */
  EW_STORE_SQL_PUT_LEASED, /* … 6 lease */
  EW_STORE_SQL_DELETE,     /* 1 key */
  EW_STORE_SQL_DELETE_LEASED,
  EW_STORE_SQL_LOG, /* 1 revision, 2 sequence, 3 key, 4 value, 5 created */
  EW_STORE_SQL_LOG_LEASED,
  EW_STORE_SQL_HISTORY, /* 1 from, 2 to → all of the first revision in there: revision, key, value, created */
  EW_STORE_SQL_SET_REVISION,
  EW_STORE_SQL_SET_RESERVED,
  EW_STORE_SQL_SET_COMPACTED,
  EW_STORE_SQL_TRIM, /* 1: history before this revision */
  EW_STORE_SQL_TRIM_LEASED,
  EW_STORE_SQL_LEASE_KEYS,     /* 1 lease → key */
  EW_STORE_SQL_LEASED_HISTORY, /* 1 offset → revision of that row */
  EW_STORE_SQL_N
} EwStoreSql;

struct EwStore
{
  gchar *path;
  gboolean frozen; /* the disk is read-only: db is a copy, and nothing of it is kept */
  sqlite3 *db;
  sqlite3_stmt *statements[EW_STORE_SQL_N];
  GMainContext *context;

  gint64 revision; /* of the latest change */
  gint64 reserved; /* on disk: revisions up to here may have been used by leased keys, which leave nothing else there */
  gint64 compacted;       /* history begins here */
  guint n_leased_history; /* rows, about */

  GSource *dispatch;  /* watch.c */
  GPtrArray *watches; /* in the order they were made */
  guint64 last_watch;
  gint64 dispatched; /* every watch has seen this revision, or is catching up by itself */

  GSource *expiry; /* lease.c */
  GHashTable *leases;
  GSequence *by_deadline;
  gint64 last_lease;

  GSource *turn; /* async.c */
  GQueue *calls; /* of GTask */
  gboolean in_turn;
  guint delay_ms;   /* what tests set: a call without waiting takes so long */
  guint n_blocking; /* what tests read: calls that have waited for the disk */
};

/* One operation of a transaction. */
typedef struct
{
  gchar *key;
  GBytes *value; /* NULL: delete */
  gint64 lease;  /* 0: none */
} EwStoreOperation;

void ew_store_operation_free (EwStoreOperation *operation);

extern const gchar ew_store_main_schema[];
extern const gchar ew_store_leased_schema[];
extern const gchar *const ew_store_statements[EW_STORE_SQL_N];

/* The prepared statement, reset, without bindings. */
sqlite3_stmt *ew_store_sql (EwStore *store, EwStoreSql sql);
void ew_store_bind_bytes (sqlite3_stmt *statement, gint index, const void *data, gsize length);
/* Runs a statement that returns nothing. */
gboolean ew_store_run (EwStore *store, sqlite3_stmt *statement, GError **error);
/* Sets the error that a result code of SQLite stands for; FALSE always. */
gboolean ew_store_fail (EwStore *store, gint code, GError **error);
void ew_store_rollback (EwStore *store);
EwStoreEntry *ew_store_entry_from_row (sqlite3_stmt *row);

/* Carries out compares (may be NULL, array of private compares) and operations at one new revision, without asking for
 * sizes. */
gboolean ew_store_apply (EwStore *store, GPtrArray *compares, GPtrArray *operations, gboolean *succeeded,
                         gint64 *revision, GError **error);
/* Keeps what leased keys leave in memory bounded; after a commit. */
void ew_store_bound_history (EwStore *store);

void ew_store_async_init (EwStore *store);
void ew_store_async_clear (EwStore *store);
EwStore *ew_store_txn_get_store (EwStoreTxn *txn);
/* At the begin of each call that waits. */
void ew_store_note_blocking (EwStore *store);

void ew_store_watch_init (EwStore *store);
void ew_store_watch_clear (EwStore *store);
void ew_store_watch_schedule (EwStore *store); /* the revision has advanced */
/* The oldest revision that a watch hasn't been told yet. */
gint64 ew_store_watch_oldest (EwStore *store);

void ew_store_lease_init (EwStore *store);
void ew_store_lease_clear (EwStore *store);
gboolean ew_store_lease_exists (EwStore *store, gint64 lease);
