/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * VPN mode's routing: everything goes through the tunnel but what must not. The main table is not touched; table
 * EW_HOST_TABLE holds a default route by the tunnel, and policy rules choose between the two:
 *
 *   5200  not fwmark OURS                → EW_HOST_TABLE, without its default: mesh ranges and accepted routes. They
 * stand before the main table, so that no longer prefix in there (CVE-2024-3661, "TunnelVision": a rogue DHCP server
 * hands out routes) pulls them out of the tunnel 5201… to a private range             → main, without its short
 * prefixes: the LAN, Docker, other VPNs stay reachable to multicast and broadcast     → main: they never leave the link
 *   52xx  not fwmark OURS                → EW_HOST_TABLE: all the rest
 *
 * The private ranges take the place of wg-quick's "lookup main suppress_prefixlength 0": with that, any route in the
 * main table that is longer than /0 wins over the tunnel, also 0.0.0.0/1 from a rogue DHCP server, also a public
 * address range that a rogue access point declares to be its LAN ("LocalNet", CVE-2023-36672). Public addresses go
 * through the tunnel, whatever the main table says.
 *
 * fwmark OURS is on our own sockets to the edge and, by firewall.c (the guard), on replies to what came in from
 * outside.
 *
 * A family that the mesh doesn't have gets an unreachable default in place of the tunnel: nothing of it leaks outside.
 * A lookup that finds "unreachable" ends there even under suppress_prefixlength, so such a family has no first rule.
 */
#include "net/host-private.h"

#include <linux/rtnetlink.h>

typedef struct
{
  const gchar *to;
  gint suppress; /* main table's prefixes of this length or shorter don't count */
} LanRange;

/* RFC 1918, RFC 3927, RFC 6598 (carriers and other VPNs); multicast and broadcast. Routes shorter than the range are
   the rogue kind, not the LAN's. */
static const LanRange lan_v4[] = {
  { "10.0.0.0/8", 7 },    { "172.16.0.0/12", 7 }, { "192.168.0.0/16", 7 },      { "169.254.0.0/16", 7 },
  { "100.64.0.0/10", 7 }, { "224.0.0.0/4", -1 },  { "255.255.255.255/32", -1 },
};
/* RFC 4193, RFC 4291. Multicast stands in the local table already, per interface. */
static const LanRange lan_v6[] = { { "fc00::/7", 6 }, { "fe80::/10", 6 } };

static void
add_rule (EwPlan *plan, guint8 family, guint32 *priority, const gchar *to, guint32 table, gint suppress)
{
  EwChange *rule = ew_change_new (EW_CHANGE_RULE);

  rule->family = family;
  rule->priority = (*priority)++;
  rule->table = table;
  rule->suppress = suppress;
  rule->unmarked = to == NULL;
  if (to != NULL)
    ew_prefix_parse (to, &rule->prefix, NULL);
  g_ptr_array_add (plan->changes, rule);
}

static void
add_routes (EwPlan *plan, guint8 family)
{
  EwPrefix everything = { .ip = { .family = family } };

  for (gsize i = 0; i < plan->config->n_routes; i++)
    if (plan->config->routes[i].ip.family == family)
      ew_plan_add_route (plan, &plan->config->routes[i], EW_HOST_TABLE);
  ew_plan_add_route (plan, &everything, EW_HOST_TABLE);
}

static void
add_rules (EwPlan *plan, guint8 family, const LanRange *lan, gsize n_lan)
{
  guint32 priority = EW_HOST_RULE_PRIORITY;

  add_rule (plan, family, &priority, NULL, EW_HOST_TABLE, 0);
  for (gsize i = 0; i < n_lan; i++)
    add_rule (plan, family, &priority, lan[i].to, RT_TABLE_MAIN, lan[i].suppress);
  add_rule (plan, family, &priority, NULL, EW_HOST_TABLE, -1);
}

void
ew_plan_add_vpn (EwPlan *plan)
{
  /* With strict reverse path filtering (rp_filter=1) the kernel asks whether a packet's source would be reached by the
     interface that it came in by. With this setting it asks with the packet's mark, and so gets the answer that it
     would have got without us. The marks are firewall.c's. */
  ew_plan_add_sysctl (plan, "net/ipv4/conf/all/src_valid_mark", "1");
  if (plan->v4)
    add_routes (plan, EW_FAMILY_V4);
  if (plan->v6)
    add_routes (plan, EW_FAMILY_V6);
  if (plan->v4)
    add_rules (plan, EW_FAMILY_V4, lan_v4, G_N_ELEMENTS (lan_v4));
  if (plan->v6)
    add_rules (plan, EW_FAMILY_V6, lan_v6, G_N_ELEMENTS (lan_v6));
}
