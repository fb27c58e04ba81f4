/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where packets go, and what is answered instead.
 */
#include <string.h>

#include "router-world.h"

/* What happens to a UDP packet: a table. */

typedef enum
{
  HAIRPIN, /* no TUN */
  HOST,    /* a TUN, the exit closed */
  EXIT
} Setting;

typedef struct
{
  const gchar *what;
  Setting setting;
  int from;
  const gchar *source, *destination;
  guint8 ttl;
  EwRoute expected;
  int to;     /* for PEER */
  guint icmp; /* for REPLY */
  gsize payload;
} Case;

#define ANSWER(error) EW_ROUTE_REPLY, 0, error

static const Case cases[] = {
  { "node to node", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.2", 64, EW_ROUTE_PEER, BOB },
  { "node to node, IPv6", HAIRPIN, ALICE, "fd12::1:1", "fd12::1:2", 64, EW_ROUTE_PEER, BOB },
  { "node to a subnet", HAIRPIN, ALICE, "100.96.1.1", "10.7.0.9", 64, EW_ROUTE_PEER, BOB },
  { "subnet to a node", HAIRPIN, BOB, "10.7.0.9", "100.96.1.1", 64, EW_ROUTE_PEER, ALICE },
  { "TTL 2 goes on", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.2", 2, EW_ROUTE_PEER, BOB },
  { "TTL 1", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.2", 1, ANSWER (EXCEEDED4) },
  { "TTL 0", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.2", 0, ANSWER (EXCEEDED4) },
  { "hop limit 1", HAIRPIN, ALICE, "fd12::1:1", "fd12::1:2", 1, ANSWER (EXCEEDED6) },
  { "back to itself", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.1", 64, ANSWER (UNREACHABLE4) },
  { "back into its subnet", HAIRPIN, BOB, "10.7.0.9", "10.7.0.10", 64, ANSWER (UNREACHABLE4) },
  { "a node never seen", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.3", 64, ANSWER (UNREACHABLE4) },
  { "nobody's mesh IP", HAIRPIN, ALICE, "100.96.1.1", "100.96.9.9", 64, ANSWER (UNREACHABLE4) },
  { "nobody's mesh IP, IPv6", EXIT, ALICE, "fd12::1:1", "fd12::9:9", 64, ANSWER (UNREACHABLE6) },
  { "too big without DF", HAIRPIN, ALICE, "100.96.1.1", "100.96.1.2", 64, EW_ROUTE_PEER, BOB, 0, 1400 },
  { "too big, IPv6", HAIRPIN, ALICE, "fd12::1:1", "fd12::1:2", 64, ANSWER (TOO_BIG6), 1380 },
  { "as big as may be, IPv6", HAIRPIN, ALICE, "fd12::1:1", "fd12::1:2", 64, EW_ROUTE_PEER, BOB, 0, 1372 },
  { "source is the service address", HAIRPIN, ALICE, "100.96.0.1", "100.96.1.2", 64, EW_ROUTE_DROP },
  { "multicast", EXIT, ALICE, "100.96.1.1", "224.0.0.251", 64, EW_ROUTE_DROP },
  { "multicast, IPv6", EXIT, ALICE, "fd12::1:1", "ff02::fb", 64, EW_ROUTE_DROP },
  { "broadcast", EXIT, ALICE, "100.96.1.1", "255.255.255.255", 64, EW_ROUTE_DROP },
  { "loopback", EXIT, ALICE, "100.96.1.1", "127.0.0.1", 64, EW_ROUTE_DROP },

  { "service without a TUN", HAIRPIN, ALICE, "100.96.1.1", "100.96.0.1", 64, ANSWER (PROHIBITED4) },
  { "service", HOST, ALICE, "100.96.1.1", "100.96.0.1", 64, EW_ROUTE_TUN },
  { "service, IPv6", HOST, ALICE, "fd12::1:1", "fd12::1", 64, EW_ROUTE_TUN },
  { "service, from behind a gateway", HOST, BOB, "10.7.0.9", "100.96.0.1", 64, ANSWER (PROHIBITED4) },

  { "internet, no TUN", HAIRPIN, ALICE, "100.96.1.1", "1.1.1.1", 64, ANSWER (NO_ROUTE4) },
  { "internet, exit closed", HOST, ALICE, "100.96.1.1", "1.1.1.1", 64, ANSWER (NO_ROUTE4) },
  { "internet, exit closed, IPv6", HOST, ALICE, "fd12::1:1", "2606::1", 64, ANSWER (NO_ROUTE6) },
  { "internet", EXIT, ALICE, "100.96.1.1", "1.1.1.1", 64, EW_ROUTE_TUN },
  { "internet, IPv6", EXIT, ALICE, "fd12::1:1", "2606::1", 64, EW_ROUTE_TUN },
  { "internet, from behind a gateway", EXIT, BOB, "10.7.0.9", "1.1.1.1", 64, ANSWER (PROHIBITED4) },
  { "metadata", EXIT, ALICE, "100.96.1.1", "169.254.169.254", 64, ANSWER (PROHIBITED4) },
  { "private", EXIT, ALICE, "100.96.1.1", "192.168.1.1", 64, ANSWER (PROHIBITED4) },
  { "foreign CGN", EXIT, ALICE, "100.96.1.1", "100.64.0.1", 64, ANSWER (PROHIBITED4) },
  { "on the edge's link", EXIT, ALICE, "100.96.1.1", "8.8.4.4", 64, ANSWER (PROHIBITED4) },
  { "on the edge's link, IPv6", EXIT, ALICE, "fd12::1:1", "2600:1::99", 64, ANSWER (PROHIBITED6) },
  { "foreign ULA", EXIT, ALICE, "fd12::1:1", "fd99::1", 64, ANSWER (PROHIBITED6) },
  { "link-local, IPv6", EXIT, ALICE, "fd12::1:1", "fe80::1", 64, ANSWER (PROHIBITED6) },

  { "our host to a node", HOST, TUN, "100.96.0.1", "100.96.1.1", 1, EW_ROUTE_LOOKUP },
  { "the internet's reply", EXIT, TUN, "1.1.1.1", "100.96.1.1", 1, EW_ROUTE_LOOKUP },
  { "our host to a node never seen", HOST, TUN, "100.96.0.1", "100.96.1.3", 64, ANSWER (UNREACHABLE4) },
  { "our host to nobody", HOST, TUN, "100.96.0.1", "100.96.9.9", 64, ANSWER (UNREACHABLE4) },
  { "our host to itself", HOST, TUN, "100.96.0.1", "100.96.0.1", 64, EW_ROUTE_DROP },
};

static void
run_case (Fixture *f, const Case *c)
{
  guint8 ttl;

  g_test_message ("%s", c->what);
  f->router.tun[0] = f->router.tun[1] = c->setting != HAIRPIN;
  f->router.exit = c->setting == EXIT ? f->policy : NULL;
  f->time.now_ns += S; /* the rate limit has its own test */
  make_udp (f, c->source, c->destination, c->ttl, c->payload != 0 ? c->payload : 20);
  g_assert_cmpint (route (f, c->from), ==, c->expected);
  if (c->expected == EW_ROUTE_REPLY && c->from == TUN)
    g_assert_cmphex (icmp_error (f, c->destination, c->source), ==, c->icmp);
  else if (c->expected == EW_ROUTE_REPLY)
    g_assert_cmphex (icmp_error (f, strchr (c->source, ':') ? "fd12::1" : "100.96.0.1", c->source), ==, c->icmp);
  if (c->expected != EW_ROUTE_PEER)
    return;
  g_assert_true (f->to == f->peers[c->to]);
  ttl = strchr (c->source, ':') ? f->packet.data[7] : f->packet.data[8];
  g_assert_cmpuint (ttl, ==, c->ttl - 1u);
  if (strchr (c->source, ':') == NULL)
    g_assert_cmpuint (ew_checksum (f->packet.data, 20, 0), ==, 0);
}

static void
test_table (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    run_case (f, &cases[i]);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, forwarded_packets), ==, 7);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, exit_packets), ==, 2);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_ttl), ==, 3);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_source), ==, 3);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_policy), ==, 7);
}

