/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The key of a flow: one value for both directions of a conversation, so that a stateful verdict finds the reply where
 * it stored the request. The two ends are ordered by address and port; `reversed` says which of them sent this packet.
 *
 * The protocol is the one after IPv6's extension headers, so that a header in between hides nothing from a policy.
 * Ports are those of TCP, UDP, SCTP and DCCP; for an ICMP echo both are its identifier; for anything else, and for
 * fragments after the first (which carry no upper-layer header), zero.
 *
 * A flow through a service has the caller's own end and that of the target, as if there were no translation, and the
 * service's number: what may reach a target through a service may be forbidden to reach it directly.
 */
#pragma once

#include <glib.h>
#include "proto/packet.h"

typedef struct
{
  EwIp low, high;
  guint16 low_port, high_port;
  guint8 protocol;
  guint16 service;   /* the number of the service that it goes through; 0: none */
  gboolean reversed; /* this packet is from high to low; not part of the key */
  /* Its ID, address and port, as the caller called it, while a verdict is asked; NULL: none, and the rest is of no
     meaning. Not part of the key. */
  const gchar *service_id;
  EwIp service_ip;
  guint16 service_port;
} EwFlow;

/* header is ew_packet_parse()'s of that packet. Never fails: what cannot be read is zero. */
void ew_switch_flow_init (EwFlow *flow, const EwIpHeader *header, const guint8 *packet, gsize len);
/* Whether the packet can begin a conversation. FALSE: of ICMP, all but an echo request: an answer or an error that was let
   pass must not let its receiver open anything. */
gboolean ew_switch_flow_opens (const EwIpHeader *header, const guint8 *packet, gsize len);
/* Of a packet from that end to that one, through no service. */
void ew_switch_flow_init_ends (EwFlow *flow, const EwIp *source, guint16 source_port, const EwIp *destination,
                               guint16 destination_port, guint8 protocol);
/* The flow of the packet that an ICMP error quotes, as that packet was: FALSE for anything but an error about a packet
   that the error's receiver had sent. */
gboolean ew_switch_flow_init_quoted (EwFlow *flow, const EwIpHeader *header, const guint8 *packet, gsize len);
/* The same for both directions. With a secret seed strangers cannot tell which flows meet. */
guint32 ew_switch_flow_hash (const EwFlow *flow, guint64 seed);
