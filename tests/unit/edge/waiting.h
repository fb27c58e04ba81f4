/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes of the mesh that a test waits for: the calls of mesh.h and names.h that end in _async, made and finished. This
 * edge doesn't hear of another's changes in between, because on a store of fixture_store() watches are served when there
 * is nothing else to do, by fixture_settle().
 */
#pragma once

#include "edge/mesh/mesh.h"
#include "edge/mesh/names.h"
#include "edge/mesh/published.h"
#include "edge/mesh/services.h"

EwNode *fixture_enroll (EwMesh *mesh, const EwEnrollRequest *request, EwEnrollOutcome *outcome, GError **error);
gboolean fixture_revoke_key (EwMesh *mesh, const gchar *hash, GError **error);
EwNode *fixture_add_plain_node (EwMesh *mesh, const EwPlainRequest *request, GError **error);
EwNode *fixture_rename_node (EwMesh *mesh, const gchar *id, const gchar *name, GError **error);
EwNode *fixture_renew_plain_node (EwMesh *mesh, const gchar *id, const gchar *public_key, guint valid_seconds,
                                  GError **error);
gboolean fixture_remove_node (EwMesh *mesh, const gchar *id, GError **error);
gboolean fixture_leave_node (EwMesh *mesh, const gchar *id, GError **error);
const EwRouteEntry *fixture_add_route (EwMesh *mesh, const gchar *cidr, const gchar *node_id, GError **error);
gboolean fixture_remove_route (EwMesh *mesh, const gchar *cidr, GError **error);
EwNode *fixture_add_name (EwMesh *mesh, const gchar *name, const gchar *node_id, GError **error);
const EwDomainEntry *fixture_add_domain (EwMesh *mesh, const gchar *domain, const gchar *resolver, const gchar *node_id,
                                         GError **error);
gboolean fixture_remove_name (EwMesh *mesh, const gchar *name, GError **error);
EwService *fixture_add_service (EwMesh *mesh, const EwServiceRequest *request, GError **error);
EwService *fixture_edit_service (EwMesh *mesh, const gchar *id, const EwServiceRequest *request, GError **error);
gboolean fixture_remove_service (EwMesh *mesh, const gchar *id, GError **error);
EwPublished *fixture_publish (EwMesh *mesh, const EwPublishRequest *request, GError **error);
