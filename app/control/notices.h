/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person has to know even while they look elsewhere: VPN is being tried, was turned off again, this computer was
 * removed from its mesh, it can't connect and needs a person, or lockdown blocks all traffic. Exactly one of a session's
 * programs shows it: the app while it runs, else the tray.
 *
 * Timers: `guard_delay` from the guard's start on; `lockdown_delay` since lockdown blocks all traffic.
 */
#pragma once

#include "control/control.h"

G_BEGIN_DECLS

#define EW_TYPE_NOTICES (ew_notices_get_type ())
G_DECLARE_FINAL_TYPE (EwNotices, ew_notices, EW, NOTICES, GObject)

/* TRUE: a person has the app's window in front, where errors are shown. */
typedef gboolean (*EwNoticesSeen) (gpointer user_data);

/* application is borrowed and outlives it; it has control's actions, and "open-map" where a click on a notification
   isn't its activation. seen may be NULL. Tells nothing before it's active. */
EwNotices *ew_notices_new (GApplication *application, EwControl *control, EwNoticesSeen seen, gpointer user_data);
/* FALSE: from now on another program shows the notices, or this one ends: notices with buttons are withdrawn. */
void ew_notices_set_active (EwNotices *self, gboolean active);
/* The result of a request, whether active or not. body may be NULL. */
void ew_notices_tell_end (EwNotices *self, const gchar *title, const gchar *body);

G_END_DECLS
