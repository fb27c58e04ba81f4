/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cutting what the host hands over whole. A host that leaves segmentation to this program (TSO, USO) passes up to 64 KB
 * of one flow after one header, and a virtio_net_hdr that says how to cut it; the network wants packets of the MTU's
 * size, each with its header, length, sequence number and checksum. Pure functions on bytes; every length is checked
 * here.
 */
#pragma once

#include <glib.h>
#include <linux/virtio_net.h>

G_BEGIN_DECLS

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers of before Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

typedef struct
{
  const guint8 *packet; /* borrowed */
  gsize header;         /* bytes of the IP and the TCP or UDP header */
  gsize transport;      /* where the latter begins */
  gsize payload;        /* bytes after the headers */
  gsize segment;        /* payload bytes of each packet but the last */
  gsize done;           /* payload bytes cut off so far */
  guint16 index;        /* of the next packet */
  gboolean tcp;
} EwSegmenter;

/* FALSE: nothing that could be cut so (a length that does not fit, another protocol). packet stays the caller's and
   unchanged until the last segment. */
gboolean ew_segmenter_init (EwSegmenter *self, const struct virtio_net_hdr *header, const guint8 *packet, gsize len);
/* The size of the next packet; 0: none is left. */
gsize ew_segmenter_peek (const EwSegmenter *self);
/* Writes the next packet, whole and with its checksums, to out: as many bytes as ew_segmenter_peek() said. */
void ew_segmenter_next (EwSegmenter *self, guint8 *out);

/* Makes the checksum of a packet that is otherwise complete (VIRTIO_NET_HDR_F_NEEDS_CSUM). FALSE: the header does not
   fit the packet. */
gboolean ew_segment_finish_checksum (const struct virtio_net_hdr *header, guint8 *packet, gsize len);

G_END_DECLS
