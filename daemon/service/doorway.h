/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The connection to the message bus passes through here, in a thread of its own, message by message:
 *
 *   bus ═══ socket ═══ doorway (gate.h) ═══ socket pair ═══ GDBus
 *
 * GDBus reads a message of any size into memory and takes it apart before anybody may look at it, at some 20 µs for the
 * smallest and seconds for the largest. The doorway looks at the header alone, so it reads faster than the bus can
 * send: what a user sends beyond their bounds is thrown away without waiting in the bus's queue before root's.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct EwDoorway EwDoorway;

/* A connection to the message bus at address, signed on (Hello) and gated. */
EwDoorway *ew_doorway_open (const gchar *address, GDBusConnection **connection, GError **error);
/* What GDBus has sent so far still goes out. Drop the connection before. */
void ew_doorway_close (EwDoorway *self);

G_END_DECLS
