/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where datagrams come from and go to: one UDP port on IPv4 and IPv6, or its twin in memory (tests/lib/memory-net.h). The worker
 * knows this interface only.
 *
 * Where the kernel can, many datagrams cross into it and out of it as one message: the way through its network stack is
 * then paid once for all of them. Elsewhere each is a message of its own; nothing else differs.
 *
 * A datagram's endpoint carries the address it was sent to, so that the answer leaves from there (a server with several
 * addresses). Outer packets may be fragmented on their way (DF clear), as the kernel's WireGuard does it: a path
 * narrower than the tunnel's MTU is slow then, not a black hole. Those that measure the path may not (EW_OUTER_WHOLE).
 */
#pragma once

#include <glib.h>
#include <sys/uio.h>
#include "engine/engine.h"

G_BEGIN_DECLS

typedef struct EwUdp EwUdp;

/* What one message of the kernel held: a datagram, or several of one sender and size in a row (UDP_GRO). */
typedef struct
{
  guint8 *data;  /* the caller's buffer */
  gsize len;     /* in: its capacity; out: of all datagrams together. 0: an empty one, or it did not fit */
  gsize segment; /* out: the size of each; the last may be shorter. 0: there is one */
  EwEndpoint from;
  guint8 ecn;         /* of the outer header */
  gboolean behind;    /* out: the kernel may hold more behind it. FALSE: the socket was emptied */
  guint64 arrived_ns; /* by the real-time clock; 0: unknown */
} EwArrival;

#define EW_BURST_MAX 64      /* datagrams: UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT */
#define EW_BURST_BYTES 65000 /* below what a UDP header can say, with the headers of IPv6 */

/* Datagrams of one size (the last may be shorter) to one endpoint: one message to the kernel (UDP_SEGMENT). */
typedef struct
{
  EwEndpoint to;
  EwPeer *peer;           /* NULL: cookie replies; only the reader of local_refused uses it */
  guint8 traffic_class;   /* DSCP and ECN of the outer header, or EW_OUTER_WHOLE and ECN: then it's one datagram */
  gboolean apart;         /* nothing else joins it */
  gboolean sparse;        /* to a stream: it needn't wait behind others */
  gboolean singly;        /* a message each: bursts to this peer are damaged */
  gboolean local_refused; /* out: to.local isn't an address of this computer any more; it was sent from another one */
  gsize segment;          /* the size of each */
  gsize len;              /* of all together */
  guint n;
  guint n_parts;
  struct iovec parts[EW_BURST_MAX]; /* datagrams that lie one after another are one part */
} EwBurst;

/* Whether one more datagram may join; a shorter one ends the burst. */
static inline gboolean
ew_burst_takes (const EwBurst *burst, gsize len)
{
  return burst->n < EW_BURST_MAX && !(burst->traffic_class & EW_OUTER_WHOLE) && len <= burst->segment
         && burst->len == burst->n * burst->segment && burst->len + len <= EW_BURST_BYTES && len > 0;
}

/* data is borrowed until the burst is sent. The first one decides the size. */
static inline void
ew_burst_append (EwBurst *burst, guint8 *data, gsize len)
{
  struct iovec *last = burst->n_parts > 0 ? &burst->parts[burst->n_parts - 1] : NULL;

  if (burst->n == 0)
    burst->segment = len;
  if (last != NULL && (guint8 *)last->iov_base + last->iov_len == data)
    last->iov_len += len;
  else
    burst->parts[burst->n_parts++] = (struct iovec){ data, len };
  burst->len += len;
  burst->n++;
}

/* Walks through a burst's datagrams; zeroed: before the first. */
typedef struct
{
  guint8 *data;
  gsize len;
  guint part;
  gsize offset;
} EwBurstCursor;

static inline gboolean
ew_burst_next (const EwBurst *burst, EwBurstCursor *cursor)
{
  const struct iovec *part = &burst->parts[cursor->part];

  if (cursor->part == burst->n_parts)
    return FALSE;
  cursor->data = (guint8 *)part->iov_base + cursor->offset;
  cursor->len = MIN (burst->segment, part->iov_len - cursor->offset);
  cursor->offset += cursor->len;
  if (cursor->offset == part->iov_len)
    {
      cursor->part++;
      cursor->offset = 0;
    }
  return TRUE;
}

/* In datagrams. */
typedef struct
{
  guint64 sent;
  guint64 failed; /* the kernel refused: no route, too large, a firewall's verdict */
  guint64 full;   /* dropped because the socket stayed full */
} EwUdpSendStats;

typedef struct
{
  /* Fills at most n ≤ EW_BATCH_MAX arrivals from fds[which]. Returns how many were filled. Never blocks. */
  gsize (*receive) (EwUdp *udp, guint which, EwArrival *arrivals, gsize n);
  /* Sends n bursts, except those to streams. Waits for a full socket for a few milliseconds at most: the pressure belongs on the TUN's queue,
     where TCP feels it. */
  void (*send) (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats);
  gboolean (*set_mark) (EwUdp *udp, guint32 mark, GError **error);
  void (*free) (EwUdp *udp);
} EwUdpClass;

#define EW_UDP_FDS 2

struct EwUdp
{
  const EwUdpClass *class;
  int fds[EW_UDP_FDS]; /* readable: receive() has something; -1: none */
  guint16 port;
  gboolean gathers; /* an arrival may hold many datagrams: a few are as good as a batch */
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
/* As ew_udp_open(): one for handshakes and everything else except data, at out[0], and n ≤ EW_LANES_MAX for data, each
   for the sessions of its lane (ew_device_lane_of()). Returns how many were made: 1 + n; 1 where n is 0 or the kernel
   cannot tell them apart; 0: none. later: address may be one that no interface has yet. */
guint ew_udp_open_many (const char *address, guint16 port, guint32 mark, gboolean later, guint n, EwUdp **out,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
