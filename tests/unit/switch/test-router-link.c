/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link protocol at the router: probes of both sides, goodbyes, round trips, and how large the path's packets may be.
 */
#include <string.h>

#include "router-world.h"

static void
check_probe (Fixture *f, const gchar *node, const gchar *service)
{
  EwIp from, to;
  const EwIp node_ip = ip (node), service_ip = ip (service);
  EwLinkMessage message;

  make_link (f, node, service, EW_LINK_PROBE, 0x1234567812345678, 99);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  g_assert_true (ew_link_parse (f->packet.data, f->packet.len, &from, &to, &message));
  g_assert_true (ew_ip_equal (&from, &service_ip));
  g_assert_true (ew_ip_equal (&to, &node_ip));
  g_assert_cmpint (message.type, ==, EW_LINK_ANSWER);
  g_assert_cmphex (message.token, ==, 0x1234567812345678);
  g_assert_cmpuint (message.revision.hash, ==, 41); /* the edge's, not the node's */
  g_assert_cmpuint (message.stamp_ns, ==, 99);
  g_assert_cmpuint (f->nodes[BOB].probe_revision, ==, 7);
  g_assert_cmpuint (f->nodes[BOB].probe_ns, ==, NOW);
}

static void
test_probe (Fixture *f, gconstpointer data)
{
  check_probe (f, "100.96.1.2", "100.96.0.1");
  check_probe (f, "fd12::1:2", "fd12::1");
  f->router.tun[0] = f->router.tun[1] = TRUE; /* still answered by the router */
  check_probe (f, "100.96.1.2", "100.96.0.1");
}

static EwLinkMessage
exchange_from (Fixture *f, const EwEndpoint *endpoint, const gchar *node, const gchar *service,
               const EwLinkMessage *message)
{
  const EwIp from = ip (node), to = ip (service);
  EwIp from2, to2;
  EwLinkMessage answer;

  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM, .endpoint = *endpoint };
  f->packet.len = ew_link_build (f->packet.data, &from, &to, message);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
  g_assert_true (ew_link_parse (f->packet.data, f->packet.len, &from2, &to2, &answer));
  return answer;
}

static EwLinkMessage
exchange (Fixture *f, const gchar *node, const gchar *service, const EwLinkMessage *message)
{
  const EwEndpoint none = { 0 };

  return exchange_from (f, &none, node, service, message);
}

/* A node whose probes come from elsewhere is told so, unless it's an older one or changes between UDP and https. */
static void
test_moved (Fixture *f, gconstpointer data)
{
  const EwIp outside = ip ("198.51.100.7"), other = ip ("198.51.100.8"), outside6 = ip ("2001:db8::7");
  const EwEndpoint places[] = {
    ew_endpoint_udp (&outside, 1234),  ew_endpoint_udp (&outside, 1234),  { .kind = EW_ENDPOINT_STREAM },
    ew_endpoint_udp (&outside, 1234),  ew_endpoint_udp (&outside, 1235),  ew_endpoint_udp (&other, 1235),
    ew_endpoint_udp (&outside6, 1235), ew_endpoint_udp (&outside6, 1235),
  };
  const gboolean moved[] = { FALSE, FALSE, FALSE, FALSE, TRUE, TRUE, TRUE, FALSE };
  const EwLinkMessage old = { .type = EW_LINK_PROBE, .token = 1 },
                      new = { .type = EW_LINK_PROBE, .token = 1, .flags = EW_LINK_COUNTS };

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const guint8 flags = exchange_from (f, &places[i], "100.96.1.2", "100.96.0.1", &new).flags;
      g_assert_cmpint ((flags & EW_LINK_MOVED) != 0, ==, moved[i]);
    }
  g_assert_cmpuint (exchange_from (f, &places[0], "100.96.1.2", "100.96.0.1", &old).flags, ==, 0);
}

