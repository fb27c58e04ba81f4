/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services in the router (service-world.h draws the mesh). "ha" is 100.111.0.1 and fdaa::1: its port 80 is bob's 8123,
 * its ports 9000 to 9009 are bob's from 9100 on.
 */
#include <string.h>

#include "service-world.h"

#define HA "100.111.0.1"
#define HA6 "fdaa::1"
#define EDGE "100.96.0.1"
#define EDGE6 "fd12::1"
#define A "100.96.1.1"
#define B "100.96.1.2"
#define C "100.96.1.3"
#define D "100.96.1.4"
#define A6 "fd12::1:1"
#define B6 "fd12::1:2"

static const EwNatPorts ha_ports[]
  = { { EW_NAT_TCP | EW_NAT_UDP, 80, 80, 8123 }, { EW_NAT_TCP | EW_NAT_UDP, 9000, 9009, 9100 } };

typedef struct
{
  EwNatTarget targets[4];
  EwNatService service;
} Ha;

/* Targets: IPv4 addresses, up to a NULL; those of nodes have IPv6, too. */
static void
make_ha (Ha *ha, EwNatChoice choice, EwNatSource source, const gchar *const *targets)
{
  *ha = (Ha){ .service = { .id = "ha",
                           .addresses = { ip (HA), ip (HA6) },
                           .ports = ha_ports,
                           .n_ports = G_N_ELEMENTS (ha_ports),
                           .targets = ha->targets,
                           .choice = choice,
                           .source = source } };
  for (; targets[ha->service.n_targets] != NULL; ha->service.n_targets++)
    {
      const gchar *text = targets[ha->service.n_targets];
      EwNatTarget *target = &ha->targets[ha->service.n_targets];

      *target = (EwNatTarget){ .ips = { ip (text) }, .healthy = TRUE };
      if (g_str_has_prefix (text, "100.96.1."))
        {
          g_autofree gchar *v6 = g_strconcat ("fd12::1:", text + strlen ("100.96.1."), NULL);

          target->ips[1] = ip (v6);
        }
    }
}

static void
set_ha (World *world, EwNatSource source, const gchar *target)
{
  const gchar *const targets[] = { target, NULL };
  Ha ha;

  make_ha (&ha, EW_NAT_CHOOSE_FIRST, source, targets);
  world_set_services (world, &ha.service, 1);
}

static void
set_targets (World *world, EwNatChoice choice, guint healthy, const gchar *const *targets)
{
  Ha ha;

  make_ha (&ha, choice, EW_NAT_SOURCE_CALLER, targets);
  for (gsize i = 0; i < ha.service.n_targets; i++)
    ha.targets[i].healthy = (healthy >> i & 1) != 0;
  world_set_services (world, &ha.service, 1);
}

static Packet
syn (Packet packet)
{
  packet.tcp = EW_NAT_TCP_SYN;
  return packet;
}

static Packet
flags (Packet packet, guint8 tcp)
{
  packet.tcp = tcp;
  return packet;
}

/* A call and its reply, each compared byte by byte. */
static void
converse (World *world, int caller, const Packet *call, int target, const Packet *arrives)
{
  const Packet answer = packet_answer (arrives);
  Packet back = packet_answer (call);

  back.seed = answer.seed;
  world_pass (world, caller, call, target, arrives);
  world_pass (world, target, &answer, caller, &back);
}

static void
test_translated (World *world, gconstpointer data)
{
  const struct
  {
    Packet call, arrives;
  } cases[] = {
    { TCP (A, 5000, HA, 80), TCP (A, 5000, B, 8123) },         { UDP (A, 5000, HA, 80), UDP (A, 5000, B, 8123) },
    { TCP (A6, 5000, HA6, 80), TCP (A6, 5000, B6, 8123) },     { UDP (A6, 5000, HA6, 80), UDP (A6, 5000, B6, 8123) },
    { TCP (A, 5000, HA, 9000), TCP (A, 5000, B, 9100) },       { TCP (A, 5000, HA, 9009), TCP (A, 5000, B, 9109) },
    { UDP (A6, 65535, HA6, 9004), UDP (A6, 65535, B6, 9104) },
  };

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint32 seed = 0; seed < 50; seed++)
      {
        Packet call = cases[i].call, arrives = cases[i].arrives;

        call.seed = arrives.seed = seed;
        call.payload = arrives.payload = seed * 13;
        call.tcp = arrives.tcp = seed == 0 ? EW_NAT_TCP_SYN : EW_NAT_TCP_ACK;
        converse (world, ALICE, &call, BOB, &arrives);
      }
  g_assert_cmpuint (world->nodes[ALICE].counters.translated_packets, ==, 50 * G_N_ELEMENTS (cases));
}

