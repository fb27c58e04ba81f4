/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Leaving the mesh: asks first, then has the daemon do it.
 */
#pragma once

#include "window/window.h"

G_BEGIN_DECLS

/* Asks over window, which also says what came of it. */
void ew_leave_ask (EwWindow *window, EwDaemon *daemon);

G_END_DECLS
