/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/field.h"

#include "access/scroller.h"

static void
describe_problem (GtkAccessible *entry, gboolean invalid, const gchar *note)
{
  gtk_accessible_update_state (entry, GTK_ACCESSIBLE_STATE_INVALID,
                               invalid ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE, -1);
  gtk_accessible_update_property (entry, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, note, -1);
}

void
ew_field_set_problem (GtkWidget *entry, GtkLabel *note, const gchar *problem, const gchar *hint)
{
  gtk_label_set_label (note, problem != NULL ? problem : hint != NULL ? hint : "");
  (problem != NULL ? gtk_widget_add_css_class : gtk_widget_remove_css_class) (entry, "error");
  (problem != NULL ? gtk_widget_add_css_class : gtk_widget_remove_css_class) (GTK_WIDGET (note), "error");
  describe_problem (GTK_ACCESSIBLE (entry), problem != NULL, gtk_label_get_label (note));
  /* What a screen reader reads is the row itself in libadwaita 1.2, and later the text in it. */
  describe_problem (GTK_ACCESSIBLE (gtk_editable_get_delegate (GTK_EDITABLE (entry))), problem != NULL,
                    gtk_label_get_label (note));
  if (problem != NULL)
    ew_scroller_show (GTK_WIDGET (note));
}

void
ew_field_focus (GtkWidget *entry)
{
  gtk_widget_grab_focus (GTK_WIDGET (gtk_editable_get_delegate (GTK_EDITABLE (entry))));
}
