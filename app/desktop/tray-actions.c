/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/tray-actions.h"

#include <glib/gi18n.h>

#include "model/autostart.h"
#include "model/recent-nodes.h"
#include "model/tray-host.h"

#define HOST_TOLD_KEY "tray-host-told"

typedef struct
{
  gchar *program, *daemon_bus;
  gchar *name; /* the tray's on the session bus */
  guint watch;
  EwAutostart *autostart;
  EwTrayHost *host; /* NULL: the icon was not asked for yet */
  GSimpleAction *shown;
  EwTrayTold told;
  gpointer user_data;
} Tray;

static void
tray_free (gpointer data)
{
  Tray *tray = data;
  g_clear_handle_id (&tray->watch, g_bus_unwatch_name);
  if (tray->host != NULL)
    g_signal_handlers_disconnect_by_data (tray->host, tray);
  g_clear_object (&tray->host);
  g_clear_object (&tray->autostart);
  g_object_unref (tray->shown);
  g_free (tray->program);
  g_free (tray->daemon_bus);
  g_free (tray->name);
  g_free (tray);
}

static void
on_appeared (GDBusConnection *bus, const gchar *name, const gchar *owner, gpointer user_data)
{
  g_simple_action_set_state (((Tray *)user_data)->shown, g_variant_new_boolean (TRUE));
}

static void
on_vanished (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  g_simple_action_set_state (((Tray *)user_data)->shown, g_variant_new_boolean (FALSE));
}

/* On other desktops the tray itself finds out whether icons are shown in the older way, and says so. */
static void
tell_without_host (Tray *tray)
{
  const gchar *desktop = g_getenv ("XDG_CURRENT_DESKTOP");
  g_autoptr (GSettings) settings = NULL;
  if (!ew_tray_host_get_known (tray->host) || ew_tray_host_get_there (tray->host) || desktop == NULL
      || strstr (desktop, "GNOME") == NULL)
    return;
  settings = ew_settings_new ();
  if (settings != NULL)
    g_settings_set_boolean (settings, HOST_TOLD_KEY, TRUE); /* the tray needn't say it again */
  tray->told (tray->user_data,
              _ ("GNOME shows tray icons only with an extension. Install the package "
                 "gnome-shell-extension-appindicator, log out and in again, then switch the extension on."));
}

static void
on_host_known (EwTrayHost *host, GParamSpec *pspec, gpointer user_data)
{
  tell_without_host (user_data);
}

static void
look_for_host (Tray *tray)
{
  if (tray->host != NULL)
    {
      tell_without_host (tray);
      return;
    }
  tray->host = ew_tray_host_new ();
  g_signal_connect (tray->host, "notify::known", G_CALLBACK (on_host_known), tray);
}

static gboolean
spawn_tray (const gchar *program, const gchar *name, const gchar *daemon_bus, const gchar *option, GError **error)
{
  g_autofree gchar *id_option = g_strconcat ("--gapplication-app-id=", name, NULL);
  const gchar *argv[6] = { program, id_option };
  guint n = 2;
  if (daemon_bus != NULL)
    {
      argv[n++] = "--bus";
      argv[n++] = daemon_bus;
    }
  argv[n] = option;
  return g_spawn_async (NULL, (gchar **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, error);
}

static gchar *
get_tray_name (void)
{
  return g_strconcat (g_application_get_application_id (g_application_get_default ()), ".Tray", NULL);
}

void
ew_tray_leave_teller (const gchar *daemon_bus)
{
  g_autofree gchar *program = g_find_program_in_path ("edgeway-tray"), *name = get_tray_name ();
  if (program != NULL)
    spawn_tray (program, name, daemon_bus, "--until-told", NULL);
}

/* A second tray in a session exits at once, so just start one. */
static void
start_tray (Tray *tray)
{
  g_autoptr (GError) error = NULL;
  if (spawn_tray (tray->program, tray->name, tray->daemon_bus, NULL, &error))
    {
      look_for_host (tray);
      return;
    }
  g_autofree gchar *text = g_strdup_printf (_ ("Can't start the tray icon: %s."), error->message);
  tray->told (tray->user_data, text);
}

static void
stop_tray (Tray *tray)
{
  g_autofree gchar *path = g_strdelimit (g_strconcat ("/", tray->name, NULL), ".", '/');
  g_dbus_connection_call (g_application_get_dbus_connection (g_application_get_default ()), tray->name, path,
                          "org.freedesktop.Application", "ActivateAction",
                          g_variant_new ("(sava{sv})", "quit", NULL, NULL), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                          NULL, NULL, NULL);
}

/* The state follows the tray itself. */
static void
change_shown (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  if (g_variant_get_boolean (value))
    start_tray (user_data);
  else
    stop_tray (user_data);
}

/* The state then follows the result. */
static void
on_autostart_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GObject) action = user_data;
  Tray *tray = g_object_get_data (action, "ew-tray"); /* lives as long as the action does */
  g_autoptr (GError) error = NULL;
  if (!ew_autostart_set_finish (EW_AUTOSTART (source), result, &error))
    tray->told (tray->user_data, error->message);
}

static void
change_autostart (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  Tray *tray = user_data;
  ew_autostart_set_async (tray->autostart, g_variant_get_boolean (value), on_autostart_set, g_object_ref (action));
}

static void
on_autostart_changed (EwAutostart *autostart, GParamSpec *pspec, gpointer user_data)
{
  g_simple_action_set_state (user_data, g_variant_new_boolean (ew_autostart_get (autostart)));
}

void
ew_tray_actions_add (GActionMap *map, const gchar *daemon_bus, EwTrayTold told, gpointer user_data)
{
  gchar *program = g_find_program_in_path ("edgeway-tray");
  if (program == NULL)
    return;
  GDBusConnection *bus = g_application_get_dbus_connection (g_application_get_default ());
  Tray *tray = g_new0 (Tray, 1);
  EwAutostart *entry = ew_autostart_new (ew_autostart_is_sandboxed ());
  g_autoptr (GSimpleAction) autostart
    = g_simple_action_new_stateful ("autostart", NULL, g_variant_new_boolean (ew_autostart_get (entry)));
  *tray = (Tray){
    .program = program,
    .daemon_bus = g_strdup (daemon_bus),
    .name = get_tray_name (),
    .autostart = entry,
    .shown = g_simple_action_new_stateful ("tray", NULL, g_variant_new_boolean (FALSE)),
    .told = told,
    .user_data = user_data,
  };
  g_object_set_data_full (G_OBJECT (autostart), "ew-tray", tray, tray_free);
  g_signal_connect (tray->shown, "change-state", G_CALLBACK (change_shown), tray);
  g_signal_connect (autostart, "change-state", G_CALLBACK (change_autostart), tray);
  if (bus != NULL)
    tray->watch = g_bus_watch_name_on_connection (bus, tray->name, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                  on_vanished, tray, NULL);
  g_signal_connect_object (entry, "notify::on", G_CALLBACK (on_autostart_changed), autostart, G_CONNECT_DEFAULT);
  g_action_map_add_action (map, G_ACTION (tray->shown));
  g_action_map_add_action (map, G_ACTION (autostart));
}
