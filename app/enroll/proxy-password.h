/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a person for the user name and the password that an HTTP proxy wants before it leads to the edge.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/daemon.h"

G_BEGIN_DECLS

/* One at a time. callback, which may be NULL, is called once they are stored or the person has cancelled. */
void ew_proxy_password_ask_async (GtkWindow *parent, EwDaemon *daemon, GAsyncReadyCallback callback,
                                  gpointer user_data);
/* FALSE without an error: nothing was given. */
gboolean ew_proxy_password_ask_finish (GAsyncResult *result, GError **error);

G_END_DECLS
