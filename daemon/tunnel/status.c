/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The status as JSON, kept for a moment: many may ask for it.
 */
#include "tunnel/tunnel-private.h"
#include "common/phrase.h"
#include "common/util.h"

#define LOOK_EVERY (1 * G_USEC_PER_SEC) /* however many ask for the status */
#define STATUS_FOR (G_USEC_PER_SEC / 5) /* its text, while nothing but its counters changes */

static void
set_text_or_null (JsonObject *object, const gchar *member, const gchar *value)
{
  if (value && *value)
    json_object_set_string_member (object, member, value);
  else
    json_object_set_null_member (object, member);
}

static void
set_time_or_null (JsonObject *object, const gchar *member, gint64 realtime_us)
{
  g_autofree gchar *value = realtime_us ? ew_time_format (realtime_us) : NULL;
  set_text_or_null (object, member, value);
}

static void
add_edge (EwTunnel *self, JsonObject *object)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  JsonObject *shown = json_object_new ();
  if (!self->engine || !edge)
    {
      json_object_unref (shown);
      json_object_set_null_member (object, "edge");
      return;
    }
  json_object_set_string_member (shown, "name", edge->name);
  set_text_or_null (shown, "endpoint", g_variant_get_string (self->shown[PROP_EDGE_ENDPOINT], NULL));
  set_text_or_null (shown, "transport", g_variant_get_string (self->shown[PROP_TRANSPORT], NULL));
  if (self->rtt_us >= 0 && self->state == EW_STATE_CONNECTED)
    json_object_set_double_member (shown, "rtt_ms", (gdouble)self->rtt_us / 1000);
  else
    json_object_set_null_member (shown, "rtt_ms");
  json_object_set_object_member (object, "edge", shown);
}

static void
add_counters (EwTunnel *self, JsonObject *object)
{
  EwPeerStatus peer;
  gboolean known = self->engine && self->peer >= 0 && ew_engine_get_peer (self->engine, self->peer_key, &peer);
  json_object_set_int_member (object, "rx_bytes", known ? (gint64)peer.stats.rx_bytes : 0);
  json_object_set_int_member (object, "tx_bytes", known ? (gint64)peer.stats.tx_bytes : 0);
}

static gchar *
make_status (EwTunnel *self)
{
  g_autoptr (JsonObject) object = json_object_new ();
  const EwDocument *document = self->document;
  JsonArray *addresses = json_array_new ();
  g_autofree const gchar **list = g_variant_get_strv (self->shown[PROP_ADDRESSES], NULL);
  json_object_set_int_member (object, "schema", 1);
  json_object_set_string_member (object, "state", ew_tunnel_name_state (self->state));
  json_object_set_string_member (object, "reason", self->reason);
  json_object_set_string_member (object, "message", self->message);
  json_object_set_string_member (object, "mode", self->guard.vpn ? "vpn" : "connector");
  json_object_set_boolean_member (object, "lan_names", self->keystore && self->keystore->lan_names);
  ew_tunnel_add_split (self, object);
  set_time_or_null (object, "guard_until", self->guard_until);
  set_time_or_null (object, "lockdown_until", self->lockdown_until);
  json_object_set_string_member (object, "lockdown", ew_tunnel_get_lockdown (self));
  set_text_or_null (object, "portal_url", ew_tunnel_portal_get_url (self));
  set_time_or_null (object, "portal_until", ew_tunnel_portal_get_until (self));
  set_text_or_null (object, "mesh", document ? document->mesh : NULL);
  set_text_or_null (object, "name", document ? document->name : NULL);
  set_text_or_null (object, "kind", document ? document->kind : NULL);
  set_text_or_null (object, "role", document ? document->role : NULL);
  for (const gchar **address = list; *address; address++)
    json_array_add_string_element (addresses, *address);
  json_object_set_array_member (object, "addresses", addresses);
  add_edge (self, object);
  set_time_or_null (object, "since", self->since);
  add_counters (self, object);
  ew_tunnel_add_proxy (self, object);
  json_object_set_string_member (object, "interface", self->interface);
  set_text_or_null (object, "suffix", document ? document->suffix : NULL);
  json_object_set_string_member (object, "names", ew_tunnel_get_names (self));
  json_object_set_string_member (object, "names_message", ew_tunnel_get_names_message (self));
  ew_phrase_add_member (object, "names_phrase", ew_tunnel_get_names_message (self));
  json_object_set_array_member (object, "problems", ew_tunnel_problems_to_json (self));
  json_object_set_boolean_member (object, "trial", document && document->trial);
  return ew_json_to_string (object, FALSE);
}

gchar *
ew_tunnel_get_status (EwTunnel *self)
{
  gint64 now = ew_boottime ();
  if (self->engine && now >= self->looked_at + LOOK_EVERY)
    {
      self->looked_at = now;
      ew_tunnel_event (self, EW_LIVENESS_BUSY); /* a viewer looks */
    }
  if (!self->status || now >= self->status_until)
    {
      g_free (self->status);
      self->status = make_status (self);
      self->status_until = now + STATUS_FOR;
    }
  return g_strdup (self->status);
}
