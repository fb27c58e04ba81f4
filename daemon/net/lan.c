/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The computer's surroundings as VPN mode sees them: what the main table goes on routing, and through which interfaces
 * everything else is reached.
 *
 * Private addresses (RFC 1918 and the like) are of no use in the tunnel unless they are the mesh's or an accepted
 * route's: the edge refuses them. So the main table has them, with its default route: the LAN, and the other subnets
 * behind its router, with their name servers. Public addresses go through the tunnel whatever the main table says: a
 * rogue access point may declare them to be its LAN (CVE-2023-36672). The only exception is networks that the computer
 * itself makes for its containers and virtual machines: nobody outside chooses their addresses.
 */
#include "net/host-private.h"

#include <linux/rtnetlink.h>
#include <string.h>

#define MULTICAST6 "ff00::/8" /* in the local table already, so no exception of VPN mode's */

static const gchar *const private_ranges[] = {
  "10.0.0.0/8",       "172.16.0.0/12",      "192.168.0.0/16", /* RFC 1918 */
  "169.254.0.0/16",   "fe80::/10",                            /* link-local: RFC 3927, RFC 4291 */
  "100.64.0.0/10",                                            /* carriers and other VPNs: RFC 6598 */
  "224.0.0.0/4",      "255.255.255.255/32",                   /* never leave the link */
  "fc00::/7",                                                 /* RFC 4193 */
  "168.63.129.16/32", /* Azure's name server and agent: only its own hosts have it */
};

void
ew_lan_add_private (GArray *prefixes)
{
  EwPrefix prefix;

  for (gsize i = 0; i < G_N_ELEMENTS (private_ranges); i++)
    if (ew_prefix_parse (private_ranges[i], &prefix, NULL))
      g_array_append_val (prefixes, prefix);
  if (ew_prefix_parse (MULTICAST6, &prefix, NULL))
    g_array_append_val (prefixes, prefix);
}

/* Inside what config leads into the tunnel. */
static gboolean
is_routed (const EwHostConfig *config, const EwPrefix *prefix)
{
  for (gsize i = 0; i < config->n_routes; i++)
    if (config->routes[i].length <= prefix->length && ew_prefix_overlaps (&config->routes[i], prefix))
      return TRUE;
  return FALSE;
}

static void
add_exception (GArray *exceptions, const EwHostConfig *config, const EwPrefix *prefix)
{
  if (is_routed (config, prefix))
    return;
  for (guint i = 0; i < exceptions->len; i++)
    {
      const EwPrefix *known = &g_array_index (exceptions, EwPrefix, i);
      if (known->length <= prefix->length && ew_prefix_overlaps (known, prefix))
        return;
    }
  g_array_append_val (exceptions, *prefix);
}

static void
add_link (GArray *links, guint link, guint own)
{
  if (link == 0 || link == own)
    return;
  for (guint i = 0; i < links->len; i++)
    if (g_array_index (links, guint, i) == link)
      return;
  g_array_append_val (links, link);
}

static void
add_default_links (GArray *uplinks, EwNetlink *netlink, guint8 family, guint32 table, guint own)
{
  g_autoptr (GArray) routes = ew_netlink_routes (netlink, family, table);

  for (guint i = 0; routes != NULL && i < routes->len; i++)
    {
      const EwRouteRow *row = &g_array_index (routes, EwRouteRow, i);
      if (row->destination.length != 0 || row->type != RTN_UNICAST || row->protocol == EW_ROUTE_PROTOCOL)
        continue;
      add_link (uplinks, row->link, own);
      for (guint hop = 0; hop < EW_ROUTE_HOPS; hop++)
        add_link (uplinks, row->hops[hop], own);
    }
}

GArray *
ew_lan_uplinks (EwHost *host, const EwHostConfig *config)
{
  g_autoptr (GArray) uplinks = g_array_new (FALSE, FALSE, sizeof (guint));
  guint own = if_nametoindex (config->interface);

  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      g_autoptr (GArray) rules = ew_netlink_rules (host->netlink, family);
      if (rules == NULL)
        return NULL;
      add_default_links (uplinks, host->netlink, family, RT_TABLE_MAIN, own);
      for (guint i = 0; i < rules->len; i++)
        {
          guint32 table = g_array_index (rules, EwRuleRow, i).table;
          if (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL && table != RT_TABLE_UNSPEC && table != EW_HOST_TABLE)
            add_default_links (uplinks, host->netlink, family, table, own);
        }
    }
  return g_steal_pointer (&uplinks);
}

static gboolean
has_link (const GArray *links, guint index)
{
  for (guint i = 0; links != NULL && i < links->len; i++)
    if (g_array_index (links, guint, i) == index)
      return TRUE;
  return FALSE;
}

