/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/enroll.h"
#include "account/client.h"
#include "account/describe.h"
#include "account/document.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edgeway-config.h"
#include <string.h>

#define NAME_TRIES 9 /* "laptop", "laptop-2" … "laptop-9" */
#define API_MAX 16

typedef struct
{
  EwKeystore *keystore;
  EwEnrollmentKey *key;
  EwClient *client;
  gchar *name;
  gboolean name_given;
  guint tries;
} Enrollment;

static void ask (GTask *task);

static void
enrollment_free (gpointer data)
{
  Enrollment *enrollment = data;
  ew_keystore_unref (enrollment->keystore);
  g_clear_pointer (&enrollment->key, ew_enrollment_key_free);
  g_clear_object (&enrollment->client);
  g_free (enrollment->name);
  g_free (enrollment);
}

GStrv
ew_api_merge (const gchar *const *api, const gchar *const *more)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;
  for (const gchar *const *url = api; url && *url && n < API_MAX; url++, n++)
    g_strv_builder_add (builder, *url);
  for (; more && *more && n < API_MAX; more++)
    if (!api || !g_strv_contains (api, *more))
      {
        g_strv_builder_add (builder, *more);
        n++;
      }
  return g_strv_builder_end (builder);
}

/* Whether the edge refused permanently, so that nothing of this try can exist there. */
static gboolean
is_final (const GError *error)
{
  return g_error_matches (error, EW_ERROR, EW_ERROR_KEY_INVALID) || g_error_matches (error, EW_ERROR, EW_ERROR_KEY_USED)
         || g_error_matches (error, EW_ERROR, EW_ERROR_KEY_EXPIRED);
}

static void
refused (GTask *task, GError *error)
{
  Enrollment *enrollment = g_task_get_task_data (task);
  if (g_error_matches (error, EW_ERROR, EW_ERROR_NAME_TAKEN) && !enrollment->name_given
      && enrollment->tries < NAME_TRIES)
    {
      g_error_free (error);
      ask (task);
      return;
    }
  if (is_final (error))
    ew_keystore_drop_enrollment (enrollment->keystore);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static gboolean
store (Enrollment *enrollment, JsonObject *answer, GError **error)
{
  const gchar *ca = ew_client_get_ca (enrollment->client);
  g_autoptr (EwDocument) document = ew_document_parse (answer, ca, error);
  if (!document)
    return FALSE;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < document->edges->len; i++)
    g_strv_builder_addv (builder, (const gchar **)((EwDocumentEdge *)document->edges->pdata[i])->api);
  g_auto (GStrv) own = g_strv_builder_end (builder);
  g_auto (GStrv) api = ew_api_merge ((const gchar *const *)enrollment->key->api, (const gchar *const *)own);
  return ew_keystore_finish_enrollment (enrollment->keystore, enrollment->key->pin, ca, (const gchar *const *)api,
                                        document->id, answer, error);
}

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Enrollment *enrollment = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, &error);
  if (!answer)
    {
      refused (task, g_steal_pointer (&error));
      return;
    }
  if (store (enrollment, answer, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
}

static void
ask (GTask *task)
{
  Enrollment *enrollment = g_task_get_task_data (task);
  EwKeystore *keystore = enrollment->keystore;
  g_autoptr (JsonObject) body = json_object_new ();
  guint8 public_key[32], hash[32];
  gsize length;
  ew_key_public (keystore->pending_private_key, public_key);
  guint8 *credential = ew_base64url_decode (keystore->pending_credential, &length);
  ew_sha256 (credential, length, hash);
  ew_zero (credential, length);
  g_free (credential);
  g_autofree gchar *key_text = ew_key_to_base64 (public_key), *hash_text = ew_key_to_base64 (hash),
                   *os = ew_describe_os ();
  g_autofree gchar *name = NULL;
  enrollment->tries++;
  if (enrollment->tries > 1)
    name = g_strdup_printf ("%.61s-%u", enrollment->name, enrollment->tries);
  json_object_set_string_member (body, "secret", enrollment->key->secret);
  json_object_set_string_member (body, "name", name ? name : enrollment->name);
  json_object_set_string_member (body, "public_key", key_text);
  json_object_set_string_member (body, "credential_hash", hash_text);
  json_object_set_string_member (body, "os", os);
  json_object_set_string_member (body, "version", EW_VERSION);
  ew_describe_told (keystore, os, EW_VERSION);
  ew_client_call_async (enrollment->client, "POST", "/v1/enroll", body, g_task_get_cancellable (task), answered, task);
}

static gboolean
prepare (Enrollment *enrollment, const gchar *key_text, const gchar *name, guint32 mark, const gchar *proxy_file,
         GError **error)
{
  EwKeystore *keystore = enrollment->keystore;
  if (keystore->id && !keystore->removed)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_ALREADY_ENROLLED,
                    "This computer is already in the mesh \"%s\". Leave it first: `sudo edgewayctl leave`.",
                    ew_json_string (keystore->document, "mesh"));
      return FALSE;
    }
  if (!(enrollment->key = ew_enrollment_key_parse (key_text, error)))
    return FALSE;
  enrollment->name_given = name && *name;
  enrollment->name = enrollment->name_given ? g_strdup (name) : ew_name_of_computer (g_get_host_name ());
  if (!ew_name_check (enrollment->name, error)
      || !ew_keystore_begin_enrollment (keystore, enrollment->key->secret, error))
    return FALSE;
  enrollment->client = ew_client_new (enrollment->key->pin, (const gchar *const *)enrollment->key->api, keystore, mark);
  if (proxy_file)
    ew_client_set_proxy_file (enrollment->client, proxy_file);
  return TRUE;
}

void
ew_enroll_async (EwKeystore *keystore, const gchar *key_text, const gchar *name, guint32 mark, const gchar *proxy_file,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Enrollment *enrollment = g_new0 (Enrollment, 1);
  g_autoptr (GError) error = NULL;
  enrollment->keystore = ew_keystore_ref (keystore);
  g_task_set_task_data (task, enrollment, enrollment_free);
  if (prepare (enrollment, key_text, name, mark, proxy_file, &error))
    {
      ask (task);
      return;
    }
  g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
}

gboolean
ew_enroll_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
