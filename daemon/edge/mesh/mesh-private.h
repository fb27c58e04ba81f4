/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by mesh*.c: the model's memory, and changes. A change is an attempt that reads the store, decides, and writes
 * down compares and operations; when another writer was faster it is made again.
 */
#pragma once

#include "edge/mesh/published.h"
#include "edge/mesh/services.h"

#define EW_MESH_RECORD_MAX (1024 * 1024) /* a value in the store */

typedef struct
{
  gchar *mesh, *suffix;
  gboolean suffix_given; /* not made of the mesh's name */
  EwRanges ranges;
  gboolean announced; /* the first administrator's key was shown */
  gboolean public_given;
  gchar *edge_list, *edge_list_signature;
  gint64 store_revision;
} EwMeshSettings;

typedef struct EwMeshReading EwMeshReading;

/* An administrator at the moment of its call. */
typedef struct
{
  gchar *id; /* NULL: nobody whose right could end (the edge itself, its owner, a node on its own behalf) */
  guint8 credential_hash[EW_HASH_SIZE];
} EwMeshAsker;

struct EwMesh
{
  EwStore *store;
  guint64 watch;
  gint64 (*now_us) (void);
  EwMeshSettings settings;
  gchar *edge_id;
  guint16 mtu;
  gboolean trial, has_exit, has_dns, forwards_dns;
  guint8 pin[EW_PIN_SIZE];
  gchar *public_endpoint;

  GTree *nodes;          /* id → EwNode (owned) */
  GHashTable *names;     /* name → EwNode, additional ones too */
  GHashTable *addresses; /* IP text → EwNode, or NULL while it rests */
  GHashTable *edges;     /* id → EwEdge */
  GPtrArray *routes;     /* EwRouteEntry, sorted by text */
  GTree *services;       /* id → EwService (owned) */
  GTree *published;      /* host → EwPublished (owned) */
  GPtrArray *domains;    /* EwDomainEntry, borrowed from the nodes, sorted */
  GHashTable *expiring;  /* ids of nodes with expires_us */
  GHashTable *keys;      /* hash → EwEnrollment: keys that haven't been used yet */
  GHashTable *removed;   /* id → its former credential's hash, as in /tombstones/ */
  guint32 next_offset;   /* where the search for a free address goes on */
  guint32 next_service;  /* … for a service */

  guint8 shared_digest[32]; /* of what all node documents hold */
  GArray *listeners;
  guint last_listener;
  GHashTable *ahead;   /* key → revision of this edge's latest change of it, until the watch has reported that */
  gint64 told;         /* … revision that it is at */
  GHashTable *touched; /* ids to tell of when the change has been applied */
  GHashTable *gone;
  GHashTable *services_touched, *services_gone;
  GHashTable *replaced; /* ids whose key or credential is another one now: the old computer is removed first */
  gboolean edges_touched, published_touched;
  gboolean shared_touched; /* something that all node documents hold may have changed */

  GQueue *jobs;           /* change.c: of GTask, changes one after another */
  GCancellable *closed;   /* what comes back from the store after that finds no mesh */
  EwMeshReading *reading; /* while one of them decides: what it has read */
  EwMeshAsker asker;      /* of those that are put into the queue now */
};

void ew_mesh_settings_clear (EwMeshSettings *settings);
gboolean ew_mesh_settings_from_json (EwMeshSettings *settings, JsonObject *object);
JsonObject *ew_mesh_settings_to_json (const EwMeshSettings *settings);
/* setup.c: brings the stored settings and this edge's record to what setup says. */
gboolean ew_mesh_settle_setup (EwMesh *self, const EwMeshSetup *setup, GError **error);
/* memory.c: memory follows one key; object NULL: deleted. */
void ew_mesh_apply (EwMesh *self, const gchar *key, JsonObject *object, gint64 revision);
/* Memory has this change by this edge before the watch reports it: what the watch reports about the key's past doesn't
 * matter. */
void ew_mesh_note_ahead (EwMesh *self, const gchar *key, gint64 revision);
/* … and the listeners hear of all that was applied. */
void ew_mesh_tell (EwMesh *self);

