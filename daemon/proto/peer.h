/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What device.c, peer.c, send.c and receive.c share: the inside a device and of a peer. No other room includes it.
 *
 * The packet's journey:
 *
 *   send.c      ew_lane_send() → session? → outbound batch → sealed → transmit()
 *   receive.c   ew_lane_receive() → inbound batch → opened → replay, allowed IPs → deliver()
 */
#pragma once

#include "proto/allowed-ips.h"
#include "proto/bursts.h"
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

/* An endpoint that one thread writes, with the lock, and lanes read without: until both versions are the same. */
typedef struct
{
  _Atomic uint32_t version; /* odd: being written */
  _Atomic uint64_t words[(sizeof (EwEndpoint) + 7) / 8];
} EwSharedEndpoint;

/* EwPeerStats as any lane adds to it. What comes from the peer and what goes to it are counted by different lanes, so
   they lie apart. */
typedef struct
{
  _Atomic uint64_t rx_bytes, rx_packets, last_rx_ns, dropped_source, dropped_replay;
  _Atomic uint64_t last_handshake_realtime_ns, last_handshake_ns, dropped_queue;
  _Atomic uint64_t refused_old, refused_ns, behind_ns, behind_stated_ns;
  uint8_t apart[EW_CACHE_LINE - 7 * sizeof (uint64_t)];
  _Atomic uint64_t tx_bytes, tx_packets, last_tx_ns;
} EwPeerCounters;

/* ew_peer_call(), and the refusals that lead to one. */
typedef struct
{
  uint64_t refused_since_ns; /* the first of remote.refused */
  uint64_t called_ns;        /* 0: never */
  uint64_t stated_ns;        /* the time that the last one refused said; 0: the call had another reason */
  uint32_t index;            /* of the handshake */
  bool out;                  /* it waits for its response */
} EwCall;

/* About 1 KB; keypairs (some 3 KB each) and staged packets come and go. */
struct EwPeer
{
  EwHeapNode due; /* must be first: the heap's nodes are peers */
  /* What lanes use. */
  EwDevice *device;
  unsigned lane; /* that opens what it sends */
  EwKeypairs keypairs;
  _Atomic uint64_t scheduled_ns; /* due.due_ns */
  _Atomic (void *) user_data;
  EwSharedEndpoint shared_endpoint;
  EwBursts bursts;
  EwPeerCounters counters;
  uint8_t apart[EW_CACHE_LINE];
  EwTimers timers;
  EwAllowedIp *allowed_ips; /* the rest belongs to the holder of the lock */
  bool removed;
  EwPeer *next, *previous;
  EwNoiseRemote remote;
  EwNoiseHandshake handshake;
  EwIndexEntry handshake_index;
  EwCookieMaker cookie;
  EwEndpoint endpoint;
  EwStaging staging;
  uint64_t last_timestamp_ns; /* sent in an initiation; 0: none yet */
  EwCall call;
  EwGraceItem item;
};

/* One sealed or to be sealed packet, beside its EwAeadItem. */
typedef struct
{
  EwPeer *peer;
  EwKeypair *keypair;
  size_t inner_len; /* 0: keepalive */
  uint8_t ecn;      /* and EW_OUTER_WHOLE, EW_OUTER_SPARSE */
} EwOutbound;

typedef struct
{
  EwKeypair *keypair;
  EwPacket *datagram;
} EwInbound;

/* What one thread has under way. */
struct EwLane
{
  EwDevice *device;
  void *user;
  unsigned number;
  unsigned inside, locked; /* how deep */
  uint64_t jitter_state;
  struct
  {
    _Atomic uint64_t rx_invalid, rx_cookie_required, no_peer;
  } stats;

  EwAeadItem sealing[EW_BATCH_MAX];
  EwOutbound outbound[EW_BATCH_MAX];
  size_t n_outbound;
  EwAeadItem opening[EW_BATCH_MAX];
  EwInbound inbound[EW_BATCH_MAX];
  size_t n_inbound;
  /* Packets of one peer in a row, counted when another's comes or the batch ends. */
  struct
  {
    EwPeer *peer;               /* NULL: none */
    const EwEndpoint *endpoint; /* of the last of them */
    uint64_t bytes, packets;
  } heard;
  /* While deliver() runs: the buffer of the packet, whose sealing may wait for its batch. */
  const uint8_t *delivering_start, *delivering_end;
};

struct EwDevice
{
  EwGrace grace;
  EwLane own; /* lane 0 */
  EwLane *lanes[EW_LANES_MAX];
  unsigned n_lanes, next_lane;
  EwLane *acting;   /* the lane that has the lock; without locks, the device's own */
  uint64_t told_ns; /* the deadline that was last asked for */

