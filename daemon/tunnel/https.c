/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The https transport on a node: the edge's TCP port as another way for the same WireGuard session. UDP is preferred;
 * a stream is made where it has no answer, and UDP is tried again while the stream is in use.
 *
 *   handshake begun ── 3 s, or 0.3 s where this network needed it before ──→ dial → 101 → a handshake through it
 *   dial            ── 0.25 s without a stream ──→ another address is dialed beside it; the first stream is taken
 *                   ── 0.75 s, while traffic waits ──→ the same again: TCP itself asks again after 1, 3 and 7 s; from the
 *                      sixth on after 1.5 and then 3 s. Beside a connection that is open and silent, 3 s after it opened
 *   over https      ── every 15 s: one handshake to the edge's UDP address ──answered──→ UDP, the stream is closed
 *   stream cut      ── at once, then 1, 2, 4, … 30 s ──→ dial
 *   network back    ── 0.3 s without an answer through the stream ──→ dial: TCP would wait for as long again as it has
 *
 * Which way is in use is where the edge's latest packet came from: the engine's endpoint of the peer.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/util.h"
#include "stream/dial.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define UNKNOWN_WAIT (3 * SECOND)
#define LOST_WAIT (SECOND / 2) /* UDP worked until a moment ago, or the network is another */
#define NEEDED_WAIT (3 * SECOND / 10)
#define UDP_EVERY (15 * SECOND)
#define CONFIRM_AFTER (SECOND / 2)
#define RETRY_MAX (30 * SECOND)
#define FULL_WAIT_MS 5
#define LIVED (10 * SECOND)
#define STAGGER (SECOND / 4) /* RFC 8305 section 5 */
#define ANOTHER_TRY (SECOND * 3 / 4)
#define QUICK_TRIES 5
#define SILENCE_WAIT (3 * SECOND)
#define DIALS_MAX 4 /* at once */

typedef struct
{
  EwTunnel *tunnel;
  EwEndpoint to;
} DialTo;

static void dial (EwTunnel *self);

static gint64
now (void)
{
  return ew_boottime ();
}

static gboolean
is_connected (EwTunnel *self)
{
  return self->liveness.state == EW_LINK_CONNECTED;
}

/* UDP doesn't answer, or nothing has been heard for as long as it's usually waited for. */
static gboolean
needs_stream (EwTunnel *self)
{
  return !is_connected (self) || self->over_https
         || (self->liveness.silent_since && now () - self->liveness.silent_since >= NEEDED_WAIT * 9 / 10);
}

static void
drop_stream (EwTunnel *self)
{
  if (self->stream.kind == EW_ENDPOINT_STREAM)
    ew_stream_thread_close (self->streams, self->stream.id);
  self->stream.kind = EW_ENDPOINT_NONE;
}

static void
stop_dialing (EwTunnel *self)
{
  self->dial_again = self->doubted = FALSE;
  ew_alarm_set (self->https_alarm, G_MAXINT64);
  for (guint i = 0; i < self->dials->len; i++)
    g_cancellable_cancel (self->dials->pdata[i]);
  g_ptr_array_set_size (self->dials, 0);
}

/* In use. */

static const EwCandidate *
candidate_at (EwTunnel *self, guint index)
{
  return index < self->candidates->len ? &g_array_index (self->candidates, EwCandidate, index) : NULL;
}

/* The next address of the edge in use that there is a route to, from this one on. */
static gboolean
next_address (EwTunnel *self, guint *index)
{
  for (guint i = 0; i < self->candidates->len; i++)
    {
      const guint at = (*index + i) % self->candidates->len;
      const EwCandidate *candidate = candidate_at (self, at);
      if ((gint)candidate->edge != self->peer || !ew_endpoint_has_route (&candidate->endpoint, EW_HOST_FWMARK))
        continue;
      *index = at;
      return TRUE;
    }
  return FALSE;
}

