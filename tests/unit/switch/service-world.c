/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-world.h"

#include <string.h>

EwIp
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

/* The device has no wires. */

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
add_node (World *world, guint i)
{
  static const gchar *const names[] = { "alice", "bob", "carol", "dave", "gate" };
  static const gchar *const prefixes[WORLD_NODES][4]
    = { { "100.96.1.1/32", "fd12::1:1/128" },
        { "100.96.1.2/32", "fd12::1:2/128", "10.7.0.0/24" },
        { "100.96.1.3/32", "fd12::1:3/128" },
        { "100.96.1.4/32", "fd12::1:4/128" },
        { "100.96.1.5/32", "fd12::1:5/128", "10.8.0.0/24", "10.200.0.0/16" } };
  const guint8 key[EW_KEY_SIZE] = { (guint8)(i + 1), 2, 3 };
  const EwIp outside = ip ("192.0.2.9");
  const EwEndpoint endpoint = ew_endpoint_udp (&outside, 1234);

  world->nodes[i].id = names[i];
  world->nodes[i].online = TRUE;
  world->peers[i] = ew_device_add_peer (world->device, key);
  ew_peer_set_user_data (world->peers[i], &world->nodes[i]);
  ew_peer_set_endpoint (world->peers[i], &endpoint);
  for (gsize p = 0; p < G_N_ELEMENTS (prefixes[i]) && prefixes[i][p] != NULL; p++)
    {
      const EwPrefix allowed = prefix (prefixes[i][p]);

      g_assert_true (ew_peer_add_allowed_ip (world->peers[i], &allowed));
    }
}

void
world_set_up (World *world, gconstpointer data)
{
  static const EwDeviceHooks hooks = { on_random, on_transmit, on_deliver, on_event };

  world->device = ew_device_new (&hooks, world, 1420);
  world->router = g_new0 (EwSwitchRouter, 1);
  for (guint i = 0; i < WORLD_NODES; i++)
    add_node (world, i);
  world->router->service[0] = ip ("100.96.0.1");
  world->router->service[1] = ip ("fd12::1");
  world->router->ranges[0] = prefix ("100.96.0.0/12");
  world->router->ranges[1] = prefix ("fd12::/48");
  world->router->tun[0] = world->router->tun[1] = TRUE;
  world->router->mtu = 1420;
  world->time = (EwTime){ 100000 * S, 1700000000 * S };
  world_restart (world);
}

void
world_tear_down (World *world, gconstpointer data)
{
  ew_device_free (world->device);
  ew_nat_free (world->nat);
  ew_nat_table_free (world->table);
  ew_switch_flow_table_free (world->policy.flows);
  g_free (world->router);
}

void
world_restart (World *world)
{
  g_clear_pointer (&world->nat, ew_nat_free);
  g_clear_pointer (&world->table, ew_nat_table_free);
  for (guint i = 0; i < WORLD_NODES; i++)
    world->nodes[i].translations.n = 0;
  world->router->lanes[0].host.translations.n = 0;
  world->nat = ew_nat_new (g_test_rand_int (), (guint32)(world->time.now_ns / S));
  world->router->translation = NULL;
}

void
world_set_services (World *world, const EwNatService *services, gsize n)
{
  g_autoptr (GError) error = NULL;
  EwNatTable *table = ew_nat_table_new (services, n, world->router->service, world->table, &error);

  g_assert_no_error (error);
  ew_nat_table_free (world->table);
  world->table = table;
  world->translation = (EwRouterTranslation){ world->nat, table };
  world->router->translation = &world->translation;
}

void
world_wait (World *world, guint seconds)
{
  world->time.now_ns += seconds * S;
}

/* Packets. */

static void
put16 (guint8 *out, guint value)
{
  out[0] = (guint8)(value >> 8);
  out[1] = (guint8)value;
}

static guint
get16 (const guint8 *bytes)
{
  return (guint)(bytes[0] << 8 | bytes[1]);
}

static guint32
pseudo_sum (const EwIp *from, const EwIp *to, guint8 protocol, gsize len)
{
  guint32 sum = protocol + (guint32)len;

  for (gsize i = 0; i < ew_ip_size (from); i += 2)
    sum += get16 (from->bytes + i) + get16 (to->bytes + i);
  return sum;
}

/* An IP header before what stands at its end already; returns the whole size. */
static gsize
put_ip (guint8 *out, const EwIp *from, const EwIp *to, guint8 protocol, guint8 ttl, gsize payload, guint16 id,
        gboolean may_fragment)
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
  put16 (out + 4, id);
  put16 (out + 6, may_fragment ? 0 : 0x4000);
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

