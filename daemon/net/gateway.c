/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A node that forwards to subnets behind it: the kernel must pass packets on (here), Edgeway's table accepts and
 * masquerades exactly what was accepted (firewall.c), and other programs' chains that drop all they don't know get a
 * rule for Edgeway's interface (foreign.c).
 *
 * IPv4: only the tunnel and the interfaces that lead to the subnets begin to forward, not the whole computer. That also
 * leaves alone what ip_forward changes besides (accept_redirects).
 *
 * IPv6 forwards on all interfaces or on none, and one that forwards forgets the router that it learned of by router
 * advertisements, unless accept_ra is 2 (kernel's ip-sysctl.rst): that is set first.
 */
#include "net/host-private.h"
#include "common/checks.h"
#include "common/phrase.h"

#include <linux/rtnetlink.h>

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
add_hops (GArray *links, const EwRouteRow *row, guint own)
{
  add_link (links, row->link, own);
  for (gsize i = 0; i < G_N_ELEMENTS (row->hops); i++)
    add_link (links, row->hops[i], own);
}

/* Routes inside the subnet (a range of several VLANs), and what leads to the rest of it: the longest route that
   covers it. The default route counts only where nothing else leads there. */
GArray *
ew_gateway_links (EwHost *host, const EwPrefix *subnet, guint own, const GArray *rows)
{
  GArray *links = g_array_new (FALSE, FALSE, sizeof (guint));
  const EwRouteRow *cover = NULL;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (row->type != RTN_UNICAST || row->protocol == EW_ROUTE_PROTOCOL
          || !ew_prefix_overlaps (&row->destination, subnet))
        continue;
      if (row->destination.length >= subnet->length)
        add_hops (links, row, own);
      else if (row->destination.length > 0 && (cover == NULL || row->destination.length > cover->destination.length))
        cover = row;
    }
  if (cover != NULL)
    add_hops (links, cover, own);
  if (links->len == 0) /* via the default route, or via another table */
    add_link (links, ew_netlink_route_to (host->netlink, &subnet->ip, EW_HOST_FWMARK), own);
  return links;
}

static void
add_gateway_v4 (EwPlan *plan)
{
  g_autoptr (GArray) rows = ew_netlink_routes (plan->host->netlink, EW_FAMILY_V4, RT_TABLE_MAIN);

  add_forwarding_v4 (plan, plan->config->interface);
  for (gsize i = 0; i < plan->config->n_forwards; i++)
    {
      const EwPrefix *subnet = &plan->config->forwards[i];
      if (subnet->ip.family != EW_FAMILY_V4)
        continue;
      g_autoptr (GArray) links = ew_gateway_links (plan->host, subnet, plan->link, rows);
      for (guint j = 0; j < links->len; j++)
        {
          gchar name[IFNAMSIZ];
          if (if_indextoname (g_array_index (links, guint, j), name) != NULL && !g_str_equal (name, "lo"))
            add_forwarding_v4 (plan, name);
        }
    }
}

void
ew_plan_add_accept_ra (EwPlan *plan, const gchar *interface)
{
  g_autofree gchar *name = g_strdup_printf ("net/ipv6/conf/%s/accept_ra", interface);

  if (!ew_plan_has_sysctl (plan, name) && (ew_sysctl_read_int (name, 0) == 1 || ew_plan_is_ours (plan, name)))
    ew_plan_add_sysctl (plan, name, "2");
}

static void
add_gateway_v6 (EwPlan *plan)
{
  g_auto (GStrv) interfaces = NULL;

  if (ew_sysctl_read_int (IPV6_FORWARDING, 1) != 0 && !ew_plan_is_ours (plan, IPV6_FORWARDING))
    return;
  ew_plan_add_accept_ra (plan, "default"); /* of an interface that comes later */
  interfaces = ew_sysctl_interfaces (EW_FAMILY_V6);
  for (guint i = 0; interfaces[i] != NULL; i++)
    {
      if (!g_str_equal (interfaces[i], "lo") && !g_str_equal (interfaces[i], plan->config->interface))
        ew_plan_add_accept_ra (plan, interfaces[i]);
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

/* ---- does it work? */

static gboolean
is_off (const gchar *name)
{
  return ew_sysctl_read_int (name, 0) != 1;
}

static EwHostProblem *
report_setting (EwHost *host, const EwPrefix *subnet, const gchar *name, const gchar *where)
{
  const gchar *failure = ew_problems_failure (host, name);
  g_autofree gchar *fix = failure != NULL ? g_strdup (failure) : ew_phrase ("Run `sudo sysctl -w %s=1`.", name);
  g_autofree gchar *reason = ew_phrase ("forwarding is off on %s (/proc/sys/%s)", where, name);

  return ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, subnet, fix, reason);
}

/* The first interface on the way that does not forward. NULL: all do. */
static EwHostProblem *
look_at_settings (EwHost *host, const EwPrefix *subnet, const GArray *links)
{
  if (subnet->ip.family == EW_FAMILY_V6)
    return is_off (IPV6_FORWARDING) ? report_setting (host, subnet, IPV6_FORWARDING, N_ ("this computer")) : NULL;
  for (guint i = 0; i <= links->len; i++)
    {
      gchar name[IFNAMSIZ];
      if (i == links->len)
        g_strlcpy (name, host->applied->interface, sizeof name);
      else if (if_indextoname (g_array_index (links, guint, i), name) == NULL || g_str_equal (name, "lo"))
        continue;
      g_autofree gchar *setting = g_strdup_printf ("net/ipv4/conf/%s/forwarding", name);
      if (is_off (setting))
        return report_setting (host, subnet, setting, name);
    }
  return NULL;
}

gboolean
ew_gateway_has_opened (EwHost *host, const gchar *chain)
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    {
      const EwChange *change = ew_ledger_get (host->ledger, i);
      if (change->kind == EW_CHANGE_FOREIGN && change->prefix.ip.family == EW_FAMILY_NONE
          && g_str_equal (change->name, chain))
        return ew_foreign_is_there (change);
    }
  return FALSE;
}

