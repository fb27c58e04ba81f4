/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a window does with its parts that is narrow, or low, or has large text.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* The desktop's buttons of a window except those that have no use in a narrow one, whose title needs the room.
   (transfer full) */
gchar *ew_narrow_buttons (GtkWidget *widget);

/* Puts a bar below another part of a box. Where the bar doesn't fit, it scrolls; extra room goes to the other part. */
void ew_narrow_add_bar (AdwBin *above, GtkWidget *bar);

G_END_DECLS