/* Only a node that says that it counts is asked, at the address that it said so from, and gets flags. */
static void
test_counting (Fixture *f, gconstpointer data)
{
  const EwBurstSample sample = { .index = 7, .first = 1000, .n = 40 };
  const EwLinkMessage old = { .type = EW_LINK_PROBE, .token = 1 },
                      new = { .type = EW_LINK_PROBE, .token = 1, .flags = EW_LINK_COUNTS },
                      count = { .type = EW_LINK_COUNT, .token = 5, .revision = { 99 } };
  const EwIp bob = ip ("100.96.1.2");
  EwIp from, to;
  EwLinkMessage message;
  guint8 out[EW_LINK_PACKET_MAX];

  g_assert_cmpuint (exchange (f, "100.96.1.2", "100.96.0.1", &old).flags, ==, 0);
  g_assert_cmpuint (ew_switch_router_ask (&f->router, f->peers[BOB], &sample, out), ==, 0);
  g_assert_cmpuint (exchange (f, "fd12::1:2", "fd12::1", &new).flags, ==, EW_LINK_COUNTS);
  g_assert_cmpuint (exchange (f, "100.96.1.2", "100.96.0.1", &new).flags, ==, EW_LINK_COUNTS);
  const gsize len = ew_switch_router_ask (&f->router, f->peers[BOB], &sample, out);
  g_assert_true (ew_link_parse (out, len, &from, &to, &message));
  g_assert_true (ew_ip_equal (&from, &f->router.service[0]) && ew_ip_equal (&to, &bob));
  g_assert_cmpint (message.type, ==, EW_LINK_COUNT);
  g_assert_cmpuint (message.token, ==, 1000);
  g_assert_cmphex (message.revision.hash, ==, (guint64)7 << 32 | 40);
  g_assert_cmpuint (ew_switch_router_ask (&f->router, f->peers[ALICE], &sample, out), ==, 0);
  /* There is no such session. */
  message = exchange (f, "100.96.1.2", "100.96.0.1", &count);
  g_assert_cmpint (message.type, ==, EW_LINK_COUNTED);
  g_assert_cmpuint (message.revision.hash, ==, EW_BURSTS_UNKNOWN);
  /* It was downgraded. */
  exchange (f, "100.96.1.2", "100.96.0.1", &old);
  g_assert_cmpuint (ew_switch_router_ask (&f->router, f->peers[BOB], &sample, out), ==, 0);
}

static void
test_goodbye (Fixture *f, gconstpointer data)
{
  EwRouterNode *notes;

  /* A host behind the gateway cannot send GOODBYE in the gateway's name. */
  make_link (f, "10.7.0.9", "100.96.0.1", EW_LINK_GOODBYE, 0, 0);
  route (f, BOB);
  g_assert_cmpuint (f->nodes[BOB].goodbye_ns, ==, 0);
  g_assert_cmpuint (f->wakes, ==, 0);

  make_link (f, "100.96.1.2", "100.96.0.1", EW_LINK_GOODBYE, 0, 0);
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (f->nodes[BOB].goodbye_ns, ==, NOW);
  make_link (f, "100.96.1.1", "100.96.0.1", EW_LINK_GOODBYE, 0, 0);
  route (f, ALICE);
  route (f, ALICE);
  g_assert_cmpuint (f->wakes, ==, 1); /* the stack was not empty any more */
  notes = ew_switch_router_take_notes (&f->router);
  g_assert_true (notes == &f->nodes[ALICE]);
  g_assert_true (notes->next_note == &f->nodes[BOB]);
  g_assert_null (notes->next_note->next_note);
  g_assert_null (ew_switch_router_take_notes (&f->router));
  ew_switch_router_mark_read (&f->nodes[ALICE]);
  route (f, ALICE);
  g_assert_cmpuint (f->wakes, ==, 2);
}

static void
test_arrival (Fixture *f, gconstpointer data)
{
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  route (f, ALICE);
  g_assert_cmpuint (f->wakes, ==, 0);
  f->nodes[ALICE].online = FALSE;
  make_udp (f, "100.96.1.1", "100.96.1.2", 64, 20);
  route (f, ALICE);
  g_assert_cmpuint (f->wakes, ==, 1);
}

