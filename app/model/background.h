/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Background portal (org.freedesktop.portal.Background): how a program in a sandbox is started at login.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Asks that command (NULL-terminated, a program of the sandbox) starts at login, or no longer does. There is no timeout:
   the desktop may ask the person. */
void ew_background_request_async (const gchar *const *command, const gchar *reason, gboolean autostart,
                                  GAsyncReadyCallback callback, gpointer user_data);
/* TRUE: autostart is the desktop's decision, which may differ from the request. FALSE: nothing was changed, with
   G_IO_ERROR_NOT_SUPPORTED where there is no such portal, G_IO_ERROR_CANCELLED where the person closed its question,
   or another error of GIO's; the messages aren't for people. */
gboolean ew_background_request_finish (GAsyncResult *result, gboolean *autostart, GError **error);

G_END_DECLS
