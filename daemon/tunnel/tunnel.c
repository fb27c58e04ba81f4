/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tunnel's timers, all of them, and why:
 *
 *   alarm         what liveness asks for next (liveness.h): 25 s between probes when quiet, 3 s when busy, 1 s without
 *                 an answer
 *   guard_alarm   when an unconfirmed VPN mode is undone (guard.h); lockdown_alarm: the same of lockdown
 *   retry         30 s: what kept the tunnel from going up may have been fixed
 *   fetch_alarm   the node document once more, at least 1 s (10 s where the last fetch brought nothing) after the one
 *                 before
 *   store_alarm   the node document onto the disk, a minute after the last time
 *   https_alarm   a stream is begun: 3 s after a handshake without an answer, at once where this network needed one
 *   better_alarm  1 s at most: another address of the edge is measured (better.h)
 *   udp_alarm     15 s, over https: is UDP let through by now?
 *   portal_alarm  a captive portal is looked for, or looked at again: every 2 s while a person has its page open, then
 *                 5 s and 30 s
 *   ping, far     a person's ping gives up; the topology it looked at is closed 5 s later
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include <string.h>

#define RETRY_AFTER (30 * G_USEC_PER_SEC)
#define LEAVE_SECONDS 10

G_DEFINE_FINAL_TYPE (EwTunnel, ew_tunnel, G_TYPE_OBJECT)

static const gchar *const state_names[] = { "not-enrolled", "disconnected",      "connecting", "connected",
                                            "reconnecting", "awaiting-approval", "removed",    "error" };
static GParamSpec *properties[N_PROPS];

/* Properties. */

static const gchar *
text (const gchar *value)
{
  return value ? value : "";
}

