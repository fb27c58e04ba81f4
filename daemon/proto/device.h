/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A WireGuard device without its wires: peers, sessions and timers. Bytes and a time go in; datagrams, inner packets,
 * events and a deadline come out. It does no I/O, reads no clock and takes no randomness except what it is handed, so
 * that the node, the edge and the simulator run the same code.
 *
 * A device belongs to one thread at a time. Nothing on the data path allocates. Callbacks run inside the call that
 * caused them and must not call back into the device, except ew_peer_send() from deliver() (the edge's hairpin).
 *
 * Several threads: data packets may be carried by lanes, one a thread, beside the thread that has the device and beside
 * one another. While sessions are valid, a lane takes no lock and never waits: it finds sessions and allowed IPs
 * through pointers that are replaced as a whole, and draws nonces from a counter that all lanes share. What it cannot
 * do so (a session that is new, old or missing, a peer that roamed) it does with the device's lock, which is the
 * owner's: the hooks lock and unlock. Each peer belongs to one lane, which opens all that it sends.
 */
#pragma once

#include "proto/address.h"
#include "proto/bursts.h"

#define EW_KEY_SIZE 32
#define EW_HEADROOM 64 /* bytes a caller keeps free before a packet: data header (16), alignment */
#define EW_TAILROOM 64 /* … and after it: padding to 16 and the tag (16) */
#define EW_MTU_MAX 65535
#define EW_BATCH_MAX 64 /* packets of one call */

#define EW_LANES_MAX 16  /* beside the device's own */
#define EW_CACHE_LINE 64 /* what two threads write lies so far apart */

typedef struct EwDevice EwDevice;
typedef struct EwPeer EwPeer;
typedef struct EwLane EwLane;

/* The caller's clocks, read once a batch. */
typedef struct
{
  uint64_t now_ns;      /* monotonic, counts while suspended (CLOCK_BOOTTIME) */
  uint64_t realtime_ns; /* since the epoch, for TAI64N timestamps */
} EwTime;

/* One packet or datagram in a caller's buffer. The device may change the bytes in place. An inner packet to be sent has
   16 bytes before data and `room` after data + len, which the device may change too; a datagram that was received
   needs no room: many may lie one after another. */
typedef struct
{
  uint8_t *data;
  size_t len;
  size_t room;         /* ≥ 16, for the tag; the padding takes no more than is left. 0: EW_TAILROOM */
  EwEndpoint endpoint; /* datagrams in: from where */
  uint8_t ecn;         /* the outer header's two ECN bits */
  bool sparse;         /* out: of a flow that sends little (EW_OUTER_SPARSE) */
  bool whole; /* out: in a datagram that no router may fragment (EW_OUTER_WHOLE), and dropped without a session */
} EwPacket;

/* A bit of what transmit() is told as the traffic class, where no DSCP of this device's has one: not for the wire, it
   says that this datagram goes with DF set (IPv4) or isn't fragmented here (IPv6). */
#define EW_OUTER_WHOLE 0x04
/* Another one: it needn't wait behind other flows' datagrams where a queue is the caller's own. */
#define EW_OUTER_SPARSE 0x10

typedef enum
{
  EW_PEER_HANDSHAKE_COMPLETE, /* a new session: data may flow */
  EW_PEER_HANDSHAKE_GAVE_UP,  /* 90 s of tries without an answer */
  EW_PEER_ROAMED,             /* an authenticated packet came from another endpoint than the one known (if any) */
  EW_PEER_BURSTS_OFF,         /* bursts to it are damaged on the way (bursts.h) */
  EW_PEER_BURSTS_ON,          /* … and no longer */
  EW_PEER_RETURNED,           /* data or a keepalive after EW_SILENCE without any, on the session it had */
  EW_PEER_SESSION_EXPIRED     /* all keys zeroed */
} EwPeerEvent;

typedef struct
{
  void (*random) (void *user, uint8_t *out, size_t len);
  /* Sends one datagram. peer is NULL for cookie replies. dscp_ecn is the outer traffic class byte, or EW_OUTER_WHOLE,
     EW_OUTER_SPARSE and the ECN. data has room around it as in EwPacket and is the device's again on return — unless it lies in a buffer that the caller handed in
     (ew_lane_receive(), ew_lane_send(), ew_peer_send()): there the device does not touch it again, so the caller
     may send it later, before it reuses the buffer. Handshakes: low rate, latency matters. */
  void (*transmit) (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn);
  /* One inner packet: authenticated, replay-checked, source inside the peer's allowed IPs, trimmed to the IP length.
     Before it are 16 bytes, after it its room, which is what its datagram had: ew_peer_send(other, packet) seals it in
     place. What is longer goes into a buffer of the caller's own. */
  void (*deliver) (void *user, EwPeer *from, EwPacket *packet);
  void (*event) (void *user, EwPeer *peer, EwPeerEvent event);

  /* Only where there are lanes, else NULL. user is everywhere that of the lane at work. */

  /* The device's lock; never taken twice. random(), transmit() and event() may be called while it is held. */
  void (*lock) (void *user);
  void (*unlock) (void *user);
  /* ew_device_deadline() has become earlier than it last said. */
  void (*hurry) (void *user);
  /* A data message that another lane has the session of (ew_lane_number()): the kernel joined datagrams that belong
     apart. To be copied, and handed to that lane's ew_lane_receive(), in its thread. */
  void (*misdirected) (void *user, unsigned lane, const EwPacket *datagram);
} EwDeviceHooks;

typedef struct
{
  uint64_t rx_bytes, tx_bytes;     /* whole datagrams, handshakes and keepalives included, as `wg show` counts */
  uint64_t rx_packets, tx_packets; /* inner packets */
  uint64_t dropped_source;         /* inner packets whose source was not the peer's */
  uint64_t dropped_queue;          /* staged packets pushed out, oldest first */
  uint64_t dropped_replay;
  uint64_t last_handshake_realtime_ns; /* 0: never */
  uint64_t last_handshake_ns;
  uint64_t last_rx_ns; /* any authenticated packet; 0: never */
  uint64_t last_tx_ns;
  uint64_t refused_old; /* authentic initiations older than one before */
  uint64_t refused_ns;  /* the last of them; 0: never */
  uint64_t behind_ns; /* when it last answered a call that was made because of those; 0: never since an accepted one */
  uint64_t behind_stated_ns; /* … and the time that the last of them said, since the epoch */
} EwPeerStats;

typedef struct
{
  uint64_t rx_invalid; /* not a message for this device, bad mac1, no such index, bad tag */
  uint64_t rx_cookie_required;
  uint64_t no_peer; /* outgoing packets that no peer takes */
} EwDeviceStats;

/* mtu: the largest inner packet. Returns NULL only when out of memory. */
EwDevice *ew_device_new (const EwDeviceHooks *hooks, void *user, uint16_t mtu);
void ew_device_free (EwDevice *device); /* zeroes every key */
void ew_device_set_mtu (EwDevice *device, uint16_t mtu);
/* Zero key: no identity, answers no message. Sessions made with the old key end. */
void ew_device_set_private_key (EwDevice *device, const uint8_t key[EW_KEY_SIZE]);
void ew_device_get_public_key (const EwDevice *device, uint8_t out[EW_KEY_SIZE]);
/* Timestamps sent never go below this; call at start with the persisted value. */
void ew_device_set_timestamp_floor (EwDevice *device, uint64_t realtime_ns);
uint64_t ew_device_get_timestamp_floor (const EwDevice *device); /* the latest sent, to persist */

/* When ew_device_tick() wants to be called next, absolute now_ns; UINT64_MAX: nothing is pending. */
uint64_t ew_device_deadline (EwDevice *device);
void ew_device_tick (EwDevice *device, const EwTime *time);

/* Lanes. The device itself has lane 0; those made here are numbered from 1, and are to be made before the first peer.
 */

/* NULL: out of memory, or there are EW_LANES_MAX. It's freed with the device; by then its thread has ended. */
EwLane *ew_lane_new (EwDevice *device, void *user);
unsigned ew_lane_number (const EwLane *lane);
EwDevice *ew_lane_get_device (const EwLane *lane);
/* The device's own, of the thread that has the device. */
EwLane *ew_device_get_lane (EwDevice *device);
/* Which lane the sessions of a data message belong to, by the first byte of its receiver index: first_byte modulo the
   number of lanes, and 1 more; 0: the device's is the only lane. */
unsigned ew_device_lane_of (const EwDevice *device, uint8_t first_byte);

/* All calls of a lane lie between these, and so does any use of the peers and sessions seen there: they stay valid
   until the end, even if they are removed in the meantime. To be called once a batch; a thread that sleeps inside keeps
   memory from being freed. The calls below do it themselves where it was not done. */
void ew_lane_enter (EwLane *lane);
void ew_lane_leave (EwLane *lane);
/* Datagrams in, at most EW_BATCH_MAX. */
void ew_lane_receive (EwLane *lane, EwPacket *datagrams, size_t n, const EwTime *time);
/* Inner packets out: each goes to the peer whose allowed IPs hold its destination. At most EW_BATCH_MAX. Returns how
   many no peer took (no peer has the destination, or its peer has no endpoint); they are moved to the front of the
   array so that the caller can answer unreachable. */
size_t ew_lane_send (EwLane *lane, EwPacket *packets, size_t n, const EwTime *time);
/* As ew_peer_send(). */
void ew_lane_send_to (EwLane *lane, EwPeer *peer, EwPacket *packets, size_t n, const EwTime *time);
/* Takes the lock for what this thread does with the device beside ew_lane_receive(), ew_lane_send() and
   ew_device_tick(), which take it themselves. May be nested. */
void ew_lane_lock (EwLane *lane);
void ew_lane_unlock (EwLane *lane);
/* Where every lane was when this is called it has left since: what was taken out of its sight before may be freed. */
uint64_t ew_device_begin_grace (EwDevice *device);
bool ew_device_grace_passed (EwDevice *device, uint64_t grace);
/* Frees what can be freed of what was dropped. True: something is left, ask again in a while. */
bool ew_device_collect (EwDevice *device);

/* Peers. A peer lives until ew_peer_remove(). */
EwPeer *ew_device_add_peer (EwDevice *device,
                            const uint8_t public_key[EW_KEY_SIZE]); /* the existing one, if known; NULL: the device's
                                                                       own key or the all-zero one */
EwPeer *ew_device_find_peer (EwDevice *device, const uint8_t public_key[EW_KEY_SIZE]);
/* The peer whose allowed IPs hold ip by longest prefix; NULL: none. From any lane. */
EwPeer *ew_device_lookup (EwDevice *device, const EwIp *ip);
void ew_device_foreach_peer (EwDevice *device, void (*each) (EwPeer *peer, void *data), void *data);
size_t ew_device_count_peers (const EwDevice *device);
void ew_peer_remove (EwPeer *peer); /* zeroes its keys, frees it */

void ew_peer_get_public_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE]);
void ew_peer_set_preshared_key (EwPeer *peer, const uint8_t key[EW_KEY_SIZE]); /* zero: none */
void ew_peer_get_preshared_key (const EwPeer *peer, uint8_t out[EW_KEY_SIZE]);
void ew_peer_set_endpoint (EwPeer *peer, const EwEndpoint *endpoint);
const EwEndpoint *ew_peer_get_endpoint (const EwPeer *peer);
bool ew_peer_has_endpoint (const EwPeer *peer); /* from any lane */
/* From a lane: its local address isn't this computer's any more; the kernel chooses the next. */
void ew_peer_forget_local (EwPeer *peer, EwLane *lane);
void ew_peer_set_keepalive (EwPeer *peer, uint16_t seconds, const EwTime *time); /* 0: off */
uint16_t ew_peer_get_keepalive (const EwPeer *peer);
/* A prefix belongs to one peer: adding takes it from the one that had it. false: out of memory. */
bool ew_peer_add_allowed_ip (EwPeer *peer, const EwPrefix *prefix);
void ew_peer_remove_allowed_ip (EwPeer *peer, const EwPrefix *prefix);
/* It has these and no others. To lanes, it has what it keeps at every moment. false: out of memory, it has as many as
   there was room for. */
