/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A router with services, a device with five nodes, and no wires; and packets written in full, so that what the router
 * made of one can be compared byte by byte with what it should have made.
 *
 *   alice .1, bob .2 (gateway of 10.7.0.0/24), carol .3, dave .4, gate .5 (gateway of 10.8.0.0/24 and 10.200.0.0/16):
 *   100.96.1.N and fd12::1:N
 */
#pragma once

#include <netinet/in.h>

#include "edge/nat/nat-private.h"
#include "edge/switch/router.h"
#include "proto/packet.h"

#define S G_GUINT64_CONSTANT (1000000000)
#define WORLD_NODES 5
#define WORLD_PACKET 2048

enum
{
  ALICE,
  BOB,
  CAROL,
  DAVE,
  GATE,
  HOST = -1 /* the edge's own */
};

typedef struct
{
  EwDevice *device;
  EwSwitchRouter *router;
  EwRouterNode nodes[WORLD_NODES];
  EwPeer *peers[WORLD_NODES];
  EwTime time;
  EwNat *nat;
  EwNatTable *table;
  EwRouterTranslation translation;
  EwRouterPolicy policy;
  guint8 sent[WORLD_PACKET]; /* the packet as it was before */
  gsize sent_len;
  guint8 buffer[EW_HEADROOM + WORLD_PACKET + EW_TAILROOM];
  EwPacket packet;
  EwPeer *to;
} World;

void world_set_up (World *world, gconstpointer data);
void world_tear_down (World *world, gconstpointer data);
/* Replaces the services. */
void world_set_services (World *world, const EwNatService *services, gsize n);
/* As after a restart of the edge: no flow is known. */
void world_restart (World *world);
void world_wait (World *world, guint seconds);

EwIp ip (const gchar *text);

/* What a packet is to be made of. */
typedef struct
{
  EwIp source, destination;
  guint16 source_port, destination_port;
  guint8 protocol; /* TCP or UDP */
  guint8 ttl;      /* 0: 64 */
  guint8 tcp;      /* flags; 0: ACK */
  gsize payload;
  guint32 seed;         /* of the payload */
  gboolean no_checksum; /* UDP */
  gboolean may_fragment;
  guint16 id;
} Packet;

#define TCP(from, from_port, to, to_port)                                                                              \
  ((Packet){ .source = ip (from),                                                                                      \
             .destination = ip (to),                                                                                   \
             .source_port = (from_port),                                                                               \
             .destination_port = (to_port),                                                                            \
             .protocol = IPPROTO_TCP,                                                                                  \
             .payload = 20 })
#define UDP(from, from_port, to, to_port)                                                                              \
  ((Packet){ .source = ip (from),                                                                                      \
             .destination = ip (to),                                                                                   \
             .source_port = (from_port),                                                                               \
             .destination_port = (to_port),                                                                            \
             .protocol = IPPROTO_UDP,                                                                                  \
             .payload = 20 })

gsize packet_write (guint8 *out, const Packet *packet);
/* The reply to it, as whoever received it would write it. */
Packet packet_answer (const Packet *packet);
/* An ICMP error from `from` to whom the packet came from, about it, as a router would write it: quotes `quoted` bytes of
   it at most. type, code: of its family. */
gsize packet_write_error (guint8 *out, const EwIp *from, const Packet *about, guint8 type, guint8 code, gsize quoted);

/* The router's decision about it, from that node. */
EwRoute world_send (World *world, int from, const Packet *packet);
EwRoute world_send_bytes (World *world, int from, const guint8 *bytes, gsize len);
/* It goes on to that node (HOST: to the edge's own host), as `expected` byte for byte, its TTL one less than written in
   expected unless it's for, or from, the host. */
void world_expect (World *world, int to, const Packet *expected);
void world_expect_bytes (World *world, int to, const guint8 *expected, gsize len);
/* Sends and expects. */
void world_pass (World *world, int from, const Packet *packet, int to, const Packet *expected);
/* What has become of it, read: addresses and ports, all checksums verified. */
Packet world_read (World *world);
/* The answer is an ICMP error of that type and code from that address, or an RST. */
void world_expect_error (World *world, EwRoute route, const EwIp *from, guint8 type, guint8 code);
void world_expect_reset (World *world, EwRoute route);
/* Every checksum in a packet, within an ICMP error too, computed in full. */
void verify_packet (const guint8 *packet, gsize len);
