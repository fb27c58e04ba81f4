/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Services in the router: ICMP errors, fragments, flows from before a restart, bounds and verdicts. "ha" is 100.111.0.1
 * and fdaa::1, its port 80 a target's 8123.
 */
#include <string.h>

#include "proto-testing.h"
#include "service-world.h"

#define HA "100.111.0.1"
#define HA6 "fdaa::1"
#define A "100.96.1.1"
#define B "100.96.1.2"
#define C "100.96.1.3"
#define A6 "fd12::1:1"
#define B6 "fd12::1:2"

static void
set_ha (World *world, EwNatSource source, const gchar *target, const gchar *target6)
{
  static const EwNatPorts ports = { EW_NAT_TCP | EW_NAT_UDP, 80, 80, 8123 };
  const EwNatTarget to = { .ips = { ip (target), ip (target6) }, .healthy = TRUE };
  const EwNatService service = { .id = "ha",
                                 .addresses = { ip (HA), ip (HA6) },
                                 .ports = &ports,
                                 .n_ports = 1,
                                 .targets = &to,
                                 .n_targets = 1,
                                 .source = source };

  world_set_services (world, &service, 1);
}

/* What the target sees of a call. */
static Packet
call_through (World *world, int from, const Packet *call)
{
  Packet arrives = *call;

  g_assert_cmpint (world_send (world, from, call), ==, EW_ROUTE_PEER);
  const Packet seen = world_read (world);
  arrives.source = seen.source;
  arrives.source_port = seen.source_port;
  arrives.destination = seen.destination;
  arrives.destination_port = seen.destination_port;
  world_expect (world, BOB, &arrives);
  return arrives;
}

/* ICMP errors. */

#define WHOLE 2000

/* Sends an error about `about` from that node and address, and expects it as if `from_after` had sent it about
   `about_after`. */
static void
pass_error (World *world, int from, const EwIp *source, const Packet *about, int to, const EwIp *source_after,
            const Packet *about_after, gsize quoted)
{
  const gboolean v6 = source->family == EW_FAMILY_V6;
  const guint8 type = v6 ? 1 : 3, code = v6 ? 4 : 3;
  guint8 bytes[WORLD_PACKET], expected[WORLD_PACKET];
  const gsize len = packet_write_error (bytes, source, about, type, code, quoted);

  packet_write_error (expected, source_after, about_after, type, code, quoted);
  g_assert_cmpint (world_send_bytes (world, from, bytes, len), ==, EW_ROUTE_PEER);
  g_assert_true (ew_packet_decrement_ttl (expected, len));
  world_expect_bytes (world, to, expected, len);
}

static void
check_errors (World *world, const Packet *call, const gchar *service_text, const gchar *target_text)
{
  const EwIp service = ip (service_text), target = ip (target_text);
  const gboolean v6 = call->source.family == EW_FAMILY_V6;
  const gsize least = v6 ? 48 : 28, sizes[] = { WHOLE, least, least + 10 };
  const EwIp behind_target = ip (v6 ? "fd77::1" : "10.7.0.1"), behind_caller = ip (v6 ? "fd99::1" : "192.0.2.1");
  const Packet seen = call_through (world, ALICE, call);
  const Packet reply = packet_answer (&seen);
  Packet back = packet_answer (call);

  back.seed = reply.seed;
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      /* The target, or a router before it, about a call: it comes from the service. */
      pass_error (world, BOB, &target, &seen, ALICE, &service, call, sizes[i]);
      pass_error (world, BOB, &behind_target, &seen, ALICE, &service, call, sizes[i]);
      /* The caller, or a router before it, about a reply. */
      pass_error (world, ALICE, &call->source, &back, BOB, &seen.source, &reply, sizes[i]);
      pass_error (world, ALICE, &behind_caller, &back, BOB,
                  ew_ip_equal (&seen.source, &call->source) ? &behind_caller : &seen.source, &reply, sizes[i]);
    }
}

static void
test_errors (World *world, gconstpointer data)
{
  const Packet calls[]
    = { TCP (A, 5000, HA, 80), UDP (A, 5001, HA, 80), TCP (A6, 5002, HA6, 80), UDP (A6, 5003, HA6, 80) };

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const gboolean v6 = calls[i].source.family == EW_FAMILY_V6;

      check_errors (world, &calls[i], v6 ? HA6 : HA, v6 ? B6 : B);
    }
  world_restart (world);
  set_ha (world, EW_NAT_SOURCE_EDGE, B, B6);
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const gboolean v6 = calls[i].source.family == EW_FAMILY_V6;
      Packet call = calls[i];

      call.tcp = EW_NAT_TCP_SYN;
      check_errors (world, &call, v6 ? HA6 : HA, v6 ? B6 : B);
    }
}

