/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Edgeway's nftables: "table inet edgeway" and "table arp edgeway", written as one script and loaded in one
 * transaction.
 *
 *   hook                    always, while connected              in VPN mode
 *   prerouting, raw         the mesh IPs only via Edgeway's
 *                           interface (CVE-2019-14899)
 *   prerouting, mangle                                           guard: marks flows that come in from outside
 *   input, last; output, raw                                     guard: UDP answers get their source address back
 *                                                                (answers.c)
 *   output, mangle (route)                                       guard: replies leave via the main table
 *   output, forward         the mesh via no other interface      … nor anything else (seal.c)
 *   forward                 from the interface: only to what     … and what this node forwards into the tunnel
 *                           was accepted, all else is dropped
 *   postrouting, nat        masquerade towards those subnets     masquerade into the tunnel
 *   output, prerouting, nat                                      questions for names to the edge (redirect.c)
 *   arp input               the LAN never learns the mesh IP (instead of arp_ignore, which affects the whole computer)
 *
 * The guard. A flow is "inbound" when its first packet came in through another interface than Edgeway's: its conntrack
 * mark gets EW_HOST_CONNMARK_INBOUND in the upper half, the lower half is kept; an upper half that another program uses
 * is left alone. Packets in its reply direction get EW_HOST_FWMARK, with which policy routing leads to the main table.
 * Packets that come in from outside get it too: it decides nothing for them but lets strict reverse path filtering see
 * what it would have seen without Edgeway (vpn.c sets src_valid_mark).
 *
 * conntrack knows only what began after these rules were loaded. A connection that is older (the SSH session in which
 * "mode vpn" was typed) may be seen first from its wrong end. So flows.c lists the computer's inbound TCP connections at
 * the switch, and they are pinned by their four values in a set. UDP has no connections: a packet that comes in for a
 * port which is served pins its flow, whichever side conntrack saw first.
 *
 * In connector-only mode without forwarding nothing here uses conntrack: Edgeway mustn't switch it on for a busy
 * server.
 */
#include "net/host-private.h"
#include "common/phrase.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* nft expressions on the upper half of a mark. */
#define UPPER "0xffff0000"
#define KEEP_LOWER "0x0000ffff"
#define STR_(x) #x
#define STR(x) STR_ (x)
#define SET_MARK "meta mark set meta mark & " KEEP_LOWER " | %#x"

gboolean
ew_nft_run (const gchar *script, gboolean json, gchar **output, GError **error)
{
  g_autofree gchar *reason = NULL;
  EwNftResult result = ew_nft_script_run (script, json, output, &reason);

  if (result == EW_NFT_ABSENT)
    ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                  "This computer's kernel has no nftables (%s). Load it with `modprobe nf_tables`, or start the kernel "
                  "that was installed last.",
                  reason);
  else if (result != EW_NFT_DONE)
    ew_set_error (error, EW_HOST_ERROR,
                  strstr (reason, "not permitted") != NULL ? EW_HOST_ERROR_PRIVILEGE : EW_HOST_ERROR_FAILED,
                  "nftables refuses a change: %s. It needs CAP_NET_ADMIN and the kernel's nf_tables.", reason);
  return result == EW_NFT_DONE;
}

typedef struct
{
  const gchar *tag;
  gboolean ours;
} TableSearch;

static int
read_table (const struct nlmsghdr *message, void *data)
{
  TableSearch *search = data;
  const struct nlattr *attribute;

  mnl_attr_for_each (attribute, message, sizeof (struct nfgenmsg))
  {
    if (mnl_attr_get_type (attribute) == NFTA_TABLE_USERDATA)
      search->ours |= memmem (mnl_attr_get_payload (attribute), mnl_attr_get_payload_len (attribute), search->tag,
                              strlen (search->tag))
                      != NULL;
  }
  return MNL_CB_OK;
}

gboolean
ew_nft_table_exists (const gchar *table, const gchar *tag, gboolean *ours)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_auto (GStrv) words = g_strsplit (table, " ", 2);
  TableSearch search = { .tag = tag };
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message;
  struct nfgenmsg *header;

  *ours = FALSE;
  if (netlink == NULL)
    return FALSE;
  message = ew_netlink_begin (buffer, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE, 0);
  header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  header->nfgen_family = g_str_equal (words[0], "arp") ? NFPROTO_ARP : NFPROTO_INET;
  header->version = NFNETLINK_V0;
  mnl_attr_put_strz (message, NFTA_TABLE_NAME, words[1]);
  if (ew_netlink_get (netlink, message, read_table, &search) != 0)
    return FALSE;
  *ours = search.ours;
  return TRUE;
}

