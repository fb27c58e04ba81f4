/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Back from sleep, as logind tells (PrepareForSleep), and as the clocks do where there is no logind: waking up sets the
 * wall clock, of which the kernel tells whoever has a timer that is to be cancelled then (timerfd_create(2)), and the
 * boot clock has gone on while the others stood (ew_slept()). No clock is looked at without a reason.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct EwResume EwResume;

EwResume *ew_resume_watch (void (*func) (gpointer user_data), gpointer user_data);
void ew_resume_free (EwResume *resume);

G_END_DECLS
