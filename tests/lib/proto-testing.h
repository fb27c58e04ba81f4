/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Doors that only tests open: what no caller of device.h may see or set, and no test can wait for.
 */
#pragma once

#include "proto/device.h"

/* The next counter that peer's current session sends with. False: there is no session, or it has sent as many or more
   (a nonce must never be used twice, not even in a test). */
bool ew_testing_set_send_counter (EwPeer *peer, uint64_t counter);

/* As if this many handshake messages were waiting for the device (load.h). */
void ew_testing_set_handshake_queue (EwDevice *device, unsigned handshakes, uint64_t now_ns);

/* What all of a device's lanes have counted. */
void ew_testing_get_device_stats (const EwDevice *device, EwDeviceStats *out);

/* What a device holds of secrets, packets and memory on behalf of one peer. */
typedef struct
{
  unsigned keypairs;          /* 0…3 */
  bool handshake;             /* one is under way, with its secrets */
  bool unguarded;             /* secrets exist, and no timer will ever erase them */
  uint64_t newest_session_ns; /* when the newest keypair was made; 0: no keypair */
  unsigned staged_packets;
} EwTestingPeer;

void ew_testing_look_at_peer (const EwPeer *peer, EwTestingPeer *out);

/* … and all in all. */
typedef struct
{
  size_t indices;      /* entries of the index table: keypairs and handshakes */
  size_t timers;       /* nodes of the heap of deadlines */
  size_t staged_bytes; /* as the device itself counts them */
  size_t batched;      /* packets left in the batches between two calls: none */
} EwTestingDevice;

void ew_testing_look_at_device (const EwDevice *device, EwTestingDevice *out);

/* The peer has no prefix any more. */
void ew_testing_clear_allowed_ips (EwPeer *peer);
