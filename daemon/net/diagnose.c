/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What on this computer could block the mesh, reported before anyone has to search for it. Nothing is changed here.
 * Every check answers, also when all is well: a list without a check would not tell that it was looked at.
 */
#include "net/preflight.h"
#include "net/host-private.h"
#include "common/checks.h"
#include "common/phrase.h"
#include "common/util.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  EwHost *host;
  const EwPrefix *ranges;
  gsize n_ranges;
  const EwIp *edge; /* NULL: not known */
  guint own;        /* the index of Edgeway's interface; 0: not connected */
  JsonArray *checks;
} Diagnosis;

static const gchar *
link_name (guint link, gchar name[IFNAMSIZ])
{
  return link != 0 && if_indextoname (link, name) != NULL ? name : N_ ("no interface");
}

static void
check_ipv6 (Diagnosis *diagnosis)
{
  if (ew_sysctl_read_int ("net/ipv6/conf/all/disable_ipv6", 1) != 0)
    ew_checks_add (diagnosis->checks, "ipv6", EW_CHECK_WARNING,
                   N_ ("If you want the mesh's IPv6 addresses: `sudo sysctl net.ipv6.conf.all.disable_ipv6=0`, then "
                       "`edgewayctl disconnect && edgewayctl connect`."),
                   "IPv6 is switched off on this computer, so it reaches the mesh over IPv4 only.");
  else
    ew_checks_add (diagnosis->checks, "ipv6", EW_CHECK_GOOD, NULL, "IPv6 is on.");
}

/* IP's header, 8 (UDP) and 32 (WireGuard, whitepaper section 5.4.6). */
#define TUNNEL_OVERHEAD_V4 60
#define TUNNEL_OVERHEAD_V6 80

static void
check_mtu (Diagnosis *diagnosis)
{
  g_autoptr (GArray) links = ew_netlink_links (diagnosis->host->netlink);
  EwIp any = ew_ip_from_v4 (0x01010101); /* nothing is sent: only its route is asked for */
  guint outside
    = ew_netlink_route_to (diagnosis->host->netlink, diagnosis->edge != NULL ? diagnosis->edge : &any, EW_HOST_FWMARK);
  const guint overhead
    = diagnosis->edge != NULL && diagnosis->edge->family == EW_FAMILY_V4 ? TUNNEL_OVERHEAD_V4 : TUNNEL_OVERHEAD_V6;
  guint outer = 0, inner = 0;
  gchar name[IFNAMSIZ];

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const EwLinkRow *link = &g_array_index (links, EwLinkRow, i);
      if (link->index == outside)
        outer = link->mtu;
      if (link->index == diagnosis->own)
        inner = link->mtu;
    }
  link_name (outside, name);
  if (outer == 0)
    {
      if (inner == 0) /* else the tunnel's own check says so */
        ew_checks_add (diagnosis->checks, "network", EW_CHECK_BAD, N_ ("Connect this computer to a network."), "%s",
                       diagnosis->edge != NULL
                         ? N_ ("This computer has no route to the edge.")
                         : N_ ("This computer has no route to the internet, so no edge can be reached."));
    }
  else if (inner != 0 && inner + overhead > outer)
    {
      g_autofree gchar *fix = ew_phrase ("Give %s an MTU of %u, if its network allows that (ip link set %s mtu %u).",
                                         name, inner + overhead, name, inner + overhead);
      ew_checks_add (diagnosis->checks, "mtu", EW_CHECK_BAD, fix,
                     "The tunnel's MTU of %u doesn't fit into the %u of %s, which leads to the edge. Large packets are "
                     "fragmented on the way: that is slower, and some networks drop fragments.",
                     inner, outer, name);
    }
  else if (diagnosis->edge != NULL) /* which may be on this computer, or in its network */
    ew_checks_add (diagnosis->checks, "mtu", EW_CHECK_GOOD, NULL,
                   "The MTU %u of %s, which leads to the edge, is large enough.", outer, name);
  else
    ew_checks_add (diagnosis->checks, "mtu", EW_CHECK_GOOD, NULL,
                   "The MTU %u of %s, which leads to the internet, is large enough.", outer, name);
}

