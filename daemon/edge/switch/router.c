/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/router-private.h"

guint64
ew_switch_router_total (EwSwitchRouter *self, gsize offset)
{
  guint64 total = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    total
      += atomic_load_explicit ((_Atomic guint64 *)((guint8 *)&self->lanes[i].counters + offset), memory_order_relaxed);
  return total;
}

/* Notes. */

EwRouterNode *
ew_switch_router_take_notes (EwSwitchRouter *self)
{
  return atomic_exchange_explicit (&self->notes, NULL, memory_order_acq_rel);
}

void
ew_switch_router_mark_read (EwRouterNode *node)
{
  atomic_store_explicit (&node->noted, FALSE, memory_order_release);
}

void
ew_switch_router_note (EwSwitchRouter *self, EwRouterNode *node)
{
  EwRouterNode *head;

  if (atomic_exchange_explicit (&node->noted, TRUE, memory_order_acq_rel))
    return;
  head = atomic_load_explicit (&self->notes, memory_order_relaxed);
  do
    node->next_note = head;
  while (
    !atomic_compare_exchange_weak_explicit (&self->notes, &head, node, memory_order_release, memory_order_relaxed));
  if (head == NULL && self->wake != NULL)
    self->wake (self->wake_data);
}

/* Answers. */

static gboolean
take_icmp_token (EwRouterNode *node, guint64 now_ns)
{
  const guint64 full = EW_ROUTER_ICMP_BURST * 1000;
  guint64 elapsed = now_ns - node->icmp_at_ns;

  if (node->icmp_at_ns == 0 || elapsed > G_GUINT64_CONSTANT (1000000000) * EW_ROUTER_ICMP_BURST)
    node->icmp_milli = full;
  else
    node->icmp_milli = MIN (full, node->icmp_milli + elapsed / (1000000 / EW_ROUTER_ICMP_PER_SECOND));
  node->icmp_at_ns = now_ns;
  if (node->icmp_milli < 1000)
    return FALSE;
  node->icmp_milli -= 1000;
  return TRUE;
}

EwRoute
ew_switch_router_reply (EwTransit *t, gsize size)
{
  t->packet->data = t->lane->answer + EW_HEADROOM;
  t->packet->len = size;
  t->packet->room = EW_TAILROOM;
  return EW_ROUTE_REPLY;
}

EwRoute
ew_switch_router_refuse (EwTransit *t, EwIcmpError error, guint16 mtu, const EwIp *from)
{
  gsize size;

  if (!take_icmp_token (t->node, t->time->now_ns))
    return EW_ROUTE_DROP;
  /* The edge's own host would discard an answer from its own address: it gets one in the name of the destination. */
  if (from == NULL)
    from = t->from != NULL ? &t->router->service[t->header.source.family == EW_FAMILY_V6] : &t->header.destination;
  size = ew_packet_build_error (t->lane->answer + EW_HEADROOM, t->packet->data, t->packet->len, from, error, mtu);
  return size > 0 ? ew_switch_router_reply (t, size) : EW_ROUTE_DROP;
}

EwRoute
ew_switch_router_reset (EwTransit *t)
{
  if (!take_icmp_token (t->node, t->time->now_ns))
    return EW_ROUTE_DROP;
  const gsize size = ew_packet_build_reset (t->lane->answer + EW_HEADROOM, t->packet->data, &t->header);
  return size > 0 ? ew_switch_router_reply (t, size) : EW_ROUTE_DROP;
}

gboolean
ew_switch_router_in_mesh (const EwSwitchRouter *self, const EwIp *ip)
{
  const EwPrefix *range = &self->ranges[ip->family == EW_FAMILY_V6];

  return range->ip.family == ip->family && ew_prefix_contains (range, ip);
}

/* Other nodes and the exit. */

