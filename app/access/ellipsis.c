/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/ellipsis.h"

static gboolean
on_query_tooltip (GtkLabel *label, gint x, gint y, gboolean keyboard, GtkTooltip *tooltip)
{
  if (!pango_layout_is_ellipsized (gtk_label_get_layout (label)))
    return FALSE;
  gtk_tooltip_set_text (tooltip, gtk_label_get_text (label));
  return TRUE;
}

void
ew_ellipsis_add_tooltip (GtkWidget *label)
{
  gtk_widget_set_has_tooltip (label, TRUE);
  g_signal_connect (label, "query-tooltip", G_CALLBACK (on_query_tooltip), NULL);
}

/* NULL: nothing below widget is cut. */
static const gchar *
find_cut (GtkWidget *widget)
{
  const gchar *cut = NULL;

  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (GTK_IS_LABEL (widget) && pango_layout_is_ellipsized (gtk_label_get_layout (GTK_LABEL (widget))))
    return gtk_label_get_text (GTK_LABEL (widget));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && cut == NULL;
       child = gtk_widget_get_next_sibling (child))
    cut = find_cut (child);
  return cut;
}

static gboolean
on_query_row_tooltip (GtkWidget *row, gint x, gint y, gboolean keyboard, GtkTooltip *tooltip)
{
  const gchar *cut = find_cut (row);

  if (cut != NULL)
    gtk_tooltip_set_text (tooltip, cut);
  return cut != NULL;
}

void
ew_ellipsis_add_row_tooltip (GtkWidget *row)
{
  gtk_widget_set_has_tooltip (row, TRUE);
  g_signal_connect (row, "query-tooltip", G_CALLBACK (on_query_row_tooltip), NULL);
}
