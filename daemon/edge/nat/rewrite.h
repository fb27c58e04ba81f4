/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes of a translated packet: ports read, addresses and ports replaced, checksums updated by what has changed (RFC
 * 1624, equation 3), never computed from the packet: one that was damaged on its way stays recognizably damaged. A UDP
 * checksum of zero (none) stays so; one that becomes zero is sent as 0xffff (RFC 768, RFC 8200 section 8.1).
 */
#pragma once

#include "edge/nat/states.h"
#include "proto/packet.h"

/* Whether and how a packet is a fragment. An IPv6 packet with a fragment header that is whole nevertheless (RFC 6946)
   isn't one. */
typedef struct
{
  gboolean is; /* one of several */
  gboolean first;
  guint32 id;
  gsize id_at; /* 0: the packet has no identification, or none that matters (RFC 6864: whole, and DF set) */
} EwNatFragment;

/* header is ew_packet_parse()'s of that packet in all that follows, and not unsafe. */
void ew_nat_read_fragment (EwNatFragment *out, const guint8 *packet, const EwIpHeader *header);
/* FALSE: neither TCP nor UDP, a fragment after the first, or cut off. */
gboolean ew_nat_read_tuple (EwNatTuple *out, const guint8 *packet, const EwIpHeader *header);
/* EW_NAT_TCP_* of a packet whose tuple was read; 0: UDP. */
guint8 ew_nat_read_flags (const guint8 *packet, const EwIpHeader *header);
#define EW_NAT_TCP_FIN 1
#define EW_NAT_TCP_SYN 2
#define EW_NAT_TCP_RST 4
#define EW_NAT_TCP_ACK 16

/* What an ICMP error is about: quoted's offsets count from packet + *at. FALSE: packet isn't an error, or quotes nothing of
   TCP or UDP that its receiver sent. */
gboolean ew_nat_read_quoted (EwNatTuple *out, EwIpHeader *quoted, gsize *at, const guint8 *packet,
                             const EwIpHeader *header);

/* after: the addresses, and with `ports` (a packet whose tuple was read) the ports. */
void ew_nat_rewrite (guint8 *packet, const EwIpHeader *header, const EwNatTuple *after, gboolean ports);
/* An error: its own addresses, and the tuple of what it quotes at `at`. */
void ew_nat_rewrite_error (guint8 *packet, const EwIpHeader *header, const EwIp *source, const EwIp *destination,
                           const EwIpHeader *quoted, gsize at, const EwNatTuple *after);
void ew_nat_rewrite_id (guint8 *packet, const EwIpHeader *header, const EwNatFragment *fragment, guint32 id);