static void
test_link_refused (Fixture *f, gconstpointer data)
{
  static const EwLinkType ours[] = { EW_LINK_ANSWER, EW_LINK_NOTICE, EW_LINK_EDGE_PROBE };

  for (gsize i = 0; i < G_N_ELEMENTS (ours); i++)
    {
      make_link (f, "100.96.1.1", "100.96.0.1", ours[i], 1, 1);
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
    }
  /* Between nodes it is a packet like any other: a node can't act as the edge. */
  make_link (f, "100.96.1.1", "100.96.1.2", EW_LINK_GOODBYE, 0, 0);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
  g_assert_cmpuint (f->nodes[ALICE].goodbye_ns, ==, 0);
}

/* Round trips. */

static void
test_rtt (Fixture *f, gconstpointer data)
{
  guint8 probe[EW_LINK_PACKET_MAX];
  const EwIp service = ip ("100.96.0.1"), alice = ip ("100.96.1.1");
  EwIp from, to;
  EwLinkMessage message;
  gsize len = ew_switch_router_build_probe (&f->nodes[ALICE], probe, &service, &alice, FALSE, 77, NOW);

  g_assert_true (ew_link_parse (probe, len, &from, &to, &message));
  g_assert_cmpint (message.type, ==, EW_LINK_EDGE_PROBE);
  f->time.now_ns = NOW + 12 * S / 1000;
  make_link (f, "100.96.1.1", "100.96.0.1", EW_LINK_EDGE_ANSWER, 78, message.stamp_ns); /* made up */
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
  make_link (f, "100.96.1.1", "100.96.0.1", EW_LINK_EDGE_ANSWER, 77, f->time.now_ns + 1); /* from the future */
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
  make_link (f, "100.96.1.2", "100.96.0.1", EW_LINK_EDGE_ANSWER, 77, message.stamp_ns); /* another's */
  g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (f->nodes[ALICE].rtt_at_ns, ==, 0);
  g_assert_cmpuint (f->nodes[BOB].rtt_at_ns, ==, 0);
  make_link (f, "100.96.1.1", "100.96.0.1", EW_LINK_EDGE_ANSWER, 77, message.stamp_ns);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (f->nodes[ALICE].rtt_ns, ==, 12 * S / 1000);
  g_assert_cmpuint (f->nodes[ALICE].rtt_at_ns, ==, f->time.now_ns);
}

/* What a plain machine's kernel makes of an echo request: the addresses swapped, the type changed. */
static void
become_echo_reply (Fixture *f, const guint8 *request, gsize len)
{
  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM, .len = len };
  memcpy (f->packet.data, request, len);
  g_assert_true (ew_packet_answer_echo (f->packet.data, len));
}

static void
check_plain_rtt (Fixture *f, const gchar *service_text, const gchar *node_text)
{
  guint8 probe[EW_LINK_PACKET_MAX];
  const EwIp service = ip (service_text), alice = ip (node_text);
  gsize len;

  f->nodes[ALICE].rtt_at_ns = 0;
  f->time.now_ns = NOW;
  len = ew_switch_router_build_probe (&f->nodes[ALICE], probe, &service, &alice, TRUE, 99, NOW);
  g_assert_cmpuint (len, <=, sizeof probe);
  f->time.now_ns = NOW + 5 * S / 1000;
  become_echo_reply (f, probe, len);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_DROP);
  g_assert_cmpuint (f->nodes[ALICE].rtt_ns, ==, 5 * S / 1000);
}

static void
test_plain_rtt (Fixture *f, gconstpointer data)
{
  check_plain_rtt (f, "100.96.0.1", "100.96.1.1");
  check_plain_rtt (f, "fd12::1", "fd12::1:1");
}

/* The path. */

/* A node's probe of its path: answered in the size that it asks for, at most the mesh's, in one datagram; what it says
   that it takes limits the others, above IPv6's smallest MTU. */
