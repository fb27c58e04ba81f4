/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The device: its identity, its peers, its clockwork. */
#include "proto/blake2s.h"
#include "proto/peer.h"

#include <stdlib.h>

EwDevice *
ew_device_new (const EwDeviceHooks *hooks, void *user, uint16_t mtu)
{
  EwDevice *device = calloc (1, sizeof *device);
  if (device == NULL)
    return NULL;
  device->hooks = *hooks;
  device->acting = &device->own;
  device->told_ns = EW_TIME_OFF;
  atomic_init (&device->mtu, mtu);
  hooks->random (user, device->seed, sizeof device->seed);
  ew_lane_init (&device->own, device, user, 0);
  ew_grace_init (&device->grace);
  device->indices.sessions.grace = &device->grace;
  ew_allowed_ips_init (&device->allowed_ips, &device->grace);
  ew_cookie_checker_init (&device->cookies, hooks->random, user);
  ew_load_init (&device->load);
  return device;
}

void
ew_device_free (EwDevice *device)
{
  if (device == NULL)
    return;
  while (device->peers != NULL)
    ew_peer_remove (device->peers);
  for (unsigned i = 0; i < device->n_lanes; i++)
    {
      ew_secret_zero (device->lanes[i], sizeof *device->lanes[i]);
      free (device->lanes[i]);
    }
  ew_grace_clear (&device->grace);
  ew_table_clear (&device->peers_by_key);
  ew_table_clear (&device->indices.sessions);
  ew_table_clear (&device->indices.handshakes);
  ew_heap_clear (&device->due);
  ew_allowed_ips_clear (&device->allowed_ips);
  ew_rate_limiter_free (device->rate_limiter);
  ew_x25519_key_free (device->identity.key);
  ew_secret_zero (device, sizeof *device);
  free (device);
}

void
ew_device_set_mtu (EwDevice *device, uint16_t mtu)
{
  atomic_store_explicit (&device->mtu, mtu, memory_order_relaxed);
}

void
ew_device_set_private_key (EwDevice *device, const uint8_t key[EW_KEY_SIZE])
{
  static const uint8_t nothing[EW_KEY_SIZE];
  EwNoiseIdentity identity = { 0 };
  ew_noise_identity_set (&identity, key);
  bool same = identity.present == device->identity.present
              && ew_secret_equal (identity.private_key, device->identity.private_key, EW_KEY_SIZE);
  if (!same)
    {
      EwNoiseIdentity before = device->identity;
      device->identity = identity;
      identity = before; /* to be erased */
      ew_secret_zero (&before, sizeof before);
      ew_cookie_checker_set_public_key (&device->cookies, device->identity.public_key);
      for (EwPeer *peer = device->peers; peer != NULL; peer = peer->next)
        {
          ew_peer_forget_sessions (peer);
          ew_noise_remote_reset (&peer->remote);
        }
    }
  ew_noise_identity_set (&identity, nothing);
}

void
ew_device_get_public_key (const EwDevice *device, uint8_t out[EW_KEY_SIZE])
{
  memcpy (out, device->identity.public_key, EW_KEY_SIZE);
}

void
ew_device_set_timestamp_floor (EwDevice *device, uint64_t realtime_ns)
{
  /* The grain after the floor is the first that the other side takes for later. */
  uint64_t base = ew_timestamp_coarsen (ew_timestamp_coarsen (realtime_ns) + EW_TIMESTAMP_GRAIN);
  if (base > device->timestamp_base)
    device->timestamp_base = base;
  if (realtime_ns > device->timestamp_latest)
    device->timestamp_latest = realtime_ns;
}

uint64_t
ew_device_get_timestamp_floor (const EwDevice *device)
{
  return device->timestamp_latest;
}

static uint32_t
hash_key (const EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  uint8_t digest[4];
  ew_blake2s (digest, sizeof digest, device->seed, sizeof device->seed, public_key, EW_KEY_SIZE);
  return ew_load_le32 (digest);
}

EwPeer *
ew_device_find (const EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  size_t cursor = EW_TABLE_START;
  uint32_t hash = hash_key (device, public_key);
  EwPeer *peer;
  while ((peer = ew_table_next (&device->peers_by_key, hash, &cursor)) != NULL)
    if (ew_secret_equal (peer->remote.public_key, public_key, EW_KEY_SIZE))
      return peer;
  return NULL;
}

EwPeer *
ew_device_find_peer (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  return ew_device_find (device, public_key);
}

