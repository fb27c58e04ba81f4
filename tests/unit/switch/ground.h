/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A switch of two data threads and two nodes, with sessions:
 *
 *   node 1: memory TUN ↔ engine ↔ UDP 127.0.0.1 ↔ switch 10.0.0.254 ↔ node 2
 *   "a", 10.0.0.1                                                     "b", 10.0.0.2
 */
#pragma once

#include "edge/switch/switch-private.h"
#include "unit/engine/node.h"

typedef struct
{
  EwSwitch *sw;
  Node nodes[2];
  guint8 key[EW_KEY_SIZE]; /* the switch's public key */
} Ground;

void ground_start (Ground *ground);
void ground_stop (Ground *ground);