/* A UDP checksum that is none is none within an error, too. */
static void
test_error_without_checksum (World *world, gconstpointer data)
{
  Packet call = UDP (A, 5000, HA, 80);

  call.no_checksum = TRUE;
  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  check_errors (world, &call, HA, B);
}

/* Whoever is on neither way of a flow reports nothing about it, and no error is answered with one. */
static void
test_forged_errors (World *world, gconstpointer data)
{
  const Packet call = TCP (A, 5000, HA, 80);
  const EwIp carol = ip (C), bob = ip (B);
  guint8 bytes[WORLD_PACKET];

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  const Packet seen = call_through (world, ALICE, &call);
  const Packet reply = packet_answer (&seen);
  Packet back = packet_answer (&call), unknown = back;
  back.seed = reply.seed;
  unknown.destination_port = 5999;
  /* carol about the call, as if it had passed her: as it is, to be dropped by who knows of no such flow. */
  gsize len = packet_write_error (bytes, &carol, &seen, 3, 1, WHOLE);
  g_assert_cmpint (world_send_bytes (world, CAROL, bytes, len), ==, EW_ROUTE_PEER);
  g_assert_true (ew_packet_decrement_ttl (bytes, len));
  world_expect_bytes (world, ALICE, bytes, len);
  /* … about the reply; the caller about a flow that isn't; bob in alice's place. */
  len = packet_write_error (bytes, &carol, &back, 3, 1, WHOLE);
  g_assert_cmpint (world_send_bytes (world, CAROL, bytes, len), ==, EW_ROUTE_DROP);
  len = packet_write_error (bytes, &call.source, &unknown, 3, 1, WHOLE);
  g_assert_cmpint (world_send_bytes (world, ALICE, bytes, len), ==, EW_ROUTE_DROP);
  len = packet_write_error (bytes, &bob, &back, 3, 1, WHOLE);
  g_assert_cmpint (world_send_bytes (world, BOB, bytes, len), ==, EW_ROUTE_DROP);
}

/* Fragments. */

#define CHUNK 64

/* The nth fragment of a packet of IPv4, or of IPv6 by a fragment header. */
static gsize
write_fragment (guint8 *out, const Packet *packet, guint n, guint32 id)
{
  const gboolean v6 = packet->source.family == EW_FAMILY_V6;
  const gsize header = v6 ? 40 : 20, extra = v6 ? 8 : 0;
  guint8 whole[WORLD_PACKET];
  const gsize payload = packet_write (whole, packet) - header, at = n * CHUNK, size = MIN (CHUNK, payload - at);
  const guint place = (guint)(at / 8), more = at + size < payload;

  memcpy (out, whole, header);
  memcpy (out + header + extra, whole + header + at, size);
  if (v6)
    {
      const guint8 fragment[8] = { out[6], 0, (guint8)(place >> 5), (guint8)(place << 3 | more) };

      memcpy (out + header, fragment, 8);
      memcpy (out + header + 4, &id, 4);
      out[6] = 44;
      out[5] = (guint8)(size + 8);
      out[4] = 0;
      return header + 8 + size;
    }
  out[2] = 0;
  out[3] = (guint8)(20 + size);
  out[4] = (guint8)(id >> 8);
  out[5] = (guint8)id;
  out[6] = (guint8)(place >> 8 | (more ? 0x20 : 0));
  out[7] = (guint8)place;
  out[10] = out[11] = 0;
  const guint16 sum = ew_checksum (out, 20, 0);
  out[10] = (guint8)(sum >> 8);
  out[11] = (guint8)sum;
  return 20 + size;
}

static guint32
read_id (const guint8 *packet)
{
  guint32 id = (guint32)(packet[4] << 8 | packet[5]);

  if (packet[0] >> 4 == 6)
    memcpy (&id, packet + 44, 4);
  return id;
}

