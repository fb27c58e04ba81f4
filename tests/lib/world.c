/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <string.h>

#define LATENCY (10 * 1000 * 1000) /* 10 ms a way */

typedef struct
{
  uint64_t arrives_ns, order, from, to;
  size_t len;
  uint8_t ecn, data[WORLD_PACKET_MAX];
} Datagram;

uint64_t
world_random (World *world)
{
  uint64_t x = (world->random_state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)); /* splitmix64 */
  x = (x ^ x >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return x ^ x >> 31;
}

static gboolean
happens (World *world, unsigned thousandths)
{
  return thousandths > 0 && world_random (world) % 1000 < thousandths;
}

static void
hook_random (void *user, uint8_t *out, size_t len)
{
  WorldNode *node = user;
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)world_random (node->world);
}

static void
fly (WorldNode *node, const EwEndpoint *to, const uint8_t *data, size_t len, uint8_t ecn)
{
  World *world = node->world;
  Datagram *d = g_new0 (Datagram, 1);
  g_assert_cmpuint (len, <=, sizeof d->data);
  *d = (Datagram){ .arrives_ns = world->time.now_ns + LATENCY,
                   .order = world->n_transmitted,
                   .from = node->address,
                   .to = to->id,
                   .len = len,
                   .ecn = ecn };
  if (happens (world, world->weather.reordering))
    d->arrives_ns += world_random (world) % (5 * LATENCY);
  memcpy (d->data, data, len);
  g_ptr_array_add (world->flying, d);
}

static void
hook_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  WorldNode *node = user;
  World *world = node->world;
  world->n_transmitted++;
  if (world->on_transmit != NULL && !world->on_transmit (node, peer, data, len, dscp_ecn))
    return;
  if (node->unreachable || happens (world, world->weather.loss))
    return;
  fly (node, to, data, len, dscp_ecn & 3);
  if (happens (world, world->weather.duplication))
    fly (node, to, data, len, dscp_ecn & 3);
}

static void
hook_deliver (void *user, EwPeer *from, EwPacket *packet)
{
  WorldNode *node = user;
  World *world = node->world;
  const uint8_t *destination = packet->data[0] >> 4 == 4 ? packet->data + 16 : packet->data + 24;
  size_t n = packet->data[0] >> 4 == 4 ? 4 : 16;
  if (destination[n - 1] == node->number)
    {
      node->delivered++;
      if (world->on_deliver != NULL)
        world->on_deliver (node, from, packet);
      return;
    }
  EwIp ip = { .family = n == 4 ? EW_FAMILY_V4 : EW_FAMILY_V6 };
  memcpy (ip.bytes, destination, n);
  EwPeer *to = node->router ? ew_device_lookup (node->device, &ip) : NULL;
  if (to != NULL)
    ew_peer_send (to, packet, 1, &world->time);
}

static void
hook_event (void *user, EwPeer *peer, EwPeerEvent event)
{
  WorldNode *node = user;
  node->events[event]++;
}

static void
make_device (WorldNode *node)
{
  const EwDeviceHooks hooks
    = { .random = hook_random, .transmit = hook_transmit, .deliver = hook_deliver, .event = hook_event };
  node->device = ew_device_new (&hooks, node, 1420);
  ew_device_set_private_key (node->device, node->private_key);
  ew_device_get_public_key (node->device, node->public_key);
  ew_device_set_timestamp_floor (node->device, node->timestamp_floor);
}

World *
world_new (uint64_t seed)
{
  World *world = g_new0 (World, 1);
  world->random_state = seed;
  world->time = (EwTime){ 1000 * WORLD_SECOND, 1700000000 * WORLD_SECOND };
  world->next_address = 100;
  world->flying = g_ptr_array_new_with_free_func (g_free);
  return world;
}

void
world_free (World *world)
{
  for (unsigned i = 0; i < world->n_nodes; i++)
    ew_device_free (world->nodes[i].device);
  g_ptr_array_unref (world->flying);
  g_free (world);
}

