/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host-private.h"
#include "common/phrase.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* The kernel takes IPv6 off an interface whose MTU is smaller (RFC 8200 section 5). */
#define IPV6_MIN_MTU 1280

static EwChange *
plan_new (EwPlan *plan, EwChangeKind kind)
{
  EwChange *change = ew_change_new (kind);

  g_ptr_array_add (plan->changes, change);
  return change;
}

static EwChange *
plan_new_on_link (EwPlan *plan, EwChangeKind kind)
{
  EwChange *change = plan_new (plan, kind);

  change->interface = g_strdup (plan->config->interface);
  change->link = plan->link;
  return change;
}

static gboolean
plan_has_route (const EwPlan *plan, const EwPrefix *prefix, guint32 table)
{
  for (guint i = 0; i < plan->changes->len; i++)
    {
      const EwChange *change = plan->changes->pdata[i];
      if (change->kind == EW_CHANGE_ROUTE && change->table == table && ew_prefix_equal (&change->prefix, prefix))
        return TRUE;
    }
  return FALSE;
}

gboolean
ew_plan_has_sysctl (const EwPlan *plan, const gchar *name)
{
  for (guint i = 0; i < plan->changes->len; i++)
    {
      const EwChange *change = plan->changes->pdata[i];
      if (change->kind == EW_CHANGE_SYSCTL && g_str_equal (change->name, name))
        return TRUE;
    }
  return FALSE;
}

void
ew_plan_add_route (EwPlan *plan, const EwPrefix *prefix, guint32 table)
{
  if (plan_has_route (plan, prefix, table))
    return;
  EwChange *change = plan_new_on_link (plan, EW_CHANGE_ROUTE);

  change->prefix = *prefix;
  change->table = table;
}

void
ew_plan_add_exception (EwPlan *plan, const EwPrefix *prefix)
{
  if (plan_has_route (plan, prefix, EW_HOST_TABLE))
    return;
  EwChange *change = plan_new (plan, EW_CHANGE_ROUTE);

  change->prefix = *prefix;
  change->table = EW_HOST_TABLE;
  change->throws = TRUE;
}

void
ew_plan_add_sysctl (EwPlan *plan, const gchar *name, const gchar *value)
{
  EwChange *change = plan_new (plan, EW_CHANGE_SYSCTL);

  change->name = g_strdup (name);
  change->value = g_strdup (value);
}

/* The tag that marks the tables and rules that Edgeway adds to nftables: the ledger's, if it has one already. */
static gchar *
plan_tag (EwPlan *plan, const EwChange *wanted)
{
  for (guint i = 0; i < ew_ledger_length (plan->host->ledger); i++)
    {
      const EwChange *known = ew_ledger_get (plan->host->ledger, i);
      if (ew_change_collides (known, wanted))
        return g_strdup (known->value);
    }
  return g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
}

static void
plan_add_table (EwPlan *plan, const gchar *name)
{
  EwChange *change = plan_new (plan, EW_CHANGE_TABLE);

  change->name = g_strdup (name);
  change->value = plan_tag (plan, change);
}

void
ew_plan_add_foreign (EwPlan *plan, const gchar *chain)
{
  EwChange *change = plan_new_on_link (plan, EW_CHANGE_FOREIGN);

  change->name = g_strdup (chain);
  change->value = plan_tag (plan, change);
}

void
ew_plan_add_exemption (EwPlan *plan, const gchar *chain, const EwPrefix *range)
{
  EwChange *change = plan_new_on_link (plan, EW_CHANGE_FOREIGN);

  change->name = g_strdup (chain);
  change->prefix = *range;
  change->value = plan_tag (plan, change);
}

gboolean
ew_plan_is_ours (const EwPlan *plan, const gchar *sysctl)
{
  for (guint i = 0; i < ew_ledger_length (plan->host->ledger); i++)
    if (g_strcmp0 (ew_ledger_get (plan->host->ledger, i)->name, sysctl) == 0)
      return TRUE;
  return FALSE;
}

static void
plan_add_link (EwPlan *plan)
{
  EwChange *mtu = plan_new_on_link (plan, EW_CHANGE_MTU);

  mtu->value = g_strdup_printf ("%u", plan->config->mtu);
  plan_new_on_link (plan, EW_CHANGE_UP);
}

