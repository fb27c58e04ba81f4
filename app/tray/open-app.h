/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shows Edgeway's window: raises the one that runs, or starts it by D-Bus activation, or, where the session bus cannot
 * start it, as a program of its own.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* daemon_bus: as EwDaemon's, for a program that has to be started; NULL: the system bus. */
void ew_open_app (GApplication *application, const gchar *daemon_bus);

/* The app that this tray belongs to: another ID by --gapplication-app-id, ID.Tray, is of another app beside the usual
   one. (transfer full) */
gchar *ew_open_app_get_id (GApplication *application);

G_END_DECLS
