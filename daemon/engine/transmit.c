/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/transmit.h"

#include <string.h>

#include "proto/bytes.h"
#include "proto/link.h"
#include "proto/messages.h"

/* How many peers' bursts a datagram looks back for one to join: the hairpin's packets to a few nodes come mixed. */
#define LOOK_BACK 8

void
ew_transmit_init (EwTransmit *transmit, const EwBuffers *buffers, EwStreams *streams)
{
  memset (transmit, 0, sizeof *transmit);
  transmit->streams = streams;
  transmit->bursts = g_new (EwBurst, EW_BATCH_MAX);
  transmit->stays = buffers;
  ew_buffers_init (&transmit->copies);
}

void
ew_transmit_clear (EwTransmit *transmit)
{
  g_clear_pointer (&transmit->bursts, g_free);
  ew_buffers_clear (&transmit->copies);
}

static gboolean
same_path (const EwEndpoint *a, const EwEndpoint *b)
{
  return ew_endpoint_same_remote (a, b) && ew_ip_equal (&a->local, &b->local);
}

/* The burst that this datagram may join without overtaking another one to the same endpoint. NULL: none. Cookie replies
   are skipped: strangers, of whom there may be many at once, mustn't split a peer's batch. */
static EwBurst *
find_burst (EwTransmit *transmit, const EwPeer *peer, const EwEndpoint *to, gsize len, guint8 traffic_class,
            gboolean sparse)
{
  for (gsize i = transmit->n, looked = 0; i > 0 && looked < LOOK_BACK; i--)
    {
      EwBurst *burst = &transmit->bursts[i - 1];
      if (burst->peer == peer && same_path (&burst->to, to))
        return burst->traffic_class == traffic_class && burst->sparse == sparse && !burst->apart
                   && ew_burst_takes (burst, len)
                 ? burst
                 : NULL;
      looked += burst->peer != NULL || peer == NULL;
    }
  return NULL;
}

/* Handshakes, keepalives, and what the flows' own rates say (sparse.h). To UDP all is the same: its queue is the kernel's. */
static gboolean
is_sparse (const EwEndpoint *to, gsize len, guint8 traffic_class)
{
  return to->kind == EW_ENDPOINT_STREAM
         && (traffic_class & EW_OUTER_SPARSE || traffic_class == EW_HANDSHAKE_DSCP || len == EW_DATA_OVERHEAD);
}

void
ew_transmit_add (EwTransmit *transmit, EwUdp *udp, EwPeer *peer, const EwEndpoint *to, guint8 *data, gsize len,
                 guint8 traffic_class)
{
  const gboolean stays = ew_buffers_hold (transmit->stays, data);
  const gboolean sparse = is_sparse (to, len, traffic_class);

  traffic_class &= (guint8)~EW_OUTER_SPARSE;

  if (len > EW_BUFFER_CAPACITY)
    {
      transmit->stats.failed++; /* no UDP datagram is that long */
      return;
    }
  if (transmit->n == EW_BATCH_MAX || (!stays && transmit->n_copies == EW_BATCH_MAX))
    ew_transmit_flush (transmit, udp);
  if (!stays)
    {
      guint8 *copy = ew_buffers_at (&transmit->copies, transmit->n_copies++);
      memcpy (copy, data, len);
      data = copy;
    }

  EwBurst *burst = transmit->apart ? NULL : find_burst (transmit, peer, to, len, traffic_class, sparse);
  if (burst == NULL)
    {
      burst = &transmit->bursts[transmit->n++];
      burst->to = *to;
      burst->peer = peer;
      burst->traffic_class = traffic_class;
      burst->apart = transmit->apart;
      burst->sparse = sparse;
      burst->singly = FALSE;
      burst->len = burst->n = burst->n_parts = 0;
      transmit->n_to_streams += to->kind == EW_ENDPOINT_STREAM;
    }
  ew_burst_append (burst, data, len);
}

static void
note_stale (EwTransmit *transmit, EwPeer *peer)
{
  for (gsize i = 0; i < transmit->n_stale; i++)
    if (transmit->stale[i] == peer)
      return;
  if (transmit->n_stale < EW_BATCH_MAX) /* else it is found again with its next datagram */
    transmit->stale[transmit->n_stale++] = peer;
}