WorldNode *
world_add (World *world, gboolean router)
{
  g_assert_cmpuint (world->n_nodes, <, WORLD_NODES_MAX);
  WorldNode *node = &world->nodes[world->n_nodes++];
  *node = (WorldNode){ .world = world, .number = world->n_nodes, .router = router };
  node->address = world->next_address++;
  hook_random (node, node->private_key, sizeof node->private_key);
  make_device (node);
  return node;
}

static EwPrefix
own_address (const WorldNode *node, gboolean v6)
{
  EwPrefix prefix = { .ip = { .family = v6 ? EW_FAMILY_V6 : EW_FAMILY_V4 }, .length = v6 ? 128 : 32 };
  prefix.ip.bytes[0] = v6 ? 0xfd : 10;
  prefix.ip.bytes[1] = 9;
  prefix.ip.bytes[v6 ? 15 : 3] = (uint8_t)node->number;
  return prefix;
}

void
world_join (WorldNode *a, WorldNode *b, const char *prefix, const uint8_t *preshared)
{
  EwEndpoint endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = b->address };
  EwPrefix mesh = { .ip = { .family = EW_FAMILY_V4, .bytes = { 10, 9 } }, .length = 16 };
  EwPrefix a4 = own_address (a, FALSE), a6 = own_address (a, TRUE);
  EwPrefix b4 = own_address (b, FALSE), b6 = own_address (b, TRUE);
  EwPeer *b_in_a = ew_device_add_peer (a->device, b->public_key);
  EwPeer *a_in_b = ew_device_add_peer (b->device, a->public_key);
  g_assert_true (b_in_a != NULL && a_in_b != NULL);
  ew_peer_set_endpoint (b_in_a, &endpoint);
  g_assert_true (ew_peer_add_allowed_ip (b_in_a, prefix != NULL ? &mesh : &b4));
  g_assert_true (ew_peer_add_allowed_ip (b_in_a, &b6));
  g_assert_true (ew_peer_add_allowed_ip (a_in_b, &a4));
  g_assert_true (ew_peer_add_allowed_ip (a_in_b, &a6));
  if (preshared == NULL)
    return;
  ew_peer_set_preshared_key (b_in_a, preshared);
  ew_peer_set_preshared_key (a_in_b, preshared);
}

EwPeer *
world_peer (WorldNode *a, const WorldNode *b)
{
  return ew_device_find_peer (a->device, b->public_key);
}

void
world_restart (WorldNode *node)
{
  node->timestamp_floor = ew_device_get_timestamp_floor (node->device);
  ew_device_free (node->device);
  make_device (node);
}

void
world_roam (WorldNode *node)
{
  node->address = node->world->next_address++;
}

