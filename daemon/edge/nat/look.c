/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/nat-private.h"

#include <netinet/in.h>
#include <string.h>

/* One packet that is looked at. */
typedef struct
{
  const EwNatContext *c;
  EwNatStates *states;
  const EwIpHeader *header;
  const guint8 *packet;
  EwNatPlan *plan;
  EwNatWho from, to;
  guint32 from_index, to_index; /* in the table */
  guint32 now;
  guint8 tcp;         /* its flags */
  gboolean remembers; /* untouched, and plan->state is why */
  EwNatTuple tuple;
} Look;

static gboolean
is_v6 (const Look *l)
{
  return l->header->source.family == EW_FAMILY_V6;
}

/* TCP: SYN alone; UDP: anything. */
static gboolean
opens (const Look *l)
{
  return l->header->upper != IPPROTO_TCP
         || (l->tcp & (EW_NAT_TCP_SYN | EW_NAT_TCP_ACK | EW_NAT_TCP_RST)) == EW_NAT_TCP_SYN;
}

/* FALSE: the table has replaced the one that the flow was begun with, and its target was removed. */
static gboolean
holds (const Look *l, const EwNatState *state)
{
  const gboolean call = state->way == EW_NAT_CALL;
  gboolean healthy;

  if (state->service == 0 || state->generation == (guint16)l->c->table->generation)
    return TRUE;
  const EwNatEntry *entry = ew_nat_table_numbered (l->c->table, state->service);
  const EwIp *called = call ? &state->before.destination : &state->after.source;
  const EwIp *target = call ? &state->after.destination : &state->before.source;
  if (entry != NULL && ew_nat_entry_has_address (entry, called)
      && ew_nat_entry_leads (entry, state->before.protocol,
                             call ? state->before.destination_port : state->after.source_port, target,
                             call ? state->after.destination_port : state->before.source_port, &healthy))
    return TRUE;
  ew_nat_states_remove (l->states, state);
  return FALSE;
}

static EwNatOutcome
use_state (Look *l, const EwNatState *state)
{
  const gboolean call = state->way == EW_NAT_CALL;

  l->plan->kind = EW_NAT_OF_PACKET;
  l->plan->state = *state;
  l->plan->flags = call ? 0 : EW_NAT_REPLIED;
  if ((l->tcp & EW_NAT_TCP_FIN) != 0)
    l->plan->flags |= call ? EW_NAT_CALLER_CLOSED : EW_NAT_TARGET_CLOSED;
  if ((l->tcp & EW_NAT_TCP_RST) != 0)
    l->plan->flags |= EW_NAT_RESET;
  return EW_NAT_TRANSLATED;
}

/* A new flow: of the way that this packet goes. */
static EwNatOutcome
use_fresh (Look *l, EwNatWay way, const EwNatTuple *after, guint16 service, guint8 flags)
{
  l->plan->kind = EW_NAT_OF_PACKET;
  l->plan->fresh = TRUE;
  l->plan->flags = 0;
  l->plan->state = (EwNatState){ .way = way,
                                 .before = l->tuple,
                                 .after = *after,
                                 .service = service,
                                 .flags = flags,
                                 .generation = (guint16)l->c->table->generation };
  return EW_NAT_TRANSLATED;
}

/* It's known already to be of no service. */
static EwNatOutcome
leave_direct (Look *l, const EwNatState *state)
{
  ew_nat_states_touch (l->states, state, (l->tcp & EW_NAT_TCP_RST) != 0 ? EW_NAT_RESET : 0,
                       (guint16)l->c->table->generation, l->now);
  l->plan->state = *state;
  l->remembers = TRUE;
  return EW_NAT_UNTOUCHED;
}

/* No service has to do with it, and none will take its reply for its own. */
static EwNatOutcome
note_direct (Look *l, const EwNatTuple *reply)
{
  l->plan->notes = TRUE;
  l->plan->state = (EwNatState){ .before = *reply };
  return EW_NAT_UNTOUCHED;
}

