/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's peers: each function is one visit to the data thread.
 */
#include "engine/engine-private.h"

#include <string.h>

typedef struct
{
  const EwPeerConfig *config;
  gboolean done;
} SetPeer;

static gboolean
apply_peer (EwDevice *device, const EwTime *time, const EwPeerConfig *config)
{
  EwPeer *peer = ew_device_add_peer (device, config->public_key);

  if (peer == NULL)
    return FALSE;
  ew_peer_set_user_data (peer, config->user_data);
  ew_peer_set_preshared_key (peer, config->preshared_key);
  const gboolean stored = ew_peer_set_allowed_ips (peer, config->allowed_ips, config->n_allowed_ips);
  if (config->endpoint.kind != EW_ENDPOINT_NONE)
    ew_peer_set_endpoint (peer, &config->endpoint);
  ew_peer_set_keepalive (peer, config->persistent_keepalive, time);
  return stored;
}

static void
set_peer (EwDevice *device, const EwTime *time, void *data)
{
  SetPeer *set = data;

  set->done = apply_peer (device, time, set->config);
}

gboolean
ew_engine_set_peer (EwEngine *engine, const EwPeerConfig *config)
{
  SetPeer set = { config, FALSE };

  ew_engine_call (engine, set_peer, &set);
  return set.done;
}

static void
remove_peer (EwDevice *device, const EwTime *time, void *data)
{
  EwPeer *peer = ew_device_find_peer (device, data);

  if (peer != NULL)
    ew_peer_remove (peer);
}

void
ew_engine_remove_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE])
{
  ew_engine_call (engine, remove_peer, (void *)public_key);
}

void
ew_engine_read_peer (EwPeer *peer, const EwTime *time, EwPeerStatus *out)
{
  memset (out, 0, sizeof *out);
  ew_peer_get_public_key (peer, out->public_key);
  out->endpoint = *ew_peer_get_endpoint (peer);
  ew_peer_get_stats (peer, &out->stats);
  out->has_session = ew_peer_has_session (peer, time);
  out->damages_bursts = ew_peer_damages_bursts (peer);
}

typedef struct
{
  const uint8_t *public_key;
  EwPeerStatus *out;
  gboolean found;
} GetPeer;

static void
get_peer (EwDevice *device, const EwTime *time, void *data)
{
  GetPeer *get = data;
  EwPeer *peer = ew_device_find_peer (device, get->public_key);

  get->found = peer != NULL;
  if (get->found)
    ew_engine_read_peer (peer, time, get->out);
}

gboolean
ew_engine_get_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], EwPeerStatus *out)
{
  GetPeer get = { public_key, out, FALSE };

  ew_engine_call (engine, get_peer, &get);
  return get.found;
}

typedef struct
{
  const uint8_t *public_key;
  gboolean force;
} Initiate;

static void
initiate (EwDevice *device, const EwTime *time, void *data)
{
  Initiate *wish = data;
  EwPeer *peer = ew_device_find_peer (device, wish->public_key);

  if (peer != NULL)
    {
      if (wish->force)
        ew_peer_hurry (peer, time);
      else
        ew_peer_initiate (peer, time, false);
    }
}

void
ew_engine_initiate (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], gboolean force)
{
  Initiate wish = { public_key, force };

  ew_engine_call (engine, initiate, &wish);
}

typedef struct
{
  const uint8_t *public_key;
  const EwEndpoint *endpoint;
  bool (*send) (EwPeer *peer, const EwEndpoint *endpoint, const EwTime *time);
  gboolean sent;
} Address;

static void
send_to (EwDevice *device, const EwTime *time, void *data)
{
  Address *wish = data;
  EwPeer *peer = ew_device_find_peer (device, wish->public_key);

  wish->sent = peer != NULL && wish->send (peer, wish->endpoint, time);
}

gboolean
ew_engine_repeat_initiation (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const EwEndpoint *endpoint)
{
  Address wish = { public_key, endpoint, ew_peer_repeat_initiation, FALSE };

  ew_engine_call (engine, send_to, &wish);
  return wish.sent;
}

gboolean
ew_engine_call_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const EwEndpoint *endpoint)
{
  Address wish = { public_key, endpoint, ew_peer_call, FALSE };

  ew_engine_call (engine, send_to, &wish);
  return wish.sent;
}

static void
set_endpoint (EwDevice *device, const EwTime *time, void *data)
{
  const Address *wish = data;
  EwPeer *peer = ew_device_find_peer (device, wish->public_key);

  if (peer != NULL)
    ew_peer_set_endpoint (peer, wish->endpoint);
}

void
ew_engine_set_endpoint (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const EwEndpoint *endpoint)
{
  Address wish = { public_key, endpoint, NULL, FALSE };

  ew_engine_call (engine, set_endpoint, &wish);
}

typedef struct
{
  const uint8_t *public_key;
  const uint8_t *packet;
  size_t len;
  bool whole;
} Inject;

static void
inject (EwWorker *worker, void *data)
{
  Inject *wish = data;
  EwPacket packet
    = { .data = ew_buffers_at (&worker->inbound, 0), .len = wish->len, .sparse = true, .whole = wish->whole };

  memcpy (packet.data, wish->packet, wish->len); /* no batch is in it: calls run between batches */
  ew_lane_lock (worker->lane);
  EwPeer *peer = ew_device_find_peer (worker->device, wish->public_key);
  if (peer != NULL)
    ew_peer_send (peer, &packet, 1, &worker->time);
  ew_lane_unlock (worker->lane);
}

static void
inject_packet (EwEngine *engine, Inject wish)
{
  if (wish.len > 0 && wish.len <= EW_BUFFER_CAPACITY)
    ew_worker_call (ew_engine_get_crew (engine)->workers[0], inject, &wish);
}

void
ew_engine_inject (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const uint8_t *packet, size_t len)
{
  inject_packet (engine, (Inject){ public_key, packet, len, false });
}

void
ew_engine_inject_whole (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const uint8_t *packet, size_t len)
{
  inject_packet (engine, (Inject){ public_key, packet, len, true });
}
