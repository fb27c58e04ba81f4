/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/hyphens.h"

static void
keep_out (GtkLabel *label)
{
  PangoAttrList *others = gtk_label_get_attributes (label);
  g_autoptr (PangoAttrList) attributes = others != NULL ? pango_attr_list_copy (others) : pango_attr_list_new ();

  pango_attr_list_change (attributes, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (label, attributes);
}

void
ew_hyphens_keep_out (GtkWidget *widget)
{
  if (GTK_IS_LABEL (widget))
    keep_out (GTK_LABEL (widget));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    ew_hyphens_keep_out (child);
}
