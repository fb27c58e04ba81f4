/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two devices that know each other, and every datagram that either sent: for tests that name a behaviour of the
 * protocol. It takes 10 ms from one to the other (world.h).
 */
#pragma once

#include "proto/messages.h"
#include "world.h"

#define LATENCY (10 * G_GUINT64_CONSTANT (1000000))

typedef struct
{
  WorldNode *from;
  uint64_t at_ns;
  size_t len;
  uint8_t dscp_ecn, data[];
} Sent;

typedef struct
{
  World *world;
  WorldNode *a, *b;
  GPtrArray *sent;         /* Sent, in order */
  EwPeer *a_of_b, *b_of_a; /* a as b knows it; b as a knows it */
  gboolean swallow;        /* what is sent is recorded, and does not arrive */
} Pair;

void pair_set_up (Pair *pair, gconstpointer data);
void pair_tear_down (Pair *pair, gconstpointer data);
/* A session that a began, confirmed and quiet. What was sent for it is forgotten. Returns when a's keypair was made;
   b's is LATENCY older. */
uint64_t pair_establish (Pair *pair);
/* How many of a type from sent since; and the nth (from 0), which must be there. */
unsigned pair_count (Pair *pair, const WorldNode *from, EwMessageType type);
const Sent *pair_nth (Pair *pair, const WorldNode *from, EwMessageType type, unsigned n);
void pair_forget (Pair *pair);
/* Lets time pass until then. */
void pair_wait_until (Pair *pair, uint64_t now_ns);
/* A small packet. */
void pair_say (Pair *pair, WorldNode *from);
/* Hands what was sent to the other side at once, as from its sender's present address. */
void pair_deliver (Pair *pair, const Sent *sent);
/* … with a changed copy. The caller frees it. */
Sent *pair_copy (const Sent *sent);
uint64_t pair_invalid (WorldNode *node);
EwTime *pair_time (Pair *pair);
