/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/diagnose-way.h"
#include "tunnel/tunnel-private.h"
#include "common/checks.h"
#include "common/error.h"
#include "common/phrase.h"

void
ew_tunnel_diagnose_proxy_add (EwTunnel *self, JsonArray *checks, gboolean away, const GError *error, gboolean works)
{
  g_autofree gchar *place = ew_tunnel_find_proxy (self);
  const EwCheckResult bad = works ? EW_CHECK_WARNING : EW_CHECK_BAD;

  if (place == NULL)
    return;
  if (!away)
    ew_checks_add (checks, "proxy", EW_CHECK_GOOD, NULL, "The HTTP proxy %s leads to the edge.", place);
  else if (error == NULL)
    ew_checks_add (checks, "proxy", bad, N_ ("Check the proxy's address: `edgewayctl proxy`."),
                   "The HTTP proxy %s doesn't answer in time.", place);
  else if (g_error_matches (error, EW_ERROR, EW_ERROR_PROXY_PASSWORD))
    ew_checks_add (checks, "proxy", bad, N_ ("Store them: `sudo edgewayctl proxy password`."), "%s", error->message);
  else
    ew_checks_add (
      checks, "proxy", bad,
      N_ ("Check the proxy's address: `edgewayctl proxy`. Ask whoever runs it to allow CONNECT to the edge's "
          "port."),
      "%s", error->message);
}

void
ew_tunnel_diagnose_udp_add (const EwLiveCheck *live, JsonArray *checks)
{
  char endpoint[EW_ENDPOINT_STRLEN];
  g_autofree gchar *fix = NULL;

  if (live->handshake_us < 0 || live->endpoint.kind != EW_ENDPOINT_STREAM)
    return;
  ew_endpoint_format (&live->udp, endpoint);
  if (live->refused)
    {
      fix = ew_phrase ("Allow outgoing UDP to %s in this computer's own firewall.", endpoint);
      ew_checks_add (
        checks, "udp-blocked", EW_CHECK_WARNING, fix,
        "This computer's own firewall blocks packets to the edge at %s (UDP), so the tunnel takes the slower way, "
        "https.",
        endpoint);
      return;
    }
  fix = ew_phrase ("Allow UDP port %u in every firewall on the way: first on the edge's host, then in this network.",
                   live->udp.remote_port);
  if (live->udp_error)
    ew_checks_add (
      checks, "udp-blocked", EW_CHECK_WARNING, fix,
      "Something on the way refuses packets to the edge at %s (UDP: %s), so the tunnel takes the slower way, "
      "https.",
      endpoint, g_strerror (live->udp_error));
  else
    ew_checks_add (
      checks, "udp-blocked", EW_CHECK_WARNING, fix,
      "Packets to the edge at %s (UDP) have no answer: something on the way drops them, so the tunnel takes the "
      "slower way, https.",
      endpoint);
}
