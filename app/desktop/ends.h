/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Notifies of the result of a request to control while no window can show it, and keeps the application alive until
 * then: until the call is answered, the tunnel is up, or a mode that is being tried is kept or undone.
 *
 * Timers: `patience` from an answered Connect on; `lingering` from the guard's end on.
 */
#pragma once

#include "control/notices.h"

G_BEGIN_DECLS

#define EW_TYPE_ENDS (ew_ends_get_type ())
G_DECLARE_FINAL_TYPE (EwEnds, ew_ends, EW, ENDS, GObject)

typedef gboolean (*EwEndsHasWindow) (gpointer user_data);

/* application is borrowed and outlives it. */
EwEnds *ew_ends_new (GApplication *application, EwControl *control, EwNotices *notices, EwEndsHasWindow has_window,
                     gpointer user_data);

G_END_DECLS