/* The guard needs connection tracking; a full table loses connections of everybody's. */
static void
check_conntrack (Diagnosis *diagnosis)
{
  gint count = ew_sysctl_read_int ("net/netfilter/nf_conntrack_count", -1);
  gint max = ew_sysctl_read_int ("net/netfilter/nf_conntrack_max", -1);

  if (count < 0 || max <= 0)
    {
      gboolean loadable = access ("/sys/module/nf_tables", F_OK) == 0;
      ew_checks_add (diagnosis->checks, "conntrack", loadable ? EW_CHECK_GOOD : EW_CHECK_WARNING,
                     N_ ("Load it: `sudo modprobe -a nf_conntrack nf_tables`."),
                     "Connection tracking isn't loaded yet; VPN mode and forwarding to a subnet need it.");
    }
  else if (count > max - max / 10)
    ew_checks_add (diagnosis->checks, "conntrack", EW_CHECK_BAD,
                   N_ ("Raise the limit: `sudo sysctl net.netfilter.nf_conntrack_max=NUMBER` with a larger number."),
                   "The connection tracking table is nearly full (%d of %d): new connections will be lost.", count,
                   max);
  else
    ew_checks_add (diagnosis->checks, "conntrack", EW_CHECK_GOOD, NULL, "Connection tracking works (%d of %d).", count,
                   max);
}

/* Another program may have removed or changed what Edgeway loaded. */
static void
check_firewall (Diagnosis *diagnosis)
{
  if (diagnosis->own == 0)
    return;
  if (ew_firewall_is_loaded (diagnosis->host))
    ew_checks_add (diagnosis->checks, "firewall", EW_CHECK_GOOD, NULL, "Edgeway's own nftables rules are in place.");
  else
    ew_checks_add (
      diagnosis->checks, "firewall", EW_CHECK_BAD, N_ ("Disconnect and connect."),
      "Another program has removed Edgeway's nftables rules: the guard and the mesh IPs aren't protected.");
}

/* A policy rule with a lower priority value comes before Edgeway's. The kernel is asked where the first edge's service
   address leads. */
static gboolean
check_earlier_rules (Diagnosis *diagnosis)
{
  gchar name[IFNAMSIZ], text[EW_IP_STRLEN];

  for (gsize i = 0; i < diagnosis->n_ranges; i++)
    {
      EwIp service = diagnosis->ranges[i].ip;
      guint link;
      service.bytes[ew_ip_size (&service) - 1] |= 1;
      if (!ew_surroundings_lead_in (diagnosis->host, diagnosis->own, &service))
        continue;
      link = ew_netlink_route_to (diagnosis->host->netlink, &service, 0);
      if (link == diagnosis->own)
        continue;
      ew_ip_format (&service, text);
      ew_checks_add (
        diagnosis->checks, "routing", EW_CHECK_BAD,
        N_ ("Find the rule with `ip rule` or `ip -6 rule` (its number is below 5200), and remove it or the "
            "program that made it."),
        "Another program's policy rule comes before Edgeway's: %s leads to %s and not into the tunnel.", text,
        link_name (link, name));
      return FALSE;
    }
  return TRUE;
}

/* Another program may have removed what leads into the tunnel; keep.c restores it unless that program keeps removing
   it. */
static void
check_routing (Diagnosis *diagnosis)
{
  g_autofree gchar *missing = NULL;

  if (diagnosis->own == 0)
    return;
  missing = ew_host_find_missing (diagnosis->host);
  if (missing == NULL && check_earlier_rules (diagnosis))
    ew_checks_add (diagnosis->checks, "routing", EW_CHECK_GOOD, NULL,
                   "Edgeway's rules, routes and addresses are in place.");
  else if (missing != NULL)
    ew_checks_add (diagnosis->checks, "routing", EW_CHECK_BAD,
                   N_ ("Find the program that removes it, and stop it from doing so: for systemd-networkd set "
                       "ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no in networkd.conf(5)."),
                   "Another program has removed %s, so the tunnel's traffic is stopped.", missing);
}

/* What VPN mode doesn't reach directly, by design. */
static void
check_public_neighbors (Diagnosis *diagnosis)
{
  g_autoptr (GArray) rows = NULL;
  gchar name[IFNAMSIZ], text[EW_PREFIX_STRLEN];

  if (diagnosis->host->applied == NULL || !diagnosis->host->applied->vpn)
    return;
  rows = ew_netlink_addresses (diagnosis->host->netlink);
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      EwIp neighbor = row->subnet.ip;
      if (row->link == diagnosis->own || row->subnet.length >= ew_ip_size (&neighbor) * 8 - 1
          || ew_ip_is_loopback (&neighbor))
        continue;
      neighbor.bytes[ew_ip_size (&neighbor) - 1] |= ew_ip_equal (&row->ip, &row->subnet.ip) ? 2 : 1;
      if (ew_netlink_route_to (diagnosis->host->netlink, &neighbor, 0) != diagnosis->own)
        continue;
      ew_prefix_format (&row->subnet, text);
      ew_checks_add (
        diagnosis->checks, "public-neighbors", EW_CHECK_GOOD, NULL,
        "The network %s of %s has public addresses, so VPN mode reaches it through the edge. A computer that "
        "only answers in its own network can't be reached until VPN mode is off.",
        text, link_name (row->link, name));
    }
}

