/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can be asked of the tunnel without a network.
 */
#include "tunnel/domains.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/util.h"
#include "fake-answers.h"
#include "fake-tunnel.h"

/* "slow": the task waits for its cancellable. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_message ("fake: cancelled");
  g_task_return_new_error (user_data, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  g_object_unref (user_data);
}

static gboolean
is_slow (GTask *task, const gchar *name)
{
  if (g_strcmp0 (name, "slow") != 0)
    return FALSE;
  g_task_set_check_cancellable (task, FALSE);
  g_signal_connect (g_task_get_cancellable (task), "cancelled", G_CALLBACK (on_cancelled), task);
  return TRUE;
}

void
ew_tunnel_enroll_async (EwTunnel *self, const gchar *key, const gchar *name, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;
  g_autoptr (EwEnrollmentKey) parsed = ew_enrollment_key_parse (key, &error);

  g_message ("fake: enroll as %s", name != NULL ? name : "(host)");
  if (is_slow (task, name))
    return;
  if (parsed == NULL)
    g_task_return_error (task, error);
  else if (*self->proxy_asks)
    g_task_return_new_error (task, EW_ERROR, EW_ERROR_PROXY_PASSWORD,
                             "The proxy proxy.office:3128 asks for a user name and a password.");
  else if (!g_str_equal (self->state, "not-enrolled"))
    g_task_return_new_error (task, EW_ERROR, EW_ERROR_ALREADY_ENROLLED,
                             "This computer is already in the mesh \"home\". Leave it first: `sudo edgewayctl leave`.");
  else if (g_strcmp0 (name, "taken") == 0)
    g_task_return_new_error (
      task, EW_ERROR, EW_ERROR_NAME_TAKEN,
      "The name \"taken\" is already taken in this mesh. Choose another, or rename or remove the node that has it.");
  else
    {
      fake_set_enrolled (self, name != NULL ? name : "host");
      fake_enter (self, "connecting");
      self->later = g_timeout_add (50, fake_on_connected, self);
      g_task_return_boolean (task, TRUE);
    }
  g_object_unref (task);
}

gboolean
ew_tunnel_enroll_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
ew_tunnel_leave_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_message ("fake: leave");
  if (!fake_check_enrolled (self, &error))
    g_task_return_error (task, error);
  else
    {
      g_clear_handle_id (&self->later, g_source_remove);
      fake_enter (self, "not-enrolled");
      g_task_return_boolean (task, TRUE);
    }
}

gboolean
ew_tunnel_leave_finish (EwTunnel *self, GAsyncResult *result, gboolean *edge_told, GError **error)
{
  gboolean left = g_task_propagate_boolean (G_TASK (result), error);

  *edge_told = left && g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "edge-away") != 0;
  return left;
}

gboolean
ew_tunnel_connect (EwTunnel *self, GError **error)
{
  g_message ("fake: connect");
  if (!fake_check_enrolled (self, error))
    return FALSE;
  if (g_str_equal (self->state, "connected") || self->later != 0)
    return TRUE;
  fake_enter (self, "connecting");
  if (g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "stuck") != 0)
    self->later = g_timeout_add (50, fake_on_connected, self);
  return TRUE;
}

gboolean
ew_tunnel_disconnect (EwTunnel *self, GError **error)
{
  g_message ("fake: disconnect");
  if (!fake_check_enrolled (self, error))
    return FALSE;
  g_clear_handle_id (&self->later, g_source_remove);
  fake_enter (self, "disconnected");
  return TRUE;
}

static void
set_guard (EwTunnel *self, const gchar *mode, gint64 until)
{
  self->mode = mode;
  self->guard_until = until;
  g_object_notify (G_OBJECT (self), "mode");
  g_object_notify (G_OBJECT (self), "guard-until");
}

void
ew_tunnel_set_mode_async (EwTunnel *self, const gchar *mode, guint confirm_within, gboolean remote,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  gboolean vpn = g_str_equal (mode, "vpn");
  GError *error = NULL;

  g_message ("fake: mode %s within %u %s", mode, confirm_within, remote ? "remote" : "local");
  if (!fake_check_enrolled (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  set_guard (self, vpn ? "vpn" : "connector",
             vpn && (remote || confirm_within != 0)
               ? g_get_real_time () + (confirm_within != 0 ? confirm_within : 60) * G_TIME_SPAN_SECOND
               : 0);
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
  g_printerr ("fake: lan-names %s\n", lan_names ? "yes" : "no");
  self->lan_names = lan_names;
  return fake_check_enrolled (self, error);
}

gboolean
ew_tunnel_set_lockdown (EwTunnel *self, gboolean on, guint confirm_within, gboolean remote, GError **error)
{
  gboolean tries = on && (remote || confirm_within != 0);

  g_message ("fake: lockdown %s within %u %s", on ? "on" : "off", confirm_within, remote ? "remote" : "local");
  if (on && !fake_check_enrolled (self, error))
    return FALSE;
  self->lockdown = tries ? "trying" : on ? "on" : "off";
  g_object_notify (G_OBJECT (self), "lockdown");
  self->lockdown_until
    = tries ? g_get_real_time () + (confirm_within != 0 ? confirm_within : 60) * G_TIME_SPAN_SECOND : 0;
  g_object_notify (G_OBJECT (self), "lockdown-until");
  return TRUE;
}

gboolean
ew_tunnel_set_proxy (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password, GError **error)
{
  g_message ("fake: proxy %s, user \"%s\", a password of %zu bytes", proxy, user, strlen (password));
  g_free (self->proxy);
  self->proxy = g_strdup (proxy);
  self->proxy_asks = "";
  g_object_notify (G_OBJECT (self), "proxy");
  g_object_notify (G_OBJECT (self), "proxy-asks");
  return TRUE;
}

gboolean
ew_tunnel_set_proxy_password (EwTunnel *self, const gchar *proxy, const gchar *user, const gchar *password,
                              GError **error)
{
  g_message ("fake: password for proxy \"%s\", user \"%s\", %zu bytes", proxy, user, strlen (password));
  self->proxy_asks = "";
  g_object_notify (G_OBJECT (self), "proxy-asks");
  return TRUE;
}

void
ew_tunnel_answer_proxy (EwTunnel *self, const gchar *const *proxies)
{
  g_message ("fake: session's proxy %s", proxies[0] ? proxies[0] : "none");
}

gboolean
ew_tunnel_change_split (EwTunnel *self, const gchar *action, const gchar *cidr, GError **error)
{
  g_message ("fake: split %s %s", action, cidr);
  return fake_check_enrolled (self, error);
}

gboolean
ew_tunnel_set_lan (EwTunnel *self, gboolean allow, GError **error)
{
  g_message ("fake: lan %s", allow ? "allow" : "block");
  self->lan_blocked = !allow;
  return fake_check_enrolled (self, error);
}

void
ew_tunnel_open_portal_async (EwTunnel *self, guint32 uid, guint seconds, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_message ("fake: portal open for %u seconds %u", uid, seconds);
  if (!self->portal)
    {
      g_task_return_new_error (task, EW_ERROR, EW_ERROR_NOT_FOUND, "This network has no login page.");
      return;
    }
  self->portal_until = g_get_real_time () + seconds * G_TIME_SPAN_SECOND;
  g_object_notify (G_OBJECT (self), "portal-until");
  g_task_return_pointer (task, g_strdup (PORTAL), g_free);
}

gchar *
ew_tunnel_open_portal_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_tunnel_close_portal (EwTunnel *self)
{
  g_message ("fake: portal close");
  self->portal_until = 0;
  g_object_notify (G_OBJECT (self), "portal-until");
}

gboolean
ew_tunnel_confirm_mode (EwTunnel *self, GError **error)
{
  g_message ("fake: confirm");
  if (g_str_equal (self->lockdown, "trying"))
    {
      self->lockdown = "on";
      self->lockdown_until = 0;
    }
  set_guard (self, self->mode, 0);
  return TRUE;
}

gboolean
ew_tunnel_undo_mode (EwTunnel *self, GError **error)
{
  g_message ("fake: undo");
  set_guard (self, "connector", 0);
  return TRUE;
}

gint
ew_tunnel_open_topology (EwTunnel *self, guint32 uid, GError **error)
{
  const gchar *line = fake_answer_snapshot ();
  gint fds[2];

  g_message ("fake: topology");
  if (!g_str_equal (self->state, "connected"))
    {
      g_set_error_literal (
        error, EW_ERROR, EW_ERROR_NOT_CONNECTED,
        "The map comes from the edge, and this computer isn't connected. Connect first: `edgewayctl connect`.");
      return -1;
    }
  if (!g_unix_open_pipe (fds, FD_CLOEXEC, error))
    return -1;
  if (write (fds[1], line, strlen (line)) < 0)
    g_warning ("the pipe is full");
  close (fds[1]);
  return fds[0];
}

void
ew_tunnel_ping_async (EwTunnel *self, const gchar *target, guint timeout_ms, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_message ("fake: ping %s", target);
  if (is_slow (task, target))
    return;
  if (g_str_equal (target, "silent"))
    g_task_return_new_error (
      task, EW_ERROR, EW_ERROR_TIMED_OUT,
      "The edge answered, but \"silent\" didn't: the leg between them fails, or its firewall drops pings.");
  else if (g_str_equal (target, "nobody"))
    g_task_return_new_error (task, EW_ERROR, EW_ERROR_NOT_FOUND,
                             "There is no node \"nobody\" in this mesh. List its nodes with `edgewayctl node list`.");
  else
    g_task_return_pointer (
      task,
      g_strdup_printf ("{\"target\":\"%s\",\"address\":\"100.96.1.2\",\"name\":\"office-gw\",\"edge\":"
                       "\"frankfurt\",\"near_ms\":8.25,\"far_ms\":12.5,\"total_ms\":%s}",
                       target, g_str_equal (target, "even") ? "20.75" : "21.0"),
      g_free);
  g_object_unref (task);
}

gchar *
ew_tunnel_ping_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_tunnel_diagnose_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_message ("fake: diagnose");
  g_task_return_pointer (
    task,
    g_strdup (
      "{\"schema\":1,\"checks\":[{\"check\":\"edge\",\"ok\":true,\"message\":\"the edge "
      "answers\",\"fix\":null},{\"check\":\"dns\",\"ok\":false,\"message\":\"names stay with the "
      "local resolver\",\"fix\":\"use addresses\",\"fixable\":true},{\"check\":\"mtu\",\"ok\":null,\"message\":"
      "\"not measured\",\"fix\":null},{\"check\":\"leak\",\"ok\":null,\"warning\":true,\"message\":\"asked of the "
      "LAN\",\"fix\":\"use another\"}]}"),
    g_free);
}

gchar *
ew_tunnel_diagnose_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* The check "dns" is fixed by the first call, and that is undone by one of the other. */
GStrv
ew_tunnel_fix (EwTunnel *self, const gchar *check, GError **error)
{
  gchar *dns[] = { (gchar *)"dns", NULL };

  g_message ("fake: fix %s", check);
  if (!fake_check_enrolled (self, error))
    return NULL;
  self->fixed = TRUE;
  return g_strdupv (dns);
}