/* Callers with the same port don't meet: the target tells them apart by their addresses. */
static void
test_two_callers (World *world, gconstpointer data)
{
  const Packet a = syn (TCP (A, 5000, HA, 80)), c = syn (TCP (C, 5000, HA, 80)),
               a_arrives = syn (TCP (A, 5000, B, 8123)), c_arrives = syn (TCP (C, 5000, B, 8123));

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  world_pass (world, ALICE, &a, BOB, &a_arrives);
  converse (world, CAROL, &c, BOB, &c_arrives);
  converse (world, ALICE, &a, BOB, &a_arrives);
}

/* A UDP checksum that is none stays none; one that becomes zero is sent as 0xffff. */
static void
test_udp_checksums (World *world, gconstpointer data)
{
  guint zeroes = 0;

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  for (gsize v6 = 0; v6 < 2; v6++)
    {
      Packet call = v6 ? UDP (A6, 5000, HA6, 80) : UDP (A, 5000, HA, 80);
      Packet arrives = v6 ? UDP (A6, 5000, B6, 8123) : UDP (A, 5000, B, 8123);

      call.no_checksum = arrives.no_checksum = TRUE;
      converse (world, ALICE, &call, BOB, &arrives);
    }
  for (guint32 seed = 0; seed < 400000 && zeroes < 3; seed++)
    {
      Packet call = UDP (A, 5000, HA, 80), arrives = UDP (A, 5000, B, 8123);

      call.seed = arrives.seed = seed;
      world_pass (world, ALICE, &call, BOB, &arrives);
      zeroes += world->packet.data[26] == 0xff && world->packet.data[27] == 0xff;
    }
  g_assert_cmpuint (zeroes, ==, 3);
}

/* A packet that was damaged on its way isn't made to look right. */
static void
test_damaged (World *world, gconstpointer data)
{
  const Packet call = TCP (A, 5000, HA, 80), arrives = TCP (A, 5000, B, 8123);
  guint8 bytes[WORLD_PACKET], expected[WORLD_PACKET];
  EwPeer *to;

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  const gsize len = packet_write (bytes, &call);
  packet_write (expected, &arrives);
  bytes[len - 1] ^= 0x40;
  memcpy (world->buffer + EW_HEADROOM, bytes, len);
  world->packet = (EwPacket){ .data = world->buffer + EW_HEADROOM, .len = len };
  g_assert_cmpint (ew_switch_router_route (world->router, ew_device_get_lane (world->device), world->peers[ALICE],
                                           &world->packet, &world->time, &to),
                   ==, EW_ROUTE_PEER);
  g_assert_cmpmem (world->packet.data + 36, 2, expected + 36, 2);
  g_assert_cmphex (world->packet.data[len - 1], ==, expected[len - 1] ^ 0x40);
}