/* One that has lost its default route for a moment is still an uplink. */
static void
remember_uplinks (EwHost *host, const EwHostConfig *config)
{
  g_autoptr (GArray) now = ew_lan_uplinks (host, config);

  if (host->uplinks == NULL)
    host->uplinks = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; now != NULL && i < now->len; i++)
    add_link (host->uplinks, g_array_index (now, guint, i), 0);
}

/* Made on top of another interface, or of a line: what arrives on it comes from others. "" is hardware. */
static gboolean
leads_out (const gchar *kind)
{
  static const gchar *const kinds[] = { "", "vlan", "bond", "team", "macvlan", "ipvlan", "ppp" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kind, kinds[i]))
      return TRUE;
  return FALSE;
}

/* A bridge with a port that leads out is a way out, whatever its routes. */
static gboolean
has_outer_port (GArray *links, guint bridge)
{
  for (guint i = 0; i < links->len; i++)
    {
      const EwLinkRow *port = &g_array_index (links, EwLinkRow, i);
      if (port->master == bridge && leads_out (port->kind))
        return TRUE;
    }
  return FALSE;
}

static void
add_name (GString *names, const EwLinkRow *link)
{
  if (ew_interface_is_plain (link->name))
    g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", link->name);
}

/* A second network card has no default route, but does have neighbors. */
void
ew_lan_names (EwHost *host, const EwHostConfig *config, gchar **internal, gchar **outer)
{
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);
  g_autoptr (GString) inside = g_string_new (NULL), outside = g_string_new (NULL);

  remember_uplinks (host, config);
  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      gboolean out
        = has_link (host->uplinks, link->index) || leads_out (link->kind) || has_outer_port (links, link->index);
      /* Packets of a port come in through its bridge. */
      if ((link->flags & IFF_LOOPBACK) == 0 && link->master == 0 && !g_str_equal (link->name, config->interface))
        add_name (out ? outside : inside, link);
    }
  *internal = inside->len > 0 ? g_string_free (g_steal_pointer (&inside), FALSE) : NULL;
  *outer = outside->len > 0 ? g_string_free (g_steal_pointer (&outside), FALSE) : NULL;
}

/* Created by the computer for itself: Docker's, libvirt's, LXC's and Podman's bridges, and pairs to a namespace. */
static gboolean
is_internal (GArray *links, GArray *uplinks, guint index)
{
  if (has_link (uplinks, index))
    return FALSE;
  for (guint i = 0; i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      if (link->index == index)
        return g_str_equal (link->kind, "veth")
               || (g_str_equal (link->kind, "bridge") && !has_outer_port (links, index));
    }
  return FALSE;
}

/* In VPN mode: what the main table goes on routing, without what lies inside config's own routes. lan FALSE: of it,
   the networks that this computer makes for itself. */
static void
add_surroundings (GArray *exceptions, EwHost *host, const EwHostConfig *config, gboolean lan)
{
  g_autoptr (GArray) links = ew_netlink_links (host->netlink);
  g_autoptr (GArray) addresses = ew_netlink_addresses (host->netlink);

  remember_uplinks (host, config);
  for (gsize i = 0; lan && i < G_N_ELEMENTS (private_ranges); i++)
    {
      EwPrefix prefix;
      if (ew_prefix_parse (private_ranges[i], &prefix, NULL))
        add_exception (exceptions, config, &prefix);
    }
  for (guint i = 0; links != NULL && addresses != NULL && i < addresses->len; i++)
    {
      const EwAddressRow *row = &g_array_index (addresses, EwAddressRow, i);
      if (row->subnet.length > 0 && row->subnet.length < ew_ip_size (&row->ip) * 8 && !ew_ip_is_loopback (&row->ip)
          && is_internal (links, host->uplinks, row->link))
        add_exception (exceptions, config, &row->subnet);
    }
}

GArray *
ew_lan_exceptions (EwHost *host, const EwHostConfig *config)
{
  GArray *exceptions = g_array_new (FALSE, FALSE, sizeof (EwPrefix));

  /* A subnet behind this computer isn't reached through the tunnel, also where a wider route leads there. */
  g_array_append_vals (exceptions, config->forwards, (guint)config->n_forwards);
  for (gsize i = 0; config->vpn && i < config->n_excluded; i++)
    add_exception (exceptions, config, &config->excluded[i]);
  if (ew_config_takes_all (config))
    add_surroundings (exceptions, host, config, TRUE);
  return exceptions;
}

GArray *
ew_lan_reachable (EwHost *host, const EwHostConfig *config)
{
  GArray *reachable = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  EwPrefix multicast;

  for (gsize i = 0; i < config->n_excluded; i++)
    add_exception (reachable, config, &config->excluded[i]);
  add_surroundings (reachable, host, config, !config->lan_blocked);
  if (!config->lan_blocked && ew_prefix_parse (MULTICAST6, &multicast, NULL))
    add_exception (reachable, config, &multicast);
  return reachable;
}
