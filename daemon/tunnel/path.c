/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The largest packet for this network, in force: path-mtu.c's probes go out, what it finds goes to the interface, the
 * firewall and the edge.
 *
 *   edge answers, elsewhere or after another network ──→ search ──→ interface, MSS ← min (up, down), never below 1280
 *                                                          └─────→ the edge: what this node takes (down)
 *
 * The interface has the smaller of both ways, so that TCP's two ends never send what doesn't fit, although no router and
 * no firewall between the two lets an ICMP error pass. Below 1280 bytes, which IPv6 needs, only TCP's segments become
 * smaller; other packets are fragmented outside.
 */
#include "tunnel/tunnel-private.h"
#include "common/util.h"

static void on_deadline (gpointer user_data);

static gboolean
is_connected (EwTunnel *self)
{
  return self->engine && self->liveness.state == EW_LINK_CONNECTED;
}

static void
send_probe (EwTunnel *self, const EwPathProbe *probe)
{
  guint8 packet[EW_LINK_SIZE_MAX];
  const EwLinkMessage message = {
    .type = EW_LINK_SIZE_PROBE,
    .token = EW_LINK_TOKEN (self->instance, self->path.generation),
    .probe_size = probe->size,
    .answer_size = probe->answer,
    .takes = ew_path_mtu_get (&self->path, EW_PATH_DOWN),
  };
  const gsize size = ew_link_build (packet, &g_array_index (self->document->addresses, EwIp, 0),
                                    &g_array_index (self->document->service, EwIp, 0), &message);
  ew_engine_inject_whole (self->engine, self->peer_key, packet, size);
}

/* What passes both ways; document->mtu: everything, or unknown. */
static guint16
passes (EwTunnel *self)
{
  guint16 least = self->document->mtu;
  for (guint way = 0; way < EW_PATH_WAYS; way++)
    {
      const guint16 known = ew_path_mtu_get (&self->path, way);
      if (known != 0 && known < self->path.top)
        least = MIN (least, known);
    }
  return least;
}

guint16
ew_tunnel_get_mtu (EwTunnel *self)
{
  return MAX (passes (self), EW_TUNNEL_MTU_MIN);
}

guint16
ew_tunnel_get_segment_mtu (EwTunnel *self)
{
  return passes (self);
}

/* Networks. */

static EwPathMemory *
find_memory (EwTunnel *self)
{
  EwPathMemory *oldest = &self->path_memory[0];
  const EwFamily family = self->path_endpoint.remote.family;
  for (guint i = 0; i < EW_PATH_MEMORIES; i++)
    {
      EwPathMemory *memory = &self->path_memory[i];
      if (memory->network && memory->family == family && g_strcmp0 (memory->network, self->network) == 0)
        return memory;
      if (memory->used < oldest->used)
        oldest = memory;
    }
  g_free (oldest->network);
  *oldest = (EwPathMemory){ .network = g_strdup (self->network), .family = family };
  return oldest;
}

static void
remember (EwTunnel *self)
{
  EwPathMemory *memory = find_memory (self);
  memory->used = ew_boottime ();
  for (guint way = 0; way < EW_PATH_WAYS; way++)
    memory->known[way] = ew_path_mtu_get (&self->path, way);
}

/* What the machine said: sent, brought into force, waited for. */
static void
carry_out (EwTunnel *self, const EwPathProbes *probes)
{
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < probes->n; i++)
    send_probe (self, &probes->probes[i]);
  if (self->path.state == EW_PATH_CHECKING && self->path.telling)
    remember (self);
  if (!ew_tunnel_apply_mtu (self, &error))
    g_warning ("The tunnel's MTU couldn't be changed to %u: %s", ew_tunnel_get_mtu (self), error->message);
  if (!self->path_alarm)
    self->path_alarm = ew_alarm_new (on_deadline, self);
  ew_alarm_set (self->path_alarm, ew_path_mtu_deadline (&self->path));
}

static void
on_deadline (gpointer user_data)
{
  EwTunnel *self = user_data;
  EwPathProbes probes = { 0 };
  if (!is_connected (self))
    return;
  ew_path_mtu_tick (&self->path, ew_boottime (), &probes);
  carry_out (self, &probes);
}

/* TLS inside TCP takes packets of any size. */
static void
lift_limit (EwTunnel *self)
{
  EwPathProbes probes = { 0 };
  if (ew_path_mtu_get (&self->path, EW_PATH_DOWN) != 0)
    probes = (EwPathProbes){ .n = 1 };
  ew_path_mtu_stop (&self->path, TRUE);
  self->path.top = self->document->mtu;
  carry_out (self, &probes);
}

void
ew_tunnel_path_answered (EwTunnel *self)
{
  EwPathProbes probes = { 0 };
  EwPeerStatus status;
  if (!is_connected (self) || self->peer < 0 || !ew_engine_get_peer (self->engine, self->peer_key, &status))
    return;
  const gboolean same = ew_endpoint_same_remote (&status.endpoint, &self->path_endpoint);
  if (!self->path_wanted && same && self->path.top == self->document->mtu)
    return;
  self->path_wanted = FALSE;
  self->path_endpoint = status.endpoint;
  if (status.endpoint.kind != EW_ENDPOINT_UDP)
    {
      lift_limit (self);
      return;
    }
  ew_path_mtu_begin (&self->path, self->document->mtu, find_memory (self)->known, ew_boottime (), &probes);
  carry_out (self, &probes);
}

void
ew_tunnel_path_heard (EwTunnel *self, const EwLinkMessage *message)
{
  EwPathProbes probes = { 0 };
  if (!is_connected (self) || EW_LINK_INSTANCE (message->token) != self->instance)
    return;
  ew_path_mtu_answered (&self->path, (guint32)message->token, message->probe_size, message->answer_size, ew_boottime (),
                        &probes);
  carry_out (self, &probes);
}

void
ew_tunnel_path_busy (EwTunnel *self)
{
  EwPathProbes probes = { 0 };
  if (!is_connected (self))
    return;
  ew_path_mtu_busy (&self->path, ew_boottime (), &probes);
  carry_out (self, &probes);
}

void
ew_tunnel_path_lost (EwTunnel *self)
{
  self->path_wanted = TRUE;
  ew_path_mtu_stop (&self->path, FALSE);
  if (self->path_alarm)
    ew_alarm_set (self->path_alarm, G_MAXINT64);
}

void
ew_tunnel_path_stop (EwTunnel *self)
{
  ew_tunnel_path_lost (self);
  ew_path_mtu_stop (&self->path, TRUE);
}

void
ew_tunnel_path_free (EwTunnel *self)
{
  g_clear_pointer (&self->path_alarm, ew_alarm_free);
  for (guint i = 0; i < EW_PATH_MEMORIES; i++)
    g_free (self->path_memory[i].network);
}
