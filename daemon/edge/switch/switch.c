/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/switch-private.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "common/util.h"

#define DEFAULT_MTU 1420

/* Nodes. */

static guint
hash_key (gconstpointer key)
{
  guint32 word; /* keys are curve points: any four bytes serve as a hash */

  memcpy (&word, key, sizeof word);
  return word;
}

static gboolean
equal_key (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, EW_KEY_SIZE) == 0;
}

static void
node_free (gpointer data)
{
  SwitchNode *node = data;

  g_array_unref (node->addresses);
  g_array_unref (node->routes);
  g_free (node->id);
  g_free (node);
}

static SwitchNode *
node_new (const EwSwitchNode *given)
{
  SwitchNode *node = g_new0 (SwitchNode, 1);

  node->id = g_strdup (given->id);
  memcpy (node->public_key, given->public_key, EW_KEY_SIZE);
  node->addresses = g_array_new (FALSE, TRUE, sizeof (EwIp));
  node->routes = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  node->endpoint = given->endpoint;
  node->reported = given->endpoint;
  node->due_ns = G_MAXUINT64;
  node->router.id = node->id;
  node->router.owner = node;
  return node;
}

static gboolean
same_prefixes (const SwitchNode *node, const EwSwitchNode *given)
{
  if (node->addresses->len != given->n_addresses || node->routes->len != given->n_routes)
    return FALSE;
  for (gsize i = 0; i < given->n_addresses; i++)
    if (!ew_ip_equal (&given->addresses[i], &g_array_index (node->addresses, EwIp, i)))
      return FALSE;
  for (gsize i = 0; i < given->n_routes; i++)
    if (!ew_prefix_equal (&given->routes[i], &g_array_index (node->routes, EwPrefix, i)))
      return FALSE;
  return TRUE;
}

typedef struct
{
  SwitchNode *node;
  EwPeer *peer;
} FindPeer;

static void
find_peer (EwDevice *device, const EwTime *time, void *data)
{
  FindPeer *find = data;

  find->peer = ew_device_find_peer (device, find->node->public_key);
}

/* Tells the engine. An endpoint is given to a new peer only: what the engine has learnt since is newer than any file.
 */
static gboolean
set_peer (EwSwitch *self, SwitchNode *node, const EwSwitchNode *given, gboolean is_new)
{
  g_autoptr (GArray) prefixes = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  EwPeerConfig config = { .user_data = &node->router };
  FindPeer find = { .node = node };

  for (gsize i = 0; i < given->n_addresses; i++)
    {
      const EwPrefix prefix = ew_prefix_from_ip (&given->addresses[i]);

      g_array_append_val (prefixes, prefix);
    }
  if (given->n_routes > 0)
    g_array_append_vals (prefixes, given->routes, (guint)given->n_routes);
  memcpy (config.public_key, given->public_key, EW_KEY_SIZE);
  config.allowed_ips = (const EwPrefix *)prefixes->data;
  config.n_allowed_ips = prefixes->len;
  if (is_new)
    config.endpoint = given->endpoint;
  if (!ew_engine_set_peer (self->engine, &config))
    return FALSE;
  if (self->flows != NULL)
    ew_switch_flow_table_invalidate (self->flows);
  ew_engine_call (self->engine, find_peer, &find);
  node->peer = find.peer;
  g_array_set_size (node->addresses, 0);
  g_array_set_size (node->routes, 0);
  if (given->n_addresses > 0)
    g_array_append_vals (node->addresses, given->addresses, (guint)given->n_addresses);
  if (given->n_routes > 0)
    g_array_append_vals (node->routes, given->routes, (guint)given->n_routes);
  return node->peer != NULL;
}

static void
add_node (EwSwitch *self, const EwSwitchNode *given)
{
  SwitchNode *node = node_new (given);
  const SwitchNode *other = g_hash_table_lookup (self->by_key, node->public_key);

  if (other != NULL)
    {
      g_warning ("node %s has the WireGuard key of node %s and is left out of the switch", given->id, other->id);
      node_free (node);
      return;
    }
  node->plain = given->plain;
  node->revision = given->revision;
  atomic_store (&node->router.revision, given->revision.hash);
  atomic_store (&node->router.mtu, given->mtu);
  if (!set_peer (self, node, given, TRUE))
    {
      g_warning ("node %s has a WireGuard key that can't be a node's and is left out of the switch", given->id);
      node_free (node);
      return;
    }
  node->index = self->order->len;
  g_ptr_array_add (self->order, node);
  g_hash_table_insert (self->by_key, node->public_key, node);
  g_hash_table_insert (self->nodes, node->id, node);
}