static void
test_df (Fixture *f, gconstpointer data)
{
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 1400);
  f->packet.data[6] |= 0x40;
  put16 (f->packet.data + 10, 0);
  put16 (f->packet.data + 10, ew_checksum (f->packet.data, 20, 0));
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  g_assert_cmphex (icmp_error (f, "100.96.0.1", "100.96.1.1"), ==, TOO_BIG4);
  g_assert_cmpuint (f->packet.data[26] << 8 | f->packet.data[27], ==, 1420);
}

static void
test_no_upstream (Fixture *f, gconstpointer data)
{
  open_exit (f);
  f->policy->upstream[1] = FALSE;
  make_udp (f, "fd12::1:1", "2606::1", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  g_assert_cmphex (icmp_error (f, "fd12::1", "fd12::1:1"), ==, NO_ROUTE6);
}

static void
test_departed (Fixture *f, gconstpointer data)
{
  f->nodes[BOB].departed = TRUE;
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  g_assert_cmphex (icmp_error (f, "100.96.0.1", "100.96.1.1"), ==, UNREACHABLE4);
}

/* The limit is a node's own, and refills. */
static void
test_icmp_limit (Fixture *f, gconstpointer data)
{
  guint answers = 0;

  for (guint i = 0; i < 1000; i++)
    {
      make_udp (f, "100.96.1.1", "100.96.1.2", 1, 20);
      answers += route (f, ALICE) == EW_ROUTE_REPLY;
    }
  g_assert_cmpuint (answers, ==, EW_ROUTER_ICMP_BURST);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_ttl), ==, 1000);
  make_udp (f, "100.96.1.2", "100.96.1.1", 1, 20);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  for (guint i = 0; i < 10000; i++) /* 10 s, a millisecond at a time */
    {
      f->time.now_ns += S / 1000;
      make_udp (f, "100.96.1.1", "100.96.1.2", 1, 20);
      answers += route (f, ALICE) == EW_ROUTE_REPLY;
    }
  g_assert_cmpuint (answers, >=, EW_ROUTER_ICMP_BURST + 10 * EW_ROUTER_ICMP_PER_SECOND - 1);
  g_assert_cmpuint (answers, <=, EW_ROUTER_ICMP_BURST + 10 * EW_ROUTER_ICMP_PER_SECOND);
}

