/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/published.h"

#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/mesh-private.h"

#define HOST_MAX 253 /* RFC 1035 section 2.3.4, without the dot at its end */
#define SHOWN 64     /* characters of the input */

/* Names. */

static gboolean
is_host (const gchar *host)
{
  const gchar *rest = g_str_has_prefix (host, "*.") ? host + 2 : host;
  g_auto (GStrv) labels = g_strsplit (rest, ".", -1);
  guint n = g_strv_length (labels);
  gboolean good = strlen (host) <= HOST_MAX && n >= 2;
  for (guint i = 0; good && i < n; i++)
    good = ew_name_check (labels[i], NULL);
  /* An address looks like four labels. */
  return good && strspn (labels[n - 1], "0123456789") != strlen (labels[n - 1]);
}

gboolean
ew_mesh_check_host (const gchar *host, GError **error)
{
  g_autofree gchar *shown = g_strndup (host, SHOWN);
  return is_host (host)
         || ew_error_refuse (
           error, EW_ERROR_NAME_INVALID,
           "\"%s\" isn't a host name. Use one of letters, digits, '-' and dots such as ha.example.org, or "
           "*.apps.example.org for all names below a domain.",
           shown);
}

gboolean
ew_mesh_is_edge_host (EwMesh *self, const gchar *host)
{
  const EwEdge *edge = ew_mesh_get_edge (self);
  for (gchar **endpoint = edge ? edge->endpoints : NULL; endpoint && *endpoint; endpoint++)
    {
      g_autofree gchar *name = NULL;
      guint16 port;
      if (ew_host_port_parse (*endpoint, &name, &port, NULL) && g_ascii_strcasecmp (name, host) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Records. */

void
ew_mesh_published_free (EwPublished *published)
{
  if (published == NULL)
    return;
  g_free (published->host);
  g_free (published->service_id);
  g_free (published->certificate);
  ew_free_secret (published->key);
  g_free (published);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPublished, ew_mesh_published_free)

static EwPublished *
published_from_json (JsonObject *object)
{
  g_autoptr (EwPublished) published = g_new0 (EwPublished, 1);
  const gchar *access = ew_json_string (object, "access");
  published->host = g_strdup (ew_json_string (object, "host"));
  published->service_id = g_strdup (ew_json_string (object, "service"));
  published->certificate = g_strdup (ew_json_string (object, "certificate"));
  published->key = g_strdup (ew_json_string (object, "key"));
  if (!published->host || !is_host (published->host) || !published->service_id || !published->certificate
      || !published->key)
    return NULL;
  /* Anything that isn't understood must not open a name to everybody. */
  published->closed = g_strcmp0 (access, "public") != 0;
  published->created_us = MAX (ew_json_int (object, "created_us", 0), 0);
  return g_steal_pointer (&published);
}

static JsonObject *
published_to_json (const EwPublished *published)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "host", published->host);
  json_object_set_string_member (object, "service", published->service_id);
  json_object_set_string_member (object, "access", published->closed ? "closed" : "public");
  json_object_set_string_member (object, "certificate", published->certificate);
  json_object_set_string_member (object, "key", published->key);
  json_object_set_int_member (object, "created_us", published->created_us);
  return object;
}

/* Memory. */

EwPublished *
ew_mesh_get_published (EwMesh *self, const gchar *host)
{
  return g_tree_lookup (self->published, host);
}

EwPublished *
ew_mesh_next_published (EwMesh *self, const gchar *after)
{
  GTreeNode *next = after ? g_tree_upper_bound (self->published, after) : g_tree_node_first (self->published);
  return next ? g_tree_node_value (next) : NULL;
}

void
ew_mesh_apply_published (EwMesh *self, const gchar *host, JsonObject *object, gint64 revision)
{
  const EwPublished *old = g_tree_lookup (self->published, host);
  g_autoptr (EwPublished) published = object ? published_from_json (object) : NULL;
  if (old && old->store_revision >= revision)
    return;
  if (object && (published == NULL || !g_str_equal (published->host, host)))
    {
      g_warning ("store: /published/%s is damaged and skipped", host);
      return;
    }
  self->published_touched = TRUE;
  if (published)
    {
      published->store_revision = revision;
      g_tree_replace (self->published, published->host, published); /* frees old */
      g_steal_pointer (&published);
    }
  else
    g_tree_remove (self->published, host);
}

void
ew_mesh_change_unpublish_service (EwMesh *self, EwMeshChange *change, const gchar *service_id)
{
  for (const EwPublished *published = ew_mesh_next_published (self, NULL); published;
       published = ew_mesh_next_published (self, published->host))
    if (g_str_equal (published->service_id, service_id))
      {
        g_autofree gchar *key = ew_mesh_node_key ("/published/", published->host);
        ew_mesh_change_delete (change, key);
      }
}

/* Changes. */

typedef struct
{
  gchar *host, *service, *access, *certificate, *key;
} PublishChange;

static void
publish_change_free (gpointer data)
{
  PublishChange *wanted = data;
  g_free (wanted->host);
  g_free (wanted->service);
  g_free (wanted->access);
  g_free (wanted->certificate);
  ew_free_secret (wanted->key);
  g_free (wanted);
}

/* What the store has under that name; NULL without an error: nothing. */
static EwPublished *
read_published (EwMesh *self, const gchar *key, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return NULL;
  EwPublished *published = object ? published_from_json (object) : NULL;
  if (published)
    published->store_revision = revision;
  return published;
}

/* The service is expected as it is: one that is removed at the same moment isn't published. */
static gboolean
take_service (EwMesh *self, EwMeshChange *change, EwPublished *published, const PublishChange *wanted, GError **error)
{
  const EwService *known = ew_mesh_find_service (self, wanted->service, error);
  g_autoptr (EwService) service = known ? ew_mesh_read_service (self, known->id, error) : NULL;
  const EwServicePort *port = service ? ew_mesh_service_sole_port (service) : NULL;
  if (service == NULL)
    return FALSE;
  if (published->service_id && !g_str_equal (published->service_id, service->id))
    {
      const EwService *other = ew_mesh_get_service (self, published->service_id);
      return ew_error_refuse (
        error, EW_ERROR_NAME_TAKEN,
        "%s leads to the service %s already. Remove that first with `edgewayctl publish remove %s`.", wanted->host,
        other ? other->name : published->service_id, wanted->host);
    }
  if (port == NULL || port->protocol != IPPROTO_TCP)
    return ew_error_refuse (
      error, EW_ERROR_INVALID_ARGUMENT,
      "The service %s has no single TCP port, so it isn't a web site that can be published. Give it "
      "one with `edgewayctl service edit %s --port 80`.",
      service->name, service->name);
  g_autofree gchar *key = ew_mesh_node_key ("/services/", service->id);
  ew_mesh_change_expect (change, key, service->store_revision);
  if (published->service_id == NULL)
    published->service_id = g_strdup (service->id);
  return TRUE;
}

static gboolean
take_rest (EwPublished *published, const PublishChange *wanted, GError **error)
{
  if (wanted->access)
    published->closed = g_str_equal (wanted->access, "closed");
  if (wanted->certificate == NULL)
    return published->certificate
           || ew_error_refuse (
             error, EW_ERROR_INVALID_ARGUMENT,
             "A certificate for %s is needed. Give it and its private key: --certificate FILE --key FILE.",
             wanted->host);
  g_free (published->certificate);
  ew_free_secret (published->key);
  published->certificate = g_strdup (wanted->certificate);
  published->key = g_strdup (wanted->key);
  return TRUE;
}

static gboolean
put_published (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const PublishChange *wanted = data;
  g_autoptr (GError) cause = NULL;
  if (!ew_mesh_check_host (wanted->host, error))
    return FALSE;
  if (ew_mesh_is_edge_host (self, wanted->host))
    return ew_error_refuse (error, EW_ERROR_NAME_TAKEN,
                            "%s is the edge's own name, where nodes reach it. Publish the service under another.",
                            wanted->host);
  g_autofree gchar *key = ew_mesh_node_key ("/published/", wanted->host);
  g_autoptr (EwPublished) published = read_published (self, key, &cause);
  if (cause)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (published == NULL)
    {
      if (g_tree_nnodes (self->published) >= EW_MESH_PUBLISHED_MAX)
        return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                                "A mesh can have %d published names. Remove some with `edgewayctl publish remove`.",
                                EW_MESH_PUBLISHED_MAX);
      if (wanted->access == NULL)
        return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "The request lacks %s.", "access");
      published = g_new0 (EwPublished, 1);
      published->host = g_strdup (wanted->host);
      published->created_us = self->now_us ();
    }
  if (!take_service (self, change, published, wanted, error) || !take_rest (published, wanted, error))
    return FALSE;
  ew_mesh_change_expect (change, key, published->store_revision);
  ew_mesh_change_put (change, key, published_to_json (published));
  return TRUE;
}

