/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * polkit's answer to "may the owner of this bus name do that?", asked over D-Bus without polkit's library
 * (org.freedesktop.PolicyKit1.Authority, CheckAuthorization).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* sender: the caller's unique name on connection. details: a{ss} for the prompt (prompt.h).
   interactive: the caller allows a password prompt (its message carries ALLOW_INTERACTIVE_AUTHORIZATION); the prompt
   may take as long as a person needs. Cancelling takes the prompt away. */
void ew_authority_check_async (GDBusConnection *connection, const gchar *sender, const gchar *action, GVariant *details,
                               gboolean interactive, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);

/* TRUE: authorized. EW_ERROR_NOT_AUTHORIZED: polkit refuses, wants a password and can't ask for it, or is not there;
   each names sudo. EW_ERROR_CANCELLED: the prompt was closed
   without a valid password, or the check cancelled. */
gboolean ew_authority_check_finish (GAsyncResult *result, GError **error);

G_END_DECLS