/* The nth fragment has arrived as that of `expected`, with the identification id. */
static void
expect_fragment (World *world, int to, const Packet *expected, guint n, guint32 id)
{
  guint8 bytes[WORLD_PACKET];
  Packet after = *expected;

  after.ttl = 63;
  world_expect_bytes (world, to, bytes, write_fragment (bytes, &after, n, id));
}

static void
send_fragment (World *world, int from, const Packet *packet, guint n, guint32 id, EwRoute route)
{
  guint8 bytes[WORLD_PACKET];

  g_assert_cmpint (world_send_bytes (world, from, bytes, write_fragment (bytes, packet, n, id)), ==, route);
}

static Packet
large (Packet packet)
{
  packet.payload = 3 * CHUNK;
  packet.may_fragment = TRUE;
  return packet;
}

static void
test_fragments (World *world, gconstpointer data)
{
  const Packet calls[]
    = { large (UDP (A, 5000, HA, 80)), large (UDP (A6, 5000, HA6, 80)), large (TCP (A, 5000, HA, 80)) };
  const Packet arrive[]
    = { large (UDP (A, 5000, B, 8123)), large (UDP (A6, 5000, B6, 8123)), large (TCP (A, 5000, B, 8123)) };

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const Packet answer = packet_answer (&arrive[i]);
      Packet back = packet_answer (&calls[i]);

      back.seed = answer.seed;
      for (guint n = 0; n < 4; n++)
        {
          send_fragment (world, ALICE, &calls[i], n, 0x3412, EW_ROUTE_PEER);
          expect_fragment (world, BOB, &arrive[i], n, 0x3412);
        }
      for (guint n = 0; n < 4; n++)
        {
          send_fragment (world, BOB, &answer, n, 0x7856, EW_ROUTE_PEER);
          expect_fragment (world, ALICE, &back, n,
                           read_id (world->packet.data)); /* from an address that others share */
        }
    }
}

/* As the edge: two callers' packets with the same identification stay apart. */
static void
test_fragments_as_edge (World *world, gconstpointer data)
{
  const Packet calls[] = { large (UDP (A, 5000, HA, 80)), large (UDP (C, 5000, HA, 80)) };
  const int callers[] = { ALICE, CAROL };
  guint32 ids[2];

  set_ha (world, EW_NAT_SOURCE_EDGE, B, B6);
  for (guint i = 0; i < 2; i++)
    {
      send_fragment (world, callers[i], &calls[i], 0, 77, EW_ROUTE_PEER);
      ids[i] = read_id (world->packet.data);
    }
  g_assert_cmpuint (ids[0], !=, ids[1]);
  for (guint n = 1; n < 4; n++)
    for (guint i = 0; i < 2; i++)
      {
        send_fragment (world, callers[i], &calls[i], n, 77, EW_ROUTE_PEER);
        g_assert_cmpuint (read_id (world->packet.data), ==, ids[i]);
      }
}

static guint
count_staged (World *world, int node)
{
  EwTestingPeer peer;

  ew_testing_look_at_peer (world->peers[node], &peer);
  return peer.staged_packets;
}

/* Those that come before the first wait for it, at most EW_NAT_HELD_PER_NODE of a node, and not for long. */
static void
test_fragments_out_of_order (World *world, gconstpointer data)
{
  const Packet call = large (UDP (A, 5000, HA, 80)), arrives = large (UDP (A, 5000, B, 8123));

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  for (guint n = 3; n > 0; n--)
    send_fragment (world, ALICE, &call, n, 5, EW_ROUTE_DROP);
  send_fragment (world, ALICE, &call, 0, 5, EW_ROUTE_PEER);
  expect_fragment (world, BOB, &arrives, 0, 5);
  g_assert_cmpuint (count_staged (world, BOB), ==, 3); /* there's no session: what is sent waits for one */
  for (guint n = 1; n < 4; n++)
    {
      guint8 bytes[WORLD_PACKET];
      Packet after = arrives;

      after.ttl = 63;
      const gsize len = write_fragment (bytes, &after, 4 - n, 5);
      gboolean found = FALSE;
      for (guint i = 0; i < EW_NAT_HELD && !found; i++)
        found = memcmp (world->nat->lanes[0].fragments.held[i].bytes + EW_HEADROOM, bytes, len) == 0;
      g_assert_true (found);
    }
  g_assert_cmpuint (world->nodes[ALICE].counters.dropped_service, ==, 0);
  for (guint i = 0; i < EW_NAT_HELD_PER_NODE + 3; i++)
    send_fragment (world, ALICE, &call, 1, 100 + i, EW_ROUTE_DROP);
  g_assert_cmpuint (world->nodes[ALICE].counters.dropped_service, ==, 3);
  world_wait (world, 2);
  send_fragment (world, ALICE, &call, 0, 100, EW_ROUTE_PEER);
  g_assert_cmpuint (count_staged (world, BOB), ==, 3); /* it had waited for too long */
  send_fragment (world, ALICE, &call, 1, 100, EW_ROUTE_PEER);
}

