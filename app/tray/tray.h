/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray itself: the icon (a StatusNotifier item), its menu, and what that asks of the daemon, the clipboard and the
 * app. The icon returns when the panel or the daemon does. While the app doesn't run, the tray shows the notices
 * (control/notices.h).
 *
 * Timers: `host_timer` from the last panel's end on; `busy_timer` from a call's start on.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define EW_TYPE_TRAY (ew_tray_get_type ())
G_DECLARE_FINAL_TYPE (EwTray, ew_tray, EW, TRAY, GObject)

/* daemon_bus: as EwDaemon's. The application must be registered on the session bus, and GTK initialised. */
EwTray *ew_tray_new (GApplication *application, const gchar *daemon_bus);
/* The program ends: what could be acted on in it is withdrawn. */
void ew_tray_stop (EwTray *self);
/* The person started the tray again: where no panel shows it, say so again. */
void ew_tray_look_for (EwTray *self);

G_END_DECLS
