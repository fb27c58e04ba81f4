/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loopback.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

bool
loopback_enter (void)
{
  struct ifreq request = { .ifr_name = "lo" };
  int fd;
  bool done;

  if (unshare (CLONE_NEWNET) != 0)
    return false;
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  request.ifr_flags = IFF_UP;
  done = ioctl (fd, SIOCSIFFLAGS, &request) == 0;
  close (fd);
  return done;
}

int
loopback_socket (uint16_t port)
{
  struct sockaddr_in at
    = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, room = 32 << 20;

  if (fd < 0 || bind (fd, (struct sockaddr *)&at, sizeof at) != 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  return setsockopt (fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0 ? fd : -1;
}

uint16_t
loopback_port (int fd)
{
  struct sockaddr_in at = { 0 };
  socklen_t len = sizeof at;

  getsockname (fd, (struct sockaddr *)&at, &len);
  return ntohs (at.sin_port);
}

bool
loopback_send (int fd, uint16_t port, const uint8_t *data, size_t len, size_t size)
{
  struct sockaddr_in to
    = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct iovec part = { (void *)(uintptr_t)data, len };
  union
  {
    char bytes[CMSG_SPACE (sizeof (uint16_t))];
    struct cmsghdr align;
  } control = { 0 };
  struct msghdr message = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1 };

  if (len > size)
    {
      struct cmsghdr *header;
      uint16_t segment = (uint16_t)size;

      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
      header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_UDP;
      header->cmsg_type = UDP_SEGMENT;
      header->cmsg_len = CMSG_LEN (sizeof segment);
      memcpy (CMSG_DATA (header), &segment, sizeof segment);
    }
  return sendmsg (fd, &message, 0) == (ssize_t)len;
}

size_t
loopback_receive (int fd, uint8_t *data, size_t room, size_t *size)
{
  struct iovec part = { data, room };
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  struct msghdr message
    = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t len = recvmsg (fd, &message, MSG_DONTWAIT);

  if (len <= 0)
    return 0;
  *size = (size_t)len;
  for (struct cmsghdr *header = CMSG_FIRSTHDR (&message); header != NULL; header = CMSG_NXTHDR (&message, header))
    if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO)
      {
        int segment;

        memcpy (&segment, CMSG_DATA (header), sizeof segment);
        *size = (size_t)segment;
      }
  return (size_t)len;
}

static int64_t
read_clock (clockid_t id)
{
  struct timespec time;

  clock_gettime (id, &time);
  return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

int64_t
cpu_here (void)
{
  return read_clock (CLOCK_THREAD_CPUTIME_ID);
}

int64_t
cpu_elsewhere (void)
{
  return read_clock (CLOCK_PROCESS_CPUTIME_ID) - cpu_here ();
}

int64_t
clock_ns (void)
{
  return read_clock (CLOCK_MONOTONIC);
}
