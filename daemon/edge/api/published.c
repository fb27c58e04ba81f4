/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Published names: /v1/published. What was just published is answered once its name was looked up in DNS.
 */
#include "edge/api/api-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/published.h"
#include "edge/publish/certificate.h"

static JsonObject *
published_object (EwApiCall *call, const EwPublished *published)
{
  const EwApiParts *parts = &call->api->parts;
  const EwService *service = ew_mesh_get_service (parts->mesh, published->service_id);
  g_autofree gchar *problem = ew_publish_find_problem (parts->publish, published);
  g_autofree gchar *url = ew_publish_format_url (parts->publish, published);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "host", published->host);
  ew_json_set_string_or_null (object, "service", service ? service->name : NULL);
  json_object_set_string_member (object, "service_id", published->service_id);
  json_object_set_string_member (object, "access", published->closed ? "closed" : "public");
  json_object_set_string_member (object, "url", url);
  json_object_set_string_member (object, "state", problem ? "failed" : published->closed ? "closed" : "published");
  ew_json_set_string_or_null (object, "message", problem);
  if (problem)
    ew_phrase_add_member (object, "message_phrase", problem);
  ew_json_set_time_or_null (object, "certificate_ends", ew_publish_get_expiry (published->certificate));
  ew_json_set_time_or_null (object, "created", published->created_us);
  return object;
}

JsonObject *
ew_api_get_published (EwApiCall *call, GError **error)
{
  EwMesh *mesh = call->api->parts.mesh;
  JsonObject *answer = json_object_new ();
  JsonArray *array = json_array_new ();
  for (const EwPublished *published = ew_mesh_next_published (mesh, NULL); published;
       published = ew_mesh_next_published (mesh, published->host))
    json_array_add_object_element (array, published_object (call, published));
  json_object_set_array_member (answer, "published", array);
  return answer;
}

/* Publishing. */

static gboolean
refuse_argument (GError **error, const gchar *sentence)
{
  g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, sentence);
  return FALSE;
}

/* Nothing becomes public by leaving something out: the default, a login, isn't there yet. */
static gboolean
check_access (const gchar *access, const gchar *host, GError **error)
{
  if (g_strcmp0 (access, "public") == 0 || g_strcmp0 (access, "closed") == 0)
    return TRUE;
  g_autofree gchar *shown = g_strndup (host, 64);
  if (g_strcmp0 (access, "login") == 0)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "A login isn't available yet, so %s wasn't published. Publish it to everybody with --access public, "
                  "or prepare it with --access closed.",
                  shown);
  else if (access == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "Say who may reach %s: --access public lets in everybody, --access closed nobody for now. A login "
                  "isn't available yet.",
                  shown);
  else
    refuse_argument (error, N_ ("access must be \"public\", \"login\" or \"closed\"."));
  return FALSE;
}

static gboolean
check_files (const EwPublishRequest *request, GError **error)
{
  g_autofree gchar *host = g_ascii_strdown (request->host, -1);
  if (request->certificate == NULL && request->key == NULL)
    return TRUE;
  if (request->certificate == NULL || request->key == NULL)
    return refuse_argument (error,
                            N_ ("A certificate and its private key belong together. Give both: --certificate FILE "
                                "--key FILE."));
  if (strlen (request->certificate) > EW_MESH_CERTIFICATE_MAX || strlen (request->key) > EW_MESH_CERTIFICATE_KEY_MAX)
    return refuse_argument (error, N_ ("The certificate or its private key is too long to be one."));
  return ew_publish_check_certificate (request->certificate, request->key, host, g_get_real_time (), error);
}

/* call->kept: the host. */
static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  g_autofree gchar *warning = ew_publish_look_up_finish (result, &error);
  const EwPublished *published = ew_mesh_get_published (call->api->parts.mesh, call->kept);
  if (published == NULL && error == NULL)
    ew_set_error (&error, EW_ERROR, EW_ERROR_NOT_FOUND, "%s is no longer published.", call->kept);
  if (error)
    {
      call->answer (call, NULL, error);
      return;
    }
  JsonObject *answer = published_object (call, published);
  ew_json_set_string_or_null (answer, "warning", warning);
  if (warning)
    ew_phrase_add_member (answer, "warning_phrase", warning);
  call->answer (call, answer, NULL);
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  const EwPublished *published = ew_mesh_publish_finish (call->api->parts.mesh, result, &error);
  if (published == NULL)
    {
      call->answer (call, NULL, error);
      return;
    }
  const EwService *service = ew_mesh_get_service (call->api->parts.mesh, published->service_id);
  g_message ("service %s was published as %s (%s), by %s", service ? service->name : "?", published->host,
             published->closed ? "closed" : "public", call->who);
  call->kept = g_strdup (published->host);
  ew_publish_look_up_async (call->api->parts.publish, published->host, on_looked_up, call);
}

JsonObject *
ew_api_post_published (EwApiCall *call, GError **error)
{
  EwPublishRequest request = { 0 };
  if (!ew_api_need_string (call->body, "host", &request.host, error)
      || !ew_api_need_string (call->body, "service", &request.service, error)
      || !ew_api_get_string (call->body, "access", &request.access, error)
      || !ew_api_get_string (call->body, "certificate", &request.certificate, error)
      || !ew_api_get_string (call->body, "key", &request.key, error))
    return NULL;
  g_autofree gchar *host = g_ascii_strdown (request.host, -1);
  /* A published name keeps what its owner once said. */
  gboolean known = ew_mesh_get_published (call->api->parts.mesh, host) != NULL;
  if (!ew_mesh_check_host (host, error)
      || (!(known && request.access == NULL) && !check_access (request.access, host, error))
      || !check_files (&request, error))
    return NULL;
  call->who = ew_api_caller_name (call);
  ew_mesh_publish_async (call->api->parts.mesh, &request, on_published, call);
  return NULL;
}

static void
on_unpublished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwApiCall *call = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_api_call_is_over (call))
    return;
  gboolean removed = ew_mesh_unpublish_finish (result, &error);
  if (removed)
    g_message ("%s is no longer published, by %s", call->kept, call->who);
  call->answer (call, removed ? json_object_new () : NULL, error);
}

JsonObject *
ew_api_delete_published (EwApiCall *call, GError **error)
{
  g_autofree gchar *host = g_ascii_strdown (call->argument, -1);
  if (!ew_mesh_check_host (host, error))
    return NULL;
  call->who = ew_api_caller_name (call);
  call->kept = g_strdup (host);
  ew_mesh_unpublish_async (call->api->parts.mesh, host, on_unpublished, call);
  return NULL;
}
