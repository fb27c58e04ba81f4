/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/server-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128
#define RECEIVE_BUFFER (4 * 1024 * 1024) /* bytes; without CAP_NET_ADMIN the kernel allows less (rmem_max) */
#define SEND_BUFFER (32 * 1024) /* of a connection; the kernel's default would keep megabytes that aren't read */

static socklen_t
to_sockaddr (const EwIp *ip, guint16 port, struct sockaddr_storage *out)
{
  memset (out, 0, sizeof *out);
  if (ip->family == EW_FAMILY_V4)
    {
      struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
      in->sin_family = AF_INET;
      in->sin_port = htons (port);
      memcpy (&in->sin_addr, ip->bytes, sizeof in->sin_addr);
      return sizeof *in;
    }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons (port);
  memcpy (&in6->sin6_addr, ip->bytes, sizeof in6->sin6_addr);
  return sizeof *in6;
}

static gboolean
set_option (int fd, int level, int name, int value)
{
  return setsockopt (fd, level, name, &value, sizeof value) == 0;
}

/* The address may come later (FREEBIND). REUSEADDR: neither past connections of an edge that ended block the port, nor,
 * for UDP, a program that has it at all addresses and allows sharing, as dnsmasq does: what arrives on the edge's
 * interface goes to the edge. */
static int
open_socket (const EwDnsDoor *door, int type, guint16 port)
{
  const gboolean v6 = door->address.family == EW_FAMILY_V6;
  const gchar *interface = door->server->interface;
  struct sockaddr_storage address;
  socklen_t len = to_sockaddr (&door->address, port, &address);
  int fd = socket (v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return -1;
  if (type == SOCK_DGRAM)
    (void)(set_option (fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
           || set_option (fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER));
  else
    (void)set_option (fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER); /* its connections inherit it */
  if ((!v6 || set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
      && set_option (fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, 1)
      && set_option (fd, SOL_SOCKET, SO_REUSEADDR, 1)
      && setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen (interface) + 1) == 0
      && bind (fd, (const struct sockaddr *)&address, len) == 0 && (type == SOCK_DGRAM || listen (fd, BACKLOG) == 0))
    return fd;
  int code = errno;
  close (fd);
  errno = code;
  return -1;
}

static guint16
get_port (int fd)
{
  union
  {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address = { 0 };
  socklen_t len = sizeof address;

  if (getsockname (fd, &address.any, &len) != 0)
    return 0;
  return ntohs (address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* IPv6 is switched off here, which the exit's limits say. */
static gboolean
is_absent (const EwDnsDoor *door, int code)
{
  return door->address.family == EW_FAMILY_V6 && (code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == ENOPROTOOPT);
}

/* Returns whether it could be bound now. */
static gboolean
open_one (EwDnsDoor *door, guint i, guint16 port)
{
  EwDnsSocket *one = &door->sockets[i];
  GUnixFDSourceFunc func = i == 0 ? ew_dns_udp_ready : ew_dns_tcp_ready;

  if (one->fd >= 0)
    return FALSE;
  one->fd = open_socket (door, i == 0 ? SOCK_DGRAM : SOCK_STREAM, port);
  one->error = one->fd >= 0 ? 0 : errno;
  if (one->fd < 0)
    return FALSE;
  one->source = g_unix_fd_source_new (one->fd, G_IO_IN);
  g_source_set_callback (one->source, G_SOURCE_FUNC (func), door, NULL);
  g_source_attach (one->source, door->server->context);
  return TRUE;
}

gboolean
ew_dns_doors_open (EwDnsServer *self, gboolean *all)
{
  gboolean changed = FALSE, listening = FALSE;
  guint16 port = self->port;

  *all = TRUE;
  for (guint i = 0; i < self->n_doors * 2; i++)
    {
      EwDnsDoor *door = &self->doors[i / 2];
      const EwDnsSocket *one = &door->sockets[i % 2];

      changed |= open_one (door, i % 2, port);
      *all = *all && (one->fd >= 0 || is_absent (door, one->error));
      listening = listening || (i % 2 == 0 && one->fd >= 0);
      if (port == 0 && one->fd >= 0)
        port = get_port (one->fd);
    }
  g_mutex_lock (&self->lock);
  self->listening = listening;
  self->bound_port = port;
  g_mutex_unlock (&self->lock);
  return changed;
}

void
ew_dns_doors_close (EwDnsServer *self)
{
  for (guint i = 0; i < self->n_doors * 2; i++)
    {
      EwDnsSocket *one = &self->doors[i / 2].sockets[i % 2];

      if (one->fd < 0)
        continue;
      g_source_destroy (one->source);
      g_source_unref (one->source);
      close (one->fd);
      one->fd = -1;
    }
}

/* Where the sockets of this kind are not bound, as text; *code: why. NULL: they are. */
static gchar *
find_unbound (EwDnsServer *self, guint kind, int *code)
{
  g_autoptr (GString) where = g_string_new (NULL);

  for (guint i = 0; i < self->n_doors; i++)
    {
      const EwDnsDoor *door = &self->doors[i];
      int error = door->sockets[kind].error;
      gchar text[EW_IP_STRLEN];

      if (error == 0 || is_absent (door, error))
        continue;
      ew_ip_format (&door->address, text);
      if (strstr (where->str, text) == NULL)
        g_string_append_printf (where, "%s%s", where->len > 0 ? " and " : "", text);
      *code = error;
    }
  return where->len > 0 ? g_strdup (where->str) : NULL;
}

gchar *
ew_dns_doors_limits (EwDnsServer *self)
{
  static const gchar *const effects[]
    = { "names of the mesh aren't answered there", "answers that are too long for UDP don't arrive" };
  static const gchar *const kinds[] = { "", "TCP " };

  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    {
      int code = 0;
      g_autofree gchar *where = find_unbound (self, kind, &code);

      if (where != NULL && code == EADDRINUSE)
        return g_strdup_printf ("Another program on the edge's host has %sport %u at %s, so %s; stop it, or keep it "
                                "off the interface %s (dnsmasq: bind-dynamic and except-interface=%s)",
                                kinds[kind], self->port, where, effects[kind], self->interface, self->interface);
      if (where != NULL)
        return g_strdup_printf ("The edge can't listen on %sport %u at %s (%s), so %s", kinds[kind], self->port, where,
                                g_strerror (code), effects[kind]);
    }
  return NULL;
}
