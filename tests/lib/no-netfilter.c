/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For LD_PRELOAD: a kernel without netfilter's netlink family, as on a NAS, in some containers, and after an update of
 * the kernel that was not booted yet.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <sys/socket.h>

int
socket (int domain, int type, int protocol)
{
  static int (*real) (int domain, int type, int protocol);

  if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER)
    {
      errno = EPROTONOSUPPORT;
      return -1;
    }
  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "socket");
  return real (domain, type, protocol);
}