bool ew_peer_set_allowed_ips (EwPeer *peer, const EwPrefix *prefixes, size_t n);
void ew_peer_foreach_allowed_ip (EwPeer *peer, void (*each) (const EwPrefix *prefix, void *data), void *data);
void ew_peer_get_stats (const EwPeer *peer, EwPeerStats *out);
bool ew_peer_has_session (const EwPeer *peer, const EwTime *time); /* a current keypair not yet too old to send with */
/* Packets to this peer whatever their destination, at most EW_BATCH_MAX. Without a session they are staged (128, oldest
   dropped); without an endpoint they are dropped. */
void ew_peer_send (EwPeer *peer, EwPacket *packets, size_t n, const EwTime *time);
/* Starts a handshake unless one is fresh (the edge finds its nodes again; a changed network). force skips the 5 s
   between tries and restarts the 90 s. */
void ew_peer_initiate (EwPeer *peer, const EwTime *time, bool force);
/* As forced, but where an initiation has only just been sent: that one may be answered yet, another would be refused.
   If it is not, the next comes within a tenth of a second. */
void ew_peer_hurry (EwPeer *peer, const EwTime *time);
/* One initiation to an endpoint that may be the peer's and isn't taken for it before the response has come from there:
   to a computer with a clone, or whose own initiations are refused because its clock or its state went back. That
   happens by itself after EW_REFUSALS_MAX refusals with nothing fresh in between, and elsewhere than at the peer's
   known address only once it hasn't been heard there for EW_CALL_SILENCE. Nothing is sent twice; at
   most one call in EW_CALL_INTERVAL a peer, and one in EW_CALL_GAP a device. 148 bytes answer 3 × 148, so it amplifies
   nothing, and replaying a peer's older initiations yields only one more initiation. False: not now. */
