/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by packet.c, icmp.c and link.c: the parts that inner packets are built and checked with.
 */
#pragma once

#include "proto/bytes.h"
#include "proto/packet.h"

#define EW_IPV4_HEADER 20
#define EW_IPV6_HEADER 40

/* Protocol numbers, IANA; those of IPv6 extension headers in packet.c. */
#define EW_PROTOCOL_ICMP 1
#define EW_PROTOCOL_UDP 17
#define EW_PROTOCOL_ICMPV6 58

/* Parses, and insists on what a host demands of a packet for itself: whole (no fragment at all), no options or
   extension headers, the IPv4 header's checksum right. */
bool ew_packet_parse_plain (const uint8_t *packet, size_t len, EwIpHeader *out);
