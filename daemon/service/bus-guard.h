/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process between edgewayd and the message bus, as edgewayd is uid 0 there, to which most services give all that
 * they have (bus-filter.h):
 *
 *   edgewayd ═══ /run/edgeway/bus.PID.N ═══ bus-guard ═══ the bus' socket
 *   can't reach the bus' own socket         has no capability, and lets pass what is in the table
 *
 * It's forked before edgewayd enters its sandbox, in which the bus' socket is hidden (sandbox.h), and ends with it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_BUS_GUARD_DOORS 2

typedef struct
{
  gchar *address; /* what leads to the bus now; (owned) */
  gchar *hidden;  /* the socket, or the folder of sockets, that edgewayd mustn't reach; (owned) */
} EwBusDoor;

/* For each of addresses (NULL: none) a door, if it leads to a socket at which a bus answers; else the door's members
   are NULL and the address is to be used as before. Before the first thread. */
void ew_bus_guard_start (const gchar *const addresses[EW_BUS_GUARD_DOORS], EwBusDoor doors[EW_BUS_GUARD_DOORS]);
void ew_bus_door_clear (EwBusDoor *door);
/* Calls func once, in the main loop, if the process ends before edgewayd does. */
void ew_bus_guard_watch (void (*func) (gpointer user_data), gpointer user_data);

G_END_DECLS
