/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "memory-net.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX 1024 /* datagrams or packets; more are lost, as on a real one */

/* Packets waiting for a reader; readable through an eventfd or waited for. */
typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t arrived;
  int fd;
  gboolean lost;
  GQueue items; /* Item */
} Queue;

typedef struct
{
  EwEndpoint from;
  guint8 ecn;
  gsize len;
  guint8 data[];
} Item;

static void
queue_init (Queue *queue)
{
  pthread_condattr_t monotonic;

  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init (&queue->lock, NULL);
  pthread_cond_init (&queue->arrived, &monotonic);
  pthread_condattr_destroy (&monotonic);
  queue->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  g_assert (queue->fd >= 0);
  g_queue_init (&queue->items);
}

static void
queue_clear (Queue *queue)
{
  g_queue_clear_full (&queue->items, g_free);
  close (queue->fd);
  pthread_cond_destroy (&queue->arrived);
  pthread_mutex_destroy (&queue->lock);
}

static void
wake_reader (Queue *queue)
{
  const guint64 one = 1;

  g_assert (write (queue->fd, &one, sizeof one) == sizeof one);
  pthread_cond_broadcast (&queue->arrived);
}

static gboolean
queue_push (Queue *queue, const EwEndpoint *from, guint8 ecn, const guint8 *data, gsize len)
{
  gboolean fits;

  pthread_mutex_lock (&queue->lock);
  fits = queue->items.length < QUEUE_MAX;
  if (fits)
    {
      Item *item = g_malloc (sizeof *item + len);
      item->from = *from;
      item->ecn = ecn;
      item->len = len;
      memcpy (item->data, data, len);
      g_queue_push_tail (&queue->items, item);
      wake_reader (queue);
    }
  pthread_mutex_unlock (&queue->lock);
  return fits;
}

/* Fills at most n buffers; -1: lost. The eventfd stays readable while something waits. */
static gssize
queue_take (Queue *queue, EwPacket *packets, gsize n)
{
  gssize taken = 0;
  guint64 count;

  pthread_mutex_lock (&queue->lock);
  while ((gsize)taken < n && queue->items.length > 0)
    {
      g_autofree Item *item = g_queue_pop_head (&queue->items);
      EwPacket *packet = &packets[taken++];
      packet->endpoint = item->from;
      packet->ecn = item->ecn;
      packet->len = item->len <= packet->len ? item->len : 0;
      memcpy (packet->data, item->data, packet->len);
    }
  if (queue->items.length == 0 && !queue->lost && read (queue->fd, &count, sizeof count) < 0)
    g_assert (errno == EAGAIN);
  if (taken == 0 && queue->lost)
    taken = -1;
  pthread_mutex_unlock (&queue->lock);
  return taken;
}

/* TUN */

typedef struct
{
  EwTun base;
  Queue to_engine, to_host;
  GBytes *flood; /* under to_engine's lock; NULL: none */
} MemoryTun;

static gssize
memory_tun_read (EwTun *tun, EwBuffers *buffers, EwPacket *packets, gsize n)
{
  MemoryTun *memory = (MemoryTun *)tun;

  for (gsize i = 0; i < n; i++)
    packets[i] = (EwPacket){ .data = ew_buffers_at (buffers, i), .len = EW_BUFFER_CAPACITY };
  pthread_mutex_lock (&memory->to_engine.lock);
  g_autoptr (GBytes) flood = memory->flood != NULL ? g_bytes_ref (memory->flood) : NULL;
  pthread_mutex_unlock (&memory->to_engine.lock);
  if (flood == NULL)
    return queue_take (&memory->to_engine, packets, n);
  for (gsize i = 0; i < n; i++)
    {
      packets[i].len = g_bytes_get_size (flood);
      memcpy (packets[i].data, g_bytes_get_data (flood, NULL), packets[i].len);
    }
  return (gssize)n;
}

static gsize
memory_tun_write (EwTun *tun, const EwPacket *packets, gsize n)
{
  const EwEndpoint nowhere = { 0 };
  gsize written = 0;

  for (gsize i = 0; i < n; i++)
    written += queue_push (&((MemoryTun *)tun)->to_host, &nowhere, 0, packets[i].data, packets[i].len);
  return written;
}