void
ew_switch_set_node (EwSwitch *self, const EwSwitchNode *given)
{
  SwitchNode *node = g_hash_table_lookup (self->nodes, given->id);

  if (node != NULL
      && !equal_key (node->public_key, given->public_key)) /* enrolled again: another computer for the tunnel */
    {
      ew_switch_remove_node (self, given->id);
      node = NULL;
    }
  if (node == NULL)
    {
      add_node (self, given);
      return;
    }
  if (!same_prefixes (node, given) && !set_peer (self, node, given, FALSE))
    g_warning ("the addresses of node %s couldn't be changed", given->id);
  node->plain = given->plain;
  atomic_store (&node->router.mtu, given->mtu);
  if (ew_revision_equal (node->revision, given->revision))
    return;
  node->revision = given->revision;
  atomic_store (&node->router.revision, given->revision.hash);
  ew_switch_monitor_notify (self, node);
}

void
ew_switch_remove_node (EwSwitch *self, const gchar *id)
{
  SwitchNode *node = g_hash_table_lookup (self->nodes, id);

  if (node == NULL)
    return;
  ew_engine_remove_peer (self->engine, node->public_key);
  if (self->flows != NULL)
    {
      ew_switch_flow_table_forget (self->flows, &node->router.flows);
      ew_switch_flow_table_invalidate (self->flows);
    }
  ew_switch_services_forget (self, node);
  g_hash_table_remove (self->by_key, node->public_key);
  g_ptr_array_remove_index_fast (self->order, node->index);
  if (node->index < self->order->len)
    ((SwitchNode *)g_ptr_array_index (self->order, node->index))->index = node->index;
  ew_switch_monitor_removed (self, node);
  self->dropped_source += node->dropped_source;
  g_hash_table_remove (self->nodes, id);
}

static void
read_counters (const SwitchNode *node, EwSwitchNodeStatus *out)
{
  const EwRouterCounters *counters = &node->router.counters;

  out->forwarded_packets = atomic_load (&counters->forwarded_packets);
  out->forwarded_bytes = atomic_load (&counters->forwarded_bytes);
  out->exit_packets = atomic_load (&counters->exit_packets);
  out->received_packets = atomic_load (&node->router.received_packets);
  out->received_bytes = atomic_load (&node->router.received_bytes);
  out->dropped_policy = atomic_load (&counters->dropped_policy);
  out->dropped_no_route = atomic_load (&counters->dropped_no_route);
  out->dropped_ttl = atomic_load (&counters->dropped_ttl);
  out->dropped_too_big = atomic_load (&counters->dropped_too_big);
  out->dropped_source = atomic_load (&counters->dropped_source) + node->dropped_source;
}

/* Not where its clock is behind: only its timestamps show that, and when it has been set. */
static guint64
get_handshake_floor (const SwitchNode *node, guint64 now)
{
  const guint64 realtime = (guint64)g_get_real_time () * 1000;

  if (!ew_switch_identity_is_refused (&node->identity, now) || node->problem == EW_NODE_PROBLEM_CLOCK_BEHIND
      || node->refused_timestamp_ns + EW_IDENTITY_CLOCK_BEHIND_S * EW_SECOND_NS < realtime)
    return 0;
  return node->latest_timestamp_ns;
}

