/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/icmp-quote.h"
#include "proto/packet-private.h"

#include <string.h>

#define ICMP_HEADER 8
#define QUOTED_UPPER 8 /* at least so much of the quoted packet's payload follows its header (RFC 792) */

enum
{
  V4_UNREACHABLE = 3,
  V4_TIME_EXCEEDED = 11,
  V4_PARAMETER_PROBLEM = 12,
  V6_UNREACHABLE = 1,
  V6_PARAMETER_PROBLEM = 4
};

/* Errors only. Redirects change routes, and no computer behind a gateway may change a node's. */
static bool
is_report (const EwIpHeader *header, uint8_t type)
{
  if (header->source.family == EW_FAMILY_V4)
    return header->upper == EW_PROTOCOL_ICMP
           && (type == V4_UNREACHABLE || type == V4_TIME_EXCEEDED || type == V4_PARAMETER_PROBLEM);
  return header->upper == EW_PROTOCOL_ICMPV6 && type >= V6_UNREACHABLE && type <= V6_PARAMETER_PROBLEM;
}

static bool
is_router (const EwIp *ip)
{
  return !ew_ip_is_unspecified (ip) && !ew_ip_is_loopback (ip) && !ew_ip_is_multicast (ip)
         && (ip->family == EW_FAMILY_V6 || (ip->bytes[0] != 0 && ip->bytes[0] < 224));
}

/* Whether the packet, parsed, is one; IPv6 extension headers are followed. */
static bool
is_whole_report (const uint8_t *packet, const EwIpHeader *header)
{
  return !header->fragment && header->upper_at < header->total_length && is_report (header, packet[header->upper_at]);
}

bool
ew_icmp_is_report (const uint8_t *packet, size_t len)
{
  EwIpHeader header;
  return ew_packet_parse (packet, len, &header) && is_whole_report (packet, &header);
}

bool
ew_icmp_quotes (const uint8_t *packet, size_t len, EwIp *towards)
{
  EwIpHeader header;
  if (!ew_packet_parse (packet, len, &header) || header.unsafe || !is_router (&header.source)
      || !is_whole_report (packet, &header))
    return false;
  const bool v4 = header.source.family == EW_FAMILY_V4;
  const size_t quoted_header = v4 ? EW_IPV4_HEADER : EW_IPV6_HEADER;
  const size_t at = (size_t)header.upper_at + ICMP_HEADER;
  if (header.total_length < at + quoted_header + QUOTED_UPPER)
    return false;
  const uint8_t *quoted = packet + at;
  if (quoted[0] >> 4 != (v4 ? 4 : 6)
      || memcmp (quoted + (v4 ? 12 : 8), header.destination.bytes, ew_ip_size (&header.destination)) != 0)
    return false;
  *towards = ew_ip_from_bytes (header.source.family, quoted + (v4 ? 16 : 24));
  return true;
}
