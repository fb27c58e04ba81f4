/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's memory: a small ordered key-value store with the semantics of etcd v3. Keys are paths ("/nodes/ID"),
 * values are JSON documents (bytes to the store). Every change has a revision; transactions compare and swap; watches
 * replay from a revision on; leased keys vanish when their lease is not kept alive. The embedded backend is SQLite
 * (WAL, one file), opened by one process at a time; leased keys live in memory only. An etcd cluster will implement
 * this same header.
 *
 * All calls are made from one thread; watches, leases and callbacks are served by the main context that was its default
 * (thread-default) when the store was opened. Errors: EW_STORE_ERROR; after one, nothing has changed.
 *
 * What needs a round trip to a cluster has two forms. The one that waits is for a program's start. The other,
 * …_async(), returns at once; its callback runs once from the main context, never inside a call of this header, and
 * gets the result by …_finish(). The calls of one store are carried out in the order in which they were made, and their
 * callbacks run in that order; what others do may come between, also what this program does with the form that waits.
 * Whether a watch is told of a change before the callback of its commit or after it is open. Cancelled before its turn,
 * a call isn't carried out: G_IO_ERROR_CANCELLED; later, it says what it did. (A cluster that can't be reached leaves
 * open what became of a commit: read again.) ew_store_close() cancels what waits; the callbacks still run.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_STORE_ERROR (ew_store_error_quark ())
GQuark ew_store_error_quark (void);
typedef enum
{
  EW_STORE_ERROR_IN_USE,    /* another process has it open */
  EW_STORE_ERROR_CORRUPT,   /* not an edge's store, or damaged: the message names the file and what to do */
  EW_STORE_ERROR_FULL,      /* the disk is full or read-only; nothing was changed */
  EW_STORE_ERROR_COMPACTED, /* the revision asked for has been deleted: read again */
  EW_STORE_ERROR_TOO_LARGE, /* more than EW_STORE_TXN_MAX operations, a key over 512 bytes, a value over 1 MiB */
  EW_STORE_ERROR_NO_LEASE,
  EW_STORE_ERROR_FAILED
} EwStoreError;

#define EW_STORE_TXN_MAX 128

typedef struct EwStore EwStore;

typedef struct
{
  gchar *key;
  GBytes *value;
  gint64 create_revision;
  gint64 mod_revision;
  gint64 version; /* 1 at creation, +1 with each put */
  gint64 lease;   /* 0: none */
} EwStoreEntry;

void ew_store_entry_free (EwStoreEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStoreEntry, ew_store_entry_free)

/* path: the SQLite file; made 0600 if missing, in a folder that exists. ":memory:" for tests. An empty file, or one
   missing beside its write-ahead log, is CORRUPT: a damaged mesh must not look like a new one. */