gboolean
ew_switch_get_node (EwSwitch *self, const gchar *id, EwSwitchNodeStatus *out)
{
  const SwitchNode *node = g_hash_table_lookup (self->nodes, id);
  const guint64 now = ew_switch_now_ns ();
  guint64 silence;

  if (node == NULL)
    return FALSE;
  ew_switch_monitor_refresh (self, node);
  silence = now - MIN (now, node->presence.last_rx_ns);
  *out = (EwSwitchNodeStatus){
    .online = node->online,
    .last_seen_us = node->presence.last_rx_ns != 0 ? g_get_real_time () - (gint64)(silence / 1000) : 0,
    .last_handshake_us = (gint64)(node->last_handshake_realtime_ns / 1000),
    .rx_bytes = node->rx_bytes,
    .tx_bytes = node->tx_bytes,
    .rtt_ms = ew_switch_presence_get_rtt (atomic_load_explicit (&node->router.rtt_ns, memory_order_acquire),
                                          atomic_load_explicit (&node->router.rtt_at_ns, memory_order_acquire), now),
    .endpoint = node->endpoint,
    .former_endpoint = node->identity.former,
    .problem = node->problem,
    .clock_behind_s = node->identity.behind_s,
    .refused = ew_switch_identity_is_refused (&node->identity, now),
    .handshake_floor_ns = get_handshake_floor (node, now),
  };
  read_counters (node, out);
  return TRUE;
}

/* The data thread's settings. */

/* The call itself does nothing: after it no data thread is using what it used before. */
static void
pass_by (EwDevice *device, const EwTime *time, void *data)
{
}

void
ew_switch_set_verdict (EwSwitch *self, EwSwitchVerdict verdict, gpointer user_data)
{
  EwRouterPolicy *policy = NULL, *old = self->policy;
  guint64 seed;

  if (verdict != NULL && self->flows == NULL)
    {
      ew_random (&seed, sizeof seed);
      self->flows = ew_switch_flow_table_new (seed, 0);
    }
  if (verdict != NULL)
    {
      policy = g_new (EwRouterPolicy, 1);
      *policy = (EwRouterPolicy){ .verdict = verdict, .data = user_data, .flows = self->flows };
    }
  self->policy = policy;
  atomic_store (&self->router.policy, policy);
  ew_engine_call (self->engine, pass_by, NULL);
  /* Only now: until then a data thread may have asked the old one, and have remembered what that let pass. */
  if (self->flows != NULL)
    ew_switch_flow_table_invalidate (self->flows);
  g_free (old);
}

static void
update_limits (EwSwitch *self)
{
  g_free (self->limits);
  self->limits = g_strdup (self->tun_failure != NULL ? self->tun_failure
                           : self->exit != NULL      ? self->exit_class->get_limits (self->exit)
                                                     : NULL);
}

/* What the exit says now, or nothing if there is no exit (any more). */
static void
on_exit_change (gpointer data)
{
  EwSwitch *self = data;
  gpointer policy = self->exit != NULL ? self->exit_class->get_policy (self->exit) : NULL;

  atomic_store (&self->router.exit, policy);
  for (guint i = 0; i < G_N_ELEMENTS (self->router.tun); i++)
    atomic_store (&self->router.tun[i],
                  self->exit != NULL && self->exit_class->takes (self->exit, i == 0 ? EW_FAMILY_V4 : EW_FAMILY_V6));
  ew_engine_call (self->engine, pass_by, NULL);
  g_free (self->exit_policy);
  self->exit_policy = policy;
  update_limits (self);
  if (self->on_exit != NULL)
    self->on_exit (self->user_data);
}

guint32
ew_switch_set_resolvers (EwSwitch *self, const EwIp *resolvers, gsize n)
{
  const gsize kept = MIN (n, EW_SWITCH_RESOLVERS_MAX);
  EwRouterResolvers *old = self->resolvers;

  self->resolvers = kept > 0 ? g_malloc (sizeof (EwRouterResolvers) + kept * sizeof (EwIp)) : NULL;
  if (self->resolvers != NULL)
    {
      self->resolvers->n = kept;
      memcpy (self->resolvers->ips, resolvers, kept * sizeof (EwIp));
    }
  atomic_store (&self->router.resolvers, self->resolvers);
  ew_engine_call (self->engine, pass_by, NULL);
  g_free (old);
  return self->exit != NULL ? self->exit_class->set_resolvers (self->exit, resolvers, kept) : 0;
}

/* Life. */

