/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/caller.h"

#include "common/error.h"
#include "common/phrase.h"

#define LOGIND_NAME "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_TIMEOUT_MS 5000

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) credentials = NULL;
  EwCaller *caller = g_task_get_task_data (task);

  if (answer != NULL)
    g_variant_get (answer, "(@a{sv})", &credentials);
  if (credentials == NULL || !g_variant_lookup (credentials, "UnixUserID", "u", &caller->uid))
    {
      ew_task_return_new_error (task, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                                "The bus doesn't know who is calling. Use sudo.");
      return;
    }
  g_variant_lookup (credentials, "ProcessID", "u", &caller->pid);
  g_task_return_boolean (task, TRUE);
}

void
ew_caller_identify_async (GDBusConnection *connection, const gchar *sender, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (connection, NULL, callback, user_data);

  g_task_set_source_tag (task, ew_caller_identify_async);
  g_task_set_task_data (task, g_new0 (EwCaller, 1), g_free);
  g_dbus_connection_call (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "GetConnectionCredentials", g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NONE, -1, cancellable, on_credentials, task);
}

gboolean
ew_caller_identify_finish (GAsyncResult *result, EwCaller *caller, GError **error)
{
  *caller = *(EwCaller *)g_task_get_task_data (G_TASK (result));
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The question to logind goes: the process's session; failing that, the user's session on a display; then that
   session's properties. */

static void
on_session (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GVariant) session = NULL;
  gboolean active = FALSE, is_remote = TRUE;
  const gchar *seat = NULL;

  if (answer != NULL)
    {
      g_variant_get (answer, "(@a{sv})", &session);
      g_variant_lookup (session, "Active", "b", &active);
      g_variant_lookup (session, "Remote", "b", &is_remote);
      g_variant_lookup (session, "Seat", "(&s&o)", &seat, NULL);
    }
  g_task_return_boolean (task, active && !is_remote && seat != NULL && *seat != '\0');
}

static void
ask_session (GDBusConnection *connection, const gchar *path, GTask *task)
{
  g_dbus_connection_call (connection, LOGIND_NAME, path, "org.freedesktop.DBus.Properties", "GetAll",
                          g_variant_new ("(s)", LOGIND_NAME ".Session"), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, LOGIND_TIMEOUT_MS, g_task_get_cancellable (task), on_session,
                          task);
}

static void
on_user_display (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (connection, result, NULL);
  g_autoptr (GVariant) display = NULL;
  const gchar *id = NULL, *path = NULL;

  if (answer != NULL)
    g_variant_get (answer, "(v)", &display);
  if (display != NULL && g_variant_is_of_type (display, G_VARIANT_TYPE ("(so)")))
    g_variant_get (display, "(&s&o)", &id, &path);
  if (id == NULL || *id == '\0')
    g_task_return_boolean (task, FALSE);
  else
    ask_session (connection, path, g_steal_pointer (&task));
}

static void
on_user (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (connection, result, NULL);
  GCancellable *cancellable = g_task_get_cancellable (task);
  const gchar *path;

  if (answer == NULL)
    {
      g_task_return_boolean (task, FALSE);
      return;
    }
  g_variant_get (answer, "(&o)", &path);
  g_dbus_connection_call (connection, LOGIND_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", LOGIND_NAME ".User", "Display"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, LOGIND_TIMEOUT_MS, cancellable, on_user_display,
                          g_steal_pointer (&task));
}

static void
on_process_session (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (connection, result, NULL);
  EwCaller *caller = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  const gchar *path;

  if (answer != NULL)
    {
      g_variant_get (answer, "(&o)", &path);
      ask_session (connection, path, g_steal_pointer (&task));
    }
  else if (caller->uid == 0) /* a root process outside every session is a service, wherever its user sits */
    g_task_return_boolean (task, FALSE);
  else
    g_dbus_connection_call (connection, LOGIND_NAME, LOGIND_PATH, LOGIND_NAME ".Manager", "GetUser",
                            g_variant_new ("(u)", caller->uid), G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                            LOGIND_TIMEOUT_MS, cancellable, on_user, g_steal_pointer (&task));
}

void
ew_caller_is_local_async (GDBusConnection *connection, const EwCaller *caller, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (connection, cancellable, callback, user_data);

  g_task_set_source_tag (task, ew_caller_is_local_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, g_memdup2 (caller, sizeof *caller), g_free);
  if (caller->pid == 0) /* logind would take 0 for edgewayd itself */
    {
      g_task_return_boolean (task, FALSE);
      g_object_unref (task);
      return;
    }
  g_dbus_connection_call (connection, LOGIND_NAME, LOGIND_PATH, LOGIND_NAME ".Manager", "GetSessionByPID",
                          g_variant_new ("(u)", caller->pid), G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          LOGIND_TIMEOUT_MS, cancellable, on_process_session, task);
}

gboolean
ew_caller_is_local_finish (GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}
