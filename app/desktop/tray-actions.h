/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray icon from the application's side, where edgeway-tray is installed: "tray" (b)
 * shows it now, "autostart" (b) at every login: the icon alone, not the window. Where GNOME has no place for it, that is
 * told. Where edgeway-tray isn't installed, neither action exists.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Calls told with a sentence when something failed. */
typedef void (*EwTrayTold) (gpointer user_data, const gchar *sentence);

/* daemon_bus: passed on to the tray, NULL: the system bus. The actions live as long as map does; so must user_data. */
void ew_tray_actions_add (GActionMap *map, const gchar *daemon_bus, EwTrayTold told, gpointer user_data);

/* Starts a tray without an icon, which announces how a trial of VPN mode ends, then exits; it exits at once where
   another program does that. Does nothing where no tray is installed. */
void ew_tray_leave_teller (const gchar *daemon_bus);

G_END_DECLS
