/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgeway-tray: the options, one instance in a session, never root. With --until-told it has no icon: the app leaves it
 * behind where its window is closed while VPN mode is being tried, so that the person learns how that ends.
 */
#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <locale.h>
#include <unistd.h>

#include "common/plain.h"
#include "control/control.h"
#include "version/version.h"
#include "open-app.h"
#include "teller.h"
#include "tray.h"

static EwTray *tray;      /* NULL until the first activation */
static EwTeller *teller;  /* the same, without an icon */
static gboolean no_icon;  /* --until-told */
static gchar *daemon_bus; /* NULL: the system bus */
static gint exit_status;  /* where it cannot begin */

static gint
on_local_options (GApplication *application, GVariantDict *options, gpointer user_data)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("edgeway-tray %s\n", ew_version_text ());
      return 0;
    }
  if (geteuid () == 0)
    {
      g_printerr ("%s\n", _ ("edgeway-tray doesn't run as root. Start it as the user at this computer's screen."));
      return 1;
    }
  if (!gtk_init_check (NULL, NULL))
    {
      g_printerr ("%s\n", _ ("There is no display to show a tray icon on. Start edgeway-tray in a desktop session."));
      return 1;
    }
  if (no_icon)
    {
      g_autofree gchar *app = ew_open_app_get_id (application), *id = g_strconcat (app, ".Teller", NULL);
      g_application_set_application_id (application, id);
    }
  return -1;
}

static void
begin_without_icon (GApplication *application)
{
  g_autoptr (EwDaemon) daemon = ew_daemon_new (daemon_bus);
  g_autoptr (EwControl) control = ew_control_new (daemon);
  g_autofree gchar *app = ew_open_app_get_id (application), *icon = g_strconcat (app, ".Tray", NULL);
  const gchar *const others[] = { app, icon, NULL };

  if (teller != NULL)
    return;
  teller = ew_teller_new (application, control, daemon_bus, others);
  ew_teller_hold_while_trying (teller);
}

static void
on_activate (GApplication *application, gpointer user_data)
{
  if (tray != NULL)
    {
      ew_tray_look_for (tray);
      return;
    }
  if (g_application_get_dbus_connection (application) == NULL)
    {
      g_printerr ("%s\n",
                  _ ("There is no session bus, which tray icons need. Start edgeway-tray in a desktop session."));
      exit_status = 1;
      return;
    }
  if (no_icon)
    {
      begin_without_icon (application);
      return;
    }
  g_application_hold (application);
  tray = ew_tray_new (application, daemon_bus);
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  g_application_quit (application);
}

static void
on_shutdown (void)
{
  if (tray != NULL)
    ew_tray_stop (tray);
  if (teller != NULL)
    ew_teller_stop (teller);
}

int
main (int argc, char **argv)
{
  const GOptionEntry options[] = {
    { "bus", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &daemon_bus,
      N_ ("Look for edgewayd on the bus at ADDRESS instead of the system bus"), N_ ("ADDRESS") },
    { "until-told", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &no_icon,
      N_ ("Show no icon: tell how a try of VPN mode ends, then end"), NULL },
    { "version", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, NULL, N_ ("Print the version"), NULL },
    { NULL },
  };
  const GActionEntry actions[] = { { .name = "quit", .activate = on_quit } };
  g_autoptr (GApplication) application = NULL;
  gint status;

  setlocale (LC_ALL, "");
  ew_plain_init ();
  bindtextdomain (GETTEXT_PACKAGE, EW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name ("Edgeway");

  application = g_application_new (EW_APP_ID ".Tray", G_APPLICATION_CAN_OVERRIDE_APP_ID);
  g_application_set_option_context_summary (application, _ ("The state of this computer's tunnel, in the panel."));
  g_application_add_main_option_entries (application, options);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  g_signal_connect (application, "handle-local-options", G_CALLBACK (on_local_options), NULL);
  g_signal_connect (application, "activate", G_CALLBACK (on_activate), NULL);
  g_signal_connect (application, "shutdown", G_CALLBACK (on_shutdown), NULL);
  status = g_application_run (application, argc, argv);
  g_clear_object (&tray);
  g_clear_object (&teller);
  g_free (daemon_bus);
  return status != 0 ? status : exit_status;
}
