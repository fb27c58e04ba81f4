/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * VPN mode's names. Whatever this computer asks of a name server, via UDP or TCP on port 53, is redirected to the edge,
 * which looks it up: /etc/resolv.conf stays as it is, so a static program, `dig` and a local name server's own
 * questions all follow, and once the tables are removed everything is as before.
 *
 *   output, nat         this computer's questions: to the edge's service address; prerouting: those of its containers
 *   postrouting, nat    … from its own mesh IP: their source was the LAN's address
 *   output, filter      what isn't led there is refused at once, so that the asker tries the next name server: a
 *                       family that the mesh doesn't have; and what a socket bound to an interface would send outside
 *
 * Left alone: name servers that the user excluded from VPN mode; what has a mark in the upper half (the daemon's own look-up of the edge's name), what goes to the mesh or
 * to an accepted route, and loopback. Port 853 (RFC 7858) isn't led anywhere, and not let out beside the tunnel either.
 *
 * By choice the LAN's own names stay the LAN's. Only systemd-resolved can tell them apart, with the LAN's own search
 * domains, so it alone may ask the LAN's name servers then.
 */
#include "net/host-private.h"

#define UPPER "0xffff0000"
#define QUESTIONS "meta l4proto { tcp, udp } th dport 53"

static const EwIp *
find_server (const EwHostConfig *config, guint8 family)
{
  for (gsize i = 0; i < config->n_name_servers; i++)
    if (config->name_servers[i].family == family && ew_config_carries (config, family))
      return &config->name_servers[i];
  return NULL;
}

gboolean
ew_redirect_is_wanted (const EwHostConfig *config)
{
  return ew_config_takes_all (config)
         && (find_server (config, EW_FAMILY_V4) != NULL || find_server (config, EW_FAMILY_V6) != NULL);
}

/* before: a condition, with a blank at its end. */
static void
add_translations (GString *script, const EwHostConfig *config, const gchar *before)
{
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    {
      const EwIp *server = find_server (config, family);
      const gchar *ip = family == EW_FAMILY_V4 ? "ip" : "ip6";
      gchar text[EW_IP_STRLEN];

      if (server == NULL)
        continue;
      ew_ip_format (server, text);
      g_string_append_printf (script, "    %smeta nfproto ipv%u " QUESTIONS " dnat %s to %s\n", before, family, ip,
                              text);
    }
}

void
ew_redirect_add (GString *script, const EwHostConfig *config, const gchar *internal, const gchar *outer)
{
  if (!ew_redirect_is_wanted (config))
    return;
  g_string_append (script, "  chain ask_edge {\n    type nat hook output priority -100; policy accept;\n"
                           "    oifname \"lo\" return\n    meta mark & " UPPER " != 0 return\n");
  ew_seal_add_portal_check (script);
  if (config->lan_names)
    ew_seal_add_resolvers (script, TRUE, "return");
  g_string_append (script, "    ip daddr @inside4 return\n    ip6 daddr @inside6 return\n"
                           "    ip daddr @excluded4 return\n    ip6 daddr @excluded6 return\n");
  add_translations (script, config, "");
  g_string_append (script,
                   "  }\n  chain ask_edge_forwarded {\n    type nat hook prerouting priority dstnat; policy accept;\n"
                   "    fib daddr type local return\n    ip daddr @inside4 return\n    ip6 daddr @inside6 return\n"
                   "    ip daddr @excluded4 return\n    ip6 daddr @excluded6 return\n");
  if (internal != NULL)
    {
      g_autofree gchar *before = g_strdup_printf ("iifname { %s } ", internal);
      add_translations (script, config, before);
    }
  if (outer != NULL)
    {
      g_autofree gchar *before = g_strdup_printf ("meta iifkind \"veth\" iifname != { %s } ", outer);
      add_translations (script, config, before);
    }
  g_string_append (script, "  }\n");
}

void
ew_redirect_add_masquerade (GString *script, const EwHostConfig *config)
{
  if (ew_redirect_is_wanted (config))
    g_string_append_printf (script, "    oifname \"%s\" " QUESTIONS " ct status dnat masquerade\n", config->interface);
}

void
ew_redirect_add_stop (GString *script, const EwHostConfig *config)
{
  if (!ew_redirect_is_wanted (config))
    return;
  g_string_append (script, "    " QUESTIONS " ct status dnat return\n"
                           "    ip daddr @excluded4 return\n    ip6 daddr @excluded6 return\n"
                           "    meta mark & " UPPER " == 0 meta l4proto { tcp, udp } th dport { 53, 853 } "
                           "jump refuse_question\n");
}

/* Hooks at "output" see the interface that a packet would have left through before it was redirected; "postrouting"
   sees the one that it leaves through, but can't refuse. */
void
ew_redirect_add_refusal (GString *script, const EwHostConfig *config)
{
  if (!ew_redirect_is_wanted (config))
    return;
  g_string_append_printf (script,
                          "  chain refuse_question {\n    meta l4proto tcp reject with tcp reset\n"
                          "    meta nfproto ipv4 reject with icmp net-unreachable\n"
                          "    meta nfproto ipv6 reject with icmpv6 no-route\n  }\n"
                          "  chain led_outside {\n    type filter hook postrouting priority filter; policy accept;\n"
                          "    oifname { \"lo\", \"%s\" } return\n"
                          "    meta mark & " UPPER " == 0 " QUESTIONS " ct status dnat ip daddr @inside4 drop\n"
                          "    meta mark & " UPPER " == 0 " QUESTIONS " ct status dnat ip6 daddr @inside6 drop\n  }\n",
                          config->interface);
}
