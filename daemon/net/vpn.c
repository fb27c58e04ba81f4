/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What leads into the tunnel: routing table EW_HOST_TABLE, and one policy rule before the main table that looks in it.
 *
 *   5200  not fwmark EW_HOST_FWMARK → EW_HOST_TABLE
 *
 * In both modes the table has the mesh's ranges and the accepted routes. They are in the main table, too, where
 * `ip route` shows them; but there a longer prefix would pull them out of the tunnel, and a rogue DHCP server or router
 * advertisement hands such prefixes out (CVE-2024-3661, "TunnelVision").
 *
 * In VPN mode it also has a default route via the tunnel, and an exception (a "throw" route: the look-up goes on with
 * the next rule) for what stays outside (lan.c). In place of these exceptions wg-quick has "lookup main
 * suppress_prefixlength 0": with that, any route in the main table that is longer than /0 wins over the tunnel, also
 * 0.0.0.0/1.
 *
 * A list of what alone goes through the tunnel takes the default route's place, and needs no exceptions but those that
 * its user made inside it.
 *
 * EW_HOST_FWMARK is on Edgeway's own sockets to the edge and, set by firewall.c (the guard), on replies to what came in
 * from outside: such packets, and those of an exception, see the owner's rules and the main table as if Edgeway weren't
 * there.
 *
 * A family that the mesh doesn't have has no routes here: firewall.c closes it, so that nothing of it leaks outside.
 */
#include "net/host-private.h"

#include <linux/rtnetlink.h>

static void
add_rule (EwPlan *plan, guint8 family)
{
  EwChange *rule = ew_change_new (EW_CHANGE_RULE);

  rule->family = family;
  rule->priority = EW_HOST_RULE_PRIORITY;
  rule->table = EW_HOST_TABLE;
  rule->unmarked = TRUE;
  g_ptr_array_add (plan->changes, rule);
}

/* The rule comes after the routes, and the exceptions before the default route: nothing is cut on the way in, nor on
   the way back, which is the opposite one. */
static void
add_family (EwPlan *plan, guint8 family, const GArray *exceptions)
{
  EwPrefix everything = { .ip = { .family = family } };

  for (gsize i = 0; i < plan->config->n_routes; i++)
    if (plan->config->routes[i].ip.family == family)
      ew_plan_add_route (plan, &plan->config->routes[i], EW_HOST_TABLE);
  for (guint i = 0; exceptions != NULL && i < exceptions->len; i++)
    if (g_array_index (exceptions, EwPrefix, i).ip.family == family)
      ew_plan_add_exception (plan, &g_array_index (exceptions, EwPrefix, i));
  add_rule (plan, family);
  if (ew_config_takes_all (plan->config))
    ew_plan_add_route (plan, &everything, EW_HOST_TABLE);
  for (gsize i = 0; plan->config->vpn && i < plan->config->n_included; i++)
    if (plan->config->included[i].ip.family == family)
      ew_plan_add_route (plan, &plan->config->included[i], EW_HOST_TABLE);
}

void
ew_plan_add_private_table (EwPlan *plan)
{
  g_autoptr (GArray) exceptions = NULL;

  if (plan->config->vpn)
    {
      /* With strict reverse path filtering (rp_filter=1) the kernel asks whether a packet's source would be reached
         through the interface that it came in on. With this setting it asks with the packet's mark, and so gets the
         answer that it would have got without Edgeway. The marks are firewall.c's. */
      ew_plan_add_sysctl (plan, "net/ipv4/conf/all/src_valid_mark", "1");
    }
  exceptions = ew_lan_exceptions (plan->host, plan->config);
  if (plan->v4)
    add_family (plan, EW_FAMILY_V4, exceptions);
  if (plan->v6)
    add_family (plan, EW_FAMILY_V6, exceptions);
}
