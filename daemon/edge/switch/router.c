/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/router.h"

#include <netinet/in.h>
#include <string.h>

#include "proto/link.h"
#include "proto/packet.h"

/* One packet on its way through. */
typedef struct
{
  EwSwitchRouter *router;
  EwRouterLane *lane;
  EwLane *acting;     /* the engine's */
  EwPeer *from;       /* NULL: the TUN */
  EwRouterNode *node; /* from's; the lane's own for the TUN */
  EwLane *sending;
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

/* Counts both for the whole and for whom the packet came from. */
#define DNS_PORT 53

#define COUNT(t, field, n) (count (&(t)->lane->counters.field, (n)), count (&(t)->node->counters.field, (n)))

guint64
ew_switch_router_total (EwSwitchRouter *self, gsize offset)
{
  guint64 total = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->lanes); i++)
    total
      += atomic_load_explicit ((_Atomic guint64 *)((guint8 *)&self->lanes[i].counters + offset), memory_order_relaxed);
  return total;
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

/* The router's answer: in separate memory, because the next packet follows this one directly. */
static EwRoute
reply_with (Transit *t, gsize size)
{
  t->packet->data = t->lane->answer + EW_HEADROOM;
  t->packet->len = size;
  t->packet->room = EW_TAILROOM;
  return EW_ROUTE_REPLY;
}

static EwRoute
answer_error (Transit *t, EwIcmpError error, guint16 mtu)
{
  const EwIp *from;
  gsize size;

  if (!take_icmp_token (t->node, t->time->now_ns))
    return EW_ROUTE_DROP;
  /* The edge's own host would discard an answer from its own address: it gets one in the name of the destination. */
  from = t->from != NULL ? &t->router->service[t->header.source.family == EW_FAMILY_V6] : &t->header.destination;
  size = ew_packet_build_error (t->lane->answer + EW_HEADROOM, t->packet->data, t->packet->len, from, error, mtu);
  return size > 0 ? reply_with (t, size) : EW_ROUTE_DROP;
}

/* counter: a field of EwRouterCounters. */
#define REFUSE(t, counter, error) (COUNT (t, counter, 1), answer_error ((t), (error), 0))
#define DROP(t, counter) (COUNT (t, counter, 1), EW_ROUTE_DROP)

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

static void
note_instance (Transit *t, guint32 number)
{
  const EwInstanceChange change = ew_switch_instances_note (&t->node->instances, number);

  if (change == EW_INSTANCE_SAME)
    return;
  set (change == EW_INSTANCE_BACK ? &t->node->instance_back_ns : &t->node->instance_new_ns, t->time->now_ns);
  ew_switch_router_note (t->router, t->node);
}

/* FNV-1a, never 0. Two addresses in 2^32 look the same, and then a node isn't told. */
static guint32
hash_endpoint (const EwEndpoint *endpoint)
{
  guint32 hash = 2166136261u;

  if (endpoint->kind != EW_ENDPOINT_UDP)
    return 0;
  for (gsize i = 0; i < ew_ip_size (&endpoint->remote); i++)
    hash = (hash ^ endpoint->remote.bytes[i]) * 16777619u;
  hash = (hash ^ (endpoint->remote_port >> 8)) * 16777619u;
  hash = (hash ^ (endpoint->remote_port & 0xff)) * 16777619u;
  return hash != 0 ? hash : 1;
}

/* A NAT that forgets the node while it's quiet gives it another port: only the edge sees that. */
static guint8
note_way (Transit *t)
{
  const guint32 before = t->node->probed_from, now = hash_endpoint (&t->packet->endpoint);

  t->node->probed_from = now;
  return before != 0 && now != 0 && before != now ? EW_LINK_MOVED : 0;
}

