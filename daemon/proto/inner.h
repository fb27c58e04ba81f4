/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The little that a tunnel must know of the packets inside it: length, addresses, ECN. What a router needs is
 * packet.h's.
 */
#pragma once

#include "proto/device.h"

#define EW_ECN_CONGESTION_EXPERIENCED 3 /* RFC 3168 section 5 */

/* The length that the IP header claims; 0: no IPv4 or IPv6 header, or it claims more than len. */
size_t ew_inner_length (const uint8_t *packet, size_t len);
/* Of a packet that ew_inner_length() took: its family, and where its addresses are. */
EwFamily ew_inner_family (const uint8_t *packet);
const uint8_t *ew_inner_source (const uint8_t *packet);
const uint8_t *ew_inner_destination (const uint8_t *packet);

/* The two ECN bits of an outer header around this packet: RFC 6040 section 4.1, normal mode. Anything may be passed. */
uint8_t ew_inner_ecn_encapsulate (const uint8_t *packet, size_t len);
/* Brings what the outer header says into a packet that ew_inner_length() took: RFC 6040 section 4.2. False: congestion
   was signalled to a sender that does not understand it, so the packet must be dropped. */
bool ew_inner_ecn_decapsulate (uint8_t *packet, uint8_t outer);
