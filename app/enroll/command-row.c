/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/command-row.h"

#include <glib/gi18n.h>

#include "access/toast.h"
#include "edgeway-config.h"
#include "enroll/wizard-page.h"

struct _EwCommandRow
{
  AdwBin parent_instance;
  GtkLabel *label, *command;
  GtkWidget *copy;
};

enum
{
  PROP_COMMAND = 1,
  PROP_LABEL,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (EwCommandRow, ew_command_row, ADW_TYPE_BIN)

const gchar *
ew_command_row_get_command (EwCommandRow *self)
{
  return gtk_label_get_label (self->command);
}

void
ew_command_row_set_command (EwCommandRow *self, const gchar *command)
{
  gtk_label_set_label (self->command, command != NULL ? command : "");
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_COMMAND]);
}

void
ew_command_row_set_label (EwCommandRow *self, const gchar *label)
{
  gtk_label_set_label (self->label, label != NULL ? label : "");
  gtk_widget_set_visible (GTK_WIDGET (self->label), label != NULL && *label != '\0');
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
}

static void
on_copy (EwCommandRow *self)
{
  GtkWidget *wizard = gtk_widget_get_ancestor (GTK_WIDGET (self), EW_TYPE_WIZARD);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), gtk_label_get_label (self->command));
  if (wizard != NULL)
    ew_wizard_toast (EW_WIZARD (wizard), ew_toast_copied (GTK_WIDGET (self), _ ("Command copied")));
}

static void
ew_command_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwCommandRow *self = EW_COMMAND_ROW (object);
  if (id == PROP_COMMAND)
    g_value_set_string (value, gtk_label_get_label (self->command));
  else if (id == PROP_LABEL)
    g_value_set_string (value, gtk_label_get_label (self->label));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_command_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwCommandRow *self = EW_COMMAND_ROW (object);
  if (id == PROP_COMMAND)
    ew_command_row_set_command (self, g_value_get_string (value));
  else if (id == PROP_LABEL)
    ew_command_row_set_label (self, g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_command_row_class_init (EwCommandRowClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ew_command_row_get_property;
  object_class->set_property = ew_command_row_set_property;
  properties[PROP_COMMAND] = g_param_spec_string ("command", NULL, NULL, NULL, flags);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/command-row.ui");
  gtk_widget_class_bind_template_child (widget_class, EwCommandRow, label);
  gtk_widget_class_bind_template_child (widget_class, EwCommandRow, command);
  gtk_widget_class_bind_template_child (widget_class, EwCommandRow, copy);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
}

static void
ew_command_row_init (EwCommandRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
