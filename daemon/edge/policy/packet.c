/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/policy/packet.h"

#include <netinet/in.h>

#define READABLE 8 /* bytes of the upper layer: ports, or an ICMP type and its identifier */

static gboolean
is_echo_request (const EwIpHeader *header, const guint8 *packet)
{
  return packet[header->upper_at] == (header->upper == IPPROTO_ICMP ? 8 : 128);
}

EwPolicyPacket
ew_policy_read_packet (EwPolicyKey *key, const EwIpHeader *header, const guint8 *packet, gsize len)
{
  const gsize whole = MIN (len, header->total_length);
  const gboolean readable = whole >= (gsize)header->upper_at + READABLE;

  key->source = header->source;
  key->destination = header->destination;
  key->protocol = header->upper;
  key->port = 0;
  key->unreadable = ew_policy_has_ports (header->upper);
  if (header->unsafe)
    return EW_POLICY_PACKET_REFUSED;
  if (header->fragment)
    return EW_POLICY_PACKET_FOLLOWS;
  if (header->upper == IPPROTO_ICMP || header->upper == IPPROTO_ICMPV6)
    {
      if (ew_packet_is_error (packet, whole, header))
        return EW_POLICY_PACKET_ERROR;
      return readable && is_echo_request (header, packet) ? EW_POLICY_PACKET_OPENS : EW_POLICY_PACKET_ALONE;
    }
  if (!key->unreadable)
    return EW_POLICY_PACKET_OPENS;
  if (!readable)
    return EW_POLICY_PACKET_ALONE;
  key->unreadable = FALSE;
  key->port = (guint16)(packet[header->upper_at + 2] << 8 | packet[header->upper_at + 3]);
  return EW_POLICY_PACKET_OPENS;
}
