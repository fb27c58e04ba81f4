/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A router, a device with three nodes, and no wires:
 *
 *   alice 100.96.1.1 fd12::1:1      bob 100.96.1.2 fd12::1:2, gateway of 10.7.0.0/24      carol 100.96.1.3 (never seen)
 */
#include <netinet/in.h>
#include <string.h>

#include "edge/exit/exit.h"
#include "edge/switch/router.h"
#include "proto/link.h"
#include "proto/packet.h"

#define S G_GUINT64_CONSTANT (1000000000)
#define NOW (1000 * S)

typedef struct
{
  EwDevice *device;
  EwSwitchRouter router;
  EwRouterNode nodes[3];
  EwPeer *peers[3];
  EwExitPolicy *policy;
  EwTime time;
  guint wakes;
  guint8 buffer[EW_HEADROOM + 2048 + EW_TAILROOM];
  EwPacket packet;
  EwPeer *to;
} Fixture;

enum
{
  ALICE,
  BOB,
  CAROL,
  TUN = -1
};

static EwIp
ip (const gchar *text)
{
  EwIp result;

  g_assert_true (ew_ip_parse (text, &result));
  return result;
}

static EwPrefix
prefix (const gchar *text)
{
  EwPrefix result;

  g_assert_true (ew_prefix_parse (text, &result, NULL));
  return result;
}

static void
on_random (void *user, uint8_t *out, size_t len)
{
  memset (out, 7, len);
}

static void
on_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
}

static void
on_deliver (void *user, EwPeer *from, EwPacket *packet)
{
}

static void
on_event (void *user, EwPeer *peer, EwPeerEvent event)
{
}

static void
on_wake (gpointer data)
{
  ((Fixture *)data)->wakes++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const EwDeviceHooks hooks = { on_random, on_transmit, on_deliver, on_event };
  static const gchar *const names[] = { "alice", "bob", "carol" };
  static const gchar *const prefixes[][3] = { { "100.96.1.1/32", "fd12::1:1/128" },
                                              { "100.96.1.2/32", "fd12::1:2/128", "10.7.0.0/24" },
                                              { "100.96.1.3/32" } };
  const EwPrefix local[] = { prefix ("8.8.4.0/24"), prefix ("2600:1::/64") };
  const EwIp outside = ip ("192.0.2.9");
  const EwEndpoint endpoint = ew_endpoint_udp (&outside, 1234);

  f->device = ew_device_new (&hooks, f, 1420);
  for (gsize i = 0; i < G_N_ELEMENTS (f->peers); i++)
    {
      const guint8 key[EW_KEY_SIZE] = { (guint8)(i + 1), 2, 3 };

      f->nodes[i].id = names[i];
      f->nodes[i].revision = 40 + i;
      f->nodes[i].online = TRUE;
      f->peers[i] = ew_device_add_peer (f->device, key);
      g_assert_nonnull (f->peers[i]);
      ew_peer_set_user_data (f->peers[i], &f->nodes[i]);
      for (gsize p = 0; p < G_N_ELEMENTS (prefixes[i]) && prefixes[i][p] != NULL; p++)
        {
          const EwPrefix allowed = prefix (prefixes[i][p]);

          g_assert_true (ew_peer_add_allowed_ip (f->peers[i], &allowed));
        }
      if (i != CAROL)
        ew_peer_set_endpoint (f->peers[i], &endpoint);
    }
  f->router.service[0] = ip ("100.96.0.1");
  f->router.service[1] = ip ("fd12::1");
  f->router.ranges[0] = prefix ("100.96.0.0/12");
  f->router.ranges[1] = prefix ("fd12::/48");
  f->router.mtu = 1420;
  f->router.wake = on_wake;
  f->router.wake_data = f;
  f->router.decide = ew_exit_for_switch.decide;
  f->policy = ew_exit_policy_new (local, G_N_ELEMENTS (local), TRUE, TRUE);
  f->time = (EwTime){ NOW, 1700000000 * S };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ew_device_free (f->device);
  g_free (f->policy);
}

