/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A label that is cut short has its whole text as its tooltip; others have no tooltip. The same for a row's title.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ew_ellipsis_add_tooltip (GtkWidget *label);   /* a GtkLabel that ellipsizes */
void ew_ellipsis_add_row_tooltip (GtkWidget *row); /* with labels inside that do, such as the title of an AdwEntryRow */

G_END_DECLS