static void
test_size_probe (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const gchar *from, *to;
    guint16 wanted, takes, answered, limit;
  } rows[] = {
    { "100.96.1.2", "100.96.0.1", 1420, 0, 1420, 1420 },    { "100.96.1.2", "100.96.0.1", 0, 1360, 60, 1360 },
    { "fd12::1:2", "fd12::1", 1300, 1040, 1300, 1280 },     { "fd12::1:2", "fd12::1", 60000, 9000, 1420, 1420 },
    { "100.96.1.2", "100.96.0.1", 1040, 1296, 1040, 1296 }, { "100.96.1.2", "100.96.0.1", 61, 0, 61, 1420 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const EwIp from = ip (rows[i].from), to = ip (rows[i].to);
      EwLinkMessage out, in = { .type = EW_LINK_SIZE_PROBE, .token = 5, .stamp_ns = 6, .probe_size = 1400 };
      EwIp source, destination;

      in.answer_size = rows[i].wanted;
      in.takes = rows[i].takes;
      f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
      f->packet.len = ew_link_build (f->packet.data, &from, &to, &in);
      g_assert_cmpuint (f->packet.len, ==, 1400);
      g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_REPLY);
      g_assert_true (f->packet.whole);
      g_assert_cmpuint (f->packet.len, ==, rows[i].answered);
      g_assert_true (ew_link_parse (f->packet.data, f->packet.len, &source, &destination, &out));
      g_assert_true (ew_ip_equal (&source, &to) && ew_ip_equal (&destination, &from));
      g_assert_cmpint (out.type, ==, EW_LINK_SIZE_ANSWER);
      g_assert_true (out.token == 5 && out.stamp_ns == 6 && out.probe_size == 1400);
      make_udp (f, "fd12::1:1", "fd12::1:2", 64, rows[i].limit - 48);
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_PEER);
      make_udp (f, "fd12::1:1", "fd12::1:2", 64, rows[i].limit - 47);
      g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
      g_assert_cmphex (icmp_error (f, "fd12::1", "fd12::1:1"), ==, TOO_BIG6);
    }
  /* An administrator's limit stays one. */
  f->nodes[BOB].mtu = 1300;
  f->nodes[BOB].takes = 1420;
  make_udp (f, "fd12::1:1", "fd12::1:2", 64, 1301 - 48);
  g_assert_cmpint (route (f, ALICE), ==, EW_ROUTE_REPLY);
}

/* Echoes of a plain node, which measure its path: the largest reply counts, if it belongs to this measuring. */
static void
test_size_echo (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint64 token;
    gsize size;
    guint16 echoed;
  } rows[] = { { 7, 1328, 1328 }, { 7, 1280, 1328 }, { 8, 1420, 1328 }, { 0, 1420, 1328 }, { 7, 1420, 1420 } };
  const EwIp from = ip ("100.96.0.1"), to = ip ("100.96.1.2");
  guint8 payload[1420] = { 0 };

  f->nodes[BOB].size_token = 7;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      memcpy (payload, &rows[i].token, sizeof rows[i].token);
      f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
      f->packet.len
        = ew_packet_build_echo (f->packet.data, &from, &to, EW_ROUTER_SIZE_ID, 1, payload, rows[i].size - 28);
      g_assert_true (ew_packet_answer_echo (f->packet.data, f->packet.len));
      g_assert_cmpint (route (f, BOB), ==, EW_ROUTE_DROP);
      g_assert_cmpuint (f->nodes[BOB].echoed, ==, rows[i].echoed);
    }
  g_assert_cmpuint (f->nodes[BOB].rtt_ns, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("probe", test_probe);
  ADD ("counting", test_counting);
  ADD ("moved", test_moved);
  ADD ("goodbye", test_goodbye);
  ADD ("arrival", test_arrival);
  ADD ("link-refused", test_link_refused);
  ADD ("rtt", test_rtt);
  ADD ("plain-rtt", test_plain_rtt);
  ADD ("size-probe", test_size_probe);
  ADD ("size-echo", test_size_echo);
  return g_test_run ();
}
