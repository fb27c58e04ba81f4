/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scrolls up and down what a low screen, or large text, leaves no room for. Where there is room it asks for all of it:
 * a GtkScrolledWindow asks for the height that its child has where it is as wide as it likes.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* least: px that are always in sight. Keys scroll it while there is something to scroll. */
GtkWidget *ew_scroller_new (GtkWidget *child, gint least);

/* Scrolls to a widget that lies outside what is shown, once it has its place; any GtkScrolledWindow. */
void ew_scroller_show (GtkWidget *widget);

G_END_DECLS