static void
test_refused (World *world, gconstpointer data)
{
  const EwIp ha = ip (HA), ha6 = ip (HA6), edge = ip (EDGE), edge6 = ip (EDGE6);
  const Packet tcp = syn (TCP (A, 5000, HA, 81)), tcp6 = syn (TCP (A6, 5000, HA6, 9010)), udp = UDP (A, 5000, HA, 79),
               udp6 = UDP (A6, 5000, HA6, 8999), late = TCP (A, 5000, HA, 81),
               reset = flags (TCP (A, 5000, HA, 81), EW_NAT_TCP_RST), good = syn (TCP (A, 5000, HA, 80)),
               good6 = UDP (A6, 5000, HA6, 80);
  const gchar *const targets[] = { B, NULL };

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  world_expect_reset (world, world_send (world, ALICE, &tcp));
  world_expect_reset (world, world_send (world, ALICE, &tcp6));
  world_expect_reset (world, world_send (world, ALICE, &late));
  g_assert_cmpint (world_send (world, ALICE, &reset), ==, EW_ROUTE_DROP);
  world_expect_error (world, world_send (world, ALICE, &udp), &ha, 3, 3);
  world_expect_error (world, world_send (world, ALICE, &udp6), &ha6, 1, 4);
  set_targets (world, EW_NAT_CHOOSE_FIRST, 0, targets);
  world_expect_error (world, world_send (world, ALICE, &good), &edge, 3, 1);
  world_expect_error (world, world_send (world, ALICE, &good6), &edge6, 1, 3);
  set_targets (world, EW_NAT_CHOOSE_FIRST, 1, targets);
  world->nodes[BOB].departed = TRUE;
  world_expect_error (world, world_send (world, ALICE, &good), &edge, 3, 1);
  set_ha (world, EW_NAT_SOURCE_CALLER, "10.99.0.1"); /* nobody's */
  world_expect_error (world, world_send (world, ALICE, &good), &edge, 3, 1);
  g_assert_cmpuint (world->nodes[ALICE].translations.n, ==, 0);
}

/* A flood of what is refused is answered no faster than any other. */
static void
test_answers_are_paced (World *world, gconstpointer data)
{
  const Packet packets[] = { syn (TCP (A, 5000, HA, 81)), UDP (A, 5000, HA, 81) };
  guint answers = 0;

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  for (guint i = 0; i < 1000; i++)
    answers += world_send (world, ALICE, &packets[i % 2]) == EW_ROUTE_REPLY;
  g_assert_cmpuint (answers, ==, EW_ROUTER_ICMP_BURST);
}

static void
test_ping (World *world, gconstpointer data)
{
  const EwIp a = ip (A), a6 = ip (A6), edge = ip (EDGE);
  const gchar *const targets[] = { B, NULL };
  guint8 bytes[WORLD_PACKET];

  for (gsize v6 = 0; v6 < 2; v6++)
    {
      const EwIp from = v6 ? a6 : a, to = v6 ? ip (HA6) : ip (HA);
      const gsize len = ew_packet_build_echo (bytes, &from, &to, 7, 1, (const guint8 *)"hello", 5);
      EwIpHeader header;

      set_targets (world, EW_NAT_CHOOSE_FIRST, 1, targets);
      g_assert_cmpint (world_send_bytes (world, ALICE, bytes, len), ==, EW_ROUTE_REPLY);
      g_assert_true (ew_packet_parse (world->packet.data, world->packet.len, &header));
      g_assert_true (ew_ip_equal (&header.source, &to) && ew_ip_equal (&header.destination, &from));
      set_targets (world, EW_NAT_CHOOSE_FIRST, 0, targets);
      g_assert_cmpint (world_send_bytes (world, ALICE, bytes, len), ==, EW_ROUTE_REPLY);
    }
  const EwIp to = ip (HA);
  const gsize len = ew_packet_build_echo (bytes, &a, &to, 7, 1, (const guint8 *)"hello", 5);
  world_expect_error (world, world_send_bytes (world, ALICE, bytes, len), &edge, 3, 1);
}

/* No node has a service's address, though a gateway's subnet may hold it; and other addresses of that subnet are the
   gateway's. */
static void
test_forged (World *world, gconstpointer data)
{
  const EwNatTarget target = { .ips = { ip (B) }, .healthy = TRUE };
  const EwNatService service = { .id = "own",
                                 .addresses = { ip ("10.200.0.80") },
                                 .ports = ha_ports,
                                 .n_ports = 1,
                                 .targets = &target,
                                 .n_targets = 1 };
  const Packet forged = TCP ("10.200.0.80", 80, A, 5000), call = syn (TCP (A, 5000, "10.200.0.80", 80)),
               arrives = syn (TCP (A, 5000, B, 8123)), other = TCP (A, 5000, "10.200.0.81", 80);

  world_set_services (world, &service, 1);
  g_assert_cmpint (world_send (world, GATE, &forged), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->nodes[GATE].counters.dropped_source, ==, 1);
  g_assert_cmpint (world_send (world, HOST, &forged), ==, EW_ROUTE_DROP);
  converse (world, ALICE, &call, BOB, &arrives);
  world_pass (world, ALICE, &other, GATE, &other);
}

