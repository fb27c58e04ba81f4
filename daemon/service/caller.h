/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who owns a bus name: uid and process from the bus itself, and from logind whether that person sits at this computer.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 uid;
  guint32 pid; /* 0: the bus does not know */
} EwCaller;

/* Asks the message bus (GetConnectionCredentials). finish: EW_ERROR_NOT_AUTHORIZED where it does not know. */
void ew_caller_identify_async (GDBusConnection *connection, const gchar *sender, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_caller_identify_finish (GAsyncResult *result, EwCaller *caller, GError **error);

/* Whether the caller is in an active session at this computer's own seat: what polkit calls active and local. The
   session is its process's; for a process outside every session (started by the user's service manager) the one that
   its user has on a display. No logind, no session, any doubt: FALSE. Never an error. */
void ew_caller_is_local_async (GDBusConnection *connection, const EwCaller *caller, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_caller_is_local_finish (GAsyncResult *result);

G_END_DECLS
