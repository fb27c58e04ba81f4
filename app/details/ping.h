/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One real ping through the edge, its answer as a sentence.
 */
#pragma once

#include "model/daemon.h"
#include "model/node.h"

G_BEGIN_DECLS

/* target: NULL: the edge. */
void ew_ping_async (EwDaemon *daemon, EwNode *target, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data);
/* "A ping came back in 12.3 ms (5.1 + 7.2)" (transfer full); NULL with EW_CALL_ERROR. */
gchar *ew_ping_finish (EwDaemon *daemon, GAsyncResult *result, GError **error);
/* That sentence from the daemon's JSON; NULL: not an answer. */
gchar *ew_ping_sentence (const gchar *json);

G_END_DECLS
