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

#include "engine/coalesce.h"
#include "engine/segment.h"
#include "engine/tun-claim.h"
#include "common/phrase.h"

/* Headers of before Linux 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

G_STATIC_ASSERT (sizeof (((EwTun *)NULL)->name) == IFNAMSIZ);

/* What comes before a data message's packet: its header. */
#define BEFORE 16
#define TAG 16
#define LARGE G_MAXUINT16 /* the largest packet that the kernel hands over */

typedef struct
{
  EwTun base;
  guint16 mtu;
  gboolean udp;  /* datagrams may be joined: the kernel can cut them (USO, Linux 6.2) */
  guint8 *large; /* LARGE bytes: a packet that is being cut */
  EwSegmenter segmenter;
  gboolean expects_large; /* the latest packet was */
  gsize taken;            /* of a write */
} KernelTun;

/* Lays packets one after another, so that sealed they are one piece of memory. */
typedef struct
{
  guint8 *at;
  EwPacket *packets;
  gsize n, room;
} Layout;

static guint8 *
next_place (const Layout *layout)
{
  return layout->at + BEFORE;
}

/* A packet of this size is at the next place. The room is what the device wants for its padding and the tag. */
static void
occupy (Layout *layout, guint16 mtu, gsize len)
{
  const gsize padded = MAX (len, MIN ((len + 15) / 16 * 16, mtu));
  EwPacket *packet = &layout->packets[layout->n++];

  packet->data = next_place (layout);
  packet->len = len;
  packet->room = padded - len + TAG;
  layout->at = packet->data + padded + TAG;
}

static void
cut (KernelTun *self, Layout *layout)
{
  gsize size;

  while (layout->n < layout->room && (size = ew_segmenter_peek (&self->segmenter)) > 0)
    {
      ew_segmenter_next (&self->segmenter, next_place (layout));
      occupy (layout, self->mtu, size);
    }
  self->base.more = ew_segmenter_peek (&self->segmenter) > 0;
}

/* One packet of the kernel, which may be cut into many. -1 with errno. */
static gssize
read_one (KernelTun *self, Layout *layout)
{
  struct virtio_net_hdr header;
  guint8 *into = self->expects_large ? self->large : next_place (layout);
  struct iovec parts[2] = { { &header, sizeof header }, { into, LARGE } };
  gssize size = readv (self->base.fd, parts, 2);

  if (size <= (gssize)sizeof header)
    return size;
  size -= (gssize)sizeof header;
  self->expects_large = header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
  if (self->expects_large)
    {
      if (into != self->large)
        memcpy (self->large, into, (gsize)size);
      if (ew_segmenter_init (&self->segmenter, &header, self->large, (gsize)size))
        cut (self, layout);
      return size;
    }
  if (into == self->large)
    memcpy (next_place (layout), into, (gsize)size);
  if (!(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
      || ew_segment_finish_checksum (&header, next_place (layout), (gsize)size))
    occupy (layout, self->mtu, (gsize)size);
  return size;
}

static gssize
tun_read (EwTun *tun, EwBuffers *buffers, EwPacket *packets, gsize n)
{
  KernelTun *self = (KernelTun *)tun;
  Layout layout = { .at = buffers->first, .packets = packets, .room = n };

  if (tun->more)
    cut (self, &layout);
  while (layout.n < n)
    {
      gssize size = read_one (self, &layout);
      if (size > 0 || (size < 0 && errno == EINTR))
        continue;
      if (size < 0 && errno != EAGAIN && layout.n == 0)
        return -1; /* EBADFD: the interface was deleted */
      break;
    }
  return (gssize)layout.n;
}

static void
write_one (void *user, const struct virtio_net_hdr *header, struct iovec *parts, gsize n_parts, gsize n_packets)
{
  KernelTun *self = user;
  gssize size = 0;

  parts[0] = (struct iovec){ (void *)header, sizeof *header };
  for (gsize i = 0; i < n_parts; i++)
    size += (gssize)parts[i].iov_len;
  if (writev (self->base.fd, parts, (int)n_parts) == size)
    self->taken += n_packets;
  else if (errno == EINVAL && header->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4)
    self->udp = FALSE;
}

static gsize
tun_write (EwTun *tun, const EwPacket *packets, gsize n)
{
  KernelTun *self = (KernelTun *)tun;

  self->taken = 0;
  for (gsize i = 0; i < n; i += EW_COALESCE_MAX)
    ew_coalesce (packets + i, MIN (n - i, EW_COALESCE_MAX), self->udp, write_one, self);
  return self->taken;
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
    {
      ((KernelTun *)tun)->mtu = mtu;
      return TRUE;
    }
  ew_set_error (error, EW_ENGINE_ERROR, errno == EPERM ? EW_ENGINE_ERROR_PRIVILEGE : EW_ENGINE_ERROR_FAILED,
                "The MTU of %s couldn't be set to %u: %s.", tun->name, mtu, g_strerror (errno));
  return FALSE;
}

static void
tun_free (EwTun *tun)
{
  close (tun->fd);
  g_free (((KernelTun *)tun)->large);
  g_free (tun);
}

static const EwTunClass tun_class = { tun_read, tun_write, tun_set_mtu, tun_free };

/* The kernel's own rule (dev_valid_name) and no '%', which TUNSETIFF would treat as a pattern. */
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

/* From ew_tun_reserve() to the next ew_tun_open_queues(). */
static int reserved[EW_LANES_MAX];
static guint n_reserved;

static int
open_device (void)
{
  return open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

void
ew_tun_reserve (guint n)
{
  while (n_reserved < MIN (n, EW_LANES_MAX))
    {
      const int fd = open_device ();
      if (fd < 0)
        return;
      reserved[n_reserved++] = fd;
    }
}

static void
close_reserved (void)
{
  while (n_reserved > 0)
    close (reserved[--n_reserved]);
}

static int
open_clone_device (GError **error)
{
  int fd = n_reserved > 0 ? reserved[--n_reserved] : open_device ();

  if (fd >= 0)
    return fd;
  if (errno == EACCES || errno == EPERM)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                  "The tunnel device /dev/net/tun can't be opened: %s. Run as root with CAP_NET_ADMIN; in a container, "
                  "allow the device (--device /dev/net/tun).",
                  g_strerror (errno));
  else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NO_TUN,
                  "There is no tunnel device /dev/net/tun. Load it with `modprobe tun`; in a container, pass it on "
                  "(--device /dev/net/tun); on a virtual server, ask the provider to switch TUN on.");
  else
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "/dev/net/tun couldn't be opened: %s.",
                  g_strerror (errno));
  return -1;
}