static guint
count_addresses (EwTunnel *self)
{
  guint n = 0;
  for (guint i = 0; i < self->candidates->len; i++)
    n += (gint)candidate_at (self, i)->edge == self->peer
         && ew_endpoint_has_route (&candidate_at (self, i)->endpoint, EW_HOST_FWMARK);
  return n;
}

static void
remember (EwTunnel *self, gboolean needs)
{
  if (self->network && ew_keystore_set_needs_https (self->keystore, self->network, needs))
    ew_tunnel_store_soon (self);
}

/* One handshake to a UDP address, which isn't the endpoint before the edge has answered from there. A packet through
   the stream follows: the edge, which may have heard the first, answers where it heard the latest. */
static void
on_udp_alarm (gpointer user_data)
{
  EwTunnel *self = user_data;
  if (!self->engine || !self->over_https)
    return;
  if (self->udp_tries % 2 == 1)
    ew_tunnel_probe (self);
  else
    {
      guint index = (self->candidate + self->udp_tries / 2) % MAX (self->candidates->len, 1);
      if (next_address (self, &index))
        (void)ew_engine_call_peer (self->engine, self->peer_key, &candidate_at (self, index)->endpoint);
    }
  self->udp_tries++;
  ew_alarm_set (self->udp_alarm, now () + (self->udp_tries % 2 == 1 ? CONFIRM_AFTER : UDP_EVERY - CONFIRM_AFTER));
}

/* Not one that a proxy alone knows by its name. */
static gboolean
has_address (const EwEndpoint *endpoint)
{
  EwIp nobody;
  return ew_ip_parse (EW_NO_ADDRESS, &nobody) && !ew_ip_equal (&endpoint->remote, &nobody);
}

static void
begin_https (EwTunnel *self)
{
  self->over_https = TRUE;
  self->udp_tries = 0;
  self->dial_failures = 0;
  g_clear_pointer (&self->obstacle, g_free);
  ew_alarm_set (self->udp_alarm, now () + UDP_EVERY);
  remember (self, TRUE);
  if (has_address (&self->dialed_to) && ew_keystore_set_answered (self->keystore, self->peer_key, &self->dialed_to))
    ew_tunnel_store_soon (self);
  g_message ("UDP to the edge has no answer: connected through its TCP port (https)");
  ew_tunnel_show (self);
}

static void
end_https (EwTunnel *self, const EwEndpoint *udp)
{
  g_message ("UDP to the edge works again");
  self->over_https = FALSE;
  ew_alarm_set (self->udp_alarm, G_MAXINT64);
  /* What is still on its way through the stream would make that one the endpoint again. */
  ew_engine_set_endpoint (self->engine, self->peer_key, udp);
  remember (self, FALSE);
  ew_tunnel_race_won (self);
  ew_tunnel_probe (self);
  ew_tunnel_show (self);
}

void
ew_tunnel_https_settle (EwTunnel *self)
{
  EwPeerStatus status;
  ew_tunnel_portal_forget (self);
  if (self->stream.kind == EW_ENDPOINT_NONE && self->dials->len == 0 && !self->over_https && !self->obstacle
      && !self->dial_again)
    return;
  if (self->peer < 0 || !ew_engine_get_peer (self->engine, self->peer_key, &status))
    return;
  if (status.endpoint.kind == EW_ENDPOINT_STREAM)
    {
      if (!self->over_https && ew_endpoint_same_remote (&status.endpoint, &self->stream))
        begin_https (self);
      return;
    }
  if (status.endpoint.kind != EW_ENDPOINT_UDP)
    return;
  g_clear_pointer (&self->obstacle, g_free);
  drop_stream (self);
  stop_dialing (self);
  if (self->over_https)
    end_https (self, &status.endpoint);
}

/* Dialing. */

static void
dial_later (EwTunnel *self)
{
  gint64 wait = self->dial_failures == 0 ? 0 : SECOND << MIN (self->dial_failures - 1, 5);
  self->dial_again = TRUE;
  self->n_dialed = 0;
  ew_alarm_set (self->https_alarm, now () + MIN (wait, RETRY_MAX));
}

