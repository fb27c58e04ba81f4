/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/uapi-device.h"
#include "engine/engine-private.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

/* Upper bounds of what is written, so that a string with keys in it is never reallocated, which would leave a copy in
   memory. */
#define STATE_DEVICE_BYTES 512
#define STATE_PEER_BYTES 640
#define STATE_ALLOWED_IP_BYTES (sizeof "allowed_ip=\n" + EW_PREFIX_STRLEN)

/* get */

typedef struct
{
  EwPeerStatus status;
  guint8 preshared_key[EW_KEY_SIZE];
  guint16 keepalive;
  guint n_allowed_ips;
} PeerState;

typedef struct
{
  const EwTime *time;
  GArray *peers;       /* PeerState */
  GArray *allowed_ips; /* EwPrefix of all peers, one after the other */
} DeviceState;

static void
read_allowed_ip (const EwPrefix *prefix, void *data)
{
  DeviceState *state = data;

  g_array_append_val (state->allowed_ips, *prefix);
}

static void
read_peer (EwPeer *peer, void *data)
{
  DeviceState *state = data;
  guint before = state->allowed_ips->len;
  PeerState out = { .keepalive = ew_peer_get_keepalive (peer) };

  ew_engine_read_peer (peer, state->time, &out.status);
  ew_peer_get_preshared_key (peer, out.preshared_key);
  ew_peer_foreach_allowed_ip (peer, read_allowed_ip, state);
  out.n_allowed_ips = state->allowed_ips->len - before;
  g_array_append_val (state->peers, out);
  explicit_bzero (&out, sizeof out);
}

static void
read_device (EwDevice *device, const EwTime *time, void *data)
{
  DeviceState *state = data;

  state->time = time;
  state->peers = g_array_sized_new (FALSE, FALSE, sizeof (PeerState), (guint)ew_device_count_peers (device));
  state->allowed_ips = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  ew_device_foreach_peer (device, read_peer, state);
}

static void
append_key (GString *out, const char *name, const guint8 key[EW_KEY_SIZE])
{
  static const char digits[] = "0123456789abcdef";

  g_string_append (out, name);
  g_string_append_c (out, '=');
  for (gsize i = 0; i < EW_KEY_SIZE; i++)
    {
      g_string_append_c (out, digits[key[i] >> 4]);
      g_string_append_c (out, digits[key[i] & 15]);
    }
  g_string_append_c (out, '\n');
}

static void
append_endpoint (GString *out, const EwEndpoint *endpoint)
{
  char text[EW_ENDPOINT_STRLEN], ip[EW_IP_STRLEN], zone[IF_NAMESIZE];

  if (endpoint->kind == EW_ENDPOINT_UDP && endpoint->scope != 0 && if_indextoname (endpoint->scope, zone) != NULL)
    {
      ew_ip_format (&endpoint->remote, ip);
      g_string_append_printf (out, "endpoint=[%s%%%s]:%u\n", ip, zone, endpoint->remote_port);
    }
  else if (endpoint->kind == EW_ENDPOINT_UDP || endpoint->kind == EW_ENDPOINT_STREAM)
    {
      ew_endpoint_format (endpoint, text);
      g_string_append_printf (out, "endpoint=%s\n", text);
    }
}

static void
append_peer (GString *out, const PeerState *peer, const EwPrefix *allowed_ips)
{
  const EwPeerStats *stats = &peer->status.stats;
  char text[EW_PREFIX_STRLEN];

  append_key (out, "public_key", peer->status.public_key);
  append_key (out, "preshared_key", peer->preshared_key);
  g_string_append (out, "protocol_version=1\n");
  append_endpoint (out, &peer->status.endpoint);
  g_string_append_printf (
    out,
    "last_handshake_time_sec=%" G_GUINT64_FORMAT "\nlast_handshake_time_nsec=%" G_GUINT64_FORMAT
    "\ntx_bytes=%" G_GUINT64_FORMAT "\nrx_bytes=%" G_GUINT64_FORMAT "\npersistent_keepalive_interval=%u\n",
    stats->last_handshake_realtime_ns / 1000000000, stats->last_handshake_realtime_ns % 1000000000, stats->tx_bytes,
    stats->rx_bytes, peer->keepalive);
  for (guint i = 0; i < peer->n_allowed_ips; i++)
    {
      ew_prefix_format (&allowed_ips[i], text);
      g_string_append_printf (out, "allowed_ip=%s\n", text);
    }
}

static void
append_device (GString *out, EwEngine *engine)
{
  static const guint8 zero[EW_KEY_SIZE];
  guint8 private_key[EW_KEY_SIZE];

  ew_engine_get_private_key (engine, private_key);
  if (memcmp (private_key, zero, sizeof zero) != 0)
    append_key (out, "private_key", private_key);
  explicit_bzero (private_key, sizeof private_key);
  g_string_append_printf (out, "listen_port=%u\n", ew_engine_get_listen_port (engine));
  if (ew_engine_get_fwmark (engine) != 0)
    g_string_append_printf (out, "fwmark=%u\n", ew_engine_get_fwmark (engine));
}

