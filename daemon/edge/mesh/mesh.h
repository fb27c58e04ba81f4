/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh as this edge knows it: settings, edges, nodes, routes, enrollment keys. The store is the truth; memory is
 * built from it at the start, follows every change by this edge at once, and follows the store's watch for the changes
 * of others.
 *
 * Every change is one store transaction with compare-and-swap on the keys that it relies on, decided from what the
 * store says at that moment: two edges cannot give one name, address or key twice, and nothing is ever half-done.
 *
 *   /settings            the mesh's name, suffix and ranges; the signed list of edges
 *   /edges/ID            an edge: name, public key, endpoints
 *   /nodes/ID            a node
 *   /names/NAME          {"node"}, {"edge"} or {"service"}: which one has the name; "alias": an additional one of the
 *                        node's
 *   /services/ID         a service (services.h)
 *   /domains/DOMAIN      {"node", "resolver"}: the gateway that offers the search domain
 *   /pubkeys/KEY         {"node"} or {"edge"}
 *   /addresses/IP        {"node"} or {"service"}, or {"released_us"}: resting 30 days
 *   /resting/NAME        {"addresses"}: the resting ones of the last node of that name
 *   /routes/CIDR         {"cidr", "node"}
 *   /enrollment/HASH     a key, by SHA-256 of its secret
 *   /tombstones/ID       a removed node, or a computer that another replaced: it may ask again
 *   /endpoints/ID        where a node was last, and when
 *   /timestamps/EDGE     the TAI64N timestamps it may have sent
 *
 * Pointers handed out are borrowed until the next change or return to the main loop. Errors: EW_ERROR, a sentence each.
 *
 * Changes that are called …_async() don't wait for the store (store.h): their callback runs from the main context, never
 * inside the call, and they are made one after another, in the order in which they were asked for.
 */
#pragma once

#include "edge/mesh/node.h"
#include "edge/mesh/ranges.h"
#include "edge/store/store.h"

G_BEGIN_DECLS

#define EW_MESH_DEFAULT_NAME "mesh"
#define EW_MESH_DEFAULT_EDGE "edge"
#define EW_MESH_ROUTES_MAX 250
#define EW_MESH_NODE_ROUTES_MAX 50 /* a node and all it has go in one transaction (EW_STORE_TXN_MAX) */
#define EW_MESH_ADDRESS_REST_US (30 * G_TIME_SPAN_DAY)
#define EW_MESH_VALID_MIN 60 /* seconds */
#define EW_MESH_VALID_MAX 31536000
#define EW_MESH_VALID_DEFAULT 3600
#define EW_MESH_ADMIN_VALID_MAX 86400 /* of an administrator's key, so that it does not long outlive its purpose */
/* … made by the edge's owner: time enough to hand one over before a holiday; a new one is a command away. */
#define EW_MESH_OWNER_VALID_MAX (7 * 86400)
#define EW_MESH_KEYS_MAX 2000 /* not used yet, of a mesh: a list of them stays below an answer's 1 MiB */
#define EW_MESH_KEY_ID_LENGTH 12
#define EW_MESH_TOMBSTONE_US (365 * G_TIME_SPAN_DAY) /* how long a removed node's calls are still answered with that */

typedef struct EwMesh EwMesh;

/* What a start of the edge passes in. NULL members: as stored, or the default in a new mesh. Borrowed during the
 * call. */
typedef struct
{
  const gchar *mesh;        /* a new name renames the mesh */
  const gchar *suffix;      /* the suffix of its names; MESH.internal follows the mesh's name */
  const gchar *ipv4, *ipv6; /* only while the mesh is made; later they must agree */
  const gchar *edge_name;
  const gchar *default_mesh, *default_edge; /* what a new mesh and edge are called if no name is given */
  const gchar *public_endpoint;             /* "HOST:PORT" */
  guint8 public_key[EW_KEY_SIZE];
  guint16 mtu;
  gboolean trial;
  const gchar *ca_key_pem, *ca_certificate_pem;
  gint64 (*now_us) (void); /* NULL: g_get_real_time */
} EwMeshSetup;

