/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/problem-bar.h"

#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "access/hyphens.h"
#include "access/wrap-box.h"
#include "model/words.h"

/* A short interruption ends before a person could read about it. */
#define RECONNECTING_AFTER_MS 1500

struct _EwProblemBar
{
  AdwBin parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  EwProblem problem;
  guint delay;
  GtkRevealer *revealer;
  GtkWidget *bar;
  GtkImage *icon;
  GtkLabel *label;
  GtkButton *button;
};

G_DEFINE_FINAL_TYPE (EwProblemBar, ew_problem_bar, ADW_TYPE_BIN)

/* gtk_actionable_set_detailed_action_name names the action first, and complains that it has no parameter yet. */
static void
set_action (GtkActionable *button, const gchar *detailed)
{
  g_autofree gchar *name = NULL;
  g_autoptr (GVariant) target = NULL;
  if (!g_action_parse_detailed_name (detailed, &name, &target, NULL))
    return;
  gtk_actionable_set_action_name (button, NULL);
  gtk_actionable_set_action_target_value (button, target);
  gtk_actionable_set_action_name (button, name);
}

static void
show_line (EwProblemBar *self, const gchar *icon, const gchar *text, const gchar *button, const gchar *action)
{
  gtk_image_set_from_icon_name (self->icon, icon);
  g_autofree gchar *plain = ew_words_plain (text);
  gtk_label_set_label (self->label, plain);
  gtk_button_set_label (self->button, button);
  ew_wrap_button (self->button);
  set_action (GTK_ACTIONABLE (self->button), action);
}

static gchar *
with_cause (const gchar *cause, const gchar *text)
{
  if (cause == NULL || *cause == '\0')
    return g_strdup (text);
  return g_strdup_printf ("%s%s %s", cause, g_str_has_suffix (cause, ".") ? "" : ".", text);
}

static void
refresh (EwProblemBar *self)
{
  const gchar *message = ew_daemon_get_message (self->daemon);
  g_autofree gchar *text = NULL;
  switch (self->problem)
    {
    case EW_PROBLEM_RECONNECTING:
      text = with_cause (message, _ ("The map is as last seen."));
      show_line (self, "edgeway-attention-symbolic", text, _ ("Diagnose…"), "app.diagnose");
      break;
    case EW_PROBLEM_LOGIN:
      show_line (self, "edgeway-attention-symbolic", message, _ ("Open the Network's Login Page"), "app.open-portal");
      break;
    case EW_PROBLEM_PASSWORD:
      text = g_strdup_printf (_ ("The proxy %s asks for a user name and a password."),
                              ew_daemon_get_proxy_asks (self->daemon));
      show_line (self, "edgeway-attention-symbolic", text, _ ("Enter Password…"), "app.proxy-password");
      break;
    case EW_PROBLEM_INTERNET_OFF:
      text = ew_words_internet_off (self->daemon);
      show_line (self, "edgeway-attention-symbolic", text, _ ("Use Connector Only"), "app.mode::connector");
      break;
    case EW_PROBLEM_LOCKDOWN:
      text = ew_words_lockdown (self->daemon);
      show_line (self, "edgeway-attention-symbolic", text, _ ("Turn Off Lockdown"), "app.lockdown-off");
      break;
    case EW_PROBLEM_DISCONNECTED:
      show_line (self, "edgeway-disconnected-symbolic", _ ("Disconnected. The map is as last seen."), _ ("Connect"),
                 "app.connected");
      break;
    case EW_PROBLEM_ERROR:
      text = with_cause (message, _ ("The map is as last seen."));
      show_line (self, "dialog-error-symbolic", text, _ ("Diagnose…"), "app.diagnose");
      break;
    case EW_PROBLEM_STREAM:
      text = with_cause (ew_topology_get_error (self->topology), _ ("The map is as last seen."));
      show_line (self, "dialog-warning-symbolic", text, _ ("Diagnose…"), "app.diagnose");
      break;
    case EW_PROBLEM_WARNING:
      show_line (self, "dialog-warning-symbolic", message != NULL ? message : "", _ ("Diagnose…"), "app.diagnose");
      break;
    case EW_PROBLEM_PARTIAL:
      text = ew_daemon_dup_problem (self->daemon);
      if (text != NULL)
        show_line (self, "dialog-warning-symbolic", text, _ ("Diagnose…"), "app.diagnose");
      break;
    case EW_PROBLEM_TRIAL:
      show_line (self, "dialog-information-symbolic",
                 _ ("This edge runs on this computer. Other computers can't reach it."),
                 _ ("Start a Mesh on a Server…"), "app.new-mesh");
      break;
    case EW_PROBLEM_NONE:
    default:
      break; /* what is being hidden stays readable until it is */
    }
}

static gboolean
reveal (gpointer user_data)
{
  EwProblemBar *self = user_data;
  self->delay = 0;
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
  return G_SOURCE_REMOVE;
}

void
ew_problem_bar_show (EwProblemBar *self, EwProblem problem)
{
  if (problem == self->problem)
    return;
  self->problem = problem;
  g_clear_handle_id (&self->delay, g_source_remove);
  refresh (self);
  if (problem == EW_PROBLEM_ERROR || problem == EW_PROBLEM_INTERNET_OFF || problem == EW_PROBLEM_LOCKDOWN)
    gtk_widget_add_css_class (self->bar, "error");
  else
    gtk_widget_remove_css_class (self->bar, "error");
  if ((problem == EW_PROBLEM_RECONNECTING || problem == EW_PROBLEM_INTERNET_OFF || problem == EW_PROBLEM_LOCKDOWN)
      && !gtk_revealer_get_reveal_child (self->revealer))
    self->delay = g_timeout_add (RECONNECTING_AFTER_MS, reveal, self);
  else
    gtk_revealer_set_reveal_child (self->revealer, problem != EW_PROBLEM_NONE);
}

static void
ew_problem_bar_dispose (GObject *object)
{
  EwProblemBar *self = EW_PROBLEM_BAR (object);
  g_clear_handle_id (&self->delay, g_source_remove);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_problem_bar_parent_class)->dispose (object);
}

static void
ew_problem_bar_class_init (EwProblemBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_problem_bar_dispose;
  g_type_ensure (EW_TYPE_WRAP_BOX);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/problem-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, EwProblemBar, revealer);
  gtk_widget_class_bind_template_child (widget_class, EwProblemBar, bar);
  gtk_widget_class_bind_template_child (widget_class, EwProblemBar, icon);
  gtk_widget_class_bind_template_child (widget_class, EwProblemBar, label);
  gtk_widget_class_bind_template_child (widget_class, EwProblemBar, button);
}

static void
ew_problem_bar_init (EwProblemBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_tooltip (GTK_WIDGET (self->label));
  ew_hyphens_keep_out (GTK_WIDGET (self->label));
}

EwProblemBar *
ew_problem_bar_new (EwDaemon *daemon, EwTopology *topology)
{
  EwProblemBar *self = g_object_new (EW_TYPE_PROBLEM_BAR, NULL);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  g_signal_connect_object (daemon, "notify::message", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::state", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::proxy-asks", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::edge-name", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::problems", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::error", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  return self;
}
