/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Colors of a widget's style, by whichever way this version of GTK has.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The color of the widget's text. */
void ew_colour_get (GtkWidget *widget, GdkRGBA *colour);
/* A color that the style names, as "accent_bg_color". FALSE: the style has no such color, and color is unchanged. */
gboolean ew_colour_look_up (GtkWidget *widget, const gchar *name, GdkRGBA *colour);

G_END_DECLS
