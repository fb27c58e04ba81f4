/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "common/util.h"
#include "edge/exit/policy.h"
#include "edge/exit/sysctl.h"
#include "host/nft-script.h"

#define TABLE "edgeway-edge-"
/* A little before the usual filter priority: others may log or count what this chain accepts, not what it drops. */
#define PRIORITY "filter - 10"
#define LISTING_MAX (16 * 1024 * 1024)

/* The text. */

gboolean
ew_exit_firewall_check_name (const gchar *interface, GError **error)
{
  const gsize len = strlen (interface);

  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isalnum (interface[i]) && strchr ("-_.", interface[i]) == NULL)
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "The interface name \"%s\" has a character that firewall rules can't contain. Use letters, "
                     "digits, '-', '_' and '.'.",
                     interface);
        return FALSE;
      }
  return TRUE;
}

static const gchar *
family_word (EwFamily family)
{
  return family == EW_FAMILY_V6 ? "ip6" : "ip";
}

static gboolean
has (const EwFirewallConfig *config, gsize i)
{
  return config->service[i].family != EW_FAMILY_NONE;
}

typedef struct
{
  const EwPrefix *prefixes;
  gsize n;
  gboolean only_global;
} SetPart;

/* An interval set of one family. fixed: texts, or NULL. */
static void
format_set (GString *out, const gchar *name, EwFamily family, const gchar *const *fixed, const SetPart *parts,
            gsize n_parts)
{
  g_autoptr (GString) elements = g_string_new (NULL);

  for (; fixed != NULL && *fixed != NULL; fixed++)
    g_string_append_printf (elements, "%s%s", elements->len > 0 ? ", " : "", *fixed);
  for (gsize p = 0; p < n_parts; p++)
    for (gsize i = 0; i < parts[p].n; i++)
      {
        const EwPrefix *prefix = &parts[p].prefixes[i];
        gchar text[EW_PREFIX_STRLEN];

        if (prefix->ip.family != family || prefix->length == 0
            || (parts[p].only_global && !ew_exit_is_global (&prefix->ip)))
          continue;
        ew_prefix_format (prefix, text);
        g_string_append_printf (elements, "%s%s", elements->len > 0 ? ", " : "", text);
      }
  g_string_append_printf (out, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n", name,
                          family == EW_FAMILY_V6 ? "ipv6_addr" : "ipv4_addr");
  if (elements->len > 0)
    g_string_append_printf (out, "\t\telements = { %s }\n", elements->str);
  g_string_append (out, "\t}\n");
}

static void
format_sets (GString *out, const EwFirewallConfig *config)
{
  const SetPart own = { config->own, config->n_own, TRUE }, behind = { config->behind, config->n_behind, TRUE };
  const SetPart near[] = { { config->closed, config->n_closed, FALSE }, behind };

  format_set (out, "own4", EW_FAMILY_V4, NULL, &own, 1);
  format_set (out, "own6", EW_FAMILY_V6, NULL, &own, 1);
  format_set (out, "behind4", EW_FAMILY_V4, NULL, &behind, 1);
  format_set (out, "behind6", EW_FAMILY_V6, NULL, &behind, 1);
  format_set (out, "near4", EW_FAMILY_V4, ew_exit_forbidden (EW_FAMILY_V4), near, G_N_ELEMENTS (near));
  format_set (out, "near6", EW_FAMILY_V6, ew_exit_forbidden (EW_FAMILY_V6), near, G_N_ELEMENTS (near));
}

/* Questions and answers via UDP aren't tracked: a node that asks from ever new ports would fill the host's table of
 * connections, and one that asks from the same port would be let in as an established one, past its limit. */
static void
format_untracked (GString *out, const EwFirewallConfig *config, gboolean answers)
{
  gchar text[EW_IP_STRLEN];

  for (gsize i = 0; config->names && i < 2; i++)
    if (has (config, i))
      {
        ew_ip_format (&config->service[i], text);
        g_string_append_printf (out, "\t\t%sifname \"%s\" %s %s %s udp %s 53 notrack\n", answers ? "o" : "i",
                                config->interface, family_word (config->service[i].family), answers ? "saddr" : "daddr",
                                text, answers ? "sport" : "dport");
      }
}

