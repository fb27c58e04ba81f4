/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard's actions (guard.h says when): the mode put into force, stored, undone.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define WAIT_SECONDS 28 /* a switch waits so long for the tunnel to work; the command line waits 30 */
#define CONFIRM_MAX 86400

static void perform (EwTunnel *self, EwGuardAction action);

static void
guard_expired (gpointer user_data)
{
  EwTunnel *self = user_data;
  EwGuardAction action = ew_guard_tick (&self->guard, ew_boottime ());
  if (action != EW_GUARD_NOTHING)
    g_message ("VPN mode wasn't confirmed in time: back to connector-only mode");
  perform (self, action);
}

/* The countdown as the outside sees it. */
static void
show_guard (EwTunnel *self)
{
  gboolean counting = self->guard.state == EW_GUARD_COUNTING;
  if (counting && !self->guard_until)
    self->guard_until = g_get_real_time () + (self->guard.until - ew_boottime ());
  else if (!counting)
    self->guard_until = 0;
  ew_alarm_set (self->guard_alarm, counting ? self->guard.until : G_MAXINT64);
  ew_tunnel_show (self);
}

void
ew_tunnel_mode_init (EwTunnel *self, gboolean vpn)
{
  ew_guard_init (&self->guard, vpn);
  self->guard_until = 0;
  if (!self->guard_alarm)
    self->guard_alarm = ew_alarm_new (guard_expired, self);
  ew_alarm_set (self->guard_alarm, G_MAXINT64);
}

static void
answer_waiting (EwTunnel *self, const GError *error)
{
  GTask *task;
  while ((task = g_queue_pop_head (&self->mode_tasks)))
    {
      g_task_set_task_data (task, NULL, NULL); /* its timer: the owner of the result owns the task */
      if (error)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static gboolean
store (EwTunnel *self, GError **error)
{
  if (!self->keystore || self->keystore->vpn == self->guard.vpn)
    return TRUE;
  self->keystore->vpn = self->guard.vpn;
  g_autoptr (GError) cause = NULL;
  if (ew_keystore_save (self->keystore, &cause))
    return TRUE;
  ew_set_error (error, cause->domain, cause->code, "The mode is active but won't survive a restart: %s",
                cause->message);
  return FALSE;
}

/* What the guard wants that failed: never left half done. */
static void
give_up_vpn (EwTunnel *self, GError *cause)
{
  g_autoptr (GError) error = ew_tunnel_error (cause);
  gboolean was_wanted_before = self->guard.state == EW_GUARD_SETTLED;
  g_warning ("Couldn't switch VPN mode on: %s", error->message);
  ew_guard_undo (&self->guard);
  if (was_wanted_before)
    {
      /* It was confirmed once, and its user counts on it: rather no tunnel than traffic beside it unnoticed. */
      ew_tunnel_down (self);
      ew_tunnel_set_state (self, EW_STATE_ERROR, "vpn-failed", error->message);
    }
  answer_waiting (self, error);
  show_guard (self);
}

static void
put_in_force (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  gboolean vpn = self->guard.vpn && self->proved;
  if (self->held_vpn && !self->guard.vpn)
    ew_tunnel_let_go (self);
  if (!self->engine || vpn == self->vpn_active)
    return;
  if (!ew_tunnel_apply (self, vpn, &error))
    {
      if (vpn)
        give_up_vpn (self, g_steal_pointer (&error));
      else
        {
          /* Leaving VPN mode must not fail: all of the tunnel's marks on the host go. */
          g_warning ("Couldn't switch VPN mode off on its own: %s", error->message);
          ew_tunnel_down (self);
          ew_tunnel_set_state (self, EW_STATE_ERROR, "host-failed", error->message);
        }
      return;
    }
  g_message ("mode: %s", vpn ? "vpn" : "connector");
  if (!vpn)
    return;
  ew_guard_active (&self->guard, ew_boottime ());
  answer_waiting (self, NULL);
  /* The probe that a switch from the local desktop is judged by. */
  ew_tunnel_event (self, EW_LIVENESS_BUSY);
  ew_tunnel_probe (self);
}

static void
perform (EwTunnel *self, EwGuardAction action)
{
  g_autoptr (GError) error = NULL;
  if (action == EW_GUARD_APPLY || action == EW_GUARD_APPLY_AND_STORE)
    put_in_force (self);
  if ((action == EW_GUARD_STORE || action == EW_GUARD_APPLY_AND_STORE) && !store (self, &error))
    g_warning ("%s", error->message);
  show_guard (self);
}

void
ew_tunnel_mode_proved (EwTunnel *self)
{
  put_in_force (self);
  show_guard (self);
}

void
ew_tunnel_mode_probe_returned (EwTunnel *self, gint64 sent)
{
  EwGuardAction action = ew_guard_probe_returned (&self->guard, sent);
  if (action != EW_GUARD_NOTHING)
    perform (self, action);
}

void
ew_tunnel_mode_down (EwTunnel *self)
{
  if (!self->engine)
    return;
  g_autoptr (GError) error = ew_error_new (EW_ERROR, EW_ERROR_NOT_CONNECTED,
                                           "The tunnel went down before VPN mode was active. Connect, then try again.");
  (void)ew_guard_undo (&self->guard);
  answer_waiting (self, error);
  show_guard (self);
}

static gboolean
waited_enough (gpointer user_data)
{
  GTask *task = user_data;
  EwTunnel *self = g_task_get_source_object (task);
  g_queue_remove (&self->mode_tasks, task);
  if (g_queue_is_empty (&self->mode_tasks) && self->guard.state == EW_GUARD_ARMED)
    perform (self, ew_guard_undo (&self->guard));
  ew_task_return_new_error (
    task, EW_ERROR, EW_ERROR_TIMED_OUT,
    "The edge doesn't answer, so VPN mode wasn't switched on. Look for the reason with `edgewayctl diagnose`.");
  g_object_unref (task);
  return G_SOURCE_REMOVE;
}

static void
stop_waiting (gpointer data)
{
  g_source_destroy (data);
  g_source_unref (data);
}

/* The queue owns the task, the task its timer. */
static void
wait_for_mode (EwTunnel *self, GTask *task)
{
  GSource *source = g_timeout_source_new_seconds (WAIT_SECONDS);
  g_source_set_callback (source, waited_enough, task, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_task_set_task_data (task, source, stop_waiting);
  g_queue_push_tail (&self->mode_tasks, g_object_ref (task));
}

static gboolean
check_mode (EwTunnel *self, const gchar *mode, guint confirm_within, GError **error)
{
  gboolean vpn = g_strcmp0 (mode, "vpn") == 0;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (!vpn && g_strcmp0 (mode, "connector") != 0)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "\"%s\" isn't a mode. Use vpn or connector.", mode);
  else if (confirm_within > CONFIRM_MAX)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "A switch can wait at most a day to be confirmed. Use up to %d seconds.", CONFIRM_MAX);
  else if (!vpn
           && !ew_tunnel_check_unlocked (self, N_ ("in connector-only mode this computer would have no internet"),
                                         error))
    return FALSE;
  else if (vpn && !self->document->exit)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "The edge doesn't forward to the internet, so this computer would have no internet in VPN mode. Ask "
                  "whoever runs the edge to allow it (exit in edgeway-edge(8)).");
  else
    return TRUE;
  return FALSE;
}

