/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/flow.h"

#include <netinet/in.h>
#include <string.h>

static guint16
read16 (const guint8 *bytes)
{
  return (guint16)(bytes[0] << 8 | bytes[1]);
}

static void
read_ports (const EwIpHeader *header, const guint8 *packet, gsize len, guint16 *source, guint16 *destination)
{
  const guint8 *upper = packet + header->upper_at;

  *source = *destination = 0;
  if (header->fragment || header->unsafe || len < (gsize)header->upper_at + 8)
    return;
  switch (header->upper)
    {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      *source = read16 (upper);
      *destination = read16 (upper + 2);
      break;
    case IPPROTO_ICMP: /* types 8 and 0: echo and its reply */
      if (upper[0] == 8 || upper[0] == 0)
        *source = *destination = read16 (upper + 4);
      break;
    case IPPROTO_ICMPV6:
      if (upper[0] == 128 || upper[0] == 129)
        *source = *destination = read16 (upper + 4);
      break;
    default:
      break;
    }
}

gboolean
ew_switch_flow_opens (const EwIpHeader *header, const guint8 *packet, gsize len)
{
  if (header->fragment || (header->upper != IPPROTO_ICMP && header->upper != IPPROTO_ICMPV6))
    return TRUE;
  return !header->unsafe && len >= (gsize)header->upper_at + 8
         && packet[header->upper_at] == (header->upper == IPPROTO_ICMP ? 8 : 128);
}

void
ew_switch_flow_init_ends (EwFlow *flow, const EwIp *source, guint16 source_port, const EwIp *destination,
                          guint16 destination_port, guint8 protocol)
{
  const int order = memcmp (source->bytes, destination->bytes, sizeof source->bytes);

  flow->reversed = order > 0 || (order == 0 && source_port > destination_port);
  flow->low = flow->reversed ? *destination : *source;
  flow->high = flow->reversed ? *source : *destination;
  flow->low_port = flow->reversed ? destination_port : source_port;
  flow->high_port = flow->reversed ? source_port : destination_port;
  flow->protocol = protocol;
  flow->service = 0;
  flow->service_id = NULL;
}

void
ew_switch_flow_init (EwFlow *flow, const EwIpHeader *header, const guint8 *packet, gsize len)
{
  guint16 source, destination;

  read_ports (header, packet, MIN (len, header->total_length), &source, &destination);
  ew_switch_flow_init_ends (flow, &header->source, source, &header->destination, destination, header->upper);
}

gboolean
ew_switch_flow_init_quoted (EwFlow *flow, const EwIpHeader *header, const guint8 *packet, gsize len)
{
  EwIpHeader quoted;
  gsize at;

  if (!ew_packet_parse_quoted (packet, len, header, &quoted, &at))
    return FALSE;
  ew_switch_flow_init (flow, &quoted, packet + at, quoted.total_length);
  return TRUE;
}

/* Multiply and fold. */
static guint64
mix (guint64 a, guint64 b)
{
  const unsigned __int128 product = (unsigned __int128)a * b;

  return (guint64)product ^ (guint64)(product >> 64);
}

guint32
ew_switch_flow_hash (const EwFlow *flow, guint64 seed)
{
  guint64 low[2], high[2], hash;

  memcpy (low, flow->low.bytes, sizeof low);
  memcpy (high, flow->high.bytes, sizeof high);
  hash = (guint64)flow->low_port | (guint64)flow->high_port << 16 | (guint64)flow->protocol << 32;
  hash = mix (hash ^ seed, G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) ^ seed);
  hash = mix (hash ^ low[0], G_GUINT64_CONSTANT (0xd6e8feb86659fd93) ^ low[1] ^ seed);
  hash = mix (hash ^ high[0], G_GUINT64_CONSTANT (0xa0761d6478bd642f) ^ high[1] ^ seed);
  return (guint32)(hash >> 32) ^ (guint32)hash;
}
