/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Back from sleep, as logind tells (PrepareForSleep); where there is no system bus, nothing comes and ew_slept() has to
 * do.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct EwResume EwResume;

EwResume *ew_resume_watch (void (*func) (gpointer user_data), gpointer user_data);
void ew_resume_free (EwResume *resume);

G_END_DECLS
