/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What must hold of joining and cutting, whatever the packets are: every packet comes out once, a flow's in their
 * order, and what was joined is cut into the very same packets again.
 */
#pragma once

#include "engine/coalesce.h"
#include "engine/transport.h"

#define OFFLOAD_PACKET_MAX 9000

/* Makes the checksum right. ip_size: where the TCP or UDP header begins; size: of the packet; protocol: 6 or 17. */
static inline void
offload_set_checksum (guint8 *packet, gsize ip_size, gsize size, guint8 protocol)
{
  guint8 *field = packet + ip_size + (protocol == 6 ? EW_TCP_CHECKSUM : EW_UDP_CHECKSUM);
  guint16 sum;

  ew_store_be16 (field, 0);
  sum = ew_checksum (packet + ip_size, size - ip_size, ew_transport_pseudo_sum (packet, size - ip_size, protocol));
  ew_store_be16 (field, sum == 0 && protocol != 6 ? 0xffff : sum);
}

/* Joins n ≤ EW_COALESCE_MAX packets (whole, but otherwise anything) and cuts the result again. Aborts where it differs.
   Returns how many packets result. */
gsize offload_check (const EwPacket *packets, gsize n, gboolean udp);
