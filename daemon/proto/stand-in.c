/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/stand-in.h"

#include <string.h>

#include "proto/packet-private.h"

#define TCP 6
#define UDP_HEADER 8
#define TCP_HEADER 20

/* RFC 9293 section 3.1: offset and flags; in a byte each */
#define TCP_OFFSET 12
#define TCP_FLAGS 13

enum
{
  TCP_FIN = 1,
  TCP_SYN = 2,
  TCP_RST = 4,
  TCP_ACK = 16
};

/* A plain packet of that protocol to that port, with at least header bytes of it. */
static bool
parse_to_port (const uint8_t *packet, size_t len, uint8_t protocol, uint16_t port, size_t header, EwIpHeader *out)
{
  return ew_packet_parse_plain (packet, len, out) && out->protocol == protocol
         && out->total_length >= out->header_length + header && ew_load_be16 (packet + out->header_length + 2) == port;
}

bool
ew_stand_in_read_udp (const uint8_t *packet, size_t len, uint16_t port, const uint8_t **payload, size_t *length)
{
  EwIpHeader header;
  if (!parse_to_port (packet, len, EW_PROTOCOL_UDP, port, UDP_HEADER, &header))
    return false;
  size_t size = ew_load_be16 (packet + header.header_length + 4);
  if (size < UDP_HEADER || size > (size_t)(header.total_length - header.header_length))
    return false;
  *payload = packet + header.header_length + UDP_HEADER;
  *length = size - UDP_HEADER;
  return true;
}

size_t
ew_stand_in_answer_udp (uint8_t *packet, size_t len, size_t room, const uint8_t *payload, size_t payload_len)
{
  EwIpHeader header;
  if (!ew_packet_parse_plain (packet, len, &header)
      || header.header_length + UDP_HEADER + payload_len > header.total_length + room)
    return 0;
  uint8_t *udp = packet + header.header_length;
  const uint16_t from = ew_load_be16 (udp), to = ew_load_be16 (udp + 2);
  const size_t size = UDP_HEADER + payload_len;
  ew_store_be16 (udp, to);
  ew_store_be16 (udp + 2, from);
  ew_store_be16 (udp + 4, (uint16_t)size);
  ew_store_be16 (udp + 6, 0);
  memcpy (udp + UDP_HEADER, payload, payload_len);
  uint16_t sum
    = ew_checksum (udp, size, ew_packet_pseudo_sum (&header.destination, &header.source, EW_PROTOCOL_UDP, size));
  ew_store_be16 (udp + 6, sum != 0 ? sum : 0xffff); /* 0 means no checksum (RFC 768) */
  return ew_packet_write_header (packet, &header.destination, &header.source, EW_PROTOCOL_UDP, 0, size) + size;
}

size_t
ew_stand_in_reset_tcp (uint8_t *packet, size_t len, uint16_t port)
{
  EwIpHeader header;
  if (!parse_to_port (packet, len, TCP, port, TCP_HEADER, &header))
    return 0;
  uint8_t *tcp = packet + header.header_length;
  const size_t offset = (size_t)(tcp[TCP_OFFSET] >> 4) * 4, size = header.total_length - header.header_length;
  const uint8_t flags = tcp[TCP_FLAGS];
  if ((flags & TCP_RST) || offset < TCP_HEADER || offset > size)
    return 0;
  const uint16_t from = ew_load_be16 (tcp), to = ew_load_be16 (tcp + 2);
  const uint32_t sequence = ew_load_be32 (tcp + 4), acknowledged = ew_load_be32 (tcp + 8);
  const uint32_t taken = (uint32_t)(size - offset) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
  memset (tcp, 0, TCP_HEADER);
  ew_store_be16 (tcp, to);
  ew_store_be16 (tcp + 2, from);
  if (flags & TCP_ACK)
    ew_store_be32 (tcp + 4, acknowledged);
  else
    ew_store_be32 (tcp + 8, sequence + taken);
  tcp[TCP_OFFSET] = TCP_HEADER / 4 << 4;
  tcp[TCP_FLAGS] = flags & TCP_ACK ? TCP_RST : TCP_RST | TCP_ACK;
  ew_store_be16 (tcp + 16, ew_checksum (tcp, TCP_HEADER,
                                        ew_packet_pseudo_sum (&header.destination, &header.source, TCP, TCP_HEADER)));
  return ew_packet_write_header (packet, &header.destination, &header.source, TCP, 0, TCP_HEADER) + TCP_HEADER;
}
