/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The headers of TCP and UDP as segment.c and coalesce.c need them: where a field lies, lengths and checksums.
 */
#pragma once

#include <glib.h>
#include <string.h>
#include "proto/bytes.h"
#include "proto/packet.h"

#define EW_IPV4_SIZE 20
#define EW_IPV6_SIZE 40
#define EW_TCP_SIZE 20 /* without options */
#define EW_UDP_SIZE 8

/* RFC 9293 section 3.1 and RFC 3168 section 6.1: byte 13 of the header. */
#define EW_TCP_FIN 0x01
#define EW_TCP_PSH 0x08
#define EW_TCP_ACK 0x10
#define EW_TCP_CWR 0x80

#define EW_TCP_CHECKSUM 16 /* offsets of the field in its header */
#define EW_UDP_CHECKSUM 6

/* The packet has `size` bytes: says so in its IP header, whose checksum follows. ip_size: of the IP header. */
static inline void
ew_transport_set_ip_length (guint8 *packet, gsize ip_size, gsize size)
{
  if (packet[0] >> 4 != 4)
    {
      ew_store_be16 (packet + 4, (guint16)(size - EW_IPV6_SIZE));
      return;
    }
  ew_store_be16 (packet + 2, (guint16)size);
  ew_store_be16 (packet + 10, 0);
  ew_store_be16 (packet + 10, ew_checksum (packet, ip_size, 0));
}

/* Sum of the pseudo header (RFC 768, RFC 8200 section 8.1) of `size` bytes after the IP header, folded to 16 bits. */
static inline guint16
ew_transport_pseudo_sum (const guint8 *packet, gsize size, guint8 protocol)
{
  const guint8 *addresses = packet[0] >> 4 == 4 ? packet + 12 : packet + 8;
  const gsize both = packet[0] >> 4 == 4 ? 8 : 32;

  return (guint16)~ew_checksum (addresses, both, (guint32)protocol + (guint32)size);
}

/* ip_size: where the TCP or UDP header begins; size: of the packet. */
static inline gboolean
ew_transport_checksum_is_right (const guint8 *packet, gsize ip_size, gsize size, guint8 protocol)
{
  return ew_checksum (packet + ip_size, size - ip_size, ew_transport_pseudo_sum (packet, size - ip_size, protocol))
         == 0;
}
