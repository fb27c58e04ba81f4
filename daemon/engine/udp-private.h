/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What udp.c (life, in) and udp-send.c (out) share.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include "engine/udp.h"

G_BEGIN_DECLS

#define EW_UDP_PLAIN_PATHS 16

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} EwSocketAddress;

/* Room for the packet's local address, its traffic class, the size of its segments and the time of its arrival, both
   families. */
typedef union
{
  struct cmsghdr align;
  guint8 bytes[CMSG_SPACE (sizeof (struct in6_pktinfo)) + 2 * CMSG_SPACE (sizeof (int))
               + CMSG_SPACE (sizeof (struct timespec))];
} EwSocketControl;

/* One batch of messages, ready for recvmmsg(2) and sendmmsg(2). */
typedef struct
{
  struct mmsghdr messages[EW_BATCH_MAX];
  struct iovec vectors[EW_BATCH_MAX];
  EwSocketAddress addresses[EW_BATCH_MAX];
  EwSocketControl controls[EW_BATCH_MAX];
  EwBurst *bursts[EW_BATCH_MAX]; /* out: whose message it is */
  guint counts[EW_BATCH_MAX];    /* out: datagrams in it */
  gsize n;                       /* out */
} EwSocketBatch;

typedef struct
{
  EwUdp base;
  EwSocketBatch in, out;
  gboolean segments; /* the kernel knows UDP_SEGMENT */
  /* Destinations that a burst did not reach in one message although its datagrams did alone: a device without
     checksum offload (EIO), a path narrower than a datagram. Forgotten after a while: paths change. */
  struct
  {
    EwIp remote;
    gint64 until_us; /* monotonic; 0: free */
  } plain[EW_UDP_PLAIN_PATHS];
  guint next_plain;
  gboolean any_plain;
} EwUdpSockets;

/* EwUdpClass.send */
void ew_udp_sockets_send (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats);

G_END_DECLS
