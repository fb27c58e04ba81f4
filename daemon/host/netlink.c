/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* libmnl's advice for dumps: the kernel fills up to 32 KiB a message since Linux 4.16. */
#define RECEIVE_SIZE 32768
/* A table that changes faster than it can be read: give up rather than loop forever. */
#define DUMP_TRIES 8

struct EwNetlink
{
  int protocol;
  struct mnl_socket *socket;
  guint32 sequence;
  char buffer[RECEIVE_SIZE];
};

/* FALSE: errno says why. Also throws away what an interrupted dump left in the old socket. */
static gboolean
netlink_open (EwNetlink *netlink)
{
  int on = 1;

  if (netlink->socket != NULL)
    mnl_socket_close (netlink->socket);
  netlink->socket = mnl_socket_open2 (netlink->protocol, SOCK_CLOEXEC);
  if (netlink->socket == NULL || mnl_socket_bind (netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0)
    return FALSE;
  /* Dumps are filtered by the kernel (one table, not all) where it can (Linux 4.20); the readers filter, too. */
  if (netlink->protocol == NETLINK_ROUTE)
    mnl_socket_setsockopt (netlink->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return TRUE;
}

EwNetlink *
ew_netlink_new (int protocol)
{
  EwNetlink *netlink = g_new0 (EwNetlink, 1);

  netlink->protocol = protocol;
  if (!netlink_open (netlink))
    {
      int saved = errno;
      ew_netlink_free (netlink);
      errno = saved;
      return NULL;
    }
  return netlink;
}

void
ew_netlink_free (EwNetlink *netlink)
{
  if (netlink == NULL)
    return;
  if (netlink->socket != NULL)
    mnl_socket_close (netlink->socket);
  g_free (netlink);
}

struct nlmsghdr *
ew_netlink_begin (char *buffer, guint16 type, guint16 flags)
{
  struct nlmsghdr *message = mnl_nlmsg_put_header (buffer);

  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  return message;
}

/* One exchange: everything up to the acknowledgement, the end of the dump or an error. */
static int
netlink_exchange (EwNetlink *netlink, struct nlmsghdr *message, mnl_cb_t each, gpointer data)
{
  int result = MNL_CB_OK;

  if (netlink->socket == NULL && !netlink_open (netlink))
    return -errno;
  message->nlmsg_seq = ++netlink->sequence;
  if (mnl_socket_sendto (netlink->socket, message, message->nlmsg_len) < 0)
    return -errno;
  while (result > MNL_CB_STOP)
    {
      ssize_t length = mnl_socket_recvfrom (netlink->socket, netlink->buffer, sizeof netlink->buffer);
      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0)
        return -errno;
      result = mnl_cb_run (netlink->buffer, (size_t)length, message->nlmsg_seq, mnl_socket_get_portid (netlink->socket),
                           each, data);
    }
  return result < 0 ? -errno : 0;
}

int
ew_netlink_request (EwNetlink *netlink, struct nlmsghdr *message)
{
  message->nlmsg_flags |= NLM_F_ACK;
  return netlink_exchange (netlink, message, NULL, NULL);
}

int
ew_netlink_get (EwNetlink *netlink, struct nlmsghdr *message, mnl_cb_t each, gpointer data)
{
  message->nlmsg_flags |= NLM_F_ACK;
  return netlink_exchange (netlink, message, each, data);
}

int
ew_netlink_dump (EwNetlink *netlink, struct nlmsghdr *message, mnl_cb_t each, GArray *rows)
{
  guint start = rows->len;
  int result = -EINTR;

  message->nlmsg_flags |= NLM_F_DUMP;
  for (int i = 0; i < DUMP_TRIES && result == -EINTR; i++)
    {
      g_array_set_size (rows, start);
      result = netlink_exchange (netlink, message, each, rows);
      if (result == -EINTR && !netlink_open (netlink))
        return -errno;
    }
  return result;
}

struct mnl_socket *
ew_netlink_subscribe (int protocol, const int *groups, gsize n_groups)
{
  struct mnl_socket *socket = mnl_socket_open2 (protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (socket == NULL || mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) < 0)
    goto failed;
  for (gsize i = 0; i < n_groups; i++)
    {
      int group = groups[i];
      if (mnl_socket_setsockopt (socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
        goto failed;
    }
  return socket;

failed:
  if (socket != NULL)
    mnl_socket_close (socket);
  return NULL;
}
