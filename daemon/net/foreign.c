/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In nftables every base chain of a hook decides: an accept in Edgeway's chain doesn't overrule a drop in Docker's,
 * ufw's or firewalld's chain. If one of them drops what it doesn't know, two rules are added at its head, limited to
 * Edgeway's interface: what comes from it and what goes into it. Edgeway's own chain decides what of that is really
 * let through (firewall.c).
 *
 * A chain may also drop packets for where they come from, whatever they are: Tailscale's "ts-input" does with
 * 100.64.0.0/10, unless they arrive on its own interface. There the one rule is an exemption, for Edgeway's interface
 * and the mesh's range: it returns to the chain before, so that it lets nothing through that the computer's firewall
 * wouldn't.
 *
 * The rules use only what iptables-nft can read back ("-i IF -j ACCEPT"), else `iptables -L` would fail on the chain.
 */
#include "net/host-private.h"
#include "host/nftables.h"
#include "common/phrase.h"

#include <linux/netfilter.h>
#include <string.h>

static gboolean
family_matches (guint8 nft_family, guint8 family)
{
  return nft_family == NFPROTO_INET || nft_family == (family == EW_FAMILY_V4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

static gboolean
has_chain (const GArray *chains, const EwNftChain *beside, const gchar *name)
{
  for (guint i = 0; i < chains->len; i++)
    {
      const EwNftChain *chain = &g_array_index (chains, EwNftChain, i);
      if (chain->family == beside->family && g_str_equal (chain->table, beside->table)
          && g_str_equal (chain->name, name))
        return TRUE;
    }
  return FALSE;
}

static gboolean
drops_unknown (EwNetlink *netlink, const EwNftChain *chain)
{
  EwNftRules rules = { 0 };

  return chain->drops || (ew_nft_rules (netlink, chain, NULL, &rules) && rules.drops_all);
}

/* The owner of a table that no other program may change has been told about Edgeway's interface. */
static gboolean
is_opened_by_owner (EwNetlink *netlink, const EwNftChain *chain, const gchar *interface)
{
  return interface != NULL && ew_nft_table_is_owned (netlink, chain->family, chain->table)
         && ew_nft_names (netlink, chain->family, chain->table, NULL, interface);
}

GStrv
ew_foreign_dropping (guint8 family, const gchar *hook, const gchar *interface)
{
  const guint32 number = g_str_equal (hook, "forward") ? NF_INET_FORWARD : NF_INET_LOCAL_IN;
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autoptr (GArray) chains = netlink != NULL ? ew_nft_chains (netlink) : NULL;

  for (guint i = 0; chains != NULL && i < chains->len; i++)
    {
      const EwNftChain *chain = &g_array_index (chains, EwNftChain, i);
      if (!chain->based || chain->hook != number || !family_matches (chain->family, family)
          || g_str_equal (chain->table, "edgeway") || !drops_unknown (netlink, chain)
          || is_opened_by_owner (netlink, chain, interface))
        continue;
      /* Docker puts its jump to DOCKER-USER first again and again, and leaves its contents alone. */
      gboolean by_docker = number == NF_INET_FORWARD && has_chain (chains, chain, "DOCKER-USER")
                           && ew_nft_names (netlink, chain->family, chain->table, chain->name, "DOCKER-USER");
      g_autofree gchar *full = g_strdup_printf ("%s %s %s", ew_nft_family_name (chain->family), chain->table,
                                                by_docker ? "DOCKER-USER" : chain->name);
      g_strv_builder_add (found, full);
    }
  return g_strv_builder_end (found);
}

/* ---- Edgeway's rules in one of them */

/* What nft(8) takes for a name. */
static gboolean
is_identifier (const gchar *name)
{
  for (const gchar *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_-./", *c) == NULL)
      return FALSE;
  return g_ascii_isalpha (*name) || *name == '_';
}

static gboolean
parse_chain (const gchar *full, EwNftChain *chain)
{
  g_auto (GStrv) words = g_strsplit (full, " ", 3);

  if (g_strv_length (words) != 3 || !is_identifier (words[1]) || !is_identifier (words[2]))
    return FALSE;
  *chain = (EwNftChain){ .family = ew_nft_family (words[0]) };
  g_strlcpy (chain->table, words[1], sizeof chain->table);
  g_strlcpy (chain->name, words[2], sizeof chain->name);
  return chain->family != 0;
}

/* FALSE: the chain is not there. */
static gboolean
find_rules (const EwChange *change, EwNftRules *rules)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  g_autofree gchar *comment = g_strconcat ("edgeway ", change->value, NULL);
  EwNftChain chain;

  return netlink != NULL && parse_chain (change->name, &chain) && ew_nft_rules (netlink, &chain, comment, rules);
}

/* A table that a process owns accepts no other program's rules, whatever its privileges (nft(8), flags owner). */
static gboolean
is_owned (const EwChange *change)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  EwNftChain chain;

  return netlink != NULL && parse_chain (change->name, &chain)
         && ew_nft_table_is_owned (netlink, chain.family, chain.table);
}

gboolean
ew_foreign_may_change (const gchar *chain)
{
  g_autoptr (EwNetlink) netlink = ew_netlink_new (NETLINK_NETFILTER);
  EwNftChain parsed;

  return netlink != NULL && parse_chain (chain, &parsed)
         && !ew_nft_table_is_owned (netlink, parsed.family, parsed.table);
}

static gboolean
set_owned (GError **error, const EwChange *change)
{
  if (strstr (change->name, " firewalld ") != NULL)
    ew_set_error (
      error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT,
      "firewalld drops what it doesn't know and lets no other program change its table. Allow the interface there: "
      "`firewall-cmd --permanent --zone=trusted --add-interface=%s && firewall-cmd --reload`.",
      change->interface);
  else
    ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT,
                  "The nftables chain \"%s\" drops what it doesn't know, and the program that owns its table lets no "
                  "other program change it. Allow the interface %s in that program.",
                  change->name, change->interface);
  return FALSE;
}

