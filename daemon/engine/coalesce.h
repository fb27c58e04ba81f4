/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joining what came in pieces: packets of one TCP or UDP flow that follow one another become one large packet with a
 * virtio_net_hdr that says how it was cut (GRO), so that the host's stack is passed once. Only what could be cut again
 * into the very same packets is joined, and only after their checksums were found right. The order of a flow is kept.
 */
#pragma once

#include <glib.h>
#include <linux/virtio_net.h>
#include <sys/uio.h>
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_COALESCE_MAX 128 /* packets of one call */
#define EW_COALESCE_PARTS 64

/* Called for each packet that comes out. parts[0] is free for the caller: a header before the packet. The n_packets
   packets in it are in parts[1] … parts[n_parts - 1]. */
typedef void (*EwCoalesceEmit) (void *user, const struct virtio_net_hdr *header, struct iovec *parts, gsize n_parts,
                                gsize n_packets);

/* packets: n ≤ EW_COALESCE_MAX whole IP packets; their headers are changed in place. udp: datagrams may be joined too
   (the host cuts them again: USO). */
void ew_coalesce (const EwPacket *packets, gsize n, gboolean udp, EwCoalesceEmit emit, void *user);

G_END_DECLS