gboolean
ew_forwarding_is_on (void)
{
  g_auto (GStrv) interfaces = ew_sysctl_interfaces (EW_FAMILY_V4);
  gboolean on = ew_sysctl_read_int ("net/ipv6/conf/all/forwarding", 0) == 1;

  for (guint i = 0; !on && interfaces[i] != NULL; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("net/ipv4/conf/%s/forwarding", interfaces[i]);
      on = ew_sysctl_read_int (name, 0) == 1;
    }
  return on;
}

/* ---- the script, chain by chain */

static const gchar *
nft_family (guint8 family)
{
  return family == EW_FAMILY_V4 ? "ip" : "ip6";
}

/* "    ip FIELD PREFIX VERDICT" */
static void
add_prefix_rule (GString *script, const gchar *before, const gchar *field, const EwPrefix *prefix, const gchar *verdict)
{
  gchar text[EW_PREFIX_STRLEN];

  ew_prefix_format (prefix, text);
  g_string_append_printf (script, "    %s%s %s %s %s\n", before, nft_family (prefix->ip.family), field, text, verdict);
}

static void
add_address_rules (GString *script, const EwHostConfig *config, const gchar *before, const gchar *field,
                   const gchar *verdict)
{
  for (gsize i = 0; i < config->n_addresses; i++)
    {
      EwPrefix prefix = ew_prefix_from_ip (&config->addresses[i]);
      add_prefix_rule (script, before, field, &prefix, verdict);
    }
}

static void
add_protect_chain (GString *script, const EwHostConfig *config)
{
  g_autofree gchar *before = g_strdup_printf ("iifname != { \"lo\", \"%s\" } ", config->interface);

  g_string_append (script, "  chain protect {\n    type filter hook prerouting priority raw; policy accept;\n");
  add_address_rules (script, config, before, "daddr", "drop");
  g_string_append (script, "  }\n");
}

/* Packets that come in. Reply-direction packets of inbound flows that are forwarded (a published port of Docker's) come
   in through an inner interface and must leave via the main table, so they are marked here and not in the output hook.
   Packets on their way to an inner network (routed, not translated) are the main table's anyway: only their source is
   looked at. Those to the mesh are not: with the mark a rogue route would lead them outside. seal.c has the sets. */
static void
add_arriving_chain (GString *script, const EwHostConfig *config)
{
  g_autofree gchar *inbound = g_strdup_printf ("ct mark set ct mark & " KEEP_LOWER " | %#x", EW_HOST_CONNMARK_INBOUND);
  g_autofree gchar *mark = g_strdup_printf (SET_MARK, EW_HOST_FWMARK);

  g_string_append_printf (script,
                          "  chain arriving {\n"
                          "    type filter hook prerouting priority mangle; policy accept;\n"
                          "    iifname { \"lo\", \"%s\" } return\n"
                          "    ct mark & " UPPER " == 0 jump count_as_inbound\n"
                          "    meta mark & " UPPER " != 0 return\n"
                          "    fib daddr type { local, broadcast, anycast, multicast } %s return\n"
                          "    ct mark & " UPPER " == %#x ct direction reply %s return\n"
                          "    ip daddr @behind4 %s return\n    ip6 daddr @behind6 %s return\n"
                          "    ip daddr @inside4 return\n    ip6 daddr @inside6 return\n"
                          "    ip daddr @outside4 %s\n    ip6 daddr @outside6 %s\n  }\n",
                          config->interface, mark, EW_HOST_CONNMARK_INBOUND, mark, mark, mark, mark, mark);
  g_string_append_printf (script,
                          "  chain count_as_inbound {\n"
                          "    udp dport @served %s return\n"
                          "    ip saddr . udp sport . ip daddr . udp dport @begun4 return\n"
                          "    ip6 saddr . udp sport . ip6 daddr . udp dport @begun6 return\n"
                          "    ct state new tcp flags & (fin|syn|rst|ack) == syn %s return\n",
                          inbound, inbound);
  ew_flows_add_unasked (script);
  g_string_append_printf (script, "    ct state new meta l4proto != tcp %s\n  }\n", inbound);
}

