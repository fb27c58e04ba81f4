/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of EwDaemon share: daemon-bus.c finds the daemon, daemon.c has its properties, daemon-call.c calls it.
 */
#pragma once

#include "daemon.h"

G_BEGIN_DECLS

#define EW_DAEMON_NAME "org.edgeway.Daemon1"
#define EW_DAEMON_PATH "/org/edgeway/Daemon1"

GDBusConnection *ew_daemon_get_connection (EwDaemon *self); /* borrowed; NULL: no bus, or not yet */

G_END_DECLS