/* Taken up at a reply by mistake: the caller knows of no such flow. */
static EwNatOutcome
disown_flow (Look *l, const EwNatState *call)
{
  const EwNatTuple reply = ew_nat_tuple_reverse (&call->after);

  ew_nat_states_remove (l->states, call);
  ew_nat_states_add_direct (l->states, &reply, l->c->owner, l->now);
  return EW_NAT_SWALLOWED;
}

/* Choosing. */

/* The same after a restart. */
static guint64
score_target (const EwNatTuple *tuple, const EwIp *ip, guint16 port)
{
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  const guint16 words[4] = { tuple->source_port, tuple->destination_port, tuple->protocol, port };

  for (gsize i = 0; i < ew_ip_size (&tuple->source); i++)
    hash = (hash ^ tuple->source.bytes[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  for (gsize i = 0; i < ew_ip_size (ip); i++)
    hash = (hash ^ ip->bytes[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    hash = (hash ^ words[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  hash = (hash ^ hash >> 31) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return hash ^ hash >> 32;
}

/* Among those that are healthy and there; a spread flow goes to the one with the highest score, so that a target less
   moves only its own flows. */
static const EwNatTarget *
choose_target (const Look *l, const EwNatEntry *entry, const EwNatTuple *tuple, EwNatReach *reach)
{
  const EwNatTarget *best = NULL;
  guint64 best_score = 0;

  for (gsize i = 0; i < entry->n_targets; i++)
    {
      const EwNatTarget *target = &entry->targets[i];
      const EwIp *ip = &target->ips[is_v6 (l)];
      const guint64 score
        = entry->choice == EW_NAT_CHOOSE_SPREAD ? score_target (tuple, ip, target->port) : G_MAXUINT64 - i;

      if (!target->healthy || ip->family == EW_FAMILY_NONE || (best != NULL && score <= best_score))
        continue;
      const EwNatReach there = l->c->reach (l->c->user, ip);
      if (there == EW_NAT_ABSENT)
        continue;
      best = target;
      best_score = score;
      *reach = there;
    }
  return best;
}

/* Calls. */

/* TRUE: the flow is over, or its target has failed it. */
static gboolean
begins_again (const Look *l, const EwNatEntry *entry, const EwNatState *state)
{
  const guint8 closed = EW_NAT_CALLER_CLOSED | EW_NAT_TARGET_CLOSED;
  gboolean healthy = TRUE;

  if (!opens (l) || (l->header->upper == IPPROTO_UDP && state->seen == l->now))
    return FALSE;
  if ((state->flags & EW_NAT_RESET) != 0 || (state->flags & closed) == closed)
    return TRUE;
  ew_nat_entry_leads (entry, state->before.protocol, state->before.destination_port, &state->after.destination,
                      state->after.destination_port, &healthy);
  return !healthy && (l->header->upper == IPPROTO_TCP || l->now - MIN (l->now, state->replied) > EW_NAT_SILENT);
}

static EwNatOutcome
open_flow (Look *l, const EwNatEntry *entry)
{
  const EwNatRange *range = ew_nat_entry_range (entry, l->tuple.protocol, l->tuple.destination_port);
  EwNatReach reach = EW_NAT_ABSENT;
  EwNatTuple after = l->tuple;

  if (range == NULL)
    return EW_NAT_NO_PORT;
  if ((l->tcp & EW_NAT_TCP_RST) != 0)
    return EW_NAT_SWALLOWED;
  const EwNatTarget *target = choose_target (l, entry, &l->tuple, &reach);
  if (target == NULL)
    return EW_NAT_NO_TARGET;
  const gboolean as_edge = !l->c->from_edge && (entry->source == EW_NAT_SOURCE_EDGE || reach == EW_NAT_SENDER);
  /* The port that it was shown with is lost, and it couldn't go on with another. */
  if (as_edge && !opens (l))
    return EW_NAT_NO_PORT;
  after.destination = target->ips[is_v6 (l)];
  after.destination_port = ew_nat_target_port (target, range, l->tuple.destination_port);
  if (as_edge)
    after.source = l->c->own[is_v6 (l)];
  return use_fresh (l, EW_NAT_CALL, &after, entry->number, as_edge ? EW_NAT_AS_EDGE : 0);
}

static EwNatOutcome
look_at_call (Look *l)
{
  const EwNatEntry *entry = &l->c->table->entries[l->to_index];
  EwNatState state;

  if (!ew_nat_states_find (l->states, EW_NAT_CALL, &l->tuple, l->now, &state) || !holds (l, &state)
      || begins_again (l, entry, &state))
    return open_flow (l, entry);
  if ((state.flags & EW_NAT_TENTATIVE) != 0)
    {
      if ((l->tcp & EW_NAT_TCP_RST) != 0)
        return disown_flow (l, &state);
      ew_nat_states_confirm (l->states, &state, EW_NAT_TENTATIVE);
      if (!ew_nat_states_find (l->states, EW_NAT_CALL, &l->tuple, l->now, &state))
        return open_flow (l, entry);
    }
  return use_state (l, &state);
}

/* Replies. */

/* A flow that began before the edge's start, as far as can be told. */
static EwNatOutcome
recover_flow (Look *l, const EwNatClaim *claim)
{
  const EwNatEntry *entry = ew_nat_table_numbered (l->c->table, claim->number);
  const gboolean tcp = l->tuple.protocol == IPPROTO_TCP;

  if (tcp && (l->tcp & EW_NAT_TCP_SYN) != 0)
    return (l->tcp & EW_NAT_TCP_ACK) == 0 ? note_direct (l, &l->tuple) : EW_NAT_UNTOUCHED;
  if (entry == NULL || !entry->recovers || claim->last - claim->first >= EW_NAT_RECOVERS_PORTS
      || entry->addresses[is_v6 (l)].family == EW_FAMILY_NONE || (l->tcp & EW_NAT_TCP_RST) != 0
      || l->now - l->c->nat->started > (tcp ? EW_NAT_IDLE_TCP : EW_NAT_IDLE))
    return EW_NAT_UNTOUCHED;
  const EwNatTuple after = {
    .source = entry->addresses[is_v6 (l)],
    .destination = l->tuple.destination,
    .source_port = (guint16)(claim->called + (l->tuple.source_port - claim->first)),
    .destination_port = l->tuple.destination_port,
    .protocol = l->tuple.protocol,
  };
  const EwNatTuple call = ew_nat_tuple_reverse (&after);
  if (!ew_nat_states_is_free (l->states, EW_NAT_CALL, &call, l->now)
      || l->c->reach (l->c->user, &after.destination) != EW_NAT_THERE)
    return EW_NAT_UNTOUCHED;
  return use_fresh (l, EW_NAT_REPLY, &after, entry->number, EW_NAT_TENTATIVE | EW_NAT_REPLIED);
}

static EwNatOutcome
look_at_reply (Look *l)
{
  const EwNatClaim *claim = ew_nat_table_claim (l->c->table, l->from_index, l->tuple.protocol, l->tuple.source_port);
  EwNatState state;

  if (claim == NULL)
    return EW_NAT_UNTOUCHED;
  if (!ew_nat_states_find (l->states, EW_NAT_REPLY, &l->tuple, l->now, &state) || !holds (l, &state))
    return recover_flow (l, claim);
  return (state.flags & EW_NAT_DIRECT) != 0 ? leave_direct (l, &state) : use_state (l, &state);
}

/* To a target's own address: it may have the ends that a service's flow has, too. Then it's this one that is shown with
   another port. */
static EwNatOutcome
look_at_direct (Look *l)
{
  const EwNatTuple reply = ew_nat_tuple_reverse (&l->tuple);
  EwNatState state, own;

  if (ew_nat_table_claim (l->c->table, l->to_index, l->tuple.protocol, l->tuple.destination_port) == NULL)
    return EW_NAT_UNTOUCHED;
  if (!ew_nat_states_find (l->states, EW_NAT_REPLY, &reply, l->now, &state) || !holds (l, &state))
    {
      if (ew_nat_states_find (l->states, EW_NAT_CALL, &l->tuple, l->now, &own))
        return use_state (l, &own);
      return note_direct (l, &reply);
    }
  if ((state.flags & EW_NAT_DIRECT) != 0)
    return leave_direct (l, &state);
  if ((state.flags & EW_NAT_TENTATIVE) != 0)
    {
      ew_nat_states_remove (l->states, &state);
      return note_direct (l, &reply);
    }
  if (ew_nat_states_find (l->states, EW_NAT_CALL, &l->tuple, l->now, &own))
    return use_state (l, &own);
  return opens (l) ? use_fresh (l, EW_NAT_CALL, &l->tuple, 0, 0) : EW_NAT_UNTOUCHED;
}

/* ICMP. */

static gboolean
is_port_unreachable (const Look *l)
{
  const guint8 *icmp = l->packet + l->header->header_length;

  return is_v6 (l) ? icmp[0] == 1 && icmp[1] == 4 : icmp[0] == 3 && icmp[1] == 3;
}

/* Only who has an end of a flow, or a router behind it, is on its way and may report something about it. */
static gboolean
is_senders (const Look *l, const EwIp *ip)
{
  return l->c->from_edge ? ew_ip_equal (&l->c->own[is_v6 (l)], ip) : l->c->reach (l->c->user, ip) == EW_NAT_SENDER;
}

/* An error about a reply comes to a service, one about a call to whom the target sees; either is found by the reverse of
   what it quotes. */
static EwNatOutcome
look_at_error (Look *l)
{
  const gboolean to_service = l->to == EW_NAT_A_SERVICE;
  const EwNatOutcome otherwise = to_service ? EW_NAT_SWALLOWED : EW_NAT_UNTOUCHED;
  EwNatPlan *plan = l->plan;
  EwNatTuple quoted;
  EwNatState state;

  if (plan->fragment.is || !ew_nat_read_quoted (&quoted, &plan->quoted, &plan->quoted_at, l->packet, l->header))
    return otherwise;
  const EwNatTuple key = ew_nat_tuple_reverse (&quoted);
  if (!ew_nat_states_find (l->states, to_service ? EW_NAT_CALL : EW_NAT_REPLY, &key, l->now, &state)
      || (state.flags & EW_NAT_DIRECT) != 0 || !is_senders (l, &quoted.destination) || !holds (l, &state))
    return otherwise;
  if (to_service && (state.flags & EW_NAT_TENTATIVE) != 0 && is_port_unreachable (l))
    return disown_flow (l, &state);
  plan->kind = EW_NAT_OF_ERROR;
  plan->state = state;
  plan->source = !to_service || (state.flags & EW_NAT_AS_EDGE) != 0 ? state.after.source : l->header->source;
  return EW_NAT_TRANSLATED;
}

static EwNatOutcome
look_at_icmp (Look *l)
{
  const EwNatTuple ping = { .source = l->header->source, .destination = l->header->destination };
  const guint8 *icmp = l->packet + l->header->header_length;
  EwNatReach reach;

  if (ew_packet_is_error (l->packet, l->header->total_length, l->header))
    return look_at_error (l);
  if (l->to != EW_NAT_A_SERVICE)
    return EW_NAT_UNTOUCHED;
  if (l->plan->fragment.is || l->header->upper_at != l->header->header_length
      || l->header->total_length < l->header->header_length + 8 || icmp[0] != (is_v6 (l) ? 128 : 8))
    return EW_NAT_LOST;
  return choose_target (l, &l->c->table->entries[l->to_index], &ping, &reach) != NULL ? EW_NAT_ECHO : EW_NAT_NO_TARGET;
}

/* Fragments. */

static EwNatOutcome
look_at_fragment (Look *l)
{
  EwNatFragments *fragments = &l->c->nat->lanes[l->c->lane].fragments;
  const EwNatPieces pieces = ew_nat_pieces (l->c, l->plan, l->header);
  const EwNatFragmentEntry *entry;

  switch (ew_nat_fragments_find (fragments, &pieces, l->c->now_ns, &entry))
    {
    case EW_NAT_PIECES_TRANSLATED:
      l->plan->kind = EW_NAT_OF_FRAGMENT;
      l->plan->state = entry->state;
      l->plan->renumbers = entry->renumbered;
      l->plan->id = entry->id;
      return EW_NAT_TRANSLATED;
    case EW_NAT_PIECES_UNTOUCHED:
      return EW_NAT_UNTOUCHED;
    case EW_NAT_PIECES_REFUSED:
      return EW_NAT_SWALLOWED;
    default:
      break;
    }
  if (l->to != EW_NAT_A_SERVICE && l->from != EW_NAT_A_TARGET) /* nothing of its addresses changes */
    return EW_NAT_UNTOUCHED;
  return ew_nat_fragments_hold (fragments, &pieces, l->packet, l->header->total_length, l->c->now_ns) ? EW_NAT_WAITS
                                                                                                      : EW_NAT_LOST;
}

/* For the others of a packet that isn't translated; apply.c does it for one that is. */
static void
note_fate (const Look *l, EwNatOutcome outcome)
{
  const EwNatFragmentEntry entry = {
    .pieces = ew_nat_pieces (l->c, l->plan, l->header),
    .fate = outcome == EW_NAT_UNTOUCHED ? EW_NAT_PIECES_UNTOUCHED : EW_NAT_PIECES_REFUSED,
  };

  ew_nat_fragments_note (&l->c->nat->lanes[l->c->lane].fragments, &entry, l->c->now_ns);
}

static EwNatOutcome
look_at_whole (Look *l)
{
  const guint8 upper = l->header->upper;
  EwNatOutcome outcome = EW_NAT_UNTOUCHED;

  if (upper == (is_v6 (l) ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
    return look_at_icmp (l);
  if (!ew_nat_read_tuple (&l->tuple, l->packet, l->header))
    {
      if (l->to != EW_NAT_A_SERVICE)
        return EW_NAT_UNTOUCHED;
      return upper == IPPROTO_TCP || upper == IPPROTO_UDP ? EW_NAT_LOST : EW_NAT_NO_PORT;
    }
  l->tcp = ew_nat_read_flags (l->packet, l->header);
  if (l->to == EW_NAT_A_SERVICE)
    return look_at_call (l);
  if (l->from == EW_NAT_A_TARGET)
    outcome = look_at_reply (l);
  if (l->to == EW_NAT_A_TARGET && outcome == EW_NAT_UNTOUCHED && !l->plan->notes)
    outcome = look_at_direct (l);
  return outcome;
}

static EwNatOutcome
look_at_services (Look *l)
{
  const EwIp *source = &l->header->source, *own = &l->c->own[is_v6 (l)];
  EwNatPlan *plan = l->plan;

  if (!l->c->from_edge && ew_ip_equal (source, own))
    return EW_NAT_FORGED;
  ew_nat_read_fragment (&plan->fragment, l->packet, l->header);
  /* Only this host itself: not what it forwards. */
  if (l->c->from_edge && l->to == EW_NAT_A_SERVICE && !ew_ip_equal (source, own))
    return EW_NAT_NO_TARGET;
  if (plan->fragment.is && !plan->fragment.first)
    return look_at_fragment (l);
  const EwNatOutcome outcome = look_at_whole (l);
  if (plan->fragment.is && outcome != EW_NAT_TRANSLATED)
    note_fate (l, outcome);
  return outcome;
}

/* Fills recent for the packets that follow, if it can answer for them: where ports aren't 0. */
static EwNatOutcome
look_closely (const EwNatContext *context, const EwIpHeader *header, const guint8 *packet, EwNatRecent *recent,
              guint32 ports)
{
  const gboolean icmp = header->upper == IPPROTO_ICMP || header->upper == IPPROTO_ICMPV6;
  guint32 from_index = 0, to_index = 0;
  const EwNatWho from = ew_nat_table_who (context->table, &header->source, &from_index);
  const EwNatWho to = ew_nat_table_who (context->table, &header->destination, &to_index);
  Look l;

  if (from == EW_NAT_A_SERVICE)
    return EW_NAT_FORGED;
  if (from == EW_NAT_NOBODY && to == EW_NAT_NOBODY && !icmp)
    return EW_NAT_UNTOUCHED;
  l.c = context;
  l.states = context->nat->states;
  l.header = header;
  l.packet = packet;
  l.plan = &recent->plan;
  l.from = from;
  l.to = to;
  l.from_index = from_index;
  l.to_index = to_index;
  l.now = context->now;
  l.tcp = 0;
  l.remembers = FALSE;
  const EwNatOutcome outcome = look_at_services (&l);
  if (ports == 0 || recent->plan.fragment.is || recent->plan.fresh || recent->plan.notes
      || !(recent->plan.kind == EW_NAT_OF_PACKET || (l.remembers && outcome == EW_NAT_UNTOUCHED)))
    return outcome;
  recent->usable = TRUE;
  recent->outcome = outcome;
  recent->upper = header->upper;
  recent->ports = ports;
  recent->source = header->source;
  recent->destination = header->destination;
  return outcome;
}

/* The ports of TCP without SYN, FIN and RST, or of UDP; 0: it's nothing that a recent packet can answer for. */
static guint32
read_quiet_ports (const guint8 *packet, const EwIpHeader *header)
{
  const gsize size = (gsize)header->total_length - header->upper_at;
  const guint8 loud = EW_NAT_TCP_SYN | EW_NAT_TCP_FIN | EW_NAT_TCP_RST;
  guint32 ports;

  if (header->fragment || header->upper_at + 8 > header->total_length
      || (header->upper != IPPROTO_UDP
          && (header->upper != IPPROTO_TCP || size < 20 || (packet[header->upper_at + 13] & loud) != 0)))
    return 0;
  memcpy (&ports, packet + header->upper_at, sizeof ports);
  return ports;
}

static gboolean
answers_for (EwNatRecent *recent, const EwNatContext *context, const EwIpHeader *header, const guint8 *packet,
             guint32 ports)
{
  if (!recent->usable || recent->ports != ports || recent->upper != header->upper
      || !ew_ip_equal (&recent->destination, &header->destination) || !ew_ip_equal (&recent->source, &header->source)
      || !ew_nat_states_is_current (&recent->plan.state, (guint16)context->table->generation, context->now))
    return FALSE;
  ew_nat_read_fragment (&recent->plan.fragment, packet, header);
  return !recent->plan.fragment.is;
}

EwNatOutcome
ew_nat_look (const EwNatContext *context, const EwIpHeader *header, const guint8 *packet, EwNatPlan **plan)
{
  const guint32 ports = read_quiet_ports (packet, header);
  const guint32 hash = (ports ^ ports >> 16 ^ header->destination.bytes[3] ^ header->source.bytes[3]) * 0x9e3779b1u;
  EwNatRecent *recent = &context->nat->lanes[context->lane].recent[(hash >> 20) % EW_NAT_RECENT];

  *plan = &recent->plan;
  if (ports != 0 && answers_for (recent, context, header, packet, ports))
    {
      recent->plan.current = TRUE;
      return recent->outcome;
    }
  recent->usable = recent->plan.current = FALSE;
  recent->plan.kind = EW_NAT_OF_NOTHING;
  recent->plan.fresh = recent->plan.notes = recent->plan.renumbers = FALSE;
  recent->plan.fragment.is = FALSE;
  return look_closely (context, header, packet, recent, ports);
}
