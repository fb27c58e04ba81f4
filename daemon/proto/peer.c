/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A peer: its configuration, its sessions' life, and what it does when its time has come. */
#include "proto/peer.h"

#include <stdlib.h>

EwPeer *
ew_peer_new (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE])
{
  EwPeer *peer = calloc (1, sizeof *peer);
  if (peer == NULL)
    return NULL;
  peer->device = device;
  ew_noise_remote_init (&peer->remote, public_key);
  ew_timers_init (&peer->timers);
  ew_cookie_maker_init (&peer->cookie);
  if (ew_heap_add (&device->due, &peer->due))
    return peer;
  free (peer);
  return NULL;
}

void
ew_peer_get_public_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE])
{
  memcpy (out, peer->remote.public_key, EW_KEY_SIZE);
}

void
ew_peer_set_preshared_key (EwPeer *peer, const uint8_t key[EW_KEY_SIZE])
{
  memcpy (peer->remote.preshared_key, key, EW_KEY_SIZE);
}

void
ew_peer_get_preshared_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE])
{
  memcpy (out, peer->remote.preshared_key, EW_KEY_SIZE);
}

void
ew_peer_set_endpoint (EwPeer *peer, const EwEndpoint *endpoint)
{
  peer->endpoint = *endpoint;
}

const EwEndpoint *
ew_peer_get_endpoint (const EwPeer *peer)
{
  return &peer->endpoint;
}

void
ew_peer_set_keepalive (EwPeer *peer, uint16_t seconds, const EwTime *time)
{
  bool switched_on = peer->timers.persistent_seconds == 0 && seconds > 0;
  ew_timers_set_persistent (&peer->timers, seconds, time->now_ns);
  if (switched_on)
    {
      ew_send_keepalive (peer, time);
      ew_send_flush (peer->device, time);
    }
  ew_peer_reschedule (peer);
}

uint16_t
ew_peer_get_keepalive (const EwPeer *peer)
{
  return peer->timers.persistent_seconds;
}

bool
ew_peer_add_allowed_ip (EwPeer *peer, const EwPrefix *prefix)
{
  return ew_allowed_ips_add (&peer->device->allowed_ips, prefix, peer, &peer->allowed_ips);
}

void
ew_peer_remove_allowed_ip (EwPeer *peer, const EwPrefix *prefix)
{
  ew_allowed_ips_remove (&peer->device->allowed_ips, prefix, peer);
}

void
ew_peer_clear_allowed_ips (EwPeer *peer)
{
  ew_allowed_ips_remove_list (&peer->device->allowed_ips, &peer->allowed_ips);
}

void
ew_peer_foreach_allowed_ip (EwPeer *peer, void (*each) (const EwPrefix *prefix, void *data), void *data)
{
  for (EwAllowedIp *entry = peer->allowed_ips, *next; entry != NULL; entry = next)
    {
      next = entry->next;
      each (&entry->prefix, data);
    }
}

void
ew_peer_get_stats (const EwPeer *peer, EwPeerStats *out)
{
  *out = peer->stats;
}

bool
ew_peer_has_session (const EwPeer *peer, const EwTime *time)
{
  const EwKeypair *current = peer->keypairs.current;
  return current != NULL && ew_timers_session_valid (current->created_ns, current->send_counter, time->now_ns);
}

void
ew_peer_initiate (EwPeer *peer, const EwTime *time, bool force)
{
  ew_timers_handshake_wanted (&peer->timers, force);
  ew_send_initiation (peer, time);
  ew_peer_reschedule (peer);
}

void
ew_peer_hurry (EwPeer *peer, const EwTime *time)
{
  if (ew_timers_hurry (&peer->timers, time->now_ns))
    ew_send_initiation (peer, time);
  ew_peer_reschedule (peer);
}

void
ew_peer_forget_sessions (EwPeer *peer)
{
  ew_peer_clear_handshake (peer);
  ew_keypairs_clear (&peer->keypairs, &peer->device->indices);
  peer->stats.dropped_queue += ew_staging_clear (&peer->staging, &peer->device->staged_bytes);
  ew_timers_forget (&peer->timers);
}

void
ew_peer_set_user_data (EwPeer *peer, void *data)
{
  peer->user_data = data;
}

void *
ew_peer_get_user_data (const EwPeer *peer)
{
  return peer->user_data;
}

