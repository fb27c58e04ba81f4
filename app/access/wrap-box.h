/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A container for bars that must work in a narrow window: children share a row as long as their natural widths fit;
 * those that don't begin a new row. In a row, extra width goes to the children that expand horizontally, if any.
 * Follows the text direction.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Properties, read-write: spacing i (between the children of a row, px), row-spacing i (px), fill b (a child that
   stands alone in its row takes all of its width), spread b (of several in a row the last one stands at its end).
   Children are added in a template, or with gtk_widget_set_parent().
 */
#define EW_TYPE_WRAP_BOX (ew_wrap_box_get_type ())
G_DECLARE_FINAL_TYPE (EwWrapBox, ew_wrap_box, EW, WRAP_BOX, GtkWidget)

/* Lets the words of a button take several lines, where a narrow window has no room for them on one. */
void ew_wrap_button (GtkButton *button);

G_END_DECLS
