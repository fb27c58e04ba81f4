/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory of one batch: EW_BATCH_MAX buffers, each large enough for any IP packet with the room that the device
 * wants around it. Pages are touched only by packets that need them: 64 buffers of 1420-byte packets cost half a
 * megabyte.
 */
#pragma once

#include <glib.h>
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_BUFFER_CAPACITY EW_MTU_MAX /* bytes from data on; EW_TAILROOM follows */

/* Not a power of two: neighbors must not fall on the same cache sets. 1600 bytes apart modulo 64 KB, as if they were
 * packed. */
#define EW_BUFFER_STRIDE (65536 + 1600)
G_STATIC_ASSERT (EW_BUFFER_STRIDE >= EW_HEADROOM + EW_BUFFER_CAPACITY + EW_TAILROOM);
G_STATIC_ASSERT (EW_BUFFER_STRIDE % 64 == 0);

typedef struct
{
  guint8 *allocation;
  guint8 *first; /* aligned to a cache line */
} EwBuffers;

static inline void
ew_buffers_init (EwBuffers *buffers)
{
  buffers->allocation = g_malloc0 ((gsize)EW_BUFFER_STRIDE * EW_BATCH_MAX + 64);
  buffers->first = buffers->allocation + (64 - (guintptr)buffers->allocation % 64) % 64;
}

static inline void
ew_buffers_clear (EwBuffers *buffers)
{
  g_clear_pointer (&buffers->allocation, g_free);
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
  return data >= buffers->first && data < buffers->first + (gsize)EW_BUFFER_STRIDE * EW_BATCH_MAX;
}

G_END_DECLS