static GVariant *
show_addresses (EwTunnel *self)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; self->document && i < self->document->addresses->len; i++)
    {
      char address[EW_IP_STRLEN];
      ew_ip_format (&g_array_index (self->document->addresses, EwIp, i), address);
      g_variant_builder_add (&builder, "s", address);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
show_endpoint (EwTunnel *self)
{
  char endpoint[EW_ENDPOINT_STRLEN] = "";
  if (self->engine && self->over_https)
    ew_endpoint_format (&self->stream, endpoint);
  else if (self->engine && self->candidate < self->candidates->len)
    ew_endpoint_format (&g_array_index (self->candidates, EwCandidate, self->candidate).endpoint, endpoint);
  return g_variant_new_string (endpoint);
}

static GVariant *
show_phrase (const gchar *sentence)
{
  return g_variant_new_take_string (ew_phrase_to_json (sentence));
}

static GVariant *
show (EwTunnel *self, guint property)
{
  const EwDocument *document = self->document;
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  switch (property)
    {
    case PROP_STATE:
      return g_variant_new_string (state_names[self->state]);
    case PROP_REASON:
      return g_variant_new_string (text (self->reason));
    case PROP_MESSAGE:
      return g_variant_new_string (text (self->message));
    case PROP_MESSAGE_PHRASE:
      return g_variant_new_string (text (self->message_phrase));
    case PROP_MODE:
      return g_variant_new_string (self->guard.vpn ? "vpn" : "connector");
    case PROP_GUARD_UNTIL:
      return g_variant_new_int64 (self->guard_until);
    case PROP_LOCKDOWN:
      return g_variant_new_string (ew_tunnel_get_lockdown (self));
    case PROP_LOCKDOWN_UNTIL:
      return g_variant_new_int64 (self->lockdown_until);
    case PROP_ROLE:
      return g_variant_new_string (document ? document->role : "");
    case PROP_MESH:
      return g_variant_new_string (document ? document->mesh : "");
    case PROP_SUFFIX:
      return g_variant_new_string (document ? document->suffix : "");
    case PROP_NODE_NAME:
      return g_variant_new_string (document ? document->name : "");
    case PROP_KIND:
      return g_variant_new_string (document ? document->kind : "");
    case PROP_ADDRESSES:
      return show_addresses (self);
    case PROP_EDGE_NAME:
      return g_variant_new_string (edge ? edge->name : "");
    case PROP_EDGE_ENDPOINT:
      return show_endpoint (self);
    case PROP_TRANSPORT:
      return g_variant_new_string (!self->engine || !self->proved ? "" : self->over_https ? "https" : "udp");
    case PROP_SINCE:
      return g_variant_new_int64 (self->since);
    case PROP_INTERFACE:
      return g_variant_new_string (self->interface);
    case PROP_PROBLEMS:
      return ew_tunnel_show_problems (self);
    case PROP_PROBLEM_PHRASES:
      return ew_tunnel_show_problem_phrases (self);
    case PROP_NAMES:
      return g_variant_new_string (ew_tunnel_get_names (self));
    case PROP_NAMES_MESSAGE:
      return g_variant_new_string (ew_tunnel_get_names_message (self));
    case PROP_NAMES_PHRASE:
      return show_phrase (ew_tunnel_get_names_message (self));
    case PROP_PORTAL_URL:
      return g_variant_new_string (ew_tunnel_portal_get_url (self));
    case PROP_PORTAL_UNTIL:
      return g_variant_new_int64 (ew_tunnel_portal_get_until (self));
    case PROP_PROXY:
      return g_variant_new_string (text (self->proxy));
    case PROP_PROXY_ASKS:
      return g_variant_new_string (text (self->proxy_asks));
    case PROP_PROXY_WANTED:
      return g_variant_new_string (ew_tunnel_get_proxy_wanted (self));
    case PROP_TRIAL:
    default:
      return g_variant_new_boolean (document && document->trial);
    }
}

void
ew_tunnel_show (EwTunnel *self)
{
  g_clear_pointer (&self->status, g_free);
  g_object_freeze_notify (G_OBJECT (self));
  for (guint i = PROP_0 + 1; i < N_PROPS; i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (show (self, i));
      if (self->shown[i] && g_variant_equal (self->shown[i], value))
        continue;
      g_clear_pointer (&self->shown[i], g_variant_unref);
      self->shown[i] = g_steal_pointer (&value);
      g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

static void
ew_tunnel_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwTunnel *self = EW_TUNNEL (object);
  if (G_IS_PARAM_SPEC_BOXED (pspec))
    g_value_take_boxed (value, g_variant_dup_strv (self->shown[id], NULL));
  else if (G_IS_PARAM_SPEC_INT64 (pspec))
    g_value_set_int64 (value, g_variant_get_int64 (self->shown[id]));
  else if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, g_variant_get_boolean (self->shown[id]));
  else
    g_value_set_string (value, g_variant_get_string (self->shown[id], NULL));
}

const gchar *
ew_tunnel_name_state (EwTunnelState state)
{
  return state_names[state];
}

/* The door. */

void
ew_tunnel_set_state (EwTunnel *self, EwTunnelState state, const gchar *reason, const gchar *message)
{
  if (state == self->state && g_strcmp0 (reason, self->reason) == 0 && g_strcmp0 (message, self->message) == 0)
    return;
  g_message ("%s → %s%s%s%s%s%s", state_names[self->state], state_names[state], *reason ? " (" : "", reason,
             *reason ? ")" : "", *message ? ": " : "", message);
  if (state != self->state)
    self->since = g_get_real_time ();
  self->state = state;
  g_free (self->reason);
  g_free (self->message);
  g_free (self->message_phrase);
  self->reason = g_strdup (reason);
  self->message = g_strdup (message);
  self->message_phrase = ew_phrase_to_json (message);
  ew_alarm_set (self->retry, state == EW_STATE_ERROR && self->keystore && self->keystore->wish_connected
                               ? ew_boottime () + RETRY_AFTER
                               : G_MAXINT64);
  ew_tunnel_show (self);
}

void
ew_tunnel_rest (EwTunnel *self)
{
  if (self->broken)
    ew_tunnel_set_state (self, EW_STATE_ERROR, "state-broken", self->broken->message);
  else if (self->leaving)
    ew_tunnel_set_state (self, EW_STATE_NOT_ENROLLED, "leaving",
                         N_ ("This computer has left the mesh and its keys are erased. Telling the edge."));
  else if (!self->document)
    ew_tunnel_set_state (self, EW_STATE_NOT_ENROLLED, "", "");
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a document is the key store's */
  else if (self->keystore->removed)
    ew_tunnel_set_state (self, EW_STATE_REMOVED, "removed",
                         N_ ("An administrator removed this computer from the mesh, or put another in its place. To "
                             "come back, enroll it again with a new key."));
  else
    ew_tunnel_set_state (self, EW_STATE_DISCONNECTED, "", "");
}

const EwDocumentEdge *
ew_tunnel_get_edge (EwTunnel *self)
{
  return self->document && self->peer >= 0 && (guint)self->peer < self->document->edges->len
           ? self->document->edges->pdata[self->peer]
           : NULL;
}

GError *
ew_tunnel_error (GError *error)
{
  if (!error || error->domain == EW_ERROR)
    return error;
  gint code = EW_ERROR_FAILED;
  if (g_error_matches (error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT)
      || g_error_matches (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE))
    code = EW_ERROR_HOST_CONFLICT;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    code = EW_ERROR_CANCELLED;
  GError *made = g_error_new_literal (EW_ERROR, code, error->message);
  g_error_free (error);
  return made;
}

/* Membership. */

gboolean
ew_tunnel_load_membership (EwTunnel *self, GError **error)
{
  EwKeystore *keystore = self->keystore;
  if (!keystore->id)
    return TRUE;
  g_autoptr (EwDocument) document = ew_document_parse (keystore->document, keystore->ca_pem, error);
  if (!document)
    return FALSE;
  g_clear_pointer (&self->document, ew_document_free);
  self->document = g_steal_pointer (&document);
  g_clear_object (&self->client);
  self->client = ew_client_new (keystore->pin, (const gchar *const *)keystore->api, keystore, EW_HOST_FWMARK);
  ew_client_set_proxy_file (self->client, self->proxy_file);
  ew_client_set_identity (self->client, keystore->id, keystore->credential);
  g_clear_object (&self->life);
  self->life = g_cancellable_new ();
  ew_tunnel_mode_init (self, keystore->vpn);
  return TRUE;
}

void
ew_tunnel_drop_membership (EwTunnel *self)
{
  ew_tunnel_down (self);
  if (self->life)
    g_cancellable_cancel (self->life);
  g_clear_object (&self->life);
  ew_tunnel_ping_stop (self);
  g_clear_pointer (&self->topology, ew_topology_free);
  g_clear_object (&self->client);
  g_clear_pointer (&self->document, ew_document_free);
  self->peer = -1;
  self->fetching = self->fetch_again = self->describing = FALSE;
  self->describe_not_before = 0;
}

gboolean
ew_tunnel_check_member (EwTunnel *self, GError **error)
{
  if (self->broken)
    g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, self->broken->message);
  else if (self->leaving)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "This computer is leaving its mesh. Wait a few seconds, then try again.");
  else if (!self->document)
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_ENROLLED,
                  "This computer isn't in a mesh. Join one with `sudo edgewayctl enroll`.");
  else if (self->keystore->removed)
    ew_set_error (error, EW_ERROR, EW_ERROR_REMOVED,
                  "An administrator removed this computer from the mesh, or put another in its place. Enroll it again "
                  "with a new key.");
  else
    return TRUE;
  return FALSE;
}

