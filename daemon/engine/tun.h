/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where inner packets come from and go to: a TUN interface, or its twin in memory (tests/lib/memory-net.h). The worker knows this
 * interface only. Where the kernel can, many packets of a flow cross into it and out of it as one (TSO, USO, and their
 * counterparts on the way in): segment.c cuts them, coalesce.c joins them.
 */
#pragma once

#include <glib.h>
#include "engine/buffers.h"
#include "engine/engine.h"

G_BEGIN_DECLS

typedef struct EwTun EwTun;

typedef struct
{
  /* Gives at most n ≤ EW_BATCH_MAX packets, which it lays into buffers as it likes, each with 16 bytes before it and
     room after it. Returns how many, 0: none waits, -1: the interface has been removed. Never blocks. */
  gssize (*read) (EwTun *tun, EwBuffers *buffers, EwPacket *packets, gsize n);
  /* Hands n packets to the host, changing their headers in place. Returns how many it took; the rest is lost (the
   * interface is down or its queue is full). */
  gsize (*write) (EwTun *tun, const EwPacket *packets, gsize n);
  gboolean (*set_mtu) (EwTun *tun, guint16 mtu, GError **error);
  void (*free) (EwTun *tun);
} EwTunClass;

struct EwTun
{
  const EwTunClass *class;
  int fd;        /* readable: read() has something */
  gboolean more; /* read() has something although fd may not be readable: the rest of a large packet */
  char name[16]; /* IFNAMSIZ */
  int ifindex;
};

static inline void
ew_tun_free (EwTun *tun)
{
  tun->class->free (tun);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwTun, ew_tun_free)

/* Opens the tunnel device now, while this process may: for one that gives up its uid before it makes the interface. The
   next ew_tun_open_queues() of any name uses as many as it has queues. Where the device cannot be opened nothing
   happens: ew_tun_open_queues() says why. */
void ew_tun_reserve (guint n);

/* Makes the interface name with this MTU: down, without addresses, removed when it is freed. A name that exists already
   is never taken over, whether it's a TUN or not. Errors: EW_ENGINE_ERROR_NO_TUN, _PRIVILEGE, _NAME_IN_USE, _FAILED.
   It has n queues, 1 to EW_LANES_MAX, one for each of out; the kernel keeps a flow in the queue that it was last written
   to. Returns how many were made: n; 1 where the kernel has no queues, or this user may not add any alone (tun-claim.h);
   0: none. */
guint ew_tun_open_queues (const char *name, guint16 mtu, guint n, EwTun **out,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