static void
on_engine_event (void *user, const EwEngineEvent *event)
{
  EwSwitch *self = user;
  SwitchNode *node = g_hash_table_lookup (self->by_key, event->public_key);

  if (node != NULL
      && (event->event == EW_PEER_HANDSHAKE_COMPLETE || event->event == EW_PEER_ROAMED
          || event->event == EW_PEER_RETURNED))
    ew_switch_monitor_update (self, &node, 1);
  if (node != NULL && event->event == EW_PEER_BURSTS_OFF)
    g_warning ("Something on the way to node %s damages bursts of packets, so each packet is sent separately. Upgrade "
               "the kernel here, or run `sudo ethtool -K DEVICE tx-udp-segmentation off`.",
               node->id);
  if (node != NULL && event->event == EW_PEER_BURSTS_ON)
    g_message ("bursts of packets to node %s arrive undamaged again", node->id);
}

static void
close_exit (EwSwitch *self)
{
  if (self->exit != NULL)
    self->exit_class->close (self->exit);
  self->exit = NULL;
}

static void
on_tun_lost (void *user)
{
  EwSwitch *self = user;

  close_exit (self);
  self->awaits_tun = TRUE;
  g_free (self->tun_failure);
  self->tun_failure = g_strdup ("The tunnel interface was deleted, so VPN mode is off and the edge's own services "
                                "can't be reached inside the mesh; restart the edge");
  on_exit_change (self);
}

gboolean
ew_switch_awaits_tun (EwSwitch *self)
{
  return self->awaits_tun;
}

