/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/diagnose-tunnel.h"
#include "tunnel/diagnose-way.h"
#include "tunnel/tunnel-private.h"
#include "common/checks.h"
#include "common/phrase.h"

gboolean
ew_tunnel_diagnose_no_network (EwTunnel *self, const EwLiveCheck *live)
{
  return !live->tried && self->engine && self->candidates && self->candidates->len > 0;
}

/* "38 s", "5 min", "3 h": how old an answer is. */
static gchar *
describe_age (gint64 age_us)
{
  gint64 seconds = age_us / G_USEC_PER_SEC;
  if (seconds < 120)
    return ew_phrase ("%d s", (int)seconds);
  return seconds < 7200 ? ew_phrase ("%d min", (int)(seconds / 60)) : ew_phrase ("%d h", (int)(seconds / 3600));
}

/* Why there is nothing to send a handshake to. */
static void
check_way_out (EwTunnel *self, const EwLiveCheck *live, JsonArray *checks)
{
  if (!self->engine && self->state == EW_STATE_DISCONNECTED)
    ew_checks_add (checks, "handshake", EW_CHECK_WARNING, N_ ("Connect: `edgewayctl connect`."),
                   "The tunnel is off because this computer was disconnected on purpose.");
  else if (!self->engine)
    ew_checks_add (checks, "handshake", EW_CHECK_BAD,
                   N_ ("Fix the cause. edgewayd tries again every 30 s, or at once after `edgewayctl connect`."),
                   "The tunnel couldn't be started: %s", self->message);
  else if (!ew_tunnel_diagnose_no_network (self, live))
    ew_checks_add (checks, "edge-name", EW_CHECK_BAD,
                   N_ ("Check this computer's name servers (/etc/resolv.conf), and that the edge's name is right."),
                   "The edge's name can't be looked up, and this computer doesn't know its address.");
  else
    ew_checks_add (checks, "network", EW_CHECK_BAD, N_ ("Connect this computer to a network."),
                   "No network connection of this computer reaches the edge.");
}

static void
check_silent_handshake (const EwLiveCheck *live, JsonArray *checks, const gchar *endpoint)
{
  g_autofree gchar *fix = NULL;
  if (live->endpoint.kind == EW_ENDPOINT_STREAM)
    ew_checks_add (checks, "handshake", EW_CHECK_BAD,
                   ew_checks_find (checks, "edge-tcp") == EW_CHECK_BAD
                     ? N_ ("See the check \"edge-tcp\": neither TCP nor UDP reaches the edge.")
                     : N_ ("Wait a few seconds: edgewayd tries again via UDP and https."),
                   "No answer to a WireGuard handshake at %s within %d s via https, and UDP gets no answer here.",
                   endpoint, EW_LIVE_CHECK_SECONDS);
  else if (live->refused)
    {
      fix = ew_phrase ("Allow outgoing UDP to %s in this computer's own firewall.", endpoint);
      ew_checks_add (checks, "handshake", EW_CHECK_BAD, fix,
                     "This computer's own firewall blocks packets to the edge at %s (UDP).", endpoint);
    }
  else if (ew_checks_find (checks, "pin") == EW_CHECK_BAD)
    ew_checks_add (checks, "handshake", EW_CHECK_BAD,
                   N_ ("See the check \"pin\": another server has the edge's address."),
                   "Nothing at %s answers a WireGuard handshake of this mesh (UDP).", endpoint);
  else if (ew_checks_find (checks, "identity") == EW_CHECK_BAD)
    ew_checks_add (checks, "handshake", EW_CHECK_BAD, N_ ("See the check \"identity\"."),
                   "No answer to a WireGuard handshake at %s within %d s (UDP).", endpoint, EW_LIVE_CHECK_SECONDS);
  else if (ew_checks_find (checks, "edge-tcp") == EW_CHECK_BAD)
    ew_checks_add (checks, "handshake", EW_CHECK_BAD,
                   N_ ("See the check \"edge-tcp\": neither TCP nor UDP reaches the edge."),
                   "No answer to a WireGuard handshake at %s within %d s (UDP).", endpoint, EW_LIVE_CHECK_SECONDS);
  else
    {
      fix
        = ew_phrase ("Allow UDP port %u in every firewall on the way: first on the edge's host, then in this network.",
                     live->endpoint.remote_port);
      ew_checks_add (checks, "handshake", EW_CHECK_BAD, fix,
                     "No answer to a WireGuard handshake at %s within %d s (UDP), although the edge's API answers.",
                     endpoint, EW_LIVE_CHECK_SECONDS);
    }
}

