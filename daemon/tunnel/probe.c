/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link protocol's node side (proto/link.h): probes from this node's first address to the edge's service address,
 * through the tunnel.
 */
#include "tunnel/live-check.h"
#include "tunnel/tunnel-private.h"
#include "common/util.h"
#include <string.h>

static void
send_link (EwTunnel *self, EwLinkMessage *message)
{
  guint8 packet[EW_LINK_PACKET_MAX];
  message->revision = self->document->revision;
  size_t size = ew_link_build (packet, &g_array_index (self->document->addresses, EwIp, 0),
                               &g_array_index (self->document->service, EwIp, 0), message);
  ew_engine_inject (self->engine, self->peer_key, packet, size);
}

void
ew_tunnel_probe (EwTunnel *self)
{
  if (self->peer < 0)
    return;
  EwSentProbe *probe = &self->probes[self->next_probe++ % EW_PROBES_KEPT];
  guint32 random;
  while (self->instance == 0)
    ew_random (&self->instance, sizeof self->instance);
  ew_random (&random, sizeof random);
  probe->token = EW_LINK_TOKEN (self->instance, random);
  probe->sent_ns = (guint64)ew_boottime () * 1000;
  EwLinkMessage message
    = { .type = EW_LINK_PROBE, .token = probe->token, .stamp_ns = probe->sent_ns, .flags = EW_LINK_COUNTS };
  send_link (self, &message);
}

void
ew_tunnel_goodbye (EwTunnel *self)
{
  EwLinkMessage message = { .type = EW_LINK_GOODBYE };
  if (self->peer >= 0)
    send_link (self, &message);
}

static const EwSentProbe *
find_probe (EwTunnel *self, guint64 token)
{
  for (guint i = 0; i < EW_PROBES_KEPT; i++)
    if (self->probes[i].sent_ns && self->probes[i].token == token)
      return &self->probes[i];
  return NULL;
}

/* The same network here and the same address of the edge: it was a NAT in between. */
static gboolean
was_forgotten (EwTunnel *self, const EwLinkMessage *answer)
{
  EwPeerStatus status;
  return (answer->flags & EW_LINK_MOVED) && self->liveness.state == EW_LINK_CONNECTED && self->probe_answered
         && self->probe_answered > self->network_since && self->peer >= 0
         && ew_engine_get_peer (self->engine, self->peer_key, &status) && status.endpoint.kind == EW_ENDPOINT_UDP
         && ew_endpoint_same_remote (&status.endpoint, &self->answered);
}

static void
heard_answer (EwTunnel *self, const EwHeard *heard)
{
  const EwSentProbe *probe = find_probe (self, heard->message.token);
  if (!probe)
    return;
  gint64 sent = (gint64)(probe->sent_ns / 1000);
  self->rtt_us = MAX ((gint64)(heard->now_ns / 1000) - sent, 0);
  EwRevision revision = heard->message.revision;
  EwNodeProblem problem = heard->message.problem;
  self->edge_sends_singly = (heard->message.flags & EW_LINK_SINGLY) != 0;
  if (was_forgotten (self, &heard->message))
    {
      g_debug ("a NAT on the way had forgotten this computer");
      ew_tunnel_event (self, EW_LIVENESS_MOVED);
    }
  self->probe_answered = sent;
  ew_tunnel_ping_heard (self, heard);
  ew_live_check_answered (self, sent);
  ew_tunnel_event (self, EW_LIVENESS_ANSWER);
  ew_tunnel_mode_probe_returned (self, sent);
  if (self->engine)
    ew_tunnel_heard_problem (self, problem);
  if (self->engine)
    ew_tunnel_heard_revision (self, revision);
}

void
ew_tunnel_heard (const EwHeard *heard, gpointer user_data)
{
  EwTunnel *self = user_data;
  if (!self->engine)
    return;
  if (heard->kind == EW_HEARD_BUSY)
    ew_tunnel_event (self, EW_LIVENESS_BUSY);
  else if (heard->kind == EW_HEARD_ECHO)
    ew_tunnel_ping_heard (self, heard);
  else if (heard->message.type == EW_LINK_ANSWER)
    heard_answer (self, heard);
  else if (heard->message.type == EW_LINK_SIZE_ANSWER)
    ew_tunnel_path_heard (self, &heard->message);
  else if (heard->message.type == EW_LINK_NOTICE)
    ew_tunnel_heard_revision (self, heard->message.revision);
}
