/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where datagrams come from and go to: one UDP port on IPv4 and IPv6, or its twin in memory (memory.h). The worker
 * knows this interface only.
 *
 * A datagram's endpoint carries the address it was sent to, so that the answer leaves from there (a server with several
 * addresses). Outer packets may be fragmented on their way (DF clear), as the kernel's WireGuard does it: a path
 * narrower than the tunnel's MTU is slow then, not a black hole.
 */
#pragma once

#include <glib.h>
#include "engine/engine.h"

G_BEGIN_DECLS

typedef struct EwUdp EwUdp;

/* One datagram to send. */
typedef struct
{
  EwEndpoint to;
  guint8 *data;
  gsize len;
  guint8 traffic_class;   /* DSCP and ECN of the outer header */
  EwPeer *peer;           /* NULL: cookie replies; not for the socket, but for whoever reads local_refused */
  gboolean local_refused; /* out: to.local is no address of this host any more; it was sent from another one */
} EwDatagram;

typedef struct
{
  guint64 sent;
  guint64 failed; /* the kernel refused: no route, too large, a firewall's verdict */
  guint64 full;   /* dropped because the socket stayed full */
} EwUdpSendStats;

typedef struct
{
  /* Fills at most n ≤ EW_BATCH_MAX buffers from fds[which]; each len is the buffer's capacity on entry, the datagram's
     size on return (0: did not fit). Returns how many were filled. Never blocks. */
  gsize (*receive) (EwUdp *udp, guint which, EwPacket *datagrams, gsize n);
  /* Sends n ≤ EW_BATCH_MAX. Waits for a full socket for a few milliseconds at most: the pressure belongs on the TUN's
     queue, where TCP feels it. */
  void (*send) (EwUdp *udp, EwDatagram *datagrams, gsize n, EwUdpSendStats *stats);
  gboolean (*set_mark) (EwUdp *udp, guint32 mark, GError **error);
  void (*free) (EwUdp *udp);
} EwUdpClass;

#define EW_UDP_FDS 2

struct EwUdp
{
  const EwUdpClass *class;
  int fds[EW_UDP_FDS]; /* readable: receive() has something; -1: none */
  guint16 port;
};

static inline void
ew_udp_free (EwUdp *udp)
{
  udp->class->free (udp);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwUdp, ew_udp_free)

/* Binds port (0: one that is free on both families) on address (numeric; NULL: all of IPv4, and of IPv6 where the host
   has it). mark: SO_MARK, 0: none. Errors: EW_ENGINE_ERROR_PORT_IN_USE, _PRIVILEGE, _FAILED. */
EwUdp *ew_udp_open (const char *address, guint16 port, guint32 mark, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
