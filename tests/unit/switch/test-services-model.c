/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random packets over random services, whose table is replaced all the time, beside a model that is a list of flows and
 * looks through all of it. Whatever arrives is compared with the packet that the model writes in full.
 */
#include <string.h>

#include "service-world.h"

#define SERVICES 8
#define TARGETS 3
#define RANGES 2
#define EVENTS 12000
#define FIRST_PORT 5000 /* callers', few of them, so that flows meet */
#define CALLER_PORTS 4

typedef struct
{
  EwNatService service;
  EwNatTarget targets[TARGETS];
  EwNatPorts ports[RANGES];
  gboolean exists;
} Random;

/* A flow as its caller and its target see it; direct: to the target's own address. */
typedef struct
{
  gint service; /* -1: none */
  guint life;   /* the service's when it began: one that comes back after it was removed is another one */
  EwNatTuple call, seen;
} Flow;

typedef struct
{
  World *world;
  Random services[SERVICES];
  guint lives[SERVICES];
  GArray *flows; /* of Flow */
  guint translated, refused, direct, clashed, moved;
} Model;

static const gchar *const addresses[][2]
  = { { "100.96.1.1", "fd12::1:1" }, { "100.96.1.2", "fd12::1:2" }, { "100.96.1.3", "fd12::1:3" },
      { "100.96.1.4", "fd12::1:4" }, { "100.96.1.5", "fd12::1:5" }, { "10.7.0.9", NULL },
      { "10.7.0.10", NULL },         { "10.8.0.9", NULL } };
static const int nodes_of[] = { ALICE, BOB, CAROL, DAVE, GATE, BOB, BOB, GATE };

static guint
draw (guint n)
{
  return (guint)g_test_rand_int_range (0, (gint32)n);
}

static int
node_of (const EwIp *address)
{
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    for (guint f = 0; f < 2; f++)
      if (addresses[i][f] != NULL)
        {
          const EwIp other = ip (addresses[i][f]);

          if (ew_ip_equal (&other, address))
            return nodes_of[i];
        }
  return HOST;
}

static gboolean
same_tuple (const EwNatTuple *a, const EwNatTuple *b)
{
  return ew_ip_equal (&a->source, &b->source) && ew_ip_equal (&a->destination, &b->destination)
         && a->source_port == b->source_port && a->destination_port == b->destination_port
         && a->protocol == b->protocol;
}

/* Services. */

static void
draw_target (EwNatTarget *target)
{
  const guint which = draw (G_N_ELEMENTS (addresses));

  *target = (EwNatTarget){ .ips = { ip (addresses[which][0]) }, .healthy = draw (4) != 0 };
  if (addresses[which][1] != NULL)
    target->ips[1] = ip (addresses[which][1]);
  target->port = draw (4) == 0 ? (guint16)(8000 + draw (4)) : 0;
}

static void
draw_service (Random *random, guint i)
{
  g_autofree gchar *v4 = g_strdup_printf ("100.111.0.%u", i + 1), *v6 = g_strdup_printf ("fdaa::%u", i + 1);
  static const gchar *const ids[SERVICES] = { "a", "b", "c", "d", "e", "f", "g", "h" };

  *random = (Random){ .exists = TRUE };
  random->service = (EwNatService){
    .id = ids[i],
    .addresses = { ip (v4), ip (v6) },
    .ports = random->ports,
    .n_ports = RANGES,
    .targets = random->targets,
    .n_targets = TARGETS,
    .choice = (EwNatChoice)draw (2),
    .source = draw (3) == 0 ? EW_NAT_SOURCE_EDGE : EW_NAT_SOURCE_CALLER,
  };
  for (guint r = 0; r < RANGES; r++)
    random->ports[r] = (EwNatPorts){ .protocols = (guint8)(1 + draw (3)),
                                     .first = (guint16)(80 + 10 * r),
                                     .last = (guint16)(80 + 10 * r + draw (3)),
                                     .to = (guint16)(draw (2) * (8000 + draw (4))) };
  for (guint t = 0; t < TARGETS; t++)
    draw_target (&random->targets[t]);
}

static void
set_services (Model *self)
{
  EwNatService services[SERVICES];
  gsize n = 0;

  for (guint i = 0; i < SERVICES; i++)
    if (self->services[i].exists)
      services[n++] = self->services[i].service;
  world_set_services (self->world, services, n);
}

static void
change_services (Model *self)
{
  const guint i = draw (SERVICES);
  Random *random = &self->services[i];
  const gboolean existed = random->exists;

  switch (draw (6))
    {
    case 0:
      random->exists = !random->exists;
      break;
    case 1:
      draw_target (&random->targets[draw (TARGETS)]);
      break;
    case 2:
      draw_service (random, i);
      break;
    default:
      random->targets[draw (TARGETS)].healthy ^= TRUE;
      break;
    }
  self->lives[i] += !existed && random->exists;
  set_services (self);
}