/* A reply from another address than the target's isn't the service's. */
static void
test_foreign_reply (World *world, gconstpointer data)
{
  const Packet call = syn (TCP (A, 5000, HA, 80)), arrives = syn (TCP (A, 5000, B, 8123)),
               foreign = TCP (D, 8123, A, 5000), other_port = TCP (B, 8124, A, 5000),
               other_caller = TCP (B, 8123, C, 5000);

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  converse (world, ALICE, &call, BOB, &arrives);
  world_wait (world, EW_NAT_IDLE_TCP - 10);
  world_pass (world, DAVE, &foreign, ALICE, &foreign);
  world_pass (world, BOB, &other_port, ALICE, &other_port);
  world_wait (world, 11); /* … and flows from before the start have ended */
  world_pass (world, BOB, &other_caller, CAROL, &other_caller);
}

static void
test_ttl (World *world, gconstpointer data)
{
  const EwIp edge = ip (EDGE);
  Packet call = syn (TCP (A, 5000, HA, 80)), arrives = syn (TCP (A, 5000, B, 8123));

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  call.ttl = 1;
  world_expect_error (world, world_send (world, ALICE, &call), &edge, 11, 0);
  g_assert_cmpuint (world->nodes[ALICE].translations.n, ==, 0);
  call.ttl = arrives.ttl = 2;
  world_pass (world, ALICE, &call, BOB, &arrives);
}

static void
test_too_big (World *world, gconstpointer data)
{
  const EwIp edge = ip (EDGE);
  Packet call = TCP (A, 5000, HA, 80);

  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  world->nodes[BOB].takes = 1300;
  call.payload = 1300 - 40 + 1;
  world_expect_error (world, world_send (world, ALICE, &call), &edge, 3, 4);
}

/* The edge's own address and a port of its own. */
static Packet
pass_as_edge (World *world, int from, Packet call, int to)
{
  Packet seen, arrives = call;

  g_assert_cmpint (world_send (world, from, &call), ==, EW_ROUTE_PEER);
  seen = world_read (world);
  g_assert_true (ew_ip_equal (&seen.source, &world->router->service[call.source.family == EW_FAMILY_V6]));
  g_assert_cmpuint (seen.source_port, >=, EW_NAT_PORT_FIRST);
  g_assert_cmpuint (seen.source_port, <, EW_NAT_PORT_FIRST + EW_NAT_PORTS);
  arrives.source = seen.source;
  arrives.source_port = seen.source_port;
  arrives.destination = seen.destination;
  arrives.destination_port = seen.destination_port;
  world_expect (world, to, &arrives);
  const Packet answer = packet_answer (&arrives);
  Packet back = packet_answer (&call);
  back.seed = answer.seed;
  world_pass (world, to, &answer, from, &back);
  return arrives;
}

static void
test_as_edge (World *world, gconstpointer data)
{
  const Packet late = TCP (C, 6000, HA, 80);

  set_ha (world, EW_NAT_SOURCE_EDGE, B);
  const Packet first = pass_as_edge (world, ALICE, syn (TCP (A, 5000, HA, 80)), BOB);
  const Packet second = pass_as_edge (world, CAROL, syn (TCP (C, 5000, HA, 80)), BOB);
  const Packet again = pass_as_edge (world, ALICE, TCP (A, 5000, HA, 80), BOB);
  g_assert_cmpuint (first.source_port, !=, second.source_port);
  g_assert_cmpuint (first.source_port, ==, again.source_port);
  pass_as_edge (world, ALICE, syn (TCP (A6, 5000, HA6, 80)), BOB);
  pass_as_edge (world, ALICE, UDP (A, 5000, HA, 80), BOB);
  /* What can't be taken up again ends at once, rather than in a timeout. */
  world_expect_reset (world, world_send (world, CAROL, &late));
}

