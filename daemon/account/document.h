/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The node document: what an edge says about this node (daemon/edge/API.md). The edge is not trusted: every field is
 * checked here, once, before anything is done with it; what does not pass makes the whole document invalid. Pure: no
 * I/O.
 *
 * The list of edges counts only when the mesh's CA signed it: an edge that turned hostile cannot lead its nodes
 * elsewhere. Whether a range or route may be used on this computer depends on its networks, too:
 * ew_route_refusal() in net/.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include "proto/address.h"
#include "proto/revision.h"

G_BEGIN_DECLS

#define EW_DOCUMENT_MAX (72 * 1024) /* bytes as Edgeway writes it; an answer has 64 KiB at most */
#define EW_DOCUMENT_MAX_EDGES 16
#define EW_DOCUMENT_MAX_ENDPOINTS 8
#define EW_DOCUMENT_MAX_ROUTES 1024
#define EW_DOCUMENT_MAX_DOMAINS 64

typedef struct
{
  gchar *id, *name;
  guint8 public_key[32];
  GStrv endpoints; /* "HOST:PORT", HOST a name or an address */
  GStrv api;       /* "https://HOST:PORT" */
} EwDocumentEdge;

typedef struct
{
  EwPrefix prefix;
  gchar *node; /* the node's name */
} EwDocumentRoute;

/* A search domain that a gateway offers: the edge asks that one's resolver for its names. */
typedef struct
{
  gchar *domain; /* ew_domain_check() */
  gchar *node;   /* the gateway's name */
  EwIp resolver; /* family NONE: the edge didn't say */
} EwDocumentDomain;

typedef struct
{
  EwRevision revision;
  gchar *mesh, *suffix, *id, *name, *kind, *role;
  GArray *addresses; /* EwIp, inside ranges, at least one; IPv4 first */
  GArray *ranges;    /* EwPrefix, private */
  GArray *service;   /* EwIp, inside ranges, one of the family of each address */
  guint16 mtu;
  gboolean trial;
  gboolean exit;      /* the edge forwards VPN mode's traffic */
  gboolean dns;       /* it answers the mesh's names at the service addresses */
  gboolean dns_all;   /* … and forwards all others: VPN mode's names */
  GPtrArray *edges;   /* EwDocumentEdge, at least one */
  GArray *offers;     /* EwPrefix */
  GPtrArray *routes;  /* EwDocumentRoute */
  GPtrArray *domains; /* EwDocumentDomain, this node's own too; empty with an older edge */
} EwDocument;

/* ca_pem: the mesh's CA. NULL with EW_ERROR_FAILED: which field is wrong. */
EwDocument *ew_document_parse (JsonObject *object, const gchar *ca_pem, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_document_free (EwDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwDocument, ew_document_free)

/* "https://HOST:PORT" and nothing more. */
gboolean ew_api_url_check (const gchar *url);
/* A node's or an edge's ID: 1…64 of a-z, A-Z, 0-9, '-', '_'. */
gboolean ew_id_check (const gchar *id);

G_END_DECLS
