/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lockdown (net/lockdown.h) as its user switches it. It needs VPN mode, kept: in connector-only mode it would leave no
 * internet at all. A switch from a remote login is a trial, like one to VPN mode (guard.h); at the computer itself
 * whoever switched it on can switch it off again.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"

#define CONFIRM_MAX 86400

/* What VPN mode would be applied with, so far as it's known without a tunnel. */
static gboolean
set_state (EwTunnel *self, EwLockdownState state, guint seconds, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GArray) routes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  EwHostConfig config = { .interface = self->interface };
  gboolean done;
  if (state == EW_LOCKDOWN_OFF)
    done = ew_host_set_lockdown (self->host, state, 0, NULL, &cause);
  else
    {
      g_array_append_vals (routes, self->document->ranges->data, self->document->ranges->len);
      g_array_append_vals (routes, self->keystore->accepted->data, self->keystore->accepted->len);
      config.routes = (const EwPrefix *)(const void *)routes->data;
      config.n_routes = routes->len;
      config.lan_blocked = self->keystore->lan_blocked;
      config.excluded = (const EwPrefix *)(const void *)self->keystore->excluded->data;
      config.n_excluded = self->keystore->excluded->len;
      config.forwards = (const EwPrefix *)(const void *)self->keystore->forwarded->data;
      config.n_forwards = self->keystore->forwarded->len;
      done = ew_host_set_lockdown (self->host, state, seconds, &config, &cause);
    }
  if (done || state == EW_LOCKDOWN_OFF)
    {
      gboolean tries = state == EW_LOCKDOWN_TRYING;
      gint64 wait = (gint64)seconds * G_USEC_PER_SEC;
      self->lockdown_until = tries ? g_get_real_time () + wait : 0;
      ew_alarm_set (self->lockdown_alarm, tries ? ew_boottime () + wait : G_MAXINT64);
    }
  if (done)
    g_message ("lockdown: %s", ew_tunnel_get_lockdown (self));
  ew_tunnel_set_names (self);
  ew_tunnel_show (self);
  if (cause)
    g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&cause)));
  return done;
}

gboolean
ew_tunnel_bound_lockdown (EwTunnel *self, GError **error)
{
  EwLockdownState state = ew_host_get_lockdown (self->host);
  /* A trial's time goes on as it was said. */
  return state != EW_LOCKDOWN_ON || set_state (self, state, 0, error);
}

static void
trial_ended (gpointer user_data)
{
  EwTunnel *self = user_data;
  g_autoptr (GError) error = NULL;
  if (ew_host_get_lockdown (self->host) != EW_LOCKDOWN_TRYING)
    return;
  g_message ("Lockdown wasn't confirmed in time: off again");
  if (!set_state (self, EW_LOCKDOWN_OFF, 0, &error))
    g_warning ("%s", error->message);
}

void
ew_tunnel_start_lockdown (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  self->lockdown_alarm = ew_alarm_new (trial_ended, self);
  ew_alarm_set (self->lockdown_alarm, G_MAXINT64);
  if (!ew_host_start_lockdown (self->host, &error))
    g_warning ("Lockdown's firewall rules can't be set up: %s", error->message);
}

void
ew_tunnel_stop_lockdown (EwTunnel *self)
{
  if (ew_host_get_lockdown (self->host) == EW_LOCKDOWN_TRYING)
    (void)set_state (self, EW_LOCKDOWN_OFF, 0, NULL);
  g_clear_pointer (&self->lockdown_alarm, ew_alarm_free);
}

const gchar *
ew_tunnel_get_lockdown (EwTunnel *self)
{
  switch (ew_host_get_lockdown (self->host))
    {
    case EW_LOCKDOWN_ON:
      return "on";
    case EW_LOCKDOWN_TRYING:
      return "trying";
    default:
      return "off";
    }
}

gboolean
ew_tunnel_check_unlocked (EwTunnel *self, const gchar *what, GError **error)
{
  if (ew_host_get_lockdown (self->host) == EW_LOCKDOWN_OFF)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                "Lockdown is on: %s. Switch it off first with `edgewayctl lockdown off`.", what);
  return FALSE;
}

static gboolean
check_lockdown (EwTunnel *self, guint confirm_within, GError **error)
{
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (!self->guard.vpn)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "Lockdown needs VPN mode: in connector-only mode this computer would have no internet. Switch it on "
                  "first with `edgewayctl mode vpn`.");
  else if (self->guard.state != EW_GUARD_SETTLED)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "VPN mode is only being tried. Keep it first with `edgewayctl mode --confirm`.");
  else if (self->keystore->included->len > 0)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "Only a list of networks goes through the edge here, and lockdown would stop everything else. Remove "
                  "them first with `edgewayctl split remove`: `edgewayctl split list` shows them.");
  else if (confirm_within > CONFIRM_MAX)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "A switch can wait at most a day to be confirmed. Use up to %d seconds.", CONFIRM_MAX);
  else
    return TRUE;
  return FALSE;
}

gboolean
ew_tunnel_set_lockdown (EwTunnel *self, gboolean on, guint confirm_within, gboolean remote, GError **error)
{
  gboolean is_off = ew_host_get_lockdown (self->host) == EW_LOCKDOWN_OFF;
  /* Whatever else is wrong, and also where it's off already: rules may be left. */
  if (!on)
    return set_state (self, EW_LOCKDOWN_OFF, 0, error);
  if (!is_off)
    return TRUE;
  if (!check_lockdown (self, confirm_within, error))
    return FALSE;
  if (remote || confirm_within > 0)
    return set_state (self, EW_LOCKDOWN_TRYING, confirm_within > 0 ? confirm_within : EW_GUARD_SECONDS, error);
  return set_state (self, EW_LOCKDOWN_ON, 0, error);
}

gboolean
ew_tunnel_settle_lockdown (EwTunnel *self, gboolean keep, gboolean *done, GError **error)
{
  if (ew_host_get_lockdown (self->host) != EW_LOCKDOWN_TRYING)
    return FALSE;
  *done = set_state (self, keep ? EW_LOCKDOWN_ON : EW_LOCKDOWN_OFF, 0, error);
  return TRUE;
}