/* IPv6 never fragments on the way, IPv4 with DF does not either; without DF the datagram that carries it may be. */
static gboolean
is_too_big (const EwTransit *t, guint16 mtu)
{
  return t->packet->len > mtu && (t->header.source.family == EW_FAMILY_V6 || (t->packet->data[6] & 0x40) != 0);
}

/* IPv4 without DF: what doesn't fit goes ahead in fragments of its own, so that the datagrams that carry it aren't
   fragmented, which many firewalls drop. */
static void
send_cut (EwTransit *t, EwPeer *peer, guint16 mtu)
{
  gsize kept;

  while ((kept = ew_packet_cut (t->lane->answer + EW_HEADROOM, t->packet->data, t->packet->len, mtu)) > 0)
    {
      EwPacket first = { .data = t->lane->answer + EW_HEADROOM, .len = kept + 20 };

      ew_lane_send_to (t->sending, peer, &first, 1, t->time);
      t->packet->data += kept;
      t->packet->len -= kept;
    }
}

static EwRoute
pass_to_peer (EwTransit *t, EwPeer *peer, EwRouterNode *node, EwPeer **to)
{
  atomic_fetch_add_explicit (&node->received_packets, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&node->received_bytes, t->packet->len, memory_order_relaxed);
  if (t->from == NULL)
    return EW_ROUTE_LOOKUP;
  COUNT (t, forwarded_packets, 1);
  COUNT (t, forwarded_bytes, t->packet->len);
  *to = peer;
  return EW_ROUTE_PEER;
}

/* The largest inner packet that is sent to it without ado: what an administrator said, and what the node found out about
   its path. Below what IPv6 demands of every path (RFC 8200 section 5) nobody is told a size: QUIC needs 1200 bytes, so
   the datagrams outside are fragmented there. cut: the size for IPv4 without DF, which has no such limit. */
static guint16
mtu_of (const EwSwitchRouter *self, const EwRouterNode *node, guint16 *cut)
{
  const guint16 said = atomic_load_explicit (&node->mtu, memory_order_relaxed);
  const guint16 takes = atomic_load_explicit (&node->takes, memory_order_relaxed);
  const guint16 mtu = said != 0 ? said : self->mtu;

  *cut = takes != 0 ? MIN (mtu, takes) : mtu;
  return takes != 0 ? MIN (mtu, MAX (takes, EW_ROUTER_IPV6_MIN)) : mtu;
}

EwRoute
ew_switch_router_route_to_peer (EwTransit *t, EwPeer *peer, EwPeer **to)
{
  EwRouterNode *node = ew_peer_get_user_data (peer);
  guint16 mtu, cut;
  EwRoute route;

  /* The loop guard: never back to where it came from, unless a service's address led to it. */
  if (peer == t->from && (t->translated == NULL || !ew_nat_plan_turns_back (t->translated->plan)))
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (node == NULL || !ew_peer_has_endpoint (peer) || atomic_load_explicit (&node->departed, memory_order_relaxed))
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (t->from != NULL && !ew_switch_router_verdict (t, node))
    return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
  if (t->from != NULL && t->header.ttl <= 1) /* the edge's host has decremented its packets' */
    return REFUSE (t, dropped_ttl, EW_ICMP_TTL_EXCEEDED);
  mtu = mtu_of (t->router, node, &cut);
  if (is_too_big (t, mtu))
    {
      COUNT (t, dropped_too_big, 1);
      return ew_switch_router_refuse (t, EW_ICMP_TOO_BIG, mtu, NULL);
    }
  if (t->translated != NULL
      && !ew_nat_apply (&t->translated->context, t->translated->plan, &t->header, t->packet->data))
    return DROP (t, dropped_service);
  if (t->from != NULL && !ew_packet_decrement_ttl (t->packet->data, t->packet->len))
    return DROP (t, dropped_malformed);
  route = pass_to_peer (t, peer, node, to);
  if (t->packet->len > cut)
    send_cut (t, peer, cut);
  return route;
}

