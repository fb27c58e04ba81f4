/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard as people see it: a change to VPN, or to lockdown, is being tried, it was kept, or it was undone because its
 * time ran out.
 * Only the daemon's state counts; the clock here is for text, and to distinguish an expiry from a person's undo.
 */
#pragma once

#include "model/daemon.h"

G_BEGIN_DECLS

typedef enum
{
  EW_GUARD_NONE,
  EW_GUARD_COUNTING,
  EW_GUARD_UNDONE, /* stays until dismissed, or until the mode is changed again */
} EwGuardPhase;

/* Signals: "changed" (): phase is another one; "undone" (s: a sentence): the time ran out. */
#define EW_TYPE_GUARD_WATCH (ew_guard_watch_get_type ())
G_DECLARE_FINAL_TYPE (EwGuardWatch, ew_guard_watch, EW, GUARD_WATCH, GObject)

EwGuardWatch *ew_guard_watch_new (EwDaemon *daemon);
EwGuardPhase ew_guard_watch_get_phase (EwGuardWatch *self);
/* What is or was tried: lockdown, else VPN mode. */
gboolean ew_guard_watch_is_lockdown (EwGuardWatch *self);
/* What to show in this phase at now (µs since the epoch), a sentence (transfer full); NULL: nothing. */
gchar *ew_guard_watch_get_text (EwGuardWatch *self, gint64 now);
/* The person has seen that the change was reverted. */
void ew_guard_watch_dismiss (EwGuardWatch *self);

G_END_DECLS
