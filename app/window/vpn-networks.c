/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/vpn-networks.h"

#include <glib/gi18n.h>

#include "access/access.h"
#include "access/ellipsis.h"
#include "access/field.h"
#include "access/toast.h"
#include "model/split.h"

struct _EwVpnNetworks
{
  AdwPreferencesGroup parent_instance;
  EwDaemon *daemon;
  const gchar *action;
  GCancellable *cancellable;
  gboolean calling;
  GStrv networks; /* those that have a row */
  GPtrArray *rows;
  GtkWidget *entry, *add, *problem;
};

G_DEFINE_FINAL_TYPE (EwVpnNetworks, ew_vpn_networks, ADW_TYPE_PREFERENCES_GROUP)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* text: a sentence; NULL: nothing is wrong. */
static void
show_problem (EwVpnNetworks *self, const gchar *text)
{
  ew_field_set_problem (self->entry, GTK_LABEL (self->problem), text, NULL);
  gtk_widget_set_visible (self->problem, text != NULL);
}

static gchar *
get_typed (EwVpnNetworks *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));
}

static void
show_add (EwVpnNetworks *self)
{
  g_autofree gchar *typed = get_typed (self);
  gtk_widget_set_sensitive (self->add, !self->calling && ew_split_is_network (typed));
}

static void
set_calling (EwVpnNetworks *self, gboolean calling)
{
  self->calling = calling;
  for (guint i = 0; i < self->rows->len; i++)
    gtk_widget_set_sensitive (self->rows->pdata[i], !calling);
  show_add (self);
}

static void
on_entry_changed (EwVpnNetworks *self)
{
  show_problem (self, NULL);
  show_add (self);
}

/* FALSE: it failed, and *problem is what to say, NULL: nothing. */
static gboolean
finish_change (EwVpnNetworks *self, GObject *source, GAsyncResult *result, gchar **problem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  if (g_cancellable_is_cancelled (self->cancellable))
    return FALSE; /* closed in the meantime */
  set_calling (self, FALSE);
  if (answer != NULL)
    return TRUE;
  if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    *problem = g_strdup (error->message);
  return FALSE;
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwVpnNetworks) self = user_data;
  g_autofree gchar *problem = NULL;
  if (finish_change (self, source, result, &problem))
    {
      gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
      g_signal_emit (self, signals[CHANGED], 0);
    }
  else if (problem != NULL)
    show_problem (self, problem);
  if (!g_cancellable_is_cancelled (self->cancellable))
    ew_field_focus (self->entry); /* the button that had the focus was insensitive until now */
}

static void
change_list (EwVpnNetworks *self, const gchar *action, const gchar *network, GAsyncReadyCallback callback)
{
  set_calling (self, TRUE);
  ew_daemon_call_async (self->daemon, "ChangeSplit", g_variant_new ("(ss)", action, network), self->cancellable,
                        callback, g_object_ref (self));
}

static void
on_add (EwVpnNetworks *self)
{
  g_autofree gchar *typed = get_typed (self);
  if (self->calling || *typed == '\0')
    return;
  if (ew_split_is_network (typed))
    change_list (self, self->action, typed, on_added);
  else
    show_problem (self, _ ("Enter a network or an address, such as 203.0.113.0/24 or 2001:db8::1."));
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwVpnNetworks) self = user_data;
  g_autofree gchar *problem = NULL;
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  if (finish_change (self, source, result, &problem))
    {
      ew_field_focus (self->entry); /* the row that had the focus goes */
      g_signal_emit (self, signals[CHANGED], 0);
    }
  else if (problem != NULL && overlay != NULL)
    ew_toast_refuse (ADW_TOAST_OVERLAY (overlay), problem);
}

static void
on_remove (GtkButton *button, EwVpnNetworks *self)
{
  if (!self->calling)
    change_list (self, "remove", g_object_get_data (G_OBJECT (button), "network"), on_removed);
}

static void
add_row (EwVpnNetworks *self, const gchar *network)
{
  /* Translators: %s: a network, such as 203.0.113.0/24 */
  g_autofree gchar *spoken = g_strdup_printf (_ ("Remove %s"), network);
  GtkWidget *row = adw_action_row_new (), *button = gtk_button_new_from_icon_name ("list-remove-symbolic");
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), network);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, spoken);
  gtk_widget_add_css_class (button, "flat");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (button), "network", g_strdup (network), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_remove), self, 0);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  /* Above the entry, which has its problem below it. */
  gtk_list_box_insert (GTK_LIST_BOX (gtk_widget_get_parent (self->entry)), row, (gint)self->rows->len);
  ew_access_tidy (row);
  g_ptr_array_add (self->rows, row);
}

void
ew_vpn_networks_show (EwVpnNetworks *self, const gchar *const *networks)
{
  if (self->networks != NULL && g_strv_equal ((const gchar *const *)self->networks, networks))
    return;
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  g_strfreev (self->networks);
  self->networks = g_strdupv ((gchar **)networks);
  for (; *networks != NULL; networks++)
    add_row (self, *networks);
}

void
ew_vpn_networks_cancel (EwVpnNetworks *self)
{
  g_cancellable_cancel (self->cancellable);
}

static void
ew_vpn_networks_finalize (GObject *object)
{
  EwVpnNetworks *self = EW_VPN_NETWORKS (object);
  g_clear_object (&self->daemon);
  g_clear_object (&self->cancellable);
  g_strfreev (self->networks);
  g_ptr_array_unref (self->rows);
  G_OBJECT_CLASS (ew_vpn_networks_parent_class)->finalize (object);
}

static void
ew_vpn_networks_class_init (EwVpnNetworksClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = ew_vpn_networks_finalize;
  signals[CHANGED]
    = g_signal_new ("changed", EW_TYPE_VPN_NETWORKS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/vpn-networks.ui");
  gtk_widget_class_bind_template_child (widget_class, EwVpnNetworks, entry);
  gtk_widget_class_bind_template_child (widget_class, EwVpnNetworks, add);
  gtk_widget_class_bind_template_child (widget_class, EwVpnNetworks, problem);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_add);
}

static void
ew_vpn_networks_init (EwVpnNetworks *self)
{
  self->rows = g_ptr_array_new ();
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (self->entry);
}

void
ew_vpn_networks_set_daemon (EwVpnNetworks *self, EwDaemon *daemon, const gchar *action)
{
  g_set_object (&self->daemon, daemon);
  self->action = action;
}
