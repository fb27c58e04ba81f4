/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tray.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <libayatana-appindicator/app-indicator.h>

#include "clipboard.h"
#include "icon.h"
#include "legacy-tray.h"
#include "menu.h"
#include "model/full-name.h"
#include "model/proxy-answer.h"
#include "model/recent-nodes.h"
#include "model/tray-host.h"
#include "model/words.h"
#include "control/notice.h"
#include "open-app.h"
#include "teller.h"

/* A panel may start after the tray at login, and takes a moment to come back after a crash. */
#define HOST_PATIENCE_S 10
#define HOST_TOLD_KEY "tray-host-told"
/* An answer usually arrives at once: don't flicker for that. */
#define BUSY_AFTER_MS 300

struct _EwTray
{
  GObject parent_instance;
  GApplication *application; /* borrowed: it owns this object */
  gchar *daemon_bus;
  EwDaemon *daemon;
  EwControl *control;
  EwTeller *teller;
  EwTrayMenu *menu; /* borrowed: the indicator's */
  guint busy_timer;
  gboolean busy;       /* shown */
  GSettings *settings; /* NULL: none */
  EwAutostart *autostart;
  EwTrayHost *host;
  AppIndicator *indicator;
  guint host_timer;
  gboolean host_told; /* without settings */
};

G_DEFINE_TYPE (EwTray, ew_tray, G_TYPE_OBJECT)

/* What the menu asks for. */

static void
on_connect_asked (EwTray *self, gboolean on)
{
  ew_control_set_connected (self->control, on);
}

static void
on_mode_asked (EwTray *self, guint mode)
{
  ew_control_set_mode (self->control, (EwMode)mode);
}

static void
on_lockdown_asked (EwTray *self, gboolean on)
{
  ew_control_set_lockdown (self->control, on);
}

static void
on_guard_asked (EwTray *self, gboolean keep)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->application), keep ? "keep-mode" : "undo-mode", NULL);
}

static void
on_copy_asked (EwTray *self, const gchar *name, const gchar *address)
{
  /* name "": this computer. */
  const gchar *node = *name != '\0' ? name : ew_daemon_get_node_name (self->daemon);
  g_autofree gchar *text = ew_reachable_name (self->daemon, node, address);

  ew_clipboard_copy (text);
  ew_recent_nodes_add (self->settings, name, address);
}

static void
on_open_asked (EwTray *self)
{
  ew_open_app (self->application, self->daemon_bus);
}

static void
on_portal_asked (EwTray *self)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->application), "open-portal", NULL);
}

static void
on_login_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTray) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!ew_autostart_set_finish (EW_AUTOSTART (source), result, &error))
    ew_notice_send (self->application, "login", _ ("Nothing Was Changed"), error->message, NULL, NULL);
}

static void
on_login_asked (EwTray *self, gboolean on)
{
  ew_autostart_set_async (self->autostart, on, on_login_set, g_object_ref (self));
}

static void
quit (gpointer application)
{
  g_application_quit (application);
}

static void
on_hide_asked (EwTray *self)
{
  ew_clipboard_leave ();
  ew_notice_send (self->application, "hidden", _ ("The Tray Icon Is Hidden"),
                  _ ("The tunnel stays as it is. To see the icon again, choose Show Tray Icon in Edgeway's menu."),
                  quit, self->application);
}

/* What the panel shows. */

static void
on_daemon_changed (EwTray *self)
{
  g_autofree gchar *status
    = self->busy ? g_strdup (ew_control_get_busy_text (self->control)) : ew_words_status_line (self->daemon);
  /* Translators: what a panel says of the icon: "Edgeway: Connected · VPN" */
  g_autofree gchar *title = g_strdup_printf (_ ("Edgeway: %s"), status);
  const gchar *icon = ew_tray_icon_name (self->daemon, self->busy);

  if (g_strcmp0 (app_indicator_get_icon (self->indicator), icon) != 0
      || g_strcmp0 (app_indicator_get_icon_desc (self->indicator), title) != 0)
    app_indicator_set_icon_full (self->indicator, icon, title);
  if (g_strcmp0 (app_indicator_get_title (self->indicator), title) != 0)
    app_indicator_set_title (self->indicator, title);
  if (ew_daemon_get_state (self->daemon) == EW_STATE_NOT_ENROLLED)
    ew_recent_nodes_clear (self->settings);
}

static void
show_busy (EwTray *self, gboolean busy)
{
  self->busy = busy;
  ew_tray_menu_set_busy (self->menu, busy ? ew_control_get_busy_text (self->control) : NULL);
  on_daemon_changed (self);
}

static gboolean
on_busy_timer (gpointer user_data)
{
  EwTray *self = user_data;

  self->busy_timer = 0;
  show_busy (self, TRUE);
  return G_SOURCE_REMOVE;
}

static void
on_busy_changed (EwTray *self)
{
  g_clear_handle_id (&self->busy_timer, g_source_remove);
  if (ew_control_get_busy_text (self->control) == NULL || self->busy)
    show_busy (self, ew_control_get_busy_text (self->control) != NULL);
  else
    self->busy_timer = g_timeout_add (BUSY_AFTER_MS, on_busy_timer, self);
}

static gboolean
is_told (EwTray *self)
{
  return self->settings != NULL ? g_settings_get_boolean (self->settings, HOST_TOLD_KEY) : self->host_told;
}

