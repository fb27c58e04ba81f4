/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is asked of the app from outside, by a notification's button, a launcher or a link, is carried out or refused
 * with the reason, never dropped. What comes before the daemon's properties are known waits for them, and the
 * application lives until then.
 */
#pragma once

#include "control/control.h"

G_BEGIN_DECLS

/* Signals: "refused" (s: a sentence): it can't be done in the current state. */
#define EW_TYPE_WISHES (ew_wishes_get_type ())
G_DECLARE_FINAL_TYPE (EwWishes, ew_wishes, EW, WISHES, GObject)

/* application is borrowed and outlives it. */
EwWishes *ew_wishes_new (GApplication *application, EwControl *control);
/* Adds each action of inner to the application. inner sets what is enabled. */
void ew_wishes_add_actions (EwWishes *self, GActionGroup *inner);

G_END_DECLS