/* An error about an error is never sent. */
static void
test_no_error_about_error (Fixture *f, gconstpointer data)
{
  make_udp (f, "100.96.1.1", "100.96.9.9", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  /* Alice's error isn't forwarded. */
  memcpy (f->packet.data + 12, ip ("100.96.1.1").bytes, 4);
  memcpy (f->packet.data + 16, ip ("100.96.9.9").bytes, 4);
  put16 (f->packet.data + 10, 0);
  put16 (f->packet.data + 10, ew_checksum (f->packet.data, 20, 0));
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
}

/* Echo to the service address. */

static void
check_echo (Fixture *f, int from, const gchar *from_text, const gchar *service_text, EwRoute expected)
{
  const EwIp source = ip (from_text), service = ip (service_text);
  const guint8 payload[56] = "abcdefgh";
  const guint8 *back;
  guint16 id, sequence;
  gsize len;

  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  f->packet.len = ew_packet_build_echo (f->packet.data, &source, &service, 4711, 3, payload, sizeof payload);
  g_assert_cmpint (route (f, from), ==, expected);
  if (expected != EW_ROUTE_REPLY)
    return;
  g_assert_true (ew_packet_parse_echo_reply (f->packet.data, f->packet.len, &id, &sequence, &back, &len));
  g_assert_cmpuint (id, ==, 4711);
  g_assert_cmpuint (sequence, ==, 3);
  g_assert_cmpmem (back, len, payload, sizeof payload);
}

static void
test_echo (Fixture *f, gconstpointer data)
{
  check_echo (f, ALICE, "100.96.1.1", "100.96.0.1", EW_ROUTE_REPLY);
  check_echo (f, ALICE, "fd12::1:1", "fd12::1", EW_ROUTE_REPLY);
  check_echo (f, BOB, "10.7.0.9", "100.96.0.1", EW_ROUTE_REPLY);
  f->router.tun[0] = f->router.tun[1] = TRUE;
  check_echo (f, ALICE, "100.96.1.1", "100.96.0.1", EW_ROUTE_TUN);
  check_echo (f, ALICE, "fd12::1:1", "fd12::1", EW_ROUTE_TUN);
  check_echo (f, BOB, "10.7.0.9", "100.96.0.1", EW_ROUTE_REPLY);
  f->router.tun[1] = FALSE; /* a host without IPv6 */
  check_echo (f, ALICE, "fd12::1:1", "fd12::1", EW_ROUTE_REPLY);
}

/* A resolver behind a gateway may answer this host: no other address there may, and only its DNS answers may. */

static void
make_from_port (Fixture *f, const gchar *from, guint16 port)
{
  make_udp (f, from, "100.96.0.1", 64, 20);
  put16 (f->packet.data + 20, port);
}

static void
test_resolvers (Fixture *f, gconstpointer data)
{
  EwRouterResolvers *resolvers = g_malloc (sizeof (EwRouterResolvers) + 2 * sizeof (EwIp));

  resolvers->n = 2;
  resolvers->ips[0] = ip ("10.7.0.8");
  resolvers->ips[1] = ip ("10.7.0.9");
  f->router.resolvers = resolvers;
  make_from_port (f, "10.7.0.9", 53);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY); /* no TUN */
  f->router.tun[0] = TRUE;
  make_from_port (f, "10.7.0.9", 53);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_TUN);
  make_from_port (f, "10.7.0.10", 53);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  make_from_port (f, "10.7.0.9", 54);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  make_from_port (f, "10.7.0.9", 53);
  f->packet.data[9] = IPPROTO_SCTP;
  put16 (f->packet.data + 10, 0);
  put16 (f->packet.data + 10, ew_checksum (f->packet.data, 20, 0));
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  make_from_port (f, "10.7.0.9", 53);
  put16 (f->packet.data + 6, 0x0001); /* a later fragment: what stands there is no port */
  put16 (f->packet.data + 10, 0);
  put16 (f->packet.data + 10, ew_checksum (f->packet.data, 20, 0));
  g_assert_cmpint (route (f, BOB), !=, EW_ROUTE_TUN);
  f->router.resolvers = NULL;
  make_from_port (f, "10.7.0.9", 53);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  g_free (resolvers);
}

