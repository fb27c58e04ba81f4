/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "background.h"

#define PORTAL_NAME "org.freedesktop.portal.Desktop"
#define PORTAL_PATH "/org/freedesktop/portal/desktop"
#define REQUEST_INTERFACE "org.freedesktop.portal.Request"

/* The portal's answers: org.freedesktop.portal.Request::Response. */
enum
{
  RESPONSE_SUCCESS,
  RESPONSE_CANCELLED,
};

typedef struct
{
  GDBusConnection *bus;
  GVariant *options;
  gchar *token;
  guint answer, owner;
  gboolean autostart;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_clear_pointer (&request->options, g_variant_unref);
  g_clear_object (&request->bus);
  g_free (request->token);
  g_free (request);
}

/* Drops what waits for an answer; the task is its caller's. */
static void
stop_waiting (Request *request)
{
  if (request->answer != 0)
    g_dbus_connection_signal_unsubscribe (request->bus, request->answer);
  request->answer = 0;
  g_clear_handle_id (&request->owner, g_bus_unwatch_name);
}

static void
fail_request (GTask *task, gint code, const gchar *message)
{
  stop_waiting (g_task_get_task_data (task));
  g_task_return_new_error (task, G_IO_ERROR, code, "%s", message);
  g_object_unref (task);
}

static void
on_response (GDBusConnection *bus, const gchar *sender, const gchar *path, const gchar *interface, const gchar *signal,
             GVariant *parameters, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autoptr (GVariant) results = NULL;
  guint32 response;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ua{sv})")))
    return;
  g_variant_get (parameters, "(u@a{sv})", &response, &results);
  /* A portal whose backend fails answers with success, but without the requested value. */
  if (response == RESPONSE_SUCCESS && g_variant_lookup (results, "autostart", "b", &request->autostart))
    {
      stop_waiting (request);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
  else
    fail_request (task, response == RESPONSE_CANCELLED ? G_IO_ERROR_CANCELLED : G_IO_ERROR_FAILED,
                  "the portal refused the request");
}

static void
expect_answer (GTask *task, const gchar *handle)
{
  Request *request = g_task_get_task_data (task);

  request->answer
    = g_dbus_connection_signal_subscribe (request->bus, PORTAL_NAME, REQUEST_INTERFACE, "Response", handle, NULL,
                                          G_DBUS_SIGNAL_FLAGS_NONE, on_response, task, NULL);
}

/* A portal that exits before it answers won't answer. */
static void
on_portal_vanished (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  fail_request (user_data, G_IO_ERROR_CLOSED, "the portal ended");
}

static void
on_requested (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gboolean answered = request->answer == 0; /* the signal arrived before the call's own reply */

  if (!answered && answer == NULL)
    fail_request (task,
                  g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD)
                      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE)
                      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
                      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
                    ? G_IO_ERROR_NOT_SUPPORTED
                    : G_IO_ERROR_FAILED,
                  error->message);
  else if (!answered)
    request->owner = g_bus_watch_name_on_connection (request->bus, PORTAL_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                     on_portal_vanished, task, NULL);
  g_object_unref (task);
}

static void
on_bus (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *sender = NULL, *handle = NULL;

  request->bus = g_bus_get_finish (result, &error);
  if (request->bus == NULL)
    {
      fail_request (task, G_IO_ERROR_NOT_SUPPORTED, error->message);
      return;
    }
  sender = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (request->bus) + 1), ".", '_');
  handle = g_strconcat (PORTAL_PATH "/request/", sender, "/", request->token, NULL);
  expect_answer (task, handle);
  g_dbus_connection_call (request->bus, PORTAL_NAME, PORTAL_PATH, "org.freedesktop.portal.Background",
                          "RequestBackground", g_variant_new ("(s@a{sv})", "", request->options),
                          G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_requested, g_object_ref (task));
}

void
ew_background_request_async (const gchar *const *command, const gchar *reason, gboolean autostart,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Request *request = g_new0 (Request, 1);
  GVariantBuilder options;

  g_task_set_source_tag (task, ew_background_request_async);
  g_task_set_task_data (task, request, request_free);
  request->token = g_strdup_printf ("edgeway%08x", g_random_int ());
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (request->token));
  g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (reason));
  g_variant_builder_add (&options, "{sv}", "autostart", g_variant_new_boolean (autostart));
  g_variant_builder_add (&options, "{sv}", "commandline", g_variant_new_strv (command, -1));
  g_variant_builder_add (&options, "{sv}", "dbus-activatable", g_variant_new_boolean (FALSE));
  request->options = g_variant_ref_sink (g_variant_builder_end (&options));
  g_bus_get (G_BUS_TYPE_SESSION, NULL, on_bus, task);
}

gboolean
ew_background_request_finish (GAsyncResult *result, gboolean *autostart, GError **error)
{
  *autostart = ((Request *)g_task_get_task_data (G_TASK (result)))->autostart;
  return g_task_propagate_boolean (G_TASK (result), error);
}
