/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Flows at the router, extension headers, and packets that nobody would send.
 */
#include <string.h>

#include "router-world.h"

/* With a flow table: alice may open, bob may answer. */

typedef struct
{
  const gchar *opener;
  guint asked;
} Policy;

static gboolean
only_opener (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  Policy *policy = data;

  policy->asked++;
  return g_str_equal (ew_switch_node_get_id (from), policy->opener);
}

static void
check_flow (Fixture *f, gboolean reply, gboolean passes)
{
  f->time.now_ns += S / 10;
  if (reply)
    make_reply (f, "100.96.1.2", "100.96.1.1");
  else
    make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  g_assert_cmpint (route (f, reply ? BOB : ALICE), ==, passes ? EW_ROUTE_PEER : EW_ROUTE_REPLY);
}

static void
test_flows (Fixture *f, gconstpointer data)
{
  g_autoptr (EwFlowTable) flows = ew_switch_flow_table_new (1, 64);
  Policy policy = { .opener = "alice" };

  const EwRouterPolicy rule = { only_opener, &policy, flows };
  f->router.policy = &rule;
  check_flow (f, TRUE, FALSE); /* bob opens nothing */
  check_flow (f, FALSE, TRUE);
  check_flow (f, TRUE, TRUE); /* … but answers */
  g_assert_cmpuint (policy.asked, ==, 2);
  for (guint i = 0; i < 100; i++)
    check_flow (f, i & 1, TRUE);
  g_assert_cmpuint (policy.asked, ==, 2); /* once a flow */
  g_assert_cmpuint (f->nodes[ALICE].flows.n, ==, 1);
  ew_switch_flow_table_invalidate (flows); /* the same policy again: the reply that comes first does not end the flow */
  check_flow (f, TRUE, TRUE);
  check_flow (f, FALSE, TRUE);
  g_assert_cmpuint (policy.asked, ==, 3);
  policy.opener = "bob"; /* another: it does */
  ew_switch_flow_table_invalidate (flows);
  check_flow (f, FALSE, FALSE);
  g_assert_cmpuint (f->nodes[ALICE].flows.n, ==, 0);
  check_flow (f, TRUE, TRUE);
  check_flow (f, FALSE, TRUE);
  g_assert_cmpuint (f->nodes[BOB].flows.n, ==, 1);
  f->time.now_ns += (EW_FLOW_IDLE + 1) * S;
  check_flow (f, FALSE, FALSE);
}

/* Turns the packet in hand into bob's error about it, as a host would. */
static void
make_error_about (Fixture *f, const gchar *from)
{
  const EwIp source = ip (from);
  guint8 error[1280];
  const gsize size = ew_packet_build_error (error, f->packet.data, f->packet.len, &source, EW_ICMP_PROHIBITED, 0);

  g_assert_cmpuint (size, >, 0);
  f->packet.data = f->buffer + EW_HEADROOM;
  memcpy (f->packet.data, error, size);
  f->packet.len = size;
}

static void
test_error_about_flow (Fixture *f, gconstpointer data)
{
  static const gchar *const addresses[][2] = { { "100.96.1.1", "100.96.1.2" }, { "fd12::1:1", "fd12::1:2" } };
  g_autoptr (EwFlowTable) flows = ew_switch_flow_table_new (1, 64);
  Policy policy = { .opener = "alice" };

  const EwRouterPolicy rule = { only_opener, &policy, flows };
  f->router.policy = &rule;
  for (guint i = 0; i < 2; i++)
    {
      make_udp (f, addresses[i][0], addresses[i][1], 64, 20); /* the flow is not open yet */
      make_error_about (f, addresses[i][1]);
      g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_DROP);
      make_udp (f, addresses[i][0], addresses[i][1], 64, 20);
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
      make_error_about (f, addresses[i][1]);
      g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_PEER);
    }
}

/* alice may open, bob may not: an answer that alice sends unasked doesn't let bob open one. */
static void
send_echo (Fixture *f, int from, gboolean request, gboolean v6, gboolean passes)
{
  const gchar *addresses[] = { v6 ? "fd12::1:1" : "100.96.1.1", v6 ? "fd12::1:2" : "100.96.1.2" };
  const EwIp source = ip (addresses[from == BOB]), destination = ip (addresses[from != BOB]);

  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  f->packet.len = ew_packet_build_echo (f->packet.data, &source, &destination, 7, 1, NULL, 0);
  if (!request)
    f->packet.data[f->packet.len - 8] = v6 ? 129 : 0;
  g_assert_cmpint (route (f, from) == EW_ROUTE_PEER, ==, passes);
}