/* The verdict sees both directions of a conversation as one flow. */

static gboolean
is_same_flow (const EwFlow *a, const EwFlow *b)
{
  return a->protocol == b->protocol && a->low_port == b->low_port && a->high_port == b->high_port
         && ew_ip_equal (&a->low, &b->low) && ew_ip_equal (&a->high, &b->high);
}

static void
test_verdict (Fixture *f, gconstpointer data)
{
  Verdicts verdicts = { .answer = TRUE };

  open_exit (f);
  const EwRouterPolicy rule = { on_verdict, &verdicts, NULL };
  f->router.policy = &rule;
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
  g_assert_cmpstr (verdicts.from, ==, "alice");
  g_assert_cmpstr (verdicts.to, ==, "bob");
  make_reply (f, "100.96.1.2", "100.96.1.1");
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_PEER);
  g_assert_true (is_same_flow (&verdicts.flows[0], &verdicts.flows[1]));
  g_assert_cmphex (ew_switch_flow_hash (&verdicts.flows[0], 7), ==, ew_switch_flow_hash (&verdicts.flows[1], 7));
  g_assert_cmpint (verdicts.flows[0].reversed, !=, verdicts.flows[1].reversed);
  make_udp (f, "100.96.1.2", "100.96.1.1", 64, 20); /* the same ports the other way round: another flow */
  route (f, BOB);
  g_assert_false (is_same_flow (&verdicts.flows[0], &verdicts.flows[2]));
  make_udp (f, "100.96.1.1", "1.1.1.1", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_TUN);
  g_assert_null (verdicts.to);

  verdicts.answer = FALSE;
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  g_assert_cmphex (icmp_error (f, "100.96.0.1", "100.96.1.1"), ==, PROHIBITED4);
  make_udp (f, "100.96.1.1", "1.1.1.1", 64, 20);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_policy), ==, 2);
}