/* Services that the owner keeps out of connection tracking. Their answers are recognized by the port, which this
   computer's own connections never get by themselves, and by the address, which isn't the mesh's: nothing translates
   such a packet, so in the tunnel it would be lost anyway. */
static void
add_untracked_rules (GString *script, const EwHostConfig *config)
{
  g_autofree gchar *mark = g_strdup_printf (SET_MARK " return", EW_HOST_FWMARK);
  guint first, last;

  ew_flows_client_ports (&first, &last);
  add_address_rules (script, config, "ct state untracked ", "saddr", "return");
  g_string_append_printf (script,
                          "    ct state untracked meta l4proto { tcp, udp } th sport != %u-%u %s\n"
                          "    ct state untracked icmp type echo-reply %s\n"
                          "    ct state untracked icmpv6 type echo-reply %s\n",
                          first, last, mark, mark, mark);
}

/* This computer's own packets. A flow whose connection mark another program uses is recognized by its direction
   alone:
   another computer began it, and not towards this node's mesh IPs. */
static void
add_leaving_chain (GString *script, const EwHostConfig *config)
{
  g_string_append_printf (script,
                          "  chain leaving {\n"
                          "    type route hook output priority mangle; policy accept;\n"
                          "    meta mark & " UPPER " != 0 return\n"
                          "    oifname \"lo\" return\n"
                          "    ct mark & " UPPER " == %#x ct direction reply " SET_MARK " return\n"
                          "    ct mark & " UPPER " == %#x udp sport @served " SET_MARK " return\n"
                          "    ip saddr . tcp sport . ip daddr . tcp dport @pinned4 " SET_MARK " return\n"
                          "    ip6 saddr . tcp sport . ip6 daddr . tcp dport @pinned6 " SET_MARK " return\n"
                          /* The lease that carries everything must be renewed where it came from. */
                          "    udp sport 68 udp dport 67 " SET_MARK " return\n"
                          "    udp sport 546 udp dport 547 " SET_MARK " return\n",
                          EW_HOST_CONNMARK_INBOUND, EW_HOST_FWMARK, EW_HOST_CONNMARK_INBOUND, EW_HOST_FWMARK,
                          EW_HOST_FWMARK, EW_HOST_FWMARK, EW_HOST_FWMARK, EW_HOST_FWMARK);
  add_untracked_rules (script, config);
  add_address_rules (script, config, "ct direction reply ", "saddr", "return");
  g_string_append_printf (script, "    ct direction reply ct mark & " UPPER " != 0 " SET_MARK "\n  }\n",
                          EW_HOST_FWMARK);
}

static void
add_set (GString *script, const gchar *name, const gchar *type, const gchar *elements)
{
  g_string_append_printf (script, "  set %s {\n    type %s\n", name, type);
  if (elements != NULL && *elements != '\0')
    g_string_append_printf (script, "    elements = { %s }\n", elements);
  g_string_append (script, "  }\n");
}

/* VPN mode is for this computer: what it forwards into the tunnel goes in its name, so that is for its own containers
   and virtual machines, and for the subnets that it offers. A computer on another network is a neighbor, and would
   become this node for the mesh. */
static void
add_lending_chain (GString *script, const EwHostConfig *config, const gchar *internal, const gchar *outer)
{
  g_string_append (script, "  chain lend {\n    ct state established,related return\n");
  if (internal != NULL)
    g_string_append_printf (script, "    iifname { %s } return\n", internal);
  /* A container's, which came since these rules were loaded. */
  if (outer != NULL)
    g_string_append_printf (script, "    meta iifkind \"veth\" iifname != { %s } return\n", outer);
  for (gsize i = 0; i < config->n_forwards; i++)
    add_prefix_rule (script, "", "saddr", &config->forwards[i], "return");
  g_string_append (script, "    drop\n  }\n");
}

/* Connections that are forwarded: their segments must fit into the tunnel on both sides, MSS = MTU less 40 (IPv4) or 60
   (IPv6) bytes of headers. Where even the smallest MTU that an interface may have is too large for the path, this
   computer's own as well. */
