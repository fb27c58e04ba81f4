/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data thread's hook, called as the engine calls it: what reaches the host, what is taken out, what is dropped,
 * when the main thread is woken.
 */
#include "tunnel/router.h"
#include "proto/packet-private.h"
#include <ldns/ldns.h>
#include <string.h>

typedef struct
{
  EwRouterState *router;
  GArray *heard; /* EwHeard */
  guint8 buffer[EW_HEADROOM + 2048 + EW_TAILROOM];
  EwPacket packet;
} World;

#define EDGE ((EwPeer *)&edge_peer)
static int edge_peer;

static EwIp
ip (const gchar *text)
{
  EwIp out;
  if (!ew_ip_parse (text, &out))
    g_error ("%s is no address", text);
  return out;
}

static void
on_heard (const EwHeard *heard, gpointer user_data)
{
  g_array_append_val (((World *)user_data)->heard, *heard);
}

static void
setup (World *world, gconstpointer data)
{
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (EwIp)),
                     service = g_array_new (FALSE, FALSE, sizeof (EwIp));
  g_autoptr (GArray) forwards = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  EwIp own = ip ("100.96.1.1"), edge = ip ("100.96.0.1"), edge6 = ip ("fd45::1");
  EwPrefix lan;
  g_assert_true (ew_prefix_parse ("192.168.7.0/24", &lan, NULL));
  g_array_append_val (addresses, own);
  g_array_append_val (service, edge);
  g_array_append_val (service, edge6);
  g_array_append_val (forwards, lan);
  world->heard = g_array_new (FALSE, FALSE, sizeof (EwHeard));
  world->router = ew_router_new (on_heard, world);
  ew_router_configure (world->router, NULL, addresses, service, forwards);
}

static void
teardown (World *world, gconstpointer data)
{
  ew_router_free (world->router);
  g_array_unref (world->heard);
}

static EwRoute
route (World *world, EwPeer *from)
{
  EwTime time = { .now_ns = 5000000 };
  EwPeer *to = NULL;
  EwRoute result = ew_router_hook (world->router, NULL, from, &world->packet, &time, &to);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  return result;
}

static void
echo (World *world, const gchar *from, const gchar *to)
{
  EwIp source = ip (from), destination = ip (to);
  world->packet.data = world->buffer + EW_HEADROOM;
  world->packet.len
    = ew_packet_build_echo (world->packet.data, &source, &destination, 7, 1, (const uint8_t *)"abcdefgh", 8);
}

static void
link_message (World *world, EwLinkType type, const gchar *from, const gchar *to)
{
  EwIp source = ip (from), destination = ip (to);
  EwLinkMessage message = { .type = type, .token = 42, .revision = { 7 }, .stamp_ns = 9 };
  world->packet.data = world->buffer + EW_HEADROOM;
  world->packet.len = ew_link_build (world->packet.data, &source, &destination, &message);
}

static void
test_destinations (World *world, gconstpointer data)
{
  const struct
  {
    const gchar *to;
    EwRoute route;
  } rows[] = { { "100.96.1.1", EW_ROUTE_TUN },   { "192.168.7.9", EW_ROUTE_TUN }, /* behind this node, accepted here */
               { "192.168.8.9", EW_ROUTE_DROP }, /* perhaps behind this node, never accepted */
               { "100.96.1.2", EW_ROUTE_DROP },  /* another node's */
               { "8.8.8.8", EW_ROUTE_DROP },     { "224.0.0.251", EW_ROUTE_DROP } };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      echo (world, "100.96.1.9", rows[i].to);
      g_assert_cmpint (route (world, EDGE), ==, rows[i].route);
    }
  world->packet.len = 9;
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->heard->len, ==, 0);
}

static void
test_outbound (World *world, gconstpointer data)
{
  echo (world, "100.96.1.1", "100.96.1.9");
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
  echo (world, "100.96.1.1", "224.0.0.22");
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_DROP);
  echo (world, "100.96.1.1", "169.254.1.1");
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_DROP);
}

/* One wake per request, however much traffic flows; the kernel's multicast packets don't count as traffic. */
static void
test_busy (World *world, gconstpointer data)
{
  echo (world, "100.96.1.1", "100.96.1.9");
  route (world, NULL);
  g_assert_cmpuint (world->heard->len, ==, 0);
  ew_router_listen_for_traffic (world->router);
  echo (world, "100.96.1.1", "224.0.0.22");
  route (world, NULL);
  g_assert_cmpuint (world->heard->len, ==, 0);
  for (guint i = 0; i < 5; i++)
    {
      echo (world, "100.96.1.1", "100.96.1.9");
      route (world, NULL);
    }
  g_assert_cmpuint (world->heard->len, ==, 1);
  g_assert_cmpint (g_array_index (world->heard, EwHeard, 0).kind, ==, EW_HEARD_BUSY);
}

