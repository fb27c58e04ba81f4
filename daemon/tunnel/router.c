/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/router.h"
#include "common/util.h"
#include "proto/packet.h"
#include <glib-unix.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING 64 /* a power of two; what does not fit is dropped: probes are repeated */
#define UDP 17
#define ANSWER_MAX 1280 /* bytes of an answer that is made here */

typedef struct
{
  EwIp addresses[4], service[4];
  EwPrefix forwards[256];
  guint n_addresses, n_service, n_forwards;
  EwStandInName known;
} Table;

struct EwRouterState
{
  Table *table; /* the data thread's while an engine runs */
  guint16 echo_id;
  guint64 echo_magic;

  /* One writer (data thread), one reader (main). */
  EwHeard ring[RING];
  atomic_uint head, tail;
  atomic_bool listening;
  atomic_bool silent; /* the edge doesn't answer */
  atomic_bool counts; /* the edge can be asked how many datagrams arrived */
  int wake;

  guint source;
  void (*func) (const EwHeard *heard, gpointer user_data);
  gpointer user_data;
  gboolean in_func, freed; /* freed inside func: for real once it returns */
};

static gboolean
heard (gint fd, GIOCondition condition, gpointer user_data)
{
  EwRouterState *router = user_data;
  guint64 times;
  if (read (fd, &times, sizeof times) < 0)
    return G_SOURCE_CONTINUE;
  router->in_func = TRUE;
  while (!router->freed)
    {
      unsigned tail = atomic_load_explicit (&router->tail, memory_order_relaxed);
      if (tail == atomic_load_explicit (&router->head, memory_order_acquire))
        break;
      EwHeard item = router->ring[tail % RING];
      atomic_store_explicit (&router->tail, tail + 1, memory_order_release);
      router->func (&item, router->user_data);
    }
  router->in_func = FALSE;
  if (!router->freed)
    return G_SOURCE_CONTINUE;
  g_free (router);
  return G_SOURCE_REMOVE;
}

EwRouterState *
ew_router_new (void (*func) (const EwHeard *heard, gpointer user_data), gpointer user_data)
{
  EwRouterState *router = g_new0 (EwRouterState, 1);
  router->table = g_new0 (Table, 1);
  ew_random (&router->echo_id, sizeof router->echo_id);
  ew_random (&router->echo_magic, sizeof router->echo_magic);
  router->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (router->wake < 0)
    g_error ("eventfd: no file descriptors left");
  router->func = func;
  router->user_data = user_data;
  router->source = g_unix_fd_add (router->wake, G_IO_IN, heard, router);
  return router;
}

void
ew_router_free (EwRouterState *router)
{
  g_source_remove (router->source);
  close (router->wake);
  g_free (router->table);
  router->freed = TRUE;
  if (!router->in_func)
    g_free (router);
}

static void
tell (EwRouterState *router, const EwHeard *item)
{
  unsigned head = atomic_load_explicit (&router->head, memory_order_relaxed);
  guint64 one = 1;
  if (head - atomic_load_explicit (&router->tail, memory_order_acquire) >= RING)
    return;
  router->ring[head % RING] = *item;
  atomic_store_explicit (&router->head, head + 1, memory_order_release);
  /* Full only when the reader has 2^64 - 2 wakes to come. */
  (void)!write (router->wake, &one, sizeof one);
}

static void
tell_busy (EwRouterState *router, const EwTime *time)
{
  if (!atomic_load_explicit (&router->listening, memory_order_relaxed) || !atomic_exchange (&router->listening, false))
    return;
  EwHeard item = { .kind = EW_HEARD_BUSY, .now_ns = time->now_ns };
  tell (router, &item);
}

static bool
one_of (const EwIp *list, guint n, const EwIp *ip)
{
  for (guint i = 0; i < n; i++)
    if (ew_ip_equal (&list[i], ip))
      return true;
  return false;
}

static bool
is_for_us (const Table *table, const EwIp *ip)
{
  if (one_of (table->addresses, table->n_addresses, ip))
    return true;
  for (guint i = 0; i < table->n_forwards; i++)
    if (ew_prefix_contains (&table->forwards[i], ip))
      return true;
  return false;
}