static void
format_guard (GString *out, const EwFirewallConfig *config)
{
  gchar text[EW_PREFIX_STRLEN];

  g_string_append (out, "\tchain prerouting {\n\t\ttype filter hook prerouting priority raw; policy accept;\n");
  for (gsize i = 0; i < 2; i++)
    if (has (config, i))
      {
        ew_prefix_format (&config->ranges[i], text);
        g_string_append_printf (out, "\t\tiifname != { \"%s\", \"lo\" } %s daddr %s drop\n", config->interface,
                                family_word (config->service[i].family), text);
      }
  format_untracked (out, config, FALSE);
  g_string_append (out, "\t}\n\tchain output {\n\t\ttype filter hook output priority raw; policy accept;\n");
  format_untracked (out, config, TRUE);
  g_string_append (out, "\t}\n");
}

static void
format_input (GString *out, const EwFirewallConfig *config)
{
  gchar text[EW_IP_STRLEN], range[EW_PREFIX_STRLEN];

  g_string_append_printf (out,
                          "\tchain input {\n\t\ttype filter hook input priority " PRIORITY
                          "; policy accept;\n\t\tiifname \"%s\" jump from_mesh\n\t}\n\tchain from_mesh {\n",
                          config->interface);
  if (config->exit) /* redirected here after routing: the packet's address is the service's by now */
    g_string_append (out, "\t\tct status dnat ct original ip daddr @behind4 jump to_own\n"
                          "\t\tct status dnat ct original ip6 daddr @behind6 jump to_own\n");
  for (gsize i = 0; i < 2; i++)
    if (has (config, i))
      {
        ew_ip_format (&config->service[i], text);
        g_string_append_printf (out, "\t\t%s daddr %s jump to_service\n", family_word (config->service[i].family),
                                text);
      }
  if (config->exit)
    g_string_append (out, "\t\tip daddr @own4 jump to_own\n\t\tip6 daddr @own6 jump to_own\n");
  g_string_append (out, "\t\tdrop\n\t}\n\tchain to_service {\n\t\tct state established,related accept\n"
                        "\t\ticmp type echo-request accept\n\t\ticmpv6 type echo-request accept\n");
  for (gsize i = 0; i < 2; i++) /* a gateway's resolver comes this far: it answers, and asks nothing */
    if (has (config, i))
      {
        ew_prefix_format (&config->ranges[i], range);
        g_string_append_printf (out, "\t\t%s saddr != %s drop\n", family_word (config->service[i].family), range);
      }
  g_string_append_printf (out, "\t\ttcp dport { %u", config->api_port);
  for (gsize i = 0; i < config->n_open_ports; i++)
    if (config->open_ports[i] != config->api_port)
      g_string_append_printf (out, ", %u", config->open_ports[i]);
  g_string_append (out, " } accept\n");
  if (config->names)
    g_string_append (out, "\t\tmeta l4proto { tcp, udp } th dport 53 jump to_names\n");
  g_string_append (out, "\t\tdrop\n\t}\n");
}

/* What one node sends beyond the DNS server's own limits is dropped before it takes others' room in the sockets'
 * queues. A source is a node's: the tunnel has checked it. A set that is full lets pass. */
static void
format_names (GString *out)
{
  static const struct
  {
    const gchar *set, *type, *match, *limit;
  } limits[] = {
    { "names_udp4", "ipv4_addr", "udp dport 53", "ip saddr limit rate over 1000/second burst 2000 packets" },
    { "names_udp6", "ipv6_addr", "udp dport 53", "ip6 saddr limit rate over 1000/second burst 2000 packets" },
    { "names_tcp4", "ipv4_addr", "tcp dport 53 ct state new", "ip saddr limit rate over 50/second burst 100 packets" },
    { "names_tcp6", "ipv6_addr", "tcp dport 53 ct state new", "ip6 saddr limit rate over 50/second burst 100 packets" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    g_string_append_printf (out, "\tset %s {\n\t\ttype %s; size 32768; flags dynamic; timeout 10s;\n\t}\n",
                            limits[i].set, limits[i].type);
  g_string_append (out, "\tchain to_names {\n");
  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    g_string_append_printf (out, "\t\t%s add @%s { %s } drop\n", limits[i].match, limits[i].set, limits[i].limit);
  g_string_append (out, "\t\taccept\n\t}\n");
}

static gchar *
public_ports (const EwFirewallConfig *config)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < config->n_public_ports; i++)
    g_string_append_printf (text, "%s%u", text->len > 0 ? ", " : "", config->public_ports[i]);
  return g_string_free (text, FALSE);
}