/* Whoever is behind the target's node is shown as the edge: a node itself, a host beside the target, and the gateway. */
static void
test_hairpin (World *world, gconstpointer data)
{
  set_ha (world, EW_NAT_SOURCE_CALLER, B);
  const Packet itself = pass_as_edge (world, BOB, syn (TCP (B, 5000, HA, 80)), BOB);
  const EwIp b = ip (B), beside = ip ("10.7.0.10");
  g_assert_true (ew_ip_equal (&itself.destination, &b));
  pass_as_edge (world, BOB, syn (TCP (B6, 5000, HA6, 80)), BOB);
  pass_as_edge (world, BOB, UDP (B, 5000, HA, 80), BOB);
  set_ha (world, EW_NAT_SOURCE_CALLER, "10.7.0.10");
  const Packet neighbour = pass_as_edge (world, BOB, syn (TCP ("10.7.0.9", 5000, HA, 80)), BOB);
  g_assert_true (ew_ip_equal (&neighbour.destination, &beside));
  pass_as_edge (world, BOB, syn (TCP (B, 5001, HA, 80)), BOB);
  /* Without a service a packet doesn't turn back. */
  const Packet direct = TCP ("10.7.0.9", 5000, "10.7.0.10", 8123);
  const EwIp edge = ip (EDGE);
  world_expect_error (world, world_send (world, BOB, &direct), &edge, 3, 1);
}

/* The edge's own host calls: the target sees the edge anyway. */
static void
test_host (World *world, gconstpointer data)
{
  const Packet call = syn (TCP (EDGE, 40000, HA, 80)), arrives = syn (TCP (EDGE, 40000, B, 8123)),
               foreign = syn (TCP ("1.1.1.1", 40000, HA, 80));

  for (guint source = 0; source < 2; source++)
    {
      world_restart (world);
      set_ha (world, (EwNatSource)source, B);
      converse (world, HOST, &call, BOB, &arrives);
      g_assert_cmpint (world_send (world, HOST, &foreign), ==, EW_ROUTE_REPLY);
    }
}

static void
test_first_healthy (World *world, gconstpointer data)
{
  const gchar *const targets[] = { B, C, NULL };
  const Packet old = syn (TCP (A, 5000, HA, 80)), old_arrives = syn (TCP (A, 5000, B, 8123)),
               old_on = TCP (A, 5000, HA, 80), old_on_arrives = TCP (A, 5000, B, 8123),
               new = syn (TCP (A, 5001, HA, 80)), to_carol = syn (TCP (A, 5001, C, 8123)),
               again = syn (TCP (A, 5000, C, 8123)), udp = UDP (A, 5000, HA, 80), udp_b = UDP (A, 5000, B, 8123),
               udp_c = UDP (A, 5000, C, 8123);

  set_targets (world, EW_NAT_CHOOSE_FIRST, 3, targets);
  converse (world, ALICE, &old, BOB, &old_arrives);
  converse (world, ALICE, &udp, BOB, &udp_b);
  set_targets (world, EW_NAT_CHOOSE_FIRST, 2, targets); /* bob is ill */
  converse (world, ALICE, &new, CAROL, &to_carol);
  converse (world, ALICE, &old_on, BOB, &old_on_arrives);
  converse (world, ALICE, &udp, BOB, &udp_b);
  set_targets (world, EW_NAT_CHOOSE_FIRST, 3, targets);
  converse (world, ALICE, &new, CAROL, &to_carol); /* it keeps carol */
  set_targets (world, EW_NAT_CHOOSE_FIRST, 2, targets);
  /* A connection that begins again, and UDP that hears nothing, leave the target that is ill. */
  converse (world, ALICE, &old, CAROL, &again);
  for (guint i = 0; i < EW_NAT_SILENT; i++, world_wait (world, 1))
    world_pass (world, ALICE, &udp, BOB, &udp_b);
  world_wait (world, 1);
  converse (world, ALICE, &udp, CAROL, &udp_c);
}

