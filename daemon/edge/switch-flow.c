/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch-flow.h"

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
  const guint8 *upper = packet + header->header_length;

  *source = *destination = 0;
  if (header->fragment || len < (gsize)header->header_length + 8)
    return;
  switch (header->protocol)
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

void
ew_flow_init (EwFlow *flow, const EwIpHeader *header, const guint8 *packet, gsize len)
{
  guint16 source, destination;
  int order = memcmp (header->source.bytes, header->destination.bytes, sizeof header->source.bytes);

  read_ports (header, packet, MIN (len, header->total_length), &source, &destination);
  flow->reversed = order > 0 || (order == 0 && source > destination);
  flow->low = flow->reversed ? header->destination : header->source;
  flow->high = flow->reversed ? header->source : header->destination;
  flow->low_port = flow->reversed ? destination : source;
  flow->high_port = flow->reversed ? source : destination;
  flow->protocol = header->protocol;
}

/* FNV-1a, 32 bits (Fowler, Noll, Vo). */
static guint32
mix (guint32 hash, const void *data, gsize len)
{
  const guint8 *bytes = data;

  for (gsize i = 0; i < len; i++)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

guint32
ew_flow_hash (const EwFlow *flow)
{
  guint32 hash = 2166136261u;

  hash = mix (hash, flow->low.bytes, ew_ip_size (&flow->low));
  hash = mix (hash, flow->high.bytes, ew_ip_size (&flow->high));
  hash = mix (hash, &flow->low_port, sizeof flow->low_port);
  hash = mix (hash, &flow->high_port, sizeof flow->high_port);
  return mix (hash, &flow->protocol, 1);
}

gboolean
ew_flow_equal (const EwFlow *a, const EwFlow *b)
{
  return a->protocol == b->protocol && a->low_port == b->low_port && a->high_port == b->high_port
         && ew_ip_equal (&a->low, &b->low) && ew_ip_equal (&a->high, &b->high);
}
