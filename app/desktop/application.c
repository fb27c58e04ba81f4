/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/application.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "access/access.h"
#include "access/dialog.h"
#include "desktop/ends.h"
#include "desktop/every-window.h"
#include "desktop/first-frame.h"
#include "desktop/first-instance.h"
#include "desktop/key-opener.h"
#include "control/notices.h"
#include "control/wishes.h"
#include "desktop/tray-actions.h"
#include "enroll/proxy-password.h"
#include "enroll/wizard.h"
#include "model/proxy-answer.h"
#include "model/recent-nodes.h"
#include "model/topology.h"
#include "version/version.h"
#include "window/diagnosis.h"
#include "window/leave.h"
#include "window/vpn-options.h"
#include "window/window.h"

struct _EwApplication
{
  AdwApplication parent_instance;
  gchar *bus_address;  /* NULL: the system bus */
  GSettings *settings; /* NULL: the schema is not installed */
  EwDaemon *daemon;
  EwTopology *topology;
  EwControl *control;
  GSimpleActionGroup *actions; /* what follow_daemon() enables; reached through wishes */
  EwWishes *wishes;
  EwNotices *notices;
  EwEnds *ends;
  EwKeyOpener *key_opener;
  EwWizard *wizard; /* the one that is open, weak; NULL: none */
};

G_DEFINE_FINAL_TYPE (EwApplication, ew_application, ADW_TYPE_APPLICATION)

static EwWindow *
get_window (EwApplication *self)
{
  for (GList *each = gtk_application_get_windows (GTK_APPLICATION (self)); each != NULL; each = each->next)
    if (EW_IS_WINDOW (each->data))
      return each->data;
  return NULL;
}

static EwWindow *
present_window (EwApplication *self)
{
  EwWindow *window = get_window (self);
  if (window == NULL)
    {
      window = ew_window_new (GTK_APPLICATION (self), self->control, self->topology, self->settings);
      ew_first_frame_watch (GTK_WIDGET (window));
    }
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

/* --- actions --- */

/* One wizard at a time, so that work begun in it isn't hidden by another one. key: NULL: none yet. */
static void
open_wizard (EwApplication *self, EwWizardStart start, const gchar *key)
{
  EwWindow *window = present_window (self);
  if (self->wizard == NULL)
    {
      g_set_weak_pointer (&self->wizard, ew_wizard_new (self->daemon, self->topology, start));
      gtk_window_set_transient_for (GTK_WINDOW (self->wizard), GTK_WINDOW (window));
    }
  if (key != NULL)
    ew_wizard_set_key (self->wizard, key);
  gtk_window_present (GTK_WINDOW (self->wizard));
}

static void
key_accepted (EwApplication *self, const gchar *key)
{
  open_wizard (self, EW_WIZARD_JOIN, key);
}

static void
join (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_wizard (user_data, EW_WIZARD_JOIN, NULL);
}

static void
new_mesh (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_wizard (user_data, EW_WIZARD_NEW_MESH, NULL);
}

static void
add_server (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_wizard (user_data, EW_WIZARD_ADD_SERVER, NULL);
}

static void
add_phone (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_wizard (user_data, EW_WIZARD_ADD_PHONE, NULL);
}

static void
open_key (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  ew_key_opener_open (self->key_opener, GTK_WINDOW (present_window (self)), g_variant_get_string (parameter, NULL));
}

static void
leave (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  ew_leave_ask (present_window (self), self->daemon);
}

static void
diagnose (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  EwWindow *window = present_window (self);
  if (!ew_access_raise ("diagnosis"))
    ew_access_present_once (GTK_WINDOW (ew_diagnosis_new (GTK_WINDOW (window), self->daemon)), "diagnosis");
}

static void
vpn_options (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  EwWindow *window = present_window (self);
  if (!ew_access_raise ("vpn-options"))
    ew_access_present_once (GTK_WINDOW (ew_vpn_options_new (GTK_WINDOW (window), self->control)), "vpn-options");
}

static void
on_password_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwApplication) self = user_data;
  g_autoptr (GError) error = NULL;
  EwWindow *window = get_window (self);
  if (!ew_proxy_password_ask_finish (result, &error) && error != NULL && window != NULL)
    ew_window_refuse (window, error->message);
}

static void
ask_proxy_password (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  ew_proxy_password_ask_async (GTK_WINDOW (present_window (self)), self->daemon, on_password_asked,
                               g_object_ref (self));
}

static void
about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwApplication *self = user_data;
  if (ew_access_raise ("about"))
    return;
  const gchar *version = ew_daemon_get_version (self->daemon);
  /* Translators: versions of this program and of its service */
  g_autofree gchar *debug = g_strdup_printf (_ ("Edgeway %s, service %s"), ew_version_text (),
                                             *version != '\0' ? version : _ ("not reached"));
  GtkWidget *dialog = g_object_new (
    ew_dialog_about_type (), "application-name", _ ("Edgeway"), "application-icon", EW_APP_ID, "version", EW_VERSION,
    "developer-name", _ ("The Edgeway authors"), "license-type", GTK_LICENSE_GPL_3_0, "comments",
    _ ("A private mesh in the shape of a wheel: every computer reaches every other one through your own edge server."),
    "debug-info", debug, "debug-info-filename", "edgeway.txt", "translator-credits",
    /* Translators: your name, shown in the about window */
    _ ("translator-credits"), NULL);
  ew_dialog_present (dialog, GTK_WINDOW (present_window (self)), "about");
}