gboolean
ew_switch_could_have_tun (EwSwitch *self)
{
  if (!self->awaits_tun)
    return FALSE;
  int fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

/* The other processors are for the kernel's part of the work, handshakes and the API. */
static guint
choose_data_threads (const EwSwitchConfig *config)
{
  return config->data_threads != 0 ? config->data_threads
                                   : CLAMP (g_get_num_processors () / 2, 1, EW_SWITCH_DATA_THREADS_MAX);
}

static EwEngine *
make_engine (EwSwitch *self, const EwSwitchConfig *config, const gchar *interface, GError **error)
{
  const EwEngineConfig engine = {
    .interface_name = interface,
    .mtu = self->router.mtu,
    .listen_port = config->port,
    .listen_address = config->listen_address,
    .listen_later = config->listen_later,
    .data_threads = choose_data_threads (config),
    .router = ew_switch_router_route,
    .router_user = &self->router,
    .ask = ew_switch_router_ask,
    .streams = config->streams,
    .on_event = on_engine_event,
    .on_tun_lost = on_tun_lost,
    .event_user = self,
    .on_ports_bound = config->on_ports_bound,
    .ports_user = config->ports_user,
  };

  return ew_engine_new (&engine, error);
}

/* With the TUN where that is wanted and possible; what only means "not allowed here" is a limit. */
static gboolean
start_engine (EwSwitch *self, const EwSwitchConfig *config, GError **error)
{
  g_autoptr (GError) failure = NULL;

  self->engine = make_engine (self, config, config->interface, &failure);
  if (self->engine == NULL && config->interface != NULL
      && (g_error_matches (failure, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NO_TUN)
          || g_error_matches (failure, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PRIVILEGE)))
    {
      self->awaits_tun = g_error_matches (failure, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NO_TUN);
      self->tun_failure = g_strdup_printf ("No TUN device (%s), so the edge only connects nodes with each other: VPN "
                                           "mode is off and its own services can't be reached inside the mesh",
                                           failure->message);
      g_clear_error (&failure);
      self->engine = make_engine (self, config, NULL, &failure);
    }
  if (self->engine == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  ew_engine_set_private_key (self->engine, config->private_key);
  return TRUE;
}

static void
start_exit (EwSwitch *self, const EwSwitchConfig *config)
{
  g_autoptr (GError) error = NULL;
  EwSwitchTun tun = {
    .interface = ew_engine_get_interface (self->engine),
    .ifindex = (guint)ew_engine_get_ifindex (self->engine),
    .mtu = self->router.mtu,
    .service = { config->service[0], config->service[1] },
    .ranges = { config->ranges[0], config->ranges[1] },
    .port = ew_engine_get_listen_port (self->engine),
    .on_change = on_exit_change,
    .user_data = self,
  };

  if (tun.interface == NULL || config->exit == NULL)
    return;
  if (config->listen_address != NULL && ew_ip_parse (config->listen_address, &tun.listen)
      && ew_ip_is_unspecified (&tun.listen))
    tun.listen.family = EW_FAMILY_NONE;
  self->exit_class = config->exit;
  self->router.decide = config->exit->decide;
  self->exit = config->exit->open (config->exit_data, &tun, &error);
  if (self->exit != NULL)
    on_exit_change (self);
  else
    self->tun_failure = g_strdup_printf (
      "%s, so VPN mode is off and the edge's own services can't be reached inside the mesh", error->message);
}

EwSwitch *
ew_switch_new (const EwSwitchConfig *config, GError **error)
{
  g_autoptr (EwSwitch) self = g_new0 (EwSwitch, 1);

  self->wake_fd = -1;
  self->context = g_main_context_ref_thread_default ();
  self->on_presence = config->on_presence;
  self->on_endpoint = config->on_endpoint;
  self->on_problem = config->on_problem;
  self->user_data = config->user_data;
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, node_free);
  self->by_key = g_hash_table_new (hash_key, equal_key);
  self->order = g_ptr_array_new ();
  self->router.mtu = config->mtu != 0 ? config->mtu : DEFAULT_MTU;
  for (gsize i = 0; i < G_N_ELEMENTS (config->service); i++)
    {
      self->router.service[i] = config->service[i];
      self->router.ranges[i] = config->ranges[i];
    }
  if (!ew_switch_monitor_init (self, error) || !start_engine (self, config, error))
    return NULL;
  start_exit (self, config);
  update_limits (self);
  self->on_exit = config->on_exit;
  return g_steal_pointer (&self);
}

void
ew_switch_free (EwSwitch *self)
{
  if (self == NULL)
    return;
  /* The TUN first: its addresses and routes are removed with it, and no packet can pass through it while the firewall
   * is removed. */
  g_clear_pointer (&self->engine, ew_engine_free);
  g_clear_pointer (&self->flows, ew_switch_flow_table_free);
  ew_switch_services_clear (self);
  close_exit (self);
  ew_switch_monitor_clear (self);
  g_hash_table_unref (self->by_key);
  g_hash_table_unref (self->nodes);
  g_ptr_array_unref (self->order);
  g_main_context_unref (self->context);
  g_free (self->resolvers);
  g_free (self->exit_policy);
  g_free (self->policy);
  g_free (self->tun_failure);
  g_free (self->limits);
  g_free (self);
}

void
ew_switch_get_stats (EwSwitch *self, EwSwitchStats *out)
{
  *out = (EwSwitchStats){
    .forwarded_packets = EW_ROUTER_TOTAL (&self->router, forwarded_packets),
    .forwarded_bytes = EW_ROUTER_TOTAL (&self->router, forwarded_bytes),
    .exit_packets = EW_ROUTER_TOTAL (&self->router, exit_packets),
    .dropped_policy = EW_ROUTER_TOTAL (&self->router, dropped_policy),
    .dropped_no_route = EW_ROUTER_TOTAL (&self->router, dropped_no_route),
    .dropped_ttl = EW_ROUTER_TOTAL (&self->router, dropped_ttl),
    .dropped_too_big = EW_ROUTER_TOTAL (&self->router, dropped_too_big),
    .dropped_source = EW_ROUTER_TOTAL (&self->router, dropped_source) + self->dropped_source,
    .dropped_malformed = EW_ROUTER_TOTAL (&self->router, dropped_malformed),
    .translated_packets = EW_ROUTER_TOTAL (&self->router, translated_packets),
    .dropped_service = EW_ROUTER_TOTAL (&self->router, dropped_service),
  };
  for (guint i = 0; i < self->order->len; i++)
    out->dropped_source += ((const SwitchNode *)g_ptr_array_index (self->order, i))->dropped_source;
}

const gchar *
ew_switch_node_get_id (gconstpointer node)
{
  return ((const EwRouterNode *)node)->id;
}

uint64_t
ew_switch_get_timestamp_floor (EwSwitch *self)
{
  return ew_engine_get_timestamp_floor (self->engine);
}

void
ew_switch_set_timestamp_floor (EwSwitch *self, uint64_t realtime_ns)
{
  ew_engine_set_timestamp_floor (self->engine, realtime_ns);
}

gpointer
ew_switch_get_exit (EwSwitch *self)
{
  return self->exit;
}

gboolean
ew_switch_has_exit (EwSwitch *self)
{
  return self->exit_policy != NULL;
}

const gchar *
ew_switch_get_limits (EwSwitch *self)
{
  return self->limits;
}
