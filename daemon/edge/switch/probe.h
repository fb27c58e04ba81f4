/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether something listens: the edge itself calls a port of a node, or of a host behind one, through the mesh. It
 * needs no TUN, no socket and no route of the edge's host.
 *
 *   TCP    SYN              → SYN+ACK: answered (reset at once), RST: refused
 *   UDP    empty, and ping  → UDP: answered, port unreachable: refused, echo reply: the computer is there
 *   ICMP   ping             → echo reply: the computer is there
 *
 * A probe has a slot, whose number is in its source port; the main context fills it, a data thread writes down what came
 * back: one atomic word. Only the node that was asked, or one behind it, is believed, and of TCP only who has seen the
 * SYN.
 */
#pragma once

#include <stdatomic.h>
#include "edge/switch/flow.h"

#define EW_PROBE_SLOTS 64
#define EW_PROBE_PORT 64000     /* and the following ones: above those that Linux gives to programs by itself */
#define EW_PROBE_ECHO_ID 0x4579 /* of its pings, the slot is the sequence number */
#define EW_PROBE_PACKET_MAX 128

typedef enum
{
  EW_PROBE_FREE,
  EW_PROBE_WAITING,
  EW_PROBE_PINGED, /* the computer is there; a word about the port may follow */
  EW_PROBE_ANSWERED,
  EW_PROBE_REFUSED,
  EW_PROBE_UNREACHABLE
} EwProbeState;

typedef struct
{
  _Atomic guint64 word;         /* a random number in the upper half, the state in the lower */
  _Atomic (gconstpointer) node; /* who may answer; compared, never followed */
} EwProbeSlot;

typedef struct
{
  EwProbeSlot slots[EW_PROBE_SLOTS];
} EwProbes;

/* Main context. Takes a free slot; -1: there is none. */
gint ew_switch_probe_take (EwProbes *self, guint32 secret);
EwProbeState ew_switch_probe_get (EwProbes *self, gint slot);
void ew_switch_probe_set_node (EwProbes *self, gint slot, gconstpointer node);
/* Ends the waiting; no effect where it has ended. */
void ew_switch_probe_settle (EwProbes *self, gint slot, EwProbeState state);
void ew_switch_probe_free (EwProbes *self, gint slot);
/* The packets that ask, one after another (part 0, 1 …), as inner packets; 0: no further one, or another family. out:
 * EW_PROBE_PACKET_MAX bytes. */
gsize ew_switch_probe_build (EwProbes *self, gint slot, guint part, const EwIp *from, const EwIp *to, guint8 protocol,
                             guint16 port, guint8 *out);

/* A data thread: a packet for the edge's own address, from node or behind it. TRUE: it belonged to a probe; *answer is
 * the size of a packet in out (EW_PROBE_PACKET_MAX bytes) to be sent back, or 0. */
gboolean ew_switch_probe_hear (EwProbes *self, gconstpointer node, const EwIpHeader *header, const guint8 *packet,
                               gsize len, guint8 *out, gsize *answer);