static void
quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwWindow *window = get_window (user_data);
  if (!ew_every_window_close_others (user_data, window != NULL ? GTK_WINDOW (window) : NULL))
    return; /* the wizard asks first about what was begun in it */
  g_application_quit (G_APPLICATION (user_data));
}

static void
shortcuts (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ew_every_window_show_shortcuts (user_data);
}

static void
told (gpointer user_data, const gchar *sentence)
{
  ew_window_refuse (present_window (user_data), sentence);
}

static gboolean
has_window (gpointer user_data)
{
  return get_window (user_data) != NULL;
}

static void
on_refused (EwApplication *self, const gchar *sentence)
{
  EwWindow *window = get_window (self);
  if (window != NULL)
    ew_window_refuse (window, sentence);
  else
    ew_notices_tell_end (self->notices, _ ("Nothing Was Changed"), sentence);
}

static gboolean
is_in_front (gpointer user_data)
{
  EwWindow *window = get_window (user_data);
  return window != NULL && gtk_window_is_active (GTK_WINDOW (window));
}

static void
add_actions (EwApplication *self)
{
  const GActionEntry entries[] = {
    { "join", join },           { "new-mesh", new_mesh },       { "add-server", add_server },
    { "add-phone", add_phone }, { "open-key", open_key, "s" },  { "leave", leave },
    { "diagnose", diagnose },   { "vpn-options", vpn_options }, { "proxy-password", ask_proxy_password },
    { "about", about },         { "shortcuts", shortcuts },     { "quit", quit },
  };
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), entries, G_N_ELEMENTS (entries), self);
  ew_control_add_actions (self->control, G_ACTION_MAP (self->actions));
  ew_tray_actions_add (G_ACTION_MAP (self->actions), self->bus_address, told, self);
  ew_wishes_add_actions (self->wishes, G_ACTION_GROUP (self->actions));
}

static void
add_accelerators (EwApplication *self)
{
  const struct
  {
    const gchar *action, *keys[4];
  } accelerators[] = {
    { "app.add-server", { "<Control>n" } },
    { "app.quit", { "<Control>q" } },
    { "win.search", { "<Control>f" } },
    { "win.view::map", { "<Control>1" } },
    { "win.view::list", { "<Control>2" } },
    { "win.details", { "F9" } },
    { "win.zoom-in", { "<Control>plus", "<Control>equal", "<Control>KP_Add" } },
    { "win.zoom-out", { "<Control>minus", "<Control>KP_Subtract" } },
    { "win.fit", { "<Control>0", "<Control>KP_0" } },
    { "app.shortcuts", { "<Control>question", "F1" } },
    { "window.close", { "<Control>w" } },
  };
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action, accelerators[i].keys);
}

static void
follow_daemon (EwApplication *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  gboolean ready = ew_daemon_get_availability (self->daemon) == EW_AVAILABILITY_READY;
  /* Other computers can't reach a trial's edge. */
  gboolean administers = ready && !ew_daemon_get_trial (self->daemon) && state == EW_STATE_CONNECTED
                         && ew_daemon_get_administrator (self->daemon);
  const struct
  {
    const gchar *action;
    gboolean enabled;
  } actions[] = {
    { "join", ready && (state == EW_STATE_NOT_ENROLLED || state == EW_STATE_REMOVED) },
    { "add-server", administers },
    { "add-phone", administers },
    { "leave", ready && (ew_daemon_get_enrolled (self->daemon) || state == EW_STATE_REMOVED) },
    { "diagnose", ready },
    { "vpn-options", ready && ew_daemon_get_enrolled (self->daemon) },
    { "proxy-password", ready },
  };
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), actions[i].action);
      g_simple_action_set_enabled (G_SIMPLE_ACTION (action), actions[i].enabled);
    }
}

/* --- the application's life --- */

/* The app sees renames, the tray doesn't: it shows what is remembered. */
static void
follow_names (EwApplication *self)
{
  if (ew_topology_get_stream (self->topology) == EW_STREAM_LIVE)
    ew_recent_nodes_follow (self->settings, G_LIST_MODEL (self->topology));
}

