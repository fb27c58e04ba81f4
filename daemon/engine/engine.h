/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine: a WireGuard device with its wires. A thread reads UDP and TUN in batches, runs the pure device of proto/,
 * and writes what comes out; or several do, the data beside the handshakes. The control thread configures it through
 * calls that are carried out between two batches (each returns when it has been done: microseconds), and hears of
 * events in its own GMainContext.
 *
 * A node has a TUN and one peer per edge; an edge has many peers, a `router` that decides where an inner packet goes,
 * and a TUN only where it is allowed one.
 */
#pragma once

#include <glib.h>
#include "proto/device.h"

G_BEGIN_DECLS

#define EW_ENGINE_ERROR (ew_engine_error_quark ())
GQuark ew_engine_error_quark (void);
typedef enum
{
  EW_ENGINE_ERROR_NO_TUN,      /* no /dev/net/tun: the message says how to get it */
  EW_ENGINE_ERROR_PRIVILEGE,   /* CAP_NET_ADMIN is missing */
  EW_ENGINE_ERROR_PORT_IN_USE, /* the UDP port */
  EW_ENGINE_ERROR_NAME_IN_USE, /* the interface name */
  EW_ENGINE_ERROR_FAILED
} EwEngineError;

typedef struct EwEngine EwEngine;
typedef struct EwStreams EwStreams; /* engine/streams.h */

/* What a data thread does with an inner packet that a peer sent (or the TUN, peer NULL). */
typedef enum
{
  EW_ROUTE_DROP,   /* dropped; the router has counted it */
  EW_ROUTE_TUN,    /* to this host */
  EW_ROUTE_PEER,   /* sealed for *to in place: the hairpin */
  EW_ROUTE_LOOKUP, /* to the peer whose allowed IPs hold the destination (packets from the TUN) */
  EW_ROUTE_REPLY   /* the router's answer, in place or in memory of its own: send it back where the packet came from */
} EwRoute;

/* Runs in a data thread, or in several at once, for every inner packet; must not block or allocate. from is NULL for
   packets from the TUN or injected. The router may change packet->data and packet->len within the room around it, or
   have packet->data point to memory of its own that has EW_HEADROOM and EW_TAILROOM and stays until it is called again
   in this thread. */
typedef EwRoute (*EwRouter) (void *user, EwLane *lane, EwPeer *from, EwPacket *packet, const EwTime *time, EwPeer **to);

/* In a data thread: writes the inner packet that asks peer about sample (proto/link.h) to out, which has room for
   EW_LINK_PACKET_MAX bytes. Returns its size; 0: this peer can't be asked, or not yet. */
typedef gsize (*EwEngineAsk) (void *user, EwPeer *peer, const EwBurstSample *sample, guint8 *out);

typedef struct
{
  EwPeerEvent event;
  uint8_t public_key[EW_KEY_SIZE];
  EwEndpoint endpoint;
} EwEngineEvent;

typedef struct
{
  /* The interface; NULL: no TUN. The device is made down, without addresses: net/ brings it up. */
  const char *interface_name;
  uint16_t mtu;               /* inner; 0: 1420 */
  uint16_t listen_port;       /* UDP; 0: any */
  const char *listen_address; /* numeric, NULL: all, both families where the host has both */
  gboolean listen_later;      /* listen_address may be one that no interface has yet */
  uint32_t fwmark;            /* SO_MARK on the engine's UDP sockets; 0: none */
  /* Threads for the data, at most EW_LANES_MAX, beside the one that has the device and answers handshakes. 0: that one
     does it all. Where the kernel cannot tell them apart (no SO_REUSEPORT steering, no TUN queues) there are fewer. */
  guint data_threads;
  /* Called in the data threads, NULL: everything from a peer goes to the TUN, everything from the TUN by allowed IPs. A
     packet from the TUN that no peer takes is answered with an ICMP "no route". */
  EwRouter router;
  EwEngineAsk ask; /* with router_user; NULL: nobody is asked whether bursts arrive */
  void *router_user;
  EwStreams *streams; /* outlives the engine; NULL: none */
  /* Called in the GMainContext that was the thread default at ew_engine_new(). */
  void (*on_event) (void *user, const EwEngineEvent *event);
  void *event_user;
  /* The sockets and the TUN are open and no thread has started yet: privileges may be dropped. interface: the TUN's,
     NULL without a TUN. NULL: none. */
  void (*on_ports_bound) (void *user, const char *interface);
  void *ports_user;
  /* As on_event, with event_user: another program deleted the interface. The engine continues without a TUN. */
  void (*on_tun_lost) (void *user);
} EwEngineConfig;

