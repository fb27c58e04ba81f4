/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Up and down. The engine (and with it the TUN) exists only while the tunnel is up; the host is changed only through
 * ew_host_apply().
 *
 * VPN mode's default routes come only once the edge has answered: a computer that starts while its edge is unreachable
 * keeps its network. Once there they stay while the edge is lost for a while: nothing leaks out beside the tunnel.
 */
#include "tunnel/live-check.h"
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include <malloc.h>
#include <net/if.h>
#include <string.h>

#define SLEPT_US (2 * G_USEC_PER_SEC) /* more sleep than this since last looked at is a suspend */

/* Probes go past the kernel's routes and rules, so their answers don't prove that those are in place. */
static void
show_connected (EwTunnel *self)
{
  const gchar *missing = ew_host_get_missing (self->host), *foreign = ew_host_get_foreign_route (self->host);
  if (missing)
    ew_tunnel_set_state (self, EW_STATE_RECONNECTING, "taken-away", missing);
  else if (foreign)
    ew_tunnel_set_state (self, EW_STATE_CONNECTED, "foreign-route", foreign);
  else if (!ew_tunnel_show_problem (self, EW_STATE_CONNECTED))
    ew_tunnel_set_state (self, EW_STATE_CONNECTED, "", "");
}

/* What the state says while there is no answer, until refresh.c has found out more. */
void
ew_tunnel_show_link (EwTunnel *self)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  const gchar *name = edge ? edge->name : self->document->mesh;
  g_autofree gchar *message = NULL;
  ew_tunnel_lead_inside (self, self->liveness.state == EW_LINK_CONNECTED);
  if (self->router)
    ew_router_set_silent (self->router, self->liveness.state != EW_LINK_CONNECTED);
  if (self->names)
    ew_names_set_working (self->names, self->liveness.state == EW_LINK_CONNECTED);
  if (self->liveness.state == EW_LINK_CONNECTED)
    {
      show_connected (self);
      return;
    }
  EwTunnelState state = self->liveness.state == EW_LINK_CONNECTING ? EW_STATE_CONNECTING : EW_STATE_RECONNECTING;
  if (self->candidates->len == 0)
    ew_tunnel_set_state (
      self, state, "edge-name-unknown",
      N_ ("The edge's name can't be looked up yet. Check this computer's network and its name servers."));
  else if (self->no_route)
    ew_tunnel_set_state (self, state, "no-network",
                         N_ ("No network connection reaches the edge. Connect this computer to a network."));
  else if (self->obstacle)
    ew_tunnel_set_state (self, state, self->obstacle_reason, self->obstacle);
  else if (state == EW_STATE_CONNECTING)
    {
      message = ew_phrase ("Connecting to the edge \"%s\".", name);
      ew_tunnel_set_state (self, state, "", message);
    }
  else
    {
      message = ew_phrase ("The edge \"%s\" doesn't answer through the tunnel. Trying again.", name);
      ew_tunnel_set_state (self, state, "edge-silent", message);
    }
}

void
ew_tunnel_heard_problem (EwTunnel *self, EwNodeProblem problem)
{
  gboolean changed = problem != self->problem;
  self->problem = problem;
  if (changed && self->engine && self->liveness.state == EW_LINK_CONNECTED)
    ew_tunnel_show_link (self);
}

static void
connected (EwTunnel *self)
{
  self->proved = TRUE;
  self->handshaken = FALSE;
  self->no_route = FALSE;
  ew_tunnel_race_won (self);
  ew_tunnel_race_start (self);
  ew_tunnel_watch_name (self);
  if (self->topology)
    ew_topology_hurry (self->topology, FALSE);
  ew_tunnel_show (self);
  ew_tunnel_mode_proved (self);
  ew_tunnel_describe (self);
}

/* After a long silence there is no session that a probe could use, and WireGuard's own handshakes are 5 s apart. */
static gboolean
wants_session (EwTunnel *self, guint actions)
{
  EwPeerStatus status;
  return (actions & EW_DO_PROBE) && self->liveness.state != EW_LINK_CONNECTED && self->peer >= 0
         && ew_engine_get_peer (self->engine, self->peer_key, &status) && !status.has_session;
}

