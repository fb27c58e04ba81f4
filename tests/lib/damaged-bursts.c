/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For LD_PRELOAD: a kernel that damages bursts and reports no error, as Linux 7.0 to 7.1.4 does. No receiver accepts a
 * damaged datagram, so that a message with UDP_SEGMENT isn't sent at all, and seems to have been.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int
is_burst (struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
      return 1;
  return 0;
}

int
sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
  static int (*real) (int fd, struct mmsghdr *messages, unsigned int n, int flags);
  unsigned int sent = 0;

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "sendmmsg");
  for (; sent < n; sent++)
    if (!is_burst (&messages[sent].msg_hdr) && real (fd, &messages[sent], 1, flags) < 1)
      return sent > 0 ? (int)sent : -1;
  return (int)sent;
}
