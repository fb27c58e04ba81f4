/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard in the bottom bar: a countdown with Keep and Undo while a change is being tried, a notice after it was
 * undone, else nothing. Uses the actions app.keep-mode and app.undo-mode.
 */
#pragma once

#include <adwaita.h>

#include "control/guard-watch.h"

G_BEGIN_DECLS

#define EW_TYPE_GUARD_NOTE (ew_guard_note_get_type ())
G_DECLARE_FINAL_TYPE (EwGuardNote, ew_guard_note, EW, GUARD_NOTE, AdwBin)

/* Once. */
void ew_guard_note_set_watch (EwGuardNote *self, EwGuardWatch *watch);

G_END_DECLS