EwPeer *
ew_device_add_peer (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  EwPeer *peer = ew_device_find (device, public_key);
  if (peer != NULL)
    return peer;
  if (ew_secret_is_zero (public_key, EW_KEY_SIZE)
      || (device->identity.present && ew_secret_equal (public_key, device->identity.public_key, EW_KEY_SIZE)))
    return NULL;
  peer = ew_table_reserve (&device->peers_by_key) ? ew_peer_new (device, public_key) : NULL;
  if (peer == NULL)
    return NULL;
  ew_table_insert (&device->peers_by_key, hash_key (device, public_key), peer);
  peer->next = device->peers;
  if (peer->next != NULL)
    peer->next->previous = peer;
  device->peers = peer;
  device->n_peers++;
  return peer;
}

static void
release_peer (EwGraceItem *item)
{
  EwPeer *peer = (EwPeer *)((uint8_t *)item - offsetof (EwPeer, item));
  ew_secret_zero (peer, sizeof *peer);
  free (peer);
}

void
ew_peer_remove (EwPeer *peer)
{
  EwDevice *device = peer->device;
  if (peer->last_timestamp_ns != 0) /* if the peer is added again, its clock continues */
    ew_device_set_timestamp_floor (device, peer->last_timestamp_ns);
  ew_allowed_ips_remove_list (&device->allowed_ips, &peer->allowed_ips);
  ew_staging_clear (&peer->staging, &device->staged_bytes);
  ew_peer_clear_handshake (peer);
  ew_keypairs_clear (&peer->keypairs, &device->indices);
  ew_heap_remove (&device->due, &peer->due);
  ew_table_remove (&device->peers_by_key, hash_key (device, peer->remote.public_key), peer);
  if (peer->previous != NULL)
    peer->previous->next = peer->next;
  else
    device->peers = peer->next;
  if (peer->next != NULL)
    peer->next->previous = peer->previous;
  device->n_peers--;
  peer->removed = true;
  ew_grace_retire (&device->grace, &peer->item, release_peer);
}

EwPeer *
ew_device_lookup (EwDevice *device, const EwIp *ip)
{
  if (ip->family != EW_FAMILY_V4 && ip->family != EW_FAMILY_V6)
    return NULL;
  return ew_allowed_ips_lookup (&device->allowed_ips, ip->family, ip->bytes);
}

void
ew_device_foreach_peer (EwDevice *device, void (*each) (EwPeer *peer, void *data), void *data)
{
  for (EwPeer *peer = device->peers, *next; peer != NULL; peer = next)
    {
      next = peer->next; /* each() may remove its peer */
      each (peer, data);
    }
}

size_t
ew_device_count_peers (const EwDevice *device)
{
  return device->n_peers;
}

/* The peer that is due first. Those in the heap may be too early, never too late; none that is due by `limit` is too
   early any more. */
static EwPeer *
first_due (EwDevice *device, uint64_t limit)
{
  EwHeapNode *node;
  while ((node = ew_heap_first (&device->due)) != NULL && node->due_ns <= limit)
    {
      EwPeer *peer = (EwPeer *)node;
      uint64_t due = ew_timers_deadline (&peer->timers);
      if (due == node->due_ns)
        break;
      ew_peer_schedule (peer, due);
      ew_peer_reschedule (peer); /* a lane that started a timer in the meantime saw the earlier one, and kept it */
    }
  return (EwPeer *)node;
}

/* With lanes, one that is too early stays so until then: if it were put off whenever a caller asks, the lane that is
   starting and stopping its timers all the time would have to bring it forward, with the lock, as often. */
uint64_t
ew_device_deadline (EwDevice *device)
{
  EwPeer *peer = first_due (device, device->n_lanes > 0 ? 0 : EW_TIME_OFF);
  device->told_ns = peer != NULL ? peer->due.due_ns : EW_TIME_OFF;
  return device->told_ns;
}

void
ew_device_tick (EwDevice *device, const EwTime *time)
{
  EwLane *lane = &device->own;
  bool more = true;
  ew_lane_enter (lane);
  while (more)
    {
      ew_lane_lock (lane); /* for one peer a time: there may be many */
      EwPeer *peer = first_due (device, time->now_ns);
      more = peer != NULL && peer->due.due_ns <= time->now_ns;
      if (more)
        {
          ew_peer_tick (peer, time);
          ew_peer_reschedule (peer);
        }
      ew_lane_unlock (lane);
    }
  ew_send_flush (lane, time);
  ew_lane_leave (lane);
}