static gboolean
set_unnameable (GError **error, const EwChange *change)
{
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_CONFLICT,
                "The nftables chain \"%s\" drops what it doesn't know, and no command can use its name. Allow the "
                "interface %s in the program that made it.",
                change->name, change->interface);
  return FALSE;
}

gchar *
ew_foreign_exemption (const gchar *chain, const gchar *interface, const EwPrefix *range)
{
  gchar text[EW_PREFIX_STRLEN];

  ew_prefix_format (range, text);
  return g_strdup_printf ("insert rule %s iifname %s %s saddr %s counter return", chain, interface,
                          range->ip.family == EW_FAMILY_V4 ? "ip" : "ip6", text);
}

static gboolean
is_exemption (const EwChange *change)
{
  return change->prefix.ip.family != EW_FAMILY_NONE;
}

static gchar *
write_script (const EwChange *change)
{
  if (is_exemption (change))
    {
      g_autofree gchar *rule = ew_foreign_exemption (change->name, change->interface, &change->prefix);
      return g_strdup_printf ("%s comment \"edgeway %s\"\n", rule, change->value);
    }
  return g_strdup_printf ("insert rule %s iifname \"%s\" counter accept comment \"edgeway %s\"\n"
                          "insert rule %s oifname \"%s\" counter accept comment \"edgeway %s\"\n",
                          change->name, change->interface, change->value, change->name, change->interface,
                          change->value);
}

gboolean
ew_foreign_insert (const EwChange *change, GError **error)
{
  EwNftChain chain;
  g_autofree gchar *script = write_script (change);

  if (!parse_chain (change->name, &chain))
    return set_unnameable (error, change);
  return is_owned (change) ? set_owned (error, change) : ew_nft_run (script, FALSE, NULL, error);
}

gboolean
ew_foreign_remove (const EwChange *change, GError **error)
{
  g_autoptr (GArray) handles = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GString) script = g_string_new (NULL);
  EwNftRules rules = { .handles = handles };

  if (!find_rules (change, &rules))
    return TRUE;
  for (guint i = 0; i < handles->len; i++)
    g_string_append_printf (script, "delete rule %s handle %" G_GUINT64_FORMAT "\n", change->name,
                            g_array_index (handles, guint64, i));
  return script->len == 0 || ew_nft_run (script->str, FALSE, NULL, error);
}

gboolean
ew_foreign_is_there (const EwChange *change)
{
  EwNftRules rules = { 0 };

  return find_rules (change, &rules) && rules.tagged >= (is_exemption (change) ? 1u : 2u);
}
