/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/server-page.h"

#include <glib/gi18n.h>

#include "edgeway-config.h"
#include "enroll/checks.h"
#include "enroll/making.h"
#include "enroll/name-field.h"
#include "enroll/networks.h"
#include "enroll/server-key-page.h"

struct _EwServerPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  GCancellable *making; /* while the daemon makes the node */
  EwNameField *name;
  EwNetworks *networks;
  AdwComboRow *valid;
  GtkWidget *cancel, *next;
};

G_DEFINE_FINAL_TYPE (EwServerPage, ew_server_page, EW_TYPE_WIZARD_PAGE)

static void
update (EwServerPage *self)
{
  gtk_widget_set_visible (self->cancel, self->making != NULL);
  gtk_widget_set_visible (self->next, self->making == NULL);
  gtk_widget_set_sensitive (self->next, ew_name_field_is_good (self->name));
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), self->making == NULL);
}

static void
on_changed (EwServerPage *self)
{
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  update (self);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwServerPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EwNewNode) node = ew_make_finish (result, &error);
  g_auto (GStrv) networks = NULL;
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));

  g_clear_object (&self->making);
  if (wizard == NULL)
    {
      if (node != NULL) /* closed at the very moment when it was made */
        ew_unmake_async (EW_DAEMON (source), node->name, NULL, NULL);
      return;
    }
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), NULL);
  update (self);
  if (node != NULL)
    {
      networks = ew_networks_get (self->networks);
      ew_wizard_push (wizard, ew_server_key_page_new (self->daemon, self->topology, g_steal_pointer (&node),
                                                      (const gchar *const *)networks));
    }
  else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NAME_TAKEN))
    ew_name_field_set_taken (self->name);
  else
    ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static guint
valid_seconds (EwServerPage *self)
{
  static const guint choices[] = { 3600, 86400, 7 * 86400 };
  return choices[MIN (adw_combo_row_get_selected (self->valid), G_N_ELEMENTS (choices) - 1)];
}

static void
on_next (EwServerPage *self)
{
  const gchar *name = ew_name_field_get_text (self->name);
  g_autofree gchar *busy = g_strdup_printf (_ ("Adding %s…"), name);
  g_auto (GStrv) networks = NULL;

  if (!ew_networks_commit (self->networks))
    return;
  networks = ew_networks_get (self->networks);
  self->making = g_cancellable_new ();
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), busy);
  gtk_widget_set_sensitive (self->cancel, TRUE);
  update (self);
  gtk_widget_grab_focus (self->cancel);
  ew_make_server_async (self->daemon, name, valid_seconds (self), (const gchar *const *)networks, self->making, on_made,
                        g_object_ref (self));
}

static void
on_cancel (EwServerPage *self)
{
  if (self->making == NULL)
    return;
  g_cancellable_cancel (self->making);
  gtk_widget_set_sensitive (self->cancel, FALSE);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), _ ("Cancelling… You can close this window."));
}

/* What is being made while the window closes is taken back behind it. */
static gboolean
ew_server_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwServerPage *self = EW_SERVER_PAGE (page);
  if (self->making != NULL)
    g_cancellable_cancel (self->making);
  return TRUE;
}

GtkWidget *
ew_server_page_new (EwDaemon *daemon, EwTopology *topology)
{
  EwServerPage *self = g_object_new (EW_TYPE_SERVER_PAGE, NULL);
  g_set_object (&self->daemon, daemon);
  g_set_object (&self->topology, topology);
  ew_name_field_set_topology (self->name, topology);
  ew_networks_set_topology (self->networks, topology);
  update (self);
  return GTK_WIDGET (self);
}

static void
ew_server_page_dispose (GObject *object)
{
  EwServerPage *self = EW_SERVER_PAGE (object);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->making);
  G_OBJECT_CLASS (ew_server_page_parent_class)->dispose (object);
}

static void
ew_server_page_class_init (EwServerPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_server_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_server_page_may_leave;
  g_type_ensure (EW_TYPE_NAME_FIELD);
  g_type_ensure (EW_TYPE_NETWORKS);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/server-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, name);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, networks);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, valid);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, cancel);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, next);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_next);
}

static void
ew_server_page_init (EwServerPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