uint8_t *
world_packet (unsigned from, unsigned to, const void *payload, size_t len, uint8_t ecn, EwPacket *packet)
{
  size_t total = 20 + len;
  uint8_t *buffer = g_malloc0 (EW_HEADROOM + total + EW_TAILROOM), *p = buffer + EW_HEADROOM;
  uint32_t sum = 0;
  memset (p + total, 0xee, EW_TAILROOM); /* nothing of this may leave */
  p[0] = 0x45;
  p[1] = ecn;
  p[2] = (uint8_t)(total >> 8);
  p[3] = (uint8_t)total;
  p[8] = 64;
  p[9] = 253; /* RFC 3692: for experiments */
  p[12] = p[16] = 10;
  p[13] = p[17] = 9;
  p[15] = (uint8_t)from;
  p[19] = (uint8_t)to;
  for (unsigned i = 0; i < 20; i += 2)
    sum += (uint32_t)p[i] << 8 | p[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  p[10] = (uint8_t)(~sum >> 8);
  p[11] = (uint8_t)~sum;
  if (len > 0)
    memcpy (p + 20, payload, len);
  *packet = (EwPacket){ .data = p, .len = total };
  return buffer;
}

size_t
world_send (WorldNode *a, const WorldNode *b, const void *payload, size_t len, uint8_t ecn)
{
  EwPacket packet;
  g_autofree uint8_t *buffer = world_packet (a->number, b->number, payload, len, ecn, &packet);
  g_assert_nonnull (buffer);
  return ew_lane_send (ew_device_get_lane (a->device), &packet, 1, &a->world->time);
}

void
world_inject (WorldNode *node, const uint8_t *data, size_t len, uint64_t from_address, uint8_t ecn)
{
  g_autofree uint8_t *buffer = g_malloc0 (EW_HEADROOM + len + EW_TAILROOM);
  EwPacket packet = { .data = buffer + EW_HEADROOM, .len = len, .ecn = ecn };
  packet.endpoint = (EwEndpoint){ .kind = EW_ENDPOINT_MEMORY, .id = from_address };
  memcpy (packet.data, data, len);
  ew_lane_receive (ew_device_get_lane (node->device), &packet, 1, &node->world->time);
}

static gboolean
lands_on (const Datagram *d, const WorldNode *node, uint64_t now_ns)
{
  return d->arrives_ns <= now_ns && d->to == node->address && !node->unreachable;
}

static gint
compare_arrival (gconstpointer a, gconstpointer b)
{
  const Datagram *x = *(Datagram *const *)a, *y = *(Datagram *const *)b;
  if (x->arrives_ns != y->arrives_ns)
    return x->arrives_ns < y->arrives_ns ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* What has arrived at node, as one batch. FALSE: nothing. */
static gboolean
land (WorldNode *node)
{
  World *world = node->world;
  EwPacket packets[EW_BATCH_MAX];
  g_autoptr (GPtrArray) buffers = g_ptr_array_new_with_free_func (g_free);
  size_t n = 0;
  for (guint i = 0; i < world->flying->len && n < EW_BATCH_MAX; i++)
    {
      Datagram *d = world->flying->pdata[i];
      if (!lands_on (d, node, world->time.now_ns))
        continue;
      uint8_t *buffer = g_malloc0 (EW_HEADROOM + d->len + EW_TAILROOM);
      memcpy (buffer + EW_HEADROOM, d->data, d->len);
      g_ptr_array_add (buffers, buffer);
      packets[n++] = (EwPacket){ .data = buffer + EW_HEADROOM,
                                 .len = d->len,
                                 .endpoint = { .kind = EW_ENDPOINT_MEMORY, .id = d->from },
                                 .ecn = d->ecn };
      g_ptr_array_remove_index (world->flying, i--);
    }
  if (n > 0)
    ew_lane_receive (ew_device_get_lane (node->device), packets, n, &world->time);
  return n > 0;
}

static uint64_t
next_event (World *world)
{
  uint64_t next = UINT64_MAX;
  for (unsigned i = 0; i < world->n_nodes; i++)
    next = MIN (next, ew_device_deadline (world->nodes[i].device));
  for (guint i = 0; i < world->flying->len; i++)
    next = MIN (next, ((Datagram *)world->flying->pdata[i])->arrives_ns);
  return MAX (next, world->time.now_ns);
}

void
world_run (World *world, uint64_t duration_ns)
{
  uint64_t end = world->time.now_ns + duration_ns, next;
  while ((next = next_event (world)) <= end)
    {
      world->time.realtime_ns += next - world->time.now_ns;
      world->time.now_ns = next;
      g_ptr_array_sort (world->flying, compare_arrival);
      for (unsigned i = 0; i < world->n_nodes; i++)
        while (land (&world->nodes[i]))
          ;
      for (guint i = 0; i < world->flying->len; i++) /* no device is there any more */
        if (((Datagram *)world->flying->pdata[i])->arrives_ns <= next)
          g_ptr_array_remove_index (world->flying, i--);
      for (unsigned i = 0; i < world->n_nodes; i++)
        if (ew_device_deadline (world->nodes[i].device) <= next)
          ew_device_tick (world->nodes[i].device, &world->time);
    }
  world->time.realtime_ns += end - world->time.now_ns;
  world->time.now_ns = end;
}

EwPeerStats
world_stats (WorldNode *a, const WorldNode *b)
{
  EwPeerStats stats;
  ew_peer_get_stats (world_peer (a, b), &stats);
  return stats;
}
