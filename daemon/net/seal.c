/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nothing leaves beside the tunnel. Routes and rules decide where packets go, and other programs remove them:
 * systemd-networkd at its start, NetworkManager's "Disconnect", `ip link set down`. watch.c restores them; until
 * then, and while the interface is being created again, these chains stop what would leave through another one:
 *
 *   in both modes   packets to the mesh and to accepted routes
 *   in VPN mode     all, or what its list names, but what stays outside (lan.c, and what its user excluded), neighbor discovery (RFC 4861), and what carries a mark in the
 *                   upper half: Edgeway's (the guard's answers, the tunnel itself), or another program's, whose owner
 *                   wants it to take another path
 *
 * A program that binds its socket to an interface sends through it whatever the rules say. In VPN mode that ends here,
 * except for what this computer needs. Local name servers (systemd-resolved, dnsmasq) bind their questions to the link
 * that a name server belongs to: without them there would be no names, unless all questions are led to the edge
 * (redirect.c). NetworkManager looks for captive portals. The former are recognized by their users; NetworkManager,
 * which is root, by its unit's control group.
 *
 * What the tunnel would carry is dropped: connections survive the short break. A family that it doesn't carry is
 * refused at once, so that programs take the other one without waiting.
 */
#include "net/host-private.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#define UPPER "0xffff0000"
#define SET_MARK "meta mark set meta mark & 0x0000ffff | %#x"

static const gchar *const resolver_users[] = { "systemd-resolve", "dnsmasq", NULL };

#define PORTAL_UNIT "system.slice/NetworkManager.service"

void
ew_seal_add_prefix_set (GString *script, const gchar *name, const EwPrefix *prefixes, gsize n, guint8 family)
{
  g_autoptr (GString) elements = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    {
      gchar text[EW_PREFIX_STRLEN];
      if (prefixes[i].ip.family != family)
        continue;
      ew_prefix_format (&prefixes[i], text);
      g_string_append_printf (elements, "%s%s", elements->len > 0 ? ", " : "", text);
    }
  g_string_append_printf (script, "  set %s%u {\n    type %s\n    flags interval\n    auto-merge\n", name, family,
                          family == EW_FAMILY_V4 ? "ipv4_addr" : "ipv6_addr");
  if (elements->len > 0)
    g_string_append_printf (script, "    elements = { %s }\n", elements->str);
  g_string_append (script, "  }\n");
}

static void
add_sets (GString *script, const EwHostConfig *config, const GArray *outside)
{
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      ew_seal_add_prefix_set (script, "behind", config->forwards, config->n_forwards, family);
      ew_seal_add_prefix_set (script, "inside", config->routes, config->n_routes, family);
      if (!config->vpn)
        continue;
      ew_seal_add_prefix_set (script, "outside", (const EwPrefix *)outside->data, outside->len, family);
      ew_seal_add_prefix_set (script, "excluded", config->excluded, config->n_excluded, family);
      ew_seal_add_prefix_set (script, "included", config->included, config->n_included, family);
    }
}

/* What the main table still routes, and nobody may reach: with IPv6's multicast, which isn't an exception of VPN mode's. */
static void
add_blocked_sets (GString *script, const GArray *exceptions)
{
  g_autoptr (GArray) blocked = g_array_copy ((GArray *)exceptions);
  EwPrefix multicast;

  if (ew_prefix_parse ("ff00::/8", &multicast, NULL))
    g_array_append_val (blocked, multicast);
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    ew_seal_add_prefix_set (script, "blocked", (const EwPrefix *)(const void *)blocked->data, blocked->len, family);
}

/* Local users only: a directory service may be behind the tunnel. */
void
ew_seal_add_resolvers (GString *script, gboolean resolved_only, const gchar *verdict)
{
  FILE *file = fopen ("/etc/passwd", "re");
  const struct passwd *user;

  while (file != NULL && (user = fgetpwent (file)) != NULL)
    if (resolved_only ? g_str_equal (user->pw_name, resolver_users[0])
                      : g_strv_contains (resolver_users, user->pw_name))
      g_string_append_printf (script, "    meta skuid %u meta l4proto { tcp, udp } th dport { 53, 853 } %s\n",
                              (guint)user->pw_uid, verdict);
  if (file != NULL)
    fclose (file);
}

/* Where the unit runs now; a kernel before 5.13 cannot look at control groups. */
void
ew_seal_add_portal_check (GString *script)
{
  static const gchar *const rule
    = "meta l4proto { tcp, udp } th dport { 53, 80 } socket cgroupv2 level 2 \"" PORTAL_UNIT "\" return";
  g_autofree gchar *check
    = g_strdup_printf ("table inet edgeway_check {\n  chain output {\n    type filter hook output priority 0;\n"
                       "    %s\n  }\n}\n",
                       rule);
  struct stat info;

  if (stat ("/sys/fs/cgroup/" PORTAL_UNIT, &info) == 0 && ew_nft_script_check (check))
    g_string_append_printf (script, "    %s\n", rule);
}

