/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the tray starts at login: an entry in the user's autostart folder (XDG Autostart), there only while it was
 * chosen. For a "Start at Login" in the app and in the tray.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean ew_autostart_get (void);
/* Writes or removes the entry; FALSE with a sentence in error (G_FILE_ERROR or G_IO_ERROR). */
gboolean ew_autostart_set (gboolean on, GError **error);
/* Follows the entry, whoever changes it: connect to "changed" and ask again. Transfer full; NULL where it cannot be
   followed. */
GFileMonitor *ew_autostart_watch (void);

G_END_DECLS