EwStore *ew_store_open (const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends every watch (their destroy functions run). Not to be called from a watch's function or a callback. */
void ew_store_close (EwStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStore, ew_store_close)

/* Of the latest change that this program knows of, 1 in a new store. Never goes back; after a crash it may have jumped ahead by some thousand. */
gint64 ew_store_get_revision (EwStore *store);

/* (transfer full) (nullable) without error: no such key. */
EwStoreEntry *ew_store_get (EwStore *store, const gchar *key, GError **error);
/* All entries whose key starts with prefix, in the order of their keys' bytes, at most limit (0: all), after
 *start_after (NULL: from the first). revision: the store's revision they were read at; start a watch at *revision + 1.
 *(transfer full) array of EwStoreEntry. */
GPtrArray *ew_store_list (EwStore *store, const gchar *prefix, const gchar *start_after, guint limit, gint64 *revision,
                          GError **error);
void ew_store_get_async (EwStore *store, const gchar *key, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
EwStoreEntry *ew_store_get_finish (GAsyncResult *result, GError **error);
void ew_store_list_async (EwStore *store, const gchar *prefix, const gchar *start_after, guint limit,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *ew_store_list_finish (GAsyncResult *result, gint64 *revision, GError **error);

/* Transactions: all compares hold → all operations happen at one new revision; otherwise nothing does. At most
   EW_STORE_TXN_MAX compares and as many operations; of several operations on one key the last counts. Where nothing
   changes (no operation, or deletions of keys that are not there) there is no new revision. put on a leased key removes
   its lease, and the other way round; its versions go on. Operations without leases are on the disk before commit
   returns. */
typedef struct EwStoreTxn EwStoreTxn;
EwStoreTxn *ew_store_txn_new (EwStore *store);
void ew_store_txn_free (EwStoreTxn *txn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStoreTxn, ew_store_txn_free)
void ew_store_txn_if_revision (EwStoreTxn *txn, const gchar *key, gint64 mod_revision); /* 0: the key does not exist */
void ew_store_txn_put (EwStoreTxn *txn, const gchar *key, GBytes *value);
void ew_store_txn_put_leased (EwStoreTxn *txn, const gchar *key, GBytes *value, gint64 lease);
void ew_store_txn_delete (EwStoreTxn *txn, const gchar *key);
/* TRUE: *succeeded says whether the compares held, *revision is the store's (both may be NULL). FALSE: error, nothing
   changed. The txn can be committed once. */
gboolean ew_store_txn_commit (EwStoreTxn *txn, gboolean *succeeded, gint64 *revision,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Takes txn. */
void ew_store_txn_commit_async (EwStoreTxn *txn, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean ew_store_txn_commit_finish (GAsyncResult *result, gboolean *succeeded, gint64 *revision,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Watches. A watch starts at any revision not yet compacted, first replays history, and then goes on with what happens.
   Its function runs from the main context only, never inside a call of this header: so after the transaction has
   returned, which may have been followed by others (get and list show the present, not the event's moment). Order:
   within a watch, by revision and within it by the order of operations; each revision is told to all watches, oldest
   watch first, before the next one is, except those that still replay. The function may call anything here except
   ew_store_close(). Compaction never takes from a watch what it has not been told. Leased keys of an earlier run are
   not in the history. */
typedef struct
{
  const gchar *key;
  GBytes *value; /* borrowed; NULL: deleted */
  gint64 revision;
  gboolean created;
} EwStoreEvent;
typedef void (*EwStoreWatchFunc) (EwStore *store, const EwStoreEvent *event, gpointer user_data);
/* start_revision 0: from now on. Returns a handle > 0; 0 with error (COMPACTED). */
guint64 ew_store_watch (EwStore *store, const gchar *prefix, gint64 start_revision, EwStoreWatchFunc func,
                        gpointer user_data, GDestroyNotify destroy, GError **error);
/* The function is not called again; destroy is, at once or, from within a watch's function, when this revision has been
 * told. */
void ew_store_unwatch (EwStore *store, guint64 watch);

/* Leases: in memory; a restart removes all leased keys. A lease that is not kept alive for ttl_seconds (at least 1)
   ends from the main context: its keys are deleted at one revision. keepalive: NO_LEASE where it has ended. */
gint64 ew_store_lease_grant (EwStore *store, guint ttl_seconds);
gboolean ew_store_lease_keepalive (EwStore *store, gint64 lease, GError **error);
void ew_store_lease_revoke (EwStore *store, gint64 lease);
void ew_store_lease_grant_async (EwStore *store, guint ttl_seconds, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gint64 ew_store_lease_grant_finish (GAsyncResult *result, GError **error); /* 0: error */
void ew_store_lease_keepalive_async (EwStore *store, gint64 lease, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
void ew_store_lease_revoke_async (EwStore *store, gint64 lease, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);

/* Forgets history before revision (current values stay); at most before the latest change. */
gboolean ew_store_compact (EwStore *store, gint64 revision, GError **error);
void ew_store_compact_async (EwStore *store, gint64 revision, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);

/* Of the calls that have nothing to say but whether they were carried out: keepalive, revoke, compact. */
gboolean ew_store_call_finish (GAsyncResult *result, GError **error);

G_END_DECLS
