/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether this desktop shows tray icons: is there a StatusNotifier host on the session bus (a panel that has one; GNOME
 * has it with an extension only). Follows panels that start, stop and crash. No GTK.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Properties, read-only, with notify: known b: an answer came; there b: a host is there, FALSE while not known. */
#define EW_TYPE_TRAY_HOST (ew_tray_host_get_type ())
G_DECLARE_FINAL_TYPE (EwTrayHost, ew_tray_host, EW, TRAY_HOST, GObject)

EwTrayHost *ew_tray_host_new (void);
gboolean ew_tray_host_get_known (EwTrayHost *self);
gboolean ew_tray_host_get_there (EwTrayHost *self);

G_END_DECLS
