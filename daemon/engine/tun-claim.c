/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/tun-claim.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  struct nlmsghdr header;
  struct ifinfomsg link;
} LinkRequest;

/* Sends the request and waits for what the kernel says, which it does at once. Returns its size, or -1. */
static gssize
ask (guint16 type, guint16 flags, int ifindex, gpointer answer, gsize size)
{
  const LinkRequest request
    = { .header = { .nlmsg_len = sizeof request, .nlmsg_type = type, .nlmsg_flags = (guint16)(NLM_F_REQUEST | flags) },
        .link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex } };
  gssize got = -1;
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

  if (fd < 0)
    return -1;
  if (send (fd, &request, sizeof request, 0) == (gssize)sizeof request)
    do
      got = recv (fd, answer, size, 0);
    while (got < 0 && errno == EINTR);
  close (fd);
  return got;
}

/* The attribute of this type in attributes of `size` bytes; NULL: not found. */
static struct rtattr *
find (struct rtattr *at, int size, guint type)
{
  for (; RTA_OK (at, size); at = RTA_NEXT (at, size))
    if ((at->rta_type & NLA_TYPE_MASK) == type)
      return at;
  return NULL;
}

static struct rtattr *
find_in (struct rtattr *outer, guint type)
{
  return outer != NULL ? find (RTA_DATA (outer), (int)RTA_PAYLOAD (outer), type) : NULL;
}

static gboolean
says (const struct rtattr *at, guint32 expected)
{
  guint32 value;

  if (at == NULL || RTA_PAYLOAD (at) < sizeof value)
    return FALSE;
  memcpy (&value, RTA_DATA (at), sizeof value);
  return value == expected;
}

/* Those that were detached count: they can be attached again. A kernel that does not tell (before 4.16) is not
   believed. */
static gboolean
has_one_queue (int ifindex)
{
  union
  {
    struct nlmsghdr header;
    guint8 bytes[16384];
  } answer;
  gssize got = ask (RTM_GETLINK, 0, ifindex, &answer, sizeof answer);

  if (got < 0 || !NLMSG_OK (&answer.header, (gsize)got) || answer.header.nlmsg_type != RTM_NEWLINK)
    return FALSE;
  struct rtattr *info = find_in (
    find (IFLA_RTA (NLMSG_DATA (&answer.header)), (int)IFLA_PAYLOAD (&answer.header), IFLA_LINKINFO), IFLA_INFO_DATA);
  return says (find_in (info, IFLA_TUN_NUM_QUEUES), 1) && says (find_in (info, IFLA_TUN_NUM_DISABLED_QUEUES), 0);
}

static void
delete_interface (int ifindex)
{
  union
  {
    struct nlmsghdr header;
    guint8 bytes[1024];
  } answer;

  ask (RTM_DELLINK, NLM_F_ACK, ifindex, &answer, sizeof answer);
}

gboolean
ew_tun_claim (int fd, int ifindex)
{
  /* First sets the owner, then counts: a program that attached before is seen, and none can attach after. */
  if (ioctl (fd, TUNSETOWNER, (unsigned long)geteuid ()) == 0 && has_one_queue (ifindex))
    return TRUE;
  delete_interface (ifindex);
  return FALSE;
}
