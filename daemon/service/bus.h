/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the service is reached: as org.edgeway.Daemon1 on a message bus, or, where this computer has no system bus, on
 * its own socket for uid 0 (peer-to-peer D-Bus).
 */
#pragma once

#include "service/service.h"

G_BEGIN_DECLS

#define EW_BUS_PEER_DIR "/run/edgeway"
#define EW_BUS_PEER_ADDRESS "unix:path=" EW_BUS_PEER_DIR "/bus"

typedef struct _EwBus EwBus;

/* address: the message bus to use, and no other; NULL: the system bus, else the socket. shown: what a sentence calls that
   bus, as a guard may stand before it (bus-guard.h). Returns once edgewayd owns the
   name. Errors: the bus given can't be reached, doesn't let edgewayd own the name, or another edgewayd owns it. Later,
   if the bus disappears, it waits for its return while the tunnel stays up. Borrows service. */
EwBus *ew_bus_open (EwService *service, const gchar *address, const gchar *shown,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Sends what still waits to be sent, then leaves the bus or removes the socket. */
void ew_bus_close (EwBus *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwBus, ew_bus_close)

/* A sentence for the log: where edgewayd is reached. */
const gchar *ew_bus_get_description (EwBus *self);

G_END_DECLS
