/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An EwTunnel without a network, for the tests of D-Bus, polkit and the command line. It implements
 * daemon/tunnel/tunnel.h in memory, says every call on stderr ("fake: …"), and lets names choose what happens:
 *
 *   FAKE_TUNNEL=not-enrolled in the environment: starts in no mesh
 *   FAKE_TUNNEL=stuck: connecting never ends
 *   FAKE_TUNNEL=names-later: its names work 300 ms after it has connected; =names-never: they stay unchecked
 *   FAKE_TUNNEL=portal: a captive portal keeps it from connecting
 *   FAKE_TUNNEL=proxy-asks: in no mesh, and its proxy wants a password before it can enroll
 *   FAKE_TUNNEL=edge-away: leaving cannot be told to the edge, which gives no names
 *   FAKE_TUNNEL_WRITE=PATH: tries to write there when it starts, and says whether it could
 *   a target or node "slow": no answer until cancelled ("fake: cancelled")
 *   a target "silent": TimedOut; a name "taken": NameTaken; a name "forbidden": NotAdministrator
 */
#include "tunnel/domains.h"
#include "tunnel/tunnel.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/util.h"

struct _EwTunnel
{
  GObject parent_instance;
  gchar *interface;
  const gchar *state, *mode, *lockdown, *role, *mesh, *kind;
  gchar *node_name, *proxy;
  const gchar *proxy_asks;
  gint64 guard_until, lockdown_until, portal_until, since;
  guint later;
  gboolean lan_names, lan_blocked, names_checked, fixed, portal;
};

G_DEFINE_TYPE (EwTunnel, ew_tunnel, G_TYPE_OBJECT)

static const gchar *const string_properties[]
  = { "state",          "reason", "message",       "mode",          "role",      "mesh",
      "node-name",      "kind",   "edge-name",     "edge-endpoint", "transport", "interface",
      "message-phrase", "names",  "names-message", "names-phrase",  "suffix",    "lockdown",
      "portal-url",     "proxy",  "proxy-asks",    "proxy-wanted" };
enum
{
  PROP_STRING_LAST = G_N_ELEMENTS (string_properties),
  PROP_GUARD_UNTIL,
  PROP_LOCKDOWN_UNTIL,
  PROP_PORTAL_UNTIL,
  PROP_SINCE,
  PROP_ADDRESSES,
  PROP_TRIAL,
  PROP_PROBLEMS,
  PROP_PROBLEM_PHRASES,
};

#define PORTAL "http://login.hotel.example/start?from=fake"
#define PROBLEM "The route 10.7.0.0/24 isn't in use: another program already has that route."

static const gchar *
get_string (EwTunnel *self, guint id)
{
  gboolean enrolled = !g_str_equal (self->state, "not-enrolled"), connected = g_str_equal (self->state, "connected");
  const gchar *values[] = {
    self->state,
    enrolled ? "" : "not-enrolled",
    enrolled ? "" : "This computer isn't in a mesh yet.",
    self->mode,
    self->role,
    self->mesh,
    self->node_name,
    self->kind,
    connected ? "frankfurt" : "",
    connected ? "203.0.113.5:443" : "",
    connected ? "udp" : "",
    self->interface,
    enrolled ? "" : "[\"This computer is in no mesh yet.\"]",
    !connected            ? "not-connected"
    : self->names_checked ? "ok"
                          : "checking",
    connected ? "" : "This computer isn't connected to its mesh, so the mesh's names don't work.",
    "",
    enrolled ? "home.internal" : "",
    self->lockdown,
    self->portal ? PORTAL : "",
    self->proxy,
    self->proxy_asks,
    connected || g_strcmp0 (self->proxy, "auto") != 0 ? "" : "https://203.0.113.5:443",
  };
  return values[id - 1];
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwTunnel *self = EW_TUNNEL (object);
  const gchar *problems[] = { PROBLEM, NULL };
  const gchar *phrases[]
    = { "[\"The route %s isn't in use: %s.\",\"10.7.0.0/24\",\"another program already has that route\"]", NULL };
  const gchar *addresses[] = { "100.96.1.1", "fd12:3456:789a:1::1", NULL };

  if (id <= PROP_STRING_LAST)
    g_value_set_string (value, get_string (self, id));
  else if (id == PROP_GUARD_UNTIL)
    g_value_set_int64 (value, self->guard_until);
  else if (id == PROP_LOCKDOWN_UNTIL)
    g_value_set_int64 (value, self->lockdown_until);
  else if (id == PROP_PORTAL_UNTIL)
    g_value_set_int64 (value, self->portal_until);
  else if (id == PROP_SINCE)
    g_value_set_int64 (value, self->since);
  else if (id == PROP_ADDRESSES)
    g_value_set_boxed (value, g_str_equal (self->state, "not-enrolled") ? NULL : addresses);
  else if (id == PROP_PROBLEMS)
    g_value_set_boxed (value, g_str_equal (self->state, "connected") ? problems : NULL);
  else if (id == PROP_PROBLEM_PHRASES)
    g_value_set_boxed (value, g_str_equal (self->state, "connected") ? phrases : NULL);
  else
    g_value_set_boolean (value, TRUE);
}

