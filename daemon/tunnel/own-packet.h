/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether packets of this computer's own programs reach the edge through the tunnel: a TCP connection to the API
 * inside, with a socket without Edgeway's mark. Probes bypass the kernel's rules, routes and firewalls; this doesn't.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_OWN_PACKET_SECONDS 4

void ew_own_packet_try_async (const EwIp *to, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
/* FALSE with an error of GIO's: why no connection was made. A refused one came back from there, so it is TRUE. */
gboolean ew_own_packet_try_finish (GAsyncResult *result, GError **error);

G_END_DECLS
