/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "open-app.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

#include "control/notice.h"

gchar *
ew_open_app_get_id (GApplication *application)
{
  const gchar *own = g_application_get_application_id (application);

  return g_str_has_suffix (own, ".Tray") || g_str_has_suffix (own, ".Teller")
           ? g_strndup (own, strrchr (own, '.') - own)
           : g_strdup (EW_APP_ID);
}

typedef struct
{
  GApplication *application;
  gchar *daemon_bus;
} Opening;

static void
opening_free (Opening *opening)
{
  g_object_unref (opening->application);
  g_free (opening->daemon_bus);
  g_free (opening);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Opening, opening_free)

static void
start_program (Opening *opening)
{
  g_autofree gchar *app_id = ew_open_app_get_id (opening->application);
  g_autofree gchar *id_option = g_strconcat ("--gapplication-app-id=", app_id, NULL);
  const gchar *argv[] = { "edgeway", NULL, NULL, NULL, NULL };
  guint n = 1;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *body = NULL;

  if (opening->daemon_bus != NULL)
    {
      argv[n++] = "--bus";
      argv[n++] = opening->daemon_bus;
    }
  if (!g_str_equal (app_id, EW_APP_ID))
    argv[n] = id_option;
  if (g_spawn_async (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &error))
    return;
  body
    = g_strdup_printf (_ ("The program edgeway couldn't be started: %s. Check that it is installed."), error->message);
  ew_notice_send (opening->application, "open", _ ("The Map Didn't Open"), body, NULL, NULL);
}

static void
on_activated (GObject *bus, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Opening) opening = user_data;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, NULL);

  if (answer == NULL)
    start_program (opening);
}

void
ew_open_app (GApplication *application, const gchar *daemon_bus)
{
  Opening *opening = g_new0 (Opening, 1);
  g_autofree gchar *app_id = ew_open_app_get_id (application),
                   *path = g_strdelimit (g_strconcat ("/", app_id, NULL), ".", '/');

  opening->application = g_object_ref (application);
  opening->daemon_bus = g_strdup (daemon_bus);
  g_dbus_connection_call (g_application_get_dbus_connection (application), app_id, path, "org.freedesktop.Application",
                          "Activate", g_variant_new ("(a{sv})", NULL), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          on_activated, opening);
}
