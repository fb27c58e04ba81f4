/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory of one batch: EW_BATCH_MAX buffers, each large enough for any IP packet with the room that the device
 * wants around it. Pages are touched only by packets that need them: 64 buffers of 1420-byte packets cost half a
 * megabyte. So they come from the system itself: malloc() may give pages that were used before, and would have to clear
 * all of them; and of small pages, as a huge one is touched as a whole.
 */
#pragma once

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_BUFFER_CAPACITY EW_MTU_MAX /* bytes from data on; EW_TAILROOM follows */

/* Not a power of two: neighbors must not fall on the same cache sets. 1600 bytes apart modulo 64 KB, as if they were
 * packed. */
#define EW_BUFFER_STRIDE (65536 + 1600)
G_STATIC_ASSERT (EW_BUFFER_STRIDE >= EW_HEADROOM + EW_BUFFER_CAPACITY + EW_TAILROOM);
G_STATIC_ASSERT (EW_BUFFER_STRIDE % 64 == 0);

#define EW_BUFFERS_SIZE ((gsize)EW_BUFFER_STRIDE * EW_BATCH_MAX)

typedef struct
{
  guint8 *first; /* aligned to a page; NULL: none */
} EwBuffers;

static inline void
ew_buffers_init (EwBuffers *buffers)
{
  void *pages = mmap (NULL, EW_BUFFERS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (pages == MAP_FAILED) /* as g_malloc() */
    g_error ("There is no memory for packets: %s", g_strerror (errno));
  (void)madvise (pages, EW_BUFFERS_SIZE, MADV_NOHUGEPAGE); /* a kernel without huge pages refuses */
  buffers->first = pages;
}

static inline void
ew_buffers_clear (EwBuffers *buffers)
{
  if (buffers->first != NULL)
    munmap (buffers->first, EW_BUFFERS_SIZE);
  buffers->first = NULL;
}

/* Where the packet of buffer i begins: EW_HEADROOM lies before it. */
static inline guint8 *
ew_buffers_at (EwBuffers *buffers, gsize i)
{
  return buffers->first + i * EW_BUFFER_STRIDE + EW_HEADROOM;
}

/* Whether data lies in the buffers: it stays there until they are filled again. */
static inline gboolean
ew_buffers_hold (const EwBuffers *buffers, const guint8 *data)
{
  return data >= buffers->first && data < buffers->first + EW_BUFFERS_SIZE;
}

G_END_DECLS
