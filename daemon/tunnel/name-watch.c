/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge's name while the tunnel is idle. Probes notice within 30 s that the edge is elsewhere. A name whose answers
 * hold for less than that is meant to change at any moment (a home's dynamic address), so it's asked again when they have
 * expired: if the address in use isn't the name's any more, the edge is probed at once. If it answers there, it stays.
 *
 * Other names aren't asked: resolvers on the way would repeat the old answer. So for nearly every mesh nothing wakes up.
 */
#include "tunnel/tunnel-private.h"
#include "common/util.h"

#define SHORTEST_PAUSE (6 * (gint64)G_USEC_PER_SEC)
#define LONGEST_TTL ((guint32)(EW_LIVENESS_QUIET_PROBE / G_USEC_PER_SEC))

/* Where the edge is reached now. */
static gboolean
get_address (EwTunnel *self, EwIp *address)
{
  EwPeerStatus status;
  if (self->over_https)
    *address = self->dialed_to.remote;
  else if (self->peer >= 0 && ew_engine_get_peer (self->engine, self->peer_key, &status)
           && status.endpoint.kind == EW_ENDPOINT_UDP)
    *address = status.endpoint.remote;
  else
    return FALSE;
  return address->family != EW_FAMILY_NONE;
}

static gboolean
has_address (EwKeystore *cache, const gchar *host, const EwIp *address)
{
  EwIp ip;
  for (const gchar *const *known = ew_keystore_get_addresses (cache, host); known && *known; known++)
    if (ew_ip_parse (*known, &ip) && ew_ip_equal (&ip, address))
      return TRUE;
  return FALSE;
}

/* The name that led to the address in use; NULL: none did. (transfer full) */
static gchar *
find_name (EwTunnel *self, EwIp *address)
{
  const EwDocumentEdge *edge = ew_tunnel_get_edge (self);
  if (!edge || !get_address (self, address))
    return NULL;
  for (gchar **text = edge->endpoints; *text; text++)
    {
      g_autofree gchar *host = NULL;
      guint16 port;
      EwIp ip;
      if (ew_host_port_parse (*text, &host, &port, NULL) && !ew_ip_parse (host, &ip)
          && has_address (self->keystore, host, address))
        return g_steal_pointer (&host);
    }
  return NULL;
}

static gboolean
contains (const GArray *ips, const EwIp *ip)
{
  for (guint i = 0; i < ips->len; i++)
    if (ew_ip_equal (&g_array_index (ips, EwIp, i), ip))
      return TRUE;
  return FALSE;
}

static gboolean
is_connected (EwTunnel *self)
{
  return self->engine && self->document && self->liveness.state == EW_LINK_CONNECTED;
}

static void
on_name_expired (gpointer user_data)
{
  EwTunnel *self = user_data;
  if (is_connected (self))
    ew_tunnel_watch_name (self);
}

static void
on_name_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwTunnel) self = user_data;
  g_autoptr (EwOutsideAnswer) answer = ew_outside_resolver_ask_finish (result);
  EwIp address;
  self->asking_name = FALSE;
  if (!answer || answer->ttl > LONGEST_TTL || !is_connected (self) || !get_address (self, &address))
    return;
  const gboolean same = contains (answer->ips, &address);
  const gint64 pause = same ? MAX (answer->ttl * (gint64)G_USEC_PER_SEC, SHORTEST_PAUSE) : EW_LIVENESS_QUIET_PROBE;
  if (!self->name_alarm)
    self->name_alarm = ew_alarm_new (on_name_expired, self);
  ew_alarm_set (self->name_alarm, ew_boottime () + pause);
  if (same)
    return;
  g_debug ("the edge's name has another address");
  ew_tunnel_event (self, EW_LIVENESS_DOUBT);
}

void
ew_tunnel_watch_name (EwTunnel *self)
{
  EwIp address;
  g_autofree gchar *name = self->outside && !self->asking_name ? find_name (self, &address) : NULL;
  if (!name)
    return;
  self->asking_name = TRUE;
  ew_outside_resolver_ask_async (self->outside, name, address.family, self->life, on_name_asked, g_object_ref (self));
}

void
ew_tunnel_unwatch_name (EwTunnel *self)
{
  g_clear_pointer (&self->name_alarm, ew_alarm_free);
}
