/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What assistive programs are told where GTK 4.8 and libadwaita 1.2 leave it out: pages of a stack, panels and rows
 * that are folded away are in their tree like everything that shows, buttons with a mnemonic are called "_Keep Keep",
 * and rows that fold out have no name. In GTK 4.18 the items of menus have none.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Looks through root and all below it, once what it is made of is there. Pages and panels that are there now follow
   from then on: in the tree only while they show. It may be called again after something was added. */
void ew_access_tidy (GtkWidget *root);

/* Whether a person has pressed a key or a button in any of the program's windows, which all were tidied. Before that,
   Wayland silently ignores what is put on the clipboard. */
gboolean ew_access_had_input (GtkWidget *widget);

/* As gtk_window_present(), tidied first. */
void ew_access_present (GtkWindow *window);

/* Over D-Bus a dialog can be asked for again while it's open. name is its own, a literal or of the window's node. TRUE:
   it's open already, and was brought to the front. */
gboolean ew_access_raise (const gchar *name);
/* The same as ew_access_present(); ew_access_raise() finds it by that name. */
void ew_access_present_once (GtkWindow *window, const gchar *name);
/* ew_access_raise() finds this window, or this widget in a window, by that name until it closes. */
void ew_access_set_name (GtkWidget *widget, const gchar *name);

G_END_DECLS
