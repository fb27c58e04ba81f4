/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

G_STATIC_ASSERT (sizeof (((EwTun *)NULL)->name) == IFNAMSIZ);

static gssize
tun_read (EwTun *tun, EwPacket *packets, gsize n)
{
  gsize filled = 0;

  while (filled < n)
    {
      gssize size = read (tun->fd, packets[filled].data, packets[filled].len);
      if (size > 0)
        packets[filled++].len = (gsize)size;
      else if (size < 0 && errno == EINTR)
        continue;
      else if (size < 0 && errno != EAGAIN && filled == 0)
        return -1; /* EBADFD: the interface was deleted */
      else
        break;
    }
  return (gssize)filled;
}

static gsize
tun_write (EwTun *tun, const EwPacket *packets, gsize n)
{
  gsize written = 0;

  for (gsize i = 0; i < n; i++)
    written += write (tun->fd, packets[i].data, packets[i].len) == (gssize)packets[i].len;
  return written;
}

static gboolean
interface_ioctl (EwTun *tun, unsigned long request, struct ifreq *ifr)
{
  int control = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0)
    return FALSE;
  g_strlcpy (ifr->ifr_name, tun->name, sizeof ifr->ifr_name);
  int result = ioctl (control, request, ifr);
  int saved = errno;
  close (control);
  errno = saved;
  return result == 0;
}

static gboolean
tun_set_mtu (EwTun *tun, guint16 mtu, GError **error)
{
  struct ifreq ifr = { .ifr_mtu = mtu };

  if (interface_ioctl (tun, SIOCSIFMTU, &ifr))
    return TRUE;
  g_set_error (error, EW_ENGINE_ERROR, errno == EPERM ? EW_ENGINE_ERROR_PRIVILEGE : EW_ENGINE_ERROR_FAILED,
               "The MTU of %s could not be set to %u: %s", tun->name, mtu, g_strerror (errno));
  return FALSE;
}

static void
tun_free (EwTun *tun)
{
  close (tun->fd);
  g_free (tun);
}

static const EwTunClass tun_class = { tun_read, tun_write, tun_set_mtu, tun_free };

/* The kernel's own rule (dev_valid_name) and no '%', which TUNSETIFF would take for a pattern. */
static gboolean
name_is_valid (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length >= IFNAMSIZ || g_str_equal (name, ".") || g_str_equal (name, ".."))
    return FALSE;
  for (const char *c = name; *c != '\0'; c++)
    if (*c == '/' || *c == ':' || *c == '%' || !g_ascii_isgraph (*c))
      return FALSE;
  return TRUE;
}

/* From ew_tun_reserve() to the next ew_tun_open(); -1: none. */
static int reserved = -1;

static int
open_device (void)
{
  return open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

void
ew_tun_reserve (void)
{
  if (reserved < 0)
    reserved = open_device ();
}

static int
open_clone_device (GError **error)
{
  int fd = reserved >= 0 ? reserved : open_device ();

  reserved = -1;
  if (fd >= 0)
    return fd;
  if (errno == EACCES || errno == EPERM)
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                 "The tunnel device /dev/net/tun may not be opened here (%s): run as root with CAP_NET_ADMIN; in a "
                 "container allow the device (--device /dev/net/tun)",
                 g_strerror (errno));
  else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NO_TUN,
                 "There is no tunnel device /dev/net/tun: load it with `modprobe tun`; in a container pass it on "
                 "(--device /dev/net/tun); on a virtual server ask the provider to switch TUN on");
  else
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "/dev/net/tun could not be opened: %s",
                 g_strerror (errno));
  return -1;
}

static gboolean
create_interface (int fd, const char *name, GError **error)
{
  /* IFF_TUN_EXCL: a persistent TUN of that name belongs to somebody else, even with nobody attached. */
  struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | (short)IFF_TUN_EXCL };

  g_strlcpy (ifr.ifr_name, name, sizeof ifr.ifr_name);
  if (ioctl (fd, TUNSETIFF, &ifr) == 0)
    return TRUE;
  if (errno == EBUSY)
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE,
                 "A network interface named %s exists already: stop what made it (`ip -d link show %s` tells what it "
                 "is) or choose another name",
                 name, name);
  else if (errno == EPERM)
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                 "The network interface %s could not be made because CAP_NET_ADMIN is missing: run as root", name);
  else
    g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The network interface %s could not be made: %s", name,
                 g_strerror (errno));
  return FALSE;
}

EwTun *
ew_tun_open (const char *name, guint16 mtu, GError **error)
{
  if (!name_is_valid (name))
    {
      g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                   "\"%s\" cannot be the name of a network interface: use 1 to 15 letters, digits, '-' or '_'", name);
      return NULL;
    }

  int fd = open_clone_device (error);
  if (fd < 0)
    return NULL;
  if (!create_interface (fd, name, error))
    {
      close (fd);
      return NULL;
    }

  g_autoptr (EwTun) tun = g_new0 (EwTun, 1);
  tun->class = &tun_class;
  tun->fd = fd;
  g_strlcpy (tun->name, name, sizeof tun->name);

  struct ifreq ifr = { 0 };
  if (!interface_ioctl (tun, SIOCGIFINDEX, &ifr))
    {
      g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The network interface %s vanished: %s", name,
                   g_strerror (errno));
      return NULL;
    }
  tun->ifindex = ifr.ifr_ifindex;
  return tun_set_mtu (tun, mtu, error) ? g_steal_pointer (&tun) : NULL;
}