static void
test_answers_open_nothing (Fixture *f, gconstpointer data)
{
  Policy policy = { .opener = "alice" };

  for (guint v6 = 0; v6 < 2; v6++)
    {
      g_autoptr (EwFlowTable) flows = ew_switch_flow_table_new (1, 64);
      const EwRouterPolicy rule = { only_opener, &policy, flows };

      f->nodes[ALICE].flows.n = 0;
      f->router.policy = &rule;
      send_echo (f, ALICE, FALSE, v6, TRUE);
      g_assert_cmpuint (f->nodes[ALICE].flows.n, ==, 0);
      send_echo (f, BOB, TRUE, v6, FALSE);
      send_echo (f, BOB, FALSE, v6, FALSE);
      send_echo (f, ALICE, TRUE, v6, TRUE);
      g_assert_cmpuint (f->nodes[ALICE].flows.n, ==, 1);
      send_echo (f, BOB, FALSE, v6, TRUE);
      f->router.policy = NULL;
    }
}

/* IPv6 extension headers: packets made from a list of them, so that what is in a packet is known without reading it. */

#define CHAIN_MAX 11

typedef struct
{
  guint8 kinds[CHAIN_MAX + 1]; /* the last is the upper layer */
  guint n;                     /* extension headers */
  guint units[CHAIN_MAX];      /* their sizes, 8 bytes each */
  guint8 segments_left[CHAIN_MAX];
  guint16 place[CHAIN_MAX]; /* a fragment's */
  gsize total;              /* of the packet, which may be cut off */
} Chain;

static void
draw_chain (Chain *chain, GRand *rand)
{
  static const guint8 extensions[] = { 0, 43, 44, 60, 60 },
                      uppers[] = { 6, 17, 58, 132, 33, 50, 51, 59, 135, 139, 253 };
  static const guint16 places[] = { 0, 1, 8, 8 * 100 + 1 };

  memset (chain, 0, sizeof *chain);
  chain->n = (guint)g_rand_int_range (rand, 0, g_rand_boolean (rand) ? 3 : CHAIN_MAX + 1);
  chain->total = 40;
  for (guint i = 0; i < chain->n; i++)
    {
      const guint lowest = i > 0 && g_rand_int_range (rand, 0, 8) > 0; /* hop-by-hop options belong first */

      chain->kinds[i] = extensions[g_rand_int_range (rand, (gint32)lowest, G_N_ELEMENTS (extensions))];
      chain->units[i] = chain->kinds[i] == 44 ? 1 : (guint)g_rand_int_range (rand, 1, 4);
      chain->segments_left[i] = g_rand_int_range (rand, 0, 4) == 0;
      chain->place[i] = places[g_rand_int_range (rand, 0, G_N_ELEMENTS (places))];
      chain->total += 8 * chain->units[i];
    }
  chain->kinds[chain->n] = uppers[g_rand_int_range (rand, 0, G_N_ELEMENTS (uppers))];
  chain->total += (gsize)g_rand_int_range (rand, 0, g_rand_boolean (rand) ? 12 : 200);
  if (g_rand_int_range (rand, 0, 6) == 0)
    chain->total = (gsize)g_rand_int_range (rand, 40, (gint32)chain->total + 1);
}

/* Echoes where it's ICMPv6, ports 0x1122 and 0x3344 elsewhere. */
static void
make_chain (Fixture *f, const Chain *chain)
{
  const EwIp from = ip ("fd12::1:1"), to = ip ("fd12::1:2");
  guint8 *at;

  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  at = f->packet.data + 40;
  for (guint i = 0; i < chain->n; at += 8 * chain->units[i++])
    {
      memset (at, 0, 8 * chain->units[i]);
      at[0] = chain->kinds[i + 1];
      at[1] = (guint8)(chain->units[i] - 1);
      if (chain->kinds[i] == 43)
        at[3] = chain->segments_left[i];
      else if (chain->kinds[i] == 44)
        put16 (at + 2, chain->place[i]);
    }
  put16 (at, chain->kinds[chain->n] == 58 ? 0x8000 : 0x1122);
  put16 (at + 2, 0x3344);
  put16 (at + 4, 0x5566);
  f->packet.len = put_ip (f->packet.data, &from, &to, chain->kinds[0], 64, chain->total - 40);
}

/* The expected result: FALSE where the packet must not pass. */
static gboolean
expect_of_chain (const Chain *chain, guint8 *protocol, guint *source_port, guint *destination_port)
{
  gboolean first_fragment = FALSE;
  gsize at = 40;

  *source_port = *destination_port = 0;
  for (guint i = 0; i < chain->n; i++)
    {
      if (i == 8 || at + 8 > chain->total)
        return FALSE;
      if ((chain->kinds[i] == 0 && i > 0) || (chain->kinds[i] == 43 && chain->segments_left[i] > 0))
        return FALSE;
      *protocol = chain->kinds[i + 1];
      if (chain->kinds[i] == 44 && chain->place[i] >= 8)
        return TRUE;
      first_fragment = first_fragment || (chain->kinds[i] == 44 && chain->place[i] == 1);
      at += 8 * chain->units[i];
      if (at > chain->total)
        return FALSE;
    }
  *protocol = chain->kinds[chain->n];
  if (chain->total < at + 8)
    return !first_fragment;
  if (*protocol == 58)
    *source_port = *destination_port = 0x5566;
  else if (*protocol == 6 || *protocol == 17 || *protocol == 132 || *protocol == 33)
    {
      *source_port = 0x1122;
      *destination_port = 0x3344;
    }
  return TRUE;
}

