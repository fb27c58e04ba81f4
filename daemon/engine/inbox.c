/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inbox.h"

#include <string.h>
#include <time.h>

#define FULL_WAIT_MS 5

/* Before each datagram. */
typedef struct
{
  EwEndpoint from;
  gsize length;
} Record;

void
ew_inbox_init (EwInbox *inbox)
{
  *inbox = (EwInbox){ 0 };
  pthread_mutex_init (&inbox->lock, NULL);
  pthread_cond_init (&inbox->emptied, NULL);
}

void
ew_inbox_clear (EwInbox *inbox)
{
  g_clear_pointer (&inbox->filling.bytes, g_free);
  g_clear_pointer (&inbox->taken.bytes, g_free);
  pthread_cond_destroy (&inbox->emptied);
  pthread_mutex_destroy (&inbox->lock);
}

static gboolean
wait_for_room (EwInbox *inbox, gsize needed)
{
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += FULL_WAIT_MS * 1000000;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
  while (inbox->filling.used + needed > EW_INBOX_BYTES)
    if (pthread_cond_timedwait (&inbox->emptied, &inbox->lock, &until) != 0)
      return inbox->filling.used + needed <= EW_INBOX_BYTES;
  return TRUE;
}

gsize
ew_inbox_put (EwInbox *inbox, const EwPacket *datagrams, gsize n, gboolean *first)
{
  gsize put = 0;

  pthread_mutex_lock (&inbox->lock);
  *first = inbox->filling.used == 0;
  for (; put < n; put++)
    {
      const Record record = { datagrams[put].endpoint, datagrams[put].len };
      const gsize needed = sizeof record + record.length;
      /* The worker may not know yet of what was put by this call, so nothing is waited for then. */
      if (inbox->filling.used + needed > EW_INBOX_BYTES && (put > 0 || !wait_for_room (inbox, needed)))
        break;
      *first |= inbox->filling.used == 0;
      if (inbox->filling.bytes == NULL) /* the worker may have taken the other half while room was waited for */
        inbox->filling.bytes = g_malloc (EW_INBOX_BYTES);
      guint8 *to = inbox->filling.bytes + inbox->filling.used;
      memcpy (to, &record, sizeof record);
      memcpy (to + sizeof record, datagrams[put].data, record.length);
      inbox->filling.used += needed;
    }
  pthread_mutex_unlock (&inbox->lock);
  return put;
}

static gboolean
swap_halves (EwInbox *inbox)
{
  pthread_mutex_lock (&inbox->lock);
  EwInboxHalf empty = inbox->taken;
  inbox->taken = inbox->filling;
  inbox->filling = (EwInboxHalf){ empty.bytes, 0 };
  inbox->at = 0;
  pthread_cond_broadcast (&inbox->emptied);
  pthread_mutex_unlock (&inbox->lock);
  return inbox->taken.used > 0;
}

gsize
ew_inbox_take (EwInbox *inbox, EwBuffers *buffers, EwPacket *datagrams, gsize n)
{
  gsize count = 0, buffer = 0, filled = 0;

  if (inbox->at == inbox->taken.used && !swap_halves (inbox))
    return 0;
  while (count < n && inbox->at < inbox->taken.used)
    {
      Record record;
      memcpy (&record, inbox->taken.bytes + inbox->at, sizeof record);
      if (filled + record.length > EW_BUFFER_CAPACITY)
        {
          buffer++; /* at most one for each datagram: there are as many */
          filled = 0;
        }
      guint8 *data = ew_buffers_at (buffers, buffer) + filled;
      memcpy (data, inbox->taken.bytes + inbox->at + sizeof record, record.length);
      datagrams[count++] = (EwPacket){ .data = data, .len = record.length, .endpoint = record.from };
      inbox->at += sizeof record + record.length;
      filled += record.length;
    }
  return count;
}