/* The end of what may not leave: "ip daddr @inside4 drop". */
static void
add_stop (GString *script, const EwHostConfig *config, guint8 family, const gchar *match)
{
  if (ew_config_carries (config, family))
    {
      g_string_append_printf (script, "    %s drop\n", match);
      return;
    }
  g_string_append_printf (script, "    %s meta l4proto tcp reject with tcp reset\n    %s reject with %s\n", match,
                          match, family == EW_FAMILY_V4 ? "icmp net-unreachable" : "icmpv6 no-route");
}

/* With the LAN blocked, a printer or a neighbor is refused at once: the tunnel will never carry that. */
static void
add_vpn_rules (GString *script, const EwHostConfig *config, gboolean closed)
{
  g_string_append (script, "    ip daddr @outside4 return\n    ip6 daddr @outside6 return\n");
  if (ew_config_takes_all (config) && config->lan_blocked)
    g_string_append (script, "    ip daddr @blocked4 reject with icmp admin-prohibited\n"
                             "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, "
                             "mld-listener-report, mld-listener-done, mld2-listener-report } return\n"
                             "    ip protocol igmp return\n"
                             "    ip6 daddr @blocked6 reject with icmpv6 admin-prohibited\n");
  g_string_append (script, "    ip6 daddr ff00::/8 return\n"
                           "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } return\n");
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      gboolean v4 = family == EW_FAMILY_V4;
      if (!ew_config_takes_all (config))
        add_stop (script, config, family, v4 ? "ip daddr @included4" : "ip6 daddr @included6");
      else if (closed || !ew_config_carries (config, family))
        add_stop (script, config, family, v4 ? "meta nfproto ipv4" : "meta nfproto ipv6");
    }
}

/* closed: in VPN mode, once its routes are in place; before that only what the tunnel will not carry is stopped. */
static void
add_sealed_chain (GString *script, const EwHostConfig *config, gboolean closed)
{
  g_string_append (script, "  chain sealed {\n    meta mark & " UPPER " != 0 return\n"
                           "    ip daddr @behind4 return\n    ip6 daddr @behind6 return\n");
  add_stop (script, config, EW_FAMILY_V4, "ip daddr @inside4");
  add_stop (script, config, EW_FAMILY_V6, "ip6 daddr @inside6");
  if (config->vpn)
    add_vpn_rules (script, config, closed);
  g_string_append (script, "  }\n");
}

/* What may ask the LAN's name servers. The mark, which here leads nowhere else, lets it pass lockdown.c, too. */
static void
add_questions (GString *script, const EwHostConfig *config)
{
  gboolean redirects = ew_redirect_is_wanted (config);
  g_autofree gchar *pass = g_strdup_printf (SET_MARK " return", EW_HOST_FWMARK);

  if (!redirects || config->lan_names)
    ew_seal_add_resolvers (script, redirects, pass);
  for (guint8 family = EW_FAMILY_V4; !redirects && family <= EW_FAMILY_V6; family += 2)
    g_string_append_printf (script,
                            "    meta mark & " UPPER " == 0 meta l4proto { tcp, udp } th dport { 53, 853 } "
                            "%s daddr @outside%u %s daddr != @inside%u %s\n",
                            family == EW_FAMILY_V4 ? "ip" : "ip6", family, family == EW_FAMILY_V4 ? "ip" : "ip6",
                            family, pass);
}

void
ew_seal_add (GString *script, EwHost *host, const EwHostConfig *config, gboolean closed)
{
  g_autoptr (GArray) exceptions = ew_lan_exceptions (host, config);
  gboolean blocks = ew_config_takes_all (config) && config->lan_blocked;
  g_autoptr (GArray) reachable = blocks ? ew_lan_reachable (host, config) : g_array_ref (exceptions);

  add_sets (script, config, reachable);
  if (blocks)
    add_blocked_sets (script, exceptions);
  add_sealed_chain (script, config, closed);
  ew_redirect_add_refusal (script, config);
  g_string_append_printf (script,
                          "  chain sealed_output {\n    type filter hook output priority filter; policy accept;\n"
                          "    oifname { \"lo\", \"%s\" } return\n",
                          config->interface);
  if (config->vpn)
    {
      add_questions (script, config);
      ew_seal_add_portal_check (script);
      ew_redirect_add_stop (script, config);
    }
  g_string_append_printf (script,
                          "    jump sealed\n  }\n"
                          "  chain sealed_forward {\n    type filter hook forward priority filter; policy accept;\n"
                          "    iifname \"%s\" return\n    oifname \"%s\" return\n    jump sealed\n  }\n",
                          config->interface, config->interface);
}
