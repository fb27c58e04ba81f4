/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/notice-markup.h"

#define SERVER "org.freedesktop.Notifications"
#define GNOME_SERVER "org.gtk.Notifications" /* GLib prefers it where it is available */
#define PATIENCE_MS 5000

static void
on_capabilities (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autofree const gchar **capabilities = NULL;

  if (answer != NULL)
    g_variant_get (answer, "(^a&s)", &capabilities);
  g_task_return_boolean (task, capabilities != NULL && g_strv_contains (capabilities, "body-markup"));
}

static void
on_gnome (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GDBusConnection *connection = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (connection, result, NULL);
  gboolean gnome = FALSE;

  if (answer != NULL)
    g_variant_get (answer, "(b)", &gnome);
  if (gnome)
    g_task_return_boolean (task, FALSE);
  else
    g_dbus_connection_call (connection, SERVER, "/org/freedesktop/Notifications", SERVER, "GetCapabilities", NULL,
                            G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, PATIENCE_MS, NULL, on_capabilities,
                            g_steal_pointer (&task));
}

void
ew_notice_markup_async (GDBusConnection *connection, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  if (connection == NULL || g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS))
    {
      g_task_return_boolean (task, FALSE);
      g_object_unref (task);
    }
  else
    g_dbus_connection_call (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                            "NameHasOwner", g_variant_new ("(s)", GNOME_SERVER), G_VARIANT_TYPE ("(b)"),
                            G_DBUS_CALL_FLAGS_NONE, PATIENCE_MS, NULL, on_gnome, task);
}

gboolean
ew_notice_markup_finish (GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}
