/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/first-instance.h"

#include <glib/gi18n.h>

#define PATIENCE_MS 5000
#define BUS_PATIENCE_MS 2000

static gboolean
has_owner (GDBusConnection *bus, const gchar *name)
{
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
    bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
    g_variant_new ("(s)", name), G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, BUS_PATIENCE_MS, NULL, NULL);
  gboolean owned = FALSE;
  if (answer != NULL)
    g_variant_get (answer, "(b)", &owned);
  return owned;
}

/* Asked of its main loop: its thread for D-Bus answers a ping even while the rest hangs. */
static gboolean
hangs (GDBusConnection *bus, const gchar *name)
{
  g_autofree gchar *path = g_strdelimit (g_strconcat ("/", name, NULL), ".", '/');
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
    bus, name, path, "org.gtk.Actions", "List", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, PATIENCE_MS, NULL, &error);
  return answer == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static void
notify_person (GDBusConnection *bus, const gchar *sentence)
{
  GVariant *arguments
    = g_variant_new ("(susssasa{sv}i)", "Edgeway", 0u, EW_APP_ID, _ ("Edgeway"), sentence, NULL, NULL, -1);
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
    bus, "org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "Notify",
    arguments, NULL, G_DBUS_CALL_FLAGS_NONE, BUS_PATIENCE_MS, NULL, NULL);
  if (answer == NULL)
    g_debug ("nobody shows notifications here");
}

gboolean
ew_first_instance_answers (const gchar *application_id)
{
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  const gchar *sentence = _ ("Edgeway's window is open already and doesn't answer. End it, then start Edgeway again.");
  if (bus == NULL || !has_owner (bus, application_id) || !hangs (bus, application_id))
    return TRUE;
  g_printerr ("edgeway: %s\n", sentence);
  notify_person (bus, sentence);
  return FALSE;
}