static void
test_extension_headers (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (8200);
  Verdicts verdicts = { .answer = TRUE };
  guint passed = 0, refused = 0, with_ports = 0;

  const EwRouterPolicy rule = { on_verdict, &verdicts, NULL };
  f->router.policy = &rule;
  for (guint round = 0; round < 100000; round++)
    {
      guint source_port, destination_port;
      guint8 protocol;
      Chain chain;

      draw_chain (&chain, rand);
      make_chain (f, &chain);
      verdicts.n = 0;
      f->time.now_ns += S;
      if (!expect_of_chain (&chain, &protocol, &source_port, &destination_port))
        {
          g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP); /* and no error is sent about it */
          g_assert_cmpuint (verdicts.n, ==, 0);
          refused++;
          continue;
        }
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
      g_assert_true (f->to == f->peers[BOB]);
      g_assert_cmpuint (verdicts.n, ==, 1);
      g_assert_cmpuint (verdicts.flows[0].protocol, ==, protocol);
      g_assert_false (verdicts.flows[0].reversed);
      g_assert_cmphex (verdicts.flows[0].low_port, ==, source_port);
      g_assert_cmphex (verdicts.flows[0].high_port, ==, destination_port);
      passed++;
      with_ports += source_port != 0;
    }
  g_test_message ("%u passed, %u of them with ports, %u refused", passed, with_ports, refused);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_malformed), ==, refused);
  g_assert_cmpuint (with_ports, >, 5000);
  g_assert_cmpuint (refused, >, 5000);
}

/* Arbitrary packets, often nearly valid: no crash, no write outside the buffer, and never forwarded to a node with an
   expired hop limit. */
static void
mutate (Fixture *f, GRand *rand, guint round)
{
  static const gchar *const sources[] = { "100.96.1.1", "fd12::1:1" };
  static const gchar *const destinations[][2] = { { "100.96.1.2", "100.96.0.1" }, { "fd12::1:2", "fd12::1" } };
  const guint v6 = round & 1;

  if (round % 3 == 0)
    make_link (f, sources[v6], destinations[v6][1], (EwLinkType)g_rand_int_range (rand, 0, 9), 1, 1);
  else
    make_udp (f, sources[v6], destinations[v6][(round >> 1) & 1], (guint8)g_rand_int_range (rand, 0, 4),
              (gsize)g_rand_int_range (rand, 0, 1400));
  for (guint i = (guint)g_rand_int_range (rand, 0, 5); i > 0; i--)
    f->packet.data[g_rand_int_range (rand, 0, (gint32)MIN (f->packet.len, 80))] = (guint8)g_rand_int (rand);
  if (g_rand_int_range (rand, 0, 4) == 0)
    f->packet.len = (gsize)g_rand_int_range (rand, 0, (gint32)f->packet.len + 1);
}

static void
test_mutated (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4796);
  g_autoptr (EwFlowTable) flows = ew_switch_flow_table_new (1, 1024);
  Policy policy = { .opener = "alice" };
  guint forwarded = 0, replied = 0, dropped = 0;

  open_exit (f);
  const EwRouterPolicy rule = { only_opener, &policy, flows };
  f->router.policy = &rule;
  for (guint round = 0; round < 200000; round++)
    {
      mutate (f, rand, round);
      f->time.now_ns += S / 100;
      switch (route (f, round % 7 == 0 ? TUN : ALICE))
        {
        case EW_ROUTE_PEER:
          g_assert_true (f->to != NULL && f->to != f->peers[ALICE]);
          forwarded++;
          break;
        case EW_ROUTE_REPLY:
          replied++;
          break;
        case EW_ROUTE_DROP:
          dropped++;
          break;
        default:
          break;
        }
    }
  g_test_message ("%u forwarded, %u answered, %u dropped", forwarded, replied, dropped);
  g_assert_cmpuint (forwarded, >, 1000);
  g_assert_cmpuint (replied, >, 1000);
  g_assert_cmpuint (dropped, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("flows", test_flows);
  ADD ("error-about-flow", test_error_about_flow);
  ADD ("answers-open-nothing", test_answers_open_nothing);
  ADD ("extension-headers", test_extension_headers);
  ADD ("mutated", test_mutated);
  return g_test_run ();
}
