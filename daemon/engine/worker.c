/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker's loop. Wakeups: epoll on UDP, TUN, an eventfd (calls, and datagrams that another worker handed over) and,
 * for worker 0, a timerfd on CLOCK_BOOTTIME (the device's deadline: it counts while the computer is suspended, as
 * session ages must). The timer is moved only towards the present; a deadline that moved away costs one empty wakeup,
 * not a system call for each packet.
 */
#include "engine/worker-private.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A deadline that does not move on although it was served must not keep a core busy. */
#define TICK_PAUSE_NS (G_GUINT64_CONSTANT (1000000))

/* What was dropped is freed when no worker is using it any more: until then, look again. */
#define COLLECT_PAUSE_NS (G_GUINT64_CONSTANT (2000000))
/* A call waits for the other workers' batches, which take microseconds. */
#define GRACE_SPINS 200
#define GRACE_PAUSE_US 50
/* While no datagram goes to a stream, nobody needs to know which flows are sparse. */
#define SPARSE_WATCHED_NS (G_GUINT64_CONSTANT (10000000000))

enum
{
  SOURCE_CALLS,
  SOURCE_TIMER,
  SOURCE_TUN,
  SOURCE_UDP, /* + index of the socket */
  N_SOURCES = SOURCE_UDP + EW_UDP_FDS
};

/* The worker whose thread this is. */
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
    g_warning ("The tunnel's new UDP socket can't be watched: %s.", g_strerror (errno));
  return old;
}

static void
lose_tun (EwWorker *worker)
{
  unwatch (worker->thread, worker->tun->fd);
  g_clear_pointer (&worker->tun, ew_tun_free);
  if (!atomic_exchange (&worker->crew->tun_lost, TRUE)) /* each of its queues is found out about */
    ew_events_post_tun_lost (worker->crew->events);
}

/* The end of a batch: what it produced goes out, the next wakeup is set. */