static void
finalize (GObject *object)
{
  EwTunnel *self = EW_TUNNEL (object);

  g_clear_handle_id (&self->later, g_source_remove);
  g_free (self->interface);
  g_free (self->node_name);
  g_free (self->proxy);
  G_OBJECT_CLASS (ew_tunnel_parent_class)->finalize (object);
}

static void
ew_tunnel_class_init (EwTunnelClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = get_property;
  object_class->finalize = finalize;
  for (guint i = 0; i < G_N_ELEMENTS (string_properties); i++)
    g_object_class_install_property (object_class, i + 1,
                                     g_param_spec_string (string_properties[i], NULL, NULL, NULL, flags));
  g_object_class_install_property (object_class, PROP_GUARD_UNTIL,
                                   g_param_spec_int64 ("guard-until", NULL, NULL, 0, G_MAXINT64, 0, flags));
  g_object_class_install_property (object_class, PROP_LOCKDOWN_UNTIL,
                                   g_param_spec_int64 ("lockdown-until", NULL, NULL, 0, G_MAXINT64, 0, flags));
  g_object_class_install_property (object_class, PROP_PORTAL_UNTIL,
                                   g_param_spec_int64 ("portal-until", NULL, NULL, 0, G_MAXINT64, 0, flags));
  g_object_class_install_property (object_class, PROP_SINCE,
                                   g_param_spec_int64 ("since", NULL, NULL, 0, G_MAXINT64, 0, flags));
  g_object_class_install_property (object_class, PROP_ADDRESSES,
                                   g_param_spec_boxed ("addresses", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (object_class, PROP_PROBLEMS,
                                   g_param_spec_boxed ("problems", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (object_class, PROP_PROBLEM_PHRASES,
                                   g_param_spec_boxed ("problem-phrases", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (object_class, PROP_TRIAL, g_param_spec_boolean ("trial", NULL, NULL, FALSE, flags));
}

static void
ew_tunnel_init (EwTunnel *self)
{
  self->since = g_get_real_time ();
}

/* The one door. */
static void
enter (EwTunnel *self, const gchar *state)
{
  static const gchar *const follow[] = { "since", "reason", "message", "edge-name", "edge-endpoint", "transport" };

  if (g_str_equal (self->state, state))
    return;
  self->state = state;
  self->since = g_get_real_time ();
  g_object_notify (G_OBJECT (self), "state");
  for (guint i = 0; i < G_N_ELEMENTS (follow); i++)
    g_object_notify (G_OBJECT (self), follow[i]);
}

static gboolean
on_names_checked (gpointer user_data)
{
  EwTunnel *self = user_data;

  self->later = 0;
  self->names_checked = TRUE;
  g_object_notify (G_OBJECT (self), "names");
  return G_SOURCE_REMOVE;
}

static gboolean
on_connected (gpointer user_data)
{
  EwTunnel *self = user_data;
  const gchar *what = g_getenv ("FAKE_TUNNEL");

  self->later = 0;
  self->names_checked = what == NULL || !g_str_has_prefix (what, "names-");
  enter (self, "connected");
  if (g_strcmp0 (what, "names-later") == 0)
    self->later = g_timeout_add (300, on_names_checked, self);
  return G_SOURCE_REMOVE;
}

static gboolean
check_enrolled (EwTunnel *self, GError **error)
{
  if (!g_str_equal (self->state, "not-enrolled"))
    return TRUE;
  g_set_error_literal (error, EW_ERROR, EW_ERROR_NOT_ENROLLED,
                       "This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`.");
  return FALSE;
}

static void
set_enrolled (EwTunnel *self, const gchar *name)
{
  self->role = "admin";
  self->mesh = "home";
  self->kind = "device";
  g_free (self->node_name);
  self->node_name = g_strdup (name);
}

EwTunnel *
ew_tunnel_new (const gchar *state_dir, const gchar *interface, GError **error)
{
  EwTunnel *self = g_object_new (EW_TYPE_TUNNEL, NULL);

  self->interface = g_strdup (interface);
  self->mode = "connector";
  self->lockdown = "off";
  self->proxy = g_strdup ("auto");
  self->proxy_asks = g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "proxy-asks") == 0 ? "proxy.office:3128" : "";
  if (g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "not-enrolled") == 0 || *self->proxy_asks)
    {
      self->state = "not-enrolled";
      self->role = self->mesh = self->kind = "";
      self->node_name = g_strdup ("");
    }
  else
    {
      self->portal = g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "portal") == 0;
      self->state = self->portal ? "connecting" : "disconnected";
      set_enrolled (self, "laptop");
    }
  return self;
}

void
ew_tunnel_start (EwTunnel *self)
{
  const gchar *outside = g_getenv ("FAKE_TUNNEL_WRITE");

  if (outside != NULL)
    g_message ("fake: writing outside %s", g_file_set_contents (outside, "", 0, NULL) ? "works" : "is refused");
  g_message ("fake: start");
}

void
ew_tunnel_stop (EwTunnel *self)
{
  g_message ("fake: stop");
}

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
      set_enrolled (self, name != NULL ? name : "host");
      enter (self, "connecting");
      self->later = g_timeout_add (50, on_connected, self);
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
  if (!check_enrolled (self, &error))
    g_task_return_error (task, error);
  else
    {
      g_clear_handle_id (&self->later, g_source_remove);
      enter (self, "not-enrolled");
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
  if (!check_enrolled (self, error))
    return FALSE;
  if (g_str_equal (self->state, "connected") || self->later != 0)
    return TRUE;
  enter (self, "connecting");
  if (g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "stuck") != 0)
    self->later = g_timeout_add (50, on_connected, self);
  return TRUE;
}

gboolean
ew_tunnel_disconnect (EwTunnel *self, GError **error)
{
  g_message ("fake: disconnect");
  if (!check_enrolled (self, error))
    return FALSE;
  g_clear_handle_id (&self->later, g_source_remove);
  enter (self, "disconnected");
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
  if (!check_enrolled (self, &error))
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
  return check_enrolled (self, error);
}

gboolean
ew_tunnel_set_lockdown (EwTunnel *self, gboolean on, guint confirm_within, gboolean remote, GError **error)
{
  gboolean tries = on && (remote || confirm_within != 0);

  g_message ("fake: lockdown %s within %u %s", on ? "on" : "off", confirm_within, remote ? "remote" : "local");
  if (on && !check_enrolled (self, error))
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
  return check_enrolled (self, error);
}

gboolean
ew_tunnel_set_lan (EwTunnel *self, gboolean allow, GError **error)
{
  g_message ("fake: lan %s", allow ? "allow" : "block");
  self->lan_blocked = !allow;
  return check_enrolled (self, error);
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

gchar *
ew_tunnel_get_status (EwTunnel *self)
{
  g_autofree gchar *trial = self->lockdown_until != 0 ? ew_time_format (self->lockdown_until) : NULL;
  g_autofree gchar *portal = self->portal_until != 0 ? ew_time_format (self->portal_until) : NULL;
  g_autofree gchar *guard = self->guard_until != 0 ? ew_time_format (self->guard_until) : NULL;
  g_autofree gchar *since = ew_time_format (self->since);
  gboolean enrolled = !g_str_equal (self->state, "not-enrolled");

  return g_strdup_printf (
    "{\"schema\":1,\"state\":\"%s\",\"reason\":\"%s\",\"message\":\"%s\",\"mode\":\"%s\",\"lockdown\":\"%s\","
    "\"lockdown_until\":%s%s%s,\"lan\":\"%s\",\"split\":{\"excluded\":[\"203.0.113.0/24\"],\"included\":[]},"
    "\"proxy\":{\"choice\":\"%s\",\"in_use\":%s,\"asks_password\":%s},"
    "\"guard_until\":%s%s%s,"
    "\"mesh\":\"%s\",\"name\":\"%s\",\"kind\":\"%s\",\"role\":\"%s\",\"addresses\":%s,\"edge\":%s,\"since\":\"%s\","
    "\"portal_url\":%s,\"portal_until\":%s%s%s,"
    "\"rx_bytes\":1234567,\"tx_bytes\":2048,\"interface\":\"%s\",\"problems\":[%s%s],\"trial\":true,\"names\":\"%s\","
    "\"names_message\":\"%s\",\"suffix\":\"%s\"}",
    self->state, get_string (self, 2), get_string (self, 3), self->mode, self->lockdown, trial ? "\"" : "",
    trial ? trial : "null", trial ? "\"" : "", self->lan_blocked ? "block" : "allow", self->proxy,
    g_str_has_prefix (self->proxy, "http") || *self->proxy_asks ? "\"proxy.office:3128\"" : "null",
    *self->proxy_asks ? "true" : "false", guard ? "\"" : "", guard ? guard : "null", guard ? "\"" : "", self->mesh,
    self->node_name, self->kind, self->role, enrolled ? "[\"100.96.1.1\",\"fd12:3456:789a:1::1\"]" : "[]",
    g_str_equal (self->state, "connected")
      ? "{\"name\":\"frankfurt\",\"endpoint\":\"203.0.113.5:443\",\"transport\":\"udp\",\"rtt_ms\":8.25}"
      : "null",
    since, self->portal ? "\"" PORTAL "\"" : "null", portal ? "\"" : "", portal ? portal : "null", portal ? "\"" : "",
    self->interface,
    g_str_equal (self->state, "connected") ? "{\"kind\":\"route\",\"subject\":\"10.7.0.0/24\",\"message\":\"" PROBLEM
                                             "\",\"fix\":\"Remove it.\"}"
                                           : "",
    self->lan_names && g_str_equal (self->state, "connected") && g_str_equal (self->mode, "vpn")
      ? ",{\"kind\":\"names\",\"subject\":null,\"message\":\"Only systemd-resolved can tell.\",\"fix\":\"Use it.\"}"
      : "",
    get_string (self, 14), get_string (self, 15),
    /* An edge that names its computers below a domain of the internet: for a node that asks for it. */
    g_strcmp0 (self->node_name, "far") == 0 ? "mesh.example.com" : get_string (self, 17));
}

#define NODE_LAPTOP(self)                                                                                              \
  "{\"id\":\"n1\",\"name\":\"laptop\",\"kind\":\"device\",\"state\":\"online\",\"online\":true,\"addresses\":"         \
  "[\"100.96.1.1\",\"fd12:3456:789a:1::1\"],\"edge\":\"e1\",\"rtt_ms\":8.25,\"last_seen\":\"2026-01-01T00:00:00Z\","   \
  "\"rx_bytes\":1234567,\"tx_bytes\":2048,\"routes\":[],\"os\":\"Debian 12\",\"version\":\"0.1.0\",\"self\":" self "}"
#define NODE_OFFICE                                                                                                    \
  "{\"id\":\"n2\",\"name\":\"office-gw\",\"kind\":\"server\",\"state\":\"online\",\"online\":true,\"addresses\":"      \
  "[\"100.96.1.2\",\"fd12:3456:789a:1::2\"],\"edge\":\"e1\",\"rtt_ms\":12.5,\"last_seen\":\"2026-01-01T00:00:00Z\","   \
  "\"rx_bytes\":52428800,\"tx_bytes\":1048576,\"names\":[\"media\"],\"routes\":[\"10.7.0.0/24\"],\"os\":\"Debian "     \
  "12\",\"version\":\"0.1.0\","                                                                                        \
  "\"self\":false}"
#define NODE_PHONE                                                                                                     \
  "{\"id\":\"n3\",\"name\":\"phone\",\"kind\":\"device\",\"state\":\"not-joined\",\"online\":false,\"addresses\":"     \
  "[\"100.96.1.3\"],\"edge\":null,\"rtt_ms\":null,\"last_seen\":null,\"rx_bytes\":0,\"tx_bytes\":0,\"routes\":[],"     \
  "\"os\":null,\"version\":null,\"self\":false}"

gint
ew_tunnel_open_topology (EwTunnel *self, guint32 uid, GError **error)
{
  const gchar *line
    = "{\"type\":\"snapshot\",\"revision\":7,\"more\":false,\"map\":{\"mesh\":\"home\",\"trial\":true,\"edges\":[{"
      "\"id\":\"e1\","
      "\"name\":\"frankfurt\",\"endpoint\":\"203.0.113.5:443\",\"online\":true}],\"nodes\":[" NODE_LAPTOP (
        "true") "," NODE_OFFICE "," NODE_PHONE "]}}\n";
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
  if (!check_enrolled (self, error))
    return NULL;
  self->fixed = TRUE;
  return g_strdupv (dns);
}

GStrv
ew_tunnel_revert_fixes (EwTunnel *self, const gchar *check, GError **error)
{
  gchar *dns[] = { self->fixed ? (gchar *)"dns" : NULL, NULL };

  g_message ("fake: revert fixes %s", check);
  if (!check_enrolled (self, error))
    return NULL;
  self->fixed = FALSE;
  return g_strdupv (dns);
}

#define SERVICE_HA                                                                                                     \
  "{\"schema\":1,\"id\":\"s1\",\"name\":\"ha\",\"fqdn\":\"ha.home.internal\",\"addresses\":[\"100.111.0.1\",\"fd12:"   \
  "3456:"                                                                                                              \
  "789a:ffff::1\"],\"outside\":false,\"ports\":[{\"protocol\":\"tcp\",\"from\":80,\"to\":80,\"target\":80,\"text\":"   \
  "\"80\"}],"                                                                                                          \
  "\"targets\":[{\"node\":\"office-gw\",\"node_id\":\"n2\",\"host\":null,\"port\":8123,\"label\":\"office-gw:8123\","  \
  "\"state\":\"answers\",\"since\":null,\"offered\":true}],\"spread\":\"first\",\"source\":\"caller\",\"check\":"      \
  "\"auto\"}"
#define SERVICE_WEB                                                                                                    \
  "{\"schema\":1,\"id\":\"s2\",\"name\":\"web\",\"fqdn\":\"web.home.internal\",\"addresses\":[\"10.128.0.5\"],"        \
  "\"outside\":"                                                                                                       \
  "true,\"ports\":[{\"protocol\":\"tcp\",\"from\":80,\"to\":80,\"target\":80,\"text\":\"80\"}],\"targets\":[{"         \
  "\"node\":"                                                                                                          \
  "\"laptop\",\"node_id\":\"n1\",\"host\":null,\"port\":80,\"label\":\"laptop:80\",\"state\":\"refuses\",\"since\":"   \
  "null,"                                                                                                              \
  "\"offered\":false},{\"node\":\"office-gw\",\"node_id\":\"n2\",\"host\":\"10.7.0.9\",\"port\":80,\"label\":"         \
  "\"office-gw/10.7.0.9:80\",\"state\":\"offline\",\"since\":\"2026-01-01T00:00:00Z\",\"offered\":false}],\"spread\":" \
  "\"spread\",\"source\":\"edge\",\"check\":\"always\"}"

/* FAKE_TUNNEL_PAGES: a mesh of so many pages of nodes, two on each; the IDs of a page hold its number. */
static JsonObject *
respond_page (const gchar *path, guint pages)
{
  const gchar *after = strstr (path, "?after=n");
  guint page = after != NULL ? (guint)g_ascii_strtoull (after + strlen ("?after=n"), NULL, 10) + 1 : 0;
  g_autofree gchar *text
    = g_strdup_printf ("{\"schema\":1,\"nodes\":[{\"id\":\"n%u-a\",\"name\":\"first-%u\"},{\"id\":\"n%u-b\",\"name\":"
                       "\"second-%u\"}],\"more\":%s}",
                       page, page, page, page, page + 1 < pages ? "true" : "false");

  return ew_json_parse_object (text, (gssize)strlen (text), 65536, NULL);
}

static JsonObject *
respond (const gchar *method, const gchar *path, JsonObject *body, GError **error)
{
  const gchar *name = body != NULL ? ew_json_string (body, "name") : NULL, *text = "{\"schema\":1}";

  if (g_strcmp0 (name, "taken") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                                "The name \"taken\" is already taken in this mesh. Choose another, or rename or remove "
                                "the node that has it."),
           NULL;
  if (g_strcmp0 (name, "forbidden") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_NOT_ADMINISTRATOR,
                                "Only an administrator of the mesh may do that; this node is a member. `edgewayctl "
                                "node list` shows who is an administrator."),
           NULL;
  if (g_str_has_suffix (path, "/nobody"))
    return g_set_error_literal (
             error, EW_ERROR, EW_ERROR_NOT_FOUND,
             "There is no node \"nobody\" in this mesh. List its nodes with `edgewayctl node list`."),
           NULL;
  if (g_str_equal (path, "/v1/names") && g_strcmp0 (g_getenv ("FAKE_TUNNEL"), "edge-away") == 0)
    return g_set_error_literal (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE, "The edge can't be reached."), NULL;
  if (g_getenv ("FAKE_TUNNEL_PAGES") != NULL && g_str_has_prefix (path, "/v1/nodes") && g_str_equal (method, "GET"))
    return respond_page (path, (guint)g_ascii_strtoull (g_getenv ("FAKE_TUNNEL_PAGES"), NULL, 10));
  if (g_str_equal (path, "/v1/nodes") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"nodes\":[" NODE_LAPTOP ("true") "," NODE_OFFICE "," NODE_PHONE "]}";
  else if (g_str_equal (path, "/v1/nodes"))
    text = "{\"schema\":1,\"node\":" NODE_PHONE
           ",\"config\":{\"addresses\":[\"100.96.1.3\",\"fd12:3456:789a:1::3\"],\"dns\":[\"100.96.0.1\",\"fd12:3456:"
           "789a::1\"],\"search\":[\"home.internal\"],"
           "\"mtu\":1420,\"peer\":{\"public_key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"endpoint\":"
           "\"203.0.113.5:443\",\"ranges\":[\"100.96.0.0/12\",\"fd12:3456:789a::/48\"],\"routes\":[\"10.7.0.0/24\"],"
           "\"persistent_keepalive\":25}}}";
  else if (g_str_equal (path, "/v1/keys") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"keys\":[{\"id\":\"1a2b3c4d5e6f\",\"label\":null,\"kind\":\"admin\",\"renews\":false,"
           "\"maker\":\"owner\",\"maker_name\":null,\"created\":\"2026-01-01T00:00:00Z\",\"expires\":"
           "\"2099-01-01T00:00:00Z\"},{\"id\":\"abcdef012345\",\"label\":\"nas\",\"kind\":\"server\",\"renews\":true,"
           "\"maker\":\"n1\",\"maker_name\":\"laptop\",\"created\":\"2026-01-01T00:00:00Z\",\"expires\":"
           "\"2099-01-01T00:00:00Z\"},{\"id\":\"00000000aaaa\",\"label\":null,\"kind\":\"device\",\"maker\":null}]}";
  else if (g_str_equal (path, "/v1/keys"))
    text = "{\"schema\":1,\"key\":\"ew1_FAKEKEYFORTESTS\",\"name\":\"phone\",\"expires\":\"2026-01-01T01:00:00Z\"}";
  else if (g_str_equal (path, "/v1/names") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"suffix\":\"home.internal\",\"edges\":[{\"name\":\"edge\",\"addresses\":[\"100.96.0.1\"]},"
           "{\"name\":\"frankfurt\",\"addresses\":[\"100.96.0.1\"]}],\"names\":[{\"name\":\"files\",\"node\":"
           "\"office-gw\",\"node_id\":\"n2\"}],\"domains\":[{\"domain\":\"corp.example\",\"resolver\":\"10.7.0.53\","
           "\"node\":\"office-gw\",\"node_id\":\"n2\",\"online\":true}]}";
  else if (g_str_equal (path, "/v1/services") && g_str_equal (method, "GET"))
    text = "{\"schema\":1,\"suffix\":\"home.internal\",\"services\":[" SERVICE_WEB "," SERVICE_HA "],\"more\":false}";
  else if (g_str_has_suffix (path, "/v1/services/nothing"))
    return g_set_error_literal (
             error, EW_ERROR, EW_ERROR_NOT_FOUND,
             "There is no service \"nothing\" in this mesh. List its services with `edgewayctl service list`."),
           NULL;
  else if (g_str_has_prefix (path, "/v1/services") && !g_str_equal (method, "DELETE"))
    text = g_str_has_suffix (path, "/web") ? SERVICE_WEB : SERVICE_HA;
  else if (g_str_equal (method, "GET"))
    text = NODE_LAPTOP ("true");
  return ew_json_parse_object (text, (gssize)strlen (text), 65536, error);
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
  reply = check_enrolled (self, &error) ? respond (method, path, body, &error) : NULL;
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
