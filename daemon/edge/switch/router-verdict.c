/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a packet may go on: asked once a flow, and remembered (flows.h).
 */
#include "edge/switch/router-private.h"

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

gboolean
ew_switch_router_verdict (EwTransit *t, EwRouterNode *to)
{
  const guint32 now = (guint32)(t->time->now_ns / G_GUINT64_CONSTANT (1000000000));
  const EwRouterPolicy *policy = atomic_load (&t->router->policy);
  EwFlow flow;
  gboolean opener;

  if (policy == NULL)
    return TRUE;
  if (t->translated != NULL && t->translated->plan->kind != EW_NAT_OF_NOTHING)
    return judge_translated (t, policy, to, now);
  ew_switch_flow_init (&flow, &t->header, t->packet->data, t->packet->len);
  if (policy->flows == NULL)
    return ask (t, policy, &flow, t->node, to);
  switch (ew_switch_flow_table_find (policy->flows, &flow, now, &opener))
    {
    case EW_FLOW_PASSES:
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
  ew_switch_flow_table_store (policy->flows, &flow, &t->node->flows, now);
  return TRUE;
}
