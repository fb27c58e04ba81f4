/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The threads of an engine, each run to completion. A worker sleeps in epoll until a datagram, a packet, a call or the
 * device's deadline wakes it; nothing is polled, so an idle tunnel costs nothing.
 *
 *   wake → clocks read once → one batch from each ready source → what came out is sent in one sendmmsg → sleep
 *
 * Worker 0 has the device: its timers and its calls. Alone, it carries the data too. Else that is done by the others,
 * each with a lane of the device, a UDP socket and a TUN queue of its own, and handshakes, which come through worker
 * 0's socket, delay no data. All sockets have one port; the kernel gives each datagram to the one that it is for
 * (udp-socket.c).
 *
 * The journey of a packet is in inbound.c (datagram → device → router → TUN or peer) and outbound.c (TUN → router →
 * device); transmit.c gathers the datagrams that the device emits. Whatever those files touch belongs to this thread.
 */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include "engine/backlog.h"
#include "engine/buffers.h"
#include "engine/codel.h"
#include "engine/events.h"
#include "engine/inbox.h"
#include "engine/sparse.h"
#include "engine/streams.h"
#include "engine/transmit.h"
#include "engine/tun.h"
#include "engine/udp.h"

G_BEGIN_DECLS

#define EW_WORKER_BULK 256 /* bytes of a datagram or packet. What sends smaller ones only, isn't what fills a queue */
#define EW_TO_HOST_MAX 128 /* as many as may be joined: two and a half packets of 64 KB */

typedef struct EwCrew EwCrew;

typedef struct EwWorker
{
  EwCrew *crew;
  EwLane *lane;
  EwDevice *device; /* the crew's */
  EwTun *tun;       /* owned; NULL: none */
  EwUdp *udp;       /* owned */
  EwRouter router;
  EwEngineAsk ask; /* NULL: none */
  void *router_user;

  EwTime time;                      /* of the batch at hand */
  EwBuffers inbound;                /* the batch read from UDP or TUN */
  EwInbox inbox;                    /* datagrams from streams */
  EwCodel codel[EW_UDP_FDS];        /* of what waits in the sockets */
  EwBacklog backlog[EW_UDP_FDS];    /* … likewise */
  gboolean signals;                 /* … which the next datagram of bulk is to say */
  EwBacklog tun_backlog;            /* of what waits in the TUN */
  guint64 tun_filled_ns;            /* no reading has emptied it since then; 0: the latest has */
  gboolean tun_signals;             /* as signals */
  gsize arrival_bytes;              /* of an arrival, on average, in the latest batch */
  EwSparse sparse;                  /* flows of inner packets, while some go to streams */
  guint64 sparse_until_ns;          /* … and for a while after the last of those */
  EwTransmit transmit;              /* datagrams waiting for the end of the batch */
  EwPacket to_host[EW_TO_HOST_MAX]; /* packets waiting for it */
  gsize n_to_host;
  EwEngineStats stats;
  guint64 unreachable_from_ns; /* ICMP errors towards the TUN: token bucket, see outbound.c */

  struct EwWorkerThread *thread; /* worker.c's own: epoll, timer, calls */
} EwWorker;

#define EW_WORKERS_MAX (1 + EW_LANES_MAX)

/* What each worker has for itself. */
typedef struct
{
  EwTun *tun[EW_WORKERS_MAX]; /* NULL: none */
  EwUdp *udp[EW_WORKERS_MAX];
  guint n; /* 1, or 1 + the number of lanes */
} EwWires;

void ew_wires_clear (EwWires *wires);
void ew_wires_clear_udp (EwWires *wires);

/* All workers of an engine, and what they share. */
struct EwCrew
{
  EwDevice *device;
  EwWorker *workers[EW_WORKERS_MAX];
  guint n;
  EwEvents *events;   /* borrowed */
  EwStreams *streams; /* borrowed; NULL: none */
  /* The device's. pthread, not GMutex: thread sanitizers see through it. */
  pthread_mutex_t lock;
  _Atomic guint waiting; /* workers that want it: worker 0, which takes it for every handshake, lets them go first */
  _Atomic gboolean tun_lost;
};

typedef struct
{
  guint16 mtu;
  EwRouter router;
  EwEngineAsk ask; /* NULL: none */
  void *router_user;
  EwStreams *streams;
  EwEvents *events;
} EwCrewConfig;

/* Empties wires, also when it fails. */
EwCrew *ew_crew_new (const EwCrewConfig *config, EwWires *wires, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Carries out the calls that wait, ends the threads, zeroes keys, closes TUN and sockets. */
void ew_crew_free (EwCrew *crew);

/* Runs call in the worker's thread between two batches and returns when it has; from any thread but another worker's,
   the worker's own included (there it runs at once). Worker 0 returns only when all workers have ended the batch that
   they had at hand: what the call took out of their sight may be freed. */
typedef void (*EwWorkerCall) (EwWorker *worker, void *data);
void ew_worker_call (EwWorker *worker, EwWorkerCall call, void *data);

/* From a call: the worker reads from this socket now. Returns the old one (transfer full). */
EwUdp *ew_worker_swap_udp (EwWorker *worker, EwUdp *udp);

/* The journey; each handles one batch in the data thread. FALSE from outbound: the TUN has been removed. */
void ew_inbound_run (EwWorker *worker, guint which);
gboolean ew_outbound_run (EwWorker *worker);
/* From any thread: datagrams from streams, for this worker. */
void ew_worker_hear (EwWorker *worker, const EwPacket *datagrams, gsize n);
/* In the worker's thread: what it was brought. */
void ew_inbound_take_inbox (EwWorker *worker);
/* The device's hook for an inner packet from a peer; user is the worker. */
void ew_inbound_deliver (void *user, EwPeer *from, EwPacket *packet);
/* Looks at an inner packet that is to be sent, where it might go to a stream. */
void ew_worker_look_at_flow (EwWorker *worker, EwPacket *packet);
/* The end of a batch: what it produced goes out. */
void ew_worker_settle (EwWorker *worker);
/* Queued until the end of the batch if it lies in the worker's buffers, else written at once. */
void ew_worker_write_tun (EwWorker *worker, const EwPacket *packet);
void ew_worker_flush_tun (EwWorker *worker);

G_END_DECLS
