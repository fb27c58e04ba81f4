/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/events.h"
#include "common/phrase.h"

#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_SIZE 4096 /* a power of two; every node of a large edge reconnecting at once fits a few times a second */

struct EwEvents
{
  EwEventsHandler handler;
  GSource *source; /* NULL once closed */
  int wake;
  guint references; /* the engine's and, while handlers run, the dispatcher's: both in the control context */

  /* pthread, not GMutex: thread sanitizers see through it. */
  pthread_mutex_t lock;
  guint64 read, written; /* positions, ever rising */
  gboolean tun_lost;
  EwEngineEvent ring[RING_SIZE];
};

static void
unref_events (EwEvents *events)
{
  if (--events->references > 0)
    return;
  pthread_mutex_destroy (&events->lock);
  close (events->wake);
  g_free (events);
}

static gboolean
take_event (EwEvents *events, EwEngineEvent *out)
{
  gboolean any;

  pthread_mutex_lock (&events->lock);
  any = events->read < events->written;
  if (any)
    *out = events->ring[events->read++ % RING_SIZE];
  pthread_mutex_unlock (&events->lock);
  return any;
}

static gboolean
take_tun_lost (EwEvents *events)
{
  gboolean lost;

  pthread_mutex_lock (&events->lock);
  lost = events->tun_lost;
  events->tun_lost = FALSE;
  pthread_mutex_unlock (&events->lock);
  return lost;
}

static gboolean
dispatch_events (gint fd, GIOCondition condition, gpointer user_data)
{
  EwEvents *events = user_data;
  EwEngineEvent event;
  guint64 count;
  gboolean open;

  if (read (fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
    return G_SOURCE_REMOVE;
  events->references++;
  while (events->source != NULL && take_event (events, &event))
    if (events->handler.on_event != NULL)
      events->handler.on_event (events->handler.user, &event);
  if (events->source != NULL && take_tun_lost (events) && events->handler.on_tun_lost != NULL)
    events->handler.on_tun_lost (events->handler.user);
  open = events->source != NULL;
  unref_events (events);
  return open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

EwEvents *
ew_events_new (const EwEventsHandler *handler, GError **error)
{
  int wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake < 0)
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                    "The tunnel's event channel couldn't be created: %s.", g_strerror (errno));
      return NULL;
    }

  EwEvents *events = g_new0 (EwEvents, 1);
  events->handler = *handler;
  events->references = 1;
  events->wake = wake;
  pthread_mutex_init (&events->lock, NULL);
  events->source = g_unix_fd_source_new (wake, G_IO_IN);
  g_source_set_callback (events->source, G_SOURCE_FUNC (dispatch_events), events, NULL);
  g_source_attach (events->source, g_main_context_get_thread_default ());
  return events;
}

void
ew_events_close (EwEvents *events)
{
  g_source_destroy (events->source);
  g_clear_pointer (&events->source, g_source_unref);
  unref_events (events);
}

static void
wake_control (EwEvents *events)
{
  const guint64 one = 1;

  if (write (events->wake, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN); /* it is awake 2^64 times over */
}

void
ew_events_post (EwEvents *events, const EwEngineEvent *event)
{
  pthread_mutex_lock (&events->lock);
  if (events->written - events->read == RING_SIZE)
    events->read++;
  events->ring[events->written++ % RING_SIZE] = *event;
  pthread_mutex_unlock (&events->lock);
  wake_control (events);
}

void
ew_events_post_tun_lost (EwEvents *events)
{
  pthread_mutex_lock (&events->lock);
  events->tun_lost = TRUE;
  pthread_mutex_unlock (&events->lock);
  wake_control (events);
}
