/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a router says for itself: ICMP (RFC 792, RFC 1122, RFC 1812) and ICMPv6 (RFC 4443).
 */
#include "proto/packet-private.h"

#include <string.h>

#define ICMP_HEADER 8
#define INTERNETWORK_CONTROL 0xc0 /* precedence of ICMP errors, RFC 1812 section 4.3.2.5 */
#define V4_ERROR_MAX 576          /* RFC 1812 section 4.3.2.3 */
#define V6_ERROR_MAX 1280         /* RFC 4443 section 2.4 (c) */

enum
{
  V4_ECHO_REPLY = 0,
  V4_UNREACHABLE = 3,
  V4_REDIRECT = 5,
  V4_ECHO_REQUEST = 8,
  V4_TIME_EXCEEDED = 11,
  V4_PARAMETER_PROBLEM = 12,
  V4_SOURCE_QUENCH = 4,
  V6_UNREACHABLE = 1,
  V6_TOO_BIG = 2,
  V6_TIME_EXCEEDED = 3,
  V6_ECHO_REQUEST = 128,
  V6_ECHO_REPLY = 129,
  V6_REDIRECT = 137
};

typedef struct
{
  uint8_t v4_type, v4_code, v6_type, v6_code;
} ErrorKind;

static const ErrorKind kinds[] = {
  [EW_ICMP_TTL_EXCEEDED] = { V4_TIME_EXCEEDED, 0, V6_TIME_EXCEEDED, 0 },
  [EW_ICMP_NO_ROUTE] = { V4_UNREACHABLE, 0, V6_UNREACHABLE, 0 },
  [EW_ICMP_HOST_UNREACHABLE] = { V4_UNREACHABLE, 1, V6_UNREACHABLE, 3 },
  [EW_ICMP_PROHIBITED] = { V4_UNREACHABLE, 13, V6_UNREACHABLE, 1 }, /* 13: RFC 1812 section 5.2.7.1 */
  [EW_ICMP_TOO_BIG] = { V4_UNREACHABLE, 4, V6_TOO_BIG, 0 },
  [EW_ICMP_PORT_UNREACHABLE] = { V4_UNREACHABLE, 3, V6_UNREACHABLE, 4 },
};

static bool
is_error_type (EwFamily family, uint8_t type)
{
  if (family == EW_FAMILY_V6)
    return type < 128 || type == V6_REDIRECT;
  return type == V4_UNREACHABLE || type == V4_SOURCE_QUENCH || type == V4_REDIRECT || type == V4_TIME_EXCEEDED
         || type == V4_PARAMETER_PROBLEM;
}

static bool
is_icmp (EwFamily family, uint8_t protocol)
{
  return protocol == (family == EW_FAMILY_V4 ? EW_PROTOCOL_ICMP : EW_PROTOCOL_ICMPV6);
}

bool
ew_packet_is_error (const uint8_t *packet, size_t len, const EwIpHeader *header)
{
  return !header->fragment && is_icmp (header->source.family, header->protocol) && len > header->header_length
         && is_error_type (header->source.family, packet[header->header_length]);
}

#define QUOTED_MAX 128 /* IPv6 with some extension headers and the ports */

bool
ew_packet_parse_quoted (const uint8_t *packet, size_t len, const EwIpHeader *header, EwIpHeader *quoted, size_t *at)
{
  const size_t offset = (size_t)header->header_length + ICMP_HEADER,
               whole = len < header->total_length ? len : header->total_length;
  const bool v6 = header->source.family == EW_FAMILY_V6;
  uint8_t copy[QUOTED_MAX];
  /* What it quotes is a header and 8 bytes at least. */
  if (!ew_packet_is_error (packet, len, header) || whole < offset + (v6 ? EW_IPV6_HEADER : EW_IPV4_HEADER) + 8)
    return false;
  /* It is cut off: its lengths are made to say so. */
  const size_t size = whole - offset < sizeof copy ? whole - offset : sizeof copy;
  memcpy (copy, packet + offset, size);
  ew_store_be16 (copy + (v6 ? 4 : 2), (uint16_t)(v6 ? size - EW_IPV6_HEADER : size));
  *at = offset;
  return ew_packet_parse (copy, size, quoted) && !quoted->unsafe && ew_ip_equal (&quoted->source, &header->destination)
         && (quoted->fragment || quoted->upper_at + 8u <= size);
}

/* RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no answers to errors, to fragments, to multicast, or to no valid
 * address. */
static bool
may_answer (const uint8_t *packet, const EwIpHeader *header)
{
  if (header->unsafe || header->fragment)
    return false;
  if (ew_ip_is_unspecified (&header->source) || ew_ip_is_multicast (&header->source)
      || ew_ip_is_loopback (&header->source) || ew_ip_is_multicast (&header->destination))
    return false;
  if (!is_icmp (header->source.family, header->upper))
    return true;
  return header->upper_at < header->total_length && !is_error_type (header->source.family, packet[header->upper_at]);
}

/* Sets the checksum of the message after an IP header of header bytes. */
static void
set_checksum (uint8_t *packet, size_t header, const EwIp *from, const EwIp *to, size_t size)
{
  uint8_t *icmp = packet + header;
  uint32_t pseudo = from->family == EW_FAMILY_V6 ? ew_packet_pseudo_sum (from, to, EW_PROTOCOL_ICMPV6, size) : 0;
  ew_store_be16 (icmp + 2, 0);
  ew_store_be16 (icmp + 2, ew_checksum (icmp, size, pseudo));
}