/* The first one decides for the others: refused, or none of a service's. */
static void
test_fragments_others (World *world, gconstpointer data)
{
  const Packet closed = large (UDP (A, 5000, HA, 81)), direct = large (UDP (B, 53, A, 5000)),
               tiny = large (TCP (A, 5000, HA, 80));
  guint8 bytes[WORLD_PACKET];

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  send_fragment (world, ALICE, &closed, 0, 9, EW_ROUTE_REPLY);
  send_fragment (world, ALICE, &closed, 1, 9, EW_ROUTE_DROP);
  for (guint n = 0; n < 4; n++)
    {
      send_fragment (world, BOB, &direct, n, 8, EW_ROUTE_PEER);
      expect_fragment (world, ALICE, &direct, n, 8);
    }
  /* A first fragment without the whole TCP header has no checksum that could be updated. */
  write_fragment (bytes, &tiny, 0, 4);
  bytes[3] = 36;
  bytes[10] = bytes[11] = 0;
  const guint16 sum = ew_checksum (bytes, 20, 0);
  bytes[10] = (guint8)(sum >> 8);
  bytes[11] = (guint8)sum;
  g_assert_cmpint (world_send_bytes (world, ALICE, bytes, 36), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->nodes[ALICE].counters.dropped_service, ==, 1);
}

/* Flows from before the edge's start. */

static void
test_recovered (World *world, gconstpointer data)
{
  const Packet tcp = TCP (B, 8123, A, 5000), tcp_back = TCP (HA, 80, A, 5000), udp = UDP (B6, 8123, A6, 5000),
               udp_back = UDP (HA6, 80, A6, 5000), on = TCP (A, 5000, HA, 80), on_arrives = TCP (A, 5000, B, 8123);
  Packet opened = tcp;

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  for (guint i = 0; i < 3; i++)
    {
      world_pass (world, BOB, &tcp, ALICE, &tcp_back);
      world_pass (world, BOB, &udp, ALICE, &udp_back);
    }
  world_pass (world, ALICE, &on, BOB, &on_arrives);
  /* A new connection from the target's port isn't a reply. */
  opened.tcp = EW_NAT_TCP_SYN;
  opened.destination_port = 5001;
  world_pass (world, BOB, &opened, ALICE, &opened);
  opened.tcp = EW_NAT_TCP_ACK;
  world_pass (world, BOB, &opened, ALICE, &opened);
  /* UDP's flows would have ended by now. */
  world_wait (world, EW_NAT_IDLE + 1);
  world_pass (world, BOB, &udp, ALICE, &udp);
  world_pass (world, BOB, &tcp, ALICE, &tcp_back);
}

/* It had none to do with the service: what the caller says of it tells. */
static void
test_disowned (World *world, gconstpointer data)
{
  const Packet tcp = TCP (B, 8123, A, 5000), tcp_back = TCP (HA, 80, A, 5000), udp = UDP (B, 8123, A, 5000),
               udp_back = UDP (HA, 80, A, 5000), direct = TCP (A, 5002, B, 8123), answer = TCP (B, 8123, A, 5002);
  Packet reset = TCP (A, 5000, HA, 80), other = TCP (B, 8123, A, 5002), other_back = TCP (HA, 80, A, 5002);
  guint8 bytes[WORLD_PACKET];

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  reset.tcp = EW_NAT_TCP_RST;
  world_pass (world, BOB, &tcp, ALICE, &tcp_back);
  g_assert_cmpint (world_send (world, ALICE, &reset), ==, EW_ROUTE_DROP);
  world_pass (world, BOB, &tcp, ALICE, &tcp);
  world_pass (world, BOB, &udp, ALICE, &udp_back);
  const gsize len = packet_write_error (bytes, &tcp.destination, &udp_back, 3, 3, WHOLE);
  g_assert_cmpint (world_send_bytes (world, ALICE, bytes, len), ==, EW_ROUTE_DROP);
  world_pass (world, BOB, &udp, ALICE, &udp);
  /* … or a packet of its own to the target. */
  world_pass (world, BOB, &other, ALICE, &other_back);
  world_pass (world, ALICE, &direct, BOB, &direct);
  world_pass (world, BOB, &answer, ALICE, &answer);
}

