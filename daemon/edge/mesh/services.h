/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services: a name and an address of its own for a port of a node, or of a host behind a gateway; several targets may
 * stand for one another. The packet switch translates (edge/services fills its table); here is what is stored.
 *
 *   /services/ID    a service; its name is below /names/, its addresses below /addresses/, as a node's are
 *
 * Names are one space with those of nodes and edges. Addresses come from the end of the mesh's ranges (ranges.h) or are
 * chosen: inside the mesh's ranges any that is free, outside a private one, to which each node needs a route: its
 * document offers that, and its own administrator accepts it.
 *
 * A target refers to its node by ID, so it follows renames. A node that is removed is taken out of its services in
 * changes of their own right after that; a service without targets is removed.
 *
 * Errors: EW_ERROR, a sentence each.
 */
#pragma once

#include "common/service-text.h"
#include "edge/mesh/mesh.h"

G_BEGIN_DECLS

#define EW_MESH_SERVICES_MAX 1024
#define EW_MESH_SERVICES_OUTSIDE_MAX 64 /* with an address outside the mesh's ranges: it is in every node document */

/* Makes a service, or changes one. All borrowed during the call. */
typedef struct
{
  const gchar *name; /* of a new one; of one that is there: its new name, NULL: as it was */
  /* "nas:8123", "office-gw/10.77.0.9:631"; NULL: as they were. The node: a name, an additional one or an ID. */
  const gchar *const *targets;
  const gchar *const *ports;     /* "80", "8000-8010/udp"; NULL: those of the targets, or as they were */
  gboolean udp;                  /* what ports mean that don't say */
  const gchar *const *addresses; /* chosen, at most one of each family; NULL: as they were, or the mesh's choice */
  const gchar *spread;           /* "first" or "spread"; NULL: as it was, "first" */
  const gchar *source;           /* "caller" or "edge"; NULL: as it was, "caller" */
  const gchar *check;            /* "auto" or "always"; NULL: as it was, "auto" */
} EwServiceRequest;

/* NULL: none. Borrowed, as nodes are. */
EwService *ew_mesh_get_service (EwMesh *self, const gchar *id);
/* By name, with the suffix or without, ID or address. NULL with EW_ERROR_NOT_FOUND. */
EwService *ew_mesh_find_service (EwMesh *self, const gchar *name, GError **error);
/* The service with the smallest ID above after (NULL: the first); NULL: no more. */
EwService *ew_mesh_next_service (EwMesh *self, const gchar *after);
guint ew_mesh_count_services (EwMesh *self);

/* The families in which all of its targets can be reached, and so it: of its addresses, those. Returns how many. */
guint ew_mesh_service_addresses (const EwService *service, EwIp out[2]);
/* Whether the address lies outside the mesh's ranges, so that nodes need a route of their own to it. */
gboolean ew_mesh_is_outside (EwMesh *self, const EwIp *ip);
/* Where packets for the target go; FALSE: nowhere in that family, or not now: the node hasn't joined, or no longer has
 * a route to the host. */
gboolean ew_mesh_target_address (EwMesh *self, const EwServiceTarget *target, EwFamily family, EwIp *out);
/* The target's port for one that callers use. */
guint16 ew_mesh_target_port (const EwServiceTarget *target, const EwServicePort *port);
/* The one port that its targets are asked for to see whether they answer: one that stands for itself, of TCP if there is
 * one. NULL: it has ranges only. */
const EwServicePort *ew_mesh_service_sole_port (const EwService *service);
/* Whether one of its targets is that node, or behind it. */
gboolean ew_mesh_service_uses (const EwService *service, const gchar *node_id);
/* "nas:8123", as it is called now. (transfer full) */
gchar *ew_mesh_target_label (EwMesh *self, const EwServiceTarget *target, guint16 port);

/* NAME_INVALID, NAME_TAKEN, INVALID_ARGUMENT (ports, targets), ROUTE_INVALID, ROUTE_OVERLAP (addresses). */
void ew_mesh_add_service_async (EwMesh *self, const EwServiceRequest *request, GAsyncReadyCallback callback,
                                gpointer user_data);
void ew_mesh_edit_service_async (EwMesh *self, const gchar *id, const EwServiceRequest *request,
                                 GAsyncReadyCallback callback, gpointer user_data);
EwService *ew_mesh_service_finish (EwMesh *self, GAsyncResult *result, GError **error);
void ew_mesh_remove_service_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_mesh_remove_service_finish (GAsyncResult *result, GError **error);

G_END_DECLS
