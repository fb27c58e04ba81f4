/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What on this computer could block the mesh, reported before anyone has to search for it. Nothing is changed here.
 * Every check answers, also when all is well: a list without a check would not tell that it was looked at.
 */
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
  const EwIp *edge;       /* NULL: not known */
  guint own;              /* the index of Edgeway's interface; 0: not connected */
  const gchar *interface; /* its name, or the default one */
  JsonArray *checks;
} Diagnosis;

static const gchar *
link_name (guint link, gchar name[IFNAMSIZ])
{
  return link != 0 && if_indextoname (link, name) != NULL ? name : N_ ("no interface");
}

/* Connected, and the range was cut around it: the configuration's problems name it. */
static gboolean
is_left_out (const Diagnosis *diagnosis, const EwPrefix *prefix)
{
  const EwHostConfig *config = diagnosis->host->applied;

  for (gsize i = 0; config != NULL && i < config->n_routes; i++)
    if (ew_prefix_overlaps (&config->routes[i], prefix))
      return FALSE;
  return config != NULL;
}

/* The mesh range that overlaps prefix, or NULL. */
static const EwPrefix *
overlapping (const Diagnosis *diagnosis, const EwPrefix *prefix)
{
  if (is_left_out (diagnosis, prefix))
    return NULL;
  for (gsize i = 0; i < diagnosis->n_ranges; i++)
    if (prefix->length > 0 && ew_prefix_overlaps (&diagnosis->ranges[i], prefix))
      return &diagnosis->ranges[i];
  return NULL;
}

static void
check_overlapping_addresses (Diagnosis *diagnosis)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (diagnosis->host->netlink);
  gchar name[IFNAMSIZ], text[EW_PREFIX_STRLEN], range[EW_PREFIX_STRLEN];
  gboolean found = FALSE;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      const EwPrefix *mesh = overlapping (diagnosis, &row->subnet);
      if (row->link == diagnosis->own || mesh == NULL)
        continue;
      found = TRUE;
      ew_prefix_format (&row->subnet, text);
      ew_prefix_format (mesh, range);
      ew_checks_add (
        diagnosis->checks, "overlap-address", EW_CHECK_BAD,
        N_ (
          "Choose another range when the mesh is made (`edgeway-edge run --config`), or take the other network down."),
        "The interface %s has %s, which is inside the mesh's range %s. Addresses in both can't be reached.",
        link_name (row->link, name), text, range);
    }
  if (!found)
    ew_checks_add (diagnosis->checks, "overlap-address", EW_CHECK_GOOD, NULL,
                   "No other interface has an address in the mesh's ranges.");
}

/* Other programs' routes inside the mesh's ranges, in any table that is used: main, and the ones that other VPNs
   use. */
static void
check_overlapping_routes (Diagnosis *diagnosis)
{
  static const guint32 tables[] = { RT_TABLE_MAIN, 52 /* Tailscale */, 51820 /* wg-quick */ };
  gchar name[IFNAMSIZ], text[EW_PREFIX_STRLEN];
  gboolean found = FALSE;

  for (gsize t = 0; t < G_N_ELEMENTS (tables); t++)
    for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
      {
        g_autoptr (GArray) rows = ew_netlink_routes (diagnosis->host->netlink, family, tables[t]);
        for (guint i = 0; rows != NULL && i < rows->len; i++)
          {
            const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
            if (row->protocol == EW_ROUTE_PROTOCOL || (diagnosis->own != 0 && row->link == diagnosis->own)
                || overlapping (diagnosis, &row->destination) == NULL)
              continue;
            found = TRUE;
            ew_prefix_format (&row->destination, text);
            ew_checks_add (diagnosis->checks, "overlap-route", EW_CHECK_BAD,
                           N_ ("Remove that route, or choose another range when the mesh is made. A route that a DHCP "
                               "server gave out here doesn't belong there."),
                           "Another program's route leads %s to %s (table %u). Edgeway keeps this traffic in its "
                           "tunnel, so the destinations of that route can't be reached.",
                           text, link_name (row->link, name), tables[t]);
          }
      }
  if (!found)
    ew_checks_add (diagnosis->checks, "overlap-route", EW_CHECK_GOOD, NULL,
                   "No other route leads into the mesh's ranges.");
}

