/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/status-bar.h"

#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "access/hyphens.h"
#include "access/spinner.h"
#include "access/toggle.h"
#include "access/wrap-box.h"
#include "model/ticker.h"
#include "model/words.h"
#include "window/guard-note.h"
#include "window/page-choice.h"

/* An answer usually arrives at once: show a spinner only for one that takes longer. */
#define BUSY_AFTER_MS 250

struct _EwStatusBar
{
  AdwBin parent_instance;
  EwControl *control;
  guint clock, busy_delay;
  GtkWidget *vpn, *connector;
  GtkLabel *vpn_detail, *connector_detail, *mode_detail, *state_label, *detail_label;
  GtkWidget *lockdown_row, *lockdown_detail;
  GtkSwitch *connect_switch, *lockdown_switch;
  GtkWidget *busy_box, *cancel_button;
  EwSpinner *spinner;
  EwGuardNote *guard;
};

G_DEFINE_FINAL_TYPE (EwStatusBar, ew_status_bar, ADW_TYPE_BIN)

static void
name_mode (GtkWidget *button, const gchar *mode, const gchar *detail)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, mode,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, detail, -1);
}

/* The action makes it sensitive whenever modes can be changed. */
static void
keep_from_trial (EwStatusBar *self)
{
  if (self->control != NULL && ew_daemon_get_trial (ew_control_get_daemon (self->control))
      && gtk_widget_get_sensitive (self->vpn))
    gtk_widget_set_sensitive (self->vpn, FALSE);
}

static void
show_modes (EwStatusBar *self)
{
  EwDaemon *daemon = ew_control_get_daemon (self->control);
  const gchar *edge = ew_daemon_get_edge_name (daemon);
  gboolean off = ew_words_internet_is_off (daemon) || ew_words_lockdown_blocks (daemon);
  g_autofree gchar *detail = off                            ? g_strdup (_ ("Your internet is off"))
                             : ew_daemon_get_trial (daemon) ? g_strdup (_ ("Not in a trial: its edge leads nowhere"))
                             : *edge != '\0'
                               /* Translators: %s is the name of an edge, such as Frankfurt */
                               ? g_strdup_printf (_ ("Internet traffic leaves from %s"), edge)
                               : g_strdup (_ ("Internet traffic leaves from the edge"));
  gtk_label_set_label (self->vpn_detail, detail);
  gtk_label_set_label (self->mode_detail, ew_daemon_get_mode (daemon) == EW_MODE_VPN
                                            ? detail
                                            : gtk_label_get_label (self->connector_detail));
  keep_from_trial (self);
  gtk_widget_set_tooltip_text (self->vpn, ew_daemon_get_trial (daemon) ? detail : NULL);
  name_mode (self->vpn, _ ("VPN"), detail);
  name_mode (self->connector, _ ("Connector only"), gtk_label_get_label (self->connector_detail));
}

static void
show_detail (EwStatusBar *self)
{
  const gchar *busy = ew_control_get_busy_text (self->control);
  EwDaemon *daemon = ew_control_get_daemon (self->control);
  /* The cause is read once: mostly on the page or in the line above the map. */
  gboolean above = ew_words_wants_login (daemon) || ew_words_wants_password (daemon);
  gboolean off = !above && (ew_words_internet_is_off (daemon) || ew_words_lockdown_blocks (daemon));
  g_autofree gchar *detail = off ? ew_words_state_detail (daemon) : ew_words_state_span (daemon);
  if (busy != NULL && gtk_widget_get_visible (self->busy_box))
    gtk_label_set_label (self->detail_label, busy);
  else
    {
      g_autofree gchar *plain = ew_words_plain (detail != NULL ? detail : "");
      gtk_label_set_label (self->detail_label, plain);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->detail_label), *gtk_label_get_label (self->detail_label) != '\0');
}

static void
on_clock (gpointer user_data)
{
  show_detail (user_data);
}

/* The daemon's state, also after a request that failed. */
static void
show_switches (EwStatusBar *self)
{
  gboolean asked = ew_control_get_busy_text (self->control) != NULL;
  ew_toggle_show (self->connect_switch, ew_control_get_connected (self->control), asked);
  ew_toggle_show (self->lockdown_switch, ew_daemon_get_locked_down (ew_control_get_daemon (self->control)), asked);
}

/* It needs VPN mode; elsewhere the options explain it. */
static void
show_lockdown (EwStatusBar *self)
{
  EwDaemon *daemon = ew_control_get_daemon (self->control);
  gboolean locked = ew_daemon_get_locked_down (daemon);
  gtk_widget_set_visible (self->lockdown_row, locked || ew_daemon_get_mode (daemon) == EW_MODE_VPN);
  gtk_widget_set_sensitive (GTK_WIDGET (self->lockdown_switch), ew_control_get_lockable (self->control));
}

static void
show_state (EwStatusBar *self)
{
  g_autofree gchar *state = ew_words_state (ew_control_get_daemon (self->control));
  gtk_label_set_label (self->state_label, state);
  gtk_widget_set_sensitive (GTK_WIDGET (self->connect_switch), ew_control_get_possible (self->control));
  show_lockdown (self);
  show_switches (self);
  show_modes (self);
  show_detail (self);
}

static void
set_busy (EwStatusBar *self, gboolean busy)
{
  g_clear_handle_id (&self->busy_delay, g_source_remove);
  gtk_widget_set_visible (self->busy_box, busy);
  ew_spinner_set_spinning (self->spinner, busy); /* without animations it is an arc that stands still */
  show_detail (self);
}