/* Bob's own policy decides what reaches bob, for this host's packets too. */
static void
test_mtu_of_node (Fixture *f, gconstpointer data)
{
  static const struct
  {
    int from;
    const gchar *source, *destination, *says;
    gsize payload;
    guint icmp; /* 0: it passes */
  } rows[] = {
    { ALICE, "100.96.1.1", "100.96.1.2", "100.96.0.1", 1292 - 28 + 8, 0 },
    { ALICE, "100.96.1.1", "100.96.1.2", "100.96.0.1", 1301 - 28, TOO_BIG4 },
    { ALICE, "fd12::1:1", "fd12::1:2", "fd12::1", 1300 - 48, 0 },
    { ALICE, "fd12::1:1", "fd12::1:2", "fd12::1", 1301 - 48, TOO_BIG6 },
    { BOB, "100.96.1.2", "100.96.1.1", "100.96.0.1", 1420 - 28, 0 },
    { BOB, "100.96.1.2", "100.96.1.1", "100.96.0.1", 1421 - 28, TOO_BIG4 },
    { TUN, "1.1.1.1", "100.96.1.2", "100.96.1.2", 1301 - 28, TOO_BIG4 },
    { TUN, "1.1.1.1", "100.96.1.2", NULL, 1300 - 28, 0 },
  };
  guint big = 0;

  f->nodes[BOB].mtu = 1300;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const gboolean v6 = strchr (rows[i].source, ':') != NULL;
      const guint mtu = rows[i].from == BOB ? 1420 : 1300;

      make_udp (f, rows[i].source, rows[i].destination, 64, rows[i].payload);
      if (!v6)
        {
          f->packet.data[6] |= 0x40; /* DF */
          put16 (f->packet.data + 10, 0);
          put16 (f->packet.data + 10, ew_checksum (f->packet.data, 20, 0));
        }
      const EwRoute expected = rows[i].icmp != 0     ? EW_ROUTE_REPLY
                               : rows[i].from == TUN ? EW_ROUTE_LOOKUP
                                                     : EW_ROUTE_PEER;
      g_assert_cmpint (route (f, rows[i].from), ==, expected);
      if (rows[i].icmp == 0)
        continue;
      big++;
      g_assert_cmphex (icmp_error (f, rows[i].says, rows[i].source), ==, rows[i].icmp);
      const guint8 *icmp = f->packet.data + (v6 ? 40 : 20);
      g_assert_cmpuint (icmp[6] << 8 | icmp[7], ==, mtu);
      g_assert_cmpuint (icmp[4] << 8 | icmp[5], ==, 0);
    }
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_too_big), ==, big);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, dropped_no_route), ==, 0);
  g_assert_cmpuint (f->nodes[ALICE].counters.dropped_too_big, ==, 2);
  g_assert_cmpuint (f->nodes[BOB].counters.dropped_too_big, ==, 1);
}

