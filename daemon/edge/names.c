/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/names.h"

#include "common/util.h"
#include "edge/dns/forward.h"
#include "edge/dns/records.h"
#include "edge/exit/exit.h"
#include "edge/mesh/names.h"

static const EwDnsForwardCalls forward_calls = { ew_dns_forward_make, ew_dns_forward_async, ew_dns_forward_free };

#define RESOLV_CONF_MAX (64 * 1024)

struct EwEdgeNames
{
  EwMesh *mesh;
  EwSwitch *packet_switch;
  EwDnsForwardSettings *forward;
  gboolean forwards;   /* names of everybody, not of some domains only */
  EwDnsServer *server; /* NULL: no TUN */
  EwDnsRecords *records;
  GArray *own;      /* EwDnsResolver: those that the owner chose */
  guint listening;  /* to the mesh, for the domains that gateways offer */
  GArray *gateways; /* EwDnsDomain: these */
  gchar *told;      /* the limits that were logged last */
};

static gboolean
equal_domains (const GArray *a, const GArray *b)
{
  gboolean equal = a->len == b->len;
  for (guint i = 0; equal && i < a->len; i++)
    {
      const EwDnsDomain *one = &g_array_index (a, EwDnsDomain, i), *other = &g_array_index (b, EwDnsDomain, i);
      equal
        = g_str_equal (one->domain, other->domain) && ew_dns_resolver_equal (&one->resolvers[0], &other->resolvers[0]);
    }
  return equal;
}

static gboolean
is_listed (const GArray *resolvers, const EwIp *ip)
{
  for (guint i = 0; i < resolvers->len; i++)
    if (ew_ip_equal (&g_array_index (resolvers, EwDnsResolver, i).ip, ip))
      return TRUE;
  return FALSE;
}

/* Whether the edge or its host asks this address already, which often is private and reached via the default route (a
 * cloud's resolver). Led into the mesh, it would be the gateway that answers the host. */
static gboolean
is_own_resolver (EwEdgeNames *self, const EwIp *ip)
{
  static const gchar *const files[] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf" };
  gboolean own = is_listed (self->own, ip);
  for (gsize i = 0; i < G_N_ELEMENTS (files) && !own; i++)
    {
      g_autofree gchar *text = NULL;
      if (!ew_file_read (files[i], RESOLV_CONF_MAX, &text, NULL, NULL))
        continue;
      g_autoptr (GArray) resolvers = ew_dns_resolvers_from_resolv_conf (text);
      own = is_listed (resolvers, ip);
    }
  if (own)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (ip, text);
      g_warning ("a gateway's resolver %s can't be asked: it is the edge's host's own resolver", text);
    }
  return own;
}

/* The domains that gateways offer: whom the forwarder asks, and whom the switch lets answer. */
static void
update_gateways (EwEdgeNames *self)
{
  g_autoptr (GArray) domains = ew_dns_domains_new (), resolvers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  const GPtrArray *offered = ew_mesh_get_domains (self->mesh);
  for (guint i = 0; i < offered->len; i++)
    {
      const EwDomainEntry *entry = g_ptr_array_index (offered, i);
      EwDnsDomain domain = { .domain = g_strdup (entry->domain),
                             .n_resolvers = 1,
                             .resolvers = { { .ip = entry->resolver, .port = EW_DNS_PORT } } };
      g_array_append_val (domains, domain);
    }
  if (equal_domains (domains, self->gateways))
    return;
  for (guint i = 0; i < offered->len; i++)
    {
      const EwDomainEntry *entry = g_ptr_array_index (offered, i);
      if (!is_own_resolver (self, &entry->resolver))
        g_array_append_val (resolvers, entry->resolver);
    }
  g_array_unref (self->gateways);
  self->gateways = g_steal_pointer (&domains);
  guint32 reached
    = ew_switch_set_resolvers (self->packet_switch, (const EwIp *)(void *)resolvers->data, resolvers->len);
  for (guint i = 0; i < self->gateways->len; i++) /* without a resolver its names fail, and are asked nowhere else */
    {
      EwDnsDomain *domain = &g_array_index (self->gateways, EwDnsDomain, i);
      domain->n_resolvers = 0;
      for (guint j = 0; j < resolvers->len; j++)
        if (ew_ip_equal (&g_array_index (resolvers, EwIp, j), &domain->resolvers[0].ip) && ((reached >> j) & 1) != 0)
          domain->n_resolvers = 1;
    }
  ew_dns_forward_settings_set_gateways (self->forward, self->gateways);
}

