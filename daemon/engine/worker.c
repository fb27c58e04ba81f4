/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data thread's loop. Wakeups: epoll on UDP, TUN, an eventfd (calls) and a timerfd on CLOCK_BOOTTIME (the device's
 * deadline: it counts while the machine is suspended, as session ages must). The timer is moved only towards the
 * present; a deadline that moved away costs one empty wakeup, not a system call for each packet.
 */
#include "engine/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A deadline that does not move on although it was served must not keep a core busy. */
#define TICK_PAUSE_NS (G_GUINT64_CONSTANT (1000000))

enum
{
  SOURCE_CALLS,
  SOURCE_TIMER,
  SOURCE_TUN,
  SOURCE_UDP, /* + index of the socket */
  N_SOURCES = SOURCE_UDP + EW_UDP_FDS
};

typedef struct PendingCall
{
  EwWorkerCall call;
  void *data;
  gboolean done;
  struct PendingCall *next;
} PendingCall;

typedef struct EwWorkerThread
{
  pthread_t thread;
  int epoll, wake, timer;
  guint64 armed_ns; /* when the timer rings; 0: it does not */
  guint64 last_tick_ns;
  gboolean stop;

  /* pthread, not GMutex: thread sanitizers see through it. Everything below is under the lock. */
  pthread_mutex_t lock;
  pthread_cond_t carried_out;
  PendingCall *first_call, **last_call;
} EwWorkerThread;

/* The worker whose data thread this is. */
static _Thread_local EwWorker *running;

static guint64
read_clock (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (guint64)t.tv_sec * 1000000000 + (guint64)t.tv_nsec;
}

static void
read_clocks (EwWorker *worker)
{
  worker->time.now_ns = read_clock (CLOCK_BOOTTIME);
  worker->time.realtime_ns = read_clock (CLOCK_REALTIME);
}

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
        g_error ("The kernel gives no random numbers (getrandom: %s): keys cannot be made safely", g_strerror (errno));
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
  ew_events_post (worker->events, &out);
}

static const EwDeviceHooks hooks = { hook_random, hook_transmit, ew_inbound_deliver, hook_event };

/* Sources. */

