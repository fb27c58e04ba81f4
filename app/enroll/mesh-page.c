/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/mesh-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "access/ellipsis.h"
#include "edgeway-config.h"
#include "enroll/checks.h"
#include "enroll/command-row.h"
#include "enroll/join-page.h"

#define STEPS 3 /* the server's commands, the key, joined */

struct _EwMeshPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  AdwEntryRow *address;
  GtkLabel *note;
  EwCommandRow *command;
  GtkWidget *have_key;
};

G_DEFINE_FINAL_TYPE (EwMeshPage, ew_mesh_page, EW_TYPE_WIZARD_PAGE)

/* The command is shown from the beginning, with the manual's example (README.md) in place of what is not known yet. */
static void
on_address_changed (EwMeshPage *self)
{
  const gchar *text = gtk_editable_get_text (GTK_EDITABLE (self->address));
  g_autofree gchar *address = NULL, *problem = ew_check_public (text, &address), *command = NULL, *body = NULL;
  gboolean empty = *text == '\0';

  ew_wizard_set_field (GTK_WIDGET (self->address), self->note, empty ? NULL : problem,
                       _ ("Its host name or IP address on the internet, with the port if it isn't 443."));
  command = g_strdup_printf ("app/run --edge --public %s", address != NULL ? address : "HOST:443");
  body = g_strdup_printf (
    _ ("A mesh needs an edge: a server that all its computers can reach. It runs Debian 12 or 13, has "
       "a public address, and accepts TCP and UDP on port %s from everywhere."),
    address != NULL ? strrchr (address, ':') + 1 : "443");
  ew_wizard_page_set_body (EW_WIZARD_PAGE (self), body);
  ew_command_row_set_command (self->command, command);
  gtk_widget_set_sensitive (GTK_WIDGET (self->command), address != NULL);
}

static void
on_have_key (EwMeshPage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  if (wizard != NULL)
    ew_wizard_push (wizard, ew_join_page_new (self->daemon, STEPS));
}

GtkWidget *
ew_mesh_page_new (EwDaemon *daemon)
{
  EwMeshPage *self = g_object_new (EW_TYPE_MESH_PAGE, NULL);
  g_set_object (&self->daemon, daemon);
  ew_wizard_page_set_steps (EW_WIZARD_PAGE (self), 1, STEPS);
  return GTK_WIDGET (self);
}

static void
ew_mesh_page_dispose (GObject *object)
{
  g_clear_object (&EW_MESH_PAGE (object)->daemon);
  G_OBJECT_CLASS (ew_mesh_page_parent_class)->dispose (object);
}

static void
ew_mesh_page_class_init (EwMeshPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_mesh_page_dispose;
  g_type_ensure (EW_TYPE_COMMAND_ROW);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/mesh-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwMeshPage, address);
  gtk_widget_class_bind_template_child (widget_class, EwMeshPage, note);
  gtk_widget_class_bind_template_child (widget_class, EwMeshPage, command);
  gtk_widget_class_bind_template_child (widget_class, EwMeshPage, have_key);
  gtk_widget_class_bind_template_callback (widget_class, on_address_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_have_key);
}

static void
ew_mesh_page_init (EwMeshPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->address));
  on_address_changed (self);
}