static void
ew_application_startup (GApplication *application)
{
  EwApplication *self = EW_APPLICATION (application);
  G_APPLICATION_CLASS (ew_application_parent_class)->startup (application);
  gtk_window_set_default_icon_name (EW_APP_ID);
  ew_every_window_follow (GTK_APPLICATION (self));
  self->settings = ew_settings_new ();
  self->daemon = ew_daemon_new (self->bus_address);
  ew_proxy_answer_follow (self->daemon);
  self->topology = ew_topology_new (self->daemon);
  self->control = ew_control_new (self->daemon);
  self->wishes = ew_wishes_new (application, self->control);
  self->notices = ew_notices_new (application, self->control, is_in_front, self);
  ew_notices_set_active (self->notices, TRUE);
  self->ends = ew_ends_new (application, self->control, self->notices, has_window, self);
  self->key_opener = ew_key_opener_new (self->daemon);
  add_actions (self);
  add_accelerators (self);
  g_signal_connect_object (self->daemon, "notify::availability", G_CALLBACK (follow_daemon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify::state", G_CALLBACK (follow_daemon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify::administrator", G_CALLBACK (follow_daemon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify::trial", G_CALLBACK (follow_daemon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->topology, "notify::stream", G_CALLBACK (follow_names), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->topology, "names-changed", G_CALLBACK (follow_names), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->key_opener, "accepted", G_CALLBACK (key_accepted), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->wishes, "refused", G_CALLBACK (on_refused), self, G_CONNECT_SWAPPED);
  follow_daemon (self);
}

/* Withdraws the notices whose buttons need this app; another program shows them from then on. */
static void
ew_application_shutdown (GApplication *application)
{
  EwApplication *self = EW_APPLICATION (application);
  ew_notices_set_active (self->notices, FALSE);
  if (ew_guard_watch_get_phase (ew_control_get_guard (self->control)) == EW_GUARD_COUNTING)
    ew_tray_leave_teller (self->bus_address);
  G_APPLICATION_CLASS (ew_application_parent_class)->shutdown (application);
}

static void
ew_application_activate (GApplication *application)
{
  present_window (EW_APPLICATION (application));
}

static void
ew_application_open (GApplication *application, GFile **files, gint n_files, const gchar *hint)
{
  EwApplication *self = EW_APPLICATION (application);
  if (n_files < 1)
    {
      present_window (self); /* over D-Bus anyone of the session can open nothing */
      return;
    }
  /* One computer joins one mesh: the first link counts. */
  ew_key_opener_open_file (self->key_opener, GTK_WINDOW (present_window (self)), files[0]);
}

/* A bus of its own, as a demo's, is another mesh's: it has its own window beside the one of this computer's own mesh,
   which must not receive its requests. The same bus has the same name, so that a second start still raises the
   first one's window. */
static void
name_after_bus (GApplication *application, const gchar *address)
{
  g_autofree gchar *name = NULL;
  if (g_strcmp0 (g_application_get_application_id (application), EW_APP_ID) != 0
      || g_strcmp0 (address, g_getenv ("DBUS_SESSION_BUS_ADDRESS")) == 0)
    return;
  name = g_strdup_printf ("%s.Bus%08x", EW_APP_ID, g_str_hash (address));
  g_application_set_application_id (application, name);
}

static gint
ew_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  EwApplication *self = EW_APPLICATION (application);
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("edgeway %s\n", ew_version_text ());
      return 0;
    }
  if (geteuid () == 0)
    {
      g_printerr ("edgeway: %s\n", _ ("This is a desktop application, and root has no desktop. Start it as the user "
                                      "who is logged in. As root, use edgewayctl."));
      return 1;
    }
  g_variant_dict_lookup (options, "bus", "s", &self->bus_address);
  if (self->bus_address != NULL)
    name_after_bus (application, self->bus_address);
  if (!ew_first_instance_answers (g_application_get_application_id (application)))
    return 1;
  return G_APPLICATION_CLASS (ew_application_parent_class)->handle_local_options (application, options);
}

static void
ew_application_dispose (GObject *object)
{
  EwApplication *self = EW_APPLICATION (object);
  g_clear_weak_pointer (&self->wizard);
  g_clear_object (&self->key_opener);
  g_clear_object (&self->ends);
  g_clear_object (&self->notices);
  g_clear_object (&self->wishes);
  g_clear_object (&self->actions);
  g_clear_object (&self->control);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->bus_address, g_free);
  G_OBJECT_CLASS (ew_application_parent_class)->dispose (object);
}

static void
ew_application_class_init (EwApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_application_dispose;
  application_class->startup = ew_application_startup;
  application_class->shutdown = ew_application_shutdown;
  application_class->activate = ew_application_activate;
  application_class->open = ew_application_open;
  application_class->handle_local_options = ew_application_handle_local_options;
}

static void
ew_application_init (EwApplication *self)
{
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Show the version"), NULL },
    { "bus", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("The D-Bus address of the service (default: the system bus)"),
      N_ ("ADDRESS") },
    { NULL },
  };
  g_application_add_main_option_entries (G_APPLICATION (self), entries);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _ ("[LINK OR KEY FILE]"));
  g_application_set_option_context_summary (G_APPLICATION (self),
                                            _ ("The map of a private mesh, to use and administer it."));
}

EwApplication *
ew_application_new (void)
{
  return g_object_new (EW_TYPE_APPLICATION, "application-id", EW_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN | G_APPLICATION_CAN_OVERRIDE_APP_ID, "resource-base-path",
                       EW_RESOURCE_PATH, NULL);
}