size_t
ew_packet_build_error (uint8_t *out, const uint8_t *packet, size_t len, const EwIp *from, EwIcmpError error,
                       uint16_t mtu)
{
  EwIpHeader header;
  if ((size_t)error >= sizeof kinds / sizeof kinds[0] || !ew_packet_parse (packet, len, &header)
      || header.source.family != from->family || !may_answer (packet, &header))
    return 0;
  bool v4 = from->family == EW_FAMILY_V4;
  size_t ip_header = v4 ? EW_IPV4_HEADER : EW_IPV6_HEADER;
  size_t room = (v4 ? V4_ERROR_MAX : V6_ERROR_MAX) - ip_header - ICMP_HEADER;
  size_t quoted = header.total_length < room ? header.total_length : room, size = ICMP_HEADER + quoted;
  ew_packet_write_header (out, from, &header.source, v4 ? EW_PROTOCOL_ICMP : EW_PROTOCOL_ICMPV6,
                          v4 ? INTERNETWORK_CONTROL : 0, size);
  uint8_t *icmp = out + ip_header;
  memset (icmp, 0, ICMP_HEADER);
  icmp[0] = v4 ? kinds[error].v4_type : kinds[error].v6_type;
  icmp[1] = v4 ? kinds[error].v4_code : kinds[error].v6_code;
  if (error == EW_ICMP_TOO_BIG)
    ew_store_be16 (icmp + 6, mtu); /* RFC 1191 section 4; the low half of ICMPv6's 32 bits */
  memcpy (icmp + ICMP_HEADER, packet, quoted);
  set_checksum (out, ip_header, from, &header.source, size);
  return ip_header + size;
}

size_t
ew_packet_build_echo (uint8_t *out, const EwIp *from, const EwIp *to, uint16_t id, uint16_t sequence,
                      const uint8_t *payload, size_t payload_len)
{
  bool v4 = from->family == EW_FAMILY_V4;
  size_t size = ICMP_HEADER + payload_len;
  size_t header = payload_len > UINT16_MAX
                    ? 0
                    : ew_packet_write_header (out, from, to, v4 ? EW_PROTOCOL_ICMP : EW_PROTOCOL_ICMPV6, 0, size);
  if (header == 0)
    return 0;
  uint8_t *icmp = out + header;
  icmp[0] = v4 ? V4_ECHO_REQUEST : V6_ECHO_REQUEST;
  icmp[1] = 0;
  ew_store_be16 (icmp + 4, id);
  ew_store_be16 (icmp + 6, sequence);
  if (payload_len > 0)
    memcpy (icmp + ICMP_HEADER, payload, payload_len);
  set_checksum (out, header, from, to, size);
  return header + size;
}

/* A whole ICMP message of that type, code 0, with a right checksum. */
static bool
parse_icmp (const uint8_t *packet, size_t len, uint8_t v4_type, uint8_t v6_type, EwIpHeader *header)
{
  if (!ew_packet_parse_plain (packet, len, header) || !is_icmp (header->source.family, header->protocol))
    return false;
  bool v4 = header->source.family == EW_FAMILY_V4;
  const uint8_t *icmp = packet + header->header_length;
  size_t size = (size_t)header->total_length - header->header_length;
  if (size < ICMP_HEADER || icmp[0] != (v4 ? v4_type : v6_type) || icmp[1] != 0)
    return false;
  uint32_t pseudo = v4 ? 0 : ew_packet_pseudo_sum (&header->source, &header->destination, EW_PROTOCOL_ICMPV6, size);
  return ew_checksum (icmp, size, pseudo) == 0;
}

bool
ew_packet_answer_echo (uint8_t *packet, size_t len)
{
  EwIpHeader header;
  if (!parse_icmp (packet, len, V4_ECHO_REQUEST, V6_ECHO_REQUEST, &header) || ew_ip_is_multicast (&header.source)
      || ew_ip_is_unspecified (&header.source) || ew_ip_is_multicast (&header.destination))
    return false;
  size_t size = (size_t)header.total_length - header.header_length;
  packet[header.header_length] = header.source.family == EW_FAMILY_V4 ? V4_ECHO_REPLY : V6_ECHO_REPLY;
  ew_packet_write_header (packet, &header.destination, &header.source, header.protocol, header.traffic_class, size);
  set_checksum (packet, header.header_length, &header.destination, &header.source, size);
  return true;
}

bool
ew_packet_parse_echo_reply (const uint8_t *packet, size_t len, uint16_t *id, uint16_t *sequence,
                            const uint8_t **payload, size_t *payload_len)
{
  EwIpHeader header;
  if (!parse_icmp (packet, len, V4_ECHO_REPLY, V6_ECHO_REPLY, &header))
    return false;
  const uint8_t *icmp = packet + header.header_length;
  *id = ew_load_be16 (icmp + 4);
  *sequence = ew_load_be16 (icmp + 6);
  *payload = icmp + ICMP_HEADER;
  *payload_len = (size_t)header.total_length - header.header_length - ICMP_HEADER;
  return true;
}