static void
on_mesh_changed (gpointer user_data)
{
  EwEdgeNames *self = user_data;
  if (self->packet_switch)
    update_gateways (self);
}

static void
on_node_changed (gpointer user_data, const gchar *id)
{
  on_mesh_changed (user_data);
}

/* Every node's document names the domains, but not their resolvers. */
static const EwMeshListener mesh_listener
  = { .node_changed = on_node_changed, .node_removed = on_node_changed, .all_changed = on_mesh_changed };

EwEdgeNames *
ew_edge_names_new (EwMesh *mesh, const EwEdgeOptions *options, GError **error)
{
  EwDnsForwardConfig config;
  ew_edge_options_get_forward (options, ew_mesh_get_ranges (mesh), &config);
  if (!ew_dns_forward_check (&config, error))
    return NULL;
  EwEdgeNames *self = g_new0 (EwEdgeNames, 1);
  self->mesh = mesh;
  self->forwards = config.forward;
  self->forward = ew_dns_forward_settings_new (&config);
  self->gateways = ew_dns_domains_new ();
  self->own = g_array_copy (config.resolvers);
  for (guint i = 0; i < config.domains->len; i++)
    {
      const EwDnsDomain *domain = &g_array_index (config.domains, EwDnsDomain, i);
      g_array_append_vals (self->own, domain->resolvers, domain->n_resolvers);
    }
  self->listening = ew_mesh_listen (mesh, &mesh_listener, self);
  return self;
}

void
ew_edge_names_free (EwEdgeNames *self)
{
  if (self == NULL)
    return;
  ew_mesh_unlisten (self->mesh, self->listening);
  ew_dns_records_free (self->records);
  ew_dns_server_free (self->server);
  ew_dns_forward_settings_free (self->forward);
  g_array_unref (self->gateways);
  g_array_unref (self->own);
  g_free (self->told);
  g_free (self);
}

static void
update_state (EwEdgeNames *self)
{
  if (self->packet_switch == NULL)
    return;
  EwExit *exit = ew_switch_get_exit (self->packet_switch);
  gboolean answers = exit && self->server && ew_dns_server_is_listening (self->server);
  if (exit)
    ew_exit_set_names (exit, answers, self->server && ew_dns_server_was_asked (self->server));
  ew_mesh_set_dns (self->mesh, answers, self->forwards);
  g_autofree gchar *limits = ew_edge_names_dup_limits (self);
  if (limits && g_strcmp0 (limits, self->told) != 0)
    g_warning ("%s", limits);
  g_free (self->told);
  self->told = g_steal_pointer (&limits);
}

static void
on_server_change (gpointer user_data)
{
  update_state (user_data);
}

void
ew_edge_names_start (EwEdgeNames *self, const gchar *interface)
{
  EwDnsServerConfig config = {
    .interface = interface,
    .port = EW_DNS_PORT,
    .rate = EW_DNS_RATE,
    .forward = &forward_calls,
    .forward_data = self->forward,
    .on_change = on_server_change,
    .user_data = self,
  };
  if (interface == NULL || self->server)
    return;
  ew_mesh_ranges_service (ew_mesh_get_ranges (self->mesh), config.addresses);
  self->server = ew_dns_server_new (&config);
  self->records = ew_dns_records_new (self->mesh, self->server);
}

void
ew_edge_names_set_switch (EwEdgeNames *self, EwSwitch *packet_switch)
{
  self->packet_switch = packet_switch;
  update_state (self);
  on_mesh_changed (self);
}

gchar *
ew_edge_names_dup_limits (EwEdgeNames *self)
{
  return self->server ? ew_dns_server_dup_limits (self->server) : NULL;
}
