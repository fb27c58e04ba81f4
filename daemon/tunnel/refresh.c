/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/self: fetched when the tunnel says that the document is old, and when the tunnel is silent, to learn why: the
 * answer tells whether the edge is there, whether it's this mesh's edge, and whether this computer is still its node.
 */
#include "tunnel/tunnel-private.h"
#include "account/describe.h"
#include "account/enroll.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "proto/messages.h"
#include <string.h>

#define HANDSHAKE_FLOOR_MAX G_GUINT64_CONSTANT (7258118400000000000) /* the year 2200 */
#define HANDSHAKE_STEP_NS (2 * EW_TIMESTAMP_GRAIN)
#define PAUSE (G_USEC_PER_SEC / 2) /* between two fetches */
/* … where the first brought nothing new: the edge's message may have been on its way while the news was fetched for
 * another reason; the more often, the less its notices are worth. */
static const gint64 fruitless_pauses[] = { G_USEC_PER_SEC, 4 * G_USEC_PER_SEC, 10 * G_USEC_PER_SEC };
/* Timestamps of handshakes are reserved on disk this far ahead, so that one write an hour is enough and a crash repeats
 * none. */
#define RESERVE_NS (3600 * G_GUINT64_CONSTANT (1000000000))
#define RESERVE_LEFT_NS (RESERVE_NS / 4)
#define DESCRIBE_PAUSE (5 * G_USEC_PER_SEC) /* between two tries: an older edge never takes it */
#define STORE_PAUSE (60 * G_USEC_PER_SEC)   /* between two writes of what an edge says: each waits for the disk */

gboolean
ew_tunnel_is_removal (const GError *error)
{
  return g_error_matches (error, EW_ERROR, EW_ERROR_REMOVED)
         || g_error_matches (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED);
}

void
ew_tunnel_was_removed (EwTunnel *self, const GError *error)
{
  g_autoptr (GError) local = NULL;
  if (self->state == EW_STATE_REMOVED || !self->document)
    return;
  ew_tunnel_down (self);
  ew_tunnel_ping_stop (self);
  if (error->code == EW_ERROR_REMOVED)
    {
      self->keystore->removed = TRUE;
      if (!ew_keystore_save (self->keystore, &local))
        g_warning ("%s", local->message);
      ew_tunnel_rest (self);
    }
  else
    /* Not stored: an edge restored from an old backup may be fixed later. */
    ew_tunnel_set_state (
      self, EW_STATE_REMOVED, "not-known",
      N_ ("The edge doesn't know this computer (any more). Leave the mesh, then enroll again with a new key."));
}

/* A mesh keeps its ranges for life: an edge that says otherwise wants traffic that is not the mesh's. */
static gboolean
same_ranges (const EwDocument *a, const EwDocument *b)
{
  return a->ranges->len == b->ranges->len
         && memcmp (a->ranges->data, b->ranges->data, a->ranges->len * sizeof (EwPrefix)) == 0;
}

static gboolean
same_edges (JsonObject *a, JsonObject *b)
{
  return g_strcmp0 (ew_json_string (ew_json_object (a, "edges"), "list"),
                    ew_json_string (ew_json_object (b, "edges"), "list"))
         == 0;
}

/* The edge's addresses of now come first; those of before may lead to it once more. */
static void
merge_api (EwTunnel *self)
{
  for (guint i = self->document->edges->len; i-- > 0;)
    {
      const EwDocumentEdge *edge = self->document->edges->pdata[i];
      GStrv merged = ew_api_merge ((const gchar *const *)edge->api, (const gchar *const *)self->keystore->api);
      g_strfreev (self->keystore->api);
      self->keystore->api = merged;
    }
  ew_client_set_api (self->client, (const gchar *const *)self->keystore->api);
}

static void
store_now (gpointer user_data)
{
  EwTunnel *self = user_data;
  g_autoptr (GError) error = NULL;
  if (!self->document)
    return;
  self->store_not_before = ew_boottime () + STORE_PAUSE;
  if (!ew_keystore_save (self->keystore, &error))
    g_warning ("%s", error->message);
}

void
ew_tunnel_store_soon (EwTunnel *self)
{
  if (ew_boottime () >= self->store_not_before)
    {
      store_now (self);
      return;
    }
  if (!self->store_alarm)
    self->store_alarm = ew_alarm_new (store_now, self);
  ew_alarm_set (self->store_alarm, self->store_not_before);
}

/* The stored one takes the new one's revision: whether they differ in anything else. */
static gboolean
differs (JsonObject *stored, JsonObject *object)
{
  json_object_set_int_member (stored, "revision", json_object_get_int_member (object, "revision"));
  return !json_object_equal (stored, object);
}

