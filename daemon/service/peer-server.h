/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Peer-to-peer D-Bus for computers without a system bus: a socket that only uid 0 can reach (folder 0700, socket 0600)
 * and whose peers the kernel vouches for (SASL EXTERNAL, SO_PEERCRED).
 */
#pragma once

#include "service/service.h"

G_BEGIN_DECLS

#define EW_PEERS_MAX 64

typedef struct _EwPeerServer EwPeerServer;

/* Makes dir, 0700, and listens on "bus" in it. A socket left by a crash is replaced; one that a process still listens
   on is an error. Borrows service. */
EwPeerServer *ew_peer_server_new (EwService *service, const gchar *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_peer_server_free (EwPeerServer *self); /* closes the connections, removes the socket */

G_END_DECLS