gsize
packet_write (guint8 *out, const Packet *p)
{
  const gboolean udp = p->protocol == IPPROTO_UDP;
  const gsize upper = udp ? 8 : 20, size = upper + p->payload;
  guint8 *at = out + header_size (&p->source);
  guint32 x = p->seed * 2654435761u + 1;

  g_assert_cmpuint (header_size (&p->source) + size, <=, WORLD_PACKET);
  memset (at, 0, upper);
  for (gsize i = 0; i < p->payload; i++, x = x * 1103515245 + 12345)
    at[upper + i] = (guint8)(x >> 16);
  put16 (at, p->source_port);
  put16 (at + 2, p->destination_port);
  if (udp)
    put16 (at + 4, (guint)size);
  else
    {
      put16 (at + 6, (guint)p->seed);
      at[12] = 0x50;
      at[13] = p->tcp != 0 ? p->tcp : EW_NAT_TCP_ACK;
      put16 (at + 14, 0xffff);
    }
  const guint sum = ew_checksum (at, size, pseudo_sum (&p->source, &p->destination, p->protocol, size));
  if (!p->no_checksum)
    put16 (at + (udp ? 6 : 16), udp && sum == 0 ? 0xffff : sum);
  return put_ip (out, &p->source, &p->destination, p->protocol, p->ttl != 0 ? p->ttl : 64, size, p->id,
                 p->may_fragment);
}

Packet
packet_answer (const Packet *p)
{
  Packet answer = *p;

  answer.source = p->destination;
  answer.destination = p->source;
  answer.source_port = p->destination_port;
  answer.destination_port = p->source_port;
  answer.seed = p->seed + 1;
  answer.tcp = 0;
  return answer;
}

gsize
packet_write_error (guint8 *out, const EwIp *from, const Packet *about, guint8 type, guint8 code, gsize quoted)
{
  const gboolean v6 = from->family == EW_FAMILY_V6;
  const guint8 protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  guint8 *icmp = out + header_size (from), whole[WORLD_PACKET];
  const gsize n = MIN (packet_write (whole, about), quoted), size = 8 + n;

  memset (icmp, 0, 8);
  icmp[0] = type;
  icmp[1] = code;
  memcpy (icmp + 8, whole, n);
  put16 (icmp + 2, ew_checksum (icmp, size, v6 ? pseudo_sum (from, &about->source, protocol, size) : 0));
  return put_ip (out, from, &about->source, protocol, 64, size, 0, FALSE);
}

static void
verify_upper (const guint8 *packet, const EwIpHeader *header)
{
  const guint8 *upper = packet + header->upper_at;
  const gsize size = (gsize)header->total_length - header->upper_at;
  guint32 pseudo = pseudo_sum (&header->source, &header->destination, header->upper, size);

  if (header->upper == IPPROTO_ICMP)
    pseudo = 0;
  if (header->upper == IPPROTO_UDP && get16 (upper + 6) == 0)
    return;
  g_assert_cmphex (ew_checksum (upper, size, pseudo), ==, 0);
}

void
verify_packet (const guint8 *packet, gsize len)
{
  EwIpHeader header, quoted;
  EwNatFragment fragment;
  gsize at;

  g_assert_true (ew_packet_parse (packet, len, &header));
  g_assert_cmpuint (header.total_length, ==, len);
  if (header.source.family == EW_FAMILY_V4)
    g_assert_cmphex (ew_checksum (packet, header.header_length, 0), ==, 0);
  ew_nat_read_fragment (&fragment, packet, &header);
  if (fragment.is)
    return;
  verify_upper (packet, &header);
  if (!ew_packet_parse_quoted (packet, len, &header, &quoted, &at))
    return;
  if (quoted.source.family == EW_FAMILY_V4)
    g_assert_cmphex (ew_checksum (packet + at, quoted.header_length, 0), ==, 0);
  /* The whole of it was quoted: its own checksum can be checked, too. */
  if (!ew_packet_parse (packet + at, len - at, &quoted))
    return;
  ew_nat_read_fragment (&fragment, packet + at, &quoted);
  if (!fragment.is)
    verify_upper (packet + at, &quoted);
}

/* Sending. */

