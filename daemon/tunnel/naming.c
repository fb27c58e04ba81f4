/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names on this computer (names/): what they should be, from document and plan; how they are shown.
 */
#include "tunnel/domains.h"
#include "tunnel/tunnel-private.h"
#include <libsoup/soup.h>
#include <net/if.h>

static gboolean
has_family (const EwPlan *plan, guint8 family)
{
  for (guint i = 0; i < plan->addresses->len; i++)
    if (g_array_index (plan->addresses, EwIp, i).family == family)
      return TRUE;
  return FALSE;
}

GArray *
ew_tunnel_name_servers (EwTunnel *self, const EwPlan *plan)
{
  GArray *servers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  for (guint i = 0; self->document->dns && i < self->document->service->len; i++)
    {
      const EwIp *ip = &g_array_index (self->document->service, EwIp, i);
      if (has_family (plan, ip->family))
        g_array_append_val (servers, *ip);
    }
  return servers;
}

gboolean
ew_tunnel_leads_names (EwTunnel *self)
{
  return self->document->dns_all && self->keystore->included->len == 0;
}

/* While VPN mode's or lockdown's rules are in place, the edge's own name is looked up beside them. */
static void
lead_outside (EwTunnel *self)
{
  const GArray *ranges = self->document ? self->document->ranges : NULL;
  ew_outside_resolver_set_active (
    self->outside, self->vpn_active || self->held_vpn || ew_host_get_lockdown (self->host) != EW_LOCKDOWN_OFF,
    ranges ? (const EwPrefix *)ranges->data : NULL, ranges ? ranges->len : 0);
}

/* The ranges that are the mesh's as a whole. One that another network has a part of is routed around it: the names of that
   network's addresses are its own, and the DNS can't leave out any part but whole labels. (transfer full) */
static GArray *
find_whole_ranges (const EwPlan *plan)
{
  GArray *whole = g_array_new (FALSE, FALSE, sizeof (EwPrefix));

  for (guint i = 0; i < plan->ranges->len; i++)
    for (guint j = 0; j < plan->routes->len; j++)
      if (ew_prefix_equal (&g_array_index (plan->ranges, EwPrefix, i), &g_array_index (plan->routes, EwPrefix, j)))
        {
          g_array_append_val (whole, g_array_index (plan->ranges, EwPrefix, i));
          break;
        }
  return whole;
}

void
ew_tunnel_set_names (EwTunnel *self)
{
  if (!self->names)
    return;
  lead_outside (self);
  if (!self->engine || !self->plan)
    {
      ew_names_set (self->names, NULL);
      return;
    }
  g_autoptr (GArray) servers = ew_tunnel_name_servers (self, self->plan);
  g_autoptr (GArray) reverse = find_whole_ranges (self->plan);
  g_auto (GStrv) domains = ew_tunnel_get_domains (self);
  const gchar *interface = ew_engine_get_interface (self->engine);
  EwNamesConfig config = {
    .link = if_nametoindex (interface),
    .interface = interface,
    .suffix = self->document->suffix,
    /* Nobody would give all of .com away. */
    .accepted_suffix = soup_tld_domain_is_public_suffix (self->document->suffix) ? NULL : self->keystore->suffix,
    .served = self->document->dns,
    .servers = (const EwIp *)servers->data,
    .n_servers = servers->len,
    .ranges = (const EwPrefix *)self->plan->ranges->data,
    .n_ranges = self->plan->ranges->len,
    .reverse = (const EwPrefix *)reverse->data,
    .n_reverse = reverse->len,
    .routes = (const EwPrefix *)self->plan->routes->data,
    .n_routes = self->plan->routes->len,
    .domains = (const gchar *const *)domains,
    .all = self->vpn_active && ew_tunnel_leads_names (self),
  };
  ew_names_set (self->names, config.link != 0 ? &config : NULL);
}

const gchar *
ew_tunnel_get_names (EwTunnel *self)
{
  return self->names ? ew_names_get_code (self->names) : "not-connected";
}

const gchar *
ew_tunnel_get_names_message (EwTunnel *self)
{
  return self->names ? ew_names_get_message (self->names) : "";
}