/* At this host's own global addresses. */
static void
format_own (GString *out, const EwFirewallConfig *config)
{
  g_autofree gchar *ports = public_ports (config);
  gchar text[EW_IP_STRLEN];

  g_string_append (out, "\tchain to_own {\n\t\tct state established,related accept\n\t\t");
  if (config->listen.family != EW_FAMILY_NONE)
    {
      ew_ip_format (&config->listen, text);
      g_string_append_printf (out, "%s daddr %s ", family_word (config->listen.family), text);
    }
  g_string_append_printf (out,
                          "meta l4proto { tcp, udp } th dport %u reject with icmpx admin-prohibited\n"
                          "\t\ticmp type echo-request accept\n\t\ticmpv6 type echo-request accept\n",
                          config->api_port);
  if (*ports != '\0')
    g_string_append_printf (out, "\t\tmeta l4proto { tcp, udp } th dport { %s } accept\n", ports);
  g_string_append (out, "\t\treject with icmpx admin-prohibited\n\t}\n");
}

/* What would only come back from a NAT before this host stays here. */
static void
format_behind (GString *out, const EwFirewallConfig *config)
{
  g_autofree gchar *ports = public_ports (config);

  if (*ports == '\0')
    return;
  g_string_append (out, "\tchain lead_back {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n");
  for (gsize i = 0; i < 2; i++)
    if (has (config, i))
      g_string_append_printf (
        out, "\t\tiifname \"%s\" %s daddr @behind%u meta l4proto { tcp, udp } th dport { %s } redirect\n",
        config->interface, family_word (config->service[i].family), i == 0 ? 4 : 6, ports);
  g_string_append (out, "\t}\n");
}

/* A TCP segment must fit the tunnel: its MTU less 40 bytes of IPv4 and TCP header, 60 of IPv6 and TCP. */
static void
format_clamp (GString *out, const EwFirewallConfig *config)
{
  g_string_append_printf (out,
                          "\tchain clamp {\n"
                          "\t\tmeta nfproto ipv4 tcp option maxseg size > %u tcp option maxseg size set %u\n"
                          "\t\tmeta nfproto ipv6 tcp option maxseg size > %u tcp option maxseg size set %u\n\t}\n",
                          config->mtu - 40, config->mtu - 40, config->mtu - 60, config->mtu - 60);
}

/* Public ports that this host leads to somewhere else, as containers' are: packets to the edge's own address are
 * accepted there, although it's private. */
static void
format_published (GString *out, const EwFirewallConfig *config)
{
  static const gchar *const protocols[] = { "tcp", "udp" };
  gchar text[EW_PREFIX_STRLEN];

  for (gsize i = 0; i < 2; i++)
    for (gsize p = 0; p < G_N_ELEMENTS (protocols) * config->n_public_ports && has (config, i); p++)
      {
        const gchar *family = family_word (config->service[i].family);

        ew_prefix_format (&config->ranges[i], text);
        /* A rule each: nft 1.0.6 lists a set of such ports as "[invalid type]", which it cannot read again. */
        g_string_append_printf (out,
                                "\t\t%s saddr %s ct status dnat ct original %s daddr @own%u meta l4proto %s "
                                "ct original proto-dst %u accept\n",
                                family, text, family, i == 0 ? 4 : 6, protocols[p % 2], config->public_ports[p / 2]);
      }
}

static void
format_forward (GString *out, const EwFirewallConfig *config)
{
  gchar text[EW_PREFIX_STRLEN];

  g_string_append_printf (out,
                          "\tchain forward {\n\t\ttype filter hook forward priority " PRIORITY "; policy accept;\n"
                          "\t\tiifname \"%s\" jump outwards\n\t\toifname \"%s\" jump inwards\n\t}\n"
                          "\tchain outwards {\n\t\toifname \"%s\" drop\n",
                          config->interface, config->interface, config->interface);
  if (config->exit)
    {
      g_string_append (out, "\t\ttcp flags & (syn | rst) == syn jump clamp\n");
      format_published (out, config);
      g_string_append (out, "\t\tip daddr @near4 reject with icmpx admin-prohibited\n"
                            "\t\tip6 daddr @near6 reject with icmpx admin-prohibited\n");
      for (gsize i = 0; i < 2; i++)
        if (has (config, i))
          {
            ew_prefix_format (&config->ranges[i], text);
            g_string_append_printf (out, "\t\t%s saddr %s accept\n", family_word (config->service[i].family), text);
          }
    }
  g_string_append (out, "\t\tdrop\n\t}\n\tchain inwards {\n\t\ttcp flags & (syn | rst) == syn jump clamp\n"
                        "\t\tct state established,related accept\n\t\tdrop\n\t}\n");
}