static gboolean
memory_tun_set_mtu (EwTun *tun, guint16 mtu, GError **error)
{
  return TRUE;
}

static void
memory_tun_free (EwTun *tun)
{
  MemoryTun *memory = (MemoryTun *)tun;

  g_clear_pointer (&memory->flood, g_bytes_unref);
  queue_clear (&memory->to_engine);
  queue_clear (&memory->to_host);
  g_free (memory);
}

static const EwTunClass memory_tun_class = { memory_tun_read, memory_tun_write, memory_tun_set_mtu, memory_tun_free };

EwTun *
ew_memory_tun_new (const char *name)
{
  MemoryTun *memory = g_new0 (MemoryTun, 1);

  queue_init (&memory->to_engine);
  queue_init (&memory->to_host);
  memory->base.class = &memory_tun_class;
  memory->base.fd = memory->to_engine.fd;
  g_strlcpy (memory->base.name, name, sizeof memory->base.name);
  return &memory->base;
}

void
ew_memory_tun_push (EwTun *tun, const guint8 *packet, gsize len)
{
  const EwEndpoint nowhere = { 0 };

  queue_push (&((MemoryTun *)tun)->to_engine, &nowhere, 0, packet, len);
}

void
ew_memory_tun_flood (EwTun *tun, const guint8 *packet, gsize len)
{
  MemoryTun *memory = (MemoryTun *)tun;

  pthread_mutex_lock (&memory->to_engine.lock);
  g_clear_pointer (&memory->flood, g_bytes_unref);
  if (packet != NULL)
    memory->flood = g_bytes_new (packet, len);
  wake_reader (&memory->to_engine);
  pthread_mutex_unlock (&memory->to_engine.lock);
}

GBytes *
ew_memory_tun_pop (EwTun *tun, guint timeout_ms)
{
  Queue *queue = &((MemoryTun *)tun)->to_host;
  struct timespec until;
  GBytes *bytes = NULL;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
  pthread_mutex_lock (&queue->lock);
  while (queue->items.length == 0 && pthread_cond_timedwait (&queue->arrived, &queue->lock, &until) == 0)
    ;
  if (queue->items.length > 0)
    {
      g_autofree Item *item = g_queue_pop_head (&queue->items);
      bytes = g_bytes_new (item->data, item->len);
    }
  pthread_mutex_unlock (&queue->lock);
  return bytes;
}

void
ew_memory_tun_lose (EwTun *tun)
{
  Queue *queue = &((MemoryTun *)tun)->to_engine;

  pthread_mutex_lock (&queue->lock);
  queue->lost = TRUE;
  wake_reader (queue);
  pthread_mutex_unlock (&queue->lock);
}

/* UDP */

struct EwMemoryNet
{
  pthread_mutex_t lock;
  gboolean damages_bursts;
  GHashTable *sockets; /* guint64 id → MemoryUdp, borrowed; sockets take themselves out */
};

typedef struct
{
  EwUdp base;
  EwMemoryNet *net;
  guint64 id; /* under the net's lock */
  _Atomic guint64 age_ns;
  _Atomic gboolean emptied;
  Queue queue;
} MemoryUdp;

EwMemoryNet *
ew_memory_net_new (void)
{
  EwMemoryNet *net = g_new0 (EwMemoryNet, 1);

  pthread_mutex_init (&net->lock, NULL);
  net->sockets = g_hash_table_new (g_int64_hash, g_int64_equal);
  return net;
}

void
ew_memory_net_free (EwMemoryNet *net)
{
  g_assert (g_hash_table_size (net->sockets) == 0);
  g_hash_table_unref (net->sockets);
  pthread_mutex_destroy (&net->lock);
  g_free (net);
}

void
ew_memory_net_damage_bursts (EwMemoryNet *net)
{
  pthread_mutex_lock (&net->lock);
  net->damages_bursts = TRUE;
  pthread_mutex_unlock (&net->lock);
}

EwEndpoint
ew_memory_endpoint (guint64 id)
{
  /* An address as well: the device limits and makes cookies by it. */
  return (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY, .remote = ew_ip_from_v4 (0x7f000000u + (guint32)id), .id = id };
}

