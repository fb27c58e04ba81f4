/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/describe.h"
#include "common/error.h"
#include "common/util.h"
#include "edgeway-config.h"
#include <string.h>

#define DESCRIPTION_MAX 64 /* bytes that an edge takes (daemon/edge/API.md) */

typedef struct
{
  EwKeystore *keystore;
  gchar *id, *os;
} Description;

static void
description_free (gpointer data)
{
  Description *description = data;
  ew_keystore_unref (description->keystore);
  g_free (description->id);
  g_free (description->os);
  g_free (description);
}

gchar *
ew_describe_os (void)
{
  g_autofree gchar *name = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);
  if (!name || !*name || strlen (name) > DESCRIPTION_MAX)
    return g_strdup ("Linux");
  return g_steal_pointer (&name);
}

void
ew_describe_told (EwKeystore *keystore, const gchar *os, const gchar *version)
{
  g_free (keystore->told_os);
  g_free (keystore->told_version);
  keystore->told_os = g_strdup (os);
  keystore->told_version = g_strdup (version);
}

gboolean
ew_describe_is_due (EwKeystore *keystore)
{
  g_autofree gchar *os = ew_describe_os ();
  return g_strcmp0 (keystore->told_os, os) != 0 || g_strcmp0 (keystore->told_version, EW_VERSION) != 0;
}

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Description *description = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, &error);
  if (g_error_matches (error, EW_ERROR, EW_ERROR_NOT_FOUND)
      || g_error_matches (error, EW_ERROR, EW_ERROR_METHOD_NOT_ALLOWED))
    g_task_return_boolean (task, FALSE);
  else if (error)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    {
      if (g_strcmp0 (description->keystore->id, description->id) == 0)
        ew_describe_told (description->keystore, description->os, EW_VERSION);
      g_task_return_boolean (task, TRUE);
    }
}

void
ew_describe_async (EwClient *client, EwKeystore *keystore, GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  Description *description = g_new0 (Description, 1);
  g_autoptr (JsonObject) body = json_object_new ();
  description->keystore = ew_keystore_ref (keystore);
  description->id = g_strdup (keystore->id);
  description->os = ew_describe_os ();
  g_task_set_task_data (task, description, description_free);
  json_object_set_string_member (body, "os", description->os);
  json_object_set_string_member (body, "version", EW_VERSION);
  ew_client_call_async (client, "PATCH", "/v1/self", body, cancellable, answered, task);
}

gboolean
ew_describe_finish (EwClient *client, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
