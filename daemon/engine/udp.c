/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sockets are made in udp-socket.c and sent from in udp-send.c; here datagrams come out of them, in batches.
 */
#include "engine/udp-private.h"
#include "engine/udp-socket.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

static void
read_control (struct msghdr *message, EwArrival *arrival)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    {
      if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
        {
          struct in_pktinfo info;
          memcpy (&info, CMSG_DATA (c), sizeof info);
          arrival->from.local = ew_ip_from_bytes (EW_FAMILY_V4, (const uint8_t *)&info.ipi_spec_dst);
        }
      else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
        {
          struct in6_pktinfo info;
          memcpy (&info, CMSG_DATA (c), sizeof info);
          arrival->from.local = ew_ip_from_bytes (EW_FAMILY_V6, (const uint8_t *)&info.ipi6_addr);
        }
      else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
        {
          arrival->ecn = *CMSG_DATA (c) & 3; /* one byte, unlike IPV6_TCLASS */
        }
      else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
        {
          int traffic_class;
          memcpy (&traffic_class, CMSG_DATA (c), sizeof traffic_class);
          arrival->ecn = traffic_class & 3;
        }
      else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
        {
          int segment;
          memcpy (&segment, CMSG_DATA (c), sizeof segment);
          arrival->segment = segment > 0 && (gsize)segment < arrival->len ? (gsize)segment : 0;
        }
      else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
        {
          struct timespec time;
          memcpy (&time, CMSG_DATA (c), sizeof time);
          arrival->arrived_ns = (guint64)time.tv_sec * 1000000000 + (guint64)time.tv_nsec;
        }
    }
}

static void
read_message (const struct mmsghdr *message, const EwSocketAddress *from, EwArrival *arrival)
{
  EwEndpoint *endpoint = &arrival->from;

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
  arrival->ecn = 0;
  arrival->segment = 0;
  arrival->len = message->msg_hdr.msg_flags & MSG_TRUNC ? 0 : message->msg_len;
  read_control ((struct msghdr *)&message->msg_hdr, arrival);
}

static gsize
sockets_receive (EwUdp *udp, guint which, EwArrival *arrivals, gsize n)
{
  EwSocketBatch *in = &((EwUdpSockets *)udp)->in;

  for (gsize i = 0; i < n; i++)
    {
      in->vectors[i] = (struct iovec){ arrivals[i].data, arrivals[i].len };
      in->messages[i].msg_hdr = (struct msghdr){ .msg_name = &in->addresses[i],
                                                 .msg_namelen = sizeof in->addresses[i],
                                                 .msg_iov = &in->vectors[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = &in->controls[i],
                                                 .msg_controllen = sizeof in->controls[i] };
    }
  int got = recvmmsg (udp->fds[which], in->messages, n, MSG_DONTWAIT, NULL);
  for (int i = 0; i < got; i++)
    {
      read_message (&in->messages[i], &in->addresses[i], &arrivals[i]);
      arrivals[i].behind = (gsize)got == n;
    }
  return got > 0 ? (gsize)got : 0;
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

static const EwUdpClass sockets_class = { sockets_receive, ew_udp_sockets_send, sockets_set_mark, sockets_free };

static EwUdp *
wrap (const int fds[EW_UDP_FDS], guint16 port)
{
  EwUdpSockets *sockets = g_new0 (EwUdpSockets, 1);

  sockets->base.class = &sockets_class;
  sockets->base.port = port;
  memcpy (sockets->base.fds, fds, sizeof sockets->base.fds);
  sockets->base.gathers = ew_udp_sockets_set_gather (fds, TRUE);
  sockets->segments = ew_udp_sockets_know_segments (fds);
  return &sockets->base;
}

static EwUdp *
open_one (const char *address, guint16 port, guint32 mark, gboolean later, GError **error)
{
  int fds[EW_UDP_FDS];
  guint16 bound;

  return ew_udp_sockets_bind (address, port, mark, later, fds, &bound, error) ? wrap (fds, bound) : NULL;
}

EwUdp *
ew_udp_open (const char *address, guint16 port, guint32 mark, GError **error)
{
  return open_one (address, port, mark, FALSE, error);
}

guint
ew_udp_open_many (const char *address, guint16 port, guint32 mark, gboolean later, guint n, EwUdp **out, GError **error)
{
  int fds[EW_UDP_FDS];

  out[0] = open_one (address, port, mark, later, error);
  if (out[0] == NULL)
    return 0;
  if (n == 0)
    return 1;
  guint made = 1;
  ew_udp_sockets_share (out[0]->fds, TRUE);
  while (made <= n && ew_udp_sockets_join (address, out[0]->port, mark, out[0]->fds, fds))
    out[made++] = wrap (fds, out[0]->port);
  if (made == 1 + n && ew_udp_sockets_steer (out[0]->fds, n))
    return made;
  while (made > 1)
    g_clear_pointer (&out[--made], ew_udp_free);
  ew_udp_sockets_share (out[0]->fds, FALSE);
  return 1;
}
