/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/waiting.h"

#include "access/spinner.h"
#include "edgeway-config.h"

struct _EwWaiting
{
  AdwBin parent_instance;
  EwSpinner *spinner;
  GtkLabel *title, *note;
};

G_DEFINE_FINAL_TYPE (EwWaiting, ew_waiting, ADW_TYPE_BIN)

void
ew_waiting_show (EwWaiting *self, gboolean waiting, const gchar *title, const gchar *note)
{
  ew_spinner_set_spinning (self->spinner, waiting);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), waiting);
  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->note, note);
}

static void
ew_waiting_class_init (EwWaitingClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/waiting.ui");
  gtk_widget_class_bind_template_child (widget_class, EwWaiting, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwWaiting, title);
  gtk_widget_class_bind_template_child (widget_class, EwWaiting, note);
}

static void
ew_waiting_init (EwWaiting *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
