/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "control/notices.h"

#include <glib/gi18n.h>

#include "control/notice.h"
#include "model/words.h"

/* A change from this computer's own screen is usually confirmed at once; notify only about one that waits for a
   person. */
#define GUARD_AFTER_SECONDS 3
/* After another program that announced it has ended. */
#define GUARD_TAKEN_OVER_SECONDS 1
/* Most interruptions end before that. */
#define LOCKDOWN_AFTER_SECONDS 10

struct _EwNotices
{
  GObject parent_instance;
  GApplication *application; /* borrowed */
  EwControl *control;
  EwNoticesSeen seen;
  gpointer user_data;
  gboolean active, blocked; /* blocked: by lockdown, and active */
  EwState state;            /* as last announced */
  gboolean portal;          /* likewise */
  guint guard_delay, lockdown_delay;
  GHashTable *sent; /* ID → GCancellable, of what is or was to be shown last */
};

G_DEFINE_FINAL_TYPE (EwNotices, ew_notices, G_TYPE_OBJECT)

static void
withdraw_notice (EwNotices *self, const gchar *id)
{
  GCancellable *sent = g_hash_table_lookup (self->sent, id);
  if (sent != NULL)
    g_cancellable_cancel (sent);
  g_hash_table_remove (self->sent, id);
  g_application_withdraw_notification (self->application, id);
}

static gboolean
has_action (EwNotices *self, const gchar *name)
{
  return g_action_group_has_action (G_ACTION_GROUP (self->application), name);
}

/* id is a literal; a notice of the same id that still waits is old. */
static void
send_notice (EwNotices *self, const gchar *id, const gchar *title, const gchar *body)
{
  g_autoptr (GNotification) notification = g_notification_new (title);
  GCancellable *cancellable = g_cancellable_new ();
  withdraw_notice (self, id);
  g_hash_table_insert (self->sent, (gpointer)id, cancellable);
  if (g_str_equal (id, "guard"))
    {
      g_notification_set_priority (notification, G_NOTIFICATION_PRIORITY_URGENT);
      g_notification_add_button (notification, _ ("Keep"), "app.keep-mode");
      g_notification_add_button (notification, _ ("Undo Now"), "app.undo-mode");
    }
  if (g_str_equal (id, "portal"))
    g_notification_add_button (notification, _ ("Open the Network's Login Page"), "app.open-portal");
  if (g_str_equal (id, "lockdown"))
    {
      g_notification_set_priority (notification, G_NOTIFICATION_PRIORITY_HIGH);
      g_notification_add_button (notification, _ ("Turn Off Lockdown"), "app.lockdown-off");
    }
  if (has_action (self, "open-map"))
    g_notification_set_default_action (notification, "app.open-map");
  ew_notice_send_full (self->application, id, title, body, notification, cancellable);
}

static gboolean
on_guard_delay (gpointer user_data)
{
  EwNotices *self = user_data;
  self->guard_delay = 0;
  if (ew_guard_watch_is_lockdown (ew_control_get_guard (self->control)))
    send_notice (self, "guard", _ ("Trying Lockdown"), _ ("It turns off in a moment unless you keep it."));
  else
    send_notice (self, "guard", _ ("Trying VPN Mode"), _ ("It reverts in a moment unless you keep it."));
  return G_SOURCE_REMOVE;
}

static void
follow_guard (EwNotices *self, guint delay)
{
  gboolean counts = ew_guard_watch_get_phase (ew_control_get_guard (self->control)) == EW_GUARD_COUNTING;
  g_clear_handle_id (&self->guard_delay, g_source_remove);
  if (!counts || !self->active)
    {
      withdraw_notice (self, "guard");
      return;
    }
  withdraw_notice (self, "undone");
  self->guard_delay = g_timeout_add_seconds (delay, on_guard_delay, self);
}

static void
on_guard_changed (EwNotices *self)
{
  follow_guard (self, GUARD_AFTER_SECONDS);
}

static void
on_undone (EwNotices *self, const gchar *text)
{
  if (self->active)
    send_notice (self, "undone",
                 ew_guard_watch_is_lockdown (ew_control_get_guard (self->control)) ? _ ("Lockdown Was Turned Off")
                                                                                   : _ ("VPN Mode Was Turned Off"),
                 text);
}

/* A running call announces its own end. */
static gboolean
error_is_known (EwNotices *self)
{
  return ew_control_get_busy_text (self->control) != NULL || (self->seen != NULL && self->seen (self->user_data));
}

static gboolean
on_lockdown_delay (gpointer user_data)
{
  EwNotices *self = user_data;
  g_autofree gchar *text = ew_words_lockdown (ew_control_get_daemon (self->control));
  self->lockdown_delay = 0;
  if (!error_is_known (self))
    send_notice (self, "lockdown", _ ("Nothing Leaves This Computer"), text);
  return G_SOURCE_REMOVE;
}

