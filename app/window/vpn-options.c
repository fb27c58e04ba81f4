/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/vpn-options.h"

#include <glib/gi18n.h>

#include "access/toast.h"
#include "access/toggle.h"
#include "model/split.h"
#include "window/vpn-networks.h"

struct _EwVpnOptions
{
  AdwWindow parent_instance;
  EwControl *control;
  EwDaemon *daemon;
  GCancellable *cancellable; /* of everything that is asked here */
  gboolean lan_allowed;      /* as the daemon said last */
  gboolean lan_asked;        /* for the other choice; the switch stays sensitive, and so keeps the focus */
  AdwToastOverlay *toasts;
  AdwActionRow *lockdown_row, *lan_row;
  GtkSwitch *lockdown_switch, *lan_switch;
  EwVpnNetworks *excluded, *included;
};

G_DEFINE_FINAL_TYPE (EwVpnOptions, ew_vpn_options, ADW_TYPE_WINDOW)

static void
show_lockdown (EwVpnOptions *self)
{
  gboolean lockable = ew_control_get_lockable (self->control);
  const gchar *words = _ ("Nothing leaves this computer except through the edge or as allowed below, not even while "
                          "the edge doesn't answer, Edgeway isn't running, or the computer starts.");
  if (!lockable)
    words = ew_daemon_get_mode (self->daemon) == EW_MODE_VPN ? _ ("Keep VPN mode first: it's only being tried.")
                                                             : _ ("Lockdown needs VPN mode. Switch to VPN first.");
  adw_action_row_set_subtitle (self->lockdown_row, words);
  gtk_widget_set_sensitive (GTK_WIDGET (self->lockdown_switch), lockable);
  ew_toggle_show (self->lockdown_switch, ew_daemon_get_locked_down (self->daemon),
                  ew_control_get_busy_text (self->control) != NULL);
}

static void
show_lan (EwVpnOptions *self)
{
  ew_toggle_show (self->lan_switch, self->lan_allowed, self->lan_asked);
}

static gboolean
on_lockdown_wished (gboolean on, gpointer user_data)
{
  EwVpnOptions *self = user_data;
  if (on != ew_daemon_get_locked_down (self->daemon))
    ew_control_set_lockdown (self->control, on);
  else
    ew_control_cancel (self->control); /* reset while the daemon was being asked */
  return ew_control_get_busy_text (self->control) != NULL;
}

/* What only the daemon's status has. */

static void
on_status (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwVpnOptions) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  g_autoptr (EwSplit) split = NULL;
  const gchar *status = "";
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (answer != NULL)
    g_variant_get (answer, "(&s)", &status);
  split = ew_split_parse (status);
  if (split == NULL)
    gtk_window_set_focus (GTK_WINDOW (self), NULL); /* a text field that becomes insensitive while focused causes a
                                                       warning (GTK 4.8) */
  gtk_widget_set_sensitive (GTK_WIDGET (self->lan_switch), split != NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (self->excluded), split != NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (self->included), split != NULL);
  if (answer == NULL)
    ew_toast_refuse (self->toasts, error->message);
  else if (split == NULL)
    ew_toast_refuse (self->toasts,
                     _ ("The service's report can't be read. The service may have another version: update both."));
  if (split != NULL)
    self->lan_allowed = !split->lan_blocked;
  show_lan (self);
  if (split == NULL)
    return;
  ew_vpn_networks_show (self->excluded, (const gchar *const *)split->excluded);
  ew_vpn_networks_show (self->included, (const gchar *const *)split->included);
}

static void
load_status (EwVpnOptions *self)
{
  ew_daemon_call_async (self->daemon, "GetStatus", NULL, self->cancellable, on_status, g_object_ref (self));
}

/* Something else may have changed it while this window was behind others. */
static void
on_active (EwVpnOptions *self)
{
  if (gtk_window_is_active (GTK_WINDOW (self)))
    load_status (self);
}

static void
on_lan_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwVpnOptions) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  self->lan_asked = FALSE;
  if (answer == NULL && !g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    ew_toast_refuse (self->toasts, error->message);
  load_status (self); /* the current state, whatever the result was */
}

static gboolean
on_lan_wished (gboolean on, gpointer user_data)
{
  EwVpnOptions *self = user_data;
  if (on == self->lan_allowed)
    return FALSE;
  if (!self->lan_asked)
    {
      self->lan_asked = TRUE;
      ew_daemon_call_async (self->daemon, "SetLan", g_variant_new ("(b)", on), self->cancellable, on_lan_answered,
                            g_object_ref (self));
    }
  return TRUE;
}

static void
on_failed (EwVpnOptions *self, const gchar *sentence)
{
  ew_toast_refuse (self->toasts, sentence);
}

/* Calls hold references, so nothing is disposed before the answers, and password prompts would stay open that long. */
static gboolean
ew_vpn_options_close_request (GtkWindow *window)
{
  EwVpnOptions *self = EW_VPN_OPTIONS (window);
  g_cancellable_cancel (self->cancellable);
  ew_vpn_networks_cancel (self->excluded);
  ew_vpn_networks_cancel (self->included);
  return GTK_WINDOW_CLASS (ew_vpn_options_parent_class)->close_request (window);
}

static void
ew_vpn_options_finalize (GObject *object)
{
  EwVpnOptions *self = EW_VPN_OPTIONS (object);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->control);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_vpn_options_parent_class)->finalize (object);
}

static void
ew_vpn_options_class_init (EwVpnOptionsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = ew_vpn_options_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = ew_vpn_options_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  g_type_ensure (EW_TYPE_VPN_NETWORKS);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/vpn-options.ui");
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, toasts);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, lockdown_row);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, lockdown_switch);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, lan_row);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, lan_switch);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, excluded);
  gtk_widget_class_bind_template_child (widget_class, EwVpnOptions, included);
}

static void
ew_vpn_options_init (EwVpnOptions *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_toggle_follow (self->lockdown_switch, on_lockdown_wished, self);
  ew_toggle_follow (self->lan_switch, on_lan_wished, self);
}

EwVpnOptions *
ew_vpn_options_new (GtkWindow *parent, EwControl *control)
{
  EwVpnOptions *self = g_object_new (EW_TYPE_VPN_OPTIONS, "transient-for", parent, NULL);
  const gchar *const followed[]
    = { "notify::availability", "notify::state", "notify::mode", "notify::guard-until", "notify::lockdown" };
  self->control = g_object_ref (control);
  self->daemon = g_object_ref (ew_control_get_daemon (control));
  ew_vpn_networks_set_daemon (self->excluded, self->daemon, "exclude");
  ew_vpn_networks_set_daemon (self->included, self->daemon, "include");
  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (self->daemon, followed[i], G_CALLBACK (show_lockdown), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (control, "notify::busy-text", G_CALLBACK (show_lockdown), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (control, "failed", G_CALLBACK (on_failed), self, G_CONNECT_SWAPPED);
  g_signal_connect_swapped (self->excluded, "changed", G_CALLBACK (load_status), self);
  g_signal_connect_swapped (self->included, "changed", G_CALLBACK (load_status), self);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (on_active), NULL);
  show_lockdown (self);
  load_status (self);
  return self;
}
