/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What keeps one user's messages from filling edgewayd's queue. GDBus reads whole messages, takes them apart and queues
 * them for the main loop, all without a bound; the gate filters before it, in the doorway's thread (doorway.h):
 *
 *   bus → gate ── method call within its caller's bounds ──→ GDBus → main loop → answer ─┐
 *          ├───── method call beyond them, too large or with descriptors: refused          │ counted down
 *          └───── signal sent to edgewayd alone: dropped                                  ←┘ on its way out
 *
 * A call is open from here until its answer leaves, whatever it asks for: a method, a property or introspection. A call
 * that wants no answer is given one, which is dropped on its way out, so that it counts like any other.
 *
 *   caller           open calls
 *   uid 0            as many as it has places (call.h)
 *   another uid      16 for each of its connections, 32 for all of them, 192 for all such users together; 128 a second,
 *                    8 of them introspection, whose answers of 20 KB would keep the others waiting
 *   not known yet    16 for each connection, 4096 in all, until the bus has said whose the connection is
 *
 * A refusal is an answer (LimitsExceeded), of which each connection gets 128 a second: the bus lets a caller wait for
 * as many, so one that asks on and on waits there.
 */
#pragma once

#include <gio/gio.h>

#include "service/frame.h"

G_BEGIN_DECLS

#define EW_GATE_PER_CONNECTION 16
#define EW_GATE_PER_USER 32
#define EW_GATE_PER_SECOND 128
#define EW_GATE_INTROSPECTIONS 8
#define EW_GATE_OTHERS 192     /* all users but root together */
#define EW_GATE_STRANGERS 4096 /* a bus gives one user 256 connections */

#define EW_GATE_CALL_MAX (64 * 1024) /* bytes of a call's body; an enrollment key has 1 KiB */

typedef struct EwGate EwGate;

/* To the bus; message is borrowed. */
typedef void (*EwGateSend) (GDBusMessage *message, gpointer user_data);

EwGate *ew_gate_new (EwGateSend send, gpointer user_data);
void ew_gate_free (EwGate *self);

/* Whether a message from the bus is passed on to GDBus. data: its header, whose flags may be changed; body: the answer
   to a question of the gate's own, NULL with all other messages. */
gboolean ew_gate_let_in (EwGate *self, const EwFrame *frame, guint8 *data, const guint8 *body);
/* Whether it answers a question of the gate's own: then its body is looked at. */
gboolean ew_gate_asked_for (EwGate *self, const EwFrame *frame);
/* Whether a message of GDBus' is passed on to the bus. */
gboolean ew_gate_let_out (EwGate *self, const EwFrame *frame);

G_END_DECLS