static void
add_clamp_chains (GString *script, const EwHostConfig *config, gboolean forwards)
{
  const gboolean narrow = config->segment_mtu != 0 && config->segment_mtu < config->mtu;
  const guint mtu = MAX (narrow ? config->segment_mtu : config->mtu, 576);

  if (!narrow && !forwards)
    return;
  g_string_append_printf (script,
                          "  chain clamp {\n"
                          "    meta nfproto ipv4 tcp flags & (syn|rst) == syn tcp option maxseg size set %u\n"
                          "    meta nfproto ipv6 tcp flags & (syn|rst) == syn tcp option maxseg size set %u\n  }\n",
                          mtu - 40, mtu - 60);
  if (narrow)
    g_string_append_printf (script,
                            "  chain clamp_output {\n    type filter hook output priority filter; policy accept;\n"
                            "    oifname \"%s\" jump clamp\n  }\n"
                            "  chain clamp_input {\n    type filter hook input priority filter; policy accept;\n"
                            "    iifname \"%s\" jump clamp\n  }\n",
                            config->interface, config->interface);
}

/* From Edgeway's interface only what was accepted; answers; what this computer's owner has a program translate
   (Docker's published ports). */
static void
add_forward_chains (GString *script, const EwHostConfig *config, const gchar *internal, const gchar *outer)
{
  if (config->vpn)
    add_lending_chain (script, config, internal, outer);
  g_string_append_printf (script,
                          "  chain forward {\n"
                          "    type filter hook forward priority filter; policy accept;\n"
                          "    iifname \"%s\" jump from_tunnel\n",
                          config->interface);
  if (config->vpn)
    g_string_append_printf (script, "    oifname \"%s\" jump lend\n", config->interface);
  g_string_append_printf (script, "    oifname \"%s\" jump clamp\n  }\n", config->interface);
  g_string_append (script, "  chain from_tunnel {\n    jump clamp\n    ct state established,related accept\n"
                           "    ct status dnat accept\n");
  for (gsize i = 0; i < config->n_mesh_ranges && config->n_forwards > 0; i++)
    add_prefix_rule (script, "", "saddr", &config->mesh_ranges[i], "jump to_subnets");
  g_string_append (script, "    drop\n  }\n");
}

static void
add_subnet_chains (GString *script, const EwHostConfig *config)
{
  g_string_append (script, "  chain to_subnets {\n");
  for (gsize i = 0; i < config->n_forwards; i++)
    add_prefix_rule (script, "", "daddr", &config->forwards[i], "accept");
  g_string_append (script, "  }\n  chain masquerade_subnets {\n");
  for (gsize i = 0; i < config->n_forwards; i++)
    add_prefix_rule (script, "", "daddr", &config->forwards[i], "masquerade");
  g_string_append (script, "  }\n");
}

/* Towards a subnet behind this node: its hosts know nothing about the mesh, so they see this computer's address. Into
   the tunnel in VPN mode: the edge accepts only this node's mesh IPs and the subnets that it offers as a source. */
static void
add_masquerade_chain (GString *script, const EwHostConfig *config, const gchar *outer)
{
  g_autofree gchar *from_mesh
    = g_strdup_printf ("iifname \"%s\" oifname != \"%s\" ", config->interface, config->interface);
  g_autofree gchar *into_tunnel = g_strdup_printf ("oifname \"%s\" ", config->interface);

  g_string_append (script, "  chain translate {\n    type nat hook postrouting priority srcnat; policy accept;\n");
  for (gsize i = 0; i < config->n_mesh_ranges && config->n_forwards > 0; i++)
    add_prefix_rule (script, from_mesh, "saddr", &config->mesh_ranges[i], "jump masquerade_subnets");
  if (config->vpn)
    {
      add_address_rules (script, config, into_tunnel, "saddr", "return");
      for (gsize i = 0; i < config->n_forwards; i++)
        add_prefix_rule (script, into_tunnel, "saddr", &config->forwards[i], "return");
      ew_redirect_add_masquerade (script, config);
      if (outer != NULL)
        g_string_append_printf (script, "    %siifname { %s } return\n", into_tunnel, outer);
      g_string_append_printf (script, "    %sfib saddr type != local masquerade\n", into_tunnel);
      /* A connection that begins; never the middle of one, which would get a second identity. */
      g_string_append_printf (script, "    %sfib saddr type local tcp flags & (syn|ack) == syn masquerade\n",
                              into_tunnel);
    }
  g_string_append (script, "  }\n");
}

