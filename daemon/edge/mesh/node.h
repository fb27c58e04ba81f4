/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the store contains as JSON, as structs: a node, a service, an edge, an enrollment. Parsing is lenient towards fields it
 * does not know (a newer version may have written them) and strict towards those that it needs.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "common/pki.h"
#include "common/service-text.h"
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_HASH_SIZE 32

/* A search domain that a gateway offers: names in it are asked at resolver, through that node. */
typedef struct
{
  gchar *domain; /* ew_domain_check() */
  EwIp resolver; /* inside one of the node's routes, or an address of its own */
  gchar *node_id;
} EwDomainEntry;

/* /nodes/ID, and what /endpoints/ID and /routes say about it. */
typedef struct
{
  gchar *id; /* "n" and 16 hexadecimal digits */
  gchar *name;
  gchar *kind;     /* "server", "device" */
  gchar *role;     /* "admin", "member" */
  gboolean joined; /* FALSE: its key was not used yet; a plain node has not connected yet */
  gboolean plain;  /* a WireGuard device without Edgeway: no credential */
  gboolean has_key;
  guint8 public_key[EW_KEY_SIZE];
  gboolean has_credential;
  guint8 credential_hash[EW_HASH_SIZE]; /* SHA-256 of the credential's bytes */
  EwIp addresses[2];                    /* IPv4, IPv6 */
  guint n_addresses;                    /* 0 until it joins */
  guint16 mtu;                          /* the largest inner packet that it takes; 0: the mesh's */
  gchar *os, *version;                  /* as it said; NULL: it did not */
  gint64 created_us;                    /* realtime */
  gint64 expires_us;                    /* removed then unless it joined; 0: never */
  gchar *enrollment;                    /* hexadecimal hash of the key made for this name; NULL: none */
  GStrv names;                          /* additional ones, sorted; never NULL */
  GPtrArray *domains;                   /* (element-type EwDomainEntry) search domains that it offers, sorted */
  gchar *made_by;                       /* of a plain node: whose ID or EW_MAKER_OWNER; NULL: unknown */

  gint64 store_revision; /* mod_revision of /nodes/ID */
  EwEndpoint endpoint;   /* last stored */
  gint64 last_seen_us;   /* last stored; 0: never */
  GPtrArray *routes;     /* (element-type EwRouteEntry) borrowed, in the order of their text */
} EwNode;

/* /routes/CIDR */
typedef struct
{
  gchar *cidr;
  EwPrefix prefix;
  gchar *node_id;
  gint64 store_revision;
} EwRouteEntry;

/* /edges/ID */
typedef struct
{
  gchar *id;
  gchar *name;
  guint8 public_key[EW_KEY_SIZE];
  GStrv endpoints; /* "HOST:PORT" */
  GStrv api;       /* "https://HOST:PORT" */
} EwEdge;

/* /enrollment/HASH */
typedef struct
{
  gchar *hash;     /* HASH, hexadecimal; not in the record: set by the code that reads it */
  gchar *kind;     /* "admin", "server", "device" */
  gchar *node_id;  /* the node that it was made for; NULL: a key without a name */
  gboolean renews; /* that node has joined: the computer that uses the key takes its place */
  gchar *made_by;  /* a node's ID or EW_MAKER_OWNER; NULL: unknown, an older version made it */
  gint64 created_us, expires_us;
  gchar *used_by;                                /* node ID; NULL: not used */
  gchar *used_public_key, *used_credential_hash; /* base64 */
} EwEnrollment;

/* One of a service's targets. */
typedef struct
{
  gchar *node_id;
  EwIp host;    /* behind that node; family NONE: the node itself */
  guint16 port; /* 0: what the service's ports say */
} EwServiceTarget;

/* /services/ID */
typedef struct
{
  gchar *id; /* "s" and 16 hexadecimal digits */
  gchar *name;
  EwIp addresses[2];  /* IPv4, IPv6: both, whatever its targets have */
  GArray *ports;      /* EwServicePort */
  GPtrArray *targets; /* EwServiceTarget, the first one first */
  gboolean spread;    /* over all targets that work; else the first that works has all */
  gboolean as_edge;   /* the target sees the edge's address instead of the caller's */
  gboolean watched;   /* its targets are checked all the time, however many there are */
  gint64 created_us;  /* realtime */
  gint64 store_revision;
} EwService;

#define EW_MAKER_OWNER "owner" /* no node's ID: those begin with "n" */
#define EW_NODE_MTU_MIN 1280   /* below it Linux takes IPv6 from an interface */

EwNode *ew_mesh_node_new (void);
void ew_mesh_node_free (EwNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNode, ew_mesh_node_free)
EwNode *ew_mesh_node_from_json (JsonObject *object); /* NULL: not a node's document */
JsonObject *ew_mesh_node_to_json (const EwNode *node);
gchar *ew_mesh_node_make_id (void);

EwDomainEntry *ew_mesh_domain_entry_new (const gchar *domain, const EwIp *resolver, const gchar *node_id);
void ew_mesh_domain_entry_free (EwDomainEntry *entry);
/* The node's entry for that domain; NULL: it doesn't offer it. */
EwDomainEntry *ew_mesh_node_find_domain (const EwNode *node, const gchar *domain);
/* Takes the name into the list or out of it; no effect where it is so already. */
void ew_mesh_node_set_name (EwNode *node, const gchar *name, gboolean present);

void ew_mesh_route_entry_free (EwRouteEntry *route);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwRouteEntry, ew_mesh_route_entry_free)
EwRouteEntry *ew_mesh_route_entry_from_json (JsonObject *object);

EwServiceTarget *ew_mesh_service_target_new (const gchar *node_id);
void ew_mesh_service_target_free (EwServiceTarget *target);
EwService *ew_mesh_service_new (void);
void ew_mesh_service_free (EwService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwService, ew_mesh_service_free)
EwService *ew_mesh_service_from_json (JsonObject *object); /* NULL: not a service's record */
JsonObject *ew_mesh_service_to_json (const EwService *service);

void ew_mesh_edge_free (EwEdge *edge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEdge, ew_mesh_edge_free)
EwEdge *ew_mesh_edge_from_json (JsonObject *object);
JsonObject *ew_mesh_edge_to_json (const EwEdge *edge);

void ew_mesh_enrollment_free (EwEnrollment *enrollment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEnrollment, ew_mesh_enrollment_free)
EwEnrollment *ew_mesh_enrollment_from_json (JsonObject *object);
JsonObject *ew_mesh_enrollment_to_json (const EwEnrollment *enrollment);

/* The member becomes an array of the addresses as text. */
void ew_mesh_json_set_ips (JsonObject *object, const gchar *member, const EwIp *ips, guint n);

G_END_DECLS
