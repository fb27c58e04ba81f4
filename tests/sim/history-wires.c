/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The wires, the clock, and an eavesdropper. */
#include "history.h"

#include <string.h>

uint64_t
history_random (History *history)
{
  uint64_t x = (history->random_state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)); /* splitmix64 */
  x = (x ^ x >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint64_t
history_below (History *history, uint64_t n)
{
  return history_random (history) % n;
}

gboolean
history_happens (History *history, unsigned thousandths)
{
  return thousandths > 0 && history_below (history, 1000) < thousandths;
}

static gboolean
is_before (const Datagram *a, const Datagram *b)
{
  return a->arrives_ns != b->arrives_ns ? a->arrives_ns < b->arrives_ns : a->order < b->order;
}

static void
push (GPtrArray *heap, Datagram *d)
{
  g_ptr_array_add (heap, d);
  guint i = heap->len - 1;
  for (; i > 0 && is_before (d, heap->pdata[(i - 1) / 2]); i = (i - 1) / 2)
    heap->pdata[i] = heap->pdata[(i - 1) / 2];
  heap->pdata[i] = d;
}

static Datagram *
pop (GPtrArray *heap)
{
  Datagram *first = heap->pdata[0], *last = heap->pdata[heap->len - 1];
  g_ptr_array_set_size (heap, (gint)heap->len - 1);
  guint i = 0;
  for (guint child; (child = 2 * i + 1) < heap->len; i = child)
    {
      if (child + 1 < heap->len && is_before (heap->pdata[child + 1], heap->pdata[child]))
        child++;
      if (!is_before (heap->pdata[child], last))
        break;
      heap->pdata[i] = heap->pdata[child];
    }
  if (heap->len > 0)
    heap->pdata[i] = last;
  return first;
}

/* Bits flipped, the end cut off, or bytes appended. */
static Datagram *
corrupted (History *history, Datagram *d)
{
  uint64_t how = history_below (history, 4);
  d->corrupt = TRUE;
  if (how == 0 && d->len > 1)
    d->len -= 1 + history_below (history, MIN (d->len - 1, 40));
  else if (how == 1)
    {
      size_t more = 1 + history_below (history, 40);
      d = g_realloc (d, sizeof *d + d->len + more);
      for (size_t i = 0; i < more; i++)
        d->data[d->len + i] = (uint8_t)history_random (history);
      d->len += more;
    }
  else
    for (uint64_t n = 1 + history_below (history, 3); n > 0; n--)
      {
        /* The header is the interesting part. */
        size_t at = history_below (history, how == 2 ? MIN (d->len, 16) : d->len);
        d->data[at] ^= (uint8_t)(1 << history_below (history, 8));
      }
  return d;
}

static Datagram *
datagram_new (History *history, uint64_t from, uint64_t to, const uint8_t *data, size_t len, uint8_t ecn)
{
  Datagram *d = g_malloc (sizeof *d + len);
  *d = (Datagram){ .order = history->order++, .from = from, .to = to, .len = len, .ecn = ecn };
  memcpy (d->data, data, len);
  return d;
}

/* The eavesdropper remembers what it hears: the first datagrams for long, the latest ones always. */
static void
record (History *history, const Datagram *d)
{
  unsigned place = history->n_recorded < RECORDED    ? history->n_recorded
                   : history_below (history, 4) == 0 ? (unsigned)history_below (history, RECORDED)
                                                     : RECORDED;
  history->n_recorded++;
  if (place == RECORDED)
    return;
  g_free (history->recorded[place]);
  history->recorded[place] = g_memdup2 (d, sizeof *d + d->len);
}

void
history_fly (Node *from, uint64_t to, const uint8_t *data, size_t len, uint8_t ecn)
{
  History *history = from->history;
  const Weather *weather = &history->weather;
  if (from->udp_blocked)
    return;
  for (unsigned copies = history_happens (history, weather->duplication) ? 2 : 1; copies > 0; copies--)
    {
      Datagram *d = datagram_new (history, from->address, to, data, len, ecn);
      record (history, d);
      if (history_happens (history, weather->loss))
        {
          g_free (d);
          continue;
        }
      d->arrives_ns = history->now_ns + weather->latency_ns;
      if (history_happens (history, weather->reordering))
        d->arrives_ns += history_below (history, 5 * weather->latency_ns);
      if (history_happens (history, weather->straying))
        d->arrives_ns += history_below (history, 30 * SECOND);
      if (history_happens (history, weather->corruption))
        d = corrupted (history, d);
      push (history->flying, d);
    }
}

void
history_stream (History *history, uint64_t stream, unsigned to, const uint8_t *data, size_t len, uint64_t arrives_ns)
{
  Datagram *d = datagram_new (history, 0, to, data, len, 0);
  d->stream = stream;
  d->arrives_ns = arrives_ns;
  record (history, d); /* by whom it's meant for, and tells others */
  push (history->flying, d);
}

void
history_clear_wires (History *history)
{
  for (guint i = 0; i < history->flying->len; i++)
    g_free (history->flying->pdata[i]);
  g_ptr_array_set_size (history->flying, 0);
}

void
history_replay (History *history)
{
  unsigned n = MIN (history->n_recorded, RECORDED);
  if (n == 0)
    return;
  const Datagram *old = history->recorded[history_below (history, n)];
  uint64_t from = history_below (history, 2) ? old->from : 1 + history_below (history, 50);
  uint64_t to
    = history_below (history, 4) ? old->to : history->nodes[1 + history_below (history, history->n_nodes)].address;
  Datagram *d = datagram_new (history, from, to, old->data, old->len, (uint8_t)history_below (history, 4));
  if (old->stream != 0)
    d->to = history->nodes[old->to].address;
  if (history_happens (history, 300))
    {
      d->stream = stream_of_attacker (history);
      d->to = 1;
    }
  d->arrives_ns = history->now_ns + history_below (history, SECOND);
  if (history_happens (history, 200))
    d = corrupted (history, d);
  push (history->flying, d);
}

static Node *
receiver_of (History *history, const Datagram *d)
{
  if (d->stream != 0)
    return stream_receiver (history, d);
  for (unsigned i = 1; i <= history->n_nodes; i++)
    if (history->nodes[i].address == d->to)
      return history->nodes[i].udp_blocked ? NULL : &history->nodes[i];
  return NULL;
}

static void
hear (Node *node, const Datagram *d, EwPacket *packet)
{
  History *history = node->history;
  NOTE (history, "%u hears %zu bytes of type %u from %s%" G_GUINT64_FORMAT "%s", node->number, d->len, d->data[0],
        d->stream != 0 ? "stream " : "", d->stream != 0 ? d->stream : d->from, d->corrupt ? ", changed" : "");
  uint8_t *buffer = g_malloc0 (EW_HEADROOM + d->len + EW_TAILROOM);
  memcpy (buffer + EW_HEADROOM, d->data, d->len);
  *packet = (EwPacket){ .data = buffer + EW_HEADROOM, .len = d->len, .ecn = d->ecn };
  packet->endpoint
    = d->stream != 0 ? stream_endpoint (d->stream) : (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY, .id = d->from };
}

static const Datagram *
next_arrived (History *history)
{
  const Datagram *first = history->flying->len > 0 ? history->flying->pdata[0] : NULL;
  return first != NULL && first->arrives_ns <= history->now_ns ? first : NULL;
}

/* What has arrived is delivered to its receivers, in batches of consecutive datagrams for one node. */
static void
land (History *history)
{
  for (const Datagram *next; (next = next_arrived (history)) != NULL;)
    {
      EwPacket packets[EW_BATCH_MAX];
      uint8_t *buffers[EW_BATCH_MAX];
      size_t n = 0;
      Node *node = receiver_of (history, next);
      while (n < EW_BATCH_MAX && (next = next_arrived (history)) != NULL && receiver_of (history, next) == node)
        {
          g_autofree Datagram *d = pop (history->flying);
          if (node == NULL || !node_is_awake (node))
            continue;
          hear (node, d, &packets[n]);
          buffers[n] = packets[n].data - EW_HEADROOM;
          n++;
        }
      EwTime time = n > 0 ? node_time (node) : (EwTime){ 0 };
      if (n > 0)
        ew_lane_receive (ew_device_get_lane (node->device), packets, n, &time);
      for (size_t i = 0; i < n; i++)
        g_free (buffers[i]);
    }
}

/* When node wants to be called, in true time. */
static uint64_t
due (const Node *node)
{
  if (!node_is_awake (node))
    return node->wakes_ns;
  uint64_t deadline = ew_device_deadline (node->device);
  return deadline == UINT64_MAX ? UINT64_MAX : deadline - MIN (deadline, node->boot_offset_ns);
}

void
history_wait (History *history, uint64_t duration_ns)
{
  uint64_t end = history->now_ns + duration_ns;
  for (;;)
    {
      uint64_t next = history->flying->len > 0 ? ((Datagram *)history->flying->pdata[0])->arrives_ns : UINT64_MAX;
      for (unsigned i = 1; i <= history->n_nodes; i++)
        next = MIN (next, due (&history->nodes[i]));
      if (next > end)
        break;
      history->now_ns = MAX (history->now_ns, next);
      land (history);
      for (unsigned i = 1; i <= history->n_nodes; i++)
        if (due (&history->nodes[i]) <= history->now_ns)
          {
            Node *node = &history->nodes[i];
            node->wakes_ns = 0;
            EwTime time = node_time (node);
            ew_device_tick (node->device, &time);
            check_tick (node);
          }
    }
  history->now_ns = end;
}