static gboolean
watch (EwWorkerThread *thread, int fd, guint32 source)
{
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = source };

  return epoll_ctl (thread->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
unwatch (EwWorkerThread *thread, int fd)
{
  epoll_ctl (thread->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static gboolean
watch_udp (EwWorker *worker)
{
  gboolean watched = TRUE;

  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (worker->udp->fds[i] >= 0)
      watched = watch (worker->thread, worker->udp->fds[i], SOURCE_UDP + i) && watched;
  return watched;
}

EwUdp *
ew_worker_swap_udp (EwWorker *worker, EwUdp *udp)
{
  EwUdp *old = worker->udp;

  ew_transmit_flush (&worker->transmit, old);
  for (guint i = 0; i < EW_UDP_FDS; i++)
    if (old->fds[i] >= 0)
      unwatch (worker->thread, old->fds[i]);
  worker->udp = udp;
  if (!watch_udp (worker))
    g_warning ("The tunnel's new UDP socket cannot be watched: %s", g_strerror (errno));
  return old;
}

static void
lose_tun (EwWorker *worker)
{
  unwatch (worker->thread, worker->tun->fd);
  g_clear_pointer (&worker->tun, ew_tun_free);
  ew_events_post_tun_lost (worker->events);
}

/* The end of a batch: what it produced goes out, the next wakeup is set. */

static void
arm_timer (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;
  guint64 deadline = ew_device_deadline (worker->device);

  if (deadline == G_MAXUINT64)
    return;
  deadline = MAX (deadline, thread->last_tick_ns + TICK_PAUSE_NS);
  if (thread->armed_ns != 0 && thread->armed_ns <= deadline)
    return;
  struct itimerspec when
    = { .it_value = { .tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000) } };
  if (timerfd_settime (thread->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
    thread->armed_ns = deadline;
}

void
ew_worker_settle (EwWorker *worker)
{
  ew_worker_flush_tun (worker);
  ew_transmit_flush (&worker->transmit, worker->udp);
  ew_transmit_settle_stale (&worker->transmit, worker->device);
}

static void
carry_out_calls (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;
  PendingCall *calls;
  guint64 count;

  if (read (thread->wake, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The tunnel's wake channel failed: %s", g_strerror (errno));
  ew_worker_settle (worker); /* a call may remove the peers that transmit knows */

  pthread_mutex_lock (&thread->lock);
  calls = g_steal_pointer (&thread->first_call);
  thread->last_call = &thread->first_call;
  pthread_mutex_unlock (&thread->lock);

  for (PendingCall *pending = calls; pending != NULL; pending = pending->next)
    {
      pending->call (worker, pending->data);
      ew_worker_settle (worker);
    }

  pthread_mutex_lock (&thread->lock);
  while (calls != NULL)
    {
      PendingCall *next = calls->next; /* once done, the record is gone with its caller's stack */
      calls->done = TRUE;
      calls = next;
    }
  pthread_cond_broadcast (&thread->carried_out);
  pthread_mutex_unlock (&thread->lock);
}

static void
tick (EwWorker *worker)
{
  guint64 count;

  if (read (worker->thread->timer, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The tunnel's timer failed: %s", g_strerror (errno));
  worker->thread->armed_ns = 0;
  worker->thread->last_tick_ns = worker->time.now_ns;
  ew_device_tick (worker->device, &worker->time);
}

static void
serve (EwWorker *worker, const struct epoll_event *event)
{
  switch (event->data.u32)
    {
    case SOURCE_CALLS:
      carry_out_calls (worker);
      break;
    case SOURCE_TIMER:
      tick (worker);
      break;
    case SOURCE_TUN:
      if (worker->tun != NULL && (!ew_outbound_run (worker) || event->events & (EPOLLERR | EPOLLHUP)))
        lose_tun (worker);
      break;
    default:
      ew_inbound_run (worker, event->data.u32 - SOURCE_UDP);
      break;
    }
}

static void *
run (void *data)
{
  EwWorker *worker = data;
  EwWorkerThread *thread = worker->thread;
  struct epoll_event events[N_SOURCES];

  running = worker;
  pthread_setname_np (pthread_self (), "ew-data");
  while (!thread->stop)
    {
      int n = epoll_wait (thread->epoll, events, N_SOURCES, -1);
      worker->stats.wakeups++;
      read_clocks (worker);
      for (int i = 0; i < n; i++)
        serve (worker, &events[i]);
      ew_worker_settle (worker);
      arm_timer (worker);
    }
  return NULL;
}

/* Life. */

static gboolean
open_sources (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;

  thread->epoll = epoll_create1 (EPOLL_CLOEXEC);
  thread->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  thread->timer = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  return thread->epoll >= 0 && thread->wake >= 0 && thread->timer >= 0 && watch (thread, thread->wake, SOURCE_CALLS)
         && watch (thread, thread->timer, SOURCE_TIMER) && watch_udp (worker)
         && (worker->tun == NULL || watch (thread, worker->tun->fd, SOURCE_TUN));
}

/* Signals are the control thread's. */
static int
start_thread (EwWorker *worker)
{
  sigset_t all, before;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  int result = pthread_create (&worker->thread->thread, NULL, run, worker);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return result;
}

static void
close_fd (int fd)
{
  if (fd >= 0)
    close (fd);
}

/* With the thread ended, or never started. */
static void
destroy (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;

  g_clear_pointer (&worker->device, ew_device_free);
  g_clear_pointer (&worker->tun, ew_tun_free);
  g_clear_pointer (&worker->udp, ew_udp_free);
  close_fd (thread->epoll);
  close_fd (thread->wake);
  close_fd (thread->timer);
  pthread_cond_destroy (&thread->carried_out);
  pthread_mutex_destroy (&thread->lock);
  ew_transmit_clear (&worker->transmit);
  ew_buffers_clear (&worker->inbound);
  g_free (thread);
  g_free (worker);
}

static EwWorker *
create (const EwWorkerConfig *config)
{
  EwWorker *worker = g_new0 (EwWorker, 1);

  worker->thread = g_new0 (EwWorkerThread, 1);
  worker->thread->last_call = &worker->thread->first_call;
  worker->thread->epoll = worker->thread->wake = worker->thread->timer = -1;
  pthread_mutex_init (&worker->thread->lock, NULL);
  pthread_cond_init (&worker->thread->carried_out, NULL);
  worker->tun = config->tun;
  worker->udp = config->udp;
  worker->router = config->router;
  worker->router_user = config->router_user;
  worker->events = config->events;
  ew_buffers_init (&worker->inbound);
  ew_transmit_init (&worker->transmit, &worker->inbound);
  worker->device = ew_device_new (&hooks, worker, config->mtu);
  g_assert (worker->device != NULL); /* as GLib: without memory there is no way on */
  return worker;
}

EwWorker *
ew_worker_new (const EwWorkerConfig *config, GError **error)
{
  EwWorker *worker = create (config);
  int code = open_sources (worker) ? start_thread (worker) : errno;

  if (code == 0)
    return worker;
  g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The tunnel's data thread could not be started: %s",
               g_strerror (code));
  destroy (worker);
  return NULL;
}

static void
stop (EwWorker *worker, void *data)
{
  worker->thread->stop = TRUE;
}

void
ew_worker_free (EwWorker *worker)
{
  ew_worker_call (worker, stop, NULL);
  pthread_join (worker->thread->thread, NULL);
  destroy (worker);
}

void
ew_worker_call (EwWorker *worker, EwWorkerCall call, void *data)
{
  EwWorkerThread *thread = worker->thread;
  PendingCall pending = { call, data, FALSE, NULL };
  const guint64 one = 1;

  if (running == worker)
    {
      call (worker, data);
      return;
    }
  pthread_mutex_lock (&thread->lock);
  *thread->last_call = &pending;
  thread->last_call = &pending.next;
  if (write (thread->wake, &one, sizeof one) < 0)
    g_error ("The tunnel's data thread cannot be woken: %s", g_strerror (errno));
  while (!pending.done)
    pthread_cond_wait (&thread->carried_out, &thread->lock);
  pthread_mutex_unlock (&thread->lock);
}
