/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams that another thread brings to a worker (they came through a stream): two buffers, of which one is filled
 * while the worker empties the other.
 */
#pragma once

#include <pthread.h>
#include "engine/buffers.h"

G_BEGIN_DECLS

#define EW_INBOX_BYTES (256 * 1024)

typedef struct
{
  guint8 *bytes; /* EW_INBOX_BYTES; NULL: never used */
  gsize used;
} EwInboxHalf;

typedef struct
{
  /* pthread, not GMutex: thread sanitizers see through it. */
  pthread_mutex_t lock;
  pthread_cond_t emptied;
  EwInboxHalf filling; /* under the lock */
  EwInboxHalf taken;   /* the worker's */
  gsize at;            /* in taken */
} EwInbox;

void ew_inbox_init (EwInbox *inbox);
void ew_inbox_clear (EwInbox *inbox);
/* Returns how many found room; where it is full, after a few milliseconds. *first: the worker has to be woken, then the
   rest may be put. */
gsize ew_inbox_put (EwInbox *inbox, const EwPacket *datagrams, gsize n, gboolean *first);
/* The worker's: fills at most n arrivals, one after another into buffers of EW_BUFFER_CAPACITY. 0: empty. */
gsize ew_inbox_take (EwInbox *inbox, EwBuffers *buffers, EwPacket *datagrams, gsize n);

G_END_DECLS