/* Once for each time that it blocks. */
static void
follow_lockdown (EwNotices *self)
{
  gboolean blocks = self->active && ew_words_lockdown_blocks (ew_control_get_daemon (self->control));
  if (blocks == self->blocked)
    return;
  self->blocked = blocks;
  g_clear_handle_id (&self->lockdown_delay, g_source_remove);
  if (blocks)
    self->lockdown_delay = g_timeout_add_seconds (LOCKDOWN_AFTER_SECONDS, on_lockdown_delay, self);
  else
    withdraw_notice (self, "lockdown");
}

static void
on_state_changed (EwNotices *self, GParamSpec *pspec, EwDaemon *daemon)
{
  EwState state = ew_daemon_get_state (daemon);
  EwState before = self->state;
  const gchar *message = ew_daemon_get_message (daemon);
  if (state == before || state == EW_STATE_UNKNOWN)
    return;
  self->state = state;
  if (state != EW_STATE_REMOVED)
    withdraw_notice (self, "removed");
  if (state != EW_STATE_ERROR)
    withdraw_notice (self, "error");
  /* What was already true when the program started is shown on its page, or by its icon. */
  if (before == EW_STATE_UNKNOWN || !self->active)
    return;
  if (state == EW_STATE_REMOVED)
    send_notice (self, "removed", _ ("This Computer Was Removed"), message);
  else if (state == EW_STATE_ERROR && !error_is_known (self))
    send_notice (self, "error", _ ("Edgeway Can't Connect"), message);
}

/* A person at the window sees it there. */
static void
follow_portal (EwNotices *self)
{
  EwDaemon *daemon = ew_control_get_daemon (self->control);
  gboolean wants = ew_words_wants_login (daemon);
  if (wants == self->portal)
    return;
  self->portal = wants;
  if (!wants)
    withdraw_notice (self, "portal");
  else if (self->active && !(self->seen != NULL && self->seen (self->user_data)))
    send_notice (self, "portal", _ ("This Network Wants a Login"), ew_daemon_get_message (daemon));
}

void
ew_notices_set_active (EwNotices *self, gboolean active)
{
  if (self->active == active)
    return;
  self->active = active;
  follow_guard (self, GUARD_TAKEN_OVER_SECONDS);
  follow_lockdown (self);
}

void
ew_notices_tell_end (EwNotices *self, const gchar *title, const gchar *body)
{
  send_notice (self, "end", title, body != NULL ? body : "");
}

static void
ew_notices_dispose (GObject *object)
{
  EwNotices *self = EW_NOTICES (object);
  g_clear_handle_id (&self->guard_delay, g_source_remove);
  g_clear_handle_id (&self->lockdown_delay, g_source_remove);
  if (self->control != NULL)
    {
      g_signal_handlers_disconnect_by_data (ew_control_get_guard (self->control), self);
      g_signal_handlers_disconnect_by_data (ew_control_get_daemon (self->control), self);
    }
  g_clear_object (&self->control);
  G_OBJECT_CLASS (ew_notices_parent_class)->dispose (object);
}

static void
ew_notices_finalize (GObject *object)
{
  g_hash_table_unref (EW_NOTICES (object)->sent);
  G_OBJECT_CLASS (ew_notices_parent_class)->finalize (object);
}

static void
ew_notices_class_init (EwNoticesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_notices_dispose;
  G_OBJECT_CLASS (klass)->finalize = ew_notices_finalize;
}

static void
ew_notices_init (EwNotices *self)
{
  self->sent = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
}

EwNotices *
ew_notices_new (GApplication *application, EwControl *control, EwNoticesSeen seen, gpointer user_data)
{
  static const gchar *const of_lockdown[] = { "notify::state", "notify::reason", "notify::lockdown" };
  EwNotices *self = g_object_new (EW_TYPE_NOTICES, NULL);
  self->application = application;
  self->control = g_object_ref (control);
  self->seen = seen;
  self->user_data = user_data;
  self->state = ew_daemon_get_state (ew_control_get_daemon (control));
  g_signal_connect_swapped (ew_control_get_guard (control), "changed", G_CALLBACK (on_guard_changed), self);
  g_signal_connect_swapped (ew_control_get_guard (control), "undone", G_CALLBACK (on_undone), self);
  g_signal_connect_swapped (ew_control_get_daemon (control), "notify::state", G_CALLBACK (on_state_changed), self);
  g_signal_connect_swapped (ew_control_get_daemon (control), "notify::message", G_CALLBACK (follow_portal), self);
  g_signal_connect_swapped (ew_control_get_daemon (control), "notify::state", G_CALLBACK (follow_portal), self);
  g_signal_connect_swapped (ew_control_get_daemon (control), "notify::reason", G_CALLBACK (follow_portal), self);
  for (guint i = 0; i < G_N_ELEMENTS (of_lockdown); i++)
    g_signal_connect_swapped (ew_control_get_daemon (control), of_lockdown[i], G_CALLBACK (follow_lockdown), self);
  return self;
}
