/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's peer: the edge in use, at one of the addresses that it may have (endpoints.h).
 */
#include "tunnel/tunnel-private.h"
#include "common/util.h"
#include <string.h>

const EwCandidate *
ew_tunnel_get_candidate (const EwTunnel *self)
{
  return self->candidate < self->candidates->len ? &g_array_index (self->candidates, EwCandidate, self->candidate)
                                                 : NULL;
}

void
ew_tunnel_set_peer (EwTunnel *self, const EwPlan *plan, const EwEndpoint *endpoint)
{
  EwPeerConfig config
    = { .allowed_ips = (const EwPrefix *)plan->allowed_ips->data, .n_allowed_ips = plan->allowed_ips->len };
  memcpy (config.public_key, self->peer_key, sizeof config.public_key);
  if (endpoint)
    config.endpoint = *endpoint;
  if (self->peer >= 0 && !ew_engine_set_peer (self->engine, &config))
    g_warning ("The edge's public key is this computer's own, so the edge's list is wrong.");
}

void
ew_tunnel_use_candidate (EwTunnel *self)
{
  const EwCandidate *to = ew_tunnel_get_candidate (self);
  if (!to)
    return;
  const EwDocumentEdge *edge = self->document->edges->pdata[to->edge];
  if (self->peer >= 0 && memcmp (self->peer_key, edge->public_key, sizeof self->peer_key) != 0)
    ew_engine_remove_peer (self->engine, self->peer_key);
  self->peer = (gint)to->edge;
  memcpy (self->peer_key, edge->public_key, sizeof self->peer_key);
  if (self->plan)
    ew_tunnel_set_peer (self, self->plan, &to->endpoint);
}

void
ew_tunnel_begin_handshake (EwTunnel *self, const EwPlan *plan)
{
  const EwCandidate *to = ew_tunnel_get_candidate (self);
  if (!to || self->peer < 0 || self->state == EW_STATE_ERROR)
    return;
  ew_tunnel_set_peer (self, plan, &to->endpoint);
  ew_engine_initiate (self->engine, self->peer_key, TRUE);
  self->greeted = TRUE;
}

void
ew_tunnel_next_candidate (EwTunnel *self, gboolean keep)
{
  guint n = self->candidates->len;
  self->no_route = TRUE;
  for (guint i = keep ? 0 : 1; i < n + (keep ? 0 : 1); i++)
    {
      guint index = (self->candidate + i) % n;
      if (!ew_endpoint_has_route (&g_array_index (self->candidates, EwCandidate, index).endpoint, EW_HOST_FWMARK))
        continue;
      self->candidate = index;
      self->no_route = FALSE;
      break;
    }
}

const EwIp *
ew_tunnel_get_inside (EwTunnel *self, guint16 *port)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  const EwIp *service = NULL;
  g_autofree gchar *host = NULL;
  for (guint i = 0; edge && i < self->document->service->len && !service; i++)
    {
      const EwIp *ip = &g_array_index (self->document->service, EwIp, i);
      for (guint j = 0; self->plan && j < self->plan->addresses->len; j++)
        if (g_array_index (self->plan->addresses, EwIp, j).family == ip->family)
          service = ip;
    }
  if (!service || !edge->api[0] || !ew_host_port_parse (edge->api[0] + strlen ("https://"), &host, port, NULL))
    return NULL;
  return service;
}

void
ew_tunnel_lead_inside (EwTunnel *self, gboolean works)
{
  guint16 port = 0;
  const EwIp *service = works ? ew_tunnel_get_inside (self, &port) : NULL;
  ew_client_set_inside (self->client, service, port);
}

void
ew_tunnel_edges_changed (EwTunnel *self)
{
  EwEndpoint in_use = { 0 };
  gboolean had = ew_tunnel_get_candidate (self) != NULL;
  if (had)
    in_use = ew_tunnel_get_candidate (self)->endpoint;
  g_array_unref (self->candidates);
  self->candidates = ew_candidates_new (self->document, self->keystore);
  self->candidate = 0;
  for (guint i = 0; i < self->candidates->len; i++)
    {
      const EwCandidate *at = &g_array_index (self->candidates, EwCandidate, i);
      /* One that the document doesn't have is left for one that it has. */
      if (ew_endpoint_same_remote (&at->endpoint, &in_use)
          && (!at->remembered || g_array_index (self->candidates, EwCandidate, 0).remembered))
        self->candidate = i;
    }
  gboolean stays
    = had && ew_tunnel_get_candidate (self)
      && ew_endpoint_same_remote (&ew_tunnel_get_candidate (self)->endpoint, &in_use)
      && memcmp (((EwDocumentEdge *)self->document->edges->pdata[ew_tunnel_get_candidate (self)->edge])->public_key,
                 self->peer_key, 32)
           == 0;
  if (stays)
    {
      self->peer = (gint)ew_tunnel_get_candidate (self)->edge;
      return;
    }
  ew_tunnel_use_candidate (self);
  if (self->plan)
    ew_tunnel_event (self, EW_LIVENESS_NETWORK);
}