static const gchar *
reason_of (EwStreamObstacle obstacle)
{
  if (obstacle == EW_STREAM_OBSTACLE_READER)
    return "tls-intercepted";
  return obstacle == EW_STREAM_OBSTACLE_PASSWORD ? "proxy-password" : "proxy-refused";
}

static void
hurry_dial (EwTunnel *self)
{
  self->dial_failures = 0;
  if (self->dial_again && self->dials->len == 0)
    ew_alarm_set (self->https_alarm, now ());
}

void
ew_tunnel_https_set_obstacle (EwTunnel *self, const gchar *reason, const gchar *sentence)
{
  g_free (self->obstacle);
  self->obstacle = g_strdup (sentence);
  self->obstacle_reason = reason;
  if (!sentence)
    {
      hurry_dial (self);
      if (!is_connected (self))
        ew_tunnel_show_link (self);
    }
  else if (!is_connected (self) && !self->no_route)
    ew_tunnel_set_state (self, self->liveness.state == EW_LINK_CONNECTING ? EW_STATE_CONNECTING : EW_STATE_RECONNECTING,
                         reason, sentence);
}

/* The session goes on where there is one. The handshake through the stream makes one where the edge has started again,
   and proves the way. */
static void
use_stream (EwTunnel *self)
{
  ew_engine_set_endpoint (self->engine, self->peer_key, &self->stream);
  ew_engine_initiate (self->engine, self->peer_key, TRUE);
  ew_tunnel_probe (self);
}

static void
note_failed_dial (EwTunnel *self, EwStreamObstacle obstacle, const GError *error)
{
  g_debug ("https: %s", error->message);
  if (obstacle != EW_STREAM_OBSTACLE_NONE && !ew_tunnel_portal_is_known (self)) /* whose doing that is */
    ew_tunnel_https_set_obstacle (self, reason_of (obstacle), error->message);
  ew_tunnel_proxy_said (self, error);
  if (self->dials->len > 0 || (self->dial_again && self->n_dialed < count_addresses (self)))
    return; /* others are still tried */
  self->dial_failures++;
  dial_later (self);
}

static void
on_dialed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree DialTo *dial_to = user_data;
  g_autoptr (EwTunnel) self = dial_to->tunnel;
  g_autoptr (GError) error = NULL;
  EwStreamObstacle obstacle;
  g_autoptr (EwStreamDialed) dialed = ew_stream_dial_finish (result, &obstacle, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || !g_ptr_array_remove (self->dials, g_task_get_cancellable (G_TASK (result))))
    return; /* the tunnel is down, or has another way by now */
  if (!dialed)
    {
      note_failed_dial (self, obstacle, error);
      return;
    }
  stop_dialing (self);
  if (!needs_stream (self)
      || !ew_stream_thread_add (self->streams, dialed->stream, dialed->socket, dialed->early, &self->stream))
    {
      self->stream.kind = EW_ENDPOINT_NONE;
      return;
    }
  ew_tunnel_proxy_said (self, NULL);
  self->stream_since = now ();
  self->dialed_to = dial_to->to;
  use_stream (self);
}

/* The edge's name as the document has it, where the address is one of that name's. (transfer full) */
static gchar *
find_name (EwTunnel *self, const EwCandidate *candidate)
{
  const EwDocumentEdge *edge = self->document->edges->pdata[candidate->edge];
  for (gchar **text = edge->endpoints; *text; text++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      EwIp ip;
      if (!ew_host_port_parse (*text, &host, &port, NULL) || port != candidate->endpoint.remote_port
          || ew_ip_parse (host, &ip))
        continue;
      const gchar *const *known = ew_keystore_get_addresses (self->keystore, host);
      for (; known && *known; known++)
        if (ew_ip_parse (*known, &ip) && ew_ip_equal (&ip, &candidate->endpoint.remote))
          return g_steal_pointer (&host);
    }
  return NULL;
}

