/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Enrolling this computer, so that it can be cancelled truthfully: the daemon's call can't be undone once it is sent,
 * so a cancelled one is awaited and, where it succeeded, followed by Leave.
 */
#pragma once

#include "model/daemon.h"

G_BEGIN_DECLS

/* FALSE with EW_CALL_ERROR. With EW_CALL_ERROR_CANCELLED, *left_again tells whether the key is used up (it had joined
   when the cancellation came, and left again). The application is held until it is over. */
void ew_join_async (EwDaemon *daemon, const gchar *key, const gchar *name, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_join_finish (GAsyncResult *result, gboolean *left_again, GError **error);

G_END_DECLS
