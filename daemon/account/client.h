/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's API as a node calls it (daemon/edge/API.md): HTTPS with the chain checked to the mesh's pin and to nothing
 * else, no redirect followed, every answer bounded in size and time. Through an HTTP proxy where there is one
 * (proxy/settings.h), except inside the tunnel.
 *
 * The API's addresses are tried as in RFC 8305, the one that worked last first; the last known addresses of a host
 * name are tried before the name, so that reaching the edge never depends on a resolver inside the tunnel. Sockets
 * carry the mark given so that VPN mode lets them pass outside; only the address inside the tunnel is reached through
 * it.
 *
 * The TLS server name is the edge's host name where it has one, and a fixed one otherwise: the pin alone decides who
 * may answer.
 *
 * Errors: EW_ERROR with a sentence. EDGE_UNREACHABLE: no address answered. PIN_MISMATCH: something else answered.
 * PROXY_PASSWORD: the proxy wants a user name and a password. FAILED: the answer is invalid. Everything else is what
 * the edge said.
 */
#pragma once

#include <libsoup/soup.h>
#include "account/keystore.h"

G_BEGIN_DECLS

#define EW_CLIENT_MAX_ANSWER (64 * 1024)
#define EW_CLIENT_LIST_MAX_ANSWER (1024 * 1024)
#define EW_CLIENT_TRY_SECONDS 10 /* one address, from the connection to the end of the answer */
#define EW_CLIENT_STAGGER_MS 250 /* an address that has no connection by then isn't waited for alone (RFC 8305) */

#define EW_TYPE_CLIENT (ew_client_get_type ())
G_DECLARE_FINAL_TYPE (EwClient, ew_client, EW, CLIENT, GObject)

/* cache: where addresses of names are kept, NULL for none. mark: SO_MARK of its sockets, 0 for none (ignored without
 * the privilege). */
EwClient *ew_client_new (const guint8 pin[EW_PIN_SIZE], const gchar *const *api, EwKeystore *cache, guint32 mark);
/* Speaks in the name of this node from now on. */
void ew_client_set_identity (EwClient *self, const gchar *id, const gchar *credential);
void ew_client_set_api (EwClient *self, const gchar *const *api);
/* From now on through the proxy that this file and what is beside it names (proxy/settings.h). */
void ew_client_set_proxy_file (EwClient *self, const gchar *file);
/* The API's address inside the tunnel, while that works: for a network that lets only UDP to the edge. NULL: none. */
void ew_client_set_inside (EwClient *self, const EwIp *service, guint16 port);
/* From now on it works without the keystore, which may be erased: with a copy of the addresses in it. */
void ew_client_detach (EwClient *self);
/* Drops idle connections: the network is another, or the way to the edge. */
void ew_client_abort_idle (EwClient *self);
/* The CA that the edge showed and that has the pin; NULL before the first answer. */
const gchar *ew_client_get_ca (EwClient *self);

/* One call. path: "/v1/…". Answers of "/v1/nodes", "/v1/routes" and "/v1/names" may be 1 MiB, others 64 KiB. A call
   that may not be made twice (POST except to /v1/enroll) goes to the next address only while none was reached. */
void ew_client_call_async (EwClient *self, const gchar *method, const gchar *path, JsonObject *body,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full) */
JsonObject *ew_client_call_finish (EwClient *self, GAsyncResult *result, GError **error);

void ew_client_websocket_async (EwClient *self, const gchar *path, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full); takes messages of 1 MiB. */
SoupWebsocketConnection *ew_client_websocket_finish (EwClient *self, GAsyncResult *result, GError **error);

G_END_DECLS
