/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a packet has to do with a service, and what it becomes. Runs in the data threads: nothing blocks, allocates or
 * takes a lock. The switch asks in two steps, so that nothing is remembered of a packet that it refuses:
 *
 *   ew_nat_look()    reads the packet; says whether it's to be translated, and how
 *       the switch   longest prefix, verdict, TTL, size: of what the packet really reaches, its bytes still as they came
 *   ew_nat_apply()   remembers the flow and writes the packet
 *
 *   from whom    to                      what happens
 *   anyone       a service, its port     a flow's target, or a new flow: a target chosen
 *   anyone       a service, otherwise    refused; pings are answered while a target is healthy
 *   a target     a flow's caller         translated back
 *   a target     another address         untouched; after the edge's start it may be a flow from before, see below
 *   anyone       a target's own address  untouched, but noted: a service's flow with the same ends gets another port
 *   anyone       an ICMP error about a flow, from where one end of it is: both its headers are translated
 *   a service    anyone                  forged: no node has that address
 *
 * The target sees the caller, so that replies and logs say who it was. It sees the edge where the service says so, and
 * where caller and target are behind the same node: there a reply wouldn't come back to the edge.
 *
 * A flow keeps its target while it lives. It loses it when the new table doesn't have that target at that port, and,
 * where the target isn't healthy, with the next SYN, or for UDP after EW_NAT_SILENT seconds without a reply.
 *
 * After the edge's start flows go on that began before, unless their target sees the edge. A packet from the caller
 * chooses the target again; a reply is taken up where one service alone leads to that port, one of a few and not of
 * thousands. Where the verdict forbids the flow, or the caller answers that it knows of no such one, it was one without a
 * service and goes on so: the caller's RST is kept from the target.
 */
#pragma once

#include "edge/nat/fragments.h"
#include "edge/nat/table.h"

/* The edge's ports for flows whose target sees the edge: below those that Linux gives to its own (32768…60999). Each
   target's port has all of them. */
#define EW_NAT_PORT_FIRST 16384
#define EW_NAT_PORTS 16384
#define EW_NAT_PORT_TRIES 32
#define EW_NAT_SILENT 30
#define EW_NAT_RECOVERS_PORTS 64 /* of a range: a larger one has the ports that its host itself calls from */

typedef struct EwNat EwNat;

/* seed: random. now: seconds, as in ew_nat_states_find(). */
EwNat *ew_nat_new (guint64 seed, guint32 now);
void ew_nat_free (EwNat *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNat, ew_nat_free)
EwNatStates *ew_nat_get_states (EwNat *self);

typedef enum
{
  EW_NAT_ABSENT, /* no node has that address, or it isn't there */
  EW_NAT_THERE,
  EW_NAT_SENDER /* it's the sender of the packet */
} EwNatReach;

/* A packet's surroundings. */
typedef struct
{
  EwNat *nat;
  const EwNatTable *table;
  guint lane;           /* of the data thread, from 0 */
  gconstpointer sender; /* tells senders apart */
  EwNatOwner *owner;    /* the sender's */
  gboolean from_edge;   /* it comes from the edge's own host */
  const EwIp *own;      /* the edge's addresses, IPv4 and IPv6 */
  guint64 now_ns;
  guint32 now; /* the same in seconds */
  EwNatReach (*reach) (gpointer user, const EwIp *ip);
  gpointer user;
} EwNatContext;

typedef enum
{
  EW_NAT_UNTOUCHED,
  EW_NAT_TRANSLATED, /* the plan says how */
  EW_NAT_ECHO,       /* a ping to be answered */
  EW_NAT_NO_PORT,    /* to be refused: nothing listens there */
  EW_NAT_NO_TARGET,  /* … no target is healthy and there */
  EW_NAT_FORGED,     /* sent from a service's address, or from the edge's */
  EW_NAT_WAITS,      /* a fragment that was copied; it comes back when the first is there */
  EW_NAT_LOST,       /* to be dropped and counted: a fragment without its first, or nothing that is translated */
  EW_NAT_SWALLOWED   /* to be dropped: it has done what it was for */
} EwNatOutcome;

typedef enum
{
  EW_NAT_OF_NOTHING,
  EW_NAT_OF_PACKET,
  EW_NAT_OF_FRAGMENT, /* after the first: it has addresses only */
  EW_NAT_OF_ERROR
} EwNatKind;

typedef struct
{
  EwNatKind kind;
  EwNatState state; /* of the packet's way; of an error, the way that it goes itself */
  guint8 flags;     /* that the packet adds */
  gboolean fresh;   /* to be added */
  gboolean current; /* nothing about it is to be written */
  gboolean notes;   /* untouched, but state.before is to be noted as a reply without a service */
  EwNatFragment fragment;
  guint32 id; /* what a fragment is sent as, if it has a new one */
  gboolean renumbers;
  EwIp source;       /* of an error: its new source */
  EwIpHeader quoted; /* … and what it quotes */
  gsize quoted_at;
} EwNatPlan;

/* header: ew_packet_parse()'s, not unsafe. *plan: the data thread's own, until it looks at the next packet. */
EwNatOutcome ew_nat_look (const EwNatContext *context, const EwIpHeader *header, const guint8 *packet,
                          EwNatPlan **plan);
/* Of a translated packet: who called and what answers (the caller's own ends, not what the target sees), as the source
   and the destination; TRUE: this packet goes from the caller to the target. */
gboolean ew_nat_plan_called (const EwNatPlan *plan, EwNatTuple *called);
/* … and how the caller called: to the service's own address and port. */
EwNatTuple ew_nat_plan_call (const EwNatPlan *plan);
/* Where it goes. */
const EwIp *ew_nat_plan_destination (const EwNatPlan *plan);
/* … even back to the node that it came from. */
gboolean ew_nat_plan_turns_back (const EwNatPlan *plan);
/* It's taken for a reply of a flow from before the edge's start. A verdict that wouldn't have let that flow pass says
   that it's no such reply: it's to be treated as UNTOUCHED. */
gboolean ew_nat_plan_is_guess (const EwNatPlan *plan);

/* After ew_nat_look() said TRANSLATED, or UNTOUCHED with notes. FALSE: the flow found no room, and the packet is to be
   dropped and counted. */
gboolean ew_nat_apply (const EwNatContext *context, EwNatPlan *plan, const EwIpHeader *header, guint8 *packet);
/* Which packet this fragment is of. FALSE: it isn't the first of several. */
gboolean ew_nat_plan_begins (const EwNatContext *context, const EwNatPlan *plan, const EwIpHeader *header,
                             EwNatPieces *pieces);
/* Fragments that waited for the first of that packet: one after another, each to be treated as if it had just arrived. */
gboolean ew_nat_release (const EwNatContext *context, const EwNatPieces *pieces, EwPacket *out);
