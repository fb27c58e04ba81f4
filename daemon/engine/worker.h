/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One data thread: a device, its UDP sockets and its TUN, run to completion. It sleeps in epoll until a datagram, a
 * packet, a call or the device's deadline wakes it; nothing is polled, so an idle tunnel costs nothing.
 *
 *   wake → clocks read once → one batch from each ready source → what came out is sent in one sendmmsg → sleep
 *
 * The journey of a packet stands in inbound.c (datagram → device → router → TUN or peer) and outbound.c (TUN → router →
 * device); transmit.c gathers the datagrams that the device emits. Whatever those files touch belongs to this thread.
 */
#pragma once

#include <glib.h>
#include "engine/buffers.h"
#include "engine/events.h"
#include "engine/transmit.h"
#include "engine/tun.h"
#include "engine/udp.h"

G_BEGIN_DECLS

#define EW_TO_HOST_MAX 128 /* as many as may be joined: two and a half packets of 64 KB */

typedef struct EwWorker
{
  EwDevice *device;
  EwTun *tun; /* owned; NULL: none */
  EwUdp *udp; /* owned */
  EwRouter router;
  void *router_user;
  EwEvents *events; /* borrowed */

  EwTime time;                      /* of the batch at hand */
  EwBuffers inbound;                /* the batch read from UDP or TUN */
  gsize arrival_bytes;              /* of an arrival, on average, in the latest batch */
  EwTransmit transmit;              /* datagrams waiting for the end of the batch */
  EwPacket to_host[EW_TO_HOST_MAX]; /* packets waiting for it */
  gsize n_to_host;
  EwEngineStats stats;
  guint64 unreachable_from_ns; /* ICMP errors towards the TUN: token bucket, see outbound.c */

  struct EwWorkerThread *thread; /* worker.c's own: epoll, timer, calls */
} EwWorker;

typedef struct
{
  EwTun *tun; /* (transfer full) NULL: none */
  EwUdp *udp; /* (transfer full) */
  guint16 mtu;
  EwRouter router;
  void *router_user;
  EwEvents *events;
} EwWorkerConfig;

/* Takes tun and udp also when it fails. */
EwWorker *ew_worker_new (const EwWorkerConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Carries out the calls that wait, ends the thread, zeroes keys, closes TUN and sockets. */
void ew_worker_free (EwWorker *worker);

/* Runs call in the data thread between two batches and returns when it has; from any thread, the data thread included
   (there it runs at once). */
typedef void (*EwWorkerCall) (EwWorker *worker, void *data);
void ew_worker_call (EwWorker *worker, EwWorkerCall call, void *data);

/* From a call: the worker reads from this socket now. Returns the old one (transfer full). */
EwUdp *ew_worker_swap_udp (EwWorker *worker, EwUdp *udp);

/* The journey; each handles one batch in the data thread. FALSE from outbound: the TUN is gone. */
void ew_inbound_run (EwWorker *worker, guint which);
gboolean ew_outbound_run (EwWorker *worker);
/* The device's hook for an inner packet from a peer; user is the worker. */
void ew_inbound_deliver (void *user, EwPeer *from, EwPacket *packet);
/* The end of a batch: what it produced goes out. */
void ew_worker_settle (EwWorker *worker);
/* Queued until the end of the batch if it lies in the worker's buffers, else written at once. */
void ew_worker_write_tun (EwWorker *worker, const EwPacket *packet);
void ew_worker_flush_tun (EwWorker *worker);

G_END_DECLS
