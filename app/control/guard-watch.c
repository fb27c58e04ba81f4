/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "control/guard-watch.h"

#include <glib/gi18n.h>

#include "model/words.h"

/* The daemon's timer and this one differ slightly: a guard that ends this close to its deadline has expired. */
#define NEARLY_OVER (2 * G_USEC_PER_SEC)

struct _EwGuardWatch
{
  GObject parent_instance;
  EwDaemon *daemon;
  EwGuardPhase phase;
  gint64 until;          /* of the running guard, or the last one; µs since the epoch; 0: none since the last change */
  gboolean lockdown;     /* it's lockdown that is or was tried */
  gboolean over;         /* it expired; the mode's change is awaited */
  gboolean lost_contact; /* while it ran, the edge did not answer */
};

G_DEFINE_FINAL_TYPE (EwGuardWatch, ew_guard_watch, G_TYPE_OBJECT)

enum
{
  CHANGED,
  UNDONE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

EwGuardPhase
ew_guard_watch_get_phase (EwGuardWatch *self)
{
  return self->phase;
}

gboolean
ew_guard_watch_is_lockdown (EwGuardWatch *self)
{
  return self->lockdown;
}

gchar *
ew_guard_watch_get_text (EwGuardWatch *self, gint64 now)
{
  if (self->phase == EW_GUARD_COUNTING)
    {
      gint64 seconds = MAX (0, (self->until - now + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
      g_autofree gchar *left = ew_words_countdown (seconds);
      if (self->lockdown)
        /* Translators: %s is a countdown such as 0:42 */
        return g_strdup_printf (_ ("Trying lockdown. Turns off in %s unless you keep it."), left);
      /* Translators: %s is a countdown such as 0:42 */
      return g_strdup_printf (_ ("Trying VPN mode. Reverts in %s unless you keep it."), left);
    }
  if (self->phase == EW_GUARD_UNDONE)
    return g_strdup (self->lost_contact
                       ? _ ("Change undone. This computer lost contact, so the previous settings were restored.")
                       : _ ("Change undone. It wasn't confirmed in time, so the previous settings were restored."));
  return NULL;
}

static void
set_phase (EwGuardWatch *self, EwGuardPhase phase)
{
  if (phase == self->phase)
    return;
  self->phase = phase;
  g_signal_emit (self, signals[CHANGED], 0);
  if (phase == EW_GUARD_UNDONE)
    {
      g_autofree gchar *text = ew_guard_watch_get_text (self, g_get_real_time ());
      g_signal_emit (self, signals[UNDONE], 0, text);
    }
}

void
ew_guard_watch_dismiss (EwGuardWatch *self)
{
  if (self->phase == EW_GUARD_UNDONE)
    set_phase (self, EW_GUARD_NONE);
}

static void
counts (EwGuardWatch *self, gint64 until, gboolean lockdown)
{
  self->lockdown = lockdown;
  if (self->phase != EW_GUARD_COUNTING)
    self->lost_contact = FALSE;
  self->lost_contact |= ew_daemon_get_state (self->daemon) != EW_STATE_CONNECTED;
  self->until = until;
  self->over = FALSE;
  set_phase (self, EW_GUARD_COUNTING);
}

/* The mode's change, or lockdown's, and the guard's end may come in either order. */
static void
follow (EwGuardWatch *self)
{
  gint64 mode_until = ew_daemon_get_guard_until (self->daemon);
  gint64 until = mode_until > 0 ? mode_until : ew_daemon_get_lockdown_until (self->daemon);
  gboolean there
    = self->lockdown ? ew_daemon_get_locked_down (self->daemon) : ew_daemon_get_mode (self->daemon) == EW_MODE_VPN;
  if (ew_daemon_get_availability (self->daemon) != EW_AVAILABILITY_READY)
    {
      self->over = FALSE;
      self->until = 0;
      set_phase (self, EW_GUARD_NONE);
      return;
    }
  if (until > 0)
    {
      counts (self, until, mode_until == 0);
      return;
    }
  if (self->phase == EW_GUARD_COUNTING)
    self->over = g_get_real_time () >= self->until - NEARLY_OVER;
  if (self->over && !there)
    {
      self->over = FALSE;
      set_phase (self, EW_GUARD_UNDONE);
    }
  else if (self->phase == EW_GUARD_COUNTING || there)
    set_phase (self, EW_GUARD_NONE);
}

static void
ew_guard_watch_dispose (GObject *object)
{
  EwGuardWatch *self = EW_GUARD_WATCH (object);
  if (self->daemon != NULL)
    g_signal_handlers_disconnect_by_data (self->daemon, self);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_guard_watch_parent_class)->dispose (object);
}

static void
ew_guard_watch_class_init (EwGuardWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_guard_watch_dispose;
  signals[CHANGED]
    = g_signal_new ("changed", EW_TYPE_GUARD_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[UNDONE] = g_signal_new ("undone", EW_TYPE_GUARD_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_STRING);
}

static void
ew_guard_watch_init (EwGuardWatch *self)
{
}

EwGuardWatch *
ew_guard_watch_new (EwDaemon *daemon)
{
  EwGuardWatch *self = g_object_new (EW_TYPE_GUARD_WATCH, NULL);
  const gchar *const followed[] = { "notify::availability", "notify::state",    "notify::mode",
                                    "notify::guard-until",  "notify::lockdown", "notify::lockdown-until" };
  self->daemon = g_object_ref (daemon);
  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_swapped (daemon, followed[i], G_CALLBACK (follow), self);
  follow (self);
  return self;
}