static void
check_probe (const EwLiveCheck *live, JsonArray *checks)
{
  g_autofree gchar *age = live->last_answer_us >= 0 ? describe_age (live->last_answer_us) : NULL;
  g_autofree gchar *last = age ? ew_phrase ("the last answer came %s ago", age)
                               : g_strdup (N_ ("it hasn't answered since this tunnel started"));
  if (live->probe_us >= 0)
    ew_checks_add (checks, "probe", EW_CHECK_GOOD, NULL, "The edge answers through the tunnel in %.1f ms.",
                   (gdouble)live->probe_us / 1000);
  else if (live->handshake_us >= 0)
    ew_checks_add (
      checks, "probe", EW_CHECK_BAD,
      N_ ("On the edge's host: `sudo systemctl restart edgeway-edge`, or `docker restart` if it's a container."),
      "The edge accepts handshakes but didn't answer through the tunnel within %d s; %s. Its packet "
      "switch is busy or stopped.",
      EW_LIVE_CHECK_SECONDS, last);
  else
    ew_checks_add (checks, "probe", EW_CHECK_BAD, N_ ("Fix the handshake first: packets pass only after one."),
                   "The edge didn't answer through the tunnel within %d s; %s.", EW_LIVE_CHECK_SECONDS, last);
}

/* What was measured; over TLS there is no limit. */
static void
check_path (EwTunnel *self, const EwLiveCheck *live, JsonArray *checks)
{
  const guint up = ew_path_mtu_get (&self->path, EW_PATH_UP), down = ew_path_mtu_get (&self->path, EW_PATH_DOWN);
  if (live->probe_us < 0 || !self->engine || up == 0 || down == 0)
    return;
  if (MIN (up, down) >= self->path.top)
    ew_checks_add (checks, "path-mtu", EW_CHECK_GOOD, NULL,
                   "The path to the edge takes the mesh's largest packets, %u bytes, in both directions.",
                   self->path.top);
  else if (MIN (up, down) >= EW_TUNNEL_MTU_MIN)
    ew_checks_add (checks, "path-mtu", EW_CHECK_GOOD, NULL,
                   "The path takes packets of %u bytes to the edge and %u from it. The tunnel adapts to that.", up,
                   down);
  else
    ew_checks_add (checks, "path-mtu", EW_CHECK_WARNING, NULL,
                   "The path takes packets of %u bytes to the edge and %u from it, less than IPv6 needs. TCP adapts to "
                   "that; other large packets are fragmented, which some networks don't let through.",
                   up, down);
}

void
ew_tunnel_diagnose_tunnel_add (EwTunnel *self, const EwLiveCheck *live, JsonArray *checks)
{
  char endpoint[EW_ENDPOINT_STRLEN];
  if (!live->tried)
    {
      check_way_out (self, live, checks);
      return;
    }
  ew_endpoint_format (&live->endpoint, endpoint);
  if (live->handshake_us >= 0 && live->endpoint.kind == EW_ENDPOINT_STREAM)
    ew_checks_add (checks, "handshake", EW_CHECK_GOOD, NULL,
                   "A WireGuard handshake with the edge at %s took %.1f ms via https, because UDP gets no answer here.",
                   endpoint, (gdouble)live->handshake_us / 1000);
  else if (live->handshake_us >= 0)
    ew_checks_add (checks, "handshake", EW_CHECK_GOOD, NULL,
                   "A WireGuard handshake with the edge at %s took %.1f ms (UDP).", endpoint,
                   (gdouble)live->handshake_us / 1000);
  else
    check_silent_handshake (live, checks, endpoint);
  ew_tunnel_diagnose_udp_add (live, checks);
  check_probe (live, checks);
  check_path (self, live, checks);
}

void
ew_tunnel_diagnose_bursts_add (EwTunnel *self, JsonArray *checks)
{
  EwPeerStatus status;
  if (!self->engine || self->peer < 0 || !ew_engine_get_peer (self->engine, self->peer_key, &status)
      || status.endpoint.kind != EW_ENDPOINT_UDP)
    return;
  if (status.damages_bursts)
    ew_checks_add (
      checks, "bursts", EW_CHECK_WARNING,
      N_ ("Upgrade this computer's kernel: Linux 7.0 to 7.1.4 damage bursts. Or run `sudo ethtool -K DEVICE "
          "tx-udp-segmentation off` for its network card, then disconnect and connect."),
      "Something on the way to the edge damages bursts of packets, so this computer sends each packet "
      "separately. Nothing is lost, but the tunnel uses more CPU.");
  if (self->edge_sends_singly)
    ew_checks_add (
      checks, "bursts-edge", EW_CHECK_WARNING,
      N_ ("Upgrade the kernel of the edge's host: Linux 7.0 to 7.1.4 damage bursts. Or run `sudo ethtool -K "
          "DEVICE tx-udp-segmentation off` there, for its network card."),
      "Something on the way from the edge damages bursts of packets, so the edge sends each packet "
      "separately. Nothing is lost, but the edge uses more CPU.");
  if (!status.damages_bursts && !self->edge_sends_singly)
    ew_checks_add (checks, "bursts", EW_CHECK_GOOD, NULL, "Bursts of packets arrive undamaged.");
}