/* UDP servers bound to no address answer from outside only where nftables can tell their sockets. */
static void
check_answers (Diagnosis *diagnosis)
{
  if (diagnosis->host->applied != NULL && diagnosis->host->applied->vpn && !ew_answers_are_known ())
    ew_checks_add (diagnosis->checks, "udp-answers", EW_CHECK_WARNING,
                   N_ ("Bind such servers to this computer's own address, or run Linux 5.11 or later with nft_socket."),
                   "This kernel's nftables can't tell which sockets have no address of their own: UDP servers bound to "
                   "none don't answer requests from outside while VPN mode is on.");
}

/* VPN mode leads what this computer asks on port 53 to the edge, where that forwards names. FALSE: it doesn't. */
static gboolean
check_redirect (Diagnosis *diagnosis)
{
  const EwHostConfig *config = diagnosis->host->applied;

  if (!ew_redirect_is_wanted (config))
    return FALSE;
  if (config->lan_names)
    ew_checks_add (diagnosis->checks, "dns-leak", EW_CHECK_GOOD, NULL,
                   "VPN mode looks up names through the edge, except those that you left to the local network.");
  else
    ew_checks_add (diagnosis->checks, "dns-leak", EW_CHECK_GOOD, NULL, "VPN mode looks up all names through the edge.");
  return TRUE;
}

/* Name servers that VPN mode doesn't reach through the tunnel: those of the LAN see each name that is asked for. */
static void
check_resolvers (Diagnosis *diagnosis)
{
  g_autoptr (EwHostFacts) facts = NULL;
  g_autoptr (GString) beside = g_string_new (NULL);
  char text[EW_IP_STRLEN];

  if (diagnosis->host->applied == NULL || !ew_config_takes_all (diagnosis->host->applied) || check_redirect (diagnosis)
      || (facts = ew_host_facts_new (diagnosis->host, NULL)) == NULL)
    return;
  for (guint i = 0; i < facts->resolvers->len; i++)
    {
      const EwIp *ip = &g_array_index (facts->resolvers, EwIp, i);
      guint link = ew_netlink_route_to (diagnosis->host->netlink, ip, 0);
      if (link == 0 || link == diagnosis->own)
        continue;
      ew_ip_format (ip, text);
      g_string_append_printf (beside, "%s%s", beside->len > 0 ? ", " : "", text);
    }
  if (beside->len > 0)
    ew_checks_add (
      diagnosis->checks, "dns-leak", EW_CHECK_WARNING,
      N_ ("Set a name server on the internet in this computer's network settings: VPN mode reaches that one "
          "through the edge."),
      "VPN mode is on, but names are still looked up outside the tunnel, at %s: whoever runs it sees which names this "
      "computer asks for.",
      beside->str);
}

static void
check_lockdown (Diagnosis *diagnosis)
{
  if (ew_host_get_lockdown (diagnosis->host) != EW_LOCKDOWN_OFF)
    ew_checks_add (diagnosis->checks, "lockdown", EW_CHECK_GOOD, NULL,
                   "Lockdown is on: nothing leaves this computer except through the edge.");
}

gchar *
ew_host_diagnose (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges, const EwIp *edge)
{
  g_autoptr (EwSurroundings) surroundings = ew_surroundings_read (host, mesh_ranges, n_mesh_ranges, TRUE);
  Diagnosis diagnosis = { .host = host, .ranges = mesh_ranges, .n_ranges = n_mesh_ranges, .edge = edge };
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  diagnosis.own = host->applied != NULL ? if_nametoindex (host->applied->interface) : 0;
  diagnosis.checks = json_array_new ();
  json_node_take_array (node, diagnosis.checks);
  ew_preflight_run (surroundings, diagnosis.checks);
  ew_gateway_diagnose (host, diagnosis.checks);
  check_ipv6 (&diagnosis);
  check_mtu (&diagnosis);
  check_conntrack (&diagnosis);
  check_firewall (&diagnosis);
  check_routing (&diagnosis);
  check_public_neighbors (&diagnosis);
  check_answers (&diagnosis);
  check_lockdown (&diagnosis);
  check_resolvers (&diagnosis);
  return json_to_string (node, FALSE);
}