static void
arm_timer (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;

  ew_lane_lock (worker->lane);
  guint64 deadline = ew_device_deadline (worker->device);
  if (ew_device_collect (worker->device))
    deadline = MIN (deadline, worker->time.now_ns + COLLECT_PAUSE_NS);
  ew_lane_unlock (worker->lane);
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
ew_worker_look_at_flow (EwWorker *worker, EwPacket *packet)
{
  if (worker->transmit.streamed)
    worker->sparse_until_ns = worker->time.now_ns + SPARSE_WATCHED_NS;
  worker->transmit.streamed = FALSE;
  if (worker->time.now_ns < worker->sparse_until_ns)
    packet->sparse = ew_sparse_look (&worker->sparse, packet->data, packet->len, worker->time.now_ns);
}

void
ew_worker_settle (EwWorker *worker)
{
  ew_worker_flush_tun (worker);
  ew_transmit_flush (&worker->transmit, worker->udp);
  ew_transmit_settle_stale (&worker->transmit, worker->lane);
  if (worker->transmit.n_noted > 0)
    ew_transmit_settle_bursts (&worker->transmit, worker->udp, worker->lane, worker->ask, worker->router_user);
}

/* Until every other worker has been between two batches. */
static void
wait_for_grace (EwWorker *worker)
{
  ew_lane_lock (worker->lane);
  const guint64 grace = ew_device_begin_grace (worker->device);
  ew_lane_unlock (worker->lane);
  for (guint i = 0; !ew_device_grace_passed (worker->device, grace); i++)
    if (i < GRACE_SPINS)
      sched_yield ();
    else
      g_usleep (GRACE_PAUSE_US);
}

/* This comes before the look at what woke it: whatever arrives after that wakes it again. */
static void
hear_wake (EwWorker *worker)
{
  guint64 count;

  if (read (worker->thread->wake, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The tunnel's wake channel failed: %s.", g_strerror (errno));
}

static void
carry_out_calls (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;
  PendingCall *calls;

  pthread_mutex_lock (&thread->lock);
  calls = g_steal_pointer (&thread->first_call);
  thread->last_call = &thread->first_call;
  pthread_mutex_unlock (&thread->lock);

  for (PendingCall *pending = calls; pending != NULL; pending = pending->next)
    {
      ew_lane_enter (worker->lane);
      pending->call (worker, pending->data);
      ew_worker_settle (worker);
      ew_lane_leave (worker->lane);
    }
  if (calls != NULL && worker->crew->n > 1 && worker == worker->crew->workers[0])
    wait_for_grace (worker);

  pthread_mutex_lock (&thread->lock);
  while (calls != NULL)
    {
      PendingCall *next = calls->next; /* once done, the record disappears with its caller's stack */
      calls->done = TRUE;
      calls = next;
    }
  pthread_mutex_unlock (&thread->lock);
  pthread_cond_broadcast (&thread->carried_out);
}

static void
tick (EwWorker *worker)
{
  guint64 count;

  if (read (worker->thread->timer, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The tunnel's timer failed: %s.", g_strerror (errno));
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
      hear_wake (worker);
      ew_worker_take_handed_over (worker);
      ew_worker_settle (worker);
      ew_inbound_take_inbox (worker);
      ew_lane_leave (worker->lane); /* a call may wait until everybody has */
      carry_out_calls (worker);
      ew_lane_enter (worker->lane);
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
  pthread_setname_np (pthread_self (),
                      worker == worker->crew->workers[0] && worker->crew->n > 1 ? "ew-device" : "ew-data");
  while (!thread->stop)
    {
      int n = epoll_wait (thread->epoll, events, N_SOURCES, -1);
      worker->stats.wakeups++;
      read_clocks (worker);
      ew_lane_enter (worker->lane);
      for (int i = 0; i < n; i++)
        serve (worker, &events[i]);
      ew_worker_settle (worker);
      ew_lane_leave (worker->lane);
      if (thread->timer >= 0)
        arm_timer (worker);
    }
  return NULL;
}

/* Life. */

static gboolean
open_timer (EwWorkerThread *thread)
{
  thread->timer = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  return thread->timer >= 0 && watch (thread, thread->timer, SOURCE_TIMER);
}

static gboolean
open_sources (EwWorker *worker, gboolean has_device)
{
  EwWorkerThread *thread = worker->thread;

  thread->epoll = epoll_create1 (EPOLL_CLOEXEC);
  thread->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  return thread->epoll >= 0 && thread->wake >= 0 && watch (thread, thread->wake, SOURCE_CALLS)
         && (!has_device || open_timer (thread)) && watch_udp (worker)
         && (worker->tun == NULL || watch (thread, worker->tun->fd, SOURCE_TUN));
}

EwWorker *
ew_worker_new (const EwWorkerConfig *config)
{
  EwWorker *worker = g_new0 (EwWorker, 1);
  EwWorkerThread *thread = worker->thread = g_new0 (EwWorkerThread, 1);

  thread->last_call = &thread->first_call;
  thread->epoll = thread->wake = thread->timer = -1;
  pthread_mutex_init (&thread->lock, NULL);
  pthread_cond_init (&thread->carried_out, NULL);
  worker->crew = config->crew;
  worker->tun = config->tun;
  worker->udp = config->udp;
  worker->router = config->router;
  worker->ask = config->ask;
  worker->router_user = config->router_user;
  ew_buffers_init (&worker->inbound);
  ew_inbox_init (&worker->inbox);
  ew_transmit_init (&worker->transmit, &worker->inbound, config->crew->streams);
  worker->transmit.time = config->ask != NULL ? &worker->time : NULL;
  return worker;
}

/* Signals are the control thread's. */
int
ew_worker_start (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;
  sigset_t all, before;

  if (!open_sources (worker, worker == worker->crew->workers[0]))
    return errno;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  const int result = pthread_create (&thread->thread, NULL, run, worker);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  thread->started = result == 0;
  return result;
}

static void
stop (EwWorker *worker, void *data)
{
  worker->thread->stop = TRUE;
}

void
ew_worker_stop (EwWorker *worker)
{
  if (!worker->thread->started)
    return;
  ew_worker_call (worker, stop, NULL);
  pthread_join (worker->thread->thread, NULL);
  worker->thread->started = FALSE;
}

static void
close_fd (int fd)
{
  if (fd >= 0)
    close (fd);
}

void
ew_worker_free (EwWorker *worker)
{
  EwWorkerThread *thread = worker->thread;

  g_clear_pointer (&worker->tun, ew_tun_free);
  g_clear_pointer (&worker->udp, ew_udp_free);
  close_fd (thread->epoll);
  close_fd (thread->wake);
  close_fd (thread->timer);
  ew_worker_drop_handed_over (worker);
  pthread_cond_destroy (&thread->carried_out);
  pthread_mutex_destroy (&thread->lock);
  ew_transmit_clear (&worker->transmit);
  ew_inbox_clear (&worker->inbox);
  ew_buffers_clear (&worker->inbound);
  g_free (thread);
  g_free (worker);
}

void
ew_worker_wake (EwWorker *worker)
{
  const guint64 one = 1;

  if (write (worker->thread->wake, &one, sizeof one) < 0)
    g_error ("A thread of the tunnel can't be woken: %s", g_strerror (errno));
}

void
ew_worker_call (EwWorker *worker, EwWorkerCall call, void *data)
{
  EwWorkerThread *thread = worker->thread;
  PendingCall pending = { call, data, FALSE, NULL };

  if (running == worker)
    {
      call (worker, data);
      return;
    }
  pthread_mutex_lock (&thread->lock);
  *thread->last_call = &pending;
  thread->last_call = &pending.next;
  pthread_mutex_unlock (&thread->lock); /* whoever is woken would wait for it, and an idle computer wake once more */
  ew_worker_wake (worker);
  pthread_mutex_lock (&thread->lock);
  while (!pending.done)
    pthread_cond_wait (&thread->carried_out, &thread->lock);
  pthread_mutex_unlock (&thread->lock);
}
