/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A node that forwards to subnets behind it: the kernel must pass packets on (here), our table lets pass exactly what
 * was accepted and masquerades it (firewall.c), and chains of others that drop all they don't know get a rule of ours
 * for our interface (foreign.c).
 *
 * IPv4: only the tunnel and the interfaces to the subnets begin to forward, not the whole machine. That also leaves
 * alone what ip_forward changes besides (accept_redirects).
 *
 * IPv6 forwards on all interfaces or on none, and one that forwards forgets the router that it learned of by router
 * advertisements, unless accept_ra is 2 (kernel's ip-sysctl.rst): that is set first.
 */
#include "net/host-private.h"

#define IPV6_FORWARDING "net/ipv6/conf/all/forwarding"

static gboolean
has_forwards (const EwPlan *plan, guint8 family)
{
  for (gsize i = 0; i < plan->config->n_forwards; i++)
    if (plan->config->forwards[i].ip.family == family)
      return TRUE;
  return FALSE;
}

static void
add_forwarding_v4 (EwPlan *plan, const gchar *interface)
{
  g_autofree gchar *name = g_strdup_printf ("net/ipv4/conf/%s/forwarding", interface);

  for (guint i = 0; i < plan->changes->len; i++)
    if (g_strcmp0 (((EwChange *)plan->changes->pdata[i])->name, name) == 0)
      return;
  ew_plan_add_sysctl (plan, name, "1");
}

static void
add_gateway_v4 (EwPlan *plan)
{
  add_forwarding_v4 (plan, plan->config->interface);
  for (gsize i = 0; i < plan->config->n_forwards; i++)
    {
      const EwPrefix *subnet = &plan->config->forwards[i];
      gchar name[IFNAMSIZ];
      guint link = subnet->ip.family == EW_FAMILY_V4
                     ? ew_netlink_route_to (plan->host->netlink, &subnet->ip, EW_HOST_FWMARK)
                     : 0;
      if (link != 0 && link != plan->link && if_indextoname (link, name) != NULL && !g_str_equal (name, "lo"))
        add_forwarding_v4 (plan, name);
    }
}

static void
add_gateway_v6 (EwPlan *plan)
{
  g_auto (GStrv) interfaces = NULL;

  if (ew_sysctl_read_int (IPV6_FORWARDING, 1) != 0 && !ew_plan_is_ours (plan, IPV6_FORWARDING))
    return;
  interfaces = ew_sysctl_interfaces (EW_FAMILY_V6);
  for (guint i = 0; interfaces[i] != NULL; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("net/ipv6/conf/%s/accept_ra", interfaces[i]);
      if (g_str_equal (interfaces[i], "lo") || g_str_equal (interfaces[i], plan->config->interface))
        continue;
      if (ew_sysctl_read_int (name, 0) == 1 || ew_plan_is_ours (plan, name))
        ew_plan_add_sysctl (plan, name, "2");
    }
  ew_plan_add_sysctl (plan, IPV6_FORWARDING, "1");
}

static void
add_foreign (EwPlan *plan, guint8 family)
{
  g_auto (GStrv) chains = ew_foreign_dropping (family, "forward", plan->config->interface);

  for (guint i = 0; chains[i] != NULL; i++)
    {
      gboolean known = FALSE;
      for (guint j = 0; j < plan->changes->len; j++)
        known |= g_strcmp0 (((EwChange *)plan->changes->pdata[j])->name, chains[i]) == 0;
      if (!known)
        ew_plan_add_foreign (plan, chains[i]);
    }
}

void
ew_plan_add_gateway (EwPlan *plan)
{
  if (plan->v4 && has_forwards (plan, EW_FAMILY_V4))
    {
      add_gateway_v4 (plan);
      add_foreign (plan, EW_FAMILY_V4);
    }
  if (plan->v6 && has_forwards (plan, EW_FAMILY_V6))
    {
      add_gateway_v6 (plan);
      add_foreign (plan, EW_FAMILY_V6);
    }
}
