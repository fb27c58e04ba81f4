/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sockets are made in udp-socket.c; here datagrams go in and out of them, in batches.
 */
#include "engine/udp.h"
#include "engine/udp-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL_WAIT_MS 5

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} Address;

/* Room for the packet's local address and its traffic class, both families. */
typedef union
{
  struct cmsghdr align;
  guint8 bytes[CMSG_SPACE (sizeof (struct in6_pktinfo)) + CMSG_SPACE (sizeof (int))];
} Control;

/* One batch of messages, ready for recvmmsg(2) and sendmmsg(2). */
typedef struct
{
  struct mmsghdr messages[EW_BATCH_MAX];
  struct iovec vectors[EW_BATCH_MAX];
  Address addresses[EW_BATCH_MAX];
  Control controls[EW_BATCH_MAX];
} Batch;

typedef struct
{
  EwUdp base;
  Batch in, out;
} Sockets;

static void
read_control (struct msghdr *message, EwPacket *datagram)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    {
      if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
        {
          struct in_pktinfo info;
          memcpy (&info, CMSG_DATA (c), sizeof info);
          datagram->endpoint.local = ew_ip_from_bytes (EW_FAMILY_V4, (const uint8_t *)&info.ipi_spec_dst);
        }
      else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
        {
          struct in6_pktinfo info;
          memcpy (&info, CMSG_DATA (c), sizeof info);
          datagram->endpoint.local = ew_ip_from_bytes (EW_FAMILY_V6, (const uint8_t *)&info.ipi6_addr);
        }
      else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
        {
          datagram->ecn = *CMSG_DATA (c) & 3; /* one byte, unlike IPV6_TCLASS */
        }
      else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
        {
          int traffic_class;
          memcpy (&traffic_class, CMSG_DATA (c), sizeof traffic_class);
          datagram->ecn = traffic_class & 3;
        }
    }
}

static void
read_message (struct mmsghdr *message, const Address *from, EwPacket *datagram)
{
  EwEndpoint *endpoint = &datagram->endpoint;

  memset (endpoint, 0, sizeof *endpoint);
  endpoint->kind = EW_ENDPOINT_UDP;
  if (from->any.sa_family == AF_INET)
    {
      endpoint->remote = ew_ip_from_bytes (EW_FAMILY_V4, (const uint8_t *)&from->v4.sin_addr);
      endpoint->remote_port = ntohs (from->v4.sin_port);
    }
  else
    {
      endpoint->remote = ew_ip_from_bytes (EW_FAMILY_V6, (const uint8_t *)&from->v6.sin6_addr);
      endpoint->remote_port = ntohs (from->v6.sin6_port);
      endpoint->scope = from->v6.sin6_scope_id; /* only set for link-local addresses */
    }
  datagram->ecn = 0;
  datagram->len = message->msg_hdr.msg_flags & MSG_TRUNC ? 0 : message->msg_len;
  read_control (&message->msg_hdr, datagram);
}