EwEngine *ew_engine_new (const EwEngineConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From any thread, for a few milliseconds: what the first handshake and the first packet would wait for otherwise, which
   is libcrypto's own start and the self-test of the cipher's code. */
void ew_engine_prepare (void);
void ew_engine_free (EwEngine *engine); /* stops the threads, closes TUN and sockets; within 100 ms */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEngine, ew_engine_free)

const char *ew_engine_get_interface (EwEngine *engine); /* NULL without a TUN */
int ew_engine_get_ifindex (EwEngine *engine);
uint16_t ew_engine_get_listen_port (EwEngine *engine);
gboolean ew_engine_set_listen_port (EwEngine *engine, uint16_t port,
                                    GError **error); /* rebinds; the old stays on failure */
gboolean ew_engine_set_fwmark (EwEngine *engine, uint32_t fwmark, GError **error);
uint32_t ew_engine_get_fwmark (EwEngine *engine);
gboolean ew_engine_set_mtu (EwEngine *engine, uint16_t mtu, GError **error);

/* Runs call in the thread that has the device, between two batches, and returns when it has and every other thread has
   ended the batch that it had at hand: the one way to touch the device. */
typedef void (*EwEngineCall) (EwDevice *device, const EwTime *time, void *data);
void ew_engine_call (EwEngine *engine, EwEngineCall call, void *data);

/* Convenience over ew_engine_call. */
typedef struct
{
  uint8_t public_key[EW_KEY_SIZE];
  uint8_t preshared_key[EW_KEY_SIZE];
  EwEndpoint endpoint; /* kind NONE: leave as it is */
  uint16_t persistent_keepalive;
  const EwPrefix *allowed_ips; /* replaces them all */
  size_t n_allowed_ips;
  void *user_data; /* kept with the peer, for the router */
} EwPeerConfig;

typedef struct
{
  uint8_t public_key[EW_KEY_SIZE];
  EwEndpoint endpoint;
  EwPeerStats stats;
  gboolean has_session;
  gboolean damages_bursts; /* as ew_peer_damages_bursts() */
} EwPeerStatus;

void ew_engine_set_private_key (EwEngine *engine, const uint8_t key[EW_KEY_SIZE]);
/* FALSE: the key is the engine's own or all zero. */
gboolean ew_engine_set_peer (EwEngine *engine, const EwPeerConfig *config); /* adds or changes */
void ew_engine_remove_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE]);
gboolean ew_engine_get_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], EwPeerStatus *out);
void ew_engine_initiate (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], gboolean force);
/* As ew_peer_repeat_initiation(). */
gboolean ew_engine_repeat_initiation (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE],
                                      const EwEndpoint *endpoint);
/* As ew_peer_call(). */
gboolean ew_engine_call_peer (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const EwEndpoint *endpoint);
/* The endpoint alone. */
void ew_engine_set_endpoint (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const EwEndpoint *endpoint);
/* Sends an inner packet from this program to that peer (link messages, ICMP echoes); copied. */
void ew_engine_inject (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const uint8_t *packet, size_t len);
/* The same in a datagram that no router may fragment; lost where the path doesn't take it. */
void ew_engine_inject_whole (EwEngine *engine, const uint8_t public_key[EW_KEY_SIZE], const uint8_t *packet,
                             size_t len);

/* From any thread: datagrams that came through streams; copied. Those that find no room within a few milliseconds are
   lost. */
void ew_engine_hear (EwEngine *engine, const EwPacket *datagrams, gsize n);

typedef struct
{
  EwDeviceStats device;
  uint64_t udp_received, udp_sent;
  uint64_t udp_failed; /* refused by the kernel: no route, too large, a firewall */
  uint64_t udp_full;   /* the socket stayed full */
  uint64_t stream_received, stream_sent;
  uint64_t stream_failed; /* the stream has ended */
  uint64_t stream_full;   /* older ones that were dropped for these */
  uint64_t tun_read, tun_written;
  uint64_t dropped;     /* inner packets that the TUN did not take or that had no peer to go to */
  uint64_t unreachable; /* packets from the TUN that no peer takes */
  uint64_t handed_over; /* datagrams that came through another thread's socket */
  uint64_t wakeups;     /* of all threads */
} EwEngineStats;

uint64_t ew_engine_get_timestamp_floor (EwEngine *engine);
void ew_engine_set_timestamp_floor (EwEngine *engine, uint64_t realtime_ns);

/* The cross-platform userspace API on /var/run/wireguard/IFACE.sock (0600), served from the GMainContext that is the
   thread default now: this makes `wg` work. managed: `set` may change listen_port and fwmark only. The socket is closed
   with the engine. Errors: EW_ENGINE_ERROR_NAME_IN_USE (another program answers on it), _FAILED. */
gboolean ew_engine_serve_uapi (EwEngine *engine, gboolean managed, GError **error);

G_END_DECLS
