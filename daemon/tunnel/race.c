/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's addresses against each other, as RFC 8305 does it for TCP: a handshake is sent to the best address, and
 * while it is unanswered the same message goes to another each EW_RACE_STAGGER. Where the answer comes from is the
 * endpoint from then on, and the first to be tried the next time, after a restart as well, as long as the document has
 * it; else it's the last.
 *
 * The winner is the first to be tried the next time in this network, so that a family that leads nowhere there costs its
 * time once. Whether another address is better is found out beside the traffic (better.h).
 *
 * A name that is somewhere else now (a home's dynamic name) is looked up again while nothing answers.
 */
#include "tunnel/tunnel-private.h"
#include "common/util.h"

#define EW_RACE_STAGGER (G_USEC_PER_SEC / 4)
#define LOOK_UP_AGAIN (5 * G_USEC_PER_SEC)

static void
on_stagger (gpointer user_data)
{
  EwTunnel *self = user_data;
  guint n = self->candidates ? self->candidates->len : 0;
  if (!self->engine || self->peer < 0 || self->liveness.state == EW_LINK_CONNECTED)
    return;
  while (++self->raced < n)
    {
      const EwCandidate *to = &g_array_index (self->candidates, EwCandidate, (self->candidate + self->raced) % n);
      if ((gint)to->edge != self->peer || !ew_endpoint_has_route (&to->endpoint, EW_HOST_FWMARK))
        continue;
      if (ew_engine_repeat_initiation (self->engine, self->peer_key, &to->endpoint))
        ew_alarm_set (self->race_alarm, ew_boottime () + EW_RACE_STAGGER);
      return;
    }
}

void
ew_tunnel_race (EwTunnel *self)
{
  if (!self->race_alarm)
    self->race_alarm = ew_alarm_new (on_stagger, self);
  self->raced = 0;
  ew_alarm_set (self->race_alarm, self->candidates->len > 1 ? ew_boottime () + EW_RACE_STAGGER : G_MAXINT64);
  ew_tunnel_https_race (self);
}

void
ew_tunnel_race_won (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  EwPeerStatus status;
  gboolean news = FALSE;
  if (self->race_alarm)
    ew_alarm_set (self->race_alarm, G_MAXINT64);
  if (self->peer < 0 || !ew_engine_get_peer (self->engine, self->peer_key, &status))
    return;
  if (status.endpoint.kind != EW_ENDPOINT_UDP)
    return; /* the address that UDP is tried at first stays the one that it was */
  for (guint i = 0; i < self->candidates->len; i++)
    {
      const EwCandidate *candidate = &g_array_index (self->candidates, EwCandidate, i);
      if ((gint)candidate->edge == self->peer && ew_endpoint_same_remote (&candidate->endpoint, &status.endpoint))
        {
          self->candidate = i;
          news = ew_keystore_set_answered (self->keystore, self->peer_key, &status.endpoint);
        }
    }
  self->last_endpoint = status.endpoint;
  if (self->network && self->candidates->len > 1)
    news |= ew_keystore_set_best (self->keystore, self->network, &status.endpoint);
  news |= ew_keystore_prefer_address (self->keystore, &status.endpoint.remote);
  if (news && !ew_keystore_save (self->keystore, &error))
    g_warning ("%s", error->message);
}

/* The better one. */

static void
call_another (EwTunnel *self)
{
  const guint n = self->candidates->len;
  while (++self->compared < n)
    {
      const EwCandidate *to = &g_array_index (self->candidates, EwCandidate, (self->candidate + self->compared) % n);
      if ((gint)to->edge != self->peer || ew_endpoint_same_remote (&to->endpoint, &self->last_endpoint)
          || !ew_endpoint_has_route (&to->endpoint, EW_HOST_FWMARK))
        continue;
      self->called = to->endpoint;
      (void)ew_engine_call_peer (self->engine, self->peer_key, &to->endpoint);
      return;
    }
  self->compared = 0;
  ew_better_skip (&self->better, ew_boottime ());
}

static void on_better_alarm (gpointer user_data);

static void
do_better (EwTunnel *self, EwBetterAction action)
{
  switch (action)
    {
    case EW_BETTER_CALL:
      call_another (self);
      break;
    case EW_BETTER_PROBE:
      ew_tunnel_probe (self);
      break;
    case EW_BETTER_LEAVE:
      ew_engine_set_endpoint (self->engine, self->peer_key, &self->last_endpoint);
      ew_tunnel_probe (self);
      break;
    case EW_BETTER_KEEP:
      g_message ("Another address of the edge is nearer: used from now on");
      self->compared = 0;
      ew_tunnel_race_won (self);
      ew_tunnel_show (self);
      break;
    case EW_BETTER_NOTHING:
    default:
      break;
    }
  if (!self->better_alarm)
    self->better_alarm = ew_alarm_new (on_better_alarm, self);
  ew_alarm_set (self->better_alarm, ew_better_deadline (&self->better));
}

static gboolean
may_compare (EwTunnel *self)
{
  return self->engine && self->peer >= 0 && self->liveness.state == EW_LINK_CONNECTED && !self->over_https;
}

static void
on_better_alarm (gpointer user_data)
{
  EwTunnel *self = user_data;
  if (may_compare (self))
    do_better (self, ew_better_tick (&self->better, ew_boottime ()));
}

void
ew_tunnel_race_handshaken (EwTunnel *self, const EwEndpoint *from)
{
  if (may_compare (self) && ew_endpoint_same_remote (from, &self->called))
    do_better (self, ew_better_moved (&self->better, ew_boottime ()));
}

void
ew_tunnel_race_start (EwTunnel *self)
{
  self->compared = 0;
  self->called.kind = EW_ENDPOINT_NONE;
  ew_better_start (&self->better, ew_boottime ());
}

/* The address may be another one since the tunnel is connected. One answer may have been on its way when it was set;
   of two in a row, the second came from there. */
void
ew_tunnel_race_answered (EwTunnel *self)
{
  EwPeerStatus status;
  if (self->liveness.state != EW_LINK_CONNECTED || self->peer < 0
      || !ew_engine_get_peer (self->engine, self->peer_key, &status) || status.endpoint.kind != EW_ENDPOINT_UDP)
    return;
  const gboolean measuring = self->better.state == EW_BETTER_MEASURING;
  if (may_compare (self) && self->candidates->len > 1)
    do_better (self, ew_better_answered (&self->better, self->probe_answered, ew_boottime ()));
  if (measuring)
    return;
  gboolean again = ew_endpoint_same_remote (&status.endpoint, &self->answered);
  self->answered = status.endpoint;
  if (again && !ew_endpoint_same_remote (&status.endpoint, &self->last_endpoint))
    ew_tunnel_race_won (self);
}

guint
ew_tunnel_race_first (EwTunnel *self)
{
  EwEndpoint first = self->last_endpoint;
  if (self->network)
    (void)ew_keystore_get_best (self->keystore, self->network, &first);
  for (guint i = 0; i < self->candidates->len; i++)
    if (ew_endpoint_same_remote (&g_array_index (self->candidates, EwCandidate, i).endpoint, &first))
      return i;
  return 0;
}

/* Looking up. */

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTunnel) self = user_data;
  gboolean changed = ew_endpoints_resolve_finish (result);
  self->resolving = FALSE;
  if (self->resolve_again && self->document)
    ew_tunnel_resolve (self);
  if (self->engine && self->liveness.state == EW_LINK_CONNECTED)
    ew_tunnel_watch_name (self);
  if (!changed || !self->engine)
    return;
  ew_tunnel_store_soon (self);
  ew_tunnel_edges_changed (self);
}

void
ew_tunnel_resolve (EwTunnel *self)
{
  self->resolve_again = self->resolving;
  if (self->resolving)
    return;
  self->resolving = TRUE;
  self->resolved = ew_boottime ();
  g_autofree gchar *proxy = ew_tunnel_find_proxy (self);
  ew_endpoints_resolve_async (self->document, self->keystore, proxy != NULL, self->life, on_resolved,
                              g_object_ref (self));
}

void
ew_tunnel_resolve_silent (EwTunnel *self)
{
  if (!self->resolving && ew_boottime () - self->resolved >= LOOK_UP_AGAIN)
    ew_tunnel_resolve (self);
}