EwRoute
world_send_bytes (World *world, int from, const guint8 *bytes, gsize len)
{
  memset (world->buffer, 0xee, sizeof world->buffer);
  memmove (world->buffer + EW_HEADROOM, bytes, len);
  memmove (world->sent, bytes, len);
  world->sent_len = len;
  world->packet = (EwPacket){ .data = world->buffer + EW_HEADROOM, .len = len };
  world->to = NULL;
  const EwRoute route
    = ew_switch_router_route (world->router, ew_device_get_lane (world->device),
                              from == HOST ? NULL : world->peers[from], &world->packet, &world->time, &world->to);
  /* Nothing around the packet has changed. */
  for (gsize i = 0; i < EW_HEADROOM; i++)
    g_assert_cmphex (world->buffer[i], ==, 0xee);
  for (gsize i = EW_HEADROOM + len; i < sizeof world->buffer; i++)
    g_assert_cmphex (world->buffer[i], ==, 0xee);
  if (route != EW_ROUTE_DROP)
    verify_packet (world->packet.data, world->packet.len);
  else
    g_assert_cmpmem (world->packet.data, world->packet.len, bytes, len);
  return route;
}

EwRoute
world_send (World *world, int from, const Packet *packet)
{
  guint8 bytes[WORLD_PACKET];

  return world_send_bytes (world, from, bytes, packet_write (bytes, packet));
}

void
world_expect_bytes (World *world, int to, const guint8 *expected, gsize len)
{
  if (to == HOST)
    g_assert_null (world->to);
  else if (world->to != NULL) /* from the host: the engine looks it up */
    g_assert_true (world->to == world->peers[to]);
  g_assert_cmpmem (world->packet.data, world->packet.len, expected, len);
}

void
world_expect (World *world, int to, const Packet *expected)
{
  guint8 bytes[WORLD_PACKET];
  Packet after = *expected;

  if (to != HOST && world->to != NULL)
    after.ttl = (guint8)((expected->ttl != 0 ? expected->ttl : 64) - 1);
  world_expect_bytes (world, to, bytes, packet_write (bytes, &after));
}

void
world_pass (World *world, int from, const Packet *packet, int to, const Packet *expected)
{
  g_assert_cmpint (world_send (world, from, packet), ==,
                   from == HOST ? EW_ROUTE_LOOKUP
                   : to == HOST ? EW_ROUTE_TUN
                                : EW_ROUTE_PEER);
  world_expect (world, to, expected);
}

Packet
world_read (World *world)
{
  Packet read = { 0 };
  EwIpHeader header;
  EwNatTuple tuple;

  verify_packet (world->packet.data, world->packet.len);
  g_assert_true (ew_packet_parse (world->packet.data, world->packet.len, &header));
  g_assert_true (ew_nat_read_tuple (&tuple, world->packet.data, &header));
  read.source = tuple.source;
  read.destination = tuple.destination;
  read.source_port = tuple.source_port;
  read.destination_port = tuple.destination_port;
  read.protocol = tuple.protocol;
  read.payload = header.total_length - header.upper_at - (tuple.protocol == IPPROTO_UDP ? 8u : 20u);
  return read;
}

void
world_expect_error (World *world, EwRoute route, const EwIp *from, guint8 type, guint8 code)
{
  EwIpHeader header, quoted;
  gsize at;

  g_assert_cmpint (route, ==, EW_ROUTE_REPLY);
  g_assert_true (ew_packet_parse (world->packet.data, world->packet.len, &header));
  g_assert_true (ew_ip_equal (&header.source, from));
  g_assert_cmpuint (world->packet.data[header.header_length], ==, type);
  g_assert_cmpuint (world->packet.data[header.header_length + 1], ==, code);
  /* It quotes what the sender sent, not what became of it. */
  g_assert_true (ew_packet_parse_quoted (world->packet.data, world->packet.len, &header, &quoted, &at));
  g_assert_cmpmem (world->packet.data + at, MIN (world->sent_len, world->packet.len - at), world->sent,
                   MIN (world->sent_len, world->packet.len - at));
}

void
world_expect_reset (World *world, EwRoute route)
{
  EwIpHeader sent, header;

  g_assert_cmpint (route, ==, EW_ROUTE_REPLY);
  g_assert_true (ew_packet_parse (world->sent, world->sent_len, &sent));
  g_assert_true (ew_packet_parse (world->packet.data, world->packet.len, &header));
  g_assert_cmpuint (header.upper, ==, IPPROTO_TCP);
  g_assert_true (ew_ip_equal (&header.source, &sent.destination) && ew_ip_equal (&header.destination, &sent.source));
  const guint8 *tcp = world->packet.data + header.upper_at, *asked = world->sent + sent.upper_at;
  g_assert_cmpmem (tcp, 2, asked + 2, 2);
  g_assert_cmpmem (tcp + 2, 2, asked, 2);
  g_assert_cmphex (tcp[13], ==, (asked[13] & EW_NAT_TCP_ACK) != 0 ? EW_NAT_TCP_RST : EW_NAT_TCP_RST | EW_NAT_TCP_ACK);
}
