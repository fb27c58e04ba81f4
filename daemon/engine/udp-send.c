/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Out: a burst is one message where the kernel can cut it into datagrams (UDP_SEGMENT), else a message each. One that
 * fails does not hold up the others.
 */
#include "engine/udp-private.h"
#include "engine/udp-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#define FULL_WAIT_MS 5
#define PLAIN_PATH_US (60 * G_USEC_PER_SEC)

static void
append_control (struct msghdr *message, int level, int type, const void *data, gsize size)
{
  struct cmsghdr *c = (struct cmsghdr *)((guint8 *)message->msg_control + message->msg_controllen);

  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN (size);
  memcpy (CMSG_DATA (c), data, size);
  message->msg_controllen += CMSG_SPACE (size);
}

static void
write_message_v4 (struct msghdr *message, EwSocketAddress *address, const EwBurst *burst, gboolean with_local)
{
  const EwEndpoint *to = &burst->to;
  int tos = burst->traffic_class & ~EW_OUTER_WHOLE;

  address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons (to->remote_port) };
  memcpy (&address->v4.sin_addr, to->remote.bytes, 4);
  message->msg_namelen = sizeof address->v4;
  append_control (message, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  if (with_local && to->local.family == EW_FAMILY_V4)
    {
      struct in_pktinfo info = { 0 };
      memcpy (&info.ipi_spec_dst, to->local.bytes, 4);
      append_control (message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

static void
write_message_v6 (struct msghdr *message, EwSocketAddress *address, const EwBurst *burst, gboolean with_local)
{
  const EwEndpoint *to = &burst->to;
  int traffic_class = burst->traffic_class & ~EW_OUTER_WHOLE;

  address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
                                       .sin6_port = htons (to->remote_port),
                                       .sin6_scope_id = to->scope };
  memcpy (&address->v6.sin6_addr, to->remote.bytes, 16);
  message->msg_namelen = sizeof address->v6;
  append_control (message, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof traffic_class);
  if (with_local && to->local.family == EW_FAMILY_V6)
    {
      struct in6_pktinfo info = { .ipi6_ifindex = to->scope };
      memcpy (&info.ipi6_addr, to->local.bytes, 16);
      append_control (message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

/* Of message i, whose datagrams are in place: where it goes, and how. */
static void
write_message (EwSocketBatch *out, gsize i, gboolean with_local)
{
  struct msghdr *message = &out->messages[i].msg_hdr;
  const EwBurst *burst = out->bursts[i];

  message->msg_name = &out->addresses[i];
  message->msg_control = &out->controls[i];
  message->msg_controllen = 0;
  memset (&out->controls[i], 0, sizeof out->controls[i]);
  if (burst->to.remote.family == EW_FAMILY_V4)
    write_message_v4 (message, &out->addresses[i], burst, with_local);
  else
    write_message_v6 (message, &out->addresses[i], burst, with_local);
  if (out->counts[i] > 1)
    {
      guint16 segment = (guint16)burst->segment;
      append_control (message, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    }
}

/* The kernel's errors when this computer no longer has the source address (a laptop that changed its network), or no
   route from it. */
static gboolean
local_may_be_stale (const EwBurst *burst, int error)
{
  return burst->to.local.family != EW_FAMILY_NONE && !burst->local_refused
         && (error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH || error == EHOSTUNREACH
             || error == ENODEV);
}

/* Paths that don't accept bursts. */

static gboolean
is_plain (const EwUdpSockets *sockets, const EwIp *remote)
{
  const gint64 now_us = sockets->any_plain ? g_get_monotonic_time () : 0;

  for (guint i = 0; now_us != 0 && i < EW_UDP_PLAIN_PATHS; i++)
    if (sockets->plain[i].until_us > now_us && ew_ip_equal (&sockets->plain[i].remote, remote))
      return TRUE;
  return FALSE;
}

static void
remember_plain (EwUdpSockets *sockets, const EwIp *remote)
{
  if (is_plain (sockets, remote))
    return;
  sockets->plain[sockets->next_plain].remote = *remote;
  sockets->plain[sockets->next_plain].until_us = g_get_monotonic_time () + PLAIN_PATH_US;
  sockets->next_plain = (sockets->next_plain + 1) % EW_UDP_PLAIN_PATHS;
  sockets->any_plain = TRUE;
}

/* EIO: the device doesn't compute checksums. EINVAL, EMSGSIZE: a datagram is larger than the path, and only alone it
   may be fragmented. */
static gboolean
is_refused_burst (const EwSocketBatch *out, gsize i, int error)
{
  return out->counts[i] > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE);
}

/* Sending. */

static void add_datagrams (EwUdpSockets *sockets, int fd, EwBurst *burst, EwUdpSendStats *stats);

/* What the kernel refused at message i. TRUE: the message was fixed; try it again. */
static gboolean
mend (EwUdpSockets *sockets, gsize i, int error, EwUdpSendStats *stats)
{
  EwSocketBatch *out = &sockets->out;
  EwBurst *burst = out->bursts[i];

  if (local_may_be_stale (burst, error))
    {
      burst->local_refused = TRUE;
      write_message (out, i, FALSE);
      return TRUE;
    }
  if (is_refused_burst (out, i, error))
    return FALSE;
  burst->local_refused = FALSE; /* another address made no difference */
  stats->failed += out->counts[i];
  return FALSE;
}

/* Sends the batch. Bursts that were refused as such are left in refused[]; returns how many. */
static gsize
send_batch (EwUdpSockets *sockets, int fd, EwBurst **refused, EwUdpSendStats *stats)
{
  EwSocketBatch *out = &sockets->out;
  gsize next = 0, n_refused = 0;

  while (next < out->n)
    {
      int sent = sendmmsg (fd, out->messages + next, (guint)(out->n - next), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0)
        {
          for (gsize end = next + (gsize)sent; next < end; next++)
            stats->sent += out->counts[next];
          continue;
        }
      if (errno == EINTR)
        continue;
      if (errno == EAGAIN || errno == ENOBUFS)
        {
          struct pollfd wait = { .fd = fd, .events = POLLOUT };
          if (errno == EAGAIN && poll (&wait, 1, FULL_WAIT_MS) > 0)
            continue;
          for (; next < out->n; next++)
            stats->full += out->counts[next];
          break;
        }
      int error = errno;
      if (mend (sockets, next, error, stats))
        continue;
      if (is_refused_burst (out, next, error))
        refused[n_refused++] = out->bursts[next];
      next++;
    }
  out->n = 0;
  return n_refused;
}

static void
flush (EwUdpSockets *sockets, int fd, EwUdpSendStats *stats)
{
  EwBurst *refused[EW_BATCH_MAX];
  gsize n = send_batch (sockets, fd, refused, stats);

  for (gsize i = 0; i < n; i++)
    {
      refused[i]->local_refused = FALSE;
      remember_plain (sockets, &refused[i]->to.remote);
      add_datagrams (sockets, fd, refused[i], stats); /* single ones are never refused as a burst: no second round */
    }
  if (n > 0)
    send_batch (sockets, fd, refused, stats);
}

static void
add_message (EwUdpSockets *sockets, int fd, EwBurst *burst, guint count, struct iovec *parts, gsize n_parts,
             EwUdpSendStats *stats)
{
  EwSocketBatch *out = &sockets->out;

  if (out->n == EW_BATCH_MAX)
    flush (sockets, fd, stats);
  gsize i = out->n++;
  out->bursts[i] = burst;
  out->counts[i] = count;
  if (n_parts == 1) /* the caller's may be freed by then */
    {
      out->vectors[i] = *parts;
      parts = &out->vectors[i];
    }
  out->messages[i].msg_hdr = (struct msghdr){ .msg_iov = parts, .msg_iovlen = n_parts };
  write_message (out, i, !burst->local_refused);
}

/* Each a message of its own. */
static void
add_datagrams (EwUdpSockets *sockets, int fd, EwBurst *burst, EwUdpSendStats *stats)
{
  EwBurstCursor cursor = { 0 };

  while (ew_burst_next (burst, &cursor))
    {
      struct iovec part = { cursor.data, cursor.len };
      add_message (sockets, fd, burst, 1, &part, 1, stats);
    }
}

/* A datagram that measures the path: what's larger than the interface fails here, what's larger than a link further on
   is lost there, and what a router once said about the path (ICMP can be forged) isn't considered. The socket is this
   thread's alone, and all that came before is on its way. */
static void
send_whole (EwUdpSockets *sockets, int fd, EwBurst *burst, EwUdpSendStats *stats)
{
  const gboolean v6 = burst->to.remote.family == EW_FAMILY_V6;

  flush (sockets, fd, stats);
  if (!ew_udp_socket_set_whole (fd, v6, TRUE))
    stats->failed++;
  else
    add_datagrams (sockets, fd, burst, stats);
  flush (sockets, fd, stats);
  ew_udp_socket_set_whole (fd, v6, FALSE);
}

void
ew_udp_sockets_send (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats)
{
  static const EwFamily families[EW_UDP_FDS] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  EwUdpSockets *sockets = (EwUdpSockets *)udp;

  for (gsize i = 0; i < n; i++)
    {
      bursts[i].local_refused = FALSE;
      if (bursts[i].to.kind == EW_ENDPOINT_STREAM)
        continue; /* another way's */
      if (bursts[i].to.kind != EW_ENDPOINT_UDP || udp->fds[bursts[i].to.remote.family == EW_FAMILY_V4 ? 0 : 1] < 0)
        stats->failed += bursts[i].n; /* a family that this host does not have */
    }
  for (guint which = 0; which < EW_UDP_FDS; which++)
    {
      if (udp->fds[which] < 0)
        continue;
      for (gsize i = 0; i < n; i++)
        {
          EwBurst *burst = &bursts[i];
          if (burst->to.kind != EW_ENDPOINT_UDP || burst->to.remote.family != families[which])
            continue;
          if (burst->traffic_class & EW_OUTER_WHOLE)
            send_whole (sockets, udp->fds[which], burst, stats);
          else if (burst->n == 1 || (sockets->segments && !burst->singly && !is_plain (sockets, &burst->to.remote)))
            add_message (sockets, udp->fds[which], burst, burst->n, burst->parts, burst->n_parts, stats);
          else
            add_datagrams (sockets, udp->fds[which], burst, stats);
        }
      flush (sockets, udp->fds[which], stats);
    }
}
