/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a packet is to a policy. Decided for what packet filters are got past with; pure, in the data threads.
 *
 *   IPv6 extension headers     followed to their end; what can't be followed is refused (proto/packet.h: `unsafe`)
 *   unknown protocols          judged by their number, an unknown extension header's too; AH and ESP among them
 *   TCP, UDP, SCTP, DCCP       judged by the port; with less than 8 bytes of their header the port is unreadable
 *   a first fragment           as a whole packet: it has 8 bytes of the header, or it's refused
 *   a later fragment           what was decided of its first; refused where that isn't known: it alone has no port
 *   an ICMP error              passes with the flow that it's about; else judged as ICMP
 *   other ICMP, echo requests  judged; only these open a flow, so that an answer or an error never does
 */
#pragma once

#include "edge/policy/classifier.h"
#include "proto/packet.h"

G_BEGIN_DECLS

typedef enum
{
  EW_POLICY_PACKET_REFUSED, /* whatever the policy says */
  EW_POLICY_PACKET_OPENS,   /* judged; the flow that it opens is to be remembered */
  EW_POLICY_PACKET_ALONE,   /* judged each time; nothing is to be remembered */
  EW_POLICY_PACKET_ERROR,   /* passes with its flow; else ALONE */
  EW_POLICY_PACKET_FOLLOWS  /* as its first fragment was decided; else refused. key isn't to be judged */
} EwPolicyPacket;

/* header: ew_packet_parse()'s of packet. key: the packet's own ends; unreadable, and port 0, where that can't be read. */
EwPolicyPacket ew_policy_read_packet (EwPolicyKey *key, const EwIpHeader *header, const guint8 *packet, gsize len);

G_END_DECLS