static void
act (EwTunnel *self, guint actions)
{
  gboolean was_unreachable = self->no_route;
  if (actions & EW_DO_NEXT_ENDPOINT)
    {
      ew_tunnel_next_candidate (self, FALSE);
      ew_tunnel_use_candidate (self);
      ew_tunnel_resolve_silent (self);
    }
  if ((actions & EW_DO_REBIND) && ew_tunnel_https_keeps (self))
    actions &= ~(guint)EW_DO_INITIATE;
  else if (actions & EW_DO_REBIND)
    {
      ew_tunnel_next_candidate (self, TRUE);
      ew_tunnel_use_candidate (self);
    }
  if ((actions & EW_DO_SHOW) && self->liveness.state == EW_LINK_RECONNECTING)
    {
      ew_tunnel_https_lost (self);
      ew_tunnel_path_lost (self);
      ew_tunnel_resolve_silent (self);
    }
  if (wants_session (self, actions))
    actions |= EW_DO_INITIATE;
  if ((actions & EW_DO_INITIATE) && self->peer >= 0)
    {
      ew_engine_initiate (self->engine, self->peer_key, TRUE);
      ew_tunnel_race (self);
    }
  if (actions & EW_DO_PROBE)
    ew_tunnel_probe (self);
  if ((actions & EW_DO_PROBE) && ew_boottime () < self->liveness.busy_until)
    ew_tunnel_path_busy (self);
  if ((actions & EW_DO_INVESTIGATE) && !self->no_route)
    ew_tunnel_refresh (self);
  if ((actions & EW_DO_SHOW) || (self->liveness.state != EW_LINK_CONNECTED && self->no_route != was_unreachable))
    ew_tunnel_show_link (self);
  if (actions & EW_DO_SHOW)
    self->handshaken = FALSE;
  if ((actions & EW_DO_SHOW) && self->liveness.state == EW_LINK_CONNECTED)
    connected (self);
  if (self->engine)
    ew_alarm_set (self->alarm, ew_liveness_deadline (&self->liveness, ew_boottime ()));
}

void
ew_tunnel_event (EwTunnel *self, EwLivenessEvent event)
{
  if (!self->engine)
    return;
  guint actions = ew_liveness_event (&self->liveness, event, ew_boottime ());
  if (event == EW_LIVENESS_ANSWER)
    ew_tunnel_https_settle (self);
  if (event == EW_LIVENESS_NETWORK)
    ew_tunnel_path_lost (self);
  act (self, actions);
  if (event == EW_LIVENESS_ANSWER && self->engine)
    ew_tunnel_race_answered (self);
  if (event == EW_LIVENESS_ANSWER)
    ew_tunnel_path_answered (self);
}

/* TLS leaves megabytes of freed memory behind; a quiet daemon returns them to the system. */
static void
give_memory_back (EwTunnel *self)
{
  gboolean quiet
    = self->liveness.state == EW_LINK_CONNECTED && ew_boottime () >= self->liveness.busy_until && !self->fetching;
#ifdef __GLIBC__
  if (quiet && !self->trimmed)
    malloc_trim (0);
#endif
  self->trimmed = quiet;
}

static void
alarm_rang (gpointer user_data)
{
  EwTunnel *self = user_data;
  gint64 slept = ew_slept ();
  gboolean resumed = slept - self->slept > SLEPT_US;
  self->slept = slept;
  /* From here on, traffic is news again. */
  ew_router_listen_for_traffic (self->router);
  give_memory_back (self);
  if (resumed)
    ew_tunnel_woken (self);
  ew_tunnel_event (self, EW_LIVENESS_TICK);
}

static void
engine_event (void *user, const EwEngineEvent *event)
{
  EwTunnel *self = user;
  if (!self->engine)
    return;
  if (event->event == EW_PEER_BURSTS_OFF)
    g_warning ("Something on the way to the edge damages bursts of packets, so each packet is sent separately.");
  if (event->event == EW_PEER_BURSTS_ON)
    g_message ("bursts of packets to the edge arrive undamaged again");
  if (event->event == EW_PEER_ROAMED && self->liveness.state == EW_LINK_CONNECTED)
    ew_tunnel_https_settle (self);
  if (event->event != EW_PEER_HANDSHAKE_COMPLETE)
    return;
  self->handshaken = TRUE;
  ew_live_check_handshaken (self);
  ew_tunnel_race_handshaken (self, &event->endpoint);
  /* The edge may have started it, to see whether this computer is there: it is told which one it is (proto/link.h). */
  if (self->liveness.state == EW_LINK_CONNECTED)
    ew_tunnel_probe (self);
  ew_tunnel_reserve_timestamps (self);
}

/* Networks. */

static void make_again (EwTunnel *self);

