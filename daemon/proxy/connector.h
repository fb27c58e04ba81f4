/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way through a proxy for what connects with GIO (GSocketClient, libsoup): a resolver that answers as settings.h does,
 * and CONNECT by tunnel.h in place of GIO's own, so that the same rules hold and an error says the same. No password is
 * in what the resolver answers.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_TYPE_PROXY_RESOLVER (ew_proxy_resolver_get_type ())
G_DECLARE_FINAL_TYPE (EwProxyResolver, ew_proxy_resolver, EW, PROXY_RESOLVER, GObject)

/* file: settings.h's. */
EwProxyResolver *ew_proxy_resolver_new (const gchar *file);
/* A host that is reached directly whatever the settings are; NULL: none. */
void ew_proxy_resolver_set_direct (EwProxyResolver *self, const gchar *host);

/* HOST:PORT of the proxy that leads to host now; NULL: none. (transfer full) */
gchar *ew_proxy_resolver_find_place (EwProxyResolver *self, const gchar *host);
/* HOST:PORT of the proxy that a connection is made to; NULL: it is made directly. (transfer full) */
gchar *ew_proxy_resolver_get_place (GSocketConnection *connection);

G_END_DECLS