/* A target less moves its own flows only, and after a restart each flow finds its target again. */
static void
test_spread (World *world, gconstpointer data)
{
  const gchar *const targets[] = { B, C, D, NULL };
  const EwIp bob = ip (B), dave = ip (D);
  EwIp chosen[300];
  guint counts[3] = { 0 };

  for (guint round = 0; round < 3; round++)
    {
      world_restart (world);
      set_targets (world, EW_NAT_CHOOSE_SPREAD, round == 2 ? 3 : 7, targets);
      for (guint i = 0; i < G_N_ELEMENTS (chosen); i++)
        {
          const Packet call = TCP (A, (guint16)(2000 + i), HA, 80);

          g_assert_cmpint (world_send (world, ALICE, &call), ==, EW_ROUTE_PEER);
          const EwIp now = world_read (world).destination;
          if (round == 0)
            {
              chosen[i] = now;
              counts[now.bytes[3] - 2]++;
            }
          else if (round == 1 || !ew_ip_equal (&chosen[i], &dave))
            g_assert_true (ew_ip_equal (&now, &chosen[i]));
          else
            g_assert_true (now.bytes[3] >= bob.bytes[3] && now.bytes[3] < dave.bytes[3]);
        }
    }
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (counts[i], >, G_N_ELEMENTS (chosen) / 5);
}

/* The table is replaced in mid-flow. */
static void
test_changed (World *world, gconstpointer data)
{
  const gchar *const both[] = { B, C, NULL }, *const turned[] = { C, B, NULL }, *const carol[] = { C, NULL };
  const Packet call = TCP (A, 5000, HA, 80), to_bob = TCP (A, 5000, B, 8123), to_carol = TCP (A, 5000, C, 8123),
               bobs = TCP (B, 8123, A, 5000);

  set_targets (world, EW_NAT_CHOOSE_FIRST, 3, both);
  converse (world, ALICE, &call, BOB, &to_bob);
  for (guint i = 0; i < 5; i++)
    {
      set_targets (world, EW_NAT_CHOOSE_FIRST, 3, turned);
      converse (world, ALICE, &call, BOB, &to_bob);
    }
  set_targets (world, EW_NAT_CHOOSE_FIRST, 3, carol); /* bob was removed */
  world_pass (world, BOB, &bobs, ALICE, &bobs);
  converse (world, ALICE, &call, CAROL, &to_carol);
  world_set_services (world, NULL, 0);
  g_assert_cmpint (world_send (world, ALICE, &call), ==, EW_ROUTE_REPLY);
  world_wait (world, EW_NAT_IDLE_TCP + 1);
  set_targets (world, EW_NAT_CHOOSE_FIRST, 3, both);
  converse (world, ALICE, &call, BOB, &to_bob);
}

/* A flow to a service, and one to its target's own address with the same ends: one is shown with another port. */
static void
test_clash (World *world, gconstpointer data)
{
  const Packet call = UDP (A, 5000, HA, 80), arrives = UDP (A, 5000, B, 8123), direct = UDP (A, 5000, B, 8123);

  for (guint order = 0; order < 2; order++)
    {
      world_restart (world);
      set_ha (world, EW_NAT_SOURCE_CALLER, B);
      const Packet *first = order == 0 ? &call : &direct, *second = order == 0 ? &direct : &call;
      converse (world, ALICE, first, BOB, order == 0 ? &arrives : &direct);
      for (guint i = 0; i < 3; i++)
        {
          g_assert_cmpint (world_send (world, ALICE, second), ==, EW_ROUTE_PEER);
          Packet seen = arrives;
          seen.source_port = world_read (world).source_port;
          g_assert_cmpuint (seen.source_port, !=, 5000);
          converse (world, ALICE, second, BOB, &seen);
          converse (world, ALICE, first, BOB, order == 0 ? &arrives : &direct);
        }
    }
}

#define ADD(name, function) g_test_add ("/switch/services/" name, World, NULL, world_set_up, function, world_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("translated", test_translated);
  ADD ("two-callers", test_two_callers);
  ADD ("udp-checksums", test_udp_checksums);
  ADD ("damaged", test_damaged);
  ADD ("refused", test_refused);
  ADD ("answers-are-paced", test_answers_are_paced);
  ADD ("ping", test_ping);
  ADD ("forged", test_forged);
  ADD ("foreign-reply", test_foreign_reply);
  ADD ("ttl", test_ttl);
  ADD ("too-big", test_too_big);
  ADD ("as-edge", test_as_edge);
  ADD ("hairpin", test_hairpin);
  ADD ("host", test_host);
  ADD ("first-healthy", test_first_healthy);
  ADD ("spread", test_spread);
  ADD ("changed", test_changed);
  ADD ("clash", test_clash);
  return g_test_run ();
}
