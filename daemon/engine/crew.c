/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/worker-private.h"
#include "common/phrase.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>

/* How often worker 0 steps back for others that want the lock. */
#define STEPS_BACK 1000

/* The device's hooks. */

static void
hook_random (void *user, uint8_t *out, size_t len)
{
  while (len > 0)
    {
      gssize got = getrandom (out, len, 0);
      if (got > 0)
        {
          out += got;
          len -= (gsize)got;
        }
      else if (errno != EINTR)
        g_error ("The kernel gives no random numbers (getrandom: %s), so keys can't be made safely.",
                 g_strerror (errno));
    }
}

static void
hook_transmit (void *user, EwPeer *peer, const EwEndpoint *to, uint8_t *data, size_t len, uint8_t dscp_ecn)
{
  EwWorker *worker = user;

  ew_transmit_add (&worker->transmit, worker->udp, peer, to, data, len, dscp_ecn);
}

static void
hook_event (void *user, EwPeer *peer, EwPeerEvent event)
{
  EwWorker *worker = user;
  EwEngineEvent out = { .event = event, .endpoint = *ew_peer_get_endpoint (peer) };

  ew_peer_get_public_key (peer, out.public_key);
  ew_events_post (worker->crew->events, &out);
}

static void
hook_lock (void *user)
{
  EwWorker *worker = user;
  EwCrew *crew = worker->crew;

  if (worker == crew->workers[0])
    {
      /* Handshakes may come without end, and a mutex goes to the thread that is awake. */
      for (guint i = 0; i < STEPS_BACK && atomic_load_explicit (&crew->waiting, memory_order_relaxed) > 0; i++)
        sched_yield ();
      pthread_mutex_lock (&crew->lock);
      return;
    }
  atomic_fetch_add_explicit (&crew->waiting, 1, memory_order_relaxed);
  pthread_mutex_lock (&crew->lock);
  atomic_fetch_sub_explicit (&crew->waiting, 1, memory_order_relaxed);
}

static void
hook_unlock (void *user)
{
  EwWorker *worker = user;

  pthread_mutex_unlock (&worker->crew->lock);
}

static void
hook_hurry (void *user)
{
  EwWorker *worker = user;

  ew_worker_wake (worker->crew->workers[0]);
}

/* Datagrams for another worker. */

static void
hook_misdirected (void *user, unsigned lane, const EwPacket *datagram)
{
  EwWorker *worker = user, *owner = worker->crew->workers[lane];
  EwWorkerThread *thread = owner->thread;
  gboolean first = FALSE;

  pthread_mutex_lock (&thread->lock);
  if (thread->n_handed_over < EW_HANDED_OVER_MAX)
    {
      first = thread->n_handed_over == 0;
      thread->handed_over[thread->n_handed_over++] = (EwHandedOver){
        .data = g_memdup2 (datagram->data, datagram->len),
        .len = datagram->len,
        .from = datagram->endpoint,
        .ecn = datagram->ecn,
      };
    }
  pthread_mutex_unlock (&thread->lock);
  if (first)
    ew_worker_wake (owner);
}

void
ew_worker_take_handed_over (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;
  EwPacket datagrams[EW_HANDED_OVER_MAX];
  guint n;

  pthread_mutex_lock (&thread->lock);
  n = thread->n_handed_over;
  for (guint i = 0; i < n; i++)
    {
      EwHandedOver *handed = &thread->handed_over[i];
      datagrams[i] = (EwPacket){
        .data = ew_buffers_at (&worker->inbound, i), .len = handed->len, .endpoint = handed->from, .ecn = handed->ecn
      };
      memcpy (datagrams[i].data, handed->data, handed->len);
      g_free (handed->data);
    }
  thread->n_handed_over = 0;
  pthread_mutex_unlock (&thread->lock);
  if (n == 0)
    return;
  worker->stats.handed_over += n;
  ew_lane_receive (worker->lane, datagrams, n, &worker->time);
}

void
ew_worker_drop_handed_over (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;

  for (guint i = 0; i < thread->n_handed_over; i++)
    g_free (thread->handed_over[i].data);
  thread->n_handed_over = 0;
}

void
ew_worker_hear (EwWorker *worker, const EwPacket *datagrams, gsize n)
{
  gsize put;
  gboolean first;

  do
    {
      put = ew_inbox_put (&worker->inbox, datagrams, n, &first);
      if (first && put > 0)
        ew_worker_wake (worker);
      datagrams += put;
      n -= put;
    }
  while (n > 0 && put > 0);
}

/* Life. */

static const EwDeviceHooks hooks_alone
  = { .random = hook_random, .transmit = hook_transmit, .deliver = ew_inbound_deliver, .event = hook_event };

static const EwDeviceHooks hooks = {
  .random = hook_random,
  .transmit = hook_transmit,
  .deliver = ew_inbound_deliver,
  .event = hook_event,
  .lock = hook_lock,
  .unlock = hook_unlock,
  .hurry = hook_hurry,
  .misdirected = hook_misdirected,
};

void
ew_wires_clear_udp (EwWires *wires)
{
  for (guint i = 0; i < EW_WORKERS_MAX; i++)
    g_clear_pointer (&wires->udp[i], ew_udp_free);
  wires->n = 0;
}

void
ew_wires_clear (EwWires *wires)
{
  ew_wires_clear_udp (wires);
  for (guint i = 0; i < EW_WORKERS_MAX; i++)
    g_clear_pointer (&wires->tun[i], ew_tun_free);
}

static EwCrew *
create (const EwCrewConfig *config, EwWires *wires)
{
  EwCrew *crew = g_new0 (EwCrew, 1);

  pthread_mutex_init (&crew->lock, NULL);
  crew->events = config->events;
  crew->streams = config->streams;
  crew->n = wires->n;
  for (guint i = 0; i < crew->n; i++)
    {
      const EwWorkerConfig worker = { .crew = crew,
                                      .tun = g_steal_pointer (&wires->tun[i]),
                                      .udp = g_steal_pointer (&wires->udp[i]),
                                      .router = config->router,
                                      .ask = config->ask,
                                      .router_user = config->router_user };
      crew->workers[i] = ew_worker_new (&worker);
    }
  crew->device = ew_device_new (crew->n > 1 ? &hooks : &hooks_alone, crew->workers[0], config->mtu);
  g_assert (crew->device != NULL); /* as GLib: without memory there is no way on */
  for (guint i = 0; i < crew->n; i++)
    {
      EwWorker *worker = crew->workers[i];
      worker->device = crew->device;
      worker->lane = i == 0 ? ew_device_get_lane (crew->device) : ew_lane_new (crew->device, worker);
      g_assert (worker->lane != NULL);
    }
  return crew;
}

EwCrew *
ew_crew_new (const EwCrewConfig *config, EwWires *wires, GError **error)
{
  EwCrew *crew = create (config, wires);
  int code = 0;

  for (guint i = 0; i < crew->n && code == 0; i++)
    code = ew_worker_start (crew->workers[i]);
  if (code == 0)
    return crew;
  ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The tunnel's threads couldn't be started: %s.",
                g_strerror (code));
  ew_crew_free (crew);
  return NULL;
}

void
ew_crew_free (EwCrew *crew)
{
  for (guint i = crew->n; i > 0; i--) /* the device's last: it takes the calls of the others */
    ew_worker_stop (crew->workers[i - 1]);
  g_clear_pointer (&crew->device, ew_device_free);
  for (guint i = 0; i < crew->n; i++)
    ew_worker_free (crew->workers[i]);
  pthread_mutex_destroy (&crew->lock);
  g_free (crew);
}