static void
test_link (World *world, gconstpointer data)
{
  ew_router_listen_for_traffic (world->router);
  link_message (world, EW_LINK_ANSWER, "100.96.0.1", "100.96.1.1");
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->heard->len, ==, 1); /* the answer itself doesn't count as traffic */
  EwHeard heard = g_array_index (world->heard, EwHeard, 0);
  g_assert_cmpint (heard.kind, ==, EW_HEARD_LINK);
  g_assert_cmpuint (heard.message.token, ==, 42);
  g_assert_cmpuint (heard.now_ns, ==, 5000000);
  /* Another node cannot pose as the edge. */
  link_message (world, EW_LINK_ANSWER, "100.96.1.9", "100.96.1.1");
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  link_message (world, EW_LINK_EDGE_PROBE, "100.96.1.9", "100.96.1.1");
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->heard->len, ==, 1);
}

static void
test_edge_probe (World *world, gconstpointer data)
{
  EwIp from, to, own = ip ("100.96.1.1"), edge = ip ("100.96.0.1");
  EwLinkMessage message;
  link_message (world, EW_LINK_EDGE_PROBE, "100.96.0.1", "100.96.1.1");
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_REPLY);
  g_assert_true (ew_link_parse (world->packet.data, world->packet.len, &from, &to, &message));
  g_assert_true (ew_ip_equal (&from, &own) && ew_ip_equal (&to, &edge));
  g_assert_cmpint (message.type, ==, EW_LINK_EDGE_ANSWER);
  g_assert_cmpuint (message.token, ==, 42);
  g_assert_cmpuint (message.stamp_ns, ==, 9);
  g_assert_cmpuint (world->heard->len, ==, 0);
}

/* The edge is asked only while it says that it counts. */
static void
test_counting (World *world, gconstpointer data)
{
  const EwBurstSample sample = { .index = 7, .first = 1000, .n = 40 };
  EwIp from, to, own = ip ("100.96.1.1"), edge = ip ("100.96.0.1");
  EwLinkMessage message = { .type = EW_LINK_ANSWER, .token = 42, .flags = EW_LINK_COUNTS };
  guint8 out[EW_LINK_PACKET_MAX];
  g_assert_cmpuint (ew_router_ask (world->router, EDGE, &sample, out), ==, 0);
  world->packet.data = world->buffer + EW_HEADROOM;
  world->packet.len = ew_link_build (world->packet.data, &edge, &own, &message);
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  const gsize len = ew_router_ask (world->router, EDGE, &sample, out);
  g_assert_true (ew_link_parse (out, len, &from, &to, &message));
  g_assert_true (ew_ip_equal (&from, &own) && ew_ip_equal (&to, &edge));
  g_assert_cmpint (message.type, ==, EW_LINK_COUNT);
  link_message (world, EW_LINK_ANSWER, "100.96.0.1", "100.96.1.1"); /* another edge's, which is older */
  route (world, EDGE);
  g_assert_cmpuint (ew_router_ask (world->router, EDGE, &sample, out), ==, 0);
}

/* The router gets its own echo's reply; the kernel's ping gets its own. */
static void
test_echo (World *world, gconstpointer data)
{
  EwIp own = ip ("100.96.1.1"), other = ip ("100.96.1.9");
  world->packet.data = world->buffer + EW_HEADROOM;
  world->packet.len = ew_router_build_echo (world->router, world->packet.data, &own, &other, 0x1234567, 1000);
  g_assert_true (ew_packet_answer_echo (world->packet.data, world->packet.len));
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (world->heard->len, ==, 1);
  EwHeard heard = g_array_index (world->heard, EwHeard, 0);
  g_assert_cmpint (heard.kind, ==, EW_HEARD_ECHO);
  g_assert_cmpuint (heard.token, ==, 0x1234567);
  g_assert_cmpuint (heard.sent_ns, ==, 1000);
  g_assert_true (ew_ip_equal (&heard.from, &other));
  echo (world, "100.96.1.1", "100.96.1.9");
  g_assert_true (ew_packet_answer_echo (world->packet.data, world->packet.len));
  g_assert_cmpint (route (world, EDGE), ==, EW_ROUTE_TUN);
}

