/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "desktop/ends.h"

#include <glib/gi18n.h>

#include "model/words.h"

#define PATIENCE_SECONDS 30
/* The guard's end and the mode's change may come one after the other. */
#define LINGER_SECONDS 2

struct _EwEnds
{
  GObject parent_instance;
  GApplication *application; /* borrowed */
  EwControl *control;
  EwDaemon *daemon;
  EwNotices *notices;
  EwEndsHasWindow has_window;
  gpointer user_data;
  gboolean held;
  gchar *awaited;   /* the action that is running; NULL: none */
  gboolean guarded; /* that action is a mode on trial */
  guint patience, lingering;
};

G_DEFINE_FINAL_TYPE (EwEnds, ew_ends, G_TYPE_OBJECT)

static void
follow_hold (EwEnds *self)
{
  gboolean held = ew_control_get_busy_text (self->control) != NULL || self->awaited != NULL || self->lingering != 0;
  if (held == self->held)
    return;
  self->held = held;
  if (held)
    g_application_hold (self->application);
  else
    g_application_release (self->application);
}

static void
tell_end (EwEnds *self, const gchar *heading)
{
  gboolean connected = ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED;
  g_autofree gchar *detail = connected ? ew_words_state_detail (self->daemon) : NULL;
  g_autofree gchar *awaited = g_steal_pointer (&self->awaited); /* heading may be its text */
  g_clear_handle_id (&self->patience, g_source_remove);
  if (heading != NULL && !self->has_window (self->user_data))
    ew_notices_tell_end (self->notices, heading, detail);
  follow_hold (self);
}

static gboolean
on_patience (gpointer user_data)
{
  EwEnds *self = user_data;
  self->patience = 0;
  tell_end (self, _ ("Still Connecting"));
  return G_SOURCE_REMOVE;
}

static gboolean
on_lingered (gpointer user_data)
{
  EwEnds *self = user_data;
  self->lingering = 0;
  follow_hold (self);
  return G_SOURCE_REMOVE;
}

static gboolean
is_connecting (EwEnds *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  return state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;
}

/* Notices announce a trial's end and errors. */
static void
look_for_end (EwEnds *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  gboolean counts = ew_daemon_get_guard_until (self->daemon) > 0;
  if (self->awaited == NULL)
    return;
  self->guarded |= counts;
  if (counts)
    return;
  if (self->guarded)
    {
      self->lingering
        = self->lingering != 0 ? self->lingering : g_timeout_add_seconds (LINGER_SECONDS, on_lingered, self);
      tell_end (self, NULL);
    }
  else if (!is_connecting (self))
    tell_end (self, state != EW_STATE_ERROR && state != EW_STATE_REMOVED ? self->awaited : NULL);
}

static void
on_done (EwEnds *self, const gchar *heading)
{
  g_clear_handle_id (&self->patience, g_source_remove);
  if (self->has_window (self->user_data))
    return;
  g_free (self->awaited);
  self->awaited = g_strdup (heading);
  self->guarded = FALSE;
  if (is_connecting (self))
    self->patience = g_timeout_add_seconds (PATIENCE_SECONDS, on_patience, self);
  look_for_end (self);
  follow_hold (self);
}

static void
on_failed (EwEnds *self, const gchar *sentence)
{
  if (!self->has_window (self->user_data))
    ew_notices_tell_end (self->notices, _ ("Nothing Was Changed"), sentence);
}

static void
ew_ends_dispose (GObject *object)
{
  EwEnds *self = EW_ENDS (object);
  g_clear_handle_id (&self->patience, g_source_remove);
  g_clear_handle_id (&self->lingering, g_source_remove);
  g_clear_pointer (&self->awaited, g_free);
  g_clear_object (&self->notices);
  g_clear_object (&self->control);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_ends_parent_class)->dispose (object);
}

static void
ew_ends_class_init (EwEndsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_ends_dispose;
}

static void
ew_ends_init (EwEnds *self)
{
}

EwEnds *
ew_ends_new (GApplication *application, EwControl *control, EwNotices *notices, EwEndsHasWindow has_window,
             gpointer user_data)
{
  EwEnds *self = g_object_new (EW_TYPE_ENDS, NULL);
  self->application = application;
  self->control = g_object_ref (control);
  self->daemon = g_object_ref (ew_control_get_daemon (control));
  self->notices = g_object_ref (notices);
  self->has_window = has_window;
  self->user_data = user_data;
  g_signal_connect_object (control, "done", G_CALLBACK (on_done), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (control, "failed", G_CALLBACK (on_failed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (control, "notify::busy-text", G_CALLBACK (follow_hold), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify::state", G_CALLBACK (look_for_end), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->daemon, "notify::guard-until", G_CALLBACK (look_for_end), self, G_CONNECT_SWAPPED);
  return self;
}
