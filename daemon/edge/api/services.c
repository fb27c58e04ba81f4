/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services: /v1/services. Answers about one are given once its targets have been probed.
 */
#include "edge/api/api-private.h"

#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/api/documents.h"
#include "edge/mesh/services.h"

#define LIST_MAX 150  /* services in one answer, which stays below 1 MiB */
#define TEXTS_MAX 100 /* read from a body; the mesh takes fewer, and says how many */

static JsonObject *
service_object (EwApiCall *call, const EwService *service)
{
  return ew_api_document_service (call->api->parts.mesh, call->api->parts.services, service);
}

JsonObject *
ew_api_get_services (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  const gchar *after = call->query ? g_hash_table_lookup (call->query, "after") : NULL;
  JsonObject *answer = json_object_new ();
  JsonArray *array = json_array_new ();
  const EwService *service = ew_mesh_next_service (mesh, after);
  for (; service && json_array_get_length (array) < LIST_MAX; service = ew_mesh_next_service (mesh, service->id))
    json_array_add_object_element (array, service_object (call, service));
  json_object_set_string_member (answer, "suffix", ew_mesh_get_suffix (mesh));
  json_object_set_array_member (answer, "services", array);
  json_object_set_boolean_member (answer, "more", service != NULL);
  return answer;
}

/* call->kept: the service's ID. */
static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  const EwService *service = NULL;
  if (ew_services_check_finish (result, &error))
    service = ew_mesh_find_service (call->api->parts.mesh, call->kept, &error);
  call->answer (call, service ? service_object (call, service) : NULL, error);
}

static void
answer_checked (EwApiCall *call, const EwService *service)
{
  g_free (call->kept);
  call->kept = g_strdup (service->id);
  ew_services_check_async (call->api->parts.services, service->id, on_checked, call);
}

JsonObject *
ew_api_get_service (EwApiCall *call, GError **error)
{
  const EwService *service = ew_mesh_find_service (call->api->parts.mesh, call->argument, error);
  if (service)
    answer_checked (call, service);
  return NULL;
}

/* Bodies. */

typedef struct
{
  EwServiceRequest request;
  GStrv targets, ports, addresses;
} Body;

static void
body_clear (Body *body)
{
  g_strfreev (body->targets);
  g_strfreev (body->ports);
  g_strfreev (body->addresses);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Body, body_clear)

/* NULL where the member is missing or null. */
static gboolean
get_strings (JsonObject *body, const gchar *member, GStrv *out, GError **error)
{
  *out = NULL;
  if (!json_object_has_member (body, member) || json_object_get_null_member (body, member))
    return TRUE;
  *out = ew_json_strv (body, member, TEXTS_MAX);
  if (*out)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "%s must be an array of at most %d strings.", member,
                TEXTS_MAX);
  return FALSE;
}

static gboolean
read_body (JsonObject *object, Body *body, GError **error)
{
  EwServiceRequest *request = &body->request;
  if (!ew_api_get_string (object, "name", &request->name, error)
      || !get_strings (object, "targets", &body->targets, error) || !get_strings (object, "ports", &body->ports, error)
      || !get_strings (object, "addresses", &body->addresses, error)
      || !ew_api_get_string (object, "spread", &request->spread, error)
      || !ew_api_get_string (object, "source", &request->source, error)
      || !ew_api_get_string (object, "check", &request->check, error))
    return FALSE;
  request->targets = (const gchar *const *)body->targets;
  request->ports = (const gchar *const *)body->ports;
  request->addresses = (const gchar *const *)body->addresses;
  request->udp = ew_json_bool (object, "udp", FALSE);
  return TRUE;
}

/* Changes. */

static void
on_service_put (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  EwMesh *mesh = call->api->parts.mesh;
  const EwService *service = ew_mesh_service_finish (mesh, result, &error);
  if (service == NULL)
    {
      call->answer (call, NULL, error);
      return;
    }
  g_autofree gchar *target = ew_mesh_target_label (mesh, service->targets->pdata[0], 0);
  g_message (call->kept ? "service %s (%s%s) was changed, by %s" : "service %s (%s%s) was added, by %s", service->name,
             target, service->targets->len > 1 ? " and others" : "", call->who);
  answer_checked (call, service);
}

JsonObject *
ew_api_post_services (EwApiCall *call, GError **error)
{
  g_auto (Body) body = { 0 };
  const gchar *name;
  if (!ew_api_need_string (call->body, "name", &name, error) || !read_body (call->body, &body, error))
    return NULL;
  if (body.targets == NULL)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "The request lacks %s.", "targets");
      return NULL;
    }
  call->who = ew_api_caller_name (call);
  ew_mesh_add_service_async (call->api->parts.mesh, &body.request, on_service_put, call);
  return NULL;
}

JsonObject *
ew_api_patch_service (EwApiCall *call, GError **error)
{
  g_auto (Body) body = { 0 };
  const EwService *service = ew_mesh_find_service (call->api->parts.mesh, call->argument, error);
  if (service == NULL || !read_body (call->body, &body, error))
    return NULL;
  call->who = ew_api_caller_name (call);
  call->kept = g_strdup (service->id);
  ew_mesh_edit_service_async (call->api->parts.mesh, service->id, &body.request, on_service_put, call);
  return NULL;
}

static void
on_service_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  gboolean removed = ew_mesh_remove_service_finish (result, &error);
  if (removed)
    g_message ("service %s was removed, by %s", call->kept, call->who);
  call->answer (call, removed ? json_object_new () : NULL, error);
}

JsonObject *
ew_api_delete_service (EwApiCall *call, GError **error)
{
  const EwService *service = ew_mesh_find_service (call->api->parts.mesh, call->argument, error);
  if (service == NULL)
    return NULL;
  call->who = ew_api_caller_name (call);
  call->kept = g_strdup (service->name);
  ew_mesh_remove_service_async (call->api->parts.mesh, service->id, on_service_removed, call);
  return NULL;
}
