/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A label that was cut short tells the whole of its text as its tooltip; one that was not has none.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ew_ellipsis_add_tooltip (GtkWidget *label); /* a GtkLabel that ellipsizes */

G_END_DECLS
