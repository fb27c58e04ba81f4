/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How TCP says that nothing listens (RFC 9293 section 3.10.7.1).
 */
#include "proto/packet-private.h"

#include <string.h>

#define TCP 6
#define TCP_HEADER 20
#define NO_OPTIONS 0x50 /* the header's size, in units of 4 bytes, in the upper half */

enum
{
  FIN = 1,
  SYN = 2,
  RST = 4,
  ACK = 16
};

static uint32_t
load32 (const uint8_t *bytes)
{
  return (uint32_t)ew_load_be16 (bytes) << 16 | ew_load_be16 (bytes + 2);
}

static void
store32 (uint8_t *bytes, uint32_t value)
{
  ew_store_be16 (bytes, (uint16_t)(value >> 16));
  ew_store_be16 (bytes + 2, (uint16_t)value);
}

/* How far the segment counts in the space of sequence numbers; 0 for a header that claims more than there is. */
static uint32_t
count_sequence (const uint8_t *tcp, size_t size)
{
  const size_t header = (size_t)(tcp[12] >> 4) * 4;
  const uint32_t flags = ((tcp[13] & SYN) != 0) + ((tcp[13] & FIN) != 0);
  return header <= size ? (uint32_t)(size - header) + flags : flags;
}

size_t
ew_packet_build_reset (uint8_t *out, const uint8_t *packet, const EwIpHeader *header)
{
  const size_t size = (size_t)header->total_length - header->upper_at;
  if (header->unsafe || header->fragment || header->upper != TCP || header->upper_at > header->total_length
      || size < TCP_HEADER)
    return 0;
  const uint8_t *tcp = packet + header->upper_at;
  if ((tcp[13] & RST) != 0)
    return 0;
  const size_t ip = ew_packet_write_header (out, &header->destination, &header->source, TCP, 0, TCP_HEADER);
  uint8_t *reset = out + ip;
  memset (reset, 0, TCP_HEADER);
  memcpy (reset, tcp + 2, 2);
  memcpy (reset + 2, tcp, 2);
  reset[12] = NO_OPTIONS;
  if ((tcp[13] & ACK) != 0)
    {
      reset[13] = RST;
      memcpy (reset + 4, tcp + 8, 4);
    }
  else
    {
      reset[13] = RST | ACK;
      store32 (reset + 8, load32 (tcp + 4) + count_sequence (tcp, size));
    }
  ew_store_be16 (
    reset + 16,
    ew_checksum (reset, TCP_HEADER, ew_packet_pseudo_sum (&header->destination, &header->source, TCP, TCP_HEADER)));
  return ip + TCP_HEADER;
}