/* The range's port that a call leads to; NULL: nothing listens. */
static const EwNatPorts *
find_range (const Random *random, guint8 protocol, guint16 port)
{
  const guint8 bit = protocol == IPPROTO_TCP ? EW_NAT_TCP : EW_NAT_UDP;

  for (guint r = 0; r < RANGES; r++)
    if ((random->ports[r].protocols & bit) != 0 && port >= random->ports[r].first && port <= random->ports[r].last)
      return &random->ports[r];
  return NULL;
}

static guint16
port_at (const EwNatTarget *target, const EwNatPorts *range, guint16 port)
{
  const guint16 to = target->port != 0 ? target->port : range->to != 0 ? range->to : range->first;

  return (guint16)(to + port - range->first);
}

static gboolean
leads_to (const Random *random, guint8 protocol, guint16 port, const EwIp *address, guint16 to)
{
  const EwNatPorts *range = find_range (random, protocol, port);

  for (guint t = 0; t < TARGETS && range != NULL && random->exists; t++)
    if (ew_ip_equal (&random->targets[t].ips[address->family == EW_FAMILY_V6], address)
        && port_at (&random->targets[t], range, port) == to)
      return TRUE;
  return FALSE;
}

static gboolean
is_claimed (const Model *self, guint8 protocol, const EwIp *address, guint16 port)
{
  for (guint i = 0; i < SERVICES; i++)
    for (guint16 called = 80; called < 100; called++)
      if (leads_to (&self->services[i], protocol, called, address, port))
        return TRUE;
  return FALSE;
}

/* Flows. */

static gboolean
is_valid (const Model *self, const Flow *flow)
{
  return flow->service < 0
         || (flow->life == self->lives[flow->service]
             && leads_to (&self->services[flow->service], flow->call.protocol, flow->call.destination_port,
                          &flow->seen.destination, flow->seen.destination_port));
}

static Flow *
find_call (const Model *self, gint service, const EwNatTuple *call)
{
  for (guint i = 0; i < self->flows->len; i++)
    {
      Flow *flow = &g_array_index (self->flows, Flow, i);

      if ((flow->service < 0) == (service < 0) && same_tuple (&flow->call, call))
        return flow;
    }
  return NULL;
}

static Flow *
find_seen (const Model *self, const EwNatTuple *seen)
{
  for (guint i = 0; i < self->flows->len; i++)
    if (same_tuple (&g_array_index (self->flows, Flow, i).seen, seen))
      return &g_array_index (self->flows, Flow, i);
  return NULL;
}

static void
remove_flow (Model *self, const Flow *flow)
{
  g_array_remove_index_fast (self->flows, (guint)(flow - (const Flow *)(gpointer)self->flows->data));
}

static Packet
make_packet (const EwNatTuple *tuple, guint8 tcp)
{
  return (Packet){ .source = tuple->source,
                   .destination = tuple->destination,
                   .source_port = tuple->source_port,
                   .destination_port = tuple->destination_port,
                   .protocol = tuple->protocol,
                   .tcp = tcp,
                   .payload = draw (300),
                   .seed = (guint32)g_test_rand_int () };
}

static Packet
as_tuple (const Packet *packet, const EwNatTuple *tuple)
{
  Packet after = *packet;

  after.source = tuple->source;
  after.destination = tuple->destination;
  after.source_port = tuple->source_port;
  after.destination_port = tuple->destination_port;
  return after;
}

static EwNatTuple
draw_call (guint which, gboolean v6, guint8 protocol)
{
  return (EwNatTuple){ .source = ip (addresses[which][v6]),
                       .source_port = (guint16)(FIRST_PORT + draw (CALLER_PORTS)),
                       .protocol = protocol };
}

/* A flow that has just begun: what the router may have made of it. */
static void
learn_flow (Model *self, gint service, const EwNatTuple *call, const EwIp *wanted, guint16 wanted_port,
            gboolean as_edge)
{
  const Packet seen = world_read (self->world);
  Flow flow = { .service = service, .life = service >= 0 ? self->lives[service] : 0, .call = *call };

  flow.seen = (EwNatTuple){ seen.source, seen.destination, seen.source_port, seen.destination_port, call->protocol };
  EwNatTuple own = *call;
  own.destination = *wanted;
  own.destination_port = wanted_port;
  g_assert_true (ew_ip_equal (&flow.seen.destination, wanted));
  g_assert_cmpuint (flow.seen.destination_port, ==, wanted_port);
  g_assert_null (find_seen (self, &flow.seen));
  const EwIp *shown = as_edge ? &self->world->router->service[call->source.family == EW_FAMILY_V6] : &call->source;
  g_assert_true (ew_ip_equal (&flow.seen.source, shown));
  if (!as_edge && find_seen (self, &own) == NULL)
    g_assert_cmpuint (flow.seen.source_port, ==, call->source_port);
  else
    g_assert_cmpuint (flow.seen.source_port, >=, EW_NAT_PORT_FIRST);
  self->clashed += !as_edge && flow.seen.source_port != call->source_port;
  g_array_append_val (self->flows, flow);
}

