/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "control/notices.h"

#include <glib/gi18n.h>

#include "control/notice-markup.h"

/* A change from this computer's own screen is mostly proved at once; only one that waits for people is told of. */
#define GUARD_AFTER_SECONDS 3

struct _EwNotices
{
  GObject parent_instance;
  GApplication *application; /* borrowed */
  EwControl *control;
  EwState state; /* as last told */
  guint guard_delay;
  GHashTable *waiting; /* ID → GCancellable, of what was to be shown last */
};

G_DEFINE_FINAL_TYPE (EwNotices, ew_notices, G_TYPE_OBJECT)

static void
withdraw (EwNotices *self, const gchar *id)
{
  GCancellable *waiting = g_hash_table_lookup (self->waiting, id);
  if (waiting != NULL)
    g_cancellable_cancel (waiting);
  g_application_withdraw_notification (self->application, id);
}

/* The body's words are a daemon's, or an edge's, and no markup: it is known who shows them when this is called. */
static void
show (GApplication *application, const gchar *id, const gchar *title, const gchar *body, gboolean markup)
{
  g_autoptr (GNotification) notification = g_notification_new (title);
  g_autofree gchar *escaped = markup ? g_markup_escape_text (body, -1) : NULL;
  g_notification_set_body (notification, escaped != NULL ? escaped : body);
  if (g_str_equal (id, "guard"))
    {
      g_notification_set_priority (notification, G_NOTIFICATION_PRIORITY_URGENT);
      g_notification_add_button (notification, _ ("Keep"), "app.keep-mode");
      g_notification_add_button (notification, _ ("Undo Now"), "app.undo-mode");
    }
  g_application_send_notification (application, id, notification);
}

typedef struct
{
  GApplication *application;
  GCancellable *cancellable;
  const gchar *id, *title;
  gchar *body;
} Notice;

static void
notice_free (Notice *notice)
{
  g_object_unref (notice->cancellable);
  g_object_unref (notice->application);
  g_free (notice->body);
  g_free (notice);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Notice, notice_free)

static void
markup_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Notice) notice = user_data;
  gboolean markup = ew_notice_markup_finish (result);
  if (!g_cancellable_is_cancelled (notice->cancellable))
    show (notice->application, notice->id, notice->title, notice->body, markup);
}

/* id and title are literals; a notice of the same id that waits still is of yesterday. */
static void
send (EwNotices *self, const gchar *id, const gchar *title, const gchar *body)
{
  Notice *notice = g_new0 (Notice, 1);
  GCancellable *cancellable = g_cancellable_new ();
  withdraw (self, id);
  g_hash_table_insert (self->waiting, (gpointer)id, cancellable);
  *notice = (Notice){ g_object_ref (self->application), g_object_ref (cancellable), id, title, g_strdup (body) };
  ew_notice_markup_async (g_application_get_dbus_connection (self->application), markup_known, notice);
}

static gboolean
guard_counts (gpointer user_data)
{
  EwNotices *self = user_data;
  self->guard_delay = 0;
  send (self, "guard", _ ("VPN Is Being Tried"), _ ("It is undone in a moment unless you keep it."));
  return G_SOURCE_REMOVE;
}

static void
guard_changed (EwNotices *self, EwGuardWatch *guard)
{
  g_clear_handle_id (&self->guard_delay, g_source_remove);
  if (ew_guard_watch_get_phase (guard) == EW_GUARD_COUNTING)
    self->guard_delay = g_timeout_add_seconds (GUARD_AFTER_SECONDS, guard_counts, self);
  else
    withdraw (self, "guard");
}

static void
change_undone (EwNotices *self, const gchar *text)
{
  send (self, "undone", _ ("VPN Was Undone"), text);
}

static void
state_changed (EwNotices *self, GParamSpec *pspec, EwDaemon *daemon)
{
  EwState state = ew_daemon_get_state (daemon);
  EwState before = self->state;
  if (state == before || state == EW_STATE_UNKNOWN)
    return;
  self->state = state;
  /* What was already so when the app began is on its page. */
  if (before == EW_STATE_UNKNOWN)
    return;
  if (state == EW_STATE_REMOVED)
    send (self, "removed", _ ("This Computer Was Removed"), ew_daemon_get_message (daemon));
  else
    withdraw (self, "removed");
}

static void
ew_notices_dispose (GObject *object)
{
  EwNotices *self = EW_NOTICES (object);
  g_clear_handle_id (&self->guard_delay, g_source_remove);
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
  g_hash_table_unref (EW_NOTICES (object)->waiting);
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
  self->waiting = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
}

EwNotices *
ew_notices_new (GApplication *application, EwControl *control)
{
  EwNotices *self = g_object_new (EW_TYPE_NOTICES, NULL);
  self->application = application;
  self->control = g_object_ref (control);
  self->state = ew_daemon_get_state (ew_control_get_daemon (control));
  g_signal_connect_swapped (ew_control_get_guard (control), "changed", G_CALLBACK (guard_changed), self);
  g_signal_connect_swapped (ew_control_get_guard (control), "undone", G_CALLBACK (change_undone), self);
  g_signal_connect_swapped (ew_control_get_daemon (control), "notify::state", G_CALLBACK (state_changed), self);
  return self;
}
