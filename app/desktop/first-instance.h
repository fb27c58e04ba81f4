/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A program that runs already is handed what a second start was for. One that hangs would keep the second one waiting
 * for GLib's 25 seconds, and then for nothing.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* TRUE: no other instance runs in this session, or it answers. Waits for a few seconds at most; FALSE was reported on
   stderr and as a notification. */
gboolean ew_first_instance_answers (const gchar *application_id);

G_END_DECLS