static void
format_nat (GString *out, const EwFirewallConfig *config)
{
  gchar text[EW_PREFIX_STRLEN];

  g_string_append (out, "\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
  for (gsize i = 0; i < 2; i++)
    if (has (config, i))
      {
        ew_prefix_format (&config->ranges[i], text);
        g_string_append_printf (out, "\t\toifname != { \"%s\", \"lo\" } %s saddr %s masquerade\n", config->interface,
                                family_word (config->service[i].family), text);
      }
  g_string_append (out, "\t}\n");
}

static void
format_undo (GString *out, const GPtrArray *undo)
{
  g_string_append (out, "\tchain undo {\n");
  for (guint i = 0; undo != NULL && i < undo->len; i++)
    {
      g_autofree gchar *text = ew_exit_sysctl_to_text (g_ptr_array_index (undo, i));

      if (text != NULL)
        g_string_append_printf (out, "\t\treturn comment \"%s\"\n", text);
    }
  g_string_append (out, "\t}\n");
}

gchar *
ew_exit_firewall_format (const EwFirewallConfig *config)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "table inet " TABLE "%s {\n", config->interface);
  if (config->exit)
    format_sets (out, config);
  format_guard (out, config);
  if (config->names)
    format_names (out);
  format_input (out, config);
  if (config->exit)
    {
      format_own (out, config);
      format_behind (out, config);
      format_nat (out, config);
    }
  format_clamp (out, config);
  format_forward (out, config);
  format_undo (out, config->undo);
  g_string_append (out, "}\n");
  return g_string_free (out, FALSE);
}

/* Runs commands; output (transfer full) may be NULL. */
static gboolean
run (const gchar *commands, gboolean json, gchar **output, GError **error)
{
  g_autofree gchar *reason = NULL;
  EwNftResult result = ew_nft_script_run (commands, json, output, &reason);

  if (result == EW_NFT_ABSENT)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                 "The edge's host has no nftables in its kernel (%s); load it with `sudo modprobe nf_tables`, or "
                 "start the kernel that was installed last",
                 reason);
  else if (result != EW_NFT_DONE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The firewall refused the edge's rules (%s)",
                 *reason != '\0' ? reason : "no reason given");
  return result == EW_NFT_DONE;
}

gboolean
ew_exit_firewall_apply (const EwFirewallConfig *config, GError **error)
{
  g_autofree gchar *table = ew_exit_firewall_format (config);
  /* Adding first makes the deletion succeed whether or not there was one. */
  g_autofree gchar *commands = g_strdup_printf ("add table inet " TABLE "%s\ndelete table inet " TABLE "%s\n%s",
                                                config->interface, config->interface, table);

  return ew_exit_firewall_check_name (config->interface, error) && run (commands, FALSE, NULL, error);
}

gboolean
ew_exit_firewall_remove (const gchar *interface, GError **error)
{
  g_autofree gchar *commands
    = g_strdup_printf ("add table inet " TABLE "%s\ndelete table inet " TABLE "%s\n", interface, interface);

  return ew_exit_firewall_check_name (interface, error) && run (commands, FALSE, NULL, error);
}

gboolean
ew_exit_firewall_exists (const gchar *interface)
{
  g_autofree gchar *table = g_strconcat (TABLE, interface, NULL);
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);

  return netlink != NULL && ew_nft_table_is_there (netlink, NFPROTO_INET, table);
}

GStrv
ew_exit_firewall_list_interfaces (GError **error)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) chains = netlink != NULL ? ew_nft_chains (netlink) : NULL;
  const int failure = errno;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (chains == NULL && (failure == EPERM || failure == EACCES))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "Can't read the firewall's tables: %s",
                   g_strerror (failure));
      return NULL;
    }
  for (guint i = 0; chains != NULL && i < chains->len; i++)
    {
      const EwNftChain *chain = &g_array_index (chains, EwNftChain, i);
      const gchar *interface = chain->table + strlen (TABLE);

      if (chain->family == NFPROTO_INET && g_str_has_prefix (chain->table, TABLE) && *interface != '\0'
          && ew_exit_firewall_check_name (interface, NULL) && g_hash_table_add (seen, (gpointer)interface))
        g_strv_builder_add (builder, interface);
    }
  return g_strv_builder_end (builder);
}

/* The members of nft's listing that are of one kind ("chain", "rule"). Borrowed from object. */
static GPtrArray *
members (JsonObject *object, const gchar *kind)
{
  GPtrArray *result = g_ptr_array_new ();
  JsonArray *list = object != NULL ? ew_json_array (object, "nftables") : NULL;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      JsonObject *member = JSON_NODE_HOLDS_OBJECT (node) ? ew_json_object (json_node_get_object (node), kind) : NULL;

      if (member != NULL)
        g_ptr_array_add (result, member);
    }
  return result;
}