gboolean
ew_tunnel_take_document (EwTunnel *self, JsonObject *object)
{
  g_autoptr (GError) error = NULL;
  EwKeystore *keystore = self->keystore;
  g_autoptr (EwDocument) document = ew_document_parse (object, keystore->ca_pem, &error);
  if (document && (!g_str_equal (document->id, keystore->id) || !same_ranges (document, self->document)))
    ew_set_error (&error, EW_ERROR, EW_ERROR_FAILED,
                  "The edge describes another node or another mesh than the one joined, so its description isn't used. "
                  "Ask whoever runs the edge.");
  if (error)
    {
      g_warning ("%s", error->message);
      return FALSE;
    }
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without an error there is a document */
  if (ew_revision_equal (document->revision, self->document->revision))
    return FALSE;
  if (!differs (keystore->document, object))
    {
      self->document->revision = document->revision;
      if (self->engine)
        ew_tunnel_probe (self);
      return TRUE;
    }
  gboolean edges_changed = !same_edges (object, keystore->document);
  json_object_unref (keystore->document);
  keystore->document = json_object_ref (object);
  json_object_remove_member (object, "problem"); /* of this moment: nothing to be kept */
  json_object_remove_member (object, "heard_ms");
  ew_document_free (self->document);
  self->document = g_steal_pointer (&document);
  ew_tunnel_settle_choices (self);
  if (edges_changed)
    merge_api (self);
  ew_tunnel_store_soon (self);
  if (self->engine && edges_changed)
    ew_tunnel_edges_changed (self);
  if (self->engine && !ew_tunnel_apply (self, self->vpn_active, &error))
    g_warning ("What changed in the mesh isn't in force on this computer: %s", error->message);
  if (edges_changed)
    ew_tunnel_resolve (self);
  ew_tunnel_show (self);
  /* Says which revision this node has, so that the edge's notices end. */
  if (self->engine)
    ew_tunnel_probe (self);
  return TRUE;
}

/* A packet from this node has reached the edge since the edge fell silent. */
static gboolean
is_heard (EwTunnel *self, JsonObject *answer)
{
  gint64 heard_ms = ew_json_int (answer, "heard_ms", -1);
  return heard_ms >= 0 && self->liveness.silent_since && heard_ms * 1000 < ew_boottime () - self->liveness.silent_since;
}

/* The tunnel is silent; this is what the API had to say. error NULL: it answered. heard: the edge hears this node. */
static void
explain_silence (EwTunnel *self, gboolean heard, const GError *error)
{
  EwTunnelState state = self->liveness.state == EW_LINK_CONNECTING ? EW_STATE_CONNECTING : EW_STATE_RECONNECTING;
  if (!self->engine || self->liveness.state == EW_LINK_CONNECTED || self->no_route || self->candidates->len == 0)
    return;
  if (self->obstacle)
    ew_tunnel_set_state (self, state, self->obstacle_reason, self->obstacle);
  else if (g_error_matches (error, EW_ERROR, EW_ERROR_PIN_MISMATCH))
    ew_tunnel_set_state (self, state, "pin-mismatch", error->message);
  else if (g_error_matches (error, EW_ERROR, EW_ERROR_PROXY_PASSWORD))
    ew_tunnel_set_state (self, state, "proxy-password", error->message);
  else if (error)
    ew_tunnel_set_state (self, state, "edge-unreachable", error->message);
  else if (ew_tunnel_show_problem (self, state))
    return;
  else if (self->handshaken)
    ew_tunnel_set_state (self, state, "edge-silent",
                         N_ ("The edge accepts this computer's handshakes but doesn't answer through the tunnel: its "
                             "packet switch may be busy or stopped. Trying again."));
  else if (heard)
    ew_tunnel_set_state (self, state, "answers-lost",
                         N_ ("The edge receives this computer's packets, but its answers don't arrive here: a firewall "
                             "in between lets UDP out and not back in. Allow answers from the edge's UDP port."));
  else if (ew_endpoint_is_refused (&g_array_index (self->candidates, EwCandidate, self->candidate).endpoint,
                                   EW_HOST_FWMARK))
    ew_tunnel_set_state (
      self, state, "udp-blocked",
      N_ ("This computer's own firewall blocks packets to the edge's UDP port, and the https transport "
          "doesn't work either. Allow outgoing UDP to the edge."));
  else
    ew_tunnel_set_state (self, state, "udp-blocked",
                         N_ ("The edge's API answers, but its UDP port doesn't: a firewall on the way drops "
                             "WireGuard's packets. Allow UDP to the edge's port."));
}

