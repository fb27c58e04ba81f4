/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch-router.h"

#include <netinet/in.h>
#include <string.h>

#include "proto/link.h"
#include "proto/packet.h"

/* One packet on its way through. */
typedef struct
{
  EwSwitchRouter *router;
  EwDevice *device;
  EwPeer *from;       /* NULL: the TUN */
  EwRouterNode *node; /* from's; the router's own for the TUN */
  EwPacket *packet;
  const EwTime *time;
  EwIpHeader header;
} Transit;

static void
count (_Atomic guint64 *counter, guint64 n)
{
  /* One writer: no need for a locked add. */
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static void
set (_Atomic guint64 *word, guint64 value)
{
  atomic_store_explicit (word, value, memory_order_release);
}

/* Notes. */

EwRouterNode *
ew_switch_router_take_notes (EwSwitchRouter *self)
{
  return atomic_exchange_explicit (&self->notes, NULL, memory_order_acq_rel);
}

void
ew_switch_router_mark_read (EwRouterNode *node)
{
  atomic_store_explicit (&node->noted, FALSE, memory_order_release);
}

void
ew_switch_router_note (EwSwitchRouter *self, EwRouterNode *node)
{
  EwRouterNode *head;

  if (atomic_exchange_explicit (&node->noted, TRUE, memory_order_acq_rel))
    return;
  head = atomic_load_explicit (&self->notes, memory_order_relaxed);
  do
    node->next_note = head;
  while (
    !atomic_compare_exchange_weak_explicit (&self->notes, &head, node, memory_order_release, memory_order_relaxed));
  if (head == NULL && self->wake != NULL)
    self->wake (self->wake_data);
}

/* Answers. */

static gboolean
take_icmp_token (EwRouterNode *node, guint64 now_ns)
{
  const guint64 full = EW_ROUTER_ICMP_BURST * 1000;
  guint64 elapsed = now_ns - node->icmp_at_ns;

  if (node->icmp_at_ns == 0 || elapsed > G_GUINT64_CONSTANT (1000000000) * EW_ROUTER_ICMP_BURST)
    node->icmp_milli = full;
  else
    node->icmp_milli = MIN (full, node->icmp_milli + elapsed / (1000000 / EW_ROUTER_ICMP_PER_SECOND));
  node->icmp_at_ns = now_ns;
  if (node->icmp_milli < 1000)
    return FALSE;
  node->icmp_milli -= 1000;
  return TRUE;
}

/* An answer of ours: in memory of our own, because behind the packet lies the next one. */
static EwRoute
reply_with (Transit *t, gsize size)
{
  t->packet->data = t->router->answer + EW_HEADROOM;
  t->packet->len = size;
  t->packet->room = EW_TAILROOM;
  return EW_ROUTE_REPLY;
}

static EwRoute
refuse (Transit *t, _Atomic guint64 *counter, EwIcmpError error)
{
  const EwIp *from;
  gsize size;

  count (counter, 1);
  if (!take_icmp_token (t->node, t->time->now_ns))
    return EW_ROUTE_DROP;
  /* Our own host would discard an answer from its own address: it gets one in the name of the destination. */
  from = t->from != NULL ? &t->router->service[t->header.source.family == EW_FAMILY_V6] : &t->header.destination;
  size = ew_packet_build_error (t->router->answer + EW_HEADROOM, t->packet->data, t->packet->len, from, error,
                                t->router->mtu);
  return size > 0 ? reply_with (t, size) : EW_ROUTE_DROP;
}

static EwRoute
drop (_Atomic guint64 *counter)
{
  count (counter, 1);
  return EW_ROUTE_DROP;
}

/* The service address. */

static gboolean
in_mesh (const EwSwitchRouter *self, const EwIp *ip)
{
  const EwPrefix *range = &self->ranges[ip->family == EW_FAMILY_V6];

  return range->ip.family == ip->family && ew_prefix_contains (range, ip);
}

static void
take_rtt (Transit *t, guint64 token, guint64 stamp_ns)
{
  const guint64 now = t->time->now_ns;

  if (token == 0 || token != atomic_load_explicit (&t->node->probe_token, memory_order_acquire) || stamp_ns > now)
    return;
  set (&t->node->rtt_ns, now - stamp_ns);
  set (&t->node->rtt_at_ns, now);
}

static EwRoute
handle_link (Transit *t, const EwIp *node_ip, const EwIp *service, EwLinkMessage *message)
{
  switch (message->type)
    {
    case EW_LINK_PROBE:
      set (&t->node->probe_revision, message->revision);
      set (&t->node->probe_ns, t->time->now_ns);
      message->type = EW_LINK_ANSWER;
      message->revision = atomic_load_explicit (&t->node->revision, memory_order_acquire);
      return reply_with (t, ew_link_build (t->router->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_GOODBYE:
      set (&t->node->goodbye_ns, t->time->now_ns);
      ew_switch_router_note (t->router, t->node);
      return EW_ROUTE_DROP;
    case EW_LINK_EDGE_ANSWER:
      take_rtt (t, message->token, message->stamp_ns);
      return EW_ROUTE_DROP;
    default: /* ours to send, not to receive */
      return EW_ROUTE_DROP;
    }
}

/* True when this was the reply to an echo request of ours. */
static gboolean
handle_echo_reply (Transit *t)
{
  guint16 id, sequence;
  const guint8 *payload;
  gsize payload_len;
  guint64 words[2];

  if (!ew_packet_parse_echo_reply (t->packet->data, t->packet->len, &id, &sequence, &payload, &payload_len)
      || id != EW_ROUTER_ECHO_ID || payload_len != EW_ROUTER_ECHO_PAYLOAD)
    return FALSE;
  memcpy (words, payload, sizeof words);
  take_rtt (t, words[0], words[1]);
  return TRUE;
}

static gboolean
is_echo_request (const Transit *t)
{
  const guint8 *upper = t->packet->data + t->header.header_length;

  if (t->header.fragment || t->packet->len < (gsize)t->header.header_length + 8)
    return FALSE;
  return (t->header.protocol == IPPROTO_ICMP && upper[0] == 8)
         || (t->header.protocol == IPPROTO_ICMPV6 && upper[0] == 128);
}

/* Only a node's own mesh IPs speak with the service address: a host behind a gateway could else say goodbye in its
   name, and our host would answer a foreign source through another interface. Echo is answered to anyone, by the way it
   came. */
static EwRoute
route_to_service (Transit *t)
{
  const gboolean own = in_mesh (t->router, &t->header.source);
  EwLinkMessage message;
  EwIp source, destination;

  if (own && t->header.protocol == IPPROTO_UDP
      && ew_link_parse (t->packet->data, t->packet->len, &source, &destination, &message))
    return handle_link (t, &source, &destination, &message);
  if (own && handle_echo_reply (t))
    return EW_ROUTE_DROP;
  if (own && t->router->tun[t->header.source.family == EW_FAMILY_V6])
    return EW_ROUTE_TUN;
  if (is_echo_request (t))
    return ew_packet_answer_echo (t->packet->data, t->packet->len) ? EW_ROUTE_REPLY
                                                                   : drop (&t->router->counters.dropped_malformed);
  return refuse (t, own ? &t->router->counters.dropped_no_route : &t->router->counters.dropped_source,
                 EW_ICMP_PROHIBITED);
}

/* Other nodes and the exit. */

static gboolean
verdict (const Transit *t, const EwRouterNode *to)
{
  EwFlow flow;

  if (t->router->verdict == NULL)
    return TRUE;
  ew_flow_init (&flow, &t->header, t->packet->data, t->packet->len);
  return t->router->verdict (t->router->verdict_data, t->node, to, &flow, t->packet->data, t->packet->len);
}

/* IPv6 never fragments on the way, IPv4 with DF does not either; without DF the datagram that carries it may be. */
static gboolean
is_too_big (const Transit *t)
{
  return t->packet->len > t->router->mtu
         && (t->header.source.family == EW_FAMILY_V6 || (t->packet->data[6] & 0x40) != 0);
}

static EwRoute
route_to_peer (Transit *t, EwPeer *peer, EwPeer **to)
{
  EwRouterNode *node = ew_peer_get_user_data (peer);

  if (peer == t->from) /* the loop guard: never back to where it came from */
    return refuse (t, &t->router->counters.dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (node == NULL || ew_peer_get_endpoint (peer)->kind == EW_ENDPOINT_NONE
      || atomic_load_explicit (&node->departed, memory_order_relaxed))
    return refuse (t, &t->router->counters.dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (t->from == NULL) /* our host has decremented the TTL and knows the MTU */
    return EW_ROUTE_LOOKUP;
  if (!verdict (t, node))
    return refuse (t, &t->router->counters.dropped_policy, EW_ICMP_PROHIBITED);
  if (t->header.ttl <= 1)
    return refuse (t, &t->router->counters.dropped_ttl, EW_ICMP_TTL_EXCEEDED);
  if (is_too_big (t))
    return refuse (t, &t->router->counters.dropped_no_route, EW_ICMP_TOO_BIG);
  if (!ew_packet_decrement_ttl (t->packet->data, t->packet->len))
    return drop (&t->router->counters.dropped_malformed);
  count (&t->router->counters.forwarded_packets, 1);
  count (&t->router->counters.forwarded_bytes, t->packet->len);
  *to = peer;
  return EW_ROUTE_PEER;
}

/* Our host forwards it, decrements the TTL and says so when it is too old. */
static EwRoute
route_to_exit (Transit *t)
{
  EwSwitchRouter *self = t->router;

  if (self->exit == NULL)
    return refuse (t, &self->counters.dropped_no_route, EW_ICMP_NO_ROUTE);
  if (!in_mesh (self, &t->header.source))
    return refuse (t, &self->counters.dropped_source, EW_ICMP_PROHIBITED);
  switch (ew_exit_decide (self->exit, &t->header.destination))
    {
    case EW_EXIT_ALLOWED:
      break;
    case EW_EXIT_NO_UPSTREAM:
      return refuse (t, &self->counters.dropped_no_route, EW_ICMP_NO_ROUTE);
    default:
      return refuse (t, &self->counters.dropped_policy, EW_ICMP_PROHIBITED);
    }
  if (!verdict (t, NULL))
    return refuse (t, &self->counters.dropped_policy, EW_ICMP_PROHIBITED);
  count (&self->counters.exit_packets, 1);
  return EW_ROUTE_TUN;
}

static gboolean
is_service (const EwSwitchRouter *self, const EwIp *ip)
{
  return ew_ip_equal (&self->service[ip->family == EW_FAMILY_V6], ip);
}

/* A node's first packet after silence, or after goodbye: the main context shall hear of it now, not at its next look.
 */
static void
note_arrival (Transit *t)
{
  if (!atomic_load_explicit (&t->node->online, memory_order_relaxed))
    ew_switch_router_note (t->router, t->node);
}

EwRoute
ew_switch_router_route (void *user, EwDevice *device, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  EwSwitchRouter *self = user;
  Transit t = {
    .router = self,
    .device = device,
    .from = from,
    .node = from != NULL ? ew_peer_get_user_data (from) : &self->host,
    .packet = packet,
    .time = time,
  };
  const EwIp *destination = &t.header.destination;
  EwPeer *peer;

  if (t.node == NULL || !ew_packet_parse (packet->data, packet->len, &t.header))
    return drop (&self->counters.dropped_malformed);
  packet->len = t.header.total_length;
  if (from != NULL)
    note_arrival (&t);
  if (is_service (self, destination))
    return from != NULL ? route_to_service (&t) : drop (&self->counters.dropped_no_route);
  if (is_service (self, &t.header.source) && from != NULL)
    return drop (&self->counters.dropped_source);
  if (ew_ip_is_multicast (destination) || ew_ip_is_unspecified (destination) || ew_ip_is_loopback (destination))
    return drop (&self->counters.dropped_malformed);
  peer = ew_device_lookup (device, destination);
  if (peer != NULL)
    return route_to_peer (&t, peer, to);
  if (from == NULL || in_mesh (self, destination))
    return refuse (&t, &self->counters.dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  return route_to_exit (&t);
}

gsize
ew_switch_router_build_probe (EwRouterNode *node, guint8 *out, const EwIp *service, const EwIp *address, gboolean plain,
                              guint64 token, guint64 now_ns)
{
  const EwLinkMessage message = {
    .type = EW_LINK_EDGE_PROBE,
    .token = token,
    .revision = atomic_load_explicit (&node->revision, memory_order_relaxed),
    .stamp_ns = now_ns,
  };
  const guint64 words[2] = { token, now_ns };

  set (&node->probe_token, token);
  if (plain)
    return ew_packet_build_echo (out, service, address, EW_ROUTER_ECHO_ID, (guint16)token, (const guint8 *)words,
                                 sizeof words);
  return ew_link_build (out, service, address, &message);
}
