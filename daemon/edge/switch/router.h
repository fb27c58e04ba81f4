/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hairpin: what happens to one inner packet. It runs in the data threads, where nothing may block, allocate or take
 * a lock; it does no I/O, so that a test can hand it a packet, a device and a time and look at the decision.
 *
 *   from a node    parse → a service of the mesh, or its target? (router-services.c)
 *                  → the edge's own address? (link protocol, echo, else the TUN) → longest prefix
 *                  → loop guard → verdict (once a flow) → TTL → size → sealed for that node
 *                  no prefix → inside the mesh: unreachable; outside: the exit's policy → TUN
 *   translated     longest prefix of where it really goes → loop guard → verdict → TTL → size → addresses and ports
 *                  replaced → sealed for that node
 *   from the TUN   services → longest prefix → that node, else unreachable back into the TUN
 *
 * Refusals are answered by ICMP from the service address, at most EW_ROUTER_ICMP_PER_SECOND a second and node.
 */
#pragma once

#include <stdatomic.h>
#include "edge/nat/nat.h"
#include "edge/nat/table.h"
#include "edge/switch/exit.h"
#include "edge/switch/flows.h"
#include "edge/switch/identity.h"
#include "edge/switch/probe.h"
#include "edge/switch/switch.h"
#include "proto/link.h"

#define EW_ROUTER_ICMP_PER_SECOND 20
#define EW_ROUTER_ICMP_BURST 50
/* Identifier and payload of the edge's own echo requests to plain nodes: token and stamp, 8 bytes each. */
#define EW_ROUTER_ECHO_ID 0x4577
#define EW_ROUTER_ECHO_PAYLOAD 16
#define EW_ROUTER_SIZE_ID 0x4578 /* of those that measure its path: a token, then as much as it takes */
#define EW_ROUTER_IPV6_MIN 1280  /* RFC 8200 section 5 */

/* The largest SIZE_ANSWER; ew_packet_build_error() wants 1280. */
#define EW_ROUTER_ANSWER_MAX EW_LINK_SIZE_MAX

typedef struct EwRouterNode EwRouterNode;

/* Counts of a data thread, and of a node's traffic, all of which arrives on one thread: each has one writer. */
typedef struct
{
  _Atomic guint64 forwarded_packets, forwarded_bytes, exit_packets; /* on to another node; to the internet */
  _Atomic guint64 dropped_policy, dropped_no_route, dropped_ttl, dropped_too_big, dropped_source, dropped_malformed;
  _Atomic guint64 translated_packets;
  _Atomic guint64 dropped_service; /* no room for a flow, or a fragment without its first */
} EwRouterCounters;

/* What the data threads know of a node: the user data of its peer. Made and freed in the main context, freed only after
   the peer has been removed. Every field beyond its data thread's own is an atomic word, so no thread waits. */
struct EwRouterNode
{
  const gchar *id; /* borrowed from the owner; constant */
  gpointer owner;  /* for the main context; never followed in a data thread */

  /* The main context writes, the data threads read. */
  _Atomic guint64 revision;    /* its node document's, as a hash */
  _Atomic guint64 probe_token; /* of the latest round trip probe; 0: none is out */
  _Atomic guint64 size_token;  /* of the measuring of its path, if it's a plain one; 0: none yet */
  _Atomic gboolean online;     /* what the main context believes */
  _Atomic gboolean departed;   /* it said goodbye and has not been back */
  _Atomic guint8 problem;      /* an EwNodeProblem, for its ANSWERs */
  _Atomic guint16 mtu;         /* the largest inner packet that may be sent to it; 0: the router's */
  /* The largest that the path to it takes, as it says; of a plain one the main context says it. 0: unknown. */
  _Atomic guint16 takes;

  guint8 apart[EW_CACHE_LINE];
  _Atomic guint32 counts_at; /* the IPv4 address where it answers COUNT, as in a packet; 0: it doesn't */
  /* Its data thread writes, the main context reads. Times are now_ns; 0: never. */
  _Atomic guint64 goodbye_ns;
  _Atomic guint64 probe_ns;                          /* the latest PROBE */
  _Atomic guint64 probe_revision;                    /* … and the hash of the revision that it named */
  _Atomic guint64 instance_new_ns, instance_back_ns; /* identity.h */
  _Atomic guint64 rtt_ns;
  _Atomic guint64 rtt_at_ns;
  _Atomic guint16 echoed; /* the largest reply to the echoes that size_token belongs to */

