/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray of X11 from before StatusNotifier: where only that one is there, libayatana-appindicator shows the icon in
 * it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ew_legacy_tray_is_there (void);

G_END_DECLS