/* Makes the mesh where the store is empty. The store stays the caller's and outlives the mesh. */
EwMesh *ew_mesh_open (EwStore *store, const EwMeshSetup *setup, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_mesh_close (EwMesh *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwMesh, ew_mesh_close)

/* What a stored mesh says before it is opened: *name and *public_endpoint (transfer full) are NULL in an empty store.
 * *given: its owner gave the endpoint. */
gboolean ew_mesh_peek (EwStore *store, gchar **name, gchar **public_endpoint, gboolean *given, GError **error);
/* Remembers that the endpoint was given (--public) and is to be kept by later starts without it. */
gboolean ew_mesh_keep_public (EwMesh *self, GError **error);

/* Called after a change has reached memory; ids are valid during the call. */
typedef struct
{
  void (*node_changed) (gpointer user_data, const gchar *id); /* new or changed, its routes too */
  /* … also before node_changed where another computer has taken the node's place */
  void (*node_removed) (gpointer user_data, const gchar *id);
  void (*all_changed) (gpointer user_data); /* what every node document holds: routes, edges, settings */
  void (*edge_changed) (gpointer user_data);
  void (*service_changed) (gpointer user_data, const gchar *id); /* new or changed */
  void (*service_removed) (gpointer user_data, const gchar *id);
  void (*published_changed) (gpointer user_data); /* which names are published, or how */
} EwMeshListener;
guint ew_mesh_listen (EwMesh *self, const EwMeshListener *listener, gpointer user_data); /* listener: static */
void ew_mesh_unlisten (EwMesh *self, guint handle);

const gchar *ew_mesh_get_name (EwMesh *self);
const gchar *ew_mesh_get_suffix (EwMesh *self);
const EwRanges *ew_mesh_get_ranges (EwMesh *self);
const EwEdge *ew_mesh_get_edge (EwMesh *self); /* this one */
guint16 ew_mesh_get_mtu (EwMesh *self);
guint16 ew_mesh_get_node_mtu (EwMesh *self, const EwNode *node); /* its own, or the mesh's: what is less */
gboolean ew_mesh_is_trial (EwMesh *self);
/* Whether this edge forwards VPN mode's traffic; known once the switch runs. */
void ew_mesh_set_exit (EwMesh *self, gboolean has_exit);
gboolean ew_mesh_has_exit (EwMesh *self);
/* Whether this edge answers for names at the service addresses, and for those of others too; known as the exit is. */
void ew_mesh_set_dns (EwMesh *self, gboolean answers, gboolean forwards);
gboolean ew_mesh_has_dns (EwMesh *self, gboolean *forwards);
const gchar *ew_mesh_get_edge_list (EwMesh *self, const gchar **signature);

EwNode *ew_mesh_get_node (EwMesh *self, const gchar *id); /* NULL: none */
/* By name, additional name, either with the mesh's suffix, ID or mesh IP. NULL with EW_ERROR_NOT_FOUND. */
EwNode *ew_mesh_find_node (EwMesh *self, const gchar *name, GError **error);
/* The node with the smallest ID above after (NULL: the first); NULL: no more. */
EwNode *ew_mesh_next_node (EwMesh *self, const gchar *after);
guint ew_mesh_count_nodes (EwMesh *self);
/* Borrowed array of EwRouteEntry, in the order of their text. */
GPtrArray *ew_mesh_get_routes (EwMesh *self);

/* Who a credential belongs to, as memory knows: a caller without one can't make the edge ask the store.
   EW_ERROR_REMOVED: to a node that was removed; EW_ERROR_NOT_AUTHENTICATED: to nobody. */
EwNode *ew_mesh_authenticate (EwMesh *self, const gchar *id, const guint8 credential[32], GError **error);

/* Who changes the mesh. The changes that are asked for without waiting between a call with an administrator's ID and
 * one with NULL are made only where it still is one when their turn comes, and still the same computer: else
 * EW_ERROR_REMOVED or EW_ERROR_NOT_ADMINISTRATOR. */
void ew_mesh_ask_as (EwMesh *self, const gchar *id);
gboolean ew_mesh_check_administrator (const EwNode *node, GError **error);

/* Enrollment. */
/* Whether the secret is that of an open key, as far as memory knows. */
gboolean ew_mesh_has_key (EwMesh *self, const gchar *secret);
typedef struct
{
  const gchar *secret; /* as in the key */
  const gchar *name;   /* NULL: the key's */
  const gchar *public_key, *credential_hash;
  const gchar *os, *version;
} EwEnrollRequest;
typedef struct
{
  gboolean unknown_secret; /* tells a guess from a mishap (rate limit) */
  gboolean replaced;       /* the computer has taken the place of another */
  gchar key_id[EW_MESH_KEY_ID_LENGTH + 1];
} EwEnrollOutcome;
void ew_mesh_enroll_async (EwMesh *self, const EwEnrollRequest *request, GAsyncReadyCallback callback,
                           gpointer user_data);
EwNode *ew_mesh_enroll_finish (EwMesh *self, GAsyncResult *result, EwEnrollOutcome *outcome, GError **error);
/* Enrollment keys. They end with their maker: removing a node, or changing its role, revokes the unused keys that it
 * has made. */
typedef struct
{
  const gchar *kind;     /* "admin", "server", "device"; of a renewal the node's own, whatever is given here */
  const gchar *name;     /* NULL: the joining computer chooses; else a node not-joined appears */
  const gchar *renew_id; /* NULL, or the node whose place is taken, in place of a name */
  const gchar *maker;    /* a node's ID or EW_MAKER_OWNER */
  guint valid_seconds;
} EwKeyRequest;
typedef struct
{
  gchar id[EW_MESH_KEY_ID_LENGTH + 1]; /* the beginning of the hash of its secret */
  const gchar *kind;                   /* static */
  gint64 expires_us;
} EwMadeKey;
/* The key is a secret: ew_free_secret(). made may be NULL. */
gchar *ew_mesh_make_key (EwMesh *self, const EwKeyRequest *request, EwMadeKey *made, GError **error);
void ew_mesh_make_key_async (EwMesh *self, const EwKeyRequest *request, GAsyncReadyCallback callback,
                             gpointer user_data);
gchar *ew_mesh_make_key_finish (GAsyncResult *result, EwMadeKey *made, GError **error);
/* Keys that can be used now: (transfer container) borrowed EwEnrollment, the oldest first. */
GPtrArray *ew_mesh_list_keys (EwMesh *self);
/* By its ID, or by a prefix of it that no other key has. NULL with EW_ERROR_NOT_FOUND or EW_ERROR_INVALID_ARGUMENT. */
const EwEnrollment *ew_mesh_find_key (EwMesh *self, const gchar *id, GError **error);
/* A node that waits for the key is removed with it. */
void ew_mesh_revoke_key_async (EwMesh *self, const gchar *hash, GAsyncReadyCallback callback, gpointer user_data);
/* A key for the first administrator, wanted exactly until ew_mesh_set_announced(): a start that was killed before it
 * could show it shows a new one. */
gboolean ew_mesh_is_announced (EwMesh *self);
gboolean ew_mesh_set_announced (EwMesh *self, GError **error);

/* Nodes. */
typedef struct
{
  const gchar *name, *kind, *public_key;
  const gchar *maker; /* a node's ID or EW_MAKER_OWNER: until it connects, the node ends with its maker, as keys do */
  guint valid_seconds;
} EwPlainRequest;
void ew_mesh_add_plain_node_async (EwMesh *self, const EwPlainRequest *request, GAsyncReadyCallback callback,
                                   gpointer user_data);
void ew_mesh_rename_node_async (EwMesh *self, const gchar *id, const gchar *name, GAsyncReadyCallback callback,
                                gpointer user_data);
/* mtu: the largest inner packet that is sent to it, EW_NODE_MTU_MIN to the mesh's; 0: the mesh's. */
void ew_mesh_set_node_mtu_async (EwMesh *self, const gchar *id, gint64 mtu, GAsyncReadyCallback callback,
                                 gpointer user_data);
/* Another key pair for a plain node; the old one is refused from then on. */
void ew_mesh_renew_plain_node_async (EwMesh *self, const gchar *id, const gchar *public_key, guint valid_seconds,
                                     GAsyncReadyCallback callback, gpointer user_data);
/* What the node says of itself: its system and its version, 64 printable bytes each; NULL: as it was. EW_ERROR with
 * INVALID_ARGUMENT. */
gboolean ew_mesh_check_description (const gchar *os, const gchar *version, GError **error);
/* Whether the node has said just that before: there is nothing to be written then. */
gboolean ew_mesh_is_described (const EwNode *node, const gchar *os, const gchar *version);
void ew_mesh_describe_node_async (EwMesh *self, const gchar *id, const gchar *os, const gchar *version,
                                  GAsyncReadyCallback callback, gpointer user_data);
EwNode *ew_mesh_node_finish (EwMesh *self, GAsyncResult *result, GError **error);
void ew_mesh_remove_node_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
/* The computer itself leaves. Where another than itself has made a key to renew the node, the node waits for it, with
 * all that it has; else it is removed. */
void ew_mesh_leave_node_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
/* Of those three that take others with them: a revoked key, a removed node and one that left. */
gboolean ew_mesh_end_finish (GAsyncResult *result, GError **error);
/* A plain node has connected for the first time: it stays. */
gboolean ew_mesh_mark_joined (EwMesh *self, const gchar *id, GError **error);
void ew_mesh_mark_joined_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
/* Stores where nodes were last seen, as said in node->endpoint and node->last_seen_us; IDs that no longer exist are
 * skipped. */
gboolean ew_mesh_save_endpoints (EwMesh *self, const gchar *const *ids, GError **error);
void ew_mesh_save_endpoints_async (EwMesh *self, const gchar *const *ids, GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Removes what has expired: nodes that never came (and, with thorough, forgotten keys and rested addresses). */
gboolean ew_mesh_sweep (EwMesh *self, gboolean thorough, GError **error);
/* When a node that has not come is to be removed next, realtime; G_MAXINT64: none is. */
gint64 ew_mesh_get_next_expiry (EwMesh *self);
void ew_mesh_sweep_async (EwMesh *self, gboolean thorough, GAsyncReadyCallback callback, gpointer user_data);
/* For what the edge does by itself: a node that stays, endpoints, sweeps, timestamps. */
gboolean ew_mesh_work_finish (GAsyncResult *result, GError **error);

/* Routes. */
void ew_mesh_add_route_async (EwMesh *self, const gchar *cidr, const gchar *node_id, GAsyncReadyCallback callback,
                              gpointer user_data);
const EwRouteEntry *ew_mesh_add_route_finish (EwMesh *self, GAsyncResult *result, GError **error);
void ew_mesh_remove_route_async (EwMesh *self, const gchar *cidr, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_mesh_remove_route_finish (GAsyncResult *result, GError **error);

/* TAI64N: sent timestamps lie below this, also after a crash (README.md). Raised without waiting, it's stored when the
 * callback reports that: to be asked for well before it is reached. */
guint64 ew_mesh_get_timestamp_floor (EwMesh *self);
gboolean ew_mesh_set_timestamp_floor (EwMesh *self, guint64 realtime_ns, GError **error);
void ew_mesh_set_timestamp_floor_async (EwMesh *self, guint64 realtime_ns, GAsyncReadyCallback callback,
                                        gpointer user_data);

G_END_DECLS