  EwRouterCounters counters;

  /* Its data thread's own. */
  guint32 probed_from; /* hash of where the latest PROBE came from; 0: not by UDP, or none yet */
  /* … the token bucket of ICMP errors, in 1/1000 of a message. */
  guint64 icmp_milli;
  guint64 icmp_at_ns;

  EwInstances instances;
  EwFlowOwner flows;
  EwNatOwner translations;

  /* Notes to the main context: a stack that it takes as a whole. */
  _Atomic gboolean noted;
  EwRouterNode *next_note;

  /* What others and the edge's host sent to it: all data threads write. */
  _Atomic guint64 received_packets, received_bytes;
};

/* Which flows may be. */
typedef struct
{
  EwSwitchVerdict verdict;
  gpointer data;
  EwFlowTable *flows; /* what the verdict has let pass; NULL: it is asked about every packet */
} EwRouterPolicy;

/* Resolvers behind nodes that this host asks. */
typedef struct
{
  gsize n;
  EwIp ips[];
} EwRouterResolvers;

/* The mesh's services. */
typedef struct
{
  EwNat *nat;
  EwNatTable *table;
} EwRouterTranslation;

#define EW_ROUTER_RECENT 256 /* a power of two */

/* A flow's way that the flow table let pass in this second. */
typedef struct
{
  EwIp source, destination;
  guint32 ports; /* as in the packet */
  guint8 protocol;
  guint32 now, generation;
  const EwFlowTable *flows; /* NULL: nothing is here */
} EwRouterRecent;

/* What a data thread has for itself. */
typedef struct
{
  EwRouterCounters counters;
  EwRouterNode host; /* the bucket and the counters of packets from the TUN */
  EwRouterRecent recent[EW_ROUTER_RECENT];
  guint8 answer[EW_HEADROOM + EW_ROUTER_ANSWER_MAX + EW_TAILROOM]; /* sent before it is needed again */
} EwRouterLane;

typedef struct
{
  /* Constant while the data threads run. */
  EwIp service[2];
  EwPrefix ranges[2];
  guint16 mtu;
  EwSwitchExitDecision (*decide) (gconstpointer exit, const EwIp *destination);
  void (*wake) (gpointer data); /* a note has been put on the empty stack; async-safe, must not block */
  gpointer wake_data;

  /* The main context writes; what it replaced it frees after an ew_engine_call(). */
  _Atomic gboolean tun[2];                           /* IPv4, IPv6: what is for this host may go there */
  _Atomic (gconstpointer) exit;                      /* NULL: the exit is closed */
  _Atomic (const EwRouterPolicy *) policy;           /* NULL: all may pass */
  _Atomic (const EwRouterResolvers *) resolvers;     /* NULL: none */
  _Atomic (const EwRouterTranslation *) translation; /* NULL: there are no services */

  _Atomic (EwRouterNode *) notes;
  EwProbes probes;
  EwRouterLane lanes[1 + EW_LANES_MAX]; /* by ew_lane_number() */
} EwSwitchRouter;

/* A counter of all data threads together; field: of EwRouterCounters. */
#define EW_ROUTER_TOTAL(self, field) ew_switch_router_total ((self), offsetof (EwRouterCounters, field))
guint64 ew_switch_router_total (EwSwitchRouter *self, gsize offset);

/* An EwRouter; user is the EwSwitchRouter. The peers' user data are EwRouterNodes. */
EwRoute ew_switch_router_route (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time,
                                EwPeer **to);

/* An EwEngineAsk; user is the EwSwitchRouter. */
gsize ew_switch_router_ask (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out);

/* Any thread: the nodes that something happened to (goodbye, or a packet from one believed offline), linked by
   next_note. Mark each as read after its next_note has been read, before looking at what happened. */
EwRouterNode *ew_switch_router_take_notes (EwSwitchRouter *self);
void ew_switch_router_mark_read (EwRouterNode *node);
void ew_switch_router_note (EwSwitchRouter *self, EwRouterNode *node);

/* Writes a round trip probe for node as an inner packet to its address: of the link protocol, or an ICMP echo for a
   plain node. out: EW_LINK_PACKET_MAX bytes, which an echo fits too. Remembers the token. Returns its size. */
gsize ew_switch_router_build_probe (EwRouterNode *node, guint8 *out, const EwIp *service, const EwIp *address,
                                    gboolean plain, guint64 token, guint64 now_ns);
