/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/netfilter.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

gboolean
ew_netfilter_is_there (void)
{
  const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  gboolean there = fd >= 0 && bind (fd, (const struct sockaddr *)&any, sizeof any) == 0;
  int saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
  return there;
}