static gsize
sockets_receive (EwUdp *udp, guint which, EwPacket *datagrams, gsize n)
{
  Batch *in = &((Sockets *)udp)->in;

  for (gsize i = 0; i < n; i++)
    {
      in->vectors[i] = (struct iovec){ datagrams[i].data, datagrams[i].len };
      in->messages[i].msg_hdr = (struct msghdr){ .msg_name = &in->addresses[i],
                                                 .msg_namelen = sizeof in->addresses[i],
                                                 .msg_iov = &in->vectors[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = &in->controls[i],
                                                 .msg_controllen = sizeof in->controls[i] };
    }
  int got = recvmmsg (udp->fds[which], in->messages, n, MSG_DONTWAIT, NULL);
  for (int i = 0; i < got; i++)
    read_message (&in->messages[i], &in->addresses[i], &datagrams[i]);
  return got > 0 ? (gsize)got : 0;
}

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
write_message_v4 (struct msghdr *message, Address *address, const EwDatagram *datagram, gboolean with_local)
{
  const EwEndpoint *to = &datagram->to;
  int tos = datagram->traffic_class;

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
write_message_v6 (struct msghdr *message, Address *address, const EwDatagram *datagram, gboolean with_local)
{
  const EwEndpoint *to = &datagram->to;
  int traffic_class = datagram->traffic_class;

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

static void
write_message (Batch *out, gsize i, const EwDatagram *datagram, gboolean with_local)
{
  struct msghdr *message = &out->messages[i].msg_hdr;

  out->vectors[i] = (struct iovec){ datagram->data, datagram->len };
  *message = (struct msghdr){
    .msg_name = &out->addresses[i], .msg_iov = &out->vectors[i], .msg_iovlen = 1, .msg_control = &out->controls[i]
  };
  memset (&out->controls[i], 0, sizeof out->controls[i]);
  if (datagram->to.remote.family == EW_FAMILY_V4)
    write_message_v4 (message, &out->addresses[i], datagram, with_local);
  else
    write_message_v6 (message, &out->addresses[i], datagram, with_local);
}

/* What the kernel says when the address we are to send from has left this host (a laptop that changed its network), or
   when it no longer has a way out from there. */
static gboolean
local_may_be_stale (const EwDatagram *datagram, int error)
{
  return datagram->to.local.family != EW_FAMILY_NONE && !datagram->local_refused
         && (error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH || error == EHOSTUNREACH
             || error == ENODEV);
}

/* Sends what the batch holds: message i is *datagrams[i]. One that fails does not hold up the others. */
static void
send_batch (int fd, Batch *out, EwDatagram **datagrams, gsize n, EwUdpSendStats *stats)
{
  gsize next = 0;

  while (next < n)
    {
      int sent = sendmmsg (fd, out->messages + next, n - next, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0)
        {
          stats->sent += (guint)sent;
          next += (guint)sent;
          continue;
        }
      if (errno == EINTR)
        continue;
      if (errno == EAGAIN || errno == ENOBUFS)
        {
          struct pollfd wait = { .fd = fd, .events = POLLOUT };
          if (errno == EAGAIN && poll (&wait, 1, FULL_WAIT_MS) > 0)
            continue;
          stats->full += n - next;
          return;
        }
      if (local_may_be_stale (datagrams[next], errno))
        {
          datagrams[next]->local_refused = TRUE;
          write_message (out, next, datagrams[next], FALSE);
          continue;
        }
      datagrams[next]->local_refused = FALSE; /* another address made no difference */
      stats->failed++;
      next++;
    }
}

static void
sockets_send (EwUdp *udp, EwDatagram *datagrams, gsize n, EwUdpSendStats *stats)
{
  static const EwFamily families[EW_UDP_FDS] = { EW_FAMILY_V4, EW_FAMILY_V6 };
  Sockets *sockets = (Sockets *)udp;
  EwDatagram *chosen[EW_BATCH_MAX];
  gsize taken = 0;

  for (guint which = 0; which < EW_UDP_FDS; which++)
    {
      gsize count = 0;
      for (gsize i = 0; i < n; i++)
        if (datagrams[i].to.kind == EW_ENDPOINT_UDP && datagrams[i].to.remote.family == families[which])
          {
            datagrams[i].local_refused = FALSE;
            if (udp->fds[which] < 0)
              continue;
            write_message (&sockets->out, count, &datagrams[i], TRUE);
            chosen[count++] = &datagrams[i];
          }
      send_batch (udp->fds[which], &sockets->out, chosen, count, stats);
      taken += count;
    }
  stats->failed += n - taken; /* a family that this host does not have */
}

static gboolean
sockets_set_mark (EwUdp *udp, guint32 mark, GError **error)
{
  for (guint which = 0; which < EW_UDP_FDS; which++)
    if (udp->fds[which] >= 0 && !ew_udp_socket_set_mark (udp->fds[which], mark, error))
      return FALSE;
  return TRUE;
}

static void
sockets_free (EwUdp *udp)
{
  for (guint which = 0; which < EW_UDP_FDS; which++)
    if (udp->fds[which] >= 0)
      close (udp->fds[which]);
  g_free (udp);
}

static const EwUdpClass sockets_class = { sockets_receive, sockets_send, sockets_set_mark, sockets_free };

EwUdp *
ew_udp_open (const char *address, guint16 port, guint32 mark, GError **error)
{
  int fds[EW_UDP_FDS];
  guint16 bound;

  if (!ew_udp_sockets_bind (address, port, mark, fds, &bound, error))
    return NULL;
  Sockets *sockets = g_new0 (Sockets, 1);
  sockets->base.class = &sockets_class;
  sockets->base.port = bound;
  memcpy (sockets->base.fds, fds, sizeof fds);
  return &sockets->base;
}
