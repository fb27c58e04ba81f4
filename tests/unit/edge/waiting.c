/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "waiting.h"

static void
on_done (GObject *source, GAsyncResult *result, gpointer kept)
{
  *(GAsyncResult **)kept = g_object_ref (result);
}

/* What on_done() keeps. */
static GAsyncResult *
wait_for (GAsyncResult **kept)
{
  while (*kept == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *kept;
}

EwNode *
fixture_enroll (EwMesh *mesh, const EwEnrollRequest *request, EwEnrollOutcome *outcome, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_enroll_async (mesh, request, on_done, &result);
  return ew_mesh_enroll_finish (mesh, wait_for (&result), outcome, error);
}

gboolean
fixture_revoke_key (EwMesh *mesh, const gchar *hash, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_revoke_key_async (mesh, hash, on_done, &result);
  return ew_mesh_end_finish (wait_for (&result), error);
}

EwNode *
fixture_add_plain_node (EwMesh *mesh, const EwPlainRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_add_plain_node_async (mesh, request, on_done, &result);
  return ew_mesh_node_finish (mesh, wait_for (&result), error);
}

EwNode *
fixture_rename_node (EwMesh *mesh, const gchar *id, const gchar *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_rename_node_async (mesh, id, name, on_done, &result);
  return ew_mesh_node_finish (mesh, wait_for (&result), error);
}

EwNode *
fixture_renew_plain_node (EwMesh *mesh, const gchar *id, const gchar *public_key, guint valid_seconds, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_renew_plain_node_async (mesh, id, public_key, valid_seconds, on_done, &result);
  return ew_mesh_node_finish (mesh, wait_for (&result), error);
}

gboolean
fixture_remove_node (EwMesh *mesh, const gchar *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_remove_node_async (mesh, id, on_done, &result);
  return ew_mesh_end_finish (wait_for (&result), error);
}

gboolean
fixture_leave_node (EwMesh *mesh, const gchar *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_leave_node_async (mesh, id, on_done, &result);
  return ew_mesh_end_finish (wait_for (&result), error);
}

const EwRouteEntry *
fixture_add_route (EwMesh *mesh, const gchar *cidr, const gchar *node_id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_add_route_async (mesh, cidr, node_id, on_done, &result);
  return ew_mesh_add_route_finish (mesh, wait_for (&result), error);
}

gboolean
fixture_remove_route (EwMesh *mesh, const gchar *cidr, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_remove_route_async (mesh, cidr, on_done, &result);
  return ew_mesh_remove_route_finish (wait_for (&result), error);
}

EwNode *
fixture_add_name (EwMesh *mesh, const gchar *name, const gchar *node_id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_add_name_async (mesh, name, node_id, on_done, &result);
  return ew_mesh_add_name_finish (mesh, wait_for (&result), error);
}

const EwDomainEntry *
fixture_add_domain (EwMesh *mesh, const gchar *domain, const gchar *resolver, const gchar *node_id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_add_domain_async (mesh, domain, resolver, node_id, on_done, &result);
  return ew_mesh_add_domain_finish (mesh, wait_for (&result), error);
}

gboolean
fixture_remove_name (EwMesh *mesh, const gchar *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_remove_name_async (mesh, name, on_done, &result);
  return ew_mesh_remove_name_finish (wait_for (&result), error);
}

EwService *
fixture_add_service (EwMesh *mesh, const EwServiceRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_add_service_async (mesh, request, on_done, &result);
  return ew_mesh_service_finish (mesh, wait_for (&result), error);
}

EwService *
fixture_edit_service (EwMesh *mesh, const gchar *id, const EwServiceRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_edit_service_async (mesh, id, request, on_done, &result);
  return ew_mesh_service_finish (mesh, wait_for (&result), error);
}

gboolean
fixture_remove_service (EwMesh *mesh, const gchar *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_remove_service_async (mesh, id, on_done, &result);
  return ew_mesh_remove_service_finish (wait_for (&result), error);
}

EwPublished *
fixture_publish (EwMesh *mesh, const EwPublishRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  ew_mesh_publish_async (mesh, request, on_done, &result);
  return ew_mesh_publish_finish (mesh, wait_for (&result), error);
}
