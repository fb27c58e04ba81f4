/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/tray-actions.h"

#include <glib/gi18n.h>

#include "model/autostart.h"

typedef struct
{
  gchar *program, *daemon_bus;
  GFileMonitor *monitor; /* NULL: the entry cannot be followed */
  EwTrayTold told;
  gpointer user_data;
} Tray;

static void
tray_free (gpointer data)
{
  Tray *tray = data;
  g_free (tray->program);
  g_free (tray->daemon_bus);
  g_clear_object (&tray->monitor);
  g_free (tray);
}

/* A second tray of a session ends by itself, so it is just started. */
static void
show (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Tray *tray = user_data;
  g_autofree gchar *id_option = g_strdup_printf ("--gapplication-app-id=%s.Tray",
                                                 g_application_get_application_id (g_application_get_default ()));
  const gchar *argv[] = { tray->program, id_option, tray->daemon_bus != NULL ? "--bus" : NULL, tray->daemon_bus, NULL };
  g_autoptr (GError) error = NULL;
  if (g_spawn_async (NULL, (gchar **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &error))
    return;
  g_autofree gchar *text = g_strdup_printf (_ ("The tray icon couldn't be started: %s."), error->message);
  tray->told (tray->user_data, text);
}

static void
change_autostart (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  Tray *tray = user_data;
  g_autoptr (GError) error = NULL;
  if (!ew_autostart_set (g_variant_get_boolean (value), &error))
    tray->told (tray->user_data, error->message);
  g_simple_action_set_state (action, g_variant_new_boolean (ew_autostart_get ()));
}

static void
autostart_changed (GSimpleAction *action)
{
  g_simple_action_set_state (action, g_variant_new_boolean (ew_autostart_get ()));
}

void
ew_tray_actions_add (GActionMap *map, const gchar *daemon_bus, EwTrayTold told, gpointer user_data)
{
  gchar *program = g_find_program_in_path ("edgeway-tray");
  if (program == NULL)
    return;
  Tray *tray = g_new0 (Tray, 1);
  g_autoptr (GSimpleAction) show_action = g_simple_action_new ("tray", NULL);
  g_autoptr (GSimpleAction) autostart
    = g_simple_action_new_stateful ("autostart", NULL, g_variant_new_boolean (ew_autostart_get ()));
  *tray = (Tray){ program, g_strdup (daemon_bus), ew_autostart_watch (), told, user_data };
  g_object_set_data_full (G_OBJECT (autostart), "ew-tray", tray, tray_free);
  g_signal_connect (show_action, "activate", G_CALLBACK (show), tray);
  g_signal_connect (autostart, "change-state", G_CALLBACK (change_autostart), tray);
  if (tray->monitor != NULL)
    g_signal_connect_object (tray->monitor, "changed", G_CALLBACK (autostart_changed), autostart, G_CONNECT_SWAPPED);
  g_action_map_add_action (map, G_ACTION (show_action));
  g_action_map_add_action (map, G_ACTION (autostart));
}
