/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The main context's side of probes (probe.h): they are sent to whichever node the target's address leads to now.
 */
#include "edge/switch/switch-private.h"

#include "common/util.h"

typedef struct
{
  EwSwitch *self;
  gint probe;
  guint8 buffers[2][EW_HEADROOM + EW_PROBE_PACKET_MAX + EW_TAILROOM];
} Call;

static void
send_probe (EwDevice *device, const EwTime *time, void *data)
{
  Call *call = data;
  EwSwitch *self = call->self;
  const EwProbeTarget *target = &self->probed[call->probe];
  EwPeer *peer = ew_device_lookup (device, &target->ip);
  const EwRouterNode *node = peer != NULL ? ew_peer_get_user_data (peer) : NULL;
  const EwIp *from = &self->router.service[target->ip.family == EW_FAMILY_V6];

  if (node == NULL || !ew_peer_has_endpoint (peer))
    {
      ew_switch_probe_settle (&self->router.probes, call->probe, EW_PROBE_UNREACHABLE);
      return;
    }
  ew_switch_probe_set_node (&self->router.probes, call->probe, node);
  for (guint part = 0; part < G_N_ELEMENTS (call->buffers); part++)
    {
      EwPacket packet = { .data = call->buffers[part] + EW_HEADROOM, .room = EW_TAILROOM };

      packet.len = ew_switch_probe_build (&self->router.probes, call->probe, part, from, &target->ip, target->protocol,
                                          target->port, packet.data);
      if (packet.len > 0)
        ew_peer_send (peer, &packet, 1, time);
    }
}

void
ew_switch_repeat_probe (EwSwitch *self, gint probe)
{
  Call call = { .self = self, .probe = probe };

  ew_engine_call (self->engine, send_probe, &call);
}

gint
ew_switch_start_probe (EwSwitch *self, const EwIp *target, guint8 protocol, guint16 port)
{
  guint32 secret;

  ew_random (&secret, sizeof secret);
  const gint probe = ew_switch_probe_take (&self->router.probes, secret);
  if (probe < 0)
    return probe;
  self->probed[probe] = (EwProbeTarget){ .ip = *target, .protocol = protocol, .port = port };
  ew_switch_repeat_probe (self, probe);
  return probe;
}

EwProbeState
ew_switch_get_probe (EwSwitch *self, gint probe)
{
  return ew_switch_probe_get (&self->router.probes, probe);
}

void
ew_switch_end_probe (EwSwitch *self, gint probe)
{
  ew_switch_probe_free (&self->router.probes, probe);
}
