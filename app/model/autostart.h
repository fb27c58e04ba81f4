/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the tray starts at login. For a "Start at Login" in the app and in the tray.
 *
 * Outside a sandbox: an entry in the user's autostart folder (XDG Autostart), present only while it is chosen, and
 * watched for other programs' changes. In a Flatpak that folder can't be seen: the Background portal is asked, and what
 * it answered last is remembered in GSettings. Its current state can't be queried.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Property "on" (b), read-only, announced by notify: the tray starts at login. */
#define EW_TYPE_AUTOSTART (ew_autostart_get_type ())
G_DECLARE_FINAL_TYPE (EwAutostart, ew_autostart, EW, AUTOSTART, GObject)

/* sandboxed: ew_autostart_is_sandboxed (), or what a test says. */
EwAutostart *ew_autostart_new (gboolean sandboxed);
/* Whether this program runs in a Flatpak. */
gboolean ew_autostart_is_sandboxed (void);

gboolean ew_autostart_get (EwAutostart *self);
/* A desktop may ask the person, so the answer takes as long as that does. finish: FALSE with a sentence in error
   (G_IO_ERROR or G_FILE_ERROR); "on" is what holds now, whichever it was. */
void ew_autostart_set_async (EwAutostart *self, gboolean on, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_autostart_set_finish (EwAutostart *self, GAsyncResult *result, GError **error);

G_END_DECLS