/* A link message from the edge to this node: taken out, or answered at once. */
static EwRoute
take_link (EwRouterState *router, EwLane *lane, EwPeer *edge, EwPacket *packet, const EwIp *from, const EwIp *to,
           EwLinkMessage *message, const EwTime *time)
{
  if (!one_of (router->table->service, router->table->n_service, from)
      || !one_of (router->table->addresses, router->table->n_addresses, to))
    return EW_ROUTE_DROP;
  if (message->type == EW_LINK_EDGE_PROBE || message->type == EW_LINK_COUNT)
    {
      if (message->type == EW_LINK_COUNT)
        ew_link_answer_count (lane, edge, message);
      else
        message->type = EW_LINK_EDGE_ANSWER;
      packet->len = ew_link_build (packet->data, to, from, message);
      return EW_ROUTE_REPLY;
    }
  if (message->type == EW_LINK_COUNTED)
    ew_link_hear_counted (lane, edge, message, time);
  if (message->type == EW_LINK_ANSWER)
    atomic_store_explicit (&router->counts, (message->flags & EW_LINK_COUNTS) != 0, memory_order_relaxed);
  if (message->type == EW_LINK_SIZE_ANSWER || message->type == EW_LINK_ANSWER || message->type == EW_LINK_NOTICE)
    {
      EwHeard item = { .kind = EW_HEARD_LINK, .now_ns = time->now_ns, .message = *message, .from = *from };
      tell (router, &item);
    }
  return EW_ROUTE_DROP;
}

static bool
take_echo (EwRouterState *router, const EwPacket *packet, const EwIp *from, const EwTime *time)
{
  uint16_t id, sequence;
  const uint8_t *payload;
  size_t length;
  if (!ew_packet_parse_echo_reply (packet->data, packet->len, &id, &sequence, &payload, &length)
      || id != router->echo_id || length != EW_ROUTER_ECHO_PAYLOAD || memcmp (payload, &router->echo_magic, 8) != 0)
    return false;
  EwHeard item = { .kind = EW_HEARD_ECHO, .now_ns = time->now_ns, .from = *from };
  memcpy (&item.token, payload + 8, 8);
  memcpy (&item.sent_ns, payload + 16, 8);
  tell (router, &item);
  return true;
}

/* Nearly every packet is told by its ports. */
static bool
has_link_ports (const EwPacket *packet, const EwIpHeader *header)
{
  const uint8_t *udp = packet->data + header->header_length;
  return header->protocol == UDP && packet->len >= header->header_length + 4u && (udp[0] << 8 | udp[1]) == EW_LINK_PORT
         && (udp[2] << 8 | udp[3]) == EW_LINK_PORT;
}

static EwRoute
route_in (EwRouterState *router, EwLane *lane, EwPeer *edge, EwPacket *packet, const EwIpHeader *header,
          const EwTime *time)
{
  EwLinkMessage message;
  EwIp from, to;
  if (has_link_ports (packet, header) && ew_link_parse (packet->data, packet->len, &from, &to, &message))
    return take_link (router, lane, edge, packet, &from, &to, &message, time);
  if (!is_for_us (router->table, &header->destination))
    return EW_ROUTE_DROP;
  if ((header->protocol == 1 || header->protocol == 58) && take_echo (router, packet, &header->source, time))
    return EW_ROUTE_DROP;
  tell_busy (router, time);
  return EW_ROUTE_TUN;
}

/* The kernel's own chatter on a new interface (router solicitations, MLD) has no business at the edge. For nearly every
   packet the first byte shows that it isn't one. */
static bool
is_chatter (const EwIp *to)
{
  const uint8_t first = to->bytes[0];
  if (first != 0 && first < (to->family == EW_FAMILY_V6 ? 0xfe : 224) && (first != 169 || to->family == EW_FAMILY_V6))
    return false;
  return ew_ip_is_multicast (to) || ew_ip_is_link_local (to);
}

/* A packet to the mesh's DNS while the edge is silent. An answer may be larger than its question, so it has memory of
   its own, a data thread's each. */