/* Tailscale drops what claims to come from 100.64.0.0/10 on any interface but its own. */
static void
check_tailscale (Diagnosis *diagnosis)
{
  static const gchar *const families[] = { "ip", "ip6" };

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autofree gchar *chain = g_strdup_printf ("list chain %s filter ts-input\n", families[i]);
      g_autofree gchar *output = NULL;
      if (!ew_nft_run (chain, FALSE, &output, NULL) || strstr (output, "drop") == NULL)
        continue;
      g_autofree gchar *fix = ew_phrase ("nft insert rule %s filter ts-input iifname %s accept (limited to "
                                         "Edgeway's interface; Tailscale's own protection stays)",
                                         families[i], diagnosis->interface);
      ew_checks_add (diagnosis->checks, "foreign-drop", EW_CHECK_BAD, fix,
                     "Tailscale's chain %s ts-input drops packets from 100.64.0.0/10 that don't arrive on its own "
                     "interface: those from the mesh's IPv4 addresses, too.",
                     families[i]);
    }
}

static void
check_foreign_drops (Diagnosis *diagnosis)
{
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      g_auto (GStrv) input = ew_foreign_dropping (family, "input", NULL);
      g_auto (GStrv) forward = ew_foreign_dropping (family, "forward", NULL);
      for (guint i = 0; input[i] != NULL; i++)
        {
          g_autofree gchar *fix = ew_phrase ("Allow what the mesh may reach, on the interface %s only; with ufw, for "
                                             "SSH: `sudo ufw allow in on %s to any port 22 proto tcp`.",
                                             diagnosis->interface, diagnosis->interface);
          ew_checks_add (diagnosis->checks, "firewall-input", EW_CHECK_WARNING, fix,
                         "This computer's firewall (the nftables chain \"%s\") drops what it doesn't know, so the mesh "
                         "reaches only what it lets in.",
                         input[i]);
        }
      for (guint i = 0; forward[i] != NULL; i++)
        if (ew_gateway_has_opened (diagnosis->host, forward[i]))
          ew_checks_add (diagnosis->checks, "firewall-forward", EW_CHECK_GOOD, NULL,
                         "The nftables chain \"%s\" drops forwarded packets that it doesn't know; Edgeway's rules for "
                         "its own interface are in it.",
                         forward[i]);
        else if (diagnosis->host->applied == NULL || diagnosis->host->applied->n_forwards == 0)
          ew_checks_add (diagnosis->checks, "firewall-forward", EW_CHECK_GOOD, NULL,
                         "The nftables chain \"%s\" drops forwarded packets that it doesn't know. This computer "
                         "doesn't forward to a subnet, so the mesh isn't affected.",
                         forward[i]);
    }
}

/* iptables-legacy has its own tables, which nftables doesn't show. The file is there once its module is loaded. */
static void
check_legacy_iptables (Diagnosis *diagnosis)
{
  static const gchar *const files[] = { "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names" };
  static const gchar *const programs[] = { "iptables-legacy", "ip6tables-legacy" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree gchar *tables = NULL;
      if (!ew_file_read (files[i], 4096, &tables, NULL, NULL) || strstr (tables, "filter") == NULL)
        continue;
      g_autofree gchar *fix
        = ew_phrase ("Where forwarding to a subnet fails: %s -I FORWARD -i %s -j ACCEPT; %s -I FORWARD "
                     "-o %s -j ACCEPT",
                     programs[i], diagnosis->interface, programs[i], diagnosis->interface);
      ew_checks_add (diagnosis->checks, "legacy-iptables", EW_CHECK_WARNING, fix,
                     "Rules of %s are loaded. Edgeway can't read them; they may drop what it lets through.",
                     programs[i]);
    }
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
        ew_checks_add (diagnosis->checks, "network", EW_CHECK_BAD, N_ ("Connect this computer to a network."),
                       "This computer has no route to the internet, so no edge can be reached.");
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

/* Whether Edgeway's own table leads ip into the tunnel: a network of this computer inside a range stays outside. */
static gboolean
leads_into_tunnel (const Diagnosis *diagnosis, const EwIp *ip)
{
  g_autoptr (GArray) rows = ew_netlink_routes (diagnosis->host->netlink, ip->family, EW_HOST_TABLE);
  const EwRouteRow *best = NULL;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (ew_prefix_contains (&row->destination, ip)
          && (best == NULL || row->destination.length > best->destination.length))
        best = row;
    }
  return best != NULL && best->link == diagnosis->own;
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
      if (!leads_into_tunnel (diagnosis, &service))
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
  Diagnosis diagnosis = { .host = host, .ranges = mesh_ranges, .n_ranges = n_mesh_ranges, .edge = edge };
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  diagnosis.interface = host->applied != NULL ? host->applied->interface : "edgeway0";
  diagnosis.own = host->applied != NULL ? if_nametoindex (host->applied->interface) : 0;
  diagnosis.checks = json_array_new ();
  json_node_take_array (node, diagnosis.checks);
  check_overlapping_addresses (&diagnosis);
  check_overlapping_routes (&diagnosis);
  check_tailscale (&diagnosis);
  check_foreign_drops (&diagnosis);
  check_legacy_iptables (&diagnosis);
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