static void
dial_address (EwTunnel *self, const EwCandidate *candidate)
{
  g_autofree gchar *name = find_name (self, candidate);
  const EwStreamDial config = { .to = candidate->endpoint,
                                .name = name,
                                .pin = self->keystore->pin,
                                .mark = EW_HOST_FWMARK,
                                .proxy_file = self->proxy_file };
  GCancellable *cancellable = g_cancellable_new ();
  DialTo *dial_to = g_new0 (DialTo, 1);
  dial_to->tunnel = g_object_ref (self);
  dial_to->to = candidate->endpoint;
  g_ptr_array_add (self->dials, cancellable);
  ew_stream_dial_async (&config, cancellable, on_dialed, dial_to);
}

static void
drop_oldest_dial (EwTunnel *self)
{
  g_cancellable_cancel (self->dials->pdata[0]);
  g_ptr_array_remove_index (self->dials, 0);
}

/* Until the next address is dialed. */
static gint64
pause_after_dial (EwTunnel *self)
{
  const guint n = count_addresses (self);
  if (self->n_dialed < n)
    return STAGGER;
  const guint again = self->n_dialed - n;
  return ANOTHER_TRY << (again < QUICK_TRIES ? 0 : MIN (again - QUICK_TRIES + 1, 2));
}

/* The next address, beside those that are being dialed. */
static void
dial (EwTunnel *self)
{
  if (self->stream.kind != EW_ENDPOINT_NONE || self->peer < 0)
    return;
  if (!next_address (self, &self->dialed))
    {
      self->dial_failures++;
      dial_later (self);
      return;
    }
  const EwCandidate *candidate = candidate_at (self, self->dialed);
  self->dialed = (self->dialed + 1) % self->candidates->len;
  self->n_dialed++;
  if (self->dials->len >= DIALS_MAX)
    drop_oldest_dial (self);
  const gboolean others = self->n_dialed < count_addresses (self);
  self->dial_again = others || now () < self->liveness.busy_until;
  ew_alarm_set (self->https_alarm, !self->dial_again ? G_MAXINT64 : now () + pause_after_dial (self));
  dial_address (self, candidate);
  ew_tunnel_portal_suspect (self);
}

/* How long a connection that opened, and says nothing yet, is still waited for: another one would meet the same. 0: there
   is none. TCP sends what gets lost on it again much sooner than it does the first packet. */
static gint64
get_silence_left (EwTunnel *self)
{
  gint64 latest = 0;
  if (self->n_dialed < count_addresses (self))
    return 0;
  for (guint i = 0; i < self->dials->len; i++)
    latest = MAX (latest, ew_stream_dial_open_since (self->dials->pdata[i]));
  return latest ? MAX (latest + SILENCE_WAIT - g_get_monotonic_time (), 0) : 0;
}

static void
on_https_alarm (gpointer user_data)
{
  EwTunnel *self = user_data;
  const gboolean doubted = self->doubted;
  const gint64 silence_left = get_silence_left (self);
  if (silence_left > 0)
    {
      ew_alarm_set (self->https_alarm, now () + silence_left);
      return;
    }
  self->dial_again = self->doubted = FALSE;
  if (!self->engine || !needs_stream (self) || (doubted && self->liveness.silent_since == 0))
    return;
  if (doubted)
    drop_stream (self);
  dial (self);
}

static void
on_stream_ended (gpointer user_data, guint64 id, const gchar *reason)
{
  EwTunnel *self = user_data;
  if (!self->engine || self->stream.kind != EW_ENDPOINT_STREAM || self->stream.id != id)
    return;
  g_message ("the https connection to the edge ended: %s", reason);
  self->stream.kind = EW_ENDPOINT_NONE;
  /* One that is cut as soon as it's made is waited for; proxies that cut after 50 s aren't. */
  if (now () - self->stream_since >= LIVED)
    self->dial_failures = 0;
  if (needs_stream (self))
    dial_later (self);
  self->dial_failures++;
}

/* From the rest of the tunnel. */