bool ew_peer_call (EwPeer *peer, const EwEndpoint *to, const EwTime *time);
/* Sends the initiation that is under way to another of the peer's addresses as well, byte for byte: whichever arrives
   first is answered, and where the answer comes from is the peer's endpoint from then on; the others are repeats to the
   peer and cost it nothing. So an address that is dead costs no more than the time between the two. false: none is
   under way (it was answered), or this device has sent one to another peer since. */
bool ew_peer_repeat_initiation (EwPeer *peer, const EwEndpoint *to, const EwTime *time);
/* What its latest initiation that was accepted says, and the latest that was refused as too old: since the epoch, 0:
   none. */
uint64_t ew_peer_get_latest_timestamp (const EwPeer *peer);
uint64_t ew_peer_get_refused_timestamp (const EwPeer *peer);
/* Drops the sessions of a peer, keeping its configuration. */
void ew_peer_forget_sessions (EwPeer *peer);
void ew_peer_set_user_data (EwPeer *peer, void *data);
void *ew_peer_get_user_data (const EwPeer *peer); /* from any lane */

/* Bursts to a peer (bursts.h); from any lane. */
EwBurstsLook ew_peer_look_at_burst (EwPeer *peer, unsigned n, uint64_t now_ns);
/* As ew_bursts_note(), after the burst has left, outside every hook. */
bool ew_peer_note_burst (EwPeer *peer, EwLane *lane, const EwBurstSample *sample, const EwTime *time,
                         EwBurstSample *question);
void ew_peer_leave_unasked (EwPeer *peer, EwLane *lane, const EwTime *time);
/* The peer's answer; may emit EW_PEER_BURSTS_OFF or _ON. */
void ew_peer_hear_count (EwPeer *peer, EwLane *lane, uint32_t index, uint64_t first, unsigned seen, const EwTime *time);
/* The answer to a question of the peer, from its lane: how many of the n ≤ EW_BATCH_MAX messages from first on of that
   session were authentic and new here. False: there is no such session, or they are too long ago. */
bool ew_lane_count_arrived (const EwLane *lane, const EwPeer *from, uint32_t index, uint64_t first, unsigned n,
                            unsigned *seen);
/* Bursts to it are damaged on the way, as far as is known. */
bool ew_peer_damages_bursts (const EwPeer *peer);
