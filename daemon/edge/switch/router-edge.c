/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is for the edge itself: link messages, echoes, and what goes to the TUN.
 */
#include "edge/switch/router-private.h"

#include <netinet/in.h>
#include <string.h>

#define DNS_PORT 53

static void
set (_Atomic guint64 *word, guint64 value)
{
  atomic_store_explicit (word, value, memory_order_release);
}

gboolean
ew_switch_router_is_edge (const EwSwitchRouter *self, const EwIp *ip)
{
  return ew_ip_equal (&self->service[ip->family == EW_FAMILY_V6], ip);
}

static void
take_rtt (EwTransit *t, guint64 token, guint64 stamp_ns)
{
  const guint64 now = t->time->now_ns;

  if (token == 0 || token != atomic_load_explicit (&t->node->probe_token, memory_order_acquire) || stamp_ns > now)
    return;
  set (&t->node->rtt_ns, now - stamp_ns);
  set (&t->node->rtt_at_ns, now);
}

static void
note_instance (EwTransit *t, guint32 number)
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
note_way (EwTransit *t)
{
  const guint32 before = t->node->probed_from, now = hash_endpoint (&t->packet->endpoint);

  t->node->probed_from = now;
  return before != 0 && now != 0 && before != now ? EW_LINK_MOVED : 0;
}

/* Where the node can be asked how many datagrams arrived, and what is said to one that understands it. */
static guint8
exchange_flags (EwTransit *t, const EwIp *node_ip, guint8 flags)
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
handle_link (EwTransit *t, const EwIp *node_ip, const EwIp *service, EwLinkMessage *message)
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
      return ew_switch_router_reply (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_SIZE_PROBE:
      atomic_store_explicit (&t->node->takes, message->takes, memory_order_relaxed);
      message->type = EW_LINK_SIZE_ANSWER;
      message->answer_size = MIN (message->answer_size, t->router->mtu);
      t->packet->whole = true;
      return ew_switch_router_reply (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
    case EW_LINK_GOODBYE:
      set (&t->node->goodbye_ns, t->time->now_ns);
      ew_switch_router_note (t->router, t->node);
      return EW_ROUTE_DROP;
    case EW_LINK_COUNT:
      ew_link_answer_count (t->acting, t->from, message);
      return ew_switch_router_reply (t, ew_link_build (t->lane->answer + EW_HEADROOM, service, node_ip, message));
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
take_size (EwTransit *t, const guint8 *payload)
{
  guint64 token;

  memcpy (&token, payload, sizeof token);
  if (token != 0 && token == atomic_load_explicit (&t->node->size_token, memory_order_acquire)
      && t->packet->len > atomic_load_explicit (&t->node->echoed, memory_order_relaxed))
    atomic_store_explicit (&t->node->echoed, (guint16)t->packet->len, memory_order_release);
}

/* True when this was the reply to one of the edge's echo requests. */
static gboolean
handle_echo_reply (EwTransit *t)
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
is_echo_request (const EwTransit *t)
{
  const guint8 *upper = t->packet->data + t->header.header_length;

  if (t->header.fragment || t->packet->len < (gsize)t->header.header_length + 8)
    return FALSE;
  return (t->header.protocol == IPPROTO_ICMP && upper[0] == 8)
         || (t->header.protocol == IPPROTO_ICMPV6 && upper[0] == 128);
}

/* What a gateway's resolver answers to the edge's host; that it was asked, the host's firewall knows. */
static gboolean
is_from_resolver (const EwTransit *t)
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

gboolean
ew_switch_router_hear_probe (EwTransit *t, EwRoute *route)
{
  gsize answer;

  if (!ew_switch_probe_hear (&t->router->probes, t->node, &t->header, t->packet->data, t->packet->len,
                             t->lane->answer + EW_HEADROOM, &answer))
    return FALSE;
  *route = answer > 0 ? ew_switch_router_reply (t, answer) : EW_ROUTE_DROP;
  return TRUE;
}

/* Only a node's own mesh IPs may talk to the service address: otherwise, a host behind a gateway could say goodbye in
   the node's name, and the edge's host would answer a foreign source through another interface. Echoes are answered
   to anyone, along the path they came. */
EwRoute
ew_switch_router_route_to_edge (EwTransit *t)
{
  const gboolean own = ew_switch_router_in_mesh (t->router, &t->header.source);
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
