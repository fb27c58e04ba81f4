/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer says of itself, for the map: its system and its version. The edge hears them at enrollment, and
 * again after an upgrade: when they are others than those that it last took, which the keystore remembers.
 */
#pragma once

#include "account/client.h"

G_BEGIN_DECLS

/* The system's name without its bells: PRETTY_NAME of os-release(5), at most 64 bytes. (transfer full) */
gchar *ew_describe_os (void);
/* The edge knows these; to be saved by the caller. */
void ew_describe_told (EwKeystore *keystore, const gchar *os, const gchar *version);
/* Whether the edge knows something else, or nobody knows what it knows. */
gboolean ew_describe_is_due (EwKeystore *keystore);
/* Tells it. client speaks in the node's name; keystore is enrolled. */
void ew_describe_async (EwClient *client, EwKeystore *keystore, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data);
/* TRUE: the edge took it, and keystore says so; it is to be saved. FALSE without an error: an older edge has no such
   call. Errors: as of a call. Where keystore is of another membership by now, nothing of it has changed. */
gboolean ew_describe_finish (EwClient *client, GAsyncResult *result, GError **error);

G_END_DECLS