static void
set_told (EwTray *self, gboolean told)
{
  self->host_told = told;
  if (self->settings != NULL && is_told (self) != told)
    g_settings_set_boolean (self->settings, HOST_TOLD_KEY, told);
}

static void
tell_no_host (EwTray *self)
{
  set_told (self, TRUE);
  ew_notice_send (
    self->application, "host", _ ("This Desktop Shows No Tray Icons"),
    _ ("You can still open Edgeway from the applications menu. On GNOME, install the package "
       "gnome-shell-extension-appindicator and switch the extension on. Edgeway's icon appears as soon as "
       "the extension runs."),
    NULL, NULL);
}

static gboolean
on_host_patience (gpointer user_data)
{
  EwTray *self = EW_TRAY (user_data);

  self->host_timer = 0;
  if (!ew_tray_host_get_there (self->host) && !ew_legacy_tray_is_there () && !is_told (self))
    tell_no_host (self);
  return G_SOURCE_REMOVE;
}

static void
on_host_changed (EwTray *self)
{
  g_clear_handle_id (&self->host_timer, g_source_remove);
  if (ew_tray_host_get_there (self->host))
    set_told (self, FALSE);
  else
    self->host_timer = g_timeout_add_seconds (HOST_PATIENCE_S, on_host_patience, self);
}

void
ew_tray_look_for (EwTray *self)
{
  if (ew_tray_host_get_known (self->host) && !ew_tray_host_get_there (self->host) && !ew_legacy_tray_is_there ())
    tell_no_host (self);
}

static void
make_indicator (EwTray *self)
{
  EwTrayMenu *menu = ew_tray_menu_new (self->control, self->settings, self->autostart);

  self->menu = menu;
  /* As app_indicator_new() does, which newer versions call deprecated: the one without GTK that they speak of is neither
     in Debian 12 nor in 13. */
  self->indicator = g_object_new (APP_INDICATOR_TYPE, "id", "edgeway", "category", "SystemServices", "icon-name",
                                  ew_tray_icon_name (self->daemon, FALSE), NULL);
  g_signal_connect_swapped (menu, "connect-asked", G_CALLBACK (on_connect_asked), self);
  g_signal_connect_swapped (menu, "mode-asked", G_CALLBACK (on_mode_asked), self);
  g_signal_connect_swapped (menu, "lockdown-asked", G_CALLBACK (on_lockdown_asked), self);
  g_signal_connect_swapped (menu, "guard-asked", G_CALLBACK (on_guard_asked), self);
  g_signal_connect_swapped (menu, "copy-asked", G_CALLBACK (on_copy_asked), self);
  g_signal_connect_swapped (menu, "open-asked", G_CALLBACK (on_open_asked), self);
  g_signal_connect_swapped (menu, "portal-asked", G_CALLBACK (on_portal_asked), self);
  g_signal_connect_swapped (menu, "login-asked", G_CALLBACK (on_login_asked), self);
  g_signal_connect_swapped (menu, "hide-asked", G_CALLBACK (on_hide_asked), self);
  app_indicator_set_menu (self->indicator, GTK_MENU (menu)); /* owns it now */
  app_indicator_set_secondary_activate_target (self->indicator, ew_tray_menu_get_open_item (menu));
  app_indicator_set_status (self->indicator, APP_INDICATOR_STATUS_ACTIVE);
}

EwTray *
ew_tray_new (GApplication *application, const gchar *daemon_bus)
{
  EwTray *self = g_object_new (EW_TYPE_TRAY, NULL);
  g_autofree gchar *app = ew_open_app_get_id (application);
  const gchar *const others[] = { app, NULL };

  self->application = application;
  self->daemon_bus = g_strdup (daemon_bus);
  self->daemon = ew_daemon_new (daemon_bus);
  ew_proxy_answer_follow (self->daemon);
  self->control = ew_control_new (self->daemon);
  self->settings = ew_settings_new ();
  self->autostart = ew_autostart_new (ew_autostart_is_sandboxed ());
  self->host = ew_tray_host_new ();
  make_indicator (self);
  self->teller = ew_teller_new (application, self->control, daemon_bus, others);
  g_signal_connect_object (self->control, "notify::busy-text", G_CALLBACK (on_busy_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify", G_CALLBACK (on_daemon_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->host, "notify", G_CALLBACK (on_host_changed), self, G_CONNECT_SWAPPED);
  on_daemon_changed (self);
  return self;
}

void
ew_tray_stop (EwTray *self)
{
  ew_teller_stop (self->teller);
}

static void
ew_tray_dispose (GObject *object)
{
  EwTray *self = EW_TRAY (object);

  g_clear_handle_id (&self->host_timer, g_source_remove);
  if (self->daemon != NULL)
    g_signal_handlers_disconnect_by_data (self->daemon, self);
  g_clear_handle_id (&self->busy_timer, g_source_remove);
  if (self->control != NULL)
    g_signal_handlers_disconnect_by_data (self->control, self);
  g_clear_object (&self->teller);
  g_clear_object (&self->control);
  g_clear_object (&self->indicator);
  g_clear_object (&self->host);
  g_clear_object (&self->settings);
  g_clear_object (&self->autostart);
  g_clear_object (&self->daemon);
  g_clear_pointer (&self->daemon_bus, g_free);
  G_OBJECT_CLASS (ew_tray_parent_class)->dispose (object);
}

static void
ew_tray_class_init (EwTrayClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_tray_dispose;
}

static void
ew_tray_init (EwTray *self)
{
}
