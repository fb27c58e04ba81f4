/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The desktop's HTTP proxy for the edge: its settings, a PAC file or a portal, as GIO finds them, told to the daemon, which
 * has no desktop.
 */
#pragma once

#include "model/daemon.h"

G_BEGIN_DECLS

/* Looks the proxy for url up and tells the daemon, within some seconds. It ends in any case; nothing is said of a failure. */
void ew_proxy_answer_async (EwDaemon *daemon, const gchar *url, GAsyncReadyCallback callback, gpointer user_data);
void ew_proxy_answer_finish (GAsyncResult *result);
/* Does so whenever the daemon wants to know, as long as that object lives. */
void ew_proxy_answer_follow (EwDaemon *daemon);

G_END_DECLS
