/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One packet on its way through the router, and what its files share: router.c (where to), router-edge.c (what is for
 * the edge itself), router-verdict.c, router-services.c.
 */
#pragma once

#include "edge/nat/nat.h"
#include "edge/switch/router.h"
#include "proto/packet.h"

/* A packet that a service has to do with. */
typedef struct
{
  EwNatContext context;
  EwNatPlan *plan; /* the data thread's, until the next packet is looked at */
} EwRouterTranslated;

typedef struct
{
  EwSwitchRouter *router;
  EwRouterLane *lane;
  EwLane *acting;     /* the engine's */
  EwPeer *from;       /* NULL: the TUN */
  EwRouterNode *node; /* from's; the lane's own for the TUN */
  EwLane *sending;
  EwPacket *packet;
  const EwTime *time;
  EwRouterTranslated *translated; /* NULL: it's passed on as it is, and nothing is to be noted */
  EwIpHeader header;
} EwTransit;

static inline void
ew_switch_router_count (_Atomic guint64 *counter, guint64 n)
{
  /* One writer: no need for a locked add. */
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* Counts both for the whole and for whom the packet came from. */
#define COUNT(t, field, n)                                                                                             \
  (ew_switch_router_count (&(t)->lane->counters.field, (n)), ew_switch_router_count (&(t)->node->counters.field, (n)))

/* The router's answer, in lane->answer: the next packet follows this one directly. */
EwRoute ew_switch_router_reply (EwTransit *t, gsize size);
/* from: NULL: the edge. Dropped where the node has had enough answers. */
EwRoute ew_switch_router_refuse (EwTransit *t, EwIcmpError error, guint16 mtu, const EwIp *from);
/* The RST that refuses a TCP segment. */
EwRoute ew_switch_router_reset (EwTransit *t);

/* counter: a field of EwRouterCounters. */
#define REFUSE(t, counter, error) (COUNT (t, counter, 1), ew_switch_router_refuse ((t), (error), 0, NULL))
#define DROP(t, counter) (COUNT (t, counter, 1), EW_ROUTE_DROP)

gboolean ew_switch_router_in_mesh (const EwSwitchRouter *self, const EwIp *ip);
/* router-edge.c: to the edge's own address. */
EwRoute ew_switch_router_route_to_edge (EwTransit *t);
/* A packet to that address: TRUE if it answers a probe of the edge's own (probe.h), *route says what is done with it. */
gboolean ew_switch_router_hear_probe (EwTransit *t, EwRoute *route);
gboolean ew_switch_router_is_edge (const EwSwitchRouter *self, const EwIp *ip);
/* router-verdict.c: whether it may go there; NULL: to the exit. */
gboolean ew_switch_router_verdict (EwTransit *t, EwRouterNode *to);
/* router-services.c: the mesh has services. */
EwRoute ew_switch_router_route_services (EwTransit *t, const EwRouterTranslation *translation, EwPeer **to);
/* router.c: as if there were no services. */
EwRoute ew_switch_router_route_plain (EwTransit *t, EwPeer **to);
/* … to that node, after translation if that is due. */
EwRoute ew_switch_router_route_to_peer (EwTransit *t, EwPeer *peer, EwPeer **to);
