/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The documents that leave the edge (API.md): a node's own document, map nodes, edges, routes. Built from the model and
 * from what the switch sees.
 */
#pragma once

#include "edge/mesh.h"
#include "edge/switch/switch.h"

G_BEGIN_DECLS

/* All return (transfer full). */
JsonObject *ew_document_node (EwMesh *mesh, const EwNode *node);
/* A hash below 2^53 of the document's contents, so that JSON's numbers can hold it: equal exactly for equal documents
   (except for one chance in 2^52). */
EwRevision ew_document_revision (EwMesh *mesh, const EwNode *node);
/* SHA-256 of the part that all node documents share, so that a revision costs no more than the node's own part. */
void ew_document_digest_shared (EwMesh *mesh, guint8 out[32]);
/* The list of edges that the CA signs, as text. */
gchar *ew_document_edge_list (EwMesh *mesh);

/* status NULL: nothing is seen of it. */
JsonObject *ew_document_map_node (EwMesh *mesh, const EwNode *node, const EwSwitchNodeStatus *status);
/* What is wrong with the node's identity at this moment: "problem", a code or null, and "clock_behind_seconds". own:
   for the node itself. Never part of what a revision is made of. */
void ew_document_set_problem (JsonObject *object, const EwSwitchNodeStatus *status, gboolean own);
JsonObject *ew_document_map_edge (EwMesh *mesh);
JsonObject *ew_document_counters (const EwNode *node, const EwSwitchNodeStatus *status);
JsonObject *ew_document_route (EwMesh *mesh, const EwRouteEntry *route, gboolean online);
/* What a plain WireGuard machine needs to be set up. */
JsonObject *ew_document_plain_config (EwMesh *mesh, const EwNode *node);

G_END_DECLS
