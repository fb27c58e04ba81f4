/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/udp-socket.h"
#include "common/phrase.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Holds a burst while the data thread is not scheduled: 25 ms at 1 Gb/s. The kernel counts it only while it is full. */
#define SOCKET_BUFFER_BYTES (4 * 1024 * 1024)
#define FREE_PORT_TRIES 20

static gboolean
set_int (int fd, int level, int option, int value)
{
  return setsockopt (fd, level, option, &value, sizeof value) == 0;
}

gboolean
ew_udp_socket_set_mark (int fd, guint32 mark, GError **error)
{
  if (setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0)
    return TRUE;
  if (errno == EPERM)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                  "The tunnel's UDP socket can't be marked without CAP_NET_ADMIN. Run as root.");
  else
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The tunnel's UDP socket couldn't be marked: %s.",
                  g_strerror (errno));
  return FALSE;
}

/* Beyond net.core.rmem_max and wmem_max with CAP_NET_ADMIN, up to them without. */
static void
set_buffers (int fd)
{
  if (!set_int (fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES))
    set_int (fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
  if (!set_int (fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES))
    set_int (fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
}

gboolean
ew_udp_socket_set_whole (int fd, gboolean v6, gboolean whole)
{
  if (!v6)
    return set_int (fd, IPPROTO_IP, IP_MTU_DISCOVER, whole ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
  return set_int (fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, whole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
}

/* The traffic class is a convenience and may be missing; the local address is not: without it a server with two
   addresses would answer from the wrong one. */
static gboolean
set_options (int fd, int family)
{
  set_buffers (fd);
  set_int (fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  if (family == AF_INET)
    {
      set_int (fd, IPPROTO_IP, IP_RECVTOS, 1);
      set_int (fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
      return set_int (fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
  set_int (fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  set_int (fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  return set_int (fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set_int (fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* An address that no interface has yet may be bound. */
static gboolean
set_freebind (int fd, int family)
{
  return family == AF_INET ? set_int (fd, IPPROTO_IP, IP_FREEBIND, 1) : set_int (fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

static int
bind_socket (int fd, int family, const EwIp *ip, guint16 port)
{
  struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons (port) };
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons (port) };

  if (ip != NULL)
    memcpy (family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr, ip->bytes, ew_ip_size (ip));
  return family == AF_INET ? bind (fd, (struct sockaddr *)&v4, sizeof v4)
                           : bind (fd, (struct sockaddr *)&v6, sizeof v6);
}

static guint16
get_port (int fd)
{
  struct sockaddr_in6 name = { 0 }; /* sin_port and sin6_port lie at the same place */
  socklen_t size = sizeof name;

  getsockname (fd, (struct sockaddr *)&name, &size);
  return ntohs (name.sin6_port);
}

/* Returns the bound socket, or -1 with errno. ip NULL: any. shared: other sockets of this program have the port,
   too. */
static int
open_family (int family, const EwIp *ip, guint16 port, gboolean shared, gboolean later)
{
  int fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
  if (fd < 0)
    return -1;
  if ((!shared || set_int (fd, SOL_SOCKET, SO_REUSEPORT, 1)) && (!later || set_freebind (fd, family))
      && set_options (fd, family) && bind_socket (fd, family, ip, port) == 0)
    return fd;
  int saved = errno;
  close (fd);
  errno = saved;
  return -1;
}

/* IPv6 may be compiled out, or switched off on every interface: the tunnel works on IPv4 alone then. */
static gboolean
family_is_missing (int error)
{
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

/* Both families on one port. FALSE with errno; nothing stays open then. */
static gboolean
open_both (guint16 port, int fds[EW_UDP_FDS])
{
  fds[1] = -1;
  fds[0] = open_family (AF_INET, NULL, port, FALSE, FALSE);
  if (fds[0] < 0)
    return FALSE;
  fds[1] = open_family (AF_INET6, NULL, get_port (fds[0]), FALSE, FALSE);
  if (fds[1] >= 0 || family_is_missing (errno))
    return TRUE;
  int saved = errno;
  close (fds[0]);
  fds[0] = -1;
  errno = saved;
  return FALSE;
}

static gboolean
open_any (guint16 port, int fds[EW_UDP_FDS])
{
  /* A port that is free on IPv4 may be taken on IPv6: then the kernel is asked for another. */
  for (guint try = 0; try < FREE_PORT_TRIES; try++)
    {
      if (open_both (port, fds))
        return TRUE;
      if (port != 0 || errno != EADDRINUSE)
        return FALSE;
    }
  return FALSE;
}

static void
set_bind_error (GError **error, const char *address, guint16 port, int code)
{
  g_autofree gchar *where
    = address != NULL ? ew_phrase ("UDP port %u on %s", port, address) : ew_phrase ("UDP port %u", port);

  if (code == EADDRINUSE)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE,
                  "%s is in use by another program. Stop it (`ss -lunp` names it), or choose another port.", where);
  else if (code == EACCES)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                  "%s needs a privilege (CAP_NET_BIND_SERVICE). Run as root, or choose a port above 1023.", where);
  else if (code == EADDRNOTAVAIL)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                  "%s can't be opened: no interface of this computer has that address.", where);
  else
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "%s couldn't be opened: %s.", where,
                  g_strerror (code));
}

gboolean
ew_udp_sockets_bind (const char *address, guint16 port, guint32 mark, gboolean later, int fds[EW_UDP_FDS],
                     guint16 *bound, GError **error)
{
  EwIp ip;
  gboolean opened;

  fds[0] = fds[1] = -1;
  if (address != NULL && !ew_ip_parse (address, &ip))
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                    "\"%s\" isn't an IP address to listen on. Give it as numbers, without brackets or port.", address);
      return FALSE;
    }
  if (address == NULL)
    opened = open_any (port, fds);
  else if (ip.family == EW_FAMILY_V4)
    opened = (fds[0] = open_family (AF_INET, &ip, port, FALSE, later)) >= 0;
  else
    opened = (fds[1] = open_family (AF_INET6, &ip, port, FALSE, later)) >= 0;
  if (!opened)
    {
      set_bind_error (error, address, port, errno);
      return FALSE;
    }

  *bound = get_port (fds[0] >= 0 ? fds[0] : fds[1]);
  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (mark != 0 && fds[i] >= 0 && !ew_udp_socket_set_mark (fds[i], mark, error))
      {
        for (guint j = 0; j < EW_UDP_FDS; j++)
          if (fds[j] >= 0)
            close (fds[j]);
        return FALSE;
      }
  return TRUE;
}

void
ew_udp_sockets_share (const int fds[EW_UDP_FDS], gboolean on)
{
  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (fds[i] >= 0)
      set_int (fds[i], SOL_SOCKET, SO_REUSEPORT, on);
}

/* 0, or 1 and the first byte of a data message's receiver index modulo n. What is too short ends the program, which
   then says 0. */
gboolean
ew_udp_sockets_steer (const int fds[EW_UDP_FDS], guint n)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x04000000, 0, 4), /* type 4 and three zero bytes (proto/messages.h) */
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 4),
    BPF_STMT (BPF_ALU | BPF_MOD | BPF_K, n),
    BPF_STMT (BPF_ALU | BPF_ADD | BPF_K, 1),
    BPF_STMT (BPF_RET | BPF_A, 0),
    BPF_STMT (BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program;

  memset (&program, 0, sizeof program); /* its padding too: the kernel is given it */
  program.len = G_N_ELEMENTS (code);
  program.filter = code;
  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (fds[i] >= 0 && setsockopt (fds[i], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0)
      return FALSE;
  return TRUE;
}

gboolean
ew_udp_sockets_join (const char *address, guint16 port, guint32 mark, const int first[EW_UDP_FDS], int fds[EW_UDP_FDS])
{
  static const int families[EW_UDP_FDS] = { AF_INET, AF_INET6 };
  gboolean joined = TRUE;
  EwIp ip;

  if (address != NULL && !ew_ip_parse (address, &ip))
    return FALSE;
  for (guint i = 0; i < EW_UDP_FDS; i++)
    {
      fds[i] = first[i] >= 0 && joined
                 ? open_family (families[i], address != NULL ? &ip : NULL, port, TRUE, address != NULL)
                 : -1;
      joined = joined && (fds[i] >= 0) == (first[i] >= 0)
               && (fds[i] < 0 || mark == 0 || ew_udp_socket_set_mark (fds[i], mark, NULL));
    }
  for (guint i = 0; i < EW_UDP_FDS && !joined; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  return joined;
}

/* Before Linux 5.12 a socket that gathers may be given segments of a tunnel's packet that it cannot tell apart. */
static gboolean
kernel_gathers_right (void)
{
  struct utsname name;
  gchar *rest;

  if (uname (&name) != 0)
    return FALSE;
  guint64 major = g_ascii_strtoull (name.release, &rest, 10);
  return *rest == '.' && (major > 5 || (major == 5 && g_ascii_strtoull (rest + 1, NULL, 10) >= 12));
}

gboolean
ew_udp_sockets_set_gather (const int fds[EW_UDP_FDS], gboolean on)
{
  gboolean all = on && kernel_gathers_right ();

  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (fds[i] >= 0 && !set_int (fds[i], IPPROTO_UDP, UDP_GRO, all))
      all = FALSE;
  return all;
}

gboolean
ew_udp_sockets_know_segments (const int fds[EW_UDP_FDS])
{
  for (guint i = 0; i < EW_UDP_FDS; i++)
    {
      int value;
      socklen_t size = sizeof value;
      if (fds[i] >= 0 && getsockopt (fds[i], IPPROTO_UDP, UDP_SEGMENT, &value, &size) != 0)
        return FALSE;
    }
  return TRUE;
}
