/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's names beside those of its nodes and edges: additional names of nodes, and the search domains that gateways
 * offer. All names are one space: each belongs to one node or edge. Additional names and domains are part of the node's
 * record, so they follow it through renames and are removed with it; /names/ and /domains/ keep each from being given
 * twice.
 *
 * Errors: EW_ERROR, a sentence each.
 */
#pragma once

#include "edge/mesh/mesh.h"

G_BEGIN_DECLS

/* A node with all its routes, names and domains is removed in one transaction (EW_STORE_TXN_MAX). */
#define EW_MESH_NODE_NAMES_MAX 32
#define EW_MESH_NODE_DOMAINS_MAX 8
#define EW_MESH_NAMES_MAX 2000   /* so that their list stays below an answer's 1 MiB */
#define EW_MESH_DOMAINS_MAX 32   /* they are in every node document */
#define EW_MESH_EDGE_NAME "edge" /* always means the mesh's edge */

/* Borrowed array of EwDomainEntry, in the order of their text. They may lie within each other: the longest counts. */
GPtrArray *ew_mesh_get_domains (EwMesh *self);
/* name in lower case, without the mesh's suffix where it ends with that. (transfer full) */
gchar *ew_mesh_strip_suffix (EwMesh *self, const gchar *name);

/* Gives the node an additional name (its label, or with the suffix); no change where it has it. NAME_INVALID,
 * NAME_TAKEN. */
void ew_mesh_add_name_async (EwMesh *self, const gchar *name, const gchar *node_id, GAsyncReadyCallback callback,
                             gpointer user_data);
EwNode *ew_mesh_add_name_finish (EwMesh *self, GAsyncResult *result, GError **error);
/* Offers a search domain that a resolver behind the node, or on it, answers. NAME_INVALID, NAME_TAKEN, ROUTE_INVALID:
 * no route of the node leads to the resolver. */
void ew_mesh_add_domain_async (EwMesh *self, const gchar *domain, const gchar *resolver, const gchar *node_id,
                               GAsyncReadyCallback callback, gpointer user_data);
const EwDomainEntry *ew_mesh_add_domain_finish (EwMesh *self, GAsyncResult *result, GError **error);
/* Takes an additional name or a domain away. NOT_FOUND; NAME_INVALID: it is a node's own name, or an edge's. */
void ew_mesh_remove_name_async (EwMesh *self, const gchar *name, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_mesh_remove_name_finish (GAsyncResult *result, GError **error);

/* A suffix as ew_suffix_check() wants it, which isn't one below which anyone can register names. */
gboolean ew_mesh_check_suffix (const gchar *suffix, GError **error);

G_END_DECLS