static const gchar *
ledger_tag (EwHost *host, const gchar *name)
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    {
      const EwChange *change = ew_ledger_get (host->ledger, i);
      if (change->kind == EW_CHANGE_TABLE && g_str_equal (change->name, name))
        return change->value;
    }
  return "";
}

static void
begin_table (GString *script, EwHost *host, const gchar *name)
{
  g_string_append_printf (script, "table %s {\n  comment \"edgewayd %s\"\n", name, ledger_tag (host, name));
}

/* The same from VPN mode to VPN mode, except that what packets have put into the sets ours4 and ours6 (answers.c)
   stays: anyone who can cause a reload of the rules (a router advertisement does) must not cause that to be forgotten.
   Everything else that the previous script made is deleted by name. */
static void
begin_table_again (GString *script, EwHost *host, const gchar *name, const gchar *before)
{
  g_auto (GStrv) lines = g_strsplit (before, "\n", -1);

  g_string_append_printf (script, "flush table %s\n", name);
  for (guint i = 0; lines[i] != NULL && !g_str_equal (lines[i], "}"); i++)
    if (g_str_has_prefix (lines[i], "  chain "))
      g_string_append_printf (script, "delete chain %s %.*s\n", name, (int)strcspn (lines[i] + 8, " "), lines[i] + 8);
  for (guint i = 0; lines[i] != NULL && !g_str_equal (lines[i], "}"); i++)
    if ((g_str_has_prefix (lines[i], "  set ") || g_str_has_prefix (lines[i], "  map "))
        && !g_str_has_prefix (lines[i], "  set ours"))
      g_string_append_printf (script, "delete %.3s %s %.*s\n", lines[i] + 2, name, (int)strcspn (lines[i] + 6, " "),
                              lines[i] + 6);
  g_string_append_printf (script, "table %s {\n  comment \"edgewayd %s\"\n", name, ledger_tag (host, name));
}

/* What the guard knows of connections, and its chains. flows NULL: nothing yet. */
static void
add_guard (GString *script, const EwHostConfig *config, const EwFlows *flows)
{
  static const gchar *const four[]
    = { "ipv4_addr . inet_service . ipv4_addr . inet_service", "ipv6_addr . inet_service . ipv6_addr . inet_service" };

  add_set (script, "pinned4", four[0], flows != NULL ? flows->pinned4 : NULL);
  add_set (script, "pinned6", four[1], flows != NULL ? flows->pinned6 : NULL);
  add_set (script, "begun4", four[0], flows != NULL ? flows->begun4 : NULL);
  add_set (script, "begun6", four[1], flows != NULL ? flows->begun6 : NULL);
  add_set (script, "served", "inet_service", flows != NULL ? flows->served : NULL);
  ew_answers_add (script, config);
  add_arriving_chain (script, config);
  add_leaving_chain (script, config);
}

static gchar *
make_script (EwHost *host, const EwHostConfig *config, const EwFlows *flows)
{
  g_autoptr (GString) script = g_string_new (NULL);
  g_autofree gchar *internal = NULL, *outer = NULL;

  if (config->vpn)
    ew_lan_names (host, config, &internal, &outer);
  if (config->vpn && host->firewall_vpn && host->firewall != NULL)
    begin_table_again (script, host, "inet edgeway", host->firewall);
  else
    begin_table (script, host, "inet edgeway");
  add_protect_chain (script, config);
  ew_seal_add (script, host, config, host->sealed);
  if (config->vpn)
    add_guard (script, config, flows);
  const gboolean forwards = config->vpn || config->n_forwards > 0 || ew_forwarding_is_on ();
  add_clamp_chains (script, config, forwards);
  if (forwards)
    {
      if (config->n_forwards > 0)
        add_subnet_chains (script, config);
      add_forward_chains (script, config, internal, outer);
    }
  if (config->vpn || config->n_forwards > 0)
    add_masquerade_chain (script, config, outer);
  ew_redirect_add (script, config, internal, outer);
  g_string_append (script, "}\n");
  begin_table (script, host, "arp edgeway");
  g_string_append_printf (script, "  chain input {\n    type filter hook input priority filter; policy accept;\n");
  for (gsize i = 0; i < config->n_addresses; i++)
    {
      gchar text[EW_IP_STRLEN];
      ew_ip_format (&config->addresses[i], text);
      if (config->addresses[i].family == EW_FAMILY_V4)
        g_string_append_printf (script, "    iifname != \"%s\" arp daddr ip %s drop\n", config->interface, text);
    }
  g_string_append (script, "  }\n}\n");
  return g_string_free (g_steal_pointer (&script), FALSE);
}