void
ew_tunnel_set_mode_async (EwTunnel *self, const gchar *mode, guint confirm_within, gboolean remote,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  if (!check_mode (self, mode, confirm_within, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  gboolean vpn = g_str_equal (mode, "vpn");
  EwGuardAction action = ew_guard_set_mode (&self->guard, vpn, confirm_within, remote);
  if (vpn && self->engine && !self->vpn_active)
    {
      wait_for_mode (self, task); /* answered by put_in_force(), or when that fails */
      perform (self, action);
      return;
    }
  if (!vpn)
    {
      g_autoptr (GError) given_up
        = ew_error_new (EW_ERROR, EW_ERROR_CANCELLED, "Connector-only mode was chosen in the meantime.");
      answer_waiting (self, given_up);
      put_in_force (self);
      if (action == EW_GUARD_APPLY_AND_STORE && !store (self, &error))
        {
          show_guard (self);
          g_task_return_error (task, g_steal_pointer (&error));
          return;
        }
    }
  show_guard (self);
  g_task_return_boolean (task, TRUE);
}

gboolean
ew_tunnel_set_mode_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
ew_tunnel_set_lan_names (EwTunnel *self, gboolean lan_names, GError **error)
{
  gboolean before = self->keystore ? self->keystore->lan_names : FALSE;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (lan_names == before)
    return TRUE;
  self->keystore->lan_names = lan_names;
  if ((!self->vpn_active || ew_tunnel_apply (self, TRUE, error)) && ew_keystore_save (self->keystore, error))
    return TRUE;
  self->keystore->lan_names = before;
  if (self->vpn_active)
    (void)ew_tunnel_apply (self, TRUE, NULL);
  return FALSE;
}

gboolean
ew_tunnel_confirm_mode (EwTunnel *self, GError **error)
{
  gboolean done = FALSE;
  if (ew_tunnel_settle_lockdown (self, TRUE, &done, error))
    return done;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (ew_guard_confirm (&self->guard) == EW_GUARD_NOTHING)
    {
      if (self->guard.vpn && self->guard.state == EW_GUARD_SETTLED)
        return TRUE;
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "There is no switch to confirm: %s.",
                    self->guard.vpn ? N_ ("VPN mode isn't active yet")
                                    : N_ ("this computer is in connector-only mode"));
      return FALSE;
    }
  gboolean stored = store (self, error);
  show_guard (self);
  return stored;
}

gboolean
ew_tunnel_undo_mode (EwTunnel *self, GError **error)
{
  gboolean done = FALSE;
  if (ew_tunnel_settle_lockdown (self, FALSE, &done, error))
    return done;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  EwGuardAction action = ew_guard_undo (&self->guard);
  if (action == EW_GUARD_NOTHING)
    {
      ew_set_error (
        error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
        "There is no switch to undo. Set the mode with `edgewayctl mode vpn` or `edgewayctl mode connector`.");
      return FALSE;
    }
  perform (self, action);
  return TRUE;
}