/* Reads one key. FALSE: the store failed. *object (transfer full) is NULL and *revision 0 if the key doesn't exist;
 * both may be NULL. */
gboolean ew_mesh_read (EwMesh *self, const gchar *key, JsonObject **object, gint64 *revision, GError **error);

/* … all below a prefix: (transfer full) array of EwStoreEntry. NULL: the store failed. */
GPtrArray *ew_mesh_read_list (EwMesh *self, const gchar *prefix, GError **error);

typedef struct EwMeshChange EwMeshChange;
/* FALSE with error: refused. */
typedef gboolean (*EwMeshChangeAttempt) (EwMesh *self, EwMeshChange *change, gpointer data, GError **error);
gboolean ew_mesh_change (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GError **error);
/* The same without waiting for the store: changes are made one after another in the order in which they were asked for.
   attempt reads only with ew_mesh_read() and ew_mesh_read_list(), is run several times, and only fills change and data.
   data is freed with destroy after callback, which runs from the main context. What is changed by the form that waits
   may come between. */
void ew_mesh_change_async (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GDestroyNotify destroy,
                           GAsyncReadyCallback callback, gpointer user_data);
/* data, borrowed until the callback returns; NULL: refused. */
gpointer ew_mesh_change_finish (GAsyncResult *result, GError **error);
/* The same, where it was refused, too; NULL: before it was in the queue. */
gpointer ew_mesh_change_get_data (GAsyncResult *result);
/* Such a change is refused beforehand. Takes error. */
void ew_mesh_refuse_async (GError *error, GAsyncReadyCallback callback, gpointer user_data);
/* The mesh is closed: their callbacks hear G_IO_ERROR_CANCELLED, later. */
void ew_mesh_change_cancel_all (EwMesh *self);
/* The key is still as it was read (0: not there). */
void ew_mesh_change_expect (EwMeshChange *change, const gchar *key, gint64 revision);
void ew_mesh_change_put (EwMeshChange *change, const gchar *key, JsonObject *value); /* takes value */
void ew_mesh_change_put_owner (EwMeshChange *change, const gchar *key, const gchar *role,
                               const gchar *id); /* {role: id} */
void ew_mesh_change_delete (EwMeshChange *change, const gchar *key);

const guint8 *ew_mesh_get_shared_digest (EwMesh *self); /* 32 bytes */

/* enroll.c: whether the asker may still do that, and that this is so when change is committed. */
gboolean ew_mesh_check_asker (EwMesh *self, EwMeshChange *change, const EwMeshAsker *asker, GError **error);

/* nodes.c */
gchar *ew_mesh_node_key (const gchar *prefix, const gchar *id);
/* Claims name for a node within change; EW_ERROR_NAME_INVALID, EW_ERROR_NAME_TAKEN. */
gboolean ew_mesh_claim_name (EwMesh *self, EwMeshChange *change, const gchar *name, const gchar *id, GError **error);
/* The same for an edge or a service: role says which. */
gboolean ew_mesh_claim_name_for (EwMesh *self, EwMeshChange *change, const gchar *name, const gchar *role,
                                 const gchar *id, GError **error);
/* NAME_TAKEN: says whose the name is, according to its record. */
void ew_mesh_refuse_name (EwMesh *self, const gchar *name, JsonObject *holder, GError **error);
gboolean ew_mesh_claim_public_key (EwMesh *self, EwMeshChange *change, const gchar *public_key, EwNode *node,
                                   GError **error);
/* by_name: it gets back the resting addresses of a removed node of that name. Only where an administrator has chosen
 * the name. */
gboolean ew_mesh_claim_addresses (EwMesh *self, EwMeshChange *change, EwNode *node, gboolean by_name, GError **error);
gboolean ew_mesh_check_valid (guint valid_seconds, GError **error);
/* The node as the store has it now. NULL with EW_ERROR_NOT_FOUND. */
EwNode *ew_mesh_read_node (EwMesh *self, const gchar *id, GError **error);
/* Writes the node, expecting it in the store as it was read. */
void ew_mesh_change_put_node (EwMeshChange *change, const EwNode *node);

