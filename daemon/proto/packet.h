/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inner IP packets, read and written by a router: header checks, TTL, ICMP and ICMPv6 errors and echoes. Pure functions
 * on bytes; every length is checked here.
 */
#pragma once

#include "proto/address.h"

typedef struct
{
  EwIp source, destination;
  uint16_t total_length; /* of the IP packet, ≤ the buffer */
  uint8_t protocol;      /* upper-layer protocol; for IPv6 the next header of the fixed header */
  uint8_t ttl;           /* or hop limit */
  uint8_t traffic_class;
  uint16_t header_length;
  bool fragment;     /* any fragment but the first: no upper-layer header inside */
  bool unsafe;       /* not for a router to pass on, see below */
  uint8_t upper;     /* the protocol after IPv6's extension headers; an unknown one is where they end */
  uint16_t upper_at; /* where it begins; of no meaning in a fragment or an unsafe packet */
} EwIpHeader;

/* What a router that judges by addresses and ports must not pass on, because it would judge something else than what
   arrives:

   - IPv6 extension headers that cannot be followed to their end: cut off, more than eight, hop-by-hop options anywhere
     but first (RFC 8200 section 4.1);

   - a first fragment without the first 8 bytes of the upper layer (RFC 7112, RFC 1858);

   - a packet with a route of its own: IPv4's source route options, an IPv6 routing header with segments left.

   Everything else is passed on, unknown protocols too. */

typedef enum
{
  EW_ICMP_TTL_EXCEEDED,
  EW_ICMP_NO_ROUTE,
  EW_ICMP_HOST_UNREACHABLE,
  EW_ICMP_PROHIBITED,
  EW_ICMP_TOO_BIG,
  EW_ICMP_PORT_UNREACHABLE
} EwIcmpError;

/* False: not an IPv4 or IPv6 packet whose lengths agree with len (len may be larger: padding). */
bool ew_packet_parse (const uint8_t *packet, size_t len, EwIpHeader *out);
/* Decrements TTL or hop limit in place and updates the IPv4 checksum. False: it was 1 or 0 and the packet must not go
 * on.
 */
bool ew_packet_decrement_ttl (uint8_t *packet, size_t len);
/* Builds the ICMP error that answers packet, from `from`. Returns its size, 0 where none may be sent (RFC 1122: answers
   to ICMP errors, fragments, multicast, unspecified sources; from is of another family). out: at least 1280 bytes, not
   overlapping packet. mtu only for TOO_BIG. */
size_t ew_packet_build_error (uint8_t *out, const uint8_t *packet, size_t len, const EwIp *from, EwIcmpError error,
                              uint16_t mtu);
/* Cuts off as much as fits into mtu of an IPv4 packet that ew_packet_parse() accepted: first gets that fragment, whose
   size is 20 more than what is returned; packet + that is the rest, whose size is as much less than len, and which may be
   cut again. 0: nothing was done, it isn't larger or may not be fragmented (IPv6, DF, options). first: mtu bytes, not
   overlapping packet. */
size_t ew_packet_cut (uint8_t *first, uint8_t *packet, size_t len, uint16_t mtu);
/* Whether packet, whose header is ew_packet_parse()'s, is an ICMP or ICMPv6 error rather than anything else. */
bool ew_packet_is_error (const uint8_t *packet, size_t len, const EwIpHeader *header);
/* The header of the packet that an ICMP error quotes, whose receiver had sent it; *at: where it begins, offsets in
   quoted count from there, and its total length ends with what is quoted, or earlier. False: packet isn't an error, or
   quotes less than a header and 8 bytes after it, or what another one had sent. */
bool ew_packet_parse_quoted (const uint8_t *packet, size_t len, const EwIpHeader *header, EwIpHeader *quoted,
                             size_t *at);
/* The RST that refuses a TCP segment, from where that was sent to. Returns its size; 0: it's not a whole TCP header, or
   is an RST itself. out: 60 bytes, not overlapping packet. header is ew_packet_parse()'s. */
size_t ew_packet_build_reset (uint8_t *out, const uint8_t *packet, const EwIpHeader *header);
/* An echo request; payload_len bytes of payload copied. out: at least 48 + payload_len. Returns the size. */
size_t ew_packet_build_echo (uint8_t *out, const EwIp *from, const EwIp *to, uint16_t id, uint16_t sequence,
                             const uint8_t *payload, size_t payload_len);
/* Turns an echo request into its reply in place. False: it isn't one, or its checksum is wrong. */
bool ew_packet_answer_echo (uint8_t *packet, size_t len);
/* True for a well-formed echo reply. payload points into packet. */
bool ew_packet_parse_echo_reply (const uint8_t *packet, size_t len, uint16_t *id, uint16_t *sequence,
                                 const uint8_t **payload, size_t *payload_len);
/* Internet checksum (RFC 1071) over data, starting from a partial sum of 16-bit words in host order: the complement,
   ready to be stored in network order; 0 over data that holds its right checksum. */
uint16_t ew_checksum (const uint8_t *data, size_t len, uint32_t partial);
/* The same in passing, while len bytes are copied to out. */
uint16_t ew_checksum_copy (uint8_t *out, const uint8_t *data, size_t len, uint32_t partial);
/* Writes a header without options (TTL 64) for payload_len bytes after it and returns its size: 20 or 40; 0 where the
   families differ or the whole would be larger than 65,535 bytes. */
size_t ew_packet_write_header (uint8_t *out, const EwIp *from, const EwIp *to, uint8_t protocol, uint8_t traffic_class,
                               size_t payload_len);
/* Partial sum of the pseudo header (RFC 768, RFC 8200 section 8.1), for ew_checksum(). */
uint32_t ew_packet_pseudo_sum (const EwIp *from, const EwIp *to, uint8_t protocol, size_t payload_len);