/* What is loaded replaces the tables, in the same transaction. One that isn't there isn't deleted: whoever deletes
   anything, even what the transaction itself has made, waits when the socket is closed until the kernel has destroyed it
   (an RCU grace period, 10 to 100 ms; tests/findings/nft-waits-after-a-delete.sh). */
static gchar *
replace_tables (EwHost *host, const gchar *script)
{
  static const gchar *const names[] = { "inet edgeway", "arp edgeway" };
  g_autoptr (GString) all = g_string_new (NULL);
  gboolean ours, changes = g_str_has_prefix (script, "flush "); /* begin_table_again() */

  for (gsize i = changes ? 1 : 0; i < G_N_ELEMENTS (names); i++)
    if (ew_nft_table_exists (names[i], ledger_tag (host, names[i]), &ours))
      g_string_append_printf (all, "delete table %s\n", names[i]);
  g_string_append (all, script);
  return g_string_free (g_steal_pointer (&all), FALSE);
}

static gboolean
load_script (EwHost *host, gchar *script, GError **error)
{
  g_autofree gchar *owned = script;
  g_autofree gchar *all = replace_tables (host, script);

  if (!ew_nft_run (all, FALSE, NULL, error))
    return FALSE;
  g_free (host->firewall);
  host->firewall = g_steal_pointer (&owned);
  return TRUE;
}

/* Where the table isn't as it was left, it is replaced whole. */
static gboolean
load_guard (EwHost *host, const EwHostConfig *config, const EwFlows *flows, GError **error)
{
  if (host->firewall != NULL && load_script (host, make_script (host, config, flows), NULL))
    return TRUE;
  g_clear_pointer (&host->firewall, g_free);
  return load_script (host, make_script (host, config, flows), error);
}

gboolean
ew_firewall_load (EwHost *host, const EwHostConfig *config, GError **error)
{
  g_autoptr (EwFlows) flows = NULL;
  gboolean began = config->vpn && !host->firewall_vpn;

  host->sealed &= config->vpn;
  if (!config->vpn)
    {
      g_autofree gchar *script = make_script (host, config, NULL);
      gboolean had_guard = host->firewall_vpn;
      if (g_strcmp0 (script, host->firewall) == 0)
        return TRUE;
      if (!load_script (host, g_steal_pointer (&script), error))
        return FALSE;
      host->firewall_vpn = FALSE;
      if (had_guard)
        {
          ew_flows_unmark (host);
          ew_flows_forget_questions (host);
        }
      return TRUE;
    }
  /* First the rules, so that conntrack watches; then the list of what is older; then both: nothing falls in between. */
  if (!host->firewall_vpn && !load_script (host, make_script (host, config, NULL), error))
    return FALSE;
  host->firewall_vpn = TRUE;
  flows = ew_flows_list (config, error);
  if (flows == NULL)
    return FALSE;
  ew_flows_mark (host, config);
  if (!load_guard (host, config, flows, error))
    return FALSE;
  if (began)
    ew_flows_forget_questions (host);
  return TRUE;
}

gboolean
ew_firewall_seal (EwHost *host, const EwHostConfig *config, GError **error)
{
  if (!config->vpn || host->sealed)
    return TRUE;
  host->sealed = TRUE;
  return ew_firewall_load (host, config, error);
}

gboolean
ew_firewall_is_loaded (EwHost *host)
{
  gboolean inet, arp;

  return ew_nft_table_exists ("inet edgeway", ledger_tag (host, "inet edgeway"), &inet) && inet
         && ew_nft_table_exists ("arp edgeway", ledger_tag (host, "arp edgeway"), &arp) && arp;
}

gboolean
ew_firewall_restore (EwHost *host, GError **error)
{
  if (host->applied == NULL || *ledger_tag (host, "inet edgeway") == '\0' || ew_firewall_is_loaded (host))
    return TRUE;
  g_message ("Another program has removed Edgeway's firewall rules. Restoring them.");
  g_clear_pointer (&host->firewall, g_free);
  host->firewall_vpn = FALSE;
  return ew_firewall_load (host, host->applied, error);
}
