/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/segment.h"

#include <netinet/in.h>
#include <string.h>
#include "engine/transport.h"
#include "proto/packet.h"

gboolean
ew_segmenter_init (EwSegmenter *self, const struct virtio_net_hdr *header, const guint8 *packet, gsize len)
{
  const guint8 type = header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
  gsize transport_size;

  *self = (EwSegmenter){ .packet = packet, .transport = header->csum_start, .segment = header->gso_size };
  self->tcp = type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6;
  if ((!self->tcp && type != VIRTIO_NET_HDR_GSO_UDP_L4) || !(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
      || self->segment == 0 || len > G_MAXUINT16)
    return FALSE;
  if (len < EW_IPV4_SIZE || self->transport < (packet[0] >> 4 == 4 ? EW_IPV4_SIZE : EW_IPV6_SIZE)
      || (packet[0] >> 4 == 4 && self->transport != (gsize)(packet[0] & 15) * 4))
    return FALSE;
  if (self->transport + (self->tcp ? EW_TCP_SIZE : EW_UDP_SIZE) > len)
    return FALSE;
  transport_size = self->tcp ? (gsize)(packet[self->transport + 12] >> 4) * 4 : EW_UDP_SIZE;
  self->header = self->transport + transport_size;
  if ((self->tcp && transport_size < EW_TCP_SIZE) || self->header >= len)
    return FALSE;
  self->payload = len - self->header;
  return TRUE;
}

gsize
ew_segmenter_peek (const EwSegmenter *self)
{
  const gsize left = self->payload - self->done;

  return left == 0 ? 0 : self->header + MIN (left, self->segment);
}

/* RFC 9293 section 3.1. What a segment of many does not carry: FIN and PSH but in the last, CWR but in the first. */
static void
write_tcp (const EwSegmenter *self, guint8 *tcp, gboolean last)
{
  ew_store_be32 (tcp + 4, ew_load_be32 (tcp + 4) + (guint32)self->done);
  if (!last)
    tcp[13] &= (guint8) ~(EW_TCP_FIN | EW_TCP_PSH);
  if (self->index > 0)
    tcp[13] &= (guint8)~EW_TCP_CWR;
}

void
ew_segmenter_next (EwSegmenter *self, guint8 *out)
{
  const gsize size = ew_segmenter_peek (self), payload = size - self->header, behind = size - self->transport;
  const guint8 protocol = self->tcp ? IPPROTO_TCP : IPPROTO_UDP;
  guint8 *transport = out + self->transport;
  guint8 *field = transport + (self->tcp ? EW_TCP_CHECKSUM : EW_UDP_CHECKSUM);
  guint16 sum;

  memcpy (out, self->packet, self->header);
  if (out[0] >> 4 == 4)
    ew_store_be16 (out + 4, (guint16)(ew_load_be16 (out + 4) + self->index)); /* the identification */
  ew_transport_set_ip_length (out, self->transport, size);
  if (self->tcp)
    write_tcp (self, transport, self->done + payload == self->payload);
  else
    ew_store_be16 (transport + 4, (guint16)behind);
  ew_store_be16 (field, 0);
  /* The headers have an even size, so the payload's sum continues from theirs. */
  sum = ew_checksum (transport, self->header - self->transport, ew_transport_pseudo_sum (out, behind, protocol));
  sum = ew_checksum_copy (out + self->header, self->packet + self->header + self->done, payload, (guint16)~sum);
  ew_store_be16 (field, sum == 0 && !self->tcp ? 0xffff : sum);
  self->done += payload;
  self->index++;
}

gboolean
ew_segment_finish_checksum (const struct virtio_net_hdr *header, guint8 *packet, gsize len)
{
  const gsize start = header->csum_start, field = start + header->csum_offset;
  guint16 sum;

  if (start > len || field + 2 > len)
    return FALSE;
  /* The field holds the sum of the pseudo header, so it is summed along. */
  sum = ew_checksum (packet + start, len - start, 0);
  ew_store_be16 (packet + field, sum == 0 ? 0xffff : sum); /* 0 would say "none" in UDP, and is the same elsewhere */
  return TRUE;
}