static void
await_dial (EwTunnel *self, gint64 wait)
{
  if (self->network && ew_keystore_needs_https (self->keystore, self->network))
    wait = NEEDED_WAIT;
  if (self->dial_again || self->dials->len > 0 || self->stream.kind != EW_ENDPOINT_NONE)
    return;
  self->dial_again = TRUE;
  self->n_dialed = 0;
  ew_alarm_set (self->https_alarm, now () + wait);
}

void
ew_tunnel_https_race (EwTunnel *self)
{
  if (self->stream.kind == EW_ENDPOINT_STREAM)
    (void)ew_engine_repeat_initiation (self->engine, self->peer_key, &self->stream);
  await_dial (self, self->proved ? LOST_WAIT : UNKNOWN_WAIT);
}

void
ew_tunnel_https_lost (EwTunnel *self)
{
  const gboolean was_in_use = self->over_https;
  drop_stream (self);
  self->over_https = FALSE;
  ew_alarm_set (self->udp_alarm, G_MAXINT64);
  if (was_in_use)
    {
      stop_dialing (self);
      await_dial (self, NEEDED_WAIT);
    }
}

void
ew_tunnel_https_again (EwTunnel *self)
{
  if (!self->streams || !self->engine)
    return;
  g_clear_pointer (&self->obstacle, g_free);
  self->dial_failures = 0;
  stop_dialing (self);
  if (self->stream.kind == EW_ENDPOINT_NONE && needs_stream (self))
    dial_later (self);
}

/* An answer through the stream in use, which may be stuck. */
static void
await_answer (EwTunnel *self)
{
  self->dial_again = TRUE;
  self->n_dialed = 0;
  ew_alarm_set (self->https_alarm, now () + NEEDED_WAIT);
}

gboolean
ew_tunnel_https_keeps (EwTunnel *self)
{
  const gboolean was_in_use = self->over_https;
  ew_tunnel_portal_forget (self);
  g_clear_pointer (&self->obstacle, g_free);
  self->dial_failures = 0;
  self->dialed = self->candidate;
  stop_dialing (self); /* what was sent before the network was here waits for seconds */
  if (was_in_use && self->stream.kind == EW_ENDPOINT_STREAM
      && ew_endpoint_leaves_from (&self->stream, &self->stream.local, EW_HOST_FWMARK))
    {
      self->udp_tries = 0;
      ew_alarm_set (self->udp_alarm, now () + CONFIRM_AFTER);
      self->doubted = TRUE;
      await_answer (self);
      return TRUE;
    }
  drop_stream (self);
  self->over_https = FALSE;
  ew_alarm_set (self->udp_alarm, G_MAXINT64);
  if (was_in_use) /* where UDP isn't let through, the next network often doesn't either */
    await_dial (self, NEEDED_WAIT);
  return FALSE;
}

EwStreams *
ew_tunnel_https_get_streams (EwTunnel *self)
{
  const EwStreamThreadConfig config = { .full_wait_ms = FULL_WAIT_MS, .on_ended = on_stream_ended, .user_data = self };
  if (!self->streams)
    {
      self->streams = ew_stream_thread_new (&config);
      self->dials = g_ptr_array_new_with_free_func (g_object_unref);
      self->https_alarm = ew_alarm_new (on_https_alarm, self);
      self->udp_alarm = ew_alarm_new (on_udp_alarm, self);
    }
  return ew_stream_thread_get_streams (self->streams);
}

void
ew_tunnel_https_stop (EwTunnel *self)
{
  if (!self->streams)
    return;
  ew_tunnel_portal_forget (self);
  stop_dialing (self);
  drop_stream (self);
  ew_alarm_set (self->udp_alarm, G_MAXINT64);
  self->over_https = FALSE;
  self->dial_failures = 0;
  g_clear_pointer (&self->obstacle, g_free);
}

void
ew_tunnel_https_free (EwTunnel *self)
{
  ew_tunnel_https_stop (self);
  g_clear_pointer (&self->https_alarm, ew_alarm_free);
  g_clear_pointer (&self->udp_alarm, ew_alarm_free);
  g_clear_pointer (&self->dials, g_ptr_array_unref);
  g_clear_pointer (&self->streams, ew_stream_thread_free);
}