/* Two services lead to the port: a reply says nothing. */
static void
test_ambiguous (World *world, gconstpointer data)
{
  static const EwNatPorts ports = { EW_NAT_TCP, 80, 80, 8123 };
  const EwNatTarget to = { .ips = { ip (B) }, .healthy = TRUE };
  EwNatService services[2]
    = { { .id = "a", .addresses = { ip (HA) }, .ports = &ports, .n_ports = 1, .targets = &to, .n_targets = 1 } };
  const Packet reply = TCP (B, 8123, A, 5000), back = TCP (HA, 80, A, 5001);
  Packet second = reply;

  services[1] = services[0];
  services[1].id = "b";
  services[1].addresses[0] = ip ("100.111.0.2");
  world_set_services (world, services, 2);
  world_pass (world, BOB, &reply, ALICE, &reply);
  /* One whose callers are shown as the edge isn't in the way. */
  world_restart (world);
  services[1].source = EW_NAT_SOURCE_EDGE;
  world_set_services (world, services, 2);
  second.destination_port = 5001;
  world_pass (world, BOB, &second, ALICE, &back);
  /* … and one that is new has no flows from before. */
  world_restart (world);
  world_set_services (world, NULL, 0);
  world_set_services (world, services, 1);
  world_pass (world, BOB, &second, ALICE, &second);
}

/* Bounds. */

static void
test_bounds (World *world, gconstpointer data)
{
  const Packet carols = TCP (C, 5000, HA, 80), arrives = TCP (C, 5000, B, 8123);
  guint passed = 0;

  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  world_pass (world, CAROL, &carols, BOB, &arrives);
  for (guint port = 1; port < 65536; port++)
    {
      const Packet call = UDP (A, (guint16)port, HA, 80);

      passed += world_send (world, ALICE, &call) == EW_ROUTE_PEER;
      g_assert_cmpuint (world->nodes[ALICE].translations.n, <=, EW_NAT_STATES_PER_NODE + 2);
    }
  g_assert_cmpuint (passed, >=, EW_NAT_STATES_PER_NODE / 2 * 9 / 10);
  g_assert_cmpuint (passed + world->nodes[ALICE].counters.dropped_service, ==, 65535);
  world_pass (world, CAROL, &carols, BOB, &arrives); /* others keep theirs */
  world_wait (world, EW_NAT_IDLE_NEW + 1);
  passed = 0;
  for (guint port = 1; port <= 1000; port++)
    {
      const Packet call = UDP (A, (guint16)port, HA, 80);

      passed += world_send (world, ALICE, &call) == EW_ROUTE_PEER;
    }
  g_assert_cmpuint (passed, >, 900); /* what has ended makes room */
  /* What was removed isn't gone on with, however lately it was seen. */
  const Packet alices = UDP (A, 1, HA, 80), alices_arrive = UDP (A, 1, B, 8123);
  for (guint i = 0; i < 3; i++)
    {
      for (guint k = 0; k < 3; k++)
        world_pass (world, ALICE, &alices, BOB, &alices_arrive);
      g_assert_cmpuint (world->nodes[ALICE].translations.n, >=, 2);
      ew_nat_states_forget (world->nat->states, &world->nodes[ALICE].translations);
      g_assert_cmpuint (world->nodes[ALICE].translations.n, ==, 0);
    }
}

/* Verdicts. */

typedef struct
{
  guint asked;
  gboolean allow;
  gconstpointer from, to;
  EwFlow flow;
  gchar service[8];
  EwIp ha;            /* the service's address */
  gboolean judged;    /* by the service as it was called, when a service was asked about last */
  const gchar *only;  /* what it forbids and doesn't note: NULL: nothing; all but that service */
  const gchar *never; /* … that service */
} Asked;

