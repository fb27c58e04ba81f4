/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an ICMP error is about. A router between a gateway and the subnet behind it reports "fragmentation needed" or
 * "time exceeded" from an address of its own, which isn't part of any offered route. Such a report is recognized by
 * the packet that it quotes (RFC 792, RFC 4443): its receiver sent that packet, and it was on its way through the
 * reporter.
 */
#pragma once

#include <stddef.h>
#include "proto/address.h"

/* True for an ICMP destination unreachable, time exceeded or parameter problem (types 3, 11, 12) or an ICMPv6 error
   (types 1 to 4), whatever it quotes. */
bool ew_icmp_is_report (const uint8_t *packet, size_t len);

/* … and it comes from a unicast address and quotes a packet which its receiver has sent; *towards: where that packet
   was going. packet is whole: len is its IP length. */
bool ew_icmp_quotes (const uint8_t *packet, size_t len, EwIp *towards);