GStrv
ew_tunnel_revert_fixes (EwTunnel *self, const gchar *check, GError **error)
{
  gchar *dns[] = { self->fixed ? (gchar *)"dns" : NULL, NULL };

  g_message ("fake: revert fixes %s", check);
  if (!fake_check_enrolled (self, error))
    return NULL;
  self->fixed = FALSE;
  return g_strdupv (dns);
}

void
ew_tunnel_request_async (EwTunnel *self, const gchar *method, const gchar *path, JsonObject *body,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autofree gchar *text = body != NULL ? ew_json_to_string (body, FALSE) : g_strdup ("");
  JsonObject *reply;
  GError *error = NULL;

  g_message ("fake: request %s %s %s", method, path, text);
  if (g_str_has_suffix (path, "/slow") && is_slow (task, "slow"))
    return;
  reply = fake_check_enrolled (self, &error) ? fake_answer_request (method, path, body, &error) : NULL;
  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify)json_object_unref);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

JsonObject *
ew_tunnel_request_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ew_tunnel_describe_domains (EwTunnel *self, JsonArray *domains)
{
  for (guint i = 0; i < json_array_get_length (domains); i++)
    json_object_set_string_member (json_array_get_object_element (domains, i), "state", "offered");
}

gboolean
ew_tunnel_accept_domain (EwTunnel *self, const gchar *domain, gboolean accept, GError **error)
{
  g_message ("fake: %s %s", accept ? "accept" : "refuse", domain);
  if (!accept || !g_str_equal (domain, "com"))
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
               "This computer never asks the edge for names below %s: anyone can register names below it.", domain);
  return FALSE;
}

void
ew_tunnel_list_routes_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_message ("fake: routes");
  g_task_return_pointer (
    task,
    g_strdup ("{\"schema\":1,\"routes\":[{\"cidr\":\"10.7.0.0/24\",\"node\":\"office-gw\",\"state\":"
              "\"offered\",\"reason\":null},{\"cidr\":\"127.0.0.0/8\",\"node\":\"office-gw\",\"state\":"
              "\"blocked\",\"reason\":\"loopback\"},{\"cidr\":\"10.66.0.0/24\",\"node\":null,\"state\":"
              "\"accepted-not-offered\",\"reason\":null}]}"),
    g_free);
}

gchar *
ew_tunnel_list_routes_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
ew_tunnel_accept_route (EwTunnel *self, const gchar *cidr, gboolean accept, GError **error)
{
  g_message ("fake: %s %s", accept ? "accept" : "refuse", cidr);
  if (!accept || !g_str_has_prefix (cidr, "127."))
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_ROUTE_REFUSED,
               "This computer never uses the route %s: it covers this computer's own loopback addresses.", cidr);
  return FALSE;
}
