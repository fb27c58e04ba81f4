/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Engines with wires in memory, and inner packets for them to carry.
 */
#pragma once

#include "engine-testing.h"
#include "memory-net.h"

#define NODE_WAIT_MS 20000 /* for something that takes microseconds */

typedef struct
{
  EwEngine *engine;
  EwTun *tun; /* the engine's */
  EwUdp *udp; /* the engine's */
  guint64 id;
  guint8 public_key[EW_KEY_SIZE];
  guint events[EW_PEER_SESSION_EXPIRED + 1]; /* EwPeerEvent: how many were heard */
  guint tun_lost;
} Node;

/* 10.0.0.ID, reached at memory endpoint ID, its private key made of ID. */
void node_start (Node *node, EwMemoryNet *net, guint64 id, EwRouter router, gpointer router_user);
void node_start_with (Node *node, EwMemoryNet *net, guint64 id, EwEngineConfig config); /* events are the node's */
void node_start_with_streams (Node *node, EwMemoryNet *net, guint64 id, EwStreams *streams);
void node_stop (Node *node);
/* a knows b by that prefix ("10.0.0.2/32"), and where it is if endpoint. */
void node_add_peer (Node *a, const Node *b, const char *allowed_ip, gboolean endpoint);
void node_get_stats (Node *node, EwEngineStats *out);

/* An inner UDP packet 10.0.0.FROM → 10.0.0.TO with 4 bytes of payload. */
#define PACKET_SIZE 32
void packet_make (guint8 out[PACKET_SIZE], guint8 from, guint8 to, guint32 payload);
/* The host of node sends to 10.0.0.TO. */
void node_push (Node *node, guint8 to, guint32 payload);
/* The payload of the next packet that the host receives, which must be from 10.0.0.FROM. */
guint32 node_pop (Node *node, guint8 from);
void node_expect_nothing (Node *node);
/* Runs the main context until *count reaches at_least. */
void wait_count (const guint *count, guint at_least);
