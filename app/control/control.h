/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What people ask of this computer's tunnel: connect or not, which mode, keep or undo a change. One object for the
 * window's bar, the menu and the notifications.
 *
 * The actions "connected" (b), "mode" (s: "vpn", "connector") and "lockdown" (b) have the daemon's state, never the
 * wished one: a request changes nothing until the daemon reports the change. "lockdown-off" is enabled while lockdown is
 * on; "keep-mode" and "undo-mode" are while the guard counts, or the time of a lockdown that is tried. "open-portal" is
 * while the network wants a login on its own page: the browser opens that page, which is let through where VPN mode or
 * lockdown would stop it.
 */
#pragma once

#include "model/daemon.h"
#include "control/guard-watch.h"

G_BEGIN_DECLS

/* Properties: busy-text s (what is being asked, a phrase for people; NULL: nothing is).
   Signals: "failed" (s: a sentence); "done" (s: what was done, as a heading). A dismissed prompt and a cancelled call
   are neither. */
#define EW_TYPE_CONTROL (ew_control_get_type ())
G_DECLARE_FINAL_TYPE (EwControl, ew_control, EW, CONTROL, GObject)

EwControl *ew_control_new (EwDaemon *daemon);
EwDaemon *ew_control_get_daemon (EwControl *self);    /* borrowed */
EwGuardWatch *ew_control_get_guard (EwControl *self); /* borrowed */
/* The actions stay in map as long as map lives. */
void ew_control_add_actions (EwControl *self, GActionMap *map);

const gchar *ew_control_get_busy_text (EwControl *self); /* borrowed; NULL: nothing is being asked */
/* Gives up waiting for what is being asked. */
void ew_control_cancel (EwControl *self);

/* The tunnel is up or being brought up: what the switch shows. */
gboolean ew_control_get_connected (EwControl *self);
/* Connect, Disconnect and the mode can be asked for: this computer is in a mesh, and the service is there. */
gboolean ew_control_get_possible (EwControl *self);

/* Lockdown can be switched on, as VPN mode is kept, or off. */
gboolean ew_control_get_lockable (EwControl *self);

void ew_control_set_connected (EwControl *self, gboolean connected);
void ew_control_set_mode (EwControl *self, EwMode mode);
void ew_control_set_lockdown (EwControl *self, gboolean on);

G_END_DECLS