  EwDeviceHooks hooks;
  _Atomic uint16_t mtu;
  EwNoiseIdentity identity;
  EwCookieChecker cookies;
  EwLoadMeter load;
  EwRepeats repeats;
  EwRateLimiter *rate_limiter; /* NULL until load first came */

  EwPeer *peers;
  size_t n_peers;
  EwTable peers_by_key;
  uint8_t seed[32];
  EwIndexTable indices;
  EwHeap due;
  EwAllowedIps allowed_ips;
  size_t staged_bytes;
  uint64_t timestamp_base;        /* nothing earlier is sent, by any peer */
  uint64_t timestamp_latest;      /* the latest sent, or the floor handed in */
  uint64_t called_ns;             /* the latest ew_peer_call() of any peer; 0: never */
  EwMessageInitiation initiation; /* the latest sent, as it went out */
};

/* One writer. */
static inline void
ew_count (_Atomic uint64_t *counter, uint64_t n)
{
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* Any number of writers. */
static inline void
ew_add (_Atomic uint64_t *counter, uint64_t n)
{
  if (n > 0)
    atomic_fetch_add_explicit (counter, n, memory_order_relaxed);
}

static inline void
ew_put (_Atomic uint64_t *word, uint64_t value)
{
  if (atomic_load_explicit (word, memory_order_relaxed) != value)
    atomic_store_explicit (word, value, memory_order_relaxed);
}

/* Everything below is for the holder of the lock, unless it takes a lane. */

/* lane.c */
void ew_lane_init (EwLane *lane, EwDevice *device, void *user, unsigned number);
uint64_t ew_lane_jitter (EwLane *lane);
/* The lock for a peer that was seen without it. False: the peer has been removed in the meantime, and there is no
   lock. */
bool ew_lane_lock_peer (EwLane *lane, const EwPeer *peer);

/* device.c */
EwPeer *ew_device_find (const EwDevice *device, const uint8_t public_key[EW_KEY_SIZE]);

/* peer.c */
EwPeer *ew_peer_new (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE]); /* in no list yet; NULL: out of memory */
/* Adds the peer's next deadline to the heap. Later ones are left until the heap is asked. */
void ew_peer_reschedule (EwPeer *peer);
void ew_peer_schedule (EwPeer *peer, uint64_t due_ns);
/* From any lane: takes the lock if it is needed. */
void ew_peer_reschedule_from (EwPeer *peer, EwLane *lane);
/* From any lane: the keypair to send with, NULL: there is no session, or it is too old. */
EwKeypair *ew_peer_get_sending (const EwPeer *peer, const EwTime *time);
void ew_peer_read_endpoint (const EwPeer *peer, EwEndpoint *out); /* from any lane */
void ew_peer_emit (EwPeer *peer, EwPeerEvent event);
void ew_peer_clear_handshake (EwPeer *peer);
void ew_peer_zero_keys (EwPeer *peer); /* emits EW_PEER_SESSION_EXPIRED if there were any */
/* An authenticated message came from there. */
void ew_peer_heard_from (EwPeer *peer, const EwEndpoint *from, size_t len, const EwTime *time);
/* The same except for the bytes, from the peer's lane. */
void ew_peer_heard_from_at (EwPeer *peer, EwLane *lane, const EwEndpoint *from, const EwTime *time);
/* The keys of a finished handshake become a keypair. */
bool ew_peer_begin_session (EwPeer *peer, const EwTime *time);
/* remote.refused has just been counted up, by an initiation that came from there. */
void ew_peer_note_refusal (EwPeer *peer, const EwEndpoint *from, const EwTime *time);
void ew_peer_note_call_answered (EwPeer *peer, const EwTime *time);
void ew_peer_session_complete (EwPeer *peer, const EwTime *time);
void ew_peer_tick (EwPeer *peer, const EwTime *time);
uint32_t ew_peer_unused_index (EwPeer *peer);

/* send.c */
void ew_send_initiation (EwPeer *peer, const EwTime *time); /* unless one is fresh, or there is nowhere to send it */
/* To an endpoint that isn't the peer's yet; once. */
bool ew_send_call (EwPeer *peer, const EwEndpoint *to, const EwTime *time);
void ew_send_response (EwPeer *peer, const EwTime *time);
void ew_send_cookie_reply (EwDevice *device, const EwEndpoint *to, const uint8_t *message, size_t len,
                           const EwTime *time);
void ew_send_keepalive (EwPeer *peer, const EwTime *time); /* or starts a handshake, if there is no session */
/* What is staged, or a keepalive if nothing is. */
void ew_send_staged_or_keepalive (EwPeer *peer, const EwTime *time);
void ew_send_flush (EwLane *lane, const EwTime *time);
