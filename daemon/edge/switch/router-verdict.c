/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a packet may go on: asked once a flow, and remembered (flows.h).
 */
#include "edge/switch/router-private.h"

#include <netinet/in.h>
#include <string.h>

/* Asks about the flow as `reversed` says that it goes; to is NULL for the exit. */
static gboolean
ask (const EwTransit *t, const EwRouterPolicy *policy, EwFlow *flow, const EwRouterNode *from, const EwRouterNode *to)
{
  return policy->verdict (policy->data, from, to, flow, t->packet->data, t->packet->len);
}

/* An error about a packet that was let pass belongs to its flow. */
static gboolean
is_about_flow (const EwTransit *t, EwFlowTable *flows, guint32 now)
{
  EwFlow quoted;
  gboolean opener;

  return ew_switch_flow_init_quoted (&quoted, &t->header, t->packet->data, t->packet->len)
         && ew_switch_flow_table_find (flows, &quoted, now, &opener) == EW_FLOW_PASSES;
}

/* The policy has changed since the flow was opened: asks again in the direction in which it was opened, which may be
   this packet's or the opposite. */
static gboolean
ask_again (const EwTransit *t, const EwRouterPolicy *policy, const EwFlow *flow, EwRouterNode *to, gboolean opener,
           guint32 now)
{
  const gboolean reply = opener != flow->reversed;
  EwRouterNode *from = reply ? to : t->node;
  EwFlow opened = *flow;

  opened.reversed = opener;
  if (from != NULL && ask (t, policy, &opened, from, reply ? t->node : to))
    {
      ew_switch_flow_table_store (policy->flows, &opened, &from->flows, now);
      return TRUE;
    }
  ew_switch_flow_table_remove (policy->flows, flow);
  return FALSE;
}

/* As the flow really goes, and as its caller began it, whichever way this packet goes: the edge knows who called. */
static gboolean
judge_translated (const EwTransit *t, const EwRouterPolicy *policy, EwRouterNode *to, guint32 now)
{
  const EwNatPlan *plan = t->translated->plan;
  const EwNatEntry *entry = ew_nat_table_numbered (t->translated->context.table, plan->state.service);
  EwNatTuple called;
  const gboolean forward = ew_nat_plan_called (plan, &called);
  EwRouterNode *caller = forward ? t->node : to, *target = forward ? to : t->node;
  EwFlow flow, opened;
  gboolean opener;

  ew_switch_flow_init_ends (&opened, &called.source, called.source_port, &called.destination, called.destination_port,
                            called.protocol);
  opened.service = plan->state.service;
  opened.service_id = entry != NULL ? entry->id : NULL;
  flow = opened;
  flow.reversed = forward ? opened.reversed : !opened.reversed;
  if (policy->flows != NULL && ew_switch_flow_table_find (policy->flows, &flow, now, &opener) == EW_FLOW_PASSES)
    return TRUE;
  const EwNatTuple call = ew_nat_plan_call (plan);
  opened.service_ip = call.destination;
  opened.service_port = call.destination_port;
  if (!ask (t, policy, &opened, caller, target))
    {
      if (policy->flows != NULL)
        ew_switch_flow_table_remove (policy->flows, &opened);
      return FALSE;
    }
  if (policy->flows != NULL)
    ew_switch_flow_table_store (policy->flows, &opened, &caller->flows, now);
  return TRUE;
}

/* The flow table is asked once a second for each way of a flow, as often as it notes a packet: the next packets, which
   mostly come at once, need none of its look-ups. NULL: not of TCP or UDP, or its ports can't be read. */
static EwRouterRecent *
place_recent (const EwTransit *t, EwRouterRecent *out)
{
  const EwIpHeader *header = &t->header;
  const gsize at = header->source.family == EW_FAMILY_V6 ? 12 : 0;
  guint32 low, high;

  if ((header->upper != IPPROTO_TCP && header->upper != IPPROTO_UDP) || header->fragment
      || header->upper_at + 8u > t->packet->len)
    return NULL;
  out->source = header->source;
  out->destination = header->destination;
  out->protocol = header->upper;
  memcpy (&out->ports, t->packet->data + header->upper_at, sizeof out->ports);
  memcpy (&low, header->source.bytes + at, sizeof low);
  memcpy (&high, header->destination.bytes + at, sizeof high);
  const guint32 hash = (out->ports ^ low * 0x9e3779b1u ^ high * 0x85ebca6bu) * 0xc2b2ae35u;
  return &t->lane->recent[hash >> 24 & (EW_ROUTER_RECENT - 1)];
}

static gboolean
is_recent (const EwRouterRecent *place, const EwRouterRecent *packet)
{
  return place->ports == packet->ports && place->protocol == packet->protocol && place->now == packet->now
         && place->generation == packet->generation && place->flows == packet->flows
         && ew_ip_equal (&place->source, &packet->source) && ew_ip_equal (&place->destination, &packet->destination);
}

/* *established: set where the flow table had it. */
static gboolean
judge_plain (EwTransit *t, const EwRouterPolicy *policy, EwRouterNode *to, guint32 now, gboolean *established)
{
  EwFlow flow;
  gboolean opener;

  ew_switch_flow_init (&flow, &t->header, t->packet->data, t->packet->len);
  if (policy->flows == NULL)
    return ask (t, policy, &flow, t->node, to);
  switch (ew_switch_flow_table_find (policy->flows, &flow, now, &opener))
    {
    case EW_FLOW_PASSES:
      *established = TRUE;
      return TRUE;
    case EW_FLOW_STALE:
      if (ask_again (t, policy, &flow, to, opener, now))
        return TRUE;
      if (opener == flow.reversed)
        return FALSE;
      break;
    default:
      break;
    }
  if (is_about_flow (t, policy->flows, now))
    return TRUE;
  if (!ask (t, policy, &flow, t->node, to))
    return FALSE;
  if (ew_switch_flow_opens (&t->header, t->packet->data, t->packet->len))
    ew_switch_flow_table_store (policy->flows, &flow, &t->node->flows, now);
  return TRUE;
}

gboolean
ew_switch_router_verdict (EwTransit *t, EwRouterNode *to)
{
  const guint32 now = (guint32)(t->time->now_ns / G_GUINT64_CONSTANT (1000000000));
  const EwRouterPolicy *policy = atomic_load (&t->router->policy);
  EwRouterRecent packet, *place;
  gboolean established = FALSE;

  if (policy == NULL)
    return TRUE;
  if (t->translated != NULL && t->translated->plan->kind != EW_NAT_OF_NOTHING)
    return judge_translated (t, policy, to, now);
  place = policy->flows != NULL ? place_recent (t, &packet) : NULL;
  if (place == NULL)
    return judge_plain (t, policy, to, now, &established);
  packet.now = now;
  packet.flows = policy->flows;
  packet.generation = ew_switch_flow_table_generation (policy->flows); /* before the table is asked: it may change */
  if (is_recent (place, &packet))
    return TRUE;
  if (!judge_plain (t, policy, to, now, &established))
    return FALSE;
  if (established)
    *place = packet;
  return TRUE;
}
