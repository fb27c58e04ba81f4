/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the bodies of this session's notifications are read as markup. GLib passes them on unchanged, to GNOME's own
 * service and to the portal, which show plain text, or to org.freedesktop.Notifications, which says what it does.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* connection: the session bus; NULL: no session bus, and nothing is shown. */
void ew_notice_markup_async (GDBusConnection *connection, GAsyncReadyCallback callback, gpointer user_data);
/* Also FALSE where no notification server answers. */
gboolean ew_notice_markup_finish (GAsyncResult *result);

G_END_DECLS