/* Events. */

static void
expect_refused (Model *self, EwRoute route)
{
  g_assert_cmpint (route, !=, EW_ROUTE_PEER);
  self->refused++;
}

/* Which target it must be: by FIRST; for SPREAD any that is available, and then the one that was chosen. */
static const EwNatTarget *
find_target (const Model *self, const Random *random, const EwNatPorts *range, const EwNatTuple *call)
{
  const guint family = call->source.family == EW_FAMILY_V6;

  for (guint t = 0; t < TARGETS; t++)
    {
      const EwNatTarget *target = &random->targets[t];

      if (!target->healthy || target->ips[family].family == EW_FAMILY_NONE)
        continue;
      if (random->service.choice == EW_NAT_CHOOSE_FIRST || self->world->to == NULL)
        return target;
      const Packet seen = world_read (self->world);
      if (ew_ip_equal (&seen.destination, &target->ips[family])
          && seen.destination_port == port_at (target, range, call->destination_port))
        return target;
    }
  return NULL;
}

static void
call_service (Model *self)
{
  const guint i = draw (SERVICES), which = draw (G_N_ELEMENTS (addresses));
  const gboolean v6 = addresses[which][1] != NULL && draw (3) == 0;
  const Random *random = &self->services[i];
  EwNatTuple call = draw_call (which, v6, draw (2) ? IPPROTO_TCP : IPPROTO_UDP);

  if (!random->exists)
    return;
  call.destination = random->service.addresses[v6];
  call.destination_port = (guint16)(80 + 10 * draw (2) + draw (3));
  Flow *flow = find_call (self, (gint)i, &call);
  if (flow != NULL && !is_valid (self, flow))
    {
      remove_flow (self, flow);
      flow = NULL;
      self->moved++;
    }
  const Packet packet = make_packet (&call, flow == NULL ? EW_NAT_TCP_SYN : EW_NAT_TCP_ACK);
  const EwRoute route = world_send (self->world, nodes_of[which], &packet);
  const EwNatPorts *range = find_range (random, call.protocol, call.destination_port);
  if (flow == NULL)
    {
      const EwNatTarget *target = range != NULL ? find_target (self, random, range, &call) : NULL;

      if (target == NULL)
        {
          expect_refused (self, route);
          return;
        }
      g_assert_cmpint (route, ==, EW_ROUTE_PEER);
      learn_flow (self, (gint)i, &call, &target->ips[v6], port_at (target, range, call.destination_port),
                  random->service.source == EW_NAT_SOURCE_EDGE || node_of (&target->ips[v6]) == nodes_of[which]);
      flow = find_call (self, (gint)i, &call);
    }
  g_assert_cmpint (route, ==, EW_ROUTE_PEER);
  const Packet expected = as_tuple (&packet, &flow->seen);
  world_expect (self->world, node_of (&flow->seen.destination), &expected);
  self->translated++;
}

/* A reply of a flow; one whose target was removed isn't translated any more. */
static void
reply_to_call (Model *self)
{
  if (self->flows->len == 0)
    return;
  const Flow flow = g_array_index (self->flows, Flow, draw (self->flows->len));
  const EwNatTuple reply = ew_nat_tuple_reverse (&flow.seen), back = ew_nat_tuple_reverse (&flow.call);
  const Packet packet = make_packet (&reply, EW_NAT_TCP_ACK);
  const EwRoute route = world_send (self->world, node_of (&reply.source), &packet);
  const gboolean claimed = is_claimed (self, reply.protocol, &reply.source, reply.source_port);

  if (claimed && is_valid (self, &flow))
    {
      const Packet expected = as_tuple (&packet, &back);

      g_assert_cmpint (route, ==, EW_ROUTE_PEER);
      world_expect (self->world, node_of (&back.destination), &expected);
      self->translated++;
      return;
    }
  if (route == EW_ROUTE_PEER || route == EW_ROUTE_TUN)
    {
      const Packet after = world_read (self->world);

      g_assert_true (ew_ip_equal (&after.source, &reply.source) && after.source_port == reply.source_port);
      g_assert_true (ew_ip_equal (&after.destination, &reply.destination));
    }
  if (claimed)
    remove_flow (self, find_seen (self, &flow.seen));
}

