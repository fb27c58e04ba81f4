/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IPv4 fragmentation by a router (RFC 791 section 3.2), one fragment at a time.
 */
#include "proto/packet-private.h"

#include <string.h>

/* The word at 6 */
#define MORE_FRAGMENTS 0x2000
#define DONT_FRAGMENT 0x4000
#define OFFSET 0x1fff
#define OFFSET_UNIT 8

static void
finish_header (uint8_t *packet, size_t len, uint16_t place)
{
  ew_store_be16 (packet + 2, (uint16_t)len);
  ew_store_be16 (packet + 6, place);
  ew_store_be16 (packet + 10, 0);
  ew_store_be16 (packet + 10, ew_checksum (packet, EW_IPV4_HEADER, 0));
}

size_t
ew_packet_cut (uint8_t *first, uint8_t *packet, size_t len, uint16_t mtu)
{
  if (len <= mtu || len < EW_IPV4_HEADER || packet[0] != 0x45 || mtu < EW_IPV4_HEADER + 4 * OFFSET_UNIT)
    return 0;
  const uint16_t place = ew_load_be16 (packet + 6);
  const size_t kept = (size_t)(mtu - EW_IPV4_HEADER) / OFFSET_UNIT * OFFSET_UNIT;
  if ((place & DONT_FRAGMENT) || (place & OFFSET) + kept / OFFSET_UNIT > OFFSET)
    return 0;
  memcpy (first, packet, EW_IPV4_HEADER + kept);
  finish_header (first, EW_IPV4_HEADER + kept, place | MORE_FRAGMENTS);
  memcpy (packet + kept, packet, EW_IPV4_HEADER); /* over what first has */
  finish_header (packet + kept, len - kept, (uint16_t)(place + kept / OFFSET_UNIT));
  return kept;
}