static gboolean
busy_long (gpointer user_data)
{
  EwStatusBar *self = user_data;
  self->busy_delay = 0;
  set_busy (self, TRUE);
  return G_SOURCE_REMOVE;
}

static void
busy_changed (EwStatusBar *self)
{
  if (ew_control_get_busy_text (self->control) == NULL)
    set_busy (self, FALSE);
  else if (gtk_widget_get_visible (self->busy_box))
    show_detail (self);
  else if (self->busy_delay == 0)
    self->busy_delay = g_timeout_add (BUSY_AFTER_MS, busy_long, self);
  show_switches (self);
}

/* action changes what is, unless that is what is wished. */
static gboolean
ask_daemon (EwStatusBar *self, gboolean wished, gboolean now, const gchar *action)
{
  if (wished != now)
    gtk_widget_activate_action (GTK_WIDGET (self), action, NULL);
  else
    ew_control_cancel (self->control); /* reset while the daemon was being asked */
  return ew_control_get_busy_text (self->control) != NULL;
}

static gboolean
on_connect_wished (gboolean on, gpointer user_data)
{
  EwStatusBar *self = user_data;
  return ask_daemon (self, on, ew_control_get_connected (self->control), "app.connected");
}

static gboolean
on_lockdown_wished (gboolean on, gpointer user_data)
{
  EwStatusBar *self = user_data;
  return ask_daemon (self, on, ew_daemon_get_locked_down (ew_control_get_daemon (self->control)), "app.lockdown");
}

static void
ew_status_bar_cancel (EwStatusBar *self)
{
  ew_control_cancel (self->control);
}

static void
ew_status_bar_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_status_bar_parent_class)->map (widget);
  show_detail (EW_STATUS_BAR (widget));
  EW_STATUS_BAR (widget)->clock = ew_ticker_follow (on_clock, widget);
}

static void
ew_status_bar_unmap (GtkWidget *widget)
{
  ew_ticker_leave (&EW_STATUS_BAR (widget)->clock);
  GTK_WIDGET_CLASS (ew_status_bar_parent_class)->unmap (widget);
}

static void
ew_status_bar_dispose (GObject *object)
{
  EwStatusBar *self = EW_STATUS_BAR (object);
  ew_ticker_leave (&self->clock);
  g_clear_handle_id (&self->busy_delay, g_source_remove);
  g_clear_object (&self->control);
  G_OBJECT_CLASS (ew_status_bar_parent_class)->dispose (object);
}

static void
ew_status_bar_class_init (EwStatusBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_status_bar_dispose;
  widget_class->map = ew_status_bar_map;
  widget_class->unmap = ew_status_bar_unmap;
  g_type_ensure (EW_TYPE_WRAP_BOX);
  g_type_ensure (EW_TYPE_GUARD_NOTE);
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/status-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, vpn);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, connector);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, vpn_detail);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, connector_detail);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, mode_detail);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, state_label);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, detail_label);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, connect_switch);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, lockdown_row);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, lockdown_switch);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, lockdown_detail);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, busy_box);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwStatusBar, guard);
  gtk_widget_class_bind_template_callback (widget_class, ew_status_bar_cancel);
}

static void
ew_status_bar_init (EwStatusBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (GTK_WIDGET (self->detail_label));
  ew_hyphens_keep_out (GTK_WIDGET (self->detail_label));
  ew_toggle_follow (self->connect_switch, on_connect_wished, self);
  ew_toggle_follow (self->lockdown_switch, on_lockdown_wished, self);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->connect_switch), GTK_ACCESSIBLE_RELATION_DESCRIBED_BY,
                                  self->state_label, self->detail_label, NULL, -1);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->lockdown_switch), GTK_ACCESSIBLE_RELATION_DESCRIBED_BY,
                                  self->lockdown_detail, NULL, -1);
}

void
ew_status_bar_set_narrow (EwStatusBar *self, gboolean narrow)
{
  GtkWidget *guard = GTK_WIDGET (self->guard), *rows = gtk_widget_get_parent (guard);
  if (narrow) /* what counts down isn't below the window's end */
    gtk_widget_insert_after (guard, rows, NULL);
  else
    gtk_widget_insert_before (guard, rows, NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->vpn_detail), !narrow);
  gtk_widget_set_visible (GTK_WIDGET (self->connector_detail), !narrow);
  gtk_widget_set_visible (self->lockdown_detail, !narrow);
  gtk_widget_set_visible (GTK_WIDGET (self->mode_detail), narrow);
}

EwStatusBar *
ew_status_bar_new (EwControl *control)
{
  EwStatusBar *self = g_object_new (EW_TYPE_STATUS_BAR, NULL);
  EwDaemon *daemon = ew_control_get_daemon (control);
  const gchar *const followed[] = { "availability", "state", "reason",      "message",  "mode",      "edge-name",
                                    "since",        "trial", "guard-until", "lockdown", "proxy-asks" };
  self->control = g_object_ref (control);
  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    {
      g_autofree gchar *signal = g_strconcat ("notify::", followed[i], NULL);
      g_signal_connect_object (daemon, signal, G_CALLBACK (show_state), self, G_CONNECT_SWAPPED);
    }
  g_signal_connect_object (control, "notify::busy-text", G_CALLBACK (busy_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->vpn, "notify::sensitive", G_CALLBACK (keep_from_trial), self, G_CONNECT_SWAPPED);
  ew_guard_note_set_watch (self->guard, ew_control_get_guard (control));
  show_state (self);
  return self;
}