static EwRoute
answer_here (EwRouterState *router, EwPacket *packet)
{
  static _Thread_local uint8_t memory[EW_HEADROOM + ANSWER_MAX + EW_TAILROOM];
  uint8_t *data = packet->data;
  size_t room = 0;
  if (router->table->known.name[0] != '\0' && packet->len < ANSWER_MAX)
    {
      data = memcpy (memory + EW_HEADROOM, data, packet->len);
      room = ANSWER_MAX - packet->len;
    }
  const size_t answer = ew_servfail_answer (data, packet->len, room, &router->table->known);
  if (answer == 0)
    return EW_ROUTE_LOOKUP;
  packet->data = data;
  packet->len = answer;
  packet->room = 0;
  return EW_ROUTE_REPLY;
}

EwRoute
ew_router_hook (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to)
{
  EwRouterState *router = user;
  EwIpHeader header;
  if (!ew_packet_parse (packet->data, packet->len, &header))
    return EW_ROUTE_DROP;
  if (from)
    return route_in (router, lane, from, packet, &header, time);
  if (is_chatter (&header.destination))
    return EW_ROUTE_DROP;
  tell_busy (router, time);
  if (atomic_load_explicit (&router->silent, memory_order_relaxed)
      && one_of (router->table->service, router->table->n_service, &header.destination))
    return answer_here (router, packet);
  return EW_ROUTE_LOOKUP;
}

gsize
ew_router_ask (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out)
{
  const EwRouterState *router = user;
  if (!atomic_load_explicit (&router->counts, memory_order_relaxed) || router->table->n_addresses == 0
      || router->table->n_service == 0)
    return 0;
  return ew_link_build_count (out, &router->table->addresses[0], &router->table->service[0], sample);
}

typedef struct
{
  EwRouterState *router;
  Table *table;
} Swap;

static void
swap_table (EwDevice *device, const EwTime *time, void *data)
{
  Swap *swap = data;
  Table *old = swap->router->table;
  swap->router->table = swap->table;
  swap->table = old;
}

void
ew_router_configure (EwRouterState *router, EwEngine *engine, const GArray *addresses, const GArray *service,
                     const GArray *forwards)
{
  Table *table = g_new0 (Table, 1);
  Swap swap = { router, table };
  table->known = router->table->known;
  table->n_addresses = MIN (addresses->len, G_N_ELEMENTS (table->addresses));
  memcpy (table->addresses, addresses->data, table->n_addresses * sizeof (EwIp));
  table->n_service = MIN (service->len, G_N_ELEMENTS (table->service));
  memcpy (table->service, service->data, table->n_service * sizeof (EwIp));
  table->n_forwards = MIN (forwards->len, G_N_ELEMENTS (table->forwards));
  if (table->n_forwards > 0)
    memcpy (table->forwards, forwards->data, table->n_forwards * sizeof (EwPrefix));
  if (engine)
    ew_engine_call (engine, swap_table, &swap);
  else
    swap_table (NULL, NULL, &swap);
  g_free (swap.table);
}

void
ew_router_set_known (EwRouterState *router, EwEngine *engine, const EwStandInName *known)
{
  Table *table = g_memdup2 (router->table, sizeof *table);
  Swap swap = { router, table };
  table->known = known ? *known : (EwStandInName){ 0 };
  if (engine)
    ew_engine_call (engine, swap_table, &swap);
  else
    swap_table (NULL, NULL, &swap);
  g_free (swap.table);
}

void
ew_router_listen_for_traffic (EwRouterState *router)
{
  atomic_store (&router->listening, true);
}

void
ew_router_set_silent (EwRouterState *router, gboolean silent)
{
  atomic_store (&router->silent, silent);
}

size_t
ew_router_build_echo (EwRouterState *router, uint8_t *out, const EwIp *from, const EwIp *to, guint64 token,
                      guint64 now_ns)
{
  uint8_t payload[EW_ROUTER_ECHO_PAYLOAD];
  memcpy (payload, &router->echo_magic, 8);
  memcpy (payload + 8, &token, 8);
  memcpy (payload + 16, &now_ns, 8);
  return ew_packet_build_echo (out, from, to, router->echo_id, (uint16_t)token, payload, sizeof payload);
}
