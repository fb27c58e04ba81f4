/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bottom bar: which way traffic goes (VPN or connector only), the Connect switch with the state in words, and the
 * guard while it counts. Everything follows the daemon; a pending request is shown as a spinner with Cancel.
 * Uses the actions app.connected, app.mode, app.keep-mode, app.undo-mode. Stacks in a narrow window.
 */
#pragma once

#include <adwaita.h>

#include "control/control.h"

G_BEGIN_DECLS

#define EW_TYPE_STATUS_BAR (ew_status_bar_get_type ())
G_DECLARE_FINAL_TYPE (EwStatusBar, ew_status_bar, EW, STATUS_BAR, AdwBin)

EwStatusBar *ew_status_bar_new (EwControl *control);

/* Only the chosen mode is explained, so that both stand in one row. */
void ew_status_bar_set_narrow (EwStatusBar *self, gboolean narrow);

G_END_DECLS
