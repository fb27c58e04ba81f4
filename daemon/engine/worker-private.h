/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What worker.c (the loop of one), crew.c (the life of all, and what they do for one another) share.
 */
#pragma once

#include "engine/worker.h"

G_BEGIN_DECLS

#define EW_HANDED_OVER_MAX 64 /* datagrams that wait for a worker; what comes beyond is lost, as on any network */

typedef struct PendingCall
{
  EwWorkerCall call;
  void *data;
  gboolean done;
  struct PendingCall *next;
} PendingCall;

/* A datagram that came through another worker's socket. */
typedef struct
{
  guint8 *data; /* owned */
  gsize len;
  EwEndpoint from;
  guint8 ecn;
} EwHandedOver;

typedef struct EwWorkerThread
{
  pthread_t thread;
  gboolean started;
  int epoll, wake, timer; /* timer: worker 0's */
  guint64 armed_ns;       /* when the timer rings; 0: it does not */
  guint64 last_tick_ns;
  gboolean stop;

  /* pthread, not GMutex: thread sanitizers see through it. Everything below is under the lock. */
  pthread_mutex_t lock;
  pthread_cond_t carried_out;
  PendingCall *first_call, **last_call;
  EwHandedOver handed_over[EW_HANDED_OVER_MAX];
  guint n_handed_over;
} EwWorkerThread;

typedef struct
{
  EwCrew *crew;
  EwTun *tun; /* (transfer full) NULL: none */
  EwUdp *udp; /* (transfer full) */
  EwRouter router;
  EwEngineAsk ask;
  void *router_user;
} EwWorkerConfig;

/* worker.c */
EwWorker *ew_worker_new (const EwWorkerConfig *config); /* without a lane yet, nor a thread */
int ew_worker_start (EwWorker *worker);                 /* 0, or an errno */
void ew_worker_stop (EwWorker *worker);                 /* if it was started */
void ew_worker_free (EwWorker *worker);
void ew_worker_wake (EwWorker *worker); /* from any thread */

/* crew.c */
void ew_worker_take_handed_over (EwWorker *worker); /* in the worker's thread */
void ew_worker_drop_handed_over (EwWorker *worker);

G_END_DECLS
