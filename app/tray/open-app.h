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

G_END_DECLS