/* More than the ring holds between two wakes: dropped, not overwritten. */
static void
test_flood (World *world, gconstpointer data)
{
  EwTime time = { .now_ns = 1 };
  EwPeer *to = NULL;
  for (guint i = 0; i < 1000; i++)
    {
      link_message (world, EW_LINK_ANSWER, "100.96.0.1", "100.96.1.1");
      ew_router_hook (world->router, NULL, EDGE, &world->packet, &time, &to);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (world->heard->len, ==, 64);
}

/* A packet of that protocol with those bytes after its ports. */
static void
datagram (World *world, const gchar *from, const gchar *to, guint8 protocol, guint16 port, const guint8 *rest,
          gsize length)
{
  EwIp source = ip (from), destination = ip (to);
  world->packet.data = world->buffer + EW_HEADROOM;
  gsize header = ew_packet_write_header (world->packet.data, &source, &destination, protocol, 0, 4 + length);
  guint8 *at = world->packet.data + header;
  ew_store_be16 (at, 40000);
  ew_store_be16 (at + 2, port);
  memcpy (at + 4, rest, length);
  world->packet.len = header + 4 + length;
}

static void
dns_query (World *world, const gchar *from, const gchar *to, guint16 port)
{
  ldns_pkt *query
    = ldns_pkt_query_new (ldns_dname_new_frm_str ("nas.home.internal."), LDNS_RR_TYPE_AAAA, LDNS_RR_CLASS_IN, LDNS_RD);
  guint8 rest[512] = { 0 };
  uint8_t *wire;
  size_t length;
  ldns_pkt_set_id (query, 0x4242);
  ldns_pkt_set_edns_udp_size (query, 1232);
  g_assert_cmpint (ldns_pkt2wire (&wire, query, &length), ==, LDNS_STATUS_OK);
  memcpy (rest + 4, wire, length);
  ew_store_be16 (rest, (guint16)(8 + length));
  datagram (world, from, to, EW_PROTOCOL_UDP, port, rest, 4 + length);
  LDNS_FREE (wire);
  ldns_pkt_free (query);
}

/* records: of an answer; below 0: it's a failure. */
static void
check_answer (World *world, const gchar *from, const gchar *to, gint records)
{
  EwIp source = ip (from), destination = ip (to);
  EwIpHeader header;
  ldns_pkt *answer;
  const guint8 *udp;
  g_assert_true (ew_packet_parse_plain (world->packet.data, world->packet.len, &header));
  g_assert_true (ew_ip_equal (&header.source, &destination) && ew_ip_equal (&header.destination, &source));
  udp = world->packet.data + header.header_length;
  gsize size = world->packet.len - header.header_length;
  g_assert_cmpuint (ew_load_be16 (udp), ==, 53);
  g_assert_cmpuint (ew_load_be16 (udp + 2), ==, 40000);
  g_assert_cmpuint (ew_load_be16 (udp + 4), ==, size);
  g_assert_cmpuint (
    ew_checksum (udp, size, ew_packet_pseudo_sum (&header.source, &header.destination, EW_PROTOCOL_UDP, size)), ==, 0);
  g_assert_cmpint (ldns_wire2pkt (&answer, udp + 8, size - 8), ==, LDNS_STATUS_OK);
  g_assert_cmpuint (ldns_pkt_id (answer), ==, 0x4242);
  g_assert_true (ldns_pkt_qr (answer) && ldns_pkt_rd (answer));
  g_assert_cmpint (ldns_pkt_get_rcode (answer), ==, records < 0 ? LDNS_RCODE_SERVFAIL : LDNS_RCODE_NOERROR);
  g_assert_cmpuint (ldns_pkt_qdcount (answer), ==, 1);
  g_assert_cmpuint (ldns_pkt_ancount (answer), ==, (guint)MAX (records, 0));
  for (gint i = 0; i < records; i++)
    {
      ldns_rr *record = ldns_rr_list_rr (ldns_pkt_answer (answer), (size_t)i);
      g_autofree gchar *text = ldns_rr2str (record);
      g_strdelimit (g_strchomp (text), "\t", ' ');
      g_assert_cmpstr (
        text, ==, i == 0 ? "nas.home.internal. 5 IN AAAA 2001:db8::7" : "nas.home.internal. 5 IN AAAA 2001:db8::8");
    }
  ldns_pkt_free (answer);
}

static void
check_servfail (World *world, const gchar *from, const gchar *to)
{
  check_answer (world, from, to, -1);
}

static void
ask_and_check (World *world, gint records)
{
  dns_query (world, "fd45::101", "fd45::1", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_REPLY);
  check_answer (world, "fd45::101", "fd45::1", records);
}

/* … except that the name of a captive portal's page is known then. */
static void
test_known_name (World *world, gconstpointer data)
{
  EwStandInName known = { "NAS.home.internal", { ip ("192.0.2.7"), ip ("2001:db8::7"), ip ("2001:db8::8") }, 3 };
  ew_router_set_known (world->router, NULL, &known);
  dns_query (world, "fd45::101", "fd45::1", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
  ew_router_set_silent (world->router, TRUE);
  ask_and_check (world, 2);
  known.n_addresses = 1;
  ew_router_set_known (world->router, NULL, &known);
  ask_and_check (world, 0);
  g_strlcpy (known.name, "home.internal", sizeof known.name);
  ew_router_set_known (world->router, NULL, &known);
  ask_and_check (world, -1);
  ew_router_set_known (world->router, NULL, NULL);
  ask_and_check (world, -1);
}

/* While the edge is silent, a question to its DNS is answered at once, and nothing else is. */
static void
test_silent_names (World *world, gconstpointer data)
{
  dns_query (world, "100.96.1.1", "100.96.0.1", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
  ew_router_set_silent (world->router, TRUE);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_REPLY);
  check_servfail (world, "100.96.1.1", "100.96.0.1");
  dns_query (world, "fd45::101", "fd45::1", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_REPLY);
  check_servfail (world, "fd45::101", "fd45::1");
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP); /* an answer isn't a question */

  dns_query (world, "100.96.1.1", "100.96.0.1", 443);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
  dns_query (world, "100.96.1.1", "100.96.1.2", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
  for (gsize cut = 1; cut < 60; cut++)
    {
      dns_query (world, "100.96.1.1", "100.96.0.1", 53);
      world->packet.len -= cut;
      g_assert_cmpint (route (world, NULL), !=, EW_ROUTE_REPLY);
    }
  ew_router_set_silent (world->router, FALSE);
  dns_query (world, "100.96.1.1", "100.96.0.1", 53);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
}

static void
test_silent_names_tcp (World *world, gconstpointer data)
{
  /* Sequence 0x01020304, acknowledges 0x0a0b0c0d, 20 bytes, SYN, or ACK with two bytes of data. */
  const guint8 syn[] = { 1, 2, 3, 4, 0, 0, 0, 0, 5 << 4, 2, 0, 0, 0, 0, 0, 0 };
  const guint8 ack[] = { 1, 2, 3, 4, 10, 11, 12, 13, 5 << 4, 16, 0, 0, 0, 0, 0, 0, 'x', 'y' };
  const guint8 rst[] = { 1, 2, 3, 4, 0, 0, 0, 0, 5 << 4, 4, 0, 0, 0, 0, 0, 0 };
  const guint8 *tcp;

  ew_router_set_silent (world->router, TRUE);
  datagram (world, "100.96.1.1", "100.96.0.1", 6, 53, syn, sizeof syn);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_REPLY);
  tcp = world->packet.data + 20;
  g_assert_cmpuint (world->packet.len, ==, 40);
  g_assert_cmpuint (ew_load_be16 (tcp + 2), ==, 40000);
  g_assert_cmpuint (ew_load_be32 (tcp + 8), ==, 0x01020305);
  g_assert_cmpuint (tcp[13], ==, 4 | 16);
  datagram (world, "100.96.1.1", "100.96.0.1", 6, 53, ack, sizeof ack);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_REPLY);
  g_assert_cmpuint (ew_load_be32 (tcp + 4), ==, 0x0a0b0c0d);
  g_assert_cmpuint (tcp[13], ==, 4);
  datagram (world, "100.96.1.1", "100.96.0.1", 6, 53, rst, sizeof rst);
  g_assert_cmpint (route (world, NULL), ==, EW_ROUTE_LOOKUP);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tunnel/router/destinations", World, NULL, setup, test_destinations, teardown);
  g_test_add ("/tunnel/router/outbound", World, NULL, setup, test_outbound, teardown);
  g_test_add ("/tunnel/router/busy", World, NULL, setup, test_busy, teardown);
  g_test_add ("/tunnel/router/link", World, NULL, setup, test_link, teardown);
  g_test_add ("/tunnel/router/edge-probe", World, NULL, setup, test_edge_probe, teardown);
  g_test_add ("/tunnel/router/counting", World, NULL, setup, test_counting, teardown);
  g_test_add ("/tunnel/router/echo", World, NULL, setup, test_echo, teardown);
  g_test_add ("/tunnel/router/flood", World, NULL, setup, test_flood, teardown);
  g_test_add ("/tunnel/router/silent-names", World, NULL, setup, test_silent_names, teardown);
  g_test_add ("/tunnel/router/known-name", World, NULL, setup, test_known_name, teardown);
  g_test_add ("/tunnel/router/silent-names-tcp", World, NULL, setup, test_silent_names_tcp, teardown);
  return g_test_run ();
}
