/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What keeps one user's messages from filling edgewayd's queue. GDBus reads messages in a thread of its own and queues
 * them for the main loop without a bound; the gate stands in that thread, before the queue:
 *
 *   bus → read → gate ── method call within its caller's bounds ──→ main loop → answer ─┐
 *                  ├──── method call beyond them: LimitsExceeded, sent from here        │ counted down
 *                  └──── signal sent to edgewayd alone: dropped                          ←┘ on its way out
 *
 * A call is open from here until its answer leaves, whatever it asks for: a method, a property or introspection. A call
 * that wants no answer is given one, which is dropped on its way out, so that it counts like any other.
 *
 *   caller           open calls
 *   uid 0            as many as it has places (call.h)
 *   another uid      16 for each of its connections, 32 for all of them, 192 for all such users together
 *   not known yet    16 for each connection, 4096 in all, until the bus has said whose the connection is
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_GATE_PER_CONNECTION 16
#define EW_GATE_PER_USER 32
#define EW_GATE_OTHERS 192     /* all users but root together */
#define EW_GATE_STRANGERS 4096 /* a bus gives one user 256 connections */

/* Only for a connection to a message bus: a peer is root's. Remove it with g_dbus_connection_remove_filter(). */
guint ew_gate_add (GDBusConnection *connection);

G_END_DECLS