static void
flush_to_streams (EwTransmit *transmit)
{
  for (gsize i = 0; i < transmit->n; i++)
    {
      EwBurst *burst = &transmit->bursts[i];
      if (burst->to.kind != EW_ENDPOINT_STREAM)
        continue;
      burst->local_refused = FALSE;
      if (transmit->streams != NULL)
        transmit->streams->class->send (transmit->streams, burst, &transmit->stream_stats);
      else
        transmit->stream_stats.failed += burst->n;
    }
  transmit->n_to_streams = 0;
  transmit->streamed = TRUE;
}

/* Bursts that may be damaged. */

static const guint8 *
last_datagram (const EwBurst *burst, gsize *len)
{
  const struct iovec *part = &burst->parts[burst->n_parts - 1];

  *len = burst->len - (burst->n - 1) * burst->segment;
  return (const guint8 *)part->iov_base + part->iov_len - *len;
}

/* Of use as a sample only where its datagrams are data of one session with consecutive counters. */
static EwBurstSample
describe_burst (const EwBurst *burst)
{
  gsize last_len;
  const guint8 *bytes = last_datagram (burst, &last_len);
  const EwMessageData *first = burst->parts[0].iov_base, *last = (const EwMessageData *)bytes;

  if (burst->n < 2 || last_len < EW_DATA_OVERHEAD || ew_load_le32 (first->type) != EW_MESSAGE_DATA
      || memcmp (first->receiver_index, last->receiver_index, sizeof first->receiver_index) != 0
      || ew_load_le64 (last->counter) - ew_load_le64 (first->counter) != burst->n - 1)
    return (EwBurstSample){ 0 };
  return (EwBurstSample){ .index = ew_load_le32 (first->receiver_index),
                          .first = ew_load_le64 (first->counter),
                          .n = (guint8)burst->n,
                          .equal = last_len == burst->segment,
                          .together = !burst->singly };
}

static void
look_at_bursts (EwTransmit *transmit)
{
  for (gsize i = 0; i < transmit->n; i++)
    {
      EwBurst *burst = &transmit->bursts[i];
      if (burst->peer == NULL || burst->to.kind == EW_ENDPOINT_STREAM)
        continue;
      const EwBurstsLook look = ew_peer_look_at_burst (burst->peer, burst->n, transmit->time->now_ns);
      burst->singly = !look.together;
      if (look.note && transmit->n_noted < EW_NOTED_MAX)
        transmit->noted[transmit->n_noted++] = (EwNotedBurst){ burst->peer, describe_burst (burst) };
    }
}

void
ew_transmit_flush (EwTransmit *transmit, EwUdp *udp)
{
  if (transmit->n == 0)
    return;
  if (transmit->time != NULL)
    look_at_bursts (transmit);
  if (transmit->n > transmit->n_to_streams)
    udp->class->send (udp, transmit->bursts, transmit->n, &transmit->stats);
  if (transmit->n_to_streams > 0)
    flush_to_streams (transmit);
  for (gsize i = 0; i < transmit->n; i++)
    if (transmit->bursts[i].local_refused && transmit->bursts[i].peer != NULL)
      note_stale (transmit, transmit->bursts[i].peer);
  transmit->n = transmit->n_copies = 0;
}

void
ew_transmit_settle_stale (EwTransmit *transmit, EwLane *lane)
{
  for (gsize i = 0; i < transmit->n_stale; i++)
    ew_peer_forget_local (transmit->stale[i], lane);
  transmit->n_stale = 0;
}

void
ew_transmit_settle_bursts (EwTransmit *transmit, EwUdp *udp, EwLane *lane, EwEngineAsk ask, gpointer user)
{
  const EwTime *time = transmit->time;
  guint8 room[EW_HEADROOM + EW_LINK_PACKET_MAX + EW_TAILROOM];
  EwBurstSample question;

  transmit->apart = TRUE;
  for (gsize i = 0; i < transmit->n_noted; i++)
    {
      EwNotedBurst *noted = &transmit->noted[i];
      EwPacket packet = { .data = room + EW_HEADROOM };
      if (!ew_peer_note_burst (noted->peer, lane, &noted->sample, time, &question))
        continue;
      packet.len = ask (user, noted->peer, &question, packet.data);
      if (packet.len > 0)
        ew_lane_send_to (lane, noted->peer, &packet, 1, time);
      else
        ew_peer_leave_unasked (noted->peer, lane, time);
    }
  transmit->apart = FALSE;
  ew_transmit_flush (transmit, udp);
  transmit->n_noted = 0; /* the peers may be gone by the next batch */
}