/* Connect, disconnect. */

static gboolean
store_wish (EwTunnel *self, gboolean connected, GError **error)
{
  if (self->keystore->wish_connected == connected)
    return TRUE;
  self->keystore->wish_connected = connected;
  return ew_keystore_save (self->keystore, error);
}

gboolean
ew_tunnel_connect (EwTunnel *self, GError **error)
{
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  g_autoptr (GError) local = NULL;
  /* A full or read-only disk keeps no node out of the mesh: its owner may have to get in to make room. */
  if (!store_wish (self, TRUE, &local))
    g_warning ("Connecting, but after a restart this computer may stay disconnected: %s", local->message);
  return self->engine || ew_tunnel_up (self, error);
}

gboolean
ew_tunnel_disconnect (EwTunnel *self, GError **error)
{
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  /* Down comes first: a full disk must not keep anybody connected. */
  ew_tunnel_down (self);
  g_autoptr (GError) cause = NULL;
  gboolean stored = store_wish (self, FALSE, &cause);
  ew_tunnel_rest (self);
  if (!stored)
    {
      ew_set_error (error, cause->domain, cause->code,
                    "Disconnected, but after a restart this computer would connect again: %s", cause->message);
      return FALSE;
    }
  if (ew_host_ledger_is_empty (self->host))
    return TRUE;
  g_autofree gchar *log = ew_log_find_own ();
  ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                "Disconnected, but not everything that was changed on this computer could be undone. See %s, then "
                "restart edgewayd to try again.",
                log);
  return FALSE;
}