static gboolean
on_verdict (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  Asked *asked = data;

  if (asked->never != NULL && g_strcmp0 (asked->never, flow->service_id) == 0)
    return FALSE;
  if (asked->only != NULL && g_strcmp0 (asked->only, flow->service_id) != 0)
    return FALSE;
  asked->asked++;
  asked->from = from;
  asked->to = to;
  asked->flow = *flow;
  if (flow->service_id != NULL)
    asked->judged = flow->service_port == 80 && ew_ip_equal (&flow->service_ip, &asked->ha);
  g_strlcpy (asked->service, flow->service_id != NULL ? flow->service_id : "", sizeof asked->service);
  return asked->allow;
}

static void
expect_asked (const Asked *asked, World *world, guint times, int from, int to, const gchar *service)
{
  g_assert_cmpuint (asked->asked, ==, times);
  g_assert_true (asked->from == &world->nodes[from] && asked->to == &world->nodes[to]);
  g_assert_cmpstr (asked->service, ==, service);
  g_assert_true (asked->judged);
}

static void
test_verdict (World *world, gconstpointer data)
{
  Asked asked = { .allow = TRUE, .ha = ip (HA) };
  Packet call = TCP (A, 5000, HA, 80), direct = TCP (A, 5000, B, 8123), reply = TCP (B, 8123, A, 5001),
         back = TCP (HA, 80, A, 5001);
  const EwIp alice = ip (A), bob = ip (B), edge = ip ("100.96.0.1");

  world->policy = (EwRouterPolicy){ on_verdict, &asked, ew_switch_flow_table_new (1, 0) };
  world->router->policy = &world->policy;
  for (guint source = 0; source < 2; source++)
    {
      world_restart (world);
      set_ha (world, (EwNatSource)source, B, B6);
      asked.asked = 0;
      ew_switch_flow_table_invalidate (world->policy.flows);
      call.tcp = EW_NAT_TCP_SYN;
      const Packet seen = call_through (world, ALICE, &call);
      expect_asked (&asked, world, 1, ALICE, BOB, "ha");
      g_assert_true (ew_ip_equal (&asked.flow.low, &alice) && ew_ip_equal (&asked.flow.high, &bob));
      g_assert_true (asked.flow.low_port == 5000 && asked.flow.high_port == 8123 && !asked.flow.reversed);
      const Packet answer = packet_answer (&seen);
      g_assert_cmpint (world_send (world, BOB, &answer), ==, EW_ROUTE_PEER);
      g_assert_cmpuint (asked.asked, ==, 1);
    }
  /* The same ends without the service are another flow. */
  asked.allow = FALSE;
  world_expect_error (world, world_send (world, ALICE, &direct), &edge, 3, 13);
  expect_asked (&asked, world, 2, ALICE, BOB, "");
  /* A reply that begins it is judged as the caller's call; what is refused leaves nothing behind. */
  world_restart (world);
  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  asked.only = "ha";
  world_expect_error (world, world_send (world, BOB, &reply), &edge, 3, 13);
  expect_asked (&asked, world, 3, ALICE, BOB, "ha"); /* … and then as what it is without the service */
  call.source_port = 5001;
  world_expect_error (world, world_send (world, ALICE, &call), &edge, 3, 13);
  g_assert_cmpuint (world->nodes[ALICE].translations.n + world->nodes[BOB].translations.n, ==, 0);
  asked.allow = TRUE;
  world_pass (world, BOB, &reply, ALICE, &back);
  /* Where the service is forbidden it wasn't of the service. */
  world_restart (world);
  set_ha (world, EW_NAT_SOURCE_CALLER, B, B6);
  ew_switch_flow_table_invalidate (world->policy.flows);
  asked.only = NULL;
  asked.never = "ha";
  world_pass (world, BOB, &reply, ALICE, &reply);
}

#define ADD(name, function) g_test_add ("/switch/services/" name, World, NULL, world_set_up, function, world_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("errors", test_errors);
  ADD ("error-without-checksum", test_error_without_checksum);
  ADD ("forged-errors", test_forged_errors);
  ADD ("fragments", test_fragments);
  ADD ("fragments-as-edge", test_fragments_as_edge);
  ADD ("fragments-out-of-order", test_fragments_out_of_order);
  ADD ("fragments-others", test_fragments_others);
  ADD ("recovered", test_recovered);
  ADD ("disowned", test_disowned);
  ADD ("ambiguous", test_ambiguous);
  ADD ("bounds", test_bounds);
  ADD ("verdict", test_verdict);
  return g_test_run ();
}