/* The computer is elsewhere, or its network is back. Whoever waits for the edge's answer waits no longer than it takes. */
static void
begin_elsewhere (EwTunnel *self)
{
  g_debug ("another network");
  self->network_since = ew_boottime ();
  if (self->names)
    ew_names_look (self->names);
  ew_tunnel_proxy_network_changed (self);
  ew_client_abort_idle (self->client);
  if (self->topology)
    ew_topology_hurry (self->topology, TRUE);
  self->candidate = ew_tunnel_race_first (self);
  ew_tunnel_event (self, EW_LIVENESS_NETWORK);
  ew_tunnel_resolve (self);
}

/* woken: also where nothing else is seen to have changed. */
static void
go_on (EwTunnel *self, gboolean woken)
{
  g_autoptr (GError) error = NULL;
  if (!self->engine)
    return;
  if (if_nametoindex (ew_engine_get_interface (self->engine)) == 0)
    {
      g_warning ("Another program has deleted or renamed the interface %s. Creating it again.", self->interface);
      make_again (self);
      return;
    }
  /* The handshake first: traffic waits for it, and for the tunnel's routes only where they have changed. */
  if (ew_tunnel_look_at_networks (self) || woken || ew_slept () - self->slept > SLEPT_US)
    begin_elsewhere (self);
  self->slept = ew_slept ();
  if (!ew_tunnel_apply (self, self->vpn_active, &error))
    g_warning ("This computer's networks changed, but the tunnel's routes couldn't be adapted: %s", error->message);
  if (self->liveness.state == EW_LINK_CONNECTED)
    ew_tunnel_show_link (self);
}

void
ew_tunnel_network_changed (EwTunnel *self)
{
  go_on (self, FALSE);
}

void
ew_tunnel_woken (EwTunnel *self)
{
  go_on (self, TRUE);
}

/* Up and down. */

static const gchar *
reason_of (const GError *error)
{
  if (error->domain == EW_ENGINE_ERROR)
    switch (error->code)
      {
      case EW_ENGINE_ERROR_NO_TUN:
        return "no-tun";
      case EW_ENGINE_ERROR_PRIVILEGE:
        return "no-privilege";
      case EW_ENGINE_ERROR_PORT_IN_USE:
        return "port-in-use";
      case EW_ENGINE_ERROR_NAME_IN_USE:
        return "interface-in-use";
      default:
        return "engine-failed";
      }
  if (error->domain == EW_HOST_ERROR)
    switch (error->code)
      {
      case EW_HOST_ERROR_PRIVILEGE:
        return "no-privilege";
      case EW_HOST_ERROR_CONFLICT:
        return "host-conflict";
      case EW_HOST_ERROR_LEDGER:
        return "ledger";
      default:
        return "host-failed";
      }
  return g_error_matches (error, EW_ERROR, EW_ERROR_HOST_CONFLICT) ? "host-conflict" : "failed";
}

static void tun_lost (void *user);

static gboolean
start_engine (EwTunnel *self, GError **error)
{
  EwEngineConfig config = {
    .interface_name = self->interface,
    .mtu = self->document->mtu,
    .fwmark = EW_HOST_FWMARK,
    .router = ew_router_hook,
    .router_user = self->router,
    .ask = ew_router_ask,
    .streams = ew_tunnel_https_get_streams (self),
    .on_event = engine_event,
    .on_tun_lost = tun_lost,
    .event_user = self,
  };
  self->engine = ew_engine_new (&config, error);
  if (!self->engine)
    return FALSE;
  ew_engine_set_timestamp_floor (self->engine, self->keystore->timestamp_floor_ns);
  ew_engine_set_private_key (self->engine, self->keystore->private_key);
  ew_tunnel_reserve_timestamps (self);
  return TRUE;
}

/* vpn: from the start, before the edge has answered. */
static gboolean
bring_up (EwTunnel *self, gboolean vpn, GError **error)
{
  self->router = ew_router_new (ew_tunnel_heard, self);
  self->alarm = ew_alarm_new (alarm_rang, self);
  self->candidates = ew_candidates_new (self->document, self->keystore);
  (void)ew_tunnel_look_at_networks (self);
  self->candidate = ew_tunnel_race_first (self);
  self->peer = -1;
  self->proved = self->vpn_active = self->handshaken = self->greeted = FALSE;
  self->problem = EW_NODE_PROBLEM_NONE;
  self->edge_sends_singly = FALSE;
  self->rtt_us = -1;
  self->slept = ew_slept ();
  if (!start_engine (self, error))
    return FALSE;
  ew_tunnel_next_candidate (self, TRUE);
  ew_tunnel_use_candidate (self);
  if (!ew_tunnel_apply (self, vpn, error))
    return FALSE;
  ew_tunnel_use_candidate (self); /* now with the endpoint and what may come from it */
  return TRUE;
}