/* The chains of other programs that drop what comes from the tunnel. */
static GStrv
find_closed (EwHost *host, guint8 family)
{
  g_auto (GStrv) chains = ew_foreign_dropping (family, "forward", host->applied->interface);
  g_autoptr (GStrvBuilder) closed = g_strv_builder_new ();

  for (guint i = 0; chains[i] != NULL; i++)
    if (!ew_gateway_has_opened (host, chains[i]))
      g_strv_builder_add (closed, chains[i]);
  return g_strv_builder_end (closed);
}

static EwHostProblem *
report_chain (EwHost *host, const EwPrefix *subnet, const gchar *chain)
{
  const gchar *failure = ew_problems_failure (host, chain);
  g_autofree gchar *fix = failure != NULL
                            ? g_strdup (failure)
                            : ew_phrase ("Allow the interface %s in that firewall.", host->applied->interface);
  g_autofree gchar *reason
    = ew_phrase ("another program's firewall drops what is forwarded (nftables chain \"%s\")", chain);

  return ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, subnet, fix, reason);
}

/* A route of its own leads to the subnet, or to a part of it. */
static gboolean
has_route_of_its_own (const EwPrefix *subnet, const GArray *rows)
{
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (row->type == RTN_UNICAST && row->protocol != EW_ROUTE_PROTOCOL && row->destination.length > 0
          && ew_prefix_overlaps (&row->destination, subnet))
        return TRUE;
    }
  return FALSE;
}

/* Where the router of the default route knows the subnet, all is well; where its interface is down or has lost its
   address, all of it goes to the uplink. Only the owner can tell. */
void
ew_gateway_diagnose (EwHost *host, JsonArray *checks)
{
  const EwHostConfig *config = host->applied;
  char cidr[EW_PREFIX_STRLEN];

  for (gsize i = 0; config != NULL && i < config->n_forwards; i++)
    {
      const EwPrefix *subnet = &config->forwards[i];
      g_autoptr (GArray) rows = ew_netlink_routes (host->netlink, subnet->ip.family, RT_TABLE_MAIN);
      gchar name[IFNAMSIZ];
      guint link = ew_netlink_route_to (host->netlink, &subnet->ip, EW_HOST_FWMARK);

      if (has_route_of_its_own (subnet, rows) || link == 0 || if_indextoname (link, name) == NULL)
        continue;
      ew_prefix_format (subnet, cidr);
      g_autofree gchar *fix
        = ew_phrase ("If %s is a network of this computer's, check that network's interface: `ip addr`, `ip link`. "
                     "If another router leads there, nothing is wrong.",
                     cidr);
      ew_checks_add (checks, "forwarding", EW_CHECK_WARNING, fix,
                     "This computer is the gateway to %s, but only its default route leads there, via %s.", cidr, name);
    }
}

static EwHostProblem *
look_at_subnet (EwHost *host, const EwPrefix *subnet, const GArray *rows, const gchar *const *closed)
{
  g_autoptr (GArray) links = ew_gateway_links (host, subnet, if_nametoindex (host->applied->interface), rows);

  if (links->len == 0)
    return ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, subnet, N_ ("Add a route to it (`ip route add`)."),
                                N_ ("this computer has no route to it"));
  if (!ew_firewall_is_loaded (host))
    return ew_host_problem_new (EW_HOST_PROBLEM_FORWARD, subnet,
                                N_ ("Disconnect and connect: `sudo edgewayctl disconnect`, `sudo edgewayctl connect`."),
                                N_ ("another program has removed Edgeway's firewall rules"));
  EwHostProblem *problem = look_at_settings (host, subnet, links);

  return problem == NULL && closed[0] != NULL ? report_chain (host, subnet, closed[0]) : problem;
}

void
ew_gateway_look_for_problems (EwHost *host, GPtrArray *problems)
{
  const EwHostConfig *config = host->applied;

  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      g_autoptr (GArray) rows = NULL;
      g_auto (GStrv) closed = NULL;
      for (gsize i = 0; i < config->n_forwards; i++)
        {
          if (config->forwards[i].ip.family != family || !ew_config_carries (config, family))
            continue;
          if (closed == NULL)
            {
              rows = ew_netlink_routes (host->netlink, family, RT_TABLE_MAIN);
              closed = find_closed (host, family);
            }
          EwHostProblem *problem = look_at_subnet (host, &config->forwards[i], rows, (const gchar *const *)closed);
          if (problem != NULL)
            g_ptr_array_add (problems, problem);
        }
    }
}