/* The edge's host forwards it, decrements the TTL and reports when it has expired. */
static EwRoute
route_to_exit (EwTransit *t)
{
  EwSwitchRouter *self = t->router;
  gconstpointer exit = atomic_load (&self->exit);

  if (exit == NULL)
    return REFUSE (t, dropped_no_route, EW_ICMP_NO_ROUTE);
  if (!ew_switch_router_in_mesh (self, &t->header.source))
    return REFUSE (t, dropped_source, EW_ICMP_PROHIBITED);
  switch (self->decide (exit, &t->header.destination))
    {
    case EW_SWITCH_EXIT_ALLOWED:
      break;
    case EW_SWITCH_EXIT_NO_UPSTREAM:
      return REFUSE (t, dropped_no_route, EW_ICMP_NO_ROUTE);
    default:
      return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
    }
  if (!ew_switch_router_verdict (t, NULL))
    return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
  COUNT (t, exit_packets, 1);
  return EW_ROUTE_TUN;
}

/* The first byte shows for nearly every packet that it may pass. */
static gboolean
leads_nowhere (const EwIp *ip)
{
  const guint8 first = ip->bytes[0];

  if (first != 0 && first < 224 && (first != 127 || ip->family == EW_FAMILY_V6))
    return FALSE;
  return ew_ip_is_multicast (ip) || ew_ip_is_unspecified (ip) || ew_ip_is_loopback (ip);
}

/* A node's first packet after silence, or after goodbye: tells the main context now rather than at its next look.
 */
static void
note_arrival (EwTransit *t)
{
  if (!atomic_load_explicit (&t->node->online, memory_order_relaxed))
    ew_switch_router_note (t->router, t->node);
}

EwRoute
ew_switch_router_route_plain (EwTransit *t, EwPeer **to)
{
  const EwSwitchRouter *self = t->router;
  const EwIp *destination = &t->header.destination;
  EwPeer *peer;

  if (ew_switch_router_is_edge (self, destination))
    return t->from != NULL ? ew_switch_router_route_to_edge (t) : DROP (t, dropped_no_route);
  if (ew_switch_router_is_edge (self, &t->header.source) && t->from != NULL)
    return DROP (t, dropped_source);
  if (leads_nowhere (destination)) /* the host's kernel looks for routers and groups */
    return t->from != NULL ? DROP (t, dropped_malformed) : EW_ROUTE_DROP;
  peer = ew_device_lookup (ew_lane_get_device (t->acting), destination);
  if (peer != NULL)
    return ew_switch_router_route_to_peer (t, peer, to);
  if (t->from == NULL || ew_switch_router_in_mesh (self, destination))
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  return route_to_exit (t);
}

EwRoute
ew_switch_router_route (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  EwSwitchRouter *self = user;
  EwRouterLane *own = &self->lanes[ew_lane_number (lane)];
  EwTransit t = {
    .router = self,
    .lane = own,
    .acting = lane,
    .from = from,
    .node = from != NULL ? ew_peer_get_user_data (from) : &own->host,
    .sending = lane,
    .packet = packet,
    .time = time,
  };
  const EwRouterTranslation *translation = atomic_load_explicit (&self->translation, memory_order_acquire);
  EwRoute route;

  if (t.node == NULL) /* a peer that isn't a node */
    {
      ew_switch_router_count (&own->counters.dropped_malformed, 1);
      return EW_ROUTE_DROP;
    }
  if (!ew_packet_parse (packet->data, packet->len, &t.header) || t.header.unsafe)
    return DROP (&t, dropped_malformed);
  packet->len = t.header.total_length;
  if (from != NULL)
    note_arrival (&t);
  /* Before services: after the edge's start a target's answer could be taken for one of a flow from before. */
  if (from != NULL && ew_switch_router_is_edge (self, &t.header.destination)
      && ew_switch_router_hear_probe (&t, &route))
    return route;
  return translation != NULL ? ew_switch_router_route_services (&t, translation, to)
                             : ew_switch_router_route_plain (&t, to);
}