static void
start_link (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  if (!ew_engine_serve_uapi (self->engine, TRUE, &error))
    g_warning ("`wg show %s` won't work: %s", self->interface, error->message);
  ew_router_listen_for_traffic (self->router);
  guint actions = ew_liveness_start (&self->liveness, ew_boottime ());
  if (self->greeted)
    {
      actions &= ~(guint)EW_DO_INITIATE;
      ew_tunnel_race (self);
    }
  act (self, actions);
  ew_tunnel_resolve (self);
}

/* The engine and all that belongs to it; the host stays as it is. */
static void
drop_engine (EwTunnel *self)
{
  if (self->client)
    ew_tunnel_lead_inside (self, FALSE);
  ew_tunnel_https_stop (self);
  ew_tunnel_path_stop (self);
  ew_tunnel_unwatch_name (self);
  if (self->engine)
    {
      /* Exact again: nothing is sent any more. */
      self->keystore->timestamp_floor_ns = ew_engine_get_timestamp_floor (self->engine);
      g_clear_pointer (&self->engine, ew_engine_free);
    }
  g_clear_pointer (&self->router, ew_router_free);
  g_clear_pointer (&self->alarm, ew_alarm_free);
  g_clear_pointer (&self->candidates, g_array_unref);
  g_clear_pointer (&self->plan, ew_plan_free);
  self->peer = -1;
  self->proved = self->vpn_active = FALSE;
  ew_tunnel_set_names (self);
  memset (self->probes, 0, sizeof self->probes);
}

/* Another program deleted or renamed the interface: routes, rules and name servers depend on its own name. It's
   created again at once, in the mode that it had; the rules stay in the meantime, so that nothing leaves beside it.
   Where that fails, they stay until it succeeds (retry) or the user disconnects. */
static void
make_again (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  gboolean vpn = self->vpn_active || self->held_vpn, proved = self->proved || vpn;
  drop_engine (self);
  self->held = TRUE;
  self->held_vpn = vpn;
  if (bring_up (self, vpn, &error))
    {
      self->held = self->held_vpn = FALSE;
      self->proved = proved;
      start_link (self);
      return;
    }
  drop_engine (self);
  g_autofree gchar *message = ew_phrase (
    "Another program deleted the tunnel's network interface, and it can't be created again: %s", error->message);
  ew_tunnel_set_state (self, EW_STATE_ERROR, "interface-lost", message);
  ew_alarm_set (self->retry, ew_boottime () + G_USEC_PER_SEC);
}

void
ew_tunnel_let_go (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  if (!ew_host_apply (self->host, NULL, &error))
    g_warning ("Not everything that was changed on this computer could be undone: %s", error->message);
  self->held = self->held_vpn = FALSE;
}

static void
tun_lost (void *user)
{
  EwTunnel *self = user;
  if (!self->engine)
    return;
  g_warning ("Another program has deleted the interface %s. Creating it again.", self->interface);
  make_again (self);
}

gboolean
ew_tunnel_up (EwTunnel *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  if (!ew_tunnel_check_member (self, error))
    return FALSE;
  if (self->held)
    {
      make_again (self);
      if (!self->engine)
        g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, self->message);
      return self->engine != NULL;
    }
  if (!bring_up (self, FALSE, &local))
    {
      const gchar *reason = reason_of (local);
      ew_tunnel_down (self);
      ew_tunnel_set_state (self, EW_STATE_ERROR, reason, local->message);
      g_propagate_error (error, ew_tunnel_error (g_steal_pointer (&local)));
      return FALSE;
    }
  start_link (self);
  return TRUE;
}

void
ew_tunnel_down (EwTunnel *self)
{
  g_autoptr (GError) error = NULL;
  if (self->engine)
    ew_tunnel_goodbye (self); /* a handshake alone makes this node online for the edge */
  ew_tunnel_mode_down (self);
  if (self->host && (self->engine || !ew_host_ledger_is_empty (self->host))
      && !ew_host_apply (self->host, NULL, &error))
    g_warning ("Not everything that was changed on this computer could be undone: %s", error->message);
  self->held = self->held_vpn = FALSE;
  drop_engine (self);
}