/* keys.c */
gchar *ew_mesh_hash_to_hex (const guint8 hash[EW_HASH_SIZE]);
/* A node as a key of that kind makes it: not joined, without addresses. */
EwNode *ew_mesh_new_node (EwMesh *self, const gchar *key_kind, const gchar *name);
/* Whether memory knows the maker (NULL: unknown) as one that may make keys. */
gboolean ew_mesh_is_maker (EwMesh *self, const gchar *maker);
/* Whether the maker of a key may (still) make keys, and that this is so when change is committed.
 * EW_ERROR_KEY_INVALID. */
gboolean ew_mesh_check_maker (EwMesh *self, EwMeshChange *change, const gchar *maker, GError **error);
/* Deletes unused keys that the node has made, at most EW_MESH_KEYS_AT_ONCE of them. */
gboolean ew_mesh_delete_keys_of (EwMesh *self, EwMeshChange *change, const EwNode *maker, GError **error);
/* … in changes of their own, put into the queue, until no more than EW_MESH_KEYS_AT_ONCE are left; where one of them
 * fails, what comes after it finds the transaction too large. */
void ew_mesh_thin_keys_of_async (EwMesh *self, const gchar *maker);
#define EW_MESH_KEYS_AT_ONCE 20 /* beside a node with its routes, names and domains in one transaction */

/* names.c */
/* Memory follows a node whose domains may have changed: the list of the mesh's, and who is told. */
void ew_mesh_relist_domains (EwMesh *self, const EwNode *old, const EwNode *node);
/* Deletes the keys of the node's additional names and domains; the node itself is the caller's to write or delete. */
void ew_mesh_change_delete_names (EwMeshChange *change, const EwNode *node);
/* Takes from the node the domains whose resolver only this route leads to. FALSE: it had none. */
gboolean ew_mesh_change_drop_domains (EwMesh *self, EwMeshChange *change, EwNode *node, const EwPrefix *route);

/* routes.c: whether nodes could take a route to this address of a service, outside the mesh's ranges. */
gboolean ew_mesh_check_outside (EwMesh *self, const EwPrefix *prefix, GError **error);

/* services.c */
void ew_mesh_apply_service (EwMesh *self, const gchar *id, JsonObject *object, gint64 revision);
gboolean ew_mesh_service_has_family (const EwService *service, EwFamily family);
gboolean ew_mesh_service_is_outside (EwMesh *self, const EwService *service); /* one of its addresses */
/* As the store has it now. NULL with EW_ERROR_NOT_FOUND. */
EwService *ew_mesh_read_service (EwMesh *self, const gchar *id, GError **error);
void ew_mesh_change_put_service (EwMeshChange *change, const EwService *service);
/* IDs of services with a target whose node was removed. (transfer full) */
GPtrArray *ew_mesh_find_orphans (EwMesh *self);
/* An attempt, data: the service's ID. Takes such targets out of it; without any left, it's removed. */
gboolean ew_mesh_drop_orphans (EwMesh *self, EwMeshChange *change, gpointer data, GError **error);

/* published.c */
void ew_mesh_published_free (EwPublished *published);
void ew_mesh_apply_published (EwMesh *self, const gchar *host, JsonObject *object, gint64 revision);
/* Deletes all names of a service that is removed by change. */
void ew_mesh_change_unpublish_service (EwMesh *self, EwMeshChange *change, const gchar *service_id);

/* removal.c */
void ew_mesh_change_bury (EwMesh *self, EwMeshChange *change, const EwNode *node);
/* Removes nodes that have expired, and those whose key was taken away before it was used. */
gboolean ew_mesh_sweep_nodes (EwMesh *self, GError **error);
/* A change, then that, without waiting; ew_mesh_end_finish(). */
void ew_mesh_change_and_sweep_async (EwMesh *self, EwMeshChangeAttempt attempt, gpointer data, GDestroyNotify destroy,
                                     GAsyncReadyCallback callback, gpointer user_data);
