/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/nat-private.h"

#include <string.h>

#define FULL_TRIES 2 /* a set that is full needs another port; a node at its bound needs none */

EwNat *
ew_nat_new (guint64 seed, guint32 now)
{
  EwNat *self = g_new0 (EwNat, 1);

  self->states = ew_nat_states_new (seed, 0);
  self->started = now;
  return self;
}

void
ew_nat_free (EwNat *self)
{
  if (self == NULL)
    return;
  ew_nat_states_free (self->states);
  g_free (self);
}

EwNatStates *
ew_nat_get_states (EwNat *self)
{
  return self->states;
}

EwNatPieces
ew_nat_pieces (const EwNatContext *context, const EwNatPlan *plan, const EwIpHeader *header)
{
  return (EwNatPieces){
    .node = context->sender,
    .source = header->source,
    .destination = header->destination,
    .id = plan->fragment.id,
    .protocol = header->source.family == EW_FAMILY_V4 ? header->protocol : 0, /* IPv6 doesn't count it in */
  };
}

EwNatTuple
ew_nat_plan_call (const EwNatPlan *plan)
{
  return plan->state.way == EW_NAT_CALL ? plan->state.before : ew_nat_tuple_reverse (&plan->state.after);
}

gboolean
ew_nat_plan_called (const EwNatPlan *plan, EwNatTuple *called)
{
  const EwNatState *state = &plan->state;
  const EwNatTuple caller = ew_nat_plan_call (plan);
  const EwNatTuple target = state->way == EW_NAT_CALL ? state->after : ew_nat_tuple_reverse (&state->before);

  *called = caller;
  called->destination = target.destination;
  called->destination_port = target.destination_port;
  return state->way == EW_NAT_CALL;
}

const EwIp *
ew_nat_plan_destination (const EwNatPlan *plan)
{
  return &plan->state.after.destination;
}

gboolean
ew_nat_plan_turns_back (const EwNatPlan *plan)
{
  return plan->kind != EW_NAT_OF_NOTHING && (plan->state.flags & EW_NAT_AS_EDGE) != 0;
}

gboolean
ew_nat_plan_is_guess (const EwNatPlan *plan)
{
  return plan->fresh && plan->state.way == EW_NAT_REPLY;
}

/* With its own port, or with another where that is taken. */
static gboolean
add_call (const EwNatContext *c, EwNatState *call)
{
  const guint32 now = c->now;
  const guint64 hash = ew_nat_states_hash (c->nat->states, &call->before);
  EwNatAdded added = EW_NAT_TAKEN;
  guint full = 0;

  if (call->service != 0 && (call->flags & EW_NAT_AS_EDGE) == 0)
    added = ew_nat_states_add (c->nat->states, call, c->owner, now);
  if (added == EW_NAT_FULL)
    return FALSE;
  for (guint i = 0; i < EW_NAT_PORT_TRIES && added != EW_NAT_ADDED; i++)
    {
      if (added == EW_NAT_FULL && ++full > FULL_TRIES)
        return FALSE;
      call->after.source_port = (guint16)(EW_NAT_PORT_FIRST + ((hash >> 16) + i * (hash | 1)) % EW_NAT_PORTS);
      added = ew_nat_states_add (c->nat->states, call, c->owner, now);
    }
  return added == EW_NAT_ADDED;
}

static gboolean
add_flow (const EwNatContext *c, EwNatState *state)
{
  if (state->way == EW_NAT_CALL)
    return add_call (c, state);
  EwNatState call = *state;
  call.way = EW_NAT_CALL;
  call.before = ew_nat_tuple_reverse (&state->after);
  call.after = ew_nat_tuple_reverse (&state->before);
  return ew_nat_states_add (c->nat->states, &call, c->owner, c->now) == EW_NAT_ADDED;
}

static gboolean
remember_flow (const EwNatContext *c, EwNatPlan *plan)
{
  if (plan->current)
    return TRUE;
  if (plan->fresh)
    {
      plan->state.flags |= plan->flags;
      return add_flow (c, &plan->state);
    }
  return ew_nat_states_touch (c->nat->states, &plan->state, plan->flags, (guint16)c->table->generation, c->now);
}

/* Packets of several senders now come from one address: their identifications would be mistaken for each other's. */
static void
renumber (const EwNatContext *c, EwNatPlan *plan, const EwIpHeader *header, guint8 *packet, const EwIp *source)
{
  if (plan->kind != EW_NAT_OF_FRAGMENT)
    {
      plan->renumbers = plan->fragment.id_at != 0 && !ew_ip_equal (source, &header->source);
      if (plan->renumbers)
        plan->id
          = ew_nat_fragments_draw_id (&c->nat->lanes[c->lane].fragments, c->lane, (EwFamily)header->source.family);
    }
  if (plan->renumbers)
    ew_nat_rewrite_id (packet, header, &plan->fragment, plan->id);
}

static void
note_first (const EwNatContext *c, const EwNatPlan *plan, const EwIpHeader *header)
{
  const EwNatFragmentEntry entry = {
    .pieces = ew_nat_pieces (c, plan, header),
    .fate = EW_NAT_PIECES_TRANSLATED,
    .state = plan->state,
    .renumbered = plan->renumbers,
    .id = plan->id,
  };

  ew_nat_fragments_note (&c->nat->lanes[c->lane].fragments, &entry, c->now_ns);
}

gboolean
ew_nat_apply (const EwNatContext *context, EwNatPlan *plan, const EwIpHeader *header, guint8 *packet)
{
  EwNatTuple back;

  switch (plan->kind)
    {
    case EW_NAT_OF_PACKET:
      if (!remember_flow (context, plan))
        return FALSE;
      renumber (context, plan, header, packet, &plan->state.after.source);
      ew_nat_rewrite (packet, header, &plan->state.after, TRUE);
      if (plan->fragment.is)
        note_first (context, plan, header);
      return TRUE;
    case EW_NAT_OF_FRAGMENT:
      renumber (context, plan, header, packet, &plan->state.after.source);
      ew_nat_rewrite (packet, header, &plan->state.after, FALSE);
      return TRUE;
    case EW_NAT_OF_ERROR:
      back = ew_nat_tuple_reverse (&plan->state.after);
      renumber (context, plan, header, packet, &plan->source);
      ew_nat_rewrite_error (packet, header, &plan->source, &plan->state.after.destination, &plan->quoted,
                            plan->quoted_at, &back);
      return TRUE;
    default: /* what isn't stored is only not told from a service's flow */
      if (plan->notes)
        ew_nat_states_add_direct (context->nat->states, &plan->state.before, context->owner, context->now);
      return TRUE;
    }
}

gboolean
ew_nat_plan_begins (const EwNatContext *context, const EwNatPlan *plan, const EwIpHeader *header, EwNatPieces *pieces)
{
  if (!plan->fragment.is || !plan->fragment.first)
    return FALSE;
  *pieces = ew_nat_pieces (context, plan, header);
  return TRUE;
}

gboolean
ew_nat_release (const EwNatContext *context, const EwNatPieces *pieces, EwPacket *out)
{
  return ew_nat_fragments_release (&context->nat->lanes[context->lane].fragments, pieces, context->now_ns, out);
}