static void
retry (gpointer user_data)
{
  EwTunnel *self = user_data;
  g_autoptr (GError) error = NULL;
  if (self->state == EW_STATE_ERROR && ew_tunnel_check_member (self, NULL) && !self->engine)
    (void)ew_tunnel_up (self, &error);
}

static void
resumed (gpointer user_data)
{
  g_debug ("back from sleep");
  ew_tunnel_woken (user_data);
}

static void
names_changed (gpointer user_data)
{
  ew_tunnel_show (user_data);
}

static void
networks_moved (gpointer user_data)
{
  ew_tunnel_network_changed (user_data);
}

void
ew_tunnel_start (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  self->names = ew_names_new (self->host, NULL, names_changed, self);
  g_autoptr (GResolver) system = g_resolver_get_default ();
  self->outside = ew_outside_resolver_new (system, EW_HOST_FWMARK);
  g_resolver_set_default (G_RESOLVER (self->outside));
  ew_tunnel_start_lockdown (self);
  if (!ew_host_undo_all (self->host, &error))
    g_warning ("Not everything that an earlier run changed on this computer could be undone: %s",
               error ? error->message : "unknown");
  g_clear_error (&error);
  ew_host_watch (self->host, networks_moved, self);
  self->resume = ew_resume_watch (resumed, self);
  ew_tunnel_rest (self);
  if (ew_tunnel_check_member (self, NULL) && self->keystore->wish_connected)
    (void)ew_tunnel_up (self, &error);
}

void
ew_tunnel_stop (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  gboolean was_up = self->engine != NULL;
  if (self->life)
    g_cancellable_cancel (self->life);
  ew_tunnel_ping_stop (self);
  g_clear_pointer (&self->topology, ew_topology_free);
  ew_tunnel_down (self);
  if (was_up && !ew_keystore_save (self->keystore, &error))
    g_warning ("%s", error->message);
  g_clear_error (&error);
  if (!ew_host_undo_all (self->host, &error))
    g_warning ("Not everything that was changed on this computer could be undone: %s",
               error ? error->message : "unknown");
  ew_tunnel_stop_lockdown (self);
  if (self->state != EW_STATE_ERROR)
    ew_tunnel_rest (self);
}

/* The object. */

static gpointer
prepare_engine (gpointer data)
{
  ew_engine_prepare ();
  return NULL;
}

EwTunnel *
ew_tunnel_new (const gchar *state_dir, const gchar *interface, GError **error)
{
  g_autofree gchar *ledger = g_build_filename (state_dir, "undo", NULL);
  g_autoptr (EwHost) host = ew_host_new (ledger, error);
  if (!host)
    return NULL;
  EwTunnel *self = g_object_new (EW_TYPE_TUNNEL, NULL);
  self->host = g_steal_pointer (&host);
  self->state_dir = g_strdup (state_dir);
  ew_tunnel_start_proxy (self);
  self->interface = g_strdup (interface);
  self->keystore = ew_keystore_load (state_dir, &self->broken);
  if (self->keystore && self->keystore->wish_connected)
    self->preparing = g_thread_try_new ("ew-prepare", prepare_engine, NULL, NULL);
  if (self->keystore)
    (void)ew_tunnel_load_membership (self, &self->broken);
  ew_tunnel_rest (self);
  ew_tunnel_show (self);
  return self;
}

static void
ew_tunnel_init (EwTunnel *self)
{
  self->peer = -1;
  self->rtt_us = -1;
  self->leave_seconds = LEAVE_SECONDS;
  self->since = g_get_real_time ();
  self->reason = g_strdup ("");
  self->message = g_strdup ("");
  self->retry = ew_alarm_new (retry, self);
  ew_tunnel_mode_init (self, FALSE);
}