/* IPv4 without DF: the first fragment is on its way, the rest is what is passed on. */
static void
test_cut (Fixture *f, gconstpointer data)
{
  const guint8 *first = f->router.lanes[0].answer + EW_HEADROOM;
  const guint16 takes[] = { 1296, 1040, 1420 }, wanted[] = { 1292, 1036, 1420 };

  for (gsize i = 0; i < G_N_ELEMENTS (takes); i++)
    for (int from = TUN; from <= ALICE; from++)
      {
        EwIpHeader header;

        f->nodes[BOB].takes = takes[i];
        make_udp (f, from == TUN ? "1.1.1.1" : "100.96.1.1", "100.96.1.2", 64, 1420 - 28);
        f->packet.data[19 + 1 + 8 + 1391] = 0x99;
        g_assert_cmpint (route (f, from), ==, from == TUN ? EW_ROUTE_LOOKUP : EW_ROUTE_PEER);
        g_assert_true (ew_packet_parse (f->packet.data, f->packet.len, &header));
        g_assert_cmpuint (header.total_length, ==, f->packet.len);
        g_assert_cmpuint (ew_checksum (f->packet.data, 20, 0), ==, 0);
        g_assert_cmphex (f->packet.data[f->packet.len - 1], ==, 0x99);
        g_assert_cmpint (header.fragment, ==, takes[i] < 1420);
        if (takes[i] == 1420)
          continue;
        g_assert_cmpuint (f->packet.len, ==, 1420 - (wanted[i] - 20));
        g_assert_cmpuint ((f->packet.data[6] << 8 | f->packet.data[7]) * 8, ==, wanted[i] - 20);
        g_assert_true (ew_packet_parse (first, wanted[i], &header));
        g_assert_cmpuint (header.total_length, ==, wanted[i]);
        g_assert_cmphex (first[6] << 8 | first[7], ==, 0x2000);
        g_assert_cmpuint (ew_checksum (first, 20, 0), ==, 0);
        g_assert_cmpuint (first[20] << 8 | first[21], ==, 5000);
      }
  g_assert_cmpuint (f->nodes[BOB].received_bytes, ==, 6 * 1420);
}

static void
test_counters_of_node (Fixture *f, gconstpointer data)
{
  const EwRouterNode *alice = &f->nodes[ALICE], *bob = &f->nodes[BOB];

  open_exit (f);
  for (guint i = 0; i < 3; i++)
    {
      make_udp (f, "100.96.1.1", "100.96.1.2", 64, 72);
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
    }
  make_udp (f, "100.96.1.1", "100.96.1.2", 1, 72);
  route (f, ALICE);
  make_udp (f, "100.96.1.1", "100.96.9.9", 64, 72);
  route (f, ALICE);
  make_udp (f, "100.96.1.1", "10.1.1.1", 64, 72);
  route (f, ALICE);
  make_udp (f, "100.96.1.1", "1.1.1.1", 64, 72);
  route (f, ALICE);
  make_udp (f, "10.7.0.9", "1.1.1.1", 64, 72); /* not in the mesh */
  route (f, BOB);
  make_udp (f, "1.1.1.1", "100.96.1.2", 64, 72);
  route (f, TUN);
  g_assert_cmpuint (alice->counters.forwarded_packets, ==, 3);
  g_assert_cmpuint (alice->counters.forwarded_bytes, ==, 300);
  g_assert_cmpuint (alice->received_packets, ==, 0);
  g_assert_cmpuint (alice->counters.dropped_ttl, ==, 1);
  g_assert_cmpuint (alice->counters.dropped_no_route, ==, 1);
  g_assert_cmpuint (alice->counters.dropped_policy, ==, 1);
  g_assert_cmpuint (alice->counters.exit_packets, ==, 1);
  g_assert_cmpuint (bob->received_packets, ==, 4);
  g_assert_cmpuint (bob->received_bytes, ==, 400);
  g_assert_cmpuint (bob->counters.dropped_source, ==, 1);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, forwarded_packets), ==, 3);
  g_assert_cmpuint (EW_ROUTER_TOTAL (&f->router, forwarded_bytes), ==, 300);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_AT ("/behaviour/hairpin-decrements-ttl-tells-time-exceeded-guards-against-loops", test_table);
  ADD_AT ("/behaviour/hairpin-tells-too-big", test_df);
  ADD ("no-upstream", test_no_upstream);
  ADD ("departed", test_departed);
  ADD ("icmp-limit", test_icmp_limit);
  ADD ("no-error-about-error", test_no_error_about_error);
  ADD ("echo", test_echo);
  ADD ("resolvers", test_resolvers);
  ADD_AT ("/behaviour/hairpin-has-a-verdict-hook", test_verdict);
  ADD ("mtu-of-node", test_mtu_of_node);
  ADD ("cut", test_cut);
  ADD_AT ("/behaviour/hairpin-counts", test_counters_of_node);
  return g_test_run ();
}
