/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "router-world.h"

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

void
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

void
tear_down (Fixture *f, gconstpointer data)
{
  ew_device_free (f->device);
  g_free (f->policy);
}

void
open_exit (Fixture *f)
{
  f->router.tun[0] = f->router.tun[1] = TRUE;
  f->router.exit = f->policy;
}

/* Packets. */

void
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

gsize
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

void
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

EwRoute
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

guint
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

void
make_reply (Fixture *f, const gchar *from, const gchar *to)
{
  make_udp (f, from, to, 64, 20);
  put16 (f->packet.data + 20, 7000);
  put16 (f->packet.data + 22, 5000);
}

void
make_link (Fixture *f, const gchar *from_text, const gchar *to_text, EwLinkType type, guint64 token, guint64 stamp)
{
  const EwIp from = ip (from_text), to = ip (to_text);
  const EwLinkMessage message = { .type = type, .token = token, .revision = { 7 }, .stamp_ns = stamp };

  memset (f->buffer, 0xee, sizeof f->buffer);
  f->packet = (EwPacket){ .data = f->buffer + EW_HEADROOM };
  f->packet.len = ew_link_build (f->packet.data, &from, &to, &message);
}

gboolean
on_verdict (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  Verdicts *verdicts = data;

  verdicts->flows[verdicts->n++] = *flow;
  verdicts->from = ew_switch_node_get_id (from);
  verdicts->to = to != NULL ? ew_switch_node_get_id (to) : NULL;
  return verdicts->answer;
}
