/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A node's own document (API.md): what the edge says to the node about itself and the mesh.
 */
#pragma once

#include "edge/mesh/mesh.h"
#include "proto/revision.h"

G_BEGIN_DECLS

/* (transfer full) */
JsonObject *ew_mesh_document_node (EwMesh *mesh, const EwNode *node);
/* A hash below 2^53 of the document's contents, so that JSON's numbers can hold it: equal exactly for equal documents
   (except for one chance in 2^52). */
EwRevision ew_mesh_document_revision (EwMesh *mesh, const EwNode *node);
/* SHA-256 of the part that all node documents share, so that a revision costs no more than the node's own part. */
void ew_mesh_document_digest_shared (EwMesh *mesh, guint8 out[32]);
/* The list of edges that the CA signs, as text. (transfer full) */
gchar *ew_mesh_document_edge_list (EwMesh *mesh);

/* Members that other documents have, too: the mesh's "ranges"; the edge's own addresses in the mesh; the networks that
   a node offers. */
void ew_mesh_document_set_ranges (JsonObject *object, EwMesh *mesh);
void ew_mesh_document_set_service (JsonObject *object, const gchar *member, EwMesh *mesh);
void ew_mesh_document_set_routes_of (JsonObject *object, const gchar *member, const EwNode *node);
/* … and the CIDRs of services that lie outside the mesh's ranges. */
void ew_mesh_document_add_services (JsonArray *cidrs, EwMesh *mesh);

G_END_DECLS