/* Where the node can be asked how many datagrams arrived, and what is said to one that understands it. */
static guint8
exchange_flags (Transit *t, const EwIp *node_ip, guint8 flags)
{
  const gboolean counts = (flags & EW_LINK_COUNTS) != 0;

  if (node_ip->family == EW_FAMILY_V4)
    {
      guint32 address = 0;
      memcpy (&address, node_ip->bytes, counts ? sizeof address : 0);
      atomic_store_explicit (&t->node->counts_at, address, memory_order_relaxed);
    }
  const guint8 moved = note_way (t);
  if (!counts)
    return 0;
  return (ew_peer_damages_bursts (t->from) ? EW_LINK_COUNTS | EW_LINK_SINGLY : EW_LINK_COUNTS) | moved;
}

gsize
ew_switch_router_ask (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out)
{
  const EwSwitchRouter *self = user;
  const EwRouterNode *node = ew_peer_get_user_data (peer);
  const guint32 address = node != NULL ? atomic_load_explicit (&node->counts_at, memory_order_relaxed) : 0;
  const EwIp to = ew_ip_from_bytes (EW_FAMILY_V4, (const guint8 *)&address);

  return address != 0 ? ew_link_build_count (out, &self->service[0], &to, sample) : 0;
}

static EwRoute
handle_link (Transit *t, const EwIp *node_ip, const EwIp *service, EwLinkMessage *message)
{
  switch (message->type)
    {
    case EW_LINK_PROBE:
      set (&t->node->probe_revision, message->revision.hash);
      set (&t->node->probe_ns, t->time->now_ns);
      note_instance (t, EW_LINK_INSTANCE (message->token));
      message->type = EW_LINK_ANSWER;
      message->flags = exchange_flags (t, node_ip, message->flags);
      message->problem = (EwNodeProblem)atomic_load_explicit (&t->node->problem, memory_order_relaxed);
      message->revision.hash = atomic_load_explicit (&t->node->revision, memory_order_acquire);
      return reply_with (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_SIZE_PROBE:
      atomic_store_explicit (&t->node->takes, message->takes, memory_order_relaxed);
      message->type = EW_LINK_SIZE_ANSWER;
      message->answer_size = MIN (message->answer_size, t->router->mtu);
      t->packet->whole = true;
      return reply_with (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_GOODBYE:
      set (&t->node->goodbye_ns, t->time->now_ns);
      ew_switch_router_note (t->router, t->node);
      return EW_ROUTE_DROP;
    case EW_LINK_COUNT:
      ew_link_answer_count (t->acting, t->from, message);
      return reply_with (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_COUNTED:
      ew_link_hear_counted (t->acting, t->from, message, t->time);
      return EW_ROUTE_DROP;
    case EW_LINK_EDGE_ANSWER:
      take_rtt (t, message->token, message->stamp_ns);
      return EW_ROUTE_DROP;
    default: /* the edge sends these, it doesn't receive them */
      return EW_ROUTE_DROP;
    }
}

static void
take_size (Transit *t, const guint8 *payload)
{
  guint64 token;

  memcpy (&token, payload, sizeof token);
  if (token != 0 && token == atomic_load_explicit (&t->node->size_token, memory_order_acquire)
      && t->packet->len > atomic_load_explicit (&t->node->echoed, memory_order_relaxed))
    atomic_store_explicit (&t->node->echoed, (guint16)t->packet->len, memory_order_release);
}

/* True when this was the reply to one of the edge's echo requests. */
static gboolean
handle_echo_reply (Transit *t)
{
  guint16 id, sequence;
  const guint8 *payload;
  gsize payload_len;
  guint64 words[2];

  if (!ew_packet_parse_echo_reply (t->packet->data, t->packet->len, &id, &sequence, &payload, &payload_len))
    return FALSE;
  if (id == EW_ROUTER_SIZE_ID && payload_len >= sizeof words[0])
    {
      take_size (t, payload);
      return TRUE;
    }
  if (id != EW_ROUTER_ECHO_ID || payload_len != EW_ROUTER_ECHO_PAYLOAD)
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

/* What a gateway's resolver answers to the edge's host; that it was asked, the host's firewall knows. */
static gboolean
is_from_resolver (const Transit *t)
{
  const EwRouterResolvers *resolvers = atomic_load_explicit (&t->router->resolvers, memory_order_acquire);
  const guint8 *upper = t->packet->data + t->header.header_length;

  if (resolvers == NULL || t->header.fragment || t->packet->len < (gsize)t->header.header_length + 8
      || (t->header.protocol != IPPROTO_UDP && t->header.protocol != IPPROTO_TCP) || upper[0] != 0
      || upper[1] != DNS_PORT)
    return FALSE;
  for (gsize i = 0; i < resolvers->n; i++)
    if (ew_ip_equal (&resolvers->ips[i], &t->header.source))
      return TRUE;
  return FALSE;
}

/* Only a node's own mesh IPs may talk to the service address: otherwise, a host behind a gateway could say goodbye in
   the node's name, and the edge's host would answer a foreign source through another interface. Echoes are answered
   to anyone, along the path they came. */
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
  if ((own || is_from_resolver (t))
      && atomic_load_explicit (&t->router->tun[t->header.source.family == EW_FAMILY_V6], memory_order_relaxed))
    return EW_ROUTE_TUN;
  if (is_echo_request (t))
    return ew_packet_answer_echo (t->packet->data, t->packet->len) ? EW_ROUTE_REPLY : DROP (t, dropped_malformed);
  return own ? REFUSE (t, dropped_no_route, EW_ICMP_PROHIBITED) : REFUSE (t, dropped_source, EW_ICMP_PROHIBITED);
}

/* Other nodes and the exit. */

/* Asks about the flow as `reversed` says that it goes; to is NULL for the exit. */
static gboolean
ask (const Transit *t, const EwRouterPolicy *policy, EwFlow *flow, const EwRouterNode *from, const EwRouterNode *to)
{
  return policy->verdict (policy->data, from, to, flow, t->packet->data, t->packet->len);
}

/* An error about a packet that was let pass belongs to its flow. */
static gboolean
is_about_flow (const Transit *t, EwFlowTable *flows, guint32 now)
{
  EwFlow quoted;
  gboolean opener;

  return ew_switch_flow_init_quoted (&quoted, &t->header, t->packet->data, t->packet->len)
         && ew_switch_flow_table_find (flows, &quoted, now, &opener) == EW_FLOW_PASSES;
}

/* The policy has changed since the flow was opened: asks again in the direction in which it was opened, which may be
   this packet's or the opposite. */
static gboolean
ask_again (const Transit *t, const EwRouterPolicy *policy, const EwFlow *flow, EwRouterNode *to, gboolean opener,
           guint32 now)
{
  const gboolean reply = opener != flow->reversed;
  EwRouterNode *from = reply ? to : t->node;
  EwFlow opened = *flow;

  opened.reversed = opener;
  if (from != NULL && ask (t, policy, &opened, from, reply ? t->node : to))
    {
      ew_switch_flow_table_store (policy->flows, &opened, &from->flows, now);
      return TRUE;
    }
  ew_switch_flow_table_remove (policy->flows, flow);
  return FALSE;
}

static gboolean
verdict (const Transit *t, EwRouterNode *to)
{
  const guint32 now = (guint32)(t->time->now_ns / G_GUINT64_CONSTANT (1000000000));
  const EwRouterPolicy *policy = atomic_load (&t->router->policy);
  EwFlow flow;
  gboolean opener;

  if (policy == NULL)
    return TRUE;
  ew_switch_flow_init (&flow, &t->header, t->packet->data, t->packet->len);
  if (policy->flows == NULL)
    return ask (t, policy, &flow, t->node, to);
  switch (ew_switch_flow_table_find (policy->flows, &flow, now, &opener))
    {
    case EW_FLOW_PASSES:
      return TRUE;
    case EW_FLOW_STALE:
      if (ask_again (t, policy, &flow, to, opener, now))
        return TRUE;
      if (opener == flow.reversed)
        return FALSE;
      break;
    default:
      break;
    }
  if (is_about_flow (t, policy->flows, now))
    return TRUE;
  if (!ask (t, policy, &flow, t->node, to))
    return FALSE;
  ew_switch_flow_table_store (policy->flows, &flow, &t->node->flows, now);
  return TRUE;
}

/* IPv6 never fragments on the way, IPv4 with DF does not either; without DF the datagram that carries it may be. */
static gboolean
is_too_big (const Transit *t, guint16 mtu)
{
  return t->packet->len > mtu && (t->header.source.family == EW_FAMILY_V6 || (t->packet->data[6] & 0x40) != 0);
}

/* IPv4 without DF: what doesn't fit goes ahead in fragments of its own, so that the datagrams that carry it aren't
   fragmented, which many firewalls drop. */
static void
send_cut (Transit *t, EwPeer *peer, guint16 mtu)
{
  gsize kept;

  while ((kept = ew_packet_cut (t->lane->answer + EW_HEADROOM, t->packet->data, t->packet->len, mtu)) > 0)
    {
      EwPacket first = { .data = t->lane->answer + EW_HEADROOM, .len = kept + 20 };

      ew_lane_send_to (t->sending, peer, &first, 1, t->time);
      t->packet->data += kept;
      t->packet->len -= kept;
    }
}

static EwRoute
pass_to_peer (Transit *t, EwPeer *peer, EwRouterNode *node, EwPeer **to)
{
  atomic_fetch_add_explicit (&node->received_packets, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&node->received_bytes, t->packet->len, memory_order_relaxed);
  if (t->from == NULL)
    return EW_ROUTE_LOOKUP;
  COUNT (t, forwarded_packets, 1);
  COUNT (t, forwarded_bytes, t->packet->len);
  *to = peer;
  return EW_ROUTE_PEER;
}

/* The largest inner packet that is sent to it without ado: what an administrator said, and what the node found out about
   its path. Below what IPv6 demands of every path (RFC 8200 section 5) nobody is told a size: QUIC needs 1200 bytes, so
   the datagrams outside are fragmented there. cut: the size for IPv4 without DF, which has no such limit. */
static guint16
mtu_of (const EwSwitchRouter *self, const EwRouterNode *node, guint16 *cut)
{
  const guint16 said = atomic_load_explicit (&node->mtu, memory_order_relaxed);
  const guint16 takes = atomic_load_explicit (&node->takes, memory_order_relaxed);
  const guint16 mtu = said != 0 ? said : self->mtu;

  *cut = takes != 0 ? MIN (mtu, takes) : mtu;
  return takes != 0 ? MIN (mtu, MAX (takes, EW_ROUTER_IPV6_MIN)) : mtu;
}

static EwRoute
route_to_peer (Transit *t, EwPeer *peer, EwPeer **to)
{
  EwRouterNode *node = ew_peer_get_user_data (peer);
  guint16 mtu, cut;
  EwRoute route;

  if (peer == t->from) /* the loop guard: never back to where it came from */
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (node == NULL || !ew_peer_has_endpoint (peer) || atomic_load_explicit (&node->departed, memory_order_relaxed))
    return REFUSE (t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  if (t->from != NULL && !verdict (t, node))
    return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
  if (t->from != NULL && t->header.ttl <= 1) /* the edge's host has decremented its packets' */
    return REFUSE (t, dropped_ttl, EW_ICMP_TTL_EXCEEDED);
  mtu = mtu_of (t->router, node, &cut);
  if (is_too_big (t, mtu))
    {
      COUNT (t, dropped_too_big, 1);
      return answer_error (t, EW_ICMP_TOO_BIG, mtu);
    }
  if (t->from != NULL && !ew_packet_decrement_ttl (t->packet->data, t->packet->len))
    return DROP (t, dropped_malformed);
  route = pass_to_peer (t, peer, node, to);
  if (t->packet->len > cut)
    send_cut (t, peer, cut);
  return route;
}

/* The edge's host forwards it, decrements the TTL and reports when it has expired. */
static EwRoute
route_to_exit (Transit *t)
{
  EwSwitchRouter *self = t->router;
  gconstpointer exit = atomic_load (&self->exit);

  if (exit == NULL)
    return REFUSE (t, dropped_no_route, EW_ICMP_NO_ROUTE);
  if (!in_mesh (self, &t->header.source))
    return REFUSE (t, dropped_source, EW_ICMP_PROHIBITED);
  switch (self->decide (exit, &t->header.destination))
    {
    case EW_SWITCH_EXIT_ALLOWED:
      break;
    case EW_SWITCH_EXIT_NO_UPSTREAM:
      return REFUSE (t, dropped_no_route, EW_ICMP_NO_ROUTE);
    default:
      return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
    }
  if (!verdict (t, NULL))
    return REFUSE (t, dropped_policy, EW_ICMP_PROHIBITED);
  COUNT (t, exit_packets, 1);
  return EW_ROUTE_TUN;
}

static gboolean
is_service (const EwSwitchRouter *self, const EwIp *ip)
{
  return ew_ip_equal (&self->service[ip->family == EW_FAMILY_V6], ip);
}

/* The first byte shows for nearly every packet that it may pass. */
static gboolean
leads_nowhere (const EwIp *ip)
{
  const guint8 first = ip->bytes[0];

  if (first != 0 && first < 224 && (first != 127 || ip->family == EW_FAMILY_V6))
    return FALSE;
  return ew_ip_is_multicast (ip) || ew_ip_is_unspecified (ip) || ew_ip_is_loopback (ip);
}

/* A node's first packet after silence, or after goodbye: tells the main context now rather than at its next look.
 */
static void
note_arrival (Transit *t)
{
  if (!atomic_load_explicit (&t->node->online, memory_order_relaxed))
    ew_switch_router_note (t->router, t->node);
}

EwRoute
ew_switch_router_route (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  EwSwitchRouter *self = user;
  EwRouterLane *own = &self->lanes[ew_lane_number (lane)];
  Transit t = {
    .router = self,
    .lane = own,
    .acting = lane,
    .from = from,
    .node = from != NULL ? ew_peer_get_user_data (from) : &own->host,
    .sending = lane,
    .packet = packet,
    .time = time,
  };
  const EwIp *destination = &t.header.destination;
  EwPeer *peer;

  if (t.node == NULL) /* a peer that isn't a node */
    {
      count (&own->counters.dropped_malformed, 1);
      return EW_ROUTE_DROP;
    }
  if (!ew_packet_parse (packet->data, packet->len, &t.header) || t.header.unsafe)
    return DROP (&t, dropped_malformed);
  packet->len = t.header.total_length;
  if (from != NULL)
    note_arrival (&t);
  if (is_service (self, destination))
    return from != NULL ? route_to_service (&t) : DROP (&t, dropped_no_route);
  if (is_service (self, &t.header.source) && from != NULL)
    return DROP (&t, dropped_source);
  if (leads_nowhere (destination))
    return from != NULL ? DROP (&t, dropped_malformed) : EW_ROUTE_DROP; /* the host's kernel looks for routers and
                                                                           groups */
  peer = ew_device_lookup (ew_lane_get_device (lane), destination);
  if (peer != NULL)
    return route_to_peer (&t, peer, to);
  if (from == NULL || in_mesh (self, destination))
    return REFUSE (&t, dropped_no_route, EW_ICMP_HOST_UNREACHABLE);
  return route_to_exit (&t);
}

gsize
ew_switch_router_build_probe (EwRouterNode *node, guint8 *out, const EwIp *service, const EwIp *address, gboolean plain,
                              guint64 token, guint64 now_ns)
{
  const EwLinkMessage message = {
    .type = EW_LINK_EDGE_PROBE,
    .token = token,
    .revision = { atomic_load_explicit (&node->revision, memory_order_relaxed) },
    .stamp_ns = now_ns,
  };
  const guint64 words[2] = { token, now_ns };

  set (&node->probe_token, token);
  if (plain)
    return ew_packet_build_echo (out, service, address, EW_ROUTER_ECHO_ID, (guint16)token, (const guint8 *)words,
                                 sizeof words);
  return ew_link_build (out, service, address, &message);
}