static gboolean
create_interface (int fd, const char *name, short queues, GError **error)
{
  /* IFF_TUN_EXCL: a persistent TUN of that name belongs to another program, even with none attached. */
  struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | queues | (short)IFF_TUN_EXCL };

  g_strlcpy (ifr.ifr_name, name, sizeof ifr.ifr_name);
  if (ioctl (fd, TUNSETIFF, &ifr) == 0)
    return TRUE;
  if (errno == EBUSY)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE,
                  "A network interface named %s exists already. Stop what made it (`ip -d link show %s` tells what it "
                  "is), or choose another name.",
                  name, name);
  else if (errno == EPERM)
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE,
                  "The network interface %s couldn't be created because CAP_NET_ADMIN is missing. Run as root.", name);
  else
    ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The network interface %s couldn't be created: %s.",
                  name, g_strerror (errno));
  return FALSE;
}

/* What the kernel may leave to this program. Each step is taken if the kernel supports it (USO: Linux 6.2); without
   any, packets come whole and one at a time. */
static void
offer_offloads (KernelTun *self)
{
  const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

  self->udp = ioctl (self->base.fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
  if (!self->udp)
    ioctl (self->base.fd, TUNSETOFFLOAD, tcp);
}

static EwTun *
wrap (int fd, const char *name)
{
  KernelTun *self = g_new0 (KernelTun, 1);

  self->large = g_malloc (LARGE);
  self->base.class = &tun_class;
  self->base.fd = fd;
  g_strlcpy (self->base.name, name, sizeof self->base.name);
  offer_offloads (self);
  return &self->base;
}

/* queues: IFF_MULTI_QUEUE or 0. */
static EwTun *
open_first (const char *name, guint16 mtu, short queues, GError **error)
{
  if (!name_is_valid (name))
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                    "\"%s\" can't be the name of a network interface. Use 1 to 15 letters, digits, '-' or '_'.", name);
      return NULL;
    }

  int fd = open_clone_device (error);
  if (fd < 0)
    return NULL;
  if (!create_interface (fd, name, queues, error))
    {
      close (fd);
      return NULL;
    }

  g_autoptr (EwTun) tun = wrap (fd, name);
  struct ifreq ifr = { 0 };
  if (!interface_ioctl (tun, SIOCGIFINDEX, &ifr))
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The network interface %s disappeared: %s.", name,
                    g_strerror (errno));
      return NULL;
    }
  tun->ifindex = ifr.ifr_ifindex;
  return tun_set_mtu (tun, mtu, error) ? g_steal_pointer (&tun) : NULL;
}

/* One more queue of the first one's interface. NULL: it can't be added. */
static EwTun *
open_queue (const EwTun *first)
{
  struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE };
  int fd = open_clone_device (NULL);

  if (fd < 0)
    return NULL;
  g_strlcpy (ifr.ifr_name, first->name, sizeof ifr.ifr_name);
  if (ioctl (fd, TUNSETIFF, &ifr) != 0)
    {
      close (fd);
      return NULL;
    }
  EwTun *tun = wrap (fd, first->name);
  tun->ifindex = first->ifindex;
  ((KernelTun *)tun)->mtu = ((const KernelTun *)first)->mtu;
  return tun;
}

guint
ew_tun_open_queues (const char *name, guint16 mtu, guint n, EwTun **out, GError **error)
{
  guint made = 1;

  out[0] = open_first (name, mtu, n > 1 ? IFF_MULTI_QUEUE : 0, error);
  if (out[0] != NULL && n > 1 && !ew_tun_claim (out[0]->fd, out[0]->ifindex))
    {
      /* No program can attach to an interface with one queue. */
      ew_tun_free (out[0]);
      out[0] = open_first (name, mtu, 0, error);
      n = 1;
    }
  if (out[0] == NULL)
    made = 0;
  while (made > 0 && made < n && (out[made] = open_queue (out[0])) != NULL)
    made++;
  close_reserved ();
  if (made <= 1 || made == n)
    return made;
  while (made > 1)
    g_clear_pointer (&out[--made], ew_tun_free);
  return 1;
}
