/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh as this edge knows it: settings, edges, nodes, routes, enrollment keys. The store is the truth; memory is
 * built from it at the start, follows every change of ours at once, and follows the store's watch for the changes of
 * others.
 *
 * Every change is one store transaction with compare-and-swap on the keys that it relies on, decided from what the
 * store says at that moment: two edges cannot give one name, address or key twice, and nothing is ever half-done.
 *
 *   /settings            the mesh's name, suffix and ranges; the signed list of edges
 *   /edges/ID            an edge: name, public key, endpoints
 *   /nodes/ID            a node                              /names/NAME        {"node"} or {"edge"}: who has the name
 *   /pubkeys/KEY         {"node"} or {"edge"}                /addresses/IP      {"node"}, or {"released_us"}: resting
 * 30 days /routes/CIDR         {"cidr", "node"}                    /enrollment/HASH   a key, by SHA-256 of its secret
 *   /tombstones/ID       a removed node that may ask again   /endpoints/ID      where a node was last, and when
 *   /timestamps/EDGE     the TAI64N timestamps it may have sent
 *
 * Pointers handed out are borrowed until the next change or return to the main loop. Errors: EW_ERROR, a sentence each.
 */
#pragma once

#include "edge/node.h"
#include "edge/ranges.h"
#include "edge/store.h"

G_BEGIN_DECLS

#define EW_MESH_DEFAULT_NAME "mesh"
#define EW_MESH_DEFAULT_EDGE "edge"
#define EW_MESH_ROUTES_MAX 250
#define EW_MESH_NODE_ROUTES_MAX 50 /* a node and all its routes go in one transaction (EW_STORE_TXN_MAX) */
#define EW_MESH_ADDRESS_REST_US (30 * G_TIME_SPAN_DAY)
#define EW_MESH_VALID_MIN 60 /* seconds */
#define EW_MESH_VALID_MAX 31536000
#define EW_MESH_VALID_DEFAULT 3600

typedef struct EwMesh EwMesh;

/* What a start of the edge brings along. NULL members: as stored, or the default in a new mesh. Borrowed during the
 * call. */
typedef struct
{
  const gchar *mesh;        /* a new name renames the mesh */
  const gchar *ipv4, *ipv6; /* only while the mesh is made; later they must agree */
  const gchar *edge_name;
  const gchar *default_mesh, *default_edge; /* what a new mesh and edge are called without a name of theirs */
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

/* What a stored mesh says before it is opened: *name and *public_endpoint (transfer full) are NULL in an empty store,
 * or where the endpoint was not given. */
gboolean ew_mesh_peek (EwStore *store, gchar **name, gchar **public_endpoint, GError **error);
/* Remembers that the endpoint was given (--public) and is to be kept by later starts without it. */
gboolean ew_mesh_keep_public (EwMesh *self, GError **error);

/* Told after a change has reached memory; ids are valid during the call. */
typedef struct
{
  void (*node_changed) (gpointer user_data, const gchar *id); /* new or changed, its routes too */
  void (*node_removed) (gpointer user_data, const gchar *id);
  void (*all_changed) (gpointer user_data); /* what every node document holds: routes, edges, settings */
  void (*edge_changed) (gpointer user_data);
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
const gchar *ew_mesh_get_edge_list (EwMesh *self, const gchar **signature);
const guint8 *ew_mesh_get_pin (EwMesh *self);

EwNode *ew_mesh_get_node (EwMesh *self, const gchar *id); /* NULL: none */
/* By name, ID or mesh IP. NULL with EW_ERROR_NOT_FOUND. */
EwNode *ew_mesh_find_node (EwMesh *self, const gchar *name, GError **error);
/* The node with the smallest ID above after (NULL: the first); NULL: no more. */
EwNode *ew_mesh_next_node (EwMesh *self, const gchar *after);
guint ew_mesh_count_nodes (EwMesh *self);
/* Borrowed array of EwRouteEntry, in the order of their text. */
GPtrArray *ew_mesh_get_routes (EwMesh *self);

/* Who a credential belongs to. EW_ERROR_REMOVED: to a node that was removed; EW_ERROR_NOT_AUTHENTICATED: to nobody. */
EwNode *ew_mesh_authenticate (EwMesh *self, const gchar *id, const guint8 credential[32], GError **error);

/* Enrollment. */
typedef struct
{
  const gchar *secret; /* as it stands in the key */
  const gchar *name;   /* NULL: the key's */
  const gchar *public_key, *credential_hash;
  const gchar *os, *version;
} EwEnrollRequest;
/* *unknown_secret tells a guess from a mishap (rate limit). */
EwNode *ew_mesh_enroll (EwMesh *self, const EwEnrollRequest *request, gboolean *unknown_secret, GError **error);
/* kind: "admin", "server", "device". name NULL: the one who joins chooses; else a node not-joined appears. The key is a
   secret: ew_free_secret(). *expires_us may be NULL. */
gchar *ew_mesh_make_key (EwMesh *self, const gchar *kind, const gchar *name, guint valid_seconds, gint64 *expires_us,
                         GError **error);
/* A key for the first administrator, wanted exactly until ew_mesh_set_announced(): a start that was killed before it
 * could show it shows a new one. */
gboolean ew_mesh_is_announced (EwMesh *self);
gboolean ew_mesh_set_announced (EwMesh *self, GError **error);

/* Nodes. */
EwNode *ew_mesh_add_plain_node (EwMesh *self, const gchar *name, const gchar *kind, const gchar *public_key,
                                guint valid_seconds, GError **error);
EwNode *ew_mesh_rename_node (EwMesh *self, const gchar *id, const gchar *name, GError **error);
/* mtu: the largest inner packet that is sent to it, EW_NODE_MTU_MIN to the mesh's; 0: the mesh's. */
EwNode *ew_mesh_set_node_mtu (EwMesh *self, const gchar *id, gint64 mtu, GError **error);
gboolean ew_mesh_remove_node (EwMesh *self, const gchar *id, GError **error);
/* A plain node has connected for the first time: it stays. */
gboolean ew_mesh_mark_joined (EwMesh *self, const gchar *id, GError **error);
/* Stores where nodes were last seen, as said in node->endpoint and node->last_seen_us; ids that are gone are passed
 * over. */
gboolean ew_mesh_save_endpoints (EwMesh *self, const gchar *const *ids, GError **error);
/* Removes what has expired: nodes that never came (and, with thorough, forgotten keys and rested addresses). */
gboolean ew_mesh_sweep (EwMesh *self, gboolean thorough, GError **error);

/* Routes. */
const EwRouteEntry *ew_mesh_add_route (EwMesh *self, const gchar *cidr, const gchar *node_id, GError **error);
gboolean ew_mesh_remove_route (EwMesh *self, const gchar *cidr, GError **error);

/* TAI64N: sent timestamps lie below this, also after a crash (architecture.md, 11). */
guint64 ew_mesh_get_timestamp_floor (EwMesh *self);
gboolean ew_mesh_set_timestamp_floor (EwMesh *self, guint64 realtime_ns, GError **error);

G_END_DECLS
