/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the edge's API says of the mesh (API.md): map nodes, edges, routes. Built from the mesh and from what the switch
 * sees. A node's own document is the mesh's (edge/mesh/document.h).
 */
#pragma once

#include "edge/services/services.h"

G_BEGIN_DECLS

/* All return (transfer full). status NULL: nothing is seen of it. */
JsonObject *ew_api_document_map_node (EwMesh *mesh, const EwNode *node, const EwSwitchNodeStatus *status);
/* What is wrong with the node's identity at this moment: "problem", a code or null, and "clock_behind_seconds". own:
   for the node itself. Never part of what a revision is made of. */
void ew_api_document_set_problem (JsonObject *object, const EwSwitchNodeStatus *status, gboolean own);
JsonObject *ew_api_document_map_edge (EwMesh *mesh);
JsonObject *ew_api_document_counters (const EwNode *node, const EwSwitchNodeStatus *status);
JsonObject *ew_api_document_route (EwMesh *mesh, const EwRouteEntry *route, gboolean online);
/* An additional name of a node; a search domain that a gateway offers. */
JsonObject *ew_api_document_name (EwMesh *mesh, const gchar *name, const gchar *node_id);
JsonObject *ew_api_document_domain (EwMesh *mesh, const EwDomainEntry *entry, gboolean online);
/* A service with its targets and what they are like. */
JsonObject *ew_api_document_service (EwMesh *mesh, EwServices *services, const EwService *service);
/* What a plain WireGuard device needs to be set up. */
JsonObject *ew_api_document_plain_config (EwMesh *mesh, const EwNode *node);

G_END_DECLS