GString *
ew_uapi_state_new (EwEngine *engine)
{
  DeviceState state = { 0 };
  guint position = 0;

  ew_engine_call (engine, read_device, &state);
  GString *out = g_string_sized_new (STATE_DEVICE_BYTES + state.peers->len * (gsize)STATE_PEER_BYTES
                                     + state.allowed_ips->len * STATE_ALLOWED_IP_BYTES);
  append_device (out, engine);
  for (guint i = 0; i < state.peers->len; i++)
    {
      const PeerState *peer = &g_array_index (state.peers, PeerState, i);
      const EwPrefix *allowed_ips
        = peer->n_allowed_ips > 0 ? &g_array_index (state.allowed_ips, EwPrefix, position) : NULL;
      append_peer (out, peer, allowed_ips);
      position += peer->n_allowed_ips;
    }
  if (state.peers->len > 0)
    explicit_bzero (state.peers->data, state.peers->len * sizeof (PeerState));
  g_array_unref (state.peers);
  g_array_unref (state.allowed_ips);
  return out;
}

void
ew_uapi_state_free (GString *state)
{
  explicit_bzero (state->str, state->allocated_len);
  g_string_free (state, TRUE);
}

/* set */

static void
collect_peer (EwPeer *peer, void *data)
{
  g_ptr_array_add (data, peer);
}

static void
remove_all_peers (EwDevice *device)
{
  g_autoptr (GPtrArray) peers = g_ptr_array_new ();

  ew_device_foreach_peer (device, collect_peer, peers);
  for (guint i = 0; i < peers->len; i++)
    ew_peer_remove (g_ptr_array_index (peers, i));
}

static void
forget_prefix (GArray *prefixes, const EwPrefix *prefix)
{
  for (guint i = prefixes->len; i > 0; i--)
    if (ew_prefix_equal (&g_array_index (prefixes, EwPrefix, i - 1), prefix))
      g_array_remove_index (prefixes, i - 1);
}

/* The peer never loses, even briefly, what it had and keeps. */
static void
replace_allowed_ips (EwPeer *peer, const EwUapiPeer *wish)
{
  g_autoptr (GArray) prefixes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));

  for (guint i = 0; i < wish->allowed_ips->len; i++)
    {
      const EwUapiAllowedIp *allowed = &g_array_index (wish->allowed_ips, EwUapiAllowedIp, i);
      if (allowed->remove)
        forget_prefix (prefixes, &allowed->prefix);
      else
        g_array_append_val (prefixes, allowed->prefix);
    }
  ew_peer_set_allowed_ips (peer, (const EwPrefix *)prefixes->data, prefixes->len);
}

static void
apply_allowed_ips (EwPeer *peer, const EwUapiPeer *wish)
{
  if (wish->replace_allowed_ips)
    {
      replace_allowed_ips (peer, wish);
      return;
    }
  for (guint i = 0; i < wish->allowed_ips->len; i++)
    {
      const EwUapiAllowedIp *allowed = &g_array_index (wish->allowed_ips, EwUapiAllowedIp, i);
      if (allowed->remove)
        ew_peer_remove_allowed_ip (peer, &allowed->prefix);
      else
        ew_peer_add_allowed_ip (peer, &allowed->prefix);
    }
}

static void
apply_peer (EwDevice *device, const EwTime *time, const EwUapiPeer *wish)
{
  EwPeer *peer = ew_device_find_peer (device, wish->public_key);

  if (wish->remove)
    {
      if (peer != NULL)
        ew_peer_remove (peer);
      return;
    }
  if (peer == NULL && !wish->update_only)
    peer = ew_device_add_peer (device, wish->public_key);
  if (peer == NULL)
    return; /* unknown and not to be added, or the device's own key: skipped, as in other implementations */
  if (wish->has_preshared_key)
    ew_peer_set_preshared_key (peer, wish->preshared_key);
  apply_allowed_ips (peer, wish);
  if (wish->endpoint.kind != EW_ENDPOINT_NONE)
    ew_peer_set_endpoint (peer, &wish->endpoint);
  if (wish->has_keepalive)
    ew_peer_set_keepalive (peer, wish->keepalive, time);
}

/* A device isn't a peer of itself. */
static void
remove_self (EwDevice *device)
{
  guint8 public_key[EW_KEY_SIZE];

  ew_device_get_public_key (device, public_key);
  EwPeer *peer = ew_device_find_peer (device, public_key);
  if (peer != NULL)
    ew_peer_remove (peer);
}

static void
apply_peers (EwDevice *device, const EwTime *time, void *data)
{
  const EwUapiRequest *request = data;

  if (request->replace_peers)
    remove_all_peers (device);
  if (request->has_private_key)
    remove_self (device);
  for (guint i = 0; i < request->peers->len; i++)
    apply_peer (device, time, g_ptr_array_index (request->peers, i));
}

static int
errno_of (const GError *error)
{
  switch (error->code)
    {
    case EW_ENGINE_ERROR_PORT_IN_USE:
      return -EADDRINUSE;
    case EW_ENGINE_ERROR_PRIVILEGE:
      return -EPERM;
    default:
      return -EIO;
    }
}

int
ew_uapi_apply (EwEngine *engine, const EwUapiRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (request->has_listen_port && !ew_engine_set_listen_port (engine, request->listen_port, &error))
    return errno_of (error);
  if (request->has_fwmark && !ew_engine_set_fwmark (engine, request->fwmark, &error))
    return errno_of (error);
  if (request->has_private_key)
    ew_engine_set_private_key (engine, request->private_key);
  if (request->has_private_key || request->replace_peers || request->peers->len > 0)
    ew_engine_call (engine, apply_peers, (void *)request);
  return 0;
}
