/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CONNECT (RFC 9110 section 9.3.6): a connection to a proxy becomes one to a host behind it.
 */
#pragma once

#include <gio/gio.h>
#include "proxy/proxy.h"

G_BEGIN_DECLS

/* The request for host (a name or an address) and port. (transfer full) With credentials it is a secret. */
gchar *ew_proxy_request (const EwProxy *proxy, const gchar *host, guint16 port);

/* stream: connected to proxy, nothing sent yet. Without a time limit of its own: cancel it. */
void ew_proxy_tunnel_async (GIOStream *stream, const EwProxy *proxy, const gchar *host, guint16 port,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* TRUE: what is written to stream now goes to the host. EDGE_UNREACHABLE, or PROXY_PASSWORD where it asks for one: a
   sentence with the proxy's address says what it answered; *status: that, or 0: nothing that is HTTP. Other errors are
   the stream's. */
gboolean ew_proxy_tunnel_finish (GAsyncResult *result, guint *status, GError **error);

G_END_DECLS
