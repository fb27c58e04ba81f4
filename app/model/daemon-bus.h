/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgewayd on its bus: connects to the bus, follows the name's owner, asks the bus to start it, reads its properties.
 * Properties are read here and not by GDBusProxy, which hides why they could not be read and warns of a daemon that
 * stops just then. For EwDaemon only.
 */
#pragma once

#include "daemon.h"

G_BEGIN_DECLS

typedef struct _EwDaemonBus EwDaemonBus;

/* properties: a{sv} of those that are new, borrowed; NULL: none. It comes with EW_AVAILABILITY_READY alone. */
typedef void (*EwDaemonBusChanged) (EwAvailability availability, GVariant *properties, gpointer user_data);

/* address: NULL: the system bus. changed is called from ew_daemon_bus_look() on, until ew_daemon_bus_free(). */
EwDaemonBus *ew_daemon_bus_new (const gchar *address, EwDaemonBusChanged changed, gpointer user_data);
void ew_daemon_bus_free (EwDaemonBus *self);

/* Looks for the daemon, from the beginning where it has looked before. */
void ew_daemon_bus_look (EwDaemonBus *self);

const gchar *ew_daemon_bus_get_address (EwDaemonBus *self);        /* borrowed; NULL: the system bus */
GDBusConnection *ew_daemon_bus_get_connection (EwDaemonBus *self); /* borrowed; NULL: no bus, or not yet */

G_END_DECLS
