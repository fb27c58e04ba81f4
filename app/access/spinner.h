/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An arc that turns while something is waited for, and stands still without animations. GtkSpinner asks for frame after
 * frame: where drawing one takes longer than the time between two, everything of lower priority waits forever, and
 * GTK itself does much at low priority (it makes the window known to screen readers, for one). This one turns only
 * when nothing else is to be done.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Properties:
     spinning  b  nothing is drawn where it isn't */
#define EW_TYPE_SPINNER (ew_spinner_get_type ())
G_DECLARE_FINAL_TYPE (EwSpinner, ew_spinner, EW, SPINNER, GtkWidget)

GtkWidget *ew_spinner_new (void);
void ew_spinner_set_spinning (EwSpinner *self, gboolean spinning);

G_END_DECLS