static gsize
memory_udp_receive (EwUdp *udp, guint which, EwArrival *arrivals, gsize n)
{
  EwPacket packets[EW_BATCH_MAX];

  for (gsize i = 0; i < n; i++)
    packets[i] = (EwPacket){ .data = arrivals[i].data, .len = arrivals[i].len };
  gssize got = queue_take (&((MemoryUdp *)udp)->queue, packets, n);
  const guint64 age_ns = ((MemoryUdp *)udp)->age_ns;
  for (gssize i = 0; i < got; i++)
    arrivals[i] = (EwArrival){
      .data = packets[i].data,
      .len = packets[i].len,
      .from = packets[i].endpoint,
      .ecn = packets[i].ecn,
      .behind = age_ns > 0 && !((MemoryUdp *)udp)->emptied,
      .arrived_ns = age_ns > 0 ? (guint64)g_get_real_time () * 1000 - age_ns : 0,
    };
  return (gsize)got;
}

void
ew_memory_udp_set_age (EwUdp *udp, guint64 age_ns, gboolean emptied)
{
  ((MemoryUdp *)udp)->age_ns = age_ns;
  ((MemoryUdp *)udp)->emptied = emptied;
}

static gboolean
carry (MemoryUdp *from, const EwBurst *burst, const guint8 *data, gsize len)
{
  EwMemoryNet *net = from->net;
  guint64 to_id = burst->to.id;
  MemoryUdp *to = burst->to.kind == EW_ENDPOINT_MEMORY ? g_hash_table_lookup (net->sockets, &to_id) : NULL;
  EwEndpoint sender = ew_memory_endpoint (from->id);

  if (to == NULL)
    return FALSE;
  queue_push (&to->queue, &sender, burst->traffic_class & 3, data, len);
  return TRUE;
}

static void
memory_udp_send (EwUdp *udp, EwBurst *bursts, gsize n, EwUdpSendStats *stats)
{
  MemoryUdp *memory = (MemoryUdp *)udp;

  pthread_mutex_lock (&memory->net->lock);
  for (gsize i = 0; i < n; i++)
    {
      EwBurstCursor cursor = { 0 };
      bursts[i].local_refused = FALSE;
      if (bursts[i].to.kind == EW_ENDPOINT_STREAM)
        continue;
      const gboolean damaged = memory->net->damages_bursts && bursts[i].n > 1 && !bursts[i].singly;
      while (ew_burst_next (&bursts[i], &cursor))
        if (damaged || carry (memory, &bursts[i], cursor.data, cursor.len))
          stats->sent++;
        else
          stats->failed++;
    }
  pthread_mutex_unlock (&memory->net->lock);
}

static gboolean
memory_udp_set_mark (EwUdp *udp, guint32 mark, GError **error)
{
  return TRUE;
}

static void
leave_net (MemoryUdp *memory)
{
  if (g_hash_table_lookup (memory->net->sockets, &memory->id) == memory)
    g_hash_table_remove (memory->net->sockets, &memory->id);
}

static void
memory_udp_free (EwUdp *udp)
{
  MemoryUdp *memory = (MemoryUdp *)udp;

  pthread_mutex_lock (&memory->net->lock);
  leave_net (memory);
  pthread_mutex_unlock (&memory->net->lock);
  queue_clear (&memory->queue);
  g_free (memory);
}

static const EwUdpClass memory_udp_class
  = { memory_udp_receive, memory_udp_send, memory_udp_set_mark, memory_udp_free };

EwUdp *
ew_memory_udp_new (EwMemoryNet *net, guint64 id)
{
  MemoryUdp *memory = g_new0 (MemoryUdp, 1);

  queue_init (&memory->queue);
  memory->base.class = &memory_udp_class;
  memory->base.fds[0] = memory->queue.fd;
  memory->base.fds[1] = -1;
  memory->net = net;
  memory->id = id;
  pthread_mutex_lock (&net->lock);
  g_hash_table_replace (net->sockets, &memory->id, memory);
  pthread_mutex_unlock (&net->lock);
  return &memory->base;
}

void
ew_memory_udp_move (EwUdp *udp, guint64 id)
{
  MemoryUdp *memory = (MemoryUdp *)udp;

  pthread_mutex_lock (&memory->net->lock);
  leave_net (memory);
  memory->id = id;
  g_hash_table_replace (memory->net->sockets, &memory->id, memory);
  pthread_mutex_unlock (&memory->net->lock);
}