/* To a target's own address. */
static void
call_directly (Model *self)
{
  const guint which = draw (G_N_ELEMENTS (addresses)), other = draw (G_N_ELEMENTS (addresses));
  const gboolean v6 = addresses[which][1] != NULL && addresses[other][1] != NULL && draw (3) == 0;
  EwNatTuple call = draw_call (which, v6, draw (2) ? IPPROTO_TCP : IPPROTO_UDP);

  call.destination = ip (addresses[other][v6]);
  call.destination_port = (guint16)(8000 + draw (6));
  if (nodes_of[which] == nodes_of[other])
    return;
  Flow *met = find_seen (self, &call), *own = find_call (self, -1, &call);
  const Packet packet = make_packet (&call, own == NULL ? EW_NAT_TCP_SYN : EW_NAT_TCP_ACK);
  g_assert_cmpint (world_send (self->world, nodes_of[which], &packet), ==, EW_ROUTE_PEER);
  self->direct++;
  if (!is_claimed (self, call.protocol, &call.destination, call.destination_port))
    {
      world_expect (self->world, nodes_of[other], &packet);
      return;
    }
  if (met != NULL && !is_valid (self, met))
    {
      remove_flow (self, met);
      met = NULL;
      own = find_call (self, -1, &call);
    }
  if (own == NULL && met == NULL)
    {
      const Flow flow = { .service = -1, .call = call, .seen = call };

      g_array_append_val (self->flows, flow);
    }
  else if (own == NULL)
    learn_flow (self, -1, &call, &call.destination, call.destination_port, FALSE);
  own = find_call (self, -1, &call);
  const Packet expected = as_tuple (&packet, &own->seen);
  world_expect (self->world, nodes_of[other], &expected);
}

/* About a flow, from one of its ends. */
static void
report_error (Model *self)
{
  if (self->flows->len == 0)
    return;
  const Flow flow = g_array_index (self->flows, Flow, draw (self->flows->len));
  const gboolean call = draw (2) == 1, v6 = flow.call.source.family == EW_FAMILY_V6;
  const EwNatTuple back = ew_nat_tuple_reverse (&flow.call), reply = ew_nat_tuple_reverse (&flow.seen);
  guint8 bytes[WORLD_PACKET], expected[WORLD_PACKET];

  if (flow.service < 0 || !is_valid (self, &flow))
    return;
  /* call: the target about a call; else the caller about a reply. */
  const Packet about = make_packet (call ? &flow.seen : &back, 0);
  const Packet after = as_tuple (&about, call ? &flow.call : &reply);
  const guint8 type = v6 ? 2 : 3, code = v6 ? 0 : 4;
  const gsize len
    = packet_write_error (bytes, call ? &flow.seen.destination : &flow.call.source, &about, type, code, 200);
  packet_write_error (expected, call ? &flow.call.destination : &flow.seen.source, &after, type, code, 200);
  g_assert_cmpint (
    world_send_bytes (self->world, node_of (call ? &flow.seen.destination : &flow.call.source), bytes, len), ==,
    EW_ROUTE_PEER);
  g_assert_true (ew_packet_decrement_ttl (expected, len));
  world_expect_bytes (self->world, node_of (call ? &flow.call.source : &flow.seen.destination), expected, len);
}

static void
test_model (World *world, gconstpointer data)
{
  Model self = { .world = world, .flows = g_array_new (FALSE, TRUE, sizeof (Flow)) };

  world_set_services (world, NULL, 0); /* none of what comes has flows from before */
  for (guint i = 0; i < SERVICES; i++)
    draw_service (&self.services[i], i);
  set_services (&self);
  for (guint event = 0; event < EVENTS; event++)
    switch (draw (20))
      {
      case 0:
        change_services (&self);
        break;
      case 1:
      case 2:
      case 3:
      case 4:
        call_directly (&self);
        break;
      case 5:
      case 6:
        report_error (&self);
        break;
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        reply_to_call (&self);
        break;
      default:
        call_service (&self);
        break;
      }
  g_test_message ("%u translated, %u refused, %u direct, %u met others, %u lost their target", self.translated,
                  self.refused, self.direct, self.clashed, self.moved);
  g_assert_cmpuint (self.translated, >, EVENTS / 8);
  g_assert_cmpuint (self.clashed, >, 5);
  g_assert_cmpuint (self.moved, >, 5);
  g_assert_cmpuint (EW_ROUTER_TOTAL (world->router, dropped_service), ==, 0);
  g_array_unref (self.flows);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/switch/services/model", World, NULL, world_set_up, test_model, world_tear_down);
  return g_test_run ();
}