void
ew_mesh_publish_async (EwMesh *self, const EwPublishRequest *request, GAsyncReadyCallback callback, gpointer user_data)
{
  PublishChange *wanted = g_new0 (PublishChange, 1);
  wanted->host = g_ascii_strdown (request->host, -1);
  wanted->service = g_strdup (request->service);
  wanted->access = g_strdup (request->access);
  wanted->certificate = g_strdup (request->certificate);
  wanted->key = g_strdup (request->key);
  ew_mesh_change_async (self, put_published, wanted, publish_change_free, callback, user_data);
}

EwPublished *
ew_mesh_publish_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const PublishChange *wanted = ew_mesh_change_finish (result, error);
  EwPublished *published = wanted ? ew_mesh_get_published (self, wanted->host) : NULL;
  if (wanted && published == NULL)
    ew_error_refuse (error, EW_ERROR_NOT_FOUND, "%s is no longer published.", wanted->host);
  return published;
}

static gboolean
remove_published (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const gchar *host = data;
  g_autofree gchar *key = ew_mesh_node_key ("/published/", host), *shown = g_strndup (host, SHOWN);
  gint64 revision;
  if (!ew_mesh_read (self, key, NULL, &revision, error))
    return FALSE;
  if (revision == 0)
    return ew_error_refuse (error, EW_ERROR_NOT_FOUND,
                            "\"%s\" isn't published. List what is with `edgewayctl publish list`.", shown);
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_delete (change, key);
  return TRUE;
}

void
ew_mesh_unpublish_async (EwMesh *self, const gchar *host, GAsyncReadyCallback callback, gpointer user_data)
{
  ew_mesh_change_async (self, remove_published, g_ascii_strdown (host, -1), g_free, callback, user_data);
}

gboolean
ew_mesh_unpublish_finish (GAsyncResult *result, GError **error)
{
  return ew_mesh_change_finish (result, error) != NULL;
}