static void
open_exit (Fixture *f)
{
  f->router.tun[0] = f->router.tun[1] = TRUE;
  f->router.exit = f->policy;
}

/* Packets. */

static void
put16 (guint8 *out, guint value)
{
  out[0] = (guint8)(value >> 8);
  out[1] = (guint8)value;
}

/* The sum of a pseudo header. */
static guint32
pseudo (const EwIp *from, const EwIp *to, guint8 protocol, gsize len)
{
  guint32 sum = protocol + (guint32)len;

  for (gsize i = 0; i < ew_ip_size (from); i += 2)
    sum += (guint32)(from->bytes[i] << 8 | from->bytes[i + 1]) + (guint32)(to->bytes[i] << 8 | to->bytes[i + 1]);
  return sum;
}

/* An IP header before what stands at its end already; returns the whole size. */
static gsize
put_ip (guint8 *out, const EwIp *from, const EwIp *to, guint8 protocol, guint8 ttl, gsize payload)
{
  if (from->family == EW_FAMILY_V6)
    {
      memset (out, 0, 40);
      out[0] = 0x60;
      put16 (out + 4, (guint)payload);
      out[6] = protocol;
      out[7] = ttl;
      memcpy (out + 8, from->bytes, 16);
      memcpy (out + 24, to->bytes, 16);
      return 40 + payload;
    }
  memset (out, 0, 20);
  out[0] = 0x45;
  put16 (out + 2, (guint)(20 + payload));
  out[8] = ttl;
  out[9] = protocol;
  memcpy (out + 12, from->bytes, 4);
  memcpy (out + 16, to->bytes, 4);
  put16 (out + 10, ew_checksum (out, 20, 0));
  return 20 + payload;
}

static gsize
header_size (const EwIp *address)
{
  return address->family == EW_FAMILY_V6 ? 40 : 20;
}

static void
make_udp (Fixture *f, const gchar *from_text, const gchar *to_text, guint8 ttl, gsize payload)
{
  const EwIp from = ip (from_text), to = ip (to_text);
  guint8 *udp;

  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  udp = f->packet.data + header_size (&from);
  memset (udp, 0, 8 + payload);
  put16 (udp, 5000);
  put16 (udp + 2, 7000);
  put16 (udp + 4, (guint)(8 + payload));
  put16 (udp + 6, ew_checksum (udp, 8 + payload, pseudo (&from, &to, IPPROTO_UDP, 8 + payload)));
  f->packet.len = put_ip (f->packet.data, &from, &to, IPPROTO_UDP, ttl, 8 + payload);
}

static EwRoute
route (Fixture *f, int from)
{
  const gsize len = f->packet.len;
  EwRoute result;

  f->to = NULL;
  result = ew_switch_router_route (&f->router, ew_device_get_lane (f->device), from == TUN ? NULL : f->peers[from],
                                   &f->packet, &f->time, &f->to);
  /* Every result must leave room for sealing, and the memory around the packet must stay unchanged. */
  if (f->packet.data >= f->router.lanes[0].answer
      && f->packet.data < f->router.lanes[0].answer + sizeof f->router.lanes[0].answer)
    {
      g_assert_true (f->packet.data >= f->router.lanes[0].answer + 16);
      g_assert_true (f->packet.data + f->packet.len + 31
                     <= f->router.lanes[0].answer + sizeof f->router.lanes[0].answer);
    }
  else
    {
      g_assert_true (f->packet.data >= f->buffer + EW_HEADROOM); /* later than that: what was cut off went ahead */
      g_assert_cmpuint ((gsize)(f->packet.data - f->buffer) - EW_HEADROOM + f->packet.len, <=, len);
    }
  return result;
}

