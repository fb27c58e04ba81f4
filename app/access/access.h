/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What assistive programs are told where GTK 4.8 and libadwaita 1.2 leave it out: pages of a stack, panels and rows
 * that are folded away are in their tree like everything that shows, buttons with a mnemonic are called "_Keep Keep",
 * and rows that fold out have no name.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Looks through root and all below it, once what it is made of is there. Pages and panels that are there now follow
   from then on: in the tree only while they show. It may be called again after something was added. */
void ew_access_tidy (GtkWidget *root);

/* As gtk_window_present(), tidied first. */
void ew_access_present (GtkWindow *window);

G_END_DECLS
