/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Translated flows, as flows.h keeps those that a verdict has let pass: read without locks by any number of data
 * threads, entries under a version, nothing waits, nothing allocates.
 *
 * A flow has two entries, one for each way, that are each other's mirror:
 *
 *   EW_NAT_CALL    caller 100.96.1.1:5000 → 100.111.0.1:80 called    becomes    shown 100.96.1.1:5000 → 100.96.1.2:8123
 *   EW_NAT_REPLY   target 100.96.1.2:8123 → 100.96.1.1:5000          becomes    100.111.0.1:80 → 100.96.1.1:5000
 *
 * No two flows have the same entry of either way, so a reply is one flow's alone: what would be a second is refused as
 * taken, and gets another port to be shown with. A flow that reaches a target's port without a service has its reply's
 * entry alone (EW_NAT_DIRECT), so that no service's flow takes it for its own.
 *
 * Bounded: EW_NAT_STATES in sets of eight, chosen by a secret hash, and EW_NAT_STATES_PER_NODE entries for each node. A
 * node at its bound replaces flows of its own; a set that is full of others' live flows keeps them.
 */
#pragma once

#include <stdatomic.h>
#include "edge/nat/services.h"

#define EW_NAT_STATES 131072 /* 16 MB, of which only what is used becomes real */
#define EW_NAT_STATES_PER_NODE 4096

/* Seconds without a packet after which a flow is forgotten: as flows.h's, and two for what TCP says itself. */
#define EW_NAT_IDLE_NEW 30
#define EW_NAT_IDLE_TCP 7440
#define EW_NAT_IDLE 300
#define EW_NAT_IDLE_HALF 240 /* one end has closed: RFC 5382, REQ-5 */
#define EW_NAT_IDLE_CLOSED 10

typedef enum
{
  EW_NAT_CALL,
  EW_NAT_REPLY
} EwNatWay;

/* Flags of a flow. */
enum
{
  EW_NAT_REPLIED = 1 << 0,
  EW_NAT_CALLER_CLOSED = 1 << 1, /* FIN */
  EW_NAT_TARGET_CLOSED = 1 << 2,
  EW_NAT_RESET = 1 << 3,
  EW_NAT_DIRECT = 1 << 4,    /* not translated */
  EW_NAT_AS_EDGE = 1 << 5,   /* the target sees the edge */
  EW_NAT_TENTATIVE = 1 << 6, /* taken up again at a reply; the caller hasn't confirmed it */
};

/* The ends of a packet; protocol: IPPROTO_TCP or IPPROTO_UDP. */
typedef struct
{
  EwIp source, destination;
  guint16 source_port, destination_port;
  guint8 protocol;
} EwNatTuple;

typedef struct
{
  EwNatWay way;
  EwNatTuple before, after; /* a packet of this way as it comes and as it goes on */
  guint16 service;          /* its number; 0: none */
  guint8 flags;
  guint16 generation; /* of the table that it was last found right by */
  guint32 seen;       /* seconds: the latest packet, the latest reply (0: none) */
  guint32 replied;
  gconstpointer entry; /* as it was found, for ew_nat_states_is_current() and what changes it */
  guint64 version, word;
} EwNatState;

typedef struct EwNatStates EwNatStates;

/* How many entries a node has. Zeroed: none. It stays in place until ew_nat_states_forget(). */
typedef struct
{
  _Atomic guint32 n;
} EwNatOwner;

/* capacity: entries, a power of two from 8; 0: EW_NAT_STATES. seed: random. */
EwNatStates *ew_nat_states_new (guint64 seed, gsize capacity);
void ew_nat_states_free (EwNatStates *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNatStates, ew_nat_states_free)

EwNatTuple ew_nat_tuple_reverse (const EwNatTuple *tuple);
guint64 ew_nat_states_hash (const EwNatStates *self, const EwNatTuple *tuple);

/* now: seconds of any clock that does not go back. FALSE: there is none, or it was idle. */
gboolean ew_nat_states_find (EwNatStates *self, EwNatWay way, const EwNatTuple *tuple, guint32 now, EwNatState *out);
/* What was found is so still, was touched in this second, and was found right by that table: there's nothing to be
   done. */
gboolean ew_nat_states_is_current (const EwNatState *state, guint16 generation, guint32 now);
/* A packet of the flow was seen, which says flags and was found right by that table: writes only where something has
   changed, at most once a second otherwise, and then to the other way's entry, too. FALSE: the other way's is missing;
   the flow is removed and to be taken for unknown. */
gboolean ew_nat_states_touch (EwNatStates *self, const EwNatState *state, guint8 flags, guint16 generation,
                              guint32 now);
/* Takes these flags away from both ways. */
void ew_nat_states_confirm (EwNatStates *self, const EwNatState *state, guint8 flags);

typedef enum
{
  EW_NAT_ADDED,
  EW_NAT_TAKEN, /* the reply's entry is another flow's */
  EW_NAT_FULL
} EwNatAdded;

/* The flow that state (of the way EW_NAT_CALL; its fields up to generation) describes. What had its call's entry is
   replaced. */
EwNatAdded ew_nat_states_add (EwNatStates *self, const EwNatState *state, EwNatOwner *owner, guint32 now);
/* A flow without a service: reply is what a packet from the target's port looks like. */
EwNatAdded ew_nat_states_add_direct (EwNatStates *self, const EwNatTuple *reply, EwNatOwner *owner, guint32 now);
/* Whether this way is nobody's at this moment. */
gboolean ew_nat_states_is_free (EwNatStates *self, EwNatWay way, const EwNatTuple *tuple, guint32 now);
/* Both ways. */
void ew_nat_states_remove (EwNatStates *self, const EwNatState *state);
/* Removes all of an owner that is to go, and that opens no more. Not in a data thread: it looks at every entry. */
void ew_nat_states_forget (EwNatStates *self, EwNatOwner *owner);
