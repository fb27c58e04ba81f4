/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What should be known even when nobody looks at the window, as notifications: a change that is being tried, one that
 * was undone, this computer's removal from its mesh. Each once.
 */
#pragma once

#include "control/control.h"

G_BEGIN_DECLS

#define EW_TYPE_NOTICES (ew_notices_get_type ())
G_DECLARE_FINAL_TYPE (EwNotices, ew_notices, EW, NOTICES, GObject)

/* application: borrowed, outlives this. */
EwNotices *ew_notices_new (GApplication *application, EwControl *control);

G_END_DECLS