GPtrArray *
ew_exit_firewall_read_undo (const gchar *interface)
{
  GPtrArray *undo = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_exit_sysctl_free);
  g_autofree gchar *command = g_strdup_printf ("list chain inet " TABLE "%s undo", interface);
  g_autofree gchar *json = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GPtrArray) rules = NULL;

  if (!ew_exit_firewall_check_name (interface, NULL) || !ew_exit_firewall_exists (interface)
      || !run (command, TRUE, &json, NULL))
    return undo;
  object = ew_json_parse_object (json, strlen (json), LISTING_MAX, NULL);
  rules = members (object, "rule");
  for (guint i = 0; i < rules->len; i++)
    {
      const gchar *comment = ew_json_string (g_ptr_array_index (rules, i), "comment");
      EwSysctl *sysctl = comment != NULL ? ew_exit_sysctl_from_text (comment) : NULL;

      if (sysctl != NULL)
        g_ptr_array_add (undo, sysctl);
    }
  return undo;
}

/* The base chains at hook that drop what none of their rules accepts, as text; empty: there are none. */
static GString *
list_droppers (const EwNftChain *chains, gsize n, guint hook)
{
  GString *names = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    if (chains[i].based && chains[i].hook == hook && chains[i].drops)
      g_string_append_printf (names, "%s%s %s %s", names->len > 0 ? ", " : "", ew_nft_family_name (chains[i].family),
                              chains[i].table, chains[i].name);
  return names;
}

gchar *
ew_exit_firewall_find_blockers_in (const gchar *interface, const EwNftChain *chains, gsize n)
{
  g_autoptr (GString) names = list_droppers (chains, n, NF_INET_FORWARD);
  gboolean docker = FALSE;

  for (gsize i = 0; i < n; i++)
    docker = docker || g_str_equal (chains[i].name, "DOCKER-USER");
  if (names->len == 0)
    return NULL;
  return g_strdup_printf (
    "Another firewall on the edge's host drops forwarded packets that it doesn't know (%s), so VPN mode may not reach "
    "the internet; allow them there, for example with `iptables -I %s -i %s -j ACCEPT` and `iptables -I %s -o %s -m "
    "conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT` (and ip6tables)",
    names->str, docker ? "DOCKER-USER" : "FORWARD", interface, docker ? "DOCKER-USER" : "FORWARD", interface);
}

gchar *
ew_exit_firewall_find_input_blockers_in (const gchar *interface, const EwNftChain *chains, gsize n)
{
  g_autoptr (GString) names = list_droppers (chains, n, NF_INET_LOCAL_IN);

  if (names->len == 0)
    return NULL;
  return g_strdup_printf (
    "Another firewall on the edge's host drops incoming packets that it doesn't know (%s), so nodes may not get "
    "answers "
    "about names; allow their questions there, for example with `ufw allow in on %s to any port 53` or `iptables -I "
    "INPUT -i %s -p udp --dport 53 -j ACCEPT` (and tcp, and ip6tables)",
    names->str, interface, interface);
}

static gchar *
find_in_kernel (const gchar *interface, gchar *(*find) (const gchar *, const EwNftChain *, gsize))
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) chains = netlink != NULL ? ew_nft_chains (netlink) : NULL;

  return chains != NULL ? find (interface, (const EwNftChain *)chains->data, chains->len) : NULL;
}

gchar *
ew_exit_firewall_find_input_blockers (const gchar *interface)
{
  return find_in_kernel (interface, ew_exit_firewall_find_input_blockers_in);
}

/* The tables of iptables' older kernel interface: nft does not list them. */
static gboolean
has_legacy_tables (void)
{
  static const gchar *const files[] = { "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree gchar *names = NULL;

      if (g_file_get_contents (files[i], &names, NULL, NULL) && strstr (names, "filter\n") != NULL)
        return TRUE;
    }
  return FALSE;
}

gchar *
ew_exit_firewall_find_blockers (const gchar *interface)
{
  gchar *sentence = find_in_kernel (interface, ew_exit_firewall_find_blockers_in);

  if (sentence == NULL && has_legacy_tables ())
    sentence = g_strdup_printf (
      "The edge's host has rules of iptables-legacy, which the edge can't read; if they drop forwarded packets, VPN "
      "mode doesn't reach the internet; allow them with `iptables-legacy -I FORWARD -i %s -j ACCEPT`",
      interface);
  return sentence;
}
