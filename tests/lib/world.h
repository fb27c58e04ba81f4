/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small world for devices: several in one process, joined by wires that lose, repeat, delay and reorder, under a
 * clock that jumps from one event to the next. Everything follows from the seed.
 *
 * Node N (from 1) has the inner addresses 10.9.0.N and fd09::N, and is reached at the memory endpoint that is its
 * address at the time. A router node passes on what is not for itself, like the edge.
 */
#pragma once

#include <glib.h>
#include "proto/device.h"

#define WORLD_NODES_MAX 8
#define WORLD_SECOND G_GUINT64_CONSTANT (1000000000)
#define WORLD_PACKET_MAX 2048

typedef struct World World;
typedef struct WorldNode WorldNode;

/* What the wires do, in thousandths. */
typedef struct
{
  unsigned loss, duplication, reordering;
} WorldWeather;

struct WorldNode
{
  World *world;
  EwDevice *device;
  unsigned number;
  uint64_t address; /* where datagrams for it go now */
  gboolean router, unreachable;
  uint8_t private_key[EW_KEY_SIZE], public_key[EW_KEY_SIZE];
  unsigned events[EW_PEER_SESSION_EXPIRED + 1]; /* how often, by EwPeerEvent */
  unsigned delivered;                           /* inner packets for itself */
  uint64_t timestamp_floor;
};

struct World
{
  uint64_t random_state;
  EwTime time;
  WorldWeather weather;
  WorldNode nodes[WORLD_NODES_MAX];
  unsigned n_nodes;
  uint64_t next_address;
  GPtrArray *flying;
  guint64 n_transmitted;
  /* For tests; NULL: none. deliver: an inner packet for node itself. transmit: FALSE swallows the datagram. */
  void (*on_deliver) (WorldNode *node, EwPeer *from, const EwPacket *packet);
  gboolean (*on_transmit) (WorldNode *node, EwPeer *peer, uint8_t *data, size_t len, uint8_t dscp_ecn);
  void *user;
};

World *world_new (uint64_t seed);
void world_free (World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

uint64_t world_random (World *world);
WorldNode *world_add (World *world, gboolean router);
/* Makes them peers of each other: a knows b by its endpoint and takes `prefix` from it (NULL: b's own addresses); b
   knows a's key and addresses only. preshared may be NULL. */
void world_join (WorldNode *a, WorldNode *b, const char *prefix, const uint8_t *preshared);
EwPeer *world_peer (WorldNode *a, const WorldNode *b);
/* The device is freed and created again, without peers; its timestamps continue. The caller joins it again. */
void world_restart (WorldNode *node);
void world_roam (WorldNode *node);

/* An IPv4 packet (protocol 253) from a to b. ecn: two bits. Returns what ew_lane_send() says. */
size_t world_send (WorldNode *a, const WorldNode *b, const void *payload, size_t len, uint8_t ecn);
/* The same packet, to be changed and sent by other means; free with g_free(). packet->data has room around it. */
uint8_t *world_packet (unsigned from, unsigned to, const void *payload, size_t len, uint8_t ecn, EwPacket *packet);
/* Hands one datagram to node at once, as if it came from that address. */
void world_inject (WorldNode *node, const uint8_t *data, size_t len, uint64_t from_address, uint8_t ecn);
/* Lets time pass. */
void world_run (World *world, uint64_t duration_ns);
EwPeerStats world_stats (WorldNode *a, const WorldNode *b);