/* A report of a router behind a gateway comes through the tunnel, and its address has no route there: strict reverse
   path filtering (rp_filter=1) would drop it. The engine has already decided what may come through the tunnel. */
static void
plan_loosen_reverse_path (EwPlan *plan)
{
  g_autofree gchar *name = g_strdup_printf ("net/ipv4/conf/%s/rp_filter", plan->config->interface);

  if (ew_plan_is_ours (plan, name) || ew_sysctl_read_int (name, 0) == 1
      || ew_sysctl_read_int ("net/ipv4/conf/all/rp_filter", 0) == 1)
    ew_plan_add_sysctl (plan, name, "2");
}

static gboolean
plan_carries (const EwPlan *plan, guint8 family)
{
  return family == EW_FAMILY_V4 ? plan->v4 : plan->v6;
}

static void
plan_add_addresses (EwPlan *plan)
{
  for (gsize i = 0; i < plan->config->n_addresses; i++)
    if (plan_carries (plan, plan->config->addresses[i].family))
      plan_new_on_link (plan, EW_CHANGE_ADDRESS)->prefix = ew_prefix_from_ip (&plan->config->addresses[i]);
}

/* Mesh ranges and accepted routes. There is no way to a default route from here: that is vpn.c's alone, and wants
   config->vpn. */
static gboolean
plan_add_routes (EwPlan *plan, GError **error)
{
  for (gsize i = 0; i < plan->config->n_routes; i++)
    {
      const EwPrefix *prefix = &plan->config->routes[i];
      if (prefix->length == 0)
        {
          ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                        "A default route can't be an ordinary route. Use VPN mode.");
          return FALSE;
        }
      if (plan_carries (plan, prefix->ip.family))
        ew_plan_add_route (plan, prefix, RT_TABLE_MAIN);
    }
  return TRUE;
}

gboolean
ew_config_carries (const EwHostConfig *config, guint8 family)
{
  g_autofree gchar *disable = g_strdup_printf ("net/ipv6/conf/%s/disable_ipv6", config->interface);

  if (family == EW_FAMILY_V6 && (config->mtu < IPV6_MIN_MTU || ew_sysctl_read_int (disable, 1) != 0))
    return FALSE;
  for (gsize i = 0; i < config->n_addresses; i++)
    if (config->addresses[i].family == family)
      return TRUE;
  return FALSE;
}

gboolean
ew_config_takes_all (const EwHostConfig *config)
{
  return config->vpn && config->n_included == 0;
}

gboolean
ew_interface_is_plain (const gchar *name)
{
  if (name == NULL || *name == '\0' || strlen (name) >= IFNAMSIZ || name[0] == '.')
    return FALSE;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && strchr ("-_.", *name) == NULL)
      return FALSE;
  return TRUE;
}

GPtrArray *
ew_plan_make (EwHost *host, const EwHostConfig *config, GError **error)
{
  EwPlan plan = { .host = host, .config = config };
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);

  plan.changes = changes;
  if (!ew_interface_is_plain (config->interface))
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "This isn't a name for an interface. Choose 1…15 letters, digits, \"-\", \"_\" or \".\".");
      return NULL;
    }
  plan.link = if_nametoindex (config->interface);
  if (plan.link == 0)
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "The interface %s doesn't exist (%s): another program removed it. Connect again.",
                    config->interface, g_strerror (errno));
      return NULL;
    }
  plan.v4 = ew_config_carries (config, EW_FAMILY_V4);
  plan.v6 = ew_config_carries (config, EW_FAMILY_V6);
  if (host->firewall_failure == NULL)
    {
      plan_add_table (&plan, "inet edgeway");
      plan_add_table (&plan, "arp edgeway");
    }
  plan_add_link (&plan);
  plan_add_addresses (&plan);
  if (!plan_add_routes (&plan, error))
    return NULL;
  if (plan.v4)
    plan_loosen_reverse_path (&plan);
  ew_plan_add_gateway (&plan);
  ew_plan_add_fixes (&plan);
  ew_plan_add_private_table (&plan);
  return g_steal_pointer (&changes);
}
