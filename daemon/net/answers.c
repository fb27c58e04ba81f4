/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * VPN mode and UDP servers that are bound to no address. Such a socket's answer has no source address of its own: the
 * kernel chooses the mesh IP, and the asker drops it. So what comes in from outside for such a socket is remembered,
 * and the answer gets the address that was asked and the guard's mark.
 *
 *   input, last     remember: only what no firewall dropped, and what a socket without an address really gets
 *   output, raw     answering: puts the source right before conntrack (priority -200) takes it for a flow of its own
 *
 * The sender of a datagram must not be able to choose which of this computer's own datagrams leave outside: flows that
 * this computer began itself through the tunnel are never remembered. They are recognized by the two ports and the
 * other end's address, for as long as there is traffic, also when the rules are loaded again (firewall.c). What stays
 * open: a program that asks from a socket without an address, on a port that the attacker knows, where his datagram
 * comes before the program's first and the firewall lets it in; and one that serves and asks on the same port.
 */
#include "net/host-private.h"

#define UPPER "0xffff0000"
#define SET_MARK "meta mark set meta mark & 0x0000ffff | %#x"

/* nft's "socket wildcard" (Linux 5.11, module nft_socket). Asked of the kernel once; nothing is changed. */
gboolean
ew_answers_are_known (void)
{
  static gsize known; /* 1: no, 2: yes */

  if (g_once_init_enter (&known))
    {
      gboolean works
        = ew_nft_script_check ("table inet edgeway_check {\n  chain input {\n    type filter hook input priority 0;\n"
                               "    socket wildcard 1 accept\n  }\n}\n");
      if (!works)
        g_message ("This kernel's nftables has no \"socket wildcard\" (Linux 5.11): in VPN mode, UDP servers that are "
                   "bound to no address don't answer from outside.");
      g_once_init_leave (&known, works ? 2 : 1);
    }
  return known == 2;
}

/* Filled by packets. A map's key has at most 16 bytes: libnftables 1.0.6 keeps a wider one's end and the data in one
   register. Hence IPv6's ports in a set beside the map. */
static void
add_memory (GString *script, const gchar *kind, const gchar *name, const gchar *type)
{
  g_string_append_printf (script,
                          "  %s %s {\n    type %s\n    flags dynamic,timeout\n    timeout 3m\n    size 65535\n  }\n",
                          kind, name, type);
}

static void
add_remember_chains (GString *script, const EwHostConfig *config)
{
  g_string_append_printf (script,
                          "  chain remember {\n    type filter hook input priority 1000; policy accept;\n"
                          "    meta l4proto != udp return\n    iifname { \"lo\", \"%s\" } return\n"
                          "    ct mark & " UPPER " == %#x ct direction original socket wildcard 1 jump remember_flow\n"
                          "    ct state untracked socket wildcard 1 jump remember_flow\n  }\n",
                          config->interface, EW_HOST_CONNMARK_INBOUND);
  g_string_append (script, "  chain remember_flow {\n"
                           "    ip saddr . udp sport . udp dport @ours4 return\n"
                           "    ip6 saddr . udp sport . udp dport @ours6 return\n"
                           "    update @asked4 { ip saddr . udp sport . udp dport : ip daddr }\n"
                           "    update @asked6 { ip6 saddr : ip6 daddr }\n"
                           "    update @flows6 { ip6 saddr . udp sport . udp dport }\n  }\n");
}

/* What a served port sends first, before a question, doesn't count as a flow that this computer began: the answer's
   other end may have asked before VPN mode. */
static void
add_answering_chain (GString *script, const EwHostConfig *config)
{
  g_string_append (script, "  chain answering {\n    type route hook output priority raw; policy accept;\n"
                           "    meta l4proto != udp return\n    meta mark & " UPPER " != 0 return\n"
                           "    oifname \"lo\" return\n");
  for (gsize i = 0; i < config->n_addresses; i++)
    {
      gboolean v4 = config->addresses[i].family == EW_FAMILY_V4;
      const gchar *ip = v4 ? "ip" : "ip6";
      gchar own[EW_IP_STRLEN];

      ew_ip_format (&config->addresses[i], own);
      g_string_append_printf (script, "    %s saddr %s ", ip, own);
      if (v4)
        g_string_append (script, "ip saddr set ip daddr . udp dport . udp sport map @asked4 ");
      else
        g_string_append (script, "ip6 daddr . udp dport . udp sport @flows6 ip6 saddr set ip6 daddr map @asked6 ");
      g_string_append_printf (script, SET_MARK " return\n", EW_HOST_FWMARK);
      g_string_append_printf (
        script, "    %s saddr %s udp sport != @served update @ours%u { %s daddr . udp dport . udp sport }\n", ip, own,
        config->addresses[i].family, ip);
    }
  g_string_append (script, "  }\n");
}

void
ew_answers_add (GString *script, const EwHostConfig *config)
{
  if (!ew_answers_are_known ())
    return;
  add_memory (script, "map", "asked4", "ipv4_addr . inet_service . inet_service : ipv4_addr");
  add_memory (script, "map", "asked6", "ipv6_addr : ipv6_addr");
  add_memory (script, "set", "flows6", "ipv6_addr . inet_service . inet_service");
  add_memory (script, "set", "ours4", "ipv4_addr . inet_service . inet_service");
  add_memory (script, "set", "ours6", "ipv6_addr . inet_service . inet_service");
  add_remember_chains (script, config);
  add_answering_chain (script, config);
}