static void
ew_tunnel_finalize (GObject *object)
{
  EwTunnel *self = EW_TUNNEL (object);
  ew_tunnel_drop_membership (self);
  g_clear_pointer (&self->preparing, g_thread_join);
  g_clear_pointer (&self->resume, ew_resume_free);
  g_clear_pointer (&self->names, ew_names_free);
  if (self->outside)
    g_resolver_set_default (ew_outside_resolver_get_system (self->outside));
  g_clear_object (&self->outside);
  g_clear_pointer (&self->host, ew_host_free);
  g_clear_pointer (&self->keystore, ew_keystore_unref);
  g_clear_error (&self->broken);
  g_clear_pointer (&self->guard_alarm, ew_alarm_free);
  g_clear_pointer (&self->lockdown_alarm, ew_alarm_free);
  g_clear_pointer (&self->fetch_alarm, ew_alarm_free);
  g_clear_pointer (&self->race_alarm, ew_alarm_free);
  g_clear_pointer (&self->better_alarm, ew_alarm_free);
  g_clear_pointer (&self->store_alarm, ew_alarm_free);
  ew_tunnel_https_free (self);
  ew_tunnel_portal_free (self);
  ew_tunnel_path_free (self);
  ew_alarm_free (self->retry);
  for (guint i = 0; i < N_PROPS; i++)
    g_clear_pointer (&self->shown[i], g_variant_unref);
  g_free (self->networks);
  g_free (self->network);
  g_free (self->status);
  g_free (self->reason);
  g_free (self->message_phrase);
  g_free (self->message);
  g_free (self->interface);
  g_free (self->state_dir);
  g_free (self->proxy_file);
  g_free (self->proxy);
  g_free (self->proxy_asks);
  G_OBJECT_CLASS (ew_tunnel_parent_class)->finalize (object);
}

static void
ew_tunnel_class_init (EwTunnelClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const struct
  {
    guint id;
    const gchar *name;
  } strings[] = {
    { PROP_STATE, "state" },
    { PROP_REASON, "reason" },
    { PROP_MESSAGE, "message" },
    { PROP_MESSAGE_PHRASE, "message-phrase" },
    { PROP_MODE, "mode" },
    { PROP_LOCKDOWN, "lockdown" },
    { PROP_ROLE, "role" },
    { PROP_MESH, "mesh" },
    { PROP_SUFFIX, "suffix" },
    { PROP_NODE_NAME, "node-name" },
    { PROP_KIND, "kind" },
    { PROP_EDGE_NAME, "edge-name" },
    { PROP_EDGE_ENDPOINT, "edge-endpoint" },
    { PROP_TRANSPORT, "transport" },
    { PROP_INTERFACE, "interface" },
    { PROP_NAMES, "names" },
    { PROP_NAMES_MESSAGE, "names-message" },
    { PROP_NAMES_PHRASE, "names-phrase" },
    { PROP_PORTAL_URL, "portal-url" },
    { PROP_PROXY, "proxy" },
    { PROP_PROXY_ASKS, "proxy-asks" },
    { PROP_PROXY_WANTED, "proxy-wanted" },
  };
  object_class->get_property = ew_tunnel_get_property;
  object_class->finalize = ew_tunnel_finalize;
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    properties[strings[i].id] = g_param_spec_string (strings[i].name, NULL, NULL, NULL, flags);
  properties[PROP_GUARD_UNTIL] = g_param_spec_int64 ("guard-until", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_LOCKDOWN_UNTIL] = g_param_spec_int64 ("lockdown-until", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_PORTAL_UNTIL] = g_param_spec_int64 ("portal-until", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_SINCE] = g_param_spec_int64 ("since", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ADDRESSES] = g_param_spec_boxed ("addresses", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_PROBLEMS] = g_param_spec_boxed ("problems", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_PROBLEM_PHRASES] = g_param_spec_boxed ("problem-phrases", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_TRIAL] = g_param_spec_boolean ("trial", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}
