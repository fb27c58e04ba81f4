/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What device.c, peer.c, send.c and receive.c share: the inside of a device and of a peer. Nobody else includes it.
 *
 * The packet's journey: ew_device_send() → session? → outbound batch → sealed → transmit() send.c ew_device_receive() →
 * inbound batch → opened → replay, allowed IPs → deliver()            receive.c
 */
#pragma once

#include "proto/allowed-ips.h"
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/crypto.h"
#include "proto/heap.h"
#include "proto/keypair.h"
#include "proto/load.h"
#include "proto/noise.h"
#include "proto/repeats.h"
#include "proto/staging.h"
#include "proto/timers.h"

/* About 1 KB; keypairs (some 3 KB each) and staged packets come and go. */
struct EwPeer
{
  EwHeapNode due; /* must be first: the heap's nodes are peers */
  EwDevice *device;
  EwPeer *next, *previous;
  EwNoiseRemote remote;
  EwNoiseHandshake handshake;
  EwIndexEntry handshake_index;
  EwKeypairs keypairs;
  EwTimers timers;
  EwCookieMaker cookie;
  EwEndpoint endpoint;
  EwStaging staging;
  EwAllowedIp *allowed_ips;
  EwPeerStats stats;
  uint64_t last_timestamp_ns; /* sent in an initiation; 0: none yet */
  void *user_data;
};

/* One sealed or to be sealed packet, beside its EwAeadItem. */
typedef struct
{
  EwPeer *peer;
  EwKeypair *keypair; /* a reference */
  size_t inner_len;   /* 0: keepalive */
  uint8_t ecn;
} EwOutbound;

typedef struct
{
  EwKeypair *keypair; /* a reference */
  EwPacket *datagram;
} EwInbound;

struct EwDevice
{
  EwDeviceHooks hooks;
  void *user;
  uint16_t mtu;
  EwNoiseIdentity identity;
  EwCookieChecker cookies;
  EwLoadMeter load;
  EwRepeats repeats;
  EwRateLimiter *rate_limiter; /* NULL until load first came */
  EwDeviceStats stats;

  EwPeer *peers;
  size_t n_peers;
  EwTable peers_by_key;
  uint8_t seed[32];
  EwIndexTable indices;
  EwHeap due;
  EwAllowedIps allowed_ips;
  size_t staged_bytes;
  uint64_t jitter_state;
  uint64_t timestamp_base;   /* nothing earlier is sent, by any peer */
  uint64_t timestamp_latest; /* the latest sent, or the floor handed in */

  EwAeadItem sealing[EW_BATCH_MAX];
  EwOutbound outbound[EW_BATCH_MAX];
  size_t n_outbound;
  EwAeadItem opening[EW_BATCH_MAX];
  EwInbound inbound[EW_BATCH_MAX];
  size_t n_inbound;
  /* While deliver() runs: the buffer of the packet, whose sealing may wait for its batch. */
  const uint8_t *delivering_start, *delivering_end;
};

/* device.c */
uint64_t ew_device_jitter (EwDevice *device);
EwPeer *ew_device_find (const EwDevice *device, const uint8_t public_key[EW_KEY_SIZE]);

/* peer.c */
EwPeer *ew_peer_new (EwDevice *device,
                     const uint8_t public_key[EW_KEY_SIZE]); /* in no list yet; NULL: memory is gone */
/* Brings the peer's next deadline into the heap. Later ones are left until the heap is asked. */
void ew_peer_reschedule (EwPeer *peer);
void ew_peer_emit (EwPeer *peer, EwPeerEvent event);
void ew_peer_clear_handshake (EwPeer *peer);
void ew_peer_zero_keys (EwPeer *peer); /* emits EW_PEER_SESSION_EXPIRED if there were any */
/* An authenticated message came from there. */
void ew_peer_heard_from (EwPeer *peer, const EwEndpoint *from, size_t len, const EwTime *time);
/* The keys of a finished handshake become a keypair. */
bool ew_peer_begin_session (EwPeer *peer, const EwTime *time);
void ew_peer_session_complete (EwPeer *peer, const EwTime *time);
void ew_peer_tick (EwPeer *peer, const EwTime *time);
uint32_t ew_peer_unused_index (EwPeer *peer);

/* send.c */
void ew_send_initiation (EwPeer *peer, const EwTime *time); /* unless one is fresh, or there is nowhere to send it */
void ew_send_response (EwPeer *peer, const EwTime *time);
void ew_send_cookie_reply (EwDevice *device, const EwEndpoint *to, const uint8_t *message, size_t len,
                           const EwTime *time);
void ew_send_keepalive (EwPeer *peer, const EwTime *time); /* or starts a handshake, if there is no session */
/* What is staged, or a keepalive if nothing is. */
void ew_send_staged_or_keepalive (EwPeer *peer, const EwTime *time);
void ew_send_flush (EwDevice *device, const EwTime *time);