void
ew_peer_reschedule (EwPeer *peer)
{
  uint64_t due = ew_timers_deadline (&peer->timers);
  if (due < peer->due.due_ns)
    ew_heap_set (&peer->device->due, &peer->due, due);
}

void
ew_peer_emit (EwPeer *peer, EwPeerEvent event)
{
  if (peer->device->hooks.event != NULL)
    peer->device->hooks.event (peer->device->user, peer, event);
}

void
ew_peer_clear_handshake (EwPeer *peer)
{
  if (peer->handshake_index.kind != EW_INDEX_NONE)
    ew_index_remove (&peer->device->indices, &peer->handshake_index);
  peer->handshake_index.kind = EW_INDEX_NONE;
  ew_noise_clear (&peer->handshake);
}

void
ew_peer_zero_keys (EwPeer *peer)
{
  ew_peer_clear_handshake (peer);
  if (ew_keypairs_clear (&peer->keypairs, &peer->device->indices))
    ew_peer_emit (peer, EW_PEER_SESSION_EXPIRED);
}

uint32_t
ew_peer_unused_index (EwPeer *peer)
{
  uint8_t bytes[4];
  do
    peer->device->hooks.random (peer->device->user, bytes, sizeof bytes);
  while (ew_index_find (&peer->device->indices, ew_load_le32 (bytes)) != NULL);
  return ew_load_le32 (bytes);
}

void
ew_peer_heard_from (EwPeer *peer, const EwEndpoint *from, size_t len, const EwTime *time)
{
  peer->stats.rx_bytes += len;
  peer->stats.last_rx_ns = time->now_ns;
  ew_timers_authenticated_received (&peer->timers, time->now_ns);
  bool roamed = !ew_endpoint_same_remote (&peer->endpoint, from);
  peer->endpoint = *from; /* with the local address it was sent to: answers leave from there */
  if (roamed)
    ew_peer_emit (peer, EW_PEER_ROAMED);
}

bool
ew_peer_begin_session (EwPeer *peer, const EwTime *time)
{
  EwDevice *device = peer->device;
  uint8_t send_key[EW_KEY_SIZE], receive_key[EW_KEY_SIZE];
  bool is_initiator;
  if (!ew_noise_derive_keys (&peer->handshake, send_key, receive_key, &is_initiator))
    return false;
  uint32_t local_index = peer->handshake.local_index, remote_index = peer->handshake.remote_index;
  ew_peer_clear_handshake (peer); /* its index goes on as the keypair's */
  EwKeypair *keypair
    = ew_keypair_new (peer, local_index, remote_index, send_key, receive_key, is_initiator, time->now_ns);
  ew_secret_zero (send_key, sizeof send_key);
  ew_secret_zero (receive_key, sizeof receive_key);
  if (keypair == NULL || !ew_index_insert (&device->indices, &keypair->index))
    {
      ew_keypair_unref (keypair);
      return false;
    }
  ew_keypairs_add (&peer->keypairs, &device->indices, keypair);
  ew_timers_session_derived (&peer->timers, time->now_ns);
  return true;
}

void
ew_peer_session_complete (EwPeer *peer, const EwTime *time)
{
  ew_timers_handshake_complete (&peer->timers);
  peer->stats.last_handshake_ns = time->now_ns;
  peer->stats.last_handshake_realtime_ns = time->realtime_ns;
  ew_peer_emit (peer, EW_PEER_HANDSHAKE_COMPLETE);
}

void
ew_peer_tick (EwPeer *peer, const EwTime *time)
{
  unsigned actions = ew_timers_tick (&peer->timers, time->now_ns);
  if (actions & EW_ACTION_ZERO_KEYS)
    ew_peer_zero_keys (peer);
  if (actions & EW_ACTION_GIVE_UP)
    {
      peer->stats.dropped_queue += ew_staging_clear (&peer->staging, &peer->device->staged_bytes);
      ew_peer_emit (peer, EW_PEER_HANDSHAKE_GAVE_UP);
    }
  if (actions & (EW_ACTION_RETRY_HANDSHAKE | EW_ACTION_NEW_HANDSHAKE))
    {
      /* Perhaps it is our own address that does not work any more: let the system choose again. */
      peer->endpoint.local = (EwIp){ 0 };
      if (actions & EW_ACTION_NEW_HANDSHAKE)
        ew_timers_handshake_wanted (&peer->timers, false);
      ew_send_initiation (peer, time);
    }
  if (actions & EW_ACTION_KEEPALIVE)
    ew_send_keepalive (peer, time);
}
