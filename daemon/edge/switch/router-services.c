/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets of a mesh with services: what nat.h says of them, carried out.
 */
#include "edge/switch/presence.h"
#include "edge/switch/router-private.h"

#include <netinet/in.h>

static EwNatReach
reach_address (gpointer user, const EwIp *ip)
{
  const EwTransit *t = user;
  EwPeer *peer = ew_device_lookup (ew_lane_get_device (t->acting), ip);
  const EwRouterNode *node = peer != NULL ? ew_peer_get_user_data (peer) : NULL;

  if (node == NULL)
    return EW_NAT_ABSENT;
  if (peer == t->from)
    return EW_NAT_SENDER;
  return ew_peer_has_endpoint (peer) && !atomic_load_explicit (&node->departed, memory_order_relaxed) ? EW_NAT_THERE
                                                                                                      : EW_NAT_ABSENT;
}

static EwRoute
route_to_host (EwTransit *t)
{
  EwRouterTranslated *translated = t->translated;

  if (t->from == NULL
      || !atomic_load_explicit (&t->router->tun[t->header.source.family == EW_FAMILY_V6], memory_order_relaxed))
    return REFUSE (t, dropped_no_route, EW_ICMP_PROHIBITED);
  if (!ew_nat_apply (&translated->context, translated->plan, &t->header, t->packet->data))
    return DROP (t, dropped_service);
  COUNT (t, translated_packets, 1);
  return EW_ROUTE_TUN;
}

/* Never to the exit: a target or a caller that no node has isn't looked for in the internet. */
static EwRoute
route_translated (EwTransit *t, EwPeer **to)
{
  const EwIp *destination = ew_nat_plan_destination (t->translated->plan);
  EwPeer *peer;
  EwRoute route;

  if (ew_switch_router_is_edge (t->router, destination))
    return route_to_host (t);
  peer = ew_device_lookup (ew_lane_get_device (t->acting), destination);
  if (peer == NULL)
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (ew_nat_plan_is_guess (t->translated->plan) && !ew_switch_router_verdict (t, ew_peer_get_user_data (peer)))
    {
      t->translated = NULL;
      return ew_switch_router_route_plain (t, to);
    }
  route = ew_switch_router_route_to_peer (t, peer, to);
  if (route == EW_ROUTE_PEER || route == EW_ROUTE_LOOKUP)
    COUNT (t, translated_packets, 1);
  return route;
}

/* As the target's own host would, in the name of the service. */
static EwRoute
refuse_port (EwTransit *t)
{
  COUNT (t, dropped_no_route, 1);
  if (t->header.upper == IPPROTO_TCP)
    return ew_switch_router_reset (t);
  return ew_switch_router_refuse (t, EW_ICMP_PORT_UNREACHABLE, 0, &t->header.destination);
}

static EwRoute
carry_out (EwTransit *t, EwRouterTranslated *translated, EwNatOutcome outcome, EwPeer **to)
{
  switch (outcome)
    {
    case EW_NAT_TRANSLATED:
      t->translated = translated;
      return route_translated (t, to);
    case EW_NAT_ECHO:
      return ew_packet_answer_echo (t->packet->data, t->packet->len) ? EW_ROUTE_REPLY : DROP (t, dropped_malformed);
    case EW_NAT_NO_PORT:
      return refuse_port (t);
    case EW_NAT_NO_TARGET:
      return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
    case EW_NAT_FORGED:
      return DROP (t, dropped_source);
    case EW_NAT_LOST:
      return DROP (t, dropped_service);
    case EW_NAT_WAITS:
    case EW_NAT_SWALLOWED:
      return EW_ROUTE_DROP;
    default:
      t->translated = translated->plan->notes ? translated : NULL;
      return ew_switch_router_route_plain (t, to);
    }
}

/* What waited for the first fragment goes on ahead of it. */
static void
release_fragments (EwTransit *t, const EwRouterTranslated *translated)
{
  EwNatPieces pieces;
  EwPacket packet;

  if (!ew_nat_plan_begins (&translated->context, translated->plan, &t->header, &pieces))
    return;
  while (ew_nat_release (&translated->context, &pieces, &packet))
    {
      EwPeer *to = NULL;
      const EwRoute route = ew_switch_router_route (t->router, t->acting, t->from, &packet, t->time, &to);

      if (route == EW_ROUTE_PEER)
        ew_lane_send_to (t->sending, to, &packet, 1, t->time);
      else if (route == EW_ROUTE_LOOKUP)
        ew_lane_send (t->sending, &packet, 1, t->time);
    }
}

static EwRoute
route_concerned (EwTransit *t, const EwRouterTranslation *translation, EwPeer **to)
{
  EwRouterTranslated translated = {
    .context = { .nat = translation->nat,
                 .table = translation->table,
                 .lane = ew_lane_number (t->acting),
                 .sender = t->node,
                 .owner = &t->node->translations,
                 .from_edge = t->from == NULL,
                 .own = t->router->service,
                 .now_ns = t->time->now_ns,
                 .now = (guint32)(t->time->now_ns / EW_SECOND_NS),
                 .reach = reach_address,
                 .user = t },
  };

  const EwNatOutcome outcome = ew_nat_look (&translated.context, &t->header, t->packet->data, &translated.plan);
  const EwRoute route = carry_out (t, &translated, outcome, to);
  if (translated.plan->fragment.is && (route == EW_ROUTE_PEER || route == EW_ROUTE_LOOKUP))
    release_fragments (t, &translated);
  return route;
}

/* Not with most packets. An ICMP error may come from anywhere. */
static gboolean
may_concern (const EwNatTable *table, const EwIpHeader *header)
{
  return ew_nat_table_may_know (table, &header->source) || ew_nat_table_may_know (table, &header->destination)
         || header->upper == IPPROTO_ICMP || header->upper == IPPROTO_ICMPV6;
}

EwRoute
ew_switch_router_route_services (EwTransit *t, const EwRouterTranslation *translation, EwPeer **to)
{
  return may_concern (translation->table, &t->header) ? route_concerned (t, translation, to)
                                                      : ew_switch_router_route_plain (t, to);
}
