/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/phone-page.h"

#include <glib/gi18n.h>

#include "common/util.h"
#include "edgeway-config.h"
#include "enroll/making.h"
#include "enroll/name-field.h"
#include "enroll/phone-code-page.h"
#include "wg-config/wg-config.h"

#define VALID_S 86400 /* as `edgewayctl node config` */

struct _EwPhonePage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  GCancellable *making; /* while the daemon makes the node */
  EwKeyPair keys;       /* of the phone being made */
  EwNameField *name;
  GtkCheckButton *vpn;
  AdwActionRow *vpn_row;
  GtkWidget *cancel, *next;
};

G_DEFINE_FINAL_TYPE (EwPhonePage, ew_phone_page, EW_TYPE_WIZARD_PAGE)

static void
update (EwPhonePage *self)
{
  gtk_widget_set_visible (self->cancel, self->making != NULL);
  gtk_widget_set_visible (self->next, self->making == NULL);
  gtk_widget_set_sensitive (self->next, ew_name_field_is_good (self->name));
  ew_wizard_page_set_can_go_back (EW_WIZARD_PAGE (self), self->making == NULL);
}

static void
on_changed (EwPhonePage *self)
{
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  update (self);
}

static void
on_unmade (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree gchar *name = user_data;
  g_autoptr (GError) error = NULL;
  if (!ew_unmake_finish (result, &error))
    g_message ("%s could not be removed from the mesh again: %s", name, error->message);
}

/* Shows the code; a configuration that nobody can use is no node either. */
static void
show_code (EwPhonePage *self, EwWizard *wizard, EwNewNode *made)
{
  g_autoptr (EwNewNode) node = made;
  g_autoptr (GError) error = NULL;
  gboolean vpn = gtk_check_button_get_active (self->vpn);
  gchar *config = ew_wg_config_format (node->config, self->keys.private_key, vpn, &error);
  GtkWidget *page = config != NULL ? ew_phone_code_page_new (self->daemon, self->topology, node, config) : NULL;
  g_autofree gchar *problem = NULL;

  ew_free_secret (config);
  if (page != NULL)
    {
      ew_wizard_push (wizard, page);
      return;
    }
  ew_unmake_async (self->daemon, node->id != NULL ? node->id : node->name, on_unmade, g_strdup (node->name));
  problem = error != NULL ? g_strdup_printf (_ ("No configuration could be made: %s"), error->message)
                          : g_strdup (_ ("The configuration doesn't fit a QR code: the mesh has too many routes."));
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), problem);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwPhonePage) self = user_data;
  g_autoptr (GError) error = NULL;
  EwNewNode *node = ew_make_finish (result, &error);
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));

  g_clear_object (&self->making);
  if (wizard == NULL)
    {
      if (node != NULL) /* closed at the very moment when it was made */
        ew_unmake_async (EW_DAEMON (source), node->name, on_unmade, g_strdup (node->name));
      ew_new_node_free (node);
    }
  else
    {
      ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), NULL);
      update (self);
      if (node != NULL)
        show_code (self, wizard, node);
      else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_NAME_TAKEN))
        ew_name_field_set_taken (self->name);
      else
        ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
    }
  ew_key_pair_clear (&self->keys);
}

static void
on_next (EwPhonePage *self)
{
  const gchar *name = ew_name_field_get_text (self->name);
  g_autofree gchar *busy = g_strdup_printf (_ ("Adding %s…"), name);
  g_autoptr (GError) error = NULL;

  ew_key_pair_clear (&self->keys);
  if (!ew_key_pair_make (&self->keys, &error))
    {
      ew_wizard_page_set_error (EW_WIZARD_PAGE (self), error->message);
      return;
    }
  self->making = g_cancellable_new ();
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), busy);
  gtk_widget_set_sensitive (self->cancel, TRUE);
  update (self);
  gtk_widget_grab_focus (self->cancel);
  ew_make_phone_async (self->daemon, name, self->keys.public_key, VALID_S, self->making, on_made, g_object_ref (self));
}

static void
on_cancel (EwPhonePage *self)
{
  if (self->making == NULL)
    return;
  g_cancellable_cancel (self->making);
  gtk_widget_set_sensitive (self->cancel, FALSE);
  ew_wizard_page_set_busy (EW_WIZARD_PAGE (self), _ ("Cancelling… You can close this window."));
}

static gboolean
ew_phone_page_may_leave (EwWizardPage *page, EwLeave how)
{
  EwPhonePage *self = EW_PHONE_PAGE (page);
  if (self->making != NULL)
    g_cancellable_cancel (self->making);
  return TRUE;
}

GtkWidget *
ew_phone_page_new (EwDaemon *daemon, EwTopology *topology)
{
  EwPhonePage *self = g_object_new (EW_TYPE_PHONE_PAGE, NULL);
  const gchar *edge = ew_daemon_get_edge_name (daemon);
  g_autofree gchar *leaves = edge != NULL && *edge != '\0'
                               ? g_strdup_printf (_ ("All its internet traffic leaves from %s"), edge)
                               : g_strdup (_ ("All its internet traffic leaves from the edge"));
  g_set_object (&self->daemon, daemon);
  g_set_object (&self->topology, topology);
  ew_name_field_set_topology (self->name, topology);
  adw_action_row_set_subtitle (self->vpn_row, leaves);
  update (self);
  return GTK_WIDGET (self);
}

static void
ew_phone_page_dispose (GObject *object)
{
  EwPhonePage *self = EW_PHONE_PAGE (object);
  ew_key_pair_clear (&self->keys);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->making);
  G_OBJECT_CLASS (ew_phone_page_parent_class)->dispose (object);
}

static void
ew_phone_page_class_init (EwPhonePageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_phone_page_dispose;
  EW_WIZARD_PAGE_CLASS (class)->may_leave = ew_phone_page_may_leave;
  g_type_ensure (EW_TYPE_NAME_FIELD);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/phone-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, name);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, vpn);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, vpn_row);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, cancel);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, next);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_next);
}

static void
ew_phone_page_init (EwPhonePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
