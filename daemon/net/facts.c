/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host-private.h"
#include "common/util.h"
#include "common/phrase.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define RESOLV_CONF_MAX 65536

/* The interface that the last configuration is for; 0: none. */
static guint
own_link (EwHost *host)
{
  return host->applied != NULL ? if_nametoindex (host->applied->interface) : 0;
}

static gboolean
is_host_prefix (const EwPrefix *prefix)
{
  return prefix->length == ew_ip_size (&prefix->ip) * 8;
}

static void
add_on_link (EwHostFacts *facts, const EwPrefix *subnet)
{
  /* A single address isn't a subnet: the local table has it before any route. Link-local ranges are refused anyway. */
  if (is_host_prefix (subnet) || subnet->length == 0 || ew_ip_is_link_local (&subnet->ip)
      || ew_ip_is_loopback (&subnet->ip) || ew_ip_is_multicast (&subnet->ip))
    return;
  for (guint i = 0; i < facts->on_link->len; i++)
    if (ew_prefix_equal (&g_array_index (facts->on_link, EwPrefix, i), subnet))
      return;
  g_array_append_val (facts->on_link, *subnet);
}

static void
add_ip (GArray *ips, const EwIp *ip)
{
  for (guint i = 0; i < ips->len; i++)
    if (ew_ip_equal (&g_array_index (ips, EwIp, i), ip))
      return;
  g_array_append_val (ips, *ip);
}

static gboolean
read_addresses (EwHost *host, EwHostFacts *facts)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (host->netlink);
  guint own = own_link (host);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      if (row->link == own || ew_ip_is_loopback (&row->ip))
        continue;
      add_ip (facts->addresses, &row->ip);
      add_on_link (facts, &row->subnet);
    }
  return rows != NULL;
}

static void
add_uplink (EwHost *host, EwHostFacts *facts, guint index)
{
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);

  for (guint i = 0; i < facts->uplinks->len; i++)
    if (g_array_index (facts->uplinks, guint, i) == index)
      return;
  for (guint i = 0; links != NULL && i < links->len; i++)
    if (g_array_index (links, EwLinkRow, i).index == index && (g_array_index (links, EwLinkRow, i).flags & IFF_RUNNING))
      g_array_append_val (facts->uplinks, index);
}

/* Routes without a next hop are on the link, too (an IPv6 prefix of a router advertisement, a /32 host's gateway). */
static gboolean
read_routes (EwHost *host, EwHostFacts *facts, guint8 family)
{
  g_autoptr (GArray) rows = ew_netlink_routes (host->netlink, family, RT_TABLE_MAIN);
  guint own = own_link (host);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (row->type != RTN_UNICAST || row->protocol == EW_ROUTE_PROTOCOL || (own != 0 && row->link == own))
        continue;
      if (row->destination.length == 0 && row->gateway.family != EW_FAMILY_NONE)
        {
          add_ip (facts->gateways, &row->gateway);
          if (row->link != 0)
            add_uplink (host, facts, row->link);
        }
      /* Only what the kernel or a router advertisement made: "dev tun0" routes of other tunnels are not links. */
      if (row->gateway.family == EW_FAMILY_NONE && row->link != 0
          && (row->protocol == RTPROT_KERNEL || row->protocol == RTPROT_RA))
        add_on_link (facts, &row->destination);
    }
  return rows != NULL;
}

static gboolean
contains_any (const EwPrefix *prefixes, gsize n, const EwIp *ip)
{
  for (gsize i = 0; i < n; i++)
    if (ew_prefix_contains (&prefixes[i], ip))
      return TRUE;
  return FALSE;
}

/* Reached via an accepted route. One inside the mesh's own ranges doesn't count, connected or not: otherwise a cloud's
   name server there would be routed into the tunnel on connecting. */
static gboolean
is_through_tunnel (EwHost *host, const EwIp *ip)
{
  const EwHostConfig *config = host->applied;

  return config != NULL && !contains_any (config->mesh_ranges, config->n_mesh_ranges, ip)
         && contains_any (config->routes, config->n_routes, ip);
}

/* resolv.conf(5): "nameserver ADDRESS[%zone]". Loopback ones are a stub's; what the stub asks is listed in resolved's
 * file. */
static void
read_resolvers (EwHost *host, EwHostFacts *facts, const gchar *path)
{
  g_autofree gchar *data = NULL;
  g_auto (GStrv) lines = NULL;
  gsize length;

  if (!ew_file_read (path, RESOLV_CONF_MAX, &data, &length, NULL))
    return;
  lines = g_strsplit (data, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (lines[i]), " \t", 3);
      EwIp ip;
      if (g_strcmp0 (words[0], "nameserver") != 0 || words[1] == NULL)
        continue;
      words[1][strcspn (words[1], "%")] = '\0';
      if (ew_ip_parse (words[1], &ip) && !ew_ip_is_loopback (&ip) && !is_through_tunnel (host, &ip))
        add_ip (facts->resolvers, &ip);
    }
}

EwHostFacts *
ew_host_facts_new (EwHost *host, GError **error)
{
  g_autoptr (EwHostFacts) facts = g_new0 (EwHostFacts, 1);

  facts->on_link = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  facts->addresses = g_array_new (FALSE, TRUE, sizeof (EwIp));
  facts->gateways = g_array_new (FALSE, TRUE, sizeof (EwIp));
  facts->uplinks = g_array_new (FALSE, TRUE, sizeof (guint));
  facts->resolvers = g_array_new (FALSE, TRUE, sizeof (EwIp));
  facts->ipv6 = ew_sysctl_read_int ("net/ipv6/conf/all/disable_ipv6", 1) == 0;
  if (!read_addresses (host, facts) || !read_routes (host, facts, EW_FAMILY_V4)
      || !read_routes (host, facts, EW_FAMILY_V6))
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "This computer's addresses and routes can't be read: %s. Try again.", g_strerror (errno));
      return NULL;
    }
  read_resolvers (host, facts, "/etc/resolv.conf");
  read_resolvers (host, facts, "/run/systemd/resolve/resolv.conf");
  return g_steal_pointer (&facts);
}

void
ew_host_facts_free (EwHostFacts *facts)
{
  if (facts == NULL)
    return;
  g_array_unref (facts->on_link);
  g_array_unref (facts->addresses);
  g_array_unref (facts->gateways);
  g_clear_pointer (&facts->uplinks, g_array_unref);
  g_array_unref (facts->resolvers);
  g_free (facts);
}
