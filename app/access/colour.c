/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/colour.h"

void
ew_colour_get (GtkWidget *widget, GdkRGBA *colour)
{
#if GTK_CHECK_VERSION(4, 10, 0)
  gtk_widget_get_color (widget, colour);
#else
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), colour);
#endif
}

/* Deprecated since GTK 4.10, which offers no other way to look up a named color; libadwaita still defines them. */
G_GNUC_BEGIN_IGNORE_DEPRECATIONS

gboolean
ew_colour_look_up (GtkWidget *widget, const gchar *name, GdkRGBA *colour)
{
  return gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), name, colour);
}

G_GNUC_END_IGNORE_DEPRECATIONS