/* Type and code of the ICMP error that the packet has become, checked to be well made; from the address expected. */
static guint
icmp_error (Fixture *f, const gchar *from, const gchar *to)
{
  EwIpHeader header;
  const EwIp source = ip (from), destination = ip (to);
  const guint8 *icmp;
  gsize len;

  g_assert_true (ew_packet_parse (f->packet.data, f->packet.len, &header));
  g_assert_true (ew_ip_equal (&header.source, &source));
  g_assert_true (ew_ip_equal (&header.destination, &destination));
  icmp = f->packet.data + header.header_length;
  len = header.total_length - header.header_length;
  if (source.family == EW_FAMILY_V6)
    {
      g_assert_cmpint (header.protocol, ==, IPPROTO_ICMPV6);
      g_assert_cmpuint (ew_checksum (icmp, len, pseudo (&source, &destination, IPPROTO_ICMPV6, len)), ==, 0);
    }
  else
    {
      g_assert_cmpint (header.protocol, ==, IPPROTO_ICMP);
      g_assert_cmpuint (ew_checksum (icmp, len, 0), ==, 0);
    }
  return (guint)(icmp[0] << 8 | icmp[1]);
}

/* What happens to a UDP packet: a table. */

#define ICMP4(type, code) ((type) << 8 | (code))
#define UNREACHABLE4 ICMP4 (3, 1)
#define NO_ROUTE4 ICMP4 (3, 0)
#define PROHIBITED4 ICMP4 (3, 13)
#define EXCEEDED4 ICMP4 (11, 0)
#define TOO_BIG4 ICMP4 (3, 4)
#define UNREACHABLE6 ICMP4 (1, 3)
#define NO_ROUTE6 ICMP4 (1, 0)
#define PROHIBITED6 ICMP4 (1, 1)
#define EXCEEDED6 ICMP4 (3, 0)
#define TOO_BIG6 ICMP4 (2, 0)

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

/* The link protocol. */

static void
make_link (Fixture *f, const gchar *from_text, const gchar *to_text, EwLinkType type, guint64 token, guint64 stamp)
{
  const EwIp from = ip (from_text), to = ip (to_text);
  const EwLinkMessage message = { .type = type, .token = token, .revision = { 7 }, .stamp_ns = stamp };

  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  f->packet.len = ew_link_build (f->packet.data, &from, &to, &message);
}

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

typedef struct
{
  gboolean answer;
  EwFlow flows[8];
  guint n;
  const gchar *from, *to;
} Verdicts;

static gboolean
on_verdict (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  Verdicts *verdicts = data;

  verdicts->flows[verdicts->n++] = *flow;
  verdicts->from = ew_switch_node_get_id (from);
  verdicts->to = to != NULL ? ew_switch_node_get_id (to) : NULL;
  return verdicts->answer;
}

static void
make_reply (Fixture *f, const gchar *from, const gchar *to)
{
  make_udp (f, from, to, 64, 20);
  put16 (f->packet.data + 20, 7000);
  put16 (f->packet.data + 22, 5000);
}

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
#define ADD_AT(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
#define ADD(name, func) ADD_AT ("/switch/router/" name, func)
  ADD_AT ("/behaviour/hairpin-decrements-ttl-tells-time-exceeded-guards-against-loops", test_table);
  ADD_AT ("/behaviour/hairpin-tells-too-big", test_df);
  ADD ("no-upstream", test_no_upstream);
  ADD ("departed", test_departed);
  ADD ("icmp-limit", test_icmp_limit);
  ADD ("no-error-about-error", test_no_error_about_error);
  ADD ("probe", test_probe);
  ADD ("counting", test_counting);
  ADD ("moved", test_moved);
  ADD ("goodbye", test_goodbye);
  ADD ("arrival", test_arrival);
  ADD ("link-refused", test_link_refused);
  ADD ("rtt", test_rtt);
  ADD ("plain-rtt", test_plain_rtt);
  ADD ("echo", test_echo);
  ADD ("resolvers", test_resolvers);
  ADD_AT ("/behaviour/hairpin-has-a-verdict-hook", test_verdict);
  ADD ("mtu-of-node", test_mtu_of_node);
  ADD ("size-probe", test_size_probe);
  ADD ("cut", test_cut);
  ADD ("size-echo", test_size_echo);
  ADD_AT ("/behaviour/hairpin-counts", test_counters_of_node);
  ADD ("flows", test_flows);
  ADD ("error-about-flow", test_error_about_flow);
  ADD ("extension-headers", test_extension_headers);
  ADD ("mutated", test_mutated);
  return g_test_run ();
}
