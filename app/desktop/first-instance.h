/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A running instance gets the request of a second start. One that hangs would block the second one for GLib's 25
 * seconds, without a result.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* TRUE: no other instance runs in this session, or it answers. Waits for a few seconds at most; FALSE was reported on
   stderr and as a notification. */
gboolean ew_first_instance_answers (const gchar *application_id);

G_END_DECLS
