/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray's menu. It is sent to the panel as plain items (dbusmenu): labels, checks, radio items, submenus, nothing
 * else. It shows the daemon's state and requests changes; a clicked check stays as it is until the daemon changes the
 * state. Items never move: unavailable actions are insensitive, missing things are hidden.
 */
#pragma once

#include <gtk/gtk.h>

#include "control/control.h"
#include "model/autostart.h"

G_BEGIN_DECLS

/* Signals, what the person asked for:
     connect-asked (b on)    mode-asked (u EwMode)   copy-asked (s name, s address)
     lockdown-asked (b on)   guard-asked (b keep)    open-asked ()   login-asked (b on)   hide-asked () */
#define EW_TYPE_TRAY_MENU (ew_tray_menu_get_type ())
G_DECLARE_FINAL_TYPE (EwTrayMenu, ew_tray_menu, EW, TRAY_MENU, GtkMenu)

/* settings: for the nodes used last; may be NULL. */
EwTrayMenu *ew_tray_menu_new (EwControl *control, GSettings *settings, EwAutostart *autostart);
/* busy: what is being asked for, in the place of the state; NULL: nothing. */
void ew_tray_menu_set_busy (EwTrayMenu *self, const gchar *busy);
/* The item that a click with the middle button on the icon stands for: it opens the map. Borrowed. */
GtkWidget *ew_tray_menu_get_open_item (EwTrayMenu *self);

G_END_DECLS
