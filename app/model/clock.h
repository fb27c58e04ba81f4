/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The desktop's clock: twelve hours or twenty-four. For the model only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* As the desktop's settings say; FALSE without settings, or where the language has no words for morning and
   afternoon. */
gboolean ew_clock_has_twelve_hours (void);

G_END_DECLS
