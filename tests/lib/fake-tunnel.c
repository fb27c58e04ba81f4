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
#include "fake-tunnel.h"

#include "common/error.h"
#include "common/util.h"

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

void
fake_enter (EwTunnel *self, const gchar *state)
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

gboolean
fake_on_connected (gpointer user_data)
{
  EwTunnel *self = user_data;
  const gchar *what = g_getenv ("FAKE_TUNNEL");

  self->later = 0;
  self->names_checked = what == NULL || !g_str_has_prefix (what, "names-");
  fake_enter (self, "connected");
  if (g_strcmp0 (what, "names-later") == 0)
    self->later = g_timeout_add (300, on_names_checked, self);
  return G_SOURCE_REMOVE;
}

gboolean
fake_check_enrolled (EwTunnel *self, GError **error)
{
  if (!g_str_equal (self->state, "not-enrolled"))
    return TRUE;
  g_set_error_literal (error, EW_ERROR, EW_ERROR_NOT_ENROLLED,
                       "This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`.");
  return FALSE;
}

void
fake_set_enrolled (EwTunnel *self, const gchar *name)
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
      fake_set_enrolled (self, "laptop");
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