/* A state older than what this computer has sent before: the edge says what its handshakes have to be later than. */
static void
take_handshake_floor (EwTunnel *self, JsonObject *object)
{
  const gchar *text = ew_json_string (object, "handshake_floor");
  guint64 floor;
  if (!text || !self->engine || !g_ascii_string_to_unsigned (text, 10, 1, HANDSHAKE_FLOOR_MAX, &floor, NULL)
      || floor + HANDSHAKE_STEP_NS <= ew_engine_get_timestamp_floor (self->engine))
    return;
  g_message ("this computer's handshakes were older than earlier ones; they go on from what the edge says");
  ew_engine_set_timestamp_floor (self->engine, floor + HANDSHAKE_STEP_NS);
  ew_tunnel_reserve_timestamps (self);
  if (self->peer >= 0)
    ew_engine_initiate (self->engine, self->peer_key, TRUE);
}

static void
described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EwTunnel) self = user_data;
  gboolean taken = ew_describe_finish (EW_CLIENT (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || EW_CLIENT (source) != self->client)
    return;
  self->describing = FALSE;
  if (taken)
    ew_tunnel_store_soon (self);
  else if (ew_tunnel_is_removal (error))
    ew_tunnel_was_removed (self, error);
  else
    g_debug ("the edge doesn't know this version yet: %s", error ? error->message : "it has no call for that");
}

void
ew_tunnel_describe (EwTunnel *self)
{
  gint64 now = ew_boottime ();
  if (self->describing || now < self->describe_not_before || !ew_describe_is_due (self->keystore))
    return;
  self->describing = TRUE;
  self->describe_not_before = now + DESCRIBE_PAUSE;
  ew_describe_async (self->client, self->keystore, self->life, described, g_object_ref (self));
}

static gint64
pause_after_fetch (EwTunnel *self, gboolean news)
{
  if (news)
    self->fruitless = 0;
  if (news || !self->told)
    return PAUSE;
  gint64 pause = fruitless_pauses[self->fruitless];
  if (self->fruitless + 1 < G_N_ELEMENTS (fruitless_pauses))
    self->fruitless++;
  return pause;
}

static void
fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = ew_client_call_finish (EW_CLIENT (source), result, &error);
  g_autoptr (EwTunnel) self = user_data;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || EW_CLIENT (source) != self->client)
    return;
  self->fetching = FALSE;
  ew_tunnel_proxy_said (self, error);
  if (ew_tunnel_is_removal (error))
    {
      ew_tunnel_was_removed (self, error);
      return;
    }
  if (object)
    ew_tunnel_heard_problem (self, ew_node_problem_from_code (ew_json_string (object, "problem")));
  gboolean heard = object && is_heard (self, object);
  gboolean news = object && ew_tunnel_take_document (self, object);
  self->fetch_not_before = ew_boottime () + pause_after_fetch (self, news);
  self->told = FALSE;
  explain_silence (self, heard, error);
  if (object)
    {
      take_handshake_floor (self, object);
      ew_tunnel_describe (self);
    }
  if (!self->fetch_again)
    return;
  self->fetch_again = FALSE;
  /* A notice that came during the fetch is often about what the fetch brought; another fetch would be fruitless. */
  if (!news || !self->document || !ew_revision_equal (self->told_revision, self->document->revision))
    ew_tunnel_refresh (self);
}

static void
fetch_now (gpointer user_data)
{
  EwTunnel *self = user_data;
  if (self->client && !self->keystore->removed)
    ew_tunnel_refresh (self);
}

void
ew_tunnel_refresh (EwTunnel *self)
{
  gint64 now = ew_boottime ();
  if (self->fetching)
    {
      self->fetch_again = TRUE;
      return;
    }
  if (now < self->fetch_not_before)
    {
      if (!self->fetch_alarm)
        self->fetch_alarm = ew_alarm_new (fetch_now, self);
      ew_alarm_set (self->fetch_alarm, self->fetch_not_before);
      return;
    }
  self->fetching = TRUE;
  ew_client_call_async (self->client, "GET", "/v1/self", NULL, self->life, fetched, g_object_ref (self));
}

void
ew_tunnel_heard_revision (EwTunnel *self, EwRevision revision)
{
  self->told_revision = revision;
  if (ew_revision_equal (revision, self->document->revision))
    {
      self->fruitless = 0;
      return;
    }
  self->told = TRUE;
  ew_tunnel_refresh (self);
}

/* Timestamps. */

void
ew_tunnel_reserve_timestamps (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  guint64 sent = ew_engine_get_timestamp_floor (self->engine);
  guint64 now = (guint64)g_get_real_time () * 1000;
  /* After a crash timestamps go on from the reservation, which may be ahead of the clock. */
  guint64 latest = MAX (sent, now);
  if (self->keystore->timestamp_floor_ns >= latest + RESERVE_LEFT_NS)
    return;
  self->keystore->timestamp_floor_ns = latest + RESERVE_NS;
  if (!ew_keystore_save (self->keystore, &error))
    g_warning ("%s", error->message);
}
