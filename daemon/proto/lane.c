/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A lane's life: when it is inside (what it sees may not be freed), and when it has the device's lock. */
#include "proto/peer.h"

#include <stdlib.h>

void
ew_lane_init (EwLane *lane, EwDevice *device, void *user, unsigned number)
{
  lane->device = device;
  lane->user = user;
  lane->number = number;
  device->hooks.random (user, (uint8_t *)&lane->jitter_state, sizeof lane->jitter_state);
  lane->jitter_state |= 1;
}

EwLane *
ew_lane_new (EwDevice *device, void *user)
{
  EwLane *lane = device->n_lanes < EW_LANES_MAX ? calloc (1, sizeof *lane) : NULL;
  if (lane == NULL)
    return NULL;
  device->lanes[device->n_lanes++] = lane;
  ew_lane_init (lane, device, user, device->n_lanes);
  return lane;
}

unsigned
ew_lane_number (const EwLane *lane)
{
  return lane->number;
}

EwDevice *
ew_lane_get_device (const EwLane *lane)
{
  return lane->device;
}

EwLane *
ew_device_get_lane (EwDevice *device)
{
  return &device->own;
}

unsigned
ew_device_lane_of (const EwDevice *device, uint8_t first_byte)
{
  return device->n_lanes == 0 ? 0 : 1 + first_byte % device->n_lanes;
}

/* xorshift64*: spreads retries over time; nothing secret depends on it. */
uint64_t
ew_lane_jitter (EwLane *lane)
{
  uint64_t x = lane->jitter_state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  lane->jitter_state = x;
  return (x * UINT64_C (0x2545f4914f6cdd1d) >> 16) % EW_JITTER_MAX;
}

void
ew_lane_enter (EwLane *lane)
{
  if (lane->inside++ == 0)
    ew_grace_enter (&lane->device->grace, lane->number);
}

void
ew_lane_leave (EwLane *lane)
{
  EwDevice *device = lane->device;
  if (--lane->inside > 0)
    return;
  ew_grace_leave (&device->grace, lane->number);
  if (lane == &device->own)
    {
      ew_lane_lock (lane);
      ew_grace_collect (&device->grace);
      ew_lane_unlock (lane);
    }
}

void
ew_lane_lock (EwLane *lane)
{
  EwDevice *device = lane->device;
  if (lane->locked++ > 0)
    return;
  if (device->hooks.lock != NULL)
    device->hooks.lock (lane->user);
  device->acting = lane;
}

void
ew_lane_unlock (EwLane *lane)
{
  EwDevice *device = lane->device;
  if (--lane->locked > 0)
    return;
  EwHeapNode *first = ew_heap_first (&device->due);
  bool hurry = lane != &device->own && device->hooks.hurry != NULL
               && ((first != NULL && first->due_ns < device->told_ns) || device->grace.first != NULL);
  device->acting = &device->own;
  if (device->hooks.unlock != NULL)
    device->hooks.unlock (lane->user);
  if (hurry)
    device->hooks.hurry (lane->user);
}

bool
ew_lane_lock_peer (EwLane *lane, const EwPeer *peer)
{
  ew_lane_lock (lane);
  if (!peer->removed)
    return true;
  ew_lane_unlock (lane);
  return false;
}

uint64_t
ew_device_begin_grace (EwDevice *device)
{
  return ew_grace_begin (&device->grace);
}

bool
ew_device_grace_passed (EwDevice *device, uint64_t grace)
{
  return ew_grace_passed (&device->grace, grace);
}

bool
ew_device_collect (EwDevice *device)
{
  return ew_grace_collect (&device->grace);
}
