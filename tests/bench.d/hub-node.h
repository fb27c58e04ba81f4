/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A node of hub-bench: the protocol's device and a socket on loopback, in the caller's thread.
 */
#pragma once

#include "loopback.h"
#include "proto/device.h"

#define KEPT_MAX 32

typedef struct
{
  EwDevice *device;
  EwPeer *hub;
  int fd;
  uint16_t hub_port;
  uint8_t public_key[EW_KEY_SIZE];
  /* Sealed packets of one size, waiting for the end of their burst. */
  uint8_t burst[BURST_BYTES];
  size_t burst_len, burst_size;
  uint64_t received; /* datagrams with data */
  /* Bursts that are kept until hub_node_release(), if there is room for any. */
  uint8_t *kept; /* KEPT_MAX times BURST_BYTES */
  size_t n_kept, kept_len[KEPT_MAX], kept_size[KEPT_MAX];
} HubNode;

void hub_node_init (HubNode *self);
/* Its peer: everything goes to the hub. */
void hub_node_join (HubNode *self, const uint8_t hub_key[EW_KEY_SIZE], uint16_t hub_port);
void hub_node_free (HubNode *self);
EwTime hub_node_time (void);
/* Takes what the hub sent: handshakes to the device, data to the count. True: there was something. */
bool hub_node_receive (HubNode *self);
/* Seals and sends n ≤ BURST_MAX copies of an inner packet of len bytes. */
void hub_node_send (HubNode *self, const uint8_t *packet, size_t len, size_t n);
/* From now on bursts are kept. */
void hub_node_keep (HubNode *self);
/* Sends the i-th of them, or, behind the last, nothing. */
void hub_node_release (HubNode *self, size_t i);
/* An IPv4 packet with UDP from 10.99.0.FROM to 10.99.0.TO of len bytes. */
void hub_node_fill (uint8_t *packet, size_t len, uint8_t from, uint8_t to);
